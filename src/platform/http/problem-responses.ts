import { z } from 'zod'
import { CODES, type Code, type ProblemCode, RETRIES } from './codes.ts'

/** The member `retry` of a problem, and of a rejected item of a batch. */
export const retry = z.enum(RETRIES).meta({
  id: 'Retry',
  description:
    'Whether the client can send the same request again. `never`: the request itself is wrong, and every repetition is refused. `later`: the request is fine; send it again after `Retry-After`, or when its `code` says. `after_change`: send it again once somebody has changed what the `code` names.',
})

/** The codes in the form that programs read: without the SQLSTATE. */
function codesForPrograms(): Record<string, Omit<ProblemCode, 'sqlstate'>> {
  return Object.fromEntries(
    Object.entries<ProblemCode>(CODES).map(([code, { sqlstate: _, ...others }]) => [code, others]),
  )
}

export const fieldErrors = z.array(z.strictObject({ pointer: z.string(), message: z.string() }))

/** RFC 9457. */
export const problemBody = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(CODES) as [Code, ...Code[]]).meta({ 'x-codes': codesForPrograms() }),
    retry,
    instance: z
      .string()
      .optional()
      .meta({ description: 'The id of the request, as it appears in the log of the service.' }),
    subject: z.string().optional().meta({
      description:
        'What the problem is about, where the code alone does not say it: a member of the request, a header, a kind of certificate, the name of a constraint, or the reason why a token is refused (`token_expired`).',
    }),
    errors: fieldErrors.optional().meta({
      description:
        'The invalid fields. `pointer` is a JSON Pointer (RFC 6901) into `/body`, `/querystring`, `/params` or `/headers`.',
    }),
  })
  .meta({ id: 'Problem' })

/** Codes that every route under /v1 can answer with. */
const EVERYWHERE: Code[] = ['validation_failed', 'unauthenticated', 'not_registered', 'rate_limited', 'busy']

/** The problem responses of a route, for its schema: one entry per status, naming the codes. */
export function problems(...codes: Code[]) {
  const byStatus = Map.groupBy(new Set([...EVERYWHERE, ...codes]), (code) => CODES[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, listed]) => [
      status,
      {
        description: describeCodes(listed),
        content: { 'application/problem+json': { schema: z.intersection(problemBody, oneOfCodes(listed)) } },
      },
    ]),
  )
}

export const describeCodes = (codes: readonly Code[]): string =>
  codes.map((code) => `\`${code}\`: ${CODES[code].title}`).join('\n\n')

/** Lists the codes of an operation under a status, so that generated types know them. */
const oneOfCodes = (codes: Code[]) =>
  z.looseObject({ code: z.enum(codes) }).meta({ additionalProperties: undefined })
