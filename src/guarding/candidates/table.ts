import { bigint, date, foreignKey, uuid } from 'drizzle-orm/pg-core'
import { organizations } from '../../people/table.ts'
import { muster } from '../../platform/idempotency/table.ts'

/** What a company has asked about guards on its latest day: one row for each, so nothing is left to clean up. */
export const candidatePages = muster.table(
  'candidate_pages',
  {
    company_id: uuid('company_id').primaryKey(),
    /** In UTC. */
    asked_on: date('asked_on', { mode: 'string' }).notNull(),
    /** A hash of each page. */
    pages: bigint('pages', { mode: 'bigint' }).array().notNull(),
  },
  (t) => [
    foreignKey({
      name: 'candidate_pages_company_fk',
      columns: [t.company_id],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
  ],
)
