drop policy users_read_of_people on public.users;
--> statement-breakpoint
drop policy run on sign_in.keys;
--> statement-breakpoint
drop policy run on sign_in.passkeys;
--> statement-breakpoint
drop policy run on sign_in.two_factors;
--> statement-breakpoint
drop policy run on sign_in.verifications;
--> statement-breakpoint
drop policy run on sign_in.accounts;
--> statement-breakpoint
drop policy run on sign_in.spent_tokens;
--> statement-breakpoint
drop policy run on sign_in.sessions;
--> statement-breakpoint
drop policy run on sign_in.users;
--> statement-breakpoint
drop policy internal on sign_in.keys;
--> statement-breakpoint
drop policy internal on sign_in.passkeys;
--> statement-breakpoint
drop policy internal on sign_in.two_factors;
--> statement-breakpoint
drop policy internal on sign_in.verifications;
--> statement-breakpoint
drop policy internal on sign_in.accounts;
--> statement-breakpoint
drop policy internal on sign_in.spent_tokens;
--> statement-breakpoint
drop policy internal on sign_in.sessions;
--> statement-breakpoint
drop policy internal on sign_in.users;
--> statement-breakpoint
drop trigger note_caller_on_update on public.users;
--> statement-breakpoint
drop function muster.notify_carrier(loads,text);
--> statement-breakpoint
drop function muster.suspension_of_freight(uuid);
--> statement-breakpoint
drop function muster.suspension_of_guarding(uuid);
--> statement-breakpoint
drop function muster.suspended_users();
--> statement-breakpoint
drop function muster.reinstate_user(uuid);
--> statement-breakpoint
drop function muster.suspend_user(uuid,boolean);
--> statement-breakpoint
drop function muster.standing_of(users);
--> statement-breakpoint
drop function muster.user_to_judge(uuid);
--> statement-breakpoint
drop function muster.user_of_address(text);
--> statement-breakpoint
drop function muster.sign_in_of_people(uuid);
--> statement-breakpoint
drop function muster.register_invited(text,text,text,text,double precision,double precision);
--> statement-breakpoint
drop function muster.invitation_of(text);
--> statement-breakpoint
drop function muster.tidy_sign_in();
--> statement-breakpoint
drop function muster.refresh_session(text,text,interval,interval);
--> statement-breakpoint
drop function muster.may_sign_in(uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tenant_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return (select u.tenant_id from public.users u where u.id = muster.user_id() and u.deleted_at is null);
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.admin_tenant_id()
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
    select m.tenant_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'admin' and u.deleted_at is null
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.company_id()
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
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role = 'company' and u.deleted_at is null
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
    from public.memberships m
    join public.users u on u.id = m.user_id
    join public.security_professionals p on p.user_id = m.user_id
    where m.user_id = caller and m.role = 'zzp' and u.deleted_at is null and p.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.assignment_violations(professional uuid, shift shifts)
 RETURNS TABLE(code text, detail text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  candidate record;
  required text;
  valid_through date;
  -- As shifts_at_most_48_hours has it.
  longest_shift constant interval := interval '48 hours';
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  last_moment timestamptz := shift.end_datetime - interval '1 microsecond';
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  latest_day date := (last_moment at time zone 'UTC' + interval '14 hours')::date;
begin
  select p.status into candidate
  from public.security_professionals p
  join public.users u on u.id = p.user_id
  where p.id = professional
    and p.tenant_id = shift.tenant_id
    and p.deleted_at is null
    and u.deleted_at is null;
  if not found then
    code := 'not_found';
    detail := 'professional_id';
    return next;
    return;
  end if;

  if candidate.status <> 'active' then
    code := 'professional_inactive';
    return next;
  end if;

  foreach required in array shift.required_certificates loop
    select max(c.valid_until) into valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id);
    if valid_through is null
      or (valid_through < latest_day and valid_through < muster.last_day_of(last_moment, shift.time_zone))
    then
      code := case when valid_through is null then 'certificate_missing' else 'certificate_expired' end;
      detail := required;
      return next;
    end if;
  end loop;

  if exists (
    select from public.shifts other
    where other.professional_id = professional
      -- One that was left early may be worked again until its end.
      and (other.status in ('assigned', 'active') or (other.status = 'completed' and other.end_datetime > now()))
      and other.deleted_at is null
      and other.id <> shift.id
      -- Bounds for the index of a professional's shifts: without them it reads every one that they ever had.
      and other.start_datetime > shift.start_datetime - longest_shift
      and other.start_datetime < shift.end_datetime
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
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
  -- As shifts_at_most_48_hours has it.
  longest_shift constant interval := interval '48 hours';
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
        -- What began earlier is over, and what is searched for has not begun: so the index reads the last few, and not all.
        and s.start_datetime > now() - longest_shift
    ),
    '{}'
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.shift_candidates(wanted uuid, max_items integer, eligible_only boolean DEFAULT false, after_distance double precision DEFAULT NULL::double precision, after_id uuid DEFAULT NULL::uuid, OUT items json, OUT next_distance double precision, OUT next_id uuid)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
 SET jit TO 'off'
AS $function$
declare
  -- Of so many guards a page says who is eligible. With `eligible_only` it looks at as many, whether they are or not, and leaves
  -- out the others: a requirement that nobody meets costs a page, not all guards of the tenant.
  most_judged constant integer := case when eligible_only then greatest(max_items, 100) else max_items end;
  -- The distance of guards who did not say where they live: they come last.
  unknown constant float8 := 'Infinity';
  shift public.shifts;
  company constant uuid := muster.company_id();
  latitude float8;
  origin geography;
  aside float8;
  nearest_left float8;
  by_distance cursor for
    select p.id, muster.home_area(p.home_point) <-> origin as distance_on_sphere
    from public.security_professionals p
    where p.tenant_id = shift.tenant_id
      and p.deleted_at is null
      and (
        after_distance is null
        or (
          coalesce(muster.home_area(p.home_point) <-> origin, unknown) >= nearest_left
          and (coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown), p.id)
            > (after_distance, after_id)
        )
      )
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null)
    order by muster.home_area(p.home_point) <-> origin;
  page uuid[] := '{}';
  reach float8 := unknown;
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  elsif shift.status not in ('draft', 'published')
    or shift.start_datetime <= now()
    or not (
      shift.client_id = shift.company_id
      or exists (
        select from public.company_clients c
        where c.company_id = shift.company_id and c.client_id = shift.client_id
      )
    )
  then
    perform muster.fail('shift_not_open', 'status');
  end if;
  if company is not null then
    perform muster.count_candidate_page(company, row(
      shift.location_point, shift.start_datetime, shift.end_datetime, shift.required_certificates,
      max_items, eligible_only, after_distance, after_id
    )::text);
  end if;

  latitude := st_y(shift.location_point::geometry);
  origin := muster.search_origin(latitude, st_x(shift.location_point::geometry));
  aside := st_distance(origin, shift.location_point, false);
  -- On the sphere; as near to the last item as sphere and spheroid may disagree.
  nearest_left := after_distance / 1.006 - 1 - aside;
  for nearest in by_distance loop
    exit when coalesce(nearest.distance_on_sphere, unknown) > reach;
    page := page || nearest.id;
    -- One more than is judged tells that there is a next page.
    if cardinality(page) = most_judged + 1 then
      reach := muster.search_reach(coalesce(nearest.distance_on_sphere, unknown) + 2 * aside);
    end if;
  end loop;

  with looked_at as materialized (
    select p.id, u.name, d.distance, row_number() over (order by d.distance, p.id) as nth
    from public.security_professionals p
    join public.users u on u.id = p.user_id
    cross join lateral (
      select coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance offset 0
    ) d
    where p.id = any (page)
    order by d.distance, p.id
    limit most_judged + 1
  ), judged as materialized (
    select l.*, v.violations, row_number() over (order by l.nth) as place
    from looked_at l
    cross join lateral (
      select json_agg(json_build_object('code', v.code, 'detail', v.detail)) as violations
      from muster.assignment_violations(l.id, shift) v
    ) v
    where l.nth <= most_judged and (not eligible_only or v.violations is null)
  ), last as (
    -- Where more are eligible than fit, the next page begins after the last that is shown, else after the last looked at.
    select j.distance, j.id from judged j where j.place = max_items and (select count(*) from judged) > max_items
    union all
    select l.distance, l.id
    from looked_at l
    where l.nth = most_judged
      and (select count(*) from judged) <= max_items
      and (select count(*) from looked_at) > most_judged
  )
  select
    coalesce(json_agg(item order by j.place), '[]'),
    (select l.distance from last l),
    (select l.id from last l)
  into items, next_distance, next_id
  from judged j
  cross join lateral (
    select
      j.id as professional_id,
      j.name,
      nullif(j.distance, unknown) as distance_meters,
      j.violations is null as eligible,
      case
        when j.violations is null then '[]'
        when not muster.is_stranger(j.id) then j.violations
        else json_build_array(json_build_object('code', 'unavailable', 'detail', null))
      end as violations
  ) item
  where j.place <= max_items;
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_people()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('invitation_invalid', 'MU017', 'already_registered', 'MU018');
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_people(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT u.id,
     (ARRAY[('user:'::text || u.id)] || ARRAY( SELECT
                 CASE m.role
                     WHEN 'admin'::text THEN ('admins:'::text || m.tenant_id)
                     WHEN 'company'::text THEN ('company:'::text || m.organization_id)
                     WHEN 'client'::text THEN ('client:'::text || m.organization_id)
                     ELSE NULL::text
                 END AS "case"
            FROM memberships m
           WHERE (m.user_id = u.id)))
    FROM users u
   WHERE ((u.id = ANY (groups_of_people.callers)) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_guarding()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['shift_assigned'::text, 'shift_released'::text, 'shift_cancelled'::text, 'shift_changed'::text, 'shift_late'::text, 'shift_no_show'::text, 'correction_proposed'::text, 'correction_accepted'::text, 'correction_refused'::text, 'correction_imposed'::text, 'certificate_expiring'::text, 'payments_stale'::text, 'timesheet_approved'::text, 'timesheet_disputed'::text, 'timesheet_countered'::text, 'timesheet_resolved'::text, 'pay_period_closed'::text, 'statement_made'::text, 'payout_completed'::text, 'payout_failed'::text, 'payout_refunded'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_guarding(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT m.user_id,
     ARRAY[('guards:'::text || m.tenant_id), ('professional:'::text || p.id)] AS "array"
    FROM ((memberships m
      JOIN users u ON ((u.id = m.user_id)))
      LEFT JOIN security_professionals p ON (((p.user_id = m.user_id) AND (p.deleted_at IS NULL))))
   WHERE ((m.user_id = ANY (groups_of_guarding.callers)) AND (m.role = 'zzp'::text) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.warn_of_stale_payments()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 WITH waiting AS (
          SELECT t.tenant_id,
             t.created_at
            FROM (finqle_transactions t
              JOIN shifts s ON ((s.id = t.shift_id)))
           WHERE ((t.status = 'pending'::text) AND (s.status = 'completed'::text) AND (s.end_datetime < (now() - '7 days'::interval)) AND (NOT (EXISTS ( SELECT
                    FROM timesheets h
                   WHERE ((h.assignment_id = t.assignment_id) AND (h.state = ANY (ARRAY['approved'::text, 'locked'::text])))))))
         UNION ALL
          SELECT p.tenant_id,
             p.created_at
            FROM payouts p
           WHERE ((p.status = ANY (ARRAY['pending'::text, 'processing'::text, 'failed'::text])) AND (p.created_at < (now() - '1 day'::interval)))
         ), stale AS (
          SELECT w.tenant_id,
             count(*) AS payments,
             min(w.created_at) AS oldest
            FROM waiting w
           GROUP BY w.tenant_id
         ), told AS (
          INSERT INTO notifications (tenant_id, user_id, type, data, once_key)  SELECT a.tenant_id,
                     a.user_id,
                     'payments_stale',
                     jsonb_build_object('payments', s.payments, 'oldest_created_at', s.oldest) AS jsonb_build_object,
                     ('payments_stale '::text || to_char((now() AT TIME ZONE 'UTC'::text), 'IYYY"W"IW'::text))
                    FROM ((stale s
                      JOIN memberships a ON (((a.tenant_id = s.tenant_id) AND (a.role = 'admin'::text))))
                      JOIN users u ON (((u.id = a.user_id) AND (u.deleted_at IS NULL)))) ON CONFLICT(user_id, once_key)
           WHERE (once_key IS NOT NULL) DO NOTHING
           RETURNING 1 AS "?column?"
         )
  SELECT count(*) AS count
    FROM told;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.carrier_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  caller constant uuid := muster.user_id();
begin
  return (
    select m.organization_id
    from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = caller and m.role in ('office', 'dispatcher') and u.deleted_at is null
  );
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.office_carrier_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.driver_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.broker_id()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.members_as(in_role text, organization uuid)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT m.user_id
    FROM (memberships m
      JOIN users u ON ((u.id = m.user_id)))
   WHERE ((m.organization_id = members_as.organization) AND (m.role = members_as.in_role) AND (u.deleted_at IS NULL));
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.groups_of_freight(callers uuid[])
 RETURNS TABLE(caller uuid, groups text[])
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 SELECT m.user_id,
     array_agg(
         CASE
             WHEN (m.role = ANY (ARRAY['office'::text, 'dispatcher'::text])) THEN ('carrier:'::text || m.organization_id)
             WHEN (m.role = 'broker'::text) THEN ('broker:'::text || m.organization_id)
             WHEN (m.role = 'driver'::text) THEN ('driver:'::text || d.id)
             ELSE NULL::text
         END) AS array_agg
    FROM ((memberships m
      JOIN users u ON ((u.id = m.user_id)))
      LEFT JOIN drivers d ON (((m.role = 'driver'::text) AND (d.user_id = m.user_id) AND (d.organization_id = m.organization_id) AND (d.deleted_at IS NULL))))
   WHERE ((m.user_id = ANY (groups_of_freight.callers)) AND (m.role = ANY (ARRAY['office'::text, 'dispatcher'::text, 'broker'::text, 'driver'::text])) AND (u.deleted_at IS NULL))
   GROUP BY m.user_id;
END;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.leg_violations(leg load_assignments)
 RETURNS TABLE(code text, detail text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  person record;
  vehicle record;
begin
  for person in
    select g.field, d.id, d.status, d.hire_date, d.termination_date, d.license_valid_until, exists (
      select from public.memberships m
      join public.users u on u.id = m.user_id
      where m.user_id = d.user_id and m.organization_id = d.organization_id and m.role = 'driver' and u.deleted_at is null
    ) as is_member
    from (values (1, 'driver_id', leg.driver_id), (2, 'co_driver_id', leg.co_driver_id)) as g (nth, field, id)
    left join public.drivers d on d.id = g.id and d.organization_id = leg.organization_id and d.deleted_at is null
    where g.id is not null
    order by g.nth
  loop
    detail := person.field;
    if person.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if person.status <> 'active' or not person.is_member or person.hire_date > leg.last_day or person.termination_date < leg.last_day then
      code := 'driver_inactive';
      return next;
    end if;
    if person.license_valid_until < leg.last_day then
      code := 'license_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = 'driver'
        and b.booked_id = person.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := 'driver_overlap';
      return next;
    end if;
  end loop;

  for vehicle in
    select 'truck' as kind, leg.truck_id as given, t.id, t.status, t.inspection_due_on
    from (values (leg.truck_id)) as g (id)
    left join public.trucks t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
    union all
    select 'trailer', leg.trailer_id, t.id, t.status, t.inspection_due_on
    from (values (leg.trailer_id)) as g (id)
    left join public.trailers t on t.id = g.id and t.organization_id = leg.organization_id and t.deleted_at is null
  loop
    continue when vehicle.given is null;
    detail := vehicle.kind || '_id';
    if vehicle.id is null then
      code := 'not_found';
      return next;
      continue;
    end if;
    if vehicle.status <> 'in_service' then
      code := 'equipment_out_of_service';
      return next;
    end if;
    if vehicle.inspection_due_on < leg.last_day then
      code := 'inspection_expired';
      return next;
    end if;
    if exists (
      select from muster.load_bookings b
      where b.kind = vehicle.kind
        and b.booked_id = vehicle.id
        and b.assignment_id <> leg.id
        and tstzrange(b.starts_at, b.ends_at) && tstzrange(leg.starts_at, leg.ends_at)
    ) then
      code := vehicle.kind || '_overlap';
      return next;
    end if;
  end loop;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_loads__check_dispatcher()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not exists (
    select from public.memberships m
    join public.users u on u.id = m.user_id
    where m.user_id = new.dispatcher_id
      and m.organization_id = new.organization_id
      and m.role in ('office', 'dispatcher')
      and u.deleted_at is null
  ) then
    perform muster.fail('not_found', 'dispatcher_id');
  end if;
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notification_types_of_freight()
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY['load_assigned'::text, 'load_unassigned'::text, 'load_changed'::text, 'load_cancelled'::text];
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_of_pay_period(period pay_periods)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  insert into public.notifications (tenant_id, user_id, type, data)
  select m.tenant_id, m.user_id, 'pay_period_closed', jsonb_build_object(
    'pay_period_id', period.id,
    'first_day', period.first_day,
    'last_day', period.last_day,
    'statements', made.statements,
    'payable', made.payable,
    'currency', 'EUR'
  )
  from public.memberships m
  join public.users u on u.id = m.user_id
  cross join (
    select count(*) as statements, coalesce(sum(s.payable), 0) as payable
    from public.statements s
    where s.pay_period_id = period.id
  ) made
  where m.organization_id = period.company_id and m.role = 'company' and u.deleted_at is null;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.notify_of_payout(payout payouts, notification_type text, to_professional boolean)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
BEGIN ATOMIC
 INSERT INTO notifications (tenant_id, user_id, type, data)  SELECT (notify_of_payout.payout).tenant_id AS tenant_id,
             told.id,
             notify_of_payout.notification_type AS notification_type,
             jsonb_build_object('payout_id', (notify_of_payout.payout).id, 'statement_id', (notify_of_payout.payout).statement_id, 'amount', (notify_of_payout.payout).amount, 'currency', (notify_of_payout.payout).currency, 'reason', (notify_of_payout.payout).last_error) AS jsonb_build_object
            FROM ( SELECT p.user_id AS id
                    FROM security_professionals p
                   WHERE (notify_of_payout.to_professional AND (p.id = (notify_of_payout.payout).professional_id))
                 UNION
                  SELECT m.user_id
                    FROM (memberships m
                      JOIN users u ON ((u.id = m.user_id)))
                   WHERE ((NOT notify_of_payout.to_professional) AND (m.tenant_id = (notify_of_payout.payout).tenant_id) AND ((m.role = 'admin'::text) OR ((m.role = 'company'::text) AND (m.organization_id = (notify_of_payout.payout).company_id))) AND (u.deleted_at IS NULL))) told;
END;
--> statement-breakpoint
CREATE TRIGGER note_caller_on_update AFTER UPDATE ON public.users FOR EACH ROW WHEN ((((old.id IS DISTINCT FROM new.id) OR (old.tenant_id IS DISTINCT FROM new.tenant_id)) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION muster.tg_note_caller('id');
--> statement-breakpoint
create policy users_read_of_people on public.users for select to authenticated
  using (((deleted_at IS NULL) AND ((id = ( SELECT auth.uid() AS uid)) OR (organization_id = ( SELECT muster.company_id() AS company_id)) OR (organization_id = ( SELECT muster.client_id() AS client_id)) OR (tenant_id = ( SELECT muster.admin_tenant_id() AS admin_tenant_id)))));
--> statement-breakpoint
alter table sign_in.keys disable row level security;
--> statement-breakpoint
alter table sign_in.keys no force row level security;
--> statement-breakpoint
alter table sign_in.spent_tokens disable row level security;
--> statement-breakpoint
alter table sign_in.spent_tokens no force row level security;
--> statement-breakpoint
alter table sign_in.verifications disable row level security;
--> statement-breakpoint
alter table sign_in.verifications no force row level security;
--> statement-breakpoint
alter table sign_in.users disable row level security;
--> statement-breakpoint
alter table sign_in.users no force row level security;
--> statement-breakpoint
alter table sign_in.accounts disable row level security;
--> statement-breakpoint
alter table sign_in.accounts no force row level security;
--> statement-breakpoint
alter table sign_in.passkeys disable row level security;
--> statement-breakpoint
alter table sign_in.passkeys no force row level security;
--> statement-breakpoint
alter table sign_in.sessions disable row level security;
--> statement-breakpoint
alter table sign_in.sessions no force row level security;
--> statement-breakpoint
alter table sign_in.two_factors disable row level security;
--> statement-breakpoint
alter table sign_in.two_factors no force row level security;
--> statement-breakpoint
alter table public.users enable always trigger note_caller_on_update;
--> statement-breakpoint
revoke execute on function muster.accept_invitation(text,text,text,double precision,double precision) from muster_signin;
--> statement-breakpoint
revoke update (ended_at, suspended_at) on table public.users from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.accounts from muster_signin;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.keys from muster_signin;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.passkeys from muster_signin;
--> statement-breakpoint
revoke delete, select (expires_at, id, user_id) on table sign_in.sessions from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.sessions from muster_signin;
--> statement-breakpoint
revoke delete, select (session_id) on table sign_in.spent_tokens from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.spent_tokens from muster_signin;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.two_factors from muster_signin;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.users from muster_signin;
--> statement-breakpoint
revoke delete, select (expires_at) on table sign_in.verifications from muster_definer;
--> statement-breakpoint
revoke delete, insert, select, update on table sign_in.verifications from muster_signin;
--> statement-breakpoint
comment on policy users_read_of_people on public.users is 'Oneself, colleagues; admins all of the tenant.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796028901_sign_in';
