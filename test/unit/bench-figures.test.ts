import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { compare, compareCpu, compareWithLimit, state } from '../../bench/bench.ts'
import { compete, contender, type Measured, summarizeTurns, type Turn } from '../../bench/measure.ts'
import { isFull, OptionsError, readOptions } from '../../bench/options.ts'
import { choose, isWarm, summarize } from '../../bench/pgbench.ts'
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

  const spent = (
    name: string,
    service_cpu: number | undefined,
    database_cpu: number | undefined,
  ): Measured => ({
    ...{ name, requests_per_second: 1, p50_ms: 1, p95_ms: 1, p99_ms: 1, statuses: {} },
    ...{ service_cpu, database_cpu },
  })

  it('compare what a request costs all who work for it', () => {
    const [ours, limit] = [spent('muster', 0.25, 0.75), spent('limit', undefined, 0.5)]
    expect(compareWithLimit('nearby', ours, limit, { atMost: 2 })).toEqual([
      compare('nearby', 'CPU ms', 1, { name: 'limit', value: 0.5 }, { atMost: 2 }),
    ])
    expect(compareCpu('nearby', spent('muster', 0.25, undefined), limit, { atMost: 2 })).toEqual([])
  })

  it('fail when the limit costs more than what it limits', () => {
    const dear = spent('limit', undefined, 1.25)
    expect(() => compareWithLimit('assign', spent('muster', 0.25, 0.75), dear, { atMost: 2 })).toThrow(
      'assign: limit, the reference, takes 1.25 ms of CPU time, more than the 1.00 ms of muster, which it limits.',
    )
  })

  it('are not judged on fewer cores than their bound is for', () => {
    const on = (cores: number) => state('start', 'seconds', 2, { atMost: 1.5, cores: 4 }, cores)
    expect(on(4)).toMatchObject({ target: '≤ 1.5 on 4 cores', met: false })
    expect(on(2)).toMatchObject({ target: '≤ 1.5 on 4 cores', met: null })
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
    const ordered = <Name extends string>(name: Name) => ({
      ...contender(name, {
        warmUp: async () => order.push(`${name} warms up`),
        round: async () => {
          order.push(name)
          return turn(1, 1, { service: undefined, database: undefined })
        },
      }),
      stop: async () => void order.push(`${name} stops`),
    })
    await compete([ordered('a'), ordered('b')], 2)
    expect(order).toEqual(['a warms up', 'b warms up', 'a', 'b', 'a', 'b', 'a stops', 'b stops'])
  })
})

describe('pgbench', () => {
  it('is measured by what began in a turn, and by the times of what ended in it', () => {
    const turns = [
      { from: 100_000, to: 102_000 },
      { from: 110_000, to: 112_000 },
    ]
    // Client, transaction, microseconds it took, script, and when it ended.
    const log = [
      '0 0 500000 0 99 500000', // before the first turn
      '0 1 500000 0 100 500000',
      '1 0 1000000 0 101 500000',
      '0 2 9500000 0 111 0', // under way when the first turn ended
      '1 1 250000 0 111 0',
      '1 2 250000 0 113 0', // after the last one
    ]
    expect(summarize(log, turns)).toEqual([
      { requests: 3, seconds: 2, latency: { p50: 500, p95: 1_000, p99: 1_000 } },
      { requests: 1, seconds: 2, latency: { p50: 250, p95: 250, p99: 250 } },
    ])
  })

  it('is warm when its rate grows no more, and each client has made its plans', () => {
    expect(isWarm([16], 16)).toBe(false)
    expect(isWarm([16, 15], 16)).toBe(false)
    expect(isWarm([16, 1_825], 16)).toBe(false)
    expect(isWarm([16, 1_825, 3_183], 16)).toBe(false)
    expect(isWarm([16, 1_825, 3_183, 3_400], 16)).toBe(true)
    expect(isWarm([0, 0], 1)).toBe(false)
    expect(isWarm([16, 1_825], 16, 1_000)).toBe(true)
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
