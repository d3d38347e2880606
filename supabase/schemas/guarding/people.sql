-- What guarding adds to people: who guards are, and whom and what they see.
--
-- * Guards see the organizations of the shifts that they see. Whoever sees a professional sees their user.
-- * Whoever accepts an invitation as `zzp` becomes a professional.
-- * When a guard is suspended, the shifts that have not begun are released, and the company of one that has is told. The status of
--   the professional stays as it is: it says whether they take work.
-- * A user has one role of guarding at most: whoever plans, pays or administers guards is not one of them, and lists look for
--   the rows of one role (mergeBranches).
-- * A policy of a module stands beside the one of people, and PostgreSQL joins the two with OR, in the order of their names,
--   backwards: people's is looked at first, and a row that it shows costs nothing here (policy-cost.server.test.ts).

create or replace function muster.roles_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('company', 'company', 'client', 'client', 'zzp', null);
comment on function muster.roles_of_guarding() is 'The roles of guarding, with the kinds of their organizations.';

create unique index if not exists memberships_one_role_of_guarding on public.memberships (user_id)
  where role in ('admin', 'company', 'client', 'zzp');

create or replace function muster.join_as_zzp(tenant uuid, caller uuid, latitude float8, longitude float8) returns void
language sql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  insert into public.security_professionals (tenant_id, user_id, home_point)
  values (
    tenant, caller,
    case when latitude is not null and longitude is not null then st_point(longitude, latitude)::geography end
  )
$$;
comment on function muster.join_as_zzp(uuid, uuid, float8, float8) is 'Makes a new user a professional. For muster.accept_invitation.';

create or replace function muster.me_of_guarding(caller uuid) returns jsonb
language sql
stable
set search_path = pg_catalog, extensions, public, pg_temp
as $$
  select jsonb_build_object('professional', (
    select jsonb_build_object(
      'id', p.id, 'status', p.status,
      'latitude', st_y(p.home_point::geometry), 'longitude', st_x(p.home_point::geometry)
    )
    from public.security_professionals p
    where p.user_id = caller and p.deleted_at is null
  ))
$$;
comment on function muster.me_of_guarding(uuid) is 'A guard''s professional, with the home point. For muster.me.';

create or replace function muster.notification_types_of_guarding() returns text[]
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'guard_suspended', 'correction_proposed',
    'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
    'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved', 'pay_period_closed', 'statement_made',
    'statement_corrected', 'payout_completed', 'payout_failed', 'payout_refunded'
  ];
end
$$;
comment on function muster.notification_types_of_guarding() is 'What guarding tells users of.';

create or replace function muster.suspension_of_guarding(account uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  guard uuid := (select p.id from public.security_professionals p where p.user_id = account and p.deleted_at is null);
  shift public.shifts;
begin
  if guard is null then
    return;
  end if;
  -- Twice: an assignment that was under way has locked the professional, and is seen once it is committed. A later one finds the user
  -- suspended. A shift is locked before its professional, as everywhere.
  for attempt in 1..2 loop
    for shift in
      select s.* from public.shifts s
      where s.professional_id = guard and s.status = 'assigned' and s.deleted_at is null
      order by s.id
      for no key update
    loop
      if muster.has_begun(
        shift, (select a.id from public.assignments a where a.shift_id = shift.id and a.ended_at is null)
      ) then
        continue;
      end if;
      update public.shifts s set status = 'published' where s.id = shift.id returning s.* into shift;
      perform muster.notify_company(shift, 'shift_released');
    end loop;
    perform from public.security_professionals p where p.id = guard for no key update;
  end loop;
  for shift in
    select s.* from public.shifts s
    where s.professional_id = guard and s.status in ('assigned', 'active') and s.deleted_at is null
    order by s.id
  loop
    perform muster.notify_company(shift, 'guard_suspended');
  end loop;
end
$$;
comment on function muster.suspension_of_guarding(uuid) is
  'Releases the shifts of a guard who is suspended, and tells the company of one that has begun. For muster.suspend_user.';
grant execute on function muster.suspension_of_guarding(uuid) to muster_definer;

create or replace function muster.groups_of_guarding(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array['guards:' || m.tenant_id, 'professional:' || p.id]
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.security_professionals p on p.user_id = m.user_id and p.deleted_at is null
  where m.user_id = any (callers) and m.role = 'zzp' and u.deleted_at is null and u.suspended_at is null;
end;
comment on function muster.groups_of_guarding(uuid[]) is 'To which groups guards belong.';

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists organizations_read_of_guarding on public.organizations;
create policy organizations_read_of_guarding on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (select muster.guard_tenant_id()) is not null
    and tenant_id = (select muster.guard_tenant_id())
    and (
      exists (
        select from public.shifts s
        where s.company_id = organizations.id and s.start_datetime > now()
        order by s.start_datetime
        offset 0
      )
      or exists (
        select from public.shifts s
        where s.client_id = organizations.id and s.start_datetime > now()
        order by s.start_datetime
        offset 0
      )
      -- Read once for all organizations: a guard of some years has hundreds of shifts.
      or id in (
        select o.id
        from public.shifts s
        cross join lateral (values (s.company_id), (s.client_id)) as o (id)
        where s.professional_id = (select muster.professional_id())
      )
    )
  );
comment on policy organizations_read_of_guarding on public.organizations is 'Guards those of the shifts that they see.';
drop policy if exists users_read_of_guarding on public.users;
create policy users_read_of_guarding on public.users for select to authenticated
  using (
    deleted_at is null
    and exists (select from public.security_professionals p where p.user_id = users.id offset 0)
  );
comment on policy users_read_of_guarding on public.users is 'The professionals that one sees.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function
  muster.join_as_zzp(uuid, uuid, float8, float8),
  muster.me_of_guarding(uuid),
  muster.groups_of_guarding(uuid[])
to muster_definer;
grant execute on function muster.notification_types_of_guarding() to service_role, muster_definer;
grant execute on function muster.roles_of_guarding() to authenticated, service_role, muster_definer;
