import { isIP } from 'node:net'
import { z } from 'zod'
import { parseServerUrl, ServerUrlError } from './platform/server-url.ts'

/** A boolean setting. Only these words are accepted, so that `FALSE` or a typing error is never read as true. */
const flag = z.enum(['true', 'false', '1', '0']).transform((word) => word === 'true' || word === '1')
/** The limit of Node's timers (24 days): a longer one would fire at once. PostgreSQL's settings have the same limit. */
const MAX_MILLISECONDS = 2 ** 31 - 1
const milliseconds = z.coerce.number().int().min(1).max(MAX_MILLISECONDS)
const count = z.coerce.number().int().min(1).max(1_000_000)
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** Names of networks that Fastify accepts in addition to addresses. */
const PROXY_NETWORKS = ['loopback', 'linklocal', 'uniquelocal']
const isAddressOrNetwork = (text: string): boolean => {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return (
    rest.length === 0 &&
    bits > 0 &&
    (prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= bits))
  )
}

/**
 * The proxies whose `X-Forwarded-For` is trusted: a number of proxies in front of the service, or their addresses. `true` is refused:
 * it would trust the leftmost address, which the client itself can set (proxies append theirs at the right).
 */
const trustedProxies = list
  .refine(([first]) => first !== 'true', {
    abort: true,
    error:
      'true would trust an address that the client itself can set: give the number of proxies in front of the service, such as 1, or their addresses',
  })
  .transform((given): false | number | string[] => {
    const [first = 'false'] = given
    if (given.length > 1) return given
    if (first === 'false') return false
    return /^\d{1,2}$/.test(first) ? Number(first) : given
  })
  .refine(
    (proxies) =>
      !Array.isArray(proxies) ||
      proxies.every((one) => PROXY_NETWORKS.includes(one) || isAddressOrNetwork(one)),
    `must be false, a number of proxies, or addresses, networks and ${PROXY_NETWORKS.join(', ')}, separated by commas`,
  )

/** The URL template of map tiles, as most servers define it: `https://tiles.example.com/{z}/{x}/{y}.png`. */
const tileUrl = z
  // The host goes into the page's Content-Security-Policy header: only a name or an address is accepted.
  .url({ protocol: /^https?$/, hostname: /^[a-z\d.:[\]-]+$/i })
  .refine(
    (url) => ['{z}', '{x}', '{y}'].every((part) => url.includes(part)),
    'must have {z}, {x} and {y} in it',
  )

/** RFC 9110 section 5.1. In lower case, as Node has them. */
const headerName = z
  .string()
  .regex(/^[a-z\d-]{1,64}$/i, 'must be the name of a header')
  .toLowerCase()

/** Below PAYOUT_URL. */
const payoutPath = z.string().regex(/^\/[\w./{}?=&-]*$/, 'must begin with / and be a path')
const hasKey = (path: string): boolean => path.includes('{key}')
/** Where people reach the service: an origin alone, because links, cookies and passkeys are made of it. */
const publicUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => new URL(url).pathname === '/' && !/[?#@]/.test(url), 'must have no path, query or user')
  .transform((url) => new URL(url).origin)
/** `smtp://` (587, STARTTLS) or `smtps://` (465), with user and password where the server asks for them. */
const smtpUrl = z.url({ protocol: /^smtps?$/, error: 'must be smtp://… or smtps://…' })
/** `Name <address>` or an address. In one line: it goes into a header. */
const sender = z
  .string()
  .max(320)
  .regex(
    /^(?:[^<>\r\n]+<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
    'must be an address, or a name and an address: Muster <no-reply@example.com>',
  )

/** As libpq writes it. What cannot be used is named, without its value, which can be a password. */
const databaseUrl = z.string().superRefine((url, context) => {
  try {
    parseServerUrl(url)
  } catch (error) {
    if (!(error instanceof ServerUrlError)) throw error
    context.addIssue(error.message)
  }
})

/** The modules that a service can do without. Not imported: what is below `app.ts` knows no module. A test compares the two. */
export const OPTIONAL_MODULES = ['guarding', 'freight'] as const

/** Every setting, with its default. `.env.example` gives the reason for each; a test compares the two. */
export const settings = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(3000),
  MODULES: list.pipe(z.array(z.enum(OPTIONAL_MODULES)).min(1)).optional(),
  DATA_DIR: z.string().default('.muster'),
  BACKUP_DIR: z.string().default('backups'),
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  CORS_ORIGINS: list.default([]),
  TRUST_PROXY: trustedProxies.default(false),

  EMBEDDED: flag.default(false),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_API_URL: databaseUrl.optional(),
  DATABASE_WORKER_URL: databaseUrl.optional(),
  DATABASE_JOBS_URL: databaseUrl.optional(),
  DATABASE_REPLICATION_URL: databaseUrl.optional(),
  DATABASE_SIGN_IN_URL: databaseUrl.optional(),
  DATABASE_POOLER_URL: databaseUrl.optional(),
  DATABASE_REPLICA_URL: databaseUrl.optional(),
  DATABASE_REPLICA_MAX_LAG_MS: milliseconds.default(20),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(1000).default(10),
  DATABASE_CALLER_CONNECTIONS: z.coerce.number().int().min(1).max(1000).default(4),
  DATABASE_PREPARE: flag.optional(),
  DATABASE_ACQUIRE_TIMEOUT_MS: milliseconds.default(5_000),
  DATABASE_MAX_WAITING: z.coerce.number().int().min(1).default(1_000),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds.default(10_000),
  DATABASE_LOCK_TIMEOUT_MS: milliseconds.default(5_000),
  DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: milliseconds.default(15_000),
  MIGRATE_ON_START: flag.default(true),

  JWT_SECRET: z.string().min(32, 'must be at least 32 characters: HS256 needs a key of 256 bits').optional(),
  JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().default('authenticated'),
  JWT_CLOCK_TOLERANCE_SECONDS: z.coerce.number().int().min(0).max(300).default(5),
  ANON_KEY: z.string().optional(),

  SIGN_IN: flag.optional(),
  SIGN_IN_SECRET: z.string().min(32, 'must be at least 32 characters: keys are encrypted with it').optional(),
  PUBLIC_URL: publicUrl.optional(),
  SIGN_IN_TOKEN_SECONDS: z.coerce.number().int().min(1).max(86_400).default(900),
  SIGN_IN_SESSION_DAYS: z.coerce.number().int().min(1).max(400).default(30),
  SIGN_IN_TOTP_REQUIRED: list.default([]),
  SIGN_IN_HASHES_AT_ONCE: z.coerce.number().int().min(1).max(64).default(2),
  SIGN_IN_HASH_COST: z.coerce
    .number()
    .int()
    .min(2)
    .refine((cost) => Number.isInteger(Math.log2(cost)), 'must be a power of two')
    .default(16_384),
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CLIENT_SECRET: z.string().optional(),
  MICROSOFT_CLIENT_ID: z.string().optional(),
  MICROSOFT_CLIENT_SECRET: z.string().optional(),
  MICROSOFT_TENANT: z.string().default('organizations'),
  OIDC_DISCOVERY_URL: z.url({ protocol: /^https?$/ }).optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  SMTP_URL: smtpUrl.optional(),
  MAIL_FROM: sender.optional(),

  REALTIME: flag.default(true),
  REALTIME_CHECK_CONNECTIONS: z.coerce.number().int().min(1).max(64).default(4),
  REALTIME_WALRUS_COMPATIBLE: flag.default(false),
  REALTIME_MAX_SOCKETS: count.default(10_000),
  REALTIME_MAX_SOCKETS_PER_KEY: count.default(8_000),
  REALTIME_MAX_SOCKETS_PER_ADDRESS: count.default(600),
  REALTIME_MAX_SOCKETS_PER_USER: count.default(50),
  REALTIME_SOCKETS_PER_SECOND: count.default(200),
  REALTIME_SOCKETS_PER_SECOND_PER_ADDRESS: count.default(50),
  REALTIME_JOINS_PER_SECOND_PER_ADDRESS: count.default(100),

  LIVE_TILE_URL: tileUrl.optional(),
  LIVE_TILE_ATTRIBUTION: z.string().max(200).default(''),

  PAYOUT_PROVIDER: z.enum(['none', 'fake', 'http']).optional(),
  PAYOUT_URL: z.url({ protocol: /^https?$/ }).optional(),
  PAYOUT_SEND_PATH: payoutPath.default('/payouts'),
  PAYOUT_FIND_PATH: payoutPath.refine(hasKey, 'must have {key} in it').default('/payouts/{key}'),
  PAYOUT_SECRET: z.string().min(16, 'must be at least 16 characters').optional(),
  PAYOUT_SECRET_HEADER: headerName.default('authorization'),
  PAYOUT_KEY_HEADER: headerName.default('idempotency-key'),
  PAYOUT_TIMEOUT_MS: z.coerce.number().int().min(1).max(60_000).default(10_000),
  PAYOUT_MAX_ATTEMPTS: z.coerce.number().int().min(1).max(1_000).default(30),
  PAYOUT_WEBHOOK_SECRET: z.string().min(32, 'must be at least 32 characters').optional(),
  PAYOUT_WEBHOOK_SIGNATURE_HEADER: headerName.default('x-payout-signature'),
  PAYOUT_WEBHOOK_TIMESTAMP_HEADER: headerName.default('x-payout-timestamp'),
  PAYOUT_WEBHOOK_TOLERANCE_SECONDS: z.coerce.number().int().min(1).max(3_600).default(300),

  BODY_LIMIT_BYTES: z.coerce.number().int().min(1024).default(1_048_576),
  BODIES_LIMIT_BYTES: z.coerce.number().int().min(1_048_576).default(67_108_864),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(1_200),
  CHECKINS_PER_MINUTE: z.coerce.number().int().min(1_000).default(20_000),
  STOP_EVENTS_PER_MINUTE: z.coerce.number().int().min(1_000).default(20_000),
  SHUTDOWN_DRAIN_MS: z.coerce.number().int().min(0).max(MAX_MILLISECONDS).optional(),
  SHUTDOWN_TIMEOUT_MS: milliseconds.default(10_000),
})

/** OWASP's least for scrypt with r = 16: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt */
const MIN_HASH_COST = 16_384

export type Config = z.infer<typeof settings>

export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the environment once. An empty variable counts as unset (`.env` files and compose write `X=`).
 *
 * @throws ConfigError naming every setting that is wrong, without its value: it may be a secret.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = settings.safeParse(given)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigError(`Settings that cannot be used:\n${problems.join('\n')}`)
  }
  if (parsed.data.BODIES_LIMIT_BYTES < parsed.data.BODY_LIMIT_BYTES) {
    throw new ConfigError(
      'BODIES_LIMIT_BYTES must be at least BODY_LIMIT_BYTES: no body of that size could be sent.',
    )
  }
  if (parsed.data.PAYOUT_PROVIDER === 'http' && !(parsed.data.PAYOUT_URL && parsed.data.PAYOUT_SECRET)) {
    throw new ConfigError('Set PAYOUT_URL and PAYOUT_SECRET as well: PAYOUT_PROVIDER=http needs them.')
  }
  if (parsed.data.PAYOUT_PROVIDER === 'fake' && parsed.data.NODE_ENV === 'production') {
    throw new ConfigError('PAYOUT_PROVIDER=fake pays nobody: in production, set it to http or none.')
  }
  if (parsed.data.SMTP_URL && !parsed.data.MAIL_FROM) {
    throw new ConfigError('Set MAIL_FROM as well: mail servers refuse mails without a sender that they know.')
  }
  if (parsed.data.EMBEDDED && (parsed.data.DATABASE_URL ?? parsed.data.DATABASE_API_URL)) {
    throw new ConfigError(
      'Set either DATABASE_URL or EMBEDDED=true, not both: the service uses one database.',
    )
  }
  if (parsed.data.DATABASE_API_URL && !parsed.data.DATABASE_URL && !parsed.data.DATABASE_WORKER_URL) {
    throw new ConfigError('Set DATABASE_WORKER_URL as well: without DATABASE_URL, DATABASE_API_URL needs it.')
  }
  requireSignInSettings(parsed.data)
  return parsed.data
}

/** Whether the service lets people in itself: by default where nobody else makes tokens for it. */
export const hasSignIn = (config: Pick<Config, 'SIGN_IN' | 'JWT_SECRET' | 'JWKS_URL'>): boolean =>
  config.SIGN_IN ?? (config.JWT_SECRET === undefined && config.JWKS_URL === undefined)

/** A provider has both or neither; a cheap hash is for tests alone. */
function requireSignInSettings(config: Config): void {
  for (const provider of ['GOOGLE', 'MICROSOFT', 'OIDC'] as const) {
    const given = [config[`${provider}_CLIENT_ID`], config[`${provider}_CLIENT_SECRET`]]
    if ((given[0] === undefined) !== (given[1] === undefined))
      throw new ConfigError(`Set both ${provider}_CLIENT_ID and ${provider}_CLIENT_SECRET, or neither.`)
  }
  if (config.OIDC_CLIENT_ID !== undefined && config.OIDC_DISCOVERY_URL === undefined)
    throw new ConfigError('Set OIDC_DISCOVERY_URL as well: it says where the provider of OIDC_CLIENT_ID is.')
  if (config.SIGN_IN_HASH_COST < MIN_HASH_COST && config.NODE_ENV !== 'test')
    throw new ConfigError(`SIGN_IN_HASH_COST must be at least ${MIN_HASH_COST}, but for tests.`)
}

/**
 * Refuses to use the embedded database in production by mistake, for instance when `DATABASE_URL` was not passed on.
 *
 * @throws ConfigError
 */
export function requireChosenDatabase(config: Config): void {
  const isChosen = config.DATABASE_URL ?? config.DATABASE_API_URL ?? config.EMBEDDED
  if (config.NODE_ENV === 'production' && !isChosen) {
    throw new ConfigError(
      'In production, set DATABASE_URL to a PostgreSQL server, or set EMBEDDED=true to use the embedded database in DATA_DIR.',
    )
  }
}
