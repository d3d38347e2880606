import { hash } from 'node:crypto'
import { z } from 'zod'
import { day, instantOut, latitude, longitude, text } from './fields.ts'
import { Problem } from './problem.ts'

/** What a cursor remembers of the last item: its sort value and its id. Rows inserted between pages change nothing. */
export type Position = readonly [value: string | number, id: string]

/** The longest sort value is a name of 200 characters: twice as many UTF-16 units. */
const MAX_VALUE_LENGTH = 400

/** What a list is sorted by. A cursor may be forged: what the database cannot read as such a value never gets there. */
const SORT_VALUES = {
  name: text(0, MAX_VALUE_LENGTH),
  instant: instantOut,
  day,
  // Those of whom no place is known come last.
  meters: z.union([z.number(), z.literal('Infinity')]),
  // The distance from a point, and the point: one that moves stays where it was on the first page.
  place: z.tuple([z.number(), latitude, longitude]),
  count: z.int32(),
}
export type SortedBy = keyof typeof SORT_VALUES
type SortValue = Position[0] | readonly number[]

/** The parameters that decide which rows a list has and in which order: a cursor is good for the same ones alone. */
type Filters = Record<string, unknown>

/**
 * @param list the name of the list: the cursor of another one would continue at a place that means nothing here
 * @throws Problem `cursor_invalid` for a cursor that this list did not give for these filters.
 */
export function readCursor<By extends SortedBy>(
  list: string,
  sortedBy: By,
  cursor: string | undefined,
  filters: Filters,
): readonly [value: z.infer<(typeof SORT_VALUES)[By]>, id: string] | undefined {
  if (cursor === undefined) return undefined
  try {
    const position = z.tuple([SORT_VALUES[sortedBy], z.guid(), z.string()])
    const [value, id, digest] = position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
    if (digest === digestOf(list, filters)) return [value, id]
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error
  }
  throw new Problem('cursor_invalid', { subject: 'cursor' })
}

/**
 * One page of a list from up to `limit + 1` rows: the row too many tells that there is a next page.
 *
 * @param list its name, as for `readCursor`
 * @param position the sort value and the id of an item
 */
export function toPage<T>(
  list: string,
  rows: readonly T[],
  limit: number,
  filters: Filters,
  position: (item: T) => readonly [value: SortValue, id: string],
): { items: T[]; next_cursor: string | null } {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length <= limit || last === undefined) return { items, next_cursor: null }
  return { items, next_cursor: writeCursor(list, position(last), filters) }
}

/** Where one row ends and the next begins in what `json_agg` gives of rows: inside of a row a line break is spelled `\\n`. */
const BETWEEN_ROWS = ', \n '

/**
 * As `toPage`, of the text of rows that have no column of JSON; the page is text, too. To read the rows, to check them against the response's
 * schema and to spell them again takes a third of the CPU time that the service has for a list.
 */
export function toPageText<T>(
  list: string,
  rows: string,
  limit: number,
  filters: Filters,
  position: (item: T) => readonly [value: SortValue, id: string],
): string {
  const items = rows.slice(1, -1).split(BETWEEN_ROWS)
  if (items.length <= limit) return `{"items":${rows},"next_cursor":null}`
  const cursor = writeCursor(list, position(JSON.parse(items[limit - 1]!)), filters)
  return `{"items":[${items.slice(0, limit).join()}],"next_cursor":${JSON.stringify(cursor)}}`
}

/** The cursor of the page that begins after `position`; for lists whose pages the database cuts. */
export function writeCursor(
  list: string,
  position: readonly [value: SortValue, id: string],
  filters: Filters,
): string {
  return Buffer.from(JSON.stringify([...position, digestOf(list, filters)])).toString('base64url')
}

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() })

/** Enough of a hash to notice a cursor used with other filters: it keeps nothing secret. */
const DIGEST_LENGTH = 12

function digestOf(list: string, { cursor: _, limit: __, ...filters }: Filters): string {
  const sorted = Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return hash('sha256', JSON.stringify([list, sorted]), 'base64url').slice(0, DIGEST_LENGTH)
}
