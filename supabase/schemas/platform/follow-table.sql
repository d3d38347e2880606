-- Access: what holds for who sees and does what, of every table. Row level security is enabled and forced; nothing is granted
-- that is not written beside the rules of the table, with its policies.
--
-- * `anon` gets nothing.
-- * `authenticated` is everybody with a token; the policies tell company, client, guard and admin apart. One policy per
--   table and command. Every id that a policy compares belongs to one tenant, so tenants never meet.
-- * A deleted user has a valid token for a while: the helpers of people/callers.sql know nothing of them, and `auth.uid()`
--   stands beside a `tenant_id`, which they no longer have.
-- * A helper is called when it is first needed, so what needs none stands before it. A change of an open shift is checked for
--   hundreds of guards at once: their term comes first.
-- * What costs most stands last, and a subquery comes after an `is not null`: `null and exists (…)` runs it for every row.
--   It ends in `offset 0`, which keeps it from being hashed: it is looked up by index for each row of a page, where a hash would
--   read all shifts before the first.
-- * Column grants say what may be written at all: what the database computes is granted to nobody. `email` and
--   `home_point` are not granted for reading either (see muster.me and muster.professional_home), nor what is between us and the payment provider.
-- * `service_role` (background work) and `muster_definer` (the security definer functions) see all rows through a policy,
--   and have the table privileges that are granted beside the rules of each table.

do $$
declare
  relation regclass;
begin
  foreach relation in array array[
    'public.tenants', 'public.organizations', 'public.company_clients', 'public.users', 'public.invitations',
    'public.security_professionals', 'public.certificates', 'public.locations', 'public.shifts',
    'public.shift_briefings', 'public.gps_checkins', 'public.incidents', 'public.finqle_transactions', 'public.notifications',
    'muster.idempotency_keys', 'muster.idempotency_usage', 'muster.candidate_pages'
  ]::regclass[] loop
    execute format('alter table %s enable row level security', relation);
    execute format('alter table %s force row level security', relation);
    execute format('revoke all on %s from public, anon, authenticated, service_role', relation);
    execute format('drop policy if exists internal on %s', relation);
    execute format(
      'create policy internal on %s to muster_definer, service_role using (true) with check (true)', relation
    );
    execute format(
      'comment on policy internal on %s is %L', relation,
      'Background work and the security definer functions; their grants say how far they reach.'
    );
  end loop;
end
$$;
