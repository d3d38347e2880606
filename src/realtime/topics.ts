import { Presence, type PresenceDiff, type PresenceMeta } from './presence.ts'
import type { Broadcast, JsonObject } from './protocol/frames.ts'

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

/** The topics of this process: who listens to which, and who is present there. */
export class Topics {
  readonly #topics = new Map<string, Topic>()

  get size(): number {
    return this.#topics.size
  }

  listen(key: string, listener: Listener): void {
    this.#at(key).listeners.add(listener)
  }

  /** Ends listening, and presence under any key that the listener tracked. */
  leave(key: string, listener: Listener, presenceKey: string): void {
    this.untrack(key, listener, presenceKey)
    const topic = this.#topics.get(key)
    if (!topic) return
    topic.listeners.delete(listener)
    if (topic.listeners.size === 0 && topic.presence.size === 0) this.#topics.delete(key)
  }

  /** To everybody who listens but `except`. */
  broadcast(key: string, broadcast: Broadcast, except?: Listener): void {
    for (const listener of this.#topics.get(key)?.listeners ?? []) {
      if (listener !== except) listener.sendBroadcast(broadcast)
    }
  }

  presence(key: string): Presence {
    return this.#at(key).presence
  }

  track(key: string, listener: Listener, presenceKey: string, meta: PresenceMeta): void {
    this.#tell(key, this.#at(key).presence.track(listener, presenceKey, meta))
  }

  untrack(key: string, listener: Listener, presenceKey: string): void {
    const diff = this.#topics.get(key)?.presence.untrack(listener, presenceKey)
    if (diff) this.#tell(key, diff)
  }

  #tell(key: string, diff: PresenceDiff): void {
    for (const listener of this.#at(key).listeners) {
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
}
