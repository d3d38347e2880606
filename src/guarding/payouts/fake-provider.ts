import { randomUUID } from 'node:crypto'
import {
  NoAnswer,
  type PayoutOrder,
  type PayoutProvider,
  type ProviderAnswer,
  type ProviderState,
} from './provider.ts'

/**
 * What the fake does with one call, beside keeping its promise of one payment for a key.
 *
 * - `complete`, `process`, `fail`: pays, takes for later, or refuses, and says so
 * - `lose_order`: the call never arrives
 * - `lose_answer`: it pays, and the answer never arrives
 * - `take_and_lose_answer`: it takes the order for later, and the answer never arrives
 */
export const FAKE_ACTS = [
  'complete',
  'process',
  'fail',
  'lose_order',
  'lose_answer',
  'take_and_lose_answer',
] as const
export type FakeAct = (typeof FAKE_ACTS)[number]

/** What a provider reports by itself (`POST /v1/webhooks/payouts`). */
export interface ProviderEvent {
  id: string
  key: string
  reference: string | null
  status: ProviderState
  occurred_at: string
  reason: string | null
}

/** Money that moved. The ledger is only added to. */
export interface LedgerEntry {
  key: string
  kind: 'payment' | 'refund'
  /** In cents: sums are exact. */
  cents: number
  payee: string
  payer: string
}

interface Known {
  order: PayoutOrder
  reference: string
  status: ProviderState
}

/**
 * A provider that pays nobody: for the demo, and for tests, which say by a script what goes wrong. Its ledger is its own, so that what
 * it paid can be compared with what the database says.
 */
export class FakeProvider implements PayoutProvider {
  readonly ledger: LedgerEntry[] = []
  /** In the order in which they happened; who delivers them may repeat and shuffle them. */
  readonly events: ProviderEvent[] = []
  readonly #known = new Map<string, Known>()
  readonly #script: (call: 'send' | 'find', key: string) => FakeAct
  #calls = 0

  /** @param script what to do with each call; without one, everything is paid at once */
  constructor(script: (call: 'send' | 'find', key: string) => FakeAct = () => 'complete') {
    this.#script = script
  }

  /** How often it was called. */
  get calls(): number {
    return this.#calls
  }

  async send(order: PayoutOrder): Promise<ProviderAnswer> {
    this.#calls += 1
    const act = this.#script('send', order.key)
    if (act === 'lose_order') throw new NoAnswer('timeout')
    const known = this.#known.get(order.key)
    if (known && known.status !== 'failed') {
      // The same key for something else is a bug of whoever sends it, and is not paid.
      if (JSON.stringify(known.order) !== JSON.stringify(order))
        return { status: 'failed', reference: null, reason: 'key_reused' }
    } else {
      const taken: Known = { order, reference: known?.reference ?? `fake-${randomUUID()}`, status: 'failed' }
      this.#known.set(order.key, taken)
      if (act === 'fail') this.#move(taken, 'failed', 'account_closed')
      else if (act === 'process' || act === 'take_and_lose_answer') this.#move(taken, 'processing')
      else this.#pay(taken)
    }
    if (act === 'lose_answer' || act === 'take_and_lose_answer') throw new NoAnswer('timeout')
    return this.#answer(order.key)!
  }

  async find(key: string): Promise<ProviderAnswer | undefined> {
    this.#calls += 1
    const act = this.#script('find', key)
    if (act === 'lose_order' || act === 'lose_answer' || act === 'take_and_lose_answer')
      throw new NoAnswer('timeout')
    return this.#answer(key)
  }

  /** What was taken for later is paid now. */
  settle(): void {
    for (const known of this.#known.values()) if (known.status === 'processing') this.#pay(known)
  }

  /** The bank sends it back. */
  refund(key: string): void {
    const known = this.#known.get(key)
    if (known?.status !== 'completed') return
    this.#enter(known, 'refund')
    this.#move(known, 'refunded')
  }

  statusOf(key: string): ProviderState | undefined {
    return this.#known.get(key)?.status
  }

  #pay(known: Known): void {
    this.#enter(known, 'payment')
    this.#move(known, 'completed')
  }

  #enter({ order: { key, amount, payee, payer } }: Known, kind: LedgerEntry['kind']): void {
    this.ledger.push({ key, kind, cents: Math.round(Number(amount) * 100), payee, payer })
  }

  #move(known: Known, status: ProviderState, reason: string | null = null): void {
    known.status = status
    this.events.push({
      id: randomUUID(),
      key: known.order.key,
      reference: known.reference,
      status,
      occurred_at: new Date().toISOString(),
      reason,
    })
  }

  #answer(key: string): ProviderAnswer | undefined {
    const known = this.#known.get(key)
    if (!known) return undefined
    const reason = known.status === 'failed' ? 'account_closed' : null
    return { status: known.status, reference: known.reference, reason }
  }
}
