import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  FAKE_ACTS,
  type FakeAct,
  FakeProvider,
  type ProviderEvent,
} from '../../src/guarding/payouts/fake-provider.ts'
import type { PayoutProvider } from '../../src/guarding/payouts/provider.ts'
import { receivePayoutEvent } from '../../src/guarding/payouts/queries.ts'
import { sendPayouts } from '../../src/guarding/payouts/worker.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { asJobs } from '../../src/platform/db/identity.ts'
import { registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { arrangePayPeriod } from '../support/pay-periods.ts'
import {
  arrangeStatement,
  dyingProcess,
  makePayoutsDue,
  PAYOUT_JOB,
  payoutSettings,
  reconcile,
  sendDue,
  sums,
} from '../support/payouts.ts'
import { pick as pickFrom, seededRandom } from '../support/random.ts'
import { trialSeed, trialSize } from '../support/trial.ts'
import { buildWorld, LOCATIONS, ORGANIZATIONS, PROFESSIONALS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let owner: Database
const quiet = { info() {}, warn() {} }

beforeAll(async () => {
  owner = prepared().owner
  await buildWorld(owner)
})

/** Of one test alone. Triggers sleep: statements are for ever. */
beforeEach(clear)

async function clear(): Promise<void> {
  await owner.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    for (const table of [
      'payout_events',
      'payouts',
      'statement_lines',
      'statements',
      'pay_periods',
      'notifications',
    ])
      await tx.query(`delete from public.${table}`)
    await tx.query('delete from muster.jobs')
  })
}

const payoutOf = async (id: string) => {
  const [row] = await owner.query<{
    status: string
    attempts: number
    is_dead: boolean
    goes_on: boolean
    last_error: string | null
    idempotency_key: string
    wait_seconds: number
  }>(
    `select status, attempts, dead_at is not null as is_dead, next_attempt_at is not null as goes_on, last_error, idempotency_key,
       extract(epoch from next_attempt_at - now())::float8 as wait_seconds
     from payouts where id = $1`,
    [id],
  )
  return row!
}
const toldOf = async (type: string) =>
  (
    await owner.query<{ user_id: string }>('select user_id from notifications where type = $1 order by 1', [
      type,
    ])
  ).map(({ user_id }) => user_id)

const receive = (event: ProviderEvent) =>
  asJobs(owner, (tx) => receivePayoutEvent(tx, { ...event, reference: event.reference ?? undefined }))

describe('a statement', () => {
  it('queues its payout when something is payable, and none otherwise', async () => {
    const { payout } = await arrangeStatement(owner, 12_345)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'pending', attempts: 0, goes_on: true })
    expect(await owner.query('select amount::text, currency from payouts')).toEqual([
      { amount: '123.45', currency: 'EUR' },
    ])
    for (const cents of [0, -500]) expect((await arrangeStatement(owner, cents)).payout).toBeUndefined()
  })

  it('has one payout at most', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    await expect(
      owner.query(
        `insert into payouts (tenant_id, company_id, professional_id, statement_id, amount)
         select tenant_id, company_id, professional_id, statement_id, amount from payouts where id = $1`,
        [payout!],
      ),
    ).rejects.toMatchObject({ code: '23505' })
  })
})

describe('the worker', () => {
  it('sends what is due, once, and tells who was paid', async () => {
    const { payout, key } = await arrangeStatement(owner, 18_125)
    const fake = new FakeProvider()
    expect(await sendDue(owner, fake)).toBe(1)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed', attempts: 0, goes_on: false })
    expect(fake.ledger).toEqual([
      {
        ...{ key, kind: 'payment', cents: 18_125 },
        ...{ payee: PROFESSIONALS.guard, payer: ORGANIZATIONS.company },
      },
    ])
    expect(await toldOf('payout_completed')).toEqual([USERS.guard])
    await makePayoutsDue(owner)
    expect(await sendDue(owner, fake)).toBe(0)
    expect(await reconcile(owner, fake)).toEqual([])
  })

  it('asks about what the provider took for later, and is content with what it hears', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    const fake = new FakeProvider(() => 'process')
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'processing', attempts: 0, goes_on: true })
    fake.settle()
    await makePayoutsDue(owner)
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed' })
    expect(await reconcile(owner, fake)).toEqual([])
  })

  it.each<[FakeAct, number]>([
    ['lose_order', 0],
    ['lose_answer', 1],
  ])('asks before it sends again after an answer that did not come: %s', async (act, paid) => {
    const { payout, key } = await arrangeStatement(owner, 100)
    let isBroken = true
    const fake = new FakeProvider((call) => (isBroken && call === 'send' ? act : 'complete'))
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({
      ...{ status: 'processing', attempts: 1, last_error: 'timeout', is_dead: false },
    })
    expect(fake.ledger).toHaveLength(paid)
    // Not before the pause is over.
    expect(await sendDue(owner, fake)).toBe(0)
    isBroken = false
    await makePayoutsDue(owner)
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed', attempts: 0, last_error: null })
    expect(fake.ledger.map((entry) => entry.key)).toEqual([key])
  })

  it('pauses longer after each try, and gives up after the setting: a dead letter', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    const fake = new FakeProvider(() => 'lose_order')
    const config = payoutSettings({ PAYOUT_MAX_ATTEMPTS: '4' })
    const pauses: number[] = []
    for (let attempt = 1; attempt < 4; attempt += 1) {
      await makePayoutsDue(owner)
      await sendDue(owner, fake, config)
      const { wait_seconds } = await payoutOf(payout!)
      pauses.push(wait_seconds)
    }
    for (const [nth, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThan(2.5 * 2 ** nth - 1)
      expect(pause).toBeLessThanOrEqual(5 * 2 ** nth)
    }
    await makePayoutsDue(owner)
    await sendDue(owner, fake, config)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'processing', is_dead: true, goes_on: false })
    // Planners of the company, and admins; by their memberships.
    expect(await toldOf('payout_failed')).toEqual([USERS.company, USERS.colleague, USERS.admin].sort())
    expect(await owner.query('select dead::int, failed::int from muster.payout_queue()')).toEqual([
      { dead: 1, failed: 0 },
    ])
  })

  it('leaves what the provider refused, until an admin retries it with the same key', async () => {
    const { payout, key } = await arrangeStatement(owner, 100)
    let act: FakeAct = 'fail'
    const fake = new FakeProvider(() => act)
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({
      ...{ status: 'failed', goes_on: false, last_error: 'account_closed' },
    })
    expect(await toldOf('payout_failed')).toContain(USERS.admin)
    act = 'complete'
    await owner.transaction(async (tx) => {
      await tx.query(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
        [JSON.stringify({ sub: USERS.admin, role: 'authenticated' })],
      )
      await tx.query('select muster.retry_payout($1)', [payout!])
    })
    await sendDue(owner, fake)
    expect(await payoutOf(payout!)).toMatchObject({
      status: 'completed',
      idempotency_key: key,
      last_error: null,
    })
    expect(await reconcile(owner, fake)).toEqual([])
  })

  it("holds no transaction while the provider is asked, and takes what is another's only after its lease", async () => {
    const { payout } = await arrangeStatement(owner, 100)
    const fake = new FakeProvider()
    const seen: number[] = []
    const curious: PayoutProvider = {
      async send(order) {
        // On the embedded engine, which has one connection, both would wait for ever inside of a transaction.
        const { status, wait_seconds } = await payoutOf(payout!)
        expect(status).toBe('processing')
        expect(wait_seconds).toBeGreaterThan(20)
        seen.push(await sendDue(owner, fake))
        return fake.send(order)
      },
      find: (key) => fake.find(key),
    }
    await sendDue(owner, curious)
    expect(seen).toEqual([0])
    expect(fake.ledger).toHaveLength(1)
  })

  it('does nothing where no provider is set', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    await registerJobs(owner, [PAYOUT_JOB])
    for (const config of [undefined, payoutSettings({ PAYOUT_PROVIDER: 'none' })]) {
      await owner.query("update muster.jobs set next_run_at = now() - interval '1 second'")
      expect(await runJob(owner, PAYOUT_JOB, quiet, undefined, config)).toBe(true)
    }
    expect(await payoutOf(payout!)).toMatchObject({ status: 'pending', attempts: 0 })
    await owner.query("update muster.jobs set next_run_at = now() - interval '1 second'")
    await runJob(owner, PAYOUT_JOB, quiet, undefined, payoutSettings({ PAYOUT_PROVIDER: 'fake' }))
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed' })
  })

  it('writes down no more than a word of an error', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    const broken: PayoutProvider = {
      send: () => Promise.reject(new TypeError('secret=what nobody should read')),
      find: () => Promise.resolve(undefined),
    }
    await sendDue(owner, broken)
    expect(await payoutOf(payout!)).toMatchObject({ last_error: 'typeerror' })
  })
})

describe('what the provider reports', () => {
  const event = (key: string, status: ProviderEvent['status'], id: string): ProviderEvent => ({
    ...{ id, key, status, reference: `r-${key}`, occurred_at: '2026-11-30T10:00:00Z', reason: null },
  })

  it('moves a payout forward, never backwards, and once', async () => {
    const { payout, key } = await arrangeStatement(owner, 100)
    const statuses = async (status: ProviderEvent['status'], id: string) => [
      await receive(event(key!, status, id)),
      (await payoutOf(payout!)).status,
    ]
    expect(await statuses('completed', 'e1')).toEqual(['applied', 'completed'])
    expect(await statuses('completed', 'e1')).toEqual(['duplicate', 'completed'])
    expect(await statuses('processing', 'e0')).toEqual(['ignored', 'completed'])
    expect(await statuses('failed', 'e2')).toEqual(['ignored', 'completed'])
    expect(await statuses('refunded', 'e3')).toEqual(['applied', 'refunded'])
    expect(await statuses('completed', 'e4')).toEqual(['ignored', 'refunded'])
    expect(
      await owner.query(
        'select provider_event_id as id, is_applied from payout_events order by created_at, id',
      ),
    ).toEqual([
      { id: 'e1', is_applied: true },
      { id: 'e0', is_applied: false },
      { id: 'e2', is_applied: false },
      { id: 'e3', is_applied: true },
      { id: 'e4', is_applied: false },
    ])
    expect(await toldOf('payout_completed')).toEqual([USERS.guard])
    expect((await toldOf('payout_refunded')).sort()).toEqual(
      [USERS.guard, USERS.company, USERS.colleague, USERS.admin].sort(),
    )
  })

  it('is found by the reference where it names no key, and is unknown otherwise', async () => {
    const { payout, key } = await arrangeStatement(owner, 100)
    await sendDue(owner, new FakeProvider(() => 'process'))
    const [{ provider_reference: reference } = { provider_reference: '' }] = await owner.query<{
      provider_reference: string
    }>('select provider_reference from payouts where id = $1', [payout!])
    const by = (over: object) =>
      asJobs(owner, (tx) =>
        receivePayoutEvent(tx, { ...event(key!, 'completed', 'x1'), key: undefined, reference, ...over }),
      )
    expect(await by({ reference: 'nobody knows it' })).toBe('unknown')
    expect(await by({ key: '00000000-0000-7000-8000-000000000000' })).toBe('unknown')
    expect(await by({})).toBe('applied')
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed' })
  })

  it('brings a dead letter back', async () => {
    const { payout, key } = await arrangeStatement(owner, 100)
    const fake = new FakeProvider(() => 'take_and_lose_answer')
    await sendDue(owner, fake, payoutSettings({ PAYOUT_MAX_ATTEMPTS: '1' }))
    expect(await payoutOf(payout!)).toMatchObject({ is_dead: true })
    fake.settle()
    for (const one of fake.events) await receive(one)
    expect(await payoutOf(payout!)).toMatchObject({ status: 'completed', is_dead: false })
    expect(fake.ledger.map((entry) => entry.key)).toEqual([key])
  })
})

describe('nothing is paid twice, and nothing forgotten', () => {
  it('from approved lines to the ledger: the sums are the same', async () => {
    const guards = [PROFESSIONALS.guard, PROFESSIONALS.otherGuard]
    for (let n = 0; n < trialSize(6, 60); n += 1) {
      await owner.query(
        `insert into shifts (company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
         select $1, $2, $3, 'completed', at, at + $5::int * interval '1 minute', 15.01 + $4::int, 'Sums'
         from (select now() - (40 + $4::int) * interval '1 day' as at) begun`,
        [ORGANIZATIONS.company, LOCATIONS.site, guards[n % 2]!, n, 61 + 7 * n],
      )
    }
    // One stays as it is: what nobody approved is not paid.
    await owner.query(
      `update timesheets set state = 'approved', approved_at = now()
       where id in (select t.id from timesheets t join shifts s on s.id = t.shift_id where s.title = 'Sums' order by t.start_datetime offset 1)`,
    )
    await arrangePayPeriod(owner)
    const [period] = await owner.query<{ id: string }>("select id from pay_periods where state = 'open'")
    await owner.query('select muster.settle_pay_period($1, $2)', [period!.id, USERS.company])
    const [approved] = await owner.query<{ cents: number }>(
      `select (sum(l.amount) * 100)::int as cents from timesheet_lines l join timesheets t on t.id = l.timesheet_id
       where t.state = 'locked' and l.is_approved`,
    )
    const fake = new FakeProvider()
    expect(await sendDue(owner, fake)).toBe(2)
    expect(approved!.cents).toBeGreaterThan(1000)
    expect(await sums(owner, fake)).toEqual({ paid: approved!.cents, owed: approved!.cents })
    expect(await reconcile(owner, fake)).toEqual([])
  })

  it('when the process is killed at any of its steps', async () => {
    const acts: readonly FakeAct[] = ['complete', 'process', 'lose_answer']
    for (const act of acts) {
      const fake = new FakeProvider((call) => (call === 'find' ? 'complete' : act))
      let killAt = 0
      for (let isOver = false; !isOver; killAt += 1) {
        await arrangeStatement(owner, 1000 + killAt)
        await makePayoutsDue(owner)
        await registerJobs(owner, [PAYOUT_JOB])
        await owner.query("update muster.jobs set next_run_at = now() - interval '1 second'")
        const dying = dyingProcess(owner, fake, killAt)
        // The job as it is, but with a provider that may die.
        const job = {
          ...PAYOUT_JOB,
          runOutside: (access: Parameters<typeof sendPayouts>[0]) => sendPayouts(access, dying.provider),
        }
        await runJob(dying.database, job, quiet, undefined, payoutSettings()).catch(() => {})
        isOver = !dying.wasKilled()
        // Whoever is next, after the lease.
        fake.settle()
        for (let run = 0; run < 2; run += 1) {
          await makePayoutsDue(owner)
          await sendDue(owner, fake)
          fake.settle()
        }
        expect(await reconcile(owner, fake), `${act}, killed ${dying.steps.at(-1)}`).toEqual([])
        const { paid, owed } = await sums(owner, fake)
        expect(paid).toBe(owed)
      }
      expect(killAt).toBeGreaterThan(10)
      expect(await owner.query("select from payouts where status <> 'completed'")).toEqual([])
      await clear()
    }
  })

  it(
    'when orders and answers are lost, and webhooks come twice and in any order',
    async () => {
      const random = seededRandom(trialSeed())
      const pick = <T>(of: readonly T[]): T => pickFrom(random, of)
      let isBroken = true
      const fake = new FakeProvider(() => (isBroken ? pick(FAKE_ACTS) : 'complete'))
      const config = payoutSettings({ PAYOUT_MAX_ATTEMPTS: '3' })
      const people = [{}, { professional: PROFESSIONALS.otherGuard, company: ORGANIZATIONS.rival }]
      let sent = 0
      const deliver = async (): Promise<void> => {
        const some = fake.events.filter(() => random() < 0.3)
        for (const one of some.sort(() => random() - 0.5)) {
          await receive(one)
          if (random() < 0.3) await receive(one)
        }
      }
      for (let round = 0; round < trialSize(12, 400); round += 1) {
        for (let n = 0; n < 5; n += 1)
          await arrangeStatement(owner, Math.floor(random() * 100_000) - 5_000, pick(people))
        await makePayoutsDue(owner)
        sent += await sendDue(owner, fake, config)
        await deliver()
        if (random() < 0.3) fake.settle()
        const paid = fake.ledger.filter(({ kind }) => kind === 'payment')
        if (random() < 0.2 && paid.length > 0) fake.refund(pick(paid).key)
        // An admin looks at what is left over, now and then.
        if (random() < 0.3) await retryAll()
      }
      isBroken = false
      for (let run = 0; run < 3; run += 1) {
        await retryAll()
        await makePayoutsDue(owner)
        await sendDue(owner, fake, config)
        fake.settle()
      }
      for (const one of fake.events) await receive(one)
      expect(sent).toBeGreaterThan(20)
      expect(await reconcile(owner, fake)).toEqual([])
      const { paid, owed } = await sums(owner, fake)
      expect(paid).toBe(owed)
      expect(await owner.query("select from payouts where status not in ('completed', 'refunded')")).toEqual(
        [],
      )
      console.log(
        `payouts: ${sent} tries, ${fake.ledger.length} entries of the ledger, ${fake.events.length} events, ${paid / 100} EUR paid and owed`,
      )
    },
    patience(trialSize(30_000, 900_000)),
  )
})

const retryAll = () =>
  owner.query(
    `update payouts set status = case status when 'failed' then 'pending' else status end, dead_at = null, attempts = 0,
       last_error = null, next_attempt_at = now(), sent_at = case status when 'failed' then null else sent_at end
     where status = 'failed' or dead_at is not null`,
  )
