/**
 * The frames of the Phoenix channel protocol as supabase-js speaks it, in both of its versions.
 *
 * vsn 1.0.0: text, `{"topic","event","payload","ref","join_ref"}`; frames of the server carry no `join_ref`.
 * vsn 2.0.0: text, `[join_ref, ref, topic, event, payload]`, and two binary kinds for broadcasts:
 *   3, client to server: `3, len(join_ref), len(ref), len(topic), len(event), len(meta), encoding`, these five strings, body;
 *   4, server to client: `4, len(topic), len(event), len(meta), encoding`, these three strings, body.
 * A length is one byte, counting bytes of UTF-8; encoding 0 is a binary body, 1 a JSON one; meta is a JSON object or empty.
 */

import { MAX_NESTING, nestsDeeperThan } from '../../http/json-nesting.ts'

/** What Supabase accepts in one frame. Set it as the socket's `maxPayload` too, so that more is never buffered. */
export const MAX_FRAME_BYTES = 5_000_000

/** The length of a string in a binary header is one byte. */
export const MAX_HEADER_STRING_BYTES = 255

/** Topics and events of channels are at most 255 bytes long; what is somewhat longer is answered, and what is far longer is no frame. */
const MAX_NAME_LENGTH = 1_024

const KIND_USER_BROADCAST_PUSH = 3
const KIND_USER_BROADCAST = 4
const ENCODING_BINARY = 0
const ENCODING_JSON = 1

export type Vsn = '1.0.0' | '2.0.0'
export type JsonObject = Record<string, unknown>

/** A broadcast of a client: its event, its body as it came, and metadata (supabase-js sends none unless told to). */
export interface Broadcast {
  event: string
  body: { encoding: 'json'; text: string } | { encoding: 'binary'; bytes: Uint8Array }
  meta?: JsonObject
}

/** How long a body is, about: of text, in characters. */
export const bytesOf = (body: Broadcast['body']): number =>
  body.encoding === 'json' ? body.text.length : body.bytes.byteLength

/** One `track` of one client: what it said, with the reference by which clients tell entries of a key apart. */
export interface PresenceMeta extends JsonObject {
  phx_ref: string
}

export interface FrameHead {
  joinRef: string | null
  ref: string | null
  topic: string
}

export interface ClientMessage extends FrameHead {
  kind: 'message'
  event: string
  /** Never null: `{}` where the client sent nothing. */
  payload: JsonObject
}

export interface ClientBroadcast extends FrameHead {
  kind: 'broadcast'
  broadcast: Broadcast
}

export type ClientFrame = ClientMessage | ClientBroadcast

/** Why a frame cannot be read. Such a frame is ignored and the socket stays. */
export type Unreadable =
  | 'too_large'
  | 'too_deep'
  | 'not_json'
  | 'not_a_frame'
  | 'truncated'
  | 'unknown_kind'
  | 'not_text'

export type Decoded = { ok: true; frame: ClientFrame } | { ok: false; reason: Unreadable }

/** Carries the reason out of the nested readers; `decodeFrame` turns it into a result, so it never escapes. */
class FrameError extends Error {
  readonly reason: Unreadable
  constructor(reason: Unreadable) {
    super(reason)
    this.reason = reason
  }
}

/** The protocol version of the `vsn` query parameter: missing means 1.0.0; undefined for one that nobody speaks. */
export function parseVsn(given: string | undefined): Vsn | undefined {
  if (given === undefined || given === '') return '1.0.0'
  return given === '1.0.0' || given === '2.0.0' ? given : undefined
}

/** Whether `text` fits a one-byte length, as a topic must to be sent in a binary frame. */
export function fitsHeader(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_HEADER_STRING_BYTES
}

/**
 * Reads a frame of a client: a string is a text frame, bytes are a binary frame. Never throws on what a client sends.
 *
 * A broadcast comes out the same whether it was sent as text or as kind 3. The body of a binary broadcast is a view
 * of `data`, not a copy.
 */
export function decodeFrame(vsn: Vsn, data: string | Uint8Array): Decoded {
  try {
    return { ok: true, frame: typeof data === 'string' ? decodeText(vsn, data) : decodeBinary(vsn, data) }
  } catch (error) {
    if (error instanceof FrameError) return { ok: false, reason: error.reason }
    throw error
  }
}

function decodeText(vsn: Vsn, text: string): ClientFrame {
  // A string is never longer in UTF-16 units than in bytes, so the cheap test refuses most of what is too large.
  if (text.length > MAX_FRAME_BYTES || Buffer.byteLength(text) > MAX_FRAME_BYTES) {
    throw new FrameError('too_large')
  }
  const parsed = parseJson(text)
  const [joinRef, ref, topic, event, payload] =
    vsn === '2.0.0' ? fieldsOfArray(parsed) : fieldsOfObject(parsed)
  if (!isName(topic) || !isName(event)) throw new FrameError('not_a_frame')
  const head = { joinRef: readRef(joinRef), ref: readRef(ref), topic }
  const body = payload ?? {}
  if (!isObject(body)) throw new FrameError('not_a_frame')
  const broadcast = event === 'broadcast' ? broadcastOf(body) : undefined
  return broadcast
    ? { kind: 'broadcast', ...head, broadcast }
    : { kind: 'message', ...head, event, payload: body }
}

function fieldsOfArray(parsed: unknown): unknown[] {
  if (!Array.isArray(parsed) || parsed.length < 5) throw new FrameError('not_a_frame')
  return parsed
}

function fieldsOfObject(parsed: unknown): unknown[] {
  if (!isObject(parsed)) throw new FrameError('not_a_frame')
  return [parsed.join_ref, parsed.ref, parsed.topic, parsed.event, parsed.payload]
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME_LENGTH
}

/** Phoenix clients count with strings; some count with numbers. No reference is null, also where it is empty (kind 3). */
function readRef(ref: unknown): string | null {
  if (ref === undefined || ref === null || ref === '') return null
  if (typeof ref === 'string' && ref.length <= MAX_HEADER_STRING_BYTES) return ref
  if (typeof ref === 'number') return String(ref)
  throw new FrameError('not_a_frame')
}

/** A broadcast sent as text, or undefined where the payload has no event: nothing that a listener could match. */
function broadcastOf(payload: JsonObject): Broadcast | undefined {
  const { event, meta } = payload
  if (typeof event !== 'string') return undefined
  const text = JSON.stringify(payload.payload ?? {})
  return { event, body: { encoding: 'json', text }, ...(isObject(meta) && { meta }) }
}

function decodeBinary(vsn: Vsn, bytes: Uint8Array): ClientFrame {
  if (bytes.length > MAX_FRAME_BYTES) throw new FrameError('too_large')
  if (bytes.length === 0) throw new FrameError('truncated')
  if (vsn !== '2.0.0' || bytes[0] !== KIND_USER_BROADCAST_PUSH) throw new FrameError('unknown_kind')

  const headerBytes = 7
  if (bytes.length < headerBytes) throw new FrameError('truncated')
  let offset = headerBytes
  const next = (length: number): string => {
    if (offset + length > bytes.length) throw new FrameError('truncated')
    const text = decodeHeaderString(bytes.subarray(offset, offset + length))
    offset += length
    return text
  }
  const [joinRef, ref, topic, event, meta] = [
    next(bytes[1]!),
    next(bytes[2]!),
    next(bytes[3]!),
    next(bytes[4]!),
    next(bytes[5]!),
  ]
  const body = decodeBody(bytes[6]!, bytes.subarray(offset))
  const broadcast = { event, body, ...(meta !== '' && { meta: parseMeta(meta) }) }
  return { kind: 'broadcast', joinRef: readRef(joinRef), ref: readRef(ref), topic, broadcast }
}

/**
 * JSON is parsed once to be sure of it, and relayed as the text it came in: an invalid body would throw in the
 * `JSON.parse` of every receiver.
 */
function decodeBody(encoding: number, bytes: Uint8Array): Broadcast['body'] {
  if (encoding === ENCODING_BINARY) return { encoding: 'binary', bytes }
  if (encoding !== ENCODING_JSON) throw new FrameError('not_a_frame')
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new FrameError('not_text')
  parseJson(text)
  return { encoding: 'json', text }
}

function parseMeta(text: string): JsonObject {
  const meta = parseJson(text)
  if (!isObject(meta)) throw new FrameError('not_a_frame')
  return meta
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * supabase-js before 2.119 writes the low byte of each UTF-16 unit instead of UTF-8, so that `café` ends in E9. Such
 * bytes are not valid UTF-8, and read as Latin-1 they are the string that the client joined with.
 */
function decodeHeaderString(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function parseJson(text: string): unknown {
  if (nestsDeeperThan(text, MAX_NESTING)) throw new FrameError('too_deep')
  try {
    return JSON.parse(text)
  } catch {
    throw new FrameError('not_json')
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where a frame of the server goes. `joinRef` is sent with replies, `phx_close` and `phx_error`; else leave it out. */
export interface ServerHead {
  topic: string
  event: string
  ref?: string | null
  joinRef?: string | null
}

/** A frame around a payload that is JSON text already. A null payload crashes the client, so it is sent as `{}`. */
export function encodeText(vsn: Vsn, head: ServerHead, payloadJson: string): string {
  const payload = payloadJson === 'null' || payloadJson === '' ? '{}' : payloadJson
  const [topic, event] = [JSON.stringify(head.topic), JSON.stringify(head.event)]
  const ref = JSON.stringify(head.ref ?? null)
  return vsn === '2.0.0'
    ? `[${JSON.stringify(head.joinRef ?? null)},${ref},${topic},${event},${payload}]`
    : `{"topic":${topic},"event":${event},"payload":${payload},"ref":${ref}}`
}

export function encodeMessage(vsn: Vsn, head: ServerHead, payload: JsonObject): string {
  return encodeText(vsn, head, JSON.stringify(payload))
}

/** The `phx_reply` to a frame of the client. */
export function encodeReply(
  vsn: Vsn,
  to: { joinRef: string | null; ref: string | null; topic: string },
  status: 'ok' | 'error',
  response: JsonObject = {},
): string {
  const head = { topic: to.topic, event: 'phx_reply', ref: to.ref, joinRef: to.joinRef }
  return encodeMessage(vsn, head, { status, response })
}

/**
 * A broadcast for a receiver: JSON bodies as text, which both versions read and no header limits, binary bodies as
 * kind 4. Undefined where it cannot be told: a binary body to vsn 1.0.0, or one whose header strings are too long.
 */
export function encodeBroadcast(
  vsn: Vsn,
  topic: string,
  { event, body, meta }: Broadcast,
): string | Uint8Array | undefined {
  if (body.encoding === 'binary') {
    return vsn === '2.0.0' ? encodeUserBroadcast(topic, { event, body, ...(meta && { meta }) }) : undefined
  }
  const metaJson = meta ? `,"meta":${JSON.stringify(meta)}` : ''
  const payload = `{"type":"broadcast","event":${JSON.stringify(event)},"payload":${body.text}${metaJson}}`
  return encodeText(vsn, { topic, event: 'broadcast' }, payload)
}

/** Kind 4, or undefined where the topic, the event or the metadata is longer than `MAX_HEADER_STRING_BYTES`. */
export function encodeUserBroadcast(topic: string, { event, body, meta }: Broadcast): Uint8Array | undefined {
  const strings = [topic, event, meta ? JSON.stringify(meta) : ''].map((text) => Buffer.from(text))
  if (strings.some((bytes) => bytes.length > MAX_HEADER_STRING_BYTES)) return undefined
  const lengths = strings.map((bytes) => bytes.length)
  const [encoding, content] =
    body.encoding === 'json' ? [ENCODING_JSON, Buffer.from(body.text)] : [ENCODING_BINARY, body.bytes]
  return Buffer.concat([Buffer.from([KIND_USER_BROADCAST, ...lengths, encoding]), ...strings, content])
}
