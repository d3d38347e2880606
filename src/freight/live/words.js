import { distanceMeters } from '../../platform/live/page/geo.js'
import { between, distance, duration, moment } from '../../platform/live/page/text.js'

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

/** A phone reports every few minutes. In this time a truck goes 50 km: the last position says little. */
export const STALE_AFTER_MS = 30 * 60_000

const METERS_IN_MILE = 1_609.344

/** @param {number} meters @param {string} unit of the load */
function awayText(meters, unit) {
  if (unit !== 'mi') return distance(meters)
  const miles = meters / METERS_IN_MILE
  return `${miles.toFixed(miles < 10 ? 1 : 0)} mi`
}

/** `5 min ago, 84 mi from Detroit`, as the crow flies; empty when none is known. @param {Board} board @param {Load} load @param {number} now */
export function positionText(board, { id, distance_unit }, now) {
  const position = board.positionOf(id)
  if (!position) return ''
  const { last, next } = board.progressOf(id)
  const stop = next ?? last
  const age = now - position.at
  const ago = age < 60_000 ? 'just now' : `${duration(age)} ago`
  if (!stop?.place) return ago
  return `${ago}, ${awayText(distanceMeters(position.place, stop.place), distance_unit)} from ${stop.name}`
}

/** A line of the details: `Recorded 14:05, accurate to 8 m`. @param {Board} board @param {Load} load @param {number} now */
export function recordedText(board, { id }, now) {
  const position = board.positionOf(id)
  return position
    ? `Recorded ${moment(position.at, now)}, accurate to ${distance(position.accuracyMeters)}`
    : ''
}

/** Where it was last, where it is, and how long it has to the next stop. @param {Board} board @param {Load} load @param {number} now */
export function progressText(board, load, now) {
  const { id, status } = load
  const { at, last, next } = board.progressOf(id)
  const position = positionText(board, load, now)
  const due = next && status !== 'pending' ? Date.parse(next.window_ends_at) - now : -1
  return [
    at?.arrived_at ? `At ${at.name} since ${moment(at.arrived_at, now)}.` : '',
    !at && last?.departed_at ? `Left ${last.name} ${moment(last.departed_at, now)}.` : '',
    position ? `Position ${position}.` : '',
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
