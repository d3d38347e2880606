// Which shifts are followed: those around now, or those of a day. Pure.

/** @typedef {import('./board.js').Period} Period */

const HOUR_MS = 3_600_000
/** No shift takes longer, so what began before is over. */
export const LONGEST_SHIFT_MS = 48 * HOUR_MS
const AROUND_NOW_MS = 48 * HOUR_MS

/** `2026-11-29`, in the reader's time. @param {number} at */
export function dayOf(at) {
  const date = new Date(at)
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Midnight, in the reader's time; a day with a change of the clock has 23 or 25 hours. @param {string} day @param {number} later days */
function midnight(day, later) {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(year, month - 1, date + later).getTime()
}

/** @param {string | null} day null: around now @param {number} now @returns {Period} */
export const periodOf = (day, now) =>
  day === null
    ? { from: now - AROUND_NOW_MS, to: now + AROUND_NOW_MS }
    : { from: midnight(day, 0), to: midnight(day, 1) }

/** @param {string | null} day null: today @param {number} days @param {number} now */
export const dayAfter = (day, days, now) => dayOf(midnight(day ?? dayOf(now), days))
