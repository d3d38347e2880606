import { type AnyColumn, type Placeholder, type SQL, type SQLWrapper, sql } from './drizzle.ts'
import { MAX_PAGE_SIZE } from './sql.ts'

/*
 * The read policy's OR branches, one query each, merged by UNION ALL. Under the policy alone, which is one long `or`, a list scans
 * and sorts the whole table. Each branch by itself has an index in the order of the list, so only one page is read. The policy still
 * decides visibility: a branch only says where to look. The branches must be disjoint.
 */

/** A branch that does not apply to the caller has a null holder. It is evaluated once per query, and then no row is scanned. */
export const belongsTo = (column: AnyColumn, holder: SQL): SQL =>
  sql`(select ${holder}) is not null and ${column} = (select ${holder})`

/**
 * The limit of each branch, as a constant. With a parameter, the generic plan gets such a high cost estimate that the planner
 * makes a custom plan for each request, which takes longer than the query. The constant reads no extra rows, because the branches
 * are merged row by row.
 */
export const MOST_ROWS = sql.raw(String(MAX_PAGE_SIZE + 1))

/**
 * Merges the branches in the order of the list, and returns the first rows.
 *
 * @param pages one query per branch, each in the order of the list
 * @param order the order of the list, by the names of the result columns
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
