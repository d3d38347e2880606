-- Codes: what rules of freight refuse. The same list as src/freight/codes.ts.

create or replace function muster.codes_of_freight() returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'load_not_open', 'MU400',
    'load_state', 'MU401',
    'driver_overlap', 'MU402',
    'truck_overlap', 'MU403',
    'trailer_overlap', 'MU404',
    'driver_in_use', 'MU405',
    'equipment_in_use', 'MU406',
    'broker_in_use', 'MU407',
    'document_in_use', 'MU408',
    'driver_inactive', 'MU410',
    'license_expired', 'MU411',
    'equipment_out_of_service', 'MU412',
    'inspection_expired', 'MU413',
    'leg_outside_load', 'MU414',
    'stops_invalid', 'MU415',
    'stop_in_future', 'MU416',
    'license_missing', 'MU417',
    'medical_card_missing', 'MU418',
    'medical_card_expired', 'MU419',
    'hours_of_service', 'MU420',
    'duty_in_future', 'MU421',
    'duty_id_conflict', 'MU422',
    'too_many_duty_changes', 'MU423',
    'duty_edit_decided', 'MU424',
    'duty_edit_open', 'MU425',
    'too_many_duty_edits', 'MU426',
    'load_not_driven', 'MU427',
    'outside_load_window', 'MU428',
    'too_many_stop_events', 'MU429',
    'driver_position_unknown', 'MU430',
    'driver_statement_state', 'MU440',
    'statement_in_future', 'MU441'
  );
end
$$;
comment on function muster.codes_of_freight() is 'The codes that rules of freight raise, with their SQLSTATEs.';
grant execute on function muster.codes_of_freight() to anon, authenticated, service_role, muster_definer;
