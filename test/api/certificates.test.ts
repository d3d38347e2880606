import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { refusedBy } from '../support/refusals.ts'
import {
  acquaint,
  arrangeShift,
  callerOf,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  USERS,
} from '../support/world.ts'

const api = useApi()

const bhv = { kind: 'bhv', number: 'BHV-1', valid_until: '2030-06-30' }

afterEach(async () => {
  await api().owner.query(`update shifts set status = 'published' where status = 'assigned'`)
})

async function handIn(body: object = bhv, persona: Persona = 'guard'): Promise<{ id: string }> {
  const response = await api().as(persona).post('/v1/certificates', body)
  expect(response.statusCode).toBe(201)
  return response.json()
}

const verify = (persona: Persona, id: string, body?: object) =>
  api().as(persona).post(`/v1/certificates/${id}/verify`, body)

/** The guard's certificate that the world gave them, which every shift asks for. */
async function vca(): Promise<string> {
  const { items } = (await api().as('guard').get('/v1/certificates?kind=vca')).json()
  expect(items).toHaveLength(1)
  return items[0].id
}

describe('POST /v1/certificates', () => {
  it('creates a guard’s own certificate, unverified', async () => {
    const created = await handIn()
    expect(created).toEqual({
      id: expect.any(String),
      professional_id: PROFESSIONALS.guard,
      company_id: null,
      ...bhv,
      verified_at: null,
      verified_by: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    expect((await api().as('guard').get(`/v1/certificates/${created.id}`)).json()).toEqual(created)
  })

  it('lets an admin create one for any guard of the tenant, who must be named', async () => {
    const pass = {
      kind: 'beveiligingspas',
      number: 'P-1',
      valid_until: '2030-01-01',
      company_id: ORGANIZATIONS.company,
    }
    const created = await handIn({ ...pass, professional_id: PROFESSIONALS.otherGuard }, 'admin')
    expect(created).toMatchObject({ ...pass, professional_id: PROFESSIONALS.otherGuard, verified_at: null })
    expectProblem(await api().as('admin').post('/v1/certificates', bhv), 'validation_failed')
    for (const professional_id of [PROFESSIONALS.foreignGuard, randomUUID()]) {
      expectProblem(
        await api()
          .as('admin')
          .post('/v1/certificates', { ...bhv, professional_id }),
        'not_found',
      )
    }
  })

  it('is refused to everybody else', async () => {
    for (const persona of ['company', 'client'] as const) {
      expectProblem(await api().as(persona).post('/v1/certificates', bhv), 'forbidden')
    }
    await arrangeShift(api().owner, { status: 'assigned' })
    const ofGuard = { ...bhv, professional_id: PROFESSIONALS.guard }
    // The company sees the guard on its shift; the other guard does not.
    expectProblem(await api().as('company').post('/v1/certificates', ofGuard), 'forbidden')
    expectProblem(await api().as('otherGuard').post('/v1/certificates', ofGuard), 'not_found')
  })

  it('takes no verification from the client, and no company of another tenant', async () => {
    expectProblem(
      await api()
        .as('guard')
        .post('/v1/certificates', { ...bhv, verified_at: '2026-01-01T00:00:00Z' }),
      'validation_failed',
    )
    expectProblem(
      await api()
        .as('guard')
        .post('/v1/certificates', { ...bhv, company_id: ORGANIZATIONS.foreignCompany }),
      'invalid_reference',
    )
  })

  it('refuses malformed values', async () => {
    for (const wrong of [
      { kind: 'BHV' },
      { kind: '' },
      { number: '' },
      { valid_until: '2030-02-30' },
      { valid_until: '1999-12-31' },
      { valid_until: '2100-01-01' },
      { valid_until: 1893456000 },
    ]) {
      expectProblem(
        await api()
          .as('guard')
          .post('/v1/certificates', { ...bhv, ...wrong }),
        'validation_failed',
      )
    }
  })
})

describe('GET /v1/certificates', () => {
  it('shows guards their own, companies those of who is assigned to them, admins the tenant’s', async () => {
    const { id } = await handIn()
    const seen = async (persona: Persona) => {
      const { items } = (await api().as(persona).get('/v1/certificates?limit=100')).json()
      return items.some((item: { id: string }) => item.id === id)
    }
    const shift = await arrangeShift(api().owner)
    for (const persona of ['guard', 'admin'] as const) expect(await seen(persona), persona).toBe(true)
    const others = ['company', 'rival', 'client', 'otherGuard', 'foreignAdmin'] as const
    for (const persona of others) expect(await seen(persona), persona).toBe(false)
    await api().owner.query(
      `update shifts set status = 'assigned', professional_id = '${PROFESSIONALS.guard}' where id = $1`,
      [shift],
    )
    expect(await seen('company')).toBe(true)
    expect((await api().as('company').get(`/v1/certificates/${id}`)).statusCode).toBe(200)
    for (const persona of others.slice(1)) {
      expect(await seen(persona), persona).toBe(false)
      expectProblem(await api().as(persona).get(`/v1/certificates/${id}`), 'not_found')
    }
    expectProblem(await api().as(null).get('/v1/certificates'), 'unauthenticated')
  })

  it('filters by professional, kind and verification, newest first, page by page', async () => {
    const made: string[] = []
    for (let n = 0; n < 3; n += 1) {
      made.push((await handIn({ ...bhv, kind: 'svpb', number: `S-${n}` }, 'otherGuard')).id)
    }
    const query = `professional_id=${PROFESSIONALS.otherGuard}&kind=svpb`
    const first = (await api().as('admin').get(`/v1/certificates?${query}&limit=2`)).json()
    const second = (
      await api().as('admin').get(`/v1/certificates?${query}&limit=2&cursor=${first.next_cursor}`)
    ).json()
    expect(second.next_cursor).toBeNull()
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(made.reverse())

    await verify('admin', made[0]!)
    const ids = async (verified: boolean) =>
      (await api().as('admin').get(`/v1/certificates?${query}&verified=${verified}`))
        .json()
        .items.map((item: { id: string }) => item.id)
    expect(await ids(true)).toEqual([made[0]])
    expect(await ids(false)).toEqual(made.slice(1))
    expectProblem(
      await api().as('admin').get(`/v1/certificates?kind=svpb&cursor=${first.next_cursor}`),
      'cursor_invalid',
    )
    expectProblem(await api().as('admin').get('/v1/certificates?kind=S%20V'), 'validation_failed')
  })
})

describe('POST /v1/certificates/:id/verify', () => {
  it('lets an admin verify; the database records when and by whom', async () => {
    const { id } = await handIn()
    const verified = await verify('admin', id)
    expect(verified.statusCode).toBe(200)
    expect(verified.json()).toMatchObject({ verified_by: USERS.admin })
    expect(Math.abs(Date.parse(verified.json().verified_at) - Date.now())).toBeLessThan(60_000)
    // Again changes nothing.
    expect((await verify('admin', id, { verified: true })).json()).toMatchObject({
      verified_at: verified.json().verified_at,
    })
    expect((await verify('admin', id, { verified: false })).json()).toMatchObject({
      verified_at: null,
      verified_by: null,
    })
  })

  it('is refused to the guard, to companies and to other tenants', async () => {
    const { id } = await handIn()
    await arrangeShift(api().owner, { status: 'assigned' })
    for (const persona of ['guard', 'company'] as const) {
      expectProblem(await verify(persona, id), 'forbidden')
    }
    for (const persona of ['otherGuard', 'client', 'rival', 'foreignAdmin'] as const) {
      expectProblem(await verify(persona, id), 'not_found')
    }
    expectProblem(await verify('admin', randomUUID()), 'not_found')
    expectProblem(await verify('admin', id, { verified: 'yes' }), 'validation_failed')
    expect((await api().as('guard').get(`/v1/certificates/${id}`)).json()).toMatchObject({
      verified_at: null,
    })
  })

  it('is not withdrawn while an assigned shift needs it', async () => {
    const id = await vca()
    const shift = await arrangeShift(api().owner, { status: 'assigned' })
    const refused = await verify('admin', id, { verified: false })
    expectProblem(refused, 'certificate_in_use')
    expect(refused.json()).toMatchObject({ subject: 'vca' })
    await api().owner.query(`update shifts set status = 'published' where id = $1`, [shift])
    expect((await verify('admin', id, { verified: false })).statusCode).toBe(200)
    expect((await verify('admin', id)).statusCode).toBe(200)
  })

  it('can be withdrawn when another certificate of the same kind is valid', async () => {
    await arrangeShift(api().owner, { status: 'assigned' })
    const spare = await handIn({ kind: 'vca', number: 'VCA-2', valid_until: '2099-12-31' })
    await verify('admin', spare.id)
    expect((await verify('admin', spare.id, { verified: false })).statusCode).toBe(200)
    await verify('admin', spare.id)
    expect((await api().as('admin').delete(`/v1/certificates/${spare.id}`)).statusCode).toBe(204)
  })
})

describe('DELETE /v1/certificates/:id', () => {
  it('lets a guard take back what is not verified', async () => {
    const { id } = await handIn()
    expectProblem(await api().as('otherGuard').delete(`/v1/certificates/${id}`), 'not_found')
    expect((await api().as('guard').delete(`/v1/certificates/${id}`)).statusCode).toBe(204)
    expectProblem(await api().as('guard').get(`/v1/certificates/${id}`), 'not_found')
    expectProblem(await api().as('admin').delete(`/v1/certificates/${id}`), 'not_found')
  })

  it('lets only admins delete a verified certificate', async () => {
    const { id } = await handIn()
    await verify('admin', id)
    await arrangeShift(api().owner, { status: 'assigned' })
    for (const persona of ['guard', 'company'] as const) {
      expectProblem(await api().as(persona).delete(`/v1/certificates/${id}`), 'forbidden')
    }
    expect((await api().as('admin').delete(`/v1/certificates/${id}`)).statusCode).toBe(204)
  })

  it('is refused while an assigned shift needs it', async () => {
    const { id } = await handIn()
    await verify('admin', id)
    const shift = await arrangeShift(api().owner, { status: 'assigned', certificates: ['bhv'] })
    for (const others of (await api().as('admin').get('/v1/certificates?kind=bhv&verified=true')).json()
      .items) {
      if (others.id !== id) await api().as('admin').delete(`/v1/certificates/${others.id}`)
    }
    expectProblem(await api().as('admin').delete(`/v1/certificates/${id}`), 'certificate_in_use')
    await api().owner.query(`update shifts set status = 'published' where id = $1`, [shift])
    expect((await api().as('admin').delete(`/v1/certificates/${id}`)).statusCode).toBe(204)
  })
})

describe('certificates in the database', () => {
  it('cannot be verified by who is no admin, by any statement', async () => {
    const { id } = await handIn()
    const sessions = openSessions(api().api)
    const insert = (columns: string, values: string) =>
      `insert into certificates (professional_id, kind, number, valid_until${columns})
       values ('${PROFESSIONALS.guard}', 'bhv', 'X', '2030-01-01'${values}) returning id`
    for (const statement of [
      insert(', verified_at', ', now()'),
      insert(', verified_by', ', auth.uid()'),
      insert(', tenant_id', ', muster.tenant_id()'),
      `update certificates set verified_by = auth.uid() where id = '${id}' returning id`,
      `update certificates set professional_id = '${PROFESSIONALS.otherGuard}' where id = '${id}' returning id`,
    ]) {
      expect(await refusedBy(sessions, callerOf('guard'), statement), statement).toMatchObject({
        sqlstate: '42501',
      })
    }
    for (const persona of ['guard', 'company', 'otherGuard', 'foreignAdmin'] as const) {
      const reached = await sessions.write(callerOf(persona), (session) =>
        session.rows(sql`update certificates set verified_at = now() where id = ${id} returning id`),
      )
      expect(reached, persona).toEqual([])
    }
  })

  it('get their verification time from the database, whatever the statement says', async () => {
    const { id } = await handIn()
    const [row] = await openSessions(api().api).write(callerOf('admin'), (session) =>
      session.rows(sql`
        update certificates set verified_at = timestamptz '2001-01-01Z' where id = ${id}
        returning verified_at = now() as now, verified_by`),
    )
    expect(row).toEqual({ now: true, verified_by: USERS.admin })
  })
})

describe('a certificate that ends', () => {
  // Strangers are not told why a guard cannot come.
  beforeAll(() => acquaint(api().owner, [PROFESSIONALS.guard]))

  /** A shift of 8 hours that ends at `end`, local to `zone`; the guard has a certificate through `validUntil`. */
  async function assign(zone: string, end: string, validUntil: string) {
    const { owner } = api()
    const kind = `k${randomUUID().replaceAll('-', '').slice(0, 30)}`
    const location = randomUUID()
    await owner.query(
      `insert into locations (id, organization_id, name, address, location_point, time_zone)
       values ($1, $2, 'Far', 'Away', st_point(0, 0)::geography, $3)`,
      [location, ORGANIZATIONS.company, zone],
    )
    const [shift] = await owner.query<{ id: string }>(
      `insert into shifts (company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title, required_certificates)
       select $1, $2, 'published', ends.at - interval '8 hours', ends.at, 25, 'Night', array[$5]
       from (select $3::timestamp at time zone $4 as at) ends
       returning id`,
      [ORGANIZATIONS.company, location, end, zone, kind],
    )
    const { id } = await handIn({ kind, number: '1', valid_until: validUntil })
    await verify('admin', id)
    const refusal = await refusedBy(
      openSessions(api().api),
      callerOf('company'),
      `update shifts set status = 'assigned', professional_id = '${PROFESSIONALS.guard}' where id = '${shift!.id}' returning id`,
    )
    // Not in the way of the next one.
    if (!refusal) await owner.query(`update shifts set status = 'published' where id = $1`, [shift!.id])
    return refusal?.sqlstate ?? 'assigned'
  }

  it.each([
    // UTC+14: the shift ends at 10:30 UTC of the day before.
    ['Pacific/Kiritimati', '2031-03-10 00:30', '2031-03-09', 'MU003'],
    ['Pacific/Kiritimati', '2031-03-10 00:30', '2031-03-10', 'assigned'],
    ['Pacific/Kiritimati', '2031-03-09 23:30', '2031-03-09', 'assigned'],
    // UTC-11: the shift ends at 10:30 UTC of the day after.
    ['Pacific/Pago_Pago', '2031-03-09 23:30', '2031-03-09', 'assigned'],
    ['Pacific/Pago_Pago', '2031-03-09 23:30', '2031-03-08', 'MU003'],
    ['Pacific/Pago_Pago', '2031-03-10 00:30', '2031-03-09', 'MU003'],
    // Summer time begins in that night.
    ['Europe/Amsterdam', '2031-03-30 06:00', '2031-03-29', 'MU003'],
    ['Europe/Amsterdam', '2031-03-30 06:00', '2031-03-30', 'assigned'],
  ])('in %s, for a shift that ends at %s, through %s: %s', async (zone, end, validUntil, outcome) => {
    expect(await assign(zone, end, validUntil)).toBe(outcome)
  })

  it('counts for the company that it was issued for', async () => {
    const { id } = await handIn({
      kind: 'pas_of_rival',
      number: '1',
      valid_until: '2031-01-01',
      company_id: ORGANIZATIONS.rival,
    })
    await verify('admin', id)
    const shift = await arrangeShift(api().owner, { certificates: ['pas_of_rival'], startsInHours: 100 })
    expect(
      await refusedBy(
        openSessions(api().api),
        callerOf('company'),
        `update shifts set status = 'assigned', professional_id = '${PROFESSIONALS.guard}' where id = '${shift}'`,
      ),
    ).toMatchObject({ sqlstate: 'MU002', hint: 'pas_of_rival' })
  })
})
