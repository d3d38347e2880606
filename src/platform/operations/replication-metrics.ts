import type { Database, Row } from '../db/engine/database.ts'
import type { Databases } from '../db/open.ts'
import { shareQuestion } from '../db/replica.ts'
import { gauge, type Metric } from '../metric.ts'
import { inTime } from './in-time.ts'

/** `wal_level` may be anything, and the server a standby (then nothing is written, only replayed). */
const SLOTS = `
  with now as (
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as position
  )
  select case when temporary then '(temporary)' else slot_name end as slot,
         bool_and(active) as active,
         coalesce(max(pg_wal_lsn_diff(now.position, restart_lsn)), 0)::float8 as kept_bytes
  from pg_replication_slots, now
  group by 1`

const POSITION = `
  select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as position`

/** Behind in time only while there is something to replay: a quiet primary makes no replica late. */
const LAG = `
  select greatest(pg_wal_lsn_diff($1::pg_lsn, pg_last_wal_replay_lsn()), 0)::float8 as bytes,
         case when pg_last_wal_replay_lsn() >= $1::pg_lsn then 0
              else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
         end::float8 as seconds`

interface Slot extends Row {
  slot: string
  active: boolean
  kept_bytes: number
}

interface Lag extends Row {
  bytes: number | null
  seconds: number | null
}

/**
 * Slots of anyone on the server, for one that nobody reads keeps the log until the disk is full, and how far the replica is behind.
 * Asked of the database when somebody asks for the metrics; the embedded engine has neither.
 */
export function replicationMetrics({ worker, replica }: Databases): Metric[] {
  const isServer = worker.kind === 'server'
  const slots = shareQuestion(async () => (isServer ? ask<Slot>(worker, SLOTS) : []))
  const lag = shareQuestion(async () => {
    if (!replica) return []
    const [primary] = await ask<{ position: string }>(worker, POSITION)
    return primary ? ask<Lag>(replica.database, LAG, [primary.position]) : []
  })
  const ofSlots = (value: (slot: Slot) => number) => async () =>
    (await slots()).map((one) => ({ labels: { slot: one.slot }, value: value(one) }))
  const ofLag = (unit: 'bytes' | 'seconds') => async () =>
    (await lag()).flatMap(({ [unit]: value }) => (value === null ? [] : [{ value }]))
  return [
    gauge(
      'muster_replication_slot_active',
      'Replication slots of the server, whoever made them: 1 where somebody reads. Temporary ones together.',
      ofSlots(({ active }) => Number(active)),
      ['slot'],
    ),
    gauge(
      'muster_replication_slot_kept_bytes',
      'Write-ahead log that the server keeps for a slot.',
      ofSlots((slot) => slot.kept_bytes),
      ['slot'],
    ),
    gauge('muster_replica_lag_bytes', 'Write-ahead log that the replica has not replayed.', ofLag('bytes')),
    gauge(
      'muster_replica_lag_seconds',
      'Age of the last transaction that the replica replayed; 0 when it has all.',
      ofLag('seconds'),
    ),
  ]
}

const ask = <R extends Row>(
  database: Database,
  text: string,
  parameters: readonly string[] = [],
): Promise<R[]> => inTime(database.query<R>(text, parameters))
