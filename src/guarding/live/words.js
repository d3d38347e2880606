import { distanceMeters } from '../../platform/live/page/geo.js'
import { between, clock, distance, moment, words } from '../../platform/live/page/text.js'

// How shifts, incidents, check-ins and positions are written. Pure.

/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./board.js').CheckIn} CheckIn */
/** @typedef {import('./board.js').Incident} Incident */
/** @typedef {import('./board.js').LivePosition} LivePosition */
/** @typedef {import('../../platform/live/page/geo.js').Place} Place */

const CHECK_INS = {
  clock_in: 'Clocked in',
  break_start: 'On a break',
  break_end: 'Back from a break',
  ping: 'Checked in',
  clock_out: 'Clocked out',
}

/** In the time of the site. @param {Shift} shift */
export const period = ({ start_datetime, end_datetime, time_zone }) =>
  between(start_datetime, end_datetime, time_zone)

/** @param {Incident} incident @param {number} now */
export const incidentText = ({ category, severity, status, occurred_at, description }, now) =>
  `${words(category)}, ${severity}, ${words(status)} (${moment(occurred_at, now)})${description ? `: ${description}` : ''}`

/** @param {CheckIn} checkIn @param {number} now */
export const checkInText = ({ kind, verdict, distance_meters, recorded_at }, now) =>
  `${CHECK_INS[kind]} ${moment(recorded_at, now)}, ${verdict} (${distance(distance_meters)})`

const FLAGS = /** @type {Record<string, string>} */ ({
  auto_closed: 'nobody clocked out',
  conflict: 'events contradict each other',
  corrected: 'corrected',
  imprecise: 'imprecise positions',
  late: 'late',
  outside: 'clocked out outside the site',
  overdue: 'events arrived too late',
})

/** @param {string[]} flags of an assignment */
export const flagsText = (flags) => flags.map((flag) => FLAGS[flag] ?? words(flag)).join(', ')

/** A phone sends a position every few seconds; after this long without one, the last says little. */
export const STALE_AFTER_MS = 120_000

/** @param {LivePosition} position @param {Place | null} site @param {number} now */
export function positionText({ place, at }, site, now) {
  const where = site ? `, ${distance(distanceMeters(place, site))} from the site` : ''
  return now - at > STALE_AFTER_MS ? `No position since ${clock(at)}${where}` : `Live ${clock(at)}${where}`
}
