import { setTimeout as sleep } from 'node:timers/promises'
import { SERVING_APPLICATION } from '../../db/migrations/migrate.ts'
import {
  type Check,
  duration,
  finding,
  levelOf,
  list,
  NotKnown,
  one,
  percent,
  requireServer,
  requireStatisticsRight,
  whole,
} from './finding.ts'

/** object_not_in_prerequisite_state: the extension is there, its library is not loaded. */
const NOT_LOADED = '55000'

/** Who is connected, what they do, and what they wait for. */
export const SESSION_CHECKS: readonly Check[] = [
  {
    name: 'connections',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const { used, most } = await one<{ used: number; most: number }>(
        context.database,
        `select
           (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most`,
      )
      return finding(
        levelOf(used / most, context.thresholds.connections),
        `${used} of ${most} connections (${percent(used / most)})`,
        'Run fewer processes, lower DATABASE_POOL_SIZE, or put PgBouncer in front (DATABASE_POOLER_URL); raise max_connections last.',
      )
    },
  },
  {
    name: 'pool_use',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const { poolLooks, poolUse } = context.thresholds
      let most = 0
      let busy = 0
      for (let look = 0; look < poolLooks.count; look += 1) {
        if (look > 0) await sleep(poolLooks.pauseMs)
        const found = await one<{ open: number; busy: number }>(
          context.database,
          `select count(*)::int as open, count(*) filter (where state <> 'idle')::int as busy
           from pg_stat_activity
           where datname = current_database() and application_name like $1`,
          [`${SERVING_APPLICATION}%`],
        )
        most = Math.max(most, found.open)
        busy += found.busy / poolLooks.count
      }
      if (most === 0) throw new NotKnown('no process of the service is connected to this database')
      // How many processes there are is not known here: at least so many.
      const size = Math.ceil(most / context.poolSize) * context.poolSize
      return finding(
        levelOf(busy / size, poolUse),
        `${busy.toFixed(1)} of ${size} connections of the service at work (${percent(busy / size)})`,
        'Look for slow statements and blocked sessions first; then raise DATABASE_POOL_SIZE up to a few for each core of the database, or start another process.',
      )
    },
  },
  {
    name: 'slow_statements',
    async examine(context) {
      if (context.database.kind === 'embedded')
        throw new NotKnown('the embedded engine has no pg_stat_statements')
      await requireStatisticsRight(context)
      const [extension] = await context.database.query<{ view: string }>(
        `select format('%I.pg_stat_statements', n.nspname) as view
         from pg_extension e join pg_namespace n on n.oid = e.extnamespace
         where e.extname = 'pg_stat_statements'`,
      )
      if (!extension)
        throw new NotKnown(
          "pg_stat_statements is not installed: set shared_preload_libraries = 'pg_stat_statements', restart, then create extension pg_stat_statements schema extensions",
        )
      const { statementMs, statementCalls } = context.thresholds
      // Only what PostgreSQL normalizes: other statements may have values in them.
      const slow = await context.database
        .query<{ query: string; calls: number; mean_ms: number }>(
          `select left(regexp_replace(s.query, '\\s+', ' ', 'g'), 60) as query, s.calls::int as calls, s.mean_exec_time as mean_ms
           from ${extension.view} s
           where s.dbid = (select oid from pg_database where datname = current_database())
             and s.toplevel and s.calls >= $1 and s.mean_exec_time >= $2
             and s.query ~* '^\\s*(select|insert|update|delete|with|merge)\\M'
           order by s.mean_exec_time desc`,
          [statementCalls, statementMs.warning],
        )
        .catch((error: unknown) => {
          if (error instanceof Error && 'code' in error && error.code === NOT_LOADED)
            throw new NotKnown(
              "pg_stat_statements is not loaded: set shared_preload_libraries = 'pg_stat_statements' and restart the server",
            )
          throw error
        })
      return finding(
        levelOf(slow[0]?.mean_ms ?? 0, statementMs),
        slow.length === 0
          ? `no statement takes ${statementMs.warning} ms in the mean`
          : list(slow.map((s) => `${s.query} … ${whole(s.mean_ms)} ms, ${whole(s.calls)} calls`)),
        'npm run db:analyze -- "<statement>" shows the plan; pg_stat_statements_reset() after a remedy starts the counting again.',
      )
    },
  },
  {
    name: 'oldest_transaction',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const open = await context.database.query<{ who: string; seconds: number }>(
        `select who, seconds::float8 from (
           select format('session %s of %s (%s)', pid, usename, coalesce(nullif(application_name, ''), 'no name')) as who,
             extract(epoch from clock_timestamp() - xact_start) as seconds
           from pg_stat_activity
           where xact_start is not null and backend_type = 'client backend' and pid <> pg_backend_pid()
           union all
           select format('prepared transaction %s of %s', gid, owner), extract(epoch from clock_timestamp() - prepared)
           from pg_prepared_xacts
         ) as t order by seconds desc limit 1`,
      )
      const [oldest] = open
      return finding(
        levelOf(oldest?.seconds ?? 0, context.thresholds.transactionSeconds),
        oldest ? `${duration(oldest.seconds)}: ${oldest.who}` : 'no transaction is open',
        'End it: select pg_terminate_backend(<pid>), or rollback prepared. Set idle_in_transaction_session_timeout for people who work at a prompt.',
      )
    },
  },
  {
    name: 'blocked',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const blocked = await context.database.query<{ pid: number; blockers: string; seconds: number }>(
        `select a.pid, array_to_string(pg_blocking_pids(a.pid), ', ') as blockers,
           extract(epoch from clock_timestamp() - coalesce(min(l.waitstart), max(a.state_change)))::float8 as seconds
         from pg_stat_activity a join pg_locks l on l.pid = a.pid and not l.granted
         where a.wait_event_type = 'Lock' and cardinality(pg_blocking_pids(a.pid)) > 0
         group by a.pid order by seconds desc`,
      )
      return finding(
        levelOf(blocked[0]?.seconds ?? 0, context.thresholds.blockedSeconds),
        blocked.length === 0
          ? 'no session waits for a lock'
          : list(blocked.map((b) => `session ${b.pid} waits for ${b.blockers} since ${duration(b.seconds)}`)),
        'End the session that is waited for, where it is idle in a transaction: select pg_terminate_backend(<pid>).',
      )
    },
  },
  {
    name: 'sync_waits',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const { waiting, seconds } = await one<{ waiting: number; seconds: number }>(
        context.database,
        `select count(*)::int as waiting,
           coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0)::float8 as seconds
         from pg_stat_activity where wait_event = 'SyncRep'`,
      )
      return finding(
        levelOf(seconds, context.thresholds.syncWaitSeconds),
        waiting === 0
          ? 'no commit waits for a synchronous standby'
          : `${waiting} commits wait for a synchronous standby, the first since ${duration(seconds)}`,
        "Bring the standby back, or take it out: alter system set synchronous_standby_names = ''; select pg_reload_conf().",
      )
    },
  },
]
