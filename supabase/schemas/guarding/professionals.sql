-- Professionals: the guards, of whom each is one user.
--
-- * Only an admin changes a professional's status; a guard changes their own home point.
-- * A professional with an assigned or active shift (not yet over) cannot be suspended or made inactive: the shift is released
--   first. Assignments lock the professional's row too, so the two never pass each other.
-- * `home_point` is granted to nobody for reading: muster.me and muster.professional_home tell it.

select muster.follow_table('public.security_professionals', trail => 'b_edit_trail');

create or replace function muster.tg_security_professionals__check_status() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
begin
  if muster.acts_for_caller() and muster.admin_tenant_id() is null then
    perform muster.fail('forbidden', 'status');
  end if;
  perform muster.require_read_committed();
  if (new.status <> 'active' or new.deleted_at is not null) and exists (
    select from public.shifts s
    where s.professional_id = new.id
      and s.status in ('assigned', 'active')
      and s.end_datetime > now()
      and s.deleted_at is null
  ) then
    perform muster.fail('professional_in_use');
  end if;
  return new;
end
$$;
comment on function muster.tg_security_professionals__check_status() is
  'Security definer: the shifts may be of companies that the caller cannot see.';

create or replace function muster.professional_home(professional uuid) returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object('latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry))
  from public.security_professionals p
  where p.id = professional
    and p.home_point is not null
    and p.deleted_at is null
    and (p.id = muster.professional_id() or p.tenant_id = muster.admin_tenant_id())
$$;
comment on function muster.professional_home(uuid) is
  'Where a guard lives: for the guard and for admins. Security definer: the column is granted to nobody.';
grant execute on function muster.professional_home(uuid) to authenticated;

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_check_status before update on public.security_professionals
  for each row when (old.status <> new.status or old.deleted_at is distinct from new.deleted_at)
  execute function muster.tg_security_professionals__check_status();
create or replace trigger note_caller after insert or delete on public.security_professionals
  for each row execute function muster.tg_note_caller('user_id');
create or replace trigger note_caller_on_update after update on public.security_professionals
  for each row when (
    (old.id, old.user_id, old.tenant_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.tenant_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
alter table public.security_professionals enable always trigger note_caller;
alter table public.security_professionals enable always trigger note_caller_on_update;

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists security_professionals_read on public.security_professionals;
create policy security_professionals_read on public.security_professionals for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
      or exists (
        select from public.shifts s
        where s.professional_id = security_professionals.id
          and (s.company_id = (select muster.company_id()) or s.client_id = (select muster.client_id()))
        offset 0
      )
    )
  );
comment on policy security_professionals_read on public.security_professionals is
  'A guard oneself; companies and clients those on their shifts; admins all of the tenant.';
drop policy if exists security_professionals_edit on public.security_professionals;
create policy security_professionals_edit on public.security_professionals for update to authenticated
  using (
    deleted_at is null
    and (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (id = (select muster.professional_id()) or tenant_id = (select muster.admin_tenant_id()));
comment on policy security_professionals_edit on public.security_professionals is
  'A guard their home point (a trigger keeps the status for admins); admins all of the tenant.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select (id, tenant_id, user_id, status, created_at, updated_at, deleted_at)
  on public.security_professionals to authenticated;
grant update (home_point, status) on public.security_professionals to authenticated;
grant select, insert, update, delete on public.security_professionals to service_role;
grant select, insert, update on public.security_professionals to muster_definer;

alter function muster.tg_security_professionals__check_status() owner to muster_definer;
alter function muster.professional_home(uuid) owner to muster_definer;
