import type { Broadcast, PresenceMeta } from '../protocol/frames.ts'

/** One entry of somebody's presence on a topic. */
export interface PresentEntry {
  /** The topic's key (`topicKey`). */
  topic: string
  /** The presence key. */
  key: string
  meta: PresenceMeta
}

/** What processes say to each other. */
export type BusMessage =
  /** "Who is there?" An answer is a `state` with the challenge in it, so that an old one cannot be played again. */
  | { type: 'hello'; challenge: string }
  | { type: 'alive' }
  | { type: 'bye' }
  | { type: 'broadcast'; topic: string; broadcast: Broadcast }
  /** On one topic: who came, and who went. */
  | { type: 'presence'; joins: PresentEntry[]; leaves: PresentEntry[] }
  /** Everybody who is present at the sender, in parts that are counted from 0. */
  | { type: 'state'; answers: string[]; part: number; isLast: boolean; present: PresentEntry[] }

/** A length of four bytes, that many bytes of JSON, and the body of a broadcast as it is. */
const LENGTH_BYTES = 4

export function encodeBusMessage(message: BusMessage): Buffer {
  const [head, body] = message.type === 'broadcast' ? splitBroadcast(message) : [message, NO_BODY]
  const json = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json, body])
}

/** Of what only a process with the key, of the same version, can have sent: so it is taken as it is. */
export function decodeBusMessage(bytes: Buffer): BusMessage {
  const end = LENGTH_BYTES + bytes.readUInt32BE(0)
  const head = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end))
  if (head.type !== 'broadcast') return head
  const { encoding, event, meta, topic } = head
  const body = bytes.subarray(end)
  return {
    type: 'broadcast',
    topic,
    broadcast: {
      event,
      body:
        encoding === 'json' ? { encoding, text: body.toString('utf8') } : { encoding: 'binary', bytes: body },
      ...(meta && { meta }),
    },
  }
}

const NO_BODY = Buffer.alloc(0)

function splitBroadcast({
  topic,
  broadcast,
}: Extract<BusMessage, { type: 'broadcast' }>): [object, Uint8Array] {
  const { event, body, meta } = broadcast
  return [
    { type: 'broadcast', topic, event, encoding: body.encoding, ...(meta && { meta }) },
    body.encoding === 'json' ? Buffer.from(body.text) : body.bytes,
  ]
}
