import type { RowImage } from '../feed/change-feed.ts'
import { baseType, builtinName, type PgType, quoteIdentifier, typeSql } from '../feed/pg-type.ts'
import { compilePattern, PATTERN_OPERATORS, type PatternOperator } from './pattern.ts'

/**
 * Filters of `postgres_changes` subscriptions: `column=[not.]operator.value`, several of them joined by commas (AND).
 *
 * A value in double quotes (PostgREST's rule) may hold commas and parentheses; `\` in it escapes the next character.
 * A quote that is not at the start of a value, or not closed at its end, is an ordinary character.
 *
 * PostgreSQL compares, in the column's type. `prefilter` answers without it where the answer is certain. Patterns are never
 * PostgreSQL's: see `pattern.ts`.
 */

/** PostgREST caps URLs, not filters. 100 values of an `in` with room to spare, and small enough to test on every change. */
export const MAX_FILTER_LENGTH = 10_000

/** Each condition costs a comparison per change and subscriber; an interface that builds more is looping by mistake. */
export const MAX_CONDITIONS = 50

/** Supabase's limit for the values of one `in`. */
export const MAX_IN_VALUES = 100

const COMPARISONS = {
  eq: '=',
  neq: '<>',
  lt: '<',
  lte: '<=',
  gt: '>',
  gte: '>=',
  isdistinct: 'is distinct from',
} as const

export type Comparison = keyof typeof COMPARISONS
const IS_VALUES = ['null', 'true', 'false', 'unknown'] as const
export type IsValue = (typeof IS_VALUES)[number]

/** One condition. In `in`, null is an unquoted `null`: as in SQL, it equals nothing. */
export type Condition = { column: string; negated: boolean } & (
  | { operator: Comparison | PatternOperator; value: string }
  | { operator: 'in'; values: readonly (string | null)[] }
  | { operator: 'is'; value: IsValue }
)

/** All conditions must hold; no condition holds for every row. */
export type Filter = readonly Condition[]

export type ParsedFilter = { ok: true; filter: Filter } | { ok: false; message: string }

/** Carries the message out of the nested readers; `parseFilter` turns it into a result, so it never escapes. */
class FilterSyntaxError extends Error {}

/**
 * Reads a filter. Empty or blank text is no filter. Whether the columns exist, may be read, and take the values is for
 * the catalog and PostgreSQL to say.
 */
export function parseFilter(text: string): ParsedFilter {
  try {
    return { ok: true, filter: readConditions(text) }
  } catch (error) {
    if (error instanceof FilterSyntaxError) {
      return { ok: false, message: `Error parsing \`filter\` params: ${error.message}` }
    }
    throw error
  }
}

function readConditions(text: string): Filter {
  if (text.length > MAX_FILTER_LENGTH) {
    throw new FilterSyntaxError(`filter must not be longer than ${MAX_FILTER_LENGTH} characters`)
  }
  // PostgreSQL stores neither: a driver would send something else in their place, or fail.
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new FilterSyntaxError('filter must be well-formed text without null characters')
  }
  if (text.trim() === '') return []
  const parts = splitConditions(text)
  if (parts.length > MAX_CONDITIONS) {
    throw new FilterSyntaxError(`filter must not have more than ${MAX_CONDITIONS} conditions`)
  }
  return parts.map(readCondition)
}

/** Splits at commas outside quotes and parentheses. A quote opens only where a value or an element starts. */
function splitConditions(text: string): string[] {
  const parts: string[] = []
  let [start, depth, quoted, previous] = [0, 0, false, '']
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (quoted) {
      if (character === '\\') index += 1
      else if (character === '"') quoted = false
    } else if (character === '"' && (previous === '.' || previous === '(' || previous === ',')) {
      quoted = true
    } else if (character === '(') {
      depth += 1
    } else if (character === ')') {
      depth = Math.max(0, depth - 1)
    } else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
    // Blanks may stand before an element of a list. The comma of a new condition is followed by a column, not a value.
    if (character === ',' && depth === 0) previous = ''
    else if (character !== ' ' || depth === 0) previous = character
  }
  parts.push(text.slice(start))
  return parts
}

function readCondition(part: string): Condition {
  const text = part.trim()
  if (text === '')
    throw new FilterSyntaxError('filter must not contain empty segments (check for extra commas)')
  const equals = text.indexOf('=')
  const column = text.slice(0, Math.max(0, equals)).trim()
  if (column === '')
    throw new FilterSyntaxError(`expected column=operator.value, got ${JSON.stringify(text)}`)
  const negated = text.startsWith('not.', equals + 1)
  const test = text.slice(equals + 1 + (negated ? 'not.'.length : 0))
  const dot = test.indexOf('.')
  const operator = dot < 0 ? test : test.slice(0, dot)
  if (dot < 0 || !isOperator(operator)) {
    throw new FilterSyntaxError(
      `unknown operator ${JSON.stringify(operator)} for column ${JSON.stringify(column)}`,
    )
  }
  return { column, negated, ...readOperand(operator, test.slice(dot + 1)) }
}

function isOperator(name: string): name is Condition['operator'] {
  return name === 'in' || name === 'is' || Object.hasOwn(COMPARISONS, name) || isPattern(name)
}

function isPattern(operator: string): operator is PatternOperator {
  return PATTERN_OPERATORS.some((pattern) => pattern === operator)
}

/** Distributes over the union, so that each operator keeps its own kind of operand. */
type Operand<C = Condition> = C extends Condition ? Omit<C, 'column' | 'negated'> : never

function readOperand(operator: Condition['operator'], text: string): Operand {
  if (operator === 'in') return { operator, values: readList(text) }
  if (operator !== 'is') return { operator, value: readScalar(operator, text) }
  const value = IS_VALUES.find((word) => word === text.toLowerCase())
  if (!value) {
    throw new FilterSyntaxError('invalid value for is filter: must be null, true, false, or unknown')
  }
  return { operator, value }
}

function readScalar(operator: Comparison | PatternOperator, text: string): string {
  const value = unquote(text) ?? text
  // PostgreSQL finds this out only on a row that matches up to there: on somebody's change, not on the subscription.
  if ((operator === 'like' || operator === 'ilike') && /(?<!\\)(\\\\)*\\$/.test(value)) {
    throw new FilterSyntaxError('a like pattern must not end with an escape character')
  }
  return value
}

function readList(text: string): (string | null)[] {
  if (!text.startsWith('(') || !text.endsWith(')')) {
    throw new FilterSyntaxError('`in` filter value must be wrapped by parentheses')
  }
  const inner = text.slice(1, -1)
  if (inner.trim() === '') return []
  const values = splitElements(inner).map(readElement)
  if (values.length > MAX_IN_VALUES) {
    throw new FilterSyntaxError(`too many values for \`in\` filter. Maximum ${MAX_IN_VALUES}`)
  }
  return values
}

/** Splits at commas outside quotes. */
function splitElements(text: string): string[] {
  const elements: string[] = []
  let [start, quoted, blank] = [0, false, true]
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (quoted) {
      if (character === '\\') index += 1
      else if (character === '"') quoted = false
    } else if (character === '"' && blank) {
      quoted = true
    } else if (character === ',') {
      elements.push(text.slice(start, index))
      start = index + 1
    }
    blank = character === ',' || (blank && character === ' ')
  }
  elements.push(text.slice(start))
  return elements
}

function readElement(part: string): string | null {
  const text = part.trim()
  if (text === '') throw new FilterSyntaxError('`in` filter must not contain empty values (quote them as "")')
  if (text.toLowerCase() === 'null') return null
  return unquote(text) ?? text
}

/** The content of `"…"`, or undefined where the text is not one quoted value from its first character to its last. */
function unquote(text: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(text)
  return quoted?.[1]?.replace(/\\(.)/gsu, '$1')
}

/** What a filter costs for as long as somebody has it, apart from how large its patterns turn out (`patternSize`). */
export function filterCost(filter: Filter): { conditions: number; bytes: number } {
  let bytes = 0
  for (const condition of filter) {
    bytes += condition.column.length
    if (condition.operator === 'in') for (const value of condition.values) bytes += value?.length ?? 0
    else bytes += condition.value.length
  }
  return { conditions: filter.length, bytes }
}

export const hasPattern = (filter: Filter): boolean => filter.some(isPatternCondition)

/** Instructions of the filter's patterns, and their characters. @throws PatternRefused */
export function patternSize(filter: Filter): number {
  let size = 0
  for (const condition of filter) {
    if (isPatternCondition(condition)) {
      size += condition.value.length + compilePattern(condition.operator, condition.value).size
    }
  }
  return size
}

type PatternCondition = Extract<Condition, { operator: Comparison | PatternOperator }> & {
  operator: PatternOperator
}

const isPatternCondition = (condition: Condition): condition is PatternCondition =>
  isPattern(condition.operator)

/** Types whose values patterns are matched with, as PostgreSQL has operators for them. */
const PATTERN_TYPES = new Set(['text', 'varchar', 'bpchar', 'name'])

/** The first condition with a pattern on a column that is no text, or undefined. */
export function unfitPattern(filter: Filter, columns: ColumnTypes): Condition | undefined {
  return filter.find(
    (condition) =>
      isPatternCondition(condition) &&
      !PATTERN_TYPES.has(builtinName(typeOf(condition.column, columns)) ?? ''),
  )
}

/** Types by column name, of the columns that the role may read. */
export type ColumnTypes = ReadonlyMap<string, PgType>

/** The first column that a filter names and `columns` does not have, or undefined. */
export function unknownColumn(filter: Filter, columns: ColumnTypes): string | undefined {
  return filter.find(({ column }) => !columns.has(column))?.column
}

/** The filter names a column that is not among those given: it does not exist, or the role may not read it. */
export class UnknownFilterColumn extends Error {
  override name = 'UnknownFilterColumn'
  readonly column: string
  constructor(column: string) {
    super(`invalid column for filter ${column}`)
    this.column = column
  }
}

export interface Sql {
  text: string
  /** Values of the parameters that `text` numbers, in order. All are text. */
  parameters: string[]
}

export interface SqlOptions {
  /** Alias of the row in the query, default `r`. */
  alias?: string
  /** Number of the first parameter, default 1. */
  firstParameter?: number
}

/**
 * The filter as a boolean SQL expression on a row: columns `"r"."status"`, values `$1::text::"public"."shift_status"`;
 * `true` for an empty filter, and null, which counts as false, where SQL cannot tell.
 *
 * Parameters are declared as text and cast in SQL, because drivers convert by the declared type: given the text
 * `true` for a `bool`, postgres.js would send false.
 *
 * @throws UnknownFilterColumn where `columns` lacks a column of the filter.
 */
export function toSql(filter: Filter, columns: ColumnTypes, options: SqlOptions = {}): Sql {
  const { bind, parameters } = binder(options.firstParameter ?? 1)
  const conditions = filter.map((condition) => {
    const column = `${quoteIdentifier(options.alias ?? 'r')}.${quoteIdentifier(condition.column)}`
    const value = valueSql(condition, typeOf(condition.column, columns), bind)
    const test = testSql(column, condition.operator, value)
    return condition.negated ? `not (${test})` : test
  })
  return { text: conditions.join(' and ') || 'true', parameters }
}

/**
 * A query that fails exactly where PostgreSQL does not take the filter: a value that its column's type refuses, or an
 * operator that the type lacks. It reads no table. To be run once per subscription, with what `undecided` leaves.
 *
 * @throws UnknownFilterColumn as `toSql`.
 */
export function checkQuery(filter: Filter, columns: ColumnTypes): Sql {
  const { bind, parameters } = binder(1)
  // One output column per expression: in `a and b`, b is not looked at where a is false.
  const expressions = filter.flatMap((condition) => {
    const type = typeOf(condition.column, columns)
    const value = valueSql(condition, type, bind)
    // A comparison with null is settled without a look at the value, so the value stands by itself too. The base type,
    // because a domain may refuse null and the empty string.
    const operand = `null::${typeSql(baseType(type))}`
    const test = testSql(operand, condition.operator, value)
    return condition.operator === 'is' ? [test] : [test, `${value} is null`]
  })
  return { text: `select ${expressions.join(', ') || 'true'}`, parameters }
}

function binder(firstParameter: number): { bind: (value: string) => string; parameters: string[] } {
  const parameters: string[] = []
  const bind = (value: string): string => {
    parameters.push(value)
    return `$${firstParameter + parameters.length - 1}::text`
  }
  return { bind, parameters }
}

function typeOf(column: string, columns: ColumnTypes): PgType {
  const type = columns.get(column)
  if (!type) throw new UnknownFilterColumn(column)
  return type
}

/** What stands right of the operator. A value is bound as text; the keyword of `is` is one of ours. */
function valueSql(condition: Condition, type: PgType, bind: (value: string) => string): string {
  switch (condition.operator) {
    case 'is':
      return condition.value
    case 'in':
      return `${bind(arrayLiteral(condition.values))}::${typeSql(type)}[]`
    default:
      return `${bind(condition.value)}::${typeSql(type)}`
  }
}

function testSql(operand: string, operator: Condition['operator'], value: string): string {
  if (operator === 'in') return `${operand} = any(${value})`
  if (isPattern(operator)) throw new Error('A pattern is never run by PostgreSQL.')
  return `${operand} ${operator === 'is' ? 'is' : COMPARISONS[operator]} ${value}`
}

function arrayLiteral(values: readonly (string | null)[]): string {
  const elements = values.map((value) => (value === null ? 'null' : `"${value.replace(/["\\]/g, '\\$&')}"`))
  return `{${elements.join(',')}}`
}

export interface RecordSource {
  /** For a `from` clause: `json_to_record($1::text::json) as "r"("id" …)`, with the columns of the filter only. */
  text: string
  /** The parameter for a row image, or undefined where the image lacks a column: then only the table can tell. */
  parameterFor(image: RowImage): string | undefined
}

/**
 * The row image as a row in SQL, in the columns' own types, to be tested by `toSql`: the change is judged by the
 * values it brought, not by those that the table has by now.
 *
 * @throws UnknownFilterColumn as `toSql`.
 */
export function recordSource(filter: Filter, columns: ColumnTypes, options: SqlOptions = {}): RecordSource {
  const { alias = 'r', firstParameter = 1 } = options
  const fields = [...new Set(filter.map(({ column }) => column))].map((column) => {
    const type = typeOf(column, columns)
    return { column, type, key: JSON.stringify(column), isBytea: builtinName(type) === 'bytea' }
  })
  const [json, row] = [`$${firstParameter}::text::json`, quoteIdentifier(alias)]
  const definitions = fields.map(({ column, type }) => `${quoteIdentifier(column)} ${typeSql(type)}`)
  return {
    // json, not jsonb: jsonb refuses \u0000, which a json column may hold.
    text:
      fields.length > 0
        ? `json_to_record(${json}) as ${row}(${definitions.join(', ')})`
        : `(select ${json}) as ${row}`,
    parameterFor(image) {
      const members: string[] = []
      for (const { column, key, isBytea } of fields) {
        const json = image[column]
        if (json === undefined) return undefined
        // Clients get bytea as bare hex; PostgreSQL reads hex only after \x.
        members.push(`${key}:${isBytea && json !== 'null' ? `"\\\\x${json.slice(1)}` : json}`)
      }
      return `{${members.join(',')}}`
    },
  }
}

export type Verdict = 'match' | 'no_match' | 'ask_database'

/** SQL's three truth values, and "not to be known here". */
type Truth = true | false | 'unknown' | 'ask'
type Test = (json: string | undefined) => Truth

/**
 * The filter as a function of the row image, compiled once per subscription. It says `match` or `no_match` only where
 * PostgreSQL would certainly say the same: equality and `in` on text, varchar, uuid, bool, numbers, times and enums, order on
 * those that are no text, null tests; and patterns. Everything else, a value in an unusual spelling, and a column that the
 * image does not have are `ask_database`, unless another condition rules the row out already.
 *
 * Certain, provided that PostgreSQL took what `undecided` leaves when the subscription was made, that an enum has the label,
 * and that text is compared in a deterministic collation, as `toSql` on a `recordSource` does.
 *
 * @throws PatternRefused
 */
export function prefilter(filter: Filter, columns: ColumnTypes): (image: RowImage) => Verdict {
  const tests = filter.map((condition) => {
    const { test } = compileCondition(condition, columns.get(condition.column))
    const { column, negated } = condition
    return (image: RowImage): Truth => (negated ? not(test(image[column])) : test(image[column]))
  })
  return (image) => {
    let asks = false
    for (const test of tests) {
      const truth = test(image)
      if (truth === false || truth === 'unknown') return 'no_match'
      if (truth === 'ask') asks = true
    }
    return asks ? 'ask_database' : 'match'
  }
}

/** The conditions that only PostgreSQL can judge, for some value of a column that the image has. @throws PatternRefused */
export function undecided(filter: Filter, columns: ColumnTypes): Filter {
  return filter.filter((condition) => !compileCondition(condition, columns.get(condition.column)).isCertain)
}

/** The columns of the filter that the image does not have. */
export function missingColumns(filter: Filter, image: RowImage): string[] {
  return [...new Set(filter.map(({ column }) => column))].filter((column) => image[column] === undefined)
}

function not(truth: Truth): Truth {
  return typeof truth === 'boolean' ? !truth : truth
}

interface CompiledCondition {
  test: Test
  /** Whether the test is sure of every value. */
  isCertain: boolean
}

const ASK: CompiledCondition = { test: () => 'ask', isCertain: false }
const certain = (test: Test): CompiledCondition => ({ test, isCertain: true })

function compileCondition(condition: Condition, type: PgType | undefined): CompiledCondition {
  if (!type) return ASK
  if (isPatternCondition(condition)) return certain(compilePatternTest(condition))
  if (condition.operator === 'is') return compileIs(condition.value, type)
  const comparable = comparableFor(type)
  if (!comparable) return ASK
  const test = compileTest(condition, comparable)
  return test ? { test, isCertain: comparable.isTotal } : ASK
}

function compileTest(condition: Condition, comparable: Comparable): Test | undefined {
  if (condition.operator === 'in') return compileIn(condition.values, comparable)
  if (condition.operator === 'is' || isPattern(condition.operator)) return undefined
  const value = comparable.read(condition.value)
  return value === undefined ? undefined : compileComparison(condition.operator, value, comparable)
}

function compilePatternTest({ operator, value }: PatternCondition): Test {
  const pattern = compilePattern(operator, value)
  return (json) => {
    if (json === undefined) return 'ask'
    if (json === 'null') return 'unknown'
    return pattern.test(textOf(json)) ?? 'unknown'
  }
}

function compileIs(value: IsValue, type: PgType): CompiledCondition {
  // NaN, infinity and JSON's own null count as null, as that is what the event says.
  if (value === 'null') return certain((json) => (json === undefined ? 'ask' : json === 'null'))
  if (builtinName(type) !== 'bool') return ASK
  const expected = value === 'unknown' ? 'null' : value
  return certain((json) => (json === undefined ? 'ask' : json === expected))
}

function compileIn(texts: readonly (string | null)[], comparable: Comparable): Test | undefined {
  const values = new Set<string>()
  for (const text of texts) {
    if (text === null) continue
    const value = comparable.read(text)
    if (value === undefined) return undefined
    values.add(value)
  }
  // As in SQL: equal to one of them is true; else a null among them leaves the answer open; and of none, null is no exception.
  const otherwise = texts.includes(null) ? 'unknown' : false
  return (json) => {
    if (json === undefined) return 'ask'
    if (texts.length === 0) return false
    if (json === 'null') return 'unknown'
    const value = comparable.fromJson(json)
    return value === undefined ? 'ask' : values.has(value) || otherwise
  }
}

function compileComparison(
  operator: Comparison,
  value: string,
  { fromJson, compare }: Comparable,
): Test | undefined {
  const onValue = (test: (value: string) => Truth, onNull: Truth = 'unknown'): Test => {
    return (json) => {
      if (json === undefined) return 'ask'
      if (json === 'null') return onNull
      const present = fromJson(json)
      return present === undefined ? 'ask' : test(present)
    }
  }
  switch (operator) {
    case 'eq':
      return onValue((present) => present === value)
    case 'neq':
      return onValue((present) => present !== value)
    case 'isdistinct':
      return onValue((present) => present !== value, true)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compare && onValue(orderTest(operator, value, compare))
  }
}

type Compare = (left: string, right: string) => number

function orderTest(
  operator: 'lt' | 'lte' | 'gt' | 'gte',
  value: string,
  compare: Compare,
): (present: string) => boolean {
  switch (operator) {
    case 'lt':
      return (present) => compare(present, value) < 0
    case 'lte':
      return (present) => compare(present, value) <= 0
    case 'gt':
      return (present) => compare(present, value) > 0
    case 'gte':
      return (present) => compare(present, value) >= 0
  }
}

/** How values of a type are compared by their text: equal texts are equal values, and different texts are different ones. */
interface Comparable {
  /** The filter's value in the spelling that values are compared in; undefined where only PostgreSQL can tell. */
  read(text: string): string | undefined
  /** That spelling, of a value in a row image; undefined where only PostgreSQL can tell. */
  fromJson(json: string): string | undefined
  compare?: Compare
  /** Whether `fromJson` knows every value of the type. */
  isTotal: boolean
}

/** Most strings have nothing escaped, and need no parser. */
const textOf = (json: string): string =>
  json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1)

const textual: Comparable = { read: (text) => text, fromJson: textOf, isTotal: true }

/** Whether an enum has the label is for PostgreSQL to say. */
const labels: Comparable = { ...textual, isTotal: false }

/** In order as their text. */
const compareTexts: Compare = (left, right) => (left < right ? -1 : left > right ? 1 : 0)

/** PostgreSQL's spellings: any case, in braces, hyphens after any four digits (https://www.postgresql.org/docs/15/datatype-uuid.html). */
const UUID = /^(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}$/i
const uuid: Comparable = {
  read(text) {
    const bare = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text
    if (!UUID.test(bare)) return undefined
    const digits = bare.replaceAll('-', '').toLowerCase()
    return [
      [0, 8],
      [8, 12],
      [12, 16],
      [16, 20],
      [20, 32],
    ]
      .map(([from, to]) => digits.slice(from, to))
      .join('-')
  },
  fromJson: textOf,
  compare: compareTexts,
  isTotal: true,
}

const BOOLEANS: Readonly<Record<string, string>> = { true: 'true', t: 'true', false: 'false', f: 'false' }
const boolean: Comparable = {
  read: (text) => (Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined),
  fromJson: (json) => json,
  // As words, too, false comes before true.
  compare: compareTexts,
  isTotal: true,
}

/** An integer of that many bits. A value out of range is for PostgreSQL to refuse. */
function integer(bits: number): Comparable {
  return {
    read(text) {
      // 19 digits are the most that fit, so a longer text is out of range or oddly padded.
      if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
      const value = BigInt(text.replace('+', ''))
      return value === BigInt.asIntN(bits, value) ? String(value) : undefined
    },
    fromJson: (json) => json,
    compare: compareIntegers,
    isTotal: true,
  }
}

function compareIntegers(left: string, right: string): number {
  const [a, b] = [BigInt(left), BigInt(right)]
  return a < b ? -1 : a > b ? 1 : 0
}

/** `-01.50` is `-1.5`: without what does not count. A text with an exponent is for PostgreSQL. */
function decimal(text: string): string | undefined {
  const match = /^([+-]?)0*(\d{0,200})(?:\.(\d{0,200}))?$/.exec(text)
  if (!match || !/\d/.test(text)) return undefined
  const [, sign, whole, fraction = ''] = match
  const digits = `${whole || '0'}.${fraction}`.replace(/\.?0*$/, '')
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

/** Both scaled to integers by as many digits as the longer fraction has. */
function compareDecimals(left: string, right: string): number {
  const scale = Math.max(...[left, right].map((text) => text.split('.')[1]?.length ?? 0))
  const scaled = (text: string): string => {
    const [whole = '', fraction = ''] = text.split('.')
    return whole + fraction.padEnd(scale, '0')
  }
  return compareIntegers(scaled(left), scaled(right))
}

const numeric: Comparable = { read: decimal, fromJson: decimal, compare: compareDecimals, isTotal: false }

/** The value itself decides, not its spelling: `0.1` is the nearest number that the type has. */
function float(round: (value: number) => number): Comparable {
  const read = (text: string): string | undefined => {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) return undefined
    const value = round(Number(text))
    // Minus zero equals zero; out of range is for PostgreSQL to refuse.
    return Number.isFinite(value) ? String(value || 0) : undefined
  }
  return { read, fromJson: read, compare: (left, right) => Number(left) - Number(right), isTotal: false }
}

/** Microseconds since 1970, of a date and time with an offset, or with none where the type has none. */
function instantOf(text: string, hasOffset: boolean): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?$/.exec(text)
  if (!match || (match[4] !== undefined) !== hasOffset) return undefined
  const [, day, time, fraction = '', offset = 'Z'] = match
  const seconds = Date.parse(`${day}T${time}${offset}`) / 1000
  // A 30th of February would be the 2nd of March.
  if (!Number.isInteger(seconds) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    return undefined
  return String(BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0')))
}

function time(hasOffset: boolean): Comparable {
  return {
    read: (text) => instantOf(text, hasOffset),
    fromJson: (json) => instantOf(json.slice(1, -1), hasOffset),
    compare: compareIntegers,
    isTotal: false,
  }
}

const dayOf = (text: string): string | undefined =>
  /^\d{4}-\d\d-\d\d$/.test(text) && instantOf(`${text}T00:00:00`, false) !== undefined ? text : undefined
const date: Comparable = {
  read: dayOf,
  fromJson: (json) => dayOf(json.slice(1, -1)),
  compare: compareTexts,
  isTotal: false,
}

const COMPARABLE: ReadonlyMap<string, Comparable> = new Map([
  ['text', textual],
  ['varchar', textual],
  ['uuid', uuid],
  ['bool', boolean],
  ['int2', integer(16)],
  ['int4', integer(32)],
  ['int8', integer(64)],
  ['numeric', numeric],
  ['float4', float(Math.fround)],
  ['float8', float((value) => value)],
  ['timestamptz', time(true)],
  ['timestamp', time(false)],
  ['date', date],
])

function comparableFor(type: PgType): Comparable | undefined {
  // What it takes for a label PostgreSQL refuses when the subscription is made: see `undecided`.
  if (baseType(type).is === 'enum') return labels
  return COMPARABLE.get(builtinName(type) ?? '')
}
