import { describe, expect, it, vi } from 'vitest'
import { settings } from '../../src/config.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openSessions, type Session } from '../../src/platform/db/session.ts'
import { useApi } from '../support/api.ts'
import {
  type Assignment,
  arrangeAssignment,
  checkInAt,
  minutes,
  seconds,
  stateOf,
} from '../support/check-ins.ts'
import { patience } from '../support/patience.ts'
import { refusalOf } from '../support/rehearsal.ts'
import { callerOf, type Persona } from '../support/world.ts'

const api = useApi({ DATABASE_POOL_SIZE: '16' })

/** `DATABASE_CALLER_CONNECTIONS`. */
const DEFAULT_CALLER_CONNECTIONS = settings.parse({}).DATABASE_CALLER_CONNECTIONS

const assignment = () => arrangeAssignment(api().owner)
const statusOf = async (shift: Assignment): Promise<unknown> =>
  (await api().owner.query('select status from shifts where id = $1', [shift.id]))[0]?.status
const countIn = async (shift: Assignment): Promise<unknown> =>
  (
    await api().owner.query('select count(*)::integer as n from gps_checkins where shift_id = $1', [shift.id])
  )[0]?.n

/** Check-ins of the whole of a shift, in and out among them. */
const wholeShift = (shift: Assignment, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...checkInAt(minutes(shift.start, n), {
      kind: n === 0 ? 'clock_in' : n === count - 1 ? 'clock_out' : 'ping',
    }),
    shift_id: shift.id,
  }))

/** A session's work that stops when it has done `first`, until it is let go on. */
function pausable(persona: Persona, first: (session: Session) => Promise<unknown>) {
  const done = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const finished = openSessions(api().api).write(callerOf(persona), async (session) => {
    await first(session)
    done.resolve()
    await go.promise
  })
  finished.catch(done.reject)
  return { done: done.promise, go: go.resolve, finished }
}

/** Waits until somebody waits for a lock. */
const someoneWaits = () =>
  vi.waitFor(async () => {
    const [row] = await api().owner.query<{ n: number }>(
      `select count(*)::integer as n from pg_locks l join pg_stat_activity a using (pid)
       where not l.granted and a.datname = current_database()`,
    )
    expect(row!.n).toBeGreaterThan(0)
  }, patience(10_000))

describe('the same batch from eight clients at once', () => {
  it.each(['in the same order', 'each in its own order'])(
    'creates each item exactly once: %s',
    async (order) => {
      const shifts = [await assignment(), await assignment()]
      const items = shifts.flatMap((shift) => wholeShift(shift, 40))
      const rotated = (client: number) =>
        order === 'in the same order' ? items : [...items.slice(client * 10), ...items.slice(0, client * 10)]
      const batches = Array.from({ length: 8 }, (_, client) => rotated(client))
      const responses = await Promise.all(
        batches.map((batch) => api().as('guard').post('/v1/checkins/batch', { items: batch })),
      )
      const results = responses.flatMap((response) => response.json().results)
      expect(results).toHaveLength(8 * items.length)
      const created = results.filter(({ status }) => status === 'created').map(({ id }) => id)
      expect(created.sort()).toEqual(items.map(({ id }) => id).sort())
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['created', 'duplicate']))
      for (const shift of shifts) {
        expect(await stateOf(api().owner, shift)).toMatchObject({ status: 'completed', transactions: [{}] })
      }
    },
  )
})

describe('the same pings of one minute from several phones at once', () => {
  it('are counted once towards the limit of the minute', async () => {
    const shift = await assignment()
    const company = pausable('company', (session) =>
      session.rows(sql`update shifts set title = 'Locked' where id = ${shift.id} returning id`),
    )
    await company.done
    const items = Array.from({ length: 100 }, (_, n) => ({
      ...checkInAt(seconds(shift.start, n / 2)),
      shift_id: shift.id,
    }))
    const sent = [1, 2, 3].map(() => api().as('guard').post('/v1/checkins/batch', { items }))
    // Each has looked for what is stored, and waits for the shift.
    await vi.waitFor(async () => {
      const [row] = await api().owner.query<{ waiting: number }>(
        `select count(*)::integer as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      )
      expect(row!.waiting).toBeGreaterThan(1)
    }, patience(10_000))
    company.go()
    await company.finished
    const statuses = (await Promise.all(sent)).flatMap((response) =>
      response.json().results.map(({ status }: { status: string }) => status),
    )
    expect(statuses.filter((status) => status === 'created')).toHaveLength(100)
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(200)
  })
})

describe('batches over the same shifts in opposite orders', () => {
  /** One attempt, without the retries of a session: a deadlock shows. */
  const recordOnce = (database: Database, items: unknown[]): Promise<string[]> =>
    database.transaction(async (tx) => {
      const claims = JSON.stringify(callerOf('guard').claims)
      await tx.query(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
        [claims],
      )
      const [row] = await tx.query<{ results: { status: string }[] }>(
        'select muster.record_check_ins($1::jsonb) as results',
        [JSON.stringify(items)],
      )
      return row!.results.map(({ status }) => status)
    })

  it.each([
    ['all good', false],
    ['with a bad one', true],
  ])('do not deadlock: %s', async (_, withBad) => {
    for (let round = 0; round < 10; round += 1) {
      const shifts = [await assignment(), await assignment()]
      // Ids grow as they are made, so neither the order of the items nor that of their ids is that of the shifts.
      const batch = (order: Assignment[]) => {
        const items = order.flatMap((shift) => wholeShift(shift, 15))
        const bad = { ...checkInAt(minutes(shifts[0]!.start, -500)), shift_id: shifts[0]!.id }
        return withBad ? [...items, bad] : items
      }
      const opposite = shifts.toReversed()
      const batches = [batch(shifts), batch(opposite), batch(shifts), batch(opposite)]
      const answers = await Promise.all(batches.map((items) => recordOnce(api().api, items)))
      expect(answers.flat().filter((status) => status === 'created')).toHaveLength(4 * 30)
      for (const shift of shifts) expect(await statusOf(shift)).toBe('completed')
    }
  })
})

describe('check-ins of one guard that wait', () => {
  it('occupy only their share of the connections, and another caller is served', async () => {
    const shift = await assignment()
    const company = pausable('company', (session) =>
      session.rows(sql`update shifts set title = 'Locked' where id = ${shift.id} returning id`),
    )
    await company.done
    const sent = Array.from({ length: 30 }, (_, n) =>
      api()
        .as('guard')
        .post(`/v1/shifts/${shift.id}/checkins`, checkInAt(minutes(shift.start, n))),
    )
    await vi.waitFor(async () => {
      const [row] = await api().owner.query(
        `select count(*)::integer as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      )
      expect(row).toEqual({ waiting: DEFAULT_CALLER_CONNECTIONS })
    }, patience(10_000))
    expect((await api().as('otherGuard').get('/v1/me')).statusCode).toBe(200)
    company.go()
    await company.finished
    for (const response of await Promise.all(sent)) expect(response.statusCode).toBe(201)
    expect(await countIn(shift)).toBe(30)
  })
})

describe('a clock_in beside a release or a cancellation', () => {
  const clockIn = (shift: Assignment) => checkInAt(shift.start, { kind: 'clock_in' })

  it.each([
    ['release', sql`status = 'published'`, 'published'],
    ['cancellation', sql`status = 'cancelled', cancel_reason = 'Fire'`, 'cancelled'],
  ])('comes after a %s that came first', async (_, change, status) => {
    // A shift that has begun is not released.
    const shift = await arrangeAssignment(api().owner, { start: new Date(Date.now() + 3_600_000) })
    const company = pausable('company', (session) =>
      session.rows(sql`update shifts set ${change} where id = ${shift.id} returning id`),
    )
    await company.done
    const later = checkInAt(new Date(Date.now() + 1_000), { kind: 'clock_in' })
    const response = api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, later)
    await someoneWaits()
    company.go()
    await company.finished
    expect((await response).json()).toMatchObject({ code: 'shift_not_assigned' })
    expect([await statusOf(shift), await countIn(shift)]).toEqual([status, 0])
  })

  it.each([
    ['release, which is refused', sql`status = 'published'`, 'invalid_transition', 'active'],
    [
      'cancellation, of an active shift',
      sql`status = 'cancelled', cancel_reason = 'Fire'`,
      'ok',
      'cancelled',
    ],
  ])('comes before a %s', async (_, change, outcome, status) => {
    const shift = await assignment()
    const { id, kind, latitude, longitude, accuracy_meters, recorded_at } = clockIn(shift)
    const guard = pausable('guard', (session) =>
      session.rows(
        sql`insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
            values (${id}, ${shift.id}, ${kind}, st_point(${longitude}, ${latitude})::geography, ${accuracy_meters}, ${recorded_at})
            returning id`,
      ),
    )
    await guard.done
    const company = openSessions(api().api)
      .write(callerOf('company'), (session) =>
        session.rows(sql`update shifts set ${change} where id = ${shift.id} returning id`),
      )
      .then(() => 'ok', refusalOf)
    await someoneWaits()
    guard.go()
    await guard.finished
    expect(await company).toBe(outcome)
    expect([await statusOf(shift), await countIn(shift)]).toEqual([status, 1])
  })
})

it('a clock_in and a clock_out at once complete the shift, whichever commits first', async () => {
  for (const [first, second] of [
    ['clock_in', 'clock_out'],
    ['clock_out', 'clock_in'],
  ] as const) {
    const shift = await assignment()
    const insert = (kind: 'clock_in' | 'clock_out') => (session: Session) => {
      const given = checkInAt(kind === 'clock_in' ? shift.start : shift.end, { kind })
      return session.rows(
        sql`insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
            values (${given.id}, ${shift.id}, ${kind}, st_point(${given.longitude}, ${given.latitude})::geography, 5, ${given.recorded_at})
            returning id`,
      )
    }
    const one = pausable('guard', insert(first))
    await one.done
    const other = openSessions(api().api).write(callerOf('guard'), insert(second))
    await someoneWaits()
    one.go()
    await Promise.all([one.finished, other])
    expect(await stateOf(api().owner, shift)).toMatchObject({
      status: 'completed',
      transactions: [{ amount: 200 }],
    })
  }
})

it('is refused in a transaction that cannot see what others have just committed', async () => {
  const shift = await assignment()
  const given = checkInAt(shift.start, { kind: 'clock_in' })
  const refused = api().owner.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read')
    await tx.query(
      `insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
       values ($1, $2, 'clock_in', st_point($3::float8, $4::float8)::geography, 5, $5)`,
      [given.id, shift.id, given.longitude, given.latitude, given.recorded_at],
    )
  })
  expect(await refused.then(() => 'ok', refusalOf)).toBe('isolation_unsupported')
})
