import { type Parameter, type Row, type Transaction, TransactionEnded } from './database.ts'

/** Runs one statement on the transaction's connection. */
type Send = (text: string, parameters: readonly Parameter[]) => Promise<Row[]>

/**
 * The part of a transaction that is the same on both engines: a handle that sends one statement at a time, and nothing any more
 * once the transaction is over; and the rule that a transaction is committed when all of it succeeded, or not at all.
 */
export class TransactionScope {
  readonly handle: Transaction
  readonly #send: Send
  /** Takes no new statement. */
  #isOver = false
  /** What was queued before it was over is not sent either. */
  #isBroken = false
  readonly #broken = Promise.withResolvers<never>()
  /** Settles, never rejecting, when every statement that was queued so far has. */
  #last: Promise<unknown> = Promise.resolve()
  #failure: { error: unknown } | undefined
  /** Whether a statement is under way. */
  isSending = false

  readonly #single: boolean

  /** @param single takes one statement and no other */
  constructor(send: Send, single = false) {
    this.#send = send
    this.#single = single
    this.handle = {
      query: <R extends Row>(text: string, parameters: readonly Parameter[] = []) => {
        const answer = this.#queue(text, parameters) as Promise<R[]>
        this.#isOver ||= this.#single
        return answer
      },
    }
    this.#broken.promise.catch(() => {})
  }

  /** Ends it in the middle of the work, which runs on with a dead handle: `run` rejects with `error`. */
  break(error: unknown): void {
    this.#isOver = true
    this.#isBroken = true
    this.#broken.reject(error)
  }

  /**
   * Runs the work. Resolves when a commit would commit: the work resolved, and so did each statement that it started, also those
   * that it did not wait for. PostgreSQL answers the commit of a failed transaction by rolling it back, as a success;
   * so a failure that the work kept to itself is thrown here.
   */
  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      const value = await this.#unlessBroken(work(this.handle))
      this.#isOver = true
      await this.#unlessBroken(this.#last)
      if (this.#failure) await this.#throwUnlessRecovered(this.#failure.error)
      return value
    } catch (error) {
      this.break(error)
      throw this.#failure && isInFailedTransaction(error) ? this.#failure.error : error
    }
  }

  /** Resolves when no statement is under way any more. */
  async settle(): Promise<void> {
    await this.#last
  }

  #unlessBroken<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#broken.promise])
  }

  #queue(text: string, parameters: readonly Parameter[]): Promise<Row[]> {
    if (this.#isOver) return Promise.reject(new TransactionEnded())
    const answer = this.#last.then(() => this.#sendNow(text, parameters))
    // Also keeps a rejection that nobody waits for from ending the process: `run` throws it.
    this.#last = answer.catch(() => {})
    return answer
  }

  async #sendNow(text: string, parameters: readonly Parameter[]): Promise<Row[]> {
    if (this.#isBroken) throw new TransactionEnded()
    this.isSending = true
    try {
      return await this.#send(text, parameters)
    } catch (error) {
      this.#failure ??= { error }
      throw error
    } finally {
      this.isSending = false
    }
  }

  /** A statement that failed inside a savepoint, to which the work went back, has not failed the transaction. */
  async #throwUnlessRecovered(error: unknown): Promise<void> {
    if (this.#single) throw error
    try {
      await this.#send('select 1', [])
    } catch {
      throw error
    }
  }
}

/** in_failed_sql_transaction: a statement after the one that failed, which says nothing of the reason. */
const isInFailedTransaction = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '25P02'
