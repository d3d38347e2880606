ALTER TABLE "timesheets" DROP CONSTRAINT "timesheets_pay_period_fk";
--> statement-breakpoint
DROP INDEX "timesheet_lines_adjustment_idx";
--> statement-breakpoint
DROP INDEX "timesheets_approved_idx";
--> statement-breakpoint
DROP TABLE "statement_lines";
--> statement-breakpoint
DROP TABLE "statements";
--> statement-breakpoint
DROP TABLE "professional_tax_terms";
--> statement-breakpoint
DROP TABLE "pay_periods";
--> statement-breakpoint
DROP TABLE "pay_terms";
--> statement-breakpoint
drop function muster.clock_events(uuid);
--> statement-breakpoint
drop function muster.corrections_in_effect(uuid);
--> statement-breakpoint
ALTER TABLE "corrections" DROP COLUMN "clocked_before";
--> statement-breakpoint
create function muster.corrections_in_effect(of_assignment uuid) returns setof public.corrections
language sql
stable
parallel safe
begin atomic
  select distinct on (c.event_id) c.*
  from public.corrections c
  where c.assignment_id = of_assignment and c.state in ('accepted', 'imposed')
  order by c.event_id, c.decided_at desc, c.id desc;
end;
--> statement-breakpoint
comment on function muster.corrections_in_effect(uuid) is 'Of each event of an assignment what was last agreed on, or imposed.';
--> statement-breakpoint
revoke execute on function muster.corrections_in_effect(uuid) from public, anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.corrections_in_effect(uuid) to muster_definer;
--> statement-breakpoint
create function muster.clock_events(of_assignment uuid)
returns table (
  event_id uuid, kind text, at_time timestamptz, verdict text, accuracy_meters float8, delivered_at timestamptz, correction_id uuid
)
language sql
stable
begin atomic
  with agreed as (
    select c.id, c.event_id, c.checkin_id, c.change, c.kind, c.becomes_at from muster.corrections_in_effect(of_assignment) c
  )
  select
    e.id as event_id,
    e.kind,
    coalesce(a.becomes_at, e.recorded_at) as at_time,
    case when a.id is null then e.verdict end as verdict,
    e.accuracy_meters,
    e.created_at as delivered_at,
    a.id as correction_id
  from public.gps_checkins e
  left join agreed a on a.checkin_id = e.id
  where e.assignment_id = of_assignment and e.kind <> 'ping' and a.change is distinct from 'never_happened'
  union all
  select
    a.event_id,
    a.kind,
    a.becomes_at as at_time,
    -- With a type and a name: without them a restored backup would not print this function as it is printed here.
    null::text as verdict,
    null::float8 as accuracy_meters,
    null::timestamptz as delivered_at,
    a.id as correction_id
  from agreed a
  where a.checkin_id is null and a.change <> 'never_happened';
end;
--> statement-breakpoint
comment on function muster.clock_events(uuid) is 'The clock events of an assignment after corrections. One with a correction was agreed on: it counts, and its place is not judged.';
--> statement-breakpoint
revoke execute on function muster.clock_events(uuid) from public, anon, authenticated, service_role;
--> statement-breakpoint
grant execute on function muster.clock_events(uuid) to muster_definer;
--> statement-breakpoint
ALTER TABLE "timesheets" DROP COLUMN "adjusted";
--> statement-breakpoint
create or replace function muster.schema_version() returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
return '1796014960_hours_people_and_carriers';
