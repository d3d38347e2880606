/**
 * The binary protocol of logical replication with the plugin pgoutput, version 1, values as text.
 *
 * Messages: https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html
 * Their envelope: https://www.postgresql.org/docs/15/protocol-replication.html (START_REPLICATION, XLogData)
 *
 * Each chunk of the copy stream is one envelope and each envelope one message. Bytes left over are an error: they mean
 * that chunks were joined on their way here, and that everything after is misread.
 */

export type PgoutputErrorCode =
  | 'truncated'
  | 'trailing_bytes'
  | 'unknown_message'
  | 'unknown_tuple'
  | 'binary_value'
  | 'not_utf8'
  | 'out_of_range'

/** The stream cannot be understood: the connection is of no use any more. */
export class PgoutputError extends Error {
  override name = 'PgoutputError'
  readonly code: PgoutputErrorCode
  constructor(code: PgoutputErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Position in the write-ahead log, in bytes. */
export type Lsn = bigint

/** Microseconds since 2000-01-01 UTC, PostgreSQL's epoch. */
export type PgMicros = bigint

/** `0/16B3748` as a number. @throws PgoutputError `out_of_range` for text that is no LSN. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text)
  if (!match) throw new PgoutputError('out_of_range', 'An LSN is two hexadecimal numbers of 32 bits.')
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)
}

/** As PostgreSQL prints it up to version 18 (`%X/%X`). */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase()
}

/** Unix time of 2000-01-01 UTC, in milliseconds. */
const PG_EPOCH_MS = 946_684_800_000n

/**
 * UTC with milliseconds: `2026-11-21T22:33:02.241Z`. Cut off, not rounded, as `to_char(…, 'MS')` does.
 *
 * @throws PgoutputError `out_of_range` beyond what a Date can hold (the year 275,760).
 */
export function timestampToIso(micros: PgMicros): string {
  // Division of bigints cuts towards zero, which before 2000 would be up.
  const ms = (micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n + PG_EPOCH_MS
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime())) throw new PgoutputError('out_of_range', 'A timestamp is out of range.')
  return date.toISOString()
}

/** The opposite of `timestampToIso`, for the clock in a status update. */
export function timestampFromMs(unixMs: number): PgMicros {
  return (BigInt(Math.floor(unixMs)) - PG_EPOCH_MS) * 1000n
}

/**
 * One value per column, in the relation's order: text, null for NULL, undefined for a TOAST value that the update did
 * not touch and that the log therefore does not have. In a key tuple the columns outside the key are null as well:
 * use the relation's `isKey` to tell.
 */
export type Tuple = readonly (string | null | undefined)[]

export interface RelationColumn {
  name: string
  /** Part of the replica identity: its key, or every column under `replica identity full`. */
  isKey: boolean
  typeOid: number
  typeModifier: number
}

/** A table's replica identity, `pg_class.relreplident`: default, nothing, full, or an index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i'

export interface BeginMessage {
  tag: 'begin'
  /** The LSN of the commit. */
  finalLsn: Lsn
  committedAt: PgMicros
  xid: number
}

export interface CommitMessage {
  tag: 'commit'
  commitLsn: Lsn
  /** Where the next transaction starts: acknowledging it means that this one is done. */
  endLsn: Lsn
  committedAt: PgMicros
}

export interface OriginMessage {
  tag: 'origin'
  commitLsn: Lsn
  name: string
}

/**
 * Sent before the first change of a table in a session, and again after its definition, grants, policies or row
 * security changed: what is cached about the table is stale. Generated columns are not part of it.
 */
export interface RelationMessage {
  tag: 'relation'
  oid: number
  schema: string
  name: string
  identity: ReplicaIdentity
  columns: RelationColumn[]
}

/** A type that is not built in. For a domain, `schema` and `name` are those of its base type, the oid its own. */
export interface TypeMessage {
  tag: 'type'
  oid: number
  schema: string
  name: string
}

export interface InsertMessage {
  tag: 'insert'
  relationOid: number
  row: Tuple
}

/** The row before a change: the key (`replica identity` default or index), or all of it (full). */
export interface OldTuple {
  is: 'key' | 'full'
  row: Tuple
}

export interface UpdateMessage {
  tag: 'update'
  relationOid: number
  /** Unset where the identity is a key and the update did not change it. */
  old?: OldTuple
  row: Tuple
}

export interface DeleteMessage {
  tag: 'delete'
  relationOid: number
  old: OldTuple
}

export interface TruncateMessage {
  tag: 'truncate'
  cascade: boolean
  restartIdentity: boolean
  relationOids: number[]
}

/** What `pg_logical_emit_message` wrote. */
export interface LogicalMessage {
  tag: 'message'
  transactional: boolean
  lsn: Lsn
  prefix: string
  content: Uint8Array
}

export type PgoutputMessage =
  | BeginMessage
  | CommitMessage
  | OriginMessage
  | RelationMessage
  | TypeMessage
  | InsertMessage
  | UpdateMessage
  | DeleteMessage
  | TruncateMessage
  | LogicalMessage

export interface XLogData {
  tag: 'data'
  /** Where the data starts; 0 for messages that stand nowhere in the log (relation, type). */
  startLsn: Lsn
  /** The end of the log on the server when it sent this. */
  serverLsn: Lsn
  sentAt: PgMicros
  /** The message, a view of the chunk. */
  data: Uint8Array
}

export interface Keepalive {
  tag: 'keepalive'
  serverLsn: Lsn
  sentAt: PgMicros
  /** The server will end the connection unless a status update comes soon. */
  replyRequested: boolean
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads from the front, and says `truncated` instead of reading past the end. */
class Reader {
  private readonly bytes: Buffer
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  private advance(length: number): number {
    const start = this.offset
    if (start + length > this.bytes.length)
      throw new PgoutputError('truncated', 'The message ends too early.')
    this.offset = start + length
    return start
  }

  uint8(): number {
    return this.bytes[this.advance(1)]!
  }

  character(): string {
    return String.fromCharCode(this.uint8())
  }

  int16(): number {
    return this.bytes.readInt16BE(this.advance(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.advance(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.advance(4))
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.advance(8))
  }

  uint64(): bigint {
    return this.bytes.readBigUInt64BE(this.advance(8))
  }

  view(length: number): Buffer {
    const start = this.advance(length)
    return this.bytes.subarray(start, start + length)
  }

  rest(): Buffer {
    return this.view(this.bytes.length - this.offset)
  }

  text(length: number): string {
    const start = this.advance(length)
    return decodeText(this.bytes, start, this.offset)
  }

  /** Text that ends with a zero byte. */
  cstring(): string {
    const end = this.bytes.indexOf(0, this.offset)
    if (end < 0) throw new PgoutputError('truncated', 'A text has no end.')
    const text = decodeText(this.bytes, this.offset, end)
    this.offset = end + 1
    return text
  }

  end(): void {
    if (this.offset !== this.bytes.length) {
      throw new PgoutputError(
        'trailing_bytes',
        `${this.bytes.length - this.offset} bytes follow the message.`,
      )
    }
  }
}

/** Replacing what cannot be decoded would change a value silently, so it is an error. */
function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  // The replacement character is either in the data or the sign of a broken one: only then look closely.
  if (!text.includes('\ufffd')) return text
  try {
    return utf8.decode(bytes.subarray(start, end))
  } catch {
    throw new PgoutputError('not_utf8', 'A text is not UTF-8: the connection needs client_encoding UTF8.')
  }
}

/**
 * Reads one chunk of the copy stream. The data of an `XLogData` goes to `parsePgoutput`.
 *
 * @throws PgoutputError
 */
export function parseEnvelope(chunk: Uint8Array): XLogData | Keepalive {
  const reader = new Reader(chunk)
  const kind = reader.character()
  if (kind === 'w') {
    const [startLsn, serverLsn, sentAt] = [reader.uint64(), reader.uint64(), reader.int64()]
    return { tag: 'data', startLsn, serverLsn, sentAt, data: reader.rest() }
  }
  if (kind !== 'k') throw unknownMessage('envelope', kind)
  const [serverLsn, sentAt, reply] = [reader.uint64(), reader.int64(), reader.uint8()]
  reader.end()
  return { tag: 'keepalive', serverLsn, sentAt, replyRequested: reply === 1 }
}

/**
 * Reads one message of pgoutput, protocol version 1.
 *
 * @throws PgoutputError
 */
export function parsePgoutput(data: Uint8Array): PgoutputMessage {
  const reader = new Reader(data)
  const message = readMessage(reader, reader.character())
  reader.end()
  return message
}

function unknownMessage(where: string, kind: string): PgoutputError {
  return new PgoutputError('unknown_message', `Unknown ${where} ${JSON.stringify(kind)}.`)
}

function readMessage(reader: Reader, kind: string): PgoutputMessage {
  switch (kind) {
    case 'B':
      return { tag: 'begin', finalLsn: reader.uint64(), committedAt: reader.int64(), xid: reader.uint32() }
    case 'C':
      return readCommit(reader)
    case 'O':
      return { tag: 'origin', commitLsn: reader.uint64(), name: reader.cstring() }
    case 'R':
      return readRelation(reader)
    case 'Y':
      return { tag: 'type', oid: reader.uint32(), schema: readSchema(reader), name: reader.cstring() }
    case 'I':
      return readInsert(reader)
    case 'U':
      return readUpdate(reader)
    case 'D':
      return { tag: 'delete', relationOid: reader.uint32(), old: readOld(reader, reader.character()) }
    case 'T':
      return readTruncate(reader)
    case 'M':
      return readLogicalMessage(reader)
    default:
      throw unknownMessage('message', kind)
  }
}

function readCommit(reader: Reader): CommitMessage {
  reader.uint8() // Flags, unused so far.
  return { tag: 'commit', commitLsn: reader.uint64(), endLsn: reader.uint64(), committedAt: reader.int64() }
}

/** `pg_catalog` is sent as the empty string. */
function readSchema(reader: Reader): string {
  return reader.cstring() || 'pg_catalog'
}

function readRelation(reader: Reader): RelationMessage {
  const [oid, schema, name] = [reader.uint32(), readSchema(reader), reader.cstring()]
  const identity = readIdentity(reader.character())
  const columns = readList(reader.int16(), () => ({
    isKey: (reader.uint8() & 1) === 1,
    name: reader.cstring(),
    typeOid: reader.uint32(),
    typeModifier: reader.int32(),
  }))
  return { tag: 'relation', oid, schema, name, identity, columns }
}

function readIdentity(letter: string): ReplicaIdentity {
  if (letter === 'd' || letter === 'n' || letter === 'f' || letter === 'i') return letter
  throw unknownMessage('replica identity', letter)
}

/** Grows with what is there, not with what the count claims. */
function readList<T>(count: number, read: () => T): T[] {
  if (count < 0) throw new PgoutputError('out_of_range', 'A count is negative.')
  const items: T[] = []
  for (let index = 0; index < count; index += 1) items.push(read())
  return items
}

function readInsert(reader: Reader): InsertMessage {
  const relationOid = reader.uint32()
  expectNew(reader.character())
  return { tag: 'insert', relationOid, row: readTuple(reader) }
}

function readUpdate(reader: Reader): UpdateMessage {
  const relationOid = reader.uint32()
  const first = reader.character()
  if (first === 'N') return { tag: 'update', relationOid, row: readTuple(reader) }
  const old = readOld(reader, first)
  expectNew(reader.character())
  return { tag: 'update', relationOid, old, row: readTuple(reader) }
}

function expectNew(letter: string): void {
  if (letter !== 'N') throw unknownTuple(letter)
}

function unknownTuple(letter: string): PgoutputError {
  return new PgoutputError('unknown_tuple', `Unknown tuple ${JSON.stringify(letter)}.`)
}

function readOld(reader: Reader, letter: string): OldTuple {
  if (letter !== 'K' && letter !== 'O') throw unknownTuple(letter)
  return { is: letter === 'K' ? 'key' : 'full', row: readTuple(reader) }
}

function readTuple(reader: Reader): Tuple {
  return readList(reader.int16(), () => readValue(reader))
}

const NULL = 0x6e
const UNCHANGED_TOAST = 0x75
const TEXT = 0x74
const BINARY = 0x62

function readValue(reader: Reader): string | null | undefined {
  const kind = reader.uint8()
  switch (kind) {
    case TEXT:
      return reader.text(reader.uint32())
    case NULL:
      return null
    case UNCHANGED_TOAST:
      return undefined
    case BINARY:
      throw new PgoutputError('binary_value', 'Values are expected as text: start without the option binary.')
    default:
      throw unknownMessage('value', String.fromCharCode(kind))
  }
}

function readTruncate(reader: Reader): TruncateMessage {
  const [count, options] = [reader.int32(), reader.uint8()]
  const relationOids = readList(count, () => reader.uint32())
  return { tag: 'truncate', cascade: (options & 1) !== 0, restartIdentity: (options & 2) !== 0, relationOids }
}

function readLogicalMessage(reader: Reader): LogicalMessage {
  const transactional = (reader.uint8() & 1) === 1
  const [lsn, prefix] = [reader.uint64(), reader.cstring()]
  return { tag: 'message', transactional, lsn, prefix, content: reader.view(reader.uint32()) }
}

export interface StatusUpdate {
  /** The last position received. */
  written: Lsn
  /** The last position that is safe here: the server may recycle its log up to it. */
  flushed: Lsn
  /** The last position that has taken effect; default: `flushed`. */
  applied?: Lsn
  now: PgMicros
  /** Asks the server to answer at once, to learn whether it is there. */
  requestReply?: boolean
}

/** The standby status update, to be written to the copy stream. */
export function encodeStatusUpdate(update: StatusUpdate): Uint8Array {
  const { written, flushed, applied = flushed, now, requestReply = false } = update
  const bytes = Buffer.alloc(34)
  bytes.write('r', 'latin1')
  bytes.writeBigUInt64BE(written, 1)
  bytes.writeBigUInt64BE(flushed, 9)
  bytes.writeBigUInt64BE(applied, 17)
  bytes.writeBigInt64BE(now, 25)
  bytes.writeUInt8(requestReply ? 1 : 0, 33)
  return bytes
}
