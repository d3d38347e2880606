import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { MAX_BUS_MESSAGE_BYTES } from './limits.ts'

/**
 * What one process says to the others, as texts that fit a NOTIFY. Whoever may run SQL may LISTEN and NOTIFY, on any channel:
 * PostgreSQL has no privilege for either. So a packet is sealed (AES-256-GCM) under a key that only the processes have: nobody
 * else can read one or make one, and its number tells when one is repeated or missing.
 *
 * A packet is base64 of: who sends it (16 bytes, random per start), its number (8 bytes), the sealed content, the tag (16 bytes).
 * Its content is records, each a message or a part of one: a flag (first, last), a length of two bytes, the bytes.
 */

const SENDER_BYTES = 16
const NUMBER_BYTES = 8
const HEAD_BYTES = SENDER_BYTES + NUMBER_BYTES
const TAG_BYTES = 16
const NONCE_BYTES = 12
const KEY_BYTES = 32
const RECORD_HEAD_BYTES = 3
const FIRST = 1
const LAST = 2

/** Processes that speak another version hear nothing of each other: change it with the form of packets or messages. */
const VERSION = 'muster realtime bus 1'

/** PostgreSQL refuses a NOTIFY whose text has 8,000 bytes or more. */
const MAX_NOTIFY_BYTES = 7_999
export const MAX_CONTENT_BYTES = Math.floor(MAX_NOTIFY_BYTES / 4) * 3 - HEAD_BYTES - TAG_BYTES

/** Each sender has a key of its own, so that its numbers are nonces that never come again. */
export function senderKey(secret: string, sender: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, sender, VERSION, KEY_BYTES))
}

/** The sender of a packet, as hexadecimal text, and its number; undefined for what is no packet. Nothing is proven yet. */
export function readHead(packet: string): { sender: string; number: bigint; bytes: Buffer } | undefined {
  const bytes = Buffer.from(packet, 'base64')
  if (bytes.length < HEAD_BYTES + TAG_BYTES) return undefined
  return {
    sender: bytes.toString('hex', 0, SENDER_BYTES),
    number: bytes.readBigUInt64BE(SENDER_BYTES),
    bytes,
  }
}

/** The content of a packet; undefined unless a process with the key sealed it. */
export function openPacket(bytes: Buffer, key: Buffer): Buffer | undefined {
  const head = bytes.subarray(0, HEAD_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(head))
  decipher.setAAD(head)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

export class PacketSealer {
  readonly #id = randomBytes(SENDER_BYTES)
  readonly #key: Buffer
  #number = 0n

  constructor(secret: string) {
    this.#key = senderKey(secret, this.#id)
  }

  get sender(): string {
    return this.#id.toString('hex')
  }

  /** Leaves a number out, so that the others notice that something is missing. */
  skip(): void {
    this.#number += 1n
  }

  seal(content: Uint8Array): string {
    this.#number += 1n
    const head = Buffer.alloc(HEAD_BYTES)
    this.#id.copy(head)
    head.writeBigUInt64BE(this.#number, SENDER_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(head))
    cipher.setAAD(head)
    return Buffer.concat([head, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    )
  }
}

function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  head.copy(nonce, NONCE_BYTES - NUMBER_BYTES, SENDER_BYTES, HEAD_BYTES)
  return nonce
}

/** Contents of packets that hold the messages, in their order: small ones share a packet, large ones take several. */
export function packMessages(messages: readonly Uint8Array[]): Buffer[] {
  const contents: Buffer[] = []
  let records: Uint8Array[] = []
  let free = MAX_CONTENT_BYTES
  const finish = (): void => {
    contents.push(Buffer.concat(records))
    records = []
    free = MAX_CONTENT_BYTES
  }
  for (const message of messages) {
    let offset = 0
    do {
      if (free <= RECORD_HEAD_BYTES) finish()
      const part = message.subarray(offset, offset + free - RECORD_HEAD_BYTES)
      const head = Buffer.alloc(RECORD_HEAD_BYTES)
      const isLast = offset + part.length === message.length
      head.writeUInt8((offset === 0 ? FIRST : 0) | (isLast ? LAST : 0))
      head.writeUInt16BE(part.length, 1)
      records.push(head, part)
      free -= RECORD_HEAD_BYTES + part.length
      offset += part.length
    } while (offset < message.length)
  }
  if (records.length > 0) finish()
  return contents
}

/** Puts the messages of one sender together again. */
export class MessageAssembler {
  #parts: Buffer[] | undefined
  #bytes = 0

  /** Something is missing: what has begun does not end. */
  drop(): void {
    this.#parts = undefined
    this.#bytes = 0
  }

  /** @returns the messages that are complete with this content. */
  add(content: Buffer): Buffer[] {
    const complete: Buffer[] = []
    for (let offset = 0; offset + RECORD_HEAD_BYTES <= content.length; ) {
      const flags = content.readUInt8(offset)
      const start = offset + RECORD_HEAD_BYTES
      const part = content.subarray(start, start + content.readUInt16BE(offset + 1))
      offset = start + part.length
      if ((flags & FIRST) !== 0) {
        this.#parts = []
        this.#bytes = 0
      }
      // The rest of something whose beginning was before our time.
      if (!this.#parts) continue
      this.#parts.push(part)
      this.#bytes += part.length
      if (this.#bytes > MAX_BUS_MESSAGE_BYTES) this.drop()
      else if ((flags & LAST) !== 0) {
        complete.push(Buffer.concat(this.#parts))
        this.drop()
      }
    }
    return complete
  }
}
