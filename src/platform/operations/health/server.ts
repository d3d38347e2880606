import { listBackups } from '../backup/manifest.ts'
import {
  bytes,
  type Check,
  duration,
  finding,
  isNotMigrated,
  levelOf,
  list,
  NotKnown,
  one,
  percent,
  requireServer,
  requireStatisticsRight,
  worst,
} from './finding.ts'

/** Transaction ids, of which half are the past: a server stops to write before it runs out of them. */
const TRANSACTION_IDS = 2 ** 31

/** The position of the log: of a standby, as far as it was replayed. */
const POSITION = 'case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end'

/** What the server does by itself, and what of it is kept elsewhere. */
export const SERVER_CHECKS: readonly Check[] = [
  {
    name: 'slots',
    async examine(context) {
      requireServer(context)
      const slots = await context.database.query<{
        slot: string
        active: boolean
        wal_status: string | null
        kept: number
      }>(
        `select slot_name as slot, active, wal_status,
           coalesce(pg_wal_lsn_diff(${POSITION}, restart_lsn), 0)::float8 as kept
         from pg_replication_slots order by kept desc`,
      )
      const levels = slots.map((slot) =>
        slot.wal_status === 'lost' || slot.wal_status === 'unreserved'
          ? 'bad'
          : levelOf(slot.kept, context.thresholds.slotBytes),
      )
      const notable = slots.filter((_, nth) => levels[nth] !== 'good')
      return finding(
        worst(levels),
        notable.length === 0
          ? `${slots.length} replication ${slots.length === 1 ? 'slot' : 'slots'}, none keeps much of the log`
          : list(
              notable.map(
                ({ slot, kept, active, wal_status }) =>
                  `${slot} keeps ${bytes(kept)} of the log (${active ? 'in use' : 'nobody uses it'}, ${wal_status ?? 'unknown'})`,
              ),
            ),
        "Start its consumer again, or drop it: select pg_drop_replication_slot('<slot>'). Set max_slot_wal_keep_size, so that no slot can fill the disk.",
      )
    },
  },
  {
    name: 'replicas',
    async examine(context) {
      requireServer(context)
      await requireStatisticsRight(context)
      const standbys = await context.database.query<{
        standby: string
        state: string
        behind: number | null
      }>(
        `select format('%s (%s)', coalesce(nullif(application_name, ''), 'no name'), coalesce(client_addr::text, 'local')) as standby,
           state, pg_wal_lsn_diff(${POSITION}, replay_lsn)::float8 as behind
         from pg_stat_replication where state <> 'backup' and not exists (
           select from pg_replication_slots s where s.active_pid = pid and s.slot_type = 'logical'
         ) order by behind desc nulls last`,
      )
      const { missing } = await one<{ missing: boolean }>(
        context.database,
        `select current_setting('synchronous_standby_names') <> ''
           and not exists (select from pg_stat_replication where sync_state in ('sync', 'quorum')) as missing`,
      )
      const level = worst([
        ...standbys.map(({ behind }) => levelOf(behind ?? 0, context.thresholds.replicaBytes)),
        missing ? 'bad' : 'good',
      ])
      const text = standbys.map(
        ({ standby, state, behind }) =>
          `${standby} ${state}, ${behind === null ? 'position unknown' : `${bytes(behind)} behind`}`,
      )
      return finding(
        level,
        missing
          ? 'synchronous_standby_names is set, and no synchronous standby is connected: commits wait'
          : standbys.length === 0
            ? 'no standby is connected'
            : list(text),
        'See the log of the standby: its disk, its network, or a query there that replay waits for (max_standby_streaming_delay).',
      )
    },
  },
  {
    name: 'autovacuum',
    async examine(context) {
      if (context.database.kind === 'embedded')
        return finding(
          'warning',
          'the embedded engine has no autovacuum',
          'Stop the service and run npm run db:vacuum once a week.',
        )
      const { on } = await one<{ on: boolean }>(
        context.database,
        `select current_setting('autovacuum')::bool and current_setting('track_counts')::bool as on`,
      )
      const off = await context.database.query<{ relation: string }>(
        `select c.oid::regclass::text as relation from pg_class c
         where c.relkind in ('r', 'm', 't') and c.reloptions && array['autovacuum_enabled=false', 'autovacuum_enabled=off']`,
      )
      return finding(
        on ? (off.length > 0 ? 'warning' : 'good') : 'bad',
        on
          ? off.length === 0
            ? 'on, for every table'
            : `off for ${list(off.map(({ relation }) => relation))}`
          : 'off: tables grow, plans get worse, and at last the server stops to write',
        'alter system set autovacuum = on (and track_counts = on), then select pg_reload_conf(); alter table … reset (autovacuum_enabled).',
      )
    },
  },
  {
    name: 'autovacuum_behind',
    async examine(context) {
      requireServer(context)
      const tables = await context.database.query<{ relation: string; times: number }>(
        `select format('%s.%s', s.schemaname, s.relname) as relation, s.n_dead_tup / greatest(1, (
             coalesce(o.own_threshold, current_setting('autovacuum_vacuum_threshold')::float8)
             + coalesce(o.own_scale, current_setting('autovacuum_vacuum_scale_factor')::float8) * greatest(c.reltuples, 0)
           ))::float8 as times
         from pg_stat_user_tables s
         join pg_class c on c.oid = s.relid
         cross join lateral (
           select max(option_value::float8) filter (where option_name = 'autovacuum_vacuum_threshold') as own_threshold,
             max(option_value::float8) filter (where option_name = 'autovacuum_vacuum_scale_factor') as own_scale
           from pg_options_to_table(c.reloptions)
         ) o
         where s.n_dead_tup >= $1
         order by times desc`,
        [context.thresholds.deadRowsFrom],
      )
      const { autovacuumBehind } = context.thresholds
      const late = tables.filter(({ times }) => times >= autovacuumBehind.warning)
      return finding(
        levelOf(tables[0]?.times ?? 0, autovacuumBehind),
        late.length === 0
          ? 'it keeps up'
          : list(
              late.map((t) => `${t.relation}: ${t.times.toFixed(1)} times the dead rows at which it starts`),
            ),
        'npm run db:vacuum now. Then look for an old transaction or slot that keeps the rows, or let it work more: autovacuum_vacuum_cost_limit = 2000, autovacuum_max_workers = 5.',
      )
    },
  },
  {
    name: 'wraparound',
    async examine({ database, thresholds }) {
      const { name, age } = await one<{ name: string; age: number }>(
        database,
        `select datname as name, greatest(age(datfrozenxid), mxid_age(datminmxid))::float8 as age
         from pg_database order by age desc limit 1`,
      )
      const ratio = age / TRANSACTION_IDS
      return finding(
        levelOf(ratio, thresholds.wraparound),
        `${percent(ratio)} of the transaction ids used since the oldest row was frozen (database ${name})`,
        'npm run db:vacuum -- --freeze in that database. Look for an old transaction, a prepared transaction or a slot that holds the horizon back.',
      )
    },
  },
  {
    name: 'archive',
    async examine(context) {
      requireServer(context)
      const { mode, failing } = await one<{ mode: string; failing: number | null }>(
        context.database,
        `select current_setting('archive_mode') as mode,
           case when last_failed_time > coalesce(last_archived_time, '-infinity')
             then extract(epoch from clock_timestamp() - coalesce(last_archived_time, stats_reset, last_failed_time))::float8
           end as failing
         from pg_stat_archiver`,
      )
      if (mode === 'off')
        return finding(
          'warning',
          'off: what was written since the newest backup would be lost',
          'Archive the log for point-in-time recovery: see docs/operations.md.',
        )
      return finding(
        failing === null ? 'good' : levelOf(failing, context.thresholds.archiveFailingSeconds),
        failing === null ? 'the log is archived' : `has been failing for ${duration(failing)}`,
        'See the log of the server for the output of archive_command. The disk fills until it succeeds.',
      )
    },
  },
  {
    name: 'jobs',
    async examine({ database, thresholds }) {
      // Where nobody but this command can have the database open, nothing could run meanwhile.
      const late = database.kind === 'server' ? 'greatest(0, extract(epoch from now() - next_run_at))' : '0'
      const jobs = await database
        .query<{ name: string; late: number; failures: number; last_error: string | null }>(
          `select name, ${late}::float8 as late, failures, last_error from muster.jobs order by failures desc, late desc`,
        )
        .catch((error: unknown) => {
          if (isNotMigrated(error))
            throw new NotKnown('the database has no table of jobs: npm run db:migrate')
          throw error
        })
      if (jobs.length === 0) throw new NotKnown('the service has not registered its jobs yet')
      const levelOfJob = (job: (typeof jobs)[number]) =>
        worst([levelOf(job.failures, thresholds.jobFailures), levelOf(job.late, thresholds.jobLateSeconds)])
      const notable = jobs.filter((job) => levelOfJob(job) !== 'good')
      return finding(
        worst(jobs.map(levelOfJob)),
        notable.length === 0
          ? `${jobs.length} jobs, none is late or fails`
          : list(
              notable.map(({ name, late, failures, last_error }) =>
                failures > 0
                  ? `${name} failed ${failures} times (${last_error})`
                  : `${name} is ${duration(late)} late`,
              ),
            ),
        'See the log of the service. A late job means that no process of the service runs, or that muster_jobs_<oid of the database> cannot log in.',
      )
    },
  },
  {
    name: 'backup',
    async examine({ database, thresholds, backupDir }) {
      const archived =
        database.kind === 'server' &&
        (await one<{ on: boolean }>(database, `select current_setting('archive_mode') <> 'off' as on`)).on
      const backup = (await listBackups(backupDir)).at(-1)
      if (!backup)
        return finding(
          'bad',
          `there is no backup in ${backupDir}`,
          'npm run db:backup, and let cron run it. Where another program makes the backups, watch it by its own means (pgbackrest check).',
        )
      const age = (Date.now() - Date.parse(backup.createdAt)) / 1000
      return finding(
        levelOf(age, archived ? thresholds.backupSecondsArchived : thresholds.backupSeconds),
        `${duration(age)} old: ${backup.file}`,
        'npm run db:backup, and let cron run it; archive the log where less may be lost (docs/operations.md).',
      )
    },
  },
]
