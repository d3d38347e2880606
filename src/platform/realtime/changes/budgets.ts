import { SubscriptionRefused } from './change-router.ts'

/**
 * What the filters of one socket, and of one user over all sockets, may cost: each is tested on every change that its
 * subscriber may see, by the process that serves everybody.
 */

export interface FilterCost {
  conditions: number
  /** Characters of columns and values, which are kept as long as the subscription. */
  bytes: number
  /** Instructions and characters of patterns (`patternSize`). */
  patterns: number
}

/** A hundred channels, Supabase's limit, with five conditions each; a test takes about a microsecond. */
export const MAX_CONDITIONS_PER_SOCKET = 500

/** The longest filter ten times. */
export const MAX_FILTER_BYTES_PER_SOCKET = 100_000

/** A hundred times `%word%`. In the worst case that was found, a title of 200 characters takes some tens of milliseconds. */
export const MAX_PATTERNS_PER_SOCKET = 2_000

/** Compiling a pattern to find out that it is none takes a millisecond or two: for a developer's mistakes, but not for more. */
export const MAX_REFUSED_PATTERNS_PER_SOCKET = 20

/** A person has a phone, a laptop, and the browser's tabs. */
export const SOCKETS_PER_CALLER = 4

const LIMITS: readonly [name: keyof FilterCost, perSocket: number, what: string][] = [
  ['conditions', MAX_CONDITIONS_PER_SOCKET, 'conditions in filters'],
  ['bytes', MAX_FILTER_BYTES_PER_SOCKET, 'characters in filters'],
  ['patterns', MAX_PATTERNS_PER_SOCKET, 'instructions and characters in patterns of filters'],
]

const NOTHING: FilterCost = { conditions: 0, bytes: 0, patterns: 0 }

/** Who pays: a socket, and the user behind it. Somebody without a user has the sockets' budgets alone. */
export interface Payer {
  socket: object
  user: string | undefined
}

export class Budgets {
  readonly #sockets = new WeakMap<object, FilterCost>()
  readonly #users = new Map<string, FilterCost>()
  readonly #refusedPatterns = new WeakMap<object, number>()

  /**
   * What the patterns of a filter cost, as `measure` finds by compiling them; taken.
   *
   * @throws SubscriptionRefused as `take`; and what `measure` throws, until it has done so too often.
   */
  takePatterns(payer: Payer, measure: () => number): number {
    const refused = this.#refusedPatterns.get(payer.socket) ?? 0
    if (refused >= MAX_REFUSED_PATTERNS_PER_SOCKET) {
      throw new SubscriptionRefused('Too many patterns of this connection were refused.')
    }
    try {
      const patterns = measure()
      this.take(payer, { patterns })
      return patterns
    } catch (error) {
      this.#refusedPatterns.set(payer.socket, refused + 1)
      throw error
    }
  }

  /** @throws SubscriptionRefused when it is more than is left. Nothing is taken then. */
  take({ socket, user }: Payer, cost: Partial<FilterCost>): void {
    const ofSocket = sum(this.#sockets.get(socket) ?? NOTHING, cost)
    const ofUser = user === undefined ? undefined : sum(this.#users.get(user) ?? NOTHING, cost)
    for (const [name, perSocket, what] of LIMITS) {
      if (ofSocket[name] > perSocket) {
        throw new SubscriptionRefused(`Too many ${what}: one connection may have ${perSocket}.`)
      }
      const perUser = perSocket * SOCKETS_PER_CALLER
      if (ofUser && ofUser[name] > perUser) {
        throw new SubscriptionRefused(`Too many ${what}: all connections of a user may have ${perUser}.`)
      }
    }
    this.#sockets.set(socket, ofSocket)
    if (user !== undefined) this.#users.set(user, ofUser!)
  }

  giveBack({ socket, user }: Payer, { conditions, bytes, patterns }: FilterCost): void {
    const less = { conditions: -conditions, bytes: -bytes, patterns: -patterns }
    this.#sockets.set(socket, sum(this.#sockets.get(socket) ?? NOTHING, less))
    if (user === undefined) return
    const left = sum(this.#users.get(user) ?? NOTHING, less)
    if (left.conditions > 0) this.#users.set(user, left)
    else this.#users.delete(user)
  }
}

function sum(cost: FilterCost, more: Partial<FilterCost>): FilterCost {
  return {
    conditions: cost.conditions + (more.conditions ?? 0),
    bytes: cost.bytes + (more.bytes ?? 0),
    patterns: cost.patterns + (more.patterns ?? 0),
  }
}
