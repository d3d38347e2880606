import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { Code } from '../http/codes.ts'
import { idParams } from '../http/fields.ts'
import { Problem, problems } from '../http/problem.ts'
import { ADDRESS_HEADER } from './address-header.ts'
import type { Attempt, From } from './limits.ts'
import { signInsSeen } from './outcomes.ts'
import { forRequest } from './request-context.ts'
import {
  acceptance,
  address,
  challenge,
  codeRequest,
  emailCode,
  grant,
  invitationCode,
  invitedTo,
  keySet,
  linkToken,
  newPasskey,
  ownPasskeys,
  ownPassword,
  ownSessions,
  PROVIDERS,
  passkeyOptions,
  passkeyProof,
  passwordChange,
  passwordReset,
  providerSignIn,
  redirection,
  refreshRequest,
  signInEmail,
  totpCode,
  totpSetup,
} from './schemas.ts'
import { type Grant, SecondFactorWanted, type SignIn, STRONG_METHODS } from './sign-in.ts'

const tags = ['sign-in']

export interface SignInRoutesOptions {
  signIn: SignIn
  config: Pick<Config, 'CORS_ORIGINS' | 'NODE_ENV'>
}

/** The most statements that a refusal takes, by the path of better-auth. */
const STATEMENTS_OF: Readonly<Record<string, number>> = { '/sign-in/email': 2, '/request-password-reset': 4 }
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Browsers keep it for as long as they may; it says only that its owner signed in here before. */
const DEVICE = 'muster.device'
const DEVICE_SECONDS = 400 * 24 * 60 * 60
const deviceCookie = (mark: string, publicUrl: string): string =>
  `${DEVICE}=${mark}; Max-Age=${DEVICE_SECONDS}; Path=/auth; HttpOnly; SameSite=Lax${publicUrl.startsWith('https:') ? '; Secure' : ''}`
const readDevice = (cookies: string | undefined): string | undefined =>
  /(?:^|; *)muster\.device=([\w-]{43})(?:;|$)/.exec(cookies ?? '')?.[1]

const VERIFY_TOTP = '/two-factor/verify-totp'
/** better-auth takes the code of the period of 30 s before and after: one code is good for three of them. */
const TOTP_CODE_SECONDS = 90
const UUID_HEX_DIGITS = 32
/** @returns what better-auth keeps a sign-in under that wants a second factor */
const readSecondFactor = (cookies: string | undefined): string | undefined =>
  /(?:^|; *)(?:__Secure-)?muster\.two_factor=([\w-]{1,100})\./.exec(cookies ?? '')?.[1]

/** What better-auth answered, read. */
interface Answer {
  hasQueued: boolean
  status: number
  body: Record<string, unknown>
  headers: Headers
}

/** Whatever changes something is a POST with a body in JSON: no scanner of mails, picture or form of another site sends one. */
export const signInRoutes: FastifyPluginAsyncZod<SignInRoutesOptions> = async (app, { signIn, config }) => {
  const isTrusted = (origin: string): boolean =>
    origin === signIn.publicUrl ||
    config.CORS_ORIGINS.includes(origin) ||
    (config.NODE_ENV !== 'production' && /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d+$/.test(origin))

  app.addHook('onListen', async () => {
    const bound = app.server.address()
    if (typeof bound === 'object' && bound !== null) signIn.listensAt(bound.port)
  })
  app.addHook('onRequest', async (request, reply) => {
    // Whatever is answered here is about one person, and good once.
    reply.header('cache-control', 'no-store')
    requireOwnOrigin(request)
  })

  /** Browsers name the page that a request comes from. Who sends no `Origin` is no browser, or asks for a page. */
  function requireOwnOrigin({ headers, method }: FastifyRequest): void {
    if (method === 'GET' || method === 'HEAD') return
    const { origin } = headers
    const isForeign = origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !isTrusted(origin)
    if (isForeign) throw new Problem('forbidden', { subject: 'origin' })
  }

  /** Lets better-auth answer. @throws Problem for what it refuses */
  async function ask(...given: Parameters<typeof answerOf>): Promise<Answer> {
    const answer = await answerOf(...given)
    const problem = problemOf(answer)
    if (!problem) return answer
    if (problem.status < 500) signInsSeen.add('refused')
    throw problem
  }

  const languageOf = (request: FastifyRequest) => signIn.languageOf(request.headers['accept-language'])

  /**
   * Where better-auth looks further only for an address that somebody has, as much is looked for one that nobody has: nobody can tell
   * by the time that it takes.
   */
  async function pad(path: string, asked: number): Promise<void> {
    for (let nth = asked; nth < (STATEMENTS_OF[path] ?? 0); nth += 1)
      await signIn.database.query('select id from sign_in.accounts where user_id = $1::uuid', [NOBODY])
  }

  /** What a browser makes or finds a passkey by: the challenge is in a cookie. */
  function options(reply: FastifyReply, answer: Answer) {
    passCookies(reply, answer)
    return { ...(answer.body as { challenge: string }), userVerification: 'required' }
  }

  /** Of the request it gets what the route has checked, and nothing else. */
  async function answerOf(
    request: FastifyRequest,
    path: string,
    {
      method = 'POST',
      body,
      query,
    }: { method?: 'GET' | 'POST'; body?: unknown; query?: Record<string, string> } = {},
  ): Promise<Answer> {
    const auth = await signIn.auth()
    const url = new URL(`${signIn.publicUrl}/auth${path}`)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    const headers = new Headers({
      accept: 'application/json',
      // It has been judged.
      origin: signIn.publicUrl,
      [ADDRESS_HEADER]: request.ip,
    })
    // One session, the one that the routes look at: better-auth would fall back to the cookie behind a bearer token that is none.
    const token = signIn.readSession(request.headers)
    const cookies = signIn.cookie.replace(
      request.headers.cookie,
      token === undefined ? undefined : signIn.signSession(token),
    )
    if (cookies !== undefined) headers.set('cookie', cookies)
    const userAgent = request.headers['user-agent']
    if (userAgent !== undefined) headers.set('user-agent', userAgent)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const {
      done: response,
      hasQueued,
      asked,
    } = await forRequest(languageOf(request), () =>
      auth.handler(
        new Request(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
      ),
    )
    await pad(path, asked)
    return { ...(await read(response)), hasQueued }
  }

  /** What ends in a session, whichever way it came: the tokens, or that a second factor is wanted. */
  async function letIn(request: FastifyRequest, reply: FastifyReply, answer: Answer) {
    passCookies(reply, answer)
    if (answer.body.twoFactorRedirect === true) return reply.send({ second_factor: 'totp' as const })
    const signed = answer.headers.get('set-auth-token')
    const token = signIn.readSession(request.headers, signed ?? undefined)
    if (token === undefined) throw new Problem('internal')
    return grantOrChallenge(request, reply, () => signIn.grantFor(token))
  }

  async function grantOrChallenge(request: FastifyRequest, reply: FastifyReply, grant: () => Promise<Grant>) {
    try {
      const given = await grant()
      rememberDevice(reply, given.user.email)
      return sendGrant(request, reply, given)
    } catch (error) {
      if (!(error instanceof SecondFactorWanted)) throw error
      return sendGrant(request, reply, { second_factor: error.wanted, refresh_token: error.refreshToken })
    }
  }

  /** A page of ours has the session in a cookie, which no script can read; everybody else has it in the answer. */
  function sendGrant(
    request: FastifyRequest,
    reply: FastifyReply,
    given: Grant | (z.infer<typeof challenge> & { refresh_token: string }),
  ) {
    const { refresh_token, ...rest } = given
    if (request.headers['sec-fetch-site'] !== 'same-origin') return reply.send(given)
    return reply.header('set-cookie', signIn.cookie.set(refresh_token)).send(rest)
  }

  /** So that strangers who guess the password of its owner do not lock this browser out. */
  function rememberDevice(reply: FastifyReply, email: string): void {
    reply.header('set-cookie', deviceCookie(signIn.limits.deviceMark(email), signIn.publicUrl))
  }

  const from = ({ ip, headers }: FastifyRequest): From => ({ ip, device: readDevice(headers.cookie) })

  /** What `work` fails at counts; what it succeeds at does not. */
  async function counted<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
    const done = await work()
    attempt.succeeded()
    return done
  }

  function passCookies(reply: FastifyReply, { headers }: Answer): void {
    for (const cookie of headers.getSetCookie()) {
      // Ours has the session.
      if (!cookie.startsWith(`${signIn.cookie.name}=`) || cookie.includes('Max-Age=0'))
        reply.header('set-cookie', cookie)
    }
  }

  /**
   * A session that has given the second factor which its user has. One that began by a link or code of a mail, and lacks it, could
   * otherwise make itself a way in: add a passkey, or remove the app with a password that somebody found.
   *
   * @throws Problem `second_factor_required`
   */
  async function requireSecondFactor({ headers }: FastifyRequest): Promise<void> {
    const token = signIn.readSession(headers)
    if (token === undefined) return
    const [lacking] = await signIn.database.query(
      `select s.id from sign_in.sessions s join sign_in.users u on u.id = s.user_id
       where s.token = $1 and u.two_factor_enabled and not (s.method = any ($2::text[]))`,
      [token, `{${[...STRONG_METHODS].join(',')}}`],
    )
    if (lacking) throw new Problem('second_factor_required', { subject: 'totp' })
  }

  /** @throws Problem `session_ended` */
  async function ownSession({ headers }: FastifyRequest): Promise<{ id: string; userId: string }> {
    const token = signIn.readSession(headers)
    const [session] =
      token === undefined
        ? []
        : await signIn.database.query<{ id: string; user_id: string }>(
            'select id, user_id from sign_in.sessions where token = $1 and expires_at > now() and muster.may_sign_in(user_id)',
            [token],
          )
    if (!session) throw new Problem('session_ended')
    return { id: session.id, userId: session.user_id }
  }

  /** Of a session that somebody stole: it does not tell the password, and is no place to guess it. */
  const ownPasswordAttempt = (request: FastifyRequest): Attempt =>
    signIn.limits.password(`session ${signIn.readSession(request.headers) ?? request.ip}`, from(request))

  /** Whose codes are compared, by the session or by the cookie of a sign-in that wants a second factor: all of a user count together. */
  async function whoseCode(
    token: string | undefined,
    cookies: string | undefined,
  ): Promise<string | undefined> {
    const [found] = await signIn.database.query<{ user_id: string }>(
      `select user_id::text from sign_in.sessions where token = $1
       union all
       select value from sign_in.verifications where identifier = $2 and expires_at > now()
       limit 1`,
      [token ?? null, readSecondFactor(cookies) ?? null],
    )
    return found && `user ${found.user_id}`
  }

  /**
   * A code of an authenticator app is good once (RFC 6238, section 5.2), whoever saw it being typed. better-auth only compares it.
   *
   * @returns whether this is the first time
   */
  async function spendTotpCode(userId: string, code: string): Promise<boolean> {
    const [first] = await signIn.database.query(
      `insert into sign_in.verifications (id, identifier, value, expires_at)
       values ($1::uuid, 'totp-spent', '', now() + make_interval(secs => $2::float8))
       on conflict (id) do update set expires_at = excluded.expires_at where verifications.expires_at <= now()
       returning id`,
      [hash('sha256', `${userId} ${code}`).slice(0, UUID_HEX_DIGITS), TOTP_CODE_SECONDS],
    )
    return first !== undefined
  }

  const endSession = (token: string): Promise<unknown> =>
    signIn.database.query('delete from sign_in.sessions where token = $1', [token])

  const letsIn = { 200: z.union([grant, challenge]) }

  app.post(
    '/auth/sign-in/email',
    {
      schema: {
        operationId: 'signInWithPassword',
        summary: 'Sign in with e-mail and password',
        description:
          'Answers with a bearer token and with what replaces it, or says that a code of the authenticator app is wanted. The answer is the same for an unknown address and a wrong password.',
        tags,
        security: [],
        body: signInEmail,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.password(request.body.email, from(request)), () =>
          ask(request, '/sign-in/email', { body: request.body }),
        ),
      ),
  )

  app.post(
    '/auth/sign-out',
    {
      schema: {
        operationId: 'signOut',
        summary: 'End the session',
        description:
          'Ends the session of the cookie, or of the `refresh_token` that is sent as the bearer token. A bearer token that was given before is good until it expires.',
        tags,
        security: [],
        response: { 204: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      const token = signIn.readSession(request.headers)
      if (token !== undefined) await endSession(token)
      return reply.header('set-cookie', signIn.cookie.clear()).code(204).send(null)
    },
  )

  app.post(
    '/auth/token',
    {
      schema: {
        operationId: 'refreshToken',
        summary: 'Get the next bearer token of a session',
        description:
          'Takes the session of the cookie, or `refresh_token`, in the body or as the bearer token. The answer has the next one; the one that was sent is good for another half a minute, for what the same client sends at that moment. Whoever shows it later ends the session, because then two have it.',
        tags,
        security: [],
        body: refreshRequest,
        response: {
          200: grant,
          ...problems('session_ended', 'account_suspended', 'second_factor_required', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const token = signIn.readSession(request.headers, request.body?.refresh_token)
      if (token === undefined) throw new Problem('session_ended')
      return sendGrant(request, reply, await signIn.refresh(token))
    },
  )

  app.get(
    '/auth/jwks',
    {
      schema: {
        operationId: 'listSigningKeys',
        summary: 'Get the keys that bearer tokens are signed with',
        description:
          'The key set (RFC 7517): the key that signs, the next one, and those whose tokens may not have expired yet.',
        tags,
        security: [],
        response: { 200: keySet, ...problems() },
      },
    },
    async (_request, reply) => {
      // Long enough to spare requests, and far shorter than a key is published before it signs.
      reply.header('cache-control', 'public, max-age=300')
      return (await signIn.keys.publicKeys()) as { keys: { kid: string; kty: string }[] }
    },
  )

  app.post(
    '/auth/sign-in/magic-link',
    {
      schema: {
        operationId: 'sendSignInLink',
        summary: 'Send a link to sign in by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: address,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      signIn.limits.mail(request.body.email, from(request))
      await ask(request, '/sign-in/magic-link', { body: { email: request.body.email.toLowerCase() } })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/magic-link/verify',
    {
      schema: {
        operationId: 'signInWithLink',
        summary: 'Sign in with the link of a mail',
        description:
          'The page of the link sends it when somebody presses the button: to open the link changes nothing.',
        tags,
        security: [],
        body: linkToken,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.code(undefined, from(request)), () =>
          ask(request, '/magic-link/verify', { method: 'GET', query: { token: request.body.token } }),
        ),
      ),
  )

  app.post(
    '/auth/email-otp/send-verification-otp',
    {
      schema: {
        operationId: 'sendSignInCode',
        summary: 'Send a code to sign in by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: codeRequest,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      signIn.limits.mail(request.body.email, from(request))
      await ask(request, '/email-otp/send-verification-otp', { body: { ...request.body, type: 'sign-in' } })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/sign-in/email-otp',
    {
      schema: {
        operationId: 'signInWithCode',
        summary: 'Sign in with the code of a mail',
        description: 'After a few wrong codes another one has to be asked for.',
        tags,
        security: [],
        body: emailCode,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.code(request.body.email, from(request)), () =>
          ask(request, '/sign-in/email-otp', { body: request.body }),
        ),
      ),
  )

  app.post(
    '/auth/request-password-reset',
    {
      schema: {
        operationId: 'requestPasswordReset',
        summary: 'Send a link to choose another password by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: address,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      const { email } = request.body
      signIn.limits.mail(request.body.email, from(request))
      const { hasQueued } = await ask(request, '/request-password-reset', { body: request.body })
      if (!hasQueued)
        signIn.mails.add({ to: email, kind: 'reset_password', language: languageOf(request), data: {} })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/reset-password',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Choose another password with the link of a mail',
        description: 'Ends all sessions of the user.',
        tags,
        security: [],
        body: passwordReset,
        response: { 204: z.null(), ...problems('credentials_wrong', 'forbidden') },
      },
    },
    async (request, reply) => {
      await counted(signIn.limits.code(undefined, from(request)), () =>
        ask(request, '/reset-password', { body: request.body }),
      )
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/change-password',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'changePassword',
        summary: 'Change the own password',
        description: 'Needs the session, and ends the other sessions of the user.',
        tags,
        security: [],
        body: passwordChange,
        response: {
          ...letsIn,
          ...problems('credentials_wrong', 'session_ended', 'second_factor_required', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const body = { ...request.body, revokeOtherSessions: true }
      const work = () => ask(request, '/change-password', { body })
      const answer = await counted(ownPasswordAttempt(request), work)
      const { email } = answer.body.user as { email: string }
      signIn.mails.add({ ...signIn.passwordChanged(email), language: languageOf(request) })
      return letIn(request, reply, answer)
    },
  )

  app.post(
    '/auth/two-factor/enable',
    {
      schema: {
        operationId: 'enableTotp',
        summary: 'Set up an authenticator app',
        description:
          'Needs the session and the password. It counts once `POST /auth/two-factor/verify-totp` was sent a code of the app.',
        tags,
        security: [],
        body: ownPassword,
        response: { 200: totpSetup, ...problems('credentials_wrong', 'session_ended', 'forbidden') },
      },
    },
    async (request) => {
      const work = () => ask(request, '/two-factor/enable', { body: request.body })
      const { body } = await counted(ownPasswordAttempt(request), work)
      const { totpURI, backupCodes } = body as z.infer<typeof totpSetup>
      return { totpURI, backupCodes }
    },
  )

  app.post(
    '/auth/two-factor/disable',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'disableTotp',
        summary: 'Remove the authenticator app',
        description: 'Needs the session and the password.',
        tags,
        security: [],
        body: ownPassword,
        response: {
          ...letsIn,
          ...problems('credentials_wrong', 'session_ended', 'second_factor_required', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const work = () => ask(request, '/two-factor/disable', { body: request.body })
      return letIn(request, reply, await counted(ownPasswordAttempt(request), work))
    },
  )

  for (const [path, operationId, summary] of [
    [VERIFY_TOTP, 'signInWithTotp', 'Sign in with a code of the authenticator app'],
    ['/two-factor/verify-backup-code', 'signInWithBackupCode', 'Sign in with a backup code'],
  ] as const) {
    app.post(
      `/auth${path}`,
      {
        schema: {
          operationId,
          summary,
          description:
            'Follows a sign-in that answered `second_factor`, with its cookie; with the session it finishes the setup.',
          tags,
          security: [],
          body: totpCode,
          response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
        },
      },
      async (request, reply) => {
        const token = signIn.readSession(request.headers)
        const attempt = signIn.limits.code(await whoseCode(token, request.headers.cookie), from(request))
        const answer = await counted(attempt, async () => {
          const good = await ask(request, path, { body: request.body })
          const { id } = good.body.user as { id: string }
          if (path === VERIFY_TOTP && !(await spendTotpCode(id, request.body.code))) {
            const begun = signIn.readSession({}, good.headers.get('set-auth-token') ?? '')
            if (begun !== undefined) await endSession(begun)
            throw new Problem('credentials_wrong', { subject: 'code' })
          }
          return good
        })
        // Of a session that was there before, the second factor is given now; not by a backup code of an app that is not set up yet.
        if (token !== undefined)
          await signIn.database.query(
            `update sign_in.sessions s set method = 'totp' from sign_in.users u
             where s.token = $1 and u.id = s.user_id and u.two_factor_enabled`,
            [token],
          )
        return letIn(request, reply, answer)
      },
    )
  }

  app.get(
    '/auth/passkey/generate-register-options',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'getPasskeyRegistration',
        summary: 'Get what a browser needs to make a passkey',
        description: 'Needs the session, which has begun today. For `navigator.credentials.create()`.',
        tags,
        security: [],
        response: { 200: passkeyOptions, ...problems('session_ended', 'second_factor_required') },
      },
    },
    async (request, reply) =>
      options(reply, await ask(request, '/passkey/generate-register-options', { method: 'GET' })),
  )

  app.post(
    '/auth/passkey/verify-registration',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'addPasskey',
        summary: 'Add a passkey',
        description: 'Needs the session, and the cookie of the options.',
        tags,
        security: [],
        body: newPasskey,
        response: {
          204: z.null(),
          ...problems(
            'credentials_wrong',
            'session_ended',
            'second_factor_required',
            'already_exists',
            'forbidden',
          ),
        },
      },
    },
    async (request, reply) => {
      await ask(request, '/passkey/verify-registration', { body: request.body })
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/auth/passkey/generate-authenticate-options',
    {
      schema: {
        operationId: 'getPasskeyChallenge',
        summary: 'Get what a browser needs to sign in with a passkey',
        description:
          'For `navigator.credentials.get()`, also with autofill. It names no passkeys, so it does not tell who has one.',
        tags,
        security: [],
        response: { 200: passkeyOptions, ...problems() },
      },
    },
    async (request, reply) =>
      options(reply, await ask(request, '/passkey/generate-authenticate-options', { method: 'GET' })),
  )

  app.post(
    '/auth/passkey/verify-authentication',
    {
      schema: {
        operationId: 'signInWithPasskey',
        summary: 'Sign in with a passkey',
        description: 'Needs the cookie of the options. It counts as two factors.',
        tags,
        security: [],
        body: passkeyProof,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) => {
      requireUserVerified(request.body.response.response.authenticatorData)
      return letIn(
        request,
        reply,
        await counted(signIn.limits.code(undefined, from(request)), () =>
          ask(request, '/passkey/verify-authentication', { body: request.body }),
        ),
      )
    },
  )

  app.get(
    '/auth/passkey/list-user-passkeys',
    {
      schema: {
        operationId: 'listOwnPasskeys',
        summary: 'List the own passkeys',
        description: 'Needs the session.',
        tags,
        security: [],
        response: { 200: ownPasskeys, ...problems('session_ended') },
      },
    },
    async (request) => {
      const { userId } = await ownSession(request)
      const [found] = await signIn.database.query<{ items: z.infer<typeof ownPasskeys>['items'] }>(
        `select coalesce(json_agg(json_build_object('id', p.id, 'name', p.name, 'created_at', p.created_at)
           order by p.created_at desc), '[]') as items
         from sign_in.passkeys p where p.user_id = $1::uuid`,
        [userId],
      )
      return { items: found!.items }
    },
  )

  app.post(
    '/auth/passkey/delete-passkey',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove one of the own passkeys',
        description: 'Needs the session.',
        tags,
        security: [],
        body: idParams,
        response: {
          204: z.null(),
          ...problems('session_ended', 'second_factor_required', 'not_found', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const { userId } = await ownSession(request)
      const removed = await signIn.database.query(
        'delete from sign_in.passkeys where id = $1::uuid and user_id = $2::uuid returning id',
        [request.body.id, userId],
      )
      if (removed.length === 0) throw new Problem('not_found')
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/sign-in/social',
    {
      schema: {
        operationId: 'signInWithProvider',
        summary: 'Sign in with an OpenID provider',
        description:
          'Answers with the address at the provider to which the browser goes. Whoever comes back is let in if the provider has verified the address of an account here.',
        tags,
        security: [],
        body: providerSignIn,
        response: { 200: redirection, ...problems('not_found', 'forbidden') },
      },
    },
    async (request, reply) => {
      const answer = await ask(request, '/sign-in/social', {
        body: { ...request.body, disableRedirect: true },
      })
      passCookies(reply, answer)
      return { url: String(answer.body.url) }
    },
  )

  app.get(
    '/auth/callback/:provider',
    { schema: { hide: true, params: z.strictObject({ provider: z.enum(PROVIDERS) }) } },
    async (request, reply) => {
      const query = Object.fromEntries(new URL(request.url, signIn.publicUrl).searchParams)
      const answer = await answerOf(request, `/callback/${request.params.provider}`, { method: 'GET', query })
      const target = new URL(answer.headers.get('location') ?? '/live', signIn.publicUrl)
      // Nowhere else, whatever the library makes of it.
      if (target.origin !== signIn.publicUrl) throw new Problem('forbidden', { subject: 'callbackURL' })
      for (const cookie of answer.headers.getSetCookie()) reply.header('set-cookie', cookie)
      return reply.redirect(target.href, 303)
    },
  )

  app.get(
    '/auth/sessions',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'listOwnSessions',
        summary: 'List the own sessions',
        description: 'Needs the session: the cookie, or `refresh_token` as the bearer token. Newest first.',
        tags,
        security: [],
        response: { 200: ownSessions, ...problems('session_ended', 'second_factor_required') },
      },
    },
    async (request) => {
      const { id, userId } = await ownSession(request)
      const [found] = await signIn.database.query<{ items: z.infer<typeof ownSessions>['items'] }>(
        `select coalesce(json_agg(json_build_object(
           'id', s.id, 'method', s.method, 'ip_address', s.ip_address, 'user_agent', s.user_agent, 'created_at', s.created_at,
           'used_at', s.updated_at, 'expires_at', s.expires_at, 'current', s.id = $2::uuid
         ) order by s.created_at desc), '[]') as items
         from sign_in.sessions s
         where s.user_id = $1::uuid and s.expires_at > now()`,
        [userId, id],
      )
      return { items: found!.items }
    },
  )

  app.delete(
    '/auth/sessions/:id',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'endOwnSession',
        summary: 'End one of the own sessions',
        description:
          'Needs the session. Bearer tokens that the other session was given are good until they expire.',
        tags,
        security: [],
        params: idParams,
        response: {
          204: z.null(),
          ...problems('session_ended', 'second_factor_required', 'not_found', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const { userId } = await ownSession(request)
      const ended = await signIn.database.query(
        'delete from sign_in.sessions where id = $1::uuid and user_id = $2::uuid returning id',
        [request.params.id, userId],
      )
      if (ended.length === 0) throw new Problem('not_found')
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/invitation',
    {
      schema: {
        operationId: 'getInvitation',
        summary: 'Read what an invitation is to',
        description: 'For the page that accepts it. It changes nothing.',
        tags,
        security: [],
        body: invitationCode,
        response: { 200: invitedTo, ...problems('invitation_invalid' as Code, 'forbidden') },
      },
    },
    async (request) => {
      const attempt = signIn.limits.invitation(from(request))
      const [found] = await signIn.database.query<{ invitation: Record<string, unknown> | null }>(
        'select muster.invitation_of($1) as invitation',
        [request.body.code],
      )
      if (found?.invitation) attempt.succeeded()
      if (!found?.invitation) throw new Problem('invitation_invalid' as Code, { subject: 'code' })
      const { accepted_by, ...rest } = found.invitation
      return { ...rest, accepted: accepted_by !== null } as z.infer<typeof invitedTo>
    },
  )

  app.post(
    '/auth/accept-invitation',
    {
      schema: {
        operationId: 'acceptInvitationWithPassword',
        summary: 'Accept an invitation',
        description:
          'Makes the account and the user, with what goes with their role, in one step, and signs in. To send it again after the answer was lost does the same with the same password. Whoever has an account already signs in, and accepts with `POST /v1/me`.',
        tags,
        security: [],
        body: acceptance,
        response: {
          ...letsIn,
          ...problems(
            'invitation_invalid' as Code,
            'credentials_wrong',
            'account_known',
            'account_suspended',
            'forbidden',
          ),
        },
      },
    },
    async (request, reply) => {
      const given = request.body
      const attempt = signIn.limits.invitation(from(request))
      const passwordHash = await signIn.passwords.hash(given.password)
      const [found] = await signIn.database.query<{
        done: { outcome: string; email: string; user_id?: string; code?: Code; subject?: string }
      }>('select muster.register_invited($1, $2, $3, $4, $5::float8, $6::float8) as done', [
        given.code,
        given.name,
        given.email ?? null,
        passwordHash,
        given.latitude ?? null,
        given.longitude ?? null,
      ])
      const { outcome, email, user_id, code, subject } = found!.done
      // An invitation without an address must not tell which addresses have an account, one after the other.
      if (outcome === 'accepted' || outcome === 'registered') attempt.succeeded()
      if (outcome === 'refused' && code === 'validation_failed')
        throw new Problem(code, {
          errors: [{ pointer: `/body/${subject}`, message: 'is needed: the invitation has none' }],
        })
      if (outcome === 'refused') throw new Problem(code!, { subject })
      if (outcome === 'known') throw new Problem('account_known', { subject: 'email' })
      if (outcome === 'accepted') {
        const body = { email, password: given.password }
        const work = () => ask(request, '/sign-in/email', { body })
        return letIn(request, reply, await counted(signIn.limits.password(email, from(request)), work))
      }
      signInsSeen.add('registered')
      return grantOrChallenge(request, reply, () =>
        signIn.beginSession(user_id!, 'invitation', {
          address: request.ip,
          userAgent: request.headers['user-agent'],
        }),
      )
    },
  )
}

/** The bit UV of the flags (WebAuthn Level 3, section 6.1), which stand behind the 32 bytes of the hash of the relying party's id. */
const FLAGS_AT = 32
const USER_VERIFIED = 0x04

/** A passkey counts as two factors because its device asked for one. The signature, which covers it, is verified afterwards. */
function requireUserVerified(authenticatorData: string): void {
  const flags = Buffer.from(authenticatorData, 'base64url')[FLAGS_AT] ?? 0
  if ((flags & USER_VERIFIED) === 0) throw new Problem('credentials_wrong', { subject: 'user_verification' })
}

async function read(response: Response): Promise<Omit<Answer, 'hasQueued'>> {
  const text = await response.text()
  let body: unknown
  try {
    body = text === '' ? {} : JSON.parse(text)
  } catch {
    body = {}
  }
  return {
    status: response.status,
    body: typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {},
    headers: response.headers,
  }
}

const WRONG = 'credentials_wrong' as const

/** What better-auth calls what it refuses, by our codes. */
const CODE_OF: Readonly<Record<string, [Code, subject?: string]>> = {
  INVALID_EMAIL_OR_PASSWORD: [WRONG],
  INVALID_PASSWORD: [WRONG, 'password'],
  CREDENTIAL_ACCOUNT_NOT_FOUND: [WRONG, 'password'],
  INVALID_OTP: [WRONG, 'code'],
  OTP_EXPIRED: [WRONG, 'code'],
  TOO_MANY_ATTEMPTS: [WRONG, 'code'],
  INVALID_CODE: [WRONG, 'code'],
  INVALID_BACKUP_CODE: [WRONG, 'code'],
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: [WRONG, 'code'],
  INVALID_TWO_FACTOR_COOKIE: [WRONG, 'code'],
  INVALID_TOKEN: [WRONG, 'token'],
  CHALLENGE_NOT_FOUND: [WRONG, 'challenge'],
  PASSKEY_NOT_FOUND: [WRONG, 'passkey'],
  AUTHENTICATION_FAILED: [WRONG, 'passkey'],
  FAILED_TO_VERIFY_REGISTRATION: [WRONG, 'passkey'],
  PREVIOUSLY_REGISTERED: ['already_exists', 'passkey'],
  SESSION_NOT_FRESH: ['session_ended', 'age'],
  PROVIDER_NOT_FOUND: ['not_found', 'provider'],
  ACCOUNT_TEMPORARILY_LOCKED: ['rate_limited'],
  new_user_signup_disabled: [WRONG, 'token'],
  MAY_NOT_SIGN_IN: ['account_suspended'],
  NOT_INVITED: ['forbidden', 'invitation'],
  TOTP_ALREADY_ENABLED: ['already_exists', 'totp'],
  TOTP_NOT_ENABLED: ['not_found', 'totp'],
  TWO_FACTOR_NOT_ENABLED: ['not_found', 'totp'],
  PASSWORD_TOO_SHORT: ['validation_failed'],
  PASSWORD_TOO_LONG: ['validation_failed'],
}

/** @returns undefined for a success */
function problemOf({ status, body, headers }: Answer): Problem | undefined {
  if (status < 300) return undefined
  const name =
    status < 400
      ? (new URL(headers.get('location') ?? '', 'http://localhost').searchParams.get('error') ?? '')
      : String(body.code ?? '')
  const [code, subject] = CODE_OF[name] ?? []
  // As long as better-auth locks the authenticator app of an account.
  if (code === 'rate_limited') return new Problem(code, { retryAfterSeconds: 15 * 60 })
  if (code) return new Problem(code, { subject })
  if (status === 401) return new Problem('session_ended')
  if (status === 403) return new Problem('forbidden')
  if (status === 404) return new Problem('not_found')
  if (status < 500) return new Problem('malformed_request')
  return new Problem('internal', { cause: new Error('better-auth failed') })
}
