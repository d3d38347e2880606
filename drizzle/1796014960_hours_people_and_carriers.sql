alter publication supabase_realtime drop table public.assignments;
--> statement-breakpoint
drop policy organizations_read_of_guarding on public.organizations;
--> statement-breakpoint
drop policy invitations_withdraw on public.invitations;
--> statement-breakpoint
drop policy invitations_read on public.invitations;
--> statement-breakpoint
drop trigger c_check_assignment_on_update on public.shifts;
--> statement-breakpoint
drop trigger shifts_assigned_has_payment on public.shifts;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop trigger follow_assignment_on_update on public.shifts;
--> statement-breakpoint
drop function muster.pay_for(numeric,numeric,numeric,numeric);
--> statement-breakpoint
drop function muster.interval_from(assignments,timestamp with time zone,timestamp with time zone);
--> statement-breakpoint
create or replace function muster.admin_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'admin' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.company_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'company' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.client_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'client' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.roles_of_people() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('admin', null);
--> statement-breakpoint
create or replace function muster.roles() returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  roles text;
  part jsonb;
  found_ jsonb := '{}';
begin
  for roles in select muster.functions_of('roles') loop
    execute format('select muster.%I()', roles) into part;
    found_ := found_ || part;
  end loop;
  return found_;
end
$$;
--> statement-breakpoint
-- Both refuse as the check constraints that they stand for: no constraint can ask the modules.
create or replace function muster.tg_set_organization_kind() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  roles constant jsonb := muster.roles();
begin
  if not roles ? new.role then
    raise exception using
      errcode = 'check_violation', schema = tg_table_schema, table = tg_table_name, column = 'role',
      constraint = tg_table_name || '_role_known', message = 'no module has this role';
  end if;
  new.organization_kind := roles ->> new.role;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_organizations__check_kind() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from jsonb_each_text(muster.roles()) r where r.value = new.kind) then
    return new;
  end if;
  raise exception using
    errcode = 'check_violation', schema = 'public', table = 'organizations', column = 'kind',
    constraint = 'organizations_kind_known', message = 'no module has organizations of this kind';
end
$$;
--> statement-breakpoint
create or replace function muster.guard_tenant_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.professional_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select p.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.security_professionals p on p.user_id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and p.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.office_carrier_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'office' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.driver_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select d.id
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.drivers d on d.user_id = m.user_id and d.organization_id = m.organization_id
    where m.user_id = caller and m.role = 'driver' and u.deleted_at is null and d.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.broker_id() returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'broker' and u.deleted_at is null
  );
end
$$;
--> statement-breakpoint
create or replace function muster.may_invite(role text, organization uuid) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  invites text;
  may boolean;
begin
  for invites in select muster.functions_of('invites') loop
    execute format('select muster.%I($1, $2)', invites) into may using role, organization;
    if may then
      return true;
    end if;
  end loop;
  return false;
end
$$;
--> statement-breakpoint
create or replace function muster.create_invitation(
  role text, organization uuid default null, email text default null, valid_for interval default interval '14 days'
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 122 random bits.
  code text := replace(gen_random_uuid()::text, '-', '');
  invited public.invitations;
begin
  -- Colleagues come to the company that invites them; only an admin has to say to which.
  if create_invitation.role = 'company' then
    organization := coalesce(organization, muster.company_id());
  end if;
  -- A null role or organization must not make the refusal null, which would be none.
  if muster.admin_tenant_id() is null and not muster.may_invite(create_invitation.role, organization) and not coalesce(
    muster.company_id() is not null
    and (
      (create_invitation.role = 'company' and organization = muster.company_id())
      or (muster.joining_as(create_invitation.role) is not null and organization is null)
    ),
    false
  ) then
    perform muster.fail('forbidden', 'role');
  end if;
  if organization is not null and not exists (
    select from public.organizations o
    where o.id = organization and o.tenant_id = muster.tenant_id() and o.deleted_at is null
  ) then
    perform muster.fail('not_found', 'organization_id');
  end if;

  insert into public.invitations
    (tenant_id, organization_id, role, email, code_hash, expires_at, created_by, inviting_organization_id)
  values (
    muster.tenant_id(), organization, create_invitation.role, create_invitation.email,
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(),
    coalesce(muster.company_id(), case when muster.admin_tenant_id() is null then organization end)
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$$;
--> statement-breakpoint
create or replace function muster.accept_invitation(
  code text, name text, email text, latitude float8 default null, longitude float8 default null
) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  invitation public.invitations;
  registered public.users;
  is_good boolean;
  caller uuid := muster.user_id();
  joining regprocedure;
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  select * into registered from public.users u where u.id = caller;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  is_good := found
    and invitation.accepted_at is null
    and invitation.expires_at > now()
    and (invitation.email is null or lower(invitation.email) is not distinct from lower(token_email))
    and not exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    );
  -- A removed user stays removed, and nobody belongs to two tenants.
  if registered.id is not null
    and (not is_good or registered.deleted_at is not null or registered.tenant_id <> invitation.tenant_id) then
    perform muster.fail('already_registered');
  end if;
  if not is_good then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  if registered.id is null then
    insert into public.users (id, tenant_id, organization_id, role, name, email)
    values (
      caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
      coalesce(token_email, accept_invitation.email)
    );
  else
    begin
      insert into public.memberships (tenant_id, user_id, organization_id, role)
      values (invitation.tenant_id, caller, invitation.organization_id, invitation.role);
    exception
      -- The role itself, or one that a module keeps apart from it.
      when unique_violation then perform muster.fail('already_registered');
    end;
  end if;
  joining := muster.joining_as(invitation.role);
  if joining is not null then
    execute format('select %s($1, $2, $3, $4)', joining::regproc) using invitation.tenant_id, caller, latitude, longitude;
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_kind before insert or update of role, organization_kind on public.invitations
  for each row execute function muster.tg_set_organization_kind();
--> statement-breakpoint
create policy invitations_read_of_people on public.invitations for select to authenticated
  using (
    inviting_organization_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy invitations_withdraw_of_people on public.invitations for delete to authenticated
  using (
    accepted_at is null
    and (inviting_organization_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
create policy internal on public.memberships for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace trigger a_set_kind before insert or update of role, organization_kind on public.memberships
  for each row execute function muster.tg_set_organization_kind();
--> statement-breakpoint
create or replace trigger note_caller after insert or update or delete on public.memberships
  for each row execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create policy memberships_read_of_people on public.memberships for select to authenticated
  using (
    (user_id = (select auth.uid()) and tenant_id = (select muster.tenant_id()))
    or organization_id = (select muster.company_id())
    or organization_id = (select muster.client_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace trigger a_check_kind before insert or update of kind on public.organizations
  for each row execute function muster.tg_organizations__check_kind();
--> statement-breakpoint
create or replace function muster.me() returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  caller constant uuid := muster.user_id();
  answer jsonb;
  more text;
  added jsonb;
begin
  select jsonb_build_object(
    'id', u.id, 'tenant_id', u.tenant_id, 'organization_id', u.organization_id, 'role', u.role, 'name', u.name,
    'email', u.email, 'created_at', u.created_at,
    'tenant_name', t.name,
    'organization', case when o.id is not null then jsonb_build_object(
      'id', o.id, 'name', o.name, 'kind', o.kind
    ) end,
    'memberships', coalesce((
      select jsonb_agg(
        jsonb_build_object('role', m.role, 'organization', case when mo.id is not null then jsonb_build_object(
          'id', mo.id, 'name', mo.name, 'kind', mo.kind
        ) end)
        order by m.id
      )
      from public.memberships m
      left join public.organizations mo on mo.id = m.organization_id
      where m.user_id = u.id
    ), '[]')
  ) into answer
  from public.users u
  join public.tenants t on t.id = u.tenant_id
  left join public.organizations o on o.id = u.organization_id
  where u.id = caller and u.deleted_at is null;
  if answer is not null then
    for more in select muster.functions_of('me') loop
      execute format('select muster.%I($1)', more) into added using caller;
      answer := answer || added;
    end loop;
  end if;
  return answer;
end
$$;
--> statement-breakpoint
create or replace function muster.groups_of_people(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  -- A deleted user has a token, and no tenant.
  select u.id, array['user:' || u.id] || array(
    select case m.role
      when 'admin' then 'admins:' || m.tenant_id
      when 'company' then 'company:' || m.organization_id
      when 'client' then 'client:' || m.organization_id
    end
    from public.memberships m
    where m.user_id = u.id
  )
  from public.users u
  where u.id = any (callers) and u.deleted_at is null;
end;
--> statement-breakpoint
create or replace function muster.tg_users__follow_role() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    update public.memberships m
    set role = new.role, organization_id = new.organization_id
    where m.user_id = new.id and m.role = old.role;
    if found then
      return null;
    end if;
  end if;
  insert into public.memberships (tenant_id, user_id, organization_id, role)
  values (new.tenant_id, new.id, new.organization_id, new.role);
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_kind before insert or update of role, organization_kind on public.users
  for each row execute function muster.tg_set_organization_kind();
--> statement-breakpoint
create or replace trigger follow_role after insert on public.users
  for each row execute function muster.tg_users__follow_role();
--> statement-breakpoint
create or replace trigger follow_role_on_update after update on public.users
  for each row when ((old.role, old.organization_id) is distinct from (new.role, new.organization_id))
  execute function muster.tg_users__follow_role();
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.users
  for each row when (
    (old.id, old.tenant_id, old.deleted_at) is distinct from (new.id, new.tenant_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('id');
--> statement-breakpoint
create policy internal on public.allowances for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create policy internal on muster.public_holidays for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace function muster.calendar_of(time_zone text) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when time_zone = 'Europe/Amsterdam' then 'NL'
  when time_zone = 'Europe/Brussels' then 'BE'
  when time_zone in ('Europe/Berlin', 'Europe/Busingen') then 'DE'
end;
--> statement-breakpoint
create or replace function muster.allowances_of(assignment public.assignments) returns setof public.allowances
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    with valid as (
      select distinct on (a.kind) a.*
      from public.allowances a
      where a.company_id = assignment.company_id
        and a.valid_from <= assignment.start_datetime
        and a.created_at <= assignment.begun_at
      order by a.kind, a.valid_from desc
    )
    select v.*
    from valid v
    where coalesce(v.percent, v.amount_per_hour) > 0
      and (
        v.kind <> 'short_notice'
        or assignment.start_datetime - assignment.begun_at < make_interval(hours => v.notice_hours)
      );
end
$$;
--> statement-breakpoint
create or replace function muster.allowance_hours(
  allowance public.allowances, time_zone text, spans tstzmultirange
) returns tstzmultirange
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  site_calendar constant text := muster.calendar_of(time_zone);
begin
  if allowance.kind = 'short_notice' then
    return spans;
  end if;
  return (
    select coalesce(range_agg(tstzrange(w.begins_at, w.ends_at)), '{}')
    -- The window of the day before may reach into the first.
    from generate_series(
      date_trunc('day', lower(spans) at time zone time_zone) - interval '1 day',
      upper(spans) at time zone time_zone,
      interval '1 day'
    ) as d (day)
    cross join lateral (
      select
        (d.day + coalesce(allowance.window_from::interval, interval '0')) at time zone time_zone as begins_at,
        (d.day + case
          when allowance.window_to > allowance.window_from then allowance.window_to::interval
          else interval '1 day' + coalesce(allowance.window_to::interval, interval '0')
        end) at time zone time_zone as ends_at
    ) as w
    where w.begins_at < w.ends_at
      and case allowance.kind
        when 'saturday' then extract(isodow from d.day) = 6
        when 'sunday' then extract(isodow from d.day) = 7
        when 'public_holiday' then exists (
          select from muster.public_holidays h where h.calendar = site_calendar and h.day = d.day::date
        )
        else true
      end
  );
end
$$;
--> statement-breakpoint
create or replace function muster.allowance_name(allowance public.allowances) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case allowance.kind
  when 'evening' then 'Evening'
  when 'night' then 'Night'
  when 'saturday' then 'Saturday'
  when 'sunday' then 'Sunday'
  when 'public_holiday' then 'Public holiday'
  when 'short_notice' then 'Short notice'
end
|| coalesce(' ' || left(allowance.window_from::text, 5) || '–' || left(allowance.window_to::text, 5), '');
--> statement-breakpoint
-- Runs with the rights of whoever writes: an organization that they do not see does not exist.
create or replace function muster.tg_allowances__set_tenant() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.company_id and o.kind = 'company' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'company_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.allowances
  for each row execute function muster.tg_allowances__set_tenant();
--> statement-breakpoint
create policy allowances_read on public.allowances for select to authenticated
  using (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy allowances_create on public.allowances for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
alter publication supabase_realtime add table public.assignments (approve_after_days, auto_close_minutes, auto_closed_at, begun_at, company_id, created_at, delivery_days, dispute_days, end_datetime, ended_as, ended_at, flags, give_back_minutes, hourly_rate, id, late_after_minutes, minimum_minutes, moved_at, overtime_rate, overtime_tolerance_minutes, plan_tolerance_minutes, professional_id, radius_meters, shift_id, start_datetime, updated_at);
--> statement-breakpoint
create or replace function muster.begin_assignment(shift public.shifts) returns uuid
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms constant public.company_terms := muster.terms_at(shift.company_id, now());
  assignment uuid;
begin
  insert into public.assignments (
    tenant_id, company_id, shift_id, professional_id, begun_at, start_datetime, end_datetime, hourly_rate, overtime_rate,
    radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days,
    overtime_tolerance_minutes, plan_tolerance_minutes, approve_after_days, dispute_days
  )
  select
    -- Not `now()`: of two assignments in one transaction one is the later.
    shift.tenant_id, shift.company_id, shift.id, shift.professional_id, clock_timestamp(), shift.start_datetime, shift.end_datetime,
    shift.hourly_rate, shift.overtime_rate, l.radius_meters,
    terms.late_after_minutes, terms.auto_close_minutes, terms.minimum_minutes, terms.give_back_minutes, terms.delivery_days,
    terms.overtime_tolerance_minutes, terms.plan_tolerance_minutes, terms.approve_after_days, terms.dispute_days
  from public.locations l
  where l.id = shift.location_id
  returning id into assignment;
  return assignment;
end
$$;
--> statement-breakpoint
create or replace function muster.reopen_assignment(shift uuid) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.assignments a
  set ended_at = null, ended_as = null
  where a.shift_id = shift and a.ended_as in ('completed', 'no_show');
end;
--> statement-breakpoint
create or replace function muster.flag_late_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  late record;
  done integer := 0;
begin
  for late in
    select s as shift, a.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null
      and s.status = 'assigned'
      and not 'late' = any (a.flags)
      -- The index of what is in force has this; the grace is of each assignment.
      and a.start_datetime < now()
      and a.start_datetime + make_interval(mins => a.late_after_minutes) < now()
      -- Nobody has to hear that it is late when it is over: that it is a no_show, they do.
      and s.end_datetime > now()
    order by s.id
    limit most
    for no key update of s skip locked
  loop
    update public.assignments a
    set flags = array(select f.flag from unnest(a.flags || 'late'::text) as f (flag) order by f.flag)
    where a.id = late.id;
    perform muster.notify_professional(late.shift, (late.shift).professional_id, 'shift_late');
    perform muster.notify_company(late.shift, 'shift_late');
    done := done + 1;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
create or replace function muster.close_missed_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  missed uuid;
  done integer := 0;
begin
  for missed in
    select s.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null and a.start_datetime < now() and s.status = 'assigned' and s.end_datetime <= now()
    order by s.id
    limit most
    for no key update of s skip locked
  loop
    update public.shifts s set status = 'no_show' where s.id = missed;
    done := done + 1;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
create or replace function muster.close_left_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  left_open uuid;
  done integer := 0;
begin
  for left_open in
    select a.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null
      and a.start_datetime < now()
      and s.status = 'active'
      and a.auto_closed_at is null
      and s.end_datetime + make_interval(mins => a.auto_close_minutes) < now()
    order by a.start_datetime desc, a.shift_id desc
    limit most
    for no key update of s skip locked
  loop
    update public.assignments a set auto_closed_at = now() where a.id = left_open;
    perform muster.advance_assignment(left_open);
    done := done + 1;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: a shift that they do not see does not exist, and the policies decide the rest.
create or replace function muster.tg_shift_briefings__copy_shift() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if tg_op = 'INSERT' then
    -- The lock keeps the shift's guard until this is committed: an assignment at this moment would not find the briefing.
    select s.* into shift from public.shifts s where s.id = new.shift_id for share;
  else
    -- Without a lock: whatever changes the shift writes the briefing afterwards, and waits here for this row.
    select s.* into shift from public.shifts s where s.id = new.shift_id;
  end if;
  if not found then
    perform muster.fail('not_found', 'shift_id');
  end if;
  if shift.status in ('completed', 'cancelled', 'no_show')
    and (tg_op = 'INSERT' or new.text is distinct from old.text)
    and muster.acts_for_caller()
  then
    perform muster.fail('invalid_transition', 'instructions');
  end if;
  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := case when shift.status <> 'draft' then shift.client_id end;
  new.professional_id := case when shift.status <> 'cancelled' then shift.professional_id end;
  new.deleted_at := shift.deleted_at;
  -- Stored anew: a long text that an update leaves alone is not in the log, and so not in the event by which a guard is
  -- told of the row for the first time.
  new.text := new.text || '';
  return new;
end
$$;
--> statement-breakpoint
-- The check-ins of one page, in the form of the API, by device time, and where the next page begins (null on the last one).
create or replace function muster.nearby_check_ins(
  latitude float8,
  longitude float8,
  within_meters float8,
  recorded_from timestamptz,
  recorded_to timestamptz,
  max_items integer,
  after_time timestamptz default null,
  after_id uuid default null,
  out items json,
  out next_time timestamptz,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: the index has the place, and the planner has no better idea.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null;
  case caller.role
    when 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    -- A guard's own are in the lists of their shifts.
    else perform muster.fail('forbidden');
  end case;

  with found_items as materialized (
    select c.*
    from public.gps_checkins c
    where st_dwithin(c.gps_point, here, within_meters)
      -- `is true` keeps it from the index by shift and time, which would be read as a whole.
      and (c.recorded_at >= earliest and c.recorded_at < recorded_to) is true
      and (c.tenant_id = tenant or c.company_id = company or c.client_id = client)
      and (after_time is null or (c.recorded_at, c.id) > (after_time, after_id))
    order by c.recorded_at, c.id
    limit max_items + 1
  ), page as (
    select c.* from found_items c order by c.recorded_at, c.id limit max_items
  )
  select
    coalesce(json_agg(item order by page.recorded_at, page.id), '[]'),
    max(page.recorded_at) filter (where (select count(*) from found_items) > max_items),
    (array_agg(page.id order by page.recorded_at, page.id))[
      case when (select count(*) from found_items) > max_items then max_items end
    ]
  into items, next_time, next_id
  from page
  cross join lateral (
    select
      page.id,
      page.shift_id,
      page.assignment_id,
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      muster.checkin_flags(page.accuracy_meters) as flags,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_gps_checkins__judge() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  most_precise constant float8 := 100;
  shift public.shifts;
  assignment public.assignments;
  refusal text;
  by_caller constant boolean := muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = new.shift_id for no key update;
  -- Callers may name neither: muster.store_check_in names the professional, whom it looked up; muster.store_check_ins also the
  -- assignment.
  if by_caller and new.assignment_id is not null then
    select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  else
    select a.* into assignment
    from public.assignments a
    where a.shift_id = shift.id
      and a.professional_id = case
        when by_caller then coalesce(new.professional_id, muster.professional_id())
        else shift.professional_id
      end
    -- As muster.assignment_at, without a call for each row.
    order by
      new.recorded_at between a.begun_at and coalesce(a.ended_at, 'infinity') desc, a.ended_at is null desc, a.begun_at desc
    limit 1;
  end if;
  -- The rules in one expression, for each check-in there is. Which of them it was, is asked where one speaks against it.
  if (
    shift.deleted_at is null
    and assignment.id is not null
    and muster.check_in_time_refusal(assignment, new.recorded_at) is null
  ) is not true then
    -- What is known already does not meet the rules again. Looked up only here: nearly all are new, and are taken.
    if by_caller
      and exists (select from public.gps_checkins c where c.id = new.id and c.professional_id = new.professional_id)
    then
      return null;
    end if;
    refusal := coalesce(
      muster.check_in_refusal(shift, assignment, by_caller), muster.check_in_time_refusal(assignment, new.recorded_at)
    );
    perform muster.fail(
      refusal, case when refusal in ('outside_check_in_window', 'recorded_in_future') then 'recorded_at' else 'shift_id' end
    );
  end if;
  -- The functions count for themselves.
  if by_caller and new.professional_id is null and new.kind = 'ping'
    and muster.pings_in_minute(shift.id, assignment.professional_id, new.recorded_at) >= muster.most_pings_a_minute()
  then
    perform muster.fail('too_many_pings', 'recorded_at');
  end if;

  new.tenant_id := shift.tenant_id;
  new.company_id := shift.company_id;
  new.client_id := shift.client_id;
  new.assignment_id := assignment.id;
  new.professional_id := assignment.professional_id;
  new.created_at := now();
  new.updated_at := now();
  new.distance_meters := st_distance(new.gps_point, shift.location_point);
  new.is_within_radius := new.distance_meters <= assignment.radius_meters;
  new.verdict := case
    when new.distance_meters + new.accuracy_meters <= assignment.radius_meters and new.accuracy_meters <= most_precise then 'inside'
    when new.distance_meters - new.accuracy_meters > assignment.radius_meters then 'outside'
    else 'uncertain'
  end;
  return new;
end
$$;
--> statement-breakpoint
-- One check-in, as the caller: its policies and the triggers of the table decide. Gives {status, checkin}, where the status is
-- created or duplicate; whatever else becomes of it is an error.
create or replace function muster.record_check_in(
  check_in_id uuid,
  at_shift uuid,
  kind_of text,
  latitude float8,
  longitude float8,
  accuracy float8,
  at_time timestamptz
) returns json
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  stored public.gps_checkins := muster.store_check_in(
    check_in_id, at_shift, kind_of, st_point(longitude, latitude)::geography, accuracy, at_time
  );
  is_new constant boolean := stored.id is not null;
begin
  if not is_new then
    select c.* into stored from public.gps_checkins c where c.id = check_in_id;
  end if;
  if not is_new and (stored.shift_id, stored.kind, stored.recorded_at, stored.professional_id)
    is distinct from (at_shift, kind_of, at_time, muster.professional_id()) then
    -- The id stands for another check-in, which may be somebody else's: nothing is said about it.
    perform muster.fail('id_conflict', 'id');
  end if;

  return json_build_object(
    'status', case when is_new then 'created' else 'duplicate' end,
    'checkin', muster.checkin_json(stored)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.codes_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
  'shift_overlap', 'MU001',
  'certificate_missing', 'MU002',
  'certificate_expired', 'MU003',
  'professional_inactive', 'MU004',
  'shift_not_open', 'MU005',
  'invalid_transition', 'MU006',
  'outside_check_in_window', 'MU007',
  'recorded_in_future', 'MU008',
  'shift_not_assigned', 'MU009',
  'certificate_in_use', 'MU012',
  'professional_in_use', 'MU013',
  'location_in_use', 'MU014',
  'payment_missing', 'MU015',
  'id_conflict', 'MU016',
  'shift_over', 'MU021',
  'daily_limit_reached', 'MU025',
  'too_many_pings', 'MU030',
  'professional_unavailable', 'MU300',
  'shift_begun', 'MU301',
  'rate_lowered', 'MU302',
  'end_worked', 'MU303',
  'assignment_released', 'MU330',
  'correction_decided', 'MU331',
  'correction_open', 'MU332',
  'too_many_corrections', 'MU333',
  'own_hours', 'MU340',
  'timesheet_state', 'MU341',
  'lines_undecided', 'MU342',
  'timesheet_changed', 'MU343',
  'dispute_too_late', 'MU344',
  'hours_impossible', 'MU345'
);
--> statement-breakpoint
create or replace function muster.terms_at(company uuid, at timestamptz) returns public.company_terms
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  terms public.company_terms;
begin
  select t.* into terms
  from public.company_terms t
  where t.company_id = company and t.valid_from <= at
  order by t.valid_from desc
  limit 1;
  if not found then
    terms.late_after_minutes := 30;
    terms.auto_close_minutes := 120;
    -- Three hours: what Dutch law gives on-call workers for each call (Burgerlijk Wetboek 7, article 628a).
    terms.minimum_minutes := 180;
    terms.give_back_minutes := 1440;
    terms.delivery_days := 14;
    terms.overtime_tolerance_minutes := 15;
    terms.plan_tolerance_minutes := 15;
    terms.approve_after_days := 7;
    terms.dispute_days := 14;
  end if;
  return terms;
end
$$;
--> statement-breakpoint
create or replace function muster.audience_of_corrections(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_corrections(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_corrections((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.corrections r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'corrections'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.corrections FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.corrections FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.corrections for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.corrections (assignment_id, becomes_at, change, company_id, created_at, decided_at, decided_by, event_id, id, kind, professional_id, proposed_as, proposed_by, reason, shift_id, state, updated_at, was_at);
--> statement-breakpoint
create or replace function muster.correction_json(correction public.corrections) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', correction.id,
  'company_id', correction.company_id,
  'shift_id', correction.shift_id,
  'assignment_id', correction.assignment_id,
  'professional_id', correction.professional_id,
  'event_id', correction.event_id,
  'change', correction.change,
  'kind', correction.kind,
  'was_at', correction.was_at,
  'becomes_at', correction.becomes_at,
  'reason', correction.reason,
  'proposed_by', correction.proposed_by,
  'proposed_as', correction.proposed_as,
  'state', correction.state,
  'decided_by', correction.decided_by,
  'decided_at', correction.decided_at,
  'created_at', correction.created_at,
  'updated_at', correction.updated_at
);
--> statement-breakpoint
create or replace function muster.side_in(assignment public.assignments) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
return case
  when assignment.company_id = muster.company_id() then 'company'
  when assignment.professional_id = muster.professional_id() then 'professional'
  when assignment.tenant_id = muster.admin_tenant_id() then 'admin'
end;
--> statement-breakpoint
-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.corrections_in_effect(of_assignment uuid) returns setof public.corrections
language sql
stable
parallel safe
begin atomic
  select distinct on (c.event_id) c.*
  from public.corrections c
  where c.assignment_id = of_assignment and c.state in ('accepted', 'imposed')
  order by c.event_id, c.decided_at desc, c.id desc;
end;
--> statement-breakpoint
create or replace function muster.propose_correction(
  of_assignment uuid, change_of text, of_event uuid, kind_of text, at_time timestamptz, why text
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  correction public.corrections;
  side text;
begin
  select a.* into assignment from public.assignments a where a.id = of_assignment;
  side := muster.side_in(assignment);
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  -- The trigger finds out whether it is a check-in or what an earlier correction added.
  insert into public.corrections as c (
    assignment_id, event_id, change, kind, becomes_at, reason, proposed_by, proposed_as, state, decided_by, decided_at
  )
  values (
    of_assignment, of_event, change_of, kind_of, at_time, why, muster.user_id(), side,
    case side when 'admin' then 'imposed' else 'proposed' end,
    case side when 'admin' then muster.user_id() end,
    case side when 'admin' then now() end
  )
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
--> statement-breakpoint
create or replace function muster.decide_correction(wanted uuid, verdict text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  decider constant uuid := muster.user_id();
  correction public.corrections;
  side text;
begin
  select c.* into correction from public.corrections c where c.id = wanted;
  select muster.side_in(a) into side from public.assignments a where a.id = correction.assignment_id;
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  perform from public.shifts s where s.id = correction.shift_id for no key update;
  -- Somebody of the same side may have decided meanwhile.
  select c.* into correction from public.corrections c where c.id = wanted;
  if correction.state <> 'proposed' then
    perform muster.fail('correction_decided', 'state');
  end if;
  if side = 'admin' or side = correction.proposed_as then
    perform muster.fail('forbidden', 'state');
  end if;
  update public.corrections c
  set state = verdict, decided_by = decider, decided_at = now()
  where c.id = wanted
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__check() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- Some for each event that a shift has. A person reads each of them.
  most_corrections constant integer := 100;
  assignment public.assignments;
  agreed record;
  refusal text;
begin
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  perform from public.shifts s where s.id = assignment.shift_id for no key update;
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  if not found then
    perform muster.fail('not_found', 'assignment_id');
  end if;
  -- Somebody else has, or can have, the shift, and is paid for it.
  if assignment.ended_as = 'released' then
    perform muster.fail('assignment_released', 'assignment_id');
  end if;
  if most_corrections <= (select count(*) from public.corrections c where c.assignment_id = new.assignment_id) then
    perform muster.fail('too_many_corrections', 'assignment_id');
  end if;

  new.tenant_id := assignment.tenant_id;
  new.company_id := assignment.company_id;
  new.shift_id := assignment.shift_id;
  new.professional_id := assignment.professional_id;
  if new.change = 'happened' then
    new.event_id := new.id;
  else
    select c.id, c.kind, c.recorded_at into new.checkin_id, new.kind, new.was_at
    from public.gps_checkins c
    where c.id = new.event_id and c.assignment_id = new.assignment_id and c.kind <> 'ping';
    if not found then
      select c.id, c.kind, c.becomes_at into new.corrects_id, new.kind, new.was_at
      from public.corrections c
      where c.id = new.event_id
        and c.assignment_id = new.assignment_id
        and c.change = 'happened'
        and c.state in ('accepted', 'imposed');
      if not found then
        perform muster.fail('not_found', 'event_id');
      end if;
    end if;
    -- As it was last agreed on.
    select d.becomes_at into agreed from muster.corrections_in_effect(new.assignment_id) d where d.event_id = new.event_id;
    if found then
      new.was_at := agreed.becomes_at;
    end if;
    if exists (select from public.corrections c where c.event_id = new.event_id and c.state = 'proposed') then
      perform muster.fail('correction_open', 'event_id');
    end if;
  end if;

  if new.becomes_at is not null then
    -- Both sides may agree on any time of the window, also on one after the assignment ended.
    assignment.ended_as := null;
    refusal := muster.check_in_time_refusal(assignment, new.becomes_at);
    if refusal is not null then
      perform muster.fail(refusal, 'becomes_at');
    end if;
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if old.state <> 'proposed' or (
    (to_jsonb(new) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
    <> (to_jsonb(old) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
  ) then
    perform muster.fail('correction_decided', 'state');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace function muster.notify_of_correction(correction public.corrections, told text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select correction.tenant_id, told_user.id, 'correction_' || correction.state, jsonb_build_object(
    'correction_id', correction.id,
    'assignment_id', correction.assignment_id,
    'shift_id', correction.shift_id,
    'change', correction.change,
    'kind', correction.kind,
    'was_at', correction.was_at,
    'becomes_at', correction.becomes_at,
    'reason', correction.reason
  )
  from (
    select p.user_id as id
    from public.security_professionals p
    where told <> 'company' and p.id = correction.professional_id
    union all
    select u.id
    from public.users u
    where told = 'company' and u.organization_id = correction.company_id and u.role = 'company' and u.deleted_at is null
  ) told_user;
end;
--> statement-breakpoint
create or replace function muster.apply_correction(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform muster.advance_assignment(correction.assignment_id);
end
$$;
--> statement-breakpoint
create or replace function muster.tg_corrections__apply() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.state in ('accepted', 'imposed') then
    perform muster.apply_correction(new);
  end if;
  perform muster.notify_of_correction(new, t.side)
  from unnest(case
    when new.state = 'imposed' then array['company', 'professional']
    when new.state <> 'proposed' then array[new.proposed_as]
    when new.proposed_as = 'company' then array['professional']
    else array['company']
  end) as t (side);
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger a_check before insert on public.corrections
  for each row execute function muster.tg_corrections__check();
--> statement-breakpoint
create or replace trigger a_keep before update on public.corrections
  for each row execute function muster.tg_corrections__keep();
--> statement-breakpoint
create or replace trigger apply after insert or update on public.corrections
  for each row execute function muster.tg_corrections__apply();
--> statement-breakpoint
create policy corrections_read on public.corrections for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.clock_events(of_assignment uuid)
returns table (
  event_id uuid, kind text, at_time timestamptz, verdict text, accuracy_meters float8, delivered_at timestamptz, correction_id uuid
)
language sql
stable
begin atomic
  with agreed as (
    select c.id, c.event_id, c.checkin_id, c.change, c.kind, c.becomes_at from muster.corrections_in_effect(of_assignment) c
  )
  select
    e.id as event_id,
    e.kind,
    coalesce(a.becomes_at, e.recorded_at) as at_time,
    case when a.id is null then e.verdict end as verdict,
    e.accuracy_meters,
    e.created_at as delivered_at,
    a.id as correction_id
  from public.gps_checkins e
  left join agreed a on a.checkin_id = e.id
  where e.assignment_id = of_assignment and e.kind <> 'ping' and a.change is distinct from 'never_happened'
  union all
  select
    a.event_id,
    a.kind,
    a.becomes_at as at_time,
    -- With a type and a name: without them a restored backup would not print this function as it is printed here.
    null::text as verdict,
    null::float8 as accuracy_meters,
    null::timestamptz as delivered_at,
    a.id as correction_id
  from agreed a
  where a.checkin_id is null and a.change <> 'never_happened';
end;
--> statement-breakpoint
-- Events from one to another: whether they count, and what they come to.
create or replace function muster.clocked(
  assignment public.assignments,
  out intervals tstzmultirange,
  out claimed tstzmultirange,
  out at_work_since timestamptz,
  out status text,
  out flags text[]
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  most_precise constant float8 := 100;
  most_imprecise constant float8 := 1000;
  delivery constant interval := make_interval(days => assignment.delivery_days);
  is_on_break boolean := false;
  began_at timestamptz;
  left_at timestamptz;
  event record;
  decided_at constant timestamptz[] := array(
    select c.decided_at from public.corrections c where c.assignment_id = assignment.id and c.state in ('accepted', 'imposed')
  );
begin
  intervals := '{}';
  flags := case when decided_at = '{}' then '{}'::text[] else array['corrected'] end;
  for event in
    select e.kind, e.at_time, e.verdict, e.accuracy_meters, e.delivered_at, e.correction_id is not null as is_agreed
    from muster.clock_events(assignment.id) e
    -- Of two of one kind at one instant the first decides: what people agreed on, then what shows that they were there.
    order by
      e.at_time,
      array_position(array['clock_in', 'break_start', 'break_end', 'clock_out'], e.kind),
      e.correction_id is null,
      e.verdict = 'outside'
  loop
    if not event.is_agreed then
      continue when event.accuracy_meters > most_imprecise;
      -- Whoever decided did not know of it.
      if exists (select from unnest(decided_at) as d (at) where event.at_time <= d.at and d.at < event.delivered_at) then
        flags := flags || 'conflict'::text;
        continue;
      end if;
      if event.delivered_at > event.at_time + delivery then
        flags := flags || 'overdue'::text;
        continue;
      end if;
      if assignment.ended_as in ('released', 'cancelled') then
        flags := flags || 'conflict'::text;
        continue;
      end if;
      continue when assignment.ended_as = 'stopped' and event.at_time > assignment.ended_at;
      continue when event.kind = 'clock_in' and event.verdict = 'outside';
      if event.accuracy_meters > most_precise then
        flags := flags || 'imprecise'::text;
      end if;
    end if;

    if event.kind in ('clock_in', 'break_end') then
      if at_work_since is null and (event.kind = 'clock_in' or is_on_break) then
        began_at := coalesce(began_at, event.at_time);
        -- Nothing before the planned start is paid, unless people agreed on it.
        at_work_since := case
          when event.is_agreed then event.at_time else greatest(event.at_time, assignment.start_datetime)
        end;
        is_on_break := false;
      end if;
    elsif event.kind = 'clock_out' then
      if at_work_since is not null or is_on_break then
        left_at := event.at_time;
        if event.verdict = 'outside' then
          flags := flags || 'outside'::text;
        end if;
      end if;
      intervals := intervals + muster.interval_from(
        at_work_since,
        -- Nobody saw that they were there after the planned end.
        case event.verdict when 'outside' then least(event.at_time, assignment.end_datetime) else event.at_time end
      );
      at_work_since := null;
      is_on_break := false;
    elsif at_work_since is not null then
      intervals := intervals + muster.interval_from(at_work_since, event.at_time);
      at_work_since := null;
      is_on_break := true;
    end if;
  end loop;

  if assignment.ended_as = 'stopped' then
    intervals := intervals + muster.interval_from(at_work_since, least(assignment.ended_at, assignment.end_datetime));
    at_work_since := null;
    is_on_break := false;
  end if;
  -- Nobody said when it ended: at the planned end, until somebody does.
  if assignment.auto_closed_at is not null
    and began_at is not null
    and (at_work_since is not null or is_on_break or left_at < assignment.start_datetime)
  then
    intervals := intervals + muster.interval_from(at_work_since, assignment.end_datetime);
    at_work_since := null;
    is_on_break := false;
    left_at := greatest(left_at, assignment.end_datetime);
    flags := flags || 'auto_closed'::text;
  end if;
  -- As long as nobody came, it is for muster.flag_late_shifts to say.
  if began_at > assignment.start_datetime + make_interval(mins => assignment.late_after_minutes)
    or (began_at is null and 'late' = any (assignment.flags))
  then
    flags := flags || 'late'::text;
  end if;
  claimed := intervals + muster.interval_from(at_work_since, 'infinity');
  status := case
    when began_at is null then 'assigned'
    when at_work_since is null and not is_on_break and left_at >= assignment.start_datetime then 'completed'
    else 'active'
  end;
  flags := array(select distinct f.flag from unnest(flags) as f (flag) order by f.flag);
end
$$;
--> statement-breakpoint
create or replace function muster.interval_from(began_at timestamptz, left_at timestamptz) returns tstzmultirange
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return case
  when began_at is null or left_at <= began_at then '{}'::tstzmultirange
  else tstzmultirange(tstzrange(began_at, left_at))
end;
--> statement-breakpoint
create or replace function muster.worked_intervals(of_assignment uuid)
returns table (worked_from timestamptz, worked_to timestamptz, is_overtime boolean)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    select lower(part.span), upper(part.span), part.is_overtime
    from public.assignments a
    cross join lateral muster.hours_of(a, null) h
    cross join lateral unnest(h.worked) as worked (span)
    cross join lateral (values
      (worked.span * tstzrange(null, a.end_datetime), false),
      (worked.span * tstzrange(a.end_datetime, null), true)
    ) as part (span, is_overtime)
    where a.id = of_assignment and not isempty(part.span)
    order by 1;
end
$$;
--> statement-breakpoint
create or replace function muster.assignment_pay(assignment public.assignments) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return coalesce(
    (
      select t.total
      from public.timesheets t
      where t.assignment_id = assignment.id and assignment.ended_as in ('completed', 'stopped')
    ),
    muster.estimated_pay(assignment)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.price_assignment(priced uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  payment record;
  assignment public.assignments;
  pay numeric;
begin
  -- Before anything is read.
  select a.* into assignment from public.assignments a where a.id = priced;
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  select t.id, t.status, t.amount into payment
  from public.finqle_transactions t
  where t.assignment_id = priced
  for no key update;
  if coalesce(payment.status = 'voided', true) then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = priced;
  if assignment.ended_as in ('completed', 'stopped') then
    pay := (muster.make_timesheet(assignment)).total;
  else
    pay := muster.estimated_pay(assignment);
  end if;
  -- What is not pending stays as it was sent.
  if payment.status = 'pending' and pay <> payment.amount then
    update public.finqle_transactions t set amount = pay where t.id = payment.id;
  end if;
end
$$;
--> statement-breakpoint
-- A shift begins and ends its intervals within its check-in window: 2 hours before the planned start, and 12 after the planned end.
create or replace function muster.price_earlier_assignments(later public.assignments) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  longest_shift constant interval := interval '48 hours';
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  earlier uuid;
begin
  for earlier in
    select a.id
    from public.assignments a
    where a.professional_id = later.professional_id
      and a.start_datetime
        between later.start_datetime - longest_shift - window_after - window_before and later.end_datetime + window_after + window_before
      and a.end_datetime + window_after > later.start_datetime - window_before
      and (
        (a.start_datetime, a.shift_id) < (later.start_datetime, later.shift_id)
        or (a.id <> later.id and 'overdue' = any (a.flags))
      )
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(earlier);
  end loop;
end
$$;
--> statement-breakpoint
create or replace function muster.advance_assignment(advanced uuid) returns void
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  shift public.shifts;
  said record;
  next_status text;
begin
  -- Each statement of this function must see the check-ins that others have committed before it got the lock.
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = advanced;
  select s.* into shift from public.shifts s where s.id = assignment.shift_id for no key update;
  select c.* into said from muster.clocked(assignment) c;

  -- It was called off before anybody knew that work had begun, and people agreed on that since.
  if assignment.ended_as = 'cancelled' and said.status <> 'assigned' then
    update public.assignments a set ended_as = 'stopped' where a.id = assignment.id returning a.* into assignment;
    update public.finqle_transactions t set status = 'pending' where t.assignment_id = assignment.id and t.status = 'voided';
    select c.* into said from muster.clocked(assignment) c;
  end if;

  -- What was approved stays: the sheet is flagged instead. Nobody approves meanwhile (muster.lock_timesheet).
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  if (assignment.ended_as is null or assignment.ended_as in ('completed', 'no_show'))
    and not muster.hours_are_settled(assignment.id)
  then
    next_status := case
      when said.status <> 'assigned' then said.status
      -- A correction took away what began the work.
      when 'corrected' = any (said.flags) and shift.status <> 'assigned' then
        case when shift.end_datetime <= now() then 'no_show' else 'assigned' end
      else shift.status
    end;
    -- Active is told also of a shift that was completed meanwhile.
    if shift.status = 'assigned' and next_status = 'completed' then
      update public.shifts s set status = 'active' where s.id = shift.id;
      shift.status := 'active';
    end if;
    if shift.status in ('completed', 'no_show') and next_status in ('assigned', 'active') then
      if exists (
        select from public.shifts other
        where other.professional_id = assignment.professional_id
          and other.status in ('assigned', 'active')
          and other.deleted_at is null
          and other.id <> shift.id
          and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
      ) then
        said.flags := array(select distinct f.flag from unnest(said.flags || 'conflict'::text) as f (flag) order by f.flag);
        next_status := shift.status;
      end if;
    end if;
    if next_status <> shift.status then
      update public.shifts s set status = next_status where s.id = shift.id;
    end if;
  end if;
  if said.flags <> assignment.flags then
    update public.assignments a set flags = said.flags where a.id = assignment.id;
  end if;

  if said.status <> 'assigned' or 'corrected' = any (said.flags) then
    -- What is being worked pays what was planned, as before.
    if said.status = 'completed' or assignment.ended_as is not null then
      perform muster.price_assignment(assignment.id);
    end if;
    perform muster.price_earlier_assignments(assignment);
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.has_begun(shift public.shifts, assignment uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select shift.start_datetime <= now()
    or shift.status = 'active'
    or exists (select from public.gps_checkins c where c.shift_id = shift.id and c.assignment_id = assignment);
end;
--> statement-breakpoint
-- As the guard of the shift.
create or replace function muster.give_back_shift(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  shift public.shifts;
  deadline timestamptz;
begin
  select s.* into shift
  from public.shifts s
  where s.id = wanted and s.professional_id = muster.professional_id() and s.deleted_at is null
  for no key update;
  if not found then
    select s.* into shift from public.shifts s where s.id = wanted;
    perform muster.fail(case when muster.sees_shift(shift) then 'forbidden' else 'not_found' end, 'id');
  end if;
  if shift.status <> 'assigned' then
    perform muster.fail('invalid_transition', 'status');
  end if;
  select a.moved_at + make_interval(mins => a.give_back_minutes) into deadline
  from public.assignments a
  where a.shift_id = shift.id and a.ended_at is null;
  if deadline is null or deadline < now() then
    perform muster.fail('forbidden', 'status');
  end if;
  update public.shifts s set status = 'published' where s.id = wanted returning s.* into shift;
  perform muster.notify_company(shift, 'shift_released');
  return muster.shift_json(shift, null);
end
$$;
--> statement-breakpoint
create or replace function muster.notify_company(shift public.shifts, notification_type text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select u.tenant_id, u.id, notification_type, jsonb_build_object(
    'shift_id', shift.id,
    'title', shift.title,
    'start_datetime', shift.start_datetime,
    'end_datetime', shift.end_datetime
  )
  from public.users u
  where u.organization_id = shift.company_id and u.role = 'company' and u.deleted_at is null;
end;
--> statement-breakpoint
create or replace function muster.record_no_show(shift public.shifts, ended uuid) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
  select muster.notify_professional(shift, shift.professional_id, 'shift_no_show');
  select muster.notify_company(shift, 'shift_no_show');
end;
--> statement-breakpoint
create or replace function muster.tg_shifts__follow_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  was_assigned boolean := tg_op = 'UPDATE' and old.status in ('assigned', 'active');
  is_assigned boolean := new.status in ('assigned', 'active');
  begun uuid;
  ended uuid;
begin
  if tg_op = 'UPDATE' and old.status in ('completed', 'no_show') then
    perform muster.reopen_assignment(new.id);
    if new.status in ('completed', 'no_show') then
      ended := muster.end_assignment(new.id, new.status);
    end if;
    if old.status = 'no_show' then
      update public.finqle_transactions t
      set status = 'pending'
      from public.assignments a
      where a.shift_id = new.id
        and a.professional_id = new.professional_id
        and (a.ended_at is null or a.id = ended)
        and t.assignment_id = a.id
        and t.status = 'voided';
    elsif new.status = 'no_show' then
      perform muster.record_no_show(new, ended);
    end if;

  elsif (is_assigned and not was_assigned) or (tg_op = 'INSERT' and new.status = 'completed') then
    begun := muster.begin_assignment(new);
    insert into public.finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount)
    select a.tenant_id, a.company_id, a.shift_id, a.id, a.professional_id, muster.estimated_pay(a)
    from public.assignments a
    where a.id = begun;
    if new.status = 'completed' then
      perform muster.price_assignment(muster.end_assignment(new.id, 'completed'));
    end if;
    perform muster.notify_professional(new, new.professional_id, 'shift_assigned');

  elsif was_assigned and new.status = 'completed' then
    perform muster.price_assignment(muster.end_assignment(new.id, 'completed'));

  elsif was_assigned and new.status = 'cancelled' and old.status = 'active' then
    ended := muster.end_assignment(new.id, 'stopped');
    perform muster.price_assignment(ended);
    -- Work that was going on claims no more.
    perform muster.price_earlier_assignments(a) from public.assignments a where a.id = ended;
    perform muster.notify_professional(new, old.professional_id, 'shift_cancelled');

  elsif was_assigned and new.status = 'no_show' then
    perform muster.record_no_show(new, muster.end_assignment(new.id, 'no_show'));

  elsif was_assigned and new.status in ('published', 'cancelled') then
    ended := muster.end_assignment(new.id, case new.status when 'published' then 'released' else 'cancelled' end);
    update public.finqle_transactions t set status = 'voided' where t.assignment_id = ended;
    perform muster.notify_professional(
      new, old.professional_id, case new.status when 'published' then 'shift_released' else 'shift_cancelled' end
    );

  elsif was_assigned and is_assigned and (
    new.start_datetime, new.end_datetime, new.hourly_rate, new.overtime_rate, new.location_id
  ) is distinct from (
    old.start_datetime, old.end_datetime, old.hourly_rate, old.overtime_rate, old.location_id
  ) then
    perform muster.price_assignment(muster.follow_shift(
      new,
      (new.start_datetime, new.end_datetime, new.location_id)
        is distinct from (old.start_datetime, old.end_datetime, old.location_id)
    ));
    perform muster.notify_professional(new, new.professional_id, 'shift_changed');
  end if;
  return null;
end
$$;
--> statement-breakpoint
create or replace trigger follow_assignment_on_update after update on public.shifts
  for each row when (
    old.status in ('assigned', 'active')
    or new.status in ('assigned', 'active')
    or (old.status in ('completed', 'no_show') and new.status <> old.status)
  )
  execute function muster.tg_shifts__follow_assignment();
--> statement-breakpoint
create constraint trigger shifts_assigned_has_payment after insert or update on public.shifts
  deferrable initially deferred
  for each row when (new.status in ('assigned', 'active', 'completed', 'cancelled', 'no_show'))
  execute function muster.tg_check_payment();
--> statement-breakpoint
create or replace function muster.roles_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('company', 'company', 'client', 'client', 'zzp', null);
--> statement-breakpoint
create or replace function muster.notification_types_of_guarding() returns text[]
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'shift_assigned', 'shift_released', 'shift_cancelled', 'shift_changed', 'shift_late', 'shift_no_show', 'correction_proposed',
  'correction_accepted', 'correction_refused', 'correction_imposed', 'certificate_expiring', 'payments_stale',
  'timesheet_approved', 'timesheet_disputed', 'timesheet_countered', 'timesheet_resolved'
];
--> statement-breakpoint
create or replace function muster.groups_of_guarding(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array['guards:' || m.tenant_id, 'professional:' || p.id]
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.security_professionals p on p.user_id = m.user_id and p.deleted_at is null
  where m.user_id = any (callers) and m.role = 'zzp' and u.deleted_at is null;
end;
--> statement-breakpoint
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
--> statement-breakpoint
-- The open shifts of one page, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.nearby_shifts(
  latitude float8,
  longitude float8,
  within_meters float8,
  max_items integer,
  starts_after timestamptz default null,
  starts_before timestamptz default null,
  min_hourly_rate numeric default null,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- The planner takes the radius for a handful of rows that cost a fortune each. Left alone it compiles the query (150 ms
-- against 2, among 40,000 open shifts), or reads all shifts of a company, or all within the radius, to sort them.
-- One plan for all values, and only indexes to choose from: the nearest are read, and no more.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  -- Read beyond the page at once: so many are most often enough to be sure that nothing nearer comes later. The farther
  -- out, the more are about as far as the last one; and it is dear to begin again, for all that are nearer are passed again.
  spare constant integer := case when after_distance is null then 8 else 16 end;
  here constant geography := st_point(longitude, latitude)::geography;
  -- The index goes outwards from here: see search_origin.
  origin constant geography := muster.search_origin(latitude, longitude);
  aside constant float8 := st_distance(origin, here, false);
  -- As the index has them, so that it leaves out itself what begins at another time or pays less.
  earliest constant timestamptz := greatest(starts_after, now() + interval '1 microsecond');
  latest constant timestamptz := coalesce(starts_before, 'infinity');
  least_rate constant float8 := coalesce(min_hourly_rate, 0);
  -- On the sphere; a metre takes up what is rounded.
  nearest constant float8 := coalesce(after_distance / muster.metre_at_most(latitude, within_meters) - 1 - aside, 0);
  metre_at_least constant float8 := muster.metre_at_least(latitude, within_meters);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
  professional uuid;
  held text[];
  busy tstzmultirange;
  wanted integer := max_items + 1 + spare;
  found_items bigint;
  read_to float8;
begin
  items := '[]';
  select m.role, m.tenant_id, m.organization_id into caller
  from public.memberships m
  join public.users u on u.id = m.user_id
  where m.user_id = muster.user_id() and m.role in ('admin', 'company', 'client', 'zzp') and u.deleted_at is null;
  case caller.role
    when 'zzp', 'admin' then tenant := caller.tenant_id;
    when 'company' then company := caller.organization_id;
    when 'client' then client := caller.organization_id;
    else null;
  end case;

  if eligible_only then
    select e.professional, e.held, e.busy into professional, held, busy from muster.eligibility() e;
    -- Nobody else is eligible for anything: an empty list would say that there is no work.
    if professional is null then
      perform muster.fail('forbidden', 'eligible_only');
    end if;
    if held is null then
      return;
    end if;
  end if;
  -- Within 0 m anybody may search, and finds nothing: it makes the plan, for those who come after in the same session.
  if coalesce(tenant, company, client) is null and within_meters > 0 then
    return;
  end if;

  loop
    -- In one pass: the shifts are sorted and counted as they are read, and only those of the page are spelled.
    select
      json_agg(item) filter (where read.nth <= max_items),
      max(read.distance) filter (where read.nth <= max_items),
      (array_agg(read.id) filter (where read.nth = max_items))[1],
      count(*),
      max(read.distance_on_sphere)
    into items, next_distance, next_id, found_items, read_to
    from (
      select c.*, row_number() over (order by c.distance, c.id) as nth
      from (
        select
          s.id, s.company_id, s.client_id, s.location_id, s.professional_id, s.status, s.start_datetime, s.end_datetime,
          s.time_zone, s.hourly_rate, s.overtime_rate, s.required_certificates, s.title, s.description, s.cancel_reason,
          s.location_point, s.created_at, s.updated_at,
          s.location_point <-> origin as distance_on_sphere,
          exact.distance
        from public.shifts s
        -- Four times as dear as on the sphere: computed once, of the shifts that pass the rest (`offset 0` keeps it apart).
        cross join lateral (select st_distance(s.location_point, here) as distance offset 0) exact
        where s.status = 'published'
          and s.deleted_at is null
          and (s.tenant_id = tenant or s.company_id = company or s.client_id = client)
          and st_dwithin(s.location_point, here, within_meters)
          and s.start_datetime >= earliest
          and s.start_datetime < latest
          and s.hourly_rate::float8 >= least_rate
          and (after_distance is null or s.location_point <-> origin >= nearest)
          and (after_distance is null or (exact.distance, s.id) > (after_distance, after_id))
          and (
            caller.role <> 'zzp'
            or s.company_id = s.client_id
            or exists (
              select from public.company_clients c where c.company_id = s.company_id and c.client_id = s.client_id
            )
          )
          and (
            not eligible_only
            or (
              s.required_certificates <@ held
              and not tstzrange(s.start_datetime, s.end_datetime) && busy
              and not exists (select from muster.assignment_violations(professional, s))
            )
          )
        order by s.location_point <-> origin
        limit wanted
      ) c
    ) read
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        read.id,
        read.company_id,
        read.client_id,
        read.location_id,
        read.professional_id,
        read.status,
        read.start_datetime,
        read.end_datetime,
        read.time_zone,
        read.hourly_rate,
        read.overtime_rate,
        read.required_certificates,
        read.title,
        read.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = read.id
        ) end as instructions,
        read.cancel_reason,
        st_y(read.location_point::geometry) as latitude,
        st_x(read.location_point::geometry) as longitude,
        read.created_at,
        read.updated_at,
        (select l.name from public.locations l where l.id = read.location_id) as location_name,
        read.distance as distance_meters
    ) item;

    -- Whatever was not read is farther on the sphere than what was, and not much nearer on the spheroid.
    exit when found_items < wanted or read_to >= next_distance / metre_at_least + 1 + aside;
    wanted := 2 * wanted;
  end loop;
  items := coalesce(items, '[]');
  if found_items <= max_items then
    next_distance := null;
    next_id := null;
  end if;
end
$$;
--> statement-breakpoint
-- What rules most shifts out for a guard at a glance; what it leaves is looked at closely by assignment_violations.
-- `professional` is null for those who are no guards, `held` for guards who may claim nothing of what there is.
create or replace function muster.eligibility(out professional uuid, out held text[], out busy tstzmultirange)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.memberships m
  join public.users u on u.id = m.user_id
  join public.security_professionals p on p.user_id = m.user_id
  where m.user_id = muster.user_id() and m.role = 'zzp' and u.deleted_at is null and p.deleted_at is null;
  professional := guard.id;
  if guard.status is distinct from 'active' then
    return;
  end if;

  -- A shift ends in the future, and so, give or take the time zones, must the certificate. For which company matters later.
  held := array(
    select c.kind
    from public.certificates c
    where c.professional_id = guard.id
      and c.verified_at is not null
      and c.deleted_at is null
      and c.valid_until >= (now() - interval '2 days')::date
  );
  -- The index gives each set once. It would take long to find in it, shift by shift, that none will do.
  if not exists (
    with recursive sets as (
      (
        select s.required_certificates as kinds
        from public.shifts s
        where s.tenant_id = guard.tenant_id and s.status = 'published' and s.deleted_at is null
        order by s.required_certificates
        limit 1
      )
      union all
      select (
        select s.required_certificates
        from public.shifts s
        where s.tenant_id = guard.tenant_id
          and s.status = 'published'
          and s.deleted_at is null
          and s.required_certificates > sets.kinds
        order by s.required_certificates
        limit 1
      )
      from sets
      where sets.kinds is not null
    )
    select
    from (select sets.kinds, row_number() over () as nth from sets limit most_sets) s
    where s.kinds <@ held or s.nth = most_sets
  ) then
    held := null;
    return;
  end if;

  busy := coalesce(
    (
      select range_agg(tstzrange(s.start_datetime, s.end_datetime))
      from public.shifts s
      where s.professional_id = guard.id
        -- As muster.assignment_violations has it.
        and (s.status in ('assigned', 'active') or (s.status = 'completed' and s.end_datetime > now()))
        and s.deleted_at is null
    ),
    '{}'
  );
end
$$;
--> statement-breakpoint
-- Runs with the rights of whoever writes: `current_user` tells a caller from the functions that act for it.
create or replace function muster.tg_shifts__check_transition() returns trigger
language plpgsql
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  by_caller boolean := current_user <> 'muster_definer' and muster.acts_for_caller();
begin
  if tg_op = 'INSERT' then
    if by_caller and new.status not in ('draft', 'published') then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status = 'published' and new.end_datetime <= now() then
      perform muster.fail('shift_over', 'end_datetime');
    end if;
    return new;
  end if;

  -- By clock events and corrections alone (muster.advance_assignment), and nothing else changes.
  if current_user = 'muster_definer'
    and new.status <> old.status
    and old.status in ('active', 'completed', 'no_show')
    and new.status in ('assigned', 'active', 'completed', 'no_show')
  then
    return new;
  end if;
  if old.status in ('completed', 'cancelled', 'no_show') and (
    (to_jsonb(new) - 'updated_at' - 'updated_by' - 'deleted_at')
    <> (to_jsonb(old) - 'updated_at' - 'updated_by' - 'deleted_at')
  ) then
    perform muster.fail('invalid_transition', 'status');
  end if;

  if new.status <> old.status then
    if new.status = 'assigned' and (old.status <> 'published' or new.end_datetime <= now()) then
      perform muster.fail('shift_not_open', 'status');
    end if;
    if (old.status, new.status) not in (
      ('draft', 'published'),
      ('published', 'assigned'),
      ('assigned', 'active'),
      ('assigned', 'published'),
      ('assigned', 'no_show'),
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed', 'no_show') then
      perform muster.fail('forbidden', 'status');
    end if;
    if new.status = 'published' then
      new.professional_id := null;
    end if;
  end if;

  -- Nobody could work it. One that is published, and whose end passed meanwhile, may still have its title changed.
  if by_caller and new.status = 'published' and new.end_datetime <= now()
    and (new.status <> old.status or new.end_datetime <> old.end_datetime)
  then
    perform muster.fail('shift_over', 'end_datetime');
  end if;

  -- A professional comes with assignment and goes with release; to swap, release first.
  if new.professional_id is distinct from old.professional_id
    and not (new.status <> old.status and new.status in ('assigned', 'published')) then
    perform muster.fail('invalid_transition', 'professional_id');
  end if;

  if by_caller and muster.guard_tenant_id() is not null and (
    new.status <> 'assigned'
    or new.professional_id is distinct from muster.professional_id()
    or (to_jsonb(new) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
      <> (to_jsonb(old) - 'status' - 'professional_id' - 'updated_at' - 'updated_by')
  ) then
    perform muster.fail('forbidden', 'claim');
  end if;

  -- Whatever c_check_assignment would find: an update that fails could be tried without end. (More than it looks at: what is
  -- told apart here is not what is refused, but what is counted.)
  if by_caller
    and new.status in ('assigned', 'active')
    and (
      old.status, old.professional_id, old.start_datetime, old.end_datetime, old.time_zone, old.required_certificates
    ) is distinct from (
      new.status, new.professional_id, new.start_datetime, new.end_datetime, new.time_zone, new.required_certificates
    )
    and new.professional_id is not null
    and muster.is_stranger(new.professional_id)
  then
    perform muster.fail('professional_unavailable', 'professional_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger c_check_assignment_on_update before update on public.shifts
  for each row when (
    new.status in ('assigned', 'active')
    and (
      -- A check-in that makes a shift active again meets no rule about who may be assigned.
      old.status not in ('assigned', 'active', 'completed', 'no_show')
      or new.professional_id is distinct from old.professional_id
      or new.start_datetime <> old.start_datetime
      or new.end_datetime <> old.end_datetime
      -- Where it is no longer matters when it is over: what it rested on may have gone since.
      or (new.time_zone <> old.time_zone and new.end_datetime > now())
      or new.required_certificates <> old.required_certificates
    )
  )
  execute function muster.tg_shifts__check_assignment();
--> statement-breakpoint
create or replace function muster.audience_of_timesheets(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'client:' || (viewed ->> 'client_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
create or replace function muster.audience_of_timesheet_lines(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
create or replace function muster.audience_of_timesheet_steps(viewed jsonb, at timestamptz) returns text[]
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return array[
  'admins:' || (viewed ->> 'tenant_id'),
  'company:' || (viewed ->> 'company_id'),
  'professional:' || (viewed ->> 'professional_id')
];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_timesheets(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_timesheets((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.timesheets r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'timesheets'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.timesheets FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.timesheets FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.timesheets FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.timesheets FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.client_id IS DISTINCT FROM new.client_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.timesheets for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.timesheets (agreed, approved_at, approved_by, assignment_id, break_seconds, client_id, clocked, company_id, created_at, currency, end_datetime, flags, id, locked_at, paid, paid_seconds, pay_period_id, professional_id, proposed_at, shift_id, start_datetime, state, time_zone, updated_at, work_date, worked, worked_seconds);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_timesheet_lines(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_timesheet_lines((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.timesheet_lines r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'timesheet_lines'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER updated_at BEFORE UPDATE ON public.timesheet_lines FOR EACH ROW EXECUTE FUNCTION muster.set_updated_at();
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.timesheet_lines FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.timesheet_lines FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.timesheet_lines FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.timesheet_lines for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.timesheet_lines (allowance_id, amount, company_id, created_at, currency, explanation, factor, id, is_approved, kind, open_reason, "position", professional_id, rate, seconds, timesheet_id, updated_at);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.seen_of_timesheet_steps(changes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select jsonb_object_agg(c.nth, jsonb_build_object(
      'audience', case when true then array_remove(
        muster.audience_of_timesheet_steps((c.value -> 'image') || jsonb_build_object('tenant_id', r.tenant_id), clock_timestamp()), null
      ) else '{}' end,
      'filled', case when c.value ? 'lacks' and to_jsonb(r) || (c.value -> 'image') = to_jsonb(r) then (
        select jsonb_object_agg(l.name, (to_jsonb(r) -> l.name)::text)
        from jsonb_array_elements_text(c.value -> 'lacks') as l (name)
      ) end
    ))
    from jsonb_array_elements(changes) with ordinality as c (value, nth)
    join public.timesheet_steps r on r.id = (c.value #>> '{image,id}')::uuid
    where c.value ->> 'relation' = 'timesheet_steps'
  );
end
$function$;
--> statement-breakpoint
CREATE TRIGGER z_stamp_change BEFORE INSERT OR UPDATE ON public.timesheet_steps FOR EACH ROW EXECUTE FUNCTION muster.tg_stamp_change();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_delete AFTER DELETE ON public.timesheet_steps FOR EACH ROW EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
CREATE TRIGGER note_departure_on_update AFTER UPDATE ON public.timesheet_steps FOR EACH ROW WHEN (((old.tenant_id IS DISTINCT FROM new.tenant_id) OR (old.company_id IS DISTINCT FROM new.company_id) OR (old.professional_id IS DISTINCT FROM new.professional_id))) EXECUTE FUNCTION muster.tg_note_departure();
--> statement-breakpoint
create policy internal on public.timesheet_steps for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
alter publication supabase_realtime add table public.timesheet_steps (by_professional, company_id, created_at, id, professional_id, reason, step, taken_by, timesheet_id, updated_at, worked);
--> statement-breakpoint
create or replace function muster.seconds_of(spans tstzmultirange) returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(sum(extract(epoch from upper(s.span) - lower(s.span))), 0) from unnest(spans) as s (span);
end;
--> statement-breakpoint
-- In UTC, as the API spells instants.
create or replace function muster.spans_json(spans tstzmultirange) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
begin atomic
  select coalesce(jsonb_agg(jsonb_build_object('from', lower(s.span), 'to', upper(s.span)) order by s.span), '[]')
  from unnest(spans) as s (span);
end;
--> statement-breakpoint
create or replace function muster.spans_of(list jsonb) returns tstzmultirange
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(range_agg(tstzrange((s.span ->> 'from')::timestamptz, (s.span ->> 'to')::timestamptz)), '{}')
  from jsonb_array_elements(list) as s (span);
end;
--> statement-breakpoint
create or replace function muster.duration_text(seconds numeric) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return format(
  '%s:%s:%s',
  floor(seconds / 3600), to_char(floor(mod(seconds, 3600) / 60), 'FM00'), rtrim(to_char(mod(seconds, 60), 'FM00.999999'), '.')
);
--> statement-breakpoint
create or replace function muster.hours_are_settled(assignment uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from public.timesheets t where t.assignment_id = assignment and t.state in ('approved', 'locked')
  );
end;
--> statement-breakpoint
create or replace function muster.hours_of(
  assignment public.assignments,
  agreed tstzmultirange,
  out clocked tstzmultirange,
  out claimed tstzmultirange,
  out worked tstzmultirange,
  out overdue tstzmultirange,
  out is_cut boolean
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  longest_shift constant interval := interval '48 hours';
  any_delay constant integer := 36500;
  said record;
  later public.assignments := assignment;
  settled tstzmultirange;
  settled_of_earlier tstzmultirange;
  claimed_later tstzmultirange;
  claimed_ever tstzmultirange;
  first_at timestamptz;
  last_at timestamptz;
begin
  select c.* into said from muster.clocked(assignment) c;
  clocked := said.intervals;
  claimed := said.claimed;
  worked := coalesce(agreed, clocked);
  overdue := '{}';
  if agreed is null and 'overdue' = any (said.flags) then
    later.delivery_days := any_delay;
    overdue := (muster.clocked(later)).intervals - clocked;
  elsif agreed is null and said.status = 'assigned' and assignment.ended_as = 'completed' and not exists (
    select from public.gps_checkins c where c.assignment_id = assignment.id and c.kind <> 'ping'
  ) then
    -- Brought in as history: what was planned.
    worked := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  end if;

  first_at := lower(worked + overdue);
  last_at := upper(worked + overdue);
  select
    range_agg(muster.spans_of(t.paid)),
    range_agg(muster.spans_of(t.paid)) filter (where not o.is_later),
    range_agg(c.claimed) filter (where o.is_later),
    range_agg(c.claimed)
  into settled, settled_of_earlier, claimed_later, claimed_ever
  from (
    select a, (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id) as is_later
    from public.assignments a
    where a.professional_id = assignment.professional_id
      and a.id <> assignment.id
      and a.start_datetime between first_at - longest_shift - window_after and last_at + window_before
      and a.end_datetime > first_at - window_after
  ) o
  left join public.timesheets t on t.assignment_id = (o.a).id and t.state in ('approved', 'locked')
  left join lateral (
    select c.claimed from muster.clocked(o.a) c where t.id is null and (o.is_later or not isempty(overdue))
  ) c on true;

  is_cut := not isempty(worked * coalesce(settled_of_earlier, '{}'));
  worked := worked - coalesce(settled, '{}') - coalesce(claimed_later, '{}');
  overdue := overdue - coalesce(settled, '{}') - coalesce(claimed_ever, '{}');
end
$$;
--> statement-breakpoint
create or replace function muster.lines_of(
  assignment public.assignments, time_zone text, worked tstzmultirange, overdue tstzmultirange, is_agreed boolean
)
returns table (
  "position" smallint, kind text, seconds numeric, rate numeric, factor numeric, amount numeric, explanation text,
  allowance_id uuid, open_reason text
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  tolerated_until constant timestamptz :=
    assignment.end_datetime + make_interval(mins => assignment.overtime_tolerance_minutes);
  tolerated constant tstzmultirange := tstzmultirange(
    tstzrange(null, case when is_agreed then null else tolerated_until end)
  );
  planned constant tstzmultirange := tstzmultirange(tstzrange(null, assignment.end_datetime));
  hour constant integer := 3600;
begin
  return query
    with part as (
      select p.*
      from (values
        (1, null::text, worked * tolerated),
        (2, 'overtime_beyond_tolerance', worked - tolerated),
        (3, 'overdue_events', overdue)
      ) as p (nth, open_reason, spans)
      where not isempty(p.spans)
    ), allowance as (
      select
        a.id, a.percent, a.combination,
        muster.allowance_name(a) as name,
        muster.allowance_hours(a, time_zone, worked + overdue) as hours,
        coalesce(a.amount_per_hour, assignment.hourly_rate) as rate,
        coalesce(a.percent / 100, 1) as factor,
        -- The highest pays; at the same rate the first of these.
        row_number() over (
          order by
            coalesce(a.amount_per_hour, assignment.hourly_rate * a.percent / 100) desc,
            array_position(array['public_holiday', 'sunday', 'saturday', 'night', 'evening', 'short_notice'], a.kind)
        ) as rank
      from muster.allowances_of(assignment) a
      where not isempty(worked + overdue)
    ), line as (
      select p.nth, 0::bigint as rank, 'planned' as kind, muster.seconds_of(p.spans * planned) as seconds,
        assignment.hourly_rate as rate, 1::numeric as factor, null::uuid as allowance_id, p.open_reason,
        'Planned time' as name
      from part p
      union all
      select p.nth, 1, 'overtime', muster.seconds_of(p.spans - planned),
        assignment.hourly_rate, assignment.overtime_rate, null, p.open_reason, 'Overtime'
      from part p
      union all
      select p.nth, 1 + a.rank, 'allowance',
        muster.seconds_of(p.spans * case a.combination when 'add' then a.hours else a.hours - coalesce((
          select range_agg(higher.hours) from allowance higher where higher.combination = 'highest' and higher.rank < a.rank
        ), '{}') end),
        a.rate, a.factor, a.id, p.open_reason, a.name
      from part p
      cross join allowance a
    )
    select
      row_number() over (order by l.nth, l.rank)::smallint,
      l.kind, l.seconds, l.rate, l.factor,
      -- Divided last: a rate per second has no end.
      round(l.rate * l.factor * l.seconds / hour, 2),
      format(
        '%s: %s h × %s EUR/h%s', l.name, muster.duration_text(l.seconds), l.rate,
        case when l.factor <> 1 then ' × ' || trim_scale(l.factor) end
      ),
      l.allowance_id, l.open_reason
    from line l
    where l.seconds > 0;
end
$$;
--> statement-breakpoint
-- A stopped shift: the difference to what it pays at least, once more after open lines were approved.
create or replace function muster.add_minimum(assignment public.assignments, sheet uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  minimum constant numeric := round(assignment.hourly_rate * assignment.minimum_minutes / 60, 2);
  worked numeric;
  stated numeric;
begin
  if assignment.ended_as <> 'stopped' then
    return;
  end if;
  select
    coalesce(sum(l.amount) filter (where l.is_approved and l.kind in ('planned', 'overtime')), 0),
    sum(l.amount) filter (where l.kind = 'minimum')
  into worked, stated
  from public.timesheet_lines l
  where l.timesheet_id = sheet;
  if stated is not distinct from nullif(greatest(minimum - worked, 0), 0) then
    return;
  end if;
  delete from public.timesheet_lines l where l.timesheet_id = sheet and l.kind = 'minimum';
  if worked < minimum then
    insert into public.timesheet_lines (
      tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, is_approved
    )
    values (
      assignment.tenant_id, assignment.company_id, assignment.professional_id, sheet, 1000, 'minimum',
      0, assignment.hourly_rate, 1, minimum - worked,
      format(
        'At least %s h × %s EUR/h = %s EUR, less %s EUR', muster.duration_text(assignment.minimum_minutes * 60),
        assignment.hourly_rate, minimum, worked
      ),
      true
    );
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.estimated_pay(assignment public.assignments) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  return (
    select coalesce(sum(l.amount), 0)
    from public.shifts s
    cross join lateral muster.lines_of(
      assignment, s.time_zone, tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime)), '{}', true
    ) l
    where s.id = assignment.shift_id
  );
end
$$;
--> statement-breakpoint
create or replace function muster.make_timesheet(
  assignment public.assignments, agreed_on tstzmultirange default null
) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets;
  made public.timesheets;
  shift public.shifts;
  hours record;
  lines jsonb;
begin
  -- Of all the person's sheets one is made at a time.
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  select t.* into sheet from public.timesheets t where t.assignment_id = assignment.id for no key update;
  select h.* into hours from muster.hours_of(assignment, agreed_on) h;

  if sheet.state in ('approved', 'locked') then
    if hours.claimed <> muster.spans_of(sheet.clocked) and not 'conflict' = any (sheet.flags) then
      update public.timesheets t
      set flags = array(select f.flag from unnest(t.flags || 'conflict'::text) as f (flag) order by f.flag)
      where t.id = sheet.id
      returning t.* into sheet;
    end if;
    return sheet;
  end if;

  select s.* into shift from public.shifts s where s.id = assignment.shift_id;
  select coalesce(jsonb_agg(to_jsonb(l) order by l.position), '[]') into lines
  from muster.lines_of(assignment, shift.time_zone, hours.worked, hours.overdue, agreed_on is not null) l;

  made.worked := muster.spans_json(hours.worked + hours.overdue);
  made.worked_seconds := muster.seconds_of(hours.worked + hours.overdue);
  made.break_seconds :=
    coalesce(muster.seconds_of(tstzmultirange(range_merge(hours.worked + hours.overdue))), 0) - made.worked_seconds;
  made.clocked := muster.spans_json(hours.clocked);
  made.agreed := case when agreed_on is not null then muster.spans_json(agreed_on) end;
  made.flags := array(
    select distinct f.flag
    from unnest(assignment.flags || case when hours.is_cut then array['conflict'] else '{}' end) as f (flag)
    order by f.flag
  );

  if sheet.id is null then
    insert into public.timesheets as t (
      tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, start_datetime, end_datetime, time_zone, work_date,
      worked, paid, clocked, agreed, worked_seconds, break_seconds, paid_seconds, total, flags
    )
    values (
      assignment.tenant_id, assignment.company_id, shift.client_id, assignment.shift_id, assignment.id, assignment.professional_id,
      assignment.start_datetime, assignment.end_datetime, shift.time_zone,
      (assignment.start_datetime at time zone shift.time_zone)::date,
      made.worked, '[]', made.clocked, made.agreed, made.worked_seconds, made.break_seconds, 0, 0, made.flags
    )
    returning t.* into sheet;
  elsif (
    sheet.start_datetime, sheet.end_datetime, sheet.time_zone, sheet.worked, sheet.clocked, sheet.flags
  ) is distinct from (
    assignment.start_datetime, assignment.end_datetime, shift.time_zone, made.worked, made.clocked, made.flags
  ) or sheet.agreed is distinct from made.agreed then
    update public.timesheets t
    set start_datetime = assignment.start_datetime,
        end_datetime = assignment.end_datetime,
        time_zone = shift.time_zone,
        work_date = (assignment.start_datetime at time zone shift.time_zone)::date,
        worked = made.worked,
        clocked = made.clocked,
        agreed = made.agreed,
        worked_seconds = made.worked_seconds,
        break_seconds = made.break_seconds,
        flags = made.flags,
        proposed_at = now()
    where t.id = sheet.id
    returning t.* into sheet;
  end if;

  -- Lines that stay as they are keep their ids, and nobody is told of them.
  if lines is distinct from (
    select coalesce(jsonb_agg(
      jsonb_build_object(
        'position', l.position, 'kind', l.kind, 'seconds', l.seconds, 'rate', l.rate, 'factor', l.factor, 'amount', l.amount,
        'explanation', l.explanation, 'allowance_id', l.allowance_id, 'open_reason', l.open_reason
      )
      order by l.position
    ), '[]')
    from public.timesheet_lines l
    where l.timesheet_id = sheet.id and l.kind not in ('minimum', 'adjustment')
  ) then
    delete from public.timesheet_lines l where l.timesheet_id = sheet.id and l.kind not in ('minimum', 'adjustment');
    insert into public.timesheet_lines (
      tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, allowance_id,
      open_reason, is_approved
    )
    select sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, l.position, l.kind, l.seconds, l.rate, l.factor, l.amount,
      l.explanation, l.allowance_id, l.open_reason, l.open_reason is null
    from jsonb_to_recordset(lines) as l (
      "position" smallint, kind text, seconds numeric, rate numeric, factor numeric, amount numeric, explanation text,
      allowance_id uuid, open_reason text
    );
  end if;
  return muster.count_lines(assignment, sheet, hours.worked, hours.overdue);
end
$$;
--> statement-breakpoint
-- Of lines that were approved, the minutes; of all that count, the sum.
create or replace function muster.count_lines(
  assignment public.assignments, sheet public.timesheets, worked tstzmultirange, overdue tstzmultirange
) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  tolerated_until constant timestamptz :=
    assignment.end_datetime + make_interval(mins => assignment.overtime_tolerance_minutes);
  approved text[];
  counted tstzmultirange := worked;
  amount numeric;
begin
  perform muster.add_minimum(assignment, sheet.id);
  select coalesce(sum(l.amount) filter (where l.is_approved), 0), array_agg(l.open_reason) filter (where l.is_approved)
  into amount, approved
  from public.timesheet_lines l
  where l.timesheet_id = sheet.id;
  if sheet.agreed is null and not coalesce('overtime_beyond_tolerance' = any (approved), false) then
    counted := counted * tstzmultirange(tstzrange(null, tolerated_until));
  end if;
  if coalesce('overdue_events' = any (approved), false) then
    counted := counted + overdue;
  end if;
  if (sheet.total, sheet.paid) is distinct from (amount, muster.spans_json(counted)) then
    update public.timesheets t
    set total = amount, paid = muster.spans_json(counted), paid_seconds = muster.seconds_of(counted)
    where t.id = sheet.id
    returning t.* into sheet;
  end if;
  return sheet;
end
$$;
--> statement-breakpoint
create or replace function muster.lock_timesheet(wanted uuid) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets;
begin
  perform muster.require_read_committed();
  select t.* into sheet from public.timesheets t where t.id = wanted;
  perform from public.shifts s where s.id = sheet.shift_id for no key update;
  perform from public.security_professionals p where p.id = sheet.professional_id for no key update;
  perform from public.finqle_transactions t where t.assignment_id = sheet.assignment_id for no key update;
  select t.* into sheet from public.timesheets t where t.id = wanted for no key update;
  return sheet;
end
$$;
--> statement-breakpoint
-- Gives on whose side the caller is: company (also admins) or professional.
create or replace function muster.side_of_caller(sheet public.timesheets) returns text
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if sheet.professional_id = muster.professional_id() then
    return 'professional';
  elsif sheet.company_id = muster.company_id() or sheet.tenant_id = muster.admin_tenant_id() then
    return 'company';
  end if;
  perform muster.fail(case when sheet.client_id = muster.client_id() then 'forbidden' else 'not_found' end, 'id');
  return null;
end
$$;
--> statement-breakpoint
create or replace function muster.is_own_user(sheet public.timesheets) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from public.security_professionals p where p.id = sheet.professional_id and p.user_id = muster.user_id()
  );
end;
--> statement-breakpoint
create or replace function muster.note_step(
  sheet public.timesheets, taken text, is_professional boolean, why text default null, hours jsonb default null
) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.timesheet_steps (
    tenant_id, company_id, professional_id, timesheet_id, step, taken_by, by_professional, reason, worked
  )
  values (
    sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, taken, muster.user_id(), is_professional, why, hours
  );
end;
--> statement-breakpoint
create or replace function muster.notify_of_timesheet(sheet public.timesheets, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select sheet.tenant_id, told.id, notification_type, jsonb_build_object(
    'timesheet_id', sheet.id,
    'shift_id', sheet.shift_id,
    'work_date', sheet.work_date,
    'state', sheet.state,
    'total', sheet.total,
    'currency', sheet.currency
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = sheet.professional_id
    union all
    select u.id
    from public.users u
    where not to_professional and u.organization_id = sheet.company_id and u.role = 'company' and u.deleted_at is null
  ) told;
end;
--> statement-breakpoint
-- What others worked meanwhile may have become theirs, or not any more. The professional is locked.
create or replace function muster.make_neighbours(changed public.assignments) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  longest_shift constant interval := interval '48 hours';
  windows constant interval := interval '14 hours';
  neighbour uuid;
begin
  for neighbour in
    select a.id
    from public.assignments a
    where a.professional_id = changed.professional_id
      and a.id <> changed.id
      and a.start_datetime between changed.start_datetime - longest_shift - windows and changed.end_datetime + windows
      and a.end_datetime > changed.start_datetime - windows
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(neighbour);
  end loop;
end
$$;
--> statement-breakpoint
-- As it was made last, with the open lines of these reasons. The sheet is locked (muster.lock_timesheet).
create or replace function muster.settle_timesheet(sheet public.timesheets, open_reasons text[], approver uuid) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  hours record;
begin
  select a.* into assignment from public.assignments a where a.id = sheet.assignment_id;
  update public.timesheet_lines l
  set is_approved = true
  where l.timesheet_id = sheet.id and l.open_reason = any (open_reasons);
  -- The lines that count without a word were counted when the sheet was made.
  if found then
    select h.* into hours
    from muster.hours_of(assignment, case when sheet.agreed is not null then muster.spans_of(sheet.agreed) end) h;
    sheet := muster.count_lines(assignment, sheet, hours.worked, hours.overdue);
  end if;
  update public.timesheets t
  set state = 'approved', approved_at = now(), approved_by = approver
  where t.id = sheet.id
  returning t.* into sheet;
  update public.finqle_transactions t
  set amount = sheet.total
  where t.assignment_id = sheet.assignment_id and t.status = 'pending' and t.amount <> sheet.total;
  perform muster.make_neighbours(assignment);
  return sheet;
end
$$;
--> statement-breakpoint
create or replace function muster.finished_assignment(sheet public.timesheets) returns public.assignments
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
begin
  select a.* into assignment
  from public.assignments a
  where a.id = sheet.assignment_id and a.ended_as in ('completed', 'stopped');
  -- A shift that is active again has no hours to agree on.
  if not found then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return assignment;
end
$$;
--> statement-breakpoint
create or replace function muster.approve_timesheet(
  wanted uuid, open_reasons text[] default null, seen_total numeric default null
) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
begin
  if muster.side_of_caller(sheet) = 'professional' or muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state <> 'proposed' then
    perform muster.fail('timesheet_state', 'state');
  end if;
  sheet := muster.make_timesheet(muster.finished_assignment(sheet));
  if sheet.total <> seen_total then
    perform muster.fail('timesheet_changed', 'total');
  elsif open_reasons is null and exists (
    select from public.timesheet_lines l where l.timesheet_id = sheet.id and not l.is_approved
  ) then
    perform muster.fail('lines_undecided', 'open_lines');
  end if;
  sheet := muster.settle_timesheet(sheet, coalesce(open_reasons, '{}'), muster.user_id());
  perform muster.note_step(sheet, 'approved', false);
  perform muster.notify_of_timesheet(sheet, 'timesheet_approved', true);
  return sheet.id;
end
$$;
--> statement-breakpoint
-- All shifts, then all professionals, each in one order: as phones do that deliver for several shifts.
create or replace function muster.lock_for_approval(wanted uuid[]) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  own constant uuid[] := array(
    select t.id
    from public.timesheets t
    where t.id = any (wanted) and (t.company_id = muster.company_id() or t.tenant_id = muster.admin_tenant_id())
  );
begin
  perform from public.shifts s
  where s.id in (select t.shift_id from public.timesheets t where t.id = any (own))
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (select t.professional_id from public.timesheets t where t.id = any (own))
  order by p.id
  for no key update;
end
$$;
--> statement-breakpoint
-- The code that refuses each, or null.
create or replace function muster.approve_timesheets(wanted uuid[]) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  results jsonb := '{}';
begin
  perform muster.lock_for_approval(wanted);
  for item in
    select g.id
    from (select distinct w.id from unnest(wanted) as w (id)) g
    left join public.timesheets t on t.id = g.id
    order by t.professional_id, t.start_datetime desc, g.id
  loop
    begin
      perform muster.approve_timesheet(item.id);
      results := results || jsonb_build_object(item.id, null);
    exception
      when others then
        if not muster.is_refusal(sqlstate) then
          raise;
        end if;
        results := results || jsonb_build_object(item.id, sqlstate);
    end;
  end loop;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'sqlstate', results -> w.id::text) order by w.nth), '[]')
    from unnest(wanted) with ordinality as w (id, nth)
  );
end
$$;
--> statement-breakpoint
create or replace function muster.reopen_timesheet(sheet public.timesheets) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  was text := sheet.state;
begin
  assignment := muster.finished_assignment(sheet);
  update public.timesheets t
  set state = 'disputed', approved_at = null, approved_by = null
  where t.id = sheet.id
  returning t.* into sheet;
  if was = 'approved' then
    update public.timesheet_lines l set is_approved = l.open_reason is null where l.timesheet_id = sheet.id;
    -- What came in meanwhile counts again.
    sheet := muster.make_timesheet(assignment);
    update public.finqle_transactions t
    set amount = sheet.total
    where t.assignment_id = assignment.id and t.status = 'pending' and t.amount <> sheet.total;
    perform muster.make_neighbours(assignment);
    perform muster.advance_assignment(assignment.id);
    select t.* into sheet from public.timesheets t where t.id = sheet.id;
  end if;
  return sheet;
end
$$;
--> statement-breakpoint
-- How long the guard may dispute.
create or replace function muster.require_dispute_in_time(sheet public.timesheets) returns void
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from public.assignments a
    where a.id = sheet.assignment_id
      and coalesce(sheet.approved_at, sheet.proposed_at) + make_interval(days => a.dispute_days) < now()
  ) then
    perform muster.fail('dispute_too_late', 'id');
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.dispute_timesheet(wanted uuid, why text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
begin
  if muster.side_of_caller(sheet) <> 'professional' then
    perform muster.fail('forbidden', 'id');
  elsif sheet.state not in ('proposed', 'approved') then
    perform muster.fail('timesheet_state', 'state');
  end if;
  perform muster.require_dispute_in_time(sheet);
  sheet := muster.reopen_timesheet(sheet);
  perform muster.note_step(sheet, 'disputed', true, why);
  perform muster.notify_of_timesheet(sheet, 'timesheet_disputed', false);
  return sheet.id;
end
$$;
--> statement-breakpoint
create or replace function muster.counter_timesheet(wanted uuid, hours jsonb, why text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  sheet public.timesheets := muster.lock_timesheet(wanted);
  is_professional constant boolean := muster.side_of_caller(sheet) = 'professional';
  spans tstzmultirange;
begin
  if not is_professional and muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state not in ('proposed', 'disputed') and not (is_professional and sheet.state = 'approved') then
    perform muster.fail('timesheet_state', 'state');
  elsif is_professional and sheet.state <> 'disputed' then
    perform muster.require_dispute_in_time(sheet);
  end if;
  if exists (
    select from jsonb_array_elements(hours) as s (span)
    where (s.span ->> 'from')::timestamptz >= (s.span ->> 'to')::timestamptz
  ) then
    perform muster.fail('hours_impossible', 'worked');
  end if;
  spans := muster.spans_of(hours);
  -- As check-ins: nobody worked at another time.
  if not spans <@ tstzrange(sheet.start_datetime - window_before, sheet.end_datetime + window_after) or upper(spans) > now() then
    perform muster.fail('hours_impossible', 'worked');
  end if;
  if sheet.state <> 'disputed' then
    sheet := muster.reopen_timesheet(sheet);
  end if;
  perform muster.note_step(sheet, 'countered', is_professional, why, muster.spans_json(spans));
  perform muster.notify_of_timesheet(sheet, 'timesheet_countered', not is_professional);
  return sheet.id;
end
$$;
--> statement-breakpoint
create or replace function muster.resolve_timesheet(wanted uuid, outcome text, why text default null) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
  is_professional constant boolean := muster.side_of_caller(sheet) = 'professional';
  is_admin constant boolean := not is_professional and muster.admin_tenant_id() is not null;
  assignment public.assignments;
  counter public.timesheet_steps;
begin
  if not is_professional and muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state <> 'disputed' then
    perform muster.fail('timesheet_state', 'state');
  end if;
  assignment := muster.finished_assignment(sheet);

  if outcome = 'clocked' then
    if not is_professional and not is_admin then
      perform muster.fail('forbidden', 'outcome');
    end if;
    update public.timesheets t set state = 'proposed', proposed_at = now() where t.id = sheet.id;
    sheet := muster.make_timesheet(assignment);
    if is_admin then
      sheet := muster.settle_timesheet(sheet, '{}', muster.user_id());
    end if;
    perform muster.note_step(sheet, case when is_admin then 'resolved' else 'withdrawn' end, is_professional, why);
  else
    select s.* into counter
    from public.timesheet_steps s
    where s.timesheet_id = sheet.id
      and s.step = 'countered'
      -- Of this dispute.
      and s.created_at > coalesce((
        select max(e.created_at)
        from public.timesheet_steps e
        where e.timesheet_id = sheet.id and e.step in ('approved', 'approved_by_itself', 'resolved', 'withdrawn')
      ), '-infinity')
    order by s.created_at desc, s.id desc
    limit 1;
    if counter.id is null then
      perform muster.fail('timesheet_state', 'outcome');
    elsif counter.by_professional = is_professional and not is_admin then
      perform muster.fail('own_hours', 'outcome');
    end if;
    sheet := muster.make_timesheet(assignment, muster.spans_of(counter.worked));
    -- Who asked for these hours for the company approved them with that.
    sheet := muster.settle_timesheet(
      sheet, '{}', case when is_professional then counter.taken_by else muster.user_id() end
    );
    perform muster.note_step(sheet, 'resolved', is_professional, why);
  end if;
  perform muster.notify_of_timesheet(sheet, 'timesheet_resolved', not is_professional);
  if is_admin then
    perform muster.notify_of_timesheet(sheet, 'timesheet_resolved', false);
  end if;
  return sheet.id;
end
$$;
--> statement-breakpoint
create or replace function muster.approve_agreed_hours(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  sheet public.timesheets;
  done bigint := 0;
begin
  for item in
    select t.id
    from public.timesheets t
    join public.assignments a on a.id = t.assignment_id
    join public.shifts s on s.id = t.shift_id
    where t.state = 'proposed'
      and t.proposed_at < now()
      and t.proposed_at + make_interval(days => a.approve_after_days) <= now()
      and muster.may_approve_itself(t, a)
    order by t.professional_id, t.start_datetime desc
    limit most
    -- Somebody who works on these hours now is not waited for.
    for no key update of s skip locked
  loop
    sheet := muster.lock_timesheet(item.id);
    continue when sheet.state <> 'proposed';
    sheet := muster.make_timesheet(muster.finished_assignment(sheet));
    continue when not exists (
      select from public.assignments a
      where a.id = sheet.assignment_id
        and sheet.proposed_at + make_interval(days => a.approve_after_days) <= now()
        and muster.may_approve_itself(sheet, a)
    );
    sheet := muster.settle_timesheet(sheet, '{}', null);
    perform muster.note_step(sheet, 'approved_by_itself', false);
    perform muster.notify_of_timesheet(sheet, 'timesheet_approved', true);
    done := done + 1;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
create or replace function muster.make_missing_timesheets(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  missing uuid;
  done bigint := 0;
begin
  for missing in
    select a.id
    from public.finqle_transactions t
    join public.assignments a on a.id = t.assignment_id
    where t.status = 'pending'
      and a.ended_as in ('completed', 'stopped')
      and not exists (select from public.timesheets s where s.assignment_id = a.id)
    order by a.professional_id, a.start_datetime desc, a.shift_id desc
    limit most
  loop
    perform muster.price_assignment(missing);
    done := done + 1;
  end loop;
  return done;
end
$$;
--> statement-breakpoint
create or replace function muster.may_approve_itself(sheet public.timesheets, assignment public.assignments) returns boolean
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  plan constant tstzmultirange := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  worked constant tstzmultirange := muster.spans_of(sheet.worked);
begin
  return assignment.ended_as in ('completed', 'stopped')
    and sheet.flags = '{}'
    and sheet.clocked <> '[]'
    and muster.seconds_of(plan - worked) + muster.seconds_of(worked - plan) <= assignment.plan_tolerance_minutes * 60
    and not exists (
      select from public.timesheet_lines l where l.timesheet_id = sheet.id and not l.is_approved
    );
end
$$;
--> statement-breakpoint
create policy timesheets_read on public.timesheets for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy timesheet_lines_read on public.timesheet_lines for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create policy timesheet_steps_read on public.timesheet_steps for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
--> statement-breakpoint
create or replace function muster.warn_of_stale_payments() returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with stale as (
    select t.tenant_id, count(*) as payments, min(t.created_at) as oldest
    from public.finqle_transactions t
    join public.shifts s on s.id = t.shift_id
    -- A week for both sides to agree on the hours; a day for the provider, who answers within minutes.
    where (t.status = 'pending' and s.status = 'completed' and s.end_datetime < now() - interval '7 days')
      or (t.status in ('processing', 'failed') and t.updated_at < now() - interval '1 day')
    group by t.tenant_id
  ), told as (
    insert into public.notifications (tenant_id, user_id, type, data, once_key)
    select a.tenant_id, a.user_id, 'payments_stale',
      jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest),
      'payments_stale ' || to_char(now() at time zone 'UTC', 'IYYY"W"IW')
    from stale s
    join public.memberships a on a.tenant_id = s.tenant_id and a.role = 'admin'
    join public.users u on u.id = a.user_id and u.deleted_at is null
    on conflict (user_id, once_key) where once_key is not null do nothing
    returning 1
  )
  select count(*) from told;
end;
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.brokers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.brokers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.brokers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- An organization that the caller does not see does not exist.
create or replace function muster.tg_set_tenant_of_carrier() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  select o.tenant_id into new.tenant_id
  from public.organizations o
  where o.id = new.organization_id and o.kind = 'carrier' and o.deleted_at is null;
  if not found then
    perform muster.fail('not_found', 'organization_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.brokers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy brokers_read on public.brokers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy brokers_create on public.brokers for insert to authenticated
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy brokers_edit on public.brokers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy brokers_remove on public.brokers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create or replace function muster.codes_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object();
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.drivers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.drivers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.drivers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- A user whom the caller does not see does not exist.
create or replace function muster.tg_drivers__check_member() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.memberships m
    where m.user_id = new.user_id and m.organization_id = new.organization_id and m.role = 'driver'
  ) then
    perform muster.fail('not_found', 'user_id');
  end if;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.drivers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create or replace trigger b_check_member before insert on public.drivers
  for each row execute function muster.tg_drivers__check_member();
--> statement-breakpoint
create or replace trigger note_caller after insert or delete on public.drivers
  for each row execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create or replace trigger note_caller_on_update after update on public.drivers
  for each row when (
    (old.id, old.user_id, old.organization_id, old.deleted_at)
    is distinct from (new.id, new.user_id, new.organization_id, new.deleted_at)
  )
  execute function muster.tg_note_caller('user_id');
--> statement-breakpoint
create policy drivers_read on public.drivers for select to authenticated
  using (
    deleted_at is null
    and (
      organization_id = (select muster.carrier_id())
      or id = (select muster.driver_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
--> statement-breakpoint
create policy drivers_create on public.drivers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy drivers_edit on public.drivers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy drivers_remove on public.drivers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create or replace function muster.roles_of_freight() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('office', 'carrier', 'dispatcher', 'carrier', 'driver', 'carrier', 'broker', 'broker');
--> statement-breakpoint
create or replace function muster.invites_of_freight(role text, organization uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
return coalesce(role in ('office', 'dispatcher', 'driver') and organization = muster.office_carrier_id(), false);
--> statement-breakpoint
create or replace function muster.groups_of_freight(callers uuid[]) returns table (caller uuid, groups text[])
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select m.user_id, array_agg(case
    when m.role in ('office', 'dispatcher') then 'carrier:' || m.organization_id
    when m.role = 'broker' then 'broker:' || m.organization_id
    when m.role = 'driver' then 'driver:' || d.id
  end)
  from public.memberships m
  join public.users u on u.id = m.user_id
  left join public.drivers d
    on m.role = 'driver' and d.user_id = m.user_id and d.organization_id = m.organization_id and d.deleted_at is null
  where m.user_id = any (callers) and m.role in ('office', 'dispatcher', 'broker', 'driver') and u.deleted_at is null
  group by m.user_id;
end;
--> statement-breakpoint
create policy organizations_read_of_freight on public.organizations for select to authenticated
  using (
    deleted_at is null
    and (
      id = (select muster.carrier_id())
      or id = (select muster.broker_id())
      or exists (
        select from public.memberships m
        where m.user_id = (select auth.uid()) and m.role = 'driver' and m.organization_id = organizations.id
        offset 0
      )
    )
  );
--> statement-breakpoint
create policy users_read_of_freight on public.users for select to authenticated
  using (
    deleted_at is null
    and (select muster.carrier_id()) is not null
    and exists (
      select from public.memberships m
      where m.user_id = users.id and m.organization_id = (select muster.carrier_id())
      offset 0
    )
  );
--> statement-breakpoint
create policy memberships_read_of_freight on public.memberships for select to authenticated
  using (organization_id = (select muster.carrier_id()));
--> statement-breakpoint
create policy invitations_read_of_freight on public.invitations for select to authenticated
  using (inviting_organization_id = (select muster.office_carrier_id()));
--> statement-breakpoint
create policy invitations_withdraw_of_freight on public.invitations for delete to authenticated
  using (accepted_at is null and inviting_organization_id = (select muster.office_carrier_id()));
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.trailers FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.trailers FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.trailers for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.trailers
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy trailers_read on public.trailers for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy trailers_create on public.trailers for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trailers_edit on public.trailers for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trailers_remove on public.trailers for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
CREATE TRIGGER edit_trail BEFORE INSERT OR UPDATE ON public.trucks FOR EACH ROW EXECUTE FUNCTION muster.set_edit_trail();
--> statement-breakpoint
CREATE TRIGGER soft_delete BEFORE DELETE ON public.trucks FOR EACH ROW EXECUTE FUNCTION muster.tg_soft_delete();
--> statement-breakpoint
create policy internal on public.trucks for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
create or replace trigger a_set_tenant before insert on public.trucks
  for each row execute function muster.tg_set_tenant_of_carrier();
--> statement-breakpoint
create policy trucks_read on public.trucks for select to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
create policy trucks_create on public.trucks for insert to authenticated
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trucks_edit on public.trucks for update to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  )
  with check (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()));
--> statement-breakpoint
create policy trucks_remove on public.trucks for delete to authenticated
  using (
    deleted_at is null
    and (organization_id = (select muster.office_carrier_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
--> statement-breakpoint
alter function muster.dispute_timesheet(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.carrier_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.office_carrier_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.driver_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.broker_id() owner to muster_definer;
--> statement-breakpoint
alter function muster.lock_for_approval(uuid[]) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_users__follow_role() owner to muster_definer;
--> statement-breakpoint
alter function muster.flag_late_shifts(integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.close_missed_shifts(integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.close_left_shifts(integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.decide_correction(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_corrections__check() owner to muster_definer;
--> statement-breakpoint
alter function muster.tg_corrections__apply() owner to muster_definer;
--> statement-breakpoint
alter function muster.approve_timesheet(uuid,text[],numeric) owner to muster_definer;
--> statement-breakpoint
alter function muster.counter_timesheet(uuid,jsonb,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.resolve_timesheet(uuid,text,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.approve_agreed_hours(integer) owner to muster_definer;
--> statement-breakpoint
alter function muster.make_missing_timesheets(integer) owner to muster_definer;
--> statement-breakpoint
alter table public.memberships enable row level security;
--> statement-breakpoint
alter table public.allowances enable row level security;
--> statement-breakpoint
alter table public.allowances force row level security;
--> statement-breakpoint
alter table muster.public_holidays enable row level security;
--> statement-breakpoint
alter table public.corrections enable row level security;
--> statement-breakpoint
alter table public.corrections force row level security;
--> statement-breakpoint
alter table public.timesheets enable row level security;
--> statement-breakpoint
alter table public.timesheets force row level security;
--> statement-breakpoint
alter table public.timesheet_lines enable row level security;
--> statement-breakpoint
alter table public.timesheet_lines force row level security;
--> statement-breakpoint
alter table public.timesheet_steps enable row level security;
--> statement-breakpoint
alter table public.timesheet_steps force row level security;
--> statement-breakpoint
alter table public.brokers enable row level security;
--> statement-breakpoint
alter table public.brokers force row level security;
--> statement-breakpoint
alter table public.drivers enable row level security;
--> statement-breakpoint
alter table public.drivers force row level security;
--> statement-breakpoint
alter table public.trailers enable row level security;
--> statement-breakpoint
alter table public.trailers force row level security;
--> statement-breakpoint
alter table public.trucks enable row level security;
--> statement-breakpoint
alter table public.trucks force row level security;
--> statement-breakpoint
alter table public.memberships enable always trigger note_caller;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
alter table public.drivers enable always trigger note_caller;
--> statement-breakpoint
alter table public.drivers enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke all on table public.memberships from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.allowances from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table muster.public_holidays from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.corrections from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.timesheets from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.timesheet_lines from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.timesheet_steps from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.brokers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.drivers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.trailers from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke all on table public.trucks from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.carrier_id() from public;
--> statement-breakpoint
revoke execute on function muster.is_vin(text) from public;
--> statement-breakpoint
revoke execute on function muster.notify_company(shifts,text) from public;
--> statement-breakpoint
revoke execute on function muster.dispute_timesheet(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_allowances__set_tenant() from public;
--> statement-breakpoint
revoke execute on function muster.calendar_of(text) from public;
--> statement-breakpoint
revoke execute on function muster.allowances_of(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.corrections_in_effect(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.tg_set_organization_kind() from public;
--> statement-breakpoint
revoke execute on function muster.tg_organizations__check_kind() from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_people() from public;
--> statement-breakpoint
revoke execute on function muster.roles() from public;
--> statement-breakpoint
revoke execute on function muster.office_carrier_id() from public;
--> statement-breakpoint
revoke execute on function muster.driver_id() from public;
--> statement-breakpoint
revoke execute on function muster.broker_id() from public;
--> statement-breakpoint
revoke execute on function muster.may_invite(text,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.lock_for_approval(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.tg_users__follow_role() from public;
--> statement-breakpoint
revoke execute on function muster.tg_set_tenant_of_carrier() from public;
--> statement-breakpoint
revoke execute on function muster.allowance_hours(allowances,text,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_guarding() from public;
--> statement-breakpoint
revoke execute on function muster.allowance_name(allowances) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_timesheets(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.flag_late_shifts(integer) from public;
--> statement-breakpoint
revoke execute on function muster.close_missed_shifts(integer) from public;
--> statement-breakpoint
revoke execute on function muster.close_left_shifts(integer) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_corrections(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_corrections(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__keep() from public;
--> statement-breakpoint
revoke execute on function muster.correction_json(corrections) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_correction(corrections,text) from public;
--> statement-breakpoint
revoke execute on function muster.side_in(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.apply_correction(corrections) from public;
--> statement-breakpoint
revoke execute on function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.decide_correction(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__check() from public;
--> statement-breakpoint
revoke execute on function muster.tg_corrections__apply() from public;
--> statement-breakpoint
revoke execute on function muster.clock_events(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.interval_from(timestamp with time zone,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.record_no_show(shifts,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_timesheet_lines(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_timesheets(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_timesheet_lines(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.audience_of_timesheet_steps(jsonb,timestamp with time zone) from public;
--> statement-breakpoint
revoke execute on function muster.seen_of_timesheet_steps(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.estimated_pay(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.notify_of_timesheet(timesheets,text,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.require_dispute_in_time(timesheets) from public;
--> statement-breakpoint
revoke execute on function muster.seconds_of(tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.spans_json(tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.spans_of(jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.duration_text(numeric) from public;
--> statement-breakpoint
revoke execute on function muster.hours_are_settled(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.hours_of(assignments,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.lines_of(assignments,text,tstzmultirange,tstzmultirange,boolean) from public;
--> statement-breakpoint
revoke execute on function muster.add_minimum(assignments,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.make_timesheet(assignments,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.count_lines(assignments,timesheets,tstzmultirange,tstzmultirange) from public;
--> statement-breakpoint
revoke execute on function muster.lock_timesheet(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.side_of_caller(timesheets) from public;
--> statement-breakpoint
revoke execute on function muster.is_own_user(timesheets) from public;
--> statement-breakpoint
revoke execute on function muster.approve_timesheets(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.note_step(timesheets,text,boolean,text,jsonb) from public;
--> statement-breakpoint
revoke execute on function muster.make_neighbours(assignments) from public;
--> statement-breakpoint
revoke execute on function muster.settle_timesheet(timesheets,text[],uuid) from public;
--> statement-breakpoint
revoke execute on function muster.finished_assignment(timesheets) from public;
--> statement-breakpoint
revoke execute on function muster.reopen_timesheet(timesheets) from public;
--> statement-breakpoint
revoke execute on function muster.may_approve_itself(timesheets,assignments) from public;
--> statement-breakpoint
revoke execute on function muster.approve_timesheet(uuid,text[],numeric) from public;
--> statement-breakpoint
revoke execute on function muster.counter_timesheet(uuid,jsonb,text) from public;
--> statement-breakpoint
revoke execute on function muster.resolve_timesheet(uuid,text,text) from public;
--> statement-breakpoint
revoke execute on function muster.approve_agreed_hours(integer) from public;
--> statement-breakpoint
revoke execute on function muster.make_missing_timesheets(integer) from public;
--> statement-breakpoint
revoke execute on function muster.codes_of_freight() from public;
--> statement-breakpoint
revoke execute on function muster.tg_drivers__check_member() from public;
--> statement-breakpoint
revoke execute on function muster.invites_of_freight(text,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.groups_of_freight(uuid[]) from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_freight() from public;
--> statement-breakpoint
grant execute on function muster.add_minimum(assignments,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.allowance_hours(allowances,text,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.allowance_name(allowances) to muster_definer;
--> statement-breakpoint
grant execute on function muster.allowances_of(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.apply_correction(corrections) to muster_definer;
--> statement-breakpoint
grant execute on function muster.approve_agreed_hours(integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.approve_timesheet(uuid,text[],numeric) to authenticated;
--> statement-breakpoint
grant execute on function muster.approve_timesheets(uuid[]) to authenticated;
--> statement-breakpoint
grant execute on function muster.audience_of_corrections(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_timesheet_lines(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_timesheet_steps(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.audience_of_timesheets(jsonb,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.broker_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.calendar_of(text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.carrier_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.clock_events(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.close_left_shifts(integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.close_missed_shifts(integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.codes_of_freight() to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.correction_json(corrections) to muster_definer;
--> statement-breakpoint
grant execute on function muster.corrections_in_effect(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.count_lines(assignments,timesheets,tstzmultirange,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.counter_timesheet(uuid,jsonb,text) to authenticated;
--> statement-breakpoint
grant execute on function muster.decide_correction(uuid,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.dispute_timesheet(uuid,text) to authenticated;
--> statement-breakpoint
grant execute on function muster.driver_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.duration_text(numeric) to muster_definer;
--> statement-breakpoint
grant execute on function muster.estimated_pay(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.finished_assignment(timesheets) to muster_definer;
--> statement-breakpoint
grant execute on function muster.flag_late_shifts(integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.groups_of_freight(uuid[]) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_are_settled(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.hours_of(assignments,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.interval_from(timestamp with time zone,timestamp with time zone) to muster_definer;
--> statement-breakpoint
grant execute on function muster.invites_of_freight(text,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_own_user(timesheets) to muster_definer;
--> statement-breakpoint
grant execute on function muster.is_vin(text) to anon, authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.lines_of(assignments,text,tstzmultirange,tstzmultirange,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.lock_for_approval(uuid[]) to authenticated;
--> statement-breakpoint
grant execute on function muster.lock_timesheet(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.make_missing_timesheets(integer) to muster_jobs;
--> statement-breakpoint
grant execute on function muster.make_neighbours(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.make_timesheet(assignments,tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.may_approve_itself(timesheets,assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.may_invite(text,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.note_step(timesheets,text,boolean,text,jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_company(shifts,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_correction(corrections,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.notify_of_timesheet(timesheets,text,boolean) to muster_definer;
--> statement-breakpoint
grant execute on function muster.office_carrier_id() to anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.record_no_show(shifts,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.reopen_timesheet(timesheets) to muster_definer;
--> statement-breakpoint
grant execute on function muster.require_dispute_in_time(timesheets) to muster_definer;
--> statement-breakpoint
grant execute on function muster.resolve_timesheet(uuid,text,text) to authenticated;
--> statement-breakpoint
grant execute on function muster.roles() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_freight() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_guarding() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_people() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.seconds_of(tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_corrections(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_timesheet_lines(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_timesheet_steps(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.seen_of_timesheets(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.settle_timesheet(timesheets,text[],uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.side_in(assignments) to muster_definer;
--> statement-breakpoint
grant execute on function muster.side_of_caller(timesheets) to muster_definer;
--> statement-breakpoint
grant execute on function muster.spans_json(tstzmultirange) to muster_definer;
--> statement-breakpoint
grant execute on function muster.spans_of(jsonb) to muster_definer;
--> statement-breakpoint
grant execute on function muster.tenant_id() to muster_api;
--> statement-breakpoint
grant select on table muster.public_holidays to muster_definer;
--> statement-breakpoint
grant select, insert (amount_per_hour, combination, company_id, id, kind, notice_hours, percent, valid_from, window_from, window_to) on table public.allowances to authenticated;
--> statement-breakpoint
grant select on table public.allowances to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.allowances to service_role;
--> statement-breakpoint
grant delete, select, insert (broker_organization_id, credit_status, dot_number, id, mc_number, name, organization_id, payment_days, payment_terms), update (broker_organization_id, credit_status, dot_number, mc_number, name, payment_days, payment_terms) on table public.brokers to authenticated;
--> statement-breakpoint
grant select, update on table public.brokers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.brokers to service_role;
--> statement-breakpoint
grant insert (approve_after_days, dispute_days, overtime_tolerance_minutes, plan_tolerance_minutes) on table public.company_terms to authenticated;
--> statement-breakpoint
grant select on table public.corrections to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.corrections to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.corrections to service_role;
--> statement-breakpoint
grant delete, select, insert (currency, distance_unit, driver_type, endorsements, hire_date, id, license_class, license_number, name, organization_id, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date, user_id), update (currency, distance_unit, driver_type, endorsements, hire_date, license_class, license_number, name, pay_flat, pay_kind, pay_per_distance, pay_percentage, status, termination_date) on table public.drivers to authenticated;
--> statement-breakpoint
grant select, update on table public.drivers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.drivers to service_role;
--> statement-breakpoint
grant select on table public.memberships to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.memberships to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.memberships to service_role;
--> statement-breakpoint
grant select on table public.timesheet_lines to authenticated;
--> statement-breakpoint
grant delete, insert, select, update on table public.timesheet_lines to muster_definer, service_role;
--> statement-breakpoint
grant select on table public.timesheet_steps to authenticated;
--> statement-breakpoint
grant insert, select on table public.timesheet_steps to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.timesheet_steps to service_role;
--> statement-breakpoint
grant select (agreed, approved_at, approved_by, assignment_id, break_seconds, changed_xid, client_id, clocked, company_id, created_at, currency, end_datetime, flags, id, locked_at, paid, paid_seconds, pay_period_id, professional_id, proposed_at, shift_id, start_datetime, state, tenant_id, time_zone, updated_at, work_date, worked, worked_seconds) on table public.timesheets to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.timesheets to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.timesheets to service_role;
--> statement-breakpoint
grant delete, select, insert (id, inspection_due_on, kind, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, kind, ownership, status, unit_number, vin) on table public.trailers to authenticated;
--> statement-breakpoint
grant select, update on table public.trailers to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.trailers to service_role;
--> statement-breakpoint
grant delete, select, insert (id, inspection_due_on, organization_id, ownership, status, unit_number, vin), update (inspection_due_on, ownership, status, unit_number, vin) on table public.trucks to authenticated;
--> statement-breakpoint
grant select, update on table public.trucks to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.trucks to service_role;
--> statement-breakpoint
comment on function muster.roles_of_people() is 'The roles that people knows by itself, with the kinds of their organizations.';
--> statement-breakpoint
comment on function muster.roles() is 'The roles of all modules, each with the kind of organization for which one has it; null for none.';
--> statement-breakpoint
comment on function muster.tg_set_organization_kind() is
  'A role that no module has is refused. The kind of its organization is written beside it, for the foreign key.';
--> statement-breakpoint
comment on function muster.tg_organizations__check_kind() is 'A kind that no role of a module belongs to is refused.';
--> statement-breakpoint
comment on function muster.carrier_id() is 'The carrier for which the caller plans, as its office or a dispatcher; null for others.';
--> statement-breakpoint
comment on function muster.office_carrier_id() is 'The carrier that the caller administers; null for others.';
--> statement-breakpoint
comment on function muster.driver_id() is 'The caller''s own driver; null for others.';
--> statement-breakpoint
comment on function muster.broker_id() is 'The broker that the caller works for; null for others.';
--> statement-breakpoint
comment on function muster.is_vin(text) is 'Whether the text is a vehicle identification number with the right check digit (49 CFR 565.15).';
--> statement-breakpoint
comment on function muster.may_invite(text, uuid) is 'Whether a module lets the caller invite somebody as this, into this organization.';
--> statement-breakpoint
comment on function muster.accept_invitation(text, text, text, float8, float8) is
  'Makes the caller a user, or gives a user another role. Security definer: a stranger may write nothing else.';
--> statement-breakpoint
comment on policy invitations_read_of_people on public.invitations is 'A company its own, an admin the tenant''s.';
--> statement-breakpoint
comment on policy invitations_withdraw_of_people on public.invitations is 'Until it is accepted, whoever sees it.';
--> statement-breakpoint
comment on policy internal on public.memberships is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy memberships_read_of_people on public.memberships is
  'One''s own, those of colleagues for the organization; admins all of the tenant.';
--> statement-breakpoint
comment on policy trucks_remove on public.trucks is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on function muster.tg_users__follow_role() is
  'The role with which a user came is their first membership. Security definer: nobody may write memberships by themselves.';
--> statement-breakpoint
comment on policy internal on public.allowances is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy internal on muster.public_holidays is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.calendar_of(text) is 'Whose public holidays a site has, by its time zone; null where the database knows none.';
--> statement-breakpoint
comment on function muster.allowances_of(public.assignments) is 'The allowances that an assignment has.';
--> statement-breakpoint
comment on function muster.allowance_hours(public.allowances, text, tstzmultirange) is
  'When an allowance is paid, around those spans, by the clock of the site.';
--> statement-breakpoint
comment on function muster.allowance_name(public.allowances) is 'What people call an allowance.';
--> statement-breakpoint
comment on function muster.tg_allowances__set_tenant() is
  'Allowances are in the tenant of their company; whose they may be the insert policy decides.';
--> statement-breakpoint
comment on policy allowances_read on public.allowances is 'The company, and admins.';
--> statement-breakpoint
comment on policy allowances_create on public.allowances is 'The company, and admins. No version is changed or removed.';
--> statement-breakpoint
comment on function muster.reopen_assignment(uuid) is
  'The assignment of a shift that was completed, or to which nobody seemed to come, is in force again.';
--> statement-breakpoint
comment on function muster.flag_late_shifts(integer) is
  'Flags assigned shifts whose guard is late, and tells both sides; gives how many. Security definer: background work writes no assignments by itself.';
--> statement-breakpoint
comment on function muster.close_missed_shifts(integer) is
  'Makes no_show of assigned shifts that are over; gives how many. Security definer: no role takes that step by hand.';
--> statement-breakpoint
comment on function muster.close_left_shifts(integer) is
  'Completes active shifts that nobody left, at their planned end; gives how many. Security definer: no role completes a shift by hand.';
--> statement-breakpoint
comment on function muster.audience_of_corrections(jsonb, timestamptz) is 'Who sees a correction: corrections_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.corrections is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_corrections(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.correction_json(public.corrections) is 'A correction in the form of the API.';
--> statement-breakpoint
comment on function muster.side_in(public.assignments) is 'As whom the caller sees an assignment; null for those who do not.';
--> statement-breakpoint
comment on function muster.corrections_in_effect(uuid) is 'Of each event of an assignment what was last agreed on, or imposed.';
--> statement-breakpoint
comment on function muster.propose_correction(uuid, text, uuid, text, timestamptz, text) is
  'A correction of an assignment, proposed by the caller''s side, or imposed by an admin. Security definer: nobody may say whose a correction is.';
--> statement-breakpoint
comment on function muster.decide_correction(uuid, text) is
  'The side that did not propose it accepts or refuses a correction. Security definer: no caller writes corrections.';
--> statement-breakpoint
comment on function muster.tg_corrections__check() is
  'Fills in what a correction is about, and refuses what cannot be corrected. Security definer: it reads the check-ins of the shift.';
--> statement-breakpoint
comment on function muster.tg_corrections__keep() is 'Corrections are appended: a proposal is decided on, once, and nothing else changes.';
--> statement-breakpoint
comment on function muster.notify_of_correction(public.corrections, text) is 'A notification for everybody of one side of a correction.';
--> statement-breakpoint
comment on function muster.apply_correction(public.corrections) is
  'What follows from a correction that is in effect from now on. The one place from which it reaches hours, state and pay.';
--> statement-breakpoint
comment on function muster.tg_corrections__apply() is
  'Tells the other side, and brings what is in effect to hours, state and pay. Security definer: see muster.advance_assignment.';
--> statement-breakpoint
comment on policy corrections_read on public.corrections is
  'The company, the guard, admins: as assignments. Nobody writes: functions say who may propose and decide.';
--> statement-breakpoint
comment on function muster.clock_events(uuid) is
  'The clock events of an assignment after corrections. One with a correction was agreed on: it counts, and its place is not judged.';
--> statement-breakpoint
comment on function muster.clocked(public.assignments) is
  'What the clock events of an assignment say: intervals, without what is before the planned start and was not agreed on, what they claim (also what is not over), state and flags.';
--> statement-breakpoint
comment on function muster.interval_from(timestamptz, timestamptz) is
  'From one moment to another; nothing where it did not begin, or ended before.';
--> statement-breakpoint
comment on function muster.assignment_pay(public.assignments) is
  'What an assignment pays, as far as it is known: what its timesheet says, else what was planned.';
--> statement-breakpoint
comment on function muster.price_assignment(uuid) is 'Makes the timesheet of an assignment anew, and brings its pending payment in step with it.';
--> statement-breakpoint
comment on function muster.price_earlier_assignments(public.assignments) is
  'Prices what a shift may take minutes from: the earlier ones of the same person, and later ones that have overdue events.';
--> statement-breakpoint
comment on function muster.notify_company(public.shifts, text) is 'A notification for each planner of the shift''s company.';
--> statement-breakpoint
comment on function muster.record_no_show(public.shifts, uuid) is 'Nothing is owed for an assignment to which nobody came; both sides are told.';
--> statement-breakpoint
comment on function muster.roles_of_guarding() is 'The roles of guarding, with the kinds of their organizations.';
--> statement-breakpoint
comment on policy organizations_read_of_guarding on public.organizations is 'Guards those of the shifts that they see.';
--> statement-breakpoint
comment on function muster.audience_of_timesheets(jsonb, timestamptz) is 'Who sees a timesheet: timesheets_read, as groups.';
--> statement-breakpoint
comment on function muster.audience_of_timesheet_lines(jsonb, timestamptz) is
  'Who sees a line of a timesheet: timesheet_lines_read, as groups.';
--> statement-breakpoint
comment on function muster.audience_of_timesheet_steps(jsonb, timestamptz) is
  'Who sees a step of a timesheet: timesheet_steps_read, as groups.';
--> statement-breakpoint
comment on policy internal on public.timesheets is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_timesheets(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on policy internal on public.timesheet_lines is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_timesheet_lines(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on policy internal on public.timesheet_steps is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.seen_of_timesheet_steps(jsonb) is 'Which groups see changes of this table, and the values that the log left out. Made by muster.follow_table.';
--> statement-breakpoint
comment on function muster.seconds_of(tstzmultirange) is 'How long all of it is.';
--> statement-breakpoint
comment on function muster.spans_json(tstzmultirange) is 'Spans of time as a list of {from, to}, in order.';
--> statement-breakpoint
comment on function muster.spans_of(jsonb) is 'Spans of time from a list of {from, to}.';
--> statement-breakpoint
comment on function muster.duration_text(numeric) is 'Seconds as a person reads them: 7:45:00.';
--> statement-breakpoint
comment on function muster.hours_are_settled(uuid) is 'Whether the hours of an assignment were approved: no event changes them.';
--> statement-breakpoint
comment on function muster.hours_of(public.assignments, tstzmultirange) is
  'The hours of an assignment, by its events or as agreed, less what other shifts of the person have: what counts, what rests on overdue events alone, and whether it was cut for agreed hours of an earlier shift.';
--> statement-breakpoint
comment on function muster.lines_of(public.assignments, text, tstzmultirange, tstzmultirange, boolean) is
  'What hours pay, as lines, each rounded half up to the cent. What both sides agreed on has no open lines.';
--> statement-breakpoint
comment on function muster.add_minimum(public.assignments, uuid) is 'The line by which a stopped shift pays its minimum.';
--> statement-breakpoint
comment on function muster.estimated_pay(public.assignments) is 'What an assignment pays if it is worked as planned.';
--> statement-breakpoint
comment on function muster.make_timesheet(public.assignments, tstzmultirange) is
  'Makes the timesheet of an assignment from its events, or from the hours that were agreed on; what is approved stays.';
--> statement-breakpoint
comment on function muster.count_lines(public.assignments, public.timesheets, tstzmultirange, tstzmultirange) is
  'Brings the total and the paid hours of a timesheet in step with its lines.';
--> statement-breakpoint
comment on function muster.lock_timesheet(uuid) is 'A timesheet, locked in the order that everybody keeps.';
--> statement-breakpoint
comment on function muster.side_of_caller(public.timesheets) is 'Whether the caller speaks for the company or is the guard of a timesheet.';
--> statement-breakpoint
comment on function muster.is_own_user(public.timesheets) is 'Whether the hours are the caller''s own, whatever role the caller acts in.';
--> statement-breakpoint
comment on function muster.note_step(public.timesheets, text, boolean, text, jsonb) is 'That somebody did something about a timesheet.';
--> statement-breakpoint
comment on function muster.notify_of_timesheet(public.timesheets, text, boolean) is
  'A notification for the guard of a timesheet, or for each planner of its company.';
--> statement-breakpoint
comment on function muster.make_neighbours(public.assignments) is
  'Makes the timesheets anew that may share minutes with one that was decided about.';
--> statement-breakpoint
comment on function muster.settle_timesheet(public.timesheets, text[], uuid) is 'Approves a timesheet as it was made last.';
--> statement-breakpoint
comment on function muster.finished_assignment(public.timesheets) is 'The assignment of a timesheet, whose work must be over.';
--> statement-breakpoint
comment on function muster.approve_timesheet(uuid, text[], numeric) is
  'Approves hours as the caller, with the open lines of these reasons. Security definer: nobody writes timesheets by themselves.';
--> statement-breakpoint
comment on function muster.lock_for_approval(uuid[]) is
  'Locks what approving these timesheets of the caller''s will lock, so that it deadlocks with nobody. Security definer: callers may lock no professional.';
--> statement-breakpoint
comment on function muster.approve_timesheets(uuid[]) is
  'Approves many as the caller, those without open lines; gives for each null or the SQLSTATE that refuses it.';
--> statement-breakpoint
comment on function muster.reopen_timesheet(public.timesheets) is 'Makes a timesheet disputed: its hours are those of the events again.';
--> statement-breakpoint
comment on function muster.require_dispute_in_time(public.timesheets) is 'Refuses a guard whose time to dispute is over.';
--> statement-breakpoint
comment on function muster.dispute_timesheet(uuid, text) is
  'The guard says that the hours are wrong. Security definer: as muster.approve_timesheet.';
--> statement-breakpoint
comment on function muster.counter_timesheet(uuid, jsonb, text) is
  'Either side says which hours were worked instead. Security definer: as muster.approve_timesheet.';
--> statement-breakpoint
comment on function muster.resolve_timesheet(uuid, text, text) is
  'Ends a dispute: the hours of the last counter hold, or those of the clock. Security definer: as muster.approve_timesheet.';
--> statement-breakpoint
comment on function muster.approve_agreed_hours(integer) is
  'Background work: approves hours that match the plan and that nobody disputed in time; gives how many. Security definer: no role approves by hand what is nobody''s word.';
--> statement-breakpoint
comment on function muster.make_missing_timesheets(integer) is
  'Background work: makes the timesheets of work that was over before there were timesheets, or while nothing made them; gives how many. Security definer: as above.';
--> statement-breakpoint
comment on function muster.may_approve_itself(public.timesheets, public.assignments) is
  'Whether hours need nobody''s word: events, no flag, no open line, and as planned within the tolerance.';
--> statement-breakpoint
comment on policy timesheets_read on public.timesheets is
  'Company and client of the shift; the guard; admins. Nobody writes: the functions of timesheets.sql do.';
--> statement-breakpoint
comment on policy timesheet_lines_read on public.timesheet_lines is 'The company that pays, the guard who is paid, admins.';
--> statement-breakpoint
comment on policy timesheet_steps_read on public.timesheet_steps is 'The company, the guard, admins.';
--> statement-breakpoint
comment on policy internal on public.brokers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_set_tenant_of_carrier() is
  'What belongs to a carrier is in its tenant; whose it may be the insert policy decides.';
--> statement-breakpoint
comment on policy brokers_read on public.brokers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy brokers_create on public.brokers is 'Office and dispatchers for their carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy brokers_edit on public.brokers is 'Whoever sees it.';
--> statement-breakpoint
comment on policy brokers_remove on public.brokers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs: none yet.';
--> statement-breakpoint
comment on policy internal on public.drivers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.tg_drivers__check_member() is 'A driver is a user with that role for the carrier.';
--> statement-breakpoint
comment on policy drivers_read on public.drivers is
  'Office and dispatchers those of their carrier; drivers themselves; admins all of the tenant.';
--> statement-breakpoint
comment on policy drivers_create on public.drivers is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy drivers_edit on public.drivers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy drivers_remove on public.drivers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on function muster.roles_of_freight() is 'The roles of freight, with the kinds of their organizations.';
--> statement-breakpoint
comment on function muster.invites_of_freight(text, uuid) is 'The office invites the people of its carrier. For muster.create_invitation.';
--> statement-breakpoint
comment on function muster.groups_of_freight(uuid[]) is 'To which groups the people of carriers and brokers belong.';
--> statement-breakpoint
comment on policy organizations_read_of_freight on public.organizations is 'The people of a carrier and of a broker their own.';
--> statement-breakpoint
comment on policy users_read_of_freight on public.users is 'Office and dispatchers the people of their carrier.';
--> statement-breakpoint
comment on policy memberships_read_of_freight on public.memberships is 'Office and dispatchers those of their carrier.';
--> statement-breakpoint
comment on policy invitations_read_of_freight on public.invitations is 'The office its own.';
--> statement-breakpoint
comment on policy invitations_withdraw_of_freight on public.invitations is 'Until it is accepted, the office its own.';
--> statement-breakpoint
comment on policy internal on public.trailers is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy trailers_read on public.trailers is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy trailers_create on public.trailers is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy trailers_edit on public.trailers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy trailers_remove on public.trailers is 'The office of its carrier, and admins.';
--> statement-breakpoint
comment on policy internal on public.trucks is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy trucks_read on public.trucks is 'Office and dispatchers those of their carrier; admins all of the tenant.';
--> statement-breakpoint
comment on policy trucks_create on public.trucks is 'The office for its carrier; admins for any of the tenant.';
--> statement-breakpoint
comment on policy trucks_edit on public.trucks is 'The office of its carrier, and admins.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796014960_hours_people_and_carriers';
