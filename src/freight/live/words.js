import { between, duration, moment } from '../../platform/live/page/text.js'

// How loads and their stops are written. Pure.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Load} Load */
/** @typedef {import('./board.js').Stop} Stop */

/** In the time of the stop. @param {Stop} stop */
export const windowText = ({ window_starts_at, window_ends_at, time_zone }) =>
  between(window_starts_at, window_ends_at, time_zone)

/** `Chicago → Columbus, 3 stops`. @param {Stop[]} stops */
export function routeText(stops) {
  const [first, last] = [stops[0], stops.at(-1)]
  if (!first || !last) return ''
  return `${first.name} → ${last.name}${stops.length > 2 ? `, ${stops.length} stops` : ''}`
}

/** What is due later than this, the window of the stop says well enough. */
const SOON_MS = 24 * 3_600_000

/** Where it was last, and how long it has to the next stop. @param {Board} board @param {Load} load @param {number} now */
export function progressText(board, { id, status }, now) {
  const { at, last, next } = board.progressOf(id)
  const due = next && status !== 'pending' ? Date.parse(next.window_ends_at) - now : -1
  return [
    at?.arrived_at ? `At ${at.name} since ${moment(at.arrived_at, now)}.` : '',
    !at && last?.departed_at ? `Left ${last.name} ${moment(last.departed_at, now)}.` : '',
    due >= 0 && due < SOON_MS ? `Due within ${duration(due)}.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** A line of the details. @param {Stop} stop @param {number} now */
export function stopText(stop, now) {
  const { position, kind, name, address, arrived_at, departed_at } = stop
  const been = [
    arrived_at ? `arrived ${moment(arrived_at, now)}` : '',
    departed_at ? `left ${moment(departed_at, now)}` : '',
  ].filter(Boolean)
  const what = kind === 'pickup' ? 'Pickup' : 'Delivery'
  return `${position}. ${what}: ${name}, ${address}; ${windowText(stop)}${been.length > 0 ? `; ${been.join(', ')}` : ''}`
}
