drop table
  public.notifications, public.finqle_transactions, public.incidents, public.gps_checkins, public.shifts,
  public.locations, public.certificates, public.security_professionals, public.invitations, public.users,
  public.company_clients, public.organizations, public.tenants, muster.idempotency_keys;
