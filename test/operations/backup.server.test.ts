import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { readComparableCatalog } from '../../src/platform/db/migrations/drift.ts'
import {
  BackupError,
  type FoundBackup,
  findBackup,
  type Manifest,
} from '../../src/platform/operations/backup/manifest.ts'
import { backupServer } from '../../src/platform/operations/backup/server-backup.ts'
import { restoreServer } from '../../src/platform/operations/backup/server-restore.ts'
import { urlOf } from '../../src/platform/server-url.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { crashServiceWhen } from '../support/service-process.ts'
import { arrangeShift, buildWorld, USERS } from '../support/world.ts'

/*
 * A backup of one server is restored on another one, which has had fewer transactions and none of the roles; there by an owner who is no
 * superuser, as the README has it set up.
 */

const source = useTestDatabase()
let target: PostgresServer
let folder: string
let keeper: string
let shifts: string[]

const FUTURE = '9000000000000'
const nothing = (): void => {}

const within = async <T>(url: string, work: (database: Database) => Promise<T>): Promise<T> => {
  const database = openServer({ url, max: 1, prepare: false, applicationName: 'muster-test-visitor' })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** What a superuser prepares for an owner who is none. */
async function prepareDatabase(name: string): Promise<string> {
  await within(target.url, (server) => server.query(`create database ${name} owner keeper`))
  await within(urlOf(target.url, name), (database) =>
    database.script(`
      create schema if not exists extensions;
      create extension postgis schema extensions;
      create extension btree_gist schema extensions;
      grant usage on schema extensions to public;
    `),
  )
  return urlOf(keeper, name)
}

const restore = (backup: FoundBackup, options: { url: string; into?: string; swap?: boolean }) =>
  restoreServer(backup, {
    ...options,
    report: nothing,
    say: nothing,
    readExpected: () => readComparableCatalog(source().owner),
  })

const find = ({ file }: Manifest) =>
  findBackup(folder, join(folder, file), { engine: 'server', database: '' }, nothing)

/** What a client of the company has after a first catch-up, and what the company sees. */
const catchUp = (url: string) =>
  within(url, (database) =>
    database.transaction(async (tx) => {
      await tx.query(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
        [JSON.stringify({ sub: USERS.company, role: 'authenticated' })],
      )
      const copy: string[] = []
      let cursor: string | null = null
      for (;;) {
        const [row]: { page: { items: { id: string }[]; complete: boolean; next: object } }[] =
          await tx.query("select muster.changes_since('shifts', $1::jsonb, 2) as page", [cursor])
        copy.push(...row!.page.items.map(({ id }) => id))
        cursor = JSON.stringify(row!.page.next)
        if (row!.page.complete) break
      }
      const seen = await tx.query<{ id: string }>('select id from shifts order by id')
      return { copy: [...new Set(copy)].sort(), seen: seen.map(({ id }) => id) }
    }),
  )

const historyOf = (url: string) =>
  within(url, (database) => database.query<{ id: string }>('select muster.history_id() as id'))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-backups-'))
  const { owner } = source()
  await buildWorld(owner)
  shifts = []
  for (let n = 0; n < 5; n += 1) shifts.push(await arrangeShift(owner))
  await owner.script(`
    create materialized view muster.tried_report as select company_id, count(*)::int as shifts from public.shifts group by company_id;
    create unique index on muster.tried_report (company_id);
    select muster.keep_report('muster.tried_report');
  `)
  // The cluster of the backup has had more transactions than the one of the restore, whatever the two did before.
  await owner.script(`
    alter table shifts disable trigger user;
    update shifts set changed_xid = '${FUTURE}';
    alter table shifts enable trigger user;
  `)
  target = await startPostgres()
  const login = new URL(target.url)
  login.username = 'keeper'
  keeper = login.href
  await within(target.url, (server) =>
    server.query(`create role keeper login createdb createrole password '${login.password}'`),
  )
})

afterAll(async () => {
  await target?.stop()
  await rm(folder, { recursive: true, force: true })
})

it(
  'a service that starts on rows of another cluster says so, and what to run',
  async () => {
    await crashServiceWhen(
      { DATABASE_URL: source().ownerUrl!, JWT_SECRET: 'a secret of at least 32 characters, for tests' },
      (printed) => printed.some((line) => line.includes('npm run db:adopt')),
    )
  },
  patience(60_000),
)

describe('a backup of a server', () => {
  let made: Manifest
  let ofKeeper: Manifest

  it('has every row, taken as a superuser', async () => {
    made = await backupServer(source().ownerUrl!, folder, nothing)
    expect(made.rows['public.shifts']).toBe(shifts.length)
    expect(made.surroundings!.roles.map(({ name }) => name)).toContain('muster_definer')
  })

  it('is not restored where its owner cannot make the extensions, and nothing is left of the attempt', async () => {
    const refused = restore(await find(made), { url: urlOf(keeper, 'muster') })
    await expect(refused).rejects.toThrow(BackupError)
    const left = await within(target.url, (server) =>
      server.query("select from pg_database where datname like 'muster%'"),
    )
    expect(left).toEqual([])
  })

  it(
    'is restored by an owner who is no superuser, with roles, rules, and all rows for whoever catches up',
    async () => {
      const url = await prepareDatabase('muster')
      const restored = await restore(await find(made), { url, into: 'muster' })
      expect(restored).toMatchObject({ database: 'muster', pending: [] })
      expect(restored.adopted).toBeGreaterThanOrEqual(shifts.length)
      const { copy, seen } = await catchUp(urlOf(target.url, 'muster'))
      expect(copy).toEqual([...shifts].sort())
      expect(seen).toEqual(copy)
      // A report is filled before the rules bind its new owner, and belongs to who can refresh it.
      const report = await within(urlOf(target.url, 'muster'), (database) =>
        database.query(
          "select shifts, relowner::regrole::text as owner from muster.tried_report, pg_class where oid = 'muster.tried_report'::regclass",
        ),
      )
      expect(report).toEqual([{ shifts: shifts.length, owner: 'muster_definer' }])
    },
    patience(60_000),
  )

  it('has every row, taken by an owner whom forced row level security binds', async () => {
    ofKeeper = await backupServer(urlOf(keeper, 'muster'), folder, nothing)
    expect(ofKeeper.rows).toEqual({
      ...made.rows,
      'muster.departed_rows': 0,
      'muster.changed_callers': 0,
    })
  })

  it('is refused where a policy could hide rows', async () => {
    const owner = urlOf(target.url, 'muster')
    await within(owner, (database) =>
      database.query('alter policy internal on shifts using (deleted_at is null)'),
    )
    await expect(backupServer(urlOf(keeper, 'muster'), folder, nothing)).rejects.toThrow(BackupError)
    await within(owner, (database) => database.query('alter policy internal on shifts using (true)'))
  })

  it(
    'takes the place of a database only when it is told to, and nobody is connected',
    async () => {
      const url = urlOf(target.url, 'muster')
      await within(url, (database) => database.query('delete from finqle_transactions; delete from shifts'))
      const [before] = await historyOf(url)
      await expect(restore(await find(ofKeeper), { url, into: 'muster' })).rejects.toThrow(BackupError)
      await within(url, async (visitor) => {
        await visitor.query('select 1')
        await expect(restore(await find(ofKeeper), { url, swap: true })).rejects.toThrow(BackupError)
      })
      const { database, before: old } = await restore(await find(ofKeeper), { url, swap: true })
      expect(database).toBe('muster')
      expect((await catchUp(url)).copy).toEqual([...shifts].sort())
      expect((await catchUp(urlOf(target.url, old!))).copy).toEqual([])
      expect(await historyOf(url)).not.toEqual([before])
    },
    patience(60_000),
  )
})
