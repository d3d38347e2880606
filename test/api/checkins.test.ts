import { describe, expect, it, test } from 'vitest'
import {
  batchResults,
  MAX_BATCH_ITEMS,
  nearbyCheckinPage,
  recordedCheckin,
} from '../../src/guarding/checkins/schemas.ts'
import { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions, type Session } from '../../src/platform/db/session.ts'
import { CODES, type Code } from '../../src/platform/http/codes.ts'
import { expectProblem, useApi } from '../support/api.ts'
import {
  arrangeAssignment,
  type CheckInBody,
  checkInAt,
  checkInId,
  distanceBetween,
  minutes,
  positionFrom,
  seconds,
} from '../support/check-ins.ts'
import { arrangeLocation, type QueryParameters, queryOf } from '../support/places.ts'
import { refusalOf } from '../support/rehearsal.ts'
import { shiftIn } from '../support/shifts.ts'
import {
  arrangeShift,
  callerOf,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  REGISTERED,
  SITE,
  USERS,
} from '../support/world.ts'

const api = useApi()

const post = (persona: Persona, shift: string, checkin: unknown) =>
  api().as(persona).post(`/v1/shifts/${shift}/checkins`, checkin)
const sendBatch = (items: unknown, persona: Persona = 'guard') =>
  api().as(persona).post('/v1/checkins/batch', { items })
const assignment = (given: Parameters<typeof arrangeAssignment>[1] = {}) =>
  arrangeAssignment(api().owner, given)
const statusOf = async (shift: string): Promise<unknown> =>
  (await api().owner.query('select status from shifts where id = $1', [shift]))[0]?.status
const countIn = async (shift: string): Promise<unknown> =>
  (await api().owner.query('select count(*)::integer as n from gps_checkins where shift_id = $1', [shift]))[0]
    ?.n

/** As any client of the database would write, without this service: one statement as the guard. */
const write = <T>(persona: Persona, work: (session: Session) => Promise<T>): Promise<T> =>
  openSessions(api().api).write(callerOf(persona), work)

describe('one check-in', () => {
  it('is judged, answered as a row, and moves the shift', async () => {
    const shift = await assignment()
    const given = checkInAt(shift.start, { kind: 'clock_in', meters: 30, accuracy_meters: 12.5 })
    const response = await post('guard', shift.id, given)
    expect(response.statusCode).toBe(201)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.stringify(recordedCheckin.parse(response.json()))).toBe(JSON.stringify(response.json()))
    const { distance_meters, created_at, recorded_at, ...rest } = response.json()
    const { recorded_at: at, ...sent } = given
    expect(rest).toEqual({
      ...sent,
      shift_id: shift.id,
      assignment_id: expect.any(String),
      professional_id: PROFESSIONALS.guard,
      is_within_radius: true,
      verdict: 'inside',
      flags: [],
    })
    expect(distance_meters).toBeCloseTo(distanceBetween(given, SITE), 6)
    expect(Date.parse(recorded_at)).toBe(Date.parse(at))
    expect(Date.parse(created_at)).toBeGreaterThan(Date.parse(at))
    expect(await statusOf(shift.id)).toBe('active')

    await post('guard', shift.id, checkInAt(shift.end, { kind: 'clock_out' }))
    expect(await statusOf(shift.id)).toBe('completed')
  })

  it('sent again is a success that changes nothing', async () => {
    const shift = await assignment()
    const given = checkInAt(shift.start, { kind: 'clock_in' })
    const first = await post('guard', shift.id, given)
    const before = await api().owner.query('select * from gps_checkins where id = $1', [given.id])
    // The same instant in another spelling, and a position that was rounded on the way: the same check-in.
    const again = await post('guard', shift.id, {
      ...given,
      recorded_at: given.recorded_at.replace('Z', '000+00:00'),
      latitude: Number(given.latitude.toFixed(6)),
    })
    expect(again.statusCode).toBe(200)
    expect(again.json()).toEqual(first.json())
    expect(await api().owner.query('select * from gps_checkins where id = $1', [given.id])).toEqual(before)
  })

  it('sent again is a success when the rules would refuse it by now', async () => {
    const shift = await assignment()
    const given = checkInAt(shift.start)
    await post('guard', shift.id, given)
    await api().owner.query("update shifts set status = 'cancelled', cancel_reason = 'Fire' where id = $1", [
      shift.id,
    ])
    expect((await post('guard', shift.id, given)).statusCode).toBe(200)
    expect((await sendBatch([{ ...given, shift_id: shift.id }])).json().results).toMatchObject([
      { id: given.id, status: 'duplicate' },
    ])
    const later = checkInAt(seconds(new Date(), 60))
    expectProblem(await post('guard', shift.id, later), 'shift_not_assigned')
  })

  it.each([
    ['another kind', { kind: 'clock_out' as const }],
    ['another time', { recorded_at: '2026-01-01T00:00:00Z' }],
  ])('whose id stands for %s already is a conflict', async (_, other) => {
    const shift = await assignment()
    const given = checkInAt(shift.start)
    await post('guard', shift.id, given)
    expectProblem(await post('guard', shift.id, { ...given, ...other }), 'id_conflict')
    expect(await countIn(shift.id)).toBe(1)
  })

  it('whose id stands for one of another shift is a conflict', async () => {
    const [one, other] = [await assignment(), await assignment()]
    const given = checkInAt(one.start)
    await post('guard', one.id, given)
    expectProblem(await post('guard', other.id, { ...given, recorded_at: other.start }), 'id_conflict')
  })

  it('with an id of another guard is a conflict that reveals nothing of that check-in', async () => {
    const theirs = await assignment({ professional: PROFESSIONALS.otherGuard })
    const given = checkInAt(theirs.start)
    expect((await post('otherGuard', theirs.id, given)).statusCode).toBe(201)
    const mine = await assignment()
    const taken = { ...checkInAt(mine.start), id: given.id }
    const response = await post('guard', mine.id, taken)
    expectProblem(response, 'id_conflict')
    expect(response.body).not.toContain(theirs.id)
    expect((await sendBatch([{ ...taken, shift_id: mine.id }])).json().results).toMatchObject([
      {
        id: given.id,
        status: 'rejected',
        code: 'id_conflict',
        retry: 'never',
        errors: [{ pointer: '/body/items/0/id' }],
      },
    ])
    expect(await countIn(mine.id)).toBe(0)
  })

  it('that is refused does not use up its Idempotency-Key', async () => {
    const id = await arrangeShift(api().owner, { startsInHours: 1, hours: 1 })
    const given = checkInAt(seconds(new Date(), -1))
    const path = `/v1/shifts/${id}/checkins`
    const request = { headers: { 'idempotency-key': 'of-a-phone' } }
    expectProblem(await api().as('guard').post(path, given, request), 'forbidden')
    await api().owner.query("update shifts set status = 'assigned', professional_id = $2 where id = $1", [
      id,
      PROFESSIONALS.guard,
    ])
    const now = { ...given, recorded_at: new Date().toISOString() }
    expect((await api().as('guard').post(path, now, request)).statusCode).toBe(201)
    expect((await api().as('guard').post(path, now, request)).statusCode).toBe(201)
    expectProblem(await api().as('guard').post(path, given, request), 'idempotency_key_reused')
  })

  it.each<[string, Partial<Record<keyof CheckInBody, unknown>>]>([
    ['without an id', { id: undefined }],
    ['whose id is none', { id: 'ce000000' }],
    ['of an unknown kind', { kind: 'lunch' }],
    ['with a latitude beyond the pole', { latitude: 90.001 }],
    ['with a longitude beyond the date line', { longitude: -180.001 }],
    ['with a latitude as text', { latitude: '52.3731' }],
    ['with an accuracy of nothing', { accuracy_meters: 0 }],
    ['with an accuracy that is none', { accuracy_meters: -1 }],
    ['with a time without its offset', { recorded_at: '2026-03-28T22:16:45' }],
    ['with a time that is none', { recorded_at: '2026-02-30T22:16:45Z' }],
    ['with a time as a number', { recorded_at: 1_774_736_205 }],
  ])('%s is refused', async (_, wrong) => {
    const shift = await assignment()
    expectProblem(await post('guard', shift.id, { ...checkInAt(shift.start), ...wrong }), 'validation_failed')
    expect(await countIn(shift.id)).toBe(0)
  })

  it('has its time to the microsecond, whatever the phone writes', async () => {
    const shift = await assignment()
    const [day, hour] = [shift.start.toISOString().slice(0, 10), shift.start.toISOString().slice(11, 13)]
    const spellings: [string, string][] = [
      [`${day}T${hour}:16:45.0249Z`, `${day}T${hour}:16:45.0249+00:00`],
      [`${day}T${hour}:16:46Z`, `${day}T${hour}:16:46+00:00`],
      [`${day}T${hour}:16:47.9999999Z`, `${day}T${hour}:16:47.999999+00:00`],
      [`${day}T${hour}:16:48.${'3'.repeat(300)}Z`, `${day}T${hour}:16:48.333333+00:00`],
      [`${day}T${hour}:46:49.5+00:30`, `${day}T${hour}:16:49.5+00:00`],
      [
        minutes(new Date(`${day}T${hour}:16:50Z`), 20 * 60)
          .toISOString()
          .replace('Z', '+20:00'),
        `${day}T${hour}:16:50+00:00`,
      ],
    ]
    for (const [written, stored] of spellings) {
      const response = await post('guard', shift.id, { ...checkInAt(shift.start), recorded_at: written })
      expect([written, response.json().recorded_at]).toEqual([written, stored])
    }
  })
})

describe('the verdict', () => {
  /** The double after a positive one. */
  function nextDouble(value: number): number {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, value)
    view.setBigInt64(0, view.getBigInt64(0) + 1n)
    return view.getFloat64(0)
  }

  it('changes exactly where the table says', async () => {
    const shift = await assignment()
    const judge = async (meters: number, accuracy_meters: number) => {
      const response = await post('guard', shift.id, checkInAt(shift.start, { meters, accuracy_meters }))
      const { verdict, is_within_radius, distance_meters } = response.json()
      return { verdict, is_within_radius, distance_meters }
    }
    const radius = 100
    const beyond = nextDouble(radius)
    // Between half and twice the radius such a difference is exact, so these are the edges themselves: the database adds
    // (or takes away) and has `radius` or the very next number.
    const { distance_meters: near } = await judge(80, 1)
    const { distance_meters: far } = await judge(150, 1)
    expect([near + (beyond - near), far - (far - beyond)]).toEqual([beyond, beyond])

    const table: [meters: number, accuracy: number, verdict: string, isWithin: boolean][] = [
      [80, radius - near, 'inside', true],
      [80, beyond - near, 'uncertain', true],
      [80, 100, 'uncertain', true],
      [150, far - radius, 'uncertain', false],
      [150, far - beyond, 'outside', false],
      [150, 100, 'uncertain', false],
      [0, 100, 'inside', true],
      [99.9999, 0.00001, 'inside', true],
      [100.0001, 0.00001, 'outside', false],
      [200, 100, 'uncertain', false],
      [200.001, 100, 'outside', false],
      [0, 100.001, 'uncertain', true],
      [500, 399, 'outside', false],
    ]
    for (const [meters, accuracy, verdict, is_within_radius] of table) {
      expect([meters, accuracy, await judge(meters, accuracy)]).toMatchObject([
        meters,
        accuracy,
        { verdict, is_within_radius },
      ])
    }
  })

  const COMPUTED = {
    verdict: sql`'inside'`,
    is_within_radius: sql`true`,
    distance_meters: sql`0`,
    professional_id: sql`${PROFESSIONALS.guard}::uuid`,
    assignment_id: sql`gen_random_uuid()`,
    company_id: sql`gen_random_uuid()`,
    client_id: sql`gen_random_uuid()`,
    tenant_id: sql`gen_random_uuid()`,
    created_at: sql`now()`,
    updated_at: sql`now()`,
  }

  it.each(Object.entries(COMPUTED))('has nothing that a client could set: %s', async (column, value) => {
    const shift = await assignment()
    const { id, kind, latitude, longitude, accuracy_meters, recorded_at } = checkInAt(shift.start, {
      meters: 5_000,
    })
    const insert = (more: boolean) => sql`
      insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at
        ${more ? sql`, ${sql.identifier(column)}` : sql``})
      values (${id}, ${shift.id}, ${kind}, st_point(${longitude}, ${latitude})::geography, ${accuracy_meters}, ${recorded_at}
        ${more ? sql`, ${value}` : sql``})
      returning verdict, is_within_radius, distance_meters, professional_id`
    const refused = write('guard', (session) => session.rows(insert(true))).catch(refusalOf)
    expect(await refused).toBe('forbidden')

    const [row] = await write('guard', (session) => session.rows(insert(false)))
    expect(row).toMatchObject({
      verdict: 'outside',
      is_within_radius: false,
      professional_id: PROFESSIONALS.guard,
    })
  })

  it('is computed whoever writes, also where every column is granted', async () => {
    const shift = await assignment()
    const [row] = await api().owner.query(
      `insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at, verdict,
         is_within_radius, distance_meters, professional_id, tenant_id, company_id, client_id, created_at)
       values ($1, $2, 'ping', st_point(5, 52)::geography, 5, $3, 'inside', true, 0, $4, $4, $4, $4, '2000-01-01')
       returning verdict, is_within_radius, professional_id, created_at > '2001-01-01' as is_now`,
      [checkInId(), shift.id, shift.start.toISOString(), PROFESSIONALS.otherGuard],
    )
    expect(row).toEqual({
      verdict: 'outside',
      is_within_radius: false,
      professional_id: PROFESSIONALS.guard,
      is_now: true,
    })
  })

  it('is final: nobody can change or delete a check-in', async () => {
    const shift = await assignment()
    const given = checkInAt(shift.start, { meters: 5_000 })
    await post('guard', shift.id, given)
    for (const persona of ['guard', 'company', 'client', 'admin'] as const) {
      for (const statement of [
        sql`update gps_checkins set accuracy_meters = 1 where id = ${given.id} returning id`,
        sql`delete from gps_checkins where id = ${given.id} returning id`,
      ]) {
        const refused = write(persona, (session) => session.rows(statement)).catch(refusalOf)
        expect(await refused).toBe('forbidden')
      }
    }
  })
})

describe('the window', () => {
  const HOUR = 3_600

  it.each([
    ['2 hours before the start', 'start', -2 * HOUR, undefined],
    ['a millisecond earlier', 'start', -2 * HOUR - 0.001, 'outside_check_in_window'],
    ['a second earlier', 'start', -2 * HOUR - 1, 'outside_check_in_window'],
    ['12 hours after the end', 'end', 12 * HOUR, undefined],
    ['a millisecond later', 'end', 12 * HOUR + 0.001, 'outside_check_in_window'],
    ['a second later', 'end', 12 * HOUR + 1, 'outside_check_in_window'],
  ] as const)('%s', async (_, edge, offset, code) => {
    const shift = await assignment()
    const given = checkInAt(seconds(shift[edge], offset))
    const response = await post('guard', shift.id, given)
    if (code) expectProblem(response, code)
    else expect(response.statusCode).toBe(201)
  })

  it('refuses times in the future, with a tolerance for clocks that are slightly fast', async () => {
    const shift = await assignment({ start: new Date(), professional: PROFESSIONALS.otherGuard })
    const postIn = (fromNow: number) => post('otherGuard', shift.id, checkInAt(minutes(new Date(), fromNow)))
    expect((await postIn(4)).statusCode).toBe(201)
    expectProblem(await postIn(6), 'recorded_in_future')
  })

  it('accepts check-ins that arrive late: a completed shift keeps its state', async () => {
    const shift = await assignment()
    await post('guard', shift.id, checkInAt(shift.start, { kind: 'clock_in' }))
    await post('guard', shift.id, checkInAt(shift.end, { kind: 'clock_out' }))
    expect((await post('guard', shift.id, checkInAt(minutes(shift.start, 5)))).statusCode).toBe(201)
    expect(await statusOf(shift.id)).toBe('completed')
    expect(await countIn(shift.id)).toBe(3)
  })
})

describe('pings', () => {
  const inOneMinute = (shift: { id: string; start: Date }, count: number) =>
    Array.from({ length: count }, (_, n) => ({
      ...checkInAt(seconds(shift.start, (n % 240) / 4)),
      shift_id: shift.id,
    }))
  const statuses = async (items: unknown) =>
    (await sendBatch(items))
      .json()
      .results.map((result: { status: string; code?: string }) => result.code ?? result.status)

  it('are rejected beyond two a second; clock events never are', async () => {
    const shift = await assignment()
    const items = inOneMinute(shift, 124)
    const clocks = Array.from({ length: 3 }, (_, n) => ({
      ...checkInAt(seconds(shift.start, n), { kind: n === 2 ? 'clock_out' : 'clock_in' }),
      shift_id: shift.id,
    }))
    const created = (count: number) => Array(count).fill('created')
    expect(await statuses([...items.slice(0, 100), ...clocks])).toEqual(created(103))
    expect(await statuses(items.slice(100))).toEqual([...created(20), ...Array(4).fill('too_many_pings')])
    // Sent again, what was taken is known, and what was refused is refused again.
    expect((await statuses([...items, ...items])).slice(118, 124)).toEqual([
      ...Array(2).fill('duplicate'),
      ...Array(4).fill('too_many_pings'),
    ])
    const { shift_id: _, ...single } = inOneMinute(shift, 1)[0]!
    expectProblem(await post('guard', shift.id, single), 'too_many_pings')
    const clock = checkInAt(shift.start, { kind: 'clock_in' })
    expect((await post('guard', shift.id, clock)).statusCode).toBe(201)
    expect((await post('guard', shift.id, checkInAt(minutes(shift.start, 1)))).statusCode).toBe(201)
    expect(await countIn(shift.id)).toBe(125)
  })

  it('are limited for direct SQL writes as well', async () => {
    const shift = await assignment()
    const refused = write('guard', (session) =>
      session.rows(sql`
        insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
        select ${shift.id}, 'ping', st_point(5, 52)::geography, 5, ${shift.start.toISOString()}::timestamptz
        from generate_series(1, 121) returning id`),
    ).catch(refusalOf)
    expect(await refused).toBe('too_many_pings')
  })
})

describe('who', () => {
  /** Whoever sees the shift, by the API's own answer, is told that it is not theirs; to the others it does not exist. */
  it.each(SHIFT_STATUSES)('may check in to a shift that is %s', async (status) => {
    const id = await shiftIn(api(), { status, startsInHours: 2_000 + 100 * SHIFT_STATUSES.indexOf(status) })
    for (const persona of REGISTERED) {
      const isTheirs = persona === 'guard' && ['assigned', 'active', 'completed', 'no_show'].includes(status)
      const isVisible = (await api().as(persona).get(`/v1/shifts/${id}`)).statusCode === 200
      const response = await post(persona, id, checkInAt(new Date()))
      const code = isTheirs ? 'outside_check_in_window' : isVisible ? 'forbidden' : 'not_found'
      expect([persona, response.json()]).toMatchObject([persona, { code }])
    }
  })

  it('may read them: the company and the client of the shift, the guard, and admins', async () => {
    const shift = await assignment()
    const { id } = (await post('guard', shift.id, checkInAt(shift.start))).json()
    const path = `/v1/shifts/${shift.id}/checkins`
    for (const persona of REGISTERED) {
      const sees = ['guard', 'company', 'colleague', 'client', 'admin'].includes(persona)
      const response = await api().as(persona).get(path)
      if (sees) expect([persona, response.json().items]).toMatchObject([persona, [{ id }]])
      else expectProblem(response, 'not_found')
    }
    expectProblem(await api().as(null).get(path), 'unauthenticated')
  })

  it('gets 404 for an unknown shift', async () => {
    expectProblem(await post('guard', checkInId(), checkInAt(new Date())), 'not_found')
    expectProblem(await api().as('admin').get(`/v1/shifts/${checkInId()}/checkins`), 'not_found')
  })
})

describe('the list', () => {
  it('is ordered by device time, page by page, whatever the order of arrival', async () => {
    const shift = await assignment()
    const items = Array.from({ length: 7 }, (_, n) => checkInAt(minutes(shift.start, Math.floor(n / 2))))
    const shuffled = [3, 6, 0, 5, 1, 4, 2].map((n) => ({ ...items[n]!, shift_id: shift.id }))
    await sendBatch(shuffled)
    const path = `/v1/shifts/${shift.id}/checkins`

    const listed: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await api()
        .as('company')
        .get(`${path}?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      expect(page.json().items.length).toBeLessThanOrEqual(2)
      listed.push(...page.json().items.map(({ id }: { id: string }) => id))
      cursor = page.json().next_cursor
    }
    expect(listed).toEqual(items.map(({ id }) => id))
  })

  it('takes a kind, and a cursor for the same list alone', async () => {
    const shift = await assignment()
    const other = await assignment()
    const clock = checkInAt(minutes(shift.start, 1), { kind: 'clock_in' })
    await sendBatch([checkInAt(shift.start), clock].map((item) => ({ ...item, shift_id: shift.id })))
    const path = `/v1/shifts/${shift.id}/checkins`
    const clocks = await api().as('client').get(`${path}?kind=clock_in`)
    expect(clocks.json()).toMatchObject({ items: [{ id: clock.id }], next_cursor: null })
    const { next_cursor } = (await api().as('client').get(`${path}?limit=1`)).json()
    for (const wrong of [`${path}?kind=ping&cursor=`, `/v1/shifts/${other.id}/checkins?cursor=`]) {
      expectProblem(
        await api()
          .as('client')
          .get(wrong + next_cursor),
        'cursor_invalid',
      )
    }
    expect((await api().as('client').get(`/v1/shifts/${other.id}/checkins`)).json()).toEqual({
      items: [],
      next_cursor: null,
    })
  })

  it('and the shift agree on where the guard was last: by device time', async () => {
    const shift = await assignment()
    const last = checkInAt(minutes(shift.start, 30), { meters: 500 })
    await post('guard', shift.id, last)
    await post('guard', shift.id, checkInAt(minutes(shift.start, 10)))
    await sendBatch([{ ...checkInAt(minutes(shift.start, 20)), shift_id: shift.id }])
    const seen = (await api().as('company').get(`/v1/shifts/${shift.id}`)).json()
    expect(seen).toMatchObject({ checkin_count: 3, last_checkin: { id: last.id, verdict: 'outside' } })
    const { items } = (await api().as('company').get(`/v1/shifts/${shift.id}/checkins`)).json()
    expect(items.at(-1)).toEqual(seen.last_checkin)
  })
})

describe('a batch', () => {
  it('answers each item, in order', async () => {
    const [one, other] = [await assignment(), await assignment()]
    const known = checkInAt(one.start)
    await post('guard', one.id, known)
    const items = [
      { ...checkInAt(other.end, { kind: 'clock_out' }), shift_id: other.id },
      { ...known, shift_id: one.id },
      { ...checkInAt(other.start, { kind: 'clock_in' }), shift_id: other.id },
    ]
    const response = await sendBatch(items)
    expect(response.statusCode).toBe(200)
    const { results } = response.json()
    expect(results).toMatchObject([
      { id: items[0]!.id, status: 'created', checkin: { id: items[0]!.id, kind: 'clock_out' } },
      { id: items[1]!.id, status: 'duplicate', checkin: { id: known.id } },
      { id: items[2]!.id, status: 'created', checkin: { kind: 'clock_in' } },
    ])
    expect(Object.keys(results[0]).sort()).toEqual(['checkin', 'id', 'status'])
    expect(await statusOf(other.id)).toBe('completed')
  })

  it('may be empty', async () => {
    expect((await sendBatch([])).json()).toEqual({ results: [] })
  })

  /** What a phone, or somebody who plays one, can make of an item; each with the code that it gets. */
  async function badItems(): Promise<[code: Code, item: unknown, id?: string | null][]> {
    const shift = await assignment()
    const theirs = await assignment({ professional: PROFESSIONALS.otherGuard })
    const cancelled = await assignment()
    await api().owner.query("update shifts set status = 'cancelled', cancel_reason = 'Fire' where id = $1", [
      cancelled.id,
    ])
    const good = () => ({ ...checkInAt(shift.start), shift_id: shift.id })
    const { id: _, ...withoutId } = good()
    const { shift_id: __, ...withoutShift } = good()
    return [
      ['validation_failed', null, null],
      ['validation_failed', 'nonsense', null],
      ['validation_failed', 17, null],
      ['validation_failed', [], null],
      ['validation_failed', [good()], null],
      ['validation_failed', {}, null],
      ['validation_failed', withoutId, null],
      ['validation_failed', { ...good(), id: 17 }, null],
      ['validation_failed', { ...good(), id: 'ce00' }, null],
      ['validation_failed', { ...good(), id: null }, null],
      ['validation_failed', withoutShift],
      ['validation_failed', { ...good(), shift_id: 'the usual one' }],
      ['validation_failed', { ...good(), kind: 'lunch' }],
      ['validation_failed', { ...good(), latitude: '52.3731' }],
      ['validation_failed', { ...good(), latitude: null }],
      // Latitude and longitude of Honolulu, swapped.
      ['validation_failed', { ...good(), latitude: -157.8583, longitude: 21.3069 }],
      ['validation_failed', { ...good(), longitude: 4_892_600 }],
      ['validation_failed', { ...good(), accuracy_meters: 0 }],
      ['validation_failed', { ...good(), accuracy_meters: '5' }],
      ['validation_failed', { ...good(), recorded_at: 'yesterday' }],
      ['validation_failed', { ...good(), recorded_at: '0000-00-00T00:00:00Z' }],
      ['validation_failed', { ...good(), recorded_at: '1970-01-01T00:00:00Z' }],
      ['validation_failed', { ...good(), recorded_at: '2026-03-28 22:16:45Z' }],
      ['validation_failed', { ...good(), kind: 'ping\u0000' }],
      ['not_found', { ...good(), shift_id: checkInId() }],
      ['not_found', { ...good(), shift_id: theirs.id }],
      ['shift_not_assigned', { ...checkInAt(seconds(new Date(), 60)), shift_id: cancelled.id }],
      ['outside_check_in_window', { ...good(), recorded_at: minutes(shift.start, -121).toISOString() }],
      ['outside_check_in_window', { ...good(), recorded_at: minutes(shift.end, 721).toISOString() }],
    ]
  }
  const answerTo = ([code, item, id]: Awaited<ReturnType<typeof badItems>>[number]) => ({
    id: id === undefined ? (item as { id: string }).id : id,
    status: 'rejected',
    code,
    retry: CODES[code].retry,
  })

  it('of a thousand items stores the only valid one', async () => {
    const bad = await badItems()
    const shift = await assignment()
    const good = { ...checkInAt(shift.start, { kind: 'clock_in' }), shift_id: shift.id }
    const many = Array.from({ length: MAX_BATCH_ITEMS - 1 }, (_, n) => bad[n % bad.length]!)
    const place = 731
    const items = many.map(([, item]) => item).toSpliced(place, 0, good)
    const response = await sendBatch(items)
    expect(response.statusCode).toBe(200)
    const { results } = response.json()
    expect(results[place]).toMatchObject({ id: good.id, status: 'created', checkin: { id: good.id } })
    expect(results.toSpliced(place, 1)).toMatchObject(many.map(answerTo))
    expect(await statusOf(shift.id)).toBe('active')
  })

  it('of invalid items alone is answered with a result for each', async () => {
    const bad = await badItems()
    const response = await sendBatch(bad.map(([, item]) => item))
    expect(response.statusCode).toBe(200)
    expect(response.json().results).toMatchObject(bad.map(answerTo))
  })

  it('says what is wrong with each item, and where', async () => {
    const shift = await assignment()
    const good = { ...checkInAt(shift.start), shift_id: shift.id }
    const early = { ...good, id: checkInId(), recorded_at: minutes(shift.start, -500).toISOString() }
    const { results } = (
      await sendBatch([
        { ...good, latitude: 91, accuracy_meters: 0 },
        good,
        early,
        null,
        { ...good, id: checkInId(), [`zz${'z'.repeat(1_000)}`]: 1 },
        {},
      ])
    ).json()
    const pointers = results.map(({ errors }: { errors?: { pointer: string }[] }) =>
      errors?.map(({ pointer }) => pointer),
    )
    expect(pointers).toEqual([
      ['/body/items/0/latitude', '/body/items/0/accuracy_meters'],
      undefined,
      ['/body/items/2/recorded_at'],
      ['/body/items/3'],
      undefined,
      expect.arrayContaining(['/body/items/5/id', '/body/items/5/kind']),
    ])
    expect(JSON.stringify(results).length).toBeLessThan(3_000)
  })

  it('with a member that other bodies may not have ignores it', async () => {
    const shift = await assignment()
    const good = JSON.stringify({ ...checkInAt(shift.start), shift_id: shift.id })
    const poisoned = (member: string) => good.replace(/^\{"id":"[^"]+"/, `{"id":"${checkInId()}",${member}`)
    const response = await api().app.inject({
      method: 'POST',
      url: '/v1/checkins/batch',
      headers: {
        authorization: `Bearer ${await api().tokenOf('guard')}`,
        'content-type': 'application/json',
      },
      payload: `{"items":[${poisoned('"__proto__":{"kind":"clock_in"}')},${good},${poisoned('"constructor":{"prototype":{}}')}]}`,
    })
    expect(response.json()).toMatchObject({
      ignored: ['__proto__', 'constructor'],
      results: [{ status: 'created' }, { status: 'created' }, { status: 'created' }],
    })
    expect(await statusOf(shift.id)).toBe('assigned')
  })

  it('with an item that is deeper than any stack has one bad item, with an Idempotency-Key too', async () => {
    const shift = await assignment()
    const good = JSON.stringify({ ...checkInAt(shift.start), shift_id: shift.id })
    const response = await api().app.inject({
      method: 'POST',
      url: '/v1/checkins/batch',
      headers: {
        authorization: `Bearer ${await api().tokenOf('guard')}`,
        'content-type': 'application/json',
        'idempotency-key': 'deep',
      },
      payload: `{"items":[${'['.repeat(100_000)}${']'.repeat(100_000)},${good}]}`,
    })
    expect(response.json().results).toMatchObject([
      { id: null, status: 'rejected', code: 'validation_failed' },
      { status: 'created' },
    ])
  })

  it('with the same item more than once creates it once', async () => {
    const shift = await assignment()
    const item = { ...checkInAt(shift.start, { kind: 'clock_in' }), shift_id: shift.id }
    const capitals = { ...item, id: item.id.toUpperCase() }
    const { results } = (await sendBatch([item, item, capitals])).json()
    expect(results).toMatchObject([
      { id: item.id, status: 'created' },
      { id: item.id, status: 'duplicate', checkin: { id: item.id } },
      { id: capitals.id, status: 'duplicate', checkin: { id: item.id } },
    ])
    expect(await countIn(shift.id)).toBe(1)
  })

  it('with one id for different things keeps the first that is good, beside bad items too', async () => {
    const [one, other] = [await assignment(), await assignment()]
    const first = { ...checkInAt(one.start), shift_id: one.id }
    const differing = [
      { ...first, recorded_at: minutes(one.start, -500).toISOString() },
      first,
      { ...first, kind: 'clock_in' },
      { ...first, shift_id: other.id, recorded_at: other.start.toISOString() },
      first,
    ]
    expect((await sendBatch(differing)).json().results).toMatchObject([
      { status: 'rejected', code: 'outside_check_in_window' },
      { status: 'created', checkin: { kind: 'ping' } },
      { status: 'rejected', code: 'id_conflict' },
      { status: 'rejected', code: 'id_conflict' },
      { status: 'duplicate', checkin: { kind: 'ping' } },
    ])
    expect([await countIn(one.id), await countIn(other.id)]).toEqual([1, 0])
  })

  it.each(['company', 'client', 'admin', 'rival', 'otherGuard', 'foreignGuard'] as const)(
    'creates nothing for %s',
    async (persona) => {
      const shift = await assignment()
      const item = { ...checkInAt(shift.start), shift_id: shift.id }
      const seen = (['company', 'client', 'admin'] as Persona[]).includes(persona)
      expect((await sendBatch([item], persona)).json().results).toMatchObject([
        { id: item.id, status: 'rejected', code: seen ? 'forbidden' : 'not_found', retry: 'after_change' },
      ])
      expect(await countIn(shift.id)).toBe(0)
    },
  )

  it('of good ones is answered with the text that the database built, which is what the schema says', async () => {
    const shift = await assignment()
    const known = checkInAt(shift.start, { kind: 'clock_in' })
    await post('guard', shift.id, known)
    const fresh = Array.from({ length: 3 }, (_, n) =>
      checkInAt(seconds(shift.start, n), { meters: 40 * n, accuracy_meters: 1e-7 }),
    )
    const items = [known, ...fresh].map((item) => ({ ...item, shift_id: shift.id }))
    const headers = { 'idempotency-key': 'of-good-ones' }
    const send = () => api().as('guard').post('/v1/checkins/batch', { items }, { headers })
    const response = await send()
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    const answer = response.json()
    expect(JSON.stringify(batchResults.parse(answer))).toBe(JSON.stringify(answer))
    expect(answer.results).toMatchObject([
      { id: known.id, status: 'duplicate', checkin: { id: known.id, kind: 'clock_in' } },
      ...fresh.map(({ id }) => ({ id, status: 'created', checkin: { id, accuracy_meters: 1e-7 } })),
    ])
    expect((await send()).body).toBe(response.body)
  })

  it('of good ones, one of them in capitals, has its ids as they were sent', async () => {
    const shift = await assignment()
    const items = [0, 1].map((n) => ({ ...checkInAt(seconds(shift.start, n)), shift_id: shift.id }))
    items[1]!.id = items[1]!.id.toUpperCase()
    const { results } = (await sendBatch(items)).json()
    expect(results).toMatchObject(items.map(({ id }) => ({ id, status: 'created' })))
  })

  it('that was answered is answered the same way again, its bad items too', async () => {
    const bad = await badItems()
    const shift = await assignment()
    const items = [{ ...checkInAt(shift.start), shift_id: shift.id }, ...bad.map(([, item]) => item)]
    const send = () =>
      api()
        .as('guard')
        .post('/v1/checkins/batch', { items }, { headers: { 'idempotency-key': 'of-all-sorts' } })
    const first = await send()
    expect(first.json().results.slice(1)).toMatchObject(bad.map(answerTo))
    expect((await send()).json()).toEqual(first.json())
  })

  it('is kept for its Idempotency-Key as what became of its items, and not as its answer', async () => {
    const shift = await assignment()
    const items = Array.from({ length: 500 }, (_, n) => ({
      ...checkInAt(seconds(shift.start, 2 * n)),
      shift_id: shift.id,
    }))
    const send = () =>
      api()
        .as('guard')
        .post('/v1/checkins/batch', { items }, { headers: { 'idempotency-key': 'of-five-hundred' } })
    const first = await send()
    expect((await send()).body).toBe(first.body)
    const [kept] = await api().owner.query<{ bytes: number }>(
      "select octet_length(response_body) as bytes from muster.idempotency_keys where key = 'of-five-hundred'",
    )
    expect(kept!.bytes).toBeLessThan(first.body.length / 20)
  })

  it('is taken without its Idempotency-Key by somebody who has too many of them', async () => {
    const shift = await assignment({ professional: PROFESSIONALS.otherGuard })
    await api().owner.query(
      "insert into muster.idempotency_usage values ($1, (now() at time zone 'UTC')::date, 10000, 0)",
      [USERS.otherGuard],
    )
    const headers = { 'idempotency-key': 'one-too-many' }
    const [one, other] = [checkInAt(shift.start), checkInAt(shift.end, { kind: 'clock_out' })]
    const as = api().as('otherGuard')
    const batch = { items: [{ ...one, shift_id: shift.id }] }
    for (const status of ['created', 'duplicate']) {
      const response = await as.post('/v1/checkins/batch', batch, { headers })
      expect(response.json().results).toMatchObject([{ id: one.id, status }])
    }
    for (const status of [201, 200]) {
      const response = await as.post(`/v1/shifts/${shift.id}/checkins`, other, { headers })
      expect(response.statusCode).toBe(status)
    }
    expect(
      await api().owner.query("select key from muster.idempotency_keys where key = 'one-too-many'"),
    ).toEqual([])
  })

  it('is refused as a whole only when the body is not a batch', async () => {
    expectProblem(await sendBatch(Array(MAX_BATCH_ITEMS + 1).fill({})), 'validation_failed')
    expectProblem(await sendBatch('all'), 'validation_failed')
    expectProblem(await api().as('guard').post('/v1/checkins/batch', {}), 'validation_failed')
    expectProblem(await api().as(null).post('/v1/checkins/batch', { items: [] }), 'unauthenticated')
    expectProblem(await sendBatch(['x'.repeat(2_000_000)]), 'payload_too_large')
  })

  test('a thousand items fit, however they are written', async () => {
    const shift = await assignment()
    const items = Array.from({ length: MAX_BATCH_ITEMS }, (_, n) => ({
      ...checkInAt(seconds(shift.start, n)),
      ...positionFrom(SITE, n / 7),
      accuracy_meters: 12.345678901234567,
      shift_id: shift.id,
    }))
    const response = await api().app.inject({
      method: 'POST',
      url: '/v1/checkins/batch',
      headers: {
        authorization: `Bearer ${await api().tokenOf('guard')}`,
        'content-type': 'application/json',
      },
      payload: JSON.stringify({ items }, null, 8),
    })
    expect(response.statusCode).toBe(200)
    const { results } = response.json()
    expect(new Set(results.map(({ status }: { status: string }) => status))).toEqual(new Set(['created']))
    expect(results.map(({ id }: { id: string }) => id)).toEqual(items.map(({ id }) => id))
  })
})

describe('check-ins near a place', () => {
  const place = { latitude: -45, longitude: -120 }
  const found = async (persona: Persona, parameters: QueryParameters) => {
    const response = await api()
      .as(persona)
      .get(`/v1/checkins/nearby?${queryOf(parameters)}`)
    expect(response.statusCode, response.body).toBe(200)
    return nearbyCheckinPage.parse(response.json())
  }

  it('are told to those of the shift, by device time, within the radius and the period', async () => {
    const { owner } = api()
    const location = await arrangeLocation(owner, place)
    const assignment = await arrangeAssignment(owner, { location })
    const ofRival = await arrangeAssignment(owner, { location, company: ORGANIZATIONS.rival })
    const send = async (shift: string, at: Date, meters: number): Promise<string> => {
      const body = checkInAt(at, { ...positionFrom(place, meters), accuracy_meters: 5 })
      const response = await api().as('guard').post(`/v1/shifts/${shift}/checkins`, body)
      expect(response.statusCode, response.body).toBe(201)
      return body.id
    }
    const ids = []
    // Two at the same moment: the id decides.
    for (const [minute, meters] of [
      [0, 10],
      [5, 80],
      [5, 20],
      [10, 150],
      [15, 30],
    ] as const) {
      ids.push(await send(assignment.id, minutes(assignment.start, minute), meters))
    }
    const theirs = await send(ofRival.id, minutes(ofRival.start, 1), 10)
    const day = { from: assignment.start.toISOString(), to: minutes(assignment.start, 60).toISOString() }
    const within = [ids[0]!, ...[ids[1]!, ids[2]!].sort(), ids[4]!]
    for (const persona of ['company', 'colleague', 'client', 'admin'] as const) {
      const { items, next_cursor } = await found(persona, { ...place, ...day })
      expect(items.map(({ id }) => id)).toEqual(within)
      expect(items[0]!.meters_away).toBeCloseTo(10, 1)
      expect(next_cursor).toBeNull()
    }
    for (const persona of ['rival', 'otherClient', 'foreignAdmin'] as const) {
      expect((await found(persona, { ...place, ...day })).items).toEqual([])
    }
    for (const [persona, code] of [
      ['guard', 'forbidden'],
      ['stranger', 'not_registered'],
    ] as const) {
      expectProblem(
        await api()
          .as(persona)
          .get(`/v1/checkins/nearby?${queryOf({ ...place, ...day })}`),
        code,
      )
    }
    const rivals = { from: ofRival.start.toISOString(), to: ofRival.end.toISOString() }
    expect((await found('rival', { ...place, ...rivals })).items.map(({ id }) => id)).toEqual([theirs])

    expect((await found('company', { ...place, ...day, radius_meters: 200 })).items).toHaveLength(5)
    expect((await found('company', { ...place, ...day, radius_meters: 15 })).items).toHaveLength(1)
    const until = minutes(assignment.start, 5).toISOString()
    expect((await found('company', { ...place, ...day, to: until })).items).toHaveLength(1)
    expect((await found('company', { ...place, ...day, from: until })).items).toHaveLength(3)

    const paged: string[] = []
    let cursor: string | undefined
    do {
      const page = await found('company', { ...place, ...day, limit: 1, cursor })
      paged.push(...page.items.map(({ id }) => id))
      cursor = page.next_cursor ?? undefined
    } while (cursor)
    expect(paged).toEqual(within)
  })

  it.each([
    { to: '2026-01-02T00:00:00Z' },
    { from: '2026-01-02T00:00:00Z', to: '2026-01-02T00:00:00Z' },
    { from: '2026-01-02T00:00:00Z', to: '2026-01-09T00:00:01Z' },
    { from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z', radius_meters: 1_001 },
    { from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z', latitude: 91 },
  ])('refuse %j', async (parameters) => {
    const response = await api()
      .as('company')
      .get(`/v1/checkins/nearby?${queryOf({ ...place, ...parameters })}`)
    expectProblem(response, 'validation_failed')
  })
})
