import { changePayload } from '../feed/payload.ts'
import { encodeText, type Vsn } from '../protocol/frames.ts'
import { Frame } from './outbox.ts'

/** Frames that are kept until the next change: apps have a few names for their channels, and a frame may have a megabyte. */
const MAX_KEPT = 16

/**
 * Frames of changes, ready to send. Of one change most sockets get the same bytes, because an app gives its channel the same
 * name everywhere: they are encoded once.
 */
export class ChangeFrames {
  #data = ''
  readonly #frames = new Map<string, Frame>()

  /** @param data the `data` object as JSON text, the same string for all sockets that get the same view of a change */
  frame(vsn: Vsn, topic: string, ids: readonly number[], data: string): Frame {
    if (data !== this.#data) {
      this.#data = data
      this.#frames.clear()
    }
    const key = `${vsn} ${ids.join()} ${topic}`
    const known = this.#frames.get(key)
    if (known) return known
    const head = { topic, event: 'postgres_changes' }
    const frame = new Frame(encodeText(vsn, head, changePayload(ids, data)))
    if (this.#frames.size < MAX_KEPT) this.#frames.set(key, frame)
    return frame
  }
}
