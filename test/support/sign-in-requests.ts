import { randomUUID } from 'node:crypto'
import type { TestApi } from './api.ts'
import { authOf, cookiesOf, PASSWORD, totpCode } from './sign-in.ts'
import { USERS } from './world.ts'

/* What a request of a route of sign-in needs to be there before. */

export interface SignInRequest {
  url: string
  headers?: Record<string, string>
  body?: object
}

/** Arranges one request that succeeds, of somebody who has not signed in before: what is limited counts for nobody else. */
type ArrangeSignIn = (api: TestApi) => Promise<SignInRequest>

/** A user with an account, and a session of theirs. */
async function signedIn(api: TestApi) {
  const id = randomUUID()
  const email = `${id}@example.com`
  const { owner, signIn } = api
  await owner.query(
    `insert into users (id, tenant_id, role, name, email) select $1::uuid, tenant_id, 'zzp', 'Sam', $2 from users where id = $3`,
    [id, email, USERS.admin],
  )
  await owner.query('insert into sign_in.users (id, name, email, email_verified) values ($1, $2, $3, true)', [
    id,
    'Sam',
    email,
  ])
  await owner.query(
    `insert into sign_in.accounts (user_id, account_id, provider_id, password) values ($1::uuid, $1::text, 'credential', $2)`,
    [id, await signIn!.passwords.hash(PASSWORD)],
  )
  const { refresh_token } = await signIn!.beginSession(id, 'password', {
    address: '192.0.2.1',
    userAgent: undefined,
  })
  return { id, email, refresh_token, headers: { authorization: `Bearer ${refresh_token}` } }
}

/** One who set up an authenticator app, and has not shown a code of it yet. */
async function withApp(api: TestApi) {
  const person = await signedIn(api)
  const setup = await authOf(() => api)('/two-factor/enable', { password: PASSWORD }, person.headers)
  const { totpURI, backupCodes } = setup.json() as { totpURI: string; backupCodes: string[] }
  return { ...person, code: totpCode(totpURI), backupCodes }
}

/** What was mailed to somebody who asked for it. */
async function mailed(api: TestApi, path: string): Promise<{ email: string; code: string; token: string }> {
  const { email } = await signedIn(api)
  await authOf(() => api)(path, { email })
  await api.signIn!.mails.idle()
  const { code = '', url } = api.mails.findLast(({ to }) => to === email)!.data
  return { email, code, token: url === undefined ? '' : new URL(url).hash.slice(1) }
}

async function passkeyOf(api: TestApi, userId: string): Promise<string> {
  const [made] = await api.owner.query<{ id: string }>(
    `insert into sign_in.passkeys (user_id, public_key, credential_id, counter, device_type, backed_up)
     values ($1, 'key', gen_random_uuid()::text, 0, 'singleDevice', false) returning id`,
    [userId],
  )
  return made!.id
}

/** @returns its code */
async function invitation(api: TestApi): Promise<string> {
  const code = randomUUID().replaceAll('-', '')
  await api.owner.query(
    `insert into invitations (tenant_id, role, email, code_hash, expires_at)
     select tenant_id, 'zzp', $1 || '@example.com', encode(sha256(convert_to($1, 'UTF8')), 'hex'), now() + interval '1 day'
     from users where id = $2`,
    [code, USERS.admin],
  )
  return code
}

const withSession =
  (url: string): ArrangeSignIn =>
  async (api) => ({ url, headers: (await signedIn(api)).headers })

const withAddress =
  (url: string): ArrangeSignIn =>
  async (api) => ({ url, body: { email: (await signedIn(api)).email } })

/** Every route of sign-in, by its name in the OpenAPI document, but `NOT_SENT`. */
export const SIGN_IN_REQUESTS: Readonly<Record<string, ArrangeSignIn>> = {
  'POST /auth/sign-in/email': async (api) => ({
    url: '/auth/sign-in/email',
    body: { email: (await signedIn(api)).email, password: PASSWORD },
  }),
  'POST /auth/sign-out': withSession('/auth/sign-out'),
  'POST /auth/token': withSession('/auth/token'),
  'GET /auth/jwks': async () => ({ url: '/auth/jwks' }),
  'POST /auth/sign-in/magic-link': withAddress('/auth/sign-in/magic-link'),
  'POST /auth/magic-link/verify': async (api) => ({
    url: '/auth/magic-link/verify',
    body: { token: (await mailed(api, '/sign-in/magic-link')).token },
  }),
  'POST /auth/email-otp/send-verification-otp': withAddress('/auth/email-otp/send-verification-otp'),
  'POST /auth/sign-in/email-otp': async (api) => {
    const { email, code } = await mailed(api, '/email-otp/send-verification-otp')
    return { url: '/auth/sign-in/email-otp', body: { email, otp: code } }
  },
  'POST /auth/request-password-reset': withAddress('/auth/request-password-reset'),
  'POST /auth/reset-password': async (api) => ({
    url: '/auth/reset-password',
    body: { token: (await mailed(api, '/request-password-reset')).token, newPassword: PASSWORD },
  }),
  'POST /auth/change-password': async (api) => ({
    url: '/auth/change-password',
    headers: (await signedIn(api)).headers,
    body: { currentPassword: PASSWORD, newPassword: PASSWORD },
  }),
  'POST /auth/two-factor/enable': async (api) => ({
    url: '/auth/two-factor/enable',
    headers: (await signedIn(api)).headers,
    body: { password: PASSWORD },
  }),
  'POST /auth/two-factor/disable': async (api) => ({
    url: '/auth/two-factor/disable',
    headers: (await signedIn(api)).headers,
    body: { password: PASSWORD },
  }),
  'POST /auth/two-factor/verify-totp': async (api) => {
    const { headers, code } = await withApp(api)
    return { url: '/auth/two-factor/verify-totp', headers, body: { code } }
  },
  'POST /auth/two-factor/verify-backup-code': async (api) => {
    const { email, headers, code, backupCodes } = await withApp(api)
    const post = authOf(() => api)
    await post('/two-factor/verify-totp', { code }, headers)
    const cookie = cookiesOf(await post('/sign-in/email', { email, password: PASSWORD }))
    return { url: '/auth/two-factor/verify-backup-code', headers: { cookie }, body: { code: backupCodes[0] } }
  },
  'GET /auth/passkey/generate-register-options': withSession('/auth/passkey/generate-register-options'),
  'GET /auth/passkey/generate-authenticate-options': async () => ({
    url: '/auth/passkey/generate-authenticate-options',
  }),
  'GET /auth/passkey/list-user-passkeys': withSession('/auth/passkey/list-user-passkeys'),
  'POST /auth/passkey/delete-passkey': async (api) => {
    const { id, headers } = await signedIn(api)
    return { url: '/auth/passkey/delete-passkey', headers, body: { id: await passkeyOf(api, id) } }
  },
  'GET /auth/sessions': withSession('/auth/sessions'),
  'DELETE /auth/sessions/{id}': async (api) => {
    const { id, headers } = await signedIn(api)
    const [session] = await api.owner.query<{ id: string }>(
      'select id from sign_in.sessions where user_id = $1',
      [id],
    )
    return { url: `/auth/sessions/${session!.id}`, headers }
  },
  'POST /auth/invitation': async (api) => ({
    url: '/auth/invitation',
    body: { code: await invitation(api) },
  }),
  'POST /auth/accept-invitation': async (api) => ({
    url: '/auth/accept-invitation',
    body: { code: await invitation(api), name: 'Sam', password: PASSWORD },
  }),
  'GET /auth/account': withSession('/auth/account'),
}

/** They need a browser's authenticator, or a provider. */
export const NOT_SENT: readonly string[] = [
  'POST /auth/passkey/verify-registration',
  'POST /auth/passkey/verify-authentication',
  'POST /auth/sign-in/social',
]
