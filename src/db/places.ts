import { type AnyColumn, type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/*
 * Where a caller's rows of a table are: the terms of its policy, one by one. Under the policy alone, which is one long `or`, a list
 * reads and sorts the whole table; each term for itself has an index in the order of the list, so that a page is read and no more.
 * The policy still decides: a place only says where to look. No row may be in two places.
 */

/** Who has nothing there has null, which is found out once: the rows are not even looked at. */
export const belongsTo = (column: AnyColumn, holder: SQL): SQL =>
  sql`(select ${holder}) is not null and ${column} = (select ${holder})`

/**
 * The first rows of all places together.
 *
 * @param pages the first `limit` rows of each place, in the order of the list
 * @param order of the answer's columns, by their names
 */
export function fromPlaces(pages: readonly SQLWrapper[], order: SQL, limit: number): SQL {
  return sql`
    select * from (${sql.join(
      pages.map((page) => sql`(${page})`),
      sql` union all `,
    )}) as pages
    order by ${order}
    limit ${limit}
  `
}
