import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import {
  enableLogins,
  LOGINS,
  type LoginEvent,
  type LoginName,
  type LoginUrls,
} from '../../src/platform/db/logins.ts'
import { MIGRATION_CONNECTION } from '../../src/platform/db/migrations/migrate.ts'
import { type Databases, openDatabases } from '../../src/platform/db/open.ts'
import { SECRET } from '../support/api.ts'
import { runCommandFile } from '../support/command.ts'
import { useTestDatabase } from '../support/database.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { urlOf } from '../support/server-databases.ts'
import { crashServiceWhen } from '../support/service-process.ts'

const database = useTestDatabase()
const NAMES = Object.keys(LOGINS) as LoginName[]

const loginOf = (url: string): string => new URL(url).username

/** Whom one becomes who logs in there. @throws what keeps one out */
async function logIn(url: string): Promise<string> {
  const session = openServer({ url, max: 1 })
  try {
    const [row] = await session.query<{ name: string }>('select current_user::text as name')
    return row!.name
  } finally {
    await session.close()
  }
}

async function withOwner<T>(url: string, work: (owner: Database) => Promise<T>): Promise<T> {
  const owner = openServer({ ...MIGRATION_CONNECTION, url })
  try {
    return await work(owner)
  } finally {
    await owner.close()
  }
}

test('services that start at once on one database let the same logins in', async () => {
  const ownerUrl = database().ownerUrl!
  const owners = Array.from({ length: 4 }, () => openServer({ url: ownerUrl, max: 1 }))
  const made = await Promise.all(
    owners.flatMap((owner) => Array.from({ length: 5 }, () => enableLogins(owner, ownerUrl))),
  )
  await Promise.all(owners.map((owner) => owner.close()))
  expect(new Set(made.map((urls) => JSON.stringify(urls))).size).toBe(1)
  const [{ oid } = { oid: '' }] = await database().owner.query<{ oid: string }>(
    'select oid::text from pg_database where datname = current_database()',
  )
  for (const name of NAMES) expect(await logIn(made[0]![name])).toBe(`${LOGINS[name].role}_${oid}`)
})

test('a login has the rights of its role, and nothing of its own', async () => {
  const urls = await enableLogins(database().owner, database().ownerUrl!)
  for (const name of NAMES) {
    const [found] = await database().owner.query(
      `select rolinherit as inherits,
              rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as powerful,
              rolreplication as replicates,
              (select array_agg(roleid::regrole::text) from pg_auth_members where member = pg_roles.oid)::text as member_of,
              (select count(*)::int from pg_shdepend where refobjid = pg_roles.oid and deptype in ('a', 'o', 'r')) as own
       from pg_roles where rolname = $1`,
      [loginOf(urls[name])],
    )
    expect(found).toEqual({
      inherits: true,
      powerful: false,
      replicates: name === 'replicator',
      member_of: `{${LOGINS[name].role}}`,
      own: 0,
    })
  }
})

/* Passwords count on a server that asks for them. */
describe('on a server of several databases and owners', () => {
  let cluster: PostgresServer
  let superuser: Database
  const open: Databases[] = []

  /** A migrated database and its owner, a superuser with a password of its own. */
  async function makeDatabase(name: string): Promise<string> {
    await superuser.query(`create database ${name} template migrated`)
    await superuser.query(`create role ${name}_owner login superuser password '${name}'`)
    const url = new URL(urlOf(cluster.url, name))
    url.username = `${name}_owner`
    url.password = name
    return url.href
  }

  const settingsOf = (ownerUrl: string) => ({
    NODE_ENV: 'test',
    JWT_SECRET: SECRET,
    SIGN_IN: 'true',
    DATABASE_URL: ownerUrl,
  })

  async function openService(ownerUrl: string): Promise<{ databases: Databases; events: string[] }> {
    const events: string[] = []
    const databases = await openDatabases(readConfig(settingsOf(ownerUrl)), () => {}, {
      info() {},
      warn: (event) => events.push((event as LoginEvent).state),
    })
    open.push(databases)
    return { databases, events }
  }

  /** On a new connection: those that are open are not asked for a password. */
  async function serveAnew(databases: Databases): Promise<string> {
    for (const one of ['api', 'worker'] as const) {
      const [{ pid } = { pid: 0 }] = await databases[one].query<{ pid: number }>(
        'select pg_backend_pid() as pid',
      )
      await superuser.query(`select pg_terminate_backend(${pid}, 5000)`)
      await vi.waitUntil(() => databases[one].query('select 1').catch(() => undefined), patience(5_000))
    }
    const [row] = await databases.api.query<{ login: string }>('select session_user::text as login')
    return row!.login
  }

  beforeAll(async () => {
    cluster = await startMigratedPostgres()
    // From beside it: a database with somebody in it cannot be copied.
    await withOwner(urlOf(cluster.url, 'template1'), (owner) =>
      owner.query('create database migrated template postgres'),
    )
    superuser = openServer({ url: cluster.url, max: 2 })
  }, patience(60_000))
  afterAll(async () => {
    await Promise.all(open.map((databases) => databases.close()))
    await superuser?.close()
    await cluster?.stop()
  })

  it(
    'services keep serving while others start on the server, and `npm run tenant` runs as another owner',
    async () => {
      const [firstUrl, secondUrl] = [await makeDatabase('first'), await makeDatabase('second')]
      const first = await openService(firstUrl)
      const second = await openService(secondUrl)
      expect(await serveAnew(first.databases)).not.toBe(await serveAnew(second.databases))
      for (const [name, url] of [
        ['First', firstUrl],
        ['Second', secondUrl],
      ] as const) {
        const byAnother = new URL(url)
        const { username, password } = new URL(cluster.url)
        Object.assign(byAnother, { username, password })
        expect(
          await runCommandFile('tenant', [name, 'admin@example.com'], { DATABASE_URL: byAnother.href }),
        ).toMatchObject({ code: 0 })
        expect(await first.databases.worker.query('select 1 as one')).toEqual([{ one: 1 }])
      }
      await serveAnew(first.databases)
      await serveAnew(second.databases)
      expect([first.events, second.events]).toEqual([[], []])
    },
    patience(60_000),
  )

  it(
    'two owners of one database do not take its logins from each other for ever: each service serves',
    async () => {
      const url = await makeDatabase('shared')
      const other = urlOf(cluster.url, 'shared')
      const one = await openService(url)
      const two = await openService(other)
      const [ofOne, ofTwo] = [await serveAnew(one.databases), await serveAnew(two.databases)]
      expect(ofOne).toMatch(new RegExp(`^${ofTwo}_[0-9a-f]{8}$`))
      for (const { databases } of [one, two, one, two]) await serveAnew(databases)
      expect([one.events, two.events]).toEqual([['renewed'], []])
    },
    patience(60_000),
  )

  it(
    'a service whose password somebody has changed by hand serves again by itself, and so does its change feed',
    async () => {
      const url = await makeDatabase('by_hand')
      const { databases, events } = await openService(url)
      const logins = await withOwner(url, (owner) => enableLogins(owner, url, { names: [] }))
      for (const name of NAMES)
        await superuser.query(`alter role ${loginOf(logins[name])} password 'another'`)
      expect(await serveAnew(databases)).toMatch(/_[0-9a-f]{8}$/)
      expect(await databases.replication?.renew?.(logins.replicator)).toBe(databases.replication?.url)
      expect(await logIn(databases.replication!.url)).toMatch(/^muster_replicator_\d+_[0-9a-f]{8}$/)
      expect(events).toEqual(['renewed'])
    },
    patience(60_000),
  )

  it(
    'the owner’s password is changed: running services keep their connections, new ones log in with another',
    async () => {
      const url = await makeDatabase('rotated')
      const { databases: before } = await openService(url)
      await before.api.query('select 1')
      await superuser.query("alter role rotated_owner password 'new'")
      const after = new URL(url)
      after.password = 'new'
      const { databases } = await openService(after.href)
      await serveAnew(databases)
      expect(await before.api.query('select 1 as one')).toEqual([{ one: 1 }])
      const urls = (ownerUrl: string): Promise<LoginUrls> =>
        withOwner(after.href, (owner) => enableLogins(owner, ownerUrl, { names: [] }))
      await expect(logIn((await urls(url)).api)).rejects.toMatchObject({ code: '28P01' })
      expect(await logIn((await urls(after.href)).api)).toMatch(/^muster_api_\d+$/)
    },
    patience(60_000),
  )

  it(
    'processes of the release before, which log in as muster_api itself, keep serving',
    async () => {
      const url = await makeDatabase('older')
      await superuser.query("alter role muster_api login password 'of the release before'")
      await serveAnew((await openService(url)).databases)
      const older = new URL(url)
      Object.assign(older, { username: 'muster_api', password: 'of the release before' })
      expect(await logIn(older.href)).toBe('muster_api')
    },
    patience(60_000),
  )

  it(
    'npm run db:logins lists them, and cleans what a dropped database and the release before have left',
    async () => {
      const gone = await makeDatabase('gone')
      const kept = await makeDatabase('kept')
      const enable = (url: string) => withOwner(url, (owner) => enableLogins(owner, url))
      const [ofGone, ofKept] = [loginOf((await enable(gone)).api), loginOf((await enable(kept)).api)]
      await superuser.query('drop database gone')
      await superuser.query("alter role muster_worker login password 'of the release before'")
      await superuser.query('create role muster_api_1 login')
      const db = (...words: string[]) => runCommandFile('db', ['logins', ...words], { DATABASE_URL: kept })

      const listed = await db()
      expect(listed).toMatchObject({ code: 0, stderr: '' })
      expect(listed.stdout).toMatch(new RegExp(`^${ofKept} .*of kept$`, 'm'))
      expect(listed.stdout).toMatch(new RegExp(`^${ofGone} .*of a database that was dropped$`, 'm'))
      expect(await db('clean')).toMatchObject({ code: 0, stderr: '' })
      const left = await superuser.query<{ login: string; enters: boolean }>(
        `select rolname as login, rolcanlogin as enters from pg_roles
         where rolname in ('${ofGone}', '${ofKept}', 'muster_worker', 'muster_api_1') order by rolname`,
      )
      // The last one was not made by Muster.
      expect(left).toEqual(
        [
          { login: ofKept, enters: true },
          { login: 'muster_api_1', enters: true },
          { login: 'muster_worker', enters: false },
        ].sort((one, other) => (one.login < other.login ? -1 : 1)),
      )
    },
    patience(60_000),
  )
})

test(
  'a connection that cannot be made is in the log with its address and cause: pooler, replica and replication',
  async () => {
    const nowhere = 'postgres://127.0.0.1:1'
    const settings = {
      DATABASE_URL: database().ownerUrl!,
      DATABASE_POOLER_URL: nowhere,
      DATABASE_REPLICA_URL: nowhere,
      DATABASE_REPLICATION_URL: `${nowhere}/nothing`,
      JWT_SECRET: 'the secret of the tests, at least 32 characters long',
      LOG_LEVEL: 'warn',
    }
    const connections = [
      '"connection":"api"',
      '"connection":"worker"',
      '"connection":"replica"',
      'realtime change feed: no changes come',
    ]
    const isTold = (line: string, connection: string): boolean =>
      line.includes(connection) && line.includes('ECONNREFUSED 127.0.0.1:1')
    const lines = await crashServiceWhen(settings, (printed) =>
      connections.every((connection) => printed.some((line) => isTold(line, connection))),
    )
    expect(lines.join('\n')).toContain('through the pooler 127.0.0.1:1')
  },
  patience(60_000),
)
