import { callOf, type Job } from './job.ts'

/** How long the response for an Idempotency-Key is stored: a phone that was off for a night still gets it. */
const IDEMPOTENCY_KEY_LIFETIME = '24 hours'

/** What the platform itself has to do. */
export const PLATFORM_JOBS: readonly Job[] = [
  {
    name: 'platform.forget_idempotency_keys',
    description: `Deletes the answers for Idempotency-Keys after ${IDEMPOTENCY_KEY_LIFETIME}.`,
    // It deletes by index, so a longer interval only makes each run longer.
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf(`muster.forget_idempotency_keys('${IDEMPOTENCY_KEY_LIFETIME}')`),
  },
  {
    name: 'platform.forget_departed_rows',
    description: "Deletes departures (rows that left somebody's view) that no valid watermark can ask for.",
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf('muster.forget_departed_rows()'),
  },
  {
    name: 'platform.tidy_sign_in',
    description: 'Deletes sessions, links and codes of sign-in that have expired.',
    // They are refused as soon as they expire; this is about room alone.
    schedule: { every: '1 hour' },
    timeoutMs: 60_000,
    run: callOf('muster.tidy_sign_in()'),
  },
  {
    name: 'platform.sample_sizes',
    description: 'Notes the size of each table, from which npm run db:health tells the growth.',
    // One sample a day is kept: this often, a day on which the service was down at some hour has one all the same.
    schedule: { every: '6 hours' },
    timeoutMs: 60_000,
    run: callOf('muster.sample_sizes()'),
  },
]
