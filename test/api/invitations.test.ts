import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { refusedBy } from '../support/refusals.ts'
import { callerOf, ORGANIZATIONS, type Persona, USERS } from '../support/world.ts'

const api = useApi()

const invite = (persona: Persona, body: object, headers: Record<string, string> = {}) =>
  api().as(persona).post('/v1/invitations', body, { headers })

async function listed(persona: Persona): Promise<string[]> {
  const response = await api().as(persona).get('/v1/invitations?limit=100')
  expect(response.statusCode).toBe(200)
  return response.json().items.map((item: { id: string }) => item.id)
}

describe('POST /v1/invitations', () => {
  it.each([
    ['admin', { role: 'admin' }, null],
    ['admin', { role: 'zzp' }, null],
    ['admin', { role: 'company', organization_id: ORGANIZATIONS.rival }, ORGANIZATIONS.rival],
    ['admin', { role: 'client', organization_id: ORGANIZATIONS.client }, ORGANIZATIONS.client],
    ['company', { role: 'zzp' }, null],
    ['company', { role: 'company' }, ORGANIZATIONS.company],
    ['company', { role: 'company', organization_id: ORGANIZATIONS.company }, ORGANIZATIONS.company],
  ] as const)('%s may invite %j', async (persona, body, organization_id) => {
    const response = await invite(persona, body)
    expect(response.statusCode).toBe(201)
    expect(response.json()).toEqual({
      id: expect.any(String),
      role: body.role,
      organization_id,
      email: null,
      expires_at: expect.any(String),
      accepted_at: null,
      accepted_by: null,
      created_by: USERS[persona],
      created_at: expect.any(String),
      code: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  })

  it.each([
    ['company', { role: 'admin' }],
    ['company', { role: 'company', organization_id: ORGANIZATIONS.rival }],
    ['company', { role: 'client', organization_id: ORGANIZATIONS.client }],
    ['client', { role: 'client', organization_id: ORGANIZATIONS.client }],
    ['client', { role: 'zzp' }],
    ['guard', { role: 'zzp' }],
    ['guard', { role: 'company' }],
  ] as const)('%s may not invite %j', async (persona, body) => {
    expectProblem(await invite(persona, body), 'forbidden')
  })

  it('invites to organizations of the tenant, of the kind that the role needs', async () => {
    expectProblem(
      await invite('admin', { role: 'company', organization_id: ORGANIZATIONS.foreignCompany }),
      'not_found',
    )
    expectProblem(
      await invite('admin', { role: 'company', organization_id: ORGANIZATIONS.client }),
      'invalid_reference',
    )
    expectProblem(await invite('admin', { role: 'company' }), 'validation_failed')
    expectProblem(await invite('admin', { role: 'client' }), 'validation_failed')
    expectProblem(
      await invite('admin', { role: 'zzp', organization_id: ORGANIZATIONS.company }),
      'validation_failed',
    )
    expectProblem(await invite('admin', { role: 'boss' }), 'validation_failed')
    expectProblem(await invite('admin', { role: 'zzp', email: 'nobody' }), 'validation_failed')
  })

  it('makes codes that are valid for 14 days, or for a given time of at most 90 days', async () => {
    const days = async (body: object) => {
      const { expires_at, created_at } = (await invite('admin', { role: 'zzp', ...body })).json()
      return (Date.parse(expires_at) - Date.parse(created_at)) / 86_400_000
    }
    expect(await days({})).toBe(14)
    expect(await days({ expires_in_days: 90 })).toBe(90)
    expectProblem(await invite('admin', { role: 'zzp', expires_in_days: 91 }), 'validation_failed')
    expectProblem(await invite('admin', { role: 'zzp', expires_in_days: 0 }), 'validation_failed')
  })

  it('stores the code nowhere in plain text, not even with the Idempotency-Key', async () => {
    const key = { 'idempotency-key': randomUUID() }
    const first = (await invite('admin', { role: 'zzp' }, key)).json()
    const repeated = await invite('admin', { role: 'zzp' }, key)
    expect(repeated.statusCode).toBe(201)
    expect(repeated.json()).toEqual({ ...first, code: null })
    const [kept] = await api().owner.query<{ text: string }>(
      `select coalesce((select string_agg(i::text, '') from invitations i), '')
           || coalesce((select string_agg(k::text, '') from muster.idempotency_keys k), '') as text`,
    )
    expect(kept?.text).toContain(first.id)
    expect(kept?.text).not.toContain(first.code)
  })
})

describe('GET /v1/invitations', () => {
  it('shows a company its own, an admin those of the tenant, and others none', async () => {
    const ofCompany = (await invite('company', { role: 'zzp' })).json().id
    const ofRival = (await invite('rival', { role: 'company' })).json().id
    const ofAdmin = (
      await invite('admin', { role: 'company', organization_id: ORGANIZATIONS.company })
    ).json().id
    const foreign = (await invite('foreignAdmin', { role: 'zzp' })).json().id

    expect(await listed('colleague')).toContain(ofCompany)
    expect(await listed('colleague')).not.toContain(ofAdmin)
    expect(await listed('company')).not.toContain(ofRival)
    const seen = await listed('admin')
    expect(seen).toEqual(expect.arrayContaining([ofCompany, ofRival, ofAdmin]))
    expect(seen).not.toContain(foreign)
    for (const persona of ['guard', 'client'] as const) expect(await listed(persona)).toEqual([])
    expectProblem(await api().as(null).get('/v1/invitations'), 'unauthenticated')
  })

  it('goes from new to old, page by page', async () => {
    const ids: string[] = []
    for (let n = 0; n < 3; n += 1) ids.push((await invite('foreignCompany', { role: 'zzp' })).json().id)
    const pages: string[] = []
    let cursor = ''
    do {
      const page = (await api().as('foreignCompany').get(`/v1/invitations?limit=2${cursor}`)).json()
      pages.push(...page.items.map((item: { id: string }) => item.id))
      expect(page.items.every((item: object) => !('code' in item) && !('code_hash' in item))).toBe(true)
      cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : ''
    } while (cursor)
    expect(pages).toEqual(ids.reverse())
    expectProblem(await api().as('company').get('/v1/invitations?cursor=x'), 'cursor_invalid')
  })
})

describe('DELETE /v1/invitations/:id', () => {
  it('makes the code invalid', async () => {
    const { id, code } = (await invite('company', { role: 'zzp' })).json()
    expectProblem(await api().as('rival').delete(`/v1/invitations/${id}`), 'not_found')
    expectProblem(await api().as('foreignAdmin').delete(`/v1/invitations/${id}`), 'not_found')
    expect((await api().as('colleague').delete(`/v1/invitations/${id}`)).statusCode).toBe(204)
    const headers = await api().authorize(randomUUID(), 'withdrawn@example.com')
    expectProblem(
      await api().as(null).post('/v1/me', { code, name: 'Withdrawn' }, { headers }),
      'invitation_invalid',
    )
  })

  it('does not remove an invitation that was accepted', async () => {
    const { id, code } = (await invite('company', { role: 'zzp' })).json()
    const headers = await api().authorize(randomUUID(), 'accepted@example.com')
    const accepted = await api().as(null).post('/v1/me', { code, name: 'Accepted' }, { headers })
    expectProblem(await api().as('company').delete(`/v1/invitations/${id}`), 'forbidden')
    const { items } = (await api().as('company').get('/v1/invitations?limit=1')).json()
    expect(items).toMatchObject([{ id, accepted_at: expect.any(String), accepted_by: accepted.json().id }])
  })
})

describe('invitations in the database', () => {
  it('show nobody the hash of a code, and are written through the functions alone', async () => {
    const sessions = openSessions(api().api)
    for (const statement of [
      'select code_hash from invitations',
      'select * from invitations',
      `update invitations set expires_at = now() + interval '90 days'`,
      `insert into invitations (tenant_id, role, code_hash, expires_at) select muster.tenant_id(), 'admin', 'x', now()`,
    ]) {
      expect(await refusedBy(sessions, callerOf('admin'), statement)).toMatchObject({ sqlstate: '42501' })
    }
  })

  it('do not last longer than 90 days by any path', async () => {
    const sessions = openSessions(api().api)
    for (const lifetime of ['90 days 1 second', '0 seconds', '-1 day']) {
      expect(
        await refusedBy(
          sessions,
          callerOf('admin'),
          `select muster.create_invitation('zzp', valid_for => interval '${lifetime}')`,
        ),
      ).toMatchObject({ sqlstate: '23514', constraint: 'invitations_expiry_range' })
    }
  })

  it('are no way for a company to make an admin, whatever is left out', async () => {
    const sessions = openSessions(api().api)
    for (const call of [`'admin'`, 'null', `'client', muster.company_id()`]) {
      expect(
        await refusedBy(sessions, callerOf('company'), `select muster.create_invitation(${call})`),
      ).toMatchObject({ sqlstate: 'MU010' })
    }
  })
})
