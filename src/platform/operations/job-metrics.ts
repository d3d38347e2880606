import { shareQuestion } from '../db/replica.ts'
import { counter, gauge, type Metric } from '../metric.ts'
import { inTime } from './in-time.ts'

/** How a background job stands, in the database: the same for all processes. */
export interface JobStanding {
  readonly name: string
  readonly runs: number
  /** Since its last run that succeeded. */
  readonly failures: number
  readonly duration_ms: number | null
  /** How long it has been due; 0 when it is not. */
  readonly late_seconds: number
}

/** @param read asks the database */
export function jobMetrics(read: () => Promise<JobStanding[]>): Metric[] {
  const jobs = shareQuestion(() => inTime(read()))
  const of = (value: (job: JobStanding) => number | null) => async () =>
    (await jobs()).flatMap((job) => {
      const found = value(job)
      return found === null ? [] : [{ labels: { job_name: job.name }, value: found }]
    })
  return [
    // `job` itself is the label of Prometheus for who was asked.
    counter(
      'muster_job_runs_total',
      'Runs of each background job, of all processes.',
      of(({ runs }) => runs),
      ['job_name'],
    ),
    gauge(
      'muster_job_failures',
      'Failures since the last run that succeeded.',
      of(({ failures }) => failures),
      ['job_name'],
    ),
    gauge(
      'muster_job_late_seconds',
      'How long a job has been due and did not run.',
      of((job) => job.late_seconds),
      ['job_name'],
    ),
    gauge(
      'muster_job_duration_seconds',
      'How long the last run took that succeeded.',
      of((job) => job.duration_ms && job.duration_ms / 1000),
      ['job_name'],
    ),
  ]
}
