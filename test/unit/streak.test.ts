import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Streak } from '../../src/platform/streak.ts'

let lines: [level: string, data: object, message: string][]
const log = {
  info: (data: object, message: string) => lines.push(['info', data, message]),
  warn: (data: object, message: string) => lines.push(['warn', data, message]),
}
beforeEach(() => {
  vi.useFakeTimers()
  lines = []
})
afterEach(() => {
  vi.useRealTimers()
})

it('logs the first failure with its reason, and the end with the length', () => {
  const streak = new Streak({ log, failed: 'it broke', recovered: 'it works' })
  streak.succeed()
  for (let nth = 0; nth < 22; nth += 1) {
    streak.fail('behind', { state: 'late' })
    expect(streak.isFailing).toBe(true)
    vi.advanceTimersByTime(100)
  }
  streak.succeed()
  streak.succeed()
  expect(lines).toEqual([
    ['warn', { state: 'late', reason: 'behind' }, 'it broke'],
    ['info', { reason: 'behind', failures: 22, seconds: 2.2 }, 'it works'],
  ])
})

it('logs each further reason of a streak once, and a bounded number of them', () => {
  const streak = new Streak({ log, failed: 'it broke', recovered: 'it works' })
  for (const reason of ['closed', 'wal_level=replica', 'closed', 'wal_level=replica']) streak.fail(reason)
  expect(lines.map(([, data]) => data)).toEqual([{ reason: 'closed' }, { reason: 'wal_level=replica' }])
  for (let nth = 0; nth < 1_000; nth += 1) streak.fail(`other ${nth}`)
  expect(lines).toHaveLength(5)
})

it('treats failures that come and go many times a second as one streak', () => {
  const streak = new Streak({ log, failed: 'it broke', recovered: 'it works', settleMs: 10_000 })
  for (let nth = 0; nth < 220; nth += 1) {
    streak.fail('behind')
    vi.advanceTimersByTime(25)
    streak.succeed()
    expect(streak.isFailing).toBe(false)
    vi.advanceTimersByTime(25)
  }
  expect(lines).toHaveLength(1)
  vi.advanceTimersByTime(10_000)
  expect(lines).toHaveLength(2)
  expect(lines[1]).toEqual(['info', { reason: 'behind', failures: 220, seconds: 11 }, 'it works'])
})
