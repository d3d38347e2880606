import { MAX_TOKEN_LENGTH } from '../../auth/bearer.ts'
import { MAX_REMEMBERED_LENGTH } from '../../auth/verified-tokens.ts'
import { type Filter, MAX_FILTER_LENGTH, parseFilter } from './filter.ts'
import { fitsHeader, isObject, type JsonObject } from './frames.ts'
import { BINDING_BYTES, CHANNEL_BYTES } from './limits.ts'

/**
 * The payload of `phx_join`. Every generation of clients sends another shape: 2.39 neither `private` nor
 * `presence.enabled`, later ones add both, `select`, `replay` and `postgres_changes_options`; other SDKs send null
 * for what they leave out, and booleans as text. What cannot be read is replaced by its default, except
 * where the default would open something or the client would be told nothing: those joins are refused.
 */

/** Supabase's default for one socket. */
export const MAX_CHANNELS_PER_SOCKET = 100

/** Every binding is tested on every change of its table. A screen that listens to this many tables does not exist. */
export const MAX_BINDINGS_PER_CHANNEL = 100

/** PostgreSQL's names have at most 63 bytes (`NAMEDATALEN`). */
const MAX_NAME_LENGTH = 63

/** A table has no more columns (`MaxHeapAttributeNumber`). */
export const MAX_SELECT_COLUMNS = 1_600

/** Longer than any user id; the key is repeated in each presence message to everybody. */
export const MAX_PRESENCE_KEY_LENGTH = 255

/** What supabase-js waits by default, and what Supabase caps it to. */
export const DEFAULT_WAIT_MS = 15_000
export const MAX_WAIT_MS = 20_000

export type ChangeEvent = '*' | 'INSERT' | 'UPDATE' | 'DELETE'

/** What a binding asks for. `*` as schema or table stands for all of them. */
export interface ChangeRequest {
  event: ChangeEvent
  schema: string
  table: string
  filter: Filter
  /** The columns to send besides the primary key; undefined for all. */
  select?: readonly string[]
}

export interface Binding {
  /** From 1: a client takes 0 for "no id" and never delivers. */
  id: number
  /**
   * What was understood of the entry, spelled as it was sent, with the id: a client compares these members with its own and gives up
   * on any difference. Whatever else was in the entry is not kept.
   */
  echo: JsonObject
  /** A request that cannot be served is told by a `system` message; the channel stays joined. */
  request: { ok: true; request: ChangeRequest } | { ok: false; message: string }
}

export interface Join {
  accessToken?: string
  isPrivate: boolean
  broadcast: {
    /** Whether the sender wants a reply to each broadcast. */
    ack: boolean
    /** Whether the sender gets its own broadcasts. */
    self: boolean
  }
  presence: {
    /** Unset: the gateway makes one up. */
    key?: string
    /** Undefined from clients that do not know the flag. Supabase takes that for a no, until the first `track`. */
    enabled?: boolean
  }
  bindings: readonly Binding[]
  /** How long the reply may be held until the subscription is live; undefined where the client does not wait. */
  waitMs?: number
  /** What it takes to keep all of this. */
  bytes: number
}

export type ParsedJoin = { ok: true; join: Join } | { ok: false; reason: string }

/** Carries the reason out of the nested readers; `parseJoin` turns it into a result, so it never escapes. */
class JoinRefused extends Error {}

/** The name of a channel (`realtime:<name>`), or undefined for another topic, an empty name, or one too long to frame. */
export function channelName(topic: string): string | undefined {
  const prefix = 'realtime:'
  const name = topic.startsWith(prefix) && fitsHeader(topic) ? topic.slice(prefix.length) : ''
  return name === '' ? undefined : name
}

/** Reads the payload of a `phx_join`. The reason of a refusal is for the client: `InvalidJoinPayload: …`. */
export function parseJoin(payload: JsonObject): ParsedJoin {
  try {
    return { ok: true, join: readJoin(payload) }
  } catch (error) {
    if (error instanceof JoinRefused) return { ok: false, reason: `InvalidJoinPayload: ${error.message}` }
    throw error
  }
}

/** The response of the join's `phx_reply`. Without bindings it is an empty list, which clients read as joined. */
export function joinResponse(join: Join): { postgres_changes: JsonObject[] } {
  return { postgres_changes: join.bindings.map(({ echo }) => echo) }
}

/** A request as Supabase prints it in its messages: `event: INSERT, schema: public, table: *, filters: [], select: nil`. */
export function describeRequest({ event, schema, table, filter, select }: ChangeRequest): string {
  const filters = filter.map((condition) => {
    const { column, operator, negated } = condition
    const value = condition.operator === 'in' ? `{${condition.values.join(',')}}` : condition.value
    return `{${[column, operator, value].map((text) => JSON.stringify(text)).join(', ')}, ${negated}}`
  })
  const columns = select ? `[${select.map((name) => JSON.stringify(name)).join(', ')}]` : 'nil'
  return `event: ${event}, schema: ${schema}, table: ${table}, filters: [${filters.join(', ')}], select: ${columns}`
}

function readJoin(payload: JsonObject): Join {
  const config = readObject(payload.config, 'config')
  const waitMs = readWait(config.postgres_changes_options)
  const accessToken = readToken(payload.access_token ?? payload.user_token)
  const bindings = readBindings(config.postgres_changes)
  return {
    ...(accessToken !== undefined && { accessToken }),
    isPrivate: readPrivate(config.private),
    broadcast: readBroadcast(readObject(config.broadcast, 'broadcast')),
    presence: readPresence(readObject(config.presence, 'presence')),
    bindings,
    ...(waitMs !== undefined && { waitMs }),
    bytes:
      CHANNEL_BYTES +
      bytesOfToken(accessToken ?? '') +
      bindings.reduce((sum, binding) => sum + bytesOfBinding(binding), 0),
  }
}

/** The text of a binding is kept as an echo until the reply, as a filter, and in the router. */
const COPIES_OF_TEXT = 4

const bytesOfBinding = ({ echo }: Binding): number =>
  BINDING_BYTES + COPIES_OF_TEXT * JSON.stringify(echo).length

/** The claims of a token that is remembered are there once; others may take fifteen times their text. */
const bytesOfToken = ({ length }: string): number => (length > MAX_REMEMBERED_LENGTH ? 16 : 2) * length

/** No longer token is good: a longer text is not kept until somebody says so. */
function readToken(value: unknown): string | undefined {
  const token = readText(value)
  if (token !== undefined && token.length > MAX_TOKEN_LENGTH)
    throw new JoinRefused('access_token: is too long')
  return token
}

function readObject(value: unknown, name: string): JsonObject {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw new JoinRefused(`${name}: unable to parse, expected a map`)
  return value
}

/** `true`, `false`, or these as text in any case; else undefined. */
function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const word = typeof value === 'string' ? value.toLowerCase() : ''
  return word === 'true' ? true : word === 'false' ? false : undefined
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A default here would open a channel that its client believes to be private. */
function readPrivate(value: unknown): boolean {
  if (value === undefined || value === null) return false
  const isPrivate = toBoolean(value)
  if (isPrivate === undefined) throw new JoinRefused('private: unable to parse, expected boolean')
  return isPrivate
}

function readBroadcast({ ack, self }: JsonObject): Join['broadcast'] {
  return { ack: toBoolean(ack) ?? false, self: toBoolean(self) ?? false }
}

function readCount(value: unknown): number | undefined {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

function readPresence(presence: JsonObject): Join['presence'] {
  const enabled = toBoolean(presence.enabled)
  const given = typeof presence.key === 'number' ? String(presence.key) : presence.key
  const key = readText(given)
  // Cut short, two clients could become one; made up, the client would not find itself.
  if (key !== undefined && key.length > MAX_PRESENCE_KEY_LENGTH) {
    throw new JoinRefused(`presence.key: must not be longer than ${MAX_PRESENCE_KEY_LENGTH} characters`)
  }
  return { ...(key !== undefined && { key }), ...(enabled !== undefined && { enabled }) }
}

function readWait(value: unknown): number | undefined {
  if (!isObject(value) || !toBoolean(value.wait)) return undefined
  const timeout = readCount(value.timeout)
  return Math.min(timeout ?? DEFAULT_WAIT_MS, MAX_WAIT_MS)
}

/** Null entries are dropped, as Supabase does; ids count what is left. */
function readBindings(value: unknown): Binding[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    throw new JoinRefused('postgres_changes: unable to parse, expected an array of maps')
  }
  const entries = value.filter((entry) => entry !== null)
  if (entries.length > MAX_BINDINGS_PER_CHANNEL) {
    throw new JoinRefused(`postgres_changes: too many bindings. Maximum ${MAX_BINDINGS_PER_CHANNEL}`)
  }
  return entries.map((entry, index) => {
    if (!isObject(entry))
      throw new JoinRefused('postgres_changes: unable to parse, expected an array of maps')
    const id = index + 1
    return { id, echo: { ...understoodOf(entry), id }, request: readRequest(entry) }
  })
}

/** What is no text, or longer than such a text can be, is not kept: no client sends it. */
function understoodOf(entry: JsonObject): JsonObject {
  const understood: JsonObject = {}
  const keep = (name: 'event' | 'schema' | 'table' | 'filter', maxLength: number): void => {
    const value = entry[name]
    if (value === null || (typeof value === 'string' && value.length <= maxLength)) understood[name] = value
  }
  keep('event', MAX_NAME_LENGTH)
  keep('schema', MAX_NAME_LENGTH)
  keep('table', MAX_NAME_LENGTH)
  keep('filter', MAX_FILTER_LENGTH)
  const select = readSelect(entry.select)
  if (Array.isArray(select)) understood.select = select
  return understood
}

function readRequest(entry: JsonObject): Binding['request'] {
  const { schema = null, table = null, filter = null } = entry
  const fail = (message: string): Binding['request'] => ({ ok: false, message })
  if (schema === null && table === null) {
    return fail(
      'No subscription params provided. Please provide at least a `schema` or `table` to subscribe to',
    )
  }
  if (!isName(schema) || !isName(table)) return fail('`schema` and `table` must be names')
  if (filter !== null && typeof filter !== 'string') return fail('`filter` must be a string')

  const parsed = parseFilter(filter ?? '')
  if (!parsed.ok) return fail(parsed.message)
  const target = { schema: schema ?? 'public', table: table ?? '*' }
  const select = readSelect(entry.select)
  if (select === 'invalid') {
    return fail(
      'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]',
    )
  }
  if (select && (target.schema === '*' || target.table === '*')) {
    return fail(
      'Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name.',
    )
  }
  const request = {
    event: readEvent(entry.event),
    ...target,
    filter: parsed.filter,
    ...(select && { select }),
  }
  return { ok: true, request }
}

/** Null means that the name was omitted. A text that PostgreSQL cannot store is not accepted as a name. */
function isName(value: unknown): value is string | null {
  return (
    value === null ||
    (typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH && isStorable(value))
  )
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** As Supabase: any case, and everything for what is not an event. */
function readEvent(value: unknown): ChangeEvent {
  const event = typeof value === 'string' ? value.toUpperCase() : '*'
  return event === 'INSERT' || event === 'UPDATE' || event === 'DELETE' ? event : '*'
}

/** Column names without duplicates, in a fixed order; undefined for all columns. What is no text is dropped, as Supabase does. */
function readSelect(value: unknown): string[] | undefined | 'invalid' {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.length > MAX_SELECT_COLUMNS) return 'invalid'
  const names = value.filter((name): name is string => typeof name === 'string' && isStorable(name))
  if (names.some((name) => name.length > MAX_NAME_LENGTH)) return 'invalid'
  return names.length === 0 ? undefined : [...new Set(names)].sort()
}
