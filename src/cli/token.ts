import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Config, readConfig } from '../config.ts'
import { isUserId } from '../platform/auth/caller.ts'
import { resolveTokenSettings } from '../platform/auth/development-secret.ts'
import { issueToken } from '../platform/auth/issue.ts'
import { claimDataFolder, DataFolderInUse } from '../platform/db/engine/data-folder.ts'
import type { Database, Row } from '../platform/db/engine/database.ts'
import { readDatabaseError } from '../platform/db/engine/database-error.ts'
import { openEmbedded } from '../platform/db/engine/embedded.ts'
import { openServer } from '../platform/db/engine/server.ts'
import { asService, letOwnerServe } from '../platform/db/identity.ts'
import { embeddedDataDir } from '../platform/db/open.ts'
import { Refused, runCommand, UsageError } from './command.ts'
import { developmentUserId, findDemoUser } from './demo-users.ts'

const USAGE = `Usage: npm run --silent token -- <email> [<user id> | --new]
  <email>          a token for a registered user, looked up in the database
  <email> <id>     a token for the user with that id, without a lookup
  <email> --new    a token for a user who is not registered yet: for POST /v1/me with an invitation
  --anon           the anonymous key, for createClient of supabase-js`

/** Ten years, like Supabase's anonymous keys, because apps are built with it. It gives the same rights as no token. */
const ANON_LIFETIME_SECONDS = 10 * 365 * 24 * 60 * 60

interface User {
  id: string
  /** As the token will say it. */
  email: string
  /** What the database says further, where it was asked. */
  role?: string
  tenant?: string
}

/** undefined_table, and invalid_parameter_value for a role that is not there. */
const NOT_MIGRATED = new Set(['42P01', '22023'])
/** invalid_password, invalid_authorization_specification: also when the service has not set up the login yet. */
const NOT_LET_IN = new Set(['28P01', '28000'])

process.exitCode = await runCommand(USAGE, async () => {
  const wanted = readArguments(process.argv.slice(2))
  const config = readConfig(process.env)
  const secret = await requireDevelopmentSecret(config)
  const settings = { issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE }
  if (wanted === 'anon') {
    const expiresInSeconds = ANON_LIFETIME_SECONDS
    console.log(await issueToken(secret, { role: 'anon', expiresInSeconds, ...settings }))
    return
  }
  const user = await identify(config, wanted)
  console.log(await issueToken(secret, { sub: user.id, email: user.email, ...settings }))
})

interface Wanted {
  email: string
  id: string | undefined
  isNew: boolean
}

function readArguments(words: string[]): Wanted | 'anon' {
  const { positionals, values } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { new: { type: 'boolean', default: false }, anon: { type: 'boolean', default: false } },
  })
  if (values.anon) {
    if (positionals.length > 0 || values.new)
      throw new UsageError('Give either an e-mail address or --anon, not both.')
    return 'anon'
  }
  const [email, id, ...rest] = positionals
  if (email === undefined) throw new UsageError('Whose token? Give an e-mail address, or --anon.')
  if (!z.email().safeParse(email).success) throw new UsageError(`${email} is no e-mail address.`)
  if (id !== undefined && !isUserId(id)) throw new UsageError(`${id} is no user id: give a UUID.`)
  if (rest.length > 0) throw new UsageError(`Not understood: ${rest.join(' ')}`)
  if (id !== undefined && values.new) throw new UsageError('Give either a user id or --new, not both.')
  return { email, id, isNew: values.new }
}

/** @throws Refused where an issuer makes the tokens: this command is for development. */
async function requireDevelopmentSecret(config: Config): Promise<string> {
  if (config.NODE_ENV === 'production') {
    throw new Refused('In production, the issuer makes the tokens. This command works in development only.')
  }
  const { keys } = await resolveTokenSettings(config)
  if (keys.kind === 'jwks') {
    throw new Refused(
      `JWKS_URL is set: the issuer with the keys at ${keys.url.href} makes the tokens, and this service can only verify them.`,
    )
  }
  if (keys.kind === 'none') throw new Refused('No secret is set that tokens are signed with.')
  return keys.secret
}

async function identify(config: Config, { email, id, isNew }: Wanted): Promise<User> {
  if (id !== undefined) return { id, email }
  if (isNew) return { id: developmentUserId(email), email }
  const users = await (config.DATABASE_URL || config.DATABASE_API_URL
    ? lookUpOnServer(config, email)
    : lookUpEmbedded(config, email))
  const [user, another] = users
  if (!user) {
    throw new Refused(
      `No user with the address ${email} is registered. For a user who is going to register, add --new.`,
    )
  }
  if (another) {
    const ids = users.map(({ id, role, tenant }) => `  ${id}  ${role} of ${tenant}`)
    throw new Refused(`Several users have the address ${email}. Add the id of one:\n${ids.join('\n')}`)
  }
  return user
}

async function lookUpOnServer(config: Config, email: string): Promise<User[]> {
  const url = config.DATABASE_WORKER_URL ?? config.DATABASE_URL
  if (!url) throw new Refused('Set DATABASE_URL or DATABASE_WORKER_URL: only these logins may look users up.')
  return closing(openServer({ url, max: 1, applicationName: 'muster-token', prepare: false }), (database) =>
    lookUp(database, email),
  )
}

/**
 * Only one process can open the embedded database, and a running service has it open. Development ids are derived from the
 * address, so a token can be made without a lookup.
 */
async function lookUpEmbedded(config: Config, email: string): Promise<User[]> {
  const unseen = [{ id: developmentUserId(email), email }]
  const isDemoUser = findDemoUser(email) !== undefined
  if (!existsSync(embeddedDataDir(config))) {
    if (isDemoUser) return unseen
    throw new Refused(`There is no database in ${config.DATA_DIR} yet: run \`npm start\` once to create it.`)
  }
  let release: () => Promise<void>
  try {
    release = await claimDataFolder(config.DATA_DIR)
  } catch (error) {
    if (!(error instanceof DataFolderInUse)) throw error
    if (!isDemoUser) {
      console.error(
        `The service has the database open, so ${email} was not looked up. The token is for the id that ` +
          '`npm run tenant` and --new derive from this address. If the user has another id, add it (GET /v1/me shows it).',
      )
    }
    return unseen
  }
  try {
    return await closing(await openEmbedded({ dataDir: embeddedDataDir(config) }), (database) =>
      lookUp(database, email),
    )
  } finally {
    await release()
  }
}

/** Runs as `service_role`, because no caller may read e-mail addresses. */
async function lookUp(database: Database, email: string): Promise<User[]> {
  try {
    await letOwnerServe(database)
    return await asService(
      database,
      (tx) =>
        tx.query<User & Row>(
          `select u.id, u.email, u.role, t.name as tenant
           from public.users u
           join public.tenants t on t.id = u.tenant_id
           where lower(u.email) = lower($1) and u.deleted_at is null
           order by u.created_at`,
          [email],
        ),
      { readOnly: true },
    )
  } catch (error) {
    const sqlstate = readDatabaseError(error)?.sqlstate ?? ''
    if (NOT_MIGRATED.has(sqlstate) || NOT_LET_IN.has(sqlstate)) {
      throw new Refused('The database is not migrated yet: start the service once, or run `npm run tenant`.')
    }
    throw error
  }
}

async function closing<T>(database: Database, work: (database: Database) => Promise<T>): Promise<T> {
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
