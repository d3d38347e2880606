import { MAX_TOKEN_LENGTH } from '../../auth/bearer.ts'
import { type Broadcast, type ClientFrame, type FrameHead, isObject, type JsonObject } from './frames.ts'
import { type ParsedJoin, parseJoin } from './join.ts'
import { MAX_PRESENCE_BYTES, WAITING_FRAME_BYTES } from './limits.ts'

/**
 * What a client wants by a frame. It is read as soon as the frame is there, so that nothing waits, and nothing is kept, but what
 * was understood: a frame of 5 MB may hold millions of arrays in a member that nobody knows.
 */
export type Act = FrameHead & { frameBytes: number } & Wish

type Wish =
  | { kind: 'join'; parsed: ParsedJoin }
  | { kind: 'leave' }
  /** Undefined: nothing that could be a token. */
  | { kind: 'refresh'; token: string | undefined }
  | { kind: 'broadcast'; broadcast: Broadcast }
  /** Undefined: too large. `bytes` is what it takes to keep. */
  | { kind: 'track'; said: JsonObject | undefined; bytes: number }
  | { kind: 'untrack' }
  | { kind: 'unknown_presence' }
  | { kind: 'unknown' }

export type ActOf<K extends Act['kind']> = Extract<Act, { kind: K }>

export function readAct({ joinRef, ref, topic, ...said }: ClientFrame): Act {
  const head = { joinRef, ref, topic }
  if (said.kind === 'broadcast') {
    const { broadcast } = said
    return {
      ...head,
      kind: 'broadcast',
      broadcast,
      frameBytes: WAITING_FRAME_BYTES + bytesOfBroadcast(broadcast),
    }
  }
  const wish = readWish(said.event, said.payload)
  return { ...head, ...wish, frameBytes: WAITING_FRAME_BYTES + bytesOfWish(wish) }
}

function readWish(event: string, payload: JsonObject): Wish {
  switch (event) {
    case 'phx_join':
      return { kind: 'join', parsed: parseJoin(payload) }
    case 'phx_leave':
      return { kind: 'leave' }
    case 'access_token': {
      const { access_token: token } = payload
      // One that is too long is still known by its length.
      return {
        kind: 'refresh',
        token: typeof token === 'string' ? token.slice(0, MAX_TOKEN_LENGTH + 1) : undefined,
      }
    }
    case 'presence':
      return readPresence(payload)
    default:
      return { kind: 'unknown' }
  }
}

function readPresence({ event, payload }: JsonObject): Wish {
  const action = typeof event === 'string' ? event.toLowerCase() : ''
  if (action === 'untrack') return { kind: 'untrack' }
  if (action !== 'track') return { kind: 'unknown_presence' }
  const said = isObject(payload) ? payload : {}
  const text = JSON.stringify(said)
  if (Buffer.byteLength(text) > MAX_PRESENCE_BYTES) return { kind: 'track', said: undefined, bytes: 0 }
  return { kind: 'track', said, bytes: bytesOfJson(text) }
}

function bytesOfWish(wish: Wish): number {
  if (wish.kind === 'join') return wish.parsed.ok ? wish.parsed.join.bytes : 0
  if (wish.kind === 'refresh') return wish.token?.length ?? 0
  return wish.kind === 'track' ? wish.bytes : 0
}

/** A JavaScript string takes up to two bytes for each character. */
function bytesOfBroadcast({ event, body, meta }: Broadcast): number {
  const bytes = body.encoding === 'json' ? 2 * body.text.length : body.bytes.byteLength
  return bytes + 2 * event.length + (meta ? bytesOfJson(JSON.stringify(meta)) : 0)
}

/** An object, an array or a number of V8, and the place of a value in one. */
const VALUE_BYTES = 64

/** What JSON takes when it is parsed: the smallest values take some twenty times their text. */
const bytesOfJson = (text: string): number =>
  2 * text.length + VALUE_BYTES * (text.match(/[[{,:]/g)?.length ?? 0)
