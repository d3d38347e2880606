import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Session } from '../db/session.ts'
import { Problem } from '../http/problem.ts'
import { type SyncPage, type SyncTable, type Watermark, watermark } from './schemas.ts'

/** The changes of a table since a watermark that the caller may see: `muster.changes_since` decides. */
export async function changesSince(
  session: Session,
  table: SyncTable,
  after: string | undefined,
  limit: number,
): Promise<SyncPage> {
  const cursor = readWatermark(after)
  const { next, ...page } = await session.value<Omit<SyncPage, 'next'> & { next: Watermark }>(
    sql`select muster.changes_since(${table}, ${cursor === undefined ? null : JSON.stringify(cursor)}::jsonb, ${limit}::int)`,
  )
  return { ...page, next: Buffer.from(JSON.stringify(next)).toString('base64url') }
}

/** @throws Problem `cursor_invalid` for a watermark that is not ours. An outdated watermark causes a full resync instead. */
function readWatermark(text: string | undefined): Watermark | undefined {
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
