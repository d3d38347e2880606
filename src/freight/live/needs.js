import { duration } from '../../platform/live/page/text.js'

// Which loads need a person, why, and which first. Pure.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Load} Load */
/** @typedef {'late' | 'uncovered' | 'held'} Kind */
/** @typedef {{ kind: Kind, since: number, text: string }} Need `since`: ms since 1970 */

/** In the order in which a dispatcher takes them: who waits for a truck, who will wait for one, and the truck that waits. */
export const NEEDS = /** @type {const} */ ({
  late: 'Late',
  uncovered: 'No driver',
  held: 'Held at a stop',
})

/** A driver rests for 10 hours between two days at work: who is to drive tomorrow has to hear of it today. */
export const UNCOVERED_AHEAD_MS = 24 * 3_600_000
/** What a stop may take before it is paid for: two hours are the custom of the trade in North America. */
export const FREE_TIME_MS = 2 * 3_600_000

/**
 * Why a load needs a person, the most urgent reason first; empty when it needs nobody.
 *
 * @param {Board} board
 * @param {Load} load
 * @param {number} now
 * @returns {Need[]}
 */
export function needsOf(board, { id, status, starts_at, ends_at }, now) {
  /** @type {Need[]} */
  const needs = []
  const { at, next } = board.progressOf(id)
  const isDriven = status === 'assigned' || status === 'in_transit'
  const due = next ? Date.parse(next.window_ends_at) : Number.POSITIVE_INFINITY
  if (isDriven && next && now > due) {
    needs.push({ kind: 'late', since: due, text: `was due at ${next.name} ${duration(now - due)} ago` })
  }
  const start = Date.parse(starts_at)
  if (status === 'pending' && start - now < UNCOVERED_AHEAD_MS && now < Date.parse(ends_at)) {
    const text = now < start ? `pickup in ${duration(start - now)}` : `pickup since ${duration(now - start)}`
    needs.push({ kind: 'uncovered', since: start, text })
  }
  if (isDriven && at?.arrived_at) {
    // Whoever comes before the window waits for it at their own expense.
    const since = Math.max(Date.parse(at.arrived_at), Date.parse(at.window_starts_at)) + FREE_TIME_MS
    if (now >= since) {
      const waited = duration(now - Date.parse(at.arrived_at))
      needs.push({ kind: 'held', since, text: `at ${at.name} for ${waited}` })
    }
  }
  return needs
}
