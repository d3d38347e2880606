/*
 * The port to whoever pays guards. The worker (`worker.ts`) needs no more of a provider than this, and relies on one promise: for a
 * key there is at most one payment, however often it is sent.
 */

/** What a provider says of a payout. It never says `pending`: that is before it was sent. */
export const PROVIDER_STATES = ['processing', 'completed', 'failed', 'refunded'] as const
export type ProviderState = (typeof PROVIDER_STATES)[number]

export interface PayoutOrder {
  /** The same for each sending of a payout, for ever. */
  key: string
  /** In decimal digits, such as `181.25`: a double would not be the same everywhere. */
  amount: string
  currency: string
  /** The professional who is paid, by the id that the provider knows too: bank accounts are the provider's. */
  payee: string
  /** The company that pays. */
  payer: string
  /** The number of the statement, for the line on the account. */
  reference: string
}

export interface ProviderAnswer {
  status: ProviderState
  /** The provider's own name of the payment. */
  reference: string | null
  /** Why it failed, as a word of the provider's. */
  reason: string | null
}

export interface PayoutProvider {
  /**
   * Pays, at most once for the key of the order: one that is known gets the present state, and a payment that failed may be tried
   * again.
   *
   * @throws NoAnswer when nobody knows whether it was paid
   */
  send(order: PayoutOrder): Promise<ProviderAnswer>
  /**
   * What became of a key.
   *
   * @returns undefined when the provider has never seen it
   * @throws NoAnswer
   */
  find(key: string): Promise<ProviderAnswer | undefined>
}

/** The provider gave no answer that says what became of the payout. */
export class NoAnswer extends Error {
  override name = 'NoAnswer'
  /** A word for people: `timeout`, `unreachable`, `http_503`. */
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/** As the database keeps a reason (`payouts_last_error_is_a_word`): a message of a provider could quote a secret, or an account. */
export const toWord = (reason: string): string =>
  reason
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '_')
    .replaceAll(/^_|_$/g, '')
    .slice(0, 64) || 'unknown'
