import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Caller, callerFromClaims } from '../../src/platform/auth/caller.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import {
  type Database,
  DatabaseUnavailable,
  TransactionEnded,
} from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { openSessions, type Session, type Sessions } from '../../src/platform/db/session.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { buildWorld, TENANTS } from '../support/world.ts'

const CALLERS = 60
const REQUESTS = 900
/** Requests under way at once: several times the pool, so that its queue is always in use. */
const AT_ONCE = 40
const POOL_SIZE = 5
/** For what must happen soon, on a machine that is busy with other tests. */
const SOON = { timeout: patience(20_000) }
/** An advisory lock that somebody else holds for the whole test. */
const TAKEN_LOCK = 42

const prepared = useTestDatabase()

/** What goes wrong with a request, by its number: the rare ones cost the pool a connection for a while. */
function fateOf(n: number): Fate {
  if (n % 90 === 17) return 'statement timeout'
  if (n % 90 === 43) return 'lock timeout'
  return FATES[n % FATES.length]!
}
const FATES = [
  'reads',
  'asks once',
  'writes',
  'throws',
  'is cancelled',
  'is cancelled asking once',
  'is killed',
  'swallows',
] as const
type Fate = (typeof FATES)[number] | 'statement timeout' | 'lock timeout'

class Thrown extends Error {
  override name = 'Thrown'
}
class Cancelled extends Error {
  override name = 'Cancelled'
}

/** How each fate must end: `done`, or the error's name, or its SQLSTATE. */
const OUTCOMES: Record<Fate, string> = {
  reads: 'done',
  'asks once': 'done',
  writes: 'done',
  throws: 'Thrown',
  'is cancelled': 'Cancelled',
  'is cancelled asking once': 'Cancelled',
  'is killed': 'DatabaseUnavailable',
  swallows: '22012',
  'statement timeout': '57014',
  'lock timeout': '55P03',
}

function nameOf(error: Error & { code?: unknown }): string {
  return typeof error.code === 'string' ? error.code : error.name
}

interface Person {
  id: string
  email: string
  caller: Caller
}

function makePerson(n: number): Person {
  const id = `ca110000-0000-7000-8000-${String(n).padStart(12, '0')}`
  const email = `caller${n}@example.com`
  return {
    id,
    email,
    caller: callerFromClaims({ sub: id, role: 'authenticated', email, exp: 4_000_000_000 }),
  }
}

/** Everything that tells who the session is: the database's own functions, the role, the claims, the rows. */
const whoIs = (session: Session): Promise<unknown> =>
  session.row(sql`
    select muster.user_id() as user_id, current_user::text as role, auth.jwt() ->> 'email' as email,
      (select json_agg(name) from users) as sees`)

async function perform(sessions: Sessions, owner: Database, person: Person, n: number): Promise<string> {
  const { id, email, caller } = person
  const fate = fateOf(n)
  const own = { user_id: id, role: 'authenticated', email, sees: [email] }
  const stop = new AbortController()

  const checkIdentity = async (session: Session): Promise<void> => {
    for (let turn = 0; turn < n % 4; turn += 1) await setImmediate()
    expect(await whoIs(session)).toEqual(own)
  }
  /** A session that is over, for its work, which does not know: it must not reach anybody's. */
  const checkDead = async (session: Session): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) {
      await setImmediate()
      await expect(whoIs(session)).rejects.toThrow(TransactionEnded)
    }
    lateChecks += 1
  }
  const claimKey = (session: Session): Promise<unknown> =>
    session.value(sql`select muster.claim_idempotency_key(${`request ${n}`}, 'hash')`)

  const cancelAsking = async (session: Session): Promise<unknown> => {
    const sleeps = session.value(sql`select pg_sleep(30)`)
    sleeps.catch(() => {})
    for (let turn = 0; turn < n % 7; turn += 1) await setImmediate()
    stop.abort(new Cancelled())
    return sleeps
  }
  const cancel = async (session: Session): Promise<void> => {
    await cancelAsking(session).catch(() => {})
    await checkDead(session)
  }

  const work: Record<Fate, (session: Session) => Promise<unknown>> = {
    reads: checkIdentity,
    'asks once': checkIdentity,
    writes: claimKey,
    async throws(session) {
      await claimKey(session)
      throw new Thrown()
    },
    async swallows(session) {
      await claimKey(session)
      await session.value(sql`select 1 / ${0}::int`).catch(() => {})
    },
    'is cancelled': cancel,
    'is cancelled asking once': cancelAsking,
    async 'is killed'(session) {
      const pid = await session.value<number>(sql`select pg_backend_pid()`)
      await claimKey(session)
      await owner.query('select pg_terminate_backend($1, 10000)', [pid])
      // The news travels: until it is here, a statement fails for the loss of its connection.
      await whoIs(session).catch((error) =>
        expect([DatabaseUnavailable, TransactionEnded]).toContain(error.constructor),
      )
      await checkDead(session)
    },
    'statement timeout': (session) => session.value(sql`select pg_sleep(30)`),
    'lock timeout': (session) => session.value(sql`select pg_advisory_xact_lock(${TAKEN_LOCK})`),
  }

  const single = fate === 'asks once' || fate === 'is cancelled asking once'
  const run = async (session: Session): Promise<string> => {
    if (!single) await checkIdentity(session)
    await work[fate](session)
    if (!single) await checkIdentity(session)
    return 'done'
  }
  const running = single
    ? run(sessions.statements(caller, { signal: stop.signal }))
    : fate === 'reads' || fate === 'is cancelled'
      ? sessions.read(caller, run, { signal: stop.signal })
      : sessions.write(caller, run)
  return running.catch(nameOf)
}

let lateChecks = 0

test(`${CALLERS} callers over ${POOL_SIZE} connections, much of it going wrong: each is only ever itself`, async () => {
  const { owner, ownerUrl = '' } = prepared()
  await buildWorld(owner)
  const people = Array.from({ length: CALLERS }, (_, n) => makePerson(n))
  for (const { id, email } of people) {
    await owner.query("insert into users (id, tenant_id, role, name, email) values ($1, $2, 'zzp', $3, $3)", [
      id,
      TENANTS.a,
      email,
    ])
  }
  const { api: url } = await enableLogins(owner, ownerUrl)
  const database = openServer({
    url,
    max: POOL_SIZE,
    applicationName: 'muster-test-crowd',
    acquireTimeoutMs: 60_000,
    // Several times what a statement takes that runs beside forty others, and their locks are held.
    settings: { statement_timeout: String(patience(1_000)), lock_timeout: String(patience(500)) },
  })
  onTestFinished(() => database.close())
  const lockMayGo = Promise.withResolvers<void>()
  const lockTaken = Promise.withResolvers<void>()
  const holder = owner.transaction(async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(${TAKEN_LOCK})`)
    lockTaken.resolve()
    await lockMayGo.promise
  })
  await lockTaken.promise

  const sessions = openSessions(database)
  const outcomes: string[] = []
  let next = 0
  const serve = async (): Promise<void> => {
    for (let n = next++; n < REQUESTS; n = next++) {
      outcomes[n] = await perform(sessions, owner, people[(n * 7) % CALLERS]!, n)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, serve))
  lockMayGo.resolve()
  await holder

  expect(outcomes).toEqual(outcomes.map((_, n) => OUTCOMES[fateOf(n)]))
  const fates = outcomes.map((_, n) => fateOf(n))
  // Work whose session was over did try to go on, each time; the last of it may still be at it.
  const orphans = fates.filter((fate) => fate === 'is cancelled' || fate === 'is killed').length
  await vi.waitFor(() => expect(lateChecks).toBe(orphans), SOON)

  const kept = await owner.query<{ key: string; user_id: string }>(
    'select key, user_id from muster.idempotency_keys order by key',
  )
  const wanted = fates
    .map((fate, n) => ({ fate, key: `request ${n}`, user_id: people[(n * 7) % CALLERS]!.id }))
    .filter(({ fate }) => fate === 'writes')
    .map(({ key, user_id }) => ({ key, user_id }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  expect(kept).toEqual(wanted)

  // All of the pool is there, nobody in it.
  let inside = 0
  const allInside = Promise.withResolvers<void>()
  const left = await Promise.all(
    Array.from({ length: POOL_SIZE }, () =>
      database.transaction(async (tx) => {
        const [row] = await tx.query(
          "select pg_backend_pid() as pid, current_user::text as role, nullif(current_setting('request.jwt.claims', true), '') as claims",
        )
        inside += 1
        if (inside === POOL_SIZE) allInside.resolve()
        await allInside.promise
        return row
      }),
    ),
  )
  expect(new Set(left.map((row) => row?.pid)).size).toBe(POOL_SIZE)
  expect(left).toEqual(left.map((row) => ({ pid: row?.pid, role: new URL(url).username, claims: null })))
})
