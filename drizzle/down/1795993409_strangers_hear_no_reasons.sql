drop policy internal on muster.refused_assignments;
--> statement-breakpoint
drop function muster.change_assigned_shift(uuid,jsonb);
--> statement-breakpoint
drop function muster.assign_shift(uuid,uuid);
--> statement-breakpoint
drop function muster.count_refused_assignment();
--> statement-breakpoint
drop function muster.require_refusals_left(uuid);
--> statement-breakpoint
drop function muster.is_stranger(uuid);
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_shifts__check_transition()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
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

  if old.status in ('completed', 'cancelled') and (
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
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed') then
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
  return new;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.tg_shifts__check_assignment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'extensions', 'public', 'pg_temp'
AS $function$
declare
  violation record;
begin
  -- The constraint refuses these; a range cannot be made of them.
  if new.end_datetime < new.start_datetime then
    return new;
  end if;
  perform muster.require_read_committed();
  perform from public.security_professionals p where p.id = new.professional_id for no key update;
  select v.code, v.detail into violation from muster.assignment_violations(new.professional_id, new) v limit 1;
  if found then
    perform muster.fail(violation.code, violation.detail);
  end if;
  return new;
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
CREATE OR REPLACE FUNCTION muster.keep_idempotent_response(idempotency_key text, body text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- 256 KiB: a hundred shifts, of 2.6 kB each.
  most_bytes constant integer := 262144;
  caller constant uuid := muster.user_id();
begin
  if octet_length(body) > most_bytes then
    perform muster.fail('answer_too_large');
  end if;
  update muster.idempotency_keys k
  set response_body = body
  where k.user_id = caller and k.key = idempotency_key and k.response_body is null;
  if found then
    insert into muster.idempotency_usage as u (user_id, day, keys, bytes)
    values (caller, (now() at time zone 'UTC')::date, 1, octet_length(body))
    on conflict (user_id, day) do update set keys = u.keys + 1, bytes = u.bytes + excluded.bytes;
  end if;
  return body;
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
        when company is null
          -- Only check-ins make a shift active: no company makes itself acquainted by assigning and cancelling.
          or exists (
            select from public.shifts s
            where s.company_id = company
              and s.professional_id = j.id
              and s.status in ('active', 'completed')
              and s.deleted_at is null
          )
        then j.violations
        else json_build_array(json_build_object('code', 'unavailable', 'detail', null))
      end as violations
  ) item
  where j.place <= max_items;
end
$function$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION muster.codes_of_guarding()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
RETURN jsonb_build_object('shift_overlap', 'MU001', 'certificate_missing', 'MU002', 'certificate_expired', 'MU003', 'professional_inactive', 'MU004', 'shift_not_open', 'MU005', 'invalid_transition', 'MU006', 'outside_check_in_window', 'MU007', 'recorded_in_future', 'MU008', 'shift_not_assigned', 'MU009', 'certificate_in_use', 'MU012', 'professional_in_use', 'MU013', 'location_in_use', 'MU014', 'payment_missing', 'MU015', 'id_conflict', 'MU016', 'shift_over', 'MU021', 'daily_limit_reached', 'MU025', 'too_many_pings', 'MU030');
--> statement-breakpoint
alter table muster.refused_assignments disable row level security;
--> statement-breakpoint
alter table muster.refused_assignments no force row level security;
--> statement-breakpoint
revoke insert, select, update on table muster.refused_assignments from muster_definer;
--> statement-breakpoint
comment on function muster.move_shift(uuid,text[],text,uuid,text) is 'Publishes, assigns, releases or cancels as the caller: the shift in the form of the API, or the reason why not.';
--> statement-breakpoint
comment on function muster.tg_shifts__check_transition() is 'The state machine, and what a guard who claims may not touch.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993336_refused_assignments';
