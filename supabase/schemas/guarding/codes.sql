-- Codes: what rules of guarding refuse. The same list as src/guarding/codes.ts.

create or replace function muster.codes_of_guarding() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'shift_overlap', 'MU001',
    'certificate_missing', 'MU002',
    'certificate_expired', 'MU003',
    'professional_inactive', 'MU004',
    'shift_not_open', 'MU005',
    'invalid_transition', 'MU006',
    'outside_check_in_window', 'MU007',
    'shift_not_assigned', 'MU009',
    'certificate_in_use', 'MU012',
    'professional_in_use', 'MU013',
    'location_in_use', 'MU014',
    'payment_missing', 'MU015',
    'shift_over', 'MU021',
    'daily_limit_reached', 'MU025',
    'too_many_pings', 'MU030',
    'professional_unavailable', 'MU300',
    'shift_begun', 'MU301',
    'rate_lowered', 'MU302',
    'end_worked', 'MU303',
    'assignment_released', 'MU330',
    'correction_decided', 'MU331',
    'correction_open', 'MU332',
    'too_many_corrections', 'MU333',
    'own_hours', 'MU340',
    'timesheet_state', 'MU341',
    'lines_undecided', 'MU342',
    'timesheet_changed', 'MU343',
    'dispute_too_late', 'MU344',
    'hours_impossible', 'MU345',
    'pay_period_closed', 'MU350',
    'pay_period_not_over', 'MU351',
    'pay_period_not_next', 'MU352',
    'statement_state', 'MU353',
    'payout_state', 'MU360'
  );
end
$$;
comment on function muster.codes_of_guarding() is 'The codes that rules of guarding raise, with their SQLSTATEs.';
grant execute on function muster.codes_of_guarding() to anon, authenticated, service_role, muster_definer;
