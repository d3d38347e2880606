import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/engine/database.ts'
import { asService } from '../db/identity.ts'

/** How long the response for an Idempotency-Key is stored: a phone that was off for a night still gets it. */
export const IDEMPOTENCY_KEY_LIFETIME = '24 hours'
/** How often the cleanup runs. It deletes by index, so a longer interval only makes each run longer. */
const INTERVAL_MS = 60 * 60 * 1000
/** Exponential backoff after a failure starts here, and ends at the interval. */
const FIRST_RETRY_MS = 5_000

export interface WorkerLog {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

/**
 * Runs the background work until `signal` aborts, as `service_role` on a login of its own. It retries with exponential backoff, and
 * logs the first failure and the end of each streak of failures.
 */
export async function runWorker(database: Database, log: WorkerLog, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await forgetIdempotencyKeys(database)
      await forgetDepartedRows(database)
      if (failures > 0)
        log.info(
          { failures },
          'background worker: the cleanup runs again after failures; back to hourly runs',
        )
      failures = 0
    } catch (error) {
      if (failures === 0)
        log.warn(
          { reason: error instanceof Error ? error.name : 'unknown' },
          'background worker: the cleanup failed; retrying with backoff',
        )
      failures += 1
    }
    const pauseMs = failures === 0 ? INTERVAL_MS : Math.min(INTERVAL_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(ignoreAbort)
  }
}

/** Deletes expired Idempotency-Keys. @returns the number deleted */
export async function forgetIdempotencyKeys(database: Database): Promise<number> {
  return asService(database, async (tx) => {
    const [row] = await tx.query<{ forgotten: number }>(
      'select muster.forget_idempotency_keys($1::interval)::int as forgotten',
      [IDEMPOTENCY_KEY_LIFETIME],
    )
    return row!.forgotten
  })
}

/** Deletes departures (rows that left somebody's view) that no valid watermark can ask for. @returns the number deleted */
export async function forgetDepartedRows(database: Database): Promise<number> {
  return asService(database, async (tx) => {
    const [row] = await tx.query<{ forgotten: number }>(
      'select muster.forget_departed_rows()::int as forgotten',
    )
    return row!.forgotten
  })
}

/** Stopping the worker aborts its pause; any other error is a bug. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
