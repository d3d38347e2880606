import { hkdfSync, randomBytes } from 'node:crypto'
import type { Config } from '../../config.ts'
import type { OwnIssuer } from '../auth/verifier.ts'
import type { Database } from '../db/engine/database.ts'
import { Problem } from '../http/problem.ts'
import type { Logger } from '../log.ts'
import type { Auth } from './auth.ts'
import { asSignIn, type SignInDatabase } from './database.ts'
import { KeyRing } from './keys.ts'
import { type Limits, openLimits } from './limits.ts'
import type { Mail, Mailer, MailLanguage } from './mail.ts'
import { MailQueue } from './mail-queue.ts'
import { signInsSeen } from './outcomes.ts'
import { openPasswords, type Passwords } from './passwords.ts'
import { readSigned, type SessionCookie, sessionCookie, signSession } from './session-cookie.ts'
import { languageOf } from './texts.ts'

/**
 * Others of the same client that refresh at the same moment, or whose answer was lost on the way, get the token that the first one got.
 * A thief who is that quick is found with the next refresh of the owner.
 */
const REFRESH_GRACE_SECONDS = 30

/** Of the token of a session: 192 bits. */
const SESSION_TOKEN_BYTES = 24

export interface SignInParts {
  config: Config
  /** On the login of sign-in; embedded, the one connection. */
  database: Database
  secret: string
  mailer: Mailer
  log: Logger
  /** Milliseconds of Unix time; tests turn this clock. */
  now?: () => number
  /** Which roles a user has, by what the rules know of them: for `SIGN_IN_TOTP_REQUIRED`. */
  rolesOf?: (userId: string) => Promise<readonly string[]>
}

/** What a client gets that is signed in. */
export interface Grant {
  access_token: string
  token_type: 'bearer'
  /** Seconds. */
  expires_in: number
  /** Unix seconds. */
  expires_at: number
  /** Signed; browsers have it in a cookie instead. */
  refresh_token: string
  user: { id: string; email: string }
}

/** A session without the second factor that its user has, or has to have. `setup`: they have none yet. */
export class SecondFactorWanted extends Problem {
  readonly wanted: 'totp' | 'setup'
  /** Signed: what the session can do is to give the second factor. */
  readonly refreshToken: string

  constructor(wanted: 'totp' | 'setup', refreshToken: string) {
    super('second_factor_required', { subject: wanted })
    this.wanted = wanted
    this.refreshToken = refreshToken
  }
}

export interface SignIn extends OwnIssuer {
  readonly keys: KeyRing
  readonly publicUrl: string
  /** The port that the system chose (PORT=0), before the first request. */
  listensAt(port: number): void
  readonly cookie: SessionCookie
  readonly passwords: Passwords
  readonly limits: Limits
  readonly database: SignInDatabase
  readonly mails: MailQueue
  /** Loads better-auth with the first call. */
  auth(): Promise<Auth>
  /** @returns the token of a session that a request shows; undefined without one, or when the signature is not ours */
  readSession(
    headers: { authorization?: string | undefined; cookie?: string | undefined },
    given?: string,
  ): string | undefined
  /** Of the token of a session, what its client has. */
  signSession(token: string): string
  /** The next tokens of a session. @throws Problem when it is none any more */
  refresh(token: string): Promise<Grant>
  /** The tokens of a session that has just begun. */
  grantFor(token: string): Promise<Grant>
  /** Begins a session, by a way of ours. */
  beginSession(
    userId: string,
    method: string,
    from: { address: string; userAgent: string | undefined },
  ): Promise<Grant>
  /** Sends an invitation to its address, beside the request. */
  invite(code: string, language: MailLanguage): void
  /** Where a link in a mail leads: what it has is behind the `#`, which is sent to no server and is in no log. */
  linkOf(page: 'accept' | 'magic-link' | 'reset-password', token: string): string
  languageOf(acceptLanguage: string | undefined): MailLanguage
  /** Tells somebody that their password was changed. */
  passwordChanged(email: string): Omit<Mail, 'language'>
  close(): Promise<void>
}

export const STRONG_METHODS: ReadonlySet<string> = new Set(['totp', 'passkey', 'provider'])

/** As people find it: `http://localhost:3000`, because passkeys refuse an IP address. */
const publicUrlOf = ({ PUBLIC_URL, PORT }: Pick<Config, 'PUBLIC_URL' | 'PORT'>): string =>
  PUBLIC_URL ?? `http://localhost:${PORT}`

const newSessionToken = (): string => randomBytes(SESSION_TOKEN_BYTES).toString('base64url')

const withoutNulls = (data: Record<string, string | null | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )

/** Each purpose has a secret of its own, so that what one tells of it is of no use for another. */
const derived = (secret: string, purpose: string): string =>
  Buffer.from(hkdfSync('sha256', secret, '', `muster sign-in ${purpose}`, 32)).toString('base64url')

export function openSignIn({ config, secret, mailer, log, now = Date.now, ...parts }: SignInParts): SignIn {
  let publicUrl = publicUrlOf(config)
  const issuerOf = (): string => `${publicUrl}/auth`
  const database = asSignIn(parts.database)
  const cookieSecret = derived(secret, 'sessions')
  const sessionSeconds = config.SIGN_IN_SESSION_DAYS * 24 * 60 * 60
  const keys = new KeyRing({ database, secret, tokenSeconds: config.SIGN_IN_TOKEN_SECONDS, now })
  const cookie = sessionCookie(publicUrl.startsWith('https:'), sessionSeconds)
  const passwords = openPasswords(config.SIGN_IN_HASH_COST, config.SIGN_IN_HASHES_AT_ONCE)
  const limits = openLimits(cookieSecret, now)
  const mails = new MailQueue({ mailer, database, log })
  let loading: Promise<Auth> | undefined

  const linkOf: SignIn['linkOf'] = (page, token) => `${publicUrl}/auth/${page}#${token}`

  const passwordChanged: SignIn['passwordChanged'] = (email) => ({
    to: email,
    kind: 'password_changed',
    data: { url: `${publicUrl}/sign-in/account` },
  })

  async function grant(session: {
    token: string
    session_id: string
    user_id: string
    email: string
  }): Promise<Grant> {
    await requireSecondFactor(session)
    const claims = {
      sub: session.user_id,
      email: session.email,
      role: 'authenticated',
      session_id: session.session_id,
    }
    const access = await keys.sign(claims, issuerOf(), config.JWT_AUDIENCE)
    return {
      access_token: access,
      token_type: 'bearer',
      expires_in: config.SIGN_IN_TOKEN_SECONDS,
      expires_at: Math.floor(now() / 1000) + config.SIGN_IN_TOKEN_SECONDS,
      refresh_token: signSession(cookieSecret, session.token),
      user: { id: session.user_id, email: session.email },
    }
  }

  /**
   * Whatever way in the session began by: a link in a mail would otherwise be a way round the authenticator app. A passkey is two
   * factors, the device and what unlocks it; a provider asks for its own.
   */
  async function requireSecondFactor(session: {
    token: string
    session_id: string
    user_id: string
  }): Promise<void> {
    const [found] = await database.query<{ method: string; has_totp: boolean }>(
      `select s.method, u.two_factor_enabled as has_totp
       from sign_in.sessions s join sign_in.users u on u.id = s.user_id
       where s.id = $1::uuid`,
      [session.session_id],
    )
    if (found && STRONG_METHODS.has(found.method)) return
    const wanted = found?.has_totp ? 'totp' : (await needsSetup(session.user_id)) ? 'setup' : undefined
    if (wanted) throw new SecondFactorWanted(wanted, signSession(cookieSecret, session.token))
  }

  async function needsSetup(userId: string): Promise<boolean> {
    const required = config.SIGN_IN_TOTP_REQUIRED
    if (required.length === 0 || !parts.rolesOf) return false
    return (await parts.rolesOf(userId)).some((role) => required.includes(role))
  }

  return {
    get issuer() {
      return issuerOf()
    },
    keys,
    get publicUrl() {
      return publicUrl
    },
    listensAt(port) {
      if (config.PUBLIC_URL === undefined) publicUrl = publicUrlOf({ ...config, PORT: port })
    },
    cookie,
    passwords,
    limits,
    database,
    mails,
    linkOf,
    languageOf,
    passwordChanged,

    auth() {
      loading ??= import('./auth.ts').then(({ openAuth }) =>
        openAuth({
          config,
          database,
          passwords,
          secret: cookieSecret,
          publicUrl,
          linkOf,
          passwordChanged,
          queueMail: (mail) => mails.add({ ...mail, language: mails.language }),
        }),
      )
      return loading
    },

    readSession(headers, given) {
      const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
      const signed = given ?? bearer ?? cookie.read(headers.cookie)
      return signed === undefined ? undefined : readSigned(cookieSecret, signed)
    },

    signSession: (token) => signSession(cookieSecret, token),

    async refresh(token) {
      // Before the token is replaced: a refusal must not take away the one with which the second factor is given.
      const [held] = await database.query<{ session_id: string; user_id: string }>(
        'select s.id as session_id, s.user_id from sign_in.sessions s where s.token = $1 and s.expires_at > now()',
        [token],
      )
      if (held) await requireSecondFactor({ ...held, token })
      const [found] = await database.query<{
        outcome: string
        session_id: string
        user_id: string
        token: string
        email: string
      }>(
        'select * from muster.refresh_session($1, $2, make_interval(secs => $3::float8), make_interval(secs => $4::float8))',
        [token, newSessionToken(), REFRESH_GRACE_SECONDS, sessionSeconds],
      )
      if (found?.outcome === 'refreshed') {
        signInsSeen.add('refreshed')
        return grant(found)
      }
      if (found?.outcome === 'reused') {
        signInsSeen.add('reused')
        log.warn(
          { session: found.session_id },
          'sign-in: a session token that had been replaced was shown again; the session ends, because one of the two who have it is a thief',
        )
      }
      throw new Problem(found?.outcome === 'refused' ? 'account_suspended' : 'session_ended')
    },

    async grantFor(token) {
      const [session] = await database.query<{ session_id: string; user_id: string; email: string }>(
        `select s.id as session_id, s.user_id, u.email
         from sign_in.sessions s join sign_in.users u on u.id = s.user_id
         where s.token = $1 and s.expires_at > now()`,
        [token],
      )
      if (!session) throw new Problem('session_ended')
      signInsSeen.add('signed_in')
      return grant({ ...session, token })
    },

    async beginSession(userId, method, { address, userAgent }) {
      const token = newSessionToken()
      const [session] = await database.query<{ session_id: string; user_id: string; email: string }>(
        `with begun as (
           insert into sign_in.sessions (user_id, token, expires_at, ip_address, user_agent, method)
           select u.id, $2, now() + make_interval(secs => $3::float8), $4, $5, $6
           from sign_in.users u
           where u.id = $1::uuid and muster.may_sign_in(u.id)
           returning id, user_id
         )
         select b.id as session_id, b.user_id, u.email from begun b join sign_in.users u on u.id = b.user_id`,
        [userId, token, sessionSeconds, address, userAgent?.slice(0, 400) ?? null, method],
      )
      if (!session) throw new Problem('account_suspended')
      signInsSeen.add('signed_in')
      return grant({ ...session, token })
    },

    invite(code, language) {
      // Nobody waits: what a mail says is read when the request has been answered.
      void database
        .query<{ invitation: Record<string, string | null> | null }>(
          'select muster.invitation_of($1) as invitation',
          [code],
        )
        .then(([found]) => {
          const { email, role, tenant_name, organization_name, expires_at } = found?.invitation ?? {}
          if (!email) return
          const data = { url: linkOf('accept', code), role, tenant_name, organization_name, expires_at }
          mails.add({ to: email, kind: 'invitation', language, data: withoutNulls(data) })
        })
        .catch((error: unknown) => {
          log.error(
            { reason: error instanceof Error ? error.name : 'unknown' },
            'sign-in: the mail of an invitation could not be made; its code is good all the same',
          )
        })
    },
    close: () => mails.close(),
  }
}
