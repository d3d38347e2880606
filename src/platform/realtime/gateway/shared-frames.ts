import type { Vsn } from '../protocol/frames.ts'
import { Frame } from './outbox.ts'

/**
 * Frames of what is said to everybody on a topic: a broadcast, or who is present. They are encoded once per version and spelling
 * of the topic, and live as long as what they say.
 */
export class SharedFrames {
  readonly #frames = new WeakMap<object, Map<string, Frame | undefined>>()

  /**
   * @param said the same object for all recipients (fan-out)
   * @param encode undefined where it cannot be told in that version
   */
  frame(
    said: object,
    vsn: Vsn,
    topic: string,
    encode: () => string | Uint8Array | undefined,
  ): Frame | undefined {
    let frames = this.#frames.get(said)
    if (!frames) {
      frames = new Map()
      this.#frames.set(said, frames)
    }
    const key = `${vsn} ${topic}`
    if (!frames.has(key)) {
      const encoded = encode()
      frames.set(key, encoded === undefined ? undefined : new Frame(encoded))
    }
    return frames.get(key)
  }
}
