import { callOf, type Job } from '../platform/jobs/job.ts'

/** Background work of guarding; the functions are in `supabase/schemas/guarding/warnings.sql`. */
export const jobs: readonly Job[] = [
  {
    name: 'guarding.warn_of_expiring_certificates',
    description: 'Notifies guards 30, 7 and 1 days before a verified certificate expires.',
    // In the morning of Europe: a notification that wakes people at night is turned off.
    schedule: { dailyAt: '06:00' },
    timeoutMs: 60_000,
    run: callOf('muster.warn_of_expiring_certificates()'),
  },
  {
    name: 'guarding.warn_of_stale_payments',
    description: 'Notifies admins, once a week, of payments that have been waiting too long.',
    schedule: { dailyAt: '06:10' },
    timeoutMs: 60_000,
    run: callOf('muster.warn_of_stale_payments()'),
  },
]
