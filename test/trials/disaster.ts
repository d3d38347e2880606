import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { ENTER, readAs } from '../../src/platform/db/identity.ts'
import { type Databases, openDatabases } from '../../src/platform/db/open.ts'
import { type PostgresServer, serverUser, startPostgres } from '../support/postgres-server.ts'
import { run } from '../support/run.ts'
import { urlOf } from '../support/server-databases.ts'
import { arrangeShift, buildWorld, SITE, USERS } from '../support/world.ts'

/*
 * A disaster drill on clusters of its own, with fsync, synchronous commits and a WAL archive as in production. Guards check in through
 * the service's login while the server is killed, its disk is lost, half of the check-ins are deleted by mistake, and a standby takes
 * over. What was acknowledged is compared with what is there afterwards, and a client that keeps a copy must end equal to the database.
 */

export interface DrillOptions {
  /** Data beside the check-ins, for the speed of backup and restore. */
  megabytes: number
  /** How long guards check in before each disaster. */
  seconds: number
  writers: number
  /** How old a segment of the log may be before it is archived; production has 60. */
  archiveTimeoutSeconds: number
  say: (line: string) => void
}

export interface Scenario {
  name: string
  /** Check-ins that were acknowledged, and that should be there. */
  acknowledged: number
  lost: number
  /** From the last write that is there to the disaster; 0 when nothing was lost. */
  rpoMs: number
  /** From the decision to recover to the first check-in that was acknowledged again. */
  rtoMs: number
  /** Whether a client that had a copy ended equal to the database. */
  isCopyEqual: boolean
  /** May not lose anything. */
  isLossless: boolean
}

/** The targets of the physical path: `archive_timeout`, and five minutes for 10 GB. */
export const RPO_TARGET_MS = 60_000
export const RTO_TARGET_MS = 5 * 60_000

export const isPassed = ({ lost, rpoMs, rtoMs, isCopyEqual, isLossless }: Scenario): boolean =>
  isCopyEqual && rtoMs <= RTO_TARGET_MS && (isLossless ? lost === 0 : rpoMs <= RPO_TARGET_MS)

const DATABASE = 'muster'
const SECRET = 'a secret for a drill, of at least 32 characters'
const MB = 1_000_000
const MS_IN_SECOND = 1_000
const POLL_MS = 20
/** The size of a row of the data beside the check-ins. */
const FILLER_BYTES = 100_000
/** Device times go back this far, so that no minute has more pings than a shift takes. */
const SPREAD_MINUTES = 360

const callerOf = (user: string) => ({
  role: 'authenticated' as const,
  claims: JSON.stringify({ sub: user, role: 'authenticated' }),
})
const GUARD = callerOf(USERS.guard)
const COMPANY = callerOf(USERS.company)

/** A write that was acknowledged. */
interface Acknowledged {
  id: string
  at: number
}

/** The service's connections to a server, as a process of it opens them. */
const serve = (server: PostgresServer): Promise<Databases> =>
  openDatabases(
    readConfig({ NODE_ENV: 'test', JWT_SECRET: SECRET, DATABASE_URL: urlOf(server.url, DATABASE) }),
    () => {},
  )

async function checkIn(api: Database, shift: string): Promise<Acknowledged> {
  const id = randomUUID()
  await api.transaction(
    (tx) =>
      tx.query(
        `select muster.record_check_in($1::uuid, $2::uuid, 'ping', $3::float8, $4::float8, 10, now() - $5::float8 * interval '1 minute')`,
        [id, shift, SITE.latitude, SITE.longitude, Math.random() * SPREAD_MINUTES],
      ),
    { enter: { text: ENTER, parameters: [GUARD.role, GUARD.claims] }, single: true },
  )
  return { id, at: Date.now() }
}

/** Guards who check in until they are told to stop. What fails was not acknowledged, and is not sent again. */
function startLoad(api: Database, shift: string, writers: number): { stop: () => Promise<Acknowledged[]> } {
  const acknowledged: Acknowledged[] = []
  let isRunning = true
  const work = Array.from({ length: writers }, async () => {
    while (isRunning) {
      try {
        acknowledged.push(await checkIn(api, shift))
      } catch {
        await pass(POLL_MS)
      }
    }
  })
  return {
    async stop() {
      isRunning = false
      await Promise.all(work)
      return acknowledged
    },
  }
}

/** A client's copy of the check-ins, kept as the documentation says. */
class Copy {
  readonly rows = new Map<string, unknown>()
  #cursor: string | null = null

  async catchUp(api: Database): Promise<this> {
    for (;;) {
      const [row] = await readAs(api, COMPANY, (tx) =>
        tx.query<{
          page: {
            items: { id: string }[]
            removed: string[]
            reset: boolean
            complete: boolean
            next: object
          }
        }>("select muster.changes_since('gps_checkins', $1::jsonb, 1000) as page", [this.#cursor]),
      )
      const { items, removed, reset, complete, next } = row!.page
      if (reset) this.rows.clear()
      for (const item of items) this.rows.set(item.id, item)
      for (const id of removed) this.rows.delete(id)
      this.#cursor = JSON.stringify(next)
      if (complete) return this
    }
  }

  /** Catches up, and compares with one that begins now and with the table. */
  async isEqualTo(api: Database): Promise<boolean> {
    await this.catchUp(api)
    const afresh = await new Copy().catchUp(api)
    const ids = await readAs(api, COMPANY, (tx) =>
      tx.query<{ id: string }>('select id from gps_checkins order by id'),
    )
    return (
      isDeepStrictEqual(this.rows, afresh.rows) &&
      isDeepStrictEqual(
        [...this.rows.keys()].sort(),
        ids.map(({ id }) => id),
      )
    )
  }
}

const within = async <T>(server: PostgresServer, work: (owner: Database) => Promise<T>): Promise<T> => {
  const owner = openServer({ url: urlOf(server.url, DATABASE), max: 1 })
  try {
    return await work(owner)
  } finally {
    await owner.close()
  }
}

const presentIds = (server: PostgresServer): Promise<Set<string>> =>
  within(server, async (owner) => {
    const rows = await owner.query<{ id: string }>('select id from gps_checkins')
    return new Set(rows.map(({ id }) => id))
  })

async function untilPrimary(server: PostgresServer): Promise<void> {
  await within(server, async (owner) => {
    for (;;) {
      const [row] = await owner.query<{ waits: boolean }>('select pg_is_in_recovery() as waits')
      if (!row!.waits) return
      await pass(POLL_MS)
    }
  })
}

/** A mistake is noticed later than a segment is archived. */
async function untilArchived(server: PostgresServer): Promise<void> {
  await within(server, async (owner) => {
    const [row] = await owner.query<{ segment: string }>('select pg_walfile_name(pg_switch_wal()) as segment')
    for (;;) {
      const [archived] = await owner.query<{ is_there: boolean }>(
        'select coalesce(last_archived_wal >= $1, false) as is_there from pg_stat_archiver',
        [row!.segment],
      )
      if (archived!.is_there) return
      await pass(POLL_MS)
    }
  })
}

/** @returns every scenario in the order in which it was run. @throws what could not be carried out */
export async function runDrill(options: DrillOptions): Promise<Scenario[]> {
  const { megabytes, seconds, writers, archiveTimeoutSeconds, say } = options
  const folder = await mkdtemp(join(tmpdir(), 'muster-drill-'))
  const user = await serverUser()
  const asServer = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  const servers: PostgresServer[] = []
  const opened: Databases[] = []
  const scenarios: Scenario[] = []

  const makeFolder = async (name: string): Promise<string> => {
    const path = join(folder, name)
    await mkdir(path, { mode: 0o700 })
    if (user) await chown(path, user.uid, user.gid)
    return path
  }
  const start = async (given: Parameters<typeof startPostgres>[0]): Promise<PostgresServer> => {
    const server = await startPostgres({ durable: true, ...given })
    servers.push(server)
    return server
  }
  const open = async (server: PostgresServer): Promise<Databases> => {
    const databases = await serve(server)
    opened.push(databases)
    return databases
  }
  const load = async (api: Database, shift: string, disaster: () => Promise<void>) => {
    const guards = startLoad(api, shift, writers)
    await pass(seconds * MS_IN_SECOND)
    await disaster()
    const at = Date.now()
    return { at, acknowledged: await guards.stop() }
  }
  /** Recovers, and checks in once: the service is back then. */
  const recover = async (shift: string, bring: () => Promise<PostgresServer>) => {
    const begunAt = Date.now()
    const server = await bring()
    await untilPrimary(server)
    const databases = await open(server)
    await checkIn(databases.api, shift)
    return { server, databases, rtoMs: Date.now() - begunAt }
  }
  const judge = async (
    name: string,
    expected: readonly Acknowledged[],
    disasterAt: number,
    { server, databases, rtoMs }: Awaited<ReturnType<typeof recover>>,
    copy: Copy,
    isLossless: boolean,
  ): Promise<void> => {
    const present = await presentIds(server)
    const there = expected.filter(({ id }) => present.has(id))
    const lost = expected.length - there.length
    const scenario = {
      name,
      acknowledged: expected.length,
      lost,
      rpoMs: lost === 0 ? 0 : disasterAt - Math.max(0, ...there.map(({ at }) => at)),
      rtoMs,
      isCopyEqual: await copy.isEqualTo(databases.api),
      isLossless,
    }
    scenarios.push(scenario)
    say(scenarioLine(scenario))
  }

  try {
    await chmod(folder, 0o711)
    const archive = await makeFolder('archive')
    const settings = {
      archive_mode: 'on',
      // Renamed when it is whole: a server that dies here leaves no half a segment under the right name.
      archive_command: `test ! -f ${archive}/%f && cp %p ${archive}/%f.part && mv ${archive}/%f.part ${archive}/%f`,
      archive_timeout: String(archiveTimeoutSeconds),
      // Also of a standby, which finds there the numbers of timelines that were given already.
      restore_command: `cp ${archive}/%f %p`,
    }
    const primary = await start({ settings })
    const administrator = openServer({ url: primary.url, max: 1 })
    await administrator.query(`create database ${DATABASE}`)
    await administrator.close()
    let databases = await open(primary)
    const shift = await within(primary, async (owner) => {
      await buildWorld(owner)
      await fill(owner, megabytes)
      // Its check-ins may be of any minute of the last hours.
      return arrangeShift(owner, { status: 'assigned', startsInHours: -7, hours: 8 })
    })

    const base = await makeFolder('base')
    const backupAt = Date.now()
    await run(
      join(primary.binDir, 'pg_basebackup'),
      [`--dbname=${primary.url}`, `--pgdata=${base}`, '--checkpoint=fast'],
      asServer,
    )
    say(`base backup: ${speed(await sizeOf(base), Date.now() - backupAt)}`)

    // ---- The server is killed.
    const copy = await new Copy().catchUp(databases.api)
    const killed = await load(databases.api, shift, primary.crash)
    const all = killed.acknowledged
    await closeAll(opened)
    const restarted = await recover(shift, async () => {
      await primary.start()
      return primary
    })
    await judge('kill -9 of the server', all, killed.at, restarted, copy, true)
    databases = restarted.databases

    // ---- Half of the check-ins are deleted, then the disk is lost.
    const before = await load(databases.api, shift, async () => {})
    all.push(...before.acknowledged)
    await copy.catchUp(databases.api)
    const keptBefore = [...all]
    const { moment, deleted } = await within(primary, async (owner) => {
      const [now] = await owner.query<{ moment: string }>('select clock_timestamp()::text as moment')
      const rows = await owner.query<{ id: string }>(
        'delete from gps_checkins where id in (select id from gps_checkins order by id limit (select count(*) / 2 from gps_checkins)) returning id',
      )
      return { moment: now!.moment, deleted: new Set(rows.map(({ id }) => id)) }
    })
    const deletedAt = Date.now()
    await untilArchived(primary)
    const lostDisk = await load(databases.api, shift, primary.crash)
    all.push(...lostDisk.acknowledged)
    await closeAll(opened)
    await primary.stop()

    const restore = async (name: string, target: Record<string, string>): Promise<PostgresServer> => {
      const place = await makeFolder(name)
      const copyAt = Date.now()
      await run('cp', ['-a', base, join(place, 'data')], asServer)
      say(`base backup put back: ${speed(await sizeOf(join(place, 'data')), Date.now() - copyAt)}`)
      await run('touch', [join(place, 'data', 'recovery.signal')], asServer)
      await run('sh', ['-c', `umask 077; printf %s "$1" > password`, 'sh', new URL(primary.url).password], {
        ...asServer,
        cwd: place,
      })
      return start({
        keepIn: place,
        settings: {
          ...settings,
          ...target,
          recovery_target_action: 'promote',
        },
      })
    }
    const latest = await recover(shift, () => restore('latest', {}))
    const expected = all.filter(({ id }) => !deleted.has(id))
    await judge('lost disk, restored to the latest', expected, lostDisk.at, latest, copy, false)

    // ---- Back to the moment before the delete, from the same base backup: another timeline.
    await closeAll(opened)
    await latest.server.stop()
    await rm(join(folder, 'latest'), { recursive: true })
    const earlier = await recover(shift, () => restore('earlier', { recovery_target_time: moment }))
    await judge('restored to before the delete', keptBefore, deletedAt, earlier, copy, true)
    await rm(base, { recursive: true })

    // ---- A standby takes over.
    const standby = await start({ replicaOf: earlier.server, settings })
    const followed = await new Copy().catchUp(earlier.databases.api)
    const failed = await load(earlier.databases.api, shift, earlier.server.crash)
    await closeAll(opened)
    const promoted = await recover(shift, async () => {
      await within(standby, (owner) => owner.query('select pg_promote()'))
      return standby
    })
    await judge('failover to a standby', failed.acknowledged, failed.at, promoted, followed, false)
    return scenarios
  } finally {
    await closeAll(opened)
    for (const server of servers) await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function closeAll(opened: Databases[]): Promise<void> {
  await Promise.all(opened.splice(0).map((databases) => databases.close().catch(() => {})))
}

/** Rows that are kept as they are, as photographs are. */
async function fill(owner: Database, megabytes: number): Promise<void> {
  if (megabytes === 0) return
  await owner.query('create table drill_volume (data bytea)')
  await owner.query('alter table drill_volume alter column data set storage external')
  await owner.query(
    "insert into drill_volume select int8send(nth) || decode($2, 'hex') from generate_series(1, $1::int) nth",
    [Math.ceil((megabytes * MB) / FILLER_BYTES), randomBytes(FILLER_BYTES).toString('hex')],
  )
}

async function sizeOf(folder: string): Promise<number> {
  const output = await run('du', ['-sb', folder])
  return Number(output.split('\t')[0])
}

const speed = (bytes: number, ms: number): string =>
  `${(bytes / MB).toFixed(0)} MB in ${(ms / MS_IN_SECOND).toFixed(1)} s, ${(bytes / MB / (ms / MS_IN_SECOND)).toFixed(0)} MB/s`

/** One line for people. */
export function scenarioLine(scenario: Scenario): string {
  const { name, acknowledged, lost, rpoMs, rtoMs, isCopyEqual } = scenario
  return [
    isPassed(scenario) ? 'passed' : 'FAILED',
    name.padEnd(34),
    `acknowledged ${acknowledged}`,
    `lost ${lost}`,
    `RPO ${(rpoMs / MS_IN_SECOND).toFixed(1)} s`,
    `RTO ${(rtoMs / MS_IN_SECOND).toFixed(1)} s`,
    `client ${isCopyEqual ? 'equal' : 'DIFFERENT'}`,
  ].join('  ')
}
