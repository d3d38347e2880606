import { z } from 'zod'
import { CODES, type Code, listCodes, type ProblemCode, RETRIES } from './codes.ts'

/** The member `retry` of a problem, and of a rejected item of a batch. */
export const retry = z.enum(RETRIES).meta({
  id: 'Retry',
  description:
    'Whether the client can send the same request again. `never`: the request itself is wrong, and every repetition is refused. `later`: the request is fine; send it again after `Retry-After`, or when its `code` says. `after_change`: send it again once somebody has changed what the `code` names.',
})

/** The codes in the form that programs read: without the SQLSTATE. */
const codesForPrograms = (): Record<string, Pick<ProblemCode, 'status' | 'title' | 'retry' | 'when'>> =>
  Object.fromEntries(
    listCodes().map(([code, { status, title, retry, when }]) => [
      code,
      { status, title, retry, ...(when && { when }) },
    ]),
  )

export const fieldErrors = z.array(z.strictObject({ pointer: z.string(), message: z.string() }))

/** RFC 9457. */
const makeProblemBody = () =>
  z
    .strictObject({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.enum(listCodes().map(([code]) => code)).meta({ 'x-codes': codesForPrograms() }),
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

let made: ReturnType<typeof makeProblemBody> | undefined

/** Made with the first route, which is when all modules have registered their codes. */
export function problemBody(): ReturnType<typeof makeProblemBody> {
  made ??= makeProblemBody()
  return made
}

/** Codes that every route under /v1 can answer with; `outcome_unknown`, each that changes something. */
const EVERYWHERE: Code[] = [
  ...(['validation_failed', 'unauthenticated', 'not_registered', 'rate_limited'] as const),
  ...(['busy', 'outcome_unknown'] as const),
]

/** The problem responses of a route, for its schema: one entry per status, naming the codes. */
export function problems(...codes: Code[]) {
  const byStatus = Map.groupBy(new Set([...EVERYWHERE, ...codes]), (code) => CODES[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, listed]) => [
      status,
      {
        description: describeCodes(listed),
        content: {
          'application/problem+json': { schema: z.intersection(problemBody(), oneOfCodes(listed)) },
        },
      },
    ]),
  )
}

export const describeCodes = (codes: readonly Code[]): string =>
  codes.map((code) => `\`${code}\`: ${CODES[code].title}`).join('\n\n')

/** Lists the codes of an operation under a status, so that generated types know them. */
const oneOfCodes = (codes: Code[]) =>
  z.looseObject({ code: z.enum(codes) }).meta({ additionalProperties: undefined })
