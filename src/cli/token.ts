import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Config, readConfig } from '../config.ts'
import { developmentUserId, findDemoUser } from '../guarding/demo/users.ts'
import { isUserId } from '../platform/auth/caller.ts'
import { resolveTokenSettings } from '../platform/auth/development-secret.ts'
import { issueToken } from '../platform/auth/issue.ts'
import { claimDataFolder, DataFolderInUse } from '../platform/db/engine/data-folder.ts'
import type { Database, Row } from '../platform/db/engine/database.ts'
import { readDatabaseError } from '../platform/db/engine/database-error.ts'
import { openEmbedded } from '../platform/db/engine/embedded.ts'
import { openServer } from '../platform/db/engine/server.ts'
import { asService } from '../platform/db/identity.ts'
import { LOGINS, loginUrl } from '../platform/db/logins.ts'
import { embeddedDataDir } from '../platform/db/open.ts'
import { Refused, runCommand, UsageError } from './command.ts'

const USAGE = `Usage: npm run --silent token -- <email> [<user id> | --new]
  <email>          a registered user, looked up in the database
  <email> <id>     whoever has that id, without looking
  <email> --new    somebody who is not registered yet: for POST /v1/me with an invitation
  --anon           nobody: the key that supabase-js is made with`

/** Ten years, as the anonymous keys of Supabase: apps are built with it. It gives no more than no token at all. */
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
/** invalid_password, invalid_authorization_specification: also of a login that is not let in yet. */
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
    if (positionals.length > 0 || values.new) throw new UsageError('Either somebody or --anon.')
    return 'anon'
  }
  const [email, id, ...rest] = positionals
  if (email === undefined) throw new UsageError('Whose token?')
  if (!z.email().safeParse(email).success) throw new UsageError(`${email} is no e-mail address.`)
  if (id !== undefined && !isUserId(id)) throw new UsageError(`${id} is no user id: that is a UUID.`)
  if (rest.length > 0) throw new UsageError(`Not understood: ${rest.join(' ')}`)
  if (id !== undefined && values.new) throw new UsageError('Either a user id or --new.')
  return { email, id, isNew: values.new }
}

/** @throws Refused where tokens come from an issuer: this command is for development. */
async function requireDevelopmentSecret(config: Config): Promise<string> {
  if (config.NODE_ENV === 'production') {
    throw new Refused(
      'In production, tokens come from the issuer that users sign in with: none are made here.',
    )
  }
  const { keys } = await resolveTokenSettings(config)
  if (keys.kind === 'jwks') {
    throw new Refused(
      `Tokens come from the issuer with the keys at ${keys.url.href}: they can be verified here, and not made.`,
    )
  }
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
      `Nobody with the address ${email} is registered. With --new the token is for somebody who is about to be.`,
    )
  }
  if (another) {
    const ids = users.map(({ id, role, tenant }) => `  ${id}  ${role} of ${tenant}`)
    throw new Refused(`Several users have the address ${email}. Add the id of one:\n${ids.join('\n')}`)
  }
  return user
}

async function lookUpOnServer(config: Config, email: string): Promise<User[]> {
  const url =
    config.DATABASE_WORKER_URL ?? (config.DATABASE_URL && loginUrl(config.DATABASE_URL, LOGINS.worker))
  if (!url) throw new Refused('Set DATABASE_URL or DATABASE_WORKER_URL: only they may look users up.')
  return closing(openServer({ url, max: 1, applicationName: 'muster-token', prepare: false }), (database) =>
    lookUp(database, email),
  )
}

/**
 * The embedded database can be open only once, and while the service runs it is the service that has it. Ids of
 * development follow from the address, so that a token can be made without looking.
 */
async function lookUpEmbedded(config: Config, email: string): Promise<User[]> {
  const unseen = [{ id: developmentUserId(email), email }]
  const isDemoUser = findDemoUser(email) !== undefined
  if (!existsSync(embeddedDataDir(config))) {
    if (isDemoUser) return unseen
    throw new Refused(`There is no database in ${config.DATA_DIR} yet: the first \`npm start\` makes it.`)
  }
  let release: () => Promise<void>
  try {
    release = await claimDataFolder(config.DATA_DIR)
  } catch (error) {
    if (!(error instanceof DataFolderInUse)) throw error
    if (!isDemoUser) {
      console.error(
        `The service has the database open, so ${email} was not looked up. The token is for the id that ` +
          '`npm run tenant` and --new give to this address; for another, add the id (GET /v1/me shows it).',
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

/** As `service_role`: e-mail addresses are granted to no caller. */
async function lookUp(database: Database, email: string): Promise<User[]> {
  try {
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
      throw new Refused('The database is not prepared yet: start the service once, or run `npm run tenant`.')
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
