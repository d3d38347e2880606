import { z } from 'zod'
import { queryNumber, uuid } from '../http/fields.ts'

/** A client that was away for long has much to read; a row takes about 600 bytes. */
export const MAX_SYNC_PAGE = 1_000
export const DEFAULT_SYNC_PAGE = 500

/** A watermark in base64url is some 400 characters. */
const MAX_WATERMARK_LENGTH = 1_000

/** @param tables those that clients follow: of the publication */
export const syncParams = (tables: readonly string[]) => z.strictObject({ table: z.enum(tables) })

export const syncQuery = z.strictObject({
  after: z.string().max(MAX_WATERMARK_LENGTH).optional().meta({
    description:
      'The `next` of the answer before. Without it everything is given; `now` gives a watermark and nothing else, for a client that reads what it needs elsewhere.',
  }),
  limit: queryNumber(z.number().int().min(1).max(MAX_SYNC_PAGE)).default(DEFAULT_SYNC_PAGE),
})

/** A transaction id, as PostgreSQL's `xid8`: 64 bits. */
const xid = z
  .string()
  .regex(/^\d{1,20}$/)
  .refine((text) => BigInt(text) < 2n ** 64n)

/** What `next` holds, as `muster.changes_since` made it. */
export const watermark = z.union([
  z.strictObject({ now: z.literal(true) }),
  z.strictObject({
    history: z.string().max(64),
    scope: z.string().max(64),
    since: z.iso.datetime({ offset: true }),
    after: xid,
    next: xid.optional(),
    before: xid.optional(),
    position: z.tuple([xid, z.guid()]).optional(),
    reset: z.boolean().optional(),
  }),
])

export type Watermark = z.infer<typeof watermark>

const row = z.looseObject({ id: uuid }).meta({
  description:
    'A row as the change stream sends it in `record`: its published columns, points as EWKB in hexadecimal.',
})

export const syncPage = z
  .strictObject({
    items: z
      .array(row)
      .meta({ description: 'Rows that are new or changed, as they are now; some may come again.' }),
    removed: z.array(uuid).meta({
      description:
        'Ids of rows that you do not see any more: deleted, or not yours now. Some may come again, and some may be of rows that you never got.',
    }),
    reset: z.boolean().meta({
      description: 'Throw away what you have of this table: from here on everything is given anew.',
    }),
    complete: z.boolean().meta({ description: 'False when there is more: ask again with `next` at once.' }),
    next: z
      .string()
      .meta({ description: 'Keep it, and give it as `after` the next time. Good for 30 days.' }),
  })
  .meta({ id: 'SyncPage' })

export type SyncPage = z.infer<typeof syncPage>
