import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/engine/database.ts'
import { asService } from '../db/identity.ts'

/** How long an answer is kept for its Idempotency-Key: a phone that was off for a night still gets it. */
export const IDEMPOTENCY_KEY_LIFETIME = '24 hours'
/** How often the background work is done. It is a delete by index: doing it rarely only makes it longer. */
const INTERVAL_MS = 60 * 60 * 1000
/** After a failure it is tried again sooner, and then ever later, up to the interval. */
const FIRST_RETRY_MS = 5_000

export interface WorkerLog {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

/**
 * Does the background work until `signal` aborts: as `service_role`, on a login of its own. The first failure of a streak is
 * logged, and its end.
 */
export async function runWorker(database: Database, log: WorkerLog, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await forgetIdempotencyKeys(database)
      await forgetDepartedRows(database)
      if (failures > 0) log.info({ failures }, 'background work goes on')
      failures = 0
    } catch (error) {
      if (failures === 0)
        log.warn({ reason: error instanceof Error ? error.name : 'unknown' }, 'background work failed')
      failures += 1
    }
    const pauseMs = failures === 0 ? INTERVAL_MS : Math.min(INTERVAL_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(ignoreAbort)
  }
}

/** @returns how many were forgotten */
export async function forgetIdempotencyKeys(database: Database): Promise<number> {
  return asService(database, async (tx) => {
    const [row] = await tx.query<{ forgotten: number }>(
      'select muster.forget_idempotency_keys($1::interval)::int as forgotten',
      [IDEMPOTENCY_KEY_LIFETIME],
    )
    return row!.forgotten
  })
}

/** Rows that left somebody's view, once no watermark is old enough to ask for them. @returns how many were forgotten */
export async function forgetDepartedRows(database: Database): Promise<number> {
  return asService(database, async (tx) => {
    const [row] = await tx.query<{ forgotten: number }>(
      'select muster.forget_departed_rows()::int as forgotten',
    )
    return row!.forgotten
  })
}

/** The pause ends early when the worker is stopped; anything else is a mistake. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
