/** A statement that calls one function of the database as a caller: see `Sessions.call`. */
export interface FunctionCall {
  /** Its first two parameters are role and claims. */
  readonly text: string
}

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
  const given = parameters.map((parameter, nth) => `${parameter} => $${nth + 3}`).join(', ')
  const wanted = Object.entries(values).map(([as, value]) => `${value} as ${as}`)
  return {
    text: `
      select ${wanted.join(', ')}
      from (
        select ${name}(${given}) as answer
        from set_config('role', $1, true) as role, set_config('request.jwt.claims', $2, true) as claims
        offset 0
      ) as called`,
  }
}
