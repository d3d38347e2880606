-- Timesheets: the hours of an assignment and what they pay, made from the events until both sides agree.
--
-- * docs/decisions/037-timesheets-are-made-until-they-are-agreed.md has the rules; this file says them in SQL.
-- * muster.make_timesheet makes the sheet of an assignment that was completed or stopped, and makes it anew while it is proposed or
--   disputed. Its total is the sum of the lines that count, and the amount of the payment (hours.sql).
-- * What is approved or locked changes by no event. It is flagged `conflict` when its events come to say something else, and its paid
--   minutes are nobody else's.
-- * What is locked stays: a trigger refuses to change it, or its lines. A correction that people agree on afterwards moves the column
--   `adjusted`, which has the minutes that are paid since, and appends a line of the kind `adjustment` that the next period settles
--   (pay-periods.sql). For a sheet that is approved and not locked, closing its period appends the line.
-- * Everybody who makes a sheet or decides about it locks its professional first, then its payment, then the sheet; who may move the
--   shift, the shift before these.
-- * Company, guard and admins see sheets, lines and steps. Clients see sheets alone, and nobody reads the column `total`: callers add
--   the lines that they see. Nobody writes any of them but by the functions below.

create or replace function muster.audience_of_timesheets(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'client:' || (viewed ->> 'client_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_timesheets(jsonb, timestamptz) is 'Who sees a timesheet: timesheets_read, as groups.';

create or replace function muster.audience_of_timesheet_lines(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_timesheet_lines(jsonb, timestamptz) is
  'Who sees a line of a timesheet: timesheet_lines_read, as groups.';

create or replace function muster.audience_of_timesheet_steps(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    'professional:' || (viewed ->> 'professional_id')
  ];
end
$$;
comment on function muster.audience_of_timesheet_steps(jsonb, timestamptz) is
  'Who sees a step of a timesheet: timesheet_steps_read, as groups.';
grant execute on function
  muster.audience_of_timesheets(jsonb, timestamptz),
  muster.audience_of_timesheet_lines(jsonb, timestamptz),
  muster.audience_of_timesheet_steps(jsonb, timestamptz)
to muster_definer;

select muster.follow_table(
  'public.timesheets',
  published => array['id', 'company_id', 'client_id', 'shift_id', 'assignment_id', 'professional_id', 'state', 'start_datetime',
    'end_datetime', 'time_zone', 'work_date', 'worked', 'paid', 'clocked', 'agreed', 'adjusted', 'worked_seconds', 'break_seconds',
    'paid_seconds', 'currency', 'flags', 'proposed_at', 'approved_at', 'approved_by', 'locked_at', 'pay_period_id', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'client_id', 'professional_id']
);
select muster.follow_table(
  'public.timesheet_lines',
  published => array['id', 'company_id', 'professional_id', 'timesheet_id', 'position', 'kind', 'seconds', 'rate', 'factor', 'amount',
    'currency', 'explanation', 'allowance_id', 'open_reason', 'is_approved', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);
select muster.follow_table(
  'public.timesheet_steps',
  trail => 'none',
  published => array['id', 'company_id', 'professional_id', 'timesheet_id', 'step', 'taken_by', 'by_professional', 'reason', 'worked',
    'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

-- ---- Time ---------------------------------------------------------------------------------------------------------------

create or replace function muster.seconds_of(spans tstzmultirange) returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(sum(extract(epoch from upper(s.span) - lower(s.span))), 0) from unnest(spans) as s (span);
end;
comment on function muster.seconds_of(tstzmultirange) is 'How long all of it is.';

-- In UTC, as the API spells instants.
create or replace function muster.spans_json(spans tstzmultirange) returns jsonb
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
begin atomic
  select coalesce(jsonb_agg(jsonb_build_object('from', lower(s.span), 'to', upper(s.span)) order by s.span), '[]')
  from unnest(spans) as s (span);
end;
comment on function muster.spans_json(tstzmultirange) is 'Spans of time as a list of {from, to}, in order.';

create or replace function muster.spans_of(list jsonb) returns tstzmultirange
language sql
stable
parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(range_agg(tstzrange((s.span ->> 'from')::timestamptz, (s.span ->> 'to')::timestamptz)), '{}')
  from jsonb_array_elements(list) as s (span);
end;
comment on function muster.spans_of(jsonb) is 'Spans of time from a list of {from, to}.';

create or replace function muster.duration_text(seconds numeric) returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return format(
  '%s:%s:%s',
  floor(seconds / 3600), to_char(floor(mod(seconds, 3600) / 60), 'FM00'), rtrim(to_char(mod(seconds, 60), 'FM00.999999'), '.')
);
comment on function muster.duration_text(numeric) is 'Seconds as a person reads them: 7:45:00.';

-- ---- Hours --------------------------------------------------------------------------------------------------------------

create or replace function muster.hours_are_settled(assignment uuid) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from public.timesheets t where t.assignment_id = assignment and t.state in ('approved', 'locked')
  );
end;
comment on function muster.hours_are_settled(uuid) is 'Whether the hours of an assignment were approved: no event changes them.';

create or replace function muster.hours_of(
  assignment public.assignments,
  agreed tstzmultirange,
  out clocked tstzmultirange,
  out claimed tstzmultirange,
  out worked tstzmultirange,
  out overdue tstzmultirange,
  out is_cut boolean
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  longest_shift constant interval := interval '48 hours';
  any_delay constant integer := 36500;
  said record;
  later public.assignments := assignment;
  settled tstzmultirange;
  settled_of_earlier tstzmultirange;
  claimed_later tstzmultirange;
  claimed_ever tstzmultirange;
  first_at timestamptz;
  last_at timestamptz;
begin
  select c.* into said from muster.clocked(assignment) c;
  clocked := said.intervals;
  claimed := said.claimed;
  worked := coalesce(agreed, clocked);
  overdue := '{}';
  if agreed is null and 'overdue' = any (said.flags) then
    later.delivery_days := any_delay;
    overdue := (muster.clocked(later)).intervals - clocked;
  elsif agreed is null and said.status = 'assigned' and assignment.ended_as = 'completed' and not exists (
    select from public.gps_checkins c where c.assignment_id = assignment.id and c.kind <> 'ping'
  ) then
    -- Brought in as history: what was planned.
    worked := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  end if;

  first_at := lower(worked + overdue);
  last_at := upper(worked + overdue);
  select
    range_agg(muster.spans_of(coalesce(t.adjusted, t.paid))),
    range_agg(muster.spans_of(coalesce(t.adjusted, t.paid))) filter (where not o.is_later),
    range_agg(c.claimed) filter (where o.is_later),
    range_agg(c.claimed)
  into settled, settled_of_earlier, claimed_later, claimed_ever
  from (
    select a, (a.start_datetime, a.shift_id) > (assignment.start_datetime, assignment.shift_id) as is_later
    from public.assignments a
    where a.professional_id = assignment.professional_id
      and a.id <> assignment.id
      and a.start_datetime between first_at - longest_shift - window_after and last_at + window_before
      and a.end_datetime > first_at - window_after
  ) o
  left join public.timesheets t on t.assignment_id = (o.a).id and t.state in ('approved', 'locked')
  left join lateral (
    select c.claimed from muster.clocked(o.a) c where t.id is null and (o.is_later or not isempty(overdue))
  ) c on true;

  is_cut := not isempty(worked * coalesce(settled_of_earlier, '{}'));
  worked := worked - coalesce(settled, '{}') - coalesce(claimed_later, '{}');
  overdue := overdue - coalesce(settled, '{}') - coalesce(claimed_ever, '{}');
end
$$;
comment on function muster.hours_of(public.assignments, tstzmultirange) is
  'The hours of an assignment, by its events or as agreed, less what other shifts of the person have: what counts, what rests on overdue events alone, and whether it was cut for agreed hours of an earlier shift.';

-- ---- Lines --------------------------------------------------------------------------------------------------------------

create or replace function muster.lines_of(
  assignment public.assignments, time_zone text, worked tstzmultirange, overdue tstzmultirange, is_agreed boolean
)
returns table (
  "position" smallint, kind text, seconds numeric, rate numeric, factor numeric, amount numeric, explanation text,
  allowance_id uuid, open_reason text
)
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  tolerated_until constant timestamptz :=
    assignment.end_datetime + make_interval(mins => assignment.overtime_tolerance_minutes);
  tolerated constant tstzmultirange := tstzmultirange(
    tstzrange(null, case when is_agreed then null else tolerated_until end)
  );
  planned constant tstzmultirange := tstzmultirange(tstzrange(null, assignment.end_datetime));
  hour constant integer := 3600;
begin
  return query
    with part as (
      select p.*
      from (values
        (1, null::text, worked * tolerated),
        (2, 'overtime_beyond_tolerance', worked - tolerated),
        (3, 'overdue_events', overdue)
      ) as p (nth, open_reason, spans)
      where not isempty(p.spans)
    ), allowance as (
      select
        a.id, a.percent, a.combination,
        muster.allowance_name(a) as name,
        muster.allowance_hours(a, time_zone, worked + overdue) as hours,
        coalesce(a.amount_per_hour, assignment.hourly_rate) as rate,
        coalesce(a.percent / 100, 1) as factor,
        -- The highest pays; at the same rate the first of these.
        row_number() over (
          order by
            coalesce(a.amount_per_hour, assignment.hourly_rate * a.percent / 100) desc,
            array_position(array['public_holiday', 'sunday', 'saturday', 'night', 'evening', 'short_notice'], a.kind)
        ) as rank
      from muster.allowances_of(assignment) a
      where not isempty(worked + overdue)
    ), line as (
      select p.nth, 0::bigint as rank, 'planned' as kind, muster.seconds_of(p.spans * planned) as seconds,
        assignment.hourly_rate as rate, 1::numeric as factor, null::uuid as allowance_id, p.open_reason,
        'Planned time' as name
      from part p
      union all
      select p.nth, 1, 'overtime', muster.seconds_of(p.spans - planned),
        assignment.hourly_rate, assignment.overtime_rate, null, p.open_reason, 'Overtime'
      from part p
      union all
      select p.nth, 1 + a.rank, 'allowance',
        muster.seconds_of(p.spans * case a.combination when 'add' then a.hours else a.hours - coalesce((
          select range_agg(higher.hours) from allowance higher where higher.combination = 'highest' and higher.rank < a.rank
        ), '{}') end),
        a.rate, a.factor, a.id, p.open_reason, a.name
      from part p
      cross join allowance a
    )
    select
      row_number() over (order by l.nth, l.rank)::smallint,
      l.kind, l.seconds, l.rate, l.factor,
      -- Divided last: a rate per second has no end.
      round(l.rate * l.factor * l.seconds / hour, 2),
      format(
        '%s: %s h × %s EUR/h%s', l.name, muster.duration_text(l.seconds), l.rate,
        case when l.factor <> 1 then ' × ' || trim_scale(l.factor) end
      ),
      l.allowance_id, l.open_reason
    from line l
    where l.seconds > 0;
end
$$;
comment on function muster.lines_of(public.assignments, text, tstzmultirange, tstzmultirange, boolean) is
  'What hours pay, as lines, each rounded half up to the cent. What both sides agreed on has no open lines.';

-- A stopped shift: the difference to what it pays at least, once more after open lines were approved.
create or replace function muster.add_minimum(assignment public.assignments, sheet uuid) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  minimum constant numeric := round(assignment.hourly_rate * assignment.minimum_minutes / 60, 2);
  worked numeric;
  stated numeric;
begin
  if assignment.ended_as <> 'stopped' then
    return;
  end if;
  select
    coalesce(sum(l.amount) filter (where l.is_approved and l.kind in ('planned', 'overtime')), 0),
    sum(l.amount) filter (where l.kind = 'minimum')
  into worked, stated
  from public.timesheet_lines l
  where l.timesheet_id = sheet;
  if stated is not distinct from nullif(greatest(minimum - worked, 0), 0) then
    return;
  end if;
  delete from public.timesheet_lines l where l.timesheet_id = sheet and l.kind = 'minimum';
  if worked < minimum then
    insert into public.timesheet_lines (
      tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, is_approved
    )
    values (
      assignment.tenant_id, assignment.company_id, assignment.professional_id, sheet, 1000, 'minimum',
      0, assignment.hourly_rate, 1, minimum - worked,
      format(
        'At least %s h × %s EUR/h = %s EUR, less %s EUR', muster.duration_text(assignment.minimum_minutes * 60),
        assignment.hourly_rate, minimum, worked
      ),
      true
    );
  end if;
end
$$;
comment on function muster.add_minimum(public.assignments, uuid) is 'The line by which a stopped shift pays its minimum.';

create or replace function muster.estimated_pay(assignment public.assignments) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  seconds_of_an_hour constant integer := 3600;
begin
  -- Without allowances it is one line, of planned time: each assignment asks, and need not build the lines to add them up.
  if not exists (select from public.allowances a where a.company_id = assignment.company_id) then
    return round(
      assignment.hourly_rate * extract(epoch from assignment.end_datetime - assignment.start_datetime) / seconds_of_an_hour, 2
    );
  end if;
  return (
    select coalesce(sum(l.amount), 0)
    from public.shifts s
    cross join lateral muster.lines_of(
      assignment, s.time_zone, tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime)), '{}', true
    ) l
    where s.id = assignment.shift_id
  );
end
$$;
comment on function muster.estimated_pay(public.assignments) is 'What an assignment pays if it is worked as planned.';

-- ---- Making -------------------------------------------------------------------------------------------------------------

create or replace function muster.make_timesheet(
  assignment public.assignments, agreed_on tstzmultirange default null
) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets;
  made public.timesheets;
  shift public.shifts;
  hours record;
  lines jsonb;
begin
  -- Of all the person's sheets one is made at a time.
  perform from public.security_professionals p where p.id = assignment.professional_id for no key update;
  select t.* into sheet from public.timesheets t where t.assignment_id = assignment.id for no key update;
  select h.* into hours from muster.hours_of(assignment, agreed_on) h;

  if sheet.state in ('approved', 'locked') then
    if hours.claimed <> muster.spans_of(sheet.clocked) and not 'conflict' = any (sheet.flags) then
      update public.timesheets t
      set flags = array(select f.flag from unnest(t.flags || 'conflict'::text) as f (flag) order by f.flag)
      where t.id = sheet.id
      returning t.* into sheet;
    end if;
    return sheet;
  end if;

  select s.* into shift from public.shifts s where s.id = assignment.shift_id;
  select coalesce(jsonb_agg(to_jsonb(l) order by l.position), '[]') into lines
  from muster.lines_of(assignment, shift.time_zone, hours.worked, hours.overdue, agreed_on is not null) l;

  made.worked := muster.spans_json(hours.worked + hours.overdue);
  made.worked_seconds := muster.seconds_of(hours.worked + hours.overdue);
  made.break_seconds :=
    coalesce(muster.seconds_of(tstzmultirange(range_merge(hours.worked + hours.overdue))), 0) - made.worked_seconds;
  made.clocked := muster.spans_json(hours.clocked);
  made.agreed := case when agreed_on is not null then muster.spans_json(agreed_on) end;
  made.flags := array(
    select distinct f.flag
    from unnest(assignment.flags || case when hours.is_cut then array['conflict'] else '{}' end) as f (flag)
    order by f.flag
  );

  if sheet.id is null then
    insert into public.timesheets as t (
      tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, start_datetime, end_datetime, time_zone, work_date,
      worked, paid, clocked, agreed, worked_seconds, break_seconds, paid_seconds, total, flags
    )
    values (
      assignment.tenant_id, assignment.company_id, shift.client_id, assignment.shift_id, assignment.id, assignment.professional_id,
      assignment.start_datetime, assignment.end_datetime, shift.time_zone,
      (assignment.start_datetime at time zone shift.time_zone)::date,
      made.worked, '[]', made.clocked, made.agreed, made.worked_seconds, made.break_seconds, 0, 0, made.flags
    )
    returning t.* into sheet;
  elsif (
    sheet.start_datetime, sheet.end_datetime, sheet.time_zone, sheet.worked, sheet.clocked, sheet.flags
  ) is distinct from (
    assignment.start_datetime, assignment.end_datetime, shift.time_zone, made.worked, made.clocked, made.flags
  ) or sheet.agreed is distinct from made.agreed then
    update public.timesheets t
    set start_datetime = assignment.start_datetime,
        end_datetime = assignment.end_datetime,
        time_zone = shift.time_zone,
        work_date = (assignment.start_datetime at time zone shift.time_zone)::date,
        worked = made.worked,
        clocked = made.clocked,
        agreed = made.agreed,
        worked_seconds = made.worked_seconds,
        break_seconds = made.break_seconds,
        flags = made.flags,
        proposed_at = now()
    where t.id = sheet.id
    returning t.* into sheet;
  end if;

  -- Lines that stay as they are keep their ids, and nobody is told of them.
  if lines is distinct from (
    select coalesce(jsonb_agg(
      jsonb_build_object(
        'position', l.position, 'kind', l.kind, 'seconds', l.seconds, 'rate', l.rate, 'factor', l.factor, 'amount', l.amount,
        'explanation', l.explanation, 'allowance_id', l.allowance_id, 'open_reason', l.open_reason
      )
      order by l.position
    ), '[]')
    from public.timesheet_lines l
    where l.timesheet_id = sheet.id and l.kind not in ('minimum', 'adjustment')
  ) then
    delete from public.timesheet_lines l where l.timesheet_id = sheet.id and l.kind not in ('minimum', 'adjustment');
    insert into public.timesheet_lines (
      tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, allowance_id,
      open_reason, is_approved
    )
    select sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, l.position, l.kind, l.seconds, l.rate, l.factor, l.amount,
      l.explanation, l.allowance_id, l.open_reason, l.open_reason is null
    from jsonb_to_recordset(lines) as l (
      "position" smallint, kind text, seconds numeric, rate numeric, factor numeric, amount numeric, explanation text,
      allowance_id uuid, open_reason text
    );
  end if;
  return muster.count_lines(assignment, sheet, hours.worked, hours.overdue);
end
$$;
comment on function muster.make_timesheet(public.assignments, tstzmultirange) is
  'Makes the timesheet of an assignment from its events, or from the hours that were agreed on; what is approved stays.';

-- Of lines that were approved, the minutes; of all that count, the sum.
create or replace function muster.count_lines(
  assignment public.assignments, sheet public.timesheets, worked tstzmultirange, overdue tstzmultirange
) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  tolerated_until constant timestamptz :=
    assignment.end_datetime + make_interval(mins => assignment.overtime_tolerance_minutes);
  approved text[];
  counted tstzmultirange := worked;
  amount numeric;
begin
  perform muster.add_minimum(assignment, sheet.id);
  select coalesce(sum(l.amount) filter (where l.is_approved), 0), array_agg(l.open_reason) filter (where l.is_approved)
  into amount, approved
  from public.timesheet_lines l
  where l.timesheet_id = sheet.id;
  if sheet.agreed is null and not coalesce('overtime_beyond_tolerance' = any (approved), false) then
    counted := counted * tstzmultirange(tstzrange(null, tolerated_until));
  end if;
  if coalesce('overdue_events' = any (approved), false) then
    counted := counted + overdue;
  end if;
  if (sheet.total, sheet.paid) is distinct from (amount, muster.spans_json(counted)) then
    update public.timesheets t
    set total = amount, paid = muster.spans_json(counted), paid_seconds = muster.seconds_of(counted)
    where t.id = sheet.id
    returning t.* into sheet;
  end if;
  return sheet;
end
$$;
comment on function muster.count_lines(public.assignments, public.timesheets, tstzmultirange, tstzmultirange) is
  'Brings the total and the paid hours of a timesheet in step with its lines.';

-- ---- Agreeing -----------------------------------------------------------------------------------------------------------

create or replace function muster.lock_timesheet(wanted uuid) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets;
begin
  perform muster.require_read_committed();
  select t.* into sheet from public.timesheets t where t.id = wanted;
  perform from public.shifts s where s.id = sheet.shift_id for no key update;
  perform from public.security_professionals p where p.id = sheet.professional_id for no key update;
  perform from public.finqle_transactions t where t.assignment_id = sheet.assignment_id for no key update;
  select t.* into sheet from public.timesheets t where t.id = wanted for no key update;
  return sheet;
end
$$;
comment on function muster.lock_timesheet(uuid) is 'A timesheet, locked in the order that everybody keeps.';

-- Gives on whose side the caller is: company (also admins) or professional.
create or replace function muster.side_of_caller(sheet public.timesheets) returns text
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if sheet.professional_id = muster.professional_id() then
    return 'professional';
  elsif sheet.company_id = muster.company_id() or sheet.tenant_id = muster.admin_tenant_id() then
    return 'company';
  end if;
  perform muster.fail(case when sheet.client_id = muster.client_id() then 'forbidden' else 'not_found' end, 'id');
  return null;
end
$$;
comment on function muster.side_of_caller(public.timesheets) is 'Whether the caller speaks for the company or is the guard of a timesheet.';

create or replace function muster.is_own_user(sheet public.timesheets) returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
begin atomic
  select exists (
    select from public.security_professionals p where p.id = sheet.professional_id and p.user_id = muster.user_id()
  );
end;
comment on function muster.is_own_user(public.timesheets) is 'Whether the hours are the caller''s own, whatever role the caller acts in.';

create or replace function muster.note_step(
  sheet public.timesheets, taken text, is_professional boolean, why text default null, hours jsonb default null
) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.timesheet_steps (
    tenant_id, company_id, professional_id, timesheet_id, step, taken_by, by_professional, reason, worked
  )
  values (
    sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, taken, muster.user_id(), is_professional, why, hours
  );
end;
comment on function muster.note_step(public.timesheets, text, boolean, text, jsonb) is 'That somebody did something about a timesheet.';

create or replace function muster.notify_of_timesheet(sheet public.timesheets, notification_type text, to_professional boolean) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select sheet.tenant_id, told.id, notification_type, jsonb_build_object(
    'timesheet_id', sheet.id,
    'shift_id', sheet.shift_id,
    'work_date', sheet.work_date,
    'state', sheet.state,
    'total', sheet.total,
    'currency', sheet.currency
  )
  from (
    select p.user_id as id from public.security_professionals p where to_professional and p.id = sheet.professional_id
    union all
    select planner.id
    from muster.members_as('company', sheet.company_id) planner (id)
    where not to_professional
  ) told;
end;
comment on function muster.notify_of_timesheet(public.timesheets, text, boolean) is
  'A notification for the guard of a timesheet, or for each planner of its company.';

-- What others worked meanwhile may have become theirs, or not any more. The professional is locked.
create or replace function muster.make_neighbours(changed public.assignments) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  longest_shift constant interval := interval '48 hours';
  windows constant interval := interval '14 hours';
  neighbour uuid;
begin
  for neighbour in
    select a.id
    from public.assignments a
    where a.professional_id = changed.professional_id
      and a.id <> changed.id
      and a.start_datetime between changed.start_datetime - longest_shift - windows and changed.end_datetime + windows
      and a.end_datetime > changed.start_datetime - windows
      and a.ended_as in ('completed', 'stopped')
    order by a.start_datetime desc, a.shift_id desc
  loop
    perform muster.price_assignment(neighbour);
  end loop;
end
$$;
comment on function muster.make_neighbours(public.assignments) is
  'Makes the timesheets anew that may share minutes with one that was decided about.';

-- As it was made last, with the open lines of these reasons. The sheet is locked (muster.lock_timesheet).
create or replace function muster.settle_timesheet(sheet public.timesheets, open_reasons text[], approver uuid) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  hours record;
begin
  select a.* into assignment from public.assignments a where a.id = sheet.assignment_id;
  update public.timesheet_lines l
  set is_approved = true
  where l.timesheet_id = sheet.id and l.open_reason = any (open_reasons);
  -- The lines that count without a word were counted when the sheet was made.
  if found then
    select h.* into hours
    from muster.hours_of(assignment, case when sheet.agreed is not null then muster.spans_of(sheet.agreed) end) h;
    sheet := muster.count_lines(assignment, sheet, hours.worked, hours.overdue);
  end if;
  update public.timesheets t
  set state = 'approved', approved_at = now(), approved_by = approver
  where t.id = sheet.id
  returning t.* into sheet;
  update public.finqle_transactions t
  set amount = sheet.total
  where t.assignment_id = sheet.assignment_id and t.status = 'pending' and t.amount <> sheet.total;
  perform muster.make_neighbours(assignment);
  return sheet;
end
$$;
comment on function muster.settle_timesheet(public.timesheets, text[], uuid) is 'Approves a timesheet as it was made last.';

create or replace function muster.finished_assignment(sheet public.timesheets) returns public.assignments
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
begin
  select a.* into assignment
  from public.assignments a
  where a.id = sheet.assignment_id and a.ended_as in ('completed', 'stopped');
  -- A shift that is active again has no hours to agree on.
  if not found then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return assignment;
end
$$;
comment on function muster.finished_assignment(public.timesheets) is 'The assignment of a timesheet, whose work must be over.';

create or replace function muster.approve_timesheet(
  wanted uuid, open_reasons text[] default null, seen_total numeric default null
) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
begin
  if muster.side_of_caller(sheet) = 'professional' or muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state <> 'proposed' then
    perform muster.fail('timesheet_state', 'state');
  end if;
  sheet := muster.make_timesheet(muster.finished_assignment(sheet));
  if sheet.total <> seen_total then
    perform muster.fail('timesheet_changed', 'total');
  elsif open_reasons is null and exists (
    select from public.timesheet_lines l where l.timesheet_id = sheet.id and not l.is_approved
  ) then
    perform muster.fail('lines_undecided', 'open_lines');
  end if;
  sheet := muster.settle_timesheet(sheet, coalesce(open_reasons, '{}'), muster.user_id());
  perform muster.note_step(sheet, 'approved', false);
  perform muster.notify_of_timesheet(sheet, 'timesheet_approved', true);
  return sheet.id;
end
$$;
comment on function muster.approve_timesheet(uuid, text[], numeric) is
  'Approves hours as the caller, with the open lines of these reasons. Security definer: nobody writes timesheets by themselves.';

-- All shifts, then all professionals, each in one order: as phones do that deliver for several shifts.
create or replace function muster.lock_for_approval(wanted uuid[]) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  own constant uuid[] := array(
    select t.id
    from public.timesheets t
    where t.id = any (wanted) and (t.company_id = muster.company_id() or t.tenant_id = muster.admin_tenant_id())
  );
begin
  perform from public.shifts s
  where s.id in (select t.shift_id from public.timesheets t where t.id = any (own))
  order by s.id
  for no key update;
  perform from public.security_professionals p
  where p.id in (select t.professional_id from public.timesheets t where t.id = any (own))
  order by p.id
  for no key update;
end
$$;
comment on function muster.lock_for_approval(uuid[]) is
  'Locks what approving these timesheets of the caller''s will lock, so that it deadlocks with nobody. Security definer: callers may lock no professional.';

-- The code that refuses each, or null.
create or replace function muster.approve_timesheets(wanted uuid[]) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  results jsonb := '{}';
begin
  perform muster.lock_for_approval(wanted);
  for item in
    select g.id
    from (select distinct w.id from unnest(wanted) as w (id)) g
    left join public.timesheets t on t.id = g.id
    order by t.professional_id, t.start_datetime desc, g.id
  loop
    begin
      perform muster.approve_timesheet(item.id);
      results := results || jsonb_build_object(item.id, null);
    exception
      when others then
        if not muster.is_refusal(sqlstate) then
          raise;
        end if;
        results := results || jsonb_build_object(item.id, sqlstate);
    end;
  end loop;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'sqlstate', results -> w.id::text) order by w.nth), '[]')
    from unnest(wanted) with ordinality as w (id, nth)
  );
end
$$;
comment on function muster.approve_timesheets(uuid[]) is
  'Approves many as the caller, those without open lines; gives for each null or the SQLSTATE that refuses it.';

create or replace function muster.reopen_timesheet(sheet public.timesheets) returns public.timesheets
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  was text := sheet.state;
begin
  assignment := muster.finished_assignment(sheet);
  update public.timesheets t
  set state = 'disputed', approved_at = null, approved_by = null, adjusted = null
  where t.id = sheet.id
  returning t.* into sheet;
  if was = 'approved' then
    update public.timesheet_lines l set is_approved = l.open_reason is null where l.timesheet_id = sheet.id;
    -- What came in meanwhile counts again.
    sheet := muster.make_timesheet(assignment);
    update public.finqle_transactions t
    set amount = sheet.total
    where t.assignment_id = assignment.id and t.status = 'pending' and t.amount <> sheet.total;
    perform muster.make_neighbours(assignment);
    perform muster.advance_assignment(assignment.id);
    select t.* into sheet from public.timesheets t where t.id = sheet.id;
  end if;
  return sheet;
end
$$;
comment on function muster.reopen_timesheet(public.timesheets) is 'Makes a timesheet disputed: its hours are those of the events again.';

-- How long the guard may dispute.
create or replace function muster.require_dispute_in_time(sheet public.timesheets) returns void
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from public.assignments a
    where a.id = sheet.assignment_id
      and coalesce(sheet.approved_at, sheet.proposed_at) + make_interval(days => a.dispute_days) < now()
  ) then
    perform muster.fail('dispute_too_late', 'id');
  end if;
end
$$;
comment on function muster.require_dispute_in_time(public.timesheets) is 'Refuses a guard whose time to dispute is over.';

create or replace function muster.dispute_timesheet(wanted uuid, why text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
begin
  if muster.side_of_caller(sheet) <> 'professional' then
    perform muster.fail('forbidden', 'id');
  elsif sheet.state not in ('proposed', 'approved') then
    perform muster.fail('timesheet_state', 'state');
  end if;
  perform muster.require_dispute_in_time(sheet);
  sheet := muster.reopen_timesheet(sheet);
  perform muster.note_step(sheet, 'disputed', true, why);
  perform muster.notify_of_timesheet(sheet, 'timesheet_disputed', false);
  return sheet.id;
end
$$;
comment on function muster.dispute_timesheet(uuid, text) is
  'The guard says that the hours are wrong. Security definer: as muster.approve_timesheet.';

create or replace function muster.counter_timesheet(wanted uuid, hours jsonb, why text) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  window_before constant interval := interval '2 hours';
  window_after constant interval := interval '12 hours';
  sheet public.timesheets := muster.lock_timesheet(wanted);
  is_professional constant boolean := muster.side_of_caller(sheet) = 'professional';
  spans tstzmultirange;
begin
  if not is_professional and muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state not in ('proposed', 'disputed') and not (is_professional and sheet.state = 'approved') then
    perform muster.fail('timesheet_state', 'state');
  elsif is_professional and sheet.state <> 'disputed' then
    perform muster.require_dispute_in_time(sheet);
  end if;
  if exists (
    select from jsonb_array_elements(hours) as s (span)
    where (s.span ->> 'from')::timestamptz >= (s.span ->> 'to')::timestamptz
  ) then
    perform muster.fail('hours_impossible', 'worked');
  end if;
  spans := muster.spans_of(hours);
  -- As check-ins: nobody worked at another time.
  if not spans <@ tstzrange(sheet.start_datetime - window_before, sheet.end_datetime + window_after) or upper(spans) > now() then
    perform muster.fail('hours_impossible', 'worked');
  end if;
  if sheet.state <> 'disputed' then
    sheet := muster.reopen_timesheet(sheet);
  end if;
  perform muster.note_step(sheet, 'countered', is_professional, why, muster.spans_json(spans));
  perform muster.notify_of_timesheet(sheet, 'timesheet_countered', not is_professional);
  return sheet.id;
end
$$;
comment on function muster.counter_timesheet(uuid, jsonb, text) is
  'Either side says which hours were worked instead. Security definer: as muster.approve_timesheet.';

create or replace function muster.resolve_timesheet(wanted uuid, outcome text, why text default null) returns uuid
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  sheet public.timesheets := muster.lock_timesheet(wanted);
  is_professional constant boolean := muster.side_of_caller(sheet) = 'professional';
  is_admin constant boolean := not is_professional and muster.admin_tenant_id() is not null;
  assignment public.assignments;
  counter public.timesheet_steps;
begin
  if not is_professional and muster.is_own_user(sheet) then
    perform muster.fail('own_hours', 'id');
  elsif sheet.state <> 'disputed' then
    perform muster.fail('timesheet_state', 'state');
  end if;
  assignment := muster.finished_assignment(sheet);

  if outcome = 'clocked' then
    if not is_professional and not is_admin then
      perform muster.fail('forbidden', 'outcome');
    end if;
    update public.timesheets t set state = 'proposed', proposed_at = now() where t.id = sheet.id;
    sheet := muster.make_timesheet(assignment);
    if is_admin then
      sheet := muster.settle_timesheet(sheet, '{}', muster.user_id());
    end if;
    perform muster.note_step(sheet, case when is_admin then 'resolved' else 'withdrawn' end, is_professional, why);
  else
    select s.* into counter
    from public.timesheet_steps s
    where s.timesheet_id = sheet.id
      and s.step = 'countered'
      -- Of this dispute.
      and s.created_at > coalesce((
        select max(e.created_at)
        from public.timesheet_steps e
        where e.timesheet_id = sheet.id and e.step in ('approved', 'approved_by_itself', 'resolved', 'withdrawn')
      ), '-infinity')
    order by s.created_at desc, s.id desc
    limit 1;
    if counter.id is null then
      perform muster.fail('timesheet_state', 'outcome');
    elsif counter.by_professional = is_professional and not is_admin then
      perform muster.fail('own_hours', 'outcome');
    end if;
    sheet := muster.make_timesheet(assignment, muster.spans_of(counter.worked));
    -- Who asked for these hours for the company approved them with that.
    sheet := muster.settle_timesheet(
      sheet, '{}', case when is_professional then counter.taken_by else muster.user_id() end
    );
    perform muster.note_step(sheet, 'resolved', is_professional, why);
  end if;
  perform muster.notify_of_timesheet(sheet, 'timesheet_resolved', not is_professional);
  if is_admin then
    perform muster.notify_of_timesheet(sheet, 'timesheet_resolved', false);
  end if;
  return sheet.id;
end
$$;
comment on function muster.resolve_timesheet(uuid, text, text) is
  'Ends a dispute: the hours of the last counter hold, or those of the clock. Security definer: as muster.approve_timesheet.';

-- ---- Adjusting ----------------------------------------------------------------------------------------------------------

create or replace function muster.pay_for_hours(assignment public.assignments, time_zone text, worked tstzmultirange) returns numeric
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  minimum constant numeric := case
    when assignment.ended_as = 'stopped' then round(assignment.hourly_rate * assignment.minimum_minutes / 60, 2) else 0
  end;
begin
  return (
    select
      greatest(coalesce(sum(l.amount) filter (where l.kind <> 'allowance'), 0), minimum)
      + coalesce(sum(l.amount) filter (where l.kind = 'allowance'), 0)
    from muster.lines_of(assignment, time_zone, worked, '{}', true) l
  );
end
$$;
comment on function muster.pay_for_hours(public.assignments, text, tstzmultirange) is 'What an assignment pays for hours on which people agreed.';

create or replace function muster.add_adjustment(sheet public.timesheets, before tstzmultirange, after tstzmultirange) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- After every other line (muster.add_minimum).
  first_position constant integer := 2000;
  assignment public.assignments;
  difference numeric;
begin
  select a.* into assignment from public.assignments a where a.id = sheet.assignment_id;
  difference := muster.pay_for_hours(assignment, sheet.time_zone, after) - muster.pay_for_hours(assignment, sheet.time_zone, before);
  if difference = 0 then
    return;
  end if;
  insert into public.timesheet_lines (
    tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount, explanation, is_approved
  )
  select
    sheet.tenant_id, sheet.company_id, sheet.professional_id, sheet.id, first_position + count(l.id), 'adjustment',
    muster.seconds_of(after) - muster.seconds_of(before), assignment.hourly_rate, 1, difference,
    format(
      'Corrected: %s h instead of %s h', muster.duration_text(muster.seconds_of(after)), muster.duration_text(muster.seconds_of(before))
    ),
    true
  from public.timesheet_lines l
  where l.timesheet_id = sheet.id and l.kind = 'adjustment';
end
$$;
comment on function muster.add_adjustment(public.timesheets, tstzmultirange, tstzmultirange) is
  'The line for what hours pay after a correction, less what they paid before it.';

-- What this correction changes, and nothing else: later events of a phone stay evidence. Its shift is locked.
create or replace function muster.adjust_timesheet(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
declare
  clocked_before constant tstzmultirange := muster.spans_of(correction.clocked_before);
  assignment public.assignments;
  sheet public.timesheets;
  hours record;
  before tstzmultirange;
  after tstzmultirange;
begin
  perform from public.security_professionals p where p.id = correction.professional_id for no key update;
  select t.* into sheet
  from public.timesheets t
  where t.assignment_id = correction.assignment_id and t.state in ('approved', 'locked')
  for no key update;
  if not found then
    return;
  end if;
  select a.* into assignment from public.assignments a where a.id = correction.assignment_id;
  select h.* into hours from muster.hours_of(assignment, null) h;
  before := muster.spans_of(coalesce(sheet.adjusted, sheet.paid));
  -- A minute that another shift of the person has is not paid again.
  after := before - (clocked_before - hours.clocked) + (hours.clocked - clocked_before) * hours.worked;
  if after = before then
    return;
  end if;
  update public.timesheets t set adjusted = muster.spans_json(after) where t.id = sheet.id;
  if sheet.state = 'locked' then
    perform muster.add_adjustment(sheet, before, after);
  end if;
  perform muster.make_neighbours(assignment);
end
$$;
comment on function muster.adjust_timesheet(public.corrections) is
  'Brings a correction that is in effect since hours were approved to what they pay.';

create or replace function muster.tg_timesheets__keep_locked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' or (
    (to_jsonb(new) - 'flags' - 'adjusted' - 'updated_at' - 'changed_xid')
    <> (to_jsonb(old) - 'flags' - 'adjusted' - 'updated_at' - 'changed_xid')
  ) then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return new;
end
$$;
comment on function muster.tg_timesheets__keep_locked() is
  'Refuses to change what is locked, whoever asks; but for its flags, and the hours that are paid since.';

create or replace function muster.tg_timesheet_lines__keep_locked() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (
    select from touched l
    join public.timesheets t on t.id = l.timesheet_id
    where t.state = 'locked' and (tg_op <> 'INSERT' or l.kind <> 'adjustment')
  ) then
    perform muster.fail('timesheet_state', 'state');
  end if;
  return null;
end
$$;
comment on function muster.tg_timesheet_lines__keep_locked() is
  'Refuses to change the lines of what is locked: adjustments are appended. Security definer: whether or not the caller sees the timesheet.';

-- ---- By itself ----------------------------------------------------------------------------------------------------------

create or replace function muster.approve_agreed_hours(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  item record;
  sheet public.timesheets;
  done bigint := 0;
begin
  for item in
    select t.id
    from public.timesheets t
    join public.assignments a on a.id = t.assignment_id
    join public.shifts s on s.id = t.shift_id
    where t.state = 'proposed'
      and t.proposed_at < now()
      and t.proposed_at + make_interval(days => a.approve_after_days) <= now()
      and muster.may_approve_itself(t, a)
    order by t.professional_id, t.start_datetime desc
    limit most
    -- Somebody who works on these hours now is not waited for.
    for no key update of s skip locked
  loop
    sheet := muster.lock_timesheet(item.id);
    continue when sheet.state <> 'proposed';
    sheet := muster.make_timesheet(muster.finished_assignment(sheet));
    continue when not exists (
      select from public.assignments a
      where a.id = sheet.assignment_id
        and sheet.proposed_at + make_interval(days => a.approve_after_days) <= now()
        and muster.may_approve_itself(sheet, a)
    );
    sheet := muster.settle_timesheet(sheet, '{}', null);
    perform muster.note_step(sheet, 'approved_by_itself', false);
    perform muster.notify_of_timesheet(sheet, 'timesheet_approved', true);
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function muster.approve_agreed_hours(integer) is
  'Background work: approves hours that match the plan and that nobody disputed in time; gives how many. Security definer: no role approves by hand what is nobody''s word.';

create or replace function muster.make_missing_timesheets(most integer default 500) returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  missing uuid;
  done bigint := 0;
begin
  for missing in
    select a.id
    from public.finqle_transactions t
    join public.assignments a on a.id = t.assignment_id
    where t.status = 'pending'
      and a.ended_as in ('completed', 'stopped')
      and not exists (select from public.timesheets s where s.assignment_id = a.id)
    order by a.professional_id, a.start_datetime desc, a.shift_id desc
    limit most
  loop
    perform muster.price_assignment(missing);
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function muster.make_missing_timesheets(integer) is
  'Background work: makes the timesheets of work that was over before there were timesheets, or while nothing made them; gives how many. Security definer: as above.';

create or replace function muster.may_approve_itself(sheet public.timesheets, assignment public.assignments) returns boolean
language plpgsql
stable
set search_path = pg_catalog, public, pg_temp
as $$
declare
  plan constant tstzmultirange := tstzmultirange(tstzrange(assignment.start_datetime, assignment.end_datetime));
  worked constant tstzmultirange := muster.spans_of(sheet.worked);
begin
  return assignment.ended_as in ('completed', 'stopped')
    and sheet.flags = '{}'
    and sheet.clocked <> '[]'
    and muster.seconds_of(plan - worked) + muster.seconds_of(worked - plan) <= assignment.plan_tolerance_minutes * 60
    and not exists (
      select from public.timesheet_lines l where l.timesheet_id = sheet.id and not l.is_approved
    );
end
$$;
comment on function muster.may_approve_itself(public.timesheets, public.assignments) is
  'Whether hours need nobody''s word: events, no flag, no open line, and as planned within the tolerance.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_keep_locked_on_update before update on public.timesheets
  for each row when (old.state = 'locked')
  execute function muster.tg_timesheets__keep_locked();
create or replace trigger a_keep_locked_on_delete before delete on public.timesheets
  for each row when (old.state = 'locked')
  execute function muster.tg_timesheets__keep_locked();
-- Once for all lines of a statement: each completed shift makes lines.
create or replace trigger keep_locked_on_insert after insert on public.timesheet_lines
  referencing new table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();
create or replace trigger keep_locked_on_update after update on public.timesheet_lines
  referencing old table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();
create or replace trigger keep_locked_on_delete after delete on public.timesheet_lines
  referencing old table as touched
  for each statement execute function muster.tg_timesheet_lines__keep_locked();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists timesheets_read on public.timesheets;
create policy timesheets_read on public.timesheets for select to authenticated
  using (
    company_id = (select muster.company_id())
    or client_id = (select muster.client_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy timesheets_read on public.timesheets is
  'Company and client of the shift; the guard; admins. Nobody writes: the functions of timesheets.sql do.';
drop policy if exists timesheet_lines_read on public.timesheet_lines;
create policy timesheet_lines_read on public.timesheet_lines for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy timesheet_lines_read on public.timesheet_lines is 'The company that pays, the guard who is paid, admins.';
drop policy if exists timesheet_steps_read on public.timesheet_steps;
create policy timesheet_steps_read on public.timesheet_steps for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy timesheet_steps_read on public.timesheet_steps is 'The company, the guard, admins.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

-- Without the total: clients see the rows.
grant select (id, tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, state, start_datetime, end_datetime,
  time_zone, work_date, worked, paid, clocked, agreed, adjusted, worked_seconds, break_seconds, paid_seconds, currency, flags, proposed_at,
  approved_at, approved_by, locked_at, pay_period_id, created_at, updated_at, changed_xid)
  on public.timesheets to authenticated;
grant select on public.timesheet_lines to authenticated;
grant select on public.timesheet_steps to authenticated;
grant select, insert, update, delete on public.timesheets to service_role;
grant select, insert, update, delete on public.timesheet_lines to service_role;
grant select, insert, update, delete on public.timesheet_steps to service_role;
grant select, insert, update on public.timesheets to muster_definer;
grant select, insert, update, delete on public.timesheet_lines to muster_definer;
grant select, insert on public.timesheet_steps to muster_definer;

grant execute on function
  muster.seconds_of(tstzmultirange),
  muster.spans_json(tstzmultirange),
  muster.spans_of(jsonb),
  muster.duration_text(numeric),
  muster.hours_are_settled(uuid),
  muster.hours_of(public.assignments, tstzmultirange),
  muster.lines_of(public.assignments, text, tstzmultirange, tstzmultirange, boolean),
  muster.add_minimum(public.assignments, uuid),
  muster.estimated_pay(public.assignments),
  muster.make_timesheet(public.assignments, tstzmultirange),
  muster.count_lines(public.assignments, public.timesheets, tstzmultirange, tstzmultirange),
  muster.lock_timesheet(uuid),
  muster.side_of_caller(public.timesheets),
  muster.is_own_user(public.timesheets),
  muster.note_step(public.timesheets, text, boolean, text, jsonb),
  muster.notify_of_timesheet(public.timesheets, text, boolean),
  muster.make_neighbours(public.assignments),
  muster.settle_timesheet(public.timesheets, text[], uuid),
  muster.finished_assignment(public.timesheets),
  muster.reopen_timesheet(public.timesheets),
  muster.require_dispute_in_time(public.timesheets),
  muster.may_approve_itself(public.timesheets, public.assignments),
  muster.pay_for_hours(public.assignments, text, tstzmultirange),
  muster.add_adjustment(public.timesheets, tstzmultirange, tstzmultirange),
  muster.adjust_timesheet(public.corrections)
to muster_definer;
grant execute on function
  muster.approve_timesheet(uuid, text[], numeric),
  muster.approve_timesheets(uuid[]),
  muster.lock_for_approval(uuid[]),
  muster.dispute_timesheet(uuid, text),
  muster.counter_timesheet(uuid, jsonb, text),
  muster.resolve_timesheet(uuid, text, text)
to authenticated;
grant execute on function muster.approve_agreed_hours(integer), muster.make_missing_timesheets(integer) to muster_jobs;

alter function muster.approve_timesheet(uuid, text[], numeric) owner to muster_definer;
alter function muster.lock_for_approval(uuid[]) owner to muster_definer;
alter function muster.dispute_timesheet(uuid, text) owner to muster_definer;
alter function muster.counter_timesheet(uuid, jsonb, text) owner to muster_definer;
alter function muster.resolve_timesheet(uuid, text, text) owner to muster_definer;
alter function muster.approve_agreed_hours(integer) owner to muster_definer;
alter function muster.make_missing_timesheets(integer) owner to muster_definer;
alter function muster.tg_timesheet_lines__keep_locked() owner to muster_definer;
