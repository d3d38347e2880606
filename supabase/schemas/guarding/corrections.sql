-- Corrections: what people say about clock events that are wrong, or missing.
--
-- * docs/decisions/036-corrections.md has the rules. A correction says of a clock event of an assignment that it was at another time, that
--   it never happened, or that something happened of which there is no event. The check-ins stay as they are.
-- * The company or the guard proposes, and the other side accepts or refuses; an admin imposes, with a reason. Nobody decides on a proposal
--   of their own side. A correction that was decided on never changes again.
-- * What is in effect, muster.clock_events says (hours.sql): hours, state and pay follow from that.
-- * Of one event there is one open proposal; an assignment takes 100 corrections.
-- * Where the hours were approved already, it adjusts them (timesheets.sql): `clocked_before` keeps what the events said before it.
-- * Corrections of a shift stand in one queue with its check-ins: whoever writes one locks the shift first.

create or replace function muster.audience_of_corrections(viewed jsonb, at timestamptz) returns text[]
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
comment on function muster.audience_of_corrections(jsonb, timestamptz) is 'Who sees a correction: corrections_read, as groups.';
grant execute on function muster.audience_of_corrections(jsonb, timestamptz) to muster_definer;

select muster.follow_table(
  'public.corrections',
  published => array['id', 'company_id', 'shift_id', 'assignment_id', 'professional_id', 'event_id', 'change', 'kind', 'was_at',
    'becomes_at', 'reason', 'proposed_by', 'proposed_as', 'state', 'decided_by', 'decided_at', 'created_at', 'updated_at'],
  audience => array['tenant_id', 'company_id', 'professional_id']
);

create or replace function muster.correction_json(correction public.corrections) returns jsonb
language sql
stable
parallel safe
return jsonb_build_object(
  'id', correction.id,
  'company_id', correction.company_id,
  'shift_id', correction.shift_id,
  'assignment_id', correction.assignment_id,
  'professional_id', correction.professional_id,
  'event_id', correction.event_id,
  'change', correction.change,
  'kind', correction.kind,
  'was_at', correction.was_at,
  'becomes_at', correction.becomes_at,
  'reason', correction.reason,
  'proposed_by', correction.proposed_by,
  'proposed_as', correction.proposed_as,
  'state', correction.state,
  'decided_by', correction.decided_by,
  'decided_at', correction.decided_at,
  'created_at', correction.created_at,
  'updated_at', correction.updated_at
);
comment on function muster.correction_json(public.corrections) is 'A correction in the form of the API.';

create or replace function muster.side_in(assignment public.assignments) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
return case
  when assignment.company_id = muster.company_id() then 'company'
  when assignment.professional_id = muster.professional_id() then 'professional'
  when assignment.tenant_id = muster.admin_tenant_id() then 'admin'
end;
comment on function muster.side_in(public.assignments) is 'As whom the caller sees an assignment; null for those who do not.';

-- Without a SET clause, so that it is inlined: it is asked for whenever hours are.
create or replace function muster.corrections_in_effect(of_assignment uuid) returns setof public.corrections
language sql
stable
parallel safe
begin atomic
  select distinct on (c.event_id) c.*
  from public.corrections c
  where c.assignment_id = of_assignment and c.state in ('accepted', 'imposed')
  order by c.event_id, c.decided_at desc, c.id desc;
end;
comment on function muster.corrections_in_effect(uuid) is 'Of each event of an assignment what was last agreed on, or imposed.';

create or replace function muster.propose_correction(
  of_assignment uuid, change_of text, of_event uuid, kind_of text, at_time timestamptz, why text
) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  assignment public.assignments;
  correction public.corrections;
  side text;
begin
  select a.* into assignment from public.assignments a where a.id = of_assignment;
  side := muster.side_in(assignment);
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  -- The trigger finds out whether it is a check-in or what an earlier correction added.
  insert into public.corrections as c (
    assignment_id, event_id, change, kind, becomes_at, reason, proposed_by, proposed_as, state, decided_by, decided_at
  )
  values (
    of_assignment, of_event, change_of, kind_of, at_time, why, muster.user_id(), side,
    case side when 'admin' then 'imposed' else 'proposed' end,
    case side when 'admin' then muster.user_id() end,
    case side when 'admin' then now() end
  )
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
comment on function muster.propose_correction(uuid, text, uuid, text, timestamptz, text) is
  'A correction of an assignment, proposed by the caller''s side, or imposed by an admin. Security definer: nobody may say whose a correction is.';

create or replace function muster.decide_correction(wanted uuid, verdict text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  decider constant uuid := muster.user_id();
  correction public.corrections;
  side text;
begin
  select c.* into correction from public.corrections c where c.id = wanted;
  select muster.side_in(a) into side from public.assignments a where a.id = correction.assignment_id;
  if side is null then
    perform muster.fail('not_found', 'id');
  end if;
  perform from public.shifts s where s.id = correction.shift_id for no key update;
  -- Somebody of the same side may have decided meanwhile.
  select c.* into correction from public.corrections c where c.id = wanted;
  if correction.state <> 'proposed' then
    perform muster.fail('correction_decided', 'state');
  end if;
  if side = 'admin' or side = correction.proposed_as then
    perform muster.fail('forbidden', 'state');
  end if;
  update public.corrections c
  set state = verdict, decided_by = decider, decided_at = now()
  where c.id = wanted
  returning c.* into correction;
  return muster.correction_json(correction);
end
$$;
comment on function muster.decide_correction(uuid, text) is
  'The side that did not propose it accepts or refuses a correction. Security definer: no caller writes corrections.';

create or replace function muster.tg_corrections__check() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  -- Some for each event that a shift has. A person reads each of them.
  most_corrections constant integer := 100;
  assignment public.assignments;
  agreed record;
  refusal text;
begin
  perform muster.require_read_committed();
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  perform from public.shifts s where s.id = assignment.shift_id for no key update;
  select a.* into assignment from public.assignments a where a.id = new.assignment_id;
  if not found then
    perform muster.fail('not_found', 'assignment_id');
  end if;
  -- Somebody else has, or can have, the shift, and is paid for it.
  if assignment.ended_as = 'released' then
    perform muster.fail('assignment_released', 'assignment_id');
  end if;
  if most_corrections <= (select count(*) from public.corrections c where c.assignment_id = new.assignment_id) then
    perform muster.fail('too_many_corrections', 'assignment_id');
  end if;

  new.tenant_id := assignment.tenant_id;
  new.company_id := assignment.company_id;
  new.shift_id := assignment.shift_id;
  new.professional_id := assignment.professional_id;
  if new.change = 'happened' then
    new.event_id := new.id;
  else
    select c.id, c.kind, c.recorded_at into new.checkin_id, new.kind, new.was_at
    from public.gps_checkins c
    where c.id = new.event_id and c.assignment_id = new.assignment_id and c.kind <> 'ping';
    if not found then
      select c.id, c.kind, c.becomes_at into new.corrects_id, new.kind, new.was_at
      from public.corrections c
      where c.id = new.event_id
        and c.assignment_id = new.assignment_id
        and c.change = 'happened'
        and c.state in ('accepted', 'imposed');
      if not found then
        perform muster.fail('not_found', 'event_id');
      end if;
    end if;
    -- As it was last agreed on.
    select d.becomes_at into agreed from muster.corrections_in_effect(new.assignment_id) d where d.event_id = new.event_id;
    if found then
      new.was_at := agreed.becomes_at;
    end if;
    if exists (select from public.corrections c where c.event_id = new.event_id and c.state = 'proposed') then
      perform muster.fail('correction_open', 'event_id');
    end if;
  end if;

  if new.becomes_at is not null then
    -- Both sides may agree on any time of the window, also on one after the assignment ended.
    assignment.ended_as := null;
    refusal := muster.check_in_time_refusal(assignment, new.becomes_at);
    if refusal is not null then
      perform muster.fail(refusal, 'becomes_at');
    end if;
  end if;
  return new;
end
$$;
comment on function muster.tg_corrections__check() is
  'Fills in what a correction is about, and refuses what cannot be corrected. Security definer: it reads the check-ins of the shift.';

create or replace function muster.tg_corrections__keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if old.state <> 'proposed' or (
    (to_jsonb(new) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
    <> (to_jsonb(old) - 'state' - 'decided_by' - 'decided_at' - 'updated_at')
  ) then
    perform muster.fail('correction_decided', 'state');
  end if;
  return new;
end
$$;
comment on function muster.tg_corrections__keep() is 'Corrections are appended: a proposal is decided on, once, and nothing else changes.';

-- Before it is in effect; approving and disputing wait for the shift, which whoever writes corrections has locked.
create or replace function muster.tg_corrections__note_clocked() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform from public.shifts s where s.id = new.shift_id for no key update;
  if muster.hours_are_settled(new.assignment_id) then
    select muster.spans_json((muster.clocked(a)).intervals) into new.clocked_before
    from public.assignments a
    where a.id = new.assignment_id;
  end if;
  return new;
end
$$;
comment on function muster.tg_corrections__note_clocked() is
  'What the events said before the correction, where hours were approved: the difference is what it adjusts. Security definer: it reads check-ins.';

create or replace function muster.notify_of_correction(correction public.corrections, told text) returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
begin atomic
  insert into public.notifications (tenant_id, user_id, type, data)
  select correction.tenant_id, told_user.id, 'correction_' || correction.state, jsonb_build_object(
    'correction_id', correction.id,
    'assignment_id', correction.assignment_id,
    'shift_id', correction.shift_id,
    'change', correction.change,
    'kind', correction.kind,
    'was_at', correction.was_at,
    'becomes_at', correction.becomes_at,
    'reason', correction.reason
  )
  from (
    select p.user_id as id
    from public.security_professionals p
    where told <> 'company' and p.id = correction.professional_id
    union all
    select planner.id
    from muster.members_as('company', correction.company_id) planner (id)
    where told = 'company'
  ) told_user;
end;
comment on function muster.notify_of_correction(public.corrections, text) is 'A notification for everybody of one side of a correction.';

create or replace function muster.apply_correction(correction public.corrections) returns void
language plpgsql
volatile
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if correction.clocked_before is not null then
    perform muster.adjust_timesheet(correction);
  end if;
  perform muster.advance_assignment(correction.assignment_id);
end
$$;
comment on function muster.apply_correction(public.corrections) is
  'What follows from a correction that is in effect from now on. The one place from which it reaches hours, state and pay.';

create or replace function muster.tg_corrections__apply() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.state in ('accepted', 'imposed') then
    perform muster.apply_correction(new);
  end if;
  perform muster.notify_of_correction(new, t.side)
  from unnest(case
    when new.state = 'imposed' then array['company', 'professional']
    when new.state <> 'proposed' then array[new.proposed_as]
    when new.proposed_as = 'company' then array['professional']
    else array['company']
  end) as t (side);
  return null;
end
$$;
comment on function muster.tg_corrections__apply() is
  'Tells the other side, and brings what is in effect to hours, state and pay. Security definer: see muster.advance_assignment.';

-- ---- Triggers ---------------------------------------------------------------------------------------------------------

create or replace trigger a_check before insert on public.corrections
  for each row execute function muster.tg_corrections__check();
create or replace trigger a_keep before update on public.corrections
  for each row execute function muster.tg_corrections__keep();
create or replace trigger b_note_clocked before insert or update on public.corrections
  for each row when (new.state in ('accepted', 'imposed'))
  execute function muster.tg_corrections__note_clocked();
create or replace trigger apply after insert or update on public.corrections
  for each row execute function muster.tg_corrections__apply();

-- ---- Policies ---------------------------------------------------------------------------------------------------------

drop policy if exists corrections_read on public.corrections;
create policy corrections_read on public.corrections for select to authenticated
  using (
    company_id = (select muster.company_id())
    or professional_id = (select muster.professional_id())
    or tenant_id = (select muster.admin_tenant_id())
  );
comment on policy corrections_read on public.corrections is
  'The company, the guard, admins: as assignments. Nobody writes: functions say who may propose and decide.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant select on public.corrections to authenticated;
grant select, insert, update, delete on public.corrections to service_role;
grant select, insert, update on public.corrections to muster_definer;

grant execute on function
  muster.correction_json(public.corrections),
  muster.side_in(public.assignments),
  muster.corrections_in_effect(uuid),
  muster.notify_of_correction(public.corrections, text),
  muster.apply_correction(public.corrections)
to muster_definer;
-- The API calls them in one statement, which takes on the caller's role after the login was asked for this privilege.
grant execute on function
  muster.propose_correction(uuid, text, uuid, text, timestamptz, text),
  muster.decide_correction(uuid, text)
to authenticated, muster_api;

alter function muster.propose_correction(uuid, text, uuid, text, timestamptz, text) owner to muster_definer;
alter function muster.decide_correction(uuid, text) owner to muster_definer;
alter function muster.tg_corrections__check() owner to muster_definer;
alter function muster.tg_corrections__apply() owner to muster_definer;
alter function muster.tg_corrections__note_clocked() owner to muster_definer;
