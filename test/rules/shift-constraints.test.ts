import { beforeAll, describe, expect, test } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { rehearse, type Stage } from '../support/rehearsal.ts'
import { shiftIn } from '../support/shifts.ts'
import { acquaint, buildWorld, LOCATIONS, ORGANIZATIONS, PROFESSIONALS, SITE } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
})

const letters = (n: number): SQL => sql`repeat('x', ${n}::int)`
const point = (x: number, y: number): SQL => sql`st_point(${x}::float8, ${y}::float8)::geography`

/** The row that values are tried on, as the owner: only the constraint can refuse. Gives its condition. */
const ROWS: Record<string, (stage: Stage) => Promise<SQL>> = {
  shifts: async (stage) => sql`id = ${await shiftIn(stage, { status: 'draft' })}`,
  locations: async () => sql`id = ${LOCATIONS.office}`,
  certificates: async () => sql`professional_id = ${PROFESSIONALS.otherGuard}`,
  security_professionals: async () => sql`id = ${PROFESSIONALS.otherGuard}`,
  finqle_transactions: async (stage) => sql`shift_id = ${await shiftIn(stage, { status: 'assigned' })}`,
  notifications: async (stage) => sql`data ->> 'shift_id' = ${await shiftIn(stage, { status: 'assigned' })}`,
  gps_checkins: async (stage) => {
    const id = await shiftIn(stage, { status: 'assigned' })
    await stage.run(
      'owner',
      sql`insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
          values (${id}, 'ping', ${point(SITE.longitude, SITE.latitude)}, 10, now())
          returning id`,
    )
    return sql`shift_id = ${id}`
  },
}

interface Constraint {
  /** Tried on this row instead of the usual one of the table. */
  row?: (stage: Stage) => Promise<SQL>
  allowed: SQL[]
  refused: SQL[]
}

/** The check constraints of the tables that an assignment rests on, each with what just passes and what just does not. */
const CONSTRAINTS: Record<string, Constraint> = {
  shifts_end_after_start: {
    allowed: [sql`end_datetime = start_datetime + interval '1 microsecond'`],
    refused: [
      sql`end_datetime = start_datetime`,
      sql`end_datetime = start_datetime - interval '1 microsecond'`,
    ],
  },
  shifts_times_in_range: {
    allowed: [
      sql`start_datetime = '2000-01-01 00:00+00', end_datetime = '2000-01-01 08:00+00'`,
      sql`start_datetime = '2099-12-31 12:00+00', end_datetime = '2099-12-31 23:59:59.999999+00'`,
    ],
    refused: [
      sql`start_datetime = '1999-12-31 23:59:59.999999+00', end_datetime = '2000-01-01 08:00+00'`,
      sql`start_datetime = '2099-12-31 12:00+00', end_datetime = '2100-01-01 00:00+00'`,
    ],
  },
  shifts_at_most_48_hours: {
    allowed: [sql`end_datetime = start_datetime + interval '48 hours'`],
    refused: [
      sql`end_datetime = start_datetime + interval '48 hours 1 microsecond'`,
      sql`end_datetime = start_datetime + interval '1 month'`,
    ],
  },
  shifts_rate_range: {
    allowed: [sql`hourly_rate = 15.00`, sql`hourly_rate = 500.00`],
    refused: [sql`hourly_rate = 14.99`, sql`hourly_rate = 500.01`, sql`hourly_rate = 'NaN'`],
  },
  shifts_overtime_rate_range: {
    allowed: [sql`overtime_rate = 1`, sql`overtime_rate = 5`],
    refused: [sql`overtime_rate = 0.99`, sql`overtime_rate = 5.01`],
  },
  shifts_title_length: {
    allowed: [sql`title = 'x'`, sql`title = ${letters(200)}`],
    refused: [sql`title = ''`, sql`title = ${letters(201)}`],
  },
  shifts_description_length: {
    allowed: [sql`description = null`, sql`description = ${letters(2_000)}`],
    refused: [sql`description = ${letters(2_001)}`],
  },
  shifts_cancelled_has_reason: {
    allowed: [sql`status = 'cancelled', cancel_reason = 'x'`],
    refused: [sql`status = 'cancelled'`, sql`cancel_reason = 'x'`],
  },
  shifts_cancel_reason_length: {
    allowed: [sql`status = 'cancelled', cancel_reason = ${letters(1_000)}`],
    refused: [
      sql`status = 'cancelled', cancel_reason = ''`,
      sql`status = 'cancelled', cancel_reason = ${letters(1_001)}`,
    ],
  },
  shifts_required_certificates_form: {
    allowed: [
      sql`required_certificates = '{}'`,
      sql`required_certificates = '{vca,bhv_2,svpb}'`,
      sql`required_certificates = array_fill('vca'::text, array[20])`,
    ],
    refused: [
      sql`required_certificates = array_fill('vca'::text, array[21])`,
      sql`required_certificates = '{null}'`,
      sql`required_certificates = '{vca,null,bhv}'`,
      sql`required_certificates = '{""}'`,
      sql`required_certificates = '{VCA}'`,
      sql`required_certificates = '{"vca "}'`,
    ],
  },
  shifts_professional_by_status: {
    allowed: [sql`professional_id = null`],
    refused: [],
  },
  shifts_status_known: { allowed: [sql`status = 'published'`], refused: [] },
  shifts_deleted_is_not_worked: {
    row: async (stage) => sql`id = ${await shiftIn(stage, { status: 'assigned' })}`,
    allowed: [sql`status = 'cancelled', cancel_reason = 'x', deleted_at = now()`],
    refused: [sql`deleted_at = now()`],
  },
  locations_radius_range: {
    allowed: [sql`radius_meters = 50`, sql`radius_meters = 1000`],
    refused: [sql`radius_meters = 49`, sql`radius_meters = 1001`],
  },
  locations_name_length: {
    allowed: [sql`name = ${letters(200)}`],
    refused: [sql`name = ''`, sql`name = ${letters(201)}`],
  },
  locations_address_length: {
    allowed: [sql`address = ${letters(500)}`],
    refused: [sql`address = ''`, sql`address = ${letters(501)}`],
  },
  locations_time_zone_known: {
    allowed: [sql`time_zone = 'Pacific/Kiritimati'`, sql`time_zone = 'UTC'`],
    refused: [sql`time_zone = 'Europe/Atlantis'`, sql`time_zone = 'FOO3'`, sql`time_zone = ''`],
  },
  locations_point_valid: {
    allowed: [sql`location_point = ${point(-180, -90)}`, sql`location_point = ${point(180, 90)}`],
    refused: [sql`location_point = 'POINT EMPTY'::geography`],
  },
  certificates_kind_form: {
    allowed: [sql`kind = 'a'`, sql`kind = ${letters(40)}`],
    refused: [sql`kind = ''`, sql`kind = 'VCA'`, sql`kind = ${letters(41)}`],
  },
  certificates_number_length: {
    allowed: [sql`number = ${letters(100)}`],
    refused: [sql`number = ''`, sql`number = ${letters(101)}`],
  },
  certificates_valid_until_range: {
    allowed: [sql`valid_until = '2000-01-01'`, sql`valid_until = '2099-12-31'`],
    refused: [
      sql`valid_until = '1999-12-31'`,
      sql`valid_until = '2100-01-01'`,
      sql`valid_until = 'infinity'`,
    ],
  },
  security_professionals_status_known: {
    allowed: [sql`status = 'inactive'`],
    refused: [sql`status = 'retired'`],
  },
  security_professionals_home_point_valid: {
    allowed: [sql`home_point = null`, sql`home_point = ${point(4.9, 52.4)}`],
    refused: [sql`home_point = 'POINT EMPTY'::geography`],
  },
  finqle_transactions_status_known: {
    allowed: [sql`status = 'processing'`, sql`status = 'refunded'`],
    refused: [sql`status = 'lost'`],
  },
  finqle_transactions_amount_not_negative: {
    allowed: [sql`amount = 0`],
    refused: [sql`amount = -0.01`],
  },
  finqle_transactions_attempts_not_negative: {
    allowed: [sql`attempts = 0`],
    refused: [sql`attempts = -1`],
  },
  notifications_type_known: {
    allowed: [sql`type = 'shift_changed'`],
    refused: [sql`type = 'gossip'`],
  },
  gps_checkins_accuracy_range: {
    allowed: [
      sql`accuracy_meters = 0.000001`,
      sql`accuracy_meters = 100`,
      sql`accuracy_meters = 100.000001, verdict = 'uncertain'`,
    ],
    refused: [
      sql`accuracy_meters = 0`,
      sql`accuracy_meters = -1`,
      sql`accuracy_meters = 100.000001, verdict = 'inside'`,
      sql`accuracy_meters = 'NaN'`,
      sql`accuracy_meters = 'infinity'`,
    ],
  },
  gps_checkins_kind_known: { allowed: [sql`kind = 'clock_out'`], refused: [sql`kind = 'lunch'`] },
  gps_checkins_verdict_known: { allowed: [sql`verdict = 'outside'`], refused: [sql`verdict = 'perhaps'`] },
  gps_checkins_point_valid: {
    allowed: [sql`gps_point = ${point(180, -90)}`],
    refused: [sql`gps_point = 'POINT EMPTY'::geography`],
  },
}

const TABLES = [
  'shifts',
  'locations',
  'certificates',
  'security_professionals',
  'finqle_transactions',
  'notifications',
  'gps_checkins',
]

/** These have a trigger, which refuses as a constraint of the name would: the types are those of all modules. */
const HELD_BY_TRIGGERS = ['notifications_type_known']

const tableOf = (constraint: string): string =>
  TABLES.find((table) => constraint.startsWith(`${table}_`)) ?? ''

describe('check constraints', () => {
  test('are all in the table of this test', async () => {
    const found = await database.query<{ name: string }>(
      `select conname as name from pg_constraint
       where contype = 'c' and conrelid = any ($1::regclass[]) order by 1`,
      [`{${TABLES.join(',')}}`],
    )
    const checks = Object.keys(CONSTRAINTS).filter((name) => !HELD_BY_TRIGGERS.includes(name))
    expect(found.map(({ name }) => name)).toEqual(checks.sort())
  })

  test.each(Object.entries(CONSTRAINTS))('%s', async (name, { row, allowed, refused }) => {
    const table = tableOf(name)
    for (const [values, expected] of [
      [allowed, 'ok'],
      [refused, `validation_failed ${name}`],
    ] as const) {
      for (const change of values) {
        await rehearse(database, async (stage) => {
          const condition = await (row ?? ROWS[table]!)(stage)
          const outcome = await stage.attempt(
            'owner',
            sql`update ${sql.identifier(table)} set ${change} where ${condition} returning id`,
          )
          expect([render(change), outcome]).toEqual([render(change), expected])
        })
      }
    }
  })

  test('shifts_end_after_start is what refuses an assigned shift too, though its times are weighed before', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      for (const end of [sql`start_datetime`, sql`start_datetime - interval '1 hour'`]) {
        const change = sql`update shifts set end_datetime = ${end} where id = ${id} returning id`
        expect(await stage.attempt('company', change)).toBe('validation_failed shifts_end_after_start')
      }
    })
  })

  test('shifts_professional_by_status, and shifts_status_known, where the state machine does not come first', async () => {
    await rehearse(database, async (stage) => {
      const insert = (status: string, professional: string | null): SQL =>
        sql`insert into shifts (company_id, location_id, status, professional_id, cancel_reason, start_datetime,
                                end_datetime, hourly_rate, title)
            values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, ${status}, ${professional}::uuid,
                    case when ${status} = 'cancelled' then 'x' end, now() - interval '9 hours',
                    now() - interval '1 hour', 20, 'Gate')
            returning id`
      const outcomes: Record<string, [none: string, one: string]> = {
        draft: ['ok', 'validation_failed shifts_professional_by_status'],
        published: ['ok', 'validation_failed shifts_professional_by_status'],
        assigned: ['not_found', 'ok'],
        completed: ['validation_failed shifts_professional_by_status', 'ok'],
        cancelled: ['ok', 'ok'],
        lost: ['validation_failed shifts_professional_by_status', 'validation_failed shifts_status_known'],
      }
      for (const [status, expected] of Object.entries(outcomes)) {
        expect([
          status,
          await stage.attempt('owner', insert(status, null)),
          await stage.attempt('owner', insert(status, PROFESSIONALS.guard)),
        ]).toEqual([status, ...expected])
      }
    })
  })
})

/** The change as it is written here, for the message of a test that fails. */
const render = (change: SQL): string =>
  change.queryChunks
    .map((chunk) =>
      typeof chunk === 'object' && chunk !== null && 'value' in chunk ? String(chunk.value) : '…',
    )
    .join('')
