import { readdir, readFile } from 'node:fs/promises'
import { request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import type { Databases } from '../../src/platform/db/open.ts'
import { readTraceparent } from '../../src/platform/http/trace-context.ts'
import { MAX_VALUES, Tally } from '../../src/platform/metric.ts'
import { jobMetrics } from '../../src/platform/operations/job-metrics.ts'
import { type Metrics, openMetrics } from '../../src/platform/operations/metrics.ts'
import { serveMetrics } from '../../src/platform/operations/metrics-server.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'
import { serviceMetrics } from '../../src/platform/operations/service-metrics.ts'
import { openAppWithoutDatabase } from '../support/app-without-database.ts'
import { patience } from '../support/patience.ts'
import { USER_ID } from '../support/tokens.ts'

const ANON_KEY = 'sb_publishable_of_the_tests'

/** The values of a metric's labels, as they are printed. */
const seriesOf = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`))

/** The service, which counts, and all metrics of one that has nothing but itself. */
async function openCounted() {
  const metrics = await openMetrics()
  const app = await openAppWithoutDatabase({ ANON_KEY }, metrics)
  const none = { kind: 'embedded' } as Databases['api']
  metrics.add(
    ...serviceMetrics({
      version: '0.0.0-test',
      app,
      databases: { api: none, worker: none, jobs: none, checks: none, bus: undefined } as Databases,
      router: undefined,
      bus: undefined,
      checkReadiness: async () => ALL_WELL,
    }),
  )
  return { app, metrics }
}

async function serve(metrics: Metrics) {
  const server = await serveMetrics(
    metrics,
    { METRICS_HOST: '127.0.0.1', METRICS_PORT: 0 },
    { error: () => {} },
  )
  onTestFinished(() => server.close())
  return server
}

describe('a tally', () => {
  it('keeps a bounded number of values, whatever is counted', () => {
    const tally = new Tally('muster_test_total', 'For a test.', 'code')
    for (let nth = 0; nth < 10 * MAX_VALUES; nth += 1) tally.add(`code ${nth}`)
    const counted = tally.read()
    expect(counted).toHaveLength(MAX_VALUES + 1)
    expect(counted.find(({ labels }) => labels?.code === 'other')?.value).toBe(9 * MAX_VALUES)
  })

  it('has the values of its list from the start, and counts others together', () => {
    const tally = new Tally('muster_test_total', 'For a test.', 'verdict', ['inside'])
    tally.add('outside')
    tally.add('above')
    expect(tally.read()).toEqual([
      { labels: { verdict: 'inside' }, value: 0 },
      { labels: { verdict: 'other' }, value: 2 },
    ])
  })
})

describe('/metrics', () => {
  it('counts requests by route, not by what the client sent', async () => {
    const { app, metrics } = await openCounted()
    const before = (await metrics.print()).length
    for (let nth = 0; nth < 100; nth += 1) {
      await app.inject({ url: `/planted-${nth}?planted=${nth}`, headers: { 'x-planted': `${nth}` } })
      await app.inject({
        url: `/v1/shifts/planted-${nth}`,
        headers: { authorization: `Bearer planted-${nth}` },
      })
      await app.inject({ method: 'PROPFIND' as 'GET', url: `/v1/planted-${nth}` })
      await app.inject({ url: `/v1/%planted-${nth}` })
    }
    const text = await metrics.print()
    expect(text).not.toContain('planted')
    const requests = seriesOf(text, 'muster_http_requests_total')
    expect(requests).toContain('muster_http_requests_total{method="GET",route="none",status="404"} 100')
    expect(requests.length).toBeLessThan(6)
    // A handful of series for four hundred requests that were all different.
    expect(text.length - before).toBeLessThan(6_000)
  })

  it('counts a problem by its code', async () => {
    const { app, metrics } = await openCounted()
    const count = async () =>
      Number(/muster_problems_total\{code="unauthenticated"\} (\d+)/.exec(await metrics.print())?.[1] ?? 0)
    const before = await count()
    await app.inject({ url: '/v1/me' })
    expect(await count()).toBe(before + 1)
  })

  it('counts a request whose client leaves before the answer', async () => {
    const { app, metrics } = await openCounted()
    const arrived = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    app.get('/slow', async () => {
      arrived.resolve()
      await goOn.promise
      return {}
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const request = send({ port: (app.server.address() as AddressInfo).port, path: '/slow' }).end()
    request.on('error', () => {})
    await arrived.promise
    request.destroy()
    const counted = async () => seriesOf(await metrics.print(), 'muster_http_requests_total')
    const once = ['muster_http_requests_total{method="GET",route="/slow",status="gone"} 1']
    await expect.poll(counted, { timeout: patience(5_000) }).toEqual(once)
    // And not again when the answer is there at last.
    goOn.resolve()
    await app.close()
    expect(await counted()).toEqual(once)
  })

  it('is not on the port of the API, whoever asks', async () => {
    const { app, metrics } = await openCounted()
    for (const headers of [{}, { authorization: `Bearer ${USER_ID}` }, { apikey: ANON_KEY }]) {
      const { statusCode, body } = await app.inject({ url: '/metrics', headers })
      expect(statusCode).toBe(404)
      expect(body).not.toContain('muster_')
    }
    const { url } = await serve(metrics)
    const answer = await fetch(url)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await answer.text()).toContain('muster_build_info{version="0.0.0-test"} 1')
    expect((await fetch(new URL('/v1/me', url))).status).toBe(404)
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  })

  it('has the standing of jobs, and goes without it where the database does not answer', async () => {
    const job = { name: 'clean', runs: 3, failures: 1, duration_ms: 250, late_seconds: 12 }
    const metrics = await openMetrics()
    const read = vi.fn(async () => [job])
    metrics.add(...jobMetrics(read))
    const printed = async () => seriesOf(await metrics.print(), 'muster_job_duration_seconds')
    expect(await printed()).toEqual(['muster_job_duration_seconds{job_name="clean"} 0.25'])
    read.mockRejectedValue(new Error('gone'))
    expect(await printed()).toEqual([])
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    read.mockReturnValue(new Promise(() => {}))
    const silent = printed()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await silent).toEqual([])
  })

  it('says which setting to change when its port is taken', async () => {
    const { metrics } = await openCounted()
    const { url } = await serve(metrics)
    const again = serveMetrics(
      metrics,
      { METRICS_HOST: '127.0.0.1', METRICS_PORT: Number(new URL(url).port) },
      { error: () => {} },
    )
    await expect(again).rejects.toThrow(/METRICS_PORT/)
  })
})

it('is loaded by a service that has it switched on, and by no other; so are traces', async () => {
  const sources = await readdir(new URL('../../src', import.meta.url), { recursive: true })
  const texts = await Promise.all(
    sources.filter((path) => path.endsWith('.ts')).map((path) => read(`src/${path}`)),
  )
  const lines = texts.join('\n').split('\n')
  const imports = lines.filter((line) => /\bfrom '(?:@opentelemetry|@prometheus-io)\//.test(line))
  expect(imports.filter((line) => !line.startsWith('import type '))).toEqual([])
})

/** Words of the service and of the process, in a rule, a dashboard or a text; `_bucket` and the like belong to a histogram. */
const namesIn = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/\b(?:muster|process|nodejs)_[a-z0-9_]*[a-z0-9]\b/g)].map(([name]) =>
      name.replace(/_(?:bucket|count|sum)$/, ''),
    ),
  )
const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the names of metrics', async () => {
  const [rules, dashboard, operations] = await Promise.all([
    read('deploy/prometheus/alerts.yml'),
    read('deploy/grafana/muster.json'),
    read('docs/operations.md'),
  ])
  const chapter = operations.split(/^(?=## )/m).find((part) => part.startsWith('## Watch')) ?? ''
  const printed = async (): Promise<Set<string>> => {
    const text = await (await openCounted()).metrics.print()
    return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name))
  }

  test.each([
    ['alert', rules],
    ['dashboard', dashboard],
    ['chapter of the documentation', chapter],
  ])('that each %s uses are printed', async (_, text) => {
    const all = await printed()
    expect([...namesIn(text)].filter((name) => !all.has(name))).toEqual([])
  })

  it('of the dashboard are in a file that Grafana can read', () => {
    const { panels, title } = JSON.parse(dashboard) as { panels: { title: string }[]; title: string }
    expect(title).toBe('Muster')
    expect(panels.length).toBeGreaterThan(10)
  })

  it('of the service are all in the documentation and on the dashboard', async () => {
    const [documented, shown] = [namesIn(chapter), namesIn(dashboard)]
    const ours = [...(await printed())].filter((name) => name.startsWith('muster_'))
    expect(ours.length).toBeGreaterThan(30)
    expect(ours.filter((name) => !documented.has(name) || !shown.has(name))).toEqual([])
  })

  it('of labels in rules and on the dashboard are those that are printed', async () => {
    const { metrics, app } = await openCounted()
    await app.inject({ url: '/health' })
    const text = await metrics.print()
    for (const [, name = '', label = ''] of `${rules}${dashboard}`.matchAll(
      /(muster_\w+?)(?:_bucket)?\{(\w+)=/g,
    )) {
      const metric = new RegExp(`^# HELP ${name} `, 'm')
      expect(text, name).toMatch(metric)
      const series = seriesOf(text, name)
      // Those that nothing has been counted for yet have their label in their own words.
      if (series.length > 0) expect(series[0], name).toContain(`${label}=`)
    }
  })
})

describe('each alert', async () => {
  const [rules, chapter] = await Promise.all([
    read('deploy/prometheus/alerts.yml'),
    read('docs/operations.md'),
  ])
  const headings = new Set(
    [...chapter.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
  const alerts = rules.split('- alert: ').slice(1)

  it.each(alerts.map((rule) => [rule.split('\n', 1)[0]!, rule]))(
    '%s has a severity, and a runbook that is there',
    (_, rule) => {
      expect(rule).toMatch(/severity: (?:page|ticket)\n/)
      const [, anchor = ''] = /runbook: ["']docs\/operations\.md#([\w-]+)["']/.exec(rule) ?? []
      expect(headings).toContain(anchor)
    },
  )
})

describe('traceparent', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
  const PARENT = '00f067aa0ba902b7'

  it.each([
    [`00-${TRACE}-${PARENT}-01`, true],
    [`00-${TRACE}-${PARENT}-00`, false],
    // A later version may be longer (section 3.2.4 of the specification).
    [`01-${TRACE}-${PARENT}-03-more`, true],
  ])('is read: %s', (header, isSampled) => {
    expect(readTraceparent(header)).toEqual({ traceId: TRACE, parentId: PARENT, isSampled })
  })

  it.each([
    [undefined],
    [''],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`],
    [`00-${'0'.repeat(32)}-${PARENT}-01`],
    [`00-${TRACE}-${'0'.repeat(16)}-01`],
    [`ff-${TRACE}-${PARENT}-01`],
    [`00-${TRACE}-${PARENT}-01-more`],
    [`00-${TRACE}-${PARENT}-01\n{"level":60}`],
    [`00-${TRACE.slice(1)}"-${PARENT}-01`],
    [[`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`]],
  ])('is ignored: %j', (header) => {
    expect(readTraceparent(header)).toBeUndefined()
  })
})
