import { bigint, date, pgSchema, primaryKey, text } from '../db/drizzle.ts'

/** As `src/platform/idempotency/table.ts` declares it. */
const muster = pgSchema('muster')

/** How large each table was on each day, with its indexes: what the growth of the database is told by. */
export const sizeSamples = muster.table(
  'size_samples',
  {
    /** In UTC. */
    sampled_on: date('sampled_on').notNull(),
    /** `public.shifts` */
    relation: text('relation').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ name: 'size_samples_pkey', columns: [t.sampled_on, t.relation] })],
)
