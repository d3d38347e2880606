import type { DUTY_STATUSES } from '../duty/table.ts'
import { DISPATCHER, driverId, dutyEditId, dutyId } from './ids.ts'
import { DEMO_USERS } from './users.ts'

type Row = Record<string, unknown>

/** How long each status lasted, in hours, until now: two days, and the drive of the load that is in transit. */
const LOG: readonly [(typeof DUTY_STATUSES)[number], number][] = [
  ['on_duty', 0.5],
  ['driving', 4.5],
  ['off_duty', 0.75],
  ['driving', 4],
  ['on_duty', 1],
  ['sleeper', 12],
  ['on_duty', 0.75],
  ['driving', 3.5],
  ['off_duty', 1],
  ['driving', 4.25],
  ['on_duty', 0.5],
  ['off_duty', 13],
  ['on_duty', 1],
  ['driving', 2.25],
  ['off_duty', 0.5],
  ['driving', 1.5],
]

const HOUR_MS = 3_600_000
/** A few seconds, so that nothing begins in the future. */
const SENT_MS = 10_000

/** The log of the driver, and what was said about it. */
export function demoLog(now = Date.now()): { statuses: Row[]; edits: Row[] } {
  const total = LOG.reduce((sum, [, hours]) => sum + hours, 0)
  let elapsed = 0
  const statuses = LOG.map(([status, hours], n) => {
    const began_at = new Date(now - SENT_MS - (total - elapsed) * HOUR_MS).toISOString()
    elapsed += hours
    return {
      id: dutyId(n + 1),
      driver_id: driverId(1),
      status,
      began_at,
      recorded_at: began_at,
      device_id: 'phone-demo',
    }
  })
  const driver = DEMO_USERS.find(({ role }) => role === 'driver')!.id
  const edit = (n: number, entry: number, more: Row) => ({
    id: dutyEditId(n),
    driver_id: driverId(1),
    entry_id: dutyId(entry),
    kind: 'another',
    status: 'on_duty',
    began_at: statuses[entry - 1]!.began_at,
    proposed_by: DISPATCHER,
    proposed_as: 'carrier',
    state: 'proposed',
    decided_by: null,
    decided_at: null,
    ...more,
  })
  return {
    statuses,
    edits: [
      edit(1, 3, { reason: 'You helped at the dock.' }),
      edit(2, 9, { reason: 'The shipper says that you were loading.' }),
      edit(3, 5, {
        reason: 'The tank was filled until then.',
        state: 'accepted',
        decided_by: driver,
        decided_at: new Date(now).toISOString(),
      }),
    ],
  }
}
