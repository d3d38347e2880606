import { baseType, builtinName, type Column, type PgType } from '../pg-type.ts'
import type { RowImage } from '../row-image.ts'
import type { ChangeKind, RowChange } from './change-feed.ts'

/**
 * The `data` object of a `postgres_changes` frame, built as JSON text: values never pass through JavaScript numbers,
 * so `9007199254740993` and `1.50` keep their digits.
 *
 * Two steps. A feed turns PostgreSQL's text into a row image once per change (`rowEncoder`); the gateway cuts the
 * image down to what a role may read and a subscription selects, once per such view (`compileView`).
 */

/** Supabase's limit of one record. Past it an event has only its short values, and `Error 413`. */
export const MAX_RECORD_BYTES = 1_048_576

/** The values that stay in an event over the limit: keys, states and dates, by which a client can fetch the row. */
export const MAX_VALUE_BYTES_OVER_LIMIT = 64

const NO_PRIMARY_KEY = 'Error 400: Bad Request, no primary key'
const UNAUTHORIZED = 'Error 401: Unauthorized'
const TOO_LARGE = 'Error 413: Payload Too Large'

// What a value is in JSON

/** Turns the text of a value that is not null, as PostgreSQL prints it, into JSON text. */
export type ValueEncoder = (text: string) => string

export interface EncoderHooks {
  /**
   * GeoJSON for PostGIS `geometry`, from its hex EWKB: PostGIS has a cast from geometry to json, with `crs` where the
   * SRID is known. Default: the hex as a string, which is what `geography` always is.
   */
  geometryToJson?: ValueEncoder
}

/**
 * How values of a type look in JSON: as `to_jsonb(value)` prints them, except NaN and infinity of number types, which are
 * null, and bytea, which is hex without `\x` (Supabase's forms). An element of an array looks as the value by itself.
 *
 * The text must come from a session with `timezone=UTC`, `datestyle=ISO`, `intervalstyle=postgres`, `bytea_output=hex`
 * and `extra_float_digits` at its default. `json` is embedded as stored, not in the normal form of `jsonb`.
 */
export function valueEncoder(type: PgType, hooks: EncoderHooks = {}): ValueEncoder {
  const base = baseType(type)
  if (base.is === 'array') return arrayEncoder(valueEncoder(base.of, hooks), base.delimiter)
  if (base.is === 'scalar' && base.name === 'geometry' && hooks.geometryToJson) return hooks.geometryToJson
  return BUILTIN_ENCODERS.get(builtinName(base) ?? '') ?? asString
}

const asString: ValueEncoder = (text) => JSON.stringify(text)
const asIs: ValueEncoder = (text) => text
const asBoolean: ValueEncoder = (text) => (text === 't' ? 'true' : 'false')

const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity'])
const asNumeric: ValueEncoder = (text) => (NOT_FINITE.has(text) ? 'null' : text)

/** Floats without exponent and without minus zero, as `to_jsonb` has them by way of numeric. */
const asFloat: ValueEncoder = (text) => {
  if (text === '-0') return '0'
  return text.includes('e') ? withoutExponent(text) : asNumeric(text)
}

/** `1.5e-07` is `0.00000015`. Floats have at most 17 digits and exponents up to 324, so this stays short. */
function withoutExponent(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!match) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** `2024-02-29 12:34:56` → `2024-02-29T12:34:56`. Infinity has no space, and the one before BC is the second. */
const asTimestamp: ValueEncoder = (text) => asString(text.replace(' ', 'T'))

/** The offset gets its minutes: `…56+00` → `…56+00:00`, also before BC. */
const asTimestamptz: ValueEncoder = (text) => asTimestamp(text.replace(/([+-]\d\d)( BC)?$/, '$1:00$2'))

const asBytea: ValueEncoder = (text) => asString(text.startsWith('\\x') ? text.slice(2) : text)

const BUILTIN_ENCODERS: ReadonlyMap<string, ValueEncoder> = new Map([
  ['bool', asBoolean],
  ['int2', asIs],
  ['int4', asIs],
  ['int8', asIs],
  ['numeric', asNumeric],
  ['float4', asFloat],
  ['float8', asFloat],
  ['json', asIs],
  ['jsonb', asIs],
  ['timestamp', asTimestamp],
  ['timestamptz', asTimestamptz],
  ['bytea', asBytea],
])

/**
 * Array output (https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO) as a JSON array: `{1,NULL,"a \"b\""}`. Bounds
 * (`[2:3]={…}`) are dropped, as `to_jsonb` does.
 */
function arrayEncoder(element: ValueEncoder, delimiter: string): ValueEncoder {
  return (text) => {
    let json = ''
    let index = text.startsWith('[') ? text.indexOf('=') + 1 : 0
    while (index < text.length) {
      const character = text.charAt(index)
      if (character === '{' || character === '}' || character === delimiter) {
        json += character === '{' ? '[' : character === '}' ? ']' : ','
        index += 1
      } else if (character === '"') {
        const end = closingQuote(text, index + 1)
        json += element(text.slice(index + 1, end).replace(/\\(.)/gs, '$1'))
        index = end + 1
      } else {
        const end = elementEnd(text, index, delimiter)
        const value = text.slice(index, end)
        json += value === 'NULL' ? 'null' : element(value)
        index = end
      }
    }
    return json
  }
}

function closingQuote(text: string, start: number): number {
  let index = start
  while (index < text.length && text.charAt(index) !== '"') index += text.charAt(index) === '\\' ? 2 : 1
  return index
}

function elementEnd(text: string, start: number, delimiter: string): number {
  let index = start
  while (index < text.length && text.charAt(index) !== delimiter && text.charAt(index) !== '}') index += 1
  return index
}

/**
 * Compiles a table's columns into a function from values to a row image. Values are in the columns' order; undefined
 * (an unchanged TOAST value) stays out of the image, null is JSON null.
 */
export function rowEncoder(
  columns: readonly Column[],
  hooks: EncoderHooks = {},
): (values: readonly (string | null | undefined)[]) => RowImage {
  const encoders = columns.map(({ name, type }) => ({ name, encode: valueEncoder(type, hooks) }))
  return (values) => {
    const image: RowImage = Object.create(null)
    for (const [index, { name, encode }] of encoders.entries()) {
      const text = values[index]
      if (text !== undefined) image[name] = text === null ? 'null' : encode(text)
    }
    return image
  }
}

// What a subscriber sees of a change

export interface TableDescription {
  schema: string
  name: string
  /** In the order of `attnum`. */
  columns: readonly Column[]
  /** `pg_class.relrowsecurity`. */
  rowSecurity: boolean
}

/** A change as one group of subscribers sees it: those of one role with one selection of columns. */
export interface View {
  /**
   * Whether the role may read every column of the primary key. Where it may not, inserts and updates come without data
   * (`Error 401`), and a delete would tell of a row by its time alone: better not sent.
   */
  readonly readsKey: boolean
  /** The `data` object for a change of this table. The same text serves every subscriber of the view. */
  data(change: RowChange): string
}

export interface ViewOptions {
  /** The columns on which the role has SELECT. */
  selectable: ReadonlySet<string>
  /** The columns that the subscription selects; the primary key is added. Undefined: all. */
  select?: readonly string[]
}

/** A key for the views of a table: equal for what yields the same view. */
export function viewKey(role: string, select?: readonly string[]): string {
  return JSON.stringify([role, select ? [...new Set(select)].sort() : null])
}

interface VisibleColumn {
  name: string
  /** `"name":`, ready to print. */
  label: string
  isPrimaryKey: boolean
}

/** Compiles what a role sees of a table. To be thrown away when the table's definition or privileges change. */
export function compileView(table: TableDescription, { selectable, select }: ViewOptions): View {
  const key = table.columns.filter(({ isPrimaryKey }) => isPrimaryKey)
  const readsKey = key.length > 0 && key.every(({ name }) => selectable.has(name))
  const columns = table.columns.filter(
    ({ name, isPrimaryKey }) => selectable.has(name) && (!select || isPrimaryKey || select.includes(name)),
  )
  const visible = columns.map(({ name, isPrimaryKey }) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    isPrimaryKey,
  }))
  const head = `{"schema":${JSON.stringify(table.schema)},"table":${JSON.stringify(table.name)},"type":`
  const columnsJson = JSON.stringify(columns.map(({ name, type }) => ({ name, type: type.name })))
  const failure = readsKey ? undefined : key.length === 0 ? NO_PRIMARY_KEY : UNAUTHORIZED

  return {
    readsKey,
    data(change) {
      if (failure && change.kind !== 'DELETE') return head + withoutData(change.kind, failure)
      const tooLarge = change.bytes > MAX_RECORD_BYTES
      const rows = rowsOf(change, visible, table.rowSecurity, tooLarge)
      const errors = tooLarge ? JSON.stringify([TOO_LARGE]) : 'null'
      const time = JSON.stringify(change.commitTs)
      return `${head}"${change.kind}","commit_timestamp":${time},"columns":${columnsJson},${rows}"errors":${errors}}`
    },
  }
}

/** Clients read `columns` and `record` without looking whether they are there. */
function withoutData(kind: ChangeKind, error: string): string {
  const old = kind === 'UPDATE' ? '"old_record":{},' : ''
  return `"${kind}","commit_timestamp":null,"columns":[],"record":{},${old}"errors":[${JSON.stringify(error)}]}`
}

/** The members `record` and `old_record`, as far as the kind of change has them, each with a comma behind it. */
function rowsOf(
  change: RowChange,
  visible: readonly VisibleColumn[],
  rowSecurity: boolean,
  tooLarge: boolean,
): string {
  const { kind, record, old } = change
  const key = visible.filter(({ isPrimaryKey }) => isPrimaryKey)
  const print = (columns: readonly VisibleColumn[], ...images: (RowImage | undefined)[]): string =>
    printRow(columns, images, tooLarge)
  switch (kind) {
    case 'INSERT':
      return `"record":${print(visible, record)},`
    case 'UPDATE': {
      // A value that the update did not touch stands in the old row only, if at all. A key that it did not change
      // stands in the new row only.
      // Who saw the old row nobody can be asked: with row security, only its key is told.
      const before = old ? print(rowSecurity ? key : visible, old) : print(key, record)
      return `"record":${print(visible, record, old)},"old_record":${before},`
    }
    case 'DELETE':
      // The row is gone, so no policy can be asked about it: with row security, only its key is told.
      return `"old_record":${print(rowSecurity ? key : visible, old)},`
  }
}

/** Each column's value from the first image that has it; columns that none has are left out. */
function printRow(
  columns: readonly VisibleColumn[],
  images: readonly (RowImage | undefined)[],
  tooLarge: boolean,
): string {
  const members: string[] = []
  for (const { name, label } of columns) {
    const json = images.find((image) => typeof image?.[name] === 'string')?.[name]
    if (json === undefined) continue
    if (tooLarge && Buffer.byteLength(json) > MAX_VALUE_BYTES_OVER_LIMIT) continue
    members.push(label + json)
  }
  return `{${members.join(',')}}`
}

/** The payload of the frame: the subscriptions of one channel that the change matches, and the data they share. */
export function changePayload(ids: readonly number[], data: string): string {
  return `{"ids":[${ids.join(',')}],"data":${data}}`
}
