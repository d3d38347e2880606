import { urlOf } from '../test/support/server-databases.ts'
import { against, openOther } from './against.ts'
import type { Bench, Path, PathResult } from './bench.ts'
import { type Cluster, copyDataset, dropCopy, ensureDataset, openCluster } from './cluster.ts'
import { startLoader } from './measure.ts'
import { isFull, OptionsError, readOptions, USAGE } from './options.ts'
import { assign, contention } from './paths/assign.ts'
import { bus } from './paths/bus.ts'
import { candidates } from './paths/candidates.ts'
import { checkins } from './paths/checkins.ts'
import { filters } from './paths/filters.ts'
import { growth } from './paths/growth.ts'
import { nearby, radius } from './paths/nearby.ts'
import { pages } from './paths/pages.ts'
import { plans } from './paths/plans.ts'
import { memory, start } from './paths/process.ts'
import { realtime } from './paths/realtime.ts'
import { realtimeChecks } from './paths/realtime-checks.ts'
import { realtimeMemory, realtimeOverload } from './paths/realtime-load.ts'
import { renewal } from './paths/renewal.ts'
import { installPeers } from './peers.ts'
import { JWT_SECRET, memoryOf, type Running, startServer, startService } from './processes.ts'
import { createProgress, type Progress } from './progress.ts'
import { publish, readPublished, renderPublished, writePartial } from './publish.ts'
import { addPart, describeMachine, emptyReport, spellRow, toTable } from './report.ts'

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
  plans,
  start,
  renewal,
  memory,
  realtime,
  realtimeChecks,
  realtimeOverload,
  realtimeMemory,
  bus,
]

async function main(): Promise<void> {
  const names = PATHS.map(({ name }) => name)
  const options = readOptions(process.argv.slice(2), names)
  if (options.help) {
    console.log(`${USAGE}\n\nPaths: ${names.join(', ')}`)
    return
  }
  if (options.render) return renderPublished()
  const progress = createProgress(process.stderr)
  await using stack = new AsyncDisposableStack()
  const chosen =
    options.against === undefined
      ? PATHS.filter(({ name }) => options.paths.includes(name))
      : [against(stack.use(await openOther(options.against, options.scale, progress.step)), options.paths)]
  const started = performance.now()

  if (options.peers && chosen.includes(nearby)) await installPeers(progress.say)
  const cluster = await openCluster(progress.say)
  stack.defer(cluster.stop)
  const { copy, url: databaseUrl } = await openCopy(cluster, options.scale, progress)
  stack.defer(() => dropCopy(cluster, copy))
  const service = await startService({ DATABASE_URL: databaseUrl })
  stack.defer(service.stop)
  const loader = startLoader()
  stack.defer(loader.stop)

  const machine = describeMachine(cluster)
  let report = emptyReport(machine, options)
  let published = isFull(options) ? await readPublished(machine, options) : undefined
  const shared = { ...options, cluster, databaseUrl, service, loader, say: progress.say }
  const failures: string[] = []
  for (const [nth, path] of chosen.entries()) {
    progress.begin(nth, chosen.length, path.name)
    const result = await runPath(path, shared, progress).catch((error: unknown) => {
      // What was measured, and what comes, is worth having all the same.
      const failure = `${path.name} failed: ${error instanceof Error ? error.stack : String(error)}`
      progress.say(failure)
      failures.push(failure)
      process.exitCode = 1
    })
    if (!result) continue
    for (const row of result.rows) progress.say(spellRow(row, options.quick).filter(Boolean).join(', '))
    report = addPart(report, path.name, result, names)
    // After each path: nobody knows how the next one ends.
    if (published) {
      published = addPart(published, path.name, result, names)
      await publish(published)
    } else await writePartial(report)
  }
  progress.end()

  console.log(toTable(report, options.quick))
  const peak = (await memoryOf(service.pid))?.peak
  if (peak) console.log(`Peak memory of the service, all paths together: ${Math.round(peak / 1024 ** 2)} MB.`)
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} minutes.`)
  for (const failure of failures) console.log(failure)
  if (published)
    console.log('Written: bench/results/latest.json, bench/results/latest.svg, docs/performance.md.')
}

async function runPath(
  path: Path,
  shared: Omit<Bench, 'openScale' | 'serve'>,
  progress: Progress,
): Promise<PathResult> {
  await using servers = new AsyncDisposableStack()
  return await path.run({
    ...shared,
    async openScale(scale) {
      const { copy, url } = await openCopy(shared.cluster, scale, progress)
      servers.defer(() => dropCopy(shared.cluster, copy))
      const other = await startService({ DATABASE_URL: url })
      servers.defer(other.stop)
      return { scale, databaseUrl: url, service: other }
    },
    async serve(program): Promise<Running> {
      const environment = { DATABASE_URL: shared.databaseUrl, JWT_SECRET }
      const server = await startServer(program, environment, '/ready')
      servers.defer(server.stop)
      return server
    },
  })
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
