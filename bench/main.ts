import { mkdir, writeFile } from 'node:fs/promises'
import { urlOf } from '../test/support/server-databases.ts'
import type { Bench, Path, PathResult } from './bench.ts'
import { type Cluster, copyDataset, dropCopy, ensureDataset, openCluster } from './cluster.ts'
import { startLoader } from './measure.ts'
import { OptionsError, readOptions, USAGE } from './options.ts'
import { assign, contention } from './paths/assign.ts'
import { candidates } from './paths/candidates.ts'
import { checkins } from './paths/checkins.ts'
import { filters } from './paths/filters.ts'
import { growth } from './paths/growth.ts'
import { nearby, radius } from './paths/nearby.ts'
import { pages } from './paths/pages.ts'
import { memory, start } from './paths/process.ts'
import { realtime } from './paths/realtime.ts'
import { realtimeChecks } from './paths/realtime-checks.ts'
import { installPeers } from './peers.ts'
import { JWT_SECRET, memoryOf, type Running, startServer, startService } from './processes.ts'
import { createProgress, type Progress } from './progress.ts'
import { describeMachine, type Report, spellRow, toTable } from './report.ts'

const PATHS: readonly Path[] = [
  nearby,
  radius,
  filters,
  pages,
  checkins,
  assign,
  contention,
  candidates,
  growth,
  start,
  memory,
  realtime,
  realtimeChecks,
]
const RESULTS = new URL('./results/', import.meta.url)

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    PATHS.map(({ name }) => name),
  )
  const progress = createProgress(process.stderr)
  const chosen = PATHS.filter(({ name }) => options.paths.length === 0 || options.paths.includes(name))
  await using stack = new AsyncDisposableStack()
  const started = performance.now()

  await installPeers(progress.say)
  const cluster = await openCluster(progress.say)
  stack.defer(cluster.stop)
  const { copy, url: databaseUrl } = await openCopy(cluster, options.scale, progress)
  stack.defer(() => dropCopy(cluster, copy))
  const service = await startService({ DATABASE_URL: databaseUrl })
  stack.defer(service.stop)
  const loader = startLoader()
  stack.defer(loader.stop)

  const results: PathResult[] = []
  for (const [nth, path] of chosen.entries()) {
    progress.begin(nth, chosen.length, path.name)
    await using servers = new AsyncDisposableStack()
    const bench: Bench = {
      cluster,
      scale: options.scale,
      databaseUrl,
      service,
      loader,
      rounds: options.rounds,
      seconds: options.seconds,
      memoryMinutes: options.memoryMinutes,
      say: progress.say,
      async openScale(scale) {
        const { copy, url } = await openCopy(cluster, scale, progress)
        servers.defer(() => dropCopy(cluster, copy))
        const other = await startService({ DATABASE_URL: url })
        servers.defer(other.stop)
        return { scale, databaseUrl: url, service: other }
      },
      async serve(program): Promise<Running> {
        const server = await startServer(program, { DATABASE_URL: databaseUrl, JWT_SECRET }, '/ready')
        servers.defer(server.stop)
        return server
      },
    }
    const result = await path.run(bench)
    results.push(result)
    for (const row of result.rows) progress.say(spellRow(row).filter(Boolean).join(', '))
  }
  progress.end()

  const report: Report = {
    at: new Date().toISOString(),
    options,
    machine: describeMachine(cluster),
    peak_memory_mb: Math.round(((await memoryOf(service.pid))?.peak ?? Number.NaN) / 1024 ** 2),
    minutes: (performance.now() - started) / 60_000,
    rows: results.flatMap(({ rows }) => rows),
    measured: results.flatMap(({ measured }) => measured),
  }
  await mkdir(RESULTS, { recursive: true })
  // What is published is a whole run; parts of one, and quick ones, are for whoever is at work.
  const whole = !options.quick && options.paths.length === 0
  await writeFile(
    new URL(whole ? 'latest.json' : 'partial.json', RESULTS),
    `${JSON.stringify(report, null, 2)}\n`,
  )
  console.log(toTable(report))
}

async function openCopy(
  cluster: Cluster,
  scale: number,
  progress: Progress,
): Promise<{ copy: string; url: string }> {
  const pristine = await ensureDataset(cluster, scale, progress.step)
  const copy = await copyDataset(cluster, pristine)
  return { copy, url: urlOf(cluster.url, copy) }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof OptionsError ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = 1
}
