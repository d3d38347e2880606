import { describe, expect, it } from 'vitest'
import { deliveriesOf, FanOut } from '../../src/platform/realtime/gateway/fan-out.ts'
import { DELIVERY_BYTES, FAN_OUT_DELIVERIES } from '../../src/platform/realtime/gateway/limits.ts'

const crowd = (size: number): number[] => Array.from({ length: size }, (_, n) => n)

describe('FanOut', () => {
  it('sends to a few at once', () => {
    const told: number[] = []
    void new FanOut().tell('a', crowd(10), 1, (n) => told.push(n))
    expect(told).toEqual(crowd(10))
  })

  it('sends to all listeners before it resolves', async () => {
    const told: number[] = []
    await new FanOut().tell('a', crowd(1_000), 1, (n) => told.push(n))
    expect(told).toEqual(crowd(1_000))
  })

  it('lets other work of the process in between', async () => {
    const fanOut = new FanOut()
    let told = 0
    let atOnce = 0
    let most = 0
    const nextTurn = (): void => {
      most = Math.max(most, told - atOnce)
      atOnce = told
      turn = setImmediate(nextTurn)
    }
    let turn = setImmediate(nextTurn)
    // However many messages that are: small ones add up, too.
    await Promise.all(crowd(100).map(() => fanOut.tell('a', crowd(20), 1, () => (told += 1))))
    clearImmediate(turn)
    expect(told).toBe(2_000)
    expect(most).toBeLessThanOrEqual(2 * FAN_OUT_DELIVERIES)
  })

  it('lets senders take turns, and keeps the order of each', async () => {
    const fanOut = new FanOut()
    const done: string[] = []
    const say = (sender: string, what: string, size: number): Promise<unknown> =>
      fanOut.tell(sender, crowd(size), 1, () => {}).then(() => done.push(what))
    await Promise.all([
      say('flood', 'flood 1', 5_000),
      say('flood', 'flood 2', 5_000),
      say('other', 'other 1', 100),
      say('other', 'other 2', 100),
    ])
    expect(done).toEqual(['other 1', 'other 2', 'flood 1', 'flood 2'])
  })

  it('counts large messages several times', async () => {
    expect([0, DELIVERY_BYTES - 1, DELIVERY_BYTES, 5 * DELIVERY_BYTES].map(deliveriesOf)).toEqual([
      1, 1, 2, 6,
    ])
    const told: number[] = []
    const all = new FanOut().tell('a', crowd(5), FAN_OUT_DELIVERIES, (n) => told.push(n))
    expect(told).toEqual([0])
    await all
    expect(told).toEqual(crowd(5))
  })
})
