import type { CallerRole } from '../../auth/caller.ts'
import type { ChangeKind, RowChange, TableRef } from '../feed/change-feed.ts'
import { compileView, type View, viewKey } from '../feed/payload.ts'
import type { PublishedTable } from '../feed/published-table.ts'
import {
  type ColumnTypes,
  type Filter,
  prefilter,
  undecided,
  unfitPattern,
  unknownColumn,
  type Verdict,
} from '../protocol/filter.ts'
import type { ChangeRequest } from '../protocol/join.ts'
import { PatternRefused } from '../protocol/pattern.ts'
import type { RowImage } from '../row-image.ts'
import type { FilterCost, Payer } from './budgets.ts'
import type { ChangeSubscription, Subscriber } from './change-router.ts'
import { unfit } from './refusals.ts'

/** Who follows what: subscriptions by table, and the distinct subscribers among them. */

/** A registered subscription. */
export interface Entry {
  readonly subscription: Omit<ChangeSubscription, 'subscriber'>
  /** One object for all entries with the same role and claims. */
  subscriber: Subscriber
  /** The filter budget that the subscription uses, released when it is removed. */
  payer: Payer
  cost: FilterCost
  /** Tables that it was found to mean; besides them, every table that has its names. */
  readonly oids: Set<number>
  isActive: boolean
}

/** A subscription as it applies to one table, compiled once for all changes of it. */
export interface Compiled {
  readonly entry: Entry
  /** Whose rights it was compiled for; the entry's, until that goes on as another. */
  readonly subscriber: Subscriber
  readonly columns: ColumnTypes
  readonly view: View
  readonly viewKey: string
  hears(kind: ChangeKind): boolean
  /** What the filter is about: the row as it is, and for a deleted one, as it was. */
  imageOf(change: RowChange): RowImage
  /** Whether the image is of interest, as far as that is known without the database. */
  judge(image: RowImage): Verdict
  /** The conditions that may need the database. */
  readonly undecided: Filter
}

export interface Rules {
  /**
   * As Supabase does it: deletions go to every subscriber of the table, also to roles that may not read its key, and filters
   * on them see all old values that the log has; and of a table without a declared audience, only those are asked for whose
   * filters match, which is cheaper, and can be seen from outside by the time that it takes.
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
  const { judge, asked } = compileFilter(request, columns)
  const hearsDeletes =
    walrusCompatible || (view.readsKey && (!table.rowSecurity || filtersByKey(request, table)))
  // Without the key nobody can be asked who sees the row: a filter would tell what is in it.
  const hearsWrites = walrusCompatible || view.readsKey || !table.rowSecurity || request.filter.length === 0
  const kinds = new Set<ChangeKind>(
    (['INSERT', 'UPDATE', 'DELETE'] as const).filter(
      (kind) =>
        (request.event === '*' || request.event === kind) && (kind === 'DELETE' ? hearsDeletes : hearsWrites),
    ),
  )
  return {
    entry,
    subscriber: entry.subscriber,
    columns,
    view,
    viewKey: key,
    hears: (kind) => kinds.has(kind),
    imageOf,
    judge,
    undecided: asked,
  }
}

function compileFilter(
  request: ChangeRequest,
  columns: ColumnTypes,
): { judge: Compiled['judge']; asked: Filter } {
  const { filter } = request
  const unfitting = unfitPattern(filter, columns)
  if (unfitting) {
    const { column, operator } = unfitting
    throw unfit(request, `operator does not exist: ${operator} on ${column}, which is no text`, '42883')
  }
  try {
    return { judge: prefilter(filter, columns), asked: undecided(filter, columns) }
  } catch (error) {
    throw error instanceof PatternRefused ? unfit(request, error.message, '2201B') : error
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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The user id of a subscriber, as policies see it (`auth.uid()`); undefined for one who is no user. */
export function userOf({ role, claims }: Subscriber): string | undefined {
  if (role !== 'authenticated') return undefined
  const { sub } = JSON.parse(claims) as { sub?: unknown }
  const user = typeof sub === 'string' ? sub.toLowerCase() : ''
  return UUID.test(user) ? user : undefined
}

/** Whom a change may be told to: those who see the row, or everybody, where that is not asked. */
export type Seers = ReadonlySet<Subscriber> | 'everybody'

/** The subscriptions to one table, also by subscriber. */
export class Followers {
  readonly #compiled = new Map<Entry, Compiled>()
  readonly #bySubscriber = new Map<Subscriber, Set<Compiled>>()
  /** Those who may not read the key: no row can be looked for on their behalf, and their events have no data. */
  readonly #blind = new Set<Compiled>()

  get hasBlind(): boolean {
    return this.#blind.size > 0
  }

  set(compiled: Compiled): void {
    this.delete(compiled.entry)
    this.#compiled.set(compiled.entry, compiled)
    if (!compiled.view.readsKey) {
      this.#blind.add(compiled)
      return
    }
    const known = this.#bySubscriber.get(compiled.subscriber) ?? new Set()
    this.#bySubscriber.set(compiled.subscriber, known.add(compiled))
  }

  /** @returns whether it was there */
  delete(entry: Entry): boolean {
    const compiled = this.#compiled.get(entry)
    if (!compiled) return false
    this.#compiled.delete(entry)
    this.#blind.delete(compiled)
    const known = this.#bySubscriber.get(compiled.subscriber)
    known?.delete(compiled)
    if (known?.size === 0) this.#bySubscriber.delete(compiled.subscriber)
    return true
  }

  /** Whether anybody hears of such changes. */
  hear(kind: ChangeKind): boolean {
    for (const compiled of this.#compiled.values()) if (compiled.hears(kind)) return true
    return false
  }

  /** The subscribers whose visibility must be checked, because a filter of one of their subscriptions passes. */
  subscribers(passes: (compiled: Compiled) => boolean): Subscriber[] {
    const found: Subscriber[] = []
    for (const [subscriber, known] of this.#bySubscriber) {
      for (const compiled of known) {
        if (!passes(compiled)) continue
        found.push(subscriber)
        break
      }
    }
    return found
  }

  *of(seers: Seers): Iterable<Compiled> {
    if (seers === 'everybody') {
      yield* this.#compiled.values()
      return
    }
    yield* this.#blind
    for (const subscriber of seers) yield* this.#bySubscriber.get(subscriber) ?? []
  }
}

/** The subscribers in use: one object per role and claims, for as long as an entry has it. */
export class Subscribers {
  readonly #inUse = new Map<string, { subscriber: Subscriber; count: number }>()
  readonly #listener: { add(subscriber: Subscriber): void; remove(subscriber: Subscriber): void }

  get size(): number {
    return this.#inUse.size
  }

  /** @param listener called when a subscriber gets its first subscription or loses its last one */
  constructor(listener: { add(subscriber: Subscriber): void; remove(subscriber: Subscriber): void }) {
    this.#listener = listener
  }

  acquire({ role, claims }: Subscriber): Subscriber {
    const key = `${role} ${claims}`
    const known = this.#inUse.get(key) ?? { subscriber: { role, claims }, count: 0 }
    known.count += 1
    if (known.count === 1) {
      this.#inUse.set(key, known)
      this.#listener.add(known.subscriber)
    }
    return known.subscriber
  }

  release({ role, claims }: Subscriber): void {
    const key = `${role} ${claims}`
    const known = this.#inUse.get(key)
    if (!known || --known.count > 0) return
    this.#inUse.delete(key)
    this.#listener.remove(known.subscriber)
  }
}
