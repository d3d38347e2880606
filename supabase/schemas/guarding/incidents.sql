-- Incidents: what a guard reports of a shift.
--
-- * A guard reports of a shift of their own that was not cancelled. Tenant, company and client are copied from the shift.
-- * The company of the shift and admins change the status, and nothing else.

create or replace function muster.audience_of_incidents(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'user:' || (viewed ->> 'reported_by')
  ];
end
$$;
comment on function muster.audience_of_incidents(jsonb, timestamptz) is 'Who sees an incident: incidents_read, as groups.';
grant execute on function muster.audience_of_incidents(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.incidents',
  trail => 'b_edit_trail',
  published => array['id', 'company_id', 'client_id', 'shift_id', 'reported_by', 'category', 'severity',
    'description', 'incident_point', 'occurred_at', 'status', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'client_id', 'reported_by', 'deleted_at']
);

-- Runs with the rights of whoever writes: a shift that they do not see does not exist.
create or replace function muster.tg_incidents__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  select s.tenant_id, s.company_id, s.client_id into new.tenant_id, new.company_id, new.client_id
  from public.shifts s
  where s.id = new.shift_id and s.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  new.reported_by := coalesce(muster.user_id(), new.reported_by);
  return new;
end
$$;
comment on function muster.tg_incidents__copy_shift() is
  'Whose incident it is follows from the shift; of those that the caller sees, the insert policy decides.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_copy_shift before insert on public.incidents
  for each row execute function muster.tg_incidents__copy_shift();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists incidents_read on public.incidents;
create policy incidents_read on public.incidents for select to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or client_id = (select muster.client_id())
      or (reported_by = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy incidents_read on public.incidents is 'Company and client of the shift; who reported it; admins.';
drop policy if exists incidents_create on public.incidents;
create policy incidents_create on public.incidents for insert to authenticated
  with check (
    reported_by = (select auth.uid())
    and exists (
      select from public.shifts s
      where s.id = shift_id and s.professional_id = (select muster.professional_id()) and s.status <> 'cancelled'
    )
  );
comment on policy incidents_create on public.incidents is 'A guard, of a shift of their own that was not cancelled.';
drop policy if exists incidents_edit on public.incidents;
create policy incidents_edit on public.incidents for update to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy incidents_edit on public.incidents is 'The company of the shift, and admins; only the status is granted.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.incidents to authenticated;
grant insert (id, shift_id, category, severity, description, incident_point, occurred_at)
  on public.incidents to authenticated;
grant update (status) on public.incidents to authenticated;
grant select, insert, update, delete on public.incidents to service_role;
grant select on public.incidents to muster_definer;
