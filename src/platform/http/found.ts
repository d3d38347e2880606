import { Problem } from './problem.ts'

/** @throws Problem `not_found` when there is nothing: also for rows that the caller may not see. */
export function found<T>(result: T | undefined | false | null): T {
  if (result === undefined || result === null || result === false) throw new Problem('not_found')
  return result
}

/**
 * For a row that a write did not reach: policies leave out what the caller may not write without an error.
 *
 * @throws Problem `forbidden` when the caller sees the row, and may therefore know that it is there.
 */
export function forbidIfVisible(row: unknown): void {
  if (row !== undefined) throw new Problem('forbidden')
}
