import type { FastifyReply, FastifyRequest } from 'fastify'
import { Tally } from '../platform/metric.ts'
import { VERDICTS } from '../platform/positions/verdict.ts'

const checkIns = new Tally(
  'muster_checkins_total',
  'Check-ins that were answered, by verdict; duplicate: stored before; rejected: an item of a batch that was refused (a single check-in that is refused counts in muster_problems_total). An answer that is given again under its Idempotency-Key counts again.',
  'verdict',
  [...VERDICTS, 'duplicate', 'rejected'],
)

const assignments = new Tally(
  'muster_assignments_total',
  'Requests to assign or to claim a shift, by outcome: assigned, or the code of the refusal.',
  'outcome',
)

/** What the provider of payouts said, what became of a webhook, or that there was no answer. */
export const PAYOUT_OUTCOMES = [
  ...['processing', 'completed', 'failed', 'refunded', 'no_answer', 'dead_letter'],
  ...['webhook_applied', 'webhook_ignored', 'webhook_duplicate', 'webhook_unknown'],
] as const

const payouts = new Tally(
  'muster_payout_answers_total',
  'Answers of the payout provider that this process noted, by the state of the payout after it; no_answer: tried again with backoff; dead_letter: given up until an admin retries; webhook_applied, _ignored (out of order), _duplicate and _unknown: what became of a webhook.',
  'outcome',
  PAYOUT_OUTCOMES,
)

export const metrics = [checkIns, assignments, payouts] as const

export const countPayout = (outcome: string): void => payouts.add(outcome)

/** What became of one: its verdict, or `duplicate`. */
export const countCheckIn = (outcome: string): void => checkIns.add(outcome)

/**
 * What became of each of a batch.
 *
 * @param results JSON in which each result has its `status` before its check-in
 * @param invalid how many items never reached the database
 */
export function countCheckIns(results: string, invalid: number): void {
  checkIns.add('rejected', invalid)
  let isNew = false
  // The text is not parsed: with a full batch that would cost as much as parsing the request.
  for (const [, member, word = ''] of results.matchAll(/"(status|verdict)"\s*:\s*"(\w+)"/g)) {
    if (member === 'status') isNew = word === 'created'
    if (isNew === (member === 'verdict')) checkIns.add(word)
  }
}

/** For routes that assign: a hook that sees their answer. */
export function countAssignment(_request: FastifyRequest, { problem }: FastifyReply, done: () => void): void {
  assignments.add(problem?.code ?? 'assigned')
  done()
}
