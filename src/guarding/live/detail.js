import { byId, element, setText } from '../../platform/live/page/dom.js'
import { STATUSES } from './board.js'
import { NEEDS, needsOf } from './needs.js'
import { checkInText, flagsText, incidentText, period, positionText } from './words.js'

// One shift, in full.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */

/** @param {{ onClose: () => void }} listeners */
export function openDetail({ onClose }) {
  const section = byId('detail')
  const facts = byId('detail-facts')
  /** What the list does not have, of the shift that was opened last. */
  let more = { id: '', professional: '', address: '' }
  /** @type {(() => void) | null} */
  let showAgain = null

  byId('detail-close').addEventListener('click', onClose)
  section.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') onClose()
  })

  /** @param {Record<string, string>} wanted by term, in order; empty ones are left out */
  function setFacts(wanted) {
    const entries = Object.entries(wanted).filter(([, text]) => text !== '')
    const isSame = entries.every(([term], index) => facts.children[index * 2]?.textContent === term)
    if (!isSame || facts.children.length !== entries.length * 2) {
      facts.replaceChildren(...entries.flatMap(([term]) => [element('dt', {}, term), element('dd')]))
    }
    for (const [index, [, text]] of entries.entries()) setText(facts.children[index * 2 + 1] ?? facts, text)
  }

  return {
    /** @param {Board} board @param {Shift | null} shift @param {number} now */
    show(board, shift, now) {
      showAgain = () => this.show(board, board.shifts.get(shift?.id ?? '') ?? null, Date.now())
      section.hidden = shift === null
      if (!shift) return
      const site = board.siteOf(shift)
      const checkIn = board.checkIns.get(shift.id)
      const position = board.positions.get(shift.id)
      const known = more.id === shift.id ? more : { professional: '', address: '' }
      setText(byId('detail-heading'), shift.title)
      setFacts({
        'Needs a person': needsOf(board, shift, now)
          .map(({ kind, text }) => `${NEEDS[kind]}: ${text}`)
          .join('; '),
        State: STATUSES[shift.status],
        Hours: flagsText(board.flags.get(shift.id) ?? []),
        Site: [site?.name, known.address || site?.address].filter(Boolean).join(', '),
        Time: period(shift),
        Guard: board.guardOf(shift) || known.professional,
        'Last check-in': checkIn ? checkInText(checkIn, now) : '',
        Position: position ? positionText(position, site?.place ?? shift.place, now) : '',
        Incidents: board
          .incidentsOf(shift.id)
          .map((incident) => incidentText(incident, now))
          .join('\n'),
      })
    },

    /** Moves the focus to it, and asks for what the list does not have. @param {Shift} shift @param {Board} board @param {import('../../platform/live/page/api.js').Api} api */
    async open(shift, board, api) {
      byId('detail-heading').focus()
      try {
        const [{ professional, location }, { items }] = await Promise.all([
          api.get(`/v1/shifts/${shift.id}`),
          api.list('/v1/assignments', { shift_id: shift.id }, 1),
        ])
        const assignment = items.find(({ ended_at }) => ended_at === null) ?? items[0]
        if (assignment) board.applyAssignment(assignment)
        more = { id: shift.id, professional: professional?.name ?? '', address: location?.address ?? '' }
        showAgain?.()
      } catch {
        // What the list has is shown; the next reading of the lists says what is wrong.
      }
    },
  }
}
