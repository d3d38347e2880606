-- Positions: what phones report of where they were and when, whatever trade it is about.
--
-- * d = distance to a place, a = reported accuracy, R = its radius: inside if d + a ≤ R, outside if d − a > R, else uncertain; with an
--   accuracy over 100 m never inside. One with an accuracy over 1,000 m is evidence: it is stored, and moves nothing.
-- * The device makes the id: the same position again (kind, subject and device time) is a success that changes nothing, and another one
--   under its id is `id_conflict`.
-- * A device time lies at most 5 minutes in the future.
-- * Each trade has its own table, window and state (docs/decisions/040-positions-are-shared-when-the-second-trade-sends-them.md).
-- * No function here has a SET clause, so that each is inlined: they are asked for each position.

create or replace function muster.position_verdict(distance_meters float8, accuracy_meters float8, radius_meters float8) returns text
language sql
immutable
parallel safe
return case
  when distance_meters + accuracy_meters <= radius_meters and accuracy_meters <= 100 then 'inside'
  when distance_meters - accuracy_meters > radius_meters then 'outside'
  else 'uncertain'
end;
comment on function muster.position_verdict(float8, float8, float8) is
  'Whether a position is inside or outside of a radius, or it is uncertain, for its accuracy; over 100 m it is never inside.';

create or replace function muster.position_flags(accuracy_meters float8) returns text[]
language sql
immutable
parallel safe
return array_remove(array[
  case when accuracy_meters > 1000 then 'evidence' end,
  case when accuracy_meters > 100 then 'imprecise' end
], null);
comment on function muster.position_flags(float8) is
  'What a position with that accuracy is marked as: imprecise over 100 m; over 1,000 m evidence, which moves nothing.';

-- Phones set their clocks by the network; more than this is a wrong clock or a forged time.
create or replace function muster.is_recorded_in_future(at_time timestamptz) returns boolean
language sql
volatile
return at_time > clock_timestamp() + interval '5 minutes';
comment on function muster.is_recorded_in_future(timestamptz) is 'Whether a device time lies more than 5 minutes in the future.';

grant execute on function muster.position_verdict(float8, float8, float8) to muster_definer;
grant execute on function muster.position_flags(float8) to authenticated, muster_definer;
grant execute on function muster.is_recorded_in_future(timestamptz) to muster_definer;
