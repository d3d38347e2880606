import { type AnyPgColumn, and, eq, isNull, type PgTable, type SQL, sql } from '../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../platform/db/policy-branches.ts'
import type { Session } from '../platform/db/session.ts'
import { after, build, insertRow, type PageValues, pageValues } from '../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../platform/db/statement.ts'
import { forbidIfVisible } from '../platform/http/found.ts'
import type { Position } from '../platform/http/page.ts'
import { drivers } from './drivers/table.ts'
import { loads } from './loads/table.ts'

/** What the records of a carrier have: brokers, drivers, trucks, trailers. */
type CarrierTable = PgTable & {
  id: AnyPgColumn
  tenant_id: AnyPgColumn
  organization_id: AnyPgColumn
  deleted_at: AnyPgColumn
  status?: AnyPgColumn
}

interface RecordTable<Item> {
  table: CarrierTable
  /** What the API shows, by name. */
  columns: Record<keyof Item & string, AnyPgColumn>
  /** By which the list is sorted, as text. */
  order: AnyPgColumn
  /** Where else the read policy looks; disjoint with the rows of the caller's carrier and tenant. */
  more?: readonly SQL[]
}

interface Filter {
  status?: string | undefined
}

/** The statements of a carrier's records: they differ in nothing but their columns. */
export function recordQueries<Item extends { id: string }>({
  table,
  columns: shown,
  order,
  more = [],
}: RecordTable<Item>) {
  const columns: Record<string, AnyPgColumn> = shown
  /** Nobody both plans for a carrier and administers the tenant (`memberships_one_desk_of_freight`): no row is in two branches. */
  const branches = [
    belongsTo(table.organization_id, sql`muster.carrier_id()`),
    belongsTo(table.tenant_id, sql`muster.admin_tenant_id()`),
    ...more,
  ]
  const page = writtenOnce<Filter & PageValues, Item>((given) =>
    mergeBranches(
      branches.map((branch) =>
        build
          .select(columns)
          .from(table)
          .where(
            and(
              branch,
              isNull(table.deleted_at),
              given.status && table.status && eq(table.status, given.status),
              after(order, table.id, given),
            ),
          )
          .orderBy(order, table.id),
      ),
      sql`${sql.identifier(order.name)}, id`,
      given.limit,
    ),
  )
  const byId = writtenOnce<{ id: string }, Item>(({ id }) =>
    build.select(columns).from(table).where(eq(table.id, id)),
  )

  return {
    list: (filter: Filter, limit: number, position: Position | undefined): RowsStatement<Item> =>
      page({ ...filter, ...pageValues(limit, position) }),

    byId,

    async create(session: Session, given: Record<string, unknown>): Promise<Item> {
      const created = await session.row<Item>(insertRow(table, given, columns))
      return created!
    },

    /** @throws Problem `forbidden` for one that the caller may see and not change. */
    async change(session: Session, id: string, change: Record<string, unknown>): Promise<Item | undefined> {
      const changed = await session.row<Item>(
        build.update(table).set(change).where(eq(table.id, id)).returning(columns),
      )
      if (!changed) forbidIfVisible(await session.row(byId({ id })))
      return changed
    },

    /**
     * A soft delete (a trigger makes it one, so the statement itself returns no row).
     *
     * @throws Problem `forbidden` for one that the caller may see and not remove.
     */
    async remove(session: Session, id: string): Promise<boolean> {
      if (!(await session.row(byId({ id })))) return false
      await session.rows(build.delete(table).where(eq(table.id, id)).returning({ id: table.id }))
      forbidIfVisible(await session.row(byId({ id })))
      return true
    },
  }
}

/** Only whether the caller sees the driver. */
export const visibleDriver = writtenOnce<{ id: string }, { id: string }>(({ id }) =>
  build.select({ id: drivers.id }).from(drivers).where(eq(drivers.id, id)),
)

/** Only whether the caller sees the load. */
export const visibleLoad = writtenOnce<{ id: string }, { id: string }>(({ id }) =>
  build.select({ id: loads.id }).from(loads).where(eq(loads.id, id)),
)
