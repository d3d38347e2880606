import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'

export interface Row {
  id: string
  [column: string]: unknown
}

export interface LocalCopyOptions {
  /** Where Muster is, such as `http://127.0.0.1:3000`. */
  url: string
  /** Asked for whenever one is needed, so that it can be a fresh one. */
  token: string | (() => string | Promise<string>)
  /** The service's `ANON_KEY`. Without it the first token opens the connection, which it cannot any more once it has expired. */
  key?: string
  /** One that is published: `shifts`, `shift_briefings`, `gps_checkins`, `incidents`, `finqle_transactions` or `notifications`. */
  table: string
  /** What `saved` of an earlier copy was, to go on from there. */
  from?: SavedCopy
  /** After each change: the ids of the rows that came, changed or went. */
  onChange?: (ids: readonly string[], copy: LocalCopy) => void
  /** What stands in the way at the moment. It is tried again by itself. */
  onProblem?: (problem: Error) => void
  /** Milliseconds between looks for what no event tells: rows that left one's view. Default: 30 s. */
  pollMs?: number
}

/** Rows that are confirmed, and the watermark up to which they are. */
export interface SavedCopy {
  rows: readonly Row[]
  watermark: string
}

export interface LocalCopy {
  /** What the caller sees of the table, by id. */
  readonly rows: ReadonlyMap<string, Row>
  /** Whether changes arrive as they happen. */
  readonly isLive: boolean
  /** Resolves when the copy is complete for the first time. */
  readonly ready: Promise<void>
  /** To keep over a restart; undefined while the copy is not complete. */
  save(): SavedCopy | undefined
  stop(): Promise<void>
}

const DEFAULT_POLL_MS = 30_000
/** Many events in a row need one confirmation. */
const CONFIRM_AFTER_MS = 250
/** The largest that the service gives. */
const PAGE_SIZE = 1_000
/** A server that says nothing for so long is away. */
const REQUEST_TIMEOUT_MS = 15_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

/** The answer of `GET /v1/sync/:table`. */
interface Page {
  items: Row[]
  removed: string[]
  reset: boolean
  complete: boolean
  next: string
}

/** Answers from one watermark to the next. */
interface Round {
  /** How many requests had been sent before it. */
  requests: number
  pages: number
  /** The rows, where everything is given again. */
  anew: Map<string, Row> | undefined
}

/**
 * Keeps a copy of what the caller sees of a table, through lost connections, restarts and gaps.
 *
 * Events are fast, and may be missing or late. Answers of `/v1/sync` miss nothing, but have to be asked for. So there are two
 * layers: what answers said, and above it what events said since. An event stays until an answer comes that was asked for
 * after it: that one has it. So an event that was overtaken by an answer is harmless, and one that was lost costs a moment.
 */
export function keepLocalCopy(options: LocalCopyOptions): LocalCopy {
  return new Copy(options)
}

class Copy implements LocalCopy {
  readonly rows = new Map<string, Row>()
  readonly ready: Promise<void>
  isLive = false
  readonly #options: LocalCopyOptions
  readonly #stopping = new AbortController()
  #client: SupabaseClient | undefined
  #confirmed = new Map<string, Row>()
  #watermark: string | undefined
  /** What events said: the row, undefined for a deleted one, and how many requests had been sent when it came. */
  readonly #events = new Map<string, { row: Row | undefined; requests: number }>()
  #requests = 0
  #round: Round | undefined
  #syncing: Promise<void> | undefined
  #mustSyncAgain = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #markReady: () => void = () => {}

  constructor(options: LocalCopyOptions) {
    this.#options = options
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve
    })
    this.#watermark = options.from?.watermark
    for (const row of options.from?.rows ?? []) {
      this.#confirmed.set(row.id, row)
      this.rows.set(row.id, row)
    }
    void this.#subscribe()
    this.#sync()
  }

  save(): SavedCopy | undefined {
    // In the middle of a round, rows and watermark do not belong together.
    if (this.#watermark === undefined || this.#round) return undefined
    return { rows: [...this.#confirmed.values()], watermark: this.#watermark }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#client?.removeAllChannels()
    await this.#client?.realtime.disconnect()
    await this.#syncing
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async #token(): Promise<string> {
    const { token } = this.#options
    return typeof token === 'string' ? token : token()
  }

  // ---- Events ---------------------------------------------------------------------------------------------------

  async #subscribe(): Promise<void> {
    const { table, onProblem } = this.#options
    const client = await this.#connect()
    client
      ?.channel(`copy-of-${table}`)
      .on('postgres_changes', { event: '*', schema: 'public', table }, ({ new: row, old, errors }) => {
        // A row that is too large comes without its long values: then the answer alone counts.
        if (!errors) this.#applyEvent(row as Partial<Row>, old as Partial<Row>)
        // One that failed has its time already.
        if (this.#failures === 0) this.#syncIn(CONFIRM_AFTER_MS)
      })
      .on('system', {}, ({ status, message }) => {
        if (status === 'error') onProblem?.(new Error(message))
      })
      .subscribe((status, error) => {
        this.isLive = status === 'SUBSCRIBED'
        // Whatever happened until now has its answer; what happens from now on has its event.
        if (this.isLive) this.#sync()
        else if (!this.#isStopped) onProblem?.(error ?? new Error(`The channel is ${status}.`))
      })
  }

  /** @returns undefined when the copy was stopped meanwhile. */
  async #connect(): Promise<SupabaseClient | undefined> {
    const { url, key, onProblem } = this.#options
    for (let failures = 0; !this.#isStopped; failures += 1) {
      try {
        const client = createClient(url, key ?? (await this.#token()), { accessToken: () => this.#token() })
        // Before any channel, which would be joined by nobody in particular.
        await client.realtime.setAuth()
        if (this.#isStopped) return undefined
        this.#client = client
        return client
      } catch (error) {
        onProblem?.(error as Error)
        await sleep(retryDelayMs(failures), undefined, { signal: this.#stopping.signal }).catch(() => {})
      }
    }
    return undefined
  }

  #applyEvent(row: Partial<Row>, old: Partial<Row>): void {
    const id = row.id ?? old.id
    if (id === undefined || this.#isStopped) return
    // A long value that an update did not touch is not in its event.
    const whole = row.id === undefined ? undefined : { ...this.rows.get(id), ...row, id }
    this.#events.set(id, { row: whole, requests: this.#requests })
    this.#show([id])
  }

  // ---- Answers --------------------------------------------------------------------------------------------------

  /** Asks after that time, or earlier where that was planned. */
  #syncIn(delayMs: number): void {
    const dueAt = performance.now() + delayMs
    if (this.#isStopped || (this.#timer && this.#dueAt <= dueAt)) return
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#sync(), delayMs)
  }

  /** Asks now; while it is asking, once more after that. */
  #sync(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isStopped) return
    if (this.#syncing) {
      this.#mustSyncAgain = true
      return
    }
    this.#syncing = this.#readRound()
      .then(() => {
        this.#failures = 0
      })
      .catch((problem: Error) => {
        this.#failures += 1
        if (!this.#isStopped) this.#options.onProblem?.(problem)
      })
      .then(() => this.#planNext())
  }

  #planNext(): void {
    this.#syncing = undefined
    if (this.#failures > 0) this.#syncIn(retryDelayMs(this.#failures))
    else if (this.#mustSyncAgain) this.#sync()
    else this.#syncIn(this.#options.pollMs ?? DEFAULT_POLL_MS)
  }

  /** All pages that there are; after a failure it goes on with the page that failed. */
  async #readRound(): Promise<void> {
    this.#mustSyncAgain = false
    for (;;) {
      const requests = this.#requests
      this.#requests += 1
      const page = await this.#ask()
      if (this.#isStopped) return
      if (!this.#round || page.reset) {
        this.#round = { requests, pages: 0, anew: page.reset ? new Map() : undefined }
      }
      const round = this.#round
      round.pages += 1
      const target = round.anew ?? this.#confirmed
      for (const row of page.items) target.set(row.id, row)
      for (const id of page.removed) target.delete(id)
      this.#watermark = page.next
      if (!round.anew) this.#show([...page.items.map(({ id }) => id), ...page.removed])
      if (page.complete) return this.#finish(round)
    }
  }

  #finish({ requests, pages, anew }: Round): void {
    this.#round = undefined
    const changed = new Set<string>()
    if (anew) {
      for (const id of [...this.#confirmed.keys(), ...anew.keys()]) changed.add(id)
      this.#confirmed = anew
    }
    // Events from before the first request of the round: what they tell was committed, so the round has it.
    for (const [id, event] of this.#events) {
      if (event.requests > requests) continue
      this.#events.delete(id)
      changed.add(id)
    }
    this.#show(changed)
    this.#markReady()
    // What left one's view while pages were read is for the next round, and has no event.
    if (pages > 1) this.#mustSyncAgain = true
  }

  async #ask(): Promise<Page> {
    const { url, table } = this.#options
    const address = new URL(`/v1/sync/${table}`, url)
    address.searchParams.set('limit', String(PAGE_SIZE))
    if (this.#watermark !== undefined) address.searchParams.set('after', this.#watermark)
    const response = await fetch(address, {
      headers: { authorization: `Bearer ${await this.#token()}` },
      signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    })
    if (!response.ok)
      throw new Error(`${address.pathname} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Page
  }

  // ---- What is seen ---------------------------------------------------------------------------------------------

  /** Makes the rows what the two layers say, and tells of those that differ. */
  #show(ids: Iterable<string>): void {
    const changed: string[] = []
    for (const id of ids) {
      const event = this.#events.get(id)
      const row = event ? event.row : this.#confirmed.get(id)
      // An answer that confirms an event changes nothing.
      if (isDeepStrictEqual(row, this.rows.get(id))) continue
      if (row) this.rows.set(id, row)
      else this.rows.delete(id)
      changed.push(id)
    }
    if (changed.length > 0) this.#options.onChange?.(changed, this)
  }
}

/** Longer after each failure, and not the same for all clients of a service that comes back. */
const retryDelayMs = (failures: number): number =>
  Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * (0.5 + Math.random())
