import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { compare, state } from '../../bench/bench.ts'
import { compete, summarizeTurns, type Turn } from '../../bench/measure.ts'
import { isFull, OptionsError, readOptions } from '../../bench/options.ts'
import { choose, summarize } from '../../bench/pgbench.ts'
import { latenciesOf, median, percentile } from '../../bench/statistics.ts'

describe('statistics', () => {
  it('takes the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([9, 1, 5, 7])).toBe(6)
    expect(() => median([])).toThrow(RangeError)
  })

  it('gives percentiles that were measured', () => {
    const hundred = Array.from({ length: 100 }, (_, nth) => nth + 1)
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile([7], 0.01)).toBe(7)
    expect(latenciesOf([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])).toEqual({ p50: 5, p95: 10, p99: 10 })
  })
})

describe('lines of the result', () => {
  const reference = { name: 'limit', value: 100 }

  it('compare a figure with its reference', () => {
    expect(compare('nearby', 'requests/s', 45, reference, { atLeast: 0.45 })).toEqual({
      path: 'nearby',
      metric: 'requests/s',
      value: 45,
      reference,
      ratio: 0.45,
      target: '≥ 0.45 × limit',
      met: true,
    })
    expect(compare('nearby', 'requests/s', 44, reference, { atLeast: 0.45 }).met).toBe(false)
    expect(compare('nearby', 'p95 ms', 151, reference, { atMost: 1.5 }).met).toBe(false)
  })

  it('say so when nothing was asked', () => {
    expect(state('memory', 'requests', 5)).toMatchObject({ target: null, met: null })
    expect(state('memory', 'peak MB', 201, { atMost: 200 })).toMatchObject({ target: '≤ 200', met: false })
  })
})

const turn = (requests: number, seconds: number, cpu: Turn['cpu'], statuses = {}): Turn => ({
  requests,
  seconds,
  latency: { p50: 1, p95: 2, p99: 3 },
  cpu,
  statuses,
})

describe('rounds', () => {
  it('are summed up by their medians, and CPU time by the request', () => {
    const turns = [
      turn(1_000, 1, { service: 0.5, database: undefined }, { 200: 1_000 }),
      turn(4_000, 1, { service: 1, database: undefined }, { 200: 3_999, 500: 1 }),
      turn(2_000, 1, { service: 1, database: undefined }, { 200: 2_000 }),
    ]
    expect(summarizeTurns('muster', turns)).toEqual({
      name: 'muster',
      requests_per_second: 2_000,
      p50_ms: 1,
      p95_ms: 2,
      p99_ms: 3,
      service_cpu: 0.5,
      database_cpu: undefined,
      statuses: { 200: 6_999, 500: 1 },
    })
  })

  it('are taken in turns, after everybody has warmed up', async () => {
    const order: string[] = []
    const contender = <Name extends string>(name: Name) => ({
      name,
      warmUp: async () => order.push(`${name} warms up`),
      round: async () => {
        order.push(name)
        return turn(1, 1, { service: undefined, database: undefined })
      },
    })
    await compete([contender('a'), contender('b')], 2)
    expect(order).toEqual(['a warms up', 'b warms up', 'a', 'b', 'a', 'b'])
  })
})

describe('pgbench', () => {
  it('is measured from the first start to the last end', () => {
    // Client, transaction, microseconds it took, script, and when it ended.
    const log = ['0 0 500000 0 100 500000', '1 0 1000000 0 101 0', '0 1 1500000 0 102 0']
    expect(summarize(log)).toEqual({
      requests: 3,
      seconds: 2,
      latency: { p50: 1_000, p95: 1_500, p99: 1_500 },
    })
  })

  it('chooses one of many values by its number', () => {
    const values = [1.5, -2, 3, 4, 5]
    const picked = values.map((_, index) => evaluate(choose('n', values), index))
    expect(picked).toEqual(values)
  })
})

/** The expression as pgbench reads it, in a language at hand. */
const evaluate = (expression: string, n: number): number =>
  Number(
    execFileSync(process.execPath, [
      '-p',
      expression
        .replaceAll(':n', String(n))
        .replaceAll('case when', '(')
        .replaceAll('then', '?')
        .replaceAll('else', ':')
        .replaceAll(' end', ')'),
    ]),
  )

describe('options', () => {
  it('are those of a full run, of a quick one, or as given', () => {
    expect(readOptions([], [])).toMatchObject({ scale: 1, rounds: 5, paths: [] })
    expect(readOptions(['--quick'], [])).toMatchObject({ scale: 0.1, rounds: 1 })
    expect(readOptions(['--quick', '--scale', '10', '--path', 'nearby'], ['nearby'])).toMatchObject({
      scale: 10,
      paths: ['nearby'],
    })
  })

  it('choose paths, in the order in which they are known', () => {
    const known = ['nearby', 'check-ins', 'memory']
    expect(readOptions([], known).paths).toEqual(known)
    expect(readOptions(['--except', 'check-ins'], known).paths).toEqual(['nearby', 'memory'])
    expect(readOptions(['--path', 'memory', '--path', 'nearby'], known).paths).toEqual(['nearby', 'memory'])
  })

  it('say whether the figures are worth to be published', () => {
    const isFullWith = (...given: string[]) => isFull(readOptions(given, ['nearby', 'memory']))
    expect(isFullWith()).toBe(true)
    expect(isFullWith('--path', 'memory')).toBe(true)
    expect(isFullWith('--quick')).toBe(false)
    expect(isFullWith('--rounds', '2')).toBe(false)
    expect(isFullWith('--memory-minutes', '1')).toBe(false)
    expect(isFullWith('--without-peers')).toBe(false)
  })

  it.each([['--scale', 'ten'], ['--rounds', '0'], ['--path', 'far'], ['--fast']])('refuse %j', (...given) => {
    expect(() => readOptions(given, ['nearby'])).toThrow(OptionsError)
  })
})
