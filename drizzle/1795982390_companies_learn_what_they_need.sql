drop function muster.shift_candidates(uuid,integer,boolean,double precision,uuid);
--> statement-breakpoint
-- PostgreSQL also takes POSIX forms for a time zone, 'FOO3' and even 'Europe/Foo+3'; only IANA names are meant here. The form
-- alone is the column's check: what a server knows changes with its packages, and a row that was stored must not keep a backup
-- from being restored, nor its other columns from being changed. tg_locations__name_time_zone asks whether the zone is known.
create or replace function muster.is_time_zone(name text) returns boolean
language sql
immutable
parallel safe
return name ~ '^(UTC|Etc/GMT(\+([1-9]|1[0-2])|-([1-9]|1[0-4]))|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2})$';
--> statement-breakpoint
-- Old names go first: Debian 13 has them in a package of their own, and a server without it does not know them any more. They are
-- what browsers and phones send, though: Chrome says Asia/Calcutta and Europe/Kiev.
create or replace function muster.canonical_time_zone(given text) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
-- As it is with a setting of the function, the session's own comes back when it ends.
set timezone = 'UTC'
as $$
declare
  -- The links of the IANA time zone database, 2025b, whose names are those of no country's zone (zone.tab).
  renamed constant jsonb := '{
    "Africa/Asmera": "Africa/Nairobi", "Africa/Timbuktu": "Africa/Abidjan",
    "America/Argentina/ComodRivadavia": "America/Argentina/Catamarca", "America/Atka": "America/Adak",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires", "America/Catamarca": "America/Argentina/Catamarca",
    "America/Coral_Harbour": "America/Panama", "America/Cordoba": "America/Argentina/Cordoba",
    "America/Ensenada": "America/Tijuana", "America/Fort_Wayne": "America/Indiana/Indianapolis",
    "America/Godthab": "America/Nuuk", "America/Indianapolis": "America/Indiana/Indianapolis",
    "America/Jujuy": "America/Argentina/Jujuy", "America/Knox_IN": "America/Indiana/Knox",
    "America/Louisville": "America/Kentucky/Louisville", "America/Mendoza": "America/Argentina/Mendoza",
    "America/Montreal": "America/Toronto", "America/Nipigon": "America/Toronto", "America/Pangnirtung": "America/Iqaluit",
    "America/Porto_Acre": "America/Rio_Branco", "America/Rainy_River": "America/Winnipeg",
    "America/Rosario": "America/Argentina/Cordoba", "America/Santa_Isabel": "America/Tijuana",
    "America/Shiprock": "America/Denver", "America/Thunder_Bay": "America/Toronto", "America/Virgin": "America/Puerto_Rico",
    "America/Yellowknife": "America/Edmonton", "Antarctica/South_Pole": "Pacific/Auckland",
    "Asia/Ashkhabad": "Asia/Ashgabat", "Asia/Calcutta": "Asia/Kolkata", "Asia/Choibalsan": "Asia/Ulaanbaatar",
    "Asia/Chongqing": "Asia/Shanghai", "Asia/Chungking": "Asia/Shanghai", "Asia/Dacca": "Asia/Dhaka",
    "Asia/Harbin": "Asia/Shanghai", "Asia/Istanbul": "Europe/Istanbul", "Asia/Kashgar": "Asia/Urumqi",
    "Asia/Katmandu": "Asia/Kathmandu", "Asia/Macao": "Asia/Macau", "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh", "Asia/Tel_Aviv": "Asia/Jerusalem", "Asia/Thimbu": "Asia/Thimphu",
    "Asia/Ujung_Pandang": "Asia/Makassar", "Asia/Ulan_Bator": "Asia/Ulaanbaatar", "Atlantic/Faeroe": "Atlantic/Faroe",
    "Atlantic/Jan_Mayen": "Europe/Berlin", "Australia/ACT": "Australia/Sydney", "Australia/Canberra": "Australia/Sydney",
    "Australia/Currie": "Australia/Hobart", "Australia/LHI": "Australia/Lord_Howe", "Australia/NSW": "Australia/Sydney",
    "Australia/North": "Australia/Darwin", "Australia/Queensland": "Australia/Brisbane",
    "Australia/South": "Australia/Adelaide", "Australia/Tasmania": "Australia/Hobart",
    "Australia/Victoria": "Australia/Melbourne", "Australia/West": "Australia/Perth",
    "Australia/Yancowinna": "Australia/Broken_Hill", "Brazil/Acre": "America/Rio_Branco",
    "Brazil/DeNoronha": "America/Noronha", "Brazil/East": "America/Sao_Paulo", "Brazil/West": "America/Manaus",
    "Canada/Atlantic": "America/Halifax", "Canada/Central": "America/Winnipeg", "Canada/Eastern": "America/Toronto",
    "Canada/Mountain": "America/Edmonton", "Canada/Newfoundland": "America/St_Johns", "Canada/Pacific": "America/Vancouver",
    "Canada/Saskatchewan": "America/Regina", "Canada/Yukon": "America/Whitehorse", "Chile/Continental": "America/Santiago",
    "Chile/EasterIsland": "Pacific/Easter", "Etc/Greenwich": "Etc/GMT", "Etc/UCT": "Etc/UTC", "Etc/Universal": "Etc/UTC",
    "Etc/Zulu": "Etc/UTC", "Europe/Belfast": "Europe/London", "Europe/Kiev": "Europe/Kyiv",
    "Europe/Nicosia": "Asia/Nicosia", "Europe/Tiraspol": "Europe/Chisinau", "Europe/Uzhgorod": "Europe/Kyiv",
    "Europe/Zaporozhye": "Europe/Kyiv", "Mexico/BajaNorte": "America/Tijuana", "Mexico/BajaSur": "America/Mazatlan",
    "Mexico/General": "America/Mexico_City", "Pacific/Enderbury": "Pacific/Kanton", "Pacific/Johnston": "Pacific/Honolulu",
    "Pacific/Ponape": "Pacific/Guadalcanal", "Pacific/Samoa": "Pacific/Pago_Pago", "Pacific/Truk": "Pacific/Port_Moresby",
    "Pacific/Yap": "Pacific/Port_Moresby", "US/Alaska": "America/Anchorage", "US/Aleutian": "America/Adak",
    "US/Arizona": "America/Phoenix", "US/Central": "America/Chicago", "US/East-Indiana": "America/Indiana/Indianapolis",
    "US/Eastern": "America/New_York", "US/Hawaii": "Pacific/Honolulu", "US/Indiana-Starke": "America/Indiana/Knox",
    "US/Michigan": "America/Detroit", "US/Mountain": "America/Denver", "US/Pacific": "America/Los_Angeles",
    "US/Samoa": "Pacific/Pago_Pago"
  }';
  known text;
begin
  -- The setting takes a name in any case, and says how it is spelt. In these forms it can mean nothing but a zone's name.
  if given ~* '^(posix|right)/' or not muster.is_time_zone(initcap(given)) and not muster.is_time_zone(given) then
    return null;
  end if;
  perform set_config('timezone', given, true);
  known := current_setting('timezone');
  if renamed ? known then
    given := known;
    perform set_config('timezone', renamed ->> known, true);
    known := current_setting('timezone');
  end if;
  return case when muster.is_time_zone(known) then known end;
exception
  -- This server does not know it; of the two names of a zone it may know the old one.
  when invalid_parameter_value then return known;
end
$$;
--> statement-breakpoint
-- The one way to refuse. The code is what the API answers with; src/errors/codes.ts has the same list, and a test
-- compares the two. `subject` says what it is about in words safe for the caller (it travels as the hint).
create or replace function muster.fail(code text, subject text default null) returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  state text := case code
    when 'shift_overlap' then 'MU001'
    when 'certificate_missing' then 'MU002'
    when 'certificate_expired' then 'MU003'
    when 'professional_inactive' then 'MU004'
    when 'shift_not_open' then 'MU005'
    when 'invalid_transition' then 'MU006'
    when 'outside_check_in_window' then 'MU007'
    when 'recorded_in_future' then 'MU008'
    when 'shift_not_assigned' then 'MU009'
    when 'forbidden' then 'MU010'
    when 'not_found' then 'MU011'
    when 'certificate_in_use' then 'MU012'
    when 'professional_in_use' then 'MU013'
    when 'location_in_use' then 'MU014'
    when 'payment_missing' then 'MU015'
    when 'id_conflict' then 'MU016'
    when 'invitation_invalid' then 'MU017'
    when 'already_registered' then 'MU018'
    when 'idempotency_key_reused' then 'MU019'
    when 'isolation_unsupported' then 'MU020'
    when 'shift_over' then 'MU021'
    when 'daily_limit_reached' then 'MU025'
    when 'too_many_pings' then 'MU030'
    when 'too_many_idempotency_keys' then 'MU031'
    when 'answer_too_large' then 'MU032'
  end;
begin
  if state is null then
    raise exception 'muster.fail: % is not a registered code', code;
  end if;
  raise exception using errcode = state, message = code, hint = coalesce(subject, '');
end
$$;
--> statement-breakpoint
-- A server that was upgraded may not know a zone any more that a row has. One such row must not fail a search for everybody
-- around: the day is then the latest that it can be anywhere (UTC+14), so no certificate passes that is not valid.
create or replace function muster.last_day_of(ends_at timestamptz, zone text) returns date
language plpgsql
stable
parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
begin
  return (ends_at at time zone zone)::date;
exception
  when invalid_parameter_value then return (ends_at at time zone 'UTC' + interval '14 hours')::date;
end
$$;
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
  required text;
  valid_through date;
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
      and other.status in ('assigned', 'active')
      and other.deleted_at is null
      and other.id <> shift.id
      and tstzrange(other.start_datetime, other.end_datetime) && tstzrange(shift.start_datetime, shift.end_datetime)
  ) then
    code := 'shift_overlap';
    detail := null;
    return next;
  end if;
end
$$;
--> statement-breakpoint
create or replace function muster.tg_locations__name_time_zone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text := muster.canonical_time_zone(new.time_zone);
begin
  if known is null then
    raise exception using
      errcode = 'check_violation',
      message = 'no time zone that this server knows',
      schema = 'public', table = 'locations', column = 'time_zone', constraint = 'locations_time_zone_known';
  end if;
  new.time_zone := known;
  return new;
end
$$;
--> statement-breakpoint
create or replace trigger b_name_time_zone_on_insert before insert on public.locations
  for each row execute function muster.tg_locations__name_time_zone();
--> statement-breakpoint
create or replace trigger b_name_time_zone_on_update before update on public.locations
  for each row when (old.time_zone is distinct from new.time_zone)
  execute function muster.tg_locations__name_time_zone();
--> statement-breakpoint
create policy internal on muster.candidate_pages for all to service_role, muster_definer
  using (true)
  with check (true);
--> statement-breakpoint
-- The index refuses to go on ("index returned tuples in wrong order", XX000) where it thinks a row farther than it is. PostGIS
-- takes two points for one, at distance 0, when their coordinates differ by less than 5e-14 rad (a third of a micrometre), or
-- lie on either side of ±180°; the index has the points as boxes on the unit sphere, in float4, which are finer than that where
-- a coordinate is near 0: on the equator, the poles, and the meridians 0, ±90 and ±180. So the order is asked from a point whose
-- own box reaches beyond 5e-14 in every direction: whatever PostGIS takes for the same point has a box that meets it, and is at
-- distance 0 for the index too. Almost everywhere that is the place itself, else one some 100 m aside: whoever uses it adds
-- the distance between the two to how far is read.
create or replace function muster.search_origin(latitude float8, longitude float8) returns geography
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  -- Four times what PostGIS takes for the same, for what rounding adds.
  margin constant float8 := 2e-13;
  -- Degrees: 55 m. As far from a meridian or the equator, float4 is coarse enough in most places.
  step constant float8 := 0.0005;
  aside float8 := 0;
  lat float8 := latitude;
  lon float8 := longitude;
  x float8;
  y float8;
  z float8;
begin
  loop
    x := cosd(lat) * cosd(lon);
    y := cosd(lat) * sind(lon);
    z := sind(lat);
    exit when least(abs(x - x::float4), abs(y - y::float4), abs(z - z::float4)) > margin;
    aside := aside + step;
    -- Towards the equator and the meridian 0, or away from them where they are near: no coordinate leaves its range.
    lat := latitude + case when latitude > 0 then -aside else aside end;
    lon := longitude + case when longitude > 0 then -1 else 1 end * aside / greatest(cosd(lat), step);
  end loop;
  return st_point(lon, lat)::geography;
end
$$;
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
      page.professional_id,
      page.kind,
      st_y(page.gps_point::geometry) as latitude,
      st_x(page.gps_point::geometry) as longitude,
      page.accuracy_meters,
      page.distance_meters,
      page.is_within_radius,
      page.verdict,
      page.recorded_at,
      page.created_at,
      st_distance(page.gps_point, here) as meters_away
  ) item;
end
$$;
--> statement-breakpoint
alter function muster.count_candidate_page(uuid,text) owner to muster_definer;
--> statement-breakpoint
alter function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) owner to muster_definer;
--> statement-breakpoint
alter function muster.nearby_check_ins(double precision,double precision,double precision,timestamp with time zone,timestamp with time zone,integer,timestamp with time zone,uuid) owner to muster_definer;
--> statement-breakpoint
alter table muster.candidate_pages enable row level security;
--> statement-breakpoint
alter table muster.candidate_pages force row level security;
--> statement-breakpoint
revoke all on table muster.candidate_pages from public, anon, authenticated, service_role;
--> statement-breakpoint
revoke execute on function muster.canonical_time_zone(text) from public;
--> statement-breakpoint
revoke execute on function muster.last_day_of(timestamp with time zone,text) from public;
--> statement-breakpoint
revoke execute on function muster.tg_locations__name_time_zone() from public;
--> statement-breakpoint
revoke execute on function muster.count_candidate_page(uuid,text) from public;
--> statement-breakpoint
revoke execute on function muster.search_origin(double precision,double precision) from public;
--> statement-breakpoint
revoke execute on function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) from public;
--> statement-breakpoint
revoke execute on function muster.nearby_check_ins(double precision,double precision,double precision,timestamp with time zone,timestamp with time zone,integer,timestamp with time zone,uuid) from public;
--> statement-breakpoint
grant execute on function muster.canonical_time_zone(text) to authenticated, muster_definer, service_role;
--> statement-breakpoint
grant execute on function muster.last_day_of(timestamp with time zone,text) to muster_definer;
--> statement-breakpoint
grant execute on function muster.nearby_check_ins(double precision,double precision,double precision,timestamp with time zone,timestamp with time zone,integer,timestamp with time zone,uuid) to authenticated, muster_api;
--> statement-breakpoint
grant execute on function muster.search_origin(double precision,double precision) to muster_definer;
--> statement-breakpoint
grant execute on function muster.shift_candidates(uuid,integer,boolean,double precision,uuid) to authenticated, muster_api;
--> statement-breakpoint
grant insert, select, update on table muster.candidate_pages to muster_definer;
--> statement-breakpoint
comment on function muster.is_time_zone(text) is 'Whether the text has the form of an IANA time zone name.';
--> statement-breakpoint
comment on function muster.canonical_time_zone(text) is
  'The present name of a time zone that this server knows, in its own spelling; null for what is none.';
--> statement-breakpoint
comment on function muster.last_day_of(timestamptz, text) is 'The day on which something ends, in a time zone.';
--> statement-breakpoint
comment on function muster.tg_locations__name_time_zone() is
  'Only time zones that exist are stored, by their present name. A row whose zone has gone since can still be changed.';
--> statement-breakpoint
comment on policy internal on muster.candidate_pages is 'Background work and the security definer functions; their grants say how far they reach.';
--> statement-breakpoint
comment on function muster.search_origin(float8, float8) is
  'From where the spatial index is asked for what is nearest to a place: the place, or a point aside where PostGIS would fail.';
--> statement-breakpoint
comment on function muster.count_candidate_page(uuid, text) is
  'Bounds how much a company asks about guards in a day. Security definer: the count is nobody''s to write.';
--> statement-breakpoint
comment on function muster.shift_candidates(uuid, integer, boolean, float8, uuid) is
  'Guards for a shift, nearest home first, with what speaks against each. Security definer: the company of a shift may
   compare guards that it cannot see. It never learns where they live (distances are those of their areas), nor why a guard who
   never worked for it cannot come.';
--> statement-breakpoint
comment on function muster.nearby_check_ins(
  float8, float8, float8, timestamptz, timestamptz, integer, timestamptz, uuid
) is 'Who was near a place at that time, of the check-ins that the caller may read. Security definer: see the head of this file.';
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1795982390_companies_learn_what_they_need';
