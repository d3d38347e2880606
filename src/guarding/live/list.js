import { byId, element, mark, setText } from '../../platform/live/page/dom.js'
import { excerpt, span } from '../../platform/live/page/text.js'
import { STATUSES } from './board.js'
import { dayAfter, dayOf } from './days.js'
import { arrange, NEEDS, needsOf } from './needs.js'
import { checkInText, incidentText, period, positionText } from './words.js'

// The list: what needs a person first. A table that changes in place, so that neither focus nor reading position is lost.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./board.js').Status} Status */
/** @typedef {import('./needs.js').Item} Item */
/** @typedef {import('./needs.js').Need} Need */
/** @typedef {{ row: HTMLTableRowElement, state: HTMLElement, title: HTMLButtonElement, site: HTMLElement, time: HTMLTimeElement, guard: HTMLElement, incidents: HTMLElement, seen: HTMLElement, status: string, look: string }} Parts */

/** @type {Status[]} */
const SHOWN_AT_FIRST = ['active', 'assigned', 'published']

/**
 * @param {{ onSelect: (shiftId: string) => void, onFilter: () => void, onDay: () => void }} listeners
 */
export function openList({ onSelect, onFilter, onDay }) {
  const bodies = { urgent: byId('urgent-rows'), others: byId('rows') }
  const search = /** @type {HTMLInputElement} */ (byId('search'))
  /** @type {Map<string, Parts>} */
  const rows = new Map()
  /** @type {Set<Status>} */
  const statuses = new Set(SHOWN_AT_FIRST)
  /** @type {string[] | null} */
  let siteIds = null
  /** In the reader's time, `2026-11-29`; null: around now. @type {string | null} */
  let day = null

  // ---- Filters ------------------------------------------------------------------------------------------------

  /** @type {Map<Status, HTMLElement>} */
  const counts = new Map()
  for (const status of /** @type {Status[]} */ (Object.keys(STATUSES))) {
    const box = element('input', { type: 'checkbox', name: 'status', value: status })
    box.checked = statuses.has(status)
    box.addEventListener('change', () => {
      if (box.checked) statuses.add(status)
      else statuses.delete(status)
      onFilter()
    })
    const count = element('span')
    counts.set(status, count)
    byId('status-filters').append(element('label', {}, box, mark(status), `${STATUSES[status]} `, count))
  }
  search.addEventListener('input', onFilter)
  byId('filters').addEventListener('submit', (event) => event.preventDefault())
  byId('site-filter-clear').addEventListener('click', () => {
    siteIds = null
    byId('items').focus()
    onFilter()
  })

  // ---- Days ---------------------------------------------------------------------------------------------------

  const dayInput = /** @type {HTMLInputElement} */ (byId('day'))
  /** @param {string | null} wanted */
  function choose(wanted) {
    if (wanted === day) return
    day = wanted
    dayInput.value = day ?? ''
    byId('now').setAttribute('aria-pressed', String(day === null))
    onDay()
  }
  byId('now').addEventListener('click', () => choose(null))
  byId('day-before').addEventListener('click', () => choose(dayAfter(day, -1, Date.now())))
  byId('day-after').addEventListener('click', () => choose(dayAfter(day, 1, Date.now())))
  dayInput.addEventListener('change', () => choose(dayInput.value === '' ? null : dayInput.value))

  // ---- Rows ---------------------------------------------------------------------------------------------------

  /** @param {Shift} shift */
  function makeRow({ id }) {
    const title = element('button', { type: 'button', class: 'link' })
    title.addEventListener('click', () => onSelect(id))
    const parts = {
      title,
      state: element('td'),
      site: element('span', { class: 'site-name' }),
      time: element('time'),
      guard: element('span', { class: 'guard' }),
      incidents: element('span', { class: 'incidents' }),
      seen: element('span', { class: 'seen' }),
      status: '',
      look: '',
    }
    const row = element(
      'tr',
      { 'data-shift': id },
      parts.state,
      element('th', { scope: 'row' }, title, parts.site, parts.time, parts.guard),
      element('td', {}, parts.seen, parts.incidents),
    )
    return { ...parts, row }
  }

  /** @param {Parts} parts @param {Shift} shift @param {Need[]} needs */
  function fillState(parts, { status }, needs) {
    const look = JSON.stringify([status, needs])
    if (parts.look === look) return
    parts.look = look
    // The most urgent of each kind.
    const kinds = needs.filter(({ kind }, index) => needs.findIndex((need) => need.kind === kind) === index)
    parts.state.replaceChildren(
      ...kinds.map(({ kind, text }) =>
        element('span', { class: `need ${kind}` }, mark(kind), NEEDS[kind], element('small', {}, text)),
      ),
      element('span', { class: `status ${status}` }, mark(status), STATUSES[status]),
    )
    parts.row.className = needs.length > 0 ? `${status} needs` : status
    // What just changed is marked for a moment; a row that is new to the page is not.
    if (parts.status !== '' && parts.status !== status) parts.row.classList.add('changed')
    parts.status = status
  }

  /** @param {Board} board @param {Item} item @param {boolean} isSelected @param {number} now */
  function fillRow(board, { shift, needs }, isSelected, now) {
    const parts = rows.get(shift.id) ?? makeRow(shift)
    rows.set(shift.id, parts)
    fillState(parts, shift, needs)
    setText(parts.title, shift.title)
    parts.title.setAttribute('aria-expanded', String(isSelected))
    setText(parts.site, board.siteOf(shift)?.name ?? '')
    setText(parts.time, period(shift))
    parts.time.dateTime = shift.start_datetime
    setText(parts.guard, board.guardOf(shift))
    const incidents = board.incidentsOf(shift.id)
    const texts = JSON.stringify(incidents)
    if (parts.incidents.dataset.texts !== texts) {
      parts.incidents.dataset.texts = texts
      parts.incidents.replaceChildren(
        ...incidents.map((incident) =>
          element(
            'span',
            { class: 'incident-text' },
            mark('incident'),
            incidentText({ ...incident, description: excerpt(incident.description) }, now),
          ),
        ),
      )
    }
    const position = board.positions.get(shift.id)
    const checkIn = board.checkIns.get(shift.id)
    if (position) setText(parts.seen, positionText(position, board.siteOf(shift)?.place ?? shift.place, now))
    else setText(parts.seen, checkIn ? checkInText(checkIn, now) : '')
    return parts.row
  }

  /** @param {HTMLElement} body @param {Board} board @param {Item[]} items @param {Shift | null} selected @param {number} now */
  function fillBody(body, board, items, selected, now) {
    body.hidden = items.length === 0
    // The first row is its heading.
    let next = body.firstElementChild?.nextElementSibling ?? null
    for (const item of items) {
      const row = fillRow(board, item, item.shift.id === selected?.id, now)
      if (row === next) next = next.nextElementSibling
      else body.insertBefore(row, next)
    }
  }

  return {
    /** @returns {string | null} */
    get day() {
      return day
    },

    /** @param {string[]} ids sites; their shifts alone are shown */
    showSites(ids) {
      siteIds = ids
      onFilter()
    },

    /** @param {Board} board @param {number} now @returns {Shift[]} those that pass the filters, in order */
    choose(board, now) {
      const all = board.list()
      for (const [status, count] of counts) {
        setText(count, String(all.filter((shift) => shift.status === status).length))
      }
      const wanted = search.value.trim().toLocaleLowerCase()
      const ids = siteIds
      byId('site-filter').hidden = ids === null
      if (ids) setText(byId('site-filter-name'), `At ${board.sites.get(ids[0] ?? '')?.name ?? 'this place'}.`)
      return all.filter(
        (shift) =>
          // No filter of states hides what needs a person.
          (statuses.has(shift.status) || needsOf(board, shift, now).length > 0) &&
          (ids === null || ids.includes(shift.location_id)) &&
          (wanted === '' ||
            `${board.nameOf(shift)} ${board.guardOf(shift)}`.toLocaleLowerCase().includes(wanted)),
      )
    },

    /** @param {Board} board @param {Shift[]} shifts @param {Shift | null} selected @param {number} now */
    show(board, shifts, selected, now) {
      const focused = document.activeElement
      const wanted = new Set(shifts.map(({ id }) => id))
      for (const [id, { row }] of rows) {
        if (wanted.has(id)) continue
        row.remove()
        rows.delete(id)
      }
      const { urgent, others } = arrange(board, shifts, now)
      fillBody(bodies.urgent, board, urgent, selected, now)
      fillBody(bodies.others, board, others, selected, now)
      // A row that moves takes the focus with it, and loses it on the way.
      if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused)
        focused.focus()
      const verb = urgent.length === 1 ? 'needs' : 'need'
      const needing = `${urgent.length || 'none'} ${verb} a person`
      const count = shifts.length === 1 ? '1 shift' : `${shifts.length} shifts`
      setText(byId('list-caption'), shifts.length === 0 ? 'No shifts' : `${count}, ${needing}`)
      document.title = urgent.length === 0 ? 'Muster live' : `(${urgent.length}) Muster live`
      const which = day === null ? 'Shifts from' : day === dayOf(now) ? 'Shifts of today,' : 'Shifts of'
      // Nothing was read yet, or no more after signing out.
      const isKnown = Number.isFinite(board.period.from)
      setText(byId('span'), isKnown ? `${which} ${span(board.period)}.` : '')
    },

    /** @param {string} shiftId @returns {HTMLElement | undefined} what opens its details */
    opener(shiftId) {
      return rows.get(shiftId)?.title
    },
  }
}
