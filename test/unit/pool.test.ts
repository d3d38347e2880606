import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DatabaseBusy, DatabaseUnavailable } from '../../src/platform/db/engine/database.ts'
import { Pool, type Pooled, type PoolOptions } from '../../src/platform/db/engine/pool.ts'

class Lent implements Pooled {
  isLost = false
  isClosed = false
  readonly openedAt = performance.now()
  readonly #lost = Promise.withResolvers<void>()
  readonly whenLost = this.#lost.promise
  readonly name: number
  constructor(name: number) {
    this.name = name
  }
  async close(): Promise<void> {
    this.isClosed = true
    this.destroy()
  }
  destroy(): void {
    this.isLost = true
    this.#lost.resolve()
  }
}

/** A pool of things that open when they are told to. */
function makePool(options: Partial<PoolOptions<Lent>> = {}) {
  const openings: PromiseWithResolvers<Lent>[] = []
  const all: Lent[] = []
  const pool = new Pool<Lent>({
    open: () => {
      const opening = Promise.withResolvers<Lent>()
      openings.push(opening)
      return opening.promise
    },
    max: 2,
    acquireTimeoutMs: 1_000,
    maxWaiting: 10,
    maxAgeMs: 60_000,
    ...options,
  })
  return {
    pool,
    all,
    openings,
    opened(): Lent {
      const lent = new Lent(all.length + 1)
      all.push(lent)
      openings.shift()?.resolve(lent)
      return lent
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('a pool', () => {
  test('opens what is needed, up to its limit, and lends what came back', async () => {
    const { pool, openings, opened } = makePool()
    const asked = [1, 2, 3].map(() => pool.acquire())
    expect(openings).toHaveLength(2)
    opened()
    opened()
    const first = await asked[0]!
    const second = await asked[1]!
    pool.release(second)
    expect(await asked[2]).toBe(second)
    pool.release(first)
    expect(await pool.acquire()).toBe(first)
    expect(openings).toHaveLength(0)
  })

  test('serves in the order in which it was asked, whichever comes free first', async () => {
    const { pool, opened } = makePool({ max: 1 })
    const served: number[] = []
    const asked = [1, 2, 3].map(async (n) => {
      const lent = await pool.acquire()
      served.push(n)
      pool.release(lent)
    })
    opened()
    await Promise.all(asked)
    expect(served).toEqual([1, 2, 3])
  })

  test('serves callers in turn, however much one of them asks', async () => {
    const { pool, opened } = makePool({ max: 1 })
    const served: string[] = []
    const ask = async (caller: string, name: string) => {
      const lent = await pool.acquire(undefined, caller)
      served.push(name)
      pool.release(lent)
    }
    const asked = [1, 2, 3, 4].map((n) => ask('greedy', `greedy ${n}`))
    asked.push(ask('modest', 'modest 1'), ask('another', 'another 1'), ask('modest', 'modest 2'))
    opened()
    await Promise.all(asked)
    expect(served).toEqual([
      'greedy 1',
      'modest 1',
      'another 1',
      'greedy 2',
      'modest 2',
      'greedy 3',
      'greedy 4',
    ])
  })

  test('lends one caller a part alone, so that another is served while the first holds on', async () => {
    const { pool, openings, opened } = makePool({ max: 3, maxPerCaller: 2 })
    const greedy = [1, 2, 3].map(() => pool.acquire(undefined, 'greedy'))
    expect(openings).toHaveLength(2)
    const [first] = [opened(), opened()]
    await Promise.all(greedy.slice(0, 2))
    const modest = pool.acquire(undefined, 'modest')
    expect(openings).toHaveLength(1)
    const third = opened()
    expect(await modest).toBe(third)
    // Idle, and yet not for the one who has its part.
    pool.release(third)
    const onServed = vi.fn()
    void greedy[2]!.then(onServed)
    await settle()
    expect(onServed).not.toHaveBeenCalled()
    pool.release(first)
    await settle()
    expect(onServed).toHaveBeenCalled()
  })

  test('lends the last one to nobody who has all the others, and to the service itself whenever it is free', async () => {
    const { pool, openings } = makePool({ max: 3, maxPerCaller: 5 })
    const refused = [1, 2, 3].map(() =>
      expect(pool.acquire(undefined, 'greedy')).rejects.toThrow(DatabaseBusy),
    )
    expect(openings).toHaveLength(2)
    const own = expect(pool.acquire()).rejects.toThrow(DatabaseBusy)
    expect(openings).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(1_000)
    await Promise.all([...refused, own])
  })

  test('lets the newest wait of whoever waits most often go, when too many wait', async () => {
    const { pool, opened } = makePool({ max: 1, maxWaiting: 3 })
    const greedy = [1, 2, 3].map((nth) => pool.acquire(undefined, 'greedy').then(() => nth))
    const third = expect(greedy[2]).rejects.toThrow(DatabaseBusy)
    const modest = pool.acquire(undefined, 'modest')
    await third
    await expect(pool.acquire(undefined, 'greedy')).rejects.toThrow(DatabaseBusy)
    const lent = opened()
    expect(await greedy[0]).toBe(1)
    pool.release(lent)
    expect(await modest).toBe(lent)
    pool.release(lent)
    expect(await greedy[1]).toBe(2)
  })

  test('refuses who waited for too long, also for an opening, and forgets them', async () => {
    const { pool, opened } = makePool({ max: 1 })
    const late = expect(pool.acquire()).rejects.toThrow(DatabaseBusy)
    await vi.advanceTimersByTimeAsync(1_000)
    await late
    const lent = opened()
    await settle()
    expect(await pool.acquire()).toBe(lent)
  })

  test('refuses at once when too many wait', async () => {
    const { pool } = makePool({ maxWaiting: 2 })
    const waiting = [pool.acquire(), pool.acquire()]
    await expect(pool.acquire()).rejects.toThrow(DatabaseBusy)
    const refused = waiting.map((wait) => expect(wait).rejects.toThrow(DatabaseBusy))
    await vi.advanceTimersByTimeAsync(1_000)
    await Promise.all(refused)
  })

  test('lets those go whose signal is aborted', async () => {
    const { pool, opened } = makePool({ max: 1 })
    const stop = new AbortController()
    const reason = new Error('stop')
    const aborted = expect(pool.acquire(stop.signal)).rejects.toBe(reason)
    const next = pool.acquire()
    stop.abort(reason)
    await aborted
    await expect(pool.acquire(stop.signal)).rejects.toBe(reason)
    const lent = opened()
    expect(await next).toBe(lent)
  })

  test('refuses one waiter for each failed opening, and opens again for the others', async () => {
    const { pool, openings, opened } = makePool({ max: 1 })
    const failed = expect(pool.acquire()).rejects.toThrow('no server')
    const second = pool.acquire()
    expect(openings).toHaveLength(1)
    openings.shift()?.reject(new Error('no server'))
    await failed
    expect(openings).toHaveLength(1)
    const lent = opened()
    expect(await second).toBe(lent)
  })

  test('never lends what was lost, and replaces it', async () => {
    const { pool, openings, opened } = makePool({ max: 2 })
    const asked = [pool.acquire(), pool.acquire()]
    opened()
    opened()
    const [first, second] = await Promise.all(asked)
    pool.release(first!)
    first!.destroy()
    await settle()
    second!.destroy()
    const next = [pool.acquire(), pool.acquire()]
    expect(openings).toHaveLength(1)
    pool.release(second!)
    expect(openings).toHaveLength(2)
    opened()
    opened()
    expect((await Promise.all(next)).map(({ name }) => name)).toEqual([3, 4])
  })

  test('replaces what has become old, one at a time', async () => {
    const { pool, openings, opened } = makePool()
    const asked = [pool.acquire(), pool.acquire()]
    const [first, second] = [opened(), opened()]
    await Promise.all(asked)
    await vi.advanceTimersByTimeAsync(60_001)
    pool.release(first)
    pool.release(second)
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
    // Nobody has asked for it, and nobody will wait for it.
    expect(openings).toHaveLength(1)
    expect(await pool.acquire()).toBe(second)
    opened()
    await settle()
    pool.release(second)
    expect(second.isClosed).toBe(true)
    expect((await pool.acquire()).name).toBe(3)
  })

  test('lends what came in the place of an old one when it is warm, also when somebody waits', async () => {
    const warm = Promise.withResolvers<void>()
    const { pool, openings, opened } = makePool({
      warmUp: ({ name }) => (name < 3 ? Promise.resolve() : warm.promise),
    })
    const asked = [pool.acquire(), pool.acquire()]
    const [first, second] = [opened(), opened()]
    await Promise.all(asked)
    await vi.advanceTimersByTimeAsync(60_001)
    pool.release(first)
    const next = pool.acquire()
    opened()
    await settle()
    expect([pool.load.waiting, openings.length]).toEqual([1, 0])
    pool.release(second)
    expect(await next).toBe(second)
    const last = pool.acquire()
    warm.resolve()
    expect((await last).name).toBe(3)
  })

  test('lets a while pass before it replaces the next old one', async () => {
    const { pool, opened } = makePool({ renewalPauseMs: 5_000 })
    const asked = [pool.acquire(), pool.acquire()]
    const [first, second] = [opened(), opened()]
    await Promise.all(asked)
    await vi.advanceTimersByTimeAsync(60_001)
    pool.release(first)
    opened()
    await vi.advanceTimersByTimeAsync(4_999)
    pool.release(second)
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
    expect(await pool.acquire()).toBe(second)
    await vi.advanceTimersByTimeAsync(1)
    pool.release(second)
    expect(second.isClosed).toBe(true)
  })

  test('opens all that there may be before anybody asks, and does not mind where it cannot', async () => {
    const { pool, openings, opened } = makePool({ max: 3 })
    const filled = pool.fill()
    expect(openings).toHaveLength(2)
    openings.shift()?.reject(new Error('no server'))
    await settle()
    const others = [opened(), opened()]
    await filled
    expect(openings).toHaveLength(0)
    expect(others).toContain(await pool.acquire())
  })

  test('lets nobody wait for what is being warmed up while there may be another one', async () => {
    const warmedUp: PromiseWithResolvers<void>[] = []
    const { pool, openings, opened } = makePool({
      max: 3,
      warmUp() {
        const warm = Promise.withResolvers<void>()
        warmedUp.push(warm)
        return warm.promise
      },
    })
    const filled = pool.fill()
    const filling = [opened(), opened()]
    await settle()
    expect([warmedUp.length, openings.length]).toEqual([2, 0])
    // It comes as it is.
    const asked = pool.acquire()
    const cold = opened()
    expect(await asked).toBe(cold)
    expect(warmedUp).toHaveLength(2)
    // There may be no fourth one, so who comes now has the first that is warm.
    const next = pool.acquire()
    expect(openings).toHaveLength(0)
    warmedUp[1]?.resolve()
    expect(await next).toBe(filling[1])
    warmedUp[0]?.resolve()
    await filled
    expect(await pool.acquire()).toBe(filling[0])
    expect(openings).toHaveLength(0)
  })

  test('cuts what is being warmed up when it closes', async () => {
    const { pool, opened } = makePool({ max: 1, warmUp: ({ whenLost }) => whenLost })
    const filled = pool.fill()
    const lent = opened()
    await settle()
    await Promise.all([pool.close(5_000), filled])
    expect(lent.isClosed).toBe(true)
  })

  test('closes when all has come back, and refuses who waits or comes later', async () => {
    const { pool, opened } = makePool({ max: 1 })
    const asked = pool.acquire()
    opened()
    const lent = await asked
    const waiting = expect(pool.acquire()).rejects.toThrow(DatabaseUnavailable)
    const onClosed = vi.fn()
    const closed = pool.close(5_000).then(onClosed)
    await waiting
    await expect(pool.acquire()).rejects.toThrow(DatabaseUnavailable)
    await settle()
    expect(onClosed).not.toHaveBeenCalled()
    pool.release(lent)
    await closed
    expect(lent.isClosed).toBe(true)
  })

  test('cuts what does not come back in time', async () => {
    const { pool, opened } = makePool()
    const asked = pool.acquire()
    opened()
    const lent = await asked
    const closed = pool.close(5_000)
    await vi.advanceTimersByTimeAsync(5_000)
    await closed
    expect(lent.isLost).toBe(true)
    pool.release(lent)
  })
})
