import { countByStatus, spotsOf as spotsOfSites } from '../../platform/live/page/spots.js'
import { STATUSES } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { STALE_AFTER_MS } from './words.js'

// What the map shows: sites with their shifts, and where guards are.

/** @typedef {import('../../platform/live/page/map.js').Person} Person */
/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */

/** What a mark can look like, the most urgent first. */
export const LOOKS = [...Object.keys(NEEDS), ...Object.keys(STATUSES), 'none']

/**
 * Sites with their shifts; a shift whose site one does not see stands where it is itself.
 *
 * @param {Board} board @param {Shift[]} shifts @param {number} now
 */
export const spotsOf = (board, shifts, now) =>
  spotsOfSites(
    [...board.sites.values()].map(({ radius_meters: radiusMeters, ...site }) => ({ ...site, radiusMeters })),
    shifts.map((shift) => ({
      ...shift,
      siteId: shift.location_id,
      name: shift.title,
      look: needsOf(board, shift, now)[0]?.kind ?? shift.status,
    })),
    LOOKS,
    (there) => countByStatus(there, STATUSES, 'no shifts shown'),
  )

/**
 * Where the guards of these shifts are: live, or where they checked in last.
 *
 * @param {Board} board @param {Shift[]} shifts @param {number} now
 * @returns {Person[]}
 */
export function peopleOf(board, shifts, now) {
  const ids = new Set(shifts.map(({ id }) => id))
  /** @type {Person[]} */
  const people = []
  for (const { shift_id: itemId, place, verdict } of board.checkIns.values()) {
    if (!place || !ids.has(itemId) || board.shifts.get(itemId)?.status !== 'active') continue
    if (board.positions.has(itemId)) continue
    // Who is outside is seen from afar.
    const isSeenFromAfar = verdict === 'outside'
    people.push({ itemId, mark: verdict, look: 'check-in', place, isSeenFromAfar, accuracyMeters: 0 })
  }
  for (const [itemId, { place, accuracyMeters, at }] of board.positions) {
    if (!ids.has(itemId)) continue
    const look = now - at > STALE_AFTER_MS ? 'position stale' : 'position'
    people.push({
      itemId,
      mark: 'position',
      look,
      place,
      isSeenFromAfar: true,
      accuracyMeters: accuracyMeters ?? 0,
    })
  }
  return people
}
