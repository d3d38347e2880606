import { NAME_SESSION } from './identity.ts'

/** A statement that calls one function of the database as a caller: see `Sessions.call`. */
export interface FunctionCall {
  /** Its first three parameters are role, claims and what the session is called (see `sessionName`). */
  readonly text: string
  /** It changes nothing, so a replica can do it. */
  readonly onlyReads?: boolean
}

const IDENTITY = `set_config('role', $1, true) as role, set_config('request.jwt.claims', $2, true) as claims,
             ${NAME_SESSION('$3')} as session_name`
/** The number of the first parameter after those. */
const FIRST = 4

/**
 * The call of a function, written once: it is the same text each time, so a connection prepares it once.
 *
 * Role and claims are set in `from`, before the function is called in `select`, and are gone when the statement has ended:
 * there is no transaction that could be left open, and no statement but this one that has them. `offset 0` keeps the two apart,
 * and the function from being called once for each of its values.
 *
 * @param name with its schema; `authenticated` and `muster_api` may execute it
 * @param parameters their names, in the order of the values that a call gives
 * @param values what is wanted of the answer, by the name that it gets: `answer` is what the function returned, and
 *        `(answer).items` one of several values
 */
export function functionCall(
  name: string,
  parameters: readonly string[],
  values: Readonly<Record<string, string>>,
): FunctionCall {
  const given = parameters.map((parameter, nth) => `${parameter} => $${nth + FIRST}`).join(', ')
  const wanted = Object.entries(values).map(([as, value]) => `${value} as ${as}`)
  return {
    text: `
      select ${wanted.join(', ')}
      from (
        select ${name}(${given}) as answer
        from ${IDENTITY}
        offset 0
      ) as called`,
  }
}

/** As `functionCall`, of a function that changes nothing: with a replica it is called there. */
export const readingCall = (...of: Parameters<typeof functionCall>): FunctionCall => ({
  ...functionCall(...of),
  onlyReads: true,
})

/** A call of a function that changes something and answers with JSON: see `FunctionCaller.perform`. */
export interface Action {
  readonly plain: FunctionCall
  /** Under an idempotency key, which with the hash of the request comes before the function's own parameters. */
  readonly once: FunctionCall
}

/**
 * The call of a function that changes something, written once, as `functionCall`; the answer is its JSON as text. With a key, the
 * same statement claims it, does the work only when the key is new, and keeps the answer: `coalesce` goes from left to right.
 *
 * @param name with its schema; `authenticated` and `muster_api` may execute it
 * @param parameters their names, in the order of the values that a call gives
 * @param options `needsKey: false` for what is harmless to do again: it is done without the key when the caller has too many
 */
export function action(
  name: string,
  parameters: readonly string[],
  { needsKey = true }: { needsKey?: boolean } = {},
): Action {
  const given = parameters.map((parameter, nth) => `${parameter} => $${nth + FIRST + 2}`).join(', ')
  return {
    plain: functionCall(name, parameters, { answer: 'answer::text' }),
    once: {
      text: `
        select coalesce(claimed.answer, muster.keep_idempotent_response($4, ${name}(${given})::text)) as answer
        from (
          select muster.claim_idempotency_key($4, $5, ${needsKey}) as answer
          from ${IDENTITY}
          offset 0
        ) as claimed`,
    },
  }
}
