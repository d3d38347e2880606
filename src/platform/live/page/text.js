// How times and distances are written. Pure.

/** The reader's time zone. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** Making one takes longer than using it a thousand times. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map()

/** @param {string} timeZone @param {Intl.DateTimeFormatOptions} options */
export function format(timeZone, options) {
  const key = JSON.stringify([timeZone, options])
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', { ...options, timeZone })
  formats.set(key, made)
  return made
}

export const DAY = /** @type {const} */ ({ weekday: 'short', day: 'numeric', month: 'short' })
export const MINUTE = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit' })
const SECOND = /** @type {const} */ ({ ...MINUTE, second: '2-digit' })

/** In the reader's time. @param {number | string} at */
export const clock = (at) => format(HERE, SECOND).format(new Date(at))

/** A time of today, or with its day. In the reader's time. @param {number | string} at @param {number} now */
export function moment(at, now) {
  const isToday = format(HERE, DAY).format(new Date(at)) === format(HERE, DAY).format(new Date(now))
  return format(HERE, isToday ? MINUTE : { ...DAY, ...MINUTE }).format(new Date(at))
}

/** `Fri 27 Nov, 20:50 to Tue 1 Dec, 20:50`, in the reader's time; a whole day is named alone. @param {{ from: number, to: number }} period */
export function span({ from, to }) {
  const day = format(HERE, DAY)
  const isDay = format(HERE, MINUTE).format(from) === '00:00' && format(HERE, MINUTE).format(to) === '00:00'
  if (isDay) return day.format(from)
  const minute = format(HERE, { ...DAY, ...MINUTE })
  return `${minute.format(from)} to ${minute.format(to)}`
}

/** `Sun 22 Nov, 22:00–06:00`, with the zone where it is not the reader's. @param {string} start @param {string} end @param {string} timeZone */
export function between(start, end, timeZone) {
  const minute = format(timeZone, MINUTE)
  const zone = timeZone === HERE ? '' : ` (${timeZone.split('/').at(-1)?.replaceAll('_', ' ')})`
  return `${format(timeZone, DAY).format(new Date(start))}, ${minute.format(new Date(start))}–${minute.format(new Date(end))}${zone}`
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

/** @param {number} meters */
export const distance = (meters) =>
  meters < 1_000 ? `${Math.round(meters)} m` : `${(meters / 1_000).toFixed(meters < 10_000 ? 1 : 0)} km`
