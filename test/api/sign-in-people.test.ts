import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { authOf, PASSWORD } from '../support/sign-in.ts'
import { USERS } from '../support/world.ts'

const api = useApi({ SIGN_IN: 'true' })
const post = authOf(api)
const me = (token: string) =>
  api().app.inject({ method: 'GET', url: '/v1/me', headers: { authorization: `Bearer ${token}` } })

/** Invites by mail. @returns the code of the link */
async function invite(body: object): Promise<string> {
  const response = await api().as('admin').post('/v1/invitations', body)
  expect(response.statusCode).toBe(201)
  return response.json().code
}

describe('an invitation', () => {
  it('is mailed as a link, and makes account, user and professional in one step', async () => {
    const code = await invite({ role: 'zzp', email: 'new@example.com' })
    await expect.poll(() => api().mails.filter(({ to }) => to === 'new@example.com')).toHaveLength(1)
    const [mail] = api().mails.filter(({ to }) => to === 'new@example.com')
    expect(mail).toMatchObject({ kind: 'invitation', data: { role: 'zzp', tenant_name: 'Tenant a' } })
    expect(new URL(mail!.data.url!).hash).toBe(`#${code}`)

    const looked = await post('/invitation', { code })
    expect(looked.json()).toMatchObject({ email: 'new@example.com', role: 'zzp', accepted: false })
    const body = { code, name: 'Nova', password: PASSWORD, latitude: 52.37, longitude: 4.9 }
    const response = await post('/accept-invitation', body)
    expect(response.statusCode).toBe(200)
    const { access_token, user } = response.json()
    expect(user.email).toBe('new@example.com')
    expect((await me(access_token)).json()).toMatchObject({
      id: user.id,
      role: 'zzp',
      name: 'Nova',
      professional: { status: 'active' },
    })

    // The answer was lost: the same again lets them in, another password does not.
    expect((await post('/accept-invitation', body)).json().user.id).toBe(user.id)
    expectProblem(
      await post('/accept-invitation', { ...body, password: 'somebody else’s' }),
      'credentials_wrong',
    )
    expect((await post('/sign-in/email', { email: 'new@example.com', password: PASSWORD })).statusCode).toBe(
      200,
    )
  })

  it('is the only way in', async () => {
    expectProblem(
      await post('/accept-invitation', { code: 'not a code', name: 'Sam', password: PASSWORD }),
      'invitation_invalid',
    )
    expect(
      (await post('/sign-up/email', { email: 'x@example.com', password: PASSWORD, name: 'x' })).statusCode,
    ).toBe(404)
    const open = await invite({ role: 'zzp' })
    expectProblem(
      await post('/accept-invitation', { code: open, name: 'Sam', password: PASSWORD }),
      'validation_failed',
    )
  })

  it('is mailed to one address a few times, and no more', async () => {
    const again = { role: 'zzp', email: 'Again@example.com' }
    for (let nth = 0; nth < 3; nth += 1) await invite(again)
    const refused = await api()
      .as('company')
      .post('/v1/invitations', { ...again, email: 'again@example.com' })
    expectProblem(refused, 'rate_limited')
    const made = await api().owner.query("select 1 from invitations where lower(email) = 'again@example.com'")
    expect(made).toHaveLength(3)
    expect((await invite({ role: 'zzp' })).length).toBeGreaterThan(0)
  })

  it('without an address does not tell whose addresses are known, one after the other', async () => {
    const code = await invite({ role: 'zzp' })
    await api().owner.query(
      "insert into sign_in.users (name, email, email_verified) values ('Kim', 'kim@example.com', true)",
    )
    const outcomes = new Set<number>()
    for (let nth = 0; nth < 62; nth += 1) {
      const response = await api().app.inject({
        method: 'POST',
        url: '/auth/accept-invitation',
        remoteAddress: '192.0.2.77',
        payload: { code, name: 'Sam', password: PASSWORD, email: 'kim@example.com' },
      })
      outcomes.add(response.statusCode)
    }
    expect([...outcomes]).toEqual([409, 429])
  })

  it('leaves nothing behind when a part of it fails', async () => {
    const code = await invite({ role: 'zzp', email: 'guard@example.com' })
    // The user of this address is there, without an account: the unique address refuses another one.
    const response = await post('/accept-invitation', { code, name: 'Other', password: PASSWORD })
    expect(response.statusCode).toBe(409)
    const left = await api().owner.query("select 1 from sign_in.users where email = 'guard@example.com'")
    expect(left).toEqual([])
    expect((await post('/invitation', { code })).json().accepted).toBe(false)
  })
})

describe('a user who is suspended', () => {
  it('is out: sessions, tokens and ways in, until they are reinstated', async () => {
    const code = await invite({ role: 'zzp', email: 'leaving@example.com' })
    const grant = (await post('/accept-invitation', { code, name: 'Lee', password: PASSWORD })).json()
    const { id } = grant.user
    const act = (name: string, by: 'admin' | 'company' = 'admin') =>
      api().as(by).post(`/v1/users/${id}/${name}`)

    expectProblem(await act('suspend', 'company'), 'forbidden')
    const suspended = await act('suspend')
    expect(suspended.json()).toMatchObject({
      id,
      role: 'zzp',
      suspended_at: expect.any(String),
      ended_at: null,
    })
    await expect.poll(async () => (await me(grant.access_token)).statusCode).toBe(401)
    expect((await me(grant.access_token)).json()).toMatchObject({
      code: 'unauthenticated',
      subject: 'user_suspended',
    })
    expectProblem(await post('/token', { refresh_token: grant.refresh_token }), 'session_ended')
    expectProblem(
      await post('/sign-in/email', { email: 'leaving@example.com', password: PASSWORD }),
      'account_suspended',
    )

    expect((await act('reinstate')).json()).toMatchObject({ suspended_at: null })
    expect((await me(grant.access_token)).statusCode).toBe(200)
    expect(
      (await post('/sign-in/email', { email: 'leaving@example.com', password: PASSWORD })).statusCode,
    ).toBe(200)

    expect((await act('end')).json()).toMatchObject({ ended_at: expect.any(String) })
    expectProblem(await act('reinstate'), 'user_ended')
  })

  it('is not the admin who asks, and nobody of another tenant', async () => {
    expectProblem(await api().as('admin').post(`/v1/users/${USERS.admin}/suspend`), 'forbidden')
    expectProblem(await api().as('admin').post(`/v1/users/${USERS.foreignGuard}/suspend`), 'not_found')
  })
})
