import { Tally } from '../../metric.ts'
import { DatabaseBusy, DatabaseUnavailable, OutcomeUnknown } from './database.ts'
import { readDatabaseError } from './database-error.ts'

/** What failed on this process's connections, for requests and in the background. */
export const databaseErrors = new Tally(
  'muster_database_errors_total',
  'Transactions and single statements that failed, by SQLSTATE, refusals by rules (MU…) among them; busy: no connection came free in time; unavailable: no connection; outcome_unknown: a commit was not confirmed in time.',
  'sqlstate',
)

/** For both engines, once for each transaction. What the work itself threw counts for nothing here. */
export function countFailure(error: unknown): void {
  if (error instanceof DatabaseBusy) databaseErrors.add('busy')
  else if (error instanceof OutcomeUnknown) databaseErrors.add('outcome_unknown')
  else if (error instanceof DatabaseUnavailable) databaseErrors.add('unavailable')
  else {
    const sqlstate = readDatabaseError(error)?.sqlstate
    if (sqlstate) databaseErrors.add(sqlstate)
  }
}
