-- Candidates: the guards who could work a shift.
-- Security definer for the reason that search.sql gives: the spatial index.
--
-- * Candidates are the guards of the shift's tenant, for a shift that is or can be published and has not begun. Distances are
--   from the area in which they live: a company may put locations and shifts wherever it likes, and three exact distances would
--   be an address.
-- * A company learns of a guard who never worked for it whether the guard is eligible, and no reason why not: a company
--   makes drafts as it likes, and the reasons would tell a rival's roster and the certificates. Which guards are on a page, and
--   in which order, follows from their areas alone. How much a company may ask in a day is bounded.

select muster.follow_table('muster.candidate_pages', trail => 'none');

-- A page that a company has not asked for before on this day (UTC) counts; the same one again is free, however often. What makes
-- it the same are the place, the times and the certificates, whichever draft has them.
create or replace function muster.count_candidate_page(company uuid, page text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Some hundred shifts to fill in a day, and three pages of each. To find out when one guard works takes some 24 (halving
  -- a day to the minute, twice), so a company learns of a dozen guards a day at most, and a roster of thousands never.
  most_pages constant integer := 300;
  today constant date := (now() at time zone 'UTC')::date;
  asked constant bigint := hashtextextended(page, 0);
begin
  if exists (
    select from muster.candidate_pages c
    where c.company_id = company and c.asked_on = today and asked = any (c.pages)
  ) then
    return;
  end if;
  insert into muster.candidate_pages as c (company_id, asked_on, pages)
  values (company, today, array[asked])
  on conflict (company_id) do update
    set asked_on = today, pages = case when c.asked_on = today then c.pages || asked else array[asked] end
    where c.asked_on <> today or cardinality(c.pages) < most_pages;
  if not found then
    perform muster.fail('daily_limit_reached');
  end if;
end
$$;
comment on function muster.count_candidate_page(uuid, text) is
  'Bounds how much a company asks about guards in a day. Security definer: the count is nobody''s to write.';

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
comment on function muster.shift_candidates(uuid, integer, boolean, float8, uuid) is
  'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see. It never learns where they live (distances are those of their areas), nor why a guard who
   never worked for it cannot come.';

grant select, insert, update on muster.candidate_pages to muster_definer;

-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.shift_candidates(uuid, integer, boolean, float8, uuid)
to authenticated, muster_api;

alter function muster.count_candidate_page(uuid, text) owner to muster_definer;
alter function muster.shift_candidates(uuid, integer, boolean, float8, uuid) owner to muster_definer;
