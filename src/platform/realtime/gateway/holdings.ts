import { MAX_HELD_BYTES, MAX_HELD_BYTES_PER_SOCKET } from './limits.ts'

/** Whose sockets come from one place: what is held for them together. */
export interface HeldFor {
  heldBytes: number
}

/** What the process holds of what clients said: frames that are not whole yet, frames that wait, and what was understood of joins. */
export class Holdings {
  readonly #maxBytes: number
  readonly #all = new Set<Holding>()
  #bytes = 0

  constructor(maxBytes = MAX_HELD_BYTES) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  changed(holding: Holding, by: number): void {
    this.#bytes += by
    holding.heldFor.heldBytes += by
    if (holding.bytes === 0) this.#all.delete(holding)
    else this.#all.add(holding)
  }

  /** Of the address that holds most, the socket that holds most goes, until the rest fits. */
  keepWithin(): void {
    while (this.#bytes > this.#maxBytes) {
      const heaviest = [...this.#all].reduce((most, each) => (weighsMore(each, most) ? each : most))
      heaviest.cut('the process holds too much')
    }
  }
}

function weighsMore(one: Holding, other: Holding): boolean {
  if (one.heldFor !== other.heldFor && one.heldFor.heldBytes !== other.heldFor.heldBytes)
    return one.heldFor.heldBytes > other.heldFor.heldBytes
  return one.bytes > other.bytes
}

/** What is held of what one client said. */
export class Holding {
  readonly heldFor: HeldFor
  readonly #all: Holdings
  readonly #onCut: (reason: string, bytes: number) => void
  #bytes = 0
  #isClosed = false

  constructor(all: Holdings, heldFor: HeldFor, onCut: (reason: string, bytes: number) => void) {
    this.#all = all
    this.heldFor = heldFor
    this.#onCut = onCut
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @returns false when it is too much: the client is cut then, and holds nothing any more. */
  take(bytes: number): boolean {
    if (this.#isClosed) return false
    this.#change(bytes)
    if (this.#bytes > MAX_HELD_BYTES_PER_SOCKET) this.cut('the client sends more than is kept for it')
    else this.#all.keepWithin()
    return !this.#isClosed
  }

  give(bytes: number): void {
    if (!this.#isClosed) this.#change(-bytes)
  }

  cut(reason: string): void {
    if (this.#isClosed) return
    const bytes = this.#bytes
    this.close()
    this.#onCut(reason, bytes)
  }

  /** Nothing is held any more. */
  close(): void {
    this.#change(-this.#bytes)
    this.#isClosed = true
  }

  #change(by: number): void {
    this.#bytes += by
    this.#all.changed(this, by)
  }
}
