import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { Problem } from './problem.ts'

/** How soon a client may send a body again that was given up for others: the slow ones of now have ended by then, or were cut. */
export const RETRY_BODY_SECONDS = 5

/** Whoever sends from one address. */
interface Sender {
  /** Of bodies that are being received, and of those whose request is under way. */
  bytes: number
  requests: number
  /** Gives up a body that is being received, the oldest first. */
  receiving: Set<() => void>
}

/**
 * The memory of all request bodies that are not small (`intake.ts` says which): counted unpacked, by what came in and not by what a client
 * says that it will send, from the first byte until the response is over, because what was parsed lives as long. Above the limit, the
 * address that holds most has a body given up (429), the oldest that is not complete: whoever sends many large bodies, or slowly, takes
 * nothing from the others.
 */
export class BodyMemory {
  readonly #limitBytes: number
  readonly #senders = new Map<string, Sender>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Of all bodies. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * @param stream the body; whoever reads it gets a `Problem` as its error when it is given up
   * @param startBytes what it takes before its first byte
   */
  watch(stream: Readable, response: ServerResponse, address: string, startBytes = 0): void {
    const sender: Sender = this.#senders.get(address) ?? { bytes: 0, requests: 0, receiving: new Set() }
    this.#senders.set(address, sender)
    let held = 0
    const take = (bytes: number): void => {
      held += bytes
      sender.bytes += bytes
      this.#bytes += bytes
      while (this.#bytes > this.#limitBytes && this.#giveUpOne());
    }
    const onData = (chunk: Buffer): void => take(chunk.length)
    const release = (): void => {
      stream.off('data', onData)
      sender.receiving.delete(giveUp)
      sender.bytes -= held
      this.#bytes -= held
      held = 0
    }
    const giveUp = (): void => {
      release()
      stream.emit('error', new Problem('rate_limited', { retryAfterSeconds: RETRY_BODY_SECONDS }))
    }
    sender.requests += 1
    sender.receiving.add(giveUp)
    stream.on('data', onData)
    // A reader who has had enough listens no more, and an error that nobody listens to ends the process.
    stream.on('error', () => {})
    // What is done with a complete one is not taken back.
    stream.once('end', () => sender.receiving.delete(giveUp))
    response.once('close', () => {
      release()
      sender.requests -= 1
      if (sender.requests === 0) this.#senders.delete(address)
    })
    take(startBytes)
  }

  /** @returns whether there was one to give up */
  #giveUpOne(): boolean {
    let most: Sender | undefined
    for (const sender of this.#senders.values()) {
      if (sender.receiving.size > 0 && sender.bytes > (most?.bytes ?? -1)) most = sender
    }
    const [giveUp] = most?.receiving ?? []
    giveUp?.()
    return giveUp !== undefined
  }
}
