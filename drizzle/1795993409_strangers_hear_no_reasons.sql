-- In plpgsql, so that its plan is kept: as above. It is the last statement of its transaction: requests of one caller wait for each
-- other at the row of the day, and no longer than a commit takes.
create or replace function muster.keep_idempotent_response(idempotency_key text, body text) returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- 256 KiB: a hundred shifts, of 2.6 kB each.
  most_bytes constant integer := 262144;
  caller constant uuid := muster.user_id();
begin
  if octet_length(body) > most_bytes then
    perform muster.fail('answer_too_large');
  elsif starts_with(body, '{"refused": ') then
    delete from muster.idempotency_keys k where k.user_id = caller and k.key = idempotency_key;
    return body;
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
  'professional_unavailable', 'MU033'
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
$$;
--> statement-breakpoint
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
$$;
--> statement-breakpoint
create policy internal on muster.refused_assignments for all to service_role, muster_definer
  using (true)
  with check (true);
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
  return not exists (
    select from public.shifts s
    where s.company_id = company
      and s.professional_id = professional
      and s.status in ('active', 'completed')
      and s.deleted_at is null
  );
end
$$;
--> statement-breakpoint
-- Asked before it is tried: when the day's refusals are used up, no answer may tell whether this one would be refused.
create or replace function muster.require_refusals_left(professional uuid) returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Candidates tell who is eligible, so hardly more than what was taken meanwhile is refused. To find out when one guard works
  -- takes some 24 attempts (halving a day to the minute, twice), half of them refused: eight guards a day, at most.
  most_refused constant integer := 100;
begin
  if exists (
    select from muster.refused_assignments r
    where r.company_id = muster.company_id()
      and r.refused_on = (now() at time zone 'UTC')::date
      and r.refused >= most_refused
  ) and muster.is_stranger(professional) then
    perform muster.fail('daily_limit_reached');
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.count_refused_assignment() returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  insert into muster.refused_assignments as r (company_id, refused_on, refused)
  values (muster.company_id(), (now() at time zone 'UTC')::date, 1)
  on conflict (company_id) do update
    set refused_on = excluded.refused_on,
        refused = case when r.refused_on = excluded.refused_on then r.refused else 0 end + 1;
end;
--> statement-breakpoint
create or replace function muster.assign_shift(wanted uuid, professional uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  perform muster.require_refusals_left(professional);
  begin
    update public.shifts s
    set status = 'assigned', professional_id = professional
    where s.id = wanted and s.status = 'published' and s.deleted_at is null and muster.manages_shift(s)
    returning s.* into shift;
  exception
    when sqlstate 'MU033' then
      perform muster.count_refused_assignment();
      return jsonb_build_object('refused', 'professional_unavailable');
  end;
  if shift.id is not null then
    return muster.shift_json(
      shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
    );
  end if;

  select s.* into shift from public.shifts s where s.id = wanted;
  if not muster.sees_shift(shift) then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;
  perform muster.fail('shift_not_open', 'status');
end
$$;
--> statement-breakpoint
create or replace function muster.change_assigned_shift(wanted uuid, change jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  select s.* into shift
  from public.shifts s
  where s.id = wanted and s.status in ('assigned', 'active') and s.deleted_at is null and muster.manages_shift(s)
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  end if;
  perform muster.require_refusals_left(shift.professional_id);
  -- Of the members, those count that a caller may change (the grants below).
  shift := jsonb_populate_record(shift, change);
  begin
    update public.shifts s
    set location_id = shift.location_id,
        start_datetime = shift.start_datetime,
        end_datetime = shift.end_datetime,
        hourly_rate = shift.hourly_rate,
        overtime_rate = shift.overtime_rate,
        required_certificates = shift.required_certificates,
        title = shift.title,
        description = shift.description
    where s.id = wanted;
  exception
    when sqlstate 'MU033' then
      perform muster.count_refused_assignment();
      return jsonb_build_object('refused', 'professional_unavailable');
  end;
  return null;
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
create or replace function muster.tg_shifts__check_assignment() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
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
  if found and violation.code <> 'not_found' and muster.is_stranger(new.professional_id) then
    perform muster.fail('professional_unavailable', 'professional_id');
  elsif violation.code is not null then
    perform muster.fail(violation.code, violation.detail);
  end if;
  return new;
end
$$;
--> statement-breakpoint
alter function muster.require_refusals_left(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.is_stranger(uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.count_refused_assignment() owner to muster_definer;
--> statement-breakpoint
alter function muster.assign_shift(uuid,uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.change_assigned_shift(uuid,jsonb) owner to muster_definer;
--> statement-breakpoint
alter table muster.refused_assignments enable row level security;
--> statement-breakpoint
alter table muster.refused_assignments force row level security;
--> statement-breakpoint
revoke all on table muster.refused_assignments from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.require_refusals_left(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.is_stranger(uuid) from public;
--> statement-breakpoint
revoke execute on function muster.count_refused_assignment() from public;
--> statement-breakpoint
revoke execute on function muster.assign_shift(uuid,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.change_assigned_shift(uuid,jsonb) from public;
--> statement-breakpoint
grant execute on function muster.assign_shift(uuid,uuid) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.change_assigned_shift(uuid,jsonb) to authenticated;
--> statement-breakpoint
grant execute on function muster.is_stranger(uuid) to authenticated, service_role;
--> statement-breakpoint
grant insert, select, update on table muster.refused_assignments to muster_definer;
--> statement-breakpoint
comment on policy internal on muster.refused_assignments is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.move_shift(uuid, text[], text, uuid, text) is
  'Publishes, assigns (see assign_shift), releases or cancels as the caller: the shift in the form of the API, or the reason why not.';
--> statement-breakpoint
comment on function muster.is_stranger(uuid) is
  'Whether the caller is of a company for which the guard never worked, or of a client: they hear no reasons. Security definer: the index alone is asked, not each shift that the caller sees.';
--> statement-breakpoint
comment on function muster.require_refusals_left(uuid) is
  'Refuses a company that was refused too many strangers on this day (UTC). Security definer: the count is nobody''s to read.';
--> statement-breakpoint
comment on function muster.count_refused_assignment() is
  'One more, of the caller''s company. Security definer: the count is nobody''s to write.';
--> statement-breakpoint
comment on function muster.assign_shift(uuid, uuid) is
  'Assigns as the caller: the shift in the form of the API, {"refused": "professional_unavailable"}, which is counted, or an error. Security definer: a company has no other way to assign a guard who is a stranger to it.';
--> statement-breakpoint
comment on function muster.change_assigned_shift(uuid, jsonb) is
  'Changes a shift of a guard as the caller: null, {"refused": "professional_unavailable"}, which is counted, or an error. Security definer: as assign_shift.';
--> statement-breakpoint
comment on function muster.tg_shifts__check_transition() is 'The state machine, what a guard who claims may not touch, and what a company does not do by an update of its own.';
--> statement-breakpoint
select muster.declare_audiences();
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795993409_strangers_hear_no_reasons';
