import { STATUSES } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { STALE_AFTER_MS } from './words.js'

// What the map shows: sites with their shifts, and where guards are.

/** @typedef {import('../../platform/live/page/geo.js').Place} Place */
/** @typedef {import('../../platform/live/page/map.js').Person} Person */
/** @typedef {import('../../platform/live/page/map.js').Spot} Spot */
/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./board.js').Status} Status */

/** What a mark can look like, the most urgent first. */
export const LOOKS = [
  ...Object.keys(NEEDS),
  'active',
  'assigned',
  'published',
  'draft',
  'completed',
  'cancelled',
  'no_show',
  'none',
]

/**
 * Sites with their shifts; a shift whose site one does not see stands where it is itself.
 *
 * @param {Board} board @param {Shift[]} shifts @param {number} now
 * @returns {Spot[]}
 */
export function spotsOf(board, shifts, now) {
  /** By place. @type {Map<string, Spot & { shifts: Shift[] }>} */
  const spots = new Map()
  /** @type {Map<string, Spot & { shifts: Shift[] }>} */
  const bySite = new Map()
  /** @param {string} siteId @param {Place} place @param {string} name @param {number} radiusMeters */
  const put = (siteId, place, name, radiusMeters) => {
    const key = `${place.latitude} ${place.longitude}`
    const known = spots.get(key)
    /** @type {Shift[]} */
    const there = known?.shifts ?? []
    const spot = known ?? {
      place,
      siteIds: [],
      name,
      radiusMeters,
      shifts: there,
      itemIds: [],
      describe: () => describe(there),
      rank: LOOKS.length - 1,
    }
    spot.siteIds.push(siteId)
    spots.set(key, spot)
    bySite.set(siteId, spot)
    return spot
  }
  for (const { id, place, name, radius_meters } of board.sites.values()) {
    if (place) put(id, place, name, radius_meters)
  }
  for (const shift of shifts) {
    const { location_id: siteId, place, title, status } = shift
    const spot = bySite.get(siteId) ?? (place && put(siteId, place, title, 0))
    if (!spot) continue
    spot.shifts.push(shift)
    spot.itemIds.push(shift.id)
    spot.rank = Math.min(spot.rank, LOOKS.indexOf(needsOf(board, shift, now)[0]?.kind ?? status))
  }
  return [...spots.values()]
}

/** @param {Shift[]} shifts */
function describe(shifts) {
  const counts = LOOKS.map((look) => [shifts.filter(({ status }) => status === look).length, look])
  const parts = counts.filter(([count]) => count !== 0)
  if (parts.length === 0) return 'no shifts shown'
  return parts
    .map(([count, look]) => `${count} ${STATUSES[/** @type {Status} */ (look)].toLowerCase()}`)
    .join(', ')
}

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
