import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallerRole } from '../../auth/caller.ts'
import { type Database, DatabaseBusy, DatabaseUnavailable } from '../../db/engine/database.ts'
import { readDatabaseError } from '../../db/engine/database-error.ts'
import { readAs } from '../../db/identity.ts'
import type { PublishedTable } from '../feed/published-table.ts'
import { baseType, builtinName, type PgType, quoteIdentifier, typeSql } from '../pg-type.ts'
import { type ColumnTypes, type Filter, recordSource, toSql } from '../protocol/filter.ts'
import type { RowImage } from '../row-image.ts'
import type { Subscriber } from './change-router.ts'

/**
 * Asks the database, as the subscribers, what they see: `muster.visible_rows` (supabase/schemas/platform/visibility.sql). For tables
 * without a declared audience (`audiences.ts`).
 *
 * A row counts as seen where the change left it as it is by now, in the columns by which the policies decide: of an older
 * state nobody can be asked who saw it.
 *
 * A call takes one table, some of its rows, and many subscribers of one role, so that a burst of changes costs little more
 * than one change: overload makes batches larger instead of making a backlog.
 */

/** Batch size for one row: subscribers already checked are served while the database checks the next batch. */
const PARTS_PER_CONNECTION = 2
/** Fewer are not worth another connection: a call costs about as much as ten checks. */
const MIN_SUBSCRIBERS_PER_CALL = 25
/** A call is one statement under the statement timeout, and its claims are sent each time: up to 8 kB for each. */
const MAX_SUBSCRIBERS_PER_CALL = 500
/** Questions about filters in one statement. Each takes some parameters, of which a statement has 65,535. */
const MAX_QUESTIONS_PER_CALL = 200
/** How long one call waits for transactions to become visible, before the caller looks whether anybody still waits for it. */
export const PATIENCE = '1 second'
/** Pause before the database is asked again after the connection was lost. */
const RETRY_PAUSE_MS = 100
/** query_canceled: the statement timeout. */
const CANCELED = '57014'

export interface VisibilityOptions {
  /** As the login that can become the subscribers' roles, with connections of its own. */
  database: Database
  /** How many calls may run at once. */
  connections: number
  /** Told of each policy that failed: the SQLSTATE, never a value. */
  onFailure?(table: PublishedTable, sqlstate: string): void
}

/** A filter that only PostgreSQL can judge, on the values that a change brought. */
export interface Question {
  role: CallerRole
  filter: Filter
  columns: ColumnTypes
  image: RowImage
}

/** By subscriber, the positions (from 0) of the rows that it sees. */
export type Sight = ReadonlyMap<Subscriber, readonly number[]>

interface Statement {
  name: string
  text: string
  types: string
}

interface Call {
  statement: Statement
  parameters: readonly (string | null)[]
}

interface Statements {
  one: Statement
  many: Statement
}

export class Visibility {
  readonly #options: VisibilityOptions
  readonly #statements = new WeakMap<PublishedTable, Map<CallerRole, Statements>>()
  /** One per row and subscriber. */
  checks = 0
  failedChecks = 0

  constructor(options: VisibilityOptions) {
    this.#options = options
  }

  /**
   * Which rows each subscriber sees, in a snapshot that sees the transactions `xids`. Undefined once `dropped` aborts.
   *
   * @throws what the database says, except that it cannot be reached: then it is asked again until `dropped`.
   */
  async check(
    table: PublishedTable,
    rows: readonly RowImage[],
    subscribers: readonly Subscriber[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<Sight | undefined> {
    const sight = new Map<Subscriber, readonly number[]>()
    const isComplete = await this.checkInParts(table, rows, subscribers, xids, dropped, (part) => {
      for (const [subscriber, positions] of part) sight.set(subscriber, positions)
    })
    return isComplete ? sight : undefined
  }

  /**
   * As `check`, telling of each part of the subscribers as soon as the database has answered for it; of none once this has
   * resolved or thrown. False once `dropped` aborts.
   */
  async checkInParts(
    table: PublishedTable,
    rows: readonly RowImage[],
    subscribers: readonly Subscriber[],
    xids: readonly number[],
    dropped: AbortSignal,
    tell: (part: Sight) => void,
  ): Promise<boolean> {
    const parts = this.#options.connections * (rows.length === 1 ? PARTS_PER_CONNECTION : 1)
    const calls = this.#split(subscribers, parts).map((chunk) =>
      this.#checkChunk(table, this.#call(table, rows, chunk[0]!.role), chunk, xids, dropped, tell),
    )
    // All of them, whatever becomes of one: none may tell when the next change is under way.
    await Promise.allSettled(calls)
    this.checks += rows.length * subscribers.length
    return (await Promise.all(calls)).every(Boolean)
  }

  /** Waits until new snapshots see the transactions. False once `dropped` aborts. @throws as `check` */
  async awaitVisible(xids: readonly number[], dropped: AbortSignal): Promise<boolean> {
    if (xids.length === 0) return !dropped.aborted
    const row = await askUntilAnswered(dropped, async () => {
      const [answer] = await this.#options.database.query<{ visible: boolean }>(
        'select muster.await_xids($1::bigint[], $2::interval) as visible',
        [`{${xids.join(',')}}`, PATIENCE],
      )
      return answer?.visible || undefined
    })
    return row === true
  }

  /** Whether each filter matches, on the image that comes with it. One that fails on a value does not. @throws as `check` */
  async matches(questions: readonly Question[], dropped: AbortSignal): Promise<boolean[] | undefined> {
    const answers: boolean[] = new Array(questions.length).fill(false)
    const byRole = Map.groupBy(questions.keys(), (index) => questions[index]!.role)
    for (const [role, indexes] of byRole) {
      for (let at = 0; at < indexes.length; at += MAX_QUESTIONS_PER_CALL) {
        const part = indexes.slice(at, at + MAX_QUESTIONS_PER_CALL)
        const found = await this.#ask(
          role,
          part.map((index) => questions[index]!),
          dropped,
        )
        if (!found) return undefined
        for (const [n, index] of part.entries()) answers[index] = found[n]!
      }
    }
    return answers
  }

  /**
   * Some columns of the row as the subscriber sees it, as JSON text: for a change that does not bring them, because they are large
   * and were not touched. No columns, where the row is not seen. Undefined once `dropped` aborts. @throws as `check`
   */
  async readValues(
    table: PublishedTable,
    row: RowImage,
    columns: readonly string[],
    subscriber: Subscriber,
    dropped: AbortSignal,
  ): Promise<RowImage | undefined> {
    const key = keyOf(table)
    const values = columns.map((name) => `to_json(r.${quoteIdentifier(name)})::text`)
    const conditions = key.map(
      ({ name, type }, index) => `r.${quoteIdentifier(name)} = $${index + 1}::text::${typeSql(type)}`,
    )
    const text = `select array_to_json(array[${values.join(', ')}])::text as answer from ${tableSql(table)} as r where ${conditions.join(' and ')}`
    const parameters = key.map(({ name, type }) => keyText(row[name] ?? 'null', type))
    return askUntilAnswered(dropped, async () => {
      const image: RowImage = Object.create(null)
      try {
        const [found] = await readAs(this.#options.database, subscriber, (tx) =>
          tx.query<{ answer: string }>(text, parameters),
        )
        const present = found ? (JSON.parse(found.answer) as (string | null)[]) : []
        for (const [index, value] of present.entries()) image[columns[index]!] = value ?? 'null'
      } catch (error) {
        const state = readDatabaseError(error)?.sqlstate
        if (!state || isUnreachable(error)) throw error
        this.#noteFailure(table, state)
      }
      return image
    })
  }

  #call(table: PublishedTable, rows: readonly RowImage[], role: CallerRole): Call {
    const byRole = this.#statements.get(table) ?? new Map<CallerRole, Statements>()
    this.#statements.set(table, byRole)
    const statements = byRole.get(role) ?? statementsFor(table, role)
    byRole.set(role, statements)
    const columns: (string | null)[][] = [
      ...keyOf(table).map(({ name, type }) => rows.map((row) => keyText(row[name] ?? 'null', type))),
      ...comparedOf(table, role).map(({ name, type }) => rows.map((row) => comparedText(row[name], type))),
    ]
    return rows.length === 1
      ? { statement: statements.one, parameters: columns.map(([value]) => value ?? null) }
      : { statement: statements.many, parameters: columns.map(arrayLiteral) }
  }

  /** By role, and evenly. */
  #split(subscribers: readonly Subscriber[], parts: number): Subscriber[][] {
    const chunks: Subscriber[][] = []
    for (const group of Map.groupBy(subscribers, ({ role }) => role).values()) {
      const even = Math.ceil(group.length / parts)
      const size = Math.min(MAX_SUBSCRIBERS_PER_CALL, Math.max(MIN_SUBSCRIBERS_PER_CALL, even))
      for (let at = 0; at < group.length; at += size) chunks.push(group.slice(at, at + size))
    }
    return chunks
  }

  async #checkChunk(
    table: PublishedTable,
    call: Call,
    chunk: readonly Subscriber[],
    xids: readonly number[],
    dropped: AbortSignal,
    tell: (part: Sight) => void,
  ): Promise<boolean> {
    let answers: string[] | undefined
    try {
      answers = await askUntilAnswered(dropped, () => this.#visibleRows(call, chunk, xids))
    } catch (error) {
      if (readDatabaseError(error)?.sqlstate !== CANCELED) throw error
      // Somebody's policy takes too long, and nobody else is to pay for it.
      if (chunk.length === 1) {
        answers = [`!${CANCELED}`]
      } else {
        const half = Math.ceil(chunk.length / 2)
        const halves = [chunk.slice(0, half), chunk.slice(half)].map((part) =>
          this.#checkChunk(table, call, part, xids, dropped, tell),
        )
        await Promise.allSettled(halves)
        return (await Promise.all(halves)).every(Boolean)
      }
    }
    if (!answers || dropped.aborted) return false
    const given = answers
    tell(new Map(chunk.map((subscriber, index) => [subscriber, this.#positions(table, given[index] ?? '')])))
    return true
  }

  async #visibleRows(
    { statement: { name, text, types }, parameters }: Call,
    chunk: readonly Subscriber[],
    xids: readonly number[],
  ): Promise<string[] | undefined> {
    const [row] = await this.#options.database.query<{ answer: string | null }>(
      'select muster.visible_rows($1, $2, $3, $4::text[], $5, $6, $7::bigint[], $8::interval) as answer',
      [
        name,
        text,
        types,
        arrayLiteral(parameters),
        chunk[0]!.role,
        // In JSON a line break is white space between tokens.
        chunk.map(({ claims }) => claims.replaceAll('\n', ' ')).join('\n'),
        `{${xids.join(',')}}`,
        PATIENCE,
      ],
    )
    return row?.answer ? (JSON.parse(row.answer) as string[]) : undefined
  }

  #positions(table: PublishedTable, answer: string): readonly number[] {
    if (answer === '') return NOTHING
    if (answer.startsWith('!')) {
      this.#noteFailure(table, answer.slice(1))
      return NOTHING
    }
    return answer.split(',').map((position) => Number(position) - 1)
  }

  #noteFailure(table: PublishedTable, sqlstate: string): void {
    this.failedChecks += 1
    this.#options.onFailure?.(table, sqlstate)
  }

  async #ask(
    role: CallerRole,
    questions: readonly Question[],
    dropped: AbortSignal,
  ): Promise<boolean[] | undefined> {
    const parameters: string[] = []
    const tests = questions.map(({ filter, columns, image }) => {
      const source = recordSource(filter, columns, { firstParameter: parameters.length + 1 })
      const values = source.parameterFor(image)
      if (values === undefined) return 'false'
      parameters.push(values)
      const test = toSql(filter, columns, { firstParameter: parameters.length + 1 })
      parameters.push(...test.parameters)
      return `(select coalesce(${test.text}, false) from ${source.text})`
    })
    const text = `select array_to_json(array[${tests.join(', ')}])::text as answers`
    try {
      return await askUntilAnswered(dropped, () =>
        readAs(this.#options.database, { role }, async (tx) => {
          const [row] = await tx.query<{ answers: string }>(text, parameters)
          return JSON.parse(row!.answers) as boolean[]
        }),
      )
    } catch (error) {
      if (!readDatabaseError(error)) throw error
      // A value that the filter's operator cannot take: then one by one, and that one does not match.
      if (questions.length === 1) {
        this.failedChecks += 1
        return [false]
      }
      const answers: boolean[] = []
      for (const question of questions) {
        const [answer] = (await this.#ask(role, [question], dropped)) ?? []
        if (answer === undefined) return undefined
        answers.push(answer)
      }
      return answers
    }
  }
}

/** Asks again while the answer is undefined or the database cannot be reached, until `dropped`: then it is undefined. */
export async function askUntilAnswered<T>(
  dropped: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  while (!dropped.aborted) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      if (!isUnreachable(error)) throw error
      await sleep(RETRY_PAUSE_MS, undefined, { signal: dropped, ref: false }).catch(() => {})
    }
  }
  return undefined
}

const NOTHING: readonly number[] = []

const isUnreachable = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable || error instanceof DatabaseBusy

const keyOf = (table: PublishedTable): readonly { name: string; type: PgType }[] =>
  table.columns.filter(({ isPrimaryKey }) => isPrimaryKey)

const tableSql = ({ schema, name }: PublishedTable): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`

/** Planned once per connection: for one row, by its key; and for several, by arrays of keys. */
function statementsFor(table: PublishedTable, role: CallerRole): Statements {
  const key = keyOf(table)
  const compared = comparedOf(table, role)
  const types = [...key.map(({ type }) => typeSql(type)), ...compared.map(() => 'pg_catalog.text')]
  const where = (valueAt: (index: number) => string): string =>
    [
      ...key.map(({ name }, index) => `t.${quoteIdentifier(name)} = ${valueAt(index)}`),
      ...compared.map(({ name, type }, index) =>
        isAsBefore(`t.${quoteIdentifier(name)}`, valueAt(key.length + index), type),
      ),
    ].join(' and ')
  const arrays = types.map((_, index) => `$${index + 1}`).join(', ')
  const names = types.map((_, index) => `c${index}`).join(', ')
  return {
    one: statement(
      `select '{1}'::pg_catalog.int4[] from ${tableSql(table)} as t where ${where((index) => `$${index + 1}`)}`,
      types.join(', '),
    ),
    many: statement(
      `select pg_catalog.array_agg(k.n::pg_catalog.int4) from unnest(${arrays}) with ordinality as k (${names}, n)
       where exists (select from ${tableSql(table)} as t where ${where((index) => `k.c${index}`)})`,
      types.map((type) => `${type}[]`).join(', '),
    ),
  }
}

/** Types of which a value other than SQL's null is `null` in JSON: NaN, infinity, and JSON's own null. */
const JSON_NULL_IS_AMBIGUOUS = new Set(['json', 'jsonb', 'float4', 'float8', 'numeric'])

/**
 * The columns in which a row has to be as the change left it: those by which the policies decide, where that is known and the
 * role may read them; else all that it may read, which are all that it could be told.
 */
function comparedOf(table: PublishedTable, role: CallerRole): readonly { name: string; type: PgType }[] {
  const readable = table.columns.filter(({ name }) => table.selectable[role].has(name))
  const { policyColumns } = table
  const decides = (name: string): boolean => policyColumns?.includes(name) ?? true
  const isKnown = policyColumns?.every((column) => readable.some(({ name }) => name === column)) ?? false
  return readable.filter(
    ({ name, type, isPrimaryKey }) => !isPrimaryKey && isComparable(type) && (!isKnown || decides(name)),
  )
}

/** Whether a value comes back from JSON as it was: not a geometry, whose digits are rounded, nor an array of what is no text. */
function isComparable(type: PgType): boolean {
  const base = baseType(type)
  if (base.is !== 'array') return base.name !== 'geometry'
  const name = builtinName(base.of)
  return name !== undefined && name !== 'json' && name !== 'jsonb' && base.delimiter === ','
}

/** As text, which every type has. See `comparedText` for the value. */
const isAsBefore = (column: string, value: string, type: PgType): string =>
  `(${value} is null or case when ${value} = 'null' then ${column} is null
    else ${column}::pg_catalog.text = pg_catalog.substr(${value}, 2)::${typeSql(type)}::pg_catalog.text end)`

/** `=` and the value, or `null`; and null where it is not to be compared: it is not in the change, or not told apart in JSON. */
function comparedText(json: string | undefined, type: PgType): string | null {
  if (json === undefined) return null
  if (json !== 'null') return `=${keyText(json, type)}`
  return JSON_NULL_IS_AMBIGUOUS.has(builtinName(type) ?? '') ? null : 'null'
}

/** Named by its text, so that a changed definition has another name and no connection runs an old one. */
function statement(text: string, types: string): Statement {
  const hash = createHash('sha256').update(`${types}\n${text}`).digest('hex').slice(0, 24)
  return { name: `muster_${hash}`, text, types }
}

/** A value of a row image as PostgreSQL reads it. */
export function keyText(json: string, type: PgType): string {
  const base = baseType(type)
  if (base.is === 'array') {
    return json.replace(/"(?:[^"\\]|\\.)*"|[[\]]/g, (token) =>
      token === '[' ? '{' : token === ']' ? '}' : quoteElement(keyText(token, base.of)),
    )
  }
  const name = builtinName(type)
  if (name === 'json' || name === 'jsonb' || !json.startsWith('"')) return json
  const text = JSON.parse(json) as string
  // Clients get bytea as bare hex.
  return name === 'bytea' ? `\\x${text}` : text
}

const quoteElement = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

const arrayLiteral = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'null' : quoteElement(value))).join(',')}}`
