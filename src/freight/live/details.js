import { STATUSES, statusOf } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { progressText, recordedText, stopText } from './words.js'

// One load, in full.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Load} Load */

/** @param {Board} board @param {Load} load @param {number} now @returns {import('../../platform/live/page/detail.js').Details} */
export const detailsOf = (board, load, now) => ({
  heading: board.titleOf(load),
  facts: {
    'Needs a person': needsOf(board, load, now)
      .map(({ kind, text }) => `${NEEDS[kind]}: ${text}`)
      .join('; '),
    State: [STATUSES[statusOf(load)], load.cancel_reason ?? ''].filter(Boolean).join(': '),
    Now: progressText(board, load, now),
    Position: recordedText(board, load, now),
    Driver: board
      .legsOf(load.id)
      .map((leg) => board.crewOf(leg))
      .filter(Boolean)
      .join('\n'),
    Stops: board
      .stopsOf(load.id)
      .map((stop) => stopText(stop, now))
      .join('\n'),
    Broker: board.brokers.get(load.broker_id) ?? '',
    Distance: load.distance === null ? '' : `${load.distance} ${load.distance_unit}`,
  },
})
