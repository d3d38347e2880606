import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seedDemo } from '../../src/guarding/demo/seed.ts'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { copyTemplate, dropDatabase, urlOf } from '../support/server-databases.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { prepareServer } from '../support/setup-server.ts'
import { type Phase, type PhaseOptions, percentile, runPhase, type Target } from './storm.ts'

export const SUMMARY = `storm [--seconds N] [--seed N] [--engine server|embedded] [--except CASE]…
    all hostile cases at once beside 100 honest subscribers; on the server of TEST_DATABASE_URL, or one of its own`

/** What honest events may come later than beside a generator that sends nothing: their 99th percentile, in milliseconds. */
const MAX_DELAY_MS = { server: 250, embedded: 1_000 }
/** How much more memory the service may hold, so long after the storm. */
const MAX_MEMORY_GROWTH = 0.2
const REST_SECONDS = 60
/**
 * V8 keeps garbage, and pages of a heap that was larger, for as long as nobody needs the memory: 140 MB after a storm, with as much in use as
 * before it. What is compared is what the service holds without them.
 */
const COLLECT =
  'process.on("SIGWINCH", () => gc({ type: "major", execution: "sync", flavor: "last-resort" }))'
const COLLECT_SECONDS = 3
/** Of quiet: three hundred changes, each for a hundred subscribers. */
const CONTROL_SECONDS = 60
/** The first storm fills caches, pools and the heap: what is compared comes after it. */
const WARM_UP_SECONDS = 15

/** Below everybody else: what is measured is what the service does with it. */
const LOWEST_PRIORITY = 19

const SECRET = 'the secret of the trial, at least 32 characters long'
const ANON_KEY = 'sb_publishable_of_the_trial'

export async function run(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '480' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      engine: { type: 'string', default: 'server' },
      except: { type: 'string', multiple: true, default: [] },
    },
  })
  const engine = values.engine === 'embedded' ? 'embedded' : 'server'
  const options: PhaseOptions = {
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    subscribers: 100,
    changesPerSecond: 5,
    niceness: LOWEST_PRIORITY,
    except: values.except,
  }
  console.log(`storm of ${options.seconds} s on ${engine}, --seed ${options.seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'muster-storm-'))
  const server = engine === 'server' ? await prepareServer() : undefined
  const name = server && (await copyTemplate(server.url, server.template))
  const databaseUrl = server && name && urlOf(server.url, name)
  try {
    if (databaseUrl) {
      const owner = openServer({ url: databaseUrl, max: 1 })
      // The log is sent when it is flushed: without it every event would wait for the server's next look, up to 0.4 s.
      await owner.query(`alter database "${name}" set synchronous_commit = on`)
      await seedDemo(owner)
      await owner.close()
    }
    const environment = {
      JWT_SECRET: SECRET,
      ANON_KEY,
      DATA_DIR: folder,
      // All who are honest come from one address, as a few users.
      REALTIME_MAX_SOCKETS_PER_USER: '200',
      RATE_LIMIT_PER_MINUTE: '100000',
      DATABASE_POOL_SIZE: '10',
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
    }
    const flags = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(COLLECT)}`]
    const service = await startService(environment, undefined, flags)
    try {
      return await judge(engine, await targetAt(service.url), options, service)
    } finally {
      await service.stop()
    }
  } finally {
    if (server && name) await dropDatabase(server.url, name)
    await server?.release()
    await rm(folder, { recursive: true, force: true })
  }
}

async function targetAt(url: string): Promise<Target> {
  const [admin, company, , , , outsider] = DEMO_USERS
  const token = await issueToken(SECRET, { sub: company.id, email: company.email, audience: 'authenticated' })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const listed = await fetch(`${url}/v1/locations?limit=1`, { headers })
  const locations = (await listed.json()) as { items: { id: string }[] }
  const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
  const made = await fetch(`${url}/v1/shifts`, {
    method: 'POST',
    headers,
    // A draft: nobody but the company and the admins see it.
    body: JSON.stringify({
      location_id: locations.items[0]?.id,
      title: 'Storm',
      start_datetime: inHours(24),
      end_datetime: inHours(32),
      hourly_rate: 20,
      status: 'draft',
      required_certificates: [],
    }),
  })
  if (!made.ok) throw new Error(`The shift could not be made: ${made.status} ${await made.text()}`)
  const { id: shiftId } = (await made.json()) as { id: string }
  return {
    url,
    anonKey: ANON_KEY,
    secret: SECRET,
    clockToleranceSeconds: 5,
    insiders: [company, admin],
    strangers: [outsider],
    shiftId,
  }
}

async function judge(
  engine: keyof typeof MAX_DELAY_MS,
  target: Target,
  options: PhaseOptions,
  service: Pick<ServiceProcess, 'pid' | 'signal' | 'isRunning'>,
): Promise<boolean> {
  const megabytes = async (): Promise<number> => {
    const status = await readFile(`/proc/${service.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
  }
  const megabytesAtRest = async (): Promise<number> => {
    await sleep(REST_SECONDS * 1000)
    service.signal('SIGWINCH')
    await sleep(COLLECT_SECONDS * 1000)
    return megabytes()
  }
  await runPhase(target, { ...options, seconds: Math.min(WARM_UP_SECONDS, options.seconds) })
  const before = await megabytesAtRest()

  let peak = 0
  const watch = setInterval(() => void megabytes().then((now) => (peak = Math.max(peak, now))), 250)
  const storm = await runPhase(target, options)
  clearInterval(watch)
  const after = await megabytesAtRest()
  const { cpuSeconds, seconds } = storm.generator
  const control = await runPhase(target, {
    ...options,
    seconds: Math.min(CONTROL_SECONDS, options.seconds),
    idleCpuShare: Math.min(0.99, cpuSeconds / seconds),
  })

  const delay = percentile(storm.latencies, 0.99) - percentile(control.latencies, 0.99)
  const growth = after / before - 1
  print('storm', storm)
  print('control', control)
  console.log('sockets of attackers:', storm.generator.opened, storm.generator.ended)
  console.log(`memory: ${before.toFixed(0)} MB before, ${peak.toFixed(0)} at most, ${after.toFixed(0)} after`)
  const verdicts: [what: string, isGood: boolean][] = [
    [`p99 ${delay.toFixed(0)} ms later, at most ${MAX_DELAY_MS[engine]}`, delay <= MAX_DELAY_MS[engine]],
    [`${storm.lost} events lost, ${storm.interrupted} channels ended`, storm.lost + storm.interrupted === 0],
    [`${storm.generator.leaks.length} leaks`, storm.generator.leaks.length === 0],
    [`memory grew by ${(growth * 100).toFixed(0)} %`, growth <= MAX_MEMORY_GROWTH],
    ['the service runs', service.isRunning()],
  ]
  for (const [what, isGood] of verdicts) console.log(`${isGood ? 'good' : 'BAD '}  ${what}`)
  for (const leak of storm.generator.leaks.slice(0, 5)) console.log(leak)
  return verdicts.every(([, isGood]) => isGood)
}

function print(name: string, { changes, latencies, refused, generator }: Phase): void {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(latencies, share).toFixed(1))
  const cpu = (generator.cpuSeconds / generator.seconds).toFixed(2)
  console.log(
    `${name}: ${changes} changes (${refused} refused as busy), p50 ${p50} ms, p95 ${p95}, p99 ${p99}; the generator used ${cpu} of a core`,
  )
}
