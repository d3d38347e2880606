import { expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { giveAccount, PASSWORD } from '../support/sign-in.ts'
import { USERS } from '../support/world.ts'

const api = useApi({ SIGN_IN: 'true' })
const ID = '0b5a1c9e-5d0f-4c39-8f3b-0d6a2a0f5a11'

it('a session without the second factor of its user makes itself no other way in', async () => {
  const { owner, app } = api()
  await giveAccount(api(), 'guard')
  const signedIn = await app.inject({
    method: 'POST',
    url: '/auth/sign-in/email',
    payload: { email: 'guard@example.com', password: PASSWORD },
  })
  const headers = { authorization: `Bearer ${signedIn.json().refresh_token}` }
  const send = (method: 'GET' | 'POST', path: string, payload?: object) =>
    app.inject({ method, url: `/auth${path}`, headers, ...(payload && { payload }) })
  const acts = [
    ['GET', '/passkey/generate-register-options'],
    ['POST', '/passkey/delete-passkey', { id: ID }],
    ['POST', '/two-factor/disable', { password: PASSWORD }],
    ['POST', '/change-password', { currentPassword: PASSWORD, newPassword: `${PASSWORD} 2` }],
    ['GET', '/sessions'],
  ] as const

  // As after a link or code of a mail: the authenticator app was not asked for yet.
  await owner.query('update sign_in.users set two_factor_enabled = true where id = $1', [USERS.guard])
  for (const [method, path, payload] of acts) {
    const response = await send(method, path, payload)
    expect([path, response.json().code]).toEqual([path, 'second_factor_required'])
    expectProblem(response, 'second_factor_required')
  }
  // A bearer token that is none does not hide the session of the cookie.
  const cookie = `muster.session_token=${encodeURIComponent(signedIn.json().refresh_token)}`
  for (const authorization of ['Bearer none', 'Basic none'])
    expectProblem(
      await app.inject({
        url: '/auth/passkey/generate-register-options',
        headers: { cookie, authorization },
      }),
      authorization.startsWith('Bearer') ? 'session_ended' : 'second_factor_required',
    )

  await owner.query("update sign_in.sessions set method = 'totp' where user_id = $1", [USERS.guard])
  expect((await send('GET', '/passkey/generate-register-options')).statusCode).toBe(200)
  expectProblem(await send('POST', '/passkey/delete-passkey', { id: ID }), 'not_found')
})

it('GET /auth/account says who has signed in, and whether an app is asked for', async () => {
  const { app } = api()
  expectProblem(await app.inject('/auth/account'), 'session_ended')
})

it('POST /auth/oauth/token gives the page at /docs a token by e-mail and password, and nothing that renews it', async () => {
  const { app, owner } = api()
  await owner.query('update sign_in.users set two_factor_enabled = false where id = $1', [USERS.guard])
  const ask = (password: string, grant = 'password') =>
    app.inject({
      method: 'POST',
      url: '/auth/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ grant_type: grant, username: 'guard@example.com', password }).toString(),
    })
  const good = await ask(PASSWORD)
  expect(good.statusCode).toBe(200)
  expect(Object.keys(good.json()).sort()).toEqual(['access_token', 'expires_in', 'token_type'])
  expect(good.headers['set-cookie']).toBeUndefined()
  const me = await app.inject({
    url: '/v1/me',
    headers: { authorization: `Bearer ${good.json().access_token}` },
  })
  expect(me.json()).toMatchObject({ id: USERS.guard })
  const wrong = await ask('not the password')
  expect([wrong.statusCode, wrong.json().error]).toEqual([400, 'invalid_grant'])
  expect((await ask(PASSWORD, 'client_credentials')).json()).toEqual({ error: 'unsupported_grant_type' })
})
