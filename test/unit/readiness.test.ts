import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DatabaseUnavailable } from '../../src/platform/db/engine/database.ts'
import type { Obstacle } from '../../src/platform/db/fitness.ts'
import { type ReadinessWatch, watchReadiness } from '../../src/platform/operations/readiness.ts'

const ASKED_EVERY_MS = 1_000

let watch: ReadinessWatch
const logged: string[] = []
const log = {
  info: (_: object, message: string) => logged.push(message),
  warn: (_: object, message: string) => logged.push(message),
}
const findObstacle = vi.fn<() => Promise<Obstacle | undefined>>()
const onIncompatible = vi.fn<(obstacle: Obstacle) => void>()
const start = (): ReadinessWatch => watchReadiness({ findObstacle, log, onIncompatible })

beforeEach(() => {
  vi.useFakeTimers()
  findObstacle.mockReset().mockResolvedValue(undefined)
  onIncompatible.mockReset()
  logged.length = 0
})
afterEach(() => {
  watch.stop()
  vi.useRealTimers()
})

const READY = { database: true, migrations: true, writable: true, reason: null }
const GONE = { database: false, migrations: false, writable: false, reason: 'database_unreachable' }

test('asks the database once an interval, however often it is asked itself', async () => {
  watch = start()
  for (let nth = 0; nth < 100; nth += 1) expect(await watch.state()).toEqual(READY)
  expect(findObstacle).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(5 * ASKED_EVERY_MS)
  expect(findObstacle).toHaveBeenCalledTimes(6)
})

test('tells within an interval that the database has gone, and that it is back, and logs both once', async () => {
  watch = start()
  expect(await watch.state()).toEqual(READY)
  findObstacle.mockRejectedValue(new DatabaseUnavailable('gone'))
  await vi.advanceTimersByTimeAsync(ASKED_EVERY_MS)
  expect(await watch.state()).toEqual(GONE)
  await vi.advanceTimersByTimeAsync(5 * ASKED_EVERY_MS)
  findObstacle.mockResolvedValue(undefined)
  await vi.advanceTimersByTimeAsync(ASKED_EVERY_MS)
  expect(await watch.state()).toEqual(READY)
  expect(logged).toEqual([
    'readiness: the database cannot serve this version of the service (see reason); /ready answers 503',
    'readiness: the database can serve again; /ready answers 200',
  ])
})

test('has one question under way, and takes three intervals of silence for a failure', async () => {
  const late = Promise.withResolvers<undefined>()
  findObstacle.mockReturnValueOnce(late.promise)
  watch = start()
  const state = watch.state()
  await vi.advanceTimersByTimeAsync(10 * ASKED_EVERY_MS)
  expect(await state).toEqual(GONE)
  expect(findObstacle).toHaveBeenCalledTimes(1)
  late.resolve(undefined)
  await vi.advanceTimersByTimeAsync(0)
  expect(await watch.state()).toEqual(READY)
})

const refused = (code: string) => () => Promise.reject(Object.assign(new Error(), { code }))
const found = (obstacle: Obstacle) => () => Promise.resolve(obstacle)

test.each([
  ['an older schema', found('schema_older'), { ...READY, migrations: false, reason: 'schema_older' }],
  ['no schema of ours', refused('42883'), { ...READY, migrations: false, reason: 'schema_older' }],
  [
    'a schema that this version cannot live with',
    found('schema_incompatible'),
    { ...READY, migrations: false, reason: 'schema_incompatible' },
  ],
  ['a standby', found('standby'), { ...READY, writable: false, reason: 'standby' }],
  ['a database without writes', found('read_only'), { ...READY, writable: false, reason: 'read_only' }],
  ['a login that is refused', refused('28P01'), { ...GONE, reason: 'login_refused' }],
  ['a database that was dropped', refused('3D000'), { ...GONE, reason: 'database_unfit' }],
  ['a server that restarts', refused('57P03'), GONE],
])('tells %s from a database that is not there', async (_, answer, expected) => {
  findObstacle.mockImplementation(answer)
  watch = start()
  expect(await watch.state()).toEqual(expected)
})

test('refuses requests only where the schema is not one of this version', async () => {
  watch = start()
  await watch.state()
  const standings: string[] = []
  for (const answer of [
    found('read_only'),
    found('schema_older'),
    refused('57P03'),
    found('upgrade_announced'),
    found('schema_incompatible'),
  ]) {
    findObstacle.mockImplementation(answer)
    await vi.advanceTimersByTimeAsync(ASKED_EVERY_MS)
    standings.push(watch.standing)
  }
  expect(standings).toEqual(['serving', 'refusing', 'serving', 'serving', 'refusing'])
})

test('tells once that a newer version brings a schema that this one cannot live with', async () => {
  watch = start()
  await vi.advanceTimersByTimeAsync(3 * ASKED_EVERY_MS)
  expect(onIncompatible).not.toHaveBeenCalled()
  findObstacle.mockResolvedValue('upgrade_announced')
  await vi.advanceTimersByTimeAsync(3 * ASKED_EVERY_MS)
  findObstacle.mockResolvedValue('schema_incompatible')
  await vi.advanceTimersByTimeAsync(3 * ASKED_EVERY_MS)
  expect(onIncompatible.mock.calls).toEqual([['upgrade_announced']])
})

test('is not ready from the moment that it is told to stop, and closes the connections of whom it serves', async () => {
  watch = start()
  await watch.state()
  watch.drain()
  expect(await watch.state()).toEqual({ ...READY, reason: 'stopping' })
  expect(watch.standing).toBe('draining')
})
