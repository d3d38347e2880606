import type { ProblemCode } from '../platform/http/codes.ts'

/** Their SQLSTATEs begin with MU4. */
export const codes = {
  load_not_open: {
    status: 409,
    title: 'The load, or this leg of it, cannot be assigned: it is closed, or somebody else has it.',
    retry: 'after_change',
    when: 'After the leg has been unassigned.',
    sqlstate: 'MU400',
    constraint: 'load_assignments_leg_key',
  },
  load_state: {
    status: 409,
    title: 'The status of the load does not allow this.',
    retry: 'after_change',
    when: 'After the load has reached a status that allows it.',
    sqlstate: 'MU401',
  },
  driver_overlap: {
    status: 409,
    title: 'The driver or co-driver already has another load at that time.',
    retry: 'after_change',
    when: 'After the other load has been unassigned, delivered, cancelled or moved.',
    sqlstate: 'MU402',
    constraint: 'load_bookings_driver_no_overlap',
  },
  truck_overlap: {
    status: 409,
    title: 'The truck is already on another load at that time.',
    retry: 'after_change',
    when: 'After the other load has been unassigned, delivered, cancelled or moved.',
    sqlstate: 'MU403',
    constraint: 'load_bookings_truck_no_overlap',
  },
  trailer_overlap: {
    status: 409,
    title: 'The trailer is already on another load at that time.',
    retry: 'after_change',
    when: 'After the other load has been unassigned, delivered, cancelled or moved.',
    sqlstate: 'MU404',
    constraint: 'load_bookings_trailer_no_overlap',
  },
  driver_in_use: {
    status: 409,
    title: 'The driver has loads that need this: unassign them first.',
    retry: 'after_change',
    when: 'After the loads have been unassigned or delivered.',
    sqlstate: 'MU405',
  },
  equipment_in_use: {
    status: 409,
    title: 'The truck or trailer has loads that need this: unassign them first.',
    retry: 'after_change',
    when: 'After the loads have been unassigned or delivered.',
    sqlstate: 'MU406',
  },
  broker_in_use: {
    status: 409,
    title: 'The broker still has loads that are not over.',
    retry: 'after_change',
    when: 'After these loads have been delivered or cancelled.',
    sqlstate: 'MU407',
  },
  document_in_use: {
    status: 409,
    title: 'The driver has loads that need this document.',
    retry: 'after_change',
    when: 'After the loads have been unassigned or delivered, or the office has verified what replaces the document.',
    sqlstate: 'MU408',
  },
  driver_inactive: {
    status: 422,
    title: 'The driver or co-driver does not drive for the carrier through the last delivery.',
    retry: 'after_change',
    when: 'After the driver has become active again.',
    sqlstate: 'MU410',
  },
  license_expired: {
    status: 422,
    title: 'The license of the driver or co-driver does not hold through the last delivery.',
    retry: 'after_change',
    when: 'After a license that is valid for longer has been put on record.',
    sqlstate: 'MU411',
  },
  equipment_out_of_service: {
    status: 422,
    title: 'The truck or trailer is not in service.',
    retry: 'after_change',
    when: 'After it has been put in service again.',
    sqlstate: 'MU412',
  },
  inspection_expired: {
    status: 422,
    title: 'The inspection of the truck or trailer does not hold through the last delivery.',
    retry: 'after_change',
    when: 'After an inspection that holds for longer has been put on record.',
    sqlstate: 'MU413',
  },
  leg_outside_load: {
    status: 422,
    title: 'The leg does not lie within the window of its load.',
    retry: 'after_change',
    when: 'After the leg or the stops of the load have been moved.',
    sqlstate: 'MU414',
  },
  stops_invalid: {
    status: 422,
    title:
      'A load begins with a pickup and ends with a delivery, and no stop is over before the one before it begins.',
    retry: 'never',
    sqlstate: 'MU415',
  },
  stop_in_future: {
    status: 422,
    title: 'The arrival or departure lies in the future.',
    retry: 'later',
    when: 'After the clock of the service (the header Date) is less than 5 minutes behind the time.',
    sqlstate: 'MU416',
  },
  license_missing: {
    status: 422,
    title: 'The driver or co-driver has no verified license on record.',
    retry: 'after_change',
    when: 'After the office has verified the license.',
    sqlstate: 'MU417',
  },
  medical_card_missing: {
    status: 422,
    title: 'The driver or co-driver has no verified medical card on record.',
    retry: 'after_change',
    when: 'After the office has verified the medical card.',
    sqlstate: 'MU418',
  },
  medical_card_expired: {
    status: 422,
    title: 'The medical card of the driver or co-driver does not hold through the last delivery.',
    retry: 'after_change',
    when: 'After a medical card that is valid for longer has been put on record.',
    sqlstate: 'MU419',
  },
  hours_of_service: {
    status: 422,
    title:
      'The window of the load is shorter than its driving takes one driver with the rests and breaks of hours of service.',
    retry: 'after_change',
    when: 'After the window has become longer or the driving time shorter, or with a co-driver.',
    sqlstate: 'MU420',
  },
  duty_in_future: {
    status: 422,
    title: 'The device time of the duty status is in the future.',
    retry: 'later',
    when: 'After the clock of the service (the header Date) is less than 5 minutes behind the device time.',
    sqlstate: 'MU421',
  },
  duty_id_conflict: {
    status: 409,
    title: 'The id is already used for another entry.',
    retry: 'never',
    sqlstate: 'MU422',
    constraint: 'duty_status_changes_pkey',
  },
  too_many_duty_changes: {
    status: 422,
    title: 'The log already has 1,440 entries on that day (UTC): further ones are rejected.',
    retry: 'never',
    sqlstate: 'MU423',
  },
  duty_edit_decided: {
    status: 409,
    title: 'The edit has already been decided on: propose another one.',
    retry: 'never',
    sqlstate: 'MU424',
  },
  duty_edit_open: {
    status: 409,
    title: 'There is an open proposal about this entry already.',
    retry: 'after_change',
    when: 'When the other side has accepted or refused it.',
    sqlstate: 'MU425',
    constraint: 'duty_status_edits_one_open',
  },
  too_many_duty_edits: {
    status: 409,
    title: 'The log already has 100 open proposals.',
    retry: 'after_change',
    when: 'When some of them have been accepted or refused.',
    sqlstate: 'MU426',
  },
  load_not_driven: {
    status: 422,
    title: 'The driver did not have the load at the device time.',
    retry: 'never',
    sqlstate: 'MU427',
  },
  outside_load_window: {
    status: 422,
    title:
      'Stop events are accepted from 12 hours before the window of the load begins to 48 hours after it ends.',
    retry: 'after_change',
    when: 'After the stops of the load have moved. If they do not move, the phone can discard the event.',
    sqlstate: 'MU428',
  },
  too_many_positions: {
    status: 422,
    title:
      'The driver already has 12 positions of the load in that minute of device time: further ones are rejected.',
    retry: 'never',
    sqlstate: 'MU429',
  },
  driver_position_unknown: {
    status: 409,
    title: 'The driver has reported no position in the last 24 hours.',
    retry: 'after_change',
    when: 'After the phone of the driver has reported one.',
    sqlstate: 'MU430',
  },
  driver_statement_state: {
    status: 409,
    title: 'The status of the statement does not allow this.',
    retry: 'after_change',
    when: 'After the statement has reached a status that allows it.',
    sqlstate: 'MU440',
  },
  statement_in_future: {
    status: 422,
    title: 'The period of a statement does not end in the future.',
    retry: 'later',
    when: 'On the last day of the period.',
    sqlstate: 'MU441',
  },
} as const satisfies Record<string, ProblemCode>

declare module '../platform/http/codes.ts' {
  interface CodeNames {
    freight: keyof typeof codes
  }
}
