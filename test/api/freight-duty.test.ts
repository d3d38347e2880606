import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Code } from '../../src/platform/http/codes.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeDriver, arrangeLoad, arrangeVehicle } from '../support/freight-loads.ts'
import { buildFreightWorld, DRIVERS, FREIGHT_USERS } from '../support/freight-world.ts'
import { type DutyStatus, HOUR, leftAt } from '../support/hours-of-service.ts'
import { pick, seededRandom } from '../support/random.ts'

/* Logs of drivers beside who sees and writes them, which the access matrix tries. */

const api = useApi({}, buildFreightWorld)
const HOUR_MS = HOUR * 1_000
const BATCH = '/v1/freight/duty-statuses/batch'

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString()

interface Item {
  id: string
  status: DutyStatus
  began_at: string
  device_id: string
  [member: string]: unknown
}
const entry = (status: DutyStatus, began_at: string, more: object = {}): Item => ({
  id: randomUUID(),
  status,
  began_at,
  device_id: 'phone-1',
  ...more,
})

/** A driver with a log of their own, and requests with their token. */
async function someDriver() {
  const { id, userId } = await arrangeDriver(api().owner)
  const headers = await api().authorize(userId, 'driver@example.com')
  const call = (method: 'GET' | 'POST', url: string, payload?: object) =>
    api().app.inject({ method, url, headers, ...(payload && { payload }) })
  return {
    id,
    userId,
    post: (url: string, body?: object) => call('POST', url, body ?? {}),
    get: (url: string) => call('GET', url),
    send: async (items: unknown[]) => {
      const response = await call('POST', BATCH, { items })
      expect(response.statusCode, response.body).toBe(200)
      return response.json().results as {
        id: string
        status: string
        code?: string
        errors?: { pointer: string }[]
      }[]
    },
    log: async (query = '') =>
      (await call('GET', `/v1/freight/drivers/${id}/duty-statuses?limit=100${query}`)).json().items as {
        id: string
        status: DutyStatus
        began_at: string
      }[],
    hours: async (query = '') => (await call('GET', `/v1/freight/drivers/${id}/hours${query}`)).json(),
  }
}

describe('a batch of duty statuses', () => {
  it('gives the same log late, shuffled, repeated and in any parts, whatever zones its times are written in', async () => {
    const random = seededRandom(42)
    const items = Array.from({ length: 40 }, (_, n) =>
      entry(pick(random, ['off_duty', 'sleeper', 'driving', 'on_duty']), hoursAgo(120 - n * 3)),
    )
    const at = `?at=${encodeURIComponent(hoursAgo(0))}`
    const answers: unknown[] = []
    for (let order = 0; order < 4; order += 1) {
      const driver = await someDriver()
      const sent = [...items, ...items.slice(0, 10 * order)]
        .map((item) => ({
          ...item,
          id: `${String(order).padStart(8, '0')}${item.id.slice(8)}`,
          began_at: inZone(item.began_at, order * 3 - 5),
        }))
        .sort(() => (order === 0 ? 0 : random() - 0.5))
      while (sent.length > 0) await driver.send(sent.splice(0, order === 0 ? 200 : 7))
      const log = await driver.log()
      expect(log).toHaveLength(items.length)
      const { driver_id, ...hours } = await driver.hours(at)
      expect(driver_id).toBe(driver.id)
      answers.push({ hours, log: log.map(({ status, began_at }) => [status, Date.parse(began_at)]) })
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('takes an entry once, and says which were there', async () => {
    const driver = await someDriver()
    const first = entry('driving', hoursAgo(2), { latitude: 41.85, longitude: -87.65 })
    const statusOf = async (items: unknown[]) =>
      (await driver.send(items)).map(({ status, code }) => code ?? status)
    expect(await statusOf([first, first, { ...first, status: 'on_duty' }])).toEqual([
      'created',
      'duplicate',
      'duty_id_conflict',
    ])
    expect(await statusOf([first, { ...first, began_at: hoursAgo(3) }])).toEqual([
      'duplicate',
      'duty_id_conflict',
    ])
    expect(await driver.log()).toMatchObject([
      {
        id: first.id,
        driver_id: driver.id,
        latitude: 41.85,
        longitude: -87.65,
        counts: true,
        counts_as: null,
      },
    ])
    // Another driver's phone learns nothing of it.
    const other = await someDriver()
    expect((await other.send([first]))[0]).toMatchObject({ status: 'rejected', code: 'duty_id_conflict' })
    expect(await other.log()).toEqual([])
  })

  it('decides about each item by itself', async () => {
    const driver = await someDriver()
    const good = entry('on_duty', hoursAgo(1))
    const results = await driver.send([
      { ...good, id: 'none' },
      7,
      entry('driving', new Date(Date.now() + 0.2 * HOUR_MS).toISOString()),
      entry('driving', hoursAgo(1), { recorded_at: hoursAgo(2) }),
      entry('driving', hoursAgo(1), { latitude: 41 }),
      entry('resting' as DutyStatus, hoursAgo(1)),
      { ...good, unknown: 'ignored' },
    ])
    expect(results.map(({ status, code }) => code ?? status)).toEqual([
      'validation_failed',
      'validation_failed',
      'duty_in_future',
      'validation_failed',
      'validation_failed',
      'validation_failed',
      'created',
    ])
    expect(results[2]!.errors![0]!.pointer).toBe('/body/items/2/recorded_at')
    expect(results[5]!.errors![0]!.pointer).toBe('/body/items/5/status')
    expect(await driver.log()).toHaveLength(1)
  })

  it('is of the driver who sends it, and of nobody else', async () => {
    const item = entry('driving', hoursAgo(1), { driver_id: DRIVERS.rivalDriver })
    for (const persona of ['office', 'dispatcher', 'broker', 'admin', 'newDriver'] as const)
      expectProblem(
        await api()
          .as(persona)
          .post(BATCH, { items: [item] }),
        'forbidden',
      )
    expect(
      (
        await api()
          .as('driver')
          .post(BATCH, { items: [item] })
      ).json().results[0].status,
    ).toBe('created')
    const owners = await api().owner.query('select driver_id from duty_status_changes where id = $1', [
      item.id,
    ])
    expect(owners).toEqual([{ driver_id: DRIVERS.driver }])
    for (const [persona, code] of [
      ['rivalOffice', 'not_found'],
      ['broker', 'not_found'],
      ['foreignOffice', 'not_found'],
    ] as [Parameters<ReturnType<typeof api>['as']>[0], Code][])
      for (const list of ['duty-statuses', 'duty-edits', 'hours'])
        expectProblem(await api().as(persona).get(`/v1/freight/drivers/${DRIVERS.driver}/${list}`), code)
  })

  it('ends where a day has an entry for each minute', async () => {
    const driver = await someDriver()
    const day = '2026-03-02T'
    await api().owner.query(
      `insert into duty_status_changes (driver_id, status, began_at, recorded_at, device_id)
       select $1, 'on_duty', t.at, t.at, 'phone' from generate_series(1, 1439) n
       cross join lateral (select timestamptz '2026-03-02 00:00:00+00' + n * interval '1 minute' as at) t`,
      [driver.id],
    )
    const results = await driver.send([
      entry('driving', `${day}08:00:30Z`),
      entry('driving', `${day}08:00:31Z`),
      entry('driving', '2026-03-03T00:00:00Z'),
    ])
    expect(results.map(({ status, code }) => code ?? status)).toEqual([
      'created',
      'too_many_duty_changes',
      'created',
    ])
  })

  it('is listed by device time, page by page, in a period', async () => {
    const driver = await someDriver()
    const items = [5, 4, 3, 2, 1].map((hours) => entry('driving', hoursAgo(hours)))
    await driver.send([...items].reverse())
    const listed: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url = `/v1/freight/drivers/${driver.id}/duty-statuses?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const page: { items: { id: string }[]; next_cursor: string | null } = (await driver.get(url)).json()
      listed.push(...page.items.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(listed).toEqual(items.map(({ id }) => id))
    const period = `&from=${encodeURIComponent(items[1]!.began_at)}&to=${encodeURIComponent(items[3]!.began_at)}`
    expect((await driver.log(period)).map(({ id }) => id)).toEqual([items[1]!.id, items[2]!.id])
  })
})

describe('hours left', () => {
  it('are those of the log, by the rules of the driver, for driver and carrier', async () => {
    const driver = await someDriver()
    expect(await driver.hours()).toMatchObject({
      pack: 'us_property',
      cycle: '70/8',
      time_zone: 'America/Chicago',
      status: null,
      since: null,
      driving_seconds_left: 11 * HOUR,
      cycle_seconds_left: 70 * HOUR,
      week_seconds_left: null,
    })
    const log = [entry('driving', hoursAgo(6)), entry('off_duty', hoursAgo(3)), entry('driving', hoursAgo(2))]
    await driver.send(log)
    const at = new Date().toISOString()
    const url = `/v1/freight/drivers/${driver.id}/hours?at=${encodeURIComponent(at)}`
    const office = (await api().as('dispatcher').get(url)).json()
    expect((await driver.get(url)).json()).toEqual(office)
    const expected = (pack: 'us_property' | 'eu_561', zone: string) => {
      const left = leftAt(
        log.map(({ status, began_at }) => ({ status, at: Math.floor(Date.parse(began_at) / 1000) })),
        { pack, cycle: '70/8', zone },
        Math.floor(Date.parse(at) / 1000),
      )
      return {
        driving_seconds_left: left.driving,
        window_seconds_left: left.window,
        break_seconds_left: left.until_break,
        cycle_seconds_left: left.cycle,
        week_seconds_left: left.week,
        fortnight_seconds_left: left.fortnight,
      }
    }
    expect(office).toMatchObject({ status: 'driving', ...expected('us_property', 'America/Chicago') })
    expect(Date.parse(office.since)).toBe(Date.parse(log[2]!.began_at))
    expect(Date.parse(office.can_drive_at)).toBe(Date.parse(office.at))
    const changed = await api()
      .as('office')
      .patch(`/v1/freight/drivers/${driver.id}`, { hours_pack: 'eu_561', home_time_zone: 'Europe/Amsterdam' })
    expect(changed.statusCode, changed.body).toBe(200)
    expect(await driver.hours(`?at=${encodeURIComponent(at)}`)).toMatchObject({
      pack: 'eu_561',
      cycle: null,
      ...expected('eu_561', 'Europe/Amsterdam'),
    })
    for (const home_time_zone of ['Mars/Olympus', 'Europe/Nowhere'])
      expectProblem(
        await api().as('office').patch(`/v1/freight/drivers/${driver.id}`, { home_time_zone }),
        'validation_failed',
      )
  })

  it('look back 28 days, with what lasted then', async () => {
    const driver = await someDriver()
    await driver.send([entry('driving', hoursAgo(40 * 24)), entry('off_duty', hoursAgo(1))])
    const { since, driving_seconds_left, can_drive_at, at } = await driver.hours()
    expect(Date.parse(since)).toBeGreaterThan(Date.now() - 2 * HOUR_MS)
    expect(driving_seconds_left).toBe(0)
    // Of the 34 hours of the restart one is over.
    expect((Date.parse(can_drive_at) - Date.parse(at)) / HOUR_MS).toBeCloseTo(33, 2)
  })

  it('are in the list of candidates, of each driver', async () => {
    const driver = await someDriver()
    await driver.send([entry('driving', hoursAgo(4))])
    const load = await arrangeLoad(api().owner)
    const page = (await api().as('dispatcher').get(`/v1/freight/loads/${load}/candidates?limit=100`)).json()
    const candidate = page.items.find(({ driver_id }: { driver_id: string }) => driver_id === driver.id)
    expect(candidate).toMatchObject({ eligible: true, hours: { driver_id: driver.id, status: 'driving' } })
    expect(candidate.hours.driving_seconds_left).toBeLessThanOrEqual(7 * HOUR)
    for (const { driver_id, hours } of page.items) expect(hours.driver_id).toBe(driver_id)
  })
})

describe('edits of a log', () => {
  const edits = (id: string) => `/v1/freight/drivers/${id}/duty-edits`
  const decide = (id: string, verdict: 'accept' | 'refuse') => `/v1/freight/duty-edits/${id}/${verdict}`

  it('count once both sides have agreed, and the entries stay', async () => {
    const driver = await someDriver()
    const work = entry('driving', hoursAgo(10))
    await driver.send([work])
    expect((await driver.hours()).driving_seconds_left).toBeLessThanOrEqual(HOUR)
    const proposed = await driver.post(edits(driver.id), {
      kind: 'another',
      entry_id: work.id,
      status: 'on_duty',
      began_at: work.began_at,
      reason: 'I was loading.',
    })
    expect(proposed.statusCode, proposed.body).toBe(201)
    expect(proposed.json()).toMatchObject({
      proposed_as: 'driver',
      proposed_by: driver.userId,
      state: 'proposed',
    })
    expect((await driver.hours()).driving_seconds_left).toBeLessThanOrEqual(HOUR)
    const accepted = await api().as('dispatcher').post(decide(proposed.json().id, 'accept'))
    expect(accepted.json()).toMatchObject({ state: 'accepted', decided_by: FREIGHT_USERS.dispatcher })
    expect(await driver.hours()).toMatchObject({ status: 'on_duty', driving_seconds_left: 11 * HOUR })
    expect(await driver.log()).toMatchObject([
      { id: work.id, status: 'driving', counts: false, counts_as: { status: 'on_duty' } },
    ])
    // The last decision counts, also about what was added.
    const added = await api()
      .as('office')
      .post(edits(driver.id), { kind: 'added', status: 'off_duty', began_at: hoursAgo(3), reason: 'Break' })
    expect((await driver.post(decide(added.json().id, 'accept'))).statusCode).toBe(200)
    expect(await driver.hours()).toMatchObject({ status: 'off_duty' })
    const gone = await driver.post(edits(driver.id), {
      kind: 'void',
      entry_id: added.json().id,
      reason: 'No, it was not.',
    })
    expect((await api().as('office').post(decide(gone.json().id, 'accept'))).statusCode).toBe(200)
    expect(await driver.hours()).toMatchObject({ status: 'on_duty' })
    const listed = (await driver.get(`${edits(driver.id)}?state=accepted`)).json().items
    expect(listed.map(({ kind }: { kind: string }) => kind)).toEqual(['void', 'added', 'another'])
  })

  it('are decided on by the other side alone, and once', async () => {
    const driver = await someDriver()
    const work = entry('driving', hoursAgo(3))
    await driver.send([work])
    const body = { kind: 'void', entry_id: work.id, reason: 'Another truck' }
    const byCarrier = (await api().as('dispatcher').post(edits(driver.id), body)).json()
    // Not by their own side, who may be another person; not by admins; not by other carriers.
    for (const [persona, code] of [
      ['dispatcher', 'forbidden'],
      ['office', 'forbidden'],
      ['admin', 'forbidden'],
      ['driver', 'not_found'],
      ['rivalOffice', 'not_found'],
      ['broker', 'not_found'],
    ] as const)
      expectProblem(await api().as(persona).post(decide(byCarrier.id, 'accept')), code)
    expectProblem(await driver.post(edits(driver.id), body), 'duty_edit_open')
    expect((await driver.post(decide(byCarrier.id, 'refuse'))).json()).toMatchObject({ state: 'refused' })
    expectProblem(await driver.post(decide(byCarrier.id, 'accept')), 'duty_edit_decided')
    expect(await driver.log()).toMatchObject([{ counts: true }])
    for (const [persona, code] of [
      ['admin', 'forbidden'],
      ['rivalOffice', 'not_found'],
      ['driver', 'not_found'],
    ] as const)
      expectProblem(await api().as(persona).post(edits(driver.id), body), code)
    expectProblem(await driver.post(edits(driver.id), { ...body, entry_id: randomUUID() }), 'not_found')
    const future = new Date(Date.now() + HOUR_MS).toISOString()
    expectProblem(
      await driver.post(edits(driver.id), {
        kind: 'added',
        status: 'driving',
        began_at: future,
        reason: 'x',
      }),
      'duty_in_future',
    )
  })

  it('need another person also where the driver dispatches for the carrier', async () => {
    const driver = await someDriver()
    await api().owner.query(
      `insert into memberships (tenant_id, user_id, organization_id, role)
       select tenant_id, id, organization_id, 'dispatcher' from users where id = $1`,
      [driver.userId],
    )
    const added = { kind: 'added', status: 'off_duty', began_at: hoursAgo(3), reason: 'Break' }
    const own = (await driver.post(edits(driver.id), added)).json()
    expect(own.proposed_as).toBe('driver')
    expectProblem(await driver.post(decide(own.id, 'accept')), 'forbidden')
    // What a colleague proposes, the driver decides.
    const theirs = (await api().as('office').post(edits(driver.id), added)).json()
    expect((await driver.post(decide(theirs.id, 'accept'))).statusCode).toBe(200)
    expect((await api().as('office').post(decide(own.id, 'accept'))).statusCode).toBe(200)
  })

  it('end where a log has a hundred open ones', async () => {
    const driver = await someDriver()
    await api().owner.query(
      `insert into duty_status_edits (driver_id, kind, status, began_at, reason, proposed_by, proposed_as)
       select $1, 'added', 'driving', now() - interval '1 hour', 'Many', $2, 'driver' from generate_series(1, 100)`,
      [driver.id, driver.userId],
    )
    const more = { kind: 'added', status: 'driving', began_at: hoursAgo(2), reason: 'One more' }
    expectProblem(await driver.post(edits(driver.id), more), 'too_many_duty_edits')
  })
})

describe('the plan of a load', () => {
  const driverOf = async (pack: 'us_property' | 'eu_561') => {
    const { id } = await arrangeDriver(api().owner)
    await api().owner.query('update drivers set hours_pack = $2 where id = $1', [id, pack])
    return id
  }
  let days = 10
  /** A load of so many hours, with that driving time or distance. */
  const loadOf = async (hours: number, plan: { driving_minutes?: number; distance?: number | null }) => {
    days += 10
    const load = await arrangeLoad(api().owner, { from: days * 24, to: days * 24 + hours })
    const changed = await api().as('dispatcher').patch(`/v1/freight/loads/${load}`, plan)
    expect(changed.statusCode, changed.body).toBe(200)
    return load
  }
  const assign = async (load: string, driver: string, more: object = {}) => {
    const truck_id = await arrangeVehicle(api().owner, 'trucks')
    return api()
      .as('dispatcher')
      .post(`/v1/freight/loads/${load}/assign`, { driver_id: driver, truck_id, ...more })
  }

  it('is refused where nobody could drive it in time, with rests and breaks', async () => {
    const [us, eu] = [await driverOf('us_property'), await driverOf('eu_561')]
    for (const [driver, hours, driving, refused] of [
      [us, 8.25, 8, false],
      [us, 9.25, 9, true],
      [us, 9.75, 9, false],
      // Eleven hours, a rest of ten, and one more.
      [us, 21.75, 12, true],
      [us, 22.25, 12, false],
      [eu, 4.75, 4.5, false],
      [eu, 5.5, 5, true],
      [eu, 5.75, 5, false],
      // Ten hours with two breaks, a rest of nine, and one more.
      [eu, 20.5, 11, true],
      [eu, 21, 11, false],
    ] as const) {
      const load = await loadOf(hours, { driving_minutes: driving * 60 })
      const response = await assign(load, driver)
      if (refused) expectProblem(response, 'hours_of_service')
      else expect(response.statusCode, `${hours} ${driving} ${response.body}`).toBe(200)
      if (refused) expect(response.json().subject).toBe('driver_id')
    }
  })

  it('is judged by the distance when nobody said how long it takes, and not for a team or a leg', async () => {
    const driver = await driverOf('us_property')
    // 850 miles at 85 miles an hour are ten hours.
    const load = await loadOf(10.25, { distance: 850 })
    const candidates = (await api().as('office').get(`/v1/freight/loads/${load}/candidates?limit=100`)).json()
    const codes = candidates.items.find(
      ({ driver_id }: { driver_id: string }) => driver_id === driver,
    ).violations
    expect(codes).toEqual([{ code: 'hours_of_service' }])
    expectProblem(await assign(load, driver), 'hours_of_service')
    expect((await assign(load, driver, { co_driver_id: await driverOf('us_property') })).statusCode).toBe(200)
    expect((await assign(await loadOf(10.75, { distance: 850 }), driver)).statusCode).toBe(200)
    const relay = await loadOf(10.25, { distance: 850 })
    const { starts_at, ends_at } = (await api().as('office').get(`/v1/freight/loads/${relay}`)).json()
    expect((await assign(relay, driver, { starts_at, ends_at })).statusCode).toBe(200)
    expect((await assign(await loadOf(10.25, { distance: null }), driver)).statusCode).toBe(200)
  })
})

/** The same instant as a clock in that zone shows it. */
function inZone(instant: string, offsetHours: number): string {
  const local = new Date(Date.parse(instant) + offsetHours * HOUR_MS).toISOString().slice(0, -1)
  const sign = offsetHours < 0 ? '-' : '+'
  return `${local}${sign}${String(Math.abs(offsetHours)).padStart(2, '0')}:00`
}
