-- One page of candidates, in the form of the API, and where the next page begins (null on the last one).
create or replace function muster.shift_candidates(
  wanted uuid,
  max_items integer,
  eligible_only boolean default false,
  after_distance float8 default null,
  after_id uuid default null,
  out items json,
  out next_distance float8,
  out next_id uuid
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
-- As for nearby_shifts: 3 ms instead of 150, among 20,000 guards; one plan for all values, which reads the nearest and no more.
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
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
  -- One more than is judged tells that there is a next page. Read beyond that at once: so many are most often enough to be sure that
  -- nobody nearer comes later.
  to_read integer := most_judged + 1 + 4;
  found_guards bigint;
  read_to float8;
  -- Of those read, nearest first.
  ids uuid[];
  names text[];
  statuses text[];
  distances float8[];
  found_items bigint;
  last integer;
  -- As muster.is_stranger has it: admins hear all reasons.
  is_told_less constant boolean := company is not null and muster.acts_for_caller();
begin
  select s.* into shift from public.shifts s where s.id = wanted;
  -- Who manages it sees it, unless it is deleted.
  if shift.deleted_at is not null or not muster.manages_shift(shift) then
    if muster.sees_shift(shift) then
      perform muster.fail('forbidden');
    end if;
    perform muster.fail('not_found', 'id');
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
  loop
    select
      count(*),
      max(coalesce(read.distance_on_sphere, unknown)),
      array_agg(read.id),
      array_agg(read.name),
      array_agg(read.status),
      array_agg(read.distance)
    into found_guards, read_to, ids, names, statuses, distances
    from (
      select *
      from (
        select
          p.id,
          p.status,
          u.name,
          muster.home_area(p.home_point) <-> origin as distance_on_sphere,
          exact.distance
        from public.security_professionals p
        join public.users u on u.id = p.user_id
        cross join lateral (
          select coalesce(st_distance(muster.home_area(p.home_point), shift.location_point), unknown) as distance offset 0
        ) exact
        where p.tenant_id = shift.tenant_id
          and p.deleted_at is null
          and u.deleted_at is null
          and u.suspended_at is null
          and (
            after_distance is null
            or (
              coalesce(muster.home_area(p.home_point) <-> origin, unknown) >= nearest_left
              and (exact.distance, p.id) > (after_distance, after_id)
            )
          )
        order by muster.home_area(p.home_point) <-> origin
        limit to_read
      ) nearest
      order by nearest.distance, nearest.id
    ) read;
    -- Whoever was not read is farther on the sphere than all who were, and not much nearer on the spheroid. (Of those of whom no
    -- place is known, all are read: they are in the order of their ids.)
    exit when found_guards < to_read or read_to > muster.search_reach(distances[most_judged + 1] + aside);
    to_read := 2 * to_read;
  end loop;

  with against as materialized (
    select v.professional_id, json_agg(json_build_object('code', v.code, 'detail', v.detail) order by v.nth) as violations
    from (
      -- As muster.assignment_violations has it, of guards who are there and not suspended.
      select given.id as professional_id, 'professional_inactive' as code, null as detail, 0::bigint as nth
      from unnest(ids[:most_judged], statuses[:most_judged]) as given (id, status)
      where given.status <> 'active'
      union all
      select given.id, o.code, o.detail, o.nth
      from unnest(ids[:most_judged]) as given (id)
      cross join lateral muster.assignment_obstacles(given.id, shift) o
    ) v
    group by v.professional_id
  )
  select
    coalesce(json_agg(item order by j.place) filter (where j.place <= max_items), '[]'),
    count(*),
    max(j.nth) filter (where j.place = max_items)
  into items, found_items, last
  from (
    select l.*, row_number() over (order by l.nth) as place
    from (
      select l.*, (select a.violations from against a where a.professional_id = l.id) as violations
      from unnest(ids[:most_judged], names[:most_judged], distances[:most_judged]) with ordinality as l (id, name, distance, nth)
    ) l
    where not eligible_only or l.violations is null
  ) j
  cross join lateral (
    select
      j.id as professional_id,
      j.name,
      nullif(j.distance, unknown) as distance_meters,
      j.violations is null as eligible,
      case
        when j.violations is null then '[]'
        when is_told_less and not exists (select from muster.acquaintances_of(company) a where a.professional_id = j.id) then
          json_build_array(json_build_object('code', 'unavailable', 'detail', null))
        else j.violations
      end as violations
  ) item;
  -- Where more are eligible than fit, the next page begins after the last that is shown, else after the last looked at.
  if found_items <= max_items then
    last := case when cardinality(ids) > most_judged then most_judged end;
  end if;
  next_distance := distances[last];
  next_id := ids[last];
end
$$;
--> statement-breakpoint
-- What certificates and other shifts say against a professional working `shift`, numbered in the order in which the trigger would name
-- it. `detail` is a certificate's kind or null: never anything about another shift.
-- Put in the place of its call, so that a page of candidates is judged by one statement: it sets nothing, and whoever calls it may
-- read what it reads.
create or replace function muster.assignment_obstacles(professional uuid, shift public.shifts)
returns table (nth bigint, code text, detail text)
language sql
stable
begin atomic
  select
    required.nth,
    case when held.valid_through is null then 'certificate_missing' else 'certificate_expired' end as code,
    required.kind as detail
  from unnest(shift.required_certificates) with ordinality as required (kind, nth)
  cross join lateral (
    select max(c.valid_until) as valid_through
    from public.certificates c
    where c.professional_id = professional
      and c.kind = required.kind
      and c.verified_at is not null
      and c.deleted_at is null
      and (c.company_id is null or c.company_id = shift.company_id)
  ) held
  -- A certificate is valid until the end of its last day, and a shift that ends at 24:00 takes no moment of the day after.
  -- Subtracted from the instant, not from local time: there are zones in which a day begins at 01:00.
  -- Nowhere is it a later day than at UTC+14: only a certificate that ends before needs the shift's own time zone.
  where held.valid_through is null
    or (
      held.valid_through < (shift.end_datetime at time zone 'UTC' + interval '14 hours' - interval '1 microsecond')::date
      and held.valid_through < muster.last_day_of(shift.end_datetime - interval '1 microsecond', shift.time_zone)
    )
  union all
  select 9223372036854775807 as nth, 'shift_overlap' as code, null as detail
  where exists (
    select from public.shifts other
    where other.professional_id = professional
      -- One that was left early may be worked again until its end.
      and (other.status in ('assigned', 'active') or (other.status = 'completed' and other.end_datetime > now()))
      and other.deleted_at is null
      and other.id <> shift.id
      -- Bounds for the index of a professional's shifts: without them it reads every one that they ever had. No shift is longer than
      -- shifts_at_most_48_hours has it.
      and other.start_datetime > shift.start_datetime - interval '48 hours'
      and other.start_datetime < shift.end_datetime
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  );
end;
--> statement-breakpoint
-- Every reason against `professional` working `shift`, in the order in which the trigger would name them.
-- `detail` is a certificate's kind, the name of a field, or null: never anything about another shift.
create or replace function muster.assignment_violations(professional uuid, shift public.shifts)
returns table (code text, detail text)
language plpgsql
stable
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  candidate record;
begin
  select p.status, u.suspended_at into candidate
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

  if candidate.status <> 'active' or candidate.suspended_at is not null then
    code := 'professional_inactive';
    return next;
  end if;

  return query select o.code, o.detail from muster.assignment_obstacles(professional, shift) o order by o.nth;
end
$$;
--> statement-breakpoint
-- Only check-ins make a shift active: no company makes itself acquainted by assigning and cancelling.
create or replace function muster.is_stranger(professional uuid) returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  company constant uuid := muster.company_id();
begin
  if not muster.acts_for_caller() then
    return false;
  elsif company is null then
    return muster.client_id() is not null;
  end if;
  return not exists (select from muster.acquaintances_of(company) a where a.professional_id = professional);
end
$$;
--> statement-breakpoint
-- Put in the place of its call, as assignment_obstacles.
create or replace function muster.acquaintances_of(company uuid) returns table (professional_id uuid)
language sql
stable
begin atomic
  select s.professional_id
  from public.shifts s
  where s.company_id = company and s.status in ('active', 'completed') and s.deleted_at is null;
end;
--> statement-breakpoint
revoke execute on function muster.assignment_obstacles(uuid,shifts) from public;
--> statement-breakpoint
revoke execute on function muster.acquaintances_of(uuid) from public;
--> statement-breakpoint
grant execute on function muster.acquaintances_of(uuid) to muster_definer;
--> statement-breakpoint
grant execute on function muster.assignment_obstacles(uuid,shifts) to muster_definer;
--> statement-breakpoint
comment on function muster.assignment_obstacles(uuid, public.shifts) is
  'Which certificates the professional lacks for the shift, and whether they work at the same time. Reads with the rights of its caller.';
--> statement-breakpoint
comment on function muster.acquaintances_of(uuid) is
  'The guards who ever worked for a company, each as often as that was. Reads with the rights of its caller.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796089689_candidates_judged_at_once_rules';
