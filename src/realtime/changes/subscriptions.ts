import type { CallerRole } from '../../auth/caller.ts'
import type { ChangeKind, RowChange, RowImage, TableRef } from '../feed/types.ts'
import { compileView, type View, viewKey } from '../payload.ts'
import { type ColumnTypes, prefilter, unknownColumn, type Verdict } from '../protocol/filter.ts'
import type { ChangeRequest } from '../protocol/join.ts'
import type { PublishedTable } from './catalog.ts'
import { unfit } from './refusals.ts'
import type { ChangeSubscription, Subscriber } from './types.ts'

/** Who follows what: subscriptions by table, and the distinct subscribers among them. */

/** A registered subscription. */
export interface Entry {
  readonly subscription: Omit<ChangeSubscription, 'subscriber'>
  /** One object for all entries with the same role and claims. */
  subscriber: Subscriber
  /** Tables that it was found to mean; besides them, every table that has its names. */
  readonly oids: Set<number>
  isActive: boolean
}

/** A subscription as it applies to one table, compiled once for all changes of it. */
export interface Compiled {
  readonly entry: Entry
  readonly role: CallerRole
  readonly columns: ColumnTypes
  readonly view: View
  readonly viewKey: string
  /** Whether the change is of interest, as far as that is known without the database. */
  verdict(change: RowChange): Verdict
  /** What the filter is about: the row as it is, and for a deleted one, as it was. */
  imageOf(change: RowChange): RowImage
}

export interface Rules {
  /**
   * As Supabase does it: deletions go to every subscriber of the table, also to roles that may not read its key, and filters
   * on them see all old values that the log has.
   */
  walrusCompatible: boolean
}

/** The columns that a role may read of a table, with their types. */
export function readableColumns(table: PublishedTable, role: CallerRole): ColumnTypes {
  return new Map(
    table.columns
      .filter(({ name }) => table.selectable[role].has(name))
      .map(({ name, type }) => [name, type]),
  )
}

/**
 * Compiles a subscription for a table. What PostgreSQL says to the filter's values is not part of it (`checkQuery`).
 *
 * @throws SubscriptionRefused where the request does not fit the table, or the role may read nothing of it.
 */
export function compile(
  entry: Entry,
  table: PublishedTable,
  views: Map<string, View>,
  { walrusCompatible }: Rules,
): Compiled {
  const { request } = entry.subscription
  const { role } = entry.subscriber
  const columns = readableColumns(table, role)
  checkColumns(request, columns)
  if (columns.size === 0 && !walrusCompatible) {
    throw unfit(request, `permission denied for table ${table.name}`, '42501')
  }

  const key = viewKey(role, request.select)
  let view = views.get(key)
  if (!view) {
    view = compileView(table, {
      selectable: table.selectable[role],
      ...(request.select && { select: request.select }),
    })
    views.set(key, view)
  }
  const judge = prefilter(request.filter, columns)
  const hearsDeletes =
    walrusCompatible || (view.readsKey && (!table.rowSecurity || filtersByKey(request, table)))
  const kinds = new Set<ChangeKind>(
    (['INSERT', 'UPDATE', 'DELETE'] as const).filter(
      (kind) => (request.event === '*' || request.event === kind) && (kind !== 'DELETE' || hearsDeletes),
    ),
  )
  return {
    entry,
    role,
    columns,
    view,
    viewKey: key,
    imageOf,
    verdict: (change) => (kinds.has(change.kind) ? judge(imageOf(change)) : 'no_match'),
  }
}

function checkColumns(request: ChangeRequest, columns: ColumnTypes): void {
  const unknown = unknownColumn(request.filter, columns)
  if (unknown !== undefined) throw unfit(request, `invalid column for filter ${unknown}`)
  const unselectable = request.select?.find((name) => !columns.has(name))
  if (unselectable !== undefined) throw unfit(request, `invalid column for select ${unselectable}`)
}

/** Old values of a row that is gone cannot be checked: a filter on them would tell who may not see the row what was in it. */
function filtersByKey(request: ChangeRequest, table: PublishedTable): boolean {
  return request.filter.every(({ column }) =>
    table.columns.some(({ name, isPrimaryKey }) => name === column && isPrimaryKey),
  )
}

/** A value that an update did not touch may stand in the old row alone. */
function imageOf({ kind, record, old, oldIs }: RowChange): RowImage {
  if (kind === 'DELETE') return old ?? {}
  return old && oldIs === 'full' ? { ...old, ...record } : (record ?? {})
}

/** Whether the request means the table. */
export function means(entry: Entry, { oid, schema, name }: TableRef): boolean {
  const { request } = entry.subscription
  if (entry.oids.has(oid)) return true
  return (
    (request.schema === '*' || request.schema === schema) && (request.table === '*' || request.table === name)
  )
}

/** The subscribers in use: one object per role and claims, for as long as an entry has it. */
export class Subscribers {
  readonly #inUse = new Map<string, { subscriber: Subscriber; count: number }>()

  get size(): number {
    return this.#inUse.size
  }

  acquire({ role, claims }: Subscriber): Subscriber {
    const key = `${role} ${claims}`
    const known = this.#inUse.get(key) ?? { subscriber: { role, claims }, count: 0 }
    known.count += 1
    this.#inUse.set(key, known)
    return known.subscriber
  }

  release({ role, claims }: Subscriber): void {
    const key = `${role} ${claims}`
    const known = this.#inUse.get(key)
    if (known && --known.count === 0) this.#inUse.delete(key)
  }
}
