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
      'The `next` of the previous response. Without it the response starts from the first row. `now` returns only a watermark, for a client that reads its first snapshot elsewhere.',
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
    'A row in the form of `record` in the change stream: its published columns, with points as EWKB in hexadecimal.',
})

export const syncPage = z
  .strictObject({
    items: z.array(row).meta({
      description: 'New and changed rows in their current state. A row may occur in more than one response.',
    }),
    removed: z.array(uuid).meta({
      description:
        'Ids of rows that you can no longer see, because they were deleted or your access ended. An id may occur in more than one response, and may belong to a row that you never received.',
    }),
    reset: z.boolean().meta({
      description: 'True when the client must discard its local copy of this table: a full resync follows.',
    }),
    complete: z
      .boolean()
      .meta({ description: 'False when there are more changes: call again at once with `next`.' }),
    next: z.string().meta({
      description: 'The watermark to store and to send as `after` in the next call. It is valid for 30 days.',
    }),
  })
  .meta({ id: 'SyncPage' })

export type SyncPage = z.infer<typeof syncPage>
