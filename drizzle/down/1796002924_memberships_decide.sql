drop policy memberships_read on public.memberships;
--> statement-breakpoint
drop policy internal on public.memberships;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop trigger follow_role_on_update on public.users;
--> statement-breakpoint
drop trigger follow_role on public.users;
--> statement-breakpoint
drop trigger a_set_kind on public.users;
--> statement-breakpoint
drop trigger a_check_kind on public.organizations;
--> statement-breakpoint
drop trigger note_caller on public.memberships;
--> statement-breakpoint
drop trigger a_set_kind on public.memberships;
--> statement-breakpoint
drop trigger updated_at on public.memberships;
--> statement-breakpoint
drop trigger a_set_kind on public.invitations;
--> statement-breakpoint
drop function muster.roles_of_guarding();
--> statement-breakpoint
drop function muster.tg_users__follow_role();
--> statement-breakpoint
drop function muster.may_invite(text,uuid);
--> statement-breakpoint
drop function muster.tg_organizations__check_kind();
--> statement-breakpoint
drop function muster.tg_set_organization_kind();
--> statement-breakpoint
drop function muster.roles();
--> statement-breakpoint
drop function muster.roles_of_people();
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.admin_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.tenant_id from public.users u
    where u.id = muster.user_id() and u.role = 'admin' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.guard_tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.tenant_id from public.users u
    where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.company_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'company' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.client_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (
    select u.organization_id from public.users u
    where u.id = muster.user_id() and u.role = 'client' and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.professional_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- Read from the claims once: the join would do so for each of its tables.
  caller constant uuid := muster.user_id();
begin
  return (
    select p.id
    from public.users u
    join public.security_professionals p on p.user_id = u.id
    where u.id = caller and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.create_invitation(role text, organization uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, valid_for interval DEFAULT '14 days'::interval)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
  if muster.admin_tenant_id() is null and not coalesce(
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
    encode(sha256(convert_to(code, 'UTF8')), 'hex'), now() + valid_for, muster.user_id(), muster.company_id()
  )
  returning * into invited;
  return jsonb_build_object(
    'id', invited.id, 'organization_id', invited.organization_id, 'role', invited.role, 'email', invited.email,
    'expires_at', invited.expires_at, 'accepted_at', invited.accepted_at, 'accepted_by', invited.accepted_by,
    'created_by', invited.created_by, 'created_at', invited.created_at, 'code', code
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.accept_invitation(code text, name text, email text, latitude double precision DEFAULT NULL::double precision, longitude double precision DEFAULT NULL::double precision)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  invitation public.invitations;
  caller uuid := muster.user_id();
  joining regprocedure;
  -- An issuer that knows no address may send an empty one (Supabase Auth does, for who signs in by phone).
  token_email text := nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email', '');
begin
  if caller is null then
    perform muster.fail('forbidden');
  end if;
  if exists (select from public.users u where u.id = caller) then
    perform muster.fail('already_registered');
  end if;
  select * into invitation
  from public.invitations i
  where i.code_hash = encode(sha256(convert_to(accept_invitation.code, 'UTF8')), 'hex')
  for no key update;
  if not found
    or invitation.accepted_at is not null
    or invitation.expires_at <= now()
    or (invitation.email is not null and lower(invitation.email) is distinct from lower(token_email))
    or exists (
      select from public.organizations o where o.id = invitation.organization_id and o.deleted_at is not null
    ) then
    perform muster.fail('invitation_invalid', 'code');
  end if;

  insert into public.users (id, tenant_id, organization_id, role, name, email)
  values (
    caller, invitation.tenant_id, invitation.organization_id, invitation.role, accept_invitation.name,
    coalesce(token_email, accept_invitation.email)
  );
  joining := muster.joining_as(invitation.role);
  if joining is not null then
    execute format('select %s($1, $2, $3, $4)', joining::regproc) using invitation.tenant_id, caller, latitude, longitude;
  end if;
  update public.invitations i set accepted_at = now(), accepted_by = caller where i.id = invitation.id;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.me()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
    ) end
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.nearby_shifts(latitude double precision, longitude double precision, within_meters double precision, max_items integer, starts_after timestamp with time zone DEFAULT NULL::timestamp with time zone, starts_before timestamp with time zone DEFAULT NULL::timestamp with time zone, min_hourly_rate numeric DEFAULT NULL::numeric, eligible_only boolean DEFAULT false, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_distance double precision, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
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
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.eligibility(OUT professional uuid, OUT held text[], OUT busy tstzmultirange)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  -- Open shifts ask for few different sets of certificates. Where there are more than this, no more are compared.
  most_sets constant integer := 100;
  guard record;
begin
  select p.id, p.tenant_id, p.status into guard
  from public.users u
  join public.security_professionals p on p.user_id = u.id
  where u.id = muster.user_id() and u.role = 'zzp' and u.deleted_at is null and p.deleted_at is null;
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.nearby_check_ins(latitude double precision, longitude double precision, within_meters double precision, recorded_from timestamp with time zone, recorded_to timestamp with time zone, max_items integer, after_time timestamp with time zone DEFAULT NULL::timestamp with time zone, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_time timestamp with time zone, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
declare
  here constant geography := st_point(longitude, latitude)::geography;
  -- What earlier pages showed is left out; with the same time the id decides.
  earliest constant timestamptz := greatest(recorded_from, after_time);
  caller record;
  tenant uuid;
  company uuid;
  client uuid;
begin
  select u.role, u.tenant_id, u.organization_id into caller
  from public.users u
  where u.id = muster.user_id() and u.deleted_at is null;
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_people(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     ARRAY[('user:'::text || u.id),
         CASE u.role
             WHEN 'admin'::text THEN ('admins:'::text || u.tenant_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'company'::text THEN ('company:'::text || u.organization_id)
             ELSE NULL::text
         END,
         CASE u.role
             WHEN 'client'::text THEN ('client:'::text || u.organization_id)
             ELSE NULL::text
         END] AS "array"
    FROM users u
   WHERE ((u.id = ANY (groups_of_people.callers)) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_guarding(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     ARRAY[('guards:'::text || u.tenant_id), ('professional:'::text || p.id)] AS "array"
    FROM (users u
      LEFT JOIN security_professionals p ON (((p.user_id = u.id) AND (p.deleted_at IS NULL))))
   WHERE ((u.id = ANY (groups_of_guarding.callers)) AND (u.role = 'zzp'::text) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.warn_of_stale_payments()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH stale AS (
          SELECT t.tenant_id,
             count(*) AS payments,
             min(t.created_at) AS oldest
            FROM (finqle_transactions t
              JOIN shifts s ON ((s.id = t.shift_id)))
           WHERE (((t.status = 'pending'::text) AND (s.status = 'completed'::text) AND (s.end_datetime < (now() - '7 days'::interval))) OR ((t.status = ANY (ARRAY['processing'::text, 'failed'::text])) AND (t.updated_at < (now() - '1 day'::interval))))
           GROUP BY t.tenant_id
         ), told AS (
          INSERT INTO notifications (tenant_id, user_id, type, data, once_key)  SELECT a.tenant_id,
                     a.id,
                     'payments_stale',
                     jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest) AS jsonb_build_object,
                     ('payments_stale '::text || to_char((now() AT TIME ZONE 'UTC'::text), 'IYYY"W"IW'::text))
                    FROM (stale s
                      JOIN users a ON (((a.tenant_id = s.tenant_id) AND (a.role = 'admin'::text) AND (a.deleted_at IS NULL)))) ON CONFLICT(user_id, once_key)
           WHERE (once_key IS NOT NULL) DO NOTHING
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM told;
END;
--> statement-breakpoint
CREATE TRIGGER note_caller_on_update AFTER UPDATE ON public.users FOR EACH ROW WHEN ((((((old.id IS DISTINCT FROM new.id) OR (old.tenant_id IS DISTINCT FROM new.tenant_id)) OR (old.organization_id IS DISTINCT FROM new.organization_id)) OR (old.role IS DISTINCT FROM new.role)) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_caller('id');
--> statement-breakpoint
alter table public.memberships disable row level security;
--> statement-breakpoint
alter table public.memberships no force row level security;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke select on table public.memberships from authenticated;
--> statement-breakpoint
revoke insert, select, update on table public.memberships from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table public.memberships from service_role;
--> statement-breakpoint
comment on function muster.accept_invitation(text,text,text,double precision,double precision) is 'Makes the caller a user. Security definer: a stranger may write nothing else.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796002878_people_have_memberships';
