import type { ProblemCode } from '../platform/http/codes.ts'

/** Their SQLSTATEs begin with MU4. So far what refuses is a constraint, a policy, or a rule of the platform. */
export const codes = {} as const satisfies Record<string, ProblemCode>
