import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { authOf, giveAccount, PASSWORD } from '../support/sign-in.ts'
import { USERS } from '../support/world.ts'

const api = useApi({ SIGN_IN: 'true', NODE_ENV: 'test' })
const post = authOf(api)
const signIn = (email: string, password = PASSWORD) => post('/sign-in/email', { email, password })
const me = (token: string) =>
  api().app.inject({ method: 'GET', url: '/v1/me', headers: { authorization: `Bearer ${token}` } })

beforeAll(async () => {
  await giveAccount(api(), 'company')
  await giveAccount(api(), 'admin')
  await giveAccount(api(), 'guard')
})

describe('a password', () => {
  it('lets its owner in, with a token that the API takes and the key set verifies', async () => {
    const response = await signIn('Company@Example.com')
    expect(response.statusCode).toBe(200)
    const grant = response.json()
    expect(grant).toMatchObject({
      token_type: 'bearer',
      expires_in: 900,
      user: { id: USERS.company, email: 'company@example.com' },
    })
    expect((await me(grant.access_token)).json()).toMatchObject({ id: USERS.company, role: 'company' })
    const keys = (await api().app.inject('/auth/jwks')).json()
    expect(keys.keys).toHaveLength(2)
    const { payload, protectedHeader } = await jwtVerify(grant.access_token, createLocalJWKSet(keys), {
      issuer: 'http://localhost:3000/auth',
      audience: 'authenticated',
    })
    expect(protectedHeader.alg).toBe('ES256')
    expect(payload).toMatchObject({ sub: USERS.company, role: 'authenticated', email: 'company@example.com' })
  })

  it('that is wrong, and an address that nobody has, get the same answer', async () => {
    const wrong = await signIn('company@example.com', 'not the password')
    const nobody = await signIn('nobody@example.com', 'not the password')
    expectProblem(wrong, 'credentials_wrong')
    const { instance: _, ...one } = wrong.json()
    const { instance: __, ...other } = nobody.json()
    expect(one).toEqual(other)
  })
})

describe('POST /auth/token', () => {
  it('gives the next token of the session, and the one before ends it once the grace is over', async () => {
    const first = (await signIn('guard@example.com')).json()
    const refreshed = await post('/token', { refresh_token: first.refresh_token })
    expect(refreshed.statusCode).toBe(200)
    const second = refreshed.json()
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(decodeJwt(second.access_token).session_id).toBe(decodeJwt(first.access_token).session_id)
    // Within the grace: the same client at the same moment.
    expect((await post('/token', { refresh_token: first.refresh_token })).json().refresh_token).toBe(
      second.refresh_token,
    )
    await api().owner.query("update sign_in.spent_tokens set spent_at = spent_at - interval '31 seconds'")
    expectProblem(await post('/token', { refresh_token: first.refresh_token }), 'session_ended')
    expectProblem(await post('/token', { refresh_token: second.refresh_token }), 'session_ended')
  })

  it('takes nothing that it did not sign', async () => {
    const { refresh_token } = (await signIn('guard@example.com')).json()
    const [token] = refresh_token.split('.')
    for (const forged of [token, `${token}.${'A'.repeat(43)}=`, 'nothing'])
      expectProblem(await post('/token', { refresh_token: forged }), 'session_ended')
    expectProblem(await post('/token'), 'session_ended')
  })
})

describe('a session', () => {
  it('is listed to its owner, and ended by them', async () => {
    const one = (await signIn('admin@example.com')).json()
    const other = (await signIn('admin@example.com')).json()
    const authorization = `Bearer ${one.refresh_token}`
    const list = (await api().app.inject({ url: '/auth/sessions', headers: { authorization } })).json()
    expect(list.items).toHaveLength(2)
    const mine = list.items.find(({ current }: { current: boolean }) => current)
    const theirs = list.items.find(({ current }: { current: boolean }) => !current)
    expect(mine.method).toBe('password')
    const end = (id: string) =>
      api().app.inject({ method: 'DELETE', url: `/auth/sessions/${id}`, headers: { authorization } })
    expect((await end(theirs.id)).statusCode).toBe(204)
    expectProblem(await end(theirs.id), 'not_found')
    expectProblem(await post('/token', { refresh_token: other.refresh_token }), 'session_ended')
    expect((await post('/sign-out', undefined, { authorization })).statusCode).toBe(204)
    expectProblem(await post('/token', { refresh_token: one.refresh_token }), 'session_ended')
  })

  it('is in a cookie that no script reads, for pages of the service', async () => {
    const page = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }
    const response = await post('/sign-in/email', { email: 'admin@example.com', password: PASSWORD }, page)
    expect(response.json()).not.toHaveProperty('refresh_token')
    const cookie = [response.headers['set-cookie']].flat().find((one) => one?.includes('session_token'))!
    expect(cookie).toMatch(/^muster\.session_token=[^;]+; Max-Age=\d+; Path=\/auth; HttpOnly; SameSite=Lax$/)
    const refreshed = await post('/token', undefined, { ...page, cookie: cookie.split(';')[0]! })
    expect(refreshed.statusCode).toBe(200)
    expectProblem(
      await post('/token', undefined, { origin: 'https://evil.example', cookie: cookie.split(';')[0]! }),
      'forbidden',
    )
  })
})

describe('an origin of somebody else', () => {
  it('is refused, with and without a session', async () => {
    const origin = { origin: 'https://evil.example' }
    for (const path of ['/sign-in/email', '/token', '/sign-out', '/accept-invitation'])
      expectProblem(await post(path, undefined, origin), 'forbidden')
    expectProblem(await post('/token', undefined, { 'sec-fetch-site': 'cross-site' }), 'forbidden')
  })
})

describe('a link and a code by mail', () => {
  const mailed = async (kind: string) => {
    await api().signIn!.mails.idle()
    return api().mails.filter((mail) => mail.kind === kind)
  }

  it('let their owner in once, and to ask for them does not tell who has an account', async () => {
    const known = await post(
      '/sign-in/magic-link',
      { email: 'guard@example.com' },
      { 'accept-language': 'en' },
    )
    const unknown = await post('/sign-in/magic-link', { email: 'nobody@example.com' })
    expect([known.statusCode, unknown.statusCode]).toEqual([202, 202])
    const links = await mailed('magic_link')
    expect(links).toMatchObject([{ to: 'guard@example.com', language: 'en' }])
    const url = new URL(links[0]!.data.url!)
    expect(url.pathname).toBe('/auth/magic-link')
    const token = url.hash.slice(1)
    const grant = (await post('/magic-link/verify', { token })).json()
    expect(grant.user.id).toBe(USERS.guard)
    expectProblem(await post('/magic-link/verify', { token }), 'credentials_wrong')

    await post('/email-otp/send-verification-otp', { email: 'guard@example.com' })
    await post('/email-otp/send-verification-otp', { email: 'nobody@example.com' })
    const codes = await mailed('code')
    expect(codes).toHaveLength(1)
    const otp = codes[0]!.data.code!
    expectProblem(
      await post('/sign-in/email-otp', {
        email: 'guard@example.com',
        otp: otp === '000000' ? '000001' : '000000',
      }),
      'credentials_wrong',
    )
    expect((await post('/sign-in/email-otp', { email: 'guard@example.com', otp })).json().user.id).toBe(
      USERS.guard,
    )
  })

  it('choose another password, which ends all sessions', async () => {
    const before = (await signIn('guard@example.com')).json()
    await post('/request-password-reset', { email: 'guard@example.com' })
    const [mail] = await mailed('reset_password')
    const token = new URL(mail!.data.url!).hash.slice(1)
    expectProblem(await post('/reset-password', { token, newPassword: 'short' }), 'validation_failed')
    expect((await post('/reset-password', { token, newPassword: PASSWORD })).statusCode).toBe(204)
    expectProblem(await post('/reset-password', { token, newPassword: PASSWORD }), 'credentials_wrong')
    expectProblem(await post('/token', { refresh_token: before.refresh_token }), 'session_ended')
    // Their owner is told, however it was changed.
    expect(await mailed('password_changed')).toMatchObject([{ to: 'guard@example.com' }])
    const { refresh_token } = (await signIn('guard@example.com')).json()
    const changed = await post(
      '/change-password',
      { currentPassword: PASSWORD, newPassword: PASSWORD },
      { authorization: `Bearer ${refresh_token}` },
    )
    expect(changed.statusCode).toBe(200)
    expect(await mailed('password_changed')).toHaveLength(2)
  })
})
