import { type AnyColumn, type Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { MAX_PAGE_SIZE } from './sql.ts'

/*
 * The OR branches of a table's read policy, one query each, merged by UNION ALL. Under the policy alone, which is one long `or`, a
 * list reads and sorts the whole table; each branch for itself has an index in the order of the list, so that a page is read and no
 * more. The policy still decides: a branch only says where to look. No row may be in two branches.
 */

/** The branch of rows that belong to one holder. A caller who is none has null, found out once: no row is even looked at. */
export const belongsTo = (column: AnyColumn, holder: SQL): SQL =>
  sql`(select ${holder}) is not null and ${column} = (select ${holder})`

/**
 * What any page can need of one branch, as a constant. Of a parameter the planner knows nothing when it plans for all its values:
 * such a plan looks so bad to it that it makes a new one for each request, which takes longer than to run it. No more rows are
 * read for it, as the branches are merged row by row.
 */
const MOST_ROWS = sql.raw(String(MAX_PAGE_SIZE + 1))

/**
 * The first rows of all branches together.
 *
 * @param pages the rows of each branch, in the order of the list
 * @param order of the answer's columns, by their names
 */
export function mergeBranches(pages: readonly SQLWrapper[], order: SQL, limit: Placeholder): SQL {
  return sql`
    select * from (${sql.join(
      pages.map((page) => sql`(${page.getSQL()} limit ${MOST_ROWS})`),
      sql` union all `,
    )}) as pages
    order by ${order}
    limit ${limit}
  `
}
