import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeLocation, queryOf } from '../support/places.ts'
import { arrangeShift, LOCATIONS, ORGANIZATIONS } from '../support/world.ts'

const api = useApi()

const dam = { name: 'Dam', address: 'Dam 1', latitude: 52.3731, longitude: 4.8926 }

describe('locations', () => {
  it('are created by a company for its client, and read back', async () => {
    const created = await api()
      .as('company')
      .post('/v1/locations', { ...dam, organization_id: ORGANIZATIONS.client })
    expect(created.statusCode).toBe(201)
    const { id } = created.json()
    const read = await api().as('client').get(`/v1/locations/${id}`)
    expect(read.json()).toMatchObject({ ...dam, radius_meters: 100, time_zone: 'Europe/Amsterdam' })
  })

  it('are not created for somebody else', async () => {
    for (const organization_id of [
      ORGANIZATIONS.otherClient,
      ORGANIZATIONS.rival,
      ORGANIZATIONS.foreignClient,
    ]) {
      const response = await api()
        .as('company')
        .post('/v1/locations', { ...dam, organization_id })
      expectProblem(response, 'not_found')
    }
    const forTheCompany = { ...dam, organization_id: ORGANIZATIONS.company }
    expectProblem(await api().as('client').post('/v1/locations', forTheCompany), 'forbidden')
  })

  it('are hidden from organizations that have nothing to do with them', async () => {
    for (const persona of ['otherClient', 'foreignAdmin', 'foreignGuard'] as const) {
      expectProblem(await api().as(persona).get(`/v1/locations/${LOCATIONS.site}`), 'not_found')
    }
  })

  it('are changed by their own organization, and by nobody who only sees them', async () => {
    const path = `/v1/locations/${LOCATIONS.site}`
    expect((await api().as('client').patch(path, { radius_meters: 150 })).json()).toMatchObject({
      radius_meters: 150,
    })
    expectProblem(await api().as('company').patch(path, { radius_meters: 200 }), 'forbidden')
    expectProblem(await api().as('otherClient').patch(path, { radius_meters: 200 }), 'not_found')
  })

  it('are removed when nothing is planned there', async () => {
    const { id } = (
      await api()
        .as('company')
        .post('/v1/locations', { ...dam, organization_id: ORGANIZATIONS.company })
    ).json()
    const shift = await arrangeShift(api().owner, { location: id })
    expectProblem(await api().as('company').delete(`/v1/locations/${id}`), 'location_in_use')
    await api().owner.query("update shifts set status = 'cancelled', cancel_reason = 'test' where id = $1", [
      shift,
    ])
    expectProblem(await api().as('client').delete(`/v1/locations/${id}`), 'not_found')
    expect((await api().as('company').delete(`/v1/locations/${id}`)).statusCode).toBe(204)
    expectProblem(await api().as('company').get(`/v1/locations/${id}`), 'not_found')
  })

  it('are refused where the database refuses: an unknown time zone, a point that is none', async () => {
    const given = { ...dam, organization_id: ORGANIZATIONS.client }
    expectProblem(
      await api()
        .as('company')
        .post('/v1/locations', { ...given, time_zone: 'Mars/Base' }),
      'validation_failed',
    )
    expectProblem(
      await api()
        .as('company')
        .post('/v1/locations', { ...given, latitude: 95 }),
      'validation_failed',
    )
  })
})

describe('a time zone', () => {
  const create = (time_zone: string) =>
    api().as('company').post('/v1/locations', {
      organization_id: ORGANIZATIONS.company,
      name: 'Zone',
      address: 'Somewhere 1',
      latitude: -30,
      longitude: -30,
      time_zone,
    })

  it.each([
    ['europe/AMSTERDAM', 'Europe/Amsterdam'],
    ['america/port-au-prince', 'America/Port-au-Prince'],
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['US/Eastern', 'America/New_York'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['UTC', 'UTC'],
  ])('%s is stored as %s', async (given, stored) => {
    const created = await create(given)
    expect(created.statusCode, created.body).toBe(201)
    expect(created.json().time_zone).toBe(stored)
    const changed = await api()
      .as('company')
      .patch(`/v1/locations/${created.json().id}`, {
        time_zone: given.toUpperCase() === 'UTC' ? 'UTC' : given,
      })
    expect(changed.json().time_zone).toBe(stored)
  })

  it.each([
    'Europe/Atlantis',
    'Europe/Foo+3',
    'FOO3',
    'Etc/GMT+77',
    'posix/Europe/Amsterdam',
    'right/UTC',
    '+02:00',
  ])('%s is refused', async (given) => expectProblem(await create(given), 'validation_failed'))

  it('that the server does not know any more costs nobody else, and keeps nothing from being changed', async () => {
    const { owner } = api()
    const place = { latitude: -31, longitude: -31 }
    const gone = await arrangeLocation(owner, place, ORGANIZATIONS.company)
    const shifts = [
      await arrangeShift(owner, { location: gone, startsInHours: 40 }),
      await arrangeShift(owner, { location: await arrangeLocation(owner, place), startsInHours: 40 }),
    ]
    await owner.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query("update locations set time_zone = 'Europe/Gone' where id = $1", [gone])
      await tx.query("update shifts set time_zone = 'Europe/Gone' where location_id = $1", [gone])
    })
    const found = await api()
      .as('guard')
      .get(`/v1/shifts/nearby?${queryOf({ ...place, eligible_only: true })}`)
    expect(found.statusCode, found.body).toBe(200)
    expect(
      found
        .json()
        .items.map(({ id }: { id: string }) => id)
        .sort(),
    ).toEqual(shifts.sort())
    for (const shift of shifts) {
      expect((await api().as('company').get(`/v1/shifts/${shift}/candidates`)).statusCode).toBe(200)
    }
    const renamed = await api().as('company').patch(`/v1/locations/${gone}`, { name: 'Renamed' })
    expect(renamed.statusCode, renamed.body).toBe(200)
    const mended = await api().as('company').patch(`/v1/locations/${gone}`, { time_zone: 'Europe/Lisbon' })
    expect(mended.statusCode, mended.body).toBe(200)
  })
})
