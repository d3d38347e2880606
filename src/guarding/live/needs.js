import { arrange as arrangeByNeeds } from '../../platform/live/page/needs.js'
import { distance, duration, words } from '../../platform/live/page/text.js'

// Which shifts need a person, why, and which first. Pure.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {'incident' | 'absent' | 'outside' | 'late' | 'uncovered'} Kind */
/** @typedef {{ kind: Kind, since: number, text: string }} Need `since`: ms since 1970 */
/** @typedef {{ shift: Shift, needs: Need[] }} Item */

/** In the order in which a dispatcher takes them: people in danger, then sites without a guard, then what may come to that. */
export const NEEDS = /** @type {const} */ ({
  incident: 'Incident',
  absent: 'Nobody there',
  outside: 'Outside',
  late: 'Late',
  uncovered: 'Uncovered',
})

/** A guard some minutes behind is looking for the door. After this long, the client will call: somebody must be sent. */
export const ABSENT_AFTER_MS = 15 * 60_000
/** Time to find a guard and for the guard to travel. What starts later is for the planner, by day. */
export const UNCOVERED_AHEAD_MS = 4 * 3_600_000

/**
 * Why a shift needs a person, the most urgent reason first; empty when it needs nobody.
 *
 * @param {Board} board
 * @param {Shift} shift
 * @param {number} now
 * @returns {Need[]}
 */
export function needsOf(board, shift, now) {
  /** @type {Need[]} */
  const needs = []
  // An acknowledged incident is in somebody's hands already.
  const incidents = board.incidentsOf(shift.id).filter(({ status }) => status === 'open')
  for (const { category, severity, occurred_at } of incidents) {
    needs.push({ kind: 'incident', since: Date.parse(occurred_at), text: `${words(category)}, ${severity}` })
  }
  const start = Date.parse(shift.start_datetime)
  const end = Date.parse(shift.end_datetime)
  const checkIn = board.checkIns.get(shift.id)
  const isOnDuty = shift.status === 'active' || (shift.status === 'assigned' && now >= start)
  if (isOnDuty && checkIn?.verdict === 'outside' && checkIn.kind !== 'clock_out') {
    const text = `${distance(checkIn.distance_meters)} from the site`
    needs.push({ kind: 'outside', since: Date.parse(checkIn.recorded_at), text })
  } else if (shift.status === 'assigned' && now >= start) {
    const kind = now - start < ABSENT_AFTER_MS ? 'late' : 'absent'
    const text = now < end ? `no clock-in, started ${duration(now - start)} ago` : 'nobody clocked in'
    needs.push({ kind, since: start, text })
  }
  if (shift.status === 'published' && start - now < UNCOVERED_AHEAD_MS && now < end) {
    const text = now < start ? `starts in ${duration(start - now)}` : `started ${duration(now - start)} ago`
    needs.push({ kind: 'uncovered', since: start, text: `no guard, ${text}` })
  }
  return needs
}

/**
 * Shifts that need a person, the most urgent first and the longest waiting of those, and the others in the order given.
 *
 * @param {Board} board
 * @param {Shift[]} shifts
 * @param {number} now
 * @returns {{ urgent: Item[], others: Item[] }}
 */
export const arrange = (board, shifts, now) =>
  arrangeByNeeds(
    shifts.map((shift) => ({ shift, needs: needsOf(board, shift, now) })),
    Object.keys(NEEDS),
  )
