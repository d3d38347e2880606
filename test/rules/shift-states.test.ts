import { beforeAll, describe, expect, test } from 'vitest'
import { SHIFT_STATUSES, shifts } from '../../src/guarding/shifts/table.ts'
import { getTableConfig, type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { type Actor, type Outcome, rehearse, type Stage } from '../support/rehearsal.ts'
import { inHours, paymentsOf, type ShiftStatus, shiftIn, updateShift } from '../support/shifts.ts'
import { acquaint, buildWorld, LOCATIONS, ORGANIZATIONS, PROFESSIONALS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
})

/** Reads a table drawn in text: the first line names the columns, the first word of each other line its row. */
function readTable(drawn: string): Map<string, Map<string, string>> {
  const [header = [], ...rows] = drawn
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return new Map(
    rows.map(([row = '', ...cells]) => [
      row,
      new Map(cells.map((cell, column) => [header[column] ?? '', cell])),
    ]),
  )
}

/** Draws it back, so that a difference shows in its place. */
function drawTable(table: Map<string, Map<string, string>>): string {
  const columns = [...(table.values().next().value?.keys() ?? [])]
  const lines = [['', ...columns], ...[...table].map(([row, cells]) => [row, ...cells.values()])]
  return lines
    .map((line) =>
      line
        .map((cell) => cell.padEnd(20))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}

/** From the state at the left to the state above. */
const COMPANY_STEPS = `
                    draft               published           assigned            active              completed           cancelled           no_show
draft               ok                  ok                  shift_not_open      invalid_transition  invalid_transition  ok                  invalid_transition
published           invalid_transition  ok                  ok                  invalid_transition  invalid_transition  ok                  invalid_transition
assigned            invalid_transition  ok                  ok                  forbidden           invalid_transition  ok                  forbidden
active              invalid_transition  invalid_transition  shift_not_open      ok                  forbidden           ok                  invalid_transition
completed           invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok                  invalid_transition  invalid_transition
cancelled           invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok                  invalid_transition
no_show             invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok
`
/** Background work and the owner may also do what check-ins do. */
const INTERNAL_STEPS = `
                    draft               published           assigned            active              completed           cancelled           no_show
draft               ok                  ok                  shift_not_open      invalid_transition  invalid_transition  ok                  invalid_transition
published           invalid_transition  ok                  ok                  invalid_transition  invalid_transition  ok                  invalid_transition
assigned            invalid_transition  ok                  ok                  ok                  invalid_transition  ok                  ok
active              invalid_transition  invalid_transition  shift_not_open      ok                  ok                  ok                  invalid_transition
completed           invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok                  invalid_transition  invalid_transition
cancelled           invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok                  invalid_transition
no_show             invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  invalid_transition  ok
`
/** A guard edits nothing but an open shift, and that only to claim it. */
const GUARD_STEPS = `
                    draft               published           assigned            active              completed           cancelled           no_show
draft               unseen              unseen              unseen              unseen              unseen              unseen              unseen
published           invalid_transition  forbidden           ok                  invalid_transition  invalid_transition  forbidden           invalid_transition
assigned            unseen              unseen              unseen              unseen              unseen              unseen              unseen
active              unseen              unseen              unseen              unseen              unseen              unseen              unseen
completed           unseen              unseen              unseen              unseen              unseen              unseen              unseen
cancelled           unseen              unseen              unseen              unseen              unseen              unseen              unseen
no_show             unseen              unseen              unseen              unseen              unseen              unseen              unseen
`
/** Another guard than the one who is named: not even an open shift is theirs to give away. */
const OTHER_GUARD_STEPS = GUARD_STEPS.replace(' ok ', ' forbidden ')
const allCells = (outcome: Outcome): string =>
  [
    `${SHIFT_STATUSES.join(' ')}`,
    ...SHIFT_STATUSES.map((from) => `${from} ${SHIFT_STATUSES.map(() => outcome).join(' ')}`),
  ].join('\n')

const STEPS: Partial<Record<Actor, string>> = {
  company: COMPANY_STEPS,
  colleague: COMPANY_STEPS,
  admin: COMPANY_STEPS,
  guard: GUARD_STEPS,
  otherGuard: OTHER_GUARD_STEPS,
  service_role: INTERNAL_STEPS,
  owner: INTERNAL_STEPS,
  client: allCells('unseen'),
  otherClient: allCells('unseen'),
  rival: allCells('unseen'),
  foreignAdmin: allCells('unseen'),
  foreignCompany: allCells('unseen'),
  foreignGuard: allCells('unseen'),
  stranger: allCells('unseen'),
  anon: allCells('forbidden'),
}

describe('the state of a shift', () => {
  /** The step with everything that belongs to the state: it is the state that is refused, not what is missing. */
  const step = (id: string, from: ShiftStatus, to: ShiftStatus): SQL => {
    const changes = [sql`status = ${to}`]
    if (to === 'draft' || to === 'published') changes.push(sql`professional_id = null`)
    else if (to !== 'cancelled') changes.push(sql`professional_id = ${PROFESSIONALS.guard}::uuid`)
    if (from !== 'cancelled' && to === 'cancelled') changes.push(sql`cancel_reason = 'No longer needed'`)
    if (from === 'cancelled' && to !== 'cancelled') changes.push(sql`cancel_reason = null`)
    return updateShift(id, sql.join(changes, sql`, `))
  }

  for (const [actor, drawn] of Object.entries(STEPS) as [Actor, string][]) {
    test(`moves as ${actor} as the table says`, async () => {
      const expected = readTable(drawn)
      const found = new Map<string, Map<string, Outcome>>()
      await rehearse(database, async (stage) => {
        for (const from of SHIFT_STATUSES) {
          const outcomes = new Map<string, Outcome>()
          for (const to of SHIFT_STATUSES) {
            await stage.tryOut(async () => {
              const id = await shiftIn(stage, { status: from })
              outcomes.set(to, await stage.attempt(actor, step(id, from, to)))
            })
          }
          found.set(from, outcomes)
        }
      })
      expect(drawTable(found)).toBe(drawTable(expected))
    })
  }

  test.each<[Actor, Record<ShiftStatus, Outcome>]>([
    [
      'company',
      {
        draft: 'ok',
        published: 'ok',
        assigned: 'invalid_transition',
        active: 'invalid_transition',
        completed: 'invalid_transition',
        cancelled: 'invalid_transition',
        no_show: 'invalid_transition',
      },
    ],
    [
      'guard',
      {
        draft: 'forbidden',
        published: 'forbidden',
        assigned: 'forbidden',
        active: 'forbidden',
        completed: 'forbidden',
        cancelled: 'forbidden',
        no_show: 'forbidden',
      },
    ],
  ])('begins as %s with a draft, or published, or not at all', async (actor, expected) => {
    await rehearse(database, async (stage) => {
      const found: Partial<Record<ShiftStatus, Outcome>> = {}
      for (const status of SHIFT_STATUSES) {
        found[status] = await stage.attempt(
          actor,
          sql`insert into shifts (company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title)
              values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, ${status}, now() + interval '1 hour', now() + interval '9 hours', 20, 'Gate')
              returning id`,
        )
      }
      expect(found).toEqual(expected)
    })
  })

  test('is brought in by the owner as history, with its payment', async () => {
    await rehearse(database, async (stage) => {
      const [row] = await stage.run<{ id: string }>(
        'owner',
        sql`insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title)
            values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, 'completed', ${PROFESSIONALS.guard},
                    '2026-03-28 22:00+01', '2026-03-29 06:00+02', 20, 'The night the clocks went forward') returning id`,
      )
      // Seven hours: from 2 to 3 there was no night.
      expect(await paymentsOf(stage, row!.id)).toEqual([
        { status: 'pending', amount: 140, professional_id: PROFESSIONALS.guard },
      ])
    })
  })
})

describe('time closes a shift', () => {
  test('to a guard when it starts, to its company when it ends', async () => {
    await rehearse(database, async (stage) => {
      const claim = (id: string) => sql`select muster.claim_shift(${id})`
      const take = (id: string) =>
        updateShift(id, sql`status = 'assigned', professional_id = ${PROFESSIONALS.guard}`)
      const begun = await shiftIn(stage, { status: 'published', startsInHours: -1, hours: 4 })
      expect(await stage.attempt('guard', take(begun))).toBe('unseen')
      expect(await stage.attempt('guard', claim(begun))).toBe('shift_not_open')
      expect(await stage.attempt('company', take(begun))).toBe('ok')

      const over = await shiftIn(stage, { status: 'published', startsInHours: -9, hours: 8 })
      expect(await stage.attempt('company', take(over))).toBe('shift_not_open')
      expect(await stage.attempt('service_role', take(over))).toBe('shift_not_open')
    })
  })

  test('by the times that it will have, not by those that it had', async () => {
    await rehearse(database, async (stage) => {
      const take = (id: string, start: SQL, end: SQL) =>
        updateShift(
          id,
          sql`status = 'assigned', professional_id = ${PROFESSIONALS.guard}, start_datetime = ${start}, end_datetime = ${end}`,
        )
      const open = await shiftIn(stage, { status: 'published' })
      expect(await stage.attempt('company', take(open, inHours(-8), inHours(-1)))).toBe('shift_not_open')
      const over = await shiftIn(stage, { status: 'published', startsInHours: -9, hours: 8 })
      expect(await stage.attempt('company', take(over, inHours(1), inHours(8)))).toBe('ok')
    })
  })
})

describe('a shift that is over', () => {
  const createPublished = (from: number, to: number): SQL =>
    sql`insert into shifts (company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title)
        values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, 'published', ${inHours(from)}, ${inHours(to)}, 20, 'Gate')
        returning id`

  test('is not published, by creating it or from a draft; one that ends later is', async () => {
    await rehearse(database, async (stage) => {
      for (const actor of ['company', 'admin'] as const) {
        expect(await stage.attempt(actor, createPublished(-9, -1))).toBe('shift_over')
        expect(await stage.attempt(actor, createPublished(-9, 0))).toBe('shift_over')
        expect(await stage.attempt(actor, createPublished(-9, 1))).toBe('ok')
      }
      // History that is written down afterwards.
      expect(await stage.attempt('service_role', createPublished(-9, -1))).toBe('ok')
      const id = await shiftIn(stage, { status: 'draft', startsInHours: -9, hours: 8 })
      const publish = updateShift(id, sql`status = 'published'`)
      expect(await stage.attempt('company', publish)).toBe('shift_over')
      expect(await stage.attempt('company', updateShift(id, sql`end_datetime = ${inHours(1)}`))).toBe('ok')
      expect(await stage.attempt('company', publish)).toBe('ok')
    })
  })

  test('cannot be the result of moving a published shift or of a release; it can still be renamed and cancelled', async () => {
    await rehearse(database, async (stage) => {
      const open = await shiftIn(stage, { status: 'published' })
      expect(
        await stage.attempt(
          'company',
          updateShift(open, sql`start_datetime = ${inHours(-9)}, end_datetime = ${inHours(-1)}`),
        ),
      ).toBe('shift_over')
      // It lay in the future when it was assigned.
      const [assigned] = await stage.run<{ id: string }>(
        'owner',
        sql`insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title)
            values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, 'assigned', ${PROFESSIONALS.guard}, ${inHours(-9)}, ${inHours(-1)}, 20, 'Gate')
            returning id`,
      )
      const over = await shiftIn(stage, { status: 'published', startsInHours: -9, hours: 8 })
      expect(await stage.attempt('company', updateShift(assigned!.id, sql`status = 'published'`))).toBe(
        'shift_over',
      )
      expect(await stage.attempt('company', updateShift(over, sql`title = 'Nobody came'`))).toBe('ok')
      for (const id of [over, assigned!.id]) {
        expect(
          await stage.attempt(
            'company',
            updateShift(id, sql`status = 'cancelled', cancel_reason = 'Nobody came'`),
          ),
        ).toBe('ok')
      }
    })
  })
})

describe('a company that does not work for the client any more', () => {
  const endContract = (stage: Stage) =>
    stage.run(
      'owner',
      sql`delete from company_clients where company_id = ${ORGANIZATIONS.company} returning id`,
    )
  const assign = (id: string): SQL =>
    updateShift(id, sql`status = 'assigned', professional_id = ${PROFESSIONALS.guard}::uuid`)

  test('cannot change, publish or assign a draft or open shift there, and nobody can claim one', async () => {
    await rehearse(database, async (stage) => {
      const [draft, open, assigned] = [
        await shiftIn(stage, { status: 'draft' }),
        await shiftIn(stage, { status: 'published' }),
        await shiftIn(stage, { status: 'assigned', startsInHours: 30 }),
      ]
      await endContract(stage)
      const publish = (id: string) => updateShift(id, sql`status = 'published'`)
      for (const actor of ['company', 'admin', 'service_role'] as const) {
        for (const statement of [
          publish(draft),
          updateShift(draft, sql`title = 'Mine'`),
          updateShift(open, sql`hourly_rate = 30`),
          publish(assigned),
        ]) {
          expect(await stage.attempt(actor, statement)).toBe('not_found')
        }
        expect(await stage.attempt(actor, assign(open))).toBe('shift_not_open')
      }
      expect(await stage.attempt('guard', assign(open))).toBe('shift_not_open')
      expect(await stage.attempt('guard', sql`select muster.claim_shift(${open})`)).toBe('shift_not_open')
    })
  })

  test('ends what it has there, or takes it elsewhere; what a guard was promised goes on', async () => {
    await rehearse(database, async (stage) => {
      const [draft, open, moved, assigned, active] = [
        await shiftIn(stage, { status: 'draft' }),
        await shiftIn(stage, { status: 'published' }),
        await shiftIn(stage, { status: 'draft' }),
        await shiftIn(stage, { status: 'assigned', startsInHours: 30 }),
        await shiftIn(stage, { status: 'active', startsInHours: -1 }),
      ]
      await endContract(stage)
      const cancel = (id: string) =>
        updateShift(id, sql`status = 'cancelled', cancel_reason = 'The contract ended'`)
      expect(await stage.attempt('company', cancel(open))).toBe('ok')
      await stage.run('company', sql`delete from shifts where id = ${draft} returning id`)
      expect(
        await stage.run('owner', sql`select id from shifts where id = ${draft} and deleted_at is not null`),
      ).toHaveLength(1)
      expect(await stage.attempt('company', updateShift(moved, sql`location_id = ${LOCATIONS.office}`))).toBe(
        'ok',
      )
      expect(await stage.attempt('company', updateShift(moved, sql`status = 'published'`))).toBe('ok')
      expect(await stage.attempt('company', updateShift(moved, sql`location_id = ${LOCATIONS.site}`))).toBe(
        'not_found',
      )
      expect(await stage.attempt('company', updateShift(assigned, sql`title = 'The last night'`))).toBe('ok')
      expect(await stage.attempt('service_role', updateShift(active, sql`status = 'completed'`))).toBe('ok')
      expect(await stage.attempt('company', cancel(assigned))).toBe('ok')
      // The site may move: the shifts there follow it.
      expect(
        await stage.attempt(
          'client',
          sql`update locations set location_point = st_point(5, 52)::geography where id = ${LOCATIONS.site} returning id`,
        ),
      ).toBe('ok')
    })
  })
})

describe('a guard who claims', () => {
  test('by the function gets the shift, and others are told that it is gone', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      const claim = sql`select muster.claim_shift(${id})`
      for (const actor of ['company', 'client', 'admin', 'stranger'] as const) {
        expect([actor, await stage.attempt(actor, claim)]).toEqual([actor, 'forbidden'])
      }
      expect(await stage.attempt('anon', claim)).toBe('forbidden')
      expect(await stage.attempt('foreignGuard', claim)).toBe('not_found')
      expect(await stage.attempt('guard', claim)).toBe('ok')
      expect(await stage.attempt('otherGuard', claim)).toBe('shift_not_open')
      expect(await stage.attempt('guard', claim)).toBe('shift_not_open')
      const draft = await shiftIn(stage, { status: 'draft', startsInHours: 20 })
      expect(await stage.attempt('guard', sql`select muster.claim_shift(${draft})`)).toBe('not_found')
    })
  })

  /** A value for each column that may be updated at all, other than the one a fixture has. */
  const OTHER_VALUES: Record<string, SQL> = {
    location_id: sql`${LOCATIONS.office}::uuid`,
    professional_id: sql`${PROFESSIONALS.otherGuard}::uuid`,
    status: sql`'published'`,
    start_datetime: sql`start_datetime - interval '1 minute'`,
    end_datetime: sql`end_datetime + interval '1 minute'`,
    hourly_rate: sql`400`,
    overtime_rate: sql`4`,
    required_certificates: sql`'{}'::text[]`,
    title: sql`'Mine'`,
    description: sql`'Sleep'`,
    cancel_reason: sql`'None'`,
  }

  test('touches no other column', async () => {
    const columns = await database.query<{ name: string }>(
      `select column_name as name from information_schema.column_privileges
       where table_schema = 'public' and table_name = 'shifts' and grantee = 'authenticated' and privilege_type = 'UPDATE'
       order by 1`,
    )
    expect(columns.map(({ name }) => name)).toEqual(Object.keys(OTHER_VALUES).sort())
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      for (const [column, value] of Object.entries(OTHER_VALUES)) {
        const claim: Record<string, SQL> = {
          status: sql`'assigned'`,
          professional_id: sql`${PROFESSIONALS.guard}::uuid`,
          [column]: value,
        }
        const changes = Object.entries(claim).map(([name, to]) => sql`${sql.identifier(name)} = ${to}`)
        expect([column, await stage.attempt('guard', updateShift(id, sql.join(changes, sql`, `)))]).toEqual([
          column,
          // Without a step of the state it is nobody's to name a professional.
          column === 'status' ? 'invalid_transition' : 'forbidden',
        ])
      }
    })
  })

  test('without a professional, or as one who was removed, claims nothing', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      const bare = updateShift(id, sql`status = 'assigned'`)
      expect(await stage.attempt('guard', bare)).toBe('forbidden')
      await stage.owner.query('update security_professionals set deleted_at = now() where id = $1', [
        PROFESSIONALS.guard,
      ])
      expect(await stage.attempt('guard', sql`select muster.claim_shift(${id})`)).toBe('forbidden')
      expect(await stage.attempt('guard', bare)).not.toBe('ok')
    })
  })
})

describe('what may be written', () => {
  test('by callers is what is granted: everything else is refused, whoever asks', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      const granted = await stage.owner.query<{ name: string }>(
        `select column_name as name from information_schema.column_privileges
         where table_schema = 'public' and table_name = 'shifts' and grantee = 'authenticated' and privilege_type = 'UPDATE'`,
      )
      const computed = getTableConfig(shifts)
        .columns.map((column) => column.name)
        .filter((name) => !granted.some((column) => column.name === name))
      expect(computed).toEqual(
        expect.arrayContaining([
          'company_id',
          'tenant_id',
          'client_id',
          'location_point',
          'time_zone',
          'deleted_at',
        ]),
      )
      for (const column of computed) {
        for (const actor of ['company', 'admin', 'guard', 'client'] as const) {
          const same = sql`${sql.identifier(column)} = ${sql.identifier(column)}`
          expect([column, actor, await stage.attempt(actor, updateShift(id, same))]).toEqual([
            column,
            actor,
            'forbidden',
          ])
        }
      }
    })
  })

  test.each<Actor>(['service_role', 'owner'])(
    'by %s moves no shift to another company or tenant',
    async (actor) => {
      await rehearse(database, async (stage) => {
        const id = await shiftIn(stage, { status: 'draft' })
        for (const change of [
          sql`company_id = ${ORGANIZATIONS.rival}::uuid`,
          sql`tenant_id = (select o.tenant_id from organizations o where o.id = ${ORGANIZATIONS.foreignCompany})`,
        ]) {
          expect(await stage.attempt(actor, updateShift(id, change))).toBe('forbidden')
        }
      })
    },
  )

  test.each<Actor>(['service_role', 'owner'])('by %s keeps what the location decides', async (actor) => {
    await rehearse(database, async (stage) => {
      for (const status of ['draft', 'published', 'assigned', 'active'] as const) {
        const id = await shiftIn(stage, { status, startsInHours: 10 + 10 * SHIFT_STATUSES.indexOf(status) })
        const copied = sql`select client_id, location_point::text, time_zone from shifts where id = ${id}`
        const before = await stage.run('owner', copied)
        expect(
          await stage.attempt(
            actor,
            updateShift(
              id,
              sql`client_id = ${ORGANIZATIONS.otherClient}, location_point = st_point(0, 0)::geography, time_zone = 'UTC'`,
            ),
          ),
        ).toBe('ok')
        expect(await stage.run('owner', copied)).toEqual(before)
      }
    })
  })

  test('nobody can change a finished shift', async () => {
    const changes: Record<string, SQL> = {
      title: sql`title = 'Another'`,
      hourly_rate: sql`hourly_rate = hourly_rate + 1`,
      times: sql`start_datetime = start_datetime - interval '1 hour'`,
      required_certificates: sql`required_certificates = '{}'`,
      professional_id: sql`professional_id = ${PROFESSIONALS.otherGuard}`,
      location_id: sql`location_id = ${LOCATIONS.office}`,
      description: sql`description = 'x'`,
      cancel_reason: sql`cancel_reason = 'Another reason'`,
    }
    await rehearse(database, async (stage) => {
      for (const status of ['completed', 'cancelled'] as const) {
        const id = await shiftIn(stage, { status })
        for (const actor of ['company', 'admin', 'service_role', 'owner'] as const) {
          for (const [name, change] of Object.entries(changes)) {
            expect([status, actor, name, await stage.attempt(actor, updateShift(id, change))]).toEqual([
              status,
              actor,
              name,
              'invalid_transition',
            ])
          }
        }
      }
    })
  })

  test('a professional is never swapped: the shift is released first', async () => {
    await rehearse(database, async (stage) => {
      const swap = sql`professional_id = ${PROFESSIONALS.otherGuard}`
      for (const status of ['assigned', 'active'] as const) {
        const id = await shiftIn(stage, { status, startsInHours: status === 'active' ? 20 : 1 })
        for (const actor of ['company', 'admin', 'service_role', 'owner'] as const) {
          expect([status, actor, await stage.attempt(actor, updateShift(id, swap))]).toEqual([
            status,
            actor,
            'invalid_transition',
          ])
          expect(
            await stage.attempt(
              actor,
              updateShift(id, sql`${swap}, status = 'cancelled', cancel_reason = 'x'`),
            ),
          ).toBe('invalid_transition')
        }
      }
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: 40 })
      expect(await stage.attempt('company', updateShift(id, sql`status = 'published'`))).toBe('ok')
      expect(await stage.attempt('company', updateShift(id, sql`${swap}, status = 'assigned'`))).toBe('ok')
    })
  })

  test('an edit says who did it, and when', async () => {
    await rehearse(database, async (stage) => {
      const [row] = await stage.run<{ id: string }>(
        'company',
        sql`insert into shifts (location_id, start_datetime, end_datetime, hourly_rate, title)
            values (${LOCATIONS.site}, now() + interval '1 hour', now() + interval '2 hours', 20, 'Gate') returning id`,
      )
      await stage.run('admin', updateShift(row!.id, sql`title = 'Other gate'`))
      expect(
        await stage.run(
          'owner',
          sql`select company_id, created_by, updated_by, updated_at = now() as now from shifts where id = ${row!.id}`,
        ),
      ).toEqual([
        { company_id: ORGANIZATIONS.company, created_by: USERS.company, updated_by: USERS.admin, now: true },
      ])
    })
  })
})

describe('deleting', () => {
  test.each<[Actor, Record<ShiftStatus, Outcome>]>([
    [
      'company',
      {
        draft: 'gone',
        published: 'gone',
        assigned: 'invalid_transition',
        active: 'invalid_transition',
        completed: 'invalid_transition',
        cancelled: 'gone',
        no_show: 'invalid_transition',
      },
    ],
    [
      'client',
      {
        draft: 'there',
        published: 'there',
        assigned: 'there',
        active: 'there',
        completed: 'there',
        cancelled: 'there',
        no_show: 'there',
      },
    ],
    [
      'guard',
      {
        draft: 'there',
        published: 'there',
        assigned: 'there',
        active: 'there',
        completed: 'there',
        cancelled: 'there',
        no_show: 'there',
      },
    ],
  ])('as %s hides a shift that nobody works', async (actor, expected) => {
    await rehearse(database, async (stage) => {
      const found: Partial<Record<ShiftStatus, Outcome>> = {}
      for (const [nth, status] of SHIFT_STATUSES.entries()) {
        const id = await shiftIn(stage, { status, startsInHours: 1 + 10 * nth })
        const outcome = await stage.attempt(actor, sql`delete from shifts where id = ${id} returning id`)
        const [row] = await stage.run<{ deleted: boolean }>(
          'owner',
          sql`select deleted_at is not null as deleted from shifts where id = ${id}`,
        )
        found[status] = outcome === 'unseen' ? (row?.deleted ? 'gone' : 'there') : outcome
      }
      expect(found).toEqual(expected)
    })
  })

  test.each<Actor>(['service_role', 'owner'])('as %s takes no assignment away unseen', async (actor) => {
    await rehearse(database, async (stage) => {
      for (const status of ['assigned', 'active'] as const) {
        const id = await shiftIn(stage, { status, startsInHours: status === 'active' ? 20 : 1 })
        expect(await stage.attempt(actor, updateShift(id, sql`deleted_at = now()`))).toBe(
          'validation_failed shifts_deleted_is_not_worked',
        )
        expect(await stage.attempt(actor, sql`delete from shifts where id = ${id} returning id`)).toBe(
          'invalid_reference finqle_transactions_shift_fk',
        )
      }
    })
  })
})
