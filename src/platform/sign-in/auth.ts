import { drizzleAdapter } from '@better-auth/drizzle-adapter'
import { passkey } from '@better-auth/passkey'
import { betterAuth } from 'better-auth'
import { APIError } from 'better-auth/api'
import { bearer, emailOTP, genericOAuth, magicLink, twoFactor } from 'better-auth/plugins'
import type { Config } from '../../config.ts'
import { ADDRESS_HEADER } from './address-header.ts'
import { drizzleOver, type SignInDatabase } from './database.ts'
import type { Mail } from './mail.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, type Passwords } from './passwords.ts'
import { COOKIE_PATH } from './session-cookie.ts'
import {
  signInAccounts,
  signInPasskeys,
  signInSessions,
  signInTwoFactors,
  signInUsers,
  signInVerifications,
} from './table.ts'

/*
 * The configuration of better-auth, which is loaded with the first request under /auth. It does what goes wrong easily: the flows of
 * passwords, links, codes, authenticator apps and OpenID providers. Ours are the limits, the invitations, the tokens and their keys,
 * and how sessions go on (see decision 41).
 */

/** A link or code in a mail: long enough for a mail that is slow, too short to be found in an old mailbox. */
const LINK_SECONDS = 15 * 60
const CODE_SECONDS = 10 * 60
const CODE_LENGTH = 6
/** Wrong codes before another one has to be asked for: a guess is then right in 1 of 200,000. */
const CODE_ATTEMPTS = 5
const RESET_SECONDS = 60 * 60

/** When something that is mailed now is over: the mail says in how many minutes. */
const afterSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()

export interface AuthParts {
  config: Config
  database: SignInDatabase
  passwords: Passwords
  secret: string
  publicUrl: string
  /** Where people follow a link to, with what is in it behind the `#`, which no server sees and no log has. */
  linkOf(kind: 'magic-link' | 'reset-password', token: string): string
  passwordChanged(email: string): Omit<Mail, 'language'>
  queueMail(mail: Omit<Mail, 'language'>): void
}

/** By which way in a session begins, by the path of better-auth. */
const METHODS: Readonly<Record<string, string>> = {
  '/sign-in/email': 'password',
  '/magic-link/verify': 'link',
  '/sign-in/email-otp': 'code',
  '/passkey/verify-authentication': 'passkey',
  '/two-factor/verify-totp': 'totp',
  '/two-factor/verify-backup-code': 'totp',
  '/callback/:id': 'provider',
}

export function openAuth(parts: AuthParts) {
  const { config, database, passwords, queueMail } = parts
  const oidc = config.OIDC_CLIENT_ID !== undefined && {
    providerId: 'oidc',
    discoveryUrl: config.OIDC_DISCOVERY_URL!,
    clientId: config.OIDC_CLIENT_ID,
    clientSecret: config.OIDC_CLIENT_SECRET!,
    scopes: ['openid', 'email', 'profile'],
    pkce: true,
    disableSignUp: true,
  }
  return betterAuth({
    appName: 'Muster',
    baseURL: parts.publicUrl,
    basePath: COOKIE_PATH,
    secret: parts.secret,
    trustedOrigins: [parts.publicUrl, ...config.CORS_ORIGINS.filter((origin) => origin !== '*')],
    telemetry: { enabled: false },
    // Ours count by address, by network and in all (limits.ts).
    rateLimit: { enabled: false },
    // It writes addresses. What fails is thrown to our error handler; otherwise its router writes it, with them, to the console.
    logger: { disabled: true },
    onAPIError: { throw: true, errorURL: `${parts.publicUrl}/live` },
    database: drizzleAdapter(drizzleOver(database), {
      provider: 'pg',
      schema: {
        user: signInUsers,
        session: signInSessions,
        account: signInAccounts,
        verification: signInVerifications,
        twoFactor: signInTwoFactors,
        passkey: signInPasskeys,
      },
    }),
    advanced: {
      cookiePrefix: 'muster',
      useSecureCookies: parts.publicUrl.startsWith('https:'),
      defaultCookieAttributes: { path: COOKIE_PATH, httpOnly: true, sameSite: 'lax' },
      database: { generateId: 'uuid' },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
    },
    // It would clear away what is expired in some requests for an address that nobody has, and in none of the others. A job does.
    verification: { disableCleanup: true },
    session: {
      expiresIn: config.SIGN_IN_SESSION_DAYS * 24 * 60 * 60,
      // A refresh of ours makes it longer.
      disableSessionRefresh: true,
      additionalFields: { method: { type: 'string', input: false, defaultValue: 'password' } },
    },
    emailAndPassword: {
      enabled: true,
      // Nobody gets in without an invitation.
      disableSignUp: true,
      minPasswordLength: MIN_PASSWORD_LENGTH,
      maxPasswordLength: MAX_PASSWORD_LENGTH,
      password: { hash: (password) => passwords.hash(password), verify: (given) => passwords.verify(given) },
      resetPasswordTokenExpiresIn: RESET_SECONDS,
      revokeSessionsOnPasswordReset: true,
      async onPasswordReset({ user }) {
        queueMail(parts.passwordChanged(user.email))
      },
      async sendResetPassword({ user, token }) {
        queueMail({
          to: user.email,
          kind: 'reset_password',
          data: { url: parts.linkOf('reset-password', token), expires_at: afterSeconds(RESET_SECONDS) },
        })
      },
    },
    socialProviders: {
      ...(config.GOOGLE_CLIENT_ID !== undefined && {
        google: {
          clientId: config.GOOGLE_CLIENT_ID,
          clientSecret: config.GOOGLE_CLIENT_SECRET!,
          disableSignUp: true,
        },
      }),
      ...(config.MICROSOFT_CLIENT_ID !== undefined && {
        microsoft: {
          clientId: config.MICROSOFT_CLIENT_ID,
          clientSecret: config.MICROSOFT_CLIENT_SECRET!,
          tenantId: config.MICROSOFT_TENANT,
          disableSignUp: true,
        },
      }),
    },
    // By an address that the provider has verified, and that the account has verified too.
    account: { accountLinking: { enabled: true, trustedProviders: [] } },
    databaseHooks: {
      user: {
        create: {
          // Whatever way in: whoever has no account needs an invitation.
          before: async () => {
            throw APIError.fromStatus('FORBIDDEN', { code: 'NOT_INVITED' })
          },
        },
      },
      session: {
        create: {
          async before(session, context) {
            const [may] = await database.query<{ may: boolean }>(
              'select muster.may_sign_in($1::uuid) as may',
              [session.userId],
            )
            if (!may?.may) throw APIError.fromStatus('FORBIDDEN', { code: 'MAY_NOT_SIGN_IN' })
            // A change of the password, for one, goes on with the session that it came in.
            const before = context?.context.session?.session as { method?: string } | undefined
            return {
              data: { ...session, method: METHODS[context?.path ?? ''] ?? before?.method ?? 'password' },
            }
          },
        },
      },
    },
    plugins: [
      bearer({ requireSignature: true }),
      magicLink({
        expiresIn: LINK_SECONDS,
        disableSignUp: true,
        storeToken: 'hashed',
        sendMagicLink({ email, token }) {
          queueMail({
            to: email,
            kind: 'magic_link',
            data: { url: parts.linkOf('magic-link', token), expires_at: afterSeconds(LINK_SECONDS) },
          })
        },
      }),
      emailOTP({
        otpLength: CODE_LENGTH,
        expiresIn: CODE_SECONDS,
        allowedAttempts: CODE_ATTEMPTS,
        storeOTP: 'encrypted',
        async sendVerificationOTP({ email, otp }) {
          queueMail({ to: email, kind: 'code', data: { code: otp, expires_at: afterSeconds(CODE_SECONDS) } })
        },
      }),
      twoFactor({ issuer: 'Muster' }),
      passkey({
        rpName: 'Muster',
        rpID: new URL(parts.publicUrl).hostname,
        origin: parts.publicUrl,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      }),
      ...(oidc ? [genericOAuth({ config: [oidc] })] : []),
    ],
  })
}

export type Auth = ReturnType<typeof openAuth>
