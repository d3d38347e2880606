import { callOf, type Job } from '../platform/jobs/job.ts'

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
]
