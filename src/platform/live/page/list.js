import { STATUSES } from './board.js'
import { byId, element, mark, setText } from './dom.js'
import { checkInText, period, positionText } from './words.js'

// The list: a table of shifts that changes in place, so that neither focus nor reading position is lost.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./board.js').Status} Status */

/** @type {Status[]} */
const SHOWN_AT_FIRST = ['active', 'assigned', 'published']

/**
 * @param {{ onSelect: (shiftId: string) => void, onFilter: () => void }} listeners
 */
export function openList({ onSelect, onFilter }) {
  const body = byId('rows')
  const search = /** @type {HTMLInputElement} */ (byId('search'))
  /** @type {Map<string, { row: HTMLTableRowElement, state: HTMLElement, title: HTMLButtonElement, site: HTMLElement, time: HTMLTimeElement, incidents: HTMLElement, seen: HTMLElement, status: string }>} */
  const rows = new Map()
  /** @type {Set<Status>} */
  const statuses = new Set(SHOWN_AT_FIRST)
  /** @type {string[] | null} */
  let siteIds = null

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
    byId('shifts').focus()
    onFilter()
  })

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
      incidents: element('span', { class: 'incidents' }),
      seen: element('td'),
      status: '',
    }
    const row = element(
      'tr',
      { 'data-shift': id },
      parts.state,
      element('th', { scope: 'row' }, title, parts.site, parts.time, parts.incidents),
      parts.seen,
    )
    return { ...parts, row }
  }

  /** @param {Board} board @param {Shift} shift @param {boolean} isSelected @param {number} now */
  function fillRow(board, shift, isSelected, now) {
    const parts = rows.get(shift.id) ?? makeRow(shift)
    rows.set(shift.id, parts)
    if (parts.status !== shift.status) {
      parts.state.replaceChildren(mark(shift.status), STATUSES[shift.status])
      parts.row.className = shift.status
      // What just changed is marked for a moment; a row that is new to the page is not.
      if (parts.status !== '') parts.row.classList.add('changed')
      parts.status = shift.status
    }
    setText(parts.title, shift.title)
    parts.title.setAttribute('aria-expanded', String(isSelected))
    setText(parts.site, board.siteOf(shift)?.name ?? '')
    setText(parts.time, period(shift))
    parts.time.dateTime = shift.start_datetime
    const incidents = board.incidentsOf(shift.id).length
    if (parts.incidents.dataset.count !== String(incidents)) {
      parts.incidents.dataset.count = String(incidents)
      parts.incidents.replaceChildren(
        ...(incidents > 0 ? [mark('incident'), `${incidents} open incident${incidents > 1 ? 's' : ''}`] : []),
      )
    }
    const position = board.positions.get(shift.id)
    const checkIn = board.checkIns.get(shift.id)
    if (position) setText(parts.seen, positionText(position, board.siteOf(shift)?.place ?? shift.place, now))
    else setText(parts.seen, checkIn ? checkInText(checkIn, now) : '')
    return parts.row
  }

  return {
    /** @param {string[]} ids sites; their shifts alone are shown */
    showSites(ids) {
      siteIds = ids
      onFilter()
    },

    /** @param {Board} board @returns {Shift[]} those that pass the filters, in order */
    choose(board) {
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
          statuses.has(shift.status) &&
          (ids === null || ids.includes(shift.location_id)) &&
          (wanted === '' || board.nameOf(shift).toLocaleLowerCase().includes(wanted)),
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
      /** @type {Element | null} */
      let next = body.firstElementChild
      for (const shift of shifts) {
        const row = fillRow(board, shift, shift.id === selected?.id, now)
        if (row === next) next = next.nextElementSibling
        else body.insertBefore(row, next)
      }
      // A row that moves takes the focus with it, and loses it on the way.
      if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused)
        focused.focus()
      setText(
        byId('list-caption'),
        shifts.length === 1 ? '1 shift' : shifts.length === 0 ? 'No shifts' : `${shifts.length} shifts`,
      )
    },

    /** @param {string} shiftId @returns {HTMLElement | undefined} what opens its details */
    opener(shiftId) {
      return rows.get(shiftId)?.title
    },
  }
}
