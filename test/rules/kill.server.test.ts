import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { issueToken } from '../../src/platform/auth/issue.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { expectInvariants } from '../support/invariants.ts'
import { startMigratedPostgres } from '../support/migrated-postgres.ts'
import { patience } from '../support/patience.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { trialSize } from '../support/trial.ts'
import { arrangeGuards, buildWorld, type Guard, LOCATIONS, SITE, USERS } from '../support/world.ts'

/*
 * The service and its server are killed, without a word, while clients write. What was acknowledged must be there
 * afterwards, and nothing half done: `kill -9` of a process loses what the kernel has not been given, so the server writes
 * durably here, as it does in production.
 */

const SECRET = 'the secret of the tests, at least 32 characters long'
const CLIENTS = 12
const KILLS = trialSize(2, 10)
/** Requests that are acknowledged before each, and after the last. */
const BETWEEN_KILLS = trialSize(80, 300)
/** Of a client before its next request, when one was not served. */
const PAUSE_MS = 100
/** No answer for this long is a client left hanging: longer than every timeout of the service together. */
const ANSWER_TIMEOUT_MS = patience(20_000)
/** For starting processes and crash recovery on a busy machine. */
const RECOVERY_TIMEOUT_MS = patience(60_000)
const TEST_TIMEOUT_MS = patience(trialSize(180_000, 600_000))

let postgres: PostgresServer
let service: ServiceProcess
let owner: Database
let guards: Guard[]
let company: string
const tokens = new Map<Guard, string>()

beforeAll(async () => {
  postgres = await startMigratedPostgres({ durable: true })
  service = await start()
  owner = openOwner()
  await buildWorld(owner)
  guards = await arrangeGuards(owner, 20)
  company = await issueToken(SECRET, { sub: USERS.company, audience: 'authenticated' })
  for (const guard of guards) {
    tokens.set(guard, await issueToken(SECRET, { sub: guard.userId, audience: 'authenticated' }))
  }
}, RECOVERY_TIMEOUT_MS)

afterAll(async () => {
  await owner?.close()
  await service?.stop()
  await postgres?.stop()
})

const start = (): Promise<ServiceProcess> =>
  startService({ DATABASE_URL: postgres.url, JWT_SECRET: SECRET, RATE_LIMIT_PER_MINUTE: '10000000' })

/** For each test anew: the pool of a server that was killed is not what is tried here. */
const openOwner = (): Database =>
  openServer({ url: postgres.url, max: 2, applicationName: 'muster-test-owner' })

/** What clients were told, and what they were not. */
interface Journal {
  /** Keys of the shifts whose creation was acknowledged, with the id that was given. */
  created: Map<string, string>
  claimed: Map<string, Guard>
  checkedIn: Set<string>
  /** Creations that got no answer, or were put off, by key. */
  unanswered: Map<string, object>
  /** Problems by code; `lost` where the connection was. */
  refusals: Map<string, number>
  /** Answers that no client should ever get. */
  wrong: string[]
}

interface Load {
  readonly journal: Journal
  /** Resolves when as many requests as this have been acknowledged since the call. */
  acknowledge(count: number): Promise<void>
  /** Resolves when one more request has been refused with this code. */
  refuse(code: string): Promise<void>
  /** How many requests were answered 503. */
  putOff(): number
  stop(): Promise<void>
}

/** Clients that create, claim and check in, each one thing after another, until stopped. */
function startLoad(url: () => string): Load {
  const journal: Journal = {
    created: new Map(),
    claimed: new Map(),
    checkedIn: new Set(),
    unanswered: new Map(),
    refusals: new Map(),
    wrong: [],
  }
  const open: string[] = []
  const mine: [shift: string, guard: Guard][] = []
  let isStopped = false
  let minute = 0

  async function send(path: string, token: string, body?: object, key?: string): Promise<Answer> {
    const answer = await post(`${url()}${path}`, token, body, key)
    const { code } = answer
    if (code) journal.refusals.set(code, (journal.refusals.get(code) ?? 0) + 1)
    const isPutOff = answer.status === 503
    if (isPutOff && (!['busy', 'outcome_unknown'].includes(code!) || !Number(answer.retryAfter)))
      journal.wrong.push(`503 ${code} ${answer.retryAfter}`)
    // As a client that was asked to come back, though sooner.
    if (isPutOff || answer.status === 0) await sleep(PAUSE_MS * (0.5 + Math.random()))
    if (answer.status >= 500 && !isPutOff) journal.wrong.push(`${answer.status} ${code} on ${path}`)
    return answer
  }

  async function create(): Promise<void> {
    const key = randomUUID()
    const body = newShift(key, minute++)
    const answer = await send('/v1/shifts', company, body, key)
    if (answer.status === 201) {
      journal.created.set(key, answer.body.id)
      open.push(answer.body.id)
    } else journal.unanswered.set(key, body)
  }

  async function claim(guard: Guard): Promise<void> {
    const shift = open.shift()
    if (!shift) return
    const answer = await send(`/v1/shifts/${shift}/claim`, tokens.get(guard)!)
    if (answer.status !== 200) return
    journal.claimed.set(shift, guard)
    mine.push([shift, guard])
  }

  async function checkIn(kind: string): Promise<void> {
    const [shift, guard] = mine[Math.floor(Math.random() * mine.length)] ?? []
    if (!shift || !guard) return
    const id = randomUUID()
    const answer = await send(`/v1/shifts/${shift}/checkins`, tokens.get(guard)!, {
      id,
      kind,
      ...SITE,
      accuracy_meters: 5,
      recorded_at: new Date().toISOString(),
    })
    if (answer.status === 201) journal.checkedIn.add(id)
  }

  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let nth = client; !isStopped; nth += 1) {
      if (nth % 4 === 0) await create()
      else if (nth % 4 === 1) await claim(guards[nth % guards.length]!)
      else await checkIn(['clock_in', 'ping', 'clock_out'][nth % 3]!)
    }
  })
  const acknowledged = (): number => journal.created.size + journal.claimed.size + journal.checkedIn.size

  return {
    journal,
    async acknowledge(count) {
      const enough = acknowledged() + count
      await vi.waitFor(() => expect(acknowledged()).toBeGreaterThanOrEqual(enough), RECOVERY_TIMEOUT_MS)
    },
    async refuse(code) {
      const before = journal.refusals.get(code) ?? 0
      await vi.waitFor(
        () => expect(journal.refusals.get(code) ?? 0).toBeGreaterThan(before),
        RECOVERY_TIMEOUT_MS,
      )
    },
    putOff: () => (journal.refusals.get('busy') ?? 0) + (journal.refusals.get('outcome_unknown') ?? 0),
    async stop() {
      isStopped = true
      await Promise.all(clients)
    },
  }
}

interface Answer {
  /** 0 when the connection was lost. */
  status: number
  code?: string
  retryAfter: string | null
  body: { id: string }
}

async function post(url: string, token: string, body?: object, key?: string): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    const parsed = (await response.json()) as { id: string; code?: string }
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: parsed,
      ...(response.ok ? {} : { code: parsed.code ?? 'none' }),
    }
  } catch (error) {
    // Whoever waits for an answer that never comes is not told so by a lost connection.
    if (error instanceof DOMException && error.name === 'TimeoutError')
      return { status: 0, code: 'hung', ...NOTHING }
    return { status: 0, code: 'lost', ...NOTHING }
  }
}

const NOTHING = { retryAfter: null, body: { id: '' } }

/** A minute long, each at another minute, so that one guard can take many; check-ins are taken from two hours before. */
const newShift = (title: string, nth: number) => {
  const startsAt = Date.now() + (10 + (nth % 100)) * 60_000
  return {
    location_id: LOCATIONS.site,
    status: 'published',
    start_datetime: new Date(startsAt).toISOString(),
    end_datetime: new Date(startsAt + 60_000).toISOString(),
    hourly_rate: 20,
    title,
  }
}

/** Everything that was acknowledged is there; what was not may be sent again, and is then there once. */
async function expectNothingLost({
  created,
  claimed,
  checkedIn,
  unanswered,
  wrong,
  refusals,
}: Journal): Promise<void> {
  expect(wrong).toEqual([])
  expect(refusals.get('hung')).toBeUndefined()
  const among = async (text: string, ids: Iterable<string>) =>
    owner.query<{ id: string; professional_id: string }>(text, [`{${[...ids].join(',')}}`])

  expect(await among('select id from shifts where id = any ($1::uuid[])', created.values())).toHaveLength(
    created.size,
  )
  const taken = await among(
    `select id, professional_id from shifts where id = any ($1::uuid[]) and status in ('assigned', 'active', 'completed')`,
    claimed.keys(),
  )
  expect(new Map(taken.map((row) => [row.id, row.professional_id]))).toEqual(
    new Map([...claimed].map(([shift, guard]) => [shift, guard.professionalId])),
  )
  expect(await among('select id from gps_checkins where id = any ($1::uuid[])', checkedIn)).toHaveLength(
    checkedIn.size,
  )
  await expectInvariants(owner)

  for (const [key, body] of unanswered) {
    expect(await post(`${service.url}/v1/shifts`, company, body, key)).toMatchObject({ status: 201 })
  }
  const titles = [...created.keys(), ...unanswered.keys()]
  const [row] = await owner.query<{ shifts: string; titles: string }>(
    'select count(*) as shifts, count(distinct title) as titles from shifts where title = any ($1::text[])',
    [`{${titles.join(',')}}`],
  )
  expect(row).toEqual({ shifts: String(titles.length), titles: String(titles.length) })
}

const readiness = async (): Promise<number> => {
  const response = await fetch(`${service.url}/ready`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  await response.arrayBuffer()
  return response.status
}
const waitUntilReady = (status: number): Promise<void> =>
  vi.waitFor(async () => expect(await readiness()).toBe(status), {
    timeout: RECOVERY_TIMEOUT_MS,
    interval: 50,
  })

describe('kill -9', () => {
  test(
    'of the service loses nothing that it acknowledged',
    async () => {
      const load = startLoad(() => service.url)
      for (let kill = 0; kill < KILLS; kill += 1) {
        await load.acknowledge(BETWEEN_KILLS)
        await service.crash()
        service = await start()
      }
      await load.acknowledge(BETWEEN_KILLS)
      await load.stop()
      expect(load.journal.refusals.get('lost')).toBeGreaterThan(0)
      await expectNothingLost(load.journal)
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'of the database server loses nothing either, and the service recovers by itself',
    async () => {
      const { pid } = service
      const load = startLoad(() => service.url)
      for (let kill = 0; kill < KILLS; kill += 1) {
        await load.acknowledge(BETWEEN_KILLS)
        await postgres.crash()
        // Nobody waits for a server that is not there: they are told to come back.
        await load.refuse('busy')
        await waitUntilReady(503)
        await postgres.start()
        await waitUntilReady(200)
      }
      await load.acknowledge(BETWEEN_KILLS)
      await load.stop()
      expect([service.isRunning(), service.pid]).toEqual([true, pid])
      expect(load.journal.refusals.get('lost')).toBeUndefined()
      await owner.close()
      owner = openOwner()
      await expectNothingLost(load.journal)
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'of one database session interrupts the others for a moment only',
    async () => {
      const load = startLoad(() => service.url)
      for (let kill = 0; kill < KILLS; kill += 1) {
        await load.acknowledge(BETWEEN_KILLS)
        // The server ends all sessions when one dies like this: memory that they share may be damaged.
        const before = load.putOff()
        process.kill(await waitForBusySession(), 'SIGKILL')
        await vi.waitFor(() => expect(load.putOff()).toBeGreaterThan(before), RECOVERY_TIMEOUT_MS)
        await waitUntilReady(200)
      }
      await load.acknowledge(BETWEEN_KILLS)
      await load.stop()
      await owner.close()
      owner = openOwner()
      await expectNothingLost(load.journal)
    },
    TEST_TIMEOUT_MS,
  )
})

/** The process id of a session of the service. */
async function waitForBusySession(): Promise<number> {
  return vi.waitFor(async () => {
    const [session] = await openAndQuery<{ pid: number }>(
      "select pid from pg_stat_activity where application_name like 'muster-api%' and state <> 'idle' limit 1",
    )
    expect(session).toBeDefined()
    return session!.pid
  }, RECOVERY_TIMEOUT_MS)
}

async function openAndQuery<T extends Record<string, unknown>>(text: string): Promise<T[]> {
  const connection = openServer({ url: postgres.url, max: 1 })
  try {
    return await connection.query<T>(text)
  } finally {
    await connection.close()
  }
}
