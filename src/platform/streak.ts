export interface StreakLog {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

export interface StreakOptions {
  log: StreakLog
  /** What happened to which component, and what the service does now: written at the first failure of each reason. */
  failed: string
  /** That it is over: written with the last reason, the number of failures and the length. */
  recovered: string
  /** How long all has to go well before the streak is over, in milliseconds: for what comes and goes many times a second. */
  settleMs?: number
}

/** Of one streak, so many different reasons are logged: the first, and what it turned into. */
const MAX_REASONS = 5

/** Failures one after the other, of which the log gets the first, each further reason once, and the end. */
export class Streak {
  readonly #options: StreakOptions
  #beganAt: number | undefined
  #endedAt = 0
  #failures = 0
  readonly #reasons = new Set<string>()
  #reason = ''
  #ending: NodeJS.Timeout | undefined

  constructor(options: StreakOptions) {
    this.#options = options
  }

  /** Whether the last attempt failed. */
  get isFailing(): boolean {
    return this.#beganAt !== undefined && this.#ending === undefined
  }

  /** @param reason without anybody's data: it is logged */
  fail(reason: string, more: object = {}): void {
    clearTimeout(this.#ending)
    this.#ending = undefined
    this.#failures += 1
    this.#reason = reason
    this.#beganAt ??= performance.now()
    if (this.#reasons.has(reason) || this.#reasons.size >= MAX_REASONS) return
    this.#reasons.add(reason)
    this.#options.log.warn({ ...more, reason }, this.#options.failed)
  }

  succeed(more: object = {}): void {
    if (this.#beganAt === undefined || this.#ending) return
    this.#endedAt = performance.now()
    const { settleMs = 0 } = this.#options
    if (settleMs === 0) this.#end(more)
    else this.#ending = setTimeout(() => this.#end(more), settleMs).unref()
  }

  #end(more: object): void {
    const seconds = Math.round((this.#endedAt - this.#beganAt!) / 100) / 10
    this.#options.log.info(
      { ...more, reason: this.#reason, failures: this.#failures, seconds },
      this.#options.recovered,
    )
    this.#beganAt = undefined
    this.#failures = 0
    this.#reasons.clear()
    this.#ending = undefined
  }
}
