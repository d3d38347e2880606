import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Config, readConfig } from '../../src/config.ts'
import { jobs } from '../../src/guarding/jobs.ts'
import type { FakeProvider } from '../../src/guarding/payouts/fake-provider.ts'
import { NoAnswer, type PayoutOrder, type PayoutProvider } from '../../src/guarding/payouts/provider.ts'
import { sendPayouts } from '../../src/guarding/payouts/worker.ts'
import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { asJobs } from '../../src/platform/db/identity.ts'
import type { Job } from '../../src/platform/jobs/job.ts'
import { ORGANIZATIONS, PROFESSIONALS } from './world.ts'

export const PAYOUT_JOB: Job = jobs.find(({ name }) => name === 'guarding.send_payouts')!
export const SECRETS = {
  PAYOUT_SECRET: 'what the provider knows the service by',
  PAYOUT_WEBHOOK_SECRET: 'what the provider signs its webhooks with',
}
const log = { info() {}, warn() {} }

/** Weeks since 1900, far from those of others in the same database, and with room between the numbers: closing a period takes the next one. */
let weeks = 1000

/**
 * A statement of a closed week of its own, as closing one makes it; its trigger queues the payout.
 *
 * @param cents what is payable; below zero it is carried over
 */
export async function arrangeStatement(
  owner: Database,
  cents: number,
  { company = ORGANIZATIONS.company, professional = PROFESSIONALS.guard } = {},
): Promise<{ statement: string; payout: string | undefined; key: string | undefined }> {
  weeks += 1
  // Periods follow each other without a gap: background work would make all from that week on.
  await owner.query(
    `insert into pay_periods (tenant_id, company_id, period, time_zone, first_day, last_day, starts_at, ends_at, state, closed_at)
     select o.tenant_id, o.id, 'week', 'Europe/Amsterdam', current_date - 7, current_date - 1, current_date - 7, current_date, 'closed', now()
     from organizations o
     where o.id = $1 and not exists (select from pay_periods p where p.company_id = o.id and p.last_day > current_date - 60)`,
    [company],
  )
  const [row] = await owner.query<{ id: string }>(
    `with days as (select date '1900-01-01' + 7 * $4::int as first_day), period as (
       insert into pay_periods (tenant_id, company_id, period, time_zone, first_day, last_day, starts_at, ends_at, state, closed_at)
       select o.tenant_id, o.id, 'week', 'Europe/Amsterdam', first_day, first_day + 6, first_day, first_day + 7, 'closed', now()
       from days, organizations o where o.id = $1::uuid
       returning *
     )
     insert into statements (tenant_id, company_id, professional_id, pay_period_id, number, kind, issued_on, first_day, last_day,
                             company_name, professional_name, vat_rate, vat_exemption, gross, deductions, net, vat_amount, total,
                             carried_in, payable, carried_out)
     select tenant_id, company_id, $2::uuid, id, 1000 * $4::int, case when $3::int < 0 then 'credit_note' else 'invoice' end, last_day, first_day,
       last_day, 'Company', 'Guard', 0, 'not_registered', amount, 0, amount, 0, amount, 0, greatest(amount, 0), least(amount, 0)
     from period, (select $3::int / 100.0 as amount) as owed
     returning id`,
    [company, professional, cents, weeks],
  )
  const [queued] = await owner.query<{ id: string; idempotency_key: string }>(
    'select id, idempotency_key from payouts where statement_id = $1',
    [row!.id],
  )
  return { statement: row!.id, payout: queued?.id, key: queued?.idempotency_key }
}

/** As if pauses and leases were over. */
export const makePayoutsDue = (owner: Database): Promise<unknown> =>
  owner.query(
    "update payouts set next_attempt_at = now() - interval '1 second' where next_attempt_at is not null",
  )

export const payoutSettings = (environment: Record<string, string> = {}): Config =>
  readConfig({ NODE_ENV: 'test', PAYOUT_TIMEOUT_MS: '2000', ...SECRETS, ...environment })

/** One run of the worker for what is due, with a provider. */
export const sendDue = (
  database: Database,
  provider: PayoutProvider,
  config: Config = payoutSettings(),
): Promise<number> =>
  sendPayouts(
    {
      transaction: (work) => asJobs(database, work),
      config,
      log,
      signal: new AbortController().signal,
    },
    provider,
  )

/** Thrown where a process would have been killed. */
export class Killed extends Error {
  override name = 'Killed'
}

/**
 * A process that is killed at its n-th step: before, in (what it did is rolled back) or after one of its transactions, and before or
 * after a call of the provider. From then on it does nothing any more.
 */
export function dyingProcess(database: Database, provider: PayoutProvider, killAt: number) {
  let step = 0
  const seen: string[] = []
  const pass = (name: string): void => {
    seen.push(name)
    if (step++ >= killAt) throw new Killed(name)
  }
  const around = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    pass(`before ${name}`)
    const result = await work()
    pass(`after ${name}`)
    return result
  }
  const dying: Database = {
    ...database,
    transaction: (work, options) =>
      around('a transaction', () =>
        database.transaction(async (tx: Transaction) => {
          const result = await work(tx)
          pass('before the commit')
          return result
        }, options),
      ),
  }
  const called: PayoutProvider = {
    send: (order: PayoutOrder) => around('sending', () => provider.send(order)),
    find: (key: string) => around('asking', () => provider.find(key)),
  }
  return { database: dying, provider: called, steps: seen, wasKilled: () => step > killAt }
}

/** What fake and database disagree on; nothing when all is settled. */
export async function reconcile(owner: Database, fake: FakeProvider): Promise<string[]> {
  const rows = await owner.query<{
    key: string
    cents: number
    status: string
    payee: string
    payer: string
    payable: number
  }>(
    `select p.idempotency_key as key, (p.amount * 100)::int as cents, p.status, p.professional_id as payee, p.company_id as payer,
       (s.payable * 100)::int as payable
     from payouts p join statements s on s.id = p.statement_id`,
  )
  const findings: string[] = []
  const byKey = new Map(rows.map((row) => [row.key, row]))
  const paid = Map.groupBy(
    fake.ledger.filter(({ kind }) => kind === 'payment'),
    ({ key }) => key,
  )
  for (const [key, entries] of paid) {
    const payout = byKey.get(key)
    const [entry] = entries
    if (entries.length > 1) findings.push(`${key} was paid ${entries.length} times`)
    if (!payout) findings.push(`${key} was paid, and is no payout`)
    else if (
      entry!.cents !== payout.cents ||
      entry!.payee !== payout.payee ||
      entry!.payer !== payout.payer ||
      payout.cents !== payout.payable
    )
      findings.push(`${key} was paid otherwise than its statement says`)
  }
  for (const { key, status } of rows) {
    const isPaid = ['completed', 'refunded'].includes(status)
    if (isPaid !== paid.has(key)) findings.push(`${key} is ${status}, and the provider disagrees`)
    if ((status === 'refunded') !== (fake.statusOf(key) === 'refunded'))
      findings.push(`${key} is ${status}, and the provider has ${fake.statusOf(key)}`)
  }
  const [forgotten] = await owner.query<{ n: number }>(
    `select count(*)::int as n from statements s
     where (s.payable > 0) <> exists (select from payouts p where p.statement_id = s.id and p.amount = s.payable)`,
  )
  if (forgotten!.n > 0) findings.push(`${forgotten!.n} statements have no payout, or one too many`)
  return findings
}

/** In cents: what the provider paid, and what the statements of completed payouts say. */
export async function sums(owner: Database, fake: FakeProvider): Promise<{ paid: number; owed: number }> {
  const [row] = await owner.query<{ owed: number }>(
    `select coalesce(sum(s.payable * 100), 0)::int as owed
     from statements s join payouts p on p.statement_id = s.id where p.status in ('completed', 'refunded')`,
  )
  const paid = fake.ledger.reduce((sum, { kind, cents }) => sum + (kind === 'payment' ? cents : 0), 0)
  return { paid, owed: row!.owed }
}

export interface ServedFake {
  readonly url: string
  /** What it was asked, without secrets. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  close(): Promise<void>
}

/** The fake at a port, as the HTTP adapter speaks with it. What it does not answer stays open until the client gives up. */
export async function serveFake(fake: PayoutProvider, onRequest?: () => void): Promise<ServedFake> {
  const requests: ServedFake['requests'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body })
    onRequest?.()
    try {
      const answer =
        method === 'POST'
          ? await fake.send({ key: String(headers['idempotency-key']), ...JSON.parse(body) })
          : await fake.find(decodeURIComponent(url.split('/').at(-1)!))
      response.statusCode = answer ? 200 : 404
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer ?? {}))
    } catch (error) {
      if (!(error instanceof NoAnswer)) response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
