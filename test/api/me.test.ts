import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeApi } from '../../src/cli/openapi.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { OpenApi } from '../support/openapi.ts'
import { ORGANIZATIONS, PROFESSIONALS, TENANTS, USERS } from '../support/world.ts'

const api = useApi()

/** Somebody new, with a token whose address is `email`. */
async function newcomer(email?: string) {
  const id = randomUUID()
  const headers = await api().authorize(id, email)
  return {
    id,
    get: () => api().as(null).get('/v1/me', { headers }),
    accept: (body: object, more: Record<string, string> = {}) =>
      api()
        .as(null)
        .post('/v1/me', body, { headers: { ...headers, ...more } }),
  }
}

async function invite(
  body: object,
  by: 'admin' | 'company' = 'admin',
): Promise<{ id: string; code: string }> {
  const response = await api().as(by).post('/v1/invitations', body)
  expect(response.statusCode).toBe(201)
  return response.json()
}

describe('GET /v1/me', () => {
  it('says who calls: role, organization, and for a guard the professional', async () => {
    expect((await api().as('company').get('/v1/me')).json()).toEqual({
      id: USERS.company,
      tenant_id: TENANTS.a,
      tenant_name: 'Tenant a',
      role: 'company',
      name: 'company',
      email: 'company@example.com',
      organization_id: ORGANIZATIONS.company,
      organization: { id: ORGANIZATIONS.company, name: 'company', kind: 'company' },
      memberships: [
        { role: 'company', organization: { id: ORGANIZATIONS.company, name: 'company', kind: 'company' } },
      ],
      professional: null,
      created_at: expect.any(String),
    })
    expect((await api().as('guard').get('/v1/me')).json()).toMatchObject({
      role: 'zzp',
      organization: null,
      memberships: [{ role: 'zzp', organization: null }],
      professional: { id: PROFESSIONALS.guard, status: 'active', latitude: 52.36, longitude: 4.9 },
    })
  })

  it('answers not_registered to a token that the database does not know, and 401 without one', async () => {
    const response = await api().as('stranger').get('/v1/me')
    expect(response.statusCode).toBe(403)
    expectProblem(response, 'not_registered')
    expectProblem(await api().as(null).get('/v1/me'), 'unauthenticated')
  })

  it('and becoming a user is all that such a token is good for: every other route refuses it', async () => {
    for (const { method, path, isPublic } of new OpenApi(await describeApi()).routes) {
      if (isPublic || path === '/v1/me') continue
      const url = path.replaceAll(/\{\w+\}/g, randomUUID()).replace(/\/sync\/[^/]+/, '/sync/shifts')
      const response = await api().app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${await api().tokenOf('stranger')}` },
        ...(method === 'GET' || method === 'DELETE' ? {} : { payload: {} }),
      })
      expect([method, url, response.json()]).toMatchObject([method, url, { code: 'not_registered' }])
    }
  })

  it('no longer knows a user who was removed, and lets no invitation bring them back', async () => {
    const { code } = await invite({ role: 'admin' })
    const removed = await newcomer('removed@example.com')
    expect((await removed.accept({ code, name: 'Removed' })).statusCode).toBe(201)
    await api().owner.query('update users set deleted_at = now() where id = $1', [removed.id])
    expectProblem(await removed.get(), 'not_registered')
    const { code: another } = await invite({ role: 'admin' })
    expectProblem(await removed.accept({ code: another, name: 'Removed' }), 'already_registered')
  })
})

describe('POST /v1/me', () => {
  it('makes a guard, with a professional who lives where they say', async () => {
    const { code } = await invite({ role: 'zzp' }, 'company')
    const guard = await newcomer('new.guard@example.com')
    expectProblem(await guard.get(), 'not_registered')
    const accepted = await guard.accept({ code, name: 'New guard', latitude: 52.09, longitude: 5.12 })
    expect(accepted.statusCode).toBe(201)
    expect(accepted.json()).toMatchObject({
      id: guard.id,
      tenant_id: TENANTS.a,
      role: 'zzp',
      name: 'New guard',
      email: 'new.guard@example.com',
      organization: null,
      professional: { status: 'active', latitude: 52.09, longitude: 5.12 },
    })
    expect((await guard.get()).json()).toEqual(accepted.json())
  })

  it('makes a guard who gives no home position', async () => {
    const { code } = await invite({ role: 'zzp' })
    const guard = await newcomer('nowhere@example.com')
    expect((await guard.accept({ code, name: 'Nowhere' })).json()).toMatchObject({
      professional: { latitude: null, longitude: null },
    })
  })

  it('makes colleagues and users of clients, in the organization of the invitation', async () => {
    for (const [role, organization_id] of [
      ['company', ORGANIZATIONS.rival],
      ['client', ORGANIZATIONS.client],
    ] as const) {
      const { code } = await invite({ role, organization_id })
      const user = await newcomer(`new.${role}@example.com`)
      const accepted = await user.accept({ code, name: role, latitude: 1, longitude: 1 })
      expect(accepted.json()).toMatchObject({
        role,
        organization: { id: organization_id, kind: role },
        professional: null,
      })
    }
  })

  it('takes an invitation once', async () => {
    const { code } = await invite({ role: 'zzp' })
    const first = await newcomer('first@example.com')
    const second = await newcomer('second@example.com')
    expect((await first.accept({ code, name: 'First' })).statusCode).toBe(201)
    expectProblem(await second.accept({ code, name: 'Second' }), 'invitation_invalid')
    expectProblem(await second.get(), 'not_registered')
  })

  it('takes it until it expires', async () => {
    const { id, code } = await invite({ role: 'zzp' })
    await api().owner.query(
      `update invitations set created_at = now() - interval '14 days', expires_at = now() where id = $1`,
      [id],
    )
    const late = await newcomer('late@example.com')
    expectProblem(await late.accept({ code, name: 'Late' }), 'invitation_invalid')
    await api().owner.query(`update invitations set expires_at = now() + interval '1 minute' where id = $1`, [
      id,
    ])
    expect((await late.accept({ code, name: 'Late' })).statusCode).toBe(201)
  })

  it('takes one that names an address only from a token with that address', async () => {
    const { code } = await invite({ role: 'zzp', email: 'Chosen@Example.com' })
    const other = await newcomer('other@example.com')
    expectProblem(await other.accept({ code, name: 'Other' }), 'invitation_invalid')
    const claimsOnly = await newcomer()
    expectProblem(
      await claimsOnly.accept({ code, name: 'Other', email: 'chosen@example.com' }),
      'invitation_invalid',
    )
    const chosen = await newcomer('chosen@example.com')
    expect((await chosen.accept({ code, name: 'Chosen' })).statusCode).toBe(201)
  })

  it('needs an address: that of the token counts, else that of the body', async () => {
    const { code } = await invite({ role: 'zzp' })
    const phone = await newcomer()
    const refused = await phone.accept({ code, name: 'Phone' })
    expectProblem(refused, 'validation_failed')
    expect(refused.json()).toMatchObject({ errors: [{ pointer: '/body/email' }] })
    expect((await phone.accept({ code, name: 'Phone', email: 'phone@example.com' })).json()).toMatchObject({
      email: 'phone@example.com',
    })
    const mail = await newcomer('mail@example.com')
    const { code: another } = await invite({ role: 'zzp' })
    expect(
      (await mail.accept({ code: another, name: 'Mail', email: 'fake@example.com' })).json(),
    ).toMatchObject({ email: 'mail@example.com' })
  })

  it('reads the empty address of a token as none', async () => {
    const { code } = await invite({ role: 'zzp' })
    const headers = await api().authorize(randomUUID(), '')
    const accepted = await api()
      .as(null)
      .post('/v1/me', { code, name: 'Empty', email: 'empty@example.com' }, { headers })
    expect(accepted.json()).toMatchObject({ email: 'empty@example.com' })
  })

  it('refuses who is registered, a code that does not exist, and an address that is taken', async () => {
    const { code } = await invite({ role: 'admin' })
    expectProblem(await api().as('guard').post('/v1/me', { code, name: 'Guard' }), 'already_registered')
    const user = await newcomer('company@example.com')
    expectProblem(await user.accept({ code: 'f'.repeat(32), name: 'Nobody' }), 'invitation_invalid')
    expectProblem(await user.accept({ code, name: 'Namesake' }), 'already_exists')
  })

  it('needs a position with both coordinates, in range', async () => {
    const user = await newcomer('somewhere@example.com')
    for (const position of [{ latitude: 52 }, { longitude: 4 }, { latitude: 91, longitude: 4 }]) {
      expectProblem(await user.accept({ code: 'x', name: 'X', ...position }), 'validation_failed')
    }
  })

  it('answers a repeated request the same way', async () => {
    const { code } = await invite({ role: 'zzp' })
    const user = await newcomer('twice@example.com')
    const key = { 'idempotency-key': randomUUID() }
    const first = await user.accept({ code, name: 'Twice' }, key)
    const second = await user.accept({ code, name: 'Twice' }, key)
    expect(second.statusCode).toBe(201)
    expect(second.json()).toEqual(first.json())
    expectProblem(await user.accept({ code, name: 'Twice' }), 'already_registered')
  })
})
