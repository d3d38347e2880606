import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { keepLocalCopy, type LocalCopy } from '../../examples/local-copy/keep-local-copy.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { SECRET } from '../support/api.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { seededRandom } from '../support/random.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { ShiftWriter } from '../support/shift-writer.ts'
import { trialSeed, trialSize } from '../support/trial.ts'
import { buildWorld, ORGANIZATIONS, USERS } from '../support/world.ts'

/* The service is a process of its own here, and killed without a word while shifts are written and a copy is kept. */

const KILLS = trialSize(2, 10)
/** Of a client before it tries again, at most 10 s; and of a service, to start on a busy machine. */
const PATIENCE_MS = patience(60_000)
const TEST_TIMEOUT_MS = patience(240_000)

describe('the local copy of examples/local-copy, and kill -9', () => {
  let database: TestDatabase
  let service: ServiceProcess
  let copy: LocalCopy | undefined

  const start = (environment: Record<string, string> = {}): Promise<ServiceProcess> =>
    startService({
      DATABASE_URL: database.ownerUrl!,
      JWT_SECRET: SECRET,
      RATE_LIMIT_PER_MINUTE: '1000000',
      ...environment,
    })

  beforeAll(async () => {
    database = await openTestDatabase()
    await buildWorld(database.owner)
    service = await start()
  }, PATIENCE_MS)
  afterAll(async () => {
    await copy?.stop()
    await service?.stop()
    await database?.close()
  })

  it(
    'equals the database after each of them',
    async () => {
      const seed = trialSeed()
      const random = seededRandom(seed)
      const port = new URL(service.url).port
      const kept = keepLocalCopy({
        url: service.url,
        token: await issueToken(SECRET, { sub: USERS.company, audience: 'authenticated' }),
        table: 'shifts',
        // Nothing is found by chance: it asks when it is told to.
        pollMs: 3_600_000,
      })
      copy = kept
      await kept.ready
      const writing = new AbortController()
      const written = keepWriting(new ShiftWriter(database.owner, random, 1), writing.signal)
      const meanwhile = new ShiftWriter(database.owner, seededRandom(seed + 1), 2)
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await vi.waitUntil(() => kept.isLive, { timeout: PATIENCE_MS, interval: 20 })
        if (kill === KILLS) {
          writing.abort()
          await written
        }
        await service.crash()
        // Something is missed each time, and after the last time nothing comes to the rescue.
        for (let writes = 0; writes < 5; writes += 1) await meanwhile.write()
        service = await start({ PORT: port })
      }
      await vi.waitUntil(() => kept.isLive, { timeout: PATIENCE_MS, interval: 20 })
      await vi.waitFor(async () => expect(titlesIn(kept)).toEqual(await titlesOf(database)), {
        timeout: PATIENCE_MS,
        interval: 100,
      })
    },
    TEST_TIMEOUT_MS,
  )
})

type Titles = Record<string, unknown>

const titlesIn = (copy: LocalCopy): Titles =>
  Object.fromEntries([...copy.rows.values()].map(({ id, status, title }) => [id, [status, title]]))

/** What the company sees is what is its own. */
async function titlesOf({ owner }: TestDatabase): Promise<Titles> {
  const rows = await owner.query<{ id: string; status: string; title: string }>(
    'select id, status::text, title from shifts where company_id = $1 and deleted_at is null',
    [ORGANIZATIONS.company],
  )
  return Object.fromEntries(rows.map(({ id, status, title }) => [id, [status, title]]))
}

async function keepWriting(writer: ShiftWriter, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await writer.write()
    // A pace, and not a wait.
    await sleep(10)
  }
}
