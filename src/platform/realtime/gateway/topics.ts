import type { Bus, BusEnd } from '../bus/bus.ts'
import type { PresentEntry } from '../bus/messages.ts'
import { type Broadcast, bytesOf, type JsonObject, type PresenceMeta } from '../protocol/frames.ts'
import { deliveriesOf, FanOut } from './fan-out.ts'
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
  readonly #fanOut = new FanOut()

  constructor(bus?: Bus) {
    this.#bus = bus
  }

  get size(): number {
    return this.#topics.size
  }

  listen(key: string, listener: Listener): void {
    this.#at(key).listeners.add(listener)
  }

  /** Ends listening, and presence under any key that the listener tracked. @param sender who takes turns for telling it */
  leave(key: string, listener: Listener, presenceKey: string, sender?: unknown): void {
    void this.untrack(key, listener, presenceKey, sender)
    this.#topics.get(key)?.listeners.delete(listener)
    this.#forgetIfEmpty(key)
  }

  /** What it costs to tell all who listen here, in deliveries. */
  costOf(key: string, bytes: number): number {
    return (this.#topics.get(key)?.listeners.size ?? 0) * deliveriesOf(bytes)
  }

  /**
   * To everybody who listens, at any process, but `except`.
   *
   * @param sender who takes turns with the others
   * @returns when those of this process have been told
   */
  broadcast(key: string, broadcast: Broadcast, except?: Listener, sender?: unknown): Promise<void> {
    this.#bus?.broadcast(key, broadcast)
    return this.#pass(key, broadcast, except, sender)
  }

  presence(key: string): Presence {
    return this.#at(key).presence
  }

  /** @returns when those of this process have been told */
  track(
    key: string,
    listener: Listener,
    presenceKey: string,
    meta: PresenceMeta,
    sender?: unknown,
  ): Promise<void> {
    const diff = this.#at(key).presence.track(listener, presenceKey, meta)
    this.#bus?.presence(entriesOf(key, diff.joins), entriesOf(key, diff.leaves))
    return this.#tell(key, diff, sender)
  }

  async untrack(key: string, listener: Listener, presenceKey: string, sender?: unknown): Promise<void> {
    const diff = this.#topics.get(key)?.presence.untrack(listener, presenceKey)
    if (!diff) return
    this.#bus?.presence([], entriesOf(key, diff.leaves))
    await this.#tell(key, diff, sender)
  }

  // ---- What the bus brings ------------------------------------------------------------------------------------

  /** To everybody who listens at this process. */
  receiveBroadcast(key: string, broadcast: Broadcast): void {
    void this.#pass(key, broadcast, undefined, this.#bus)
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
      void this.#tell(topic, joinDiffs(list), this.#bus)
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

  async #pass(
    key: string,
    broadcast: Broadcast,
    except: Listener | undefined,
    sender: unknown,
  ): Promise<void> {
    const listeners = this.#topics.get(key)?.listeners ?? []
    await this.#fanOut.tell(sender, listeners, deliveriesOf(bytesOf(broadcast.body)), (listener) => {
      if (listener !== except) listener.sendBroadcast(broadcast)
    })
  }

  async #tell(key: string, diff: PresenceDiff, sender: unknown): Promise<void> {
    const listeners = this.#topics.get(key)?.listeners ?? []
    await this.#fanOut.tell(sender, listeners, 1, (listener) =>
      listener.sendPresence('presence_diff', diff as unknown as JsonObject),
    )
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
