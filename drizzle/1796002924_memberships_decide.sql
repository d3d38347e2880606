drop trigger note_caller_on_update on public.users;
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
create policy memberships_read on public.memberships for select to authenticated
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
create or replace function muster.roles_of_guarding() returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object('company', 'company', 'client', 'client', 'zzp', null);
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
  if coalesce(tenant, company, client) is null then
    return;
  end if;

  loop
    with candidate as materialized (
      select
        s.*,
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
    ), page as (
      select c.* from candidate c order by c.distance, c.id limit max_items
    )
    select
      json_agg(item order by page.distance, page.id),
      max(page.distance),
      (array_agg(page.id order by page.distance, page.id))[max_items],
      (select count(*) from candidate),
      (select max(c.distance_on_sphere) from candidate c)
    into items, next_distance, next_id, found_items, read_to
    from page
    join public.locations l on l.id = page.location_id
    -- As a row: its columns are looked up once, where json_build_object does it for each value of each row.
    cross join lateral (
      select
        page.id,
        page.company_id,
        page.client_id,
        page.location_id,
        page.professional_id,
        page.status,
        page.start_datetime,
        page.end_datetime,
        page.time_zone,
        page.hourly_rate,
        page.overtime_rate,
        page.required_certificates,
        page.title,
        page.description,
        -- No guard has an open shift; whoever else finds it here may read its briefing.
        case when caller.role <> 'zzp' then (
          select b.text from public.shift_briefings b where b.shift_id = page.id
        ) end as instructions,
        page.cancel_reason,
        st_y(page.location_point::geometry) as latitude,
        st_x(page.location_point::geometry) as longitude,
        page.created_at,
        page.updated_at,
        l.name as location_name,
        page.distance as distance_meters
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
alter function muster.tg_users__follow_role() owner to muster_definer;
--> statement-breakpoint
alter table public.memberships enable row level security;
--> statement-breakpoint
alter table public.memberships force row level security;
--> statement-breakpoint
alter table public.memberships enable always trigger note_caller;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke all on table public.memberships from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.may_invite(text,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_guarding() from public;
--> statement-breakpoint
revoke execute on function muster.tg_set_organization_kind() from public;
--> statement-breakpoint
revoke execute on function muster.tg_organizations__check_kind() from public;
--> statement-breakpoint
revoke execute on function muster.roles_of_people() from public;
--> statement-breakpoint
revoke execute on function muster.roles() from public;
--> statement-breakpoint
revoke execute on function muster.tg_users__follow_role() from public;
--> statement-breakpoint
grant execute on function muster.may_invite(text,uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.roles() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_guarding() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.roles_of_people() to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant select on table public.memberships to authenticated;
--> statement-breakpoint
grant insert, select, update on table public.memberships to muster_definer;
--> statement-breakpoint
grant delete, insert, select, update on table public.memberships to service_role;
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
comment on function muster.may_invite(text, uuid) is 'Whether a module lets the caller invite somebody as this, into this organization.';
--> statement-breakpoint
comment on function muster.accept_invitation(text, text, text, float8, float8) is
  'Makes the caller a user, or gives a user another role. Security definer: a stranger may write nothing else.';
--> statement-breakpoint
comment on policy internal on public.memberships is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on policy memberships_read on public.memberships is
  'One''s own, those of colleagues for the organization; admins all of the tenant.';
--> statement-breakpoint
comment on function muster.tg_users__follow_role() is
  'The role with which a user came is their first membership. Security definer: nobody may write memberships by themselves.';
--> statement-breakpoint
comment on function muster.roles_of_guarding() is 'The roles of guarding, with the kinds of their organizations.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796002924_memberships_decide';
