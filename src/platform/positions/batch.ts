import type { z } from 'zod'
import { type ReadItem, readItem } from '../http/batch.ts'
import { ignoredIn } from './ignored.ts'

/** A position of a batch, with the members that the API does not know. */
export type ReadPosition<Item> = ReadItem<Item> & { ignored?: string[] }

export interface PositionBatch<Item> {
  items: readonly ReadPosition<Item>[]
}

/**
 * Validates an item by itself, so that a bad item never fails the others. One that is not valid stops here: its content and its
 * nesting never reach the database.
 *
 * @param known its members
 */
export function readPosition<Item extends { id: string }>(
  schema: z.ZodType<Item>,
  known: object,
  given: unknown,
): ReadPosition<Item> {
  const read = readItem(schema, given)
  const ignored = read.item && ignoredIn([given], known)
  return { ...read, ...(ignored && { ignored }) }
}

/** The members of the batch and of its valid items that the API does not know. */
export function ignoredInBatch(batch: PositionBatch<unknown>): string[] | undefined {
  const ofItems = batch.items.flatMap(({ ignored = [] }) => ignored)
  return ignoredIn([batch, Object.fromEntries(ofItems.map((name) => [name, true]))], { items: true })
}

/**
 * Fast path: returns the database's JSON as the whole response when no item was rejected and each id is spelled as PostgreSQL
 * spells it. Most batches are full and valid, and parsing 500 KB of results would cost as much as parsing the request.
 *
 * @param recorded the JSON of what became of the valid items, in order
 * @param ignored what `ignoredInBatch` gives
 */
export function answerAsItIs(
  batch: PositionBatch<unknown>,
  recorded: string,
  ignored: string[] | undefined,
): string | undefined {
  // The results hold only ids, times and fixed words, so a client cannot place this word in them.
  if (recorded.includes('"rejected"')) return undefined
  const isPlain = batch.items.every(({ id, item }) => item && id === id?.toLowerCase())
  if (!isPlain) return undefined
  return `{${ignored ? `"ignored":${JSON.stringify(ignored)},` : ''}"results":${recorded}}`
}
