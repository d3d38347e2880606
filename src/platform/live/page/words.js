// How times and distances are written. Pure.

/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./board.js').CheckIn} CheckIn */
/** @typedef {import('./board.js').Incident} Incident */
/** @typedef {import('./board.js').LivePosition} LivePosition */
/** @typedef {import('./geo.js').Place} Place */

import { distanceMeters } from './geo.js'

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone
const CHECK_INS = {
  clock_in: 'Clocked in',
  break_start: 'On a break',
  break_end: 'Back from a break',
  ping: 'Checked in',
  clock_out: 'Clocked out',
}

/** Making one takes longer than using it a thousand times. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map()

/** @param {string} timeZone @param {Intl.DateTimeFormatOptions} options */
function format(timeZone, options) {
  const key = JSON.stringify([timeZone, options])
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', { ...options, timeZone })
  formats.set(key, made)
  return made
}

const DAY = /** @type {const} */ ({ weekday: 'short', day: 'numeric', month: 'short' })
const MINUTE = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit' })
const SECOND = /** @type {const} */ ({ ...MINUTE, second: '2-digit' })

/** In the time of the site: `Sun 22 Nov, 22:00–06:00`, with the zone where it is not the reader's. @param {Shift} shift */
export function period({ start_datetime, end_datetime, time_zone }) {
  const start = new Date(start_datetime)
  const end = new Date(end_datetime)
  const minute = format(time_zone, MINUTE)
  const zone = time_zone === HERE ? '' : ` (${time_zone.split('/').at(-1)?.replaceAll('_', ' ')})`
  return `${format(time_zone, DAY).format(start)}, ${minute.format(start)}–${minute.format(end)}${zone}`
}

/** In the reader's time. @param {number | string} at */
export const clock = (at) => format(HERE, SECOND).format(new Date(at))

/** @param {number | string} at @param {number} now */
function minuteOrDay(at, now) {
  const isToday = format(HERE, DAY).format(new Date(at)) === format(HERE, DAY).format(new Date(now))
  return format(HERE, isToday ? MINUTE : { ...DAY, ...MINUTE }).format(new Date(at))
}

/** A time of today, or with its day. In the reader's time. @param {number | string} at @param {number} now */
export const moment = minuteOrDay

/** `Fri 27 Nov, 20:50 to Tue 1 Dec, 20:50`, in the reader's time; a whole day is named alone. @param {import('./board.js').Period} period */
export function span({ from, to }) {
  const day = format(HERE, DAY)
  const isDay = format(HERE, MINUTE).format(from) === '00:00' && format(HERE, MINUTE).format(to) === '00:00'
  if (isDay) return day.format(from)
  const minute = format(HERE, { ...DAY, ...MINUTE })
  return `${minute.format(from)} to ${minute.format(to)}`
}

/** `5 min`, `1 h 20 min` @param {number} ms */
export function duration(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 60) return `${minutes} min`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `in_progress` → `in progress` @param {string} code */
export const words = (code) => code.replaceAll('_', ' ')

/** As much of a text as stands in a list or is spoken; the rest is in the details. */
const EXCERPT_LENGTH = 160

/** @param {string | undefined} text */
export const excerpt = (text = '') =>
  text.length <= EXCERPT_LENGTH ? text : `${text.slice(0, EXCERPT_LENGTH - 1).trimEnd()}…`

/** @param {Incident} incident @param {number} now */
export const incidentText = ({ category, severity, status, occurred_at, description }, now) =>
  `${words(category)}, ${severity}, ${words(status)} (${moment(occurred_at, now)})${description ? `: ${description}` : ''}`

/** @param {number} meters */
export const distance = (meters) =>
  meters < 1_000 ? `${Math.round(meters)} m` : `${(meters / 1_000).toFixed(meters < 10_000 ? 1 : 0)} km`

/** @param {CheckIn} checkIn @param {number} now */
export const checkInText = ({ kind, verdict, distance_meters, recorded_at }, now) =>
  `${CHECK_INS[kind]} ${minuteOrDay(recorded_at, now)}, ${verdict} (${distance(distance_meters)})`

/** A phone sends a position every few seconds; after this long without one, the last says little. */
export const STALE_AFTER_MS = 120_000

/** @param {LivePosition} position @param {Place | null} site @param {number} now */
export function positionText({ place, at }, site, now) {
  const where = site ? `, ${distance(distanceMeters(place, site))} from the site` : ''
  return now - at > STALE_AFTER_MS ? `No position since ${clock(at)}${where}` : `Live ${clock(at)}${where}`
}
