import type { Database } from '../../src/platform/db/engine/database.ts'
import { loadManyShifts } from './many-shifts.ts'
import { PROFESSIONALS, TENANTS, USERS } from './world.ts'

/** What a marketplace of some years has. The rows of one guard are few, a company's are half of all. */
const GUARDS = 20_000
const PAST_SHIFTS = 20_000
const CHECKINS_PER_SHIFT = 4

/** Tables whose rows grow with the business: none of them may be read as a whole. */
export const BIG_TABLES = [
  'shifts',
  'shift_briefings',
  'gps_checkins',
  'locations',
  'users',
  'security_professionals',
  'certificates',
  'assignments',
  'corrections',
  'finqle_transactions',
  'timesheets',
  'timesheet_lines',
  'timesheet_steps',
  'payouts',
  'payout_events',
  'notifications',
  'incidents',
] as const

const MEASURED_IN_FREIGHT = 'freight-plan.server.test.ts has many, and measures how they are read.'

/** The other tables that clients follow, and why these few rows do. */
export const NOT_MANY: Readonly<Record<string, string>> = {
  pay_periods: 'A company has a dozen a year.',
  statements: 'A guard has a dozen a year of a company: a tenth of the timesheets.',
  statement_lines: 'They are read by the id of their statement alone.',
  loads: MEASURED_IN_FREIGHT,
  load_stops: MEASURED_IN_FREIGHT,
  load_assignments: MEASURED_IN_FREIGHT,
  stop_events: MEASURED_IN_FREIGHT,
  driver_documents: MEASURED_IN_FREIGHT,
  duty_status_changes: MEASURED_IN_FREIGHT,
  duty_status_edits: 'Few entries of a log are ever corrected.',
  driver_payments: MEASURED_IN_FREIGHT,
  driver_statements: MEASURED_IN_FREIGHT,
}

/**
 * Fills every big table, beside what is there: forty thousand open shifts, as many again that were worked or are assigned, and what
 * comes of these. Triggers and foreign keys sleep meanwhile, so what they would fill in is filled in here.
 */
export async function loadManyRows(owner: Database): Promise<void> {
  await loadManyShifts(owner)
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(
      `insert into users (tenant_id, id, role, name, email)
       select $1, md5('user' || n)::uuid, 'zzp', 'Guard ' || n, 'guard' || n || '@example.com'
       from generate_series(1, $2::int) n`,
      [TENANTS.a, GUARDS],
    )
    await tx.query(
      `insert into security_professionals (tenant_id, id, user_id, home_point)
       select $1, md5('guard' || n)::uuid, md5('user' || n)::uuid,
              st_point(3.4 + 3.7 * ((n * 0.6180339887498949) % 1), 50.8 + 2.6 * n / $2)::geography
       from generate_series(1, $2::int) n`,
      [TENANTS.a, GUARDS],
    )
    await tx.query(
      `insert into certificates (tenant_id, professional_id, kind, number, valid_until, verified_at)
       select $1, md5('guard' || n)::uuid, kind, kind || n, '2099-12-31', now()
       from generate_series(1, $2::int) n, unnest('{vca,bhv}'::text[]) kind`,
      [TENANTS.a, GUARDS],
    )
    // Each of five hundred guards worked forty times, the persona too, and one in ten of these shifts is still to come.
    await tx.query(
      `insert into shifts (tenant_id, company_id, client_id, location_id, location_point, time_zone, status,
                           professional_id, start_datetime, end_datetime, hourly_rate, title)
       select o.tenant_id, o.company_id, o.client_id, o.location_id, o.location_point, o.time_zone,
              case when n % 10 = 0 then 'assigned' else 'completed' end,
              case when n % 500 = 0 then $1 else md5('guard' || n % 500)::uuid end::uuid,
              at, at + interval '8 hours', 25, 'Worked'
       from (select *, row_number() over (order by id) as n from shifts where title = 'Watch') o,
            lateral (select now() + case when n % 10 = 0 then n / 500 + 200 else -(n / 500) - 2 end * interval '1 day' as at) times
       where n <= $2::int`,
      [PROFESSIONALS.guard, PAST_SHIFTS],
    )
    await tx.query(
      `insert into shift_briefings (tenant_id, company_id, client_id, shift_id, professional_id, text)
       select tenant_id, company_id, client_id, id, professional_id, 'The code is 4711.' from shifts`,
    )
    await tx.query(
      `insert into assignments (tenant_id, company_id, shift_id, professional_id, start_datetime, end_datetime, hourly_rate, overtime_rate,
                                radius_meters, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days)
       select tenant_id, company_id, id, professional_id, start_datetime, end_datetime, hourly_rate, overtime_rate,
              100, 30, 120, 180, 1440, 14
       from shifts where title = 'Worked'`,
    )
    await tx.query(
      `insert into finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount, status, created_at)
       select tenant_id, company_id, shift_id, id, professional_id, 200, 'completed', start_datetime from assignments
       where shift_id in (select id from shifts where title = 'Worked')`,
    )
    await tx.query(
      `insert into timesheets (tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, start_datetime, end_datetime,
                               time_zone, work_date, worked, paid, clocked, worked_seconds, break_seconds, paid_seconds, total)
       select a.tenant_id, a.company_id, s.client_id, a.shift_id, a.id, a.professional_id, a.start_datetime, a.end_datetime,
              s.time_zone, a.start_datetime::date, '[]', '[]', '[]', 28800, 0, 28800, 200
       from assignments a join shifts s on s.id = a.shift_id where s.title = 'Worked' and s.status = 'completed'`,
    )
    await tx.query(
      `insert into timesheet_lines (tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor, amount,
                                    explanation, is_approved)
       select tenant_id, company_id, professional_id, id, 1, 'planned', 28800, 25, 1, 200, 'Planned time', true from timesheets`,
    )
    await tx.query(
      `insert into timesheet_steps (tenant_id, company_id, professional_id, timesheet_id, step, by_professional)
       select tenant_id, company_id, professional_id, id, 'approved', false from timesheets`,
    )
    // One for each timesheet: more than there are statements.
    await tx.query(
      `insert into payouts (tenant_id, company_id, professional_id, statement_id, amount, status, next_attempt_at, completed_at, created_at)
       select tenant_id, company_id, professional_id, id, 200, 'completed', null, now(), start_datetime from timesheets`,
    )
    await tx.query(
      `insert into payout_events (tenant_id, company_id, professional_id, payout_id, source, status, is_applied, created_at)
       select tenant_id, company_id, professional_id, id, 'answer', 'completed', true, created_at from payouts`,
    )
    await tx.query(
      `insert into gps_checkins (tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
                                 distance_meters, is_within_radius, verdict, recorded_at)
       select s.tenant_id, s.company_id, s.client_id, s.id, a.id, s.professional_id, 'ping', s.location_point, 5, 1, true, 'inside',
              s.start_datetime + n * interval '1 hour'
       from assignments a join shifts s on s.id = a.shift_id cross join generate_series(1, $1::int) n where s.title = 'Worked'`,
      [CHECKINS_PER_SHIFT],
    )
    await tx.query(
      `insert into corrections (id, tenant_id, company_id, shift_id, assignment_id, professional_id, event_id, change, kind, becomes_at, reason,
                                proposed_by, proposed_as, created_at)
       select a.id, a.tenant_id, a.company_id, a.shift_id, a.id, a.professional_id, a.id, 'happened', 'clock_in', a.start_datetime, 'Seen',
              p.user_id, 'professional', a.start_datetime
       from assignments a join shifts s on s.id = a.shift_id join security_professionals p on p.id = a.professional_id
       where s.title = 'Worked'`,
    )
    await tx.query(
      `insert into incidents (tenant_id, company_id, client_id, shift_id, reported_by, category, severity, description, occurred_at, created_at)
       select s.tenant_id, s.company_id, s.client_id, s.id, p.user_id, 'other', 'low', 'Nothing', s.start_datetime, s.start_datetime
       from shifts s join security_professionals p on p.id = s.professional_id where s.title = 'Worked'`,
    )
    await tx.query(
      `insert into notifications (tenant_id, user_id, type, data, created_at)
       select s.tenant_id, p.user_id, 'shift_assigned', '{}', s.start_datetime
       from shifts s join security_professionals p on p.id = s.professional_id where s.title = 'Worked'`,
    )
    await tx.query(
      `insert into notifications (tenant_id, user_id, type, data)
       select $1, $2, 'shift_changed', '{}' from generate_series(1, 40) n`,
      [TENANTS.a, USERS.guard],
    )
  })
  await owner.script(`vacuum (analyze) ${BIG_TABLES.join(', ')}`)
}
