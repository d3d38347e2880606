import type { Config } from '../../config.ts'
import type { Transaction } from '../../platform/db/engine/database.ts'
import type { JobAccess } from '../../platform/jobs/job.ts'
import { countPayout } from '../metrics.ts'
import { FakeProvider } from './fake-provider.ts'
import { httpProvider } from './http-provider.ts'
import { NoAnswer, type PayoutOrder, type PayoutProvider, type ProviderAnswer, toWord } from './provider.ts'

/*
 * Empties the outbox `payouts`. What is taken is marked and committed before the provider is called, and its answer is noted in a
 * transaction of its own: none is open meanwhile. A process that is killed at any step leaves a payout whose lease runs out, and the
 * next one asks the provider by the key before it sends the order again, with the same key.
 */

/** Payouts that are under way at a time, each with one request to the provider. */
const AT_A_TIME = 10
/** A run ends after this long, so that other background work of the process is not late; the next goes on. */
const LONGEST_RUN_MS = 60_000
/** How long what was taken belongs to who took it, in timeouts of the provider: two calls, and as long to note what came of them. */
const LEASE_TIMEOUTS = 4
const SHORTEST_LEASE_SECONDS = 30

interface Taken extends PayoutOrder {
  id: string
  /** Somebody may have sent it before, and nobody noted what came of it. */
  was_sent: boolean
}

const providers = new WeakMap<Config, PayoutProvider>()

/** The provider that the settings name, the same for each run; undefined where payouts wait. */
export function providerOf(config: Config | undefined): PayoutProvider | undefined {
  if (!config) return undefined
  const kind = config.PAYOUT_PROVIDER ?? (config.NODE_ENV === 'production' ? 'none' : 'fake')
  if (kind === 'none') return undefined
  const known = providers.get(config) ?? (kind === 'http' ? httpProvider(config) : new FakeProvider())
  providers.set(config, known)
  return known
}

/** @returns how many payouts it sent or asked about */
export async function sendPayouts(
  { transaction, config, signal }: JobAccess,
  provider = providerOf(config),
): Promise<number> {
  if (!provider || !config) return 0
  const { PAYOUT_TIMEOUT_MS: timeoutMs, PAYOUT_MAX_ATTEMPTS: most } = config
  const lease = Math.max(SHORTEST_LEASE_SECONDS, Math.ceil((LEASE_TIMEOUTS * timeoutMs) / 1000))
  const end = performance.now() + LONGEST_RUN_MS
  let done = 0
  while (!signal.aborted && performance.now() < end) {
    const taken = await transaction((tx) => takePayouts(tx, AT_A_TIME, lease))
    if (taken.length === 0) break
    await Promise.all(
      taken.map(async (payout) => {
        const answer = await handle(provider, payout)
        const outcome = await transaction((tx) => noteAnswer(tx, payout.id, answer, most))
        countPayout(outcome)
      }),
    )
    done += taken.length
  }
  return done
}

/** What is known of a payout after it was sent, or asked about; `none` where nobody knows. */
interface Outcome extends Omit<ProviderAnswer, 'status'> {
  status: ProviderAnswer['status'] | 'none'
}

async function handle(provider: PayoutProvider, { id: _, was_sent, ...order }: Taken): Promise<Outcome> {
  try {
    const known = was_sent ? await provider.find(order.key) : undefined
    return known ?? (await provider.send(order))
  } catch (error) {
    // Anything else is a bug of an adapter, after which nobody knows either.
    const reason = error instanceof NoAnswer ? error.reason : error instanceof Error ? error.name : 'unknown'
    return { status: 'none', reference: null, reason: toWord(reason) }
  }
}

const takePayouts = (tx: Transaction, most: number, leaseSeconds: number): Promise<Taken[]> =>
  tx.query<Taken & Record<string, unknown>>(
    `select id, key, amount, currency, payee, payer, reference, was_sent
     from muster.take_payouts($1::int, make_interval(secs => $2::int))`,
    [most, leaseSeconds],
  )

async function noteAnswer(
  tx: Transaction,
  id: string,
  { status, reference, reason }: Outcome,
  mostAttempts: number,
): Promise<string> {
  const [row] = await tx.query<{ outcome: string }>(
    'select muster.note_payout_answer($1::uuid, $2, $3, $4, $5::int) as outcome',
    [id, status, reference, reason, mostAttempts],
  )
  return row!.outcome
}
