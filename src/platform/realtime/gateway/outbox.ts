import type { WebSocket } from 'ws'
import { MAX_BUFFERED_BYTES, MAX_UNSENT_BYTES, UNSENT_FRAME_BYTES } from './limits.ts'

/** A frame as it goes over the wire, encoded once however many sockets get it. */
export class Frame {
  readonly data: Uint8Array
  readonly isBinary: boolean
  /** Sockets that it waits for. */
  waiting = 0

  /** @param data text, or the bytes of a binary frame */
  constructor(data: string | Uint8Array) {
    this.data = typeof data === 'string' ? Buffer.from(data) : data
    this.isBinary = typeof data !== 'string'
  }

  get bytes(): number {
    return this.data.byteLength
  }
}

/** What waits to be sent in the whole process. A frame counts once, as it is in memory once. */
export class Outboxes {
  readonly #maxBytes: number
  #bytes = 0
  /** Those with something that waits, in the order in which they last got on: the slowest first. */
  readonly #waiting = new Set<Outbox>()

  constructor(maxBytes = MAX_UNSENT_BYTES) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  added(outbox: Outbox, frame: Frame): void {
    this.#bytes += UNSENT_FRAME_BYTES + (frame.waiting === 0 ? frame.bytes : 0)
    frame.waiting += 1
    this.#waiting.add(outbox)
  }

  removed(frame: Frame): void {
    frame.waiting -= 1
    this.#bytes -= UNSENT_FRAME_BYTES + (frame.waiting === 0 ? frame.bytes : 0)
  }

  gotOn(outbox: Outbox, isEmpty: boolean): void {
    this.#waiting.delete(outbox)
    if (!isEmpty) this.#waiting.add(outbox)
  }

  /** Cuts the slowest until the rest fits. */
  keepWithin(): void {
    for (const slowest of this.#waiting) {
      if (this.#bytes <= this.#maxBytes) return
      slowest.cut('the process has too much to send')
    }
  }
}

/** What waits to be sent to one client. */
export class Outbox {
  readonly #ws: WebSocket
  readonly #all: Outboxes
  readonly #onCut: (reason: string, bytes: number) => void
  /** In the order in which they were sent, and so in which they will have been. */
  #frames: Frame[] = []
  #bytes = 0
  #isClosed = false

  constructor(ws: WebSocket, all: Outboxes, onCut: (reason: string, bytes: number) => void) {
    this.#ws = ws
    this.#all = all
    this.#onCut = onCut
  }

  send(frame: Frame): void {
    if (this.#isClosed || this.#ws.readyState !== this.#ws.OPEN) return
    if (this.#bytes > MAX_BUFFERED_BYTES) {
      this.cut('the client reads too slowly')
      return
    }
    this.#frames.push(frame)
    this.#bytes += frame.bytes + UNSENT_FRAME_BYTES
    this.#all.added(this, frame)
    this.#ws.send(frame.data, { binary: frame.isBinary }, () => this.#sent())
    this.#all.keepWithin()
  }

  /** Lets go of what waits, and of the client: there is no use in telling one that does not read why. */
  cut(reason: string): void {
    if (this.#isClosed) return
    this.#onCut(reason, this.#bytes)
    this.close()
    this.#ws.terminate()
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#isClosed = true
    for (const frame of this.#frames) this.#all.removed(frame)
    this.#frames = []
    this.#bytes = 0
    this.#all.gotOn(this, true)
  }

  #sent(): void {
    // Those of a closed one have been let go of.
    const frame = this.#frames.shift()
    if (!frame) return
    this.#bytes -= frame.bytes + UNSENT_FRAME_BYTES
    this.#all.removed(frame)
    this.#all.gotOn(this, this.#frames.length === 0)
  }
}
