import { organizations } from '../../people/table.ts'
import { bigint, date, foreignKey, integer, uuid } from '../../platform/db/drizzle.ts'
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

/** How often a company was refused guards whom it does not know on its latest day: one row for each, as above. */
export const refusedAssignments = muster.table(
  'refused_assignments',
  {
    company_id: uuid('company_id').primaryKey(),
    /** In UTC. */
    refused_on: date('refused_on', { mode: 'string' }).notNull(),
    refused: integer('refused').notNull(),
  },
  (t) => [
    foreignKey({
      name: 'refused_assignments_company_fk',
      columns: [t.company_id],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
  ],
)
