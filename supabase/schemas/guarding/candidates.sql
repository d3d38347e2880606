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
-- As for nearby_shifts: 3 ms instead of 150, among 20,000 guards.
set jit = off
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
      and exists (select from public.users u where u.id = p.user_id and u.deleted_at is null and u.suspended_at is null)
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
