import { issueToken } from '../src/platform/auth/issue.ts'
import { JWT_SECRET } from './processes.ts'

/** Kinds of ids of the data set (`bench_id` in dataset.ts). */
const KINDS = {
  tenant: 't',
  guard: 'b',
  planner: 'a',
  professional: 'e',
  company: 'c',
  location: 'f',
  shift: 's',
} as const

/** The same as the data set's function of this name: the letter of a kind and a number. */
export function benchId(kind: keyof typeof KINDS, nth: number): string {
  const letter = KINDS[kind].charCodeAt(0).toString(16).padStart(8, '0')
  return `${letter}-0000-7000-8000-${nth.toString(16).padStart(12, '0')}`
}

/** Number of the open shifts' ids, and of those that are under way: see `shiftsSelect` in dataset.ts. */
export const FIRST_ACTIVE_SHIFT = 30_000_000

export interface CallerToken {
  nth: number
  userId: string
  authorization: string
}

/** Tokens of the guards or planners number 1 to `count`. */
export function tokensOf(kind: 'guard' | 'planner', count: number): Promise<CallerToken[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const userId = benchId(kind, index + 1)
      const token = await issueToken(JWT_SECRET, {
        sub: userId,
        email: `${kind}${index + 1}@example.com`,
        audience: 'authenticated',
      })
      return { nth: index + 1, userId, authorization: `Bearer ${token}` }
    }),
  )
}
