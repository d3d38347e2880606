import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DatabaseUnavailable } from '../../src/platform/db/engine/database.ts'
import { type ReadinessWatch, watchReadiness } from '../../src/platform/operations/readiness.ts'

const ASKED_EVERY_MS = 1_000

let watch: ReadinessWatch
const logged: string[] = []
const log = {
  info: (_: object, message: string) => logged.push(message),
  warn: (_: object, message: string) => logged.push(message),
}
const isMigrated = vi.fn<() => Promise<boolean>>()

beforeEach(() => {
  vi.useFakeTimers()
  isMigrated.mockReset().mockResolvedValue(true)
  logged.length = 0
})
afterEach(() => {
  watch.stop()
  vi.useRealTimers()
})

const READY = { database: true, migrations: true }
const GONE = { database: false, migrations: false }

test('asks the database once an interval, however often it is asked itself', async () => {
  watch = watchReadiness(isMigrated, log)
  for (let nth = 0; nth < 100; nth += 1) expect(await watch.state()).toEqual(READY)
  expect(isMigrated).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(5 * ASKED_EVERY_MS)
  expect(isMigrated).toHaveBeenCalledTimes(6)
})

test('tells within an interval that the database has gone, and that it is back, and logs both once', async () => {
  watch = watchReadiness(isMigrated, log)
  expect(await watch.state()).toEqual(READY)
  isMigrated.mockRejectedValue(new DatabaseUnavailable('gone'))
  await vi.advanceTimersByTimeAsync(ASKED_EVERY_MS)
  expect(await watch.state()).toEqual(GONE)
  await vi.advanceTimersByTimeAsync(5 * ASKED_EVERY_MS)
  isMigrated.mockResolvedValue(true)
  await vi.advanceTimersByTimeAsync(ASKED_EVERY_MS)
  expect(await watch.state()).toEqual(READY)
  expect(logged).toEqual([
    'readiness: the database is unavailable or lacks migrations; /ready answers 503',
    'readiness: the database is available again; /ready answers 200',
  ])
})

test('has one question under way, and takes three intervals of silence for a failure', async () => {
  const late = Promise.withResolvers<boolean>()
  isMigrated.mockReturnValueOnce(late.promise)
  watch = watchReadiness(isMigrated, log)
  const state = watch.state()
  await vi.advanceTimersByTimeAsync(10 * ASKED_EVERY_MS)
  expect(await state).toEqual(GONE)
  expect(isMigrated).toHaveBeenCalledTimes(1)
  late.resolve(true)
  await vi.advanceTimersByTimeAsync(0)
  expect(await watch.state()).toEqual(READY)
})

test.each([
  ['another version', () => Promise.resolve(false), { database: true, migrations: false }],
  [
    'no schema of ours',
    () => Promise.reject(Object.assign(new Error('no function'), { code: '42883' })),
    { database: true, migrations: false },
  ],
  ['a login that is refused', () => Promise.reject(Object.assign(new Error(), { code: '28P01' })), GONE],
])('tells a database with %s from one that is not there', async (_, answer, expected) => {
  isMigrated.mockImplementation(answer)
  watch = watchReadiness(isMigrated, log)
  expect(await watch.state()).toEqual(expected)
})
