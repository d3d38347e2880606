import { type AnyColumn, type Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { MAX_PAGE_SIZE } from './sql.ts'

/*
 * Where a caller's rows of a table are: the terms of its policy, one by one. Under the policy alone, which is one long `or`, a list
 * reads and sorts the whole table; each term for itself has an index in the order of the list, so that a page is read and no more.
 * The policy still decides: a place only says where to look. No row may be in two places.
 */

/** Who has nothing there has null, which is found out once: the rows are not even looked at. */
export const belongsTo = (column: AnyColumn, holder: SQL): SQL =>
  sql`(select ${holder}) is not null and ${column} = (select ${holder})`

/**
 * What any page can need of one place, as a constant. Of a parameter the planner knows nothing when it plans for all its values:
 * such a plan looks so bad to it that it makes a new one for each request, which takes longer than to run it. No more rows are
 * read for it, as the places are merged row by row.
 */
const MOST_ROWS = sql.raw(String(MAX_PAGE_SIZE + 1))

/**
 * The first rows of all places together.
 *
 * @param pages the rows of each place, in the order of the list
 * @param order of the answer's columns, by their names
 */
export function fromPlaces(pages: readonly SQLWrapper[], order: SQL, limit: Placeholder): SQL {
  return sql`
    select * from (${sql.join(
      pages.map((page) => sql`(${page.getSQL()} limit ${MOST_ROWS})`),
      sql` union all `,
    )}) as pages
    order by ${order}
    limit ${limit}
  `
}
