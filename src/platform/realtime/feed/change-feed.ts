import type { RowImage } from '../row-image.ts'

export interface TableRef {
  /** `pg_class.oid`: survives a rename, so it is what subscriptions are filed under. */
  oid: number
  schema: string
  name: string
}

export type ChangeKind = 'INSERT' | 'UPDATE' | 'DELETE'

/** One change of one row, committed. */
export interface RowChange {
  kind: ChangeKind
  table: TableRef
  /** Commit time, UTC with milliseconds: `2026-11-21T22:33:02.241Z`. */
  commitTs: string
  /** Where the change stands in the feed: comparable only within one feed (an LSN, or an outbox number). */
  position: string
  /**
   * The writing transaction. An access check must wait until this id is visible to its own snapshot: decoding may
   * run ahead of visibility. Unset when the feed delivers only what is visible already.
   */
  xid?: number
  /** The row after the change; unset for DELETE. */
  record?: RowImage
  /** The row before the change, as far as the replica identity has it; unset for INSERT, and for an UPDATE that kept its key. */
  old?: RowImage
  /** Whether `old` holds the replica identity's key columns only, or the whole row (`replica identity full`). */
  oldIs: 'key' | 'full'
  /** Size of the change as its source spelled it, in bytes: for the record limit and for memory accounting. */
  bytes: number
}

export interface FeedHealth {
  /** `idle`: the publication has no tables, so nothing is held on the server. */
  state: 'starting' | 'streaming' | 'reconnecting' | 'idle' | 'stopped'
  /** The position of the last change that the sink has finished with. */
  position: string | null
  /** Commit time of that change. */
  lastCommitTs: string | null
  /** Changes received and not yet finished by the sink. */
  queued: number
  /** The number of reconnects to the source since `start`. */
  reconnects: number
  /** How often continuity was lost, that is how often `onGap` was told. */
  gaps: number
  /** Message of the last failure, until streaming works again. */
  lastError: string | null
}

export const startingHealth = (): FeedHealth => ({
  state: 'starting',
  position: null,
  lastCommitTs: null,
  queued: 0,
  reconnects: 0,
  gaps: 0,
  lastError: null,
})

/**
 * Takes the changes of a feed, one batch at a time, in commit order. When `dropped` aborts, the rest of the batch was given
 * up (a gap has been told): the sink delivers nothing more of it and settles soon. It never rejects.
 */
export type ChangeSink = (batch: readonly RowChange[], dropped: AbortSignal) => Promise<void>

export interface FeedListeners {
  sink: ChangeSink
  /** Continuity was lost: consumers that keep state from the feed must resync. Called before any later change. */
  onGap(reason: string): void
  /**
   * A table's definition was (re)announced, or every table's may have changed (`all`): cached columns, keys and privileges
   * are stale. Told between the changes before and after.
   */
  onDefinition(table: TableRef | 'all'): void
  /** A transaction was received, whether or not its changes are wanted. It may not be visible yet. */
  onCommit(xid: number): void
  /** Whether anybody wants the changes of a table now. Those of other tables are left out. */
  wants(table: TableRef): boolean
}

/**
 * Where committed changes come from: logical replication on a server, triggers and NOTIFY in the embedded database.
 * Delivery is at most once and in commit order; what cannot be delivered is announced by `onGap`.
 */
export interface ChangeFeed {
  /**
   * Starts delivering, and keeps at it whatever happens to the source. Resolves after the first attempt, also when it
   * failed (`health.lastError`). The next batch comes when the sink's promise has resolved, which is also when the feed
   * may acknowledge the batch to its source.
   */
  start(listeners: FeedListeners): Promise<void>
  /**
   * Resolves once every commit from now on is delivered, or announced as a gap; wakes an idle feed.
   *
   * @throws FeedUnavailable when that does not happen in time, saying why.
   */
  live(timeoutMs: number): Promise<void>
  /** Ends delivery and releases the source; resolves when nothing more will be sent to the sink. */
  stop(): Promise<void>
  readonly health: FeedHealth
}

/** The feed is not streaming, and did not begin to in time. */
export class FeedUnavailable extends Error {
  override name = 'FeedUnavailable'
  /** Whether it may stream a moment later. Else somebody has to change a setting. */
  readonly isTemporary: boolean
  constructor(message: string, isTemporary: boolean) {
    super(message)
    this.isTemporary = isTemporary
  }
}

export interface FeedLog {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}
