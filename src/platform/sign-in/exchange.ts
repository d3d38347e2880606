import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { DrizzleQueryError } from '../db/drizzle.ts'
import { Problem } from '../http/problem.ts'
import { ADDRESS_HEADER } from './address-header.ts'
import { type Answer, problemOf, readAnswer } from './answers.ts'
import type { Attempt, From } from './limits.ts'
import { signInsSeen } from './outcomes.ts'
import { forRequest } from './request-context.ts'
import { challenge, grant } from './schemas.ts'
import { type Grant, SecondFactorWanted, type SignIn, STRONG_METHODS } from './sign-in.ts'

export const tags = ['sign-in']

/** What a sign-in is answered with. */
export const letsIn = { 200: z.union([grant, challenge]) }

/** Where the routes of sign-in are added. */
export type Routes = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** The most statements that a refusal takes, by the path of better-auth. */
const STATEMENTS_OF: Readonly<Record<string, number>> = { '/sign-in/email': 2, '/request-password-reset': 3 }
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Browsers keep it for as long as they may; it says only that its owner signed in here before. */
const DEVICE = 'muster.device'
const DEVICE_SECONDS = 400 * 24 * 60 * 60
const deviceCookie = (mark: string, publicUrl: string): string =>
  `${DEVICE}=${mark}; Max-Age=${DEVICE_SECONDS}; Path=/auth; HttpOnly; SameSite=Lax${publicUrl.startsWith('https:') ? '; Secure' : ''}`
const readDevice = (cookies: string | undefined): string | undefined =>
  /(?:^|; *)muster\.device=([\w-]{43})(?:;|$)/.exec(cookies ?? '')?.[1]

/** Drizzle's error quotes the parameters: addresses, tokens and hashes. What the database said is its cause. */
function throwWithoutParameters(error: unknown): never {
  throw error instanceof DrizzleQueryError ? error.cause : error
}

export type Exchange = ReturnType<typeof openExchange>

/** What stands between a route and better-auth: requests to it, what it answers, sessions and their cookies. */
export function openExchange(signIn: SignIn) {
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
      auth
        .handler(
          new Request(url, {
            method,
            headers,
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          }),
        )
        .catch(throwWithoutParameters),
    )
    await pad(path, asked)
    return { ...(await readAnswer(response)), hasQueued }
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

  const endSession = (token: string): Promise<unknown> =>
    signIn.database.query('delete from sign_in.sessions where token = $1', [token])

  return {
    signIn,
    ask,
    answerOf,
    languageOf,
    letIn,
    grantOrChallenge,
    sendGrant,
    counted,
    from,
    passCookies,
    requireSecondFactor,
    ownSession,
    ownPasswordAttempt,
    endSession,
  }
}
