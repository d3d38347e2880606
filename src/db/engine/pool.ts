import { DatabaseBusy, DatabaseUnavailable } from './types.ts'

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
  /** @param signal aborted when the pool is closed: then nobody needs it any more */
  open(signal: AbortSignal): Promise<T>
  max: number
  /** How long a caller waits before `DatabaseBusy`, in milliseconds: also for one that is being opened. */
  acquireTimeoutMs: number
  /** How many callers may wait at once; the next one is refused with `DatabaseBusy`. */
  maxWaiting: number
  /** One older than this is closed when it comes back, in milliseconds. */
  maxAgeMs: number
}

interface Waiter<T> {
  give(lent: T): void
  refuse(error: unknown): void
}

/**
 * Lends each of at most `max` to one caller at a time, in the order in which they asked. Lost ones are replaced when they are
 * next needed, so the pool never shrinks for good.
 */
export class Pool<T extends Pooled> {
  readonly #options: PoolOptions<T>
  /** The one used last is lent first: its caches are warm, and a quiet time leaves the others alone. */
  readonly #idle: T[] = []
  readonly #lent = new Set<T>()
  readonly #leaving = new Set<T>()
  readonly #waiters = new Set<Waiter<T>>()
  readonly #closing = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  #opening = 0

  constructor(options: PoolOptions<T>) {
    this.#options = options
  }

  /**
   * @param signal gives up the wait
   * @throws DatabaseBusy when too many wait, or the wait took too long; DatabaseUnavailable when the pool is closed;
   *         what `open` throws; the reason of `signal`.
   */
  acquire(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#closing.signal.aborted) return Promise.reject(closedError())
    const ready = this.#idle.pop()
    if (ready) return Promise.resolve(this.#lend(ready))
    if (this.#waiters.size >= this.#options.maxWaiting) {
      return Promise.reject(new DatabaseBusy('Too many requests wait for the database.'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const leave = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.#waiters.delete(waiter)
    }
    const waiter: Waiter<T> = {
      give(lent) {
        leave()
        resolve(lent)
      },
      refuse(error) {
        leave()
        reject(error)
      },
    }
    const abort = (): void => waiter.refuse(signal?.reason)
    const timer = setTimeout(
      () => waiter.refuse(new DatabaseBusy('No database connection came free in time.')),
      this.#options.acquireTimeoutMs,
    )
    signal?.addEventListener('abort', abort)
    this.#waiters.add(waiter)
    this.#openIfNeeded()
    return promise
  }

  /** Takes back what was lent. */
  release(returned: T): void {
    this.#lent.delete(returned)
    const isWorn = performance.now() - returned.openedAt > this.#options.maxAgeMs
    if (returned.isLost || isWorn || this.#closing.signal.aborted) void this.#retire(returned)
    else this.#offer(returned)
    this.#openIfNeeded()
  }

  /** Lends nothing more, and resolves when all is closed; what has not come back after `graceMs` is cut. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort()
    for (const waiter of this.#waiters) waiter.refuse(closedError())
    for (const unused of this.#idle.splice(0)) void this.#retire(unused)
    const cut = setTimeout(() => {
      for (const lent of this.#lent) lent.destroy()
      this.#lent.clear()
      this.#finishClosing()
    }, graceMs)
    this.#finishClosing()
    await this.#closed.promise
    clearTimeout(cut)
  }

  #lend(ready: T): T {
    this.#lent.add(ready)
    return ready
  }

  /** Gives a free one to whoever waits longest, or keeps it. */
  #offer(free: T): void {
    const [first] = this.#waiters
    if (first) first.give(this.#lend(free))
    else this.#idle.push(free)
  }

  /** One is opened for each waiter that none is being opened for yet, as far as there is room. */
  #openIfNeeded(): void {
    while (
      this.#opening < this.#waiters.size &&
      this.#opening + this.#idle.length + this.#lent.size < this.#options.max
    ) {
      this.#opening += 1
      void this.#open()
    }
  }

  async #open(): Promise<void> {
    try {
      const opened = await this.#options.open(this.#closing.signal)
      this.#opening -= 1
      void opened.whenLost.then(() => this.#forget(opened))
      if (opened.isLost || this.#closing.signal.aborted) void this.#retire(opened)
      else this.#offer(opened)
    } catch (error) {
      this.#opening -= 1
      // Each waiter gets an attempt of its own, so nobody waits in vain for a server that refuses at once.
      const [first] = this.#waiters
      first?.refuse(error)
    }
    this.#openIfNeeded()
    this.#finishClosing()
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
    if (this.#opening + this.#lent.size + this.#leaving.size === 0) this.#closed.resolve()
  }
}

const closedError = (): DatabaseUnavailable => new DatabaseUnavailable('The database is closed.')
