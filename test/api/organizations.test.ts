import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { refusedBy } from '../support/refusals.ts'
import { arrangeShift, callerOf, LOCATIONS, ORGANIZATIONS, type Persona, TENANTS } from '../support/world.ts'

const api = useApi()

async function names(persona: Persona, query = ''): Promise<string[]> {
  const response = await api().as(persona).get(`/v1/organizations?limit=100${query}`)
  expect(response.statusCode).toBe(200)
  return response.json().items.map((item: { name: string }) => item.name)
}

describe('GET /v1/organizations', () => {
  it('shows each side the other, and an admin all of the tenant', async () => {
    expect(await names('company')).toEqual(['client', 'company'])
    expect(await names('rival')).toEqual(['client', 'otherClient', 'rival'])
    expect(await names('client')).toEqual(['client', 'company', 'rival'])
    expect(await names('otherClient')).toEqual(['otherClient', 'rival'])
    expect(await names('admin')).toEqual(['client', 'company', 'otherClient', 'rival'])
    expect(await names('foreignAdmin')).toEqual(['foreignClient', 'foreignCompany'])
    expectProblem(await api().as(null).get('/v1/organizations'), 'unauthenticated')
  })

  it('shows guards those of the shifts that they see', async () => {
    expect(await names('otherGuard')).toEqual([])
    const shift = await arrangeShift(api().owner, {
      company: ORGANIZATIONS.rival,
      location: LOCATIONS.otherClientSite,
    })
    expect(await names('otherGuard')).toEqual(['otherClient', 'rival'])
    expect(await names('foreignGuard')).toEqual([])
    await api().owner.query(
      `update shifts set status = 'cancelled', cancel_reason = 'The event is off' where id = $1`,
      [shift],
    )
    expect(await names('otherGuard')).toEqual([])
  })

  it('filters by kind and by company', async () => {
    expect(await names('admin', '&kind=company')).toEqual(['company', 'rival'])
    expect(await names('admin', `&client_of=${ORGANIZATIONS.company}`)).toEqual(['client'])
    expect(await names('company', `&client_of=${ORGANIZATIONS.rival}`)).toEqual([])
    expectProblem(await api().as('admin').get('/v1/organizations?kind=bank'), 'validation_failed')
  })

  it('goes by name, page by page, also where names are long or alike', async () => {
    // What JSON, UTF-8 and base64url make longest; and one name twice.
    const longest = ['\u0001'.repeat(200), '\u{1F6E1}'.repeat(200), 'Twin', 'Twin']
    for (const name of longest) {
      const response = await api().as('foreignAdmin').post('/v1/organizations', { name, kind: 'company' })
      expect(response.statusCode).toBe(201)
    }
    const paged: string[] = []
    let cursor = ''
    do {
      const page = await api().as('foreignAdmin').get(`/v1/organizations?limit=1${cursor}`)
      expect(page.statusCode).toBe(200)
      paged.push(...page.json().items.map((item: { id: string }) => item.id))
      cursor = page.json().next_cursor ? `&cursor=${page.json().next_cursor}` : ''
    } while (cursor)
    const atOnce = (await api().as('foreignAdmin').get('/v1/organizations?limit=100')).json().items
    expect(paged).toEqual(atOnce.map((item: { id: string }) => item.id))
    expect(new Set(paged).size).toBe(6)
  })

  it('takes a cursor for the list that gave it', async () => {
    const { next_cursor } = (await api().as('admin').get('/v1/organizations?limit=1')).json()
    expectProblem(
      await api().as('admin').get(`/v1/organizations?kind=client&cursor=${next_cursor}`),
      'cursor_invalid',
    )
  })
})

describe('POST /v1/organizations', () => {
  it('lets an admin make a company and its client', async () => {
    const company = await api()
      .as('admin')
      .post('/v1/organizations', { name: 'North Watch', kind: 'company', nd_number: 'ND 1234' })
    expect(company.statusCode).toBe(201)
    expect(company.json()).toEqual({
      id: expect.any(String),
      name: 'North Watch',
      kind: 'company',
      nd_number: 'ND 1234',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    const { id } = company.json()
    expect(company.headers.location).toBe(`/v1/organizations/${id}`)
    expect((await api().as('admin').get(`/v1/organizations/${id}`)).json()).toEqual(company.json())
    expectProblem(await api().as('rival').get(`/v1/organizations/${id}`), 'not_found')

    const client = await api()
      .as('admin')
      .post('/v1/organizations', { name: 'Harbour', kind: 'client', client_of: [id, ORGANIZATIONS.rival] })
    expect(client.statusCode).toBe(201)
    expect(await names('rival')).toContain('Harbour')
    expect(await names('company')).not.toContain('Harbour')
  })

  it('lets nobody else', async () => {
    for (const persona of ['company', 'client', 'guard'] as const) {
      expectProblem(
        await api().as(persona).post('/v1/organizations', { name: 'X', kind: 'company' }),
        'forbidden',
      )
    }
  })

  it('makes nothing when a company of client_of is not one of the tenant', async () => {
    for (const wrong of [ORGANIZATIONS.foreignCompany, ORGANIZATIONS.client, randomUUID()]) {
      const response = await api()
        .as('admin')
        .post('/v1/organizations', {
          name: 'Half made',
          kind: 'client',
          client_of: [ORGANIZATIONS.company, wrong],
        })
      expectProblem(response, 'not_found')
      expect(response.json()).toMatchObject({ subject: 'client_of' })
    }
    expect(await names('admin')).not.toContain('Half made')
  })

  it('refuses what has no form', async () => {
    for (const body of [
      { name: '', kind: 'company' },
      { name: 'X', kind: 'bank' },
      { name: 'X', kind: 'company', client_of: [ORGANIZATIONS.company] },
      { name: 'X', kind: 'company', tenant_id: randomUUID() },
    ]) {
      expectProblem(await api().as('admin').post('/v1/organizations', body), 'validation_failed')
    }
  })
})

describe('/v1/organizations/:id/clients/:client_id', () => {
  const link = `/v1/organizations/${ORGANIZATIONS.company}/clients/${ORGANIZATIONS.otherClient}`

  it('is put and deleted by an admin; the company then sees the client’s locations, or no longer', async () => {
    const seen = async () =>
      (await api().as('company').get(`/v1/locations/${LOCATIONS.otherClientSite}`)).statusCode
    expect(await seen()).toBe(404)
    expect((await api().as('admin').put(link)).statusCode).toBe(204)
    expect((await api().as('admin').put(link)).statusCode).toBe(204)
    expect(await seen()).toBe(200)
    expect(await names('company')).toContain('otherClient')

    for (const persona of ['company', 'otherClient'] as const) {
      expectProblem(await api().as(persona).delete(link), 'forbidden')
      expectProblem(await api().as(persona).put(link), 'forbidden')
    }
    expectProblem(await api().as('foreignAdmin').delete(link), 'not_found')

    expect((await api().as('admin').delete(link)).statusCode).toBe(204)
    expect(await seen()).toBe(404)
    expectProblem(await api().as('admin').delete(link), 'not_found')
  })

  it('joins a company and a client of one tenant, and nothing else', async () => {
    const { company, client, foreignCompany, foreignClient } = ORGANIZATIONS
    for (const [id, other] of [
      [client, company],
      [company, company],
      [company, foreignClient],
      [foreignCompany, client],
      [company, randomUUID()],
    ]) {
      expectProblem(await api().as('admin').put(`/v1/organizations/${id}/clients/${other}`), 'not_found')
    }
    expectProblem(await api().as('guard').put(link), 'not_found')
    expectProblem(await api().as('admin').put('/v1/organizations/x/clients/y'), 'validation_failed')
  })
})

describe('organizations in the database', () => {
  it('are made and joined by admins, in their own tenant alone', async () => {
    const sessions = openSessions(api().api)
    const make = (tenant: string) =>
      `insert into organizations (tenant_id, name, kind) values ('${tenant}', 'X', 'company')`
    const join = (tenant: string, company: string, client: string) =>
      `insert into company_clients (tenant_id, company_id, client_id) values ('${tenant}', '${company}', '${client}')`
    const { company, otherClient, foreignCompany, foreignClient } = ORGANIZATIONS
    for (const [persona, statement] of [
      ['company', make(TENANTS.a)],
      ['admin', make(TENANTS.b)],
      ['company', join(TENANTS.a, company, otherClient)],
      ['otherClient', join(TENANTS.a, company, otherClient)],
      ['admin', join(TENANTS.b, foreignCompany, foreignClient)],
    ] as const) {
      expect(await refusedBy(sessions, callerOf(persona), statement), statement).toMatchObject({
        sqlstate: '42501',
      })
    }
    for (const [of, to] of [
      [foreignCompany, otherClient],
      [company, foreignClient],
      [otherClient, company],
    ] as const) {
      expect(await refusedBy(sessions, callerOf('admin'), join(TENANTS.a, of, to))).toMatchObject({
        sqlstate: '23503',
      })
    }
  })
})
