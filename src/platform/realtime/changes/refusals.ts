import { readDatabaseError } from '../../db/engine/database-error.ts'
import { type ChangeRequest, describeRequest } from '../protocol/join.ts'
import { SubscriptionRefused } from './change-router.ts'

/** Why a subscription is refused, in the words that Supabase's clients and their developers know. */

const BEGINNING = 'Unable to subscribe to changes with given parameters.'

/** `raise exception` without a code of its own. */
const RAISED = 'P0001'

/** Names of the SQLSTATEs that a filter can end in (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
const CONDITION_NAMES: Readonly<Record<string, string>> = {
  [RAISED]: 'raise_exception',
  '22003': 'numeric_value_out_of_range',
  '22007': 'invalid_datetime_format',
  '22008': 'datetime_field_overflow',
  '22023': 'invalid_parameter_value',
  '22P02': 'invalid_text_representation',
  '2201B': 'invalid_regular_expression',
  '23514': 'check_violation',
  '42501': 'insufficient_privilege',
  '42704': 'undefined_object',
  '42804': 'datatype_mismatch',
  '42883': 'undefined_function',
}

/** No published table is meant by the request. */
export function notPublished(request: ChangeRequest): SubscriptionRefused {
  return new SubscriptionRefused(
    `${BEGINNING} Please check Realtime is enabled for the given connect parameters: [${describeRequest(request)}]`,
  )
}

/** The request does not fit the table, or the role. */
export function unfit(request: ChangeRequest, message: string, sqlstate = RAISED): SubscriptionRefused {
  const name = CONDITION_NAMES[sqlstate]
  const error = `ERROR ${sqlstate}${name ? ` (${name})` : ''} ${message}`
  return new SubscriptionRefused(
    `${BEGINNING} An exception happened so please check your connect parameters: [${describeRequest(request)}]. Exception: ${error}`,
  )
}

/**
 * Classes of what may be otherwise a moment later: connection, transaction rollback, resources, operator intervention, system
 * (https://www.postgresql.org/docs/15/errcodes-appendix.html).
 */
const MAY_PASS = /^(08|25|40|53|55|57|58)/

/**
 * PostgreSQL did not take the filter. Its message names the value, which is the client's own. Extensions refuse values with
 * any code: PostGIS with XX000, which elsewhere is a fault of the database.
 */
export function refusedByDatabase(request: ChangeRequest, error: unknown): SubscriptionRefused | undefined {
  const known = readDatabaseError(error)
  if (!known?.sqlstate || MAY_PASS.test(known.sqlstate)) return undefined
  return unfit(request, error instanceof Error ? error.message : '', known.sqlstate)
}

/** The changes cannot be had at the moment. */
export function unavailable(
  request: ChangeRequest,
  reason: string,
  isTemporary: boolean,
): SubscriptionRefused {
  return new SubscriptionRefused(`${BEGINNING} ${reason} [${describeRequest(request)}]`, isTemporary)
}
