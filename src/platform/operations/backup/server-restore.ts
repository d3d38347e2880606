import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../../db/engine/database.ts'
import { readDatabaseError } from '../../db/engine/database-error.ts'
import { openServer } from '../../db/engine/server.ts'
import { type ComparableCatalog, findDrift, readComparableCatalog } from '../../db/migrations/drift.ts'
import { readHistoryCatalog } from '../../db/migrations/history-catalog.ts'
import { MIGRATION_CONNECTION } from '../../db/migrations/migrate.ts'
import { parseServerUrl, urlOf } from '../../server-url.ts'
import { beginHistory } from '../history.ts'
import { BackupError, type FoundBackup, type Report, type Surroundings, timeStamp } from './manifest.ts'
import { findProgram, type Program, runProgram } from './programs.ts'
import { type Restored, verifyContent } from './verify.ts'

/** Connections that load tables and build indexes at once: more than a few only wait for the disk. */
const JOBS = Math.min(4, availableParallelism())

/** insufficient_privilege */
const NOT_ALLOWED = '42501'
/** Where commands for the whole server are given. */
const MAINTENANCE_DATABASE = 'postgres'

export interface ServerRestore {
  /** The owner's URL: names the server, and the database that `swap` replaces. */
  url: string
  /** The database to restore into: created, or there and empty. By default a new one, beside the one of the URL where that exists. */
  into?: string | undefined
  /** Gives the restored database the name of the one of the URL, and that one another. */
  swap?: boolean | undefined
  report: Report
  /** Gets a line for people. */
  say: (line: string) => void
  /** The catalog that the migrations make, read from an embedded database by default. */
  readExpected?: (() => Promise<ComparableCatalog>) | undefined
}

/**
 * Restores a backup into a database of its own, and verifies it: its rows are counted, its migrations are those of this version or of an
 * earlier one, and its catalog is what they make.
 *
 * @throws BackupError when something stands in the way; a database that it created is then removed again
 */
export async function restoreServer(
  { path, manifest }: FoundBackup,
  { url, into, swap = false, report, say, readExpected = readHistoryCatalog }: ServerRestore,
): Promise<Restored> {
  const surroundings = manifest.surroundings
  if (!surroundings) throw new BackupError(`${path} has a manifest without what a server needs.`)
  const wanted = parseServerUrl(url).database
  const maintenance = openServer({ ...MIGRATION_CONNECTION, url: urlOf(url, MAINTENANCE_DATABASE) })
  try {
    const { version, databases } = await readServer(maintenance)
    if (Math.floor(version / 10_000) < Math.floor(manifest.postgres / 10_000)) {
      throw new BackupError(
        `The backup was made on PostgreSQL ${major(manifest.postgres)}, and this server is ${major(version)}: restore it on version ${major(manifest.postgres)} or later.`,
      )
    }
    const isThere = databases.has(wanted)
    if (swap && isThere) await refuseUsers(maintenance, wanted)
    const name = into ?? (isThere ? `${wanted}_restored_${timeStamp().toLowerCase()}` : wanted)
    if (swap && name === wanted)
      throw new BackupError(`${wanted} is the database itself: it needs no --swap.`)
    const program = await findProgram('pg_restore', surroundings.pgDump)
    await makeRoles(maintenance, surroundings, say)
    const isCreated = !databases.has(name)
    if (isCreated) await createDatabase(maintenance, name, surroundings)
    else await refuseFilled(urlOf(url, name), name)
    say(`Restoring ${path} into the database ${name} …`)
    try {
      const made = await fill(program, { path, manifest }, urlOf(url, name), report, readExpected)
      await copySettings(maintenance, name, surroundings.settings, say)
      if (!swap || !isThere) return { database: name, ...made }
      const before = `${wanted}_before_${timeStamp().toLowerCase()}`
      await refuseUsers(maintenance, wanted)
      await maintenance.transaction(async (tx) => {
        await tx.query(`alter database ${quote(wanted)} rename to ${quote(before)}`)
        await tx.query(`alter database ${quote(name)} rename to ${quote(wanted)}`)
      })
      return { database: wanted, before, ...made }
    } catch (error) {
      if (isCreated) await maintenance.query(`drop database if exists ${quote(name)}`).catch(() => {})
      throw error
    }
  } finally {
    await maintenance.close()
  }
}

/** Loads the dump, gives functions and reports to their owners, begins a new history, and verifies all of it. */
async function fill(
  program: Program,
  { path, manifest }: FoundBackup,
  url: string,
  report: Report,
  readExpected: () => Promise<ComparableCatalog>,
): Promise<Pick<Restored, 'adopted' | 'pending'>> {
  // It takes 5 s of this process's time, while pg_restore has the work of others.
  const expected = readExpected()
  expected.catch(() => {})
  const database = openServer({ ...MIGRATION_CONNECTION, url })
  try {
    await makeExtensions(database, manifest.surroundings!)
    await load(program, path, database, url, report)
    const { functions, reports } = manifest.surroundings!
    for (const { name, owner } of functions)
      await database.query(`alter function ${name} owner to ${quote(owner)}`)
    for (const { name, owner } of reports)
      await database.query(`alter materialized view ${name} owner to ${quote(owner)}`)
    const adopted = await beginHistory(database)
    await database.script('analyze')
    const pending = await verifyContent(database, manifest)
    if (pending.length === 0) {
      const drifts = findDrift(await expected, await readComparableCatalog(database))
      if (drifts.length > 0) {
        throw new BackupError(
          `The restored database differs from what its migrations make: ${drifts.map(({ how, object }) => `${object} (${how})`).join(', ')}.`,
        )
      }
    }
    return { adopted, pending }
  } finally {
    await database.close()
  }
}

async function readServer(maintenance: Database): Promise<{ version: number; databases: Set<string> }> {
  const rows = await maintenance.query<{ name: string; version: string }>(
    "select datname as name, current_setting('server_version_num') as version from pg_database",
  )
  return { version: Number(rows[0]?.version), databases: new Set(rows.map(({ name }) => name)) }
}

/** A renamed database keeps its sessions, and they would go on writing into it. */
async function refuseUsers(maintenance: Database, name: string): Promise<void> {
  const users = await maintenance.query<{ what: string }>(
    `select format('%s (%s)', coalesce(nullif(application_name, ''), 'without a name'), count(*)) as what
     from pg_stat_activity where datname = $1 and backend_type in ('client backend', 'walsender') group by application_name order by 1`,
    [name],
  )
  if (users.length === 0) return
  throw new BackupError(
    `The database ${name} is in use by ${users.map(({ what }) => what).join(', ')}: stop the service and whoever else is connected, then run this again.`,
  )
}

/** Creates the roles that are missing, without a login: the service lets its own in when it starts. */
async function makeRoles(
  maintenance: Database,
  { roles, functions }: Surroundings,
  say: (line: string) => void,
): Promise<void> {
  const [me] = await maintenance.query<{ name: string; is_super: boolean }>(
    'select rolname as name, rolsuper as is_super from pg_roles where rolname = current_user',
  )
  const present = new Set(
    (await maintenance.query<{ name: string }>('select rolname as name from pg_roles')).map(
      ({ name }) => name,
    ),
  )
  for (const { name, inherit, replication, bypassrls, comment } of roles) {
    if (present.has(name)) continue
    const plain = `create role ${quote(name)} nologin ${inherit ? 'inherit' : 'noinherit'}`
    const special = [replication && 'replication', bypassrls && 'bypassrls'].filter(Boolean).join(' ')
    try {
      await maintenance.query(`${plain} ${special}`)
    } catch (error) {
      if (special === '' || sqlstateOf(error) !== NOT_ALLOWED) throw explainRoles(error, name)
      await maintenance.query(plain)
      say(`The role ${name} was created without ${special}, which this login may not give.`)
    }
    if (comment !== null) await maintenance.query(`comment on role ${quote(name)} is ${literal(comment)}`)
  }
  for (const { name, memberOf } of roles) {
    for (const group of memberOf) await grantRole(maintenance, group, name)
  }
  if (me!.is_super) return
  // Who hands a function to a role must be a member of it.
  for (const owner of new Set(functions.map((one) => one.owner)))
    await grantRole(maintenance, owner, me!.name)
}

async function grantRole(maintenance: Database, group: string, member: string): Promise<void> {
  const [found] = await maintenance.query<{ is_member: boolean }>(
    "select pg_has_role($1, $2, 'member') as is_member",
    [member, group],
  )
  if (found?.is_member) return
  try {
    await maintenance.query(`grant ${quote(group)} to ${quote(member)}`)
  } catch (error) {
    throw explainRoles(error, group)
  }
}

function explainRoles(error: unknown, name: string): unknown {
  if (sqlstateOf(error) !== NOT_ALLOWED) return error
  return new BackupError(
    `The login of DATABASE_URL may not create or grant the role ${name}: it needs CREATEROLE, or a superuser restores.`,
    { cause: error },
  )
}

async function createDatabase(
  maintenance: Database,
  name: string,
  { collate, ctype }: Surroundings,
): Promise<void> {
  try {
    await maintenance.query(
      `create database ${quote(name)} template template0 encoding 'UTF8' lc_collate ${literal(collate)} lc_ctype ${literal(ctype)}`,
    )
  } catch (error) {
    const sqlstate = sqlstateOf(error)
    if (sqlstate === undefined) throw error
    const why =
      sqlstate === NOT_ALLOWED
        ? 'the login of DATABASE_URL may not create databases'
        : `with the locale ${collate} of the backup (${sqlstate})`
    throw new BackupError(
      `The database ${name} cannot be created: ${why}. As a superuser run: create database ${quote(name)} owner <login>; and create its extensions there as for a new installation, then restore with --into ${name}.`,
      { cause: error },
    )
  }
}

async function refuseFilled(url: string, name: string): Promise<void> {
  const database = openServer({ ...MIGRATION_CONNECTION, url })
  try {
    const found = await database.query(
      `select from pg_class c
       where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
         and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
       limit 1`,
    )
    if (found.length === 0) return
  } finally {
    await database.close()
  }
  throw new BackupError(
    `The database ${name} exists and has tables. Nothing is overwritten: restore into a new database (without --into), then let --swap put it in the place of the other.`,
  )
}

async function makeExtensions(database: Database, { extensions }: Surroundings): Promise<void> {
  for (const { name, schema, comment } of extensions) {
    const [found] = await database.query<{ is_there: boolean }>(
      'select exists (select from pg_extension where extname = $1) as is_there',
      [name],
    )
    if (found?.is_there) continue
    try {
      await database.query(`create schema if not exists ${quote(schema)}`)
      await database.query(`create extension ${quote(name)} schema ${quote(schema)}`)
    } catch (error) {
      throw new BackupError(
        `The extension ${name} cannot be created (${sqlstateOf(error) ?? 'no answer'}). Create a database where a superuser made postgis and btree_gist in the schema ${schema}, as for a new installation, and restore with --into.`,
        { cause: error },
      )
    }
    if (comment !== null) await database.query(`comment on extension ${quote(name)} is ${literal(comment)}`)
  }
}

/** Entries of the dump that are made otherwise, or that only the owner of the extensions may make. */
const MADE_OTHERWISE =
  /^\d+; \d+ \d+ (?:EXTENSION|COMMENT - EXTENSION|SCHEMA - public|COMMENT - SCHEMA public) /
const OF_THE_EXTENSIONS =
  /^\d+; \d+ \d+ (?:ACL - SCHEMA extensions|ACL extensions|COMMENT - SCHEMA extensions) /

/** Comes last: row level security is forced, and binds the owner. */
const OF_ROW_SECURITY = /^\d+; \d+ \d+ (?:ROW SECURITY|POLICY|COMMENT \S+ POLICY) /

async function load(
  program: Program,
  path: string,
  database: Database,
  url: string,
  report: Report,
): Promise<void> {
  const [owned] = await database.query<{ schemas: string[]; owns_extensions: boolean }>(
    `select to_json(array(select nspname from pg_namespace)) as schemas,
       coalesce((select pg_has_role(current_user, nspowner, 'usage') from pg_namespace where nspname = 'extensions'), true) as owns_extensions`,
  )
  const entries = (await runProgram(program, ['--list', path], undefined)).split('\n').filter((line) => {
    if (!/^\d/.test(line) || MADE_OTHERWISE.test(line)) return false
    if (OF_THE_EXTENSIONS.test(line) && !owned!.owns_extensions) return false
    const [, schema] = /^\d+; \d+ \d+ SCHEMA - (\S+) /.exec(line) ?? []
    return schema === undefined || !owned!.schemas.includes(schema)
  })
  let done = 0
  const loadEntries = async (part: readonly string[], jobs: number): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-restore-'))
    const list = join(folder, 'list')
    await writeFile(list, part.join('\n'), { mode: 0o600 })
    try {
      await runProgram(
        program,
        ['--verbose', '--no-owner', '--exit-on-error', `--jobs=${jobs}`, `--use-list=${list}`, path],
        url,
        (line) => {
          const [, what] = /^pg_restore: (?:finished item \d+ |creating |executing )(.+)$/.exec(line) ?? []
          if (what === undefined) return
          done = Math.min(done + 1, entries.length)
          report({ what, done, total: entries.length })
        },
      )
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  // Foreign keys are checked against what the owner sees.
  await loadEntries(
    entries.filter((line) => !OF_ROW_SECURITY.test(line)),
    JOBS,
  )
  await loadEntries(
    entries.filter((line) => OF_ROW_SECURITY.test(line)),
    1,
  )
}

async function copySettings(
  maintenance: Database,
  name: string,
  settings: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  for (const setting of settings) {
    const at = setting.indexOf('=')
    try {
      await maintenance.query(
        `alter database ${quote(name)} set ${quote(setting.slice(0, at))} = ${literal(setting.slice(at + 1))}`,
      )
    } catch (error) {
      if (sqlstateOf(error) !== NOT_ALLOWED) throw error
      say(`The setting ${setting} of the database was not made again: this login may not.`)
    }
  }
}

const sqlstateOf = (error: unknown): string | undefined => readDatabaseError(error)?.sqlstate
const major = (version: number): number => Math.floor(version / 10_000)
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
