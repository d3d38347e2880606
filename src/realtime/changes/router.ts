import type { Database } from '../../db/engine/types.ts'
import {
  type ChangeFeed,
  FeedUnavailable,
  type RowChange,
  type RowImage,
  type TableRef,
} from '../feed/types.ts'
import { checkQuery } from '../protocol/filter.ts'
import type { ChangeRequest } from '../protocol/join.ts'
import type { Catalog, PublishedTable } from './catalog.ts'
import { notPublished, refusedByDatabase, unavailable } from './refusals.ts'
import { type Compiled, compile, type Entry, means, readableColumns, Subscribers } from './subscriptions.ts'
import type {
  ActiveSubscription,
  ChangeChannel,
  ChangeRouter,
  ChangeSubscription,
  RouterHealth,
  Subscriber,
} from './types.ts'
import { SubscriptionRefused } from './types.ts'
import { askUntilAnswered, type Question, type Sight, Visibility } from './visibility.ts'

/**
 * Routes changes to subscriptions.
 *
 * A batch of the feed goes through four steps: who could be interested (in JavaScript, and in PostgreSQL where JavaScript
 * cannot tell); whose rows these are (one call per table, for all changes and subscribers at once); what is sent (once per
 * view); and delivery, in commit order. Without anybody interested, no database is asked.
 *
 * Batches do not overlap, and whatever changes a subscription's rights takes its turn between two of them: what a batch
 * delivers was checked for the subscriber as it is at that moment.
 */

/** How long a subscription waits for the feed: less than clients wait for the answer to their join (20 s at most). */
export const LIVE_TIMEOUT_MS = 15_000
/**
 * How long what is known of a table is believed. Changes of definitions and privileges are announced by the feed; a role that
 * is granted to another is not.
 */
export const DEFINITION_TTL_MS = 60_000
/** Transactions that were received and may not be visible yet; past this they are looked after without a cause. */
const MAX_UNCONFIRMED = 1_000

export interface RouterLog {
  debug(data: object, message: string): void
  info(data: object, message: string): void
  warn(data: object, message: string): void
  error(data: object, message: string): void
}

export interface RouterOptions {
  feed: ChangeFeed
  catalog: Catalog
  /** For checks, as the login that can become the subscribers' roles. */
  database: Database
  /** How many of its connections may be used at once. */
  connections: number
  walrusCompatible: boolean
  log: RouterLog
  /** How long a subscription waits for the feed, in milliseconds; default `LIVE_TIMEOUT_MS`. */
  liveTimeoutMs?: number
}

/** What is known of a table, until a definition changes. */
interface TableState {
  readonly table: PublishedTable
  readonly loadedAt: number
  readonly compiled: Map<Entry, Compiled>
  readonly views: Map<string, Compiled['view']>
}

/** One change that some subscriptions may want. */
interface Candidate {
  change: RowChange
  state: TableState
  interested: Compiled[]
  /** Filters for PostgreSQL to judge. */
  asked: Compiled[]
  /** Filters on columns that the change does not bring. */
  unknown: Compiled[]
}

export function createChangeRouter(options: RouterOptions): ChangeRouter {
  return new Router(options)
}

class Router implements ChangeRouter {
  readonly #options: RouterOptions
  readonly #feed: ChangeFeed
  readonly #visibility: Visibility
  readonly #entries = new Set<Entry>()
  readonly #subscribers = new Subscribers()
  readonly #states = new Map<number, TableState>()
  /** Whether anybody wants changes of a table; forgotten when subscriptions or definitions change. */
  readonly #wanted = new Map<number, boolean>()
  readonly #gapListeners = new Set<(reason: string) => void>()
  readonly #observers = new Map<string, Set<(change: RowChange) => void>>()
  readonly #unconfirmed = new Set<number>()
  #confirming: Promise<void> | undefined
  readonly #stopping = new AbortController()
  /** Counts announcements, so that what was read before one is not kept after it. */
  #definitions = 0
  /** The batch under way, and what takes its turn after it. Never rejects. */
  #turn: Promise<void> = Promise.resolve()
  #delivered = 0
  #isStarted = false

  constructor(options: RouterOptions) {
    this.#options = options
    this.#feed = options.feed
    this.#visibility = new Visibility({
      database: options.database,
      connections: options.connections,
      onFailure: ({ schema, name }, sqlstate) =>
        options.log.warn(
          { table: `${schema}.${name}`, sqlstate },
          'a policy failed for a subscriber of changes; the row counts as not visible',
        ),
    })
  }

  get health(): RouterHealth {
    return {
      feed: this.#isStarted ? this.#feed.health : null,
      subscriptions: this.#entries.size,
      subscribers: this.#subscribers.size,
      checks: this.#visibility.checks,
      failedChecks: this.#visibility.failedChecks,
      delivered: this.#delivered,
    }
  }

  async start(): Promise<void> {
    this.#isStarted = true
    await this.#feed.start({
      sink: (batch, dropped) => this.#take(() => this.#route(batch, dropped)),
      onGap: (reason) => this.#tellGap(reason),
      onDefinition: (table) => this.#forget(table),
      onCommit: (xid) => this.#noteCommit(xid),
      wants: (table) => this.#wants(table),
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#feed.stop()
  }

  onGap(listener: (reason: string) => void): () => void {
    this.#gapListeners.add(listener)
    return () => {
      this.#gapListeners.delete(listener)
    }
  }

  observe({ schema, name }: { schema: string; name: string }, listener: (change: RowChange) => void) {
    const key = observed(schema, name)
    const listeners = this.#observers.get(key) ?? new Set()
    this.#observers.set(key, listeners.add(listener))
    this.#wanted.clear()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#observers.delete(key)
      this.#wanted.clear()
    }
  }

  async subscribe({ subscriber, ...subscription }: ChangeSubscription): Promise<ActiveSubscription> {
    const entry: Entry = {
      subscription,
      subscriber: this.#subscribers.acquire(subscriber),
      oids: new Set(),
      isActive: true,
    }
    const unsubscribe = (): void => this.#remove(entry)
    try {
      await this.#validate(entry)
      await this.#waitUntilLive(subscription.request)
    } catch (error) {
      unsubscribe()
      throw error
    }
    return {
      unsubscribe,
      updateSubscriber: (next) => this.#updateSubscriber(entry, next),
    }
  }

  async #updateSubscriber(entry: Entry, next: Subscriber): Promise<void> {
    const { role, claims } = next
    if (!entry.isActive || (entry.subscriber.role === role && entry.subscriber.claims === claims)) return
    const subscriber = this.#subscribers.acquire(next)
    try {
      // The same role may do what it could before; another one is looked at anew.
      if (role !== entry.subscriber.role) await this.#findTables({ ...entry, subscriber })
    } catch (error) {
      this.#subscribers.release(subscriber)
      this.#remove(entry)
      throw error
    }
    await this.#take(async () => {
      if (!entry.isActive) {
        this.#subscribers.release(subscriber)
        return
      }
      this.#subscribers.release(entry.subscriber)
      entry.subscriber = subscriber
      for (const state of this.#states.values()) {
        if (state.compiled.delete(entry)) this.#compileInto(state, entry)
      }
    })
  }

  #remove(entry: Entry): void {
    if (!entry.isActive) return
    entry.isActive = false
    this.#entries.delete(entry)
    this.#subscribers.release(entry.subscriber)
    for (const state of this.#states.values()) state.compiled.delete(entry)
    this.#wanted.clear()
  }

  // ---- Definitions

  /** Registers the subscription with the tables that it means, from now on. */
  async #validate(entry: Entry): Promise<void> {
    for (;;) {
      const announced = this.#definitions
      const tables = await this.#findTables(entry)
      // A definition changed while it was read: what was read may be the former one.
      if (announced !== this.#definitions) continue
      this.#entries.add(entry)
      this.#wanted.clear()
      for (const table of tables) {
        entry.oids.add(table.oid)
        const state = this.#states.get(table.oid)
        if (state) this.#compileInto(state, entry)
        else this.#remember(table)
      }
      return
    }
  }

  /**
   * The tables that the entry means, all of which it fits; of a wildcard, those that its role may read.
   *
   * @throws SubscriptionRefused
   */
  async #findTables(entry: Entry): Promise<PublishedTable[]> {
    const { request } = entry.subscription
    const orAny = (name: string): string | null => (name === '*' ? null : name)
    const published = await this.#options.catalog.findTables({
      schema: orAny(request.schema),
      table: orAny(request.table),
    })
    const isWildcard = request.schema === '*' || request.table === '*'
    const tables = published.filter(
      (table) =>
        !isWildcard ||
        this.#options.walrusCompatible ||
        readableColumns(table, entry.subscriber.role).size > 0,
    )
    if (tables.length === 0) throw notPublished(request)
    for (const table of tables) {
      const { columns } = compile(entry, table, new Map(), this.#options)
      if (request.filter.length === 0) continue
      const check = checkQuery(request.filter, columns)
      try {
        await this.#options.database.transaction(
          async (tx) => {
            await tx.query("select set_config('role', $1, true)", [entry.subscriber.role])
            await tx.query(check.text, check.parameters)
          },
          { readOnly: true },
        )
      } catch (error) {
        throw (
          refusedByDatabase(request, error) ?? unavailable(request, 'The filter could not be checked.', true)
        )
      }
    }
    return tables
  }

  #remember(table: PublishedTable): TableState {
    const state: TableState = { table, loadedAt: performance.now(), compiled: new Map(), views: new Map() }
    this.#states.set(table.oid, state)
    for (const entry of this.#entries) this.#compileInto(state, entry)
    return state
  }

  #compileInto(state: TableState, entry: Entry): void {
    const { oid, schema, name } = state.table
    if (!means(entry, { oid, schema, name })) return
    try {
      state.compiled.set(entry, compile(entry, state.table, state.views, this.#options))
    } catch (error) {
      if (!(error instanceof SubscriptionRefused)) throw error
      // A wildcard simply does not mean the table any more. To whoever named it silence would be a lie; told once.
      if (!entry.oids.delete(oid) || entry.subscription.request.table === '*') return
      this.#tellGap('A table was changed so that a subscription does not fit it any more.')
    }
  }

  /** Undefined for a table that is not published any more, and once `dropped`. */
  async #stateOf(table: TableRef, dropped: AbortSignal): Promise<TableState | undefined> {
    const known = this.#states.get(table.oid)
    if (known && performance.now() - known.loadedAt < DEFINITION_TTL_MS) return known
    while (!dropped.aborted) {
      const announced = this.#definitions
      const [found] =
        (await askUntilAnswered(dropped, () => this.#options.catalog.findTables({ oid: table.oid }))) ?? []
      if (dropped.aborted || announced !== this.#definitions) continue
      if (found) return this.#remember(found)
      this.#states.delete(table.oid)
      break
    }
    return undefined
  }

  #forget(table: TableRef | 'all'): void {
    this.#definitions += 1
    this.#wanted.clear()
    if (table === 'all') this.#states.clear()
    else this.#states.delete(table.oid)
  }

  #wants(table: TableRef): boolean {
    let wanted = this.#wanted.get(table.oid)
    if (wanted === undefined) {
      wanted =
        this.#observers.has(observed(table.schema, table.name)) ||
        [...this.#entries].some((entry) => means(entry, table))
      this.#wanted.set(table.oid, wanted)
    }
    return wanted
  }

  // ---- Continuity

  #tellGap(reason: string): void {
    for (const listener of this.#gapListeners) {
      try {
        listener(reason)
      } catch (error) {
        this.#options.log.error({ error: nameOf(error) }, 'a listener for gaps failed')
      }
    }
  }

  #noteCommit(xid: number): void {
    this.#unconfirmed.add(xid)
    if (this.#unconfirmed.size < MAX_UNCONFIRMED) return
    // One at a time, for as many as there are then: with one for each commit, a service that is written to fast does nothing else.
    this.#confirming ??= this.#confirm(this.#stopping.signal)
      .catch(() => {})
      .finally(() => {
        this.#confirming = undefined
      })
  }

  /**
   * Resolves when everything received so far is visible to new snapshots. A transaction may be received before it is visible:
   * whoever subscribes in between would neither be told of it nor find it in a query.
   */
  async #confirm(dropped: AbortSignal): Promise<void> {
    const xids = [...this.#unconfirmed]
    if (await this.#visibility.awaitVisible(xids, dropped)) this.#markVisible(xids)
  }

  #markVisible(xids: Iterable<number>): void {
    for (const xid of xids) this.#unconfirmed.delete(xid)
  }

  async #waitUntilLive(request: ChangeRequest): Promise<void> {
    const timeoutMs = this.#options.liveTimeoutMs ?? LIVE_TIMEOUT_MS
    try {
      await this.#feed.live(timeoutMs)
    } catch (error) {
      if (error instanceof FeedUnavailable) throw unavailable(request, error.message, error.isTemporary)
      throw error
    }
    const inTime = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutMs)])
    await this.#confirm(inTime)
    if (inTime.aborted) throw unavailable(request, 'The database did not answer in time.', true)
  }

  // ---- Routing

  /** Runs alone, after what came before. */
  #take(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  /** Never rejects: what cannot be delivered is told as a gap. */
  async #route(batch: readonly RowChange[], dropped: AbortSignal): Promise<void> {
    const given = AbortSignal.any([dropped, this.#stopping.signal])
    // A dropped batch does not wait for what the database may still answer.
    const gone = new Promise<void>((resolve) => {
      if (given.aborted) resolve()
      else given.addEventListener('abort', () => resolve(), { once: true })
    })
    try {
      await Promise.race([this.#routeBatch(batch, given), gone])
    } catch (error) {
      if (given.aborted) return
      this.#options.log.error(
        { error: nameOf(error) },
        'changes could not be checked, and were not delivered',
      )
      this.#tellGap('Changes could not be checked.')
    }
  }

  async #routeBatch(batch: readonly RowChange[], dropped: AbortSignal): Promise<void> {
    const candidates = await this.#findCandidates(batch, dropped)
    if (candidates.length === 0) return
    const xids = [...new Set(candidates.flatMap(({ change }) => change.xid ?? []))]
    await this.#judgeFilters(candidates, dropped)
    for (const { change, interested } of candidates) {
      this.#options.log.debug(
        { table: nameOfTable(change), kind: change.kind, interested: interested.length },
        'a change is checked',
      )
    }
    const [first] = candidates
    if (candidates.length === 1 && isSimple(first!)) return this.#routeOne(first!, xids, dropped)
    const sights = await this.#look(candidates, xids, dropped)
    if (!sights || dropped.aborted) return
    this.#markVisible(xids)
    for (const candidate of candidates) this.#deliver(candidate, sights)
  }

  /** One change by itself goes to each part of its subscribers as soon as the database has answered for that part. */
  async #routeOne(
    { change, state, interested }: Candidate,
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<void> {
    const waiting = Map.groupBy(interested, ({ entry }) => entry.subscriber)
    const data = new Map<string, string>()
    let isVisible = false
    await this.#visibility.checkInParts(
      state.table,
      [change.record!],
      [...waiting.keys()],
      xids,
      dropped,
      (part) => {
        if (!isVisible) {
          isVisible = true
          this.#markVisible(xids)
          this.#tellObservers(change)
        }
        const seers = [...part].filter(([, rows]) => rows.length > 0)
        this.#send(
          change,
          seers.flatMap(([subscriber]) => waiting.get(subscriber)!),
          data,
        )
      },
    )
  }

  async #findCandidates(batch: readonly RowChange[], dropped: AbortSignal): Promise<Candidate[]> {
    const candidates: Candidate[] = []
    for (const change of batch) {
      const state = await this.#stateOf(change.table, dropped)
      if (!state) continue
      const candidate: Candidate = { change, state, interested: [], asked: [], unknown: [] }
      for (const compiled of state.compiled.values()) {
        const verdict = compiled.verdict(change)
        if (verdict === 'match') candidate.interested.push(compiled)
        else if (verdict === 'ask_database') this.#sortQuestion(candidate, compiled)
      }
      const { interested, asked, unknown } = candidate
      if (interested.length + asked.length + unknown.length > 0 || this.#isObserved(change.table)) {
        candidates.push(candidate)
      }
    }
    return candidates
  }

  /** A deleted row has no more than the change brings; of another, the table may have what is missing. */
  #sortQuestion({ change, asked, unknown }: Candidate, compiled: Compiled): void {
    const image = compiled.imageOf(change)
    const isComplete = compiled.entry.subscription.request.filter.every(({ column }) => column in image)
    if (isComplete) asked.push(compiled)
    else if (change.kind !== 'DELETE') unknown.push(compiled)
  }

  /** Moves to the interested those whose filters PostgreSQL says to match; the same question is asked once. */
  async #judgeFilters(candidates: readonly Candidate[], dropped: AbortSignal): Promise<void> {
    const questions: Question[] = []
    const askers: (() => void)[][] = []
    for (const { change, interested, asked } of candidates) {
      const known = new Map<string, number>()
      for (const compiled of asked) {
        const { filter } = compiled.entry.subscription.request
        const key = JSON.stringify([compiled.role, filter])
        let index = known.get(key)
        if (index === undefined) {
          index = questions.length
          known.set(key, index)
          questions.push({
            role: compiled.role,
            filter,
            columns: compiled.columns,
            image: compiled.imageOf(change),
          })
          askers.push([])
        }
        askers[index]!.push(() => interested.push(compiled))
      }
    }
    if (questions.length === 0) return
    const answers = await this.#visibility.matches(questions, dropped)
    for (const [index, matches] of (answers ?? []).entries())
      if (matches) for (const tell of askers[index]!) tell()
  }

  /** Who sees which row, by table. Waits in any case until the changes are visible. Undefined once dropped. */
  async #look(
    candidates: readonly Candidate[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<Map<RowImage, Set<Subscriber>> | undefined> {
    const seenBy = new Map<RowImage, Set<Subscriber>>()
    const looks: Promise<boolean>[] = []
    for (const [state, ofTable] of Map.groupBy(candidates, ({ state }) => state)) {
      const checked = ofTable.filter((candidate) => needsCheck(candidate))
      const subscribers = new Set(
        checked.flatMap(({ interested }) =>
          interested.filter(({ view }) => view.readsKey).map(({ entry }) => entry.subscriber),
        ),
      )
      if (subscribers.size === 0) continue
      const rows = checked.map(({ change }) => change.record!)
      const look = this.#visibility
        .check(state.table, rows, [...subscribers], xids, dropped)
        .then((sight) => sight !== undefined && noteSight(seenBy, rows, sight))
      looks.push(look)
    }
    if (looks.length === 0 && !(await this.#visibility.awaitVisible(xids, dropped))) return undefined
    if (!(await Promise.all(looks)).every(Boolean)) return undefined
    return (await this.#lookForUnknown(candidates, seenBy, dropped)) ? seenBy : undefined
  }

  /** Filters on columns that the change does not bring are judged on the table, one subscriber at a time: they are rare. */
  async #lookForUnknown(
    candidates: readonly Candidate[],
    seenBy: Map<RowImage, Set<Subscriber>>,
    dropped: AbortSignal,
  ): Promise<boolean> {
    for (const { change, state, interested, unknown } of candidates) {
      for (const compiled of unknown) {
        const { subscriber, subscription } = compiled.entry
        const matches = await this.#visibility.matchesInTable(
          state.table,
          change.record!,
          subscription.request.filter,
          compiled.columns,
          subscriber,
          dropped,
        )
        if (matches === undefined) return false
        if (!matches) continue
        interested.push(compiled)
        const seers = seenBy.get(change.record!) ?? new Set()
        seenBy.set(change.record!, seers.add(subscriber))
      }
    }
    return true
  }

  #deliver(
    { change, state, interested }: Candidate,
    seenBy: ReadonlyMap<RowImage, ReadonlySet<Subscriber>>,
  ): void {
    this.#tellObservers(change)
    const seers = change.record && seenBy.get(change.record)
    const isChecked = change.kind !== 'DELETE' && state.table.rowSecurity
    // Without its key a row cannot be looked for: such an event has no data.
    const told = interested.filter(
      ({ entry, view }) => !isChecked || !view.readsKey || seers?.has(entry.subscriber),
    )
    this.#send(change, told, new Map())
  }

  /** @param data by view, what was made of the change so far */
  #send(change: RowChange, told: readonly Compiled[], data: Map<string, string>): void {
    const calls = new Map<ChangeChannel, { compiled: Compiled; ids: number[] }[]>()
    for (const compiled of told) {
      const { entry, viewKey } = compiled
      if (!entry.isActive) continue
      const { channel, id } = entry.subscription
      const ofChannel = calls.get(channel)
      const same = ofChannel?.find((call) => call.compiled.viewKey === viewKey)
      if (same) same.ids.push(id)
      else if (ofChannel) ofChannel.push({ compiled, ids: [id] })
      else calls.set(channel, [{ compiled, ids: [id] }])
    }
    this.#options.log.debug({ table: nameOfTable(change), channels: calls.size }, 'a change was told')
    for (const [channel, ofChannel] of calls) {
      for (const { compiled, ids } of ofChannel) {
        let text = data.get(compiled.viewKey)
        if (text === undefined) {
          text = compiled.view.data(change)
          data.set(compiled.viewKey, text)
        }
        this.#call(channel, ids, text)
      }
    }
  }

  #call(channel: ChangeChannel, ids: readonly number[], data: string): void {
    try {
      channel.deliver(ids, data)
      this.#delivered += 1
    } catch (error) {
      this.#options.log.error({ error: nameOf(error) }, 'a channel failed to take a change')
    }
  }

  #isObserved({ schema, name }: TableRef): boolean {
    return this.#observers.has(observed(schema, name))
  }

  #tellObservers(change: RowChange): void {
    for (const listener of this.#observers.get(observed(change.table.schema, change.table.name)) ?? []) {
      try {
        listener(change)
      } catch (error) {
        this.#options.log.error({ error: nameOf(error) }, 'an observer of changes failed')
      }
    }
  }
}

const observed = (schema: string, name: string): string => JSON.stringify([schema, name])

const nameOfTable = ({ table }: RowChange): string => `${table.schema}.${table.name}`

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')

/** Deleted rows cannot be looked for, and where there is no row security the role's privileges decide alone. */
const needsCheck = ({ change, state, interested }: Candidate): boolean =>
  change.kind !== 'DELETE' && state.table.rowSecurity && interested.length > 0

/** Everything that it takes is one look at its table. */
const isSimple = (candidate: Candidate): boolean =>
  needsCheck(candidate) &&
  candidate.unknown.length === 0 &&
  candidate.interested.every(({ view }) => view.readsKey)

function noteSight(seenBy: Map<RowImage, Set<Subscriber>>, rows: readonly RowImage[], sight: Sight): true {
  for (const [subscriber, positions] of sight) {
    for (const position of positions) {
      const row = rows[position]!
      const seers = seenBy.get(row) ?? new Set()
      seenBy.set(row, seers.add(subscriber))
    }
  }
  return true
}
