import { excerpt } from '../../platform/live/page/text.js'
import { needsOf } from './needs.js'
import { checkInText, incidentText, period, positionText } from './words.js'

// What the list says of each shift. Pure.

/** @typedef {import('../../platform/live/page/list.js').Entry} Entry */
/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */

/** @param {Board} board @param {Shift} shift @param {number} now @returns {Entry} */
function entryOf(board, shift, now) {
  const { id, status, title, location_id, start_datetime } = shift
  const site = board.siteOf(shift)
  const position = board.positions.get(id)
  const checkIn = board.checkIns.get(id)
  const guard = board.guardOf(shift)
  return {
    id,
    status,
    title,
    needs: needsOf(board, shift, now),
    place: site?.name ?? '',
    when: period(shift),
    startsAt: start_datetime,
    who: guard,
    seen: position
      ? positionText(position, site?.place ?? shift.place, now)
      : checkIn
        ? checkInText(checkIn, now)
        : '',
    notes: board.incidentsOf(id).map((incident) => ({
      mark: 'incident',
      text: incidentText({ ...incident, description: excerpt(incident.description) }, now),
    })),
    siteIds: [location_id],
    searched: `${board.nameOf(shift)} ${guard}`,
  }
}

/** @param {Board} board @param {number} now */
export const entriesOf = (board, now) => board.list().map((shift) => entryOf(board, shift, now))
