import { z } from 'zod'
import { CODES, type Code, type ProblemCode, RETRIES } from '../errors/codes.ts'

/** Of a problem, and of a refused item of a batch. */
export const retry = z.enum(RETRIES).meta({
  id: 'Retry',
  description:
    'Whether to send the very same again. `never`: it is refused for as long as it is the same. `later`: nothing is wrong with it; after `Retry-After`, or when its `code` says. `after_change`: when somebody has changed what the `code` names.',
})

/** The codes with what a program does about them. */
function codesForPrograms(): Record<string, Omit<ProblemCode, 'sqlstate'>> {
  return Object.fromEntries(
    Object.entries<ProblemCode>(CODES).map(([code, { sqlstate: _, ...others }]) => [code, others]),
  )
}

/** RFC 9457. */
export const problemBody = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(CODES) as [Code, ...Code[]]).meta({ 'x-codes': codesForPrograms() }),
    retry,
    instance: z.string().optional().meta({ description: 'The id of the request, as in the log.' }),
    subject: z.string().optional().meta({ description: 'What it is about: a field, a kind of certificate.' }),
    errors: z
      .array(z.strictObject({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each wrong field, by JSON Pointer (RFC 6901).' }),
  })
  .meta({ id: 'Problem' })

/** Every route under /v1 can answer with these. */
const EVERYWHERE: Code[] = ['validation_failed', 'unauthenticated', 'not_registered', 'rate_limited', 'busy']

/** The problem responses of a route, for its schema: one entry per status, naming the codes. */
export function problems(...codes: Code[]) {
  const byStatus = new Map<number, Code[]>()
  for (const code of new Set([...EVERYWHERE, ...codes])) {
    const { status } = CODES[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, listed]) => [
      status,
      {
        description: listed.map((code) => `\`${code}\`: ${CODES[code].title}`).join('\n\n'),
        content: { 'application/problem+json': { schema: problemBody } },
      },
    ]),
  )
}
