/** There is no room for more of what somebody asks for. */
export class QueueFull extends Error {
  override name = 'QueueFull'
}

/**
 * Does so many things at once. What waits is taken in turns: one of each asker, so that whoever asks for much waits behind
 * themselves and not before others.
 */
export class FairQueue {
  readonly #atOnce: number
  readonly #maxEach: number
  #running = 0
  /** By asker, in the order of their turns. */
  readonly #waiting = new Map<unknown, (() => void)[]>()

  constructor(atOnce: number, maxEach: number) {
    this.#atOnce = atOnce
    this.#maxEach = maxEach
  }

  /** @throws QueueFull when too much of that asker waits; what `work` throws */
  async run<T>(asker: unknown, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await this.#turn(asker)
    else this.#running += 1
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #turn(asker: unknown): Promise<void> {
    const waiting = this.#waiting.get(asker) ?? []
    if (waiting.length >= this.#maxEach) throw new QueueFull()
    this.#waiting.set(asker, waiting)
    return new Promise((resolve) => waiting.push(resolve))
  }

  /** Gives its place to the next one. */
  #next(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#running -= 1
      return
    }
    const [asker, waiting] = next
    const start = waiting.shift()!
    this.#waiting.delete(asker)
    if (waiting.length > 0) this.#waiting.set(asker, waiting)
    start()
  }
}
