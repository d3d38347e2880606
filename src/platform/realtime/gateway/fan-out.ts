import { setImmediate as untilOthersHadTheirTurn } from 'node:timers/promises'
import { FairQueue } from './fair-queue.ts'
import { DELIVERY_BYTES, FAN_OUT_DELIVERIES } from './limits.ts'

/** What it costs to send so many bytes once, in deliveries. */
export const deliveriesOf = (bytes: number): number => 1 + Math.floor(bytes / DELIVERY_BYTES)

/**
 * Sends what one client says to many others, a few at a time. Between two parts the process does what else there is to do; and
 * clients take turns, so that a flood of one waits behind itself. What is small is sent at once.
 */
export class FanOut {
  /** What waits is bounded by what its senders may have waiting: each waits for the answer. */
  readonly #parts = new FairQueue(1, Number.POSITIVE_INFINITY)
  /** Deliveries that are left until others have had their turn. */
  #left = FAN_OUT_DELIVERIES

  /**
   * @param sender takes turns with the others
   * @param recipients those who come while it goes on are among them
   * @param each what one recipient costs, in deliveries
   * @returns when all have been told
   */
  async tell<T>(
    sender: unknown,
    recipients: Iterable<T>,
    each: number,
    send: (recipient: T) => void,
  ): Promise<void> {
    const rest = recipients[Symbol.iterator]()
    while (!(await this.#parts.run(sender, () => this.#part(rest, each, send))));
  }

  /** @returns whether all have been told */
  async #part<T>(rest: Iterator<T>, each: number, send: (recipient: T) => void): Promise<boolean> {
    if (this.#left <= 0) {
      await untilOthersHadTheirTurn()
      this.#left = FAN_OUT_DELIVERIES
    }
    for (; this.#left > 0; this.#left -= each) {
      const next = rest.next()
      if (next.done) return true
      send(next.value)
    }
    return false
  }
}
