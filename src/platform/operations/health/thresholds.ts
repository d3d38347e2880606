/** From which value on a line is a warning, and from which it is bad. */
export interface Limits {
  warning: number
  bad: number
}

const MINUTE_SECONDS = 60
const HOUR_SECONDS = 60 * MINUTE_SECONDS
const DAY_SECONDS = 24 * HOUR_SECONDS
const MIB = 2 ** 20
const GIB = 2 ** 30

/** What each line of `npm run db:health` is judged by. Ratios are from 0 to 1. */
export const THRESHOLDS = {
  /** Of the connections that the server takes: past 80 % a restart of one process, which doubles its own, may not fit. */
  connections: { warning: 0.8, bad: 0.95 },
  /** Of the service's pool, while it was watched: past 80 % requests begin to wait for a connection. */
  poolUse: { warning: 0.8, bad: 0.95 },
  /** How often the pool is looked at, and how long between: one look would find it idle or full by chance. */
  poolLooks: { count: 5, pauseMs: 200 },

  /** Mean milliseconds of a statement. A request's target is p95 under 100 ms: no request with such a statement meets it. */
  statementMs: { warning: 100, bad: 1_000 },
  /** A statement with fewer calls says nothing about requests: migrations and people at a prompt run a few slow ones. */
  statementCalls: 20,

  /** Of the blocks that were asked for, those that were not in the cache. The target is a hit ratio over 95 %. */
  cacheMisses: { warning: 0.05, bad: 0.1 },
  /** The target is a hit ratio over 99 %: each level of an index that is not in the cache costs a read of the disk. */
  indexMisses: { warning: 0.01, bad: 0.05 },
  /** With fewer blocks since the counters began, the first reads after a start outweigh all others: 80 MB. */
  countedBlocks: 10_000,

  /** Dead rows of all rows. Autovacuum starts at 20 %. */
  deadRows: { warning: 0.25, bad: 0.5 },
  /** Fewer dead rows are no burden, whatever their part of a small table. */
  deadRowsFrom: 10_000,
  /** The part of a table that is estimated to be empty. A quarter is usual for a table with updates. */
  bloat: { warning: 0.5, bad: 0.75 },
  /** Smaller tables (8 MB) are not worth rewriting. */
  bloatFromPages: 1_000,
  /** Rows changed since the statistics were made, of all rows. Autovacuum makes new ones at 10 %. */
  statisticsChanged: { warning: 0.3, bad: 1 },
  /** In a smaller table a wrong plan costs little. */
  statisticsFromRows: 10_000,

  /** Growth in a month. The target is under 10 %: the disk that is twice as large lasts more than half a year. */
  growth: { warning: 0.1, bad: 0.25 },
  /** A smaller database grows by large ratios when it starts, and no disk is filled. */
  growthFromBytes: GIB,
  /** A shorter span would take one busy day for a month. */
  growthDays: 7,

  /** Of the size of all indexes, that of those that nobody uses. One of them is a warning. */
  unusedIndexes: { bad: 0.25 },
  /** Below this an index costs nothing that is worth a migration. */
  unusedFromBytes: MIB,
  /** Since when use has to be counted: a report may run once a month, but a week shows what requests use. */
  unusedDays: 7,
  /** Rows of a table that refers to another by columns without an index: each delete there reads all of it. */
  missingIndexRows: { warning: 0, bad: 100_000 },
  /** The size of indexes that repeat another. */
  duplicateIndexBytes: { warning: 0, bad: 100 * MIB },

  /** What a replication slot keeps of the log. The default disk of a small server has 20 GB. */
  slotBytes: { warning: GIB, bad: 10 * GIB },
  /** What a standby still has to replay: 16 MB is a segment of the log. */
  replicaBytes: { warning: 16 * MIB, bad: GIB },
  /** Seconds that a commit waits for a synchronous standby: one takes milliseconds. */
  syncWaitSeconds: { warning: 1, bad: 10 },

  /** Seconds: an open transaction keeps vacuum from removing anything that died since. The service ends its own after 15 s idle. */
  transactionSeconds: { warning: 5 * MINUTE_SECONDS, bad: HOUR_SECONDS },
  /** Seconds: the service gives a lock up after 5 s. */
  blockedSeconds: { warning: 5, bad: MINUTE_SECONDS },
  /** Dead rows, in multiples of what makes autovacuum start: past 2 it does not keep up, or is kept from it. */
  autovacuumBehind: { warning: 2, bad: 5 },
  /** Of the 2,147,483,648 transactions after which a server stops to write, those that are used. Autovacuum starts at 9 %. */
  wraparound: { warning: 0.25, bad: 0.5 },

  /** Seconds that background work is late. Each process of the service looks every 15 s, and the longest job takes two minutes. */
  jobLateSeconds: { warning: 10 * MINUTE_SECONDS, bad: 6 * HOUR_SECONDS },
  /** Runs of a job that failed since the last that did not: the fifth comes after a minute and a half. */
  jobFailures: { warning: 1, bad: 5 },

  /** Seconds since the newest backup. Without an archived log it is what would be lost: the target is under an hour. */
  backupSeconds: { warning: HOUR_SECONDS, bad: 25 * HOUR_SECONDS },
  /** With an archived log, which only makes a recovery longer. A daily backup may take an hour more. */
  backupSecondsArchived: { warning: 25 * HOUR_SECONDS, bad: 7 * DAY_SECONDS },
  /** Seconds that archiving has been failing: the log is kept until it succeeds, and fills the disk. */
  archiveFailingSeconds: { warning: 0, bad: HOUR_SECONDS },
} as const

/** The same names with other numbers. */
export type Thresholds = Widened<typeof THRESHOLDS>
type Widened<T> = { readonly [K in keyof T]: T[K] extends number ? number : Widened<T[K]> }
