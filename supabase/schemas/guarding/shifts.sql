-- Shifts: what a shift copies from its location, its states, and who may be assigned to it.
--
-- * A shift is at a location of its company, or of one of that company's clients; tenant, client, point and time zone
--   come from there and follow it until the shift is over.
-- * When a company stops working for a client, its drafts and open shifts there rest: they are neither changed, published,
--   claimed nor assigned, and an assigned one is not opened again. Cancelling, deleting and moving them to another location
--   stay possible. Assigned and active shifts are promises to a guard: they go on, and may be corrected.
-- * draft → published → assigned → active → completed; cancelled from the first four, with a reason; assigned →
--   published on release, until the start; assigned → no_show at the end (attendance.sql). Everything else is refused. What may change
--   of an assigned shift: hours.sql.
-- * Active, completed and no_show follow from clock events and the corrections of them alone, and only these move a shift back.
-- * A shift that is over is not opened: whoever publishes, releases or moves a published shift into the past is refused.
-- * A guard may only claim: published → assigned, to themselves, changing nothing else.
-- * An assigned or active shift has an active professional of its tenant with every required certificate, verified and
--   valid through the day on which the shift ends, local to the location, and no other such shift at the same time, nor one that is
--   completed before its planned end. A
--   shift that ends at midnight ends with the day before: it takes no moment of the next one (ranges are half-open).
-- * Why a guard cannot work a shift is said to those who know the guard. A company for which the guard never worked, and a
--   client, hear `professional_unavailable`, whatever the reason: by trying times, a company would read a rival's roster.
--   Such refusals are counted by day, so a company assigns guards who are strangers to it, and changes their shifts, by
--   muster.assign_shift and muster.change_assigned_shift alone: an error would undo the count, and these give an answer. Tried
--   by any other path, the answer is the same, whether the guard could come or not.
-- * Whatever decides about a professional locks the professional's row first, so that decisions about the same
--   professional stand in one queue: no write skew, and no deadlock among the index entries of the exclusion
--   constraint, which backs the overlap rule. Locks are taken in the order location, shift, professional.

create or replace function muster.audience_of_shifts(viewed jsonb, at timestamptz) returns text[]
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'admins:' || (viewed ->> 'tenant_id'),
    'company:' || (viewed ->> 'company_id'),
    case when viewed ->> 'status' <> 'draft' then 'client:' || (viewed ->> 'client_id') end,
    'professional:' || (viewed ->> 'professional_id'),
    case when viewed ->> 'status' = 'published' and (at is null or (viewed ->> 'start_datetime')::timestamptz > at) then
      'guards:' || (viewed ->> 'tenant_id')
    end
  ];
end
$$;
comment on function muster.audience_of_shifts(jsonb, timestamptz) is 'Who sees a shift: shifts_read, as groups.';
grant execute on function muster.audience_of_shifts(jsonb, timestamptz) to muster_definer;

select muster.follow_table('muster.refused_assignments', trail => 'none');

select muster.follow_table(
  'public.shifts',
  trail => 'd_edit_trail',
  soft_delete => true,
  published => array['id', 'company_id', 'client_id', 'location_id', 'professional_id', 'status', 'start_datetime',
    'end_datetime', 'hourly_rate', 'overtime_rate', 'required_certificates', 'title', 'description',
    'cancel_reason', 'location_point', 'time_zone', 'created_at', 'updated_at'],
  audience => array['status', 'tenant_id', 'company_id', 'client_id', 'professional_id', 'start_datetime',
    'deleted_at']
);

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
comment on function muster.last_day_of(timestamptz, text) is 'The day on which something ends, in a time zone.';
grant execute on function muster.last_day_of(timestamptz, text) to muster_definer;

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
comment on function muster.assignment_obstacles(uuid, public.shifts) is
  'Which certificates the professional lacks for the shift, and whether they work at the same time. Reads with the rights of its caller.';

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
comment on function muster.assignment_violations(uuid, public.shifts) is
  'Every rule that the professional would break by working the shift. Security definer: other companies'' shifts count.';

-- The policies of `shifts` once more, for functions that must tell those who see a shift from those who may change it:
-- to the first it is forbidden, to everybody else there is no such shift. A test holds the two alike. In plpgsql, for in SQL they would
-- be planned with each call.
create or replace function muster.manages_shift(shift public.shifts) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(shift.company_id = muster.company_id() or shift.tenant_id = muster.admin_tenant_id(), false);
end
$$;
comment on function muster.manages_shift(public.shifts) is 'Whether the caller is of the shift''s company, or an admin.';

create or replace function muster.sees_shift(shift public.shifts) returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return shift.deleted_at is null and coalesce(
    muster.manages_shift(shift)
    or (shift.client_id = muster.client_id() and shift.status <> 'draft')
    or shift.professional_id = muster.professional_id()
    or (
      shift.tenant_id = muster.guard_tenant_id() and shift.status = 'published' and shift.start_datetime > now()
    ),
    false
  );
end
$$;
comment on function muster.sees_shift(public.shifts) is 'What policy shifts_read says of one shift.';

-- One step of a shift by hand, as the caller. The policies and triggers decide; this says why nothing happened.
-- Only from `expected`: setting the status alone would make "publish" release an assigned shift.
create or replace function muster.move_shift(
  wanted uuid,
  expected text[],
  next_status text,
  professional uuid default null,
  reason text default null
) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  update public.shifts s
  set status = next_status, professional_id = coalesce(professional, s.professional_id), cancel_reason = reason
  where s.id = wanted and s.status = any (expected)
  returning s.* into shift;
  if found then
    return muster.shift_json(
      shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
    );
  end if;

  select s.* into shift from public.shifts s where s.id = wanted;
  if not found then
    perform muster.fail('not_found', 'id');
  elsif not muster.manages_shift(shift) then
    perform muster.fail('forbidden');
  end if;
  perform muster.fail(case next_status when 'assigned' then 'shift_not_open' else 'invalid_transition' end, 'status');
end
$$;
comment on function muster.move_shift(uuid, text[], text, uuid, text) is
  'Publishes, assigns (see assign_shift), releases or cancels as the caller: the shift in the form of the API, or the reason why not.';

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
comment on function muster.is_stranger(uuid) is
  'Whether the caller is of a company for which the guard never worked, or of a client: they hear no reasons. Security definer: the index alone is asked, not each shift that the caller sees.';

-- Put in the place of its call, as assignment_obstacles.
create or replace function muster.acquaintances_of(company uuid) returns table (professional_id uuid)
language sql
stable
begin atomic
  select s.professional_id
  from public.shifts s
  where s.company_id = company and s.status in ('active', 'completed') and s.deleted_at is null;
end;
comment on function muster.acquaintances_of(uuid) is
  'The guards who ever worked for a company, each as often as that was. Reads with the rights of its caller.';

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
comment on function muster.require_refusals_left(uuid) is
  'Refuses a company that was refused too many strangers on this day (UTC). Security definer: the count is nobody''s to read.';

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
comment on function muster.count_refused_assignment() is
  'One more, of the caller''s company. Security definer: the count is nobody''s to write.';

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
    when sqlstate 'MU300' then
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
comment on function muster.assign_shift(uuid, uuid) is
  'Assigns as the caller: the shift in the form of the API, {"refused": "professional_unavailable"}, which is counted, or an error. Security definer: a company has no other way to assign a guard who is a stranger to it.';

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
    when sqlstate 'MU300' then
      perform muster.count_refused_assignment();
      return jsonb_build_object('refused', 'professional_unavailable');
  end;
  return null;
end
$$;
comment on function muster.change_assigned_shift(uuid, jsonb) is
  'Changes a shift of a guard as the caller: null, {"refused": "professional_unavailable"}, which is counted, or an error. Security definer: as assign_shift.';

-- All or none, as the caller: its policies and the triggers decide about each of `items`, an array of shifts with every
-- member of the insert below (a null company_id is the caller's). Gives {"shifts": [...]} in order, or, with nothing
-- created, {"refused": [{index, sqlstate, constraint, hint}]} for every item that would be refused by itself.
create or replace function muster.create_shifts(items jsonb) returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  created jsonb;
  refused jsonb := '[]';
  answer jsonb;
  state text;
  constraint_ text;
  hint_ text;
begin
  begin
    with given as materialized (
      select muster.uuid_v7() as id, e.nth, i.*
      from jsonb_array_elements(items) with ordinality as e (item, nth)
      cross join lateral jsonb_to_record(e.item) as i (
        company_id uuid, location_id uuid, status text, start_datetime timestamptz, end_datetime timestamptz,
        hourly_rate numeric, overtime_rate numeric, required_certificates text[], title text, description text,
        instructions text
      )
    ), inserted as (
      insert into public.shifts as s (
        id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
        required_certificates, title, description
      )
      select g.id, coalesce(g.company_id, muster.company_id()), g.location_id, g.status, g.start_datetime,
             g.end_datetime, g.hourly_rate, g.overtime_rate, g.required_certificates, g.title, g.description
      from given g
      order by g.nth
      returning s.id, s as shift
    ), briefed as (
      insert into public.shift_briefings (shift_id, text)
      select g.id, g.instructions
      from inserted i
      join given g on g.id = i.id
      where g.instructions is not null
    )
    select coalesce(jsonb_agg(muster.shift_json(i.shift, g.instructions) order by g.nth), '[]') into created
    from inserted i
    join given g on g.id = i.id;
    return jsonb_build_object('shifts', created);
  exception
    when others then
      get stacked diagnostics
        state = returned_sqlstate, constraint_ = constraint_name, hint_ = pg_exception_hint;
      if not muster.is_refusal(state) then
        raise;
      end if;
  end;
  if jsonb_array_length(items) = 1 then
    return jsonb_build_object('refused', jsonb_build_array(
      jsonb_build_object('index', 0, 'sqlstate', state, 'constraint', constraint_, 'hint', hint_)
    ));
  end if;

  -- Which ones? Each is tried by itself, and what that creates is undone.
  created := '[]';
  begin
    for nth in 0 .. jsonb_array_length(items) - 1 loop
      answer := muster.create_shifts(jsonb_build_array(items -> nth));
      created := created || coalesce(answer -> 'shifts', '[]');
      if answer ? 'refused' then
        refused := refused || jsonb_set(answer #> '{refused,0}', '{index}', to_jsonb(nth));
      end if;
    end loop;
    if refused <> '[]' then
      raise sqlstate 'MU000';
    end if;
  exception
    when sqlstate 'MU000' then
      return jsonb_build_object('refused', refused);
  end;
  return jsonb_build_object('shifts', created);
end
$$;
comment on function muster.create_shifts(jsonb) is 'Creates shifts as the caller, all or none, and tells which were refused.';

create or replace function muster.tg_shifts__copy_location() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  site record;
begin
  if tg_op = 'UPDATE' then
    if new.company_id <> old.company_id or new.tenant_id <> old.tenant_id then
      perform muster.fail('forbidden', 'company_id');
    end if;
    if new.location_id = old.location_id then
      new.client_id := old.client_id;
      -- Whoever writes them, they are what they are at the location. Moving it comes by here too, and is no work of the
      -- company's: it does not matter then whether the company still works there.
      if new.time_zone <> old.time_zone or new.location_point::text <> old.location_point::text then
        select l.location_point, l.time_zone into new.location_point, new.time_zone
        from public.locations l
        where l.id = new.location_id;
      elsif new.deleted_at is null
        and (new.status in ('draft', 'published') or (old.status = 'published' and new.status = 'assigned'))
        and not muster.works_for(new.company_id, new.client_id)
      then
        -- To the company as for a new shift there; to a guard it is open no more.
        perform muster.fail(case new.status when 'assigned' then 'shift_not_open' else 'not_found' end, 'location_id');
      elsif old.status = 'assigned' and new.status = 'published' then
        -- One that had begun did not follow its location; released, it does again. A location that moves at this moment
        -- waits for the shift, and moves it afterwards.
        select l.location_point, l.time_zone into new.location_point, new.time_zone
        from public.locations l
        where l.id = new.location_id;
      end if;
      return new;
    end if;
  end if;

  -- Decided before the site is looked at: the answer must not tell whose site it is, or which company works there.
  if muster.acts_for_caller() and not coalesce(new.company_id = muster.company_id(), false) and not exists (
    select from public.organizations o where o.id = new.company_id and o.tenant_id = muster.admin_tenant_id()
  ) then
    perform muster.fail('forbidden', 'company_id');
  end if;

  -- The lock keeps the location where it is until this shift is committed; moving it then moves this shift too.
  -- (A shift that goes to another location is locked before that one: with two that move at the same moment it can
  -- deadlock, and is tried again.)
  select l.tenant_id, l.organization_id, l.location_point, l.time_zone into site
  from public.locations l
  where l.id = new.location_id and l.deleted_at is null
  for share;
  if not found or not muster.works_for(new.company_id, site.organization_id) then
    perform muster.fail('not_found', 'location_id');
  end if;

  new.tenant_id := site.tenant_id;
  new.client_id := site.organization_id;
  new.location_point := site.location_point;
  new.time_zone := site.time_zone;
  return new;
end
$$;
comment on function muster.tg_shifts__copy_location() is
  'Security definer: a company works at locations that its own policies need not show in full.';

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

  -- By clock events and corrections alone (muster.advance_assignment), and nothing else changes.
  if current_user = 'muster_definer'
    and new.status <> old.status
    and old.status in ('active', 'completed', 'no_show')
    and new.status in ('assigned', 'active', 'completed', 'no_show')
  then
    return new;
  end if;
  if old.status in ('completed', 'cancelled', 'no_show') and (
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
      ('assigned', 'no_show'),
      ('active', 'completed'),
      ('draft', 'cancelled'),
      ('published', 'cancelled'),
      ('assigned', 'cancelled'),
      ('active', 'cancelled')
    ) then
      perform muster.fail('invalid_transition', 'status');
    end if;
    if by_caller and new.status in ('active', 'completed', 'no_show') then
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
comment on function muster.tg_shifts__check_transition() is 'The state machine, what a guard who claims may not touch, and what a company does not do by an update of its own.';

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
comment on function muster.tg_shifts__check_assignment() is
  'Security definer: it counts shifts of other companies, which the caller cannot see.';

-- Half-open ranges: back-to-back shifts do not overlap. One that cannot be evaded, whatever path a write takes.
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'shifts_no_overlap') then
    alter table public.shifts add constraint shifts_no_overlap
      exclude using gist (professional_id with =, tstzrange(start_datetime, end_datetime) with &&)
      where (status in ('assigned', 'active') and deleted_at is null);
  end if;
end
$$;
comment on constraint shifts_no_overlap on public.shifts is
  'A professional works one shift at a time, across all companies.';

-- A shift in the form of the API. Its briefing is given, as far as the caller reads it: looked up in here, it would cost a
-- call and a plan each time, for a function with a subquery is not put in the place of its call.
create or replace function muster.shift_json(shift public.shifts, instructions text) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', shift.id,
  'company_id', shift.company_id,
  'client_id', shift.client_id,
  'location_id', shift.location_id,
  'professional_id', shift.professional_id,
  'status', shift.status,
  'start_datetime', shift.start_datetime,
  'end_datetime', shift.end_datetime,
  'time_zone', shift.time_zone,
  'hourly_rate', shift.hourly_rate,
  'overtime_rate', shift.overtime_rate,
  'required_certificates', shift.required_certificates,
  'title', shift.title,
  'description', shift.description,
  'instructions', instructions,
  'cancel_reason', shift.cancel_reason,
  'latitude', st_y(shift.location_point::geometry),
  'longitude', st_x(shift.location_point::geometry),
  'created_at', shift.created_at,
  'updated_at', shift.updated_at
);
comment on function muster.shift_json(public.shifts, text) is 'A shift in the form of the API.';

-- Claiming: the same update that a guard may do by hand, but with the reason when it cannot be done.
create or replace function muster.claim_shift(wanted uuid) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, extensions, public, pg_temp
as $$
declare
  shift public.shifts;
begin
  if muster.professional_id() is null then
    perform muster.fail('forbidden');
  end if;
  select * into shift
  from public.shifts s
  where s.id = wanted and s.tenant_id = muster.guard_tenant_id() and s.status <> 'draft' and s.deleted_at is null
  for no key update;
  if not found then
    perform muster.fail('not_found', 'id');
  end if;
  if shift.status <> 'published' or shift.start_datetime <= now() then
    perform muster.fail('shift_not_open');
  end if;
  update public.shifts s
  set status = 'assigned', professional_id = muster.professional_id()
  where s.id = wanted
  returning s.* into shift;
  return muster.shift_json(
    shift, (select b.text from public.shift_briefings b where b.shift_id = shift.id)
  );
end
$$;
comment on function muster.claim_shift(uuid) is
  'The caller takes an open shift. Security definer: that a shift was open, and is gone, may be said to those who came late.';

create or replace function muster.lapsed_of_shifts(since timestamptz) returns setof uuid
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select s.id
  from public.shifts s
  where s.tenant_id = muster.guard_tenant_id()
    and s.status = 'published'
    and s.deleted_at is null
    and s.start_datetime > since
    and s.start_datetime <= now();
end;
comment on function muster.lapsed_of_shifts(timestamptz) is
  'Open shifts that left a guard''s view because they began, without a change. Security definer: ids alone.';
grant execute on function muster.lapsed_of_shifts(timestamptz) to authenticated, muster_definer;

create or replace function muster.tg_shifts__check_removal() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.status not in ('draft', 'published', 'cancelled') and muster.acts_for_caller() then
    perform muster.fail('invalid_transition', 'status');
  end if;
  return old;
end
$$;
comment on function muster.tg_shifts__check_removal() is
  'A shift that somebody works or worked is not removed. Security definer: as tg_soft_delete, before which it runs.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger check_removal before delete on public.shifts
  for each row execute function muster.tg_shifts__check_removal();
create or replace trigger a_copy_location before insert or update on public.shifts
  for each row execute function muster.tg_shifts__copy_location();
create or replace trigger b_check_transition before insert or update on public.shifts
  for each row execute function muster.tg_shifts__check_transition();
create or replace trigger c_check_assignment_on_insert before insert on public.shifts
  for each row when (new.status in ('assigned', 'active'))
  execute function muster.tg_shifts__check_assignment();
create or replace trigger c_check_assignment_on_update before update on public.shifts
  for each row when (
    new.status in ('assigned', 'active')
    and (
      -- A check-in that makes a shift active again meets no rule about who may be assigned.
      old.status not in ('assigned', 'active', 'completed', 'no_show')
      or new.professional_id is distinct from old.professional_id
      or new.start_datetime <> old.start_datetime
      or new.end_datetime <> old.end_datetime
      -- Where it is no longer matters when it is over: what it rested on may have gone since.
      or (new.time_zone <> old.time_zone and new.end_datetime > now())
      or new.required_certificates <> old.required_certificates
    )
  )
  execute function muster.tg_shifts__check_assignment();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists shifts_read on public.shifts;
create policy shifts_read on public.shifts for select to authenticated
  using (
    deleted_at is null
    and (
      (status = 'published' and start_datetime > now() and tenant_id = (select muster.guard_tenant_id()))
      or company_id = (select muster.company_id())
      or (status <> 'draft' and client_id = (select muster.client_id()))
      or professional_id = (select muster.professional_id())
      or tenant_id = (select muster.admin_tenant_id())
    )
  );
comment on policy shifts_read on public.shifts is
  'Companies theirs; clients those at their sites, no drafts; guards those that are open and their own, also cancelled ones; admins all.';
drop policy if exists shifts_create on public.shifts;
create policy shifts_create on public.shifts for insert to authenticated
  with check (
    company_id = (select muster.company_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shifts_create on public.shifts is 'Companies their own; admins for any company of the tenant.';
drop policy if exists shifts_edit on public.shifts;
create policy shifts_edit on public.shifts for update to authenticated
  using (
    deleted_at is null
    and (
      company_id = (select muster.company_id())
      or (tenant_id = (select muster.guard_tenant_id()) and status = 'published' and start_datetime > now())
      or tenant_id = (select muster.admin_tenant_id())
    )
  )
  with check (
    company_id = (select muster.company_id())
    or (professional_id = (select muster.professional_id()) and status = 'assigned')
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy shifts_edit on public.shifts is
  'Companies theirs; guards claim an open one (a trigger holds them to that); admins all.';
drop policy if exists shifts_remove on public.shifts;
create policy shifts_remove on public.shifts for delete to authenticated
  using (
    deleted_at is null
    and (company_id = (select muster.company_id()) or tenant_id = (select muster.admin_tenant_id()))
  );
comment on policy shifts_remove on public.shifts is 'Companies theirs; admins all. A trigger makes it a soft delete.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select, delete on public.shifts to authenticated;
grant insert (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description)
  on public.shifts to authenticated;
grant update (location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, overtime_rate,
  required_certificates, title, description, cancel_reason)
  on public.shifts to authenticated;
grant select, insert, update, delete on public.shifts to service_role;
grant select, update on public.shifts to muster_definer;
grant select, insert, update on muster.refused_assignments to muster_definer;

grant execute on function muster.manages_shift(public.shifts), muster.sees_shift(public.shifts)
to authenticated, muster_definer;
grant execute on function muster.create_shifts(jsonb) to authenticated;
-- The API calls it in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.move_shift(uuid, text[], text, uuid, text), muster.assign_shift(uuid, uuid)
to authenticated, muster_api;
grant execute on function muster.change_assigned_shift(uuid, jsonb) to authenticated;
grant execute on function muster.assignment_obstacles(uuid, public.shifts), muster.acquaintances_of(uuid) to muster_definer;
-- A trigger asks it with the rights of whoever writes.
grant execute on function muster.is_stranger(uuid) to authenticated, service_role;
grant execute on function muster.shift_json(public.shifts, text) to authenticated, muster_definer;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function muster.claim_shift(uuid) to authenticated, muster_api;

alter function muster.assignment_violations(uuid, public.shifts) owner to muster_definer;
alter function muster.is_stranger(uuid) owner to muster_definer;
alter function muster.require_refusals_left(uuid) owner to muster_definer;
alter function muster.count_refused_assignment() owner to muster_definer;
alter function muster.assign_shift(uuid, uuid) owner to muster_definer;
alter function muster.change_assigned_shift(uuid, jsonb) owner to muster_definer;
alter function muster.tg_shifts__copy_location() owner to muster_definer;
alter function muster.tg_shifts__check_assignment() owner to muster_definer;
alter function muster.tg_shifts__check_removal() owner to muster_definer;
alter function muster.claim_shift(uuid) owner to muster_definer;
alter function muster.lapsed_of_shifts(timestamptz) owner to muster_definer;
