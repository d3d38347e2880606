import { callOf, type Job, reportJob } from '../platform/jobs/job.ts'
import { sendPayouts } from './payouts/worker.ts'

/** A guard who is late is missed at the door: the planner learns of it within a minute. */
const ATTENDANCE = '1 minute'

/** A report reads all hours that there ever were. */
const REPORT_TIMEOUT_MS = 300_000

/** Background work of guarding; the functions are in `supabase/schemas/guarding/`. */
export const jobs: readonly Job[] = [
  {
    name: 'guarding.flag_late_shifts',
    description: 'Flags assigned shifts whose guard has not clocked in in time, and notifies both sides.',
    schedule: { every: ATTENDANCE },
    timeoutMs: 60_000,
    run: callOf('muster.flag_late_shifts()'),
  },
  {
    name: 'guarding.close_missed_shifts',
    description: 'Moves assigned shifts that are over to no_show, and notifies both sides.',
    schedule: { every: ATTENDANCE },
    timeoutMs: 60_000,
    run: callOf('muster.close_missed_shifts()'),
  },
  {
    name: 'guarding.close_left_shifts',
    description: 'Completes active shifts that nobody left, at their planned end.',
    schedule: { every: ATTENDANCE },
    timeoutMs: 60_000,
    run: callOf('muster.close_left_shifts()'),
  },
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
  {
    name: 'guarding.open_pay_periods',
    description: 'Makes the pay periods of companies that have begun.',
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf('muster.open_pay_periods()'),
  },
  reportJob('guarding', 'professional_earnings_summary', {
    schedule: { every: '1 hour' },
    timeoutMs: REPORT_TIMEOUT_MS,
  }),
  reportJob('guarding', 'company_hours_summary', {
    schedule: { every: '1 hour' },
    timeoutMs: REPORT_TIMEOUT_MS,
  }),
  {
    name: 'guarding.send_payouts',
    description: 'Sends payouts to the payment provider, and asks it what became of those on their way.',
    // Each time somebody looks: what is due was said by the outbox.
    schedule: { every: '10 seconds' },
    timeoutMs: 10_000,
    runOutside: sendPayouts,
  },
]
