import type { Database } from '../../db/engine/database.ts'
import { readAs } from '../../db/identity.ts'
import { Streak } from '../../streak.ts'
import { type ChangeFeed, FeedUnavailable, type RowChange, type TableRef } from '../feed/change-feed.ts'
import type { PublishedTable } from '../feed/published-table.ts'
import { realtimeLosses } from '../losses.ts'
import {
  checkQuery,
  type Filter,
  filterCost,
  hasPattern,
  missingColumns,
  patternSize,
} from '../protocol/filter.ts'
import type { ChangeRequest } from '../protocol/join.ts'
import { PatternRefused } from '../protocol/pattern.ts'
import type { RowImage } from '../row-image.ts'
import { Audiences } from './audiences.ts'
import { Budgets } from './budgets.ts'
import type {
  ActiveSubscription,
  ChangeChannel,
  ChangeRouter,
  ChangeSubscription,
  RouterHealth,
  Subscriber,
} from './change-router.ts'
import { SubscriptionRefused } from './change-router.ts'
import type { Catalog } from './published-tables.ts'
import { notPublished, refusedByDatabase, unavailable, unfit } from './refusals.ts'
import {
  type Compiled,
  compile,
  type Entry,
  Followers,
  means,
  readableColumns,
  type Seers,
  Subscribers,
  userOf,
} from './subscriptions.ts'
import { askUntilAnswered, type Question, Visibility } from './visibility.ts'

/**
 * Routes changes to subscriptions.
 *
 * A batch of the feed goes through three steps: who may see each row (`audiences.ts`, or `visibility.ts` for all subscribers of
 * the table); which of their filters match; and delivery of what each view shows, in commit order. In this order, so that
 * nothing about a row is computed for one who may not see it: from how long it takes, they could tell what is in it.
 *
 * Batches do not overlap, and whatever changes a subscription's rights takes its turn between two of them: what a batch
 * delivers was checked for the subscriber as it is at that moment. Filters that only PostgreSQL can judge do not keep a batch:
 * the channels that have them are told by and by, each still in commit order.
 */

/** How long a subscription waits for the feed: less than clients wait for the answer to their join (20 s at most). */
export const LIVE_TIMEOUT_MS = 15_000
/**
 * How long what is known of a table is believed. Changes of definitions and privileges are announced by the feed; a role that
 * is granted to another is not.
 */
export const DEFINITION_TTL_MS = 60_000
/** Limits of the queue of changes that wait for filters evaluated by PostgreSQL. Beyond them the channels are told to resync. */
const MAX_LATE_CHANGES = 1_000
const MAX_LATE_BYTES = 32 * 1024 * 1024
/** Converting the values of a filter takes microseconds. */
const FILTER_CHECK_TIMEOUT_MS = 1_000
/** Transactions that were received and may not be visible yet; past this they are looked after without a cause. */
const MAX_UNCONFIRMED = 1_000

/** While some filters are evaluated in time and others are not, it is one streak of the log. */
const SETTLE_MS = 1_000

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
  readonly followers: Followers
  readonly views: Map<string, Compiled['view']>
}

/** One change that some subscriptions may want. */
interface Candidate {
  change: RowChange
  readonly state: TableState
  seers: Seers
}

export function createChangeRouter(options: RouterOptions): ChangeRouter {
  return new Router(options)
}

class Router implements ChangeRouter {
  readonly #options: RouterOptions
  readonly #feed: ChangeFeed
  readonly #visibility: Visibility
  readonly #checks: Streak
  readonly #filters: Streak
  readonly #policies: Streak
  readonly #audiences: Audiences
  readonly #budgets = new Budgets()
  readonly #entries = new Set<Entry>()
  readonly #subscribers: Subscribers
  readonly #states = new Map<number, TableState>()
  /** Whether anybody wants changes of a table; forgotten when subscriptions or definitions change. */
  readonly #wanted = new Map<number, boolean>()
  readonly #gapListeners = new Set<(reason: string) => void>()
  readonly #unconfirmed = new Set<number>()
  #confirming: Promise<void> | undefined
  readonly #stopping = new AbortController()
  /** Counts announcements, so that what was read before one is not kept after it. */
  #definitions = 0
  /** The batch under way, and what takes its turn after it. Never rejects. */
  #turn: Promise<void> = Promise.resolve()
  /** Filters of new subscriptions are checked one at a time, so that subscribers occupy only one connection. */
  #checking: Promise<void> = Promise.resolve()
  /** Deliveries that wait for PostgreSQL's word on a filter, one after the other. Never rejects. */
  #late: Promise<void> = Promise.resolve()
  readonly #lateChannels = new Map<ChangeChannel, number>()
  #lateChanges = 0
  #lateBytes = 0
  #delivered = 0
  #lagMs: number | null = null
  #isStarted = false

  constructor(options: RouterOptions) {
    this.#options = options
    this.#feed = options.feed
    this.#audiences = new Audiences(options.database)
    this.#checks = new Streak({
      log: options.log,
      failed:
        'realtime changes: visibility could not be checked; the changes were not delivered and all subscribers are told to resync',
      recovered: 'realtime changes: visibility is checked again',
    })
    this.#policies = new Streak({
      log: options.log,
      failed:
        'realtime changes: a policy raised an error (its SQLSTATE is the reason) for a subscriber; the row counts as not visible',
      recovered: 'realtime changes: policies raise no errors any more',
      settleMs: SETTLE_MS,
    })
    this.#filters = new Streak({
      log: options.log,
      failed:
        'realtime changes: the database does not evaluate filters in time, or at all (see reason); their channels are told to resync',
      recovered: 'realtime changes: the database evaluates filters again',
      settleMs: SETTLE_MS,
    })
    this.#subscribers = new Subscribers(this.#audiences)
    this.#visibility = new Visibility({
      database: options.database,
      connections: options.connections,
      onFailure: ({ schema, name }, sqlstate) =>
        this.#policies.fail(sqlstate, { table: `${schema}.${name}` }),
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
      lagMs: this.#lagMs,
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

  async subscribe({ subscriber, ...subscription }: ChangeSubscription): Promise<ActiveSubscription> {
    const { request } = subscription
    const payer = { socket: subscription.socket ?? subscription.channel, user: userOf(subscriber) }
    const cost = { ...filterCost(request.filter), patterns: 0 }
    this.#budgets.take(payer, cost)
    const entry: Entry = {
      subscription,
      subscriber: this.#subscribers.acquire(subscriber),
      payer,
      cost,
      oids: new Set(),
      isActive: true,
    }
    const unsubscribe = (): void => this.#remove(entry)
    try {
      if (hasPattern(request.filter)) {
        cost.patterns = this.#budgets.takePatterns(payer, () => sizeOfPatterns(request))
      }
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
      this.#pay(entry, next)
      // The same role may do what it could before; another one is looked at anew.
      if (role !== entry.subscriber.role) await this.#findTables({ ...entry, subscriber })
    } catch (error) {
      this.#subscribers.release(subscriber)
      this.#remove(entry)
      throw error
    }
    // What waits was judged for the former claims: better told before than lost.
    if (this.#lateChannels.has(entry.subscription.channel)) await this.#late
    await this.#take(async () => {
      if (!entry.isActive) {
        this.#subscribers.release(subscriber)
        return
      }
      this.#subscribers.release(entry.subscriber)
      entry.subscriber = subscriber
      for (const state of this.#states.values()) {
        if (state.followers.delete(entry)) this.#compileInto(state, entry)
      }
    })
  }

  /** The filter is another user's from now on. @throws SubscriptionRefused */
  #pay(entry: Entry, { role, claims }: Subscriber): void {
    const { payer, cost } = entry
    const user = userOf({ role, claims })
    if (user === payer.user) return
    this.#budgets.giveBack(payer, cost)
    entry.payer = { ...payer, user }
    entry.cost = { conditions: 0, bytes: 0, patterns: 0 }
    this.#budgets.take(entry.payer, cost)
    entry.cost = cost
  }

  #remove(entry: Entry): void {
    if (!entry.isActive) return
    entry.isActive = false
    this.#entries.delete(entry)
    this.#subscribers.release(entry.subscriber)
    this.#budgets.giveBack(entry.payer, entry.cost)
    for (const state of this.#states.values()) state.followers.delete(entry)
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
    const published = await this.#options.catalog.findTables(
      { schema: orAny(request.schema), table: orAny(request.table) },
      // Anybody may join, as often as they like: what is told of changes does not wait behind them.
      userOf(entry.subscriber) ?? entry.subscriber.role,
    )
    const isWildcard = request.schema === '*' || request.table === '*'
    const tables = published.filter(
      (table) =>
        !isWildcard ||
        this.#options.walrusCompatible ||
        readableColumns(table, entry.subscriber.role).size > 0,
    )
    if (tables.length === 0) throw notPublished(request)
    for (const table of tables) {
      const { columns, undecided } = compile(entry, table, new Map(), this.#options)
      if (undecided.length > 0) await this.#checkFilter(entry, undecided, columns)
    }
    return tables
  }

  /** @throws SubscriptionRefused where PostgreSQL does not take a value. */
  #checkFilter(
    { subscription, subscriber }: Entry,
    filter: Filter,
    columns: Compiled['columns'],
  ): Promise<void> {
    const { request } = subscription
    const { text, parameters } = checkQuery(filter, columns)
    const done = this.#checking.then(async () => {
      try {
        await readAs(this.#options.database, { role: subscriber.role }, async (tx) => {
          await tx.query("select set_config('statement_timeout', $1, true)", [
            String(FILTER_CHECK_TIMEOUT_MS),
          ])
          await tx.query(text, parameters)
        })
      } catch (error) {
        throw (
          refusedByDatabase(request, error) ?? unavailable(request, 'The filter could not be checked.', true)
        )
      }
    })
    this.#checking = done.catch(() => {})
    return done
  }

  #remember(table: PublishedTable): TableState {
    const state: TableState = {
      table,
      loadedAt: performance.now(),
      followers: new Followers(),
      views: new Map(),
    }
    this.#states.set(table.oid, state)
    for (const entry of this.#entries) this.#compileInto(state, entry)
    return state
  }

  #compileInto(state: TableState, entry: Entry): void {
    const { oid, schema, name } = state.table
    if (!means(entry, { oid, schema, name })) return
    try {
      state.followers.set(compile(entry, state.table, state.views, this.#options))
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
      wanted = [...this.#entries].some((entry) => means(entry, table))
      this.#wanted.set(table.oid, wanted)
    }
    return wanted
  }

  // ---- Continuity

  #tellGap(reason: string): void {
    this.#audiences.forgetGroups()
    for (const listener of this.#gapListeners) {
      try {
        listener(reason)
      } catch (error) {
        this.#options.log.error({ error: nameOf(error) }, 'realtime changes: a gap listener failed')
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
      const { failedChecks } = this.#visibility
      await Promise.race([this.#routeBatch(batch, given), gone])
      if (given.aborted) return
      this.#checks.succeed()
      if (this.#visibility.failedChecks === failedChecks) this.#policies.succeed()
      this.#lagMs = Date.now() - Date.parse(batch.at(-1)!.commitTs)
    } catch (error) {
      if (given.aborted) return
      this.#checks.fail(nameOf(error))
      this.#tellGap('Changes could not be checked.')
    }
  }

  async #routeBatch(batch: readonly RowChange[], dropped: AbortSignal): Promise<void> {
    const candidates = await this.#findCandidates(batch, dropped)
    if (candidates.length === 0) return
    const xids = [...new Set(candidates.flatMap(({ change }) => change.xid ?? []))]
    const [first] = candidates
    if (candidates.length === 1 && isAskedForEach(first!) && !first!.state.followers.hasBlind) {
      const subscribers = this.#askedFor([first!])
      if (subscribers.length > 0) return this.#routeOne(first!, subscribers, xids, dropped)
    }
    if (!(await this.#look(candidates, xids, dropped)) || dropped.aborted) return
    this.#markVisible(xids)
    for (const candidate of candidates) {
      this.#deliver(candidate, candidate.seers, new Map())
    }
  }

  /** One change by itself goes to each part of its subscribers as soon as the database has answered for that part. */
  async #routeOne(
    candidate: Candidate,
    subscribers: readonly Subscriber[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<void> {
    const { change, state } = candidate
    const data = new Map<string, string>()
    let isVisible = false
    await this.#visibility.checkInParts(state.table, [change.record!], subscribers, xids, dropped, (part) => {
      if (!isVisible) {
        isVisible = true
        this.#markVisible(xids)
      }
      const seers = [...part].filter(([, rows]) => rows.length > 0).map(([subscriber]) => subscriber)
      this.#deliver(candidate, new Set(seers), data)
    })
  }

  async #findCandidates(batch: readonly RowChange[], dropped: AbortSignal): Promise<Candidate[]> {
    const candidates: Candidate[] = []
    for (const change of batch) {
      const state = await this.#stateOf(change.table, dropped)
      if (!state?.followers.hear(change.kind)) continue
      candidates.push({ change, state, seers: 'everybody' })
    }
    return candidates
  }

  /** Finds out who sees which row. Waits in any case until the changes are visible. False once dropped. */
  async #look(
    candidates: readonly Candidate[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<boolean> {
    const looks: Promise<boolean>[] = []
    const byAudience = candidates.filter(isAskedByAudience)
    if (byAudience.length > 0) looks.push(this.#lookByAudience(byAudience, xids, dropped))
    for (const ofTable of Map.groupBy(candidates.filter(isAskedForEach), ({ state }) => state).values()) {
      looks.push(this.#lookForEach(ofTable, xids, dropped))
    }
    // All of them, whatever becomes of one: none may be under way when the next batch is.
    await Promise.allSettled(looks)
    const areDone = (await Promise.all(looks)).every(Boolean)
    return areDone && (looks.length > 0 || (await this.#visibility.awaitVisible(xids, dropped)))
  }

  async #lookByAudience(
    candidates: readonly Candidate[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<boolean> {
    const questions = candidates.map(({ change, state }) => ({ change, table: state.table }))
    const looks = await this.#audiences.look(questions, xids, dropped)
    for (const [index, { groups, filled }] of (looks ?? []).entries()) {
      const candidate = candidates[index]!
      candidate.seers = this.#audiences.membersOf(groups ?? [])
      if (!filled) continue
      const record = Object.assign(Object.create(null), candidate.change.record, filled)
      candidate.change = { ...candidate.change, record }
    }
    return looks !== undefined
  }

  async #lookForEach(
    candidates: readonly Candidate[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<boolean> {
    const subscribers = this.#askedFor(candidates)
    const rows = candidates.map(({ change }) => change.record!)
    const seers = candidates.map(() => new Set<Subscriber>())
    for (const [index, candidate] of candidates.entries()) candidate.seers = seers[index]!
    // Nobody to ask for; the change is still to be visible to those who observe it.
    if (subscribers.length === 0) return this.#visibility.awaitVisible(xids, dropped)
    const { table } = candidates[0]!.state
    const sight = await this.#visibility.check(table, rows, subscribers, xids, dropped)
    for (const [subscriber, positions] of sight ?? []) {
      for (const position of positions) seers[position]?.add(subscriber)
    }
    return sight !== undefined
  }

  /**
   * Whom the database is asked for: everybody who follows the table, whatever their filters. Whether a filter matched could
   * otherwise be told from how long the answer took.
   */
  #askedFor(candidates: readonly Candidate[]): Subscriber[] {
    const { walrusCompatible } = this.#options
    return candidates[0]!.state.followers.subscribers((compiled) =>
      candidates.some(
        ({ change }) =>
          compiled.hears(change.kind) &&
          (!walrusCompatible || compiled.judge(compiled.imageOf(change)) !== 'no_match'),
      ),
    )
  }

  /** @param data by view, what was made of the change so far */
  #deliver({ change, state }: Candidate, seers: Seers, data: Map<string, string>): void {
    const told: Compiled[] = []
    const asked: Compiled[] = []
    for (const compiled of state.followers.of(seers)) {
      if (!compiled.hears(change.kind)) continue
      const verdict = compiled.judge(compiled.imageOf(change))
      if (verdict === 'match') told.push(compiled)
      else if (verdict === 'ask_database') asked.push(compiled)
    }
    this.#options.log.debug(
      { table: nameOfTable(change), kind: change.kind, told: told.length, asked: asked.length },
      'realtime changes: delivered a change',
    )
    if (asked.length === 0 && this.#lateChannels.size === 0) {
      this.#send(change, told, data)
      return
    }
    const late = new Set(asked.map(({ entry }) => entry.subscription.channel))
    const isLate = ({ entry: { subscription } }: Compiled): boolean =>
      late.has(subscription.channel) || this.#lateChannels.has(subscription.channel)
    const { now = [], later = [] } = Object.groupBy(told, (compiled) => (isLate(compiled) ? 'later' : 'now'))
    this.#send(change, now, data)
    if (later.length + asked.length > 0) this.#sendLate(change, state, later, asked, data)
  }

  /** Delivers after earlier late changes of these channels, and after PostgreSQL has evaluated the filters in `asked`. */
  #sendLate(
    change: RowChange,
    state: TableState,
    told: readonly Compiled[],
    asked: readonly Compiled[],
    data: Map<string, string>,
  ): void {
    const channels = new Set([...told, ...asked].map(({ entry }) => entry.subscription.channel))
    const lose = (): void => {
      for (const channel of channels) channel.gap?.()
    }
    if (this.#lateChanges >= MAX_LATE_CHANGES || this.#lateBytes + change.bytes > MAX_LATE_BYTES) {
      realtimeLosses.add('late_filters')
      this.#filters.fail('too far behind', { table: nameOfTable(change), channels: channels.size })
      lose()
      return
    }
    this.#countLate(change, channels, 1)
    this.#late = this.#late.then(async () => {
      try {
        const matching = await this.#judge(change, state, asked)
        if (!this.#stopping.signal.aborted) this.#send(change, [...told, ...matching], data)
        this.#filters.succeed()
      } catch (error) {
        this.#filters.fail(nameOf(error))
        lose()
      } finally {
        this.#countLate(change, channels, -1)
      }
    })
  }

  #countLate({ bytes }: RowChange, channels: Iterable<ChangeChannel>, by: 1 | -1): void {
    this.#lateChanges += by
    this.#lateBytes += by * bytes
    for (const channel of channels) {
      const count = (this.#lateChannels.get(channel) ?? 0) + by
      if (count > 0) this.#lateChannels.set(channel, count)
      else this.#lateChannels.delete(channel)
    }
  }

  /** Those whose filters match, as far as that takes the database; the same question is asked once. */
  async #judge(change: RowChange, state: TableState, asked: readonly Compiled[]): Promise<Compiled[]> {
    const matching: Compiled[] = []
    const questions = new Map<string, { question: Question; askers: Compiled[] }>()
    for (const compiled of asked) {
      if (!compiled.entry.isActive) continue
      const image = await this.#completeImage(change, state, compiled)
      const verdict = image ? compiled.judge(image) : 'no_match'
      if (verdict === 'match') matching.push(compiled)
      if (verdict !== 'ask_database') continue
      const { undecided: filter, columns, subscriber } = compiled
      const key = JSON.stringify([subscriber.role, filter])
      const known = questions.get(key)
      if (known) known.askers.push(compiled)
      else {
        const question = { role: subscriber.role, filter, columns, image: image! }
        questions.set(key, { question, askers: [compiled] })
      }
    }
    const open = [...questions.values()]
    const answers = await this.#visibility.matches(
      open.map(({ question }) => question),
      this.#stopping.signal,
    )
    for (const [index, matches] of (answers ?? []).entries())
      if (matches) matching.push(...open[index]!.askers)
    return matching
  }

  /**
   * With the columns of the filter that the change did not bring, from the row as the subscriber sees it now. Undefined where
   * they are not to be had: of a deleted row, or of one that is not seen any more.
   */
  async #completeImage(
    change: RowChange,
    { table }: TableState,
    compiled: Compiled,
  ): Promise<RowImage | undefined> {
    const image = compiled.imageOf(change)
    const { filter } = compiled.entry.subscription.request
    const missing = missingColumns(filter, image)
    if (missing.length === 0) return image
    if (change.kind === 'DELETE') return undefined
    const { signal } = this.#stopping
    const values = await this.#visibility.readValues(
      table,
      change.record!,
      missing,
      compiled.subscriber,
      signal,
    )
    const complete = Object.assign(Object.create(null), image, values)
    return missingColumns(filter, complete).length === 0 ? complete : undefined
  }

  /** @param data by view, what was made of the change so far */
  #send(change: RowChange, told: readonly Compiled[], data: Map<string, string>): void {
    const calls = new Map<ChangeChannel, { compiled: Compiled; ids: number[] }[]>()
    for (const compiled of told) {
      const { entry, subscriber, viewKey } = compiled
      if (!entry.isActive) continue
      const { channel, id } = entry.subscription
      if (entry.subscriber !== subscriber) {
        // It went on with other claims while it waited: whether these see the row was not asked.
        channel.gap?.()
        continue
      }
      const ofChannel = calls.get(channel)
      const same = ofChannel?.find((call) => call.compiled.viewKey === viewKey)
      if (same) same.ids.push(id)
      else if (ofChannel) ofChannel.push({ compiled, ids: [id] })
      else calls.set(channel, [{ compiled, ids: [id] }])
    }
    for (const [channel, ofChannel] of calls) {
      for (const { compiled, ids } of ofChannel) {
        let text = data.get(compiled.viewKey)
        if (text === undefined) {
          text = compiled.view.data(change)
          data.set(compiled.viewKey, text)
        }
        this.#call(
          channel,
          ids.sort((a, b) => a - b),
          text,
        )
      }
    }
  }

  #call(channel: ChangeChannel, ids: readonly number[], data: string): void {
    try {
      channel.deliver(ids, data)
      this.#delivered += 1
    } catch (error) {
      this.#options.log.error({ error: nameOf(error) }, 'realtime changes: a channel failed on a change')
    }
  }
}

const nameOfTable = ({ table }: RowChange): string => `${table.schema}.${table.name}`

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')

/** Deleted rows cannot be looked for, and where there is no row security the role's privileges decide alone. */
const isAsked = ({ change, state }: Candidate): boolean => change.kind !== 'DELETE' && state.table.rowSecurity

const isAskedByAudience = (candidate: Candidate): boolean =>
  isAsked(candidate) && candidate.state.table.hasAudience

const isAskedForEach = (candidate: Candidate): boolean =>
  isAsked(candidate) && !candidate.state.table.hasAudience

/** @throws SubscriptionRefused for a pattern that is none, or too large. */
function sizeOfPatterns(request: ChangeRequest): number {
  try {
    return patternSize(request.filter)
  } catch (error) {
    throw error instanceof PatternRefused ? unfit(request, error.message, '2201B') : error
  }
}
