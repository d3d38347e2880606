import { Tally } from '../metric.ts'

/** What realtime did not deliver in this process, by why. Gaps of the change feed are counted by its health. */
export const realtimeLosses = new Tally(
  'muster_realtime_losses_total',
  'What was not delivered: slow_client: a client that reads too slowly was cut; over_limit: a client that exceeded a limit was cut; late_filters: a change whose filters PostgreSQL had no time for; bus_full: a message to other processes; bus_gap: messages of another process that were missed.',
  'reason',
  ['slow_client', 'over_limit', 'late_filters', 'bus_full', 'bus_gap'],
)
