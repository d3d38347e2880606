-- Hours of service: how long a driver may still drive, and when again.
--
-- * docs/decisions/049-hours-of-service-follow-the-log.md has the rules, and what is left out.
-- * muster.hours_of_service_rules has the limits of both packs, each version with the day from which it holds.
-- * muster.hours_left is pure: a log goes in, as statuses and the seconds at which they began, and what is left comes out. What the log of
--   a driver says, muster.duty_log gives (duty-statuses.sql), from the set of entries.
-- * Times are whole seconds. Before the log the driver rested. What lies further back than 28 days is not looked at.
-- * When a driver can drive again is said for one who rests from now on, in the berth when they are in it.
-- * muster.least_driving_span is what the plan of a load needs at least: nobody is refused for what the law allows.

-- Limits in seconds. A new version of the law is another row, whose limits hold from its day on, at the home terminal.
create or replace function muster.hours_of_service_rules() returns table (pack text, valid_from date, limits jsonb)
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select r.pack, r.valid_from, r.limits
  from (
    values
      -- 49 CFR 395.3 and 395.1(g), as amended by 85 FR 33396.
      ('us_property', date '2020-09-29', jsonb_build_object(
        'driving', 39600, 'window', 50400, 'rest', 36000,
        'until_break', 28800, 'break', 1800,
        'half_rest', 7200, 'half_in_berth', 25200,
        'cycle_60/7', 216000, 'days_60/7', 7, 'cycle_70/8', 252000, 'days_70/8', 8, 'restart', 122400,
        -- 85 mph, the highest limit of any road (Texas 130), in meters an hour.
        'fastest', 136794
      )),
      -- Regulation (EC) No 561/2006, articles 4 and 6 to 8, as amended by Regulation (EU) 2020/1054.
      ('eu_561', date '2020-08-20', jsonb_build_object(
        'driving', 32400, 'driving_extended', 36000, 'extensions', 2,
        'day', 86400, 'rest', 39600, 'reduced_rest', 32400, 'reduced_rests', 3, 'first_part_of_rest', 10800,
        'until_break', 16200, 'break', 2700, 'first_part_of_break', 900, 'second_part_of_break', 1800,
        'week', 201600, 'fortnight', 324000,
        'until_weekly_rest', 518400, 'weekly_rest', 162000, 'reduced_weekly_rest', 86400,
        -- 90 km/h, to which limiters hold trucks (Directive 92/6/EEC), in meters an hour.
        'fastest', 90000
      ))
  ) as r (pack, valid_from, limits);
end;
comment on function muster.hours_of_service_rules() is
  'The limits of hours of service in seconds, by pack and by the day from which they hold.';

create or replace function muster.limits_of(wanted text, on_day date) returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select r.limits
  from muster.hours_of_service_rules() r
  where r.pack = wanted
  -- Before the first version there is none other.
  order by r.valid_from <= on_day desc, abs(r.valid_from - on_day)
  limit 1;
end;
comment on function muster.limits_of(text, date) is 'The limits of a pack that hold on that day.';

create or replace function muster.midnight_of(local_day date, zone text) returns bigint
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
return floor(extract(epoch from local_day::timestamp at time zone zone))::bigint;
comment on function muster.midnight_of(date, text) is 'When a day begins in a time zone, in seconds of Unix time.';

-- 49 CFR 395.3, and the split of 395.1(g)(1)(ii). The log is in order; what lasts no second is not there.
create or replace function muster.hours_left_us_property(
  limits jsonb, cycle text, zone text, statuses text[], begins bigint[], at bigint
) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  most_driving constant bigint := limits ->> 'driving';
  most_window constant bigint := limits ->> 'window';
  full_rest constant bigint := limits ->> 'rest';
  half_rest constant bigint := limits ->> 'half_rest';
  half_in_berth constant bigint := limits ->> 'half_in_berth';
  most_until_break constant bigint := limits ->> 'until_break';
  break_length constant bigint := limits ->> 'break';
  most_cycle constant bigint := limits ->> ('cycle_' || cycle);
  restart constant bigint := limits ->> 'restart';
  today constant date := (to_timestamp(at) at time zone zone)::date;
  first_day constant date := today - ((limits ->> ('days_' || cycle))::integer - 1);
  -- The days of the cycle begin there today, tomorrow and the day after.
  cycle_from constant bigint[] := array[
    muster.midnight_of(first_day, zone), muster.midnight_of(first_day + 1, zone), muster.midnight_of(first_day + 2, zone)
  ];
  next_midnights constant bigint[] := array[muster.midnight_of(today + 1, zone), muster.midnight_of(today + 2, zone)];
  entries constant integer := coalesce(cardinality(begins), 0);
  from_time bigint;
  to_time bigint;
  status text;
  driven bigint := 0;
  driven_at_break bigint := 0;
  on_duty bigint[] := array[0, 0, 0];
  -- From when driving and window count, what had been driven then, and the rest after it that the window leaves out.
  counts_from bigint := 0;
  driven_before bigint := 0;
  left_out bigint := 0;
  -- Rests that are not over ten hours, since the last that was: any may be half of a split.
  half_ends bigint[] := '{}';
  half_lengths bigint[] := '{}';
  half_berths boolean[] := '{}';
  half_driven bigint[] := '{}';
  rest_from bigint := 0;
  idle_from bigint := 0;
  berth_from bigint;
  berth bigint := 0;
  rested bigint;
  nth integer;
  goes_on_in_berth boolean;
  candidates bigint[];
  then_at bigint;
  berth_then bigint;
  driving_left bigint;
  window_left bigint;
  break_left bigint;
  cycle_left bigint;
  answer jsonb;
begin
  for i in 1 .. entries loop
    from_time := begins[i];
    to_time := case when i < entries then begins[i + 1] else at end;
    continue when to_time <= from_time;
    status := statuses[i];
    if status in ('off_duty', 'sleeper') then
      rest_from := coalesce(rest_from, from_time);
      idle_from := coalesce(idle_from, from_time);
      if status = 'sleeper' then
        berth_from := coalesce(berth_from, from_time);
      elsif berth_from is not null then
        berth := greatest(berth, from_time - berth_from);
        berth_from := null;
      end if;
      continue;
    end if;

    if rest_from is not null then
      rested := from_time - rest_from;
      berth := greatest(berth, from_time - berth_from);
      if rested >= full_rest then
        counts_from := from_time;
        driven_before := driven;
        left_out := 0;
        half_ends := '{}';
        half_lengths := '{}';
        half_berths := '{}';
        half_driven := '{}';
      elsif rested >= half_rest then
        nth := cardinality(half_ends);
        while nth > 0 and half_ends[nth] > counts_from loop
          if half_lengths[nth] + rested >= full_rest and (half_berths[nth] or berth >= half_in_berth) then
            counts_from := half_ends[nth];
            driven_before := half_driven[nth];
            left_out := rested;
            exit;
          end if;
          nth := nth - 1;
        end loop;
        half_ends := half_ends || from_time;
        half_lengths := half_lengths || rested;
        half_berths := half_berths || (berth >= half_in_berth);
        half_driven := half_driven || driven;
      end if;
      if rested >= restart then
        on_duty := array[0, 0, 0];
      end if;
      rest_from := null;
      berth_from := null;
      berth := 0;
    end if;

    if status = 'driving' then
      if from_time - idle_from >= break_length then
        driven_at_break := driven;
      end if;
      idle_from := null;
      driven := driven + to_time - from_time;
    else
      idle_from := coalesce(idle_from, from_time);
    end if;
    if to_time > cycle_from[1] then
      for day in 1 .. 3 loop
        on_duty[day] := on_duty[day] + greatest(0, to_time - greatest(from_time, cycle_from[day]));
      end loop;
    end if;
  end loop;

  rest_from := coalesce(rest_from, at);
  idle_from := coalesce(idle_from, at);
  goes_on_in_berth := coalesce(statuses[entries] = 'sleeper', false);
  -- Whatever changes for one who rests, changes at one of these.
  candidates := array[at, idle_from + break_length, rest_from + full_rest, rest_from + restart] || next_midnights;
  for half in 1 .. cardinality(half_ends) loop
    candidates := candidates
      || (rest_from + greatest(half_rest, full_rest - half_lengths[half]))
      || greatest(rest_from + greatest(half_rest, full_rest - half_lengths[half]), coalesce(berth_from, at) + half_in_berth);
  end loop;

  for then_at in select distinct c.at from unnest(candidates) as c (at) where c.at >= hours_left_us_property.at order by c.at loop
    rested := then_at - rest_from;
    berth_then := greatest(berth, case when goes_on_in_berth then then_at else at end - case
      when goes_on_in_berth then coalesce(berth_from, at) else berth_from
    end);
    driving_left := most_driving;
    window_left := most_window;
    if rested < full_rest then
      driving_left := most_driving - (driven - driven_before);
      window_left := most_window - (then_at - counts_from - left_out);
      nth := cardinality(half_ends);
      while rested >= half_rest and nth > 0 and half_ends[nth] > counts_from loop
        if half_lengths[nth] + rested >= full_rest and (half_berths[nth] or berth_then >= half_in_berth) then
          driving_left := most_driving - (driven - half_driven[nth]);
          window_left := most_window - (rest_from - half_ends[nth]);
          exit;
        end if;
        nth := nth - 1;
      end loop;
    end if;
    break_left := most_until_break - case when then_at - idle_from >= break_length then 0 else driven - driven_at_break end;
    cycle_left := most_cycle - case
      when rested >= restart then 0
      when then_at < next_midnights[1] then on_duty[1]
      when then_at < next_midnights[2] then on_duty[2]
      else on_duty[3]
    end;
    if answer is null then
      answer := jsonb_build_object(
        'driving', greatest(0, driving_left),
        'window', greatest(0, window_left),
        'until_break', greatest(0, break_left),
        'cycle', greatest(0, cycle_left),
        'week', null,
        'fortnight', null
      );
    end if;
    if least(driving_left, window_left, break_left, cycle_left) > 0 then
      answer := answer || jsonb_build_object('can_drive_at', then_at);
      exit;
    end if;
  end loop;
  return answer;
end
$$;
comment on function muster.hours_left_us_property(jsonb, text, text, text[], bigint[], bigint) is
  'What 49 CFR 395.3 leaves a driver, in seconds, and when they may drive, in seconds of Unix time.';

-- Regulation (EC) No 561/2006, articles 4 and 6 to 8.
create or replace function muster.hours_left_eu_561(limits jsonb, zone text, statuses text[], begins bigint[], at bigint) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  most_driving constant bigint := limits ->> 'driving';
  most_extended constant bigint := limits ->> 'driving_extended';
  extensions constant integer := limits ->> 'extensions';
  day_length constant bigint := limits ->> 'day';
  full_rest constant bigint := limits ->> 'rest';
  reduced_rest constant bigint := limits ->> 'reduced_rest';
  reduced_rests constant integer := limits ->> 'reduced_rests';
  first_of_rest constant bigint := limits ->> 'first_part_of_rest';
  most_until_break constant bigint := limits ->> 'until_break';
  full_break constant bigint := limits ->> 'break';
  first_of_break constant bigint := limits ->> 'first_part_of_break';
  second_of_break constant bigint := limits ->> 'second_part_of_break';
  most_week constant bigint := limits ->> 'week';
  most_fortnight constant bigint := limits ->> 'fortnight';
  until_weekly_rest constant bigint := limits ->> 'until_weekly_rest';
  weekly_rest constant bigint := limits ->> 'weekly_rest';
  reduced_weekly_rest constant bigint := limits ->> 'reduced_weekly_rest';
  this_week constant date := date_trunc('week', to_timestamp(at) at time zone zone)::date;
  -- The mondays of the last week, this one, the next and that after it.
  mondays constant bigint[] := array(
    select muster.midnight_of(this_week + 7 * w.n, zone) from generate_series(-1, 2) as w (n) order by w.n
  );
  entries constant integer := coalesce(cardinality(begins), 0);
  from_time bigint;
  to_time bigint;
  driven bigint := 0;
  driven_at_break bigint := 0;
  driven_last_week bigint := 0;
  driven_this_week bigint := 0;
  has_first_of_break boolean := false;
  -- The day between two daily rests. It is of the week in which it began.
  day_from bigint := 0;
  day_week date;
  driven_before_day bigint := 0;
  has_first_of_rest boolean := false;
  reduced integer := 0;
  -- In the week of the last day that was extended.
  extended integer := 0;
  extended_week date;
  week_from bigint := 0;
  was_regular boolean := true;
  rest_from bigint := 0;
  rested bigint;
  then_at bigint;
  week_then date;
  is_weekly boolean;
  is_daily boolean;
  reduced_then integer;
  extended_then integer;
  driving_left bigint;
  window_left bigint;
  break_left bigint;
  cycle_left bigint;
  week_left bigint;
  fortnight_left bigint;
  answer jsonb;
begin
  for i in 1 .. entries loop
    from_time := begins[i];
    to_time := case when i < entries then begins[i + 1] else at end;
    continue when to_time <= from_time;
    if statuses[i] in ('off_duty', 'sleeper') then
      rest_from := coalesce(rest_from, from_time);
      continue;
    end if;

    if rest_from is not null then
      rested := from_time - rest_from;
      if rested >= full_break or (has_first_of_break and rested >= second_of_break) then
        driven_at_break := driven;
        has_first_of_break := false;
      elsif rested >= first_of_break then
        has_first_of_break := true;
      end if;
      is_weekly := rested >= weekly_rest or (was_regular and rested >= reduced_weekly_rest);
      is_daily := is_weekly
        or rested >= full_rest
        or (rested >= reduced_rest and (has_first_of_rest or reduced < reduced_rests));
      if is_weekly then
        was_regular := rested >= weekly_rest;
        week_from := from_time;
        reduced := 0;
      elsif is_daily and rested < full_rest and not has_first_of_rest then
        reduced := reduced + 1;
      end if;
      if is_daily then
        if driven - driven_before_day > most_driving then
          extended := case when extended_week = day_week then extended + 1 else 1 end;
          extended_week := day_week;
        end if;
        day_from := from_time;
        day_week := date_trunc('week', to_timestamp(from_time) at time zone zone)::date;
        driven_before_day := driven;
        has_first_of_rest := false;
      elsif rested >= first_of_rest then
        has_first_of_rest := true;
      end if;
      rest_from := null;
    end if;

    if statuses[i] = 'driving' then
      driven := driven + to_time - from_time;
      driven_last_week := driven_last_week + greatest(0, least(to_time, mondays[2]) - greatest(from_time, mondays[1]));
      driven_this_week := driven_this_week + greatest(0, to_time - greatest(from_time, mondays[2]));
    end if;
  end loop;

  rest_from := coalesce(rest_from, at);
  -- Whatever changes for one who rests, changes at one of these.
  for then_at in
    select distinct c.at
    from unnest(array[
      hours_left_eu_561.at, rest_from + second_of_break, rest_from + full_break, rest_from + first_of_rest, rest_from + reduced_rest,
      rest_from + full_rest, rest_from + reduced_weekly_rest, rest_from + weekly_rest, mondays[3], mondays[4]
    ]) as c (at)
    where c.at >= hours_left_eu_561.at
    order by c.at
  loop
    rested := then_at - rest_from;
    is_weekly := rested >= weekly_rest or (was_regular and rested >= reduced_weekly_rest);
    is_daily := is_weekly
      or rested >= full_rest
      or (rested >= reduced_rest and (has_first_of_rest or reduced < reduced_rests));
    reduced_then := case
      when is_weekly then 0
      when is_daily and rested < full_rest and not has_first_of_rest then reduced + 1
      else reduced
    end;
    week_then := case
      when not is_daily then day_week
      when then_at < mondays[3] then this_week
      when then_at < mondays[4] then this_week + 7
      else this_week + 14
    end;
    extended_then := case when extended_week = week_then then extended else 0 end;
    if is_daily and day_week = week_then and driven - driven_before_day > most_driving then
      extended_then := extended_then + 1;
    end if;
    driving_left := case when extended_then < extensions then most_extended else most_driving end
      - case when is_daily then 0 else driven - driven_before_day end;
    window_left := day_length
      - case
        when reduced_then < reduced_rests or (not is_daily and (has_first_of_rest or rested >= first_of_rest)) then reduced_rest
        else full_rest
      end
      - case when is_daily then 0 else then_at - day_from end;
    break_left := most_until_break - case
      when rested >= full_break or (has_first_of_break and rested >= second_of_break) then 0
      else driven - driven_at_break
    end;
    cycle_left := until_weekly_rest - case when is_weekly then 0 else then_at - week_from end;
    week_left := most_week - case when then_at < mondays[3] then driven_this_week else 0 end;
    fortnight_left := most_fortnight - case
      when then_at < mondays[3] then driven_last_week + driven_this_week
      when then_at < mondays[4] then driven_this_week
      else 0
    end;
    if answer is null then
      answer := jsonb_build_object(
        'driving', greatest(0, driving_left),
        'window', greatest(0, window_left),
        'until_break', greatest(0, break_left),
        'cycle', greatest(0, cycle_left),
        'week', greatest(0, week_left),
        'fortnight', greatest(0, fortnight_left)
      );
    end if;
    if least(driving_left, window_left, break_left, cycle_left, week_left, fortnight_left) > 0 then
      answer := answer || jsonb_build_object('can_drive_at', then_at);
      exit;
    end if;
  end loop;
  return answer;
end
$$;
comment on function muster.hours_left_eu_561(jsonb, text, text[], bigint[], bigint) is
  'What Regulation 561/2006 leaves a driver, in seconds, and when they may drive, in seconds of Unix time.';

create or replace function muster.hours_left(
  pack text, cycle text, zone text, statuses text[], begins bigint[], at bigint
) returns jsonb
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  limits constant jsonb := muster.limits_of(pack, (to_timestamp(at) at time zone zone)::date);
begin
  return case pack
    when 'us_property' then muster.hours_left_us_property(limits, cycle, zone, statuses, begins, at)
    else muster.hours_left_eu_561(limits, zone, statuses, begins, at)
  end;
end
$$;
comment on function muster.hours_left(text, text, text, text[], bigint[], bigint) is
  'What the rules of a pack leave a driver with that log, in order: statuses, and the seconds of Unix time at which they began, none after `at`.';

-- From below: rests and breaks that no way of splitting them spares a rested driver, and nothing for loading, or for what they drove before.
create or replace function muster.least_driving_span(pack text, limits jsonb, driving bigint) returns bigint
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  longest constant bigint := limits ->> case pack when 'eu_561' then 'driving_extended' else 'driving' end;
  rest constant bigint := limits ->> case pack when 'eu_561' then 'reduced_rest' else 'rest' end;
  stretches constant bigint := ceil(driving::numeric / longest);
  -- A rest is a break, too; in the United States one of ten hours may be two.
  breaks constant bigint := ceil(driving::numeric / (limits ->> 'until_break')::bigint) - 1
    - (stretches - 1) * case pack when 'eu_561' then 1 else 2 end;
begin
  return driving + greatest(0, stretches - 1) * rest + greatest(0, breaks) * (limits ->> 'break')::bigint;
end
$$;
comment on function muster.least_driving_span(text, jsonb, bigint) is
  'How many seconds it takes at least to drive for so many, with the rests and breaks of a pack.';

create or replace function muster.least_span_of_load(load public.loads, pack text, zone text) returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  limits constant jsonb := muster.limits_of(pack, (load.starts_at at time zone zone)::date);
  meters constant numeric := load.distance * case load.distance_unit when 'mi' then 1609.344 else 1000 end;
begin
  return muster.least_driving_span(
    pack, limits, coalesce(load.driving_minutes * 60, floor(meters * 3600 / (limits ->> 'fastest')::numeric))::bigint
  );
end
$$;
comment on function muster.least_span_of_load(public.loads, text, text) is
  'How many seconds a driver alone needs for a load at least, by its driving time or else its distance; null where it has neither.';

create or replace function muster.hours_of_drivers(drivers uuid[], at timestamptz) returns table (driver_id uuid, hours jsonb)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  own constant uuid := muster.driver_id();
  planned constant uuid := muster.carrier_id();
  administered constant uuid := muster.admin_tenant_id();
begin
  return query
    select d.id, jsonb_build_object(
      'driver_id', d.id,
      'at', to_timestamp(floor(extract(epoch from hours_of_drivers.at))),
      'pack', d.hours_pack,
      'cycle', case d.hours_pack when 'us_property' then d.hours_cycle end,
      'time_zone', d.home_time_zone,
      'status', log.status,
      'since', log.since,
      'can_drive_at', to_timestamp((h.hours ->> 'can_drive_at')::float8),
      'driving_seconds_left', h.hours -> 'driving',
      'window_seconds_left', h.hours -> 'window',
      'break_seconds_left', h.hours -> 'until_break',
      'cycle_seconds_left', h.hours -> 'cycle',
      'week_seconds_left', h.hours -> 'week',
      'fortnight_seconds_left', h.hours -> 'fortnight'
    )
    from public.drivers d
    cross join lateral (
      select
        coalesce(array_agg(l.status order by l.began_at, l.entry_id), '{}') as statuses,
        coalesce(array_agg(floor(extract(epoch from l.began_at))::bigint order by l.began_at, l.entry_id), '{}') as begins,
        (array_agg(l.status order by l.began_at desc, l.entry_id desc))[1] as status,
        max(l.began_at) as since
      from muster.duty_log(d.id, hours_of_drivers.at - interval '28 days', hours_of_drivers.at) l
    ) log
    cross join lateral (
      select muster.hours_left(
        d.hours_pack, d.hours_cycle, d.home_time_zone, log.statuses, log.begins,
        floor(extract(epoch from hours_of_drivers.at))::bigint
      ) as hours
    ) h
    where d.id = any (drivers)
      and d.deleted_at is null
      and (d.organization_id = planned or d.id = own or d.tenant_id = administered);
end
$$;
comment on function muster.hours_of_drivers(uuid[], timestamptz) is
  'What is left to each of the drivers whom the caller sees, by their logs as they are in effect. Security definer: it reads each log once, as drivers_read says.';

create or replace function muster.hours_of_service(driver uuid, at timestamptz default now()) returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select h.hours from muster.hours_of_drivers(array[driver], at) h;
end;
comment on function muster.hours_of_service(uuid, timestamptz) is
  'What is left to a driver then, and when they may drive; null for a driver whom the caller does not see.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function
  muster.hours_of_service_rules(),
  muster.limits_of(text, date),
  muster.midnight_of(date, text),
  muster.hours_left_us_property(jsonb, text, text, text[], bigint[], bigint),
  muster.hours_left_eu_561(jsonb, text, text[], bigint[], bigint),
  muster.hours_left(text, text, text, text[], bigint[], bigint),
  muster.least_driving_span(text, jsonb, bigint),
  muster.least_span_of_load(public.loads, text, text)
to muster_definer;
grant execute on function muster.hours_of_drivers(uuid[], timestamptz), muster.hours_of_service(uuid, timestamptz) to authenticated;

alter function muster.hours_of_drivers(uuid[], timestamptz) owner to muster_definer;
