import { byId, element, mark, setText } from './dom.js'
import { arrange } from './needs.js'

// The list: what needs a person first. A table that changes in place, so that neither focus nor reading position is lost.

/** @typedef {import('./needs.js').Need} Need */
/**
 * What a row says.
 *
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} status
 * @property {Need[]} needs the most urgent first
 * @property {string} title
 * @property {string} place
 * @property {string} when
 * @property {string} startsAt of `when`, for machines
 * @property {string} who
 * @property {string} seen what was heard of it last
 * @property {{ mark: string, text: string }[]} notes
 * @property {string[]} siteIds where it is
 * @property {string} searched the text in which a search looks
 */
/**
 * @typedef {object} ListOptions
 * @property {Record<string, string>} statuses in words
 * @property {string[]} shownAtFirst
 * @property {Record<string, string>} needs kinds in words, the most urgent first
 * @property {readonly [one: string, many: string]} nouns
 * @property {string} title of the page
 */
/** @typedef {{ row: HTMLTableRowElement, state: HTMLElement, title: HTMLButtonElement, place: HTMLElement, time: HTMLTimeElement, who: HTMLElement, notes: HTMLElement, seen: HTMLElement, status: string, look: string }} Parts */

/** @param {ListOptions} options @param {{ onSelect: (id: string) => void, onFilter: () => void }} listeners */
export function openList(
  { statuses: words, shownAtFirst, needs: kinds, nouns, title },
  { onSelect, onFilter },
) {
  const bodies = { urgent: byId('urgent-rows'), others: byId('rows') }
  const search = /** @type {HTMLInputElement} */ (byId('search'))
  /** @type {Map<string, Parts>} */
  const rows = new Map()
  const statuses = new Set(shownAtFirst)
  /** @type {string[] | null} */
  let siteIds = null

  // ---- Filters ------------------------------------------------------------------------------------------------

  /** @type {Map<string, HTMLElement>} */
  const counts = new Map()
  for (const [status, word] of Object.entries(words)) {
    const box = element('input', { type: 'checkbox', name: 'status', value: status })
    box.checked = statuses.has(status)
    box.addEventListener('change', () => {
      if (box.checked) statuses.add(status)
      else statuses.delete(status)
      onFilter()
    })
    const count = element('span')
    counts.set(status, count)
    byId('status-filters').append(element('label', {}, box, mark(status), `${word} `, count))
  }
  search.addEventListener('input', onFilter)
  byId('filters').addEventListener('submit', (event) => event.preventDefault())
  byId('site-filter-clear').addEventListener('click', () => {
    siteIds = null
    byId('items').focus()
    onFilter()
  })

  // ---- Rows ---------------------------------------------------------------------------------------------------

  /** @param {string} id */
  function makeRow(id) {
    const title = element('button', { type: 'button', class: 'link' })
    title.addEventListener('click', () => onSelect(id))
    const parts = {
      title,
      state: element('td'),
      place: element('span', { class: 'site-name' }),
      time: element('time'),
      who: element('span', { class: 'who' }),
      notes: element('span', { class: 'notes' }),
      seen: element('span', { class: 'seen' }),
      status: '',
      look: '',
    }
    const row = element(
      'tr',
      { 'data-item': id },
      parts.state,
      element('th', { scope: 'row' }, title, parts.place, parts.time, parts.who),
      element('td', {}, parts.seen, parts.notes),
    )
    return { ...parts, row }
  }

  /** @param {Parts} parts @param {Entry} entry */
  function fillState(parts, { status, needs }) {
    const look = JSON.stringify([status, needs])
    if (parts.look === look) return
    parts.look = look
    // The most urgent of each kind.
    const shown = needs.filter(({ kind }, index) => needs.findIndex((need) => need.kind === kind) === index)
    parts.state.replaceChildren(
      ...shown.map(({ kind, text }) =>
        element('span', { class: `need ${kind}` }, mark(kind), kinds[kind] ?? '', element('small', {}, text)),
      ),
      element('span', { class: `status ${status}` }, mark(status), words[status] ?? ''),
    )
    parts.row.className = needs.length > 0 ? `${status} needs` : status
    // What just changed is marked for a moment; a row that is new to the page is not.
    if (parts.status !== '' && parts.status !== status) parts.row.classList.add('changed')
    parts.status = status
  }

  /** @param {Entry} entry @param {boolean} isSelected */
  function fillRow(entry, isSelected) {
    const parts = rows.get(entry.id) ?? makeRow(entry.id)
    rows.set(entry.id, parts)
    fillState(parts, entry)
    setText(parts.title, entry.title)
    parts.title.setAttribute('aria-expanded', String(isSelected))
    setText(parts.place, entry.place)
    setText(parts.time, entry.when)
    parts.time.dateTime = entry.startsAt
    setText(parts.who, entry.who)
    const texts = JSON.stringify(entry.notes)
    if (parts.notes.dataset.texts !== texts) {
      parts.notes.dataset.texts = texts
      parts.notes.replaceChildren(
        ...entry.notes.map(({ mark: name, text }) =>
          element('span', { class: 'note-text' }, mark(name), text),
        ),
      )
    }
    setText(parts.seen, entry.seen)
    return parts.row
  }

  /** @param {HTMLElement} body @param {Entry[]} entries @param {string | null} selectedId */
  function fillBody(body, entries, selectedId) {
    body.hidden = entries.length === 0
    // The first row is its heading.
    let next = body.firstElementChild?.nextElementSibling ?? null
    for (const entry of entries) {
      const row = fillRow(entry, entry.id === selectedId)
      if (row === next) next = next.nextElementSibling
      else body.insertBefore(row, next)
    }
  }

  return {
    /** @param {string[]} ids of sites; what is there alone is shown */
    showSites(ids) {
      siteIds = ids
      onFilter()
    },

    /** @param {Entry[]} all in order @param {(siteId: string) => string | undefined} nameOf a site @returns {Entry[]} those that pass the filters */
    choose(all, nameOf) {
      for (const [status, count] of counts) {
        setText(count, String(all.filter((entry) => entry.status === status).length))
      }
      const wanted = search.value.trim().toLocaleLowerCase()
      const ids = siteIds
      byId('site-filter').hidden = ids === null
      if (ids) setText(byId('site-filter-name'), `At ${nameOf(ids[0] ?? '') ?? 'this place'}.`)
      return all.filter(
        (entry) =>
          // No filter of states hides what needs a person.
          (statuses.has(entry.status) || entry.needs.length > 0) &&
          (ids === null || entry.siteIds.some((id) => ids.includes(id))) &&
          (wanted === '' || entry.searched.toLocaleLowerCase().includes(wanted)),
      )
    },

    /** @param {Entry[]} entries @param {string | null} selectedId */
    show(entries, selectedId) {
      const focused = document.activeElement
      const wanted = new Set(entries.map(({ id }) => id))
      for (const [id, { row }] of rows) {
        if (wanted.has(id)) continue
        row.remove()
        rows.delete(id)
      }
      const { urgent, others } = arrange(entries, Object.keys(kinds))
      fillBody(bodies.urgent, urgent, selectedId)
      fillBody(bodies.others, others, selectedId)
      // A row that moves takes the focus with it, and loses it on the way.
      if (focused instanceof HTMLElement && focused.isConnected && document.activeElement !== focused)
        focused.focus()
      const [one, many] = nouns
      const verb = urgent.length === 1 ? 'needs' : 'need'
      const needing = `${urgent.length || 'none'} ${verb} a person`
      const count = entries.length === 1 ? `1 ${one}` : `${entries.length} ${many}`
      setText(byId('list-caption'), entries.length === 0 ? `No ${many}` : `${count}, ${needing}`)
      document.title = urgent.length === 0 ? title : `(${urgent.length}) ${title}`
    },

    /** @param {string} id @returns {HTMLElement | undefined} what opens its details */
    opener(id) {
      return rows.get(id)?.title
    },
  }
}
