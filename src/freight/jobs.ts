import { callOf, type Job, reportJob } from '../platform/jobs/job.ts'

/** A report reads all statements that there ever were. */
const REPORT_TIMEOUT_MS = 300_000

/** Background work of freight; the functions are in `supabase/schemas/freight/`. */
export const jobs: readonly Job[] = [
  {
    name: 'freight.warn_of_expiring_driver_documents',
    description: 'Notifies drivers and the office 30, 7 and 1 days before a verified document ends.',
    // In the morning of North America: a notification that wakes people at night is turned off.
    schedule: { dailyAt: '13:00' },
    timeoutMs: 60_000,
    run: callOf('muster.warn_of_expiring_driver_documents()'),
  },
  reportJob('freight', 'driver_earnings_summary', {
    schedule: { every: '1 hour' },
    timeoutMs: REPORT_TIMEOUT_MS,
  }),
]
