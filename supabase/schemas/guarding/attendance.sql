-- Attendance: shifts to which nobody came, and shifts that nobody left.
--
-- * An assigned shift without a clock_in that counts is flagged `late` when its grace (a term, default 30 minutes after the start) has
--   passed; company and guard are told.
-- * At its end it becomes `no_show`: the payment is void, both are told. A phone that was offline and delivers later makes it active
--   or completed again (hours.sql), without meeting the rules for assignments anew.
-- * An active shift that nobody left is closed when a term after its end has passed (default 2 hours), flagged `auto_closed`; its planned
--   end is the end of the work. A clock_out that arrives later says when it was.
-- * Background work calls these functions every minute, each in a transaction of its own. They take a bounded number of shifts and skip those
--   that somebody is writing: whenever the process dies, the next call goes on.

create or replace function muster.flag_late_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  late record;
  done integer := 0;
begin
  for late in
    select s as shift, a.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null
      and s.status = 'assigned'
      and not 'late' = any (a.flags)
      -- The index of what is in force has this; the grace is of each assignment.
      and a.start_datetime < now()
      and a.start_datetime + make_interval(mins => a.late_after_minutes) < now()
      -- Nobody has to hear that it is late when it is over: that it is a no_show, they do.
      and s.end_datetime > now()
    order by s.id
    limit most
    for no key update of s skip locked
  loop
    update public.assignments a
    set flags = array(select f.flag from unnest(a.flags || 'late'::text) as f (flag) order by f.flag)
    where a.id = late.id;
    perform muster.notify_professional(late.shift, (late.shift).professional_id, 'shift_late');
    perform muster.notify_company(late.shift, 'shift_late');
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function muster.flag_late_shifts(integer) is
  'Flags assigned shifts whose guard is late, and tells both sides; gives how many. Security definer: background work writes no assignments by itself.';

create or replace function muster.close_missed_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  missed uuid;
  done integer := 0;
begin
  for missed in
    select s.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null and a.start_datetime < now() and s.status = 'assigned' and s.end_datetime <= now()
    order by s.id
    limit most
    for no key update of s skip locked
  loop
    update public.shifts s set status = 'no_show' where s.id = missed;
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function muster.close_missed_shifts(integer) is
  'Makes no_show of assigned shifts that are over; gives how many. Security definer: no role takes that step by hand.';

create or replace function muster.close_left_shifts(most integer default 100) returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  left_open uuid;
  done integer := 0;
begin
  for left_open in
    select a.id
    from public.assignments a
    join public.shifts s on s.id = a.shift_id
    where a.ended_at is null
      and a.start_datetime < now()
      and s.status = 'active'
      and a.auto_closed_at is null
      and s.end_datetime + make_interval(mins => a.auto_close_minutes) < now()
    order by a.start_datetime desc, a.shift_id desc
    limit most
    for no key update of s skip locked
  loop
    update public.assignments a set auto_closed_at = now() where a.id = left_open;
    perform muster.advance_assignment(left_open);
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function muster.close_left_shifts(integer) is
  'Completes active shifts that nobody left, at their planned end; gives how many. Security definer: no role completes a shift by hand.';

-- ---- Grants -----------------------------------------------------------------------------------------------------------

grant execute on function
  muster.flag_late_shifts(integer), muster.close_missed_shifts(integer), muster.close_left_shifts(integer)
to muster_jobs;

alter function muster.flag_late_shifts(integer) owner to muster_definer;
alter function muster.close_missed_shifts(integer) owner to muster_definer;
alter function muster.close_left_shifts(integer) owner to muster_definer;
