import type { Database } from '../../db/engine/database.ts'
import {
  type ChangeFeed,
  type FeedListeners,
  type FeedLog,
  FeedUnavailable,
  type RowChange,
  startingHealth,
} from './change-feed.ts'
import type { PublishedTable } from './published-table.ts'
import { type ChangeBuilder, changeBuilder, type Values } from './row-change.ts'

/**
 * Changes of the embedded engine, which has no logical replication: triggers report each row by NOTIFY, which arrives after
 * the commit, in order, and never after a rollback (`supabase/schemas/platform/capture.sql`).
 *
 * What arrives is made into what the log would have had: published columns only, old rows as far as the replica identity
 * goes, no TOAST values that the update did not touch.
 */

export const CHANNEL = 'muster_changes'

/** Changes that the sink gets at once; see `logical.ts`. */
const MAX_BATCH = 100
/** Nobody can be made to wait here: the writer has committed. Past this the backlog is dropped, and the gap told. */
export const MAX_QUEUED_BYTES = 64 * 1024 * 1024
const STOP_TIMEOUT_MS = 5_000

export interface NotifyFeedOptions {
  /** The embedded engine itself, as its superuser. */
  database: Database
  log: FeedLog
  /** A published table as it is now, or undefined. */
  findTable(oid: number): Promise<PublishedTable | undefined>
  limits?: Partial<{ queuedBytes: number }>
}

/** As `muster.report_change` writes it. `columns` are attribute numbers, for rows of text. */
type Payload =
  /** The change itself is in the outbox under this number. */
  | [number: number]
  /** Some definition changed. */
  | [number: number, table: null]
  | [
      number: number,
      table: number,
      kind: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE',
      columns: number[],
      present: string | null,
      former: string | null,
      untouched: number[] | null,
    ]

type ChangePayload = Extract<Payload, { length: 7 }>

interface Arrived {
  text: string
  /** The commit was a moment ago: NOTIFY is delivered by it. */
  commitTs: string
}

/** A table as changes of it are read, until a definition changes. */
interface Reader {
  table: PublishedTable
  builder: ChangeBuilder
}

export function createNotifyFeed(options: NotifyFeedOptions): ChangeFeed {
  const { database, log } = options
  const maxBytes = options.limits?.queuedBytes ?? MAX_QUEUED_BYTES
  const health = startingHealth()
  const readers = new Map<number, Promise<Reader | undefined>>()
  let listeners: FeedListeners | undefined
  let unlisten: (() => Promise<void>) | undefined
  let queue: Arrived[] = []
  let queuedBytes = 0
  let draining: Promise<void> | undefined
  let dropped = new AbortController()
  let isOverflowing = false

  function receive(text: string): void {
    if (health.state !== 'streaming' || isOverflowing) return
    queue.push({ text, commitTs: new Date().toISOString() })
    queuedBytes += text.length
    health.queued += 1
    if (queuedBytes > maxBytes) overflow()
    else draining ??= drain()
  }

  /** A commit's changes arrive one after the other: the rest of it is dropped too, and the gap told once, at its end. */
  function overflow(): void {
    isOverflowing = true
    giveUp()
    setImmediate(() => {
      isOverflowing = false
      tellGap('The changes came faster than they could be delivered.')
    })
  }

  /** Nothing that waits, or is being checked, is delivered any more. */
  function giveUp(): void {
    dropped.abort()
    dropped = new AbortController()
    queue = []
    queuedBytes = 0
    health.queued = 0
  }

  function dropBacklog(reason: string): void {
    giveUp()
    tellGap(reason)
  }

  function tellGap(reason: string): void {
    health.gaps += 1
    log.warn({ reason }, 'realtime change feed: changes were lost; all subscribers are told to resync')
    listeners?.onGap(reason)
  }

  /** Gives the queue to the sink until it is empty. Never rejects. */
  async function drain(): Promise<void> {
    // The changes of one transaction arrive one by one, and go together.
    await new Promise((resolve) => setImmediate(resolve))
    while (queue.length > 0 && health.state === 'streaming') {
      try {
        await drainOnce(dropped.signal)
      } catch (error) {
        health.lastError = error instanceof Error ? error.message : String(error)
        dropBacklog('The changes could not be read.')
      }
    }
    draining = undefined
  }

  async function drainOnce(signal: AbortSignal): Promise<void> {
    const arrived = queue.splice(0, MAX_BATCH)
    const payloads = arrived.map(({ text }) => JSON.parse(text) as Payload)
    const large = await readOutbox(payloads.flatMap((payload) => (payload.length === 1 ? payload : [])))
    let batch: RowChange[] = []
    const flush = async (): Promise<void> => {
      if (batch.length > 0 && !signal.aborted) await listeners!.sink(batch, signal)
      const last = batch.at(-1)
      if (last) Object.assign(health, { position: last.position, lastCommitTs: last.commitTs })
      batch = []
    }
    for (const [index, short] of payloads.entries()) {
      const payload = short.length === 1 ? large.get(short[0]) : short
      if (!payload || payload.length === 1) continue
      if (payload[1] === null) {
        await flush()
        readers.clear()
        listeners!.onDefinition('all')
      } else if (payload.length === 7) {
        const change = await readChange(payload, arrived[index]!.commitTs)
        if (change === 'truncated') {
          await flush()
          tellGap('A published table was emptied.')
        } else if (change) {
          batch.push(change)
        }
      }
    }
    await flush()
    if (signal.aborted) return
    health.queued -= arrived.length
    for (const { text } of arrived) queuedBytes -= text.length
  }

  async function readOutbox(numbers: readonly number[]): Promise<Map<number, Payload>> {
    if (numbers.length === 0) return new Map()
    const rows = await database.query<{ number: string; payload: string }>(
      'delete from muster.change_outbox where number = any ($1::bigint[]) returning number::text, payload',
      [`{${numbers.join(',')}}`],
    )
    return new Map(rows.map((row) => [Number(row.number), JSON.parse(row.payload) as Payload]))
  }

  async function readChange(
    [number, oid, kind, columns, present, former, untouched]: ChangePayload,
    commitTs: string,
  ): Promise<RowChange | 'truncated' | undefined> {
    const reader = await readerOf(oid)
    if (!reader || !listeners!.wants(reader.table)) return undefined
    if (kind === 'TRUNCATE') return 'truncated'
    const inOrder = (row: string | null): Values | undefined => {
      if (row === null) return undefined
      const fields = parseRecord(row)
      const byNumber = new Map(columns.map((attribute, index) => [attribute, fields[index]]))
      return reader.table.columns.map(({ number: attribute }) => byNumber.get(attribute))
    }
    const record = inOrder(present)
    const old = inOrder(former)
    const isUntouched = (index: number): boolean =>
      untouched?.includes(reader.table.columns[index]!.number) ?? false
    const written = record?.map((text, index) => (isUntouched(index) ? undefined : text))
    const identity = oldByIdentity(reader.table, kind, record, old)
    return reader.builder.build(
      { kind, ...(written && { record: written }), ...identity },
      { commitTs, position: String(number) },
    )
  }

  function readerOf(oid: number): Promise<Reader | undefined> {
    let reader = readers.get(oid)
    if (!reader) {
      reader = options.findTable(oid).then((table) => table && { table, builder: builderOf(table) })
      readers.set(oid, reader)
      // One that failed is asked for anew.
      reader.catch(() => readers.delete(oid))
    }
    return reader
  }

  return {
    health,

    async start(given) {
      listeners = given
      await database.query('select muster.enable_change_capture()')
      // What a process that ended left unread: nobody is there any more who followed it.
      await database.query('truncate muster.change_outbox')
      unlisten = await database.listen(CHANNEL, receive, () =>
        dropBacklog('Notifications may have been missed.'),
      )
      health.state = 'streaming'
    },

    async live() {
      if (health.state !== 'streaming') throw new FeedUnavailable('Realtime is not running.', true)
    },

    async stop() {
      health.state = 'stopped'
      dropped.abort()
      await unlisten?.()
      await Promise.race([
        draining,
        new Promise<void>((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS).unref()),
      ])
      queue = []
      health.queued = 0
    },
  }
}

function builderOf(table: PublishedTable): ChangeBuilder {
  return changeBuilder({
    table: { oid: table.oid, schema: table.schema, name: table.name },
    columns: table.columns,
    inIdentity: table.columns.map(({ inIdentity }) => inIdentity),
  })
}

/** What the log has of the old row: all of it under `full`; else the key, for an update only where it changed. */
function oldByIdentity(
  { identity, columns }: PublishedTable,
  kind: 'INSERT' | 'UPDATE' | 'DELETE',
  record: Values | undefined,
  old: Values | undefined,
): { old?: Values; oldIs: 'key' | 'full' } {
  if (!old) return { oldIs: 'key' }
  if (identity === 'f') return { old, oldIs: 'full' }
  const keyChanged = columns.some(({ inIdentity }, index) => inIdentity && record?.[index] !== old[index])
  return kind === 'UPDATE' && !keyChanged ? { oldIs: 'key' } : { old, oldIs: 'key' }
}

/**
 * A literal of a row type (https://www.postgresql.org/docs/15/rowtypes.html#ROWTYPES-IO-SYNTAX), as PostgreSQL prints it:
 * `(1,,"a ""b"" \\")`. An empty field is NULL.
 */
export function parseRecord(text: string): (string | null)[] {
  const fields: (string | null)[] = []
  let index = 1
  while (index < text.length) {
    const quoted = text.charAt(index) === '"'
    const end = quoted ? closingQuote(text, index + 1) : fieldEnd(text, index)
    if (quoted) fields.push(text.slice(index + 1, end).replace(/""|\\\\/g, (pair) => pair.charAt(0)))
    else fields.push(end === index ? null : text.slice(index, end))
    // Behind the closing quote, and behind the comma or the last parenthesis.
    index = end + (quoted ? 2 : 1)
  }
  return fields
}

/** Of the quote that is not doubled. */
function closingQuote(text: string, start: number): number {
  let index = start
  for (;;) {
    index = text.indexOf('"', index)
    if (text.charAt(index + 1) !== '"') return index
    index += 2
  }
}

function fieldEnd(text: string, start: number): number {
  let index = start
  while (text.charAt(index) !== ',' && text.charAt(index) !== ')') index += 1
  return index
}
