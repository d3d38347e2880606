import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgSchema,
  sql,
  text,
  timestamp,
  uuid,
} from '../db/drizzle.ts'

/**
 * Sign-in's own: who can sign in and by what. `auth` is Supabase's name for the same. The members are named as better-auth calls them,
 * which asks for them through Drizzle; dates are `Date` here, because it compares them.
 */
export const signIn = pgSchema('sign_in')

const when = (name: string) => timestamp(name, { withTimezone: true })
const id = () => uuid('id').primaryKey().defaultRandom()
const stamps = {
  createdAt: when('created_at').notNull().defaultNow(),
  updatedAt: when('updated_at').notNull().defaultNow(),
}
const userId = () => uuid('user_id').notNull()

/** `id` is the subject of the tokens, and so `public.users.id`. No foreign key: the two are made in one transaction, by invitation. */
export const signInUsers = signIn.table(
  'users',
  {
    id: id(),
    name: text('name').notNull(),
    /** In lower case. */
    email: text('email').notNull().unique('users_email_key'),
    emailVerified: boolean('email_verified').notNull().default(false),
    image: text('image'),
    twoFactorEnabled: boolean('two_factor_enabled').notNull().default(false),
    ...stamps,
  },
  (t) => [
    check('users_email_lower', sql`${t.email} = lower(${t.email})`),
    check('users_email_length', sql`char_length(${t.email}) between 3 and 320`),
    check('users_name_length', sql`char_length(${t.name}) between 1 and 200`),
  ],
)

/** The family of a session's tokens: `token` is the one that is good now. */
export const signInSessions = signIn.table(
  'sessions',
  {
    id: id(),
    userId: userId(),
    /** Random; without the signature under SIGN_IN_SECRET that clients have, nobody can use it. */
    token: text('token').notNull().unique('sessions_token_key'),
    expiresAt: when('expires_at').notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    /** By which way in the session began. */
    method: text('method').notNull().default('password'),
    ...stamps,
  },
  (t) => [
    foreignKey({ name: 'sessions_user_fk', columns: [t.userId], foreignColumns: [signInUsers.id] }).onDelete(
      'restrict',
    ),
    index('sessions_user_idx').on(t.userId),
    index('sessions_expires_idx').on(t.expiresAt),
  ],
)

/** Tokens that a refresh replaced. Whoever shows one later has stolen it, or was stolen from: the family ends. */
export const signInSpentTokens = signIn.table(
  'spent_tokens',
  {
    /** SHA-256, in hexadecimal. */
    tokenHash: text('token_hash').primaryKey(),
    sessionId: uuid('session_id').notNull(),
    spentAt: when('spent_at').notNull().defaultNow(),
  },
  // No foreign key: better-auth ends a session by deleting its row, and knows nothing of these. Background work takes them away.
  (t) => [index('spent_tokens_session_idx').on(t.sessionId)],
)

/** A way in of a user: `credential` with a password, or an OpenID provider. */
export const signInAccounts = signIn.table(
  'accounts',
  {
    id: id(),
    userId: userId(),
    accountId: text('account_id').notNull(),
    providerId: text('provider_id').notNull(),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: when('access_token_expires_at'),
    refreshTokenExpiresAt: when('refresh_token_expires_at'),
    scope: text('scope'),
    /** `scrypt:<N>:<salt>:<hash>`, both in hexadecimal. */
    password: text('password'),
    ...stamps,
  },
  (t) => [
    foreignKey({ name: 'accounts_user_fk', columns: [t.userId], foreignColumns: [signInUsers.id] }).onDelete(
      'restrict',
    ),
    index('accounts_user_idx').on(t.userId),
    index('accounts_provider_idx').on(t.providerId, t.accountId),
  ],
)

/** What was sent to somebody, or set before a browser, and is waited for: links, codes, challenges. */
export const signInVerifications = signIn.table(
  'verifications',
  {
    id: id(),
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: when('expires_at').notNull(),
    ...stamps,
  },
  (t) => [
    index('verifications_identifier_idx').on(t.identifier),
    index('verifications_expires_idx').on(t.expiresAt),
  ],
)

/** An authenticator app (TOTP, RFC 6238). Secret and backup codes are encrypted under SIGN_IN_SECRET. */
export const signInTwoFactors = signIn.table(
  'two_factors',
  {
    id: id(),
    userId: userId(),
    secret: text('secret').notNull(),
    backupCodes: text('backup_codes').notNull(),
    verified: boolean('verified').notNull().default(true),
    failedVerificationCount: integer('failed_verification_count').notNull().default(0),
    lockedUntil: when('locked_until'),
  },
  (t) => [
    foreignKey({
      name: 'two_factors_user_fk',
      columns: [t.userId],
      foreignColumns: [signInUsers.id],
    }).onDelete('restrict'),
    index('two_factors_user_idx').on(t.userId),
  ],
)

/** WebAuthn credentials. */
export const signInPasskeys = signIn.table(
  'passkeys',
  {
    id: id(),
    userId: userId(),
    name: text('name'),
    publicKey: text('public_key').notNull(),
    credentialID: text('credential_id').notNull().unique('passkeys_credential_key'),
    counter: integer('counter').notNull(),
    deviceType: text('device_type').notNull(),
    backedUp: boolean('backed_up').notNull(),
    transports: text('transports'),
    aaguid: text('aaguid'),
    createdAt: when('created_at').notNull().defaultNow(),
  },
  (t) => [
    foreignKey({ name: 'passkeys_user_fk', columns: [t.userId], foreignColumns: [signInUsers.id] }).onDelete(
      'restrict',
    ),
    index('passkeys_user_idx').on(t.userId),
  ],
)

/** What tokens are signed with. A key signs from `signs_from` until that of the next one; there is always one that waits. */
export const signInKeys = signIn.table('keys', {
  id: uuid('id').primaryKey(),
  /** JSON Web Key (RFC 7517), as it is published. */
  publicKey: text('public_key').notNull(),
  /** Encrypted under SIGN_IN_SECRET. */
  privateKey: text('private_key').notNull(),
  signsFrom: when('signs_from').notNull().unique('keys_signs_from_key'),
  createdAt: when('created_at').notNull().defaultNow(),
})
