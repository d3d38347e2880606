import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { beside, compare, type PathResult, state } from '../../bench/bench.ts'
import { fulfilment, toChart } from '../../bench/chart.ts'
import { toDocument } from '../../bench/document.ts'
import type { Measured } from '../../bench/measure.ts'
import { trimPlan } from '../../bench/paths/plans.ts'
import { addPart, emptyReport, type Report, toTable } from '../../bench/report.ts'

const ORDER = ['nearby', 'memory']
const nothing = emptyReport('a machine', { scale: 1, rounds: 5, seconds: 3, memoryMinutes: 10 })
const found = (name: string, value: number): PathResult => ({
  rows: [compare(name, 'requests/s', value, { name: 'limit', value: 100 }, { atLeast: 0.5 })],
  measured: [],
})

describe('a report', () => {
  it('takes what is found anew in the place of what was known of the same path', () => {
    const first = addPart(nothing, 'memory', { rows: [state('memory', 'MB', 300)], measured: [] }, ORDER)
    const both = addPart(first, 'nearby', found('nearby', 60), ORDER)
    const again = addPart(both, 'memory', { rows: [state('memory', 'MB', 150)], measured: [] }, ORDER)
    expect(again.rows.map(({ path, value }) => [path, value])).toEqual([
      ['nearby', 60],
      ['memory', 150],
    ])
  })

  it('is shown as a page and a chart, misses and all', () => {
    const report = addPart(nothing, 'nearby', { ...found('near | by', 20), plans: [] }, ORDER)
    const page = toDocument(report)
    expect(page).toContain('0 of 1 targets met')
    expect(page).toContain('| near \\| by | requests/s | 20.0 | 100 limit | 0.20 | ≥ 0.5 × limit | missed |')
    expect(page).toContain('### What was missed')
    expect(toTable(report, false)).not.toContain('for soundness')
    expect(toTable(report, true)).toContain('0.20 (for soundness)')
    expect(toChart(report)).toContain('near | by, requests/s')
    expect(toChart(addPart(nothing, 'nearby', found('<b>', 20), ORDER))).toContain('&lt;b&gt;')
  })

  it('shows each contender, the fastest with the longest bar', () => {
    const contender = (name: string, rate: number): Measured => ({
      ...{ name, requests_per_second: rate, p50_ms: 1.5, p95_ms: 2.5, p99_ms: 3.5 },
      ...{ service_cpu: 0.25, database_cpu: undefined, statuses: {} },
    })
    const measured = [{ path: 'nearby', contenders: [contender('muster', 50), contender('limit', 200)] }]
    const chart = toChart(addPart(nothing, 'nearby', { rows: [], measured }, ORDER))
    for (const figure of ['muster', 'limit', '50.0', '200', '1.50', '2.50', '3.50', '0.25', '–']) {
      expect(chart).toContain(`>${figure}</text>`)
    }
    const [muster, limit] = [...chart.matchAll(/<rect x=.* width="(\d+)"/g)].map(([, width]) => Number(width))
    expect(limit).toBeGreaterThan(3 * muster!)
  })

  it('has each figure on the side of its target on which it is', () => {
    const reference = { name: 'limit', value: 100 }
    expect(fulfilment(compare('p', 'm', 90, reference, { atLeast: 0.45 }))).toBe(2)
    expect(fulfilment(compare('p', 'm', 50, reference, { atMost: 1.5 }))).toBe(3)
    expect(fulfilment(state('p', 'MB', 400, { atMost: 200 }))).toBe(0.5)
    expect(fulfilment(beside('p', 'ms', 50, { name: 'bare', value: 10 }, { atMost: 25 }))).toBe(0.5)
    expect(fulfilment(state('p', 'deadlocks', 0, { atMost: 0 }))).toBeGreaterThan(1)
    expect(fulfilment(state('p', 'deadlocks', 1, { atMost: 0 }))).toBeLessThan(1)
    expect(fulfilment(state('p', 'requests', 5))).toBeUndefined()
  })
})

it('plans are trimmed to what was done', () => {
  const plan = `select 1
  from t

Aggregate  (cost=0.00..1.01 rows=1 width=8) (actual rows=1 loops=1)
  Buffers: shared hit=128
  InitPlan 1 (returns $0)
    ->  Result  (cost=0.00..0.26 rows=1 width=16) (never executed)
  ->  Index Scan using t_pkey on t  (cost=0.1..1.0 rows=1 width=4) (actual rows=1 loops=1)
        Buffers: shared hit=2
`
  expect(trimPlan(plan)).toBe(`select 1 from t
Aggregate (actual rows=1 loops=1)
  Buffers: shared hit=128
  ->  Index Scan using t_pkey on t (actual rows=1 loops=1)`)
})

it('the published page and chart say what the published results say', () => {
  const published = ['bench/results/latest.json', 'bench/results/latest.svg', 'docs/performance.md']
  expect(new Set(published.map((path) => existsSync(path))).size).toBe(1)
  if (!existsSync(published[0]!)) return
  const [json, chart, page] = published.map((path) => readFileSync(path, 'utf8'))
  const report: Report = JSON.parse(json!)
  expect(toChart(report)).toBe(chart)
  expect(toDocument(report)).toBe(page)
})

describe('the README', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

  it('has three figures of the page, and they are those of its last run', () => {
    const shown = /a nearby search ([\d.]+), a check-in ([\d.]+), an assignment ([\d.]+)\./.exec(
      read('README.md'),
    )
    const rows = read('docs/performance.md').split('\n')
    const cpuOf = (path: string) =>
      rows
        .find((row) => row.startsWith(`| ${path} | muster |`))
        ?.split(' | ')
        .at(-1)
        ?.replace(' |', '')
    expect(shown?.slice(1)).toEqual(['nearby, 5 km', 'check-in, 16 phones', 'assign'].map(cpuOf))
  })
})
