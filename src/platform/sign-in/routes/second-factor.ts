import { hash } from 'node:crypto'
import type { z } from 'zod'
import { Problem, problems } from '../../http/problem.ts'
import { type Exchange, letsIn, type Routes, tags } from '../exchange.ts'
import { ownPassword, totpCode, totpSetup } from '../schemas.ts'

const VERIFY_TOTP = '/two-factor/verify-totp'
/** better-auth takes the code of the period of 30 s before and after: one code is good for three of them. */
const TOTP_CODE_SECONDS = 90
const UUID_HEX_DIGITS = 32
/** @returns what better-auth keeps a sign-in under that wants a second factor */
const readSecondFactor = (cookies: string | undefined): string | undefined =>
  /(?:^|; *)(?:__Secure-)?muster\.two_factor=([\w-]{1,100})\./.exec(cookies ?? '')?.[1]

/** The authenticator app: codes, backup codes, setup. */
export function secondFactorRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, letIn, counted, from, requireSecondFactor, ownPasswordAttempt, endSession } = exchange

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
}
