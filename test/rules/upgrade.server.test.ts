import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { issueToken } from '../../src/platform/auth/issue.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateDown, migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { SECRET } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { makeNextVersion, type NextVersion } from '../support/next-version.ts'
import { patience } from '../support/patience.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { buildWorld, LOCATIONS, SITE, USERS } from '../support/world.ts'

/*
 * Two versions of the service on one database, while clients use whichever is ready, as behind a load balancer: this one, and a copy
 * of it with one migration more.
 */

/** Twice what the balancer below believes a check for. */
const DRAIN_MS = 1_000
const CHECKED_EVERY_MS = 50
/** On a machine that is too busy to check in time, clients wait: what they send must not depend on luck. */
const BELIEVED_MS = DRAIN_MS / 2
const CLIENTS = 4
/** Of a client after an answer: two cores have better things to do. */
const PAUSE_MS = 30
const ANON_KEY = 'of-the-tests'
const PATIENCE_MS = patience(60_000)
const TEST_TIMEOUT_MS = patience(120_000)

const database = useTestDatabase()
const running = new Set<ServiceProcess>()
let token: string
let guard: string

beforeAll(async () => {
  await buildWorld(database().owner)
  token = await issueToken(SECRET, { sub: USERS.company, audience: 'authenticated' })
  guard = await issueToken(SECRET, { sub: USERS.guard, audience: 'authenticated' })
})
afterEach(async () => {
  await Promise.all([...running].map((service) => service.crash()))
  running.clear()
})

async function start(root?: string, more: Record<string, string> = {}): Promise<ServiceProcess> {
  const service = await startService(
    {
      DATABASE_URL: database().ownerUrl!,
      JWT_SECRET: SECRET,
      RATE_LIMIT_PER_MINUTE: '10000000',
      SHUTDOWN_DRAIN_MS: String(DRAIN_MS),
      LOG_LEVEL: 'info',
      ...more,
    },
    root,
  )
  running.add(service)
  return service
}

interface Ready {
  status: number
  reason?: string | null
}

async function readiness({ url }: ServiceProcess): Promise<Ready> {
  try {
    const response = await fetch(`${url}/ready`)
    const { reason } = (await response.json()) as Ready
    return { status: response.status, reason: reason ?? null }
  } catch {
    return { status: 0 }
  }
}
const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: PATIENCE_MS, interval: CHECKED_EVERY_MS })

/** The newest checks say which processes get requests. There is no second try, so what fails is seen. */
class Balancer {
  readonly #checks = new Map<ServiceProcess, NodeJS.Timeout>()
  /** When the check began that said so. */
  readonly #ready = new Map<ServiceProcess, number>()
  /** Whoever was not ready at a check after having been. */
  readonly lost = new Set<ServiceProcess>()

  add(service: ServiceProcess): void {
    const check = setInterval(async () => {
      const began = performance.now()
      const { status } = await readiness(service)
      if (status === 200) this.#ready.set(service, began)
      else if (this.#ready.delete(service)) this.lost.add(service)
    }, CHECKED_EVERY_MS)
    this.#checks.set(service, check)
  }

  pick(): ServiceProcess | undefined {
    const now = performance.now()
    const ready = [...this.#ready].flatMap(([service, at]) => (now - at < BELIEVED_MS ? [service] : []))
    return ready[Math.floor(Math.random() * ready.length)]
  }

  isUsing(service: ServiceProcess): boolean {
    return this.#ready.has(service)
  }

  close(): void {
    for (const check of this.#checks.values()) clearInterval(check)
  }
}

interface Load {
  served: number
  failures: string[]
  stop(): Promise<void>
}

/** Reads, creations and check-ins, as fast as they are answered. */
function startLoad(balancer: Balancer): Load {
  const load: Load = { served: 0, failures: [], stop: async () => {} }
  let isStopped = false
  async function send(service: ServiceProcess, nth: number): Promise<Response> {
    const headers = {
      authorization: `Bearer ${nth % 3 === 2 ? guard : token}`,
      'content-type': 'application/json',
    }
    if (nth % 3 === 0) return fetch(`${service.url}/v1/shifts?limit=5`, { headers })
    if (nth % 3 === 2) {
      return fetch(`${service.url}/v1/shifts/nearby?latitude=${SITE.latitude}&longitude=${SITE.longitude}`, {
        headers,
      })
    }
    const startsAt = Date.now() + (1 + (nth % 1_000)) * 3_600_000
    const body = {
      location_id: LOCATIONS.site,
      status: 'published',
      start_datetime: new Date(startsAt).toISOString(),
      end_datetime: new Date(startsAt + 3_600_000).toISOString(),
      hourly_rate: 20,
      title: 'upgrade',
    }
    return fetch(`${service.url}/v1/shifts`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    })
  }
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let nth = client; !isStopped; nth += 1) {
      const service = balancer.pick()
      if (service) {
        try {
          const response = await send(service, nth)
          const text = await response.text()
          if (response.ok) load.served += 1
          else load.failures.push(`${response.status} ${text}`)
        } catch (error) {
          load.failures.push(String((error as Error).cause ?? error))
        }
      }
      await pause(PAUSE_MS)
    }
  })
  load.stop = async () => {
    isStopped = true
    await Promise.all(clients)
  }
  return load
}

const versions: NextVersion[] = []
afterAll(() => Promise.all(versions.map((version) => version.remove())))
async function nextVersion(...given: Parameters<typeof makeNextVersion>): Promise<NextVersion> {
  const version = await makeNextVersion(...given)
  versions.push(version)
  return version
}

/** As an operator with that version at hand. */
async function withMigrations<T>(work: (owner: Database) => Promise<T>): Promise<T> {
  const owner = openServer({ ...MIGRATION_CONNECTION, url: database().ownerUrl! })
  try {
    return await work(owner)
  } finally {
    await owner.close()
  }
}

test(
  'a compatible upgrade and its rollback fail no request',
  async () => {
    const next = await nextVersion({
      up: [
        'alter table public.shifts add column next_column text',
        'create function muster.next_function() returns int language sql return 1',
      ],
      down: ['drop function muster.next_function()', 'alter table public.shifts drop column next_column'],
    })
    const balancer = new Balancer()
    const old = await start()
    balancer.add(old)
    await until(() => expect(balancer.isUsing(old)).toBe(true))
    const load = startLoad(balancer)
    const serve = (more: number): Promise<void> => {
      const enough = load.served + more
      return until(() => expect(load.served).toBeGreaterThan(enough))
    }
    try {
      await serve(30)
      // Up: the new version migrates at its start, and takes requests beside the old one.
      const fresh = await start(next.root)
      balancer.add(fresh)
      await until(() => expect(balancer.isUsing(fresh)).toBe(true))
      await serve(30)
      expect(balancer.lost.has(old)).toBe(false)
      old.signal('SIGTERM')
      expect(await old.ended).toBe(0)
      await serve(30)

      // Back: the old version starts on the newer schema; then that is rolled back.
      const again = await start()
      expect(again.printed.join('\n')).toContain(next.tag)
      balancer.add(again)
      await until(() => expect(balancer.isUsing(again)).toBe(true))
      fresh.signal('SIGTERM')
      expect(await fresh.ended).toBe(0)
      await serve(30)
      expect(await withMigrations((owner) => migrateDown(owner, 1, { folder: next.migrations }))).toEqual([
        next.tag,
      ])
      await serve(30)
      expect(balancer.lost.has(again)).toBe(false)
    } finally {
      await load.stop()
      balancer.close()
    }
    expect(load.failures).toEqual([])
  },
  TEST_TIMEOUT_MS,
)

describe('a breaking upgrade', () => {
  test(
    'is announced, stops the processes that cannot live with it in order, and lets them start no more',
    async () => {
      const next = await nextVersion({
        breaking: true,
        up: ['alter table public.shifts rename column title to next_title'],
        down: ['alter table public.shifts rename column next_title to title'],
      })
      const old = await start(undefined, { SHUTDOWN_DRAIN_MS: String(10 * CHECKED_EVERY_MS) })
      const starting = start(next.root)
      const reasons = new Set<string | null | undefined>()
      const watching = setInterval(async () => reasons.add((await readiness(old)).reason), CHECKED_EVERY_MS)
      expect(await old.ended).toBe(0)
      clearInterval(watching)
      // It was told before the schema changed, and told the load balancer.
      expect(reasons).not.toContain('schema_incompatible')
      expect(reasons).toContain('stopping')
      const fresh = await starting
      expect(fresh.printed.join('\n')).toMatch(/have been told to stop/)
      await expect(start()).rejects.toThrow(/ended[\s\S]*without a file in drizzle/)

      // Back: what the new version has no schema for any more, it refuses; and never by an error of its own.
      await withMigrations((owner) => migrateDown(owner, 1, { folder: next.migrations }))
      const statuses = new Set<number>()
      await until(async () => {
        const { status, headers } = await fetch(`${fresh.url}/v1/shifts`, {
          headers: { authorization: `Bearer ${token}` },
        })
        statuses.add(status)
        expect([status, headers.get('retry-after')]).toEqual([503, '2'])
        expect(await readiness(fresh)).toEqual({ status: 503, reason: 'schema_older' })
      })
      expect([...statuses].filter((status) => status >= 500)).toEqual([503])
      await fresh.stop()
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'that fails withdraws its announcement',
    async () => {
      const next = await nextVersion({ breaking: true, up: ['select 1 / 0'], down: ['select 1'] })
      // As a pooler keeps the session of a process that has stopped: nobody waits for it.
      const kept = openServer({ url: database().ownerUrl!, max: 1, applicationName: 'muster-api' })
      await kept.query('select 1')
      const oldest = () => database().owner.query('select muster.oldest_version() as oldest')
      const before = await oldest()
      await withMigrations(async (owner) => {
        const announced: string[] = []
        await expect(
          migrateUp(owner, {
            folder: next.migrations,
            silentMs: 100,
            onProgress: ({ kind }) => announced.push(kind),
          }),
        ).rejects.toMatchObject({ code: 'statement_failed' })
        expect(announced).toEqual(['announced'])
      })
      await kept.close()
      expect(await oldest()).toEqual(before)
    },
    TEST_TIMEOUT_MS,
  )
})

/** A realtime client that reads and answers nothing any more, as a phone that lost its network. */
async function openSilentSocket({ url }: ServiceProcess): Promise<Socket> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(
    [
      `GET /realtime/v1/websocket?apikey=${ANON_KEY}&vsn=2.0.0 HTTP/1.1`,
      `host: ${host}`,
      'upgrade: websocket',
      'connection: upgrade',
      'sec-websocket-version: 13',
      `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`,
      '\r\n',
    ].join('\r\n'),
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toContain(' 101 ')
  return socket.pause()
}

describe('a process that is told to stop', () => {
  test(
    'is not ready first, serves what still comes, and then closes sockets and port',
    async () => {
      const service = await start(undefined, {
        SHUTDOWN_DRAIN_MS: String(patience(2_000)),
        ANON_KEY,
      })
      const socket = new WebSocket(
        `${service.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${ANON_KEY}&vsn=2.0.0`,
      )
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
      const closed = new Promise<CloseEvent>((resolve) =>
        socket.addEventListener('close', resolve, { once: true }),
      )

      const silent = await openSilentSocket(service)

      service.signal('SIGTERM')
      await until(async () => expect(await readiness(service)).toEqual({ status: 503, reason: 'stopping' }))
      const response = await fetch(`${service.url}/v1/shifts`, {
        headers: { authorization: `Bearer ${token}` },
      })
      // Not on this connection any more: the next request goes to another process.
      expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
      expect(socket.readyState).toBe(WebSocket.OPEN)

      const { code, reason } = await closed
      expect([code, reason]).toEqual([1001, 'the service stops'])
      expect(await service.ended).toBe(0)
      silent.destroy()
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'ends at once at a second signal, and ignores SIGHUP',
    async () => {
      const service = await start(undefined, { SHUTDOWN_DRAIN_MS: '600000' })
      service.signal('SIGHUP')
      await until(() => expect(service.printed.join('\n')).toContain('SIGHUP ignored'))
      expect(await readiness(service)).toEqual({ status: 200, reason: null })
      service.signal('SIGTERM')
      await until(async () => expect(await readiness(service)).toEqual({ status: 503, reason: 'stopping' }))
      service.signal('SIGINT')
      expect(await service.ended).toBe(1)
    },
    TEST_TIMEOUT_MS,
  )
})
