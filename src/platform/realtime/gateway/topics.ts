import type { Bus, BusEnd } from '../bus/bus.ts'
import type { PresentEntry } from '../bus/messages.ts'
import type { Broadcast, JsonObject, PresenceMeta } from '../protocol/frames.ts'
import { joinDiffs, Presence, type PresenceDiff } from './presence.ts'

/** What a topic needs of a channel that listens to it. */
export interface Listener {
  sendBroadcast(broadcast: Broadcast): void
  sendPresence(event: 'presence_diff', payload: JsonObject): void
}

interface Topic {
  listeners: Set<Listener>
  presence: Presence
}

/** A private channel and a public one of the same name are two topics. */
export const topicKey = (name: string, isPrivate: boolean): string =>
  `${isPrivate ? 'private' : 'public'}:${name}`

/** Who owns an entry of somebody who is present at another process. */
class Elsewhere {
  readonly entry: PresentEntry
  constructor(entry: PresentEntry) {
    this.entry = entry
  }
}

/**
 * The topics of this process: who listens to which, and who is present there. With a bus, what is said here is heard at the
 * other processes, and who is present there is known here. Whether one may listen is decided where one listens.
 */
export class Topics implements BusEnd {
  readonly #topics = new Map<string, Topic>()
  readonly #bus: Bus | undefined
  /** Of each other process, who is present there, by reference. */
  readonly #elsewhere = new Map<string, Map<string, Elsewhere>>()

  constructor(bus?: Bus) {
    this.#bus = bus
  }

  get size(): number {
    return this.#topics.size
  }

  listen(key: string, listener: Listener): void {
    this.#at(key).listeners.add(listener)
  }

  /** Ends listening, and presence under any key that the listener tracked. */
  leave(key: string, listener: Listener, presenceKey: string): void {
    this.untrack(key, listener, presenceKey)
    this.#topics.get(key)?.listeners.delete(listener)
    this.#forgetIfEmpty(key)
  }

  /** How many listen here. */
  listeners(key: string): number {
    return this.#topics.get(key)?.listeners.size ?? 0
  }

  /** To everybody who listens, at any process, but `except`. */
  broadcast(key: string, broadcast: Broadcast, except?: Listener): void {
    this.receiveBroadcast(key, broadcast, except)
    this.#bus?.broadcast(key, broadcast)
  }

  presence(key: string): Presence {
    return this.#at(key).presence
  }

  track(key: string, listener: Listener, presenceKey: string, meta: PresenceMeta): void {
    const diff = this.#at(key).presence.track(listener, presenceKey, meta)
    this.#tell(key, diff)
    this.#bus?.presence(entriesOf(key, diff.joins), entriesOf(key, diff.leaves))
  }

  untrack(key: string, listener: Listener, presenceKey: string): void {
    const diff = this.#topics.get(key)?.presence.untrack(listener, presenceKey)
    if (!diff) return
    this.#tell(key, diff)
    this.#bus?.presence([], entriesOf(key, diff.leaves))
  }

  // ---- What the bus brings ------------------------------------------------------------------------------------

  /** To everybody who listens at this process, but `except`. */
  receiveBroadcast(key: string, broadcast: Broadcast, except?: Listener): void {
    for (const listener of this.#topics.get(key)?.listeners ?? []) {
      if (listener !== except) listener.sendBroadcast(broadcast)
    }
  }

  receivePresence(peer: string, joins: readonly PresentEntry[], leaves: readonly PresentEntry[]): void {
    const present = this.#elsewhere.get(peer) ?? new Map<string, Elsewhere>()
    const diffs = new Map<string, PresenceDiff[]>()
    const note = (topic: string, diff: PresenceDiff | undefined): void => {
      if (!diff) return
      const known = diffs.get(topic)
      if (known) known.push(diff)
      else diffs.set(topic, [diff])
    }
    for (const { meta } of leaves) {
      const owner = present.get(meta.phx_ref)
      if (!owner) continue
      present.delete(meta.phx_ref)
      const { topic, key } = owner.entry
      note(topic, this.#topics.get(topic)?.presence.untrack(owner, key))
    }
    for (const entry of joins) {
      if (present.has(entry.meta.phx_ref)) continue
      const owner = new Elsewhere(entry)
      present.set(entry.meta.phx_ref, owner)
      note(entry.topic, this.#at(entry.topic).presence.track(owner, entry.key, entry.meta))
    }
    if (present.size > 0) this.#elsewhere.set(peer, present)
    else this.#elsewhere.delete(peer)
    for (const [topic, list] of diffs) {
      this.#tell(topic, joinDiffs(list))
      this.#forgetIfEmpty(topic)
    }
  }

  presentAt(peer: string): PresentEntry[] {
    return [...(this.#elsewhere.get(peer)?.values() ?? [])].map(({ entry }) => entry)
  }

  presentHere(): PresentEntry[] {
    const here: PresentEntry[] = []
    for (const [topic, { presence }] of this.#topics) {
      for (const { owner, key, meta } of presence.entries()) {
        if (!(owner instanceof Elsewhere)) here.push({ topic, key, meta })
      }
    }
    return here
  }

  // ---- Inside -------------------------------------------------------------------------------------------------

  #tell(key: string, diff: PresenceDiff): void {
    for (const listener of this.#topics.get(key)?.listeners ?? []) {
      listener.sendPresence('presence_diff', diff as unknown as JsonObject)
    }
  }

  #at(key: string): Topic {
    let topic = this.#topics.get(key)
    if (!topic) {
      topic = { listeners: new Set(), presence: new Presence() }
      this.#topics.set(key, topic)
    }
    return topic
  }

  #forgetIfEmpty(key: string): void {
    const topic = this.#topics.get(key)
    if (topic && topic.listeners.size === 0 && topic.presence.size === 0) this.#topics.delete(key)
  }
}

function entriesOf(topic: string, state: PresenceDiff['joins']): PresentEntry[] {
  return Object.entries(state).flatMap(([key, { metas }]) => metas.map((meta) => ({ topic, key, meta })))
}
