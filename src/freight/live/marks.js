import { countByStatus, spotsOf as spotsOfSites } from '../../platform/live/page/spots.js'
import { STATUSES, statusOf } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { STALE_AFTER_MS } from './words.js'

// What the map shows: stops with their loads, the way of each load, and where trucks are. Pure.

/** @typedef {import('../../platform/live/page/geo.js').Place} Place */
/** @typedef {import('../../platform/live/page/map.js').Line} Line */
/** @typedef {import('../../platform/live/page/map.js').Person} Person */
/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Load} Load */

/** What a mark can look like, the most urgent first. */
export const LOOKS = [...Object.keys(NEEDS), ...Object.keys(STATUSES), 'none']

/**
 * The stops of these loads. A load has its mark where it stands, or has to go next; its other stops are dots.
 *
 * @param {Board} board @param {Load[]} loads @param {number} now
 */
export function spotsOf(board, loads, now) {
  const visits = loads.flatMap((load) => {
    const { at, last, next } = board.progressOf(load.id)
    const marked = at ?? next ?? last
    return board.stopsOf(load.id).map((stop) => ({
      ...stop,
      siteId: stop.id,
      id: load.id,
      status: statusOf(load),
      look: stop === marked ? (needsOf(board, load, now)[0]?.kind ?? statusOf(load)) : 'none',
    }))
  })
  const sites = visits.map(({ siteId: id, place, name }) => ({ id, place, name, radiusMeters: 0 }))
  return spotsOfSites(sites, visits, LOOKS, (there) => countByStatus(there, STATUSES, 'no loads shown'))
}

/** From stop to stop. @param {Board} board @param {Load[]} loads @returns {Line[]} */
export const linesOf = (board, loads) =>
  loads.map(({ id: itemId }) => ({
    itemId,
    places: board.stopsOf(itemId).flatMap(({ place }) => place ?? []),
  }))

/** Where the phone of the driver reported it last, else the stop where it arrived last. @param {Board} board @param {string} loadId @returns {Place | null} */
export const placeOfTruck = (board, loadId) =>
  board.positionOf(loadId)?.place ?? board.progressOf(loadId).last?.place ?? null

/** The trucks of loads in transit. @param {Board} board @param {Load[]} loads @param {number} now @returns {Person[]} */
export const trucksOf = (board, loads, now) =>
  loads.flatMap(({ id: itemId, status }) => {
    const place = status === 'in_transit' ? placeOfTruck(board, itemId) : null
    if (!place) return []
    const position = board.positionOf(itemId)
    const look = position && now - position.at > STALE_AFTER_MS ? 'truck stale' : 'truck'
    const accuracyMeters = position?.accuracyMeters ?? 0
    return [{ itemId, mark: 'truck', look, place, isSeenFromAfar: true, accuracyMeters }]
  })
