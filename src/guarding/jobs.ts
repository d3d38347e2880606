import { callOf, type Job } from '../platform/jobs/job.ts'

/** Background work of guarding; the functions are in `supabase/schemas/guarding/`. */
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
  {
    name: 'guarding.make_missing_timesheets',
    description: 'Makes the timesheets of shifts that were over before timesheets were there.',
    // After an upgrade, and after rows were brought in past the triggers.
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf('muster.make_missing_timesheets()'),
  },
  {
    name: 'guarding.approve_agreed_hours',
    description: 'Approves hours that match the plan and that nobody disputed in time.',
    // What is due waited for days: an hour more costs nobody anything.
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf('muster.approve_agreed_hours()'),
  },
]
