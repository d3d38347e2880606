import { z } from 'zod'
import { type SQL, sql } from '../db/drizzle.ts'
import { Problem } from '../http/problem.ts'
import { type SyncPage, type Watermark, watermark } from './schemas.ts'

/** The changes of a table since a watermark that the caller may see: `muster.changes_since` decides. */
export const changesSince = (
  table: string,
  after: Watermark | undefined,
  limit: number,
): SQL<Omit<SyncPage, 'next'> & { next: Watermark }> =>
  sql`select muster.changes_since(${table}, ${after === undefined ? null : JSON.stringify(after)}::jsonb, ${limit}::int)`

export const writeWatermark = (watermark: Watermark): string =>
  Buffer.from(JSON.stringify(watermark)).toString('base64url')

/** @throws Problem `cursor_invalid` for one that was never given. One that is merely outdated begins anew. */
export function readWatermark(text: string | undefined): Watermark | undefined {
  if (text === undefined) return undefined
  if (text === 'now') return { now: true }
  try {
    return watermark.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new Problem('cursor_invalid', { subject: 'after' })
    }
    throw error
  }
}
