import type { PresenceMeta } from '../protocol/frames.ts'

export type PresenceState = Record<string, { metas: PresenceMeta[] }>

export interface PresenceDiff {
  joins: PresenceState
  leaves: PresenceState
}

/** Who is present on one topic: a list of entries per key, because one person may have several devices. */
export class Presence {
  readonly #metas = new Map<string, Map<unknown, PresenceMeta>>()
  /** Until somebody comes or goes: all who ask meanwhile are told the same. */
  #state: PresenceState | undefined
  #stateBytes = 0

  get size(): number {
    return this.#metas.size
  }

  /** What the state takes as JSON text, about. */
  get stateBytes(): number {
    return this.#stateBytes
  }

  has(key: string): boolean {
    return this.#metas.has(key)
  }

  /** `owner` (a channel) has one entry per key: tracking again replaces it. */
  track(owner: unknown, key: string, meta: PresenceMeta): PresenceDiff {
    const entries = this.#metas.get(key) ?? new Map<unknown, PresenceMeta>()
    const former = entries.get(owner)
    entries.set(owner, meta)
    this.#metas.set(key, entries)
    this.#changed(textLength(key, meta) - textLength(key, former))
    return { joins: stateOf(key, [meta]), leaves: former ? stateOf(key, [former]) : {} }
  }

  /** Undefined when the owner was not present. */
  untrack(owner: unknown, key: string): PresenceDiff | undefined {
    const entries = this.#metas.get(key)
    const former = entries?.get(owner)
    if (!entries || !former) return undefined
    entries.delete(owner)
    if (entries.size === 0) this.#metas.delete(key)
    this.#changed(-textLength(key, former))
    return { joins: {}, leaves: stateOf(key, [former]) }
  }

  /** The same object until it changes. */
  state(): PresenceState {
    if (this.#state) return this.#state
    const state = emptyState()
    for (const [key, entries] of this.#metas) state[key] = { metas: [...entries.values()] }
    this.#state = state
    return state
  }

  *entries(): Iterable<{ owner: unknown; key: string; meta: PresenceMeta }> {
    for (const [key, entries] of this.#metas) {
      for (const [owner, meta] of entries) yield { owner, key, meta }
    }
  }

  #changed(bytes: number): void {
    this.#stateBytes += bytes
    this.#state = undefined
  }
}

function textLength(key: string, meta: PresenceMeta | undefined): number {
  return meta ? key.length + JSON.stringify(meta).length : 0
}

/** One diff of several. */
export function joinDiffs(diffs: readonly PresenceDiff[]): PresenceDiff {
  const whole: PresenceDiff = { joins: emptyState(), leaves: emptyState() }
  for (const diff of diffs) {
    for (const side of ['joins', 'leaves'] as const) {
      for (const [key, { metas }] of Object.entries(diff[side])) {
        whole[side][key] = { metas: [...(whole[side][key]?.metas ?? []), ...metas] }
      }
    }
  }
  return whole
}

/** Keys come from clients: `__proto__` is one like any other. */
const emptyState = (): PresenceState => Object.create(null)

function stateOf(key: string, metas: PresenceMeta[]): PresenceState {
  const state = emptyState()
  state[key] = { metas }
  return state
}
