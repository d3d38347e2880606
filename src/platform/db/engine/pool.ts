import { DatabaseBusy, DatabaseUnavailable, type PoolLoad } from './database.ts'

/** What a pool lends. */
export interface Pooled {
  /** It takes nothing any more: the pool forgets it. */
  readonly isLost: boolean
  /** Resolves when that happens. */
  readonly whenLost: Promise<void>
  /** By `performance.now()`. */
  readonly openedAt: number
  close(): Promise<void>
  destroy(): void
}

export interface PoolOptions<T extends Pooled> {
  /** @param signal aborted when the pool is closed */
  open(signal: AbortSignal): Promise<T>
  /**
   * Makes a new one ready. Whoever waits for it has it as it is, but for one that comes in the place of a worn one: there are others to
   * wait for. Never rejects.
   */
  warmUp?: ((opened: T) => Promise<void>) | undefined
  max: number
  /** How long a caller waits before `DatabaseBusy`, in milliseconds: also for one that is being opened. */
  acquireTimeoutMs: number
  /** The maximum length of the queue. When it is full, the newest request of the caller with most requests is refused (`DatabaseBusy`). */
  maxWaiting: number
  /**
   * How many of `max` one caller may hold at once, and never the last one. The rest stays free for the others: what is lent to a long
   * statement cannot be taken back when somebody else comes. Unset: all of them.
   */
  maxPerCaller?: number | undefined
  /** One older than this is closed when it comes back, and another one opened in its place, one at a time; in milliseconds. */
  maxAgeMs: number
  /** The least time between two of these replacements, in milliseconds. Unset: none. */
  renewalPauseMs?: number | undefined
}

/**
 * How many are warmed up at once when the pool is filled. It costs the server half a second of one core each; all at once would make a
 * server that is busy serve nobody else meanwhile, and callers wait for the slowest.
 */
const WARMED_AT_ONCE = 2

interface Waiter<T> {
  give(lent: T): void
  refuse(error: unknown): void
}

/** One who asks, and what that one has and waits for. */
interface Party<T> {
  lent: number
  /** In the order in which they came. */
  readonly waiters: Set<Waiter<T>>
}

/** Who asks: a user, or undefined for the service itself, which may have all. */
export type CallerKey = string | undefined

/**
 * Lends each of at most `max` to one use at a time. Callers take turns, and each is served in the order in which that caller
 * asked: who asks a thousand times waits for a thousand turns, and who asks once for one. Lost ones are replaced when they are next
 * needed, so the pool never shrinks for good.
 */
export class Pool<T extends Pooled> {
  readonly #options: PoolOptions<T>
  /** The one used last is lent first: its caches are warm, and a quiet time leaves the others alone. */
  readonly #idle: T[] = []
  readonly #lent = new Map<T, CallerKey>()
  readonly #leaving = new Set<T>()
  /** Those who have or want something. Whose turn is next stands first: who was served goes to the end. */
  readonly #parties = new Map<CallerKey, Party<T>>()
  readonly #closing = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  #opening = 0
  /** Nobody waited for these when they were open: they can be lent when they are warm. */
  readonly #warming = new Set<T>()
  #isRenewing = false
  #renewedAt = Number.NEGATIVE_INFINITY
  #waiting = 0
  /** Up to `#countedAt`. */
  #usedMs = 0
  #waitedMs = 0
  #countedAt = performance.now()

  constructor(options: PoolOptions<T>) {
    this.#options = options
  }

  get load(): PoolLoad {
    this.#count()
    return {
      max: this.#options.max,
      used: this.#lent.size,
      idle: this.#idle.length,
      waiting: this.#waiting,
      usedSeconds: this.#usedMs / 1000,
      waitedSeconds: this.#waitedMs / 1000,
    }
  }

  /**
   * @param signal gives up the wait
   * @param caller takes turns with the others
   * @throws DatabaseBusy when too many wait, or the wait took too long; DatabaseUnavailable when the pool is closed;
   *         what `open` throws; the reason of `signal`.
   */
  acquire(signal?: AbortSignal, caller?: CallerKey): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closing.signal.aborted) return Promise.reject(closedError())
    const party = this.#partyOf(caller)
    if (this.#idle.length > 0 && party.lent < this.#mostOf(caller)) {
      return Promise.resolve(this.#lend(caller, party))
    }
    if (this.#waiting >= this.#options.maxWaiting && !this.#makeRoom(caller)) {
      this.#forgetParty(caller, party)
      return Promise.reject(fullError())
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const leave = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      party.waiters.delete(waiter)
      this.#count()
      this.#waiting -= 1
    }
    const waiter: Waiter<T> = {
      give(lent) {
        leave()
        resolve(lent)
      },
      refuse: (error) => {
        leave()
        this.#forgetParty(caller, party)
        reject(error)
      },
    }
    const abort = (): void => waiter.refuse(signal?.reason)
    const timer = setTimeout(
      () =>
        waiter.refuse(
          new DatabaseBusy('No database connection became free within DATABASE_ACQUIRE_TIMEOUT_MS.'),
        ),
      this.#options.acquireTimeoutMs,
    )
    signal?.addEventListener('abort', abort)
    party.waiters.add(waiter)
    this.#count()
    this.#waiting += 1
    this.#serve()
    return promise
  }

  /** Takes back what was lent. */
  release(returned: T): void {
    this.#count()
    const caller = this.#lent.get(returned)
    if (this.#lent.delete(returned)) {
      const party = this.#partyOf(caller)
      party.lent -= 1
      this.#forgetParty(caller, party)
    }
    if (returned.isLost || this.#closing.signal.aborted) void this.#retire(returned)
    else if (this.#isToBeRenewed(returned)) void this.#renew(returned)
    else this.#idle.push(returned)
    this.#serve()
  }

  /** Opens as many as there may be, a few at a time, before anybody asks. @returns when they are there, or could not be opened */
  async fill(): Promise<void> {
    let missing = this.#room
    const openInTurn = async (): Promise<void> => {
      while (missing > 0 && this.#room > 0 && !this.#closing.signal.aborted) {
        missing -= 1
        this.#opening += 1
        await this.#open()
      }
    }
    await Promise.all(Array.from({ length: WARMED_AT_ONCE }, openInTurn))
  }

  /** Lends nothing more, and resolves when all is closed; what has not come back after `graceMs` is cut. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort()
    for (const { waiters } of [...this.#parties.values()]) {
      for (const waiter of waiters) waiter.refuse(closedError())
    }
    for (const unused of this.#idle.splice(0)) void this.#retire(unused)
    for (const unused of this.#warming) unused.destroy()
    const cut = setTimeout(() => {
      for (const lent of this.#lent.keys()) lent.destroy()
      this.#lent.clear()
      this.#finishClosing()
    }, graceMs)
    this.#finishClosing()
    await this.#closed.promise
    clearTimeout(cut)
  }

  /** Adds what was used and waited for since the last time: before either changes. */
  #count(): void {
    const now = performance.now()
    this.#usedMs += (now - this.#countedAt) * this.#lent.size
    this.#waitedMs += (now - this.#countedAt) * this.#waiting
    this.#countedAt = now
  }

  #partyOf(caller: CallerKey): Party<T> {
    const known = this.#parties.get(caller)
    if (known) return known
    const party: Party<T> = { lent: 0, waiters: new Set() }
    this.#parties.set(caller, party)
    return party
  }

  #forgetParty(caller: CallerKey, { lent, waiters }: Party<T>): void {
    if (lent === 0 && waiters.size === 0) this.#parties.delete(caller)
  }

  #mostOf(caller: CallerKey): number {
    const { max, maxPerCaller } = this.#options
    if (caller === undefined || maxPerCaller === undefined) return max
    return Math.max(1, Math.min(maxPerCaller, max - 1))
  }

  /** How many of those who wait could be given something now. */
  #wanted(caller: CallerKey, { lent, waiters }: Party<T>): number {
    return Math.min(waiters.size, this.#mostOf(caller) - lent)
  }

  /** One that is idle; it is the others' turn then. */
  #lend(caller: CallerKey, party: Party<T>): T {
    const ready = this.#idle.pop()!
    this.#count()
    this.#lent.set(ready, caller)
    party.lent += 1
    this.#parties.delete(caller)
    this.#parties.set(caller, party)
    return ready
  }

  /** The next in turn, of those who may have more. */
  #nextInTurn(): [CallerKey, Party<T>] | undefined {
    if (this.#waiting === 0) return undefined
    for (const [caller, party] of this.#parties) {
      if (this.#wanted(caller, party) > 0) return [caller, party]
    }
    return undefined
  }

  /** Lends what is there, and opens what is missing. */
  #serve(): void {
    for (let next = this.#nextInTurn(); next && this.#idle.length > 0; next = this.#nextInTurn()) {
      const [waiter] = next[1].waiters
      waiter!.give(this.#lend(...next))
    }
    this.#openIfNeeded()
  }

  /** Of the one who waits most often the newest wait ends, unless that is the one who asks. */
  #makeRoom(asking: CallerKey): boolean {
    let [longest, most] = [asking, (this.#parties.get(asking)?.waiters.size ?? 0) + 1]
    for (const [caller, { waiters }] of this.#parties) {
      if (waiters.size > most) [longest, most] = [caller, waiters.size]
    }
    if (longest === asking) return false
    ;[...this.#parties.get(longest)!.waiters].at(-1)!.refuse(fullError())
    return true
  }

  /** How many more there may be. */
  get #room(): number {
    return this.#options.max - this.#opening - this.#warming.size - this.#idle.length - this.#lent.size
  }

  /** One is opened for each waiter that none is being opened for yet, as far as there is room. */
  #openIfNeeded(): void {
    if (this.#room <= 0) return
    let wanted = 0
    for (const [caller, party] of this.#parties) wanted += this.#wanted(caller, party)
    while (this.#opening < wanted && this.#room > 0) {
      this.#opening += 1
      void this.#open()
    }
  }

  /** @param whoeverWaits gets it when it is warm, not sooner */
  async #open(whoeverWaits = false): Promise<void> {
    try {
      const opened = await this.#options.open(this.#closing.signal)
      this.#opening -= 1
      void opened.whenLost.then(() => this.#forget(opened))
      if (this.#options.warmUp && (whoeverWaits || !this.#nextInTurn())) {
        this.#warming.add(opened)
        await this.#options.warmUp(opened)
        this.#warming.delete(opened)
      }
      if (opened.isLost || this.#closing.signal.aborted) void this.#retire(opened)
      else this.#idle.push(opened)
    } catch (error) {
      this.#opening -= 1
      // Each waiter gets an attempt of its own, so nobody waits in vain for a server that refuses at once.
      const [first] = this.#nextInTurn()?.[1].waiters ?? []
      first?.refuse(error)
    }
    this.#serve()
    this.#finishClosing()
  }

  #isToBeRenewed({ openedAt }: T): boolean {
    const { maxAgeMs, renewalPauseMs = 0 } = this.#options
    const now = performance.now()
    return now - openedAt > maxAgeMs && !this.#isRenewing && now - this.#renewedAt >= renewalPauseMs
  }

  /** Those that were opened together become old together: all but one go on working meanwhile. */
  async #renew(worn: T): Promise<void> {
    this.#isRenewing = true
    this.#opening += 1
    void this.#retire(worn)
    // The others serve those who wait: none of their requests has to pay for what a session does first.
    await this.#open(this.#lent.size + this.#idle.length > 0)
    this.#renewedAt = performance.now()
    this.#isRenewing = false
  }

  #forget(lost: T): void {
    const at = this.#idle.indexOf(lost)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#openIfNeeded()
  }

  async #retire(old: T): Promise<void> {
    this.#leaving.add(old)
    await old.close()
    this.#leaving.delete(old)
    this.#finishClosing()
  }

  #finishClosing(): void {
    if (!this.#closing.signal.aborted) return
    if (this.#opening + this.#warming.size + this.#lent.size + this.#leaving.size === 0)
      this.#closed.resolve()
  }
}

const fullError = (): DatabaseBusy =>
  new DatabaseBusy('Too many requests are waiting for a database connection (DATABASE_MAX_WAITING).')
const closedError = (): DatabaseUnavailable => new DatabaseUnavailable('The database is closed.')
