import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
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

  it('are hidden from those whom they do not concern', async () => {
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
