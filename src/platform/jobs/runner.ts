import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config.ts'
import type { Database, Row, Transaction } from '../db/engine/database.ts'
import { readDatabaseError } from '../db/engine/database-error.ts'
import { asJobs, asService } from '../db/identity.ts'
import { Streak, type StreakLog } from '../streak.ts'
import type { DatabaseJob, Job, OutsideJob, Schedule } from './job.ts'

/*
 * Each process of the service runs this. A job's row is locked by the transaction that does its work and notes that it was done:
 * others skip it meanwhile, and find it done afterwards. The server drops lock and work together with the session of a process
 * that dies, so another process takes the job at once, and nothing is done by halves or twice.
 *
 * Work outside of the database (`OutsideJob`) holds no lock: who takes such a job puts the next run off first, so a process that dies
 * leaves it to whoever is next after the usual interval.
 */

/** How often a process looks for due jobs: one statement. A job is late by no more than this. */
const POLL_MS = 15_000
/** Exponential backoff after a failure starts here, and ends at the limit. */
const FIRST_RETRY = '5 seconds'
const LONGEST_RETRY = '1 hour'

/**
 * Runs due jobs until `signal` aborts, as `muster_jobs` on a login of its own. Logs the first failure and the end of each streak
 * of failures.
 */
export async function runJobs(
  database: Database,
  jobs: readonly Job[],
  log: StreakLog,
  signal: AbortSignal,
  config?: Config,
): Promise<void> {
  let isRegistered = false
  const reading = new Streak({
    log,
    failed: 'background work: due jobs cannot be read from the database; retrying',
    recovered: 'background work: the database answers again; due jobs run',
  })
  while (!signal.aborted) {
    try {
      if (!isRegistered) await registerJobs(database, jobs)
      isRegistered = true
      for (const job of await findDue(database, jobs)) await runJob(database, job, log, signal, config)
      reading.succeed()
    } catch (error) {
      if (signal.aborted) return
      reading.fail(reasonOf(error))
    }
    // With jitter, so that processes that started together do not ask together.
    await sleep(POLL_MS * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(ignoreAbort)
  }
}

/** What is declared gets a row, once; a row whose job is declared no more stays, and is never due to anybody. */
export async function registerJobs(database: Database, jobs: readonly Job[]): Promise<void> {
  await asJobs(database, async (tx) => {
    for (const { name, schedule } of jobs) {
      const first = 'every' in schedule ? 'now()' : nextRun(schedule)
      await tx.query(
        `insert into muster.jobs (name, next_run_at)
         select $1, ${first} where not exists (select from muster.jobs where name = $1)
         on conflict do nothing`,
        [name],
      )
    }
  })
}

async function findDue(database: Database, jobs: readonly Job[]): Promise<Job[]> {
  const due = await asJobs(
    database,
    (tx) =>
      tx.query<{ name: string }>(
        'select name from muster.jobs where next_run_at <= now() order by next_run_at',
      ),
    { readOnly: true },
  )
  return due.flatMap(({ name }) => jobs.find((job) => job.name === name) ?? [])
}

/**
 * Runs a job if it is due and nobody else runs it.
 *
 * @returns whether it did; a failure is noted and logged
 * @throws DatabaseUnavailable and the like, where it cannot be noted
 */
export async function runJob(
  database: Database,
  job: Job,
  log: StreakLog,
  signal: AbortSignal = new AbortController().signal,
  config?: Config,
): Promise<boolean> {
  try {
    return 'run' in job
      ? await runInTransaction(database, job, log, signal)
      : await runOutside(database, job, log, signal, config)
  } catch (error) {
    if (signal.aborted) return false
    await noteFailure(database, job, reasonOf(error), log)
    return true
  }
}

function runInTransaction(
  database: Database,
  job: DatabaseJob,
  log: StreakLog,
  signal: AbortSignal,
): Promise<boolean> {
  const start = performance.now()
  return asJobs(
    database,
    async (tx) => {
      const [taken] = await tx.query<{ failures: number }>(
        `select failures, set_config('statement_timeout', $2, true)
         from muster.jobs where name = $1 and next_run_at <= now() for update skip locked`,
        [job.name, String(job.timeoutMs)],
      )
      if (!taken) return false
      await noteSuccess(tx, job, await job.run(tx), start, nextRun(job.schedule))
      sayRecovered(job, taken.failures, log)
      return true
    },
    { signal },
  )
}

async function runOutside(
  database: Database,
  job: OutsideJob,
  log: StreakLog,
  signal: AbortSignal,
  config: Config | undefined,
): Promise<boolean> {
  const start = performance.now()
  const taken = await asJobs(database, async (tx) => {
    const [row] = await tx.query<{ failures: number }>(
      `update muster.jobs set next_run_at = ${nextRun(job.schedule)}
       where name = (select name from muster.jobs where name = $1 and next_run_at <= now() for update skip locked)
       returning failures`,
      [job.name],
    )
    return row
  })
  if (!taken) return false
  const done = await job.runOutside({
    transaction: (work) =>
      asJobs(database, async (tx) => {
        await tx.query("select set_config('statement_timeout', $1, true)", [String(job.timeoutMs)])
        return work(tx)
      }),
    config,
    log,
    signal,
  })
  // The next run is put off already, and may have been done by others meanwhile.
  await asJobs(database, (tx) => noteSuccess(tx, job, done, start, 'next_run_at'))
  sayRecovered(job, taken.failures, log)
  return true
}

/** @param next SQL for when the job is due again */
async function noteSuccess(
  tx: Transaction,
  { name }: Job,
  done: number,
  start: number,
  next: string,
): Promise<void> {
  await tx.query(
    `update muster.jobs
     set next_run_at = ${next}, finished_at = clock_timestamp(), duration_ms = $2, done = $3,
       runs = runs + 1, failures = 0, last_error = null
     where name = $1`,
    [name, Math.round(performance.now() - start), done],
  )
}

function sayRecovered({ name }: Job, failures: number, log: StreakLog): void {
  if (failures > 0)
    log.info({ job: name, failures }, 'background work: the job succeeds again after failures')
}

async function noteFailure(database: Database, { name }: Job, reason: string, log: StreakLog): Promise<void> {
  const [noted] = await asJobs(database, (tx) =>
    tx.query<{ failures: number; retry_seconds: number }>(
      `update muster.jobs
       set failures = failures + 1, last_error = $2, next_run_at = clock_timestamp()
         + least(interval '${LONGEST_RETRY}', interval '${FIRST_RETRY}' * power(2, least(failures, 20)))
       where name = $1 returning failures, extract(epoch from next_run_at - clock_timestamp())::int as retry_seconds`,
      [name, reason],
    ),
  )
  if (noted?.failures === 1)
    log.warn(
      { job: name, reason, retry_seconds: noted.retry_seconds },
      'background work: the job failed, and what it had not committed was rolled back; retrying with backoff',
    )
}

/** SQL for the time after now at which a job is due again. Its parts are constants of the code. */
function nextRun(schedule: Schedule): string {
  if ('every' in schedule) return `now() + interval '${schedule.every}'`
  const today = `date_trunc('day', now() at time zone 'UTC') + time '${schedule.dailyAt}'`
  return `(${today} + case when ${today} <= now() at time zone 'UTC' then interval '1 day' else interval '0' end) at time zone 'UTC'`
}

/** Of an error only its SQLSTATE or name: a message can quote data. */
const reasonOf = (error: unknown): string =>
  readDatabaseError(error)?.sqlstate ?? (error instanceof Error ? error.name : 'unknown')

/** Stopping aborts the pause; any other error is a bug. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}

export interface JobState extends Row {
  name: string
  next_run_at: string
  finished_at: string | null
  duration_ms: number | null
  done: number | null
  runs: number
  failures: number
  last_error: string | null
  /** How long it has been due; 0 when it is not. */
  late_seconds: number
}

/** How each job stands, for `npm run jobs` and metrics. */
export const jobStates = (database: Database): Promise<JobState[]> =>
  asService(
    database,
    (tx) =>
      tx.query<JobState>(
        `select name, to_json(next_run_at) #>> '{}' as next_run_at, to_json(finished_at) #>> '{}' as finished_at,
           duration_ms, done::float8 as done, runs::float8 as runs, failures, last_error,
           greatest(0, extract(epoch from now() - next_run_at))::float8 as late_seconds
         from muster.jobs order by name`,
      ),
    { readOnly: true },
  )
