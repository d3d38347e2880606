import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import {
  BROKERS,
  buildFreightWorld,
  DRIVERS,
  FREIGHT_ORGANIZATIONS,
  FREIGHT_USERS,
  TRUCKS,
  vinOf,
} from '../support/freight-world.ts'
import { ORGANIZATIONS, PROFESSIONALS, USERS } from '../support/world.ts'

/* What the records of a carrier hold beside who sees and writes them, which the access matrix tries. */

const api = useApi({}, buildFreightWorld)

const truck = (more: object = {}) => ({
  unit_number: 'T-7',
  vin: vinOf(7),
  inspection_due_on: '2099-12-31',
  ...more,
})
const driver = (more: object = {}) => ({
  user_id: FREIGHT_USERS.newDriver,
  name: 'Dana Whitfield',
  license_number: 'W7',
  license_class: 'A',
  hire_date: '2024-06-03',
  ...more,
})

describe('trucks and trailers', () => {
  it('have a vehicle identification number with the right check digit', async () => {
    const office = api().as('office')
    const wrong = `${vinOf(7).slice(0, 8)}${vinOf(7)[8] === '1' ? '2' : '1'}${vinOf(7).slice(9)}`
    for (const vin of [wrong, '1M8GDM9A0KP042788'])
      expectProblem(await office.post('/v1/freight/trucks', truck({ vin })), 'validation_failed')
    for (const vin of ['1M8GDM9AXKP04278', '1M8GDM9AXKP04278O', '1m8gdm9axkp042788'])
      expectProblem(await office.post('/v1/freight/trucks', truck({ vin })), 'validation_failed')
    // The examples of 49 CFR 565 and of the registries.
    for (const vin of ['1M8GDM9AXKP042788', '11111111111111111', '5GZCZ43D13S812715']) {
      const [row] = await api().owner.query<{ is: boolean }>('select muster.is_vin($1) as is', [vin])
      expect([vin, row!.is]).toEqual([vin, true])
    }
  })

  it('have numbers that are unique for the carrier, until one is sold or removed', async () => {
    const office = api().as('office')
    const created = (await office.post('/v1/freight/trucks', truck())).json()
    expect(created).toMatchObject({
      organization_id: FREIGHT_ORGANIZATIONS.carrier,
      unit_number: 'T-7',
      status: 'in_service',
      ownership: 'company',
    })
    expectProblem(await office.post('/v1/freight/trucks', truck({ unit_number: 'T-8' })), 'already_exists')
    expectProblem(await office.post('/v1/freight/trucks', truck({ vin: vinOf(8) })), 'already_exists')
    // What another carrier has is nobody's business.
    expect((await api().as('rivalOffice').post('/v1/freight/trucks', truck())).statusCode).toBe(201)

    await office.patch(`/v1/freight/trucks/${created.id}`, { status: 'sold' })
    const bought = await office.post('/v1/freight/trucks', truck({ unit_number: 'T-8' }))
    expect(bought.statusCode).toBe(201)
    await office.delete(`/v1/freight/trucks/${bought.json().id}`)
    expect((await office.post('/v1/freight/trucks', truck({ unit_number: 'T-8' }))).statusCode).toBe(201)
  })

  it('are listed by their numbers, page by page, and by status', async () => {
    const listed: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url: string = `/v1/freight/trucks?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`
      const page = (await api().as('office').get(url)).json()
      listed.push(...page.items.map(({ unit_number }: { unit_number: string }) => unit_number))
      cursor = page.next_cursor
    }
    expect(listed).toEqual([...listed].sort())
    expect(listed.length).toBeGreaterThan(1)
    const sold = (await api().as('office').get('/v1/freight/trucks?status=sold')).json().items
    expect(sold.map(({ status }: { status: string }) => status)).toEqual(['sold'])
  })
})

describe('drivers', () => {
  it('are users with that role for the carrier', async () => {
    const office = api().as('office')
    for (const user_id of [FREIGHT_USERS.dispatcher, FREIGHT_USERS.rivalDriver, USERS.guard])
      expectProblem(await office.post('/v1/freight/drivers', driver({ user_id })), 'not_found')
    const created = (await office.post('/v1/freight/drivers', driver())).json()
    expect(created).toMatchObject({
      hours_pack: 'us_property',
      endorsements: [],
    })
    expectProblem(
      await office.post('/v1/freight/drivers', driver({ license_number: 'W8' })),
      'already_exists',
    )
    expect((await api().as('newDriver').get(`/v1/freight/drivers/${created.id}`)).json()).toEqual(created)
  })

  it('are terminated on a day that is not before they were hired', async () => {
    const url = `/v1/freight/drivers/${DRIVERS.driver}`
    const change = (body: object) => api().as('office').patch(url, body)
    expectProblem(await change({ status: 'terminated' }), 'validation_failed')
    expectProblem(await change({ status: 'terminated', termination_date: '2019-12-31' }), 'validation_failed')
    expect((await change({ termination_date: '2020-01-01' })).statusCode).toBe(200)
  })

  it('are written by the office, and only seen by dispatchers', async () => {
    const dispatcher = api().as('dispatcher')
    expectProblem(await dispatcher.post('/v1/freight/drivers', driver()), 'forbidden')
    expectProblem(await dispatcher.patch(`/v1/freight/drivers/${DRIVERS.driver}`, { name: 'X' }), 'forbidden')
    expectProblem(await dispatcher.delete(`/v1/freight/trucks/${TRUCKS.carrier}`), 'forbidden')
    expectProblem(await api().as('rivalOffice').get(`/v1/freight/drivers/${DRIVERS.driver}`), 'not_found')
  })
})

describe('documents of drivers', () => {
  const path = `/v1/freight/drivers/${DRIVERS.driver}/documents`
  const twic = { kind: 'twic', number: 'T-1', expiry_date: '2031-03-31' }
  type Writer = 'office' | 'dispatcher' | 'driver'
  const create = async (persona: Writer, more: object = {}) => {
    const created = await api()
      .as(persona)
      .post(path, { ...twic, ...more })
    expect(created.statusCode, created.body).toBe(201)
    return created.json()
  }
  const at = (id: string) => `/v1/freight/driver-documents/${id}`
  const verify = (persona: Writer, id: string, body: object = {}) =>
    api()
      .as(persona)
      .post(`${at(id)}/verify`, body)

  it('are one of each kind, until it is removed', async () => {
    const created = await create('driver')
    expect(created).toMatchObject({
      ...twic,
      driver_id: DRIVERS.driver,
      organization_id: FREIGHT_ORGANIZATIONS.carrier,
      is_verified: false,
      verified_at: null,
    })
    expectProblem(await api().as('dispatcher').post(path, twic), 'already_exists')
    for (const wrong of [{ kind: 'passport' }, { number: '=1+1' }, { expiry_date: '2100-01-01' }])
      expectProblem(
        await api()
          .as('office')
          .post(path, { ...twic, ...wrong }),
        'validation_failed',
      )
    expect((await api().as('driver').delete(at(created.id))).statusCode).toBe(204)
    expect((await create('dispatcher')).id).not.toBe(created.id)
  })

  it('are listed to those who see the driver, what ends first first, page by page', async () => {
    await create('office', { kind: 'hazmat_endorsement', expiry_date: '2027-01-31' })
    const listed: { kind: string; expiry_date: string }[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { items: typeof listed; next_cursor: string | null } = (
        await api()
          .as('driver')
          .get(`${path}?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ).json()
      listed.push(...page.items)
      cursor = page.next_cursor
    }
    expect(listed.map(({ expiry_date }) => expiry_date)).toEqual([
      '2027-01-31',
      '2031-03-31',
      '2099-12-31',
      '2099-12-31',
    ])
    for (const persona of ['rivalOffice', 'rivalDriver', 'newDriver', 'broker', 'guard'] as const)
      expectProblem(await api().as(persona).get(path), 'not_found')
    const ofRival = await api()
      .as('rivalOffice')
      .get(`/v1/freight/drivers/${DRIVERS.rivalDriver}/documents?limit=9`)
    expect(ofRival.json().items).toHaveLength(2)
  })

  it('are verified by the office, until number or last day change', async () => {
    const { id } = await create('driver', { kind: 'tachograph_card' })
    for (const persona of ['dispatcher', 'driver'] as const)
      expectProblem(await verify(persona, id), 'forbidden')
    const verified = (await verify('office', id)).json()
    expect(verified).toMatchObject({ is_verified: true, verified_by: FREIGHT_USERS.office })
    for (const persona of ['dispatcher', 'driver'] as const)
      expectProblem(await api().as(persona).delete(at(id)), 'forbidden')
    for (const [persona, change] of [
      ['driver', { expiry_date: '2033-03-31' }],
      ['dispatcher', { number: 'T-2' }],
      ['office', { expiry_date: '2034-03-31' }],
    ] as const) {
      const changed = (await api().as(persona).patch(at(id), change)).json()
      expect(changed).toMatchObject({ ...change, is_verified: false, verified_at: null, verified_by: null })
      expect((await verify('office', id)).json()).toMatchObject({ ...change, is_verified: true })
    }
    expect((await verify('office', id, { verified: false })).json().is_verified).toBe(false)
    expect((await verify('office', id, { number: 'T-3' })).json()).toMatchObject({
      number: 'T-3',
      is_verified: true,
    })
    expect((await api().as('office').delete(at(id))).statusCode).toBe(204)
    expectProblem(await api().as('office').get(at(id)), 'not_found')
  })

  it('are not verified by those whose they are', async () => {
    const { id } = await create('driver', { kind: 'qualification_card' })
    await api().owner.query(
      `insert into memberships (tenant_id, user_id, role, organization_id)
       select tenant_id, id, 'office', organization_id from users where id = $1`,
      [FREIGHT_USERS.driver],
    )
    expectProblem(await verify('driver', id), 'forbidden')
    const others = await api()
      .as('driver')
      .post(`/v1/freight/drivers/${DRIVERS.driver}/documents`, { ...twic, kind: 'tachograph_card' })
    expect(others.statusCode).toBe(201)
    await api().owner.query("delete from memberships where user_id = $1 and role = 'office'", [
      FREIGHT_USERS.driver,
    ])
    expect((await verify('office', id)).statusCode).toBe(200)
  })
})

describe('brokers', () => {
  it('have terms with days, or sell to a factor', async () => {
    const dispatcher = api().as('dispatcher')
    const create = (body: object) => dispatcher.post('/v1/freight/brokers', { name: 'Lakeside', ...body })
    expect((await create({})).json()).toMatchObject({ payment_terms: 'days', payment_days: 30 })
    expect((await create({ payment_terms: 'factoring' })).json()).toMatchObject({ payment_days: null })
    expectProblem(await create({ payment_terms: 'factoring', payment_days: 3 }), 'validation_failed')
    const url = `/v1/freight/brokers/${BROKERS.carrier}`
    expectProblem(await dispatcher.patch(url, { payment_terms: 'factoring' }), 'validation_failed')
  })

  it('have registry numbers that are unique for the carrier', async () => {
    const create = (persona: 'dispatcher' | 'rivalOffice', body: object) =>
      api()
        .as(persona)
        .post('/v1/freight/brokers', { name: 'Prairie', ...body })
    expect((await create('dispatcher', { mc_number: '384210', dot_number: '2233541' })).statusCode).toBe(201)
    expectProblem(await create('dispatcher', { mc_number: '384210' }), 'already_exists')
    expectProblem(await create('dispatcher', { dot_number: '2233541' }), 'already_exists')
    expect((await create('rivalOffice', { mc_number: '384210' })).statusCode).toBe(201)
    for (const mc_number of ['MC-384210', '0384210', '', '123456789'])
      expectProblem(await create('dispatcher', { mc_number }), 'validation_failed')
  })

  it('name an organization of kind broker, of the tenant', async () => {
    const link = (broker_organization_id: string) =>
      api().as('office').patch(`/v1/freight/brokers/${BROKERS.carrier}`, { broker_organization_id })
    expectProblem(await link(ORGANIZATIONS.company), 'invalid_reference')
    expectProblem(await link(FREIGHT_ORGANIZATIONS.foreignCarrier), 'invalid_reference')
    expect((await link(FREIGHT_ORGANIZATIONS.brokerage)).statusCode).toBe(200)
  })

  it('are removed by the office', async () => {
    const url = `/v1/freight/brokers/${BROKERS.carrier}`
    expectProblem(await api().as('dispatcher').delete(url), 'forbidden')
    expect((await api().as('office').delete(url)).statusCode).toBe(204)
    expectProblem(await api().as('office').get(url), 'not_found')
  })
})

describe('one person with several roles', () => {
  const invite = async (body: object): Promise<string> => {
    const response = await api().as('office').post('/v1/invitations', body)
    expect(response.statusCode, response.body).toBe(201)
    return response.json().code
  }

  it('is a guard, and a driver with an invitation of the office', async () => {
    const code = await invite({ role: 'driver', organization_id: FREIGHT_ORGANIZATIONS.carrier })
    const guard = api().as('guard')
    const accepted = await guard.post('/v1/me', { code, name: 'Ignored' })
    expect(accepted.statusCode).toBe(201)
    expect(accepted.json()).toMatchObject({
      role: 'zzp',
      name: 'guard',
      organization: null,
      professional: { id: PROFESSIONALS.guard },
      memberships: [
        { role: 'zzp', organization: null },
        { role: 'driver', organization: { id: FREIGHT_ORGANIZATIONS.carrier, kind: 'carrier' } },
      ],
    })
    const created = await api()
      .as('office')
      .post('/v1/freight/drivers', driver({ user_id: USERS.guard, license_number: 'G1' }))
    expect((await guard.get('/v1/freight/drivers')).json().items).toEqual([created.json()])
    expect((await guard.get(`/v1/professionals/${PROFESSIONALS.guard}`)).statusCode).toBe(200)
    expectProblem(await guard.post('/v1/me', { code, name: 'Again' }), 'already_registered')
  })

  it('has one role of guarding at most, and plans for one carrier at most', async () => {
    const asAdmin = await api().as('admin').post('/v1/invitations', { role: 'admin' })
    expectProblem(
      await api().as('guard').post('/v1/me', { code: asAdmin.json().code, name: 'X' }),
      'already_registered',
    )
    const dispatching = await api()
      .as('admin')
      .post('/v1/invitations', { role: 'dispatcher', organization_id: FREIGHT_ORGANIZATIONS.rivalCarrier })
    const { code } = dispatching.json()
    for (const persona of ['office', 'admin', 'foreignOffice'] as const)
      expectProblem(await api().as(persona).post('/v1/me', { code, name: 'X' }), 'already_registered')
    // A driver may dispatch for another carrier.
    expect((await api().as('driver').post('/v1/me', { code, name: 'X' })).statusCode).toBe(201)
    expect(
      (await api().as('driver').get('/v1/freight/trucks')).json().items.map(({ id }: { id: string }) => id),
    ).toContain(TRUCKS.rivalCarrier)
  })

  it('is invited by the office to its own carrier, as what a carrier has', async () => {
    const refused = (persona: 'office' | 'dispatcher' | 'driver', body: object) =>
      api().as(persona).post('/v1/invitations', body)
    const own = FREIGHT_ORGANIZATIONS.carrier
    expectProblem(
      await refused('office', { role: 'driver', organization_id: FREIGHT_ORGANIZATIONS.rivalCarrier }),
      'forbidden',
    )
    expectProblem(
      await refused('office', { role: 'broker', organization_id: FREIGHT_ORGANIZATIONS.brokerage }),
      'forbidden',
    )
    expectProblem(await refused('office', { role: 'zzp' }), 'forbidden')
    expectProblem(await refused('office', { role: 'driver' }), 'validation_failed')
    for (const persona of ['dispatcher', 'driver'] as const)
      expectProblem(await refused(persona, { role: 'driver', organization_id: own }), 'forbidden')
    await invite({ role: 'dispatcher', organization_id: own })
    const listed = (await api().as('office').get('/v1/invitations')).json().items
    expect(listed.map(({ role }: { role: string }) => role)).toContain('dispatcher')
    const withdrawn = await api().as('office').delete(`/v1/invitations/${listed[0].id}`)
    expect(withdrawn.statusCode).toBe(204)
  })
})
