import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { withDatabase } from '../../src/cli/open-database.ts'
import { readConfig } from '../../src/config.ts'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { asJobs } from '../../src/platform/db/identity.ts'
import { openDatabases } from '../../src/platform/db/open.ts'
import { RightsMissing } from '../../src/platform/db/rights.ts'
import { SECRET } from '../support/api.ts'
import { runCommandFile } from '../support/command.ts'
import { deployBlocks } from '../support/deploy-page.ts'
import { patience } from '../support/patience.ts'
import { findFreePort, type PostgresServer, serverUser, startPostgres } from '../support/postgres-server.ts'
import { run } from '../support/run.ts'
import { urlOf } from '../support/server-databases.ts'
import { startService } from '../support/service-process.ts'

/* What docs/deploy.md says of an owner who is no superuser is done here as it is written. */

let cluster: PostgresServer
let settings: Record<string, string>

async function psql(script: string): Promise<void> {
  const file = join(cluster.dataDir, 'script.sql')
  await writeFile(file, script)
  await run(join(cluster.binDir, 'psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', file, cluster.url])
}

beforeAll(async () => {
  cluster = await startPostgres()
  const [setUp] = await deployBlocks('## The database and its owner', 'sql')
  await psql(setUp!)
  const [environment] = await deployBlocks('## The database and its owner', 'sh')
  const { host } = new URL(cluster.url)
  settings = Object.fromEntries(
    environment!
      .replaceAll('127.0.0.1:5432', host)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
}, patience(60_000))
afterAll(() => cluster?.stop())

it(
  'the service starts without a warning, is seeded, searches and follows changes',
  async () => {
    const said: string[] = []
    const config = readConfig({ ...settings, JWT_SECRET: SECRET })
    const databases = await openDatabases(config, (line) => said.push(line))
    await databases.close()
    expect(said.filter((line) => /^warning|realtime:/i.test(line))).toEqual([
      expect.stringContaining('DATABASE_REPLICATION_URL'),
    ])

    expect(await runCommandFile('db', ['seed'], settings)).toMatchObject({ code: 0 })
    expect(await runCommandFile('db', ['verify'], settings)).toMatchObject({ code: 0 })
    expect(await runCommandFile('tenant', ['Another', 'admin@example.org'], settings)).toMatchObject({
      code: 0,
    })
    const service = await startService({ ...settings, JWT_SECRET: SECRET })
    try {
      const guard = DEMO_USERS.find(({ email }) => email === 'guard@example.com')!
      const token = await issueToken(SECRET, { sub: guard.id, email: guard.email, audience: 'authenticated' })
      const answer = await fetch(`${service.url}/v1/shifts/nearby?latitude=52.374&longitude=4.8994&limit=5`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answer.status).toBe(200)
      expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(5)
      const ready = await fetch(`${service.url}/ready`)
      expect([ready.status, await ready.json()]).toEqual([
        200,
        expect.objectContaining({ feed: 'streaming' }),
      ])
    } finally {
      await service.stop()
    }
  },
  patience(90_000),
)

it('what PostgreSQL warns of is told by commands, too', async () => {
  const told = vi.spyOn(console, 'error').mockReturnValue()
  await withDatabase(readConfig({ ...settings, JWT_SECRET: SECRET }), (owner) =>
    owner.script("do $$ begin raise warning 'no privileges were granted'; end $$"),
  )
  expect(told.mock.calls).toEqual([['warning: no privileges were granted']])
})

it(
  'without its own replication login, the start says what a superuser has to run, and says it no more when that was done',
  async () => {
    const { DATABASE_URL } = settings
    const start = async (): Promise<string> => {
      const said: string[] = []
      const databases = await openDatabases(readConfig({ DATABASE_URL, JWT_SECRET: SECRET }), (line) =>
        said.push(line),
      )
      await databases.close()
      return said.filter((line) => line.startsWith('realtime:')).join()
    }
    const [statement] = /alter role muster_replicator_.*;/.exec(await start()) ?? []
    const superuser = openServer({ url: cluster.url, max: 1 })
    await superuser.query(statement!)
    expect(await start()).toBe('')
    await superuser.query(`alter role ${/muster_replicator_\d+/.exec(statement!)![0]} password 'another'`)
    expect(await start()).toContain(statement)
    await superuser.close()
  },
  patience(60_000),
)

it(
  'what it may not grant, and the service needs, ends the start',
  async () => {
    await psql(`
      create database lacking owner muster;
      \\connect lacking
      create schema extensions;
      create extension postgis schema extensions;
      create extension btree_gist schema extensions;
      grant usage on schema extensions to muster;
    `)
    const { password } = new URL(settings.DATABASE_URL!)
    const url = Object.assign(new URL(urlOf(cluster.url, 'lacking')), { username: 'muster', password })
    const said: string[] = []
    const start = () =>
      openDatabases(readConfig({ DATABASE_URL: url.href, JWT_SECRET: SECRET }), (line) => said.push(line))
    const refusal = await start().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refusal).toBeInstanceOf(RightsMissing)
    expect(said.join()).toContain('warning: no privileges were granted for "extensions"')
    const [statement] = /grant usage .*;/.exec((refusal as Error).message) ?? []
    await psql(`\\connect lacking\n${statement}`)
    await (await start()).close()
    expect(said.join()).toMatch(/revoke execute on function .*st_estimatedextent/)
  },
  patience(60_000),
)

it('a report is not empty where row level security binds the owner', async () => {
  const databases = await openDatabases(readConfig({ ...settings, JWT_SECRET: SECRET }), () => {})
  const owner = openServer({ url: settings.DATABASE_URL!, max: 1 })
  await owner.script(`
    create materialized view muster.tried_report as select company_id, count(*)::int as shifts from public.shifts group by company_id;
    create unique index on muster.tried_report (company_id);
    select muster.keep_report('muster.tried_report');
  `)
  await asJobs(databases.jobs, (tx) => tx.query("select muster.refresh_report('tried_report')"))
  const [sum] = await owner.query<{ shifts: number }>(
    'select sum(shifts)::int as shifts from muster.tried_report',
  )
  expect(sum!.shifts).toBeGreaterThan(0)
  await owner.query('drop materialized view muster.tried_report')
  await Promise.all([owner.close(), databases.close()])
})

it('a database that is closed to the logins of others is open to its own', async () => {
  const [closing] = await deployBlocks('### One Muster on a server, or many', 'sql')
  await psql(closing!)
  await psql("create role muster_api_1 login password 'x'; grant muster_api to muster_api_1;")
  const databases = await openDatabases(readConfig({ ...settings, JWT_SECRET: SECRET }), () => {})
  expect(await databases.api.query('select 1 as one')).toEqual([{ one: 1 }])
  expect(await databases.worker.query('select 1 as one')).toEqual([{ one: 1 }])
  await databases.close()
  const stranger = openServer({
    url: Object.assign(new URL(settings.DATABASE_URL!), { username: 'muster_api_1', password: 'x' }).href,
    max: 1,
  })
  await expect(stranger.query('select 1')).rejects.toMatchObject({ code: '42501' })
  await stranger.close()
})

it(
  'the owner’s password is rotated: a service that starts with the new one serves, and the former logins are shut out',
  async () => {
    const before = await openDatabases(readConfig({ ...settings, JWT_SECRET: SECRET }), () => {})
    await before.api.query('select 1')
    const [rotation] = await deployBlocks('## Rotate secrets', 'sql')
    await psql(rotation!)
    const DATABASE_URL = settings.DATABASE_URL!.replace('choose-one', 'choose-a-third')
    const after = await openDatabases(readConfig({ ...settings, DATABASE_URL, JWT_SECRET: SECRET }), () => {})
    expect(await after.api.query('select 1 as one')).toEqual([{ one: 1 }])
    expect(await before.api.query('select 1 as one')).toEqual([{ one: 1 }])
    // Longer than a login is refused in: whoever waited would else have a session that became free.
    const anew = Promise.all(Array.from({ length: 3 }, () => before.api.query('select pg_sleep(2)')))
    await expect(anew).rejects.toMatchObject({ code: '28P01' })
    await after.close()
    await before.close()
    settings = { ...settings, DATABASE_URL }
  },
  patience(60_000),
)

it(
  'a replica is added, and the logins of the service are let in there',
  async () => {
    const [onPrimary] = await deployBlocks('## Add a replica', 'sql')
    await psql(onPrimary!)
    const [onReplica] = await deployBlocks('## Add a replica', 'sh')
    const port = await findFreePort()
    const pgdata = join(dirname(cluster.dataDir), 'replica')
    const surroundings = {
      ...(await serverUser()),
      cwd: dirname(cluster.dataDir),
      env: { PATH: [cluster.binDir, process.env.PATH].join(delimiter), LC_ALL: 'C', PGDATA: pgdata },
    }
    // Here it stands on the machine of the primary, so it needs another port.
    const script = onReplica!
      .replace('127.0.0.1:5432', new URL(cluster.url).host)
      .replace('--wait start', `--wait --options="-p ${port}" start`)
    await run('sh', ['-e', '-c', script], surroundings)
    try {
      const databases = await openDatabases(
        readConfig({
          ...settings,
          JWT_SECRET: SECRET,
          DATABASE_REPLICA_URL: `postgres://127.0.0.1:${port}`,
        }),
        () => {},
      )
      const answer = await databases.replica!.database.query('select pg_is_in_recovery() as standby')
      expect(answer).toEqual([{ standby: true }])
      await databases.close()
    } finally {
      await run('pg_ctl', ['--pgdata', pgdata, '--mode=immediate', 'stop'], surroundings)
    }
  },
  patience(60_000),
)
