import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { refusedBy } from '../support/refusals.ts'
import { arrangeShift, callerOf, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

const path = `/v1/professionals/${PROFESSIONALS.guard}`

/** Every test starts with no shift planned. */
afterEach(async () => {
  await api().owner.query(`update shifts set status = 'published' where status = 'assigned'`)
})

async function names(persona: Persona, query = ''): Promise<string[]> {
  const response = await api().as(persona).get(`/v1/professionals?limit=100${query}`)
  expect(response.statusCode).toBe(200)
  return response.json().items.map((item: { name: string }) => item.name)
}

describe('GET /v1/professionals', () => {
  it('shows a guard oneself, an admin all of the tenant, and others those on their shifts', async () => {
    expect(await names('guard')).toEqual(['guard'])
    expect(await names('admin')).toEqual(['guard', 'otherGuard'])
    expect(await names('foreignAdmin')).toEqual(['foreignGuard'])
    for (const persona of ['company', 'client'] as const) expect(await names(persona)).toEqual([])
    await arrangeShift(api().owner, { status: 'assigned' })
    for (const persona of ['company', 'colleague', 'client'] as const) {
      expect(await names(persona)).toEqual(['guard'])
    }
    for (const persona of ['rival', 'otherClient'] as const) expect(await names(persona)).toEqual([])
    expectProblem(await api().as(null).get('/v1/professionals'), 'unauthenticated')
  })

  it('goes by name, page by page, and filters by status', async () => {
    const first = (await api().as('admin').get('/v1/professionals?limit=1')).json()
    expect(first.items).toMatchObject([{ name: 'guard' }])
    const second = (
      await api().as('admin').get(`/v1/professionals?limit=1&cursor=${first.next_cursor}`)
    ).json()
    expect(second).toMatchObject({ items: [{ name: 'otherGuard' }], next_cursor: null })
    expect(await names('admin', '&status=suspended')).toEqual([])
    expectProblem(await api().as('admin').get('/v1/professionals?status=asleep'), 'validation_failed')
    expectProblem(await api().as('admin').get('/v1/professionals?cursor=asleep'), 'cursor_invalid')
  })
})

describe('GET /v1/professionals/:id', () => {
  it('shows where a guard lives to the guard and to admins alone', async () => {
    await arrangeShift(api().owner, { status: 'assigned' })
    for (const persona of ['guard', 'admin'] as const) {
      expect((await api().as(persona).get(path)).json()).toEqual({
        id: PROFESSIONALS.guard,
        user_id: USERS.guard,
        name: 'guard',
        status: 'active',
        latitude: 52.36,
        longitude: 4.9,
        created_at: expect.any(String),
        updated_at: expect.any(String),
      })
    }
    for (const persona of ['company', 'client'] as const) {
      expect((await api().as(persona).get(path)).json()).toMatchObject({
        name: 'guard',
        latitude: null,
        longitude: null,
      })
    }
  })

  it('is not found by those whom the guard does not concern', async () => {
    for (const persona of ['company', 'otherGuard', 'foreignAdmin'] as const) {
      expectProblem(await api().as(persona).get(path), 'not_found')
    }
    expectProblem(await api().as('admin').get(`/v1/professionals/${randomUUID()}`), 'not_found')
  })
})

describe('PATCH /v1/professionals/:id', () => {
  it('lets a guard move, and be forgotten', async () => {
    const moved = await api().as('guard').patch(path, { latitude: 51.92, longitude: 4.48 })
    expect(moved.statusCode).toBe(200)
    expect(moved.json()).toMatchObject({ latitude: 51.92, longitude: 4.48 })
    const forgotten = await api().as('guard').patch(path, { latitude: null, longitude: null })
    expect(forgotten.json()).toMatchObject({ latitude: null, longitude: null })
    expect((await api().as('guard').get('/v1/me')).json()).toMatchObject({
      professional: { latitude: null, longitude: null },
    })
    await api().as('guard').patch(path, { latitude: 52.36, longitude: 4.9 })
  })

  it('lets an admin suspend, and bring back', async () => {
    expectProblem(await api().as('guard').patch(path, { status: 'inactive' }), 'forbidden')
    const suspended = await api().as('admin').patch(path, { status: 'suspended' })
    expect(suspended.json()).toMatchObject({ status: 'suspended' })
    expectProblem(await api().as('guard').patch(path, { status: 'active' }), 'forbidden')
    expect((await api().as('admin').patch(path, { status: 'active' })).json()).toMatchObject({
      status: 'active',
    })
  })

  it('refuses to suspend who has a shift to work, until it is released', async () => {
    const shift = await arrangeShift(api().owner, { status: 'assigned' })
    for (const status of ['inactive', 'suspended']) {
      expectProblem(await api().as('admin').patch(path, { status }), 'professional_in_use')
    }
    await api().owner.query(`update shifts set status = 'published' where id = $1`, [shift])
    expect((await api().as('admin').patch(path, { status: 'suspended' })).statusCode).toBe(200)
    await api().as('admin').patch(path, { status: 'active' })
  })

  it('is refused to those who only see the guard, and not found by others', async () => {
    await arrangeShift(api().owner, { status: 'assigned' })
    for (const persona of ['company', 'client'] as const) {
      expectProblem(await api().as(persona).patch(path, { status: 'inactive' }), 'forbidden')
    }
    for (const persona of ['rival', 'otherGuard', 'foreignAdmin'] as const) {
      expectProblem(await api().as(persona).patch(path, { status: 'inactive' }), 'not_found')
    }
  })

  it('takes a position whole', async () => {
    for (const body of [
      {},
      { latitude: 52 },
      { latitude: null, longitude: 4 },
      { latitude: 52, longitude: 181 },
      { status: 'asleep' },
      { name: 'Another' },
    ]) {
      expectProblem(await api().as('guard').patch(path, body), 'validation_failed')
    }
  })
})

describe('what is nobody’s to read', () => {
  it('is refused in a session of one’s own: e-mail addresses, and where guards live', async () => {
    await arrangeShift(api().owner, { status: 'assigned' })
    const sessions = openSessions(api().api)
    for (const persona of ['admin', 'company', 'client', 'guard', 'stranger'] as const) {
      for (const statement of [
        'select email from users',
        'select * from users',
        'select count(*) from users where email is not null',
        'select st_y(home_point::geometry) from security_professionals',
        'select * from security_professionals',
        `select id from security_professionals order by home_point <-> st_point(4.9, 52.36)::geography`,
        'update security_professionals set home_point = home_point returning id',
        'update security_professionals set home_point = null returning home_point',
      ]) {
        expect(
          await refusedBy(sessions, callerOf(persona), statement),
          `${persona}: ${statement}`,
        ).toMatchObject({
          sqlstate: '42501',
        })
      }
    }
  })

  it('comes from the function for the guard and for admins alone', async () => {
    await arrangeShift(api().owner, { status: 'assigned' })
    const sessions = openSessions(api().api)
    const home = (persona: Persona) =>
      sessions.read(callerOf(persona), (session) =>
        session.value(sql`select muster.professional_home(${PROFESSIONALS.guard})`),
      )
    for (const persona of ['guard', 'admin'] as const) {
      expect(await home(persona)).toEqual({ latitude: 52.36, longitude: 4.9 })
    }
    for (const persona of ['company', 'client', 'otherGuard', 'foreignAdmin', 'stranger'] as const) {
      expect(await home(persona)).toBeNull()
    }
  })
})
