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
 * @param page the first `limit` rows of one place, in the same order
 * @param order of the answer's columns, by their names
 */
export function fromPlaces(
  places: readonly SQL[],
  page: (place: SQL) => SQLWrapper,
  order: SQL,
  limit: number,
): SQL {
  const pages = places.map((place) => sql`(${page(place)})`)
  return sql`
    select * from (${sql.join(pages, sql` union all `)}) as pages
    order by ${order}
    limit ${limit}
  `
}
