/** So much per second, and at most so much at once (a token bucket). */
export interface Rate {
  perSecond: number
  burst: number
}

/** What is left of a rate for one socket, address or process. */
export class Allowance {
  readonly #rate: Rate
  #left: number
  #at = performance.now()

  constructor(rate: Rate) {
    this.#rate = rate
    this.#left = rate.burst
  }

  /** Whether nothing was taken lately. */
  get isFull(): boolean {
    this.#refill()
    return this.#left >= this.#rate.burst
  }

  /** Takes that much, or nothing. @returns whether it was there */
  take(amount = 1): boolean {
    this.#refill()
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }

  #refill(): void {
    const now = performance.now()
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#rate.perSecond
    this.#left = Math.min(this.#rate.burst, this.#left + gained)
    this.#at = now
  }
}
