import { STATUSES } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { checkInText, flagsText, incidentText, period, positionText } from './words.js'

// One shift, in full.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {{ professional: string, address: string }} More what the list does not have */

/**
 * @param {Board} board @param {Shift} shift @param {More | undefined} more @param {number} now
 * @returns {import('../../platform/live/page/detail.js').Details}
 */
export function detailsOf(board, shift, more, now) {
  const site = board.siteOf(shift)
  const checkIn = board.checkIns.get(shift.id)
  const position = board.positions.get(shift.id)
  return {
    heading: shift.title,
    facts: {
      'Needs a person': needsOf(board, shift, now)
        .map(({ kind, text }) => `${NEEDS[kind]}: ${text}`)
        .join('; '),
      State: STATUSES[shift.status],
      Hours: flagsText(board.flags.get(shift.id) ?? []),
      Site: [site?.name, more?.address || site?.address].filter(Boolean).join(', '),
      Time: period(shift),
      Guard: board.guardOf(shift) || (more?.professional ?? ''),
      'Last check-in': checkIn ? checkInText(checkIn, now) : '',
      Position: position ? positionText(position, site?.place ?? shift.place, now) : '',
      Incidents: board
        .incidentsOf(shift.id)
        .map((incident) => incidentText(incident, now))
        .join('\n'),
    },
  }
}

/** @param {Board} board @param {string} id @param {import('../../platform/live/page/api.js').Api} api @returns {Promise<More>} */
export async function readMore(board, id, api) {
  const [{ professional, location }, { items }] = await Promise.all([
    api.get(`/v1/shifts/${id}`),
    api.list('/v1/assignments', { shift_id: id }, 1),
  ])
  const assignment = items.find(({ ended_at }) => ended_at === null) ?? items[0]
  if (assignment) board.applyAssignment(assignment)
  return { professional: professional?.name ?? '', address: location?.address ?? '' }
}
