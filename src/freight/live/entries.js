import { statusOf } from './board.js'
import { needsOf } from './needs.js'
import { progressText, routeText, windowText } from './words.js'

// What the list says of each load. Pure.

/** @typedef {import('../../platform/live/page/list.js').Entry} Entry */
/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Load} Load */

/** @param {Board} board @param {Load} load @param {number} now @returns {Entry} */
function entryOf(board, load, now) {
  const stops = board.stopsOf(load.id)
  const { at, next } = board.progressOf(load.id)
  const stop = next ?? at ?? stops.at(-1)
  const isNext = stop !== undefined && stop === next && load.status !== 'cancelled'
  const who = board
    .legsOf(load.id)
    .map((leg) => board.crewOf(leg))
    .filter(Boolean)
    .join('; ')
  const title = board.titleOf(load)
  const route = routeText(stops)
  const status = statusOf(load)
  return {
    id: load.id,
    status,
    title,
    needs: needsOf(board, load, now),
    place: route,
    when: stop ? `${isNext ? 'Next: ' : ''}${stop.name}, ${windowText(stop)}` : '',
    startsAt: stop?.window_starts_at ?? load.starts_at,
    who,
    seen: status === 'cancelled' ? (load.cancel_reason ?? '') : progressText(board, load, now),
    notes: [],
    siteIds: stops.map(({ id }) => id),
    searched: [title, ...stops.map(({ name }) => name), who, board.brokers.get(load.broker_id) ?? ''].join(
      ' ',
    ),
  }
}

/** @param {Board} board @param {number} now */
export const entriesOf = (board, now) => board.list().map((load) => entryOf(board, load, now))
