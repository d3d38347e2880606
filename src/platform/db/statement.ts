import { fillPlaceholders, PgDialect, Placeholder, type SQLWrapper, sql } from './drizzle.ts'
import type { Parameter, Statement } from './engine/database.ts'

const dialect = new PgDialect()

/** A statement that gives rows of `T` as JSON. The type is for the compiler alone: there is no such member. */
export interface RowsStatement<T> extends Statement {
  readonly rowType?: T
}

export function render(query: SQLWrapper): Statement {
  const { sql: text, params } = dialect.sqlToQuery(query.getSQL())
  return { text, parameters: params as Parameter[] }
}

/** The rows of a query as JSON, in its order: one row with one column, `rows`. */
export const asRows = (query: SQLWrapper): SQLWrapper =>
  sql`with answer as (${query.getSQL()}) select coalesce(json_agg(answer), '[]') as rows from answer`

/** The same as text, which nobody here reads: see `Session.rowsText`. */
export const asRowsText = (query: SQLWrapper): SQLWrapper =>
  sql`with answer as (${query.getSQL()}) select coalesce(json_agg(answer), '[]')::text as rows from answer`

/** A statement that gives rows of `T` as the text of their JSON. The type is for the compiler alone: there is no such member. */
export interface RowsTextStatement<T> extends Statement {
  readonly rowTypeOfText?: T
}

/** Stands for each value that is given; undefined for those that are not. */
export type Given<Values> = {
  readonly [name in keyof Values]: Placeholder | (undefined extends Values[name] ? undefined : never)
}

/**
 * A query whose text follows from which values are given, and not from what they are: it is written once for each choice of them,
 * and kept. Building and spelling the query of a page of shifts took two thirds of the CPU time of its request.
 *
 * @param write the query; it is called once for each choice
 * @returns for `Session.rows` and `Session.row`
 */
export function writtenOnce<Values extends { [name in keyof Values]?: Parameter | undefined }, T = unknown>(
  write: (given: Given<Values>) => SQLWrapper,
): (values: Values) => RowsStatement<T> {
  return keepWritten((given: Given<Values>) => asRows(write(given)))
}

/** As `writtenOnce`, for `Session.rowsText`. */
export function textWrittenOnce<
  Values extends { [name in keyof Values]?: Parameter | undefined },
  T = unknown,
>(write: (given: Given<Values>) => SQLWrapper): (values: Values) => RowsTextStatement<T> {
  return keepWritten((given: Given<Values>) => asRowsText(write(given)))
}

function keepWritten<Values extends { [name in keyof Values]?: Parameter | undefined }>(
  write: (given: Given<Values>) => SQLWrapper,
): (values: Values) => Statement {
  const known = new Map<string, { text: string; parameters: unknown[] }>()
  return (values) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined)
    const names = given.map(([name]) => name).sort()
    const choice = names.join()
    let written = known.get(choice)
    if (!written) {
      const placeholders = Object.fromEntries(names.map((name) => [name, new Placeholder(name)]))
      const { text, parameters } = render(write(placeholders as Given<Values>))
      written = { text, parameters: [...parameters] }
      known.set(choice, written)
    }
    return {
      text: written.text,
      parameters: fillPlaceholders(written.parameters, values) as Parameter[],
    }
  }
}
