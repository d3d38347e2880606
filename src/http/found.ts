import { Problem } from '../errors/problem.ts'

/** @throws Problem `not_found` when there is nothing: also for rows that the caller may not see. */
export function found<T>(result: T | undefined | false | null): T {
  if (result === undefined || result === null || result === false) throw new Problem('not_found')
  return result
}
