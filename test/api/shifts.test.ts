import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import {
  acquaint,
  arrangeShift,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  SITE,
  USERS,
} from '../support/world.ts'

const api = useApi()

/** The night of 27 to 28 March 2027, in which the clocks of Amsterdam go forward: 7 hours. */
const shortNight = {
  location_id: LOCATIONS.site,
  start_datetime: '2027-03-27T22:00:00+01:00',
  end_datetime: '2027-03-28T06:00:00+02:00',
  hourly_rate: 27.5,
  title: 'Night watch',
}

const create = async (given: object = {}): Promise<string> => {
  const response = await api()
    .as('company')
    .post('/v1/shifts', { ...shortNight, ...given })
  expect(response.statusCode, response.body).toBe(201)
  return response.json().id
}

/** As the owner, to arrange what check-ins would do. */
const moveTo = (id: string, ...statuses: string[]) =>
  statuses.reduce(
    (before, status) =>
      before.then(async () => {
        await api().owner.query('update shifts set status = $2 where id = $1', [id, status])
      }),
    Promise.resolve(),
  )

describe('a shift is created', () => {
  it('by a company, as a draft, with what its location gives it', async () => {
    const response = await api().as('company').post('/v1/shifts', shortNight)
    expect(response.statusCode).toBe(201)
    const created = response.json()
    expect(response.headers.location).toBe(`/v1/shifts/${created.id}`)
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      company_id: ORGANIZATIONS.company,
      client_id: ORGANIZATIONS.client,
      location_id: LOCATIONS.site,
      professional_id: null,
      status: 'draft',
      start_datetime: '2027-03-27T21:00:00+00:00',
      end_datetime: '2027-03-28T04:00:00+00:00',
      time_zone: 'Europe/Amsterdam',
      hourly_rate: 27.5,
      overtime_rate: 1.5,
      required_certificates: ['vca'],
      title: 'Night watch',
      description: null,
      instructions: null,
      cancel_reason: null,
      ...SITE,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
  })

  it('published, where that is asked for', async () => {
    const response = await api()
      .as('company')
      .post('/v1/shifts', {
        ...shortNight,
        status: 'published',
        required_certificates: [],
        instructions: 'Ring twice.',
      })
    expect(response.json()).toMatchObject({
      status: 'published',
      required_certificates: [],
      instructions: 'Ring twice.',
    })
  })

  it('by an admin for a company of the tenant, which must be named', async () => {
    const named = { ...shortNight, company_id: ORGANIZATIONS.rival }
    expect((await api().as('admin').post('/v1/shifts', named)).json()).toMatchObject({
      company_id: ORGANIZATIONS.rival,
      client_id: ORGANIZATIONS.client,
    })
    const unnamed = await api().as('admin').post('/v1/shifts', shortNight)
    expectProblem(unnamed, 'forbidden')
    expect(unnamed.json().subject).toBe('company_id')
  })

  it('by nobody else, and for nobody else', async () => {
    for (const persona of ['client', 'guard', 'foreignAdmin'] as const) {
      expectProblem(await api().as(persona).post('/v1/shifts', shortNight), 'forbidden')
    }
    const forRival = { ...shortNight, company_id: ORGANIZATIONS.rival }
    expectProblem(await api().as('company').post('/v1/shifts', forRival), 'forbidden')
    expectProblem(await api().as(null).post('/v1/shifts', shortNight), 'unauthenticated')
  })

  it('where its company works, and nowhere else', async () => {
    for (const location_id of [
      LOCATIONS.otherClientSite,
      LOCATIONS.foreignSite,
      '00000000-0000-7000-8000-000000000000',
    ]) {
      const response = await api()
        .as('company')
        .post('/v1/shifts', { ...shortNight, location_id })
      expectProblem(response, 'not_found')
      expect(response.json().subject).toBe('location_id')
    }
    expect(await create({ location_id: LOCATIONS.office })).toBeDefined()
  })

  it.each([
    ['hourly_rate', 14.99],
    ['hourly_rate', 500.01],
    ['hourly_rate', 20.005],
    ['hourly_rate', '20'],
    ['overtime_rate', 0.99],
    ['overtime_rate', 5.01],
    ['end_datetime', shortNight.start_datetime],
    ['end_datetime', '2027-03-29T22:00:00.001+01:00'],
    ['end_datetime', '2027-03-28 06:00'],
    ['start_datetime', '2027-03-27T22:00:00'],
    ['start_datetime', '1999-12-31T23:59:59Z'],
    ['status', 'assigned'],
    ['title', ''],
    ['title', 'x'.repeat(201)],
    ['description', 'x'.repeat(2_001)],
    ['instructions', 'x'.repeat(10_001)],
    ['location_id', 'site'],
    ['required_certificates/0', ['VCA']],
    ['required_certificates', Array.from({ length: 21 }, (_, n) => `kind_${n}`)],
  ])('not with %s %j', async (pointer, value) => {
    const [field = ''] = pointer.split('/')
    const response = await api()
      .as('company')
      .post('/v1/shifts', { ...shortNight, [field]: value })
    expectProblem(response, 'validation_failed')
    expect(response.json().errors).toContainEqual(expect.objectContaining({ pointer: `/body/${pointer}` }))
  })

  it('not with what the database computes', async () => {
    for (const extra of [
      { client_id: ORGANIZATIONS.client },
      { professional_id: PROFESSIONALS.guard },
      { tenant_id: 'x' },
    ]) {
      const response = await api()
        .as('company')
        .post('/v1/shifts', { ...shortNight, ...extra })
      expectProblem(response, 'validation_failed')
    }
  })

  it('with every value that the limits allow', async () => {
    for (const given of [
      { hourly_rate: 15, overtime_rate: 1 },
      { hourly_rate: 500, overtime_rate: 5 },
      { hourly_rate: 18.03, end_datetime: '2027-03-29T22:00:00+02:00' },
      { title: '🛡'.repeat(200), description: '🛡'.repeat(2_000), instructions: '🛡'.repeat(10_000) },
      { required_certificates: Array.from({ length: 20 }, (_, n) => `kind_${n}`) },
    ]) {
      const id = await create(given)
      expect((await api().as('company').get(`/v1/shifts/${id}`)).json()).toMatchObject({
        ...given,
        end_datetime: expect.any(String),
      })
    }
  })
})

describe('one shift', () => {
  it('comes with its location, professional and check-ins', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned' })
    const early = '0c000000-0000-7000-8000-000000000001'
    const late = '0c000000-0000-7000-8000-000000000002'
    // The later one arrives first: the newest is by the time of the device.
    for (const [checkin, minutes] of [
      [late, 1],
      [early, 2],
    ] as const) {
      await api().owner.query(
        `insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
         values ($1, $2, 'ping', st_point($3::float8, $4::float8)::geography, 5, now() - $5::int * interval '1 minute')`,
        [checkin, id, SITE.longitude, SITE.latitude, minutes],
      )
    }
    for (const persona of ['company', 'client', 'guard', 'admin'] as const) {
      const response = await api().as(persona).get(`/v1/shifts/${id}`)
      expect(response.json(), persona).toMatchObject({
        id,
        status: 'assigned',
        location: {
          id: LOCATIONS.site,
          name: 'site',
          address: 'Dam 1, Amsterdam',
          radius_meters: 100,
          ...SITE,
        },
        professional: { id: PROFESSIONALS.guard, name: 'guard' },
        checkin_count: 2,
        last_checkin: { id: late, shift_id: id, kind: 'ping', verdict: 'inside', distance_meters: 0 },
      })
    }
  })

  it('comes without what is not there', async () => {
    const id = await create()
    expect((await api().as('company').get(`/v1/shifts/${id}`)).json()).toMatchObject({
      professional_id: null,
      professional: null,
      checkin_count: 0,
      last_checkin: null,
    })
  })

  it('outlives its location', async () => {
    const { id: location_id } = (
      await api()
        .as('company')
        .post('/v1/locations', {
          organization_id: ORGANIZATIONS.company,
          name: 'Quay',
          address: 'Quay 1',
          ...SITE,
        })
    ).json()
    const id = await create({ location_id })
    await api().as('company').post(`/v1/shifts/${id}/cancel`, { reason: 'Sold' })
    expect((await api().as('company').delete(`/v1/locations/${location_id}`)).statusCode).toBe(204)
    expect((await api().as('company').get(`/v1/shifts/${id}`)).json()).toMatchObject({
      location_id,
      location: null,
    })
  })

  it('is as each persona may see it, and else is not there', async () => {
    const draft = await arrangeShift(api().owner, { status: 'draft' })
    const open = await arrangeShift(api().owner)
    const past = await arrangeShift(api().owner, { startsInHours: -1 })
    const assigned = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 100 })
    const cancelled = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 200 })
    await api().as('company').post(`/v1/shifts/${cancelled}/cancel`, { reason: 'Rain' })
    const shifts = { draft, open, past, assigned, cancelled }
    const seen: Record<Exclude<Persona, 'rival' | 'foreignCompany' | 'stranger'>, (keyof typeof shifts)[]> = {
      admin: ['draft', 'open', 'past', 'assigned', 'cancelled'],
      company: ['draft', 'open', 'past', 'assigned', 'cancelled'],
      colleague: ['draft', 'open', 'past', 'assigned', 'cancelled'],
      client: ['open', 'past', 'assigned', 'cancelled'],
      otherClient: [],
      guard: ['open', 'assigned', 'cancelled'],
      otherGuard: ['open'],
      foreignAdmin: [],
      foreignClient: [],
      foreignGuard: [],
    }
    for (const [persona, visible] of Object.entries({ ...seen, rival: [], foreignCompany: [] })) {
      for (const [name, id] of Object.entries(shifts)) {
        const response = await api()
          .as(persona as Persona)
          .get(`/v1/shifts/${id}`)
        if ((visible as string[]).includes(name)) {
          expect(response.json(), `${persona} ${name}`).toMatchObject({ id })
        } else {
          expectProblem(response, 'not_found')
        }
      }
    }
  })

  it('has an id that is a UUID', async () => {
    expectProblem(await api().as('company').get('/v1/shifts/7'), 'validation_failed')
  })
})

describe('a change', () => {
  it('touches only what is given', async () => {
    const id = await create({ instructions: 'Ring twice.' })
    const before = (await api().as('company').get(`/v1/shifts/${id}`)).json()
    const response = await api().as('colleague').patch(`/v1/shifts/${id}`, { hourly_rate: 30 })
    expect(response.statusCode).toBe(200)
    const after = (await api().as('company').get(`/v1/shifts/${id}`)).json()
    expect(after).toEqual({ ...before, hourly_rate: 30, updated_at: after.updated_at })
    expect(
      (await api().as('company').patch(`/v1/shifts/${id}`, { instructions: null })).json().instructions,
    ).toBeNull()
    const [row] = await api().owner.query('select created_by, updated_by from shifts where id = $1', [id])
    // A new briefing alone leaves the shift as it is: those who may not read it need not know.
    expect(row).toEqual({ created_by: USERS.company, updated_by: USERS.colleague })
  })

  it('of the location moves it there', async () => {
    const id = await create()
    const response = await api().as('company').patch(`/v1/shifts/${id}`, { location_id: LOCATIONS.office })
    expect(response.json()).toMatchObject({
      location_id: LOCATIONS.office,
      client_id: ORGANIZATIONS.company,
    })
    expectProblem(
      await api().as('company').patch(`/v1/shifts/${id}`, { location_id: LOCATIONS.otherClientSite }),
      'not_found',
    )
  })

  it('must not be empty, and must not change what has a route of its own', async () => {
    const id = await create()
    for (const change of [
      {},
      { status: 'published' },
      { professional_id: PROFESSIONALS.guard },
      { company_id: ORGANIZATIONS.rival },
      { end_datetime: '2027-03-27T21:00:00Z', start_datetime: '2027-03-27T22:00:00Z' },
    ]) {
      expectProblem(await api().as('company').patch(`/v1/shifts/${id}`, change), 'validation_failed')
    }
    // Against the start that is there, which only the database knows.
    expectProblem(
      await api().as('company').patch(`/v1/shifts/${id}`, { end_datetime: '2027-03-27T21:00:00Z' }),
      'validation_failed',
    )
  })

  it('is for those who manage the shift', async () => {
    const id = await arrangeShift(api().owner)
    const path = `/v1/shifts/${id}`
    for (const persona of ['client', 'guard'] as const) {
      expectProblem(await api().as(persona).patch(path, { title: 'Mine' }), 'forbidden')
    }
    for (const persona of ['rival', 'otherClient', 'foreignAdmin', 'foreignGuard'] as const) {
      expectProblem(await api().as(persona).patch(path, { title: 'Mine' }), 'not_found')
    }
    expect((await api().as('admin').patch(path, { title: 'Ours' })).json().title).toBe('Ours')
  })

  it('keeps an assigned shift possible for its professional', async () => {
    await acquaint(api().owner, [PROFESSIONALS.guard])
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1000 })
    const other = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 1020 })
    const path = `/v1/shifts/${id}`
    const missing = await api()
      .as('company')
      .patch(path, { required_certificates: ['vca', 'bhv'] })
    expectProblem(missing, 'certificate_missing')
    expect(missing.json().subject).toBe('bhv')

    const { start_datetime, end_datetime } = (await api().as('company').get(`/v1/shifts/${other}`)).json()
    expectProblem(await api().as('company').patch(path, { start_datetime, end_datetime }), 'shift_overlap')
    // Back to back is fine.
    expect(
      (await api().as('company').patch(path, { end_datetime: start_datetime })).json().end_datetime,
    ).toBe(start_datetime)
  })

  it('is refused once the shift is over', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 2000 })
    await moveTo(id, 'active', 'completed')
    expectProblem(
      await api().as('company').patch(`/v1/shifts/${id}`, { hourly_rate: 40 }),
      'invalid_transition',
    )
    expectProblem(await api().as('guard').patch(`/v1/shifts/${id}`, { hourly_rate: 40 }), 'forbidden')
  })
})

describe('removing', () => {
  it('hides a shift that nobody works, and keeps its row', async () => {
    const cancelled = await create()
    await api().as('company').post(`/v1/shifts/${cancelled}/cancel`, { reason: 'Rain' })
    for (const id of [await create(), await create({ status: 'published' }), cancelled]) {
      expect((await api().as('company').delete(`/v1/shifts/${id}`)).statusCode).toBe(204)
      expectProblem(await api().as('company').get(`/v1/shifts/${id}`), 'not_found')
      expectProblem(await api().as('company').delete(`/v1/shifts/${id}`), 'not_found')
      expectProblem(await api().as('company').patch(`/v1/shifts/${id}`, { title: 'Back' }), 'not_found')
      expectProblem(await api().as('company').post(`/v1/shifts/${id}/publish`), 'not_found')
      const [row] = await api().owner.query('select deleted_at from shifts where id = $1', [id])
      expect(row!.deleted_at).not.toBeNull()
    }
  })

  it('is refused while somebody works it, and afterwards', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 3000 })
    const remove = () => api().as('company').delete(`/v1/shifts/${id}`)
    expectProblem(await remove(), 'invalid_transition')
    await moveTo(id, 'active')
    expectProblem(await remove(), 'invalid_transition')
    await moveTo(id, 'completed')
    expectProblem(await remove(), 'invalid_transition')
  })

  it('is for those who manage the shift', async () => {
    const id = await arrangeShift(api().owner)
    for (const persona of ['client', 'guard'] as const) {
      expectProblem(await api().as(persona).delete(`/v1/shifts/${id}`), 'forbidden')
    }
    for (const persona of ['rival', 'foreignAdmin'] as const) {
      expectProblem(await api().as(persona).delete(`/v1/shifts/${id}`), 'not_found')
    }
    expect((await api().as('admin').delete(`/v1/shifts/${id}`)).statusCode).toBe(204)
  })
})
