import { beforeAll, describe, expect, test } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database, Parameter } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { type Actor, type Outcome, outcomeOf, rehearse, runAs, type Stage } from '../support/rehearsal.ts'
import { inHours, type ShiftStatus, shiftIn, updateShift } from '../support/shifts.ts'
import {
  acquaint,
  arrangeShift,
  buildWorld,
  LOCATIONS,
  ORGANIZATIONS,
  PROFESSIONALS,
  SITE,
} from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
})

const assign = (id: string, professional: string = PROFESSIONALS.guard): SQL =>
  updateShift(id, sql`status = 'assigned', professional_id = ${professional}::uuid`)
/** A shift that has its professional from the start: only background work and the owner write such. */
const insertAssigned = (status: ShiftStatus, professional: string, from: number, to: number): SQL =>
  sql`insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title)
      values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, ${status}, ${professional}, ${inHours(from)}, ${inHours(to)}, 20, 'Gate')
      returning id`
const claim = (id: string): SQL => sql`select muster.claim_shift(${id})`

/** Every way in which the guard can come to a shift of the company. */
const WAYS: [name: string, actor: Actor, statement: (id: string) => SQL][] = [
  ['assigned by the company', 'company', assign],
  ['assigned by an admin', 'admin', assign],
  ['claimed by update', 'guard', assign],
  ['claimed by function', 'guard', claim],
  ['assigned by background work', 'service_role', assign],
  ['assigned by the owner', 'owner', assign],
]

/** Tries every way on the shift, each as if it were the only one, and expects the same of all. */
async function expectOfEveryWay(stage: Stage, shift: string, expected: Outcome): Promise<void> {
  const outcomes: Record<string, Outcome> = {}
  for (const [name, actor, statement] of WAYS) {
    outcomes[name] = await stage.tryOut(() => stage.attempt(actor, statement(shift)))
  }
  expect(outcomes).toEqual(Object.fromEntries(WAYS.map(([name]) => [name, expected])))
}

const violationsOf = (stage: Stage, shift: string, professional: string = PROFESSIONALS.guard) =>
  stage.run<{ code: string; detail: string | null }>(
    'owner',
    sql`select v.code, v.detail from shifts s, muster.assignment_violations(${professional}::uuid, s) v where s.id = ${shift}`,
  )

/** Writes the guard's certificates anew; each is `vca`, verified and valid for long unless it says otherwise. */
async function giveCertificates(
  stage: Stage,
  ...certificates: {
    kind?: string
    valid_until?: string
    verified?: boolean
    deleted?: boolean
    company?: string
    professional?: string
  }[]
): Promise<void> {
  const run = (text: string, parameters: Parameter[]) => stage.owner.query(text, parameters)
  await run('delete from certificates where professional_id = $1', [PROFESSIONALS.guard])
  for (const given of certificates) {
    await run(
      `insert into certificates (professional_id, kind, number, valid_until, verified_at, deleted_at, company_id)
       values ($1, $2, 'N-1', $3::date, case when $4 then now() end, case when $5 then now() end, $6)`,
      [
        given.professional ?? PROFESSIONALS.guard,
        given.kind ?? 'vca',
        given.valid_until ?? '2099-12-31',
        given.verified ?? true,
        given.deleted ?? false,
        given.company ?? null,
      ],
    )
  }
}

describe('two shifts at once', () => {
  /** The other shift takes hours 10 to 18; where this one lies, and whether the guard can take it. */
  const PLACES: [name: string, from: number, to: number, outcome: Outcome][] = [
    ['the same hours', 10, 18, 'shift_overlap'],
    ['within', 12, 14, 'shift_overlap'],
    ['around', 8, 20, 'shift_overlap'],
    ['into its start', 8, 10.001, 'shift_overlap'],
    ['out of its end', 17.999, 20, 'shift_overlap'],
    ['up to its start', 8, 10, 'ok'],
    ['from its end on', 18, 20, 'ok'],
    ['a day later', 34, 42, 'ok'],
  ]

  /** Of a company whose shifts neither the acting company nor anybody of it can see. */
  const elsewhere = (stage: Stage, status: ShiftStatus) =>
    shiftIn(stage, {
      status,
      company: ORGANIZATIONS.rival,
      location: LOCATIONS.otherClientSite,
      startsInHours: 10,
      hours: 8,
    })

  test.each(PLACES)('%s', async (_name, from, to, outcome) => {
    await rehearse(database, async (stage) => {
      const other = await elsewhere(stage, 'assigned')
      const id = await shiftIn(stage, { status: 'published', startsInHours: from, hours: to - from })
      expect(await stage.run('company', sql`select id from shifts where id = ${other}`)).toEqual([])
      await expectOfEveryWay(stage, id, outcome)
    })
  })

  test.each<[ShiftStatus, Outcome]>([
    ['draft', 'ok'],
    ['published', 'ok'],
    ['assigned', 'shift_overlap'],
    ['active', 'shift_overlap'],
    // Until its planned end.
    ['completed', 'shift_overlap'],
    ['cancelled', 'ok'],
  ])('the other being %s', async (status, outcome) => {
    await rehearse(database, async (stage) => {
      await elsewhere(stage, status)
      const id = await shiftIn(stage, { status: 'published', startsInHours: 12, hours: 2 })
      await expectOfEveryWay(stage, id, outcome)
    })
  })

  test('the other being released, or cancelled and deleted', async () => {
    await rehearse(database, async (stage) => {
      const other = await elsewhere(stage, 'assigned')
      const id = await shiftIn(stage, { status: 'published', startsInHours: 12, hours: 2 })
      await expectOfEveryWay(stage, id, 'shift_overlap')
      await stage.run('rival', updateShift(other, sql`status = 'published'`))
      await expectOfEveryWay(stage, id, 'ok')
      await stage.run('rival', sql`select muster.assign_shift(${other}, ${PROFESSIONALS.guard})`)
      await stage.run('rival', updateShift(other, sql`status = 'cancelled', cancel_reason = 'x'`))
      await stage.run('rival', sql`delete from shifts where id = ${other} returning id`)
      await expectOfEveryWay(stage, id, 'ok')
    })
  })

  test("the other being another guard's", async () => {
    await rehearse(database, async (stage) => {
      await shiftIn(stage, { status: 'assigned', professional: PROFESSIONALS.otherGuard })
      const id = await shiftIn(stage, { status: 'published' })
      await expectOfEveryWay(stage, id, 'ok')
    })
  })

  test('are refused to whoever inserts, edits, or writes many at a time', async () => {
    await rehearse(database, async (stage) => {
      await elsewhere(stage, 'assigned')
      const insert = insertAssigned('assigned', PROFESSIONALS.guard, 12, 14)
      expect(await stage.attempt('owner', insert)).toBe('shift_overlap')
      expect(await stage.attempt('service_role', insert)).toBe('shift_overlap')

      const free = await shiftIn(stage, { status: 'assigned', startsInHours: 20, hours: 2 })
      const sooner = updateShift(free, sql`start_datetime = ${inHours(17)}`)
      for (const actor of ['company', 'admin', 'service_role', 'owner'] as const) {
        expect([actor, await stage.attempt(actor, sooner)]).toEqual([actor, 'shift_overlap'])
      }

      const one = await shiftIn(stage, { status: 'published', startsInHours: 30, hours: 8 })
      const twin = await shiftIn(stage, { status: 'published', startsInHours: 31, hours: 8 })
      const both = sql`update shifts set status = 'assigned', professional_id = ${PROFESSIONALS.guard}
                       where id in (${one}, ${twin}) returning id`
      expect(await stage.attempt('company', both)).toBe('shift_overlap')
    })
  })

  test('are refused by the constraint alone, without the trigger', async () => {
    await rehearse(database, async (stage) => {
      await elsewhere(stage, 'assigned')
      await stage.owner.query('alter table shifts disable trigger c_check_assignment_on_update')
      const clashing = await shiftIn(stage, { status: 'published', startsInHours: 12, hours: 2 })
      await expectOfEveryWay(stage, clashing, 'shift_overlap')
      const next = await shiftIn(stage, { status: 'published', startsInHours: 18, hours: 2 })
      await expectOfEveryWay(stage, next, 'ok')
    })
  })
})

describe('certificates', () => {
  const CASES: [name: string, required: string[], has: Parameters<typeof giveCertificates>[1][], Outcome][] =
    [
      ['none', ['vca'], [], 'certificate_missing'],
      ['the one', ['vca'], [{}], 'ok'],
      ['none, where none is required', [], [], 'ok'],
      ['another kind', ['vca'], [{ kind: 'bhv' }], 'certificate_missing'],
      ['one of two', ['vca', 'bhv'], [{}], 'certificate_missing'],
      ['both', ['vca', 'bhv'], [{}, { kind: 'bhv' }], 'ok'],
      ['one that nobody verified', ['vca'], [{ verified: false }], 'certificate_missing'],
      ['one that was removed', ['vca'], [{ deleted: true }], 'certificate_missing'],
      ['one that has ended', ['vca'], [{ valid_until: '2020-01-01' }], 'certificate_expired'],
      ['an old one and a new one', ['vca'], [{ valid_until: '2020-01-01' }, {}], 'ok'],
      [
        'an old one, and a new one that nobody verified',
        ['vca'],
        [{ valid_until: '2020-01-01' }, { verified: false }],
        'certificate_expired',
      ],
      ['one of this company', ['vca'], [{ company: ORGANIZATIONS.company }], 'ok'],
      ['one of another company', ['vca'], [{ company: ORGANIZATIONS.rival }], 'certificate_missing'],
      [
        'an old one, and a new one of another company',
        ['vca'],
        [{ valid_until: '2020-01-01' }, { company: ORGANIZATIONS.rival }],
        'certificate_expired',
      ],
      ["another guard's", ['vca'], [{ professional: PROFESSIONALS.otherGuard }], 'certificate_missing'],
    ]

  test.each(CASES)('%s', async (_name, required, has, outcome) => {
    await rehearse(database, async (stage) => {
      await giveCertificates(stage, ...has)
      const id = await shiftIn(stage, { status: 'published', certificates: required })
      await expectOfEveryWay(stage, id, outcome)
    })
  })

  /** When the shift ends there, and the last day on which a certificate may end. */
  const ENDS: [zone: string, end: string, lastDay: string, tooEarly: string][] = [
    ['Europe/Amsterdam', '2030-01-15 06:00', '2030-01-15', '2030-01-14'],
    // In UTC it is the day before: 22:30.
    ['Europe/Amsterdam', '2030-07-15 00:30', '2030-07-15', '2030-07-14'],
    // 24:00 is the end of a day: the shift takes no moment of the next one.
    ['Europe/Amsterdam', '2030-01-15 00:00', '2030-01-14', '2030-01-13'],
    ['Europe/Amsterdam', '2030-01-14 23:59:59.999999', '2030-01-14', '2030-01-13'],
    ['Europe/Amsterdam', '2030-01-15 00:00:00.000001', '2030-01-15', '2030-01-14'],
    // A day that begins at 01:00, because the clock goes forward at midnight.
    ['America/Havana', '2030-03-10 01:00', '2030-03-09', '2030-03-08'],
    // The nights in which the clock goes forward, and back.
    ['Europe/Amsterdam', '2030-03-31 03:30', '2030-03-31', '2030-03-30'],
    ['Europe/Amsterdam', '2030-10-27 02:30', '2030-10-27', '2030-10-26'],
    ['Pacific/Kiritimati', '2030-01-15 00:30', '2030-01-15', '2030-01-14'],
    ['Pacific/Kiritimati', '2030-01-15 13:59', '2030-01-15', '2030-01-14'],
    ['Pacific/Pago_Pago', '2030-01-15 23:30', '2030-01-15', '2030-01-14'],
    ['UTC', '2030-01-15 23:30', '2030-01-15', '2030-01-14'],
    ['Asia/Kathmandu', '2030-01-15 00:15', '2030-01-15', '2030-01-14'],
  ]

  test.each(ENDS)('count through the end there: %s %s', async (zone, end, lastDay, tooEarly) => {
    await rehearse(database, async (stage) => {
      await stage.owner.query('update locations set time_zone = $2 where id = $1', [LOCATIONS.site, zone])
      const id = await shiftIn(stage, { status: 'published' })
      const ends = sql`${end}::timestamp at time zone ${zone}`
      await stage.run(
        'owner',
        updateShift(id, sql`start_datetime = (${ends}) - interval '8 hours', end_datetime = (${ends})`),
      )
      await giveCertificates(stage, { valid_until: tooEarly })
      await expectOfEveryWay(stage, id, 'certificate_expired')
      await giveCertificates(stage, { valid_until: lastDay })
      await expectOfEveryWay(stage, id, 'ok')
    })
  })
})

describe('the professional', () => {
  test.each<[status: string, Outcome]>([
    ['active', 'ok'],
    ['inactive', 'professional_inactive'],
    ['suspended', 'professional_inactive'],
  ])('who is %s', async (status, outcome) => {
    await rehearse(database, async (stage) => {
      await stage.owner.query('update security_professionals set status = $2 where id = $1', [
        PROFESSIONALS.guard,
        status,
      ])
      await expectOfEveryWay(stage, await shiftIn(stage, { status: 'published' }), outcome)
    })
  })

  test('who was removed, is of another tenant, or is nobody, is not found', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      await stage.owner.query('update security_professionals set deleted_at = now() where id = $1', [
        PROFESSIONALS.otherGuard,
      ])
      const nobody = '00000000-0000-7000-8000-000000000000'
      for (const professional of [PROFESSIONALS.otherGuard, PROFESSIONALS.foreignGuard, nobody]) {
        for (const actor of ['admin', 'service_role', 'owner'] as const) {
          const outcome = await stage.attempt(actor, assign(id, professional))
          expect([professional, actor, outcome]).toEqual([professional, actor, 'not_found'])
        }
        const byFunction = sql`select muster.assign_shift(${id}, ${professional})`
        expect([professional, await stage.attempt('company', byFunction)]).toEqual([
          professional,
          'not_found',
        ])
      }
      expect(await stage.attempt('company', updateShift(id, sql`status = 'assigned'`))).toBe('not_found')
      expect(await stage.attempt('foreignGuard', claim(id))).toBe('not_found')
      expect(await stage.attempt('foreignGuard', assign(id, PROFESSIONALS.foreignGuard))).toBe('unseen')
    })
  })
})

describe('what speaks against a professional', () => {
  const REASONS: [code: string, detail: string | null, arrange: (stage: Stage) => Promise<unknown>][] = [
    [
      'professional_inactive',
      null,
      (stage) =>
        stage.owner.query("update security_professionals set status = 'suspended' where id = $1", [
          PROFESSIONALS.guard,
        ]),
    ],
    [
      'certificate_missing',
      'bhv',
      (stage) =>
        stage.owner.query(
          "update certificates set kind = 'svpb' where kind = 'bhv' and professional_id = $1",
          [PROFESSIONALS.guard],
        ),
    ],
    [
      'certificate_expired',
      'vca',
      (stage) =>
        stage.owner.query(
          "update certificates set valid_until = '2020-01-01' where kind = 'vca' and professional_id = $1",
          [PROFESSIONALS.guard],
        ),
    ],
    [
      'shift_overlap',
      null,
      // Without the checks: a suspended guard would get none.
      async (stage) => {
        const id = await shiftIn(stage, { status: 'published', company: ORGANIZATIONS.rival })
        await stage.owner.query('alter table shifts disable trigger c_check_assignment_on_update')
        await stage.run('owner', assign(id))
        await stage.owner.query('alter table shifts enable trigger c_check_assignment_on_update')
      },
    ],
  ]

  const combinations = Array.from({ length: 2 ** REASONS.length }, (_, bits) =>
    REASONS.filter((_, nth) => bits & (1 << nth)),
  )

  test.each(
    combinations.map((reasons) => ({
      reasons,
      names: reasons.map(([code]) => code).join(', ') || 'nothing',
    })),
  )('is listed in full, and the first violation is raised: $names', async ({ reasons }) => {
    await rehearse(database, async (stage) => {
      await giveCertificates(stage, {}, { kind: 'bhv' })
      const id = await shiftIn(stage, { status: 'published', certificates: ['bhv', 'vca'] })
      for (const [, , arrange] of reasons) await arrange(stage)
      expect(await violationsOf(stage, id)).toEqual(reasons.map(([code, detail]) => ({ code, detail })))
      await expectOfEveryWay(stage, id, reasons[0]?.[0] ?? 'ok')
    })
  })

  test('is one thing alone for who is not there: not_found', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published', certificates: ['bhv'] })
      expect(await violationsOf(stage, id, PROFESSIONALS.foreignGuard)).toEqual([
        { code: 'not_found', detail: 'professional_id' },
      ])
    })
  })

  test('leaves out the shift itself: who works it already may go on', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      expect(await violationsOf(stage, id)).toEqual([])
      expect(
        await stage.attempt('company', updateShift(id, sql`end_datetime = end_datetime + interval '1 hour'`)),
      ).toBe('ok')
    })
  })

  test('is checked for the new professional also without the state machine', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      await stage.owner.query("update security_professionals set status = 'suspended' where id = $1", [
        PROFESSIONALS.otherGuard,
      ])
      await stage.owner.query('alter table shifts disable trigger b_check_transition')
      const swap = updateShift(id, sql`professional_id = ${PROFESSIONALS.otherGuard}::uuid`)
      expect(await stage.attempt('company', swap)).toBe('professional_inactive')
    })
  })

  test('cannot be queried by callers directly', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      for (const actor of ['company', 'guard', 'client', 'admin', 'anon'] as const) {
        const asked = sql`select v.code from shifts s, muster.assignment_violations(${PROFESSIONALS.guard}::uuid, s) v
                          where s.id = ${id}`
        expect([actor, await stage.attempt(actor, asked)]).toEqual([actor, 'forbidden'])
      }
    })
  })
})

describe('what an assignment rests on', () => {
  const withdraw = sql`update certificates set verified_at = null where professional_id = ${PROFESSIONALS.guard} returning id`
  const shorten = sql`update certificates set valid_until = '2020-01-01' where professional_id = ${PROFESSIONALS.guard} returning id`
  const remove = sql`delete from certificates where professional_id = ${PROFESSIONALS.guard} returning id`
  const rename = sql`update certificates set kind = 'bhv' where professional_id = ${PROFESSIONALS.guard} returning id`
  const narrow = sql`update certificates set company_id = ${ORGANIZATIONS.rival} where professional_id = ${PROFESSIONALS.guard} returning id`
  const give = sql`update certificates set professional_id = ${PROFESSIONALS.otherGuard} where professional_id = ${PROFESSIONALS.guard} returning id`
  const suspend = sql`update security_professionals set status = 'suspended' where id = ${PROFESSIONALS.guard} returning id`
  const retire = sql`update security_professionals set deleted_at = now() where id = ${PROFESSIONALS.guard} returning id`

  const TAKING_AWAY: [name: string, statement: SQL, actors: Actor[], Outcome][] = [
    ['withdrawing the certificate', withdraw, ['admin', 'service_role', 'owner'], 'certificate_in_use'],
    ['shortening it', shorten, ['admin', 'service_role', 'owner'], 'certificate_in_use'],
    ['removing it', remove, ['admin', 'service_role', 'owner'], 'certificate_in_use'],
    ['renaming it', rename, ['service_role', 'owner'], 'certificate_in_use'],
    ['making it count for another company', narrow, ['service_role', 'owner'], 'certificate_in_use'],
    ['giving it to another guard', give, ['service_role', 'owner'], 'certificate_in_use'],
    ['suspending the guard', suspend, ['admin', 'service_role', 'owner'], 'professional_in_use'],
    ['removing the guard', retire, ['service_role', 'owner'], 'professional_in_use'],
  ]

  test.each(TAKING_AWAY)('is not taken away by %s', async (_name, statement, actors, outcome) => {
    for (const status of ['assigned', 'active'] as const) {
      await rehearse(database, async (stage) => {
        await shiftIn(stage, { status })
        for (const actor of actors) {
          expect([status, actor, await stage.attempt(actor, statement)]).toEqual([status, actor, outcome])
        }
      })
    }
  })

  // A shift that is over, though nobody clocked out, does not count.
  test.each(TAKING_AWAY)('may go by %s when no shift rests on it', async (_name, statement, actors) => {
    for (const status of ['published', 'completed', 'cancelled'] as const) {
      await rehearse(database, async (stage) => {
        await shiftIn(stage, { status })
        await stage.run('owner', insertAssigned('active', PROFESSIONALS.guard, -9, -1))
        for (const actor of actors) {
          const outcome = await stage.tryOut(() => stage.attempt(actor, statement))
          // What a caller deletes is hidden, and answers with no row.
          expect([status, actor, outcome]).toEqual([
            status,
            actor,
            statement === remove && actor === 'admin' ? 'unseen' : 'ok',
          ])
        }
      })
    }
  })

  test('holds as long as another certificate of the kind does', async () => {
    await rehearse(database, async (stage) => {
      await giveCertificates(stage, {}, {})
      await shiftIn(stage, { status: 'assigned' })
      const one = sql`update certificates set verified_at = null
                      where id = (select id from certificates where professional_id = ${PROFESSIONALS.guard}
                                  and verified_at is not null limit 1) returning id`
      expect(await stage.attempt('owner', one)).toBe('ok')
      expect(await stage.attempt('owner', one)).toBe('certificate_in_use')
    })
  })

  test('may be shortened to the last day, and lengthened', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      const until = (days: number) => sql`
        update certificates set valid_until = (select (end_datetime at time zone time_zone)::date + ${days}::int from shifts where id = ${id})
        where professional_id = ${PROFESSIONALS.guard} returning id`
      expect(await stage.attempt('owner', until(-1))).toBe('certificate_in_use')
      expect(await stage.attempt('owner', until(0))).toBe('ok')
      expect(await stage.attempt('owner', until(100))).toBe('ok')
    })
  })

  test('cannot be removed by callers without the right to it', async () => {
    await rehearse(database, async (stage) => {
      await shiftIn(stage, { status: 'assigned' })
      for (const statement of [withdraw, shorten, suspend]) {
        for (const actor of [
          'company',
          'rival',
          'client',
          'otherGuard',
          'foreignAdmin',
          'stranger',
        ] as const) {
          expect([actor, await stage.attempt(actor, statement)]).toEqual([actor, 'unseen'])
        }
      }
      expect(await stage.attempt('guard', withdraw)).toBe('unseen')
      expect(await stage.attempt('guard', suspend)).toBe('forbidden')
    })
  })
})

describe('a transaction that would weigh the past', () => {
  const LEVELS = ['repeatable read', 'serializable'] as const

  /** The same database, with another isolation level in each transaction. */
  const isolated = (level: string): Database => ({
    ...database,
    // The level is set before the first query, which would be the one that a session enters with.
    transaction: (work, { enter, ...options } = {}) =>
      database.transaction(async (tx) => {
        await tx.query(`set transaction isolation level ${level}`)
        if (enter) await tx.query(enter.text, enter.parameters)
        return work(tx)
      }, options),
  })

  let shift: string
  let assigned: string
  let planned: string
  beforeAll(async () => {
    shift = await arrangeShift(database, { startsInHours: 3 })
    assigned = await arrangeShift(database, { status: 'assigned', startsInHours: -1, hours: 2 })
    planned = await arrangeShift(database, { status: 'assigned', startsInHours: 70, hours: 2 })
  })

  const REFUSED: [name: string, actor: Actor, statement: () => SQL][] = [
    ['assigns', 'company', () => assign(shift)],
    ['claims', 'guard', () => claim(shift)],
    ['claims by update', 'guard', () => assign(shift)],
    ['assigns as the owner', 'owner', () => assign(shift)],
    [
      'inserts an assignment',
      'service_role',
      () => insertAssigned('assigned', PROFESSIONALS.otherGuard, 50, 51),
    ],
    [
      'moves the end of an assigned shift',
      'company',
      () => updateShift(assigned, sql`end_datetime = end_datetime + interval '1 minute'`),
    ],
    [
      'moves the start of an assigned shift',
      'company',
      () => updateShift(planned, sql`start_datetime = start_datetime - interval '1 minute'`),
    ],
    [
      'withdraws a certificate',
      'admin',
      () =>
        sql`update certificates set verified_at = null where professional_id = ${PROFESSIONALS.otherGuard} returning id`,
    ],
    [
      'deletes a certificate',
      'owner',
      () => sql`delete from certificates where professional_id = ${PROFESSIONALS.otherGuard} returning id`,
    ],
    [
      'suspends a guard',
      'admin',
      () =>
        sql`update security_professionals set status = 'suspended' where id = ${PROFESSIONALS.otherGuard} returning id`,
    ],
    [
      'moves a location',
      'client',
      () =>
        sql`update locations set location_point = st_point(5, 52)::geography where id = ${LOCATIONS.site} returning id`,
    ],
    [
      'removes a location',
      'company',
      () => sql`delete from locations where id = ${LOCATIONS.office} returning id`,
    ],
    [
      'checks in',
      'guard',
      () => sql`
        insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${assigned}, 'clock_in', st_point(${SITE.longitude}::float8, ${SITE.latitude}::float8)::geography, 5, now())
        returning id`,
    ],
  ]

  test.each(REFUSED)(
    '%s: refused under REPEATABLE READ and SERIALIZABLE, not under READ COMMITTED',
    async (_name, actor, statement) => {
      for (const level of LEVELS) {
        expect([level, await outcomeOf(runAs(isolated(level), actor, statement()))]).toEqual([
          level,
          'isolation_unsupported',
        ])
      }
      await rehearse(database, async (stage) => {
        expect(await stage.attempt(actor, statement())).toMatch(/^(ok|unseen)$/)
      })
    },
  )

  test('changes what rests on nothing: allowed', async () => {
    const ALLOWED: [Actor, SQL][] = [
      ['company', updateShift(shift, sql`title = 'Other gate'`)],
      ['company', updateShift(shift, sql`end_datetime = end_datetime + interval '1 minute'`)],
      [
        'company',
        sql`insert into shifts (location_id, start_datetime, end_datetime, hourly_rate, title)
            values (${LOCATIONS.site}, ${inHours(1)}, ${inHours(2)}, 20, 'Gate') returning id`,
      ],
      [
        'guard',
        sql`insert into certificates (professional_id, kind, number, valid_until)
            values (${PROFESSIONALS.guard}, 'bhv', 'B-1', '2030-01-01') returning id`,
      ],
      ['client', sql`update locations set name = 'Site' where id = ${LOCATIONS.site} returning id`],
    ]
    for (const level of LEVELS) {
      for (const [actor, statement] of ALLOWED) {
        expect(await outcomeOf(runAs(isolated(level), actor, statement))).toBe('ok')
      }
    }
  })
})
