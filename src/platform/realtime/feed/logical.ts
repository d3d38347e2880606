import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isWrongPassword } from '../../db/engine/database-error.ts'
import type { Login } from '../../db/logins.ts'
import { addressesOf } from '../../server-url.ts'
import { Streak } from '../../streak.ts'
import type { PgType } from '../pg-type.ts'
import {
  type ChangeFeed,
  type FeedHealth,
  type FeedListeners,
  type FeedLog,
  FeedUnavailable,
  type RowChange,
  startingHealth,
  type TableRef,
} from './change-feed.ts'
import {
  encodeStatusUpdate,
  formatLsn,
  type Lsn,
  type PgoutputMessage,
  parseEnvelope,
  parsePgoutput,
  type RelationMessage,
  timestampFromMs,
  timestampToIso,
} from './pgoutput.ts'
import { type ChangeBuilder, type ChangeValues, changeBuilder, textBytes } from './row-change.ts'
import { Walsender } from './walsender.ts'

/**
 * Changes from a server, by logical replication: a temporary slot, the plugin pgoutput, one reader.
 *
 * The reader must not become the server's problem. What it has not acknowledged, the server keeps; past
 * `max_slot_wal_keep_size` a checkpoint waits for the process that writes to us; and if we do not read, it is stuck in
 * that write. So a pause is short and bounded, and past the bounds the connection is destroyed, the backlog is dropped, and
 * the gap is announced: all subscribers resync.
 */

/** Changes that wait for the sink. Past this, reading pauses; a burst of one statement fits. */
export const MAX_QUEUED_CHANGES = 2_000
/** The same in bytes of text, for rows of a megabyte. */
export const MAX_QUEUED_BYTES = 32 * 1024 * 1024
/** Reading goes on when this part of the queue is left, so that it does not pause and resume at each change. */
const RESUME_AT = 0.5
/** Longest pause. The server's process is stuck in its write for as long, and a checkpoint may wait for it. */
export const MAX_PAUSE_MS = 5_000
/** How much of what a slot may keep we use at most, so that the server never has to take it from us. */
const KEEP_SHARE = 4
/** Taken for the limit where the server has none: a reader that is a gigabyte behind is of no use to anybody. */
const ASSUMED_KEEP_BYTES = 2 * 1024 ** 3
/** Changes older than this are dropped and reported as a gap: a resync is more useful than a stale stream. */
export const MAX_AGE_MS = 30_000
/** How often we tell the server how far we are. It recycles its log only up to there. */
const STATUS_INTERVAL_MS = 5_000
/** The server answers every status; after three unanswered ones the network has lost it. */
const SILENCE_LIMIT_STATUSES = 3
/** Changes that the sink gets at once: checks of 100 rows cost little more than one (REALTIME, 3.2). */
export const MAX_BATCH = 100
/** Pause before the next attempt: doubled after each failure, and up to as much again at random. */
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 10_000
/** What would be true next time too is asked rarely: settings of the server, an unknown password. */
const CONFIGURATION_RETRY_MS = 30_000
/** A feed that comes and goes, because it cannot keep up, is one streak of the log. */
const SETTLE_MS = 1_000
/** Making a slot waits for running transactions; somebody should know why nothing comes. */
const SLOW_START_MS = 5_000
/** How long `stop` waits for the sink. */
const STOP_TIMEOUT_MS = 5_000

export interface LogicalFeedOptions {
  /** With REPLICATION. */
  login: Login
  publication: string
  applicationName?: string
  log: FeedLog
  /** Resolves types by their oids; see `Catalog.findTypes`. */
  findTypes(oids: readonly number[]): Promise<PgType[]>
  /** Other limits, for tests. */
  limits?: Partial<FeedLimits>
}

export interface FeedLimits {
  queuedChanges: number
  queuedBytes: number
  pauseMs: number
  ageMs: number
  statusIntervalMs: number
}

const LIMITS: FeedLimits = {
  queuedChanges: MAX_QUEUED_CHANGES,
  queuedBytes: MAX_QUEUED_BYTES,
  pauseMs: MAX_PAUSE_MS,
  ageMs: MAX_AGE_MS,
  statusIntervalMs: STATUS_INTERVAL_MS,
}

/** Trying again soon would not help: somebody has to change a setting. */
class Misconfigured extends Error {
  override name = 'Misconfigured'
}

interface Relation {
  table: TableRef
  builder: Promise<ChangeBuilder>
}

/** What waits for the sink, in the order of the log. */
type Queued =
  | { tag: 'change'; relation: Relation; values: ChangeValues; commit: Commit; bytes: number }
  | { tag: 'definition'; table: TableRef }
  | { tag: 'gap'; reason: string }
  /** Everything before is done when the sink has had it. */
  | { tag: 'end'; position: Lsn }

interface Commit {
  xid: number
  commitTs: string
  position: string
}

export function createLogicalFeed(options: LogicalFeedOptions): ChangeFeed {
  const { log } = options
  const stopping = new AbortController()
  const health = startingHealth()
  let listeners: FeedListeners | undefined
  let running: Promise<void> | undefined
  /** Settled when the state may have changed, and made anew. */
  let changed = Promise.withResolvers<void>()
  let wake = Promise.withResolvers<void>()
  let isMisconfigured = false
  let hasWarnedOfLimit = false
  const streak = new Streak({
    log,
    failed:
      'realtime change feed: no changes come from the database (see reason); clients that follow them resync later; reconnecting with backoff and jitter',
    recovered: 'realtime change feed: streaming again',
    settleMs: SETTLE_MS,
  })

  function setState(state: FeedHealth['state']): void {
    health.state = state
    changed.resolve()
    changed = Promise.withResolvers()
  }

  /** Failed attempts since the feed last streamed. */
  let failures = 0

  /** One connection, from its first byte to its last. Resolves when the publication is empty; rejects otherwise. */
  async function runSession(url: string, to: FeedListeners): Promise<void> {
    const { addresses } = addressesOf(url)
    const walsender = new Walsender({
      // Of several hosts another one each time: a slot for changes is the primary's.
      address: addresses[failures % addresses.length]!,
      publication: options.publication,
      applicationName: options.applicationName ?? 'muster-realtime',
    })
    const cut = (): void => walsender.destroy(new Error('The feed was stopped.'))
    stopping.signal.addEventListener('abort', cut)
    const slow = setTimeout(
      () =>
        log.info(
          {},
          'realtime change feed: waiting for a replication slot; PostgreSQL creates it when the transactions in progress have ended',
        ),
      SLOW_START_MS,
    )
    let session: Session | undefined
    try {
      stopping.signal.throwIfAborted()
      const state = await walsender.readState()
      if (state.walLevel !== 'logical') {
        throw new Misconfigured(
          `The server has wal_level=${state.walLevel}; realtime needs wal_level=logical.`,
        )
      }
      if (state.publishedTables === undefined) {
        throw new Misconfigured(`There is no publication ${options.publication}.`)
      }
      if (state.publishedTables === 0) return
      if (state.maxKeepBytes === undefined && !hasWarnedOfLimit) {
        hasWarnedOfLimit = true
        log.warn(
          {},
          'realtime change feed: max_slot_wal_keep_size has no limit, so a hanging process could fill the disk of the database server; set it to about 2GB',
        )
      }
      const { stream, start } = await walsender.stream()
      clearTimeout(slow)
      session = new Session(
        options,
        { ...to, onGap: (reason) => tellGap(to, reason) },
        health,
        walsender,
        state.maxKeepBytes ?? ASSUMED_KEEP_BYTES,
      )
      session.begin(stream, start)
      health.lastError = null
      setState('streaming')
      streak.succeed()
      throw await walsender.whenLost
    } finally {
      clearTimeout(slow)
      stopping.signal.removeEventListener('abort', cut)
      walsender.destroy()
      // Wait for the last batch, so that it does not run beside the first batch of the next connection.
      await session?.end()
    }
  }

  function tellGap(to: FeedListeners, reason: string): void {
    health.gaps += 1
    to.onGap(reason)
  }

  async function run(to: FeedListeners): Promise<void> {
    while (!stopping.signal.aborted) {
      let pauseMs = 0
      const { url } = options.login
      try {
        await runSession(url, to)
        setState('idle')
        streak.succeed()
        await Promise.race([wake.promise, aborted(stopping.signal)])
        wake = Promise.withResolvers()
      } catch (error) {
        if (stopping.signal.aborted) break
        const reason = error instanceof Error ? error.message : String(error)
        const wasStreaming = health.state === 'streaming'
        health.lastError = reason
        if (wasStreaming) {
          failures = 0
          health.reconnects += 1
          tellGap(to, reason)
        }
        streak.fail(reason)
        failures += 1
        setState('reconnecting')
        const isRenewed = isWrongPassword(error) && (await options.login.renew?.(url)) !== undefined
        isMisconfigured = !isRenewed && isMisconfiguration(error)
        pauseMs = retryPause(failures, isMisconfigured)
      }
      await Promise.race([pause(pauseMs, stopping.signal), wake.promise])
    }
    setState('stopped')
  }

  return {
    health,

    async start(given) {
      listeners = given
      running = run(listeners)
      // Not for ever: the slot waits for transactions that are writing.
      await Promise.race([changed.promise, pause(SLOW_START_MS)])
    },

    async live(timeoutMs) {
      const deadline = AbortSignal.timeout(timeoutMs)
      if (health.state === 'idle') wake.resolve()
      while (health.state !== 'streaming') {
        if (health.state === 'stopped') throw new FeedUnavailable('Realtime is stopped.', true)
        const wasIdle = health.state === 'idle'
        await Promise.race([changed.promise, aborted(deadline)])
        // Looked again, and there is still nothing to stream.
        if (wasIdle && (health.state as string) === 'idle') {
          throw new FeedUnavailable(`The publication ${options.publication} has no tables.`, false)
        }
        if (deadline.aborted) {
          const reason = health.lastError ?? 'The changes of the database are not available yet.'
          throw new FeedUnavailable(reason, !isMisconfigured)
        }
      }
    },

    async stop() {
      stopping.abort()
      await Promise.race([running, pause(STOP_TIMEOUT_MS)])
    },
  }
}

/** What belongs to one connection: the queue, how far it was read and acknowledged, and the loop that empties it. */
class Session {
  readonly #to: FeedListeners
  readonly #health: FeedHealth
  readonly #walsender: Walsender
  readonly #findTypes: LogicalFeedOptions['findTypes']
  readonly #limits: FeedLimits
  readonly #maxLagBytes: bigint
  readonly #dropped = new AbortController()
  readonly #relations = new Map<number, Relation>()
  #stream: Duplex | undefined
  #queue: Queued[] = []
  #queuedBytes = 0
  #commit: Commit | undefined
  #received: Lsn = 0n
  #done: Lsn = 0n
  #heardAt = performance.now()
  #draining: Promise<void> | undefined
  #pauseTimer: NodeJS.Timeout | undefined
  #statusTimer: NodeJS.Timeout | undefined

  constructor(
    options: LogicalFeedOptions,
    to: FeedListeners,
    health: FeedHealth,
    walsender: Walsender,
    keepBytes: number,
  ) {
    this.#to = to
    this.#health = health
    this.#walsender = walsender
    this.#findTypes = options.findTypes
    this.#limits = { ...LIMITS, ...options.limits }
    this.#maxLagBytes = BigInt(Math.floor(keepBytes / KEEP_SHARE))
  }

  begin(stream: Duplex, start: Lsn): void {
    this.#stream = stream
    this.#received = start
    this.#done = start
    // In flowing mode alone each chunk is one message: `read()` joins them.
    stream.on('data', (chunk: Buffer) => this.#guarded(() => this.#receive(chunk)))
    this.#statusTimer = setInterval(() => this.#guarded(() => this.#tick()), this.#limits.statusIntervalMs)
  }

  /** Gives the backlog up, and resolves when the sink is through. */
  async end(): Promise<void> {
    this.#dropped.abort()
    clearTimeout(this.#pauseTimer)
    clearInterval(this.#statusTimer)
    this.#queue = []
    this.#queuedBytes = 0
    await this.#draining
    this.#health.queued = 0
  }

  /** A stream that cannot be understood, or that cannot be kept up with, is of no use any more. */
  #guarded(work: () => void): void {
    if (this.#dropped.signal.aborted) return
    try {
      work()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #fail(reason: Error): void {
    this.#dropped.abort()
    this.#walsender.destroy(reason)
  }

  #receive(chunk: Buffer): void {
    this.#heardAt = performance.now()
    const envelope = parseEnvelope(chunk)
    if (envelope.tag === 'keepalive') {
      this.#advance(envelope.serverLsn)
      // With nothing under way, everything up to here is done: other tables' changes are not sent.
      if (!this.#commit && this.#queue.length === 0 && !this.#draining) this.#done = this.#received
      if (envelope.replyRequested) this.#sendStatus()
      return
    }
    this.#advance(envelope.startLsn)
    if (envelope.serverLsn - this.#done > this.#maxLagBytes) {
      throw new Error(
        'The changes came faster than they could be delivered, and too much log was kept for them.',
      )
    }
    this.#handle(parsePgoutput(envelope.data), Number(envelope.sentAt / 1000n))
  }

  #advance(position: Lsn): void {
    if (position > this.#received) this.#received = position
  }

  #handle(message: PgoutputMessage, sentAtMs: number): void {
    switch (message.tag) {
      case 'begin':
        // By the server's clock alone.
        if (sentAtMs - Number(message.committedAt / 1000n) > this.#limits.ageMs) {
          throw new Error('The changes came faster than they could be delivered, and became too old.')
        }
        this.#commit = {
          xid: message.xid,
          commitTs: timestampToIso(message.committedAt),
          position: formatLsn(message.finalLsn),
        }
        return
      case 'commit':
        if (this.#commit) this.#to.onCommit(this.#commit.xid)
        this.#commit = undefined
        this.#push({ tag: 'end', position: message.endLsn })
        return
      case 'relation':
        this.#define(message)
        return
      case 'insert':
        this.#queueChange(message.relationOid, { kind: 'INSERT', record: message.row, oldIs: 'key' })
        return
      case 'update':
        this.#queueChange(message.relationOid, {
          kind: 'UPDATE',
          record: message.row,
          ...(message.old && { old: message.old.row }),
          oldIs: message.old?.is ?? 'key',
        })
        return
      case 'delete':
        this.#queueChange(message.relationOid, {
          kind: 'DELETE',
          old: message.old.row,
          oldIs: message.old.is,
        })
        return
      case 'truncate':
        this.#noteTruncation(message.relationOids)
        return
    }
  }

  #define({ oid, schema, name, columns }: RelationMessage): void {
    const table = { oid, schema, name }
    const builder = this.#findTypes(columns.map(({ typeOid }) => typeOid)).then((types) =>
      changeBuilder({
        table,
        columns: columns.map((column, index) => ({
          name: column.name,
          type: types[index]!,
          isPrimaryKey: column.isKey,
        })),
        inIdentity: columns.map(({ isKey }) => isKey),
      }),
    )
    // Told to whoever waits for the builder.
    builder.catch(() => {})
    this.#relations.set(oid, { table, builder })
    this.#push({ tag: 'definition', table })
  }

  #queueChange(oid: number, values: ChangeValues): void {
    const relation = this.#relations.get(oid)
    if (!relation || !this.#commit) throw new Error('A change came without its table or its transaction.')
    if (!this.#to.wants(relation.table)) return
    const bytes = textBytes(values.record, values.old)
    this.#queuedBytes += bytes
    this.#health.queued += 1
    this.#push({ tag: 'change', relation, values, commit: this.#commit, bytes })
    if (this.#health.queued >= this.#limits.queuedChanges || this.#queuedBytes >= this.#limits.queuedBytes) {
      this.#pause()
    }
  }

  /** TRUNCATE removes rows without an event for each: subscribers must resync. */
  #noteTruncation(oids: readonly number[]): void {
    const emptied = oids.flatMap((oid) => this.#relations.get(oid)?.table ?? [])
    if (emptied.some((table) => this.#to.wants(table))) {
      this.#push({ tag: 'gap', reason: 'A published table was emptied.' })
    }
  }

  #push(entry: Queued): void {
    this.#queue.push(entry)
    this.#draining ??= this.#drain()
  }

  #pause(): void {
    if (this.#pauseTimer) return
    this.#stream?.pause()
    this.#pauseTimer = setTimeout(
      () => this.#fail(new Error('The changes came faster than they could be delivered.')),
      this.#limits.pauseMs,
    )
  }

  #resumeWhenReady(): void {
    if (!this.#pauseTimer) return
    if (this.#health.queued > this.#limits.queuedChanges * RESUME_AT) return
    if (this.#queuedBytes > this.#limits.queuedBytes * RESUME_AT) return
    clearTimeout(this.#pauseTimer)
    this.#pauseTimer = undefined
    this.#heardAt = performance.now()
    this.#stream?.resume()
  }

  /** Gives the queue to the sink until it is empty. Never rejects. */
  async #drain(): Promise<void> {
    // What comes with the same packet goes along.
    await Promise.resolve()
    try {
      while (this.#queue.length > 0 && !this.#dropped.signal.aborted) await this.#drainOnce()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#draining = undefined
    }
  }

  async #drainOnce(): Promise<void> {
    const { changes, position, taken, bytes } = takeBatch(this.#queue)
    if (taken === 0) {
      const [first] = this.#queue.splice(0, 1)
      if (first?.tag === 'definition') this.#to.onDefinition(first.table)
      if (first?.tag === 'gap') this.#to.onGap(first.reason)
      return
    }
    this.#queue.splice(0, taken)
    if (changes.length > 0) {
      const batch: RowChange[] = []
      for (const { relation, values, commit } of changes) {
        batch.push((await relation.builder).build(values, commit))
      }
      await this.#to.sink(batch, this.#dropped.signal)
      if (this.#dropped.signal.aborted) return
      this.#health.queued -= changes.length
      this.#queuedBytes -= bytes
      const last = batch.at(-1)!
      this.#health.position = last.position
      this.#health.lastCommitTs = last.commitTs
    }
    if (position !== undefined) this.#done = position
    this.#resumeWhenReady()
  }

  #tick(): void {
    // While reading is paused nothing is heard, and the pause has a limit of its own.
    const silentMs = performance.now() - this.#heardAt
    if (!this.#pauseTimer && silentMs > SILENCE_LIMIT_STATUSES * this.#limits.statusIntervalMs) {
      throw new Error('The server has not been heard of for too long.')
    }
    this.#sendStatus()
  }

  #sendStatus(): void {
    const status = {
      written: this.#received,
      flushed: this.#done,
      now: timestampFromMs(Date.now()),
      requestReply: true,
    }
    this.#stream?.write(encodeStatusUpdate(status))
  }
}

/**
 * As many changes from the front as one batch takes, and how far the log is done with them. Whatever else there is ends the
 * batch: a new definition holds for what comes after it.
 */
function takeBatch(queue: readonly Queued[]): {
  changes: Extract<Queued, { tag: 'change' }>[]
  position: Lsn | undefined
  taken: number
  bytes: number
} {
  const changes: Extract<Queued, { tag: 'change' }>[] = []
  let [position, taken, bytes]: [Lsn | undefined, number, number] = [undefined, 0, 0]
  for (const entry of queue) {
    if (entry.tag === 'end') {
      position = entry.position
    } else if (entry.tag === 'change' && changes.length < MAX_BATCH) {
      changes.push(entry)
      bytes += entry.bytes
    } else {
      break
    }
    taken += 1
  }
  return { changes, position, taken, bytes }
}

/** The server's answer to a login or a setting that is not right: it would answer the same a moment later. */
function isMisconfiguration(error: unknown): boolean {
  if (error instanceof Misconfigured) return true
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return ['28000', '28P01', '42501', '3D000', '42704', '55000'].includes(code)
}

function retryPause(failures: number, isConfiguration: boolean): number {
  if (isConfiguration) return CONFIGURATION_RETRY_MS
  const pauseMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16))
  return pauseMs * (0.5 + Math.random() / 2)
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {})
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
