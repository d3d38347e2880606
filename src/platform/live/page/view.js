import { openDetail } from './detail.js'
import { byId, element, mark, setText } from './dom.js'
import { openList } from './list.js'
import { openMap } from './map.js'

// What is shown of a board: list, map and details agree on what is selected and what the filters let through.

/** @typedef {import('./geo.js').Place} Place */
/** @typedef {import('./list.js').Entry} Entry */
/** @typedef {import('./map.js').Line} Line */
/** @typedef {import('./map.js').Person} Person */
/** @typedef {import('./map.js').Spot} Spot */
/** @typedef {import('./shell.js').Happening} Happening */
/** @typedef {import('./shell.js').Session} Session */
/**
 * @typedef {import('./list.js').ListOptions & {
 *   looks: string[],
 *   legend: Record<string, string>,
 *   clusters: string,
 * }} ScreenOptions `legend`: marks in words; `clusters`: what the number of a mark counts
 */
/**
 * What a board tells, by what it knows at the moment.
 *
 * @typedef {object} Source
 * @property {(now: number) => Entry[]} entries in order
 * @property {(siteId: string) => string | undefined} nameOfSite
 * @property {(entries: Entry[], now: number) => Spot[]} spots
 * @property {(entries: Entry[], now: number) => Person[]} people
 * @property {(entries: Entry[]) => Line[]} [lines] the ways of items
 * @property {(id: string, now: number) => import('./detail.js').Details | null} details
 * @property {(id: string) => (Place | null)[]} places what the map shows of an item that is selected
 * @property {(id: string) => Promise<void>} [readMore] asks for what the list does not have
 * @property {() => string[]} notes above the list; empty ones are left out
 * @property {(entry: Entry) => string} name of an item, in a sentence
 * @property {readonly string[]} timely kinds of needs that time alone brings: no event tells of them
 */

/**
 * The screen of a page, on which one view after another is shown.
 *
 * @param {ScreenOptions} options
 */
export function openScreen(options) {
  /** @type {ReturnType<typeof openView> | null} */
  let view = null
  const list = openList(options, {
    onSelect: (id) => view?.select(id),
    onFilter: () => view?.show(),
  })
  const [one, many] = options.nouns
  const map = openMap({
    looks: options.looks,
    count: (items) => `${items} ${items === 1 ? one : many}`,
    onSites: (ids) => view?.openSites(ids),
  })
  const detail = openDetail({ onClose: () => view?.select(null) })
  byId('legend-marks').append(
    ...Object.entries(options.legend).map(([name, text]) => element('li', {}, mark(name), text)),
    element('li', {}, element('b', {}, '3'), options.clusters),
  )

  /** @param {Session} session @param {Source} source */
  function openView({ show, tell }, source) {
    /** @type {string | null} */
    let selectedId = null
    let hasFitted = false
    /** What needs a person and was told; null until the first reading is through. @type {Set<string> | null} */
    let told = null

    /** What needs a person, by item and kind, in words. @param {Entry[]} entries */
    function needsOf(entries) {
      /** @type {Map<string, Happening>} */
      const needs = new Map()
      for (const entry of entries) {
        for (const { kind, text } of entry.needs) {
          const sentence = `${options.needs[kind]}: ${source.name(entry)}, ${text}.`
          needs.set(`${kind} ${entry.id}`, { id: entry.id, text: sentence, isQuiet: false })
        }
      }
      return needs
    }

    /** @param {Entry[]} entries */
    function tellNeeds(entries) {
      const needs = needsOf(entries)
      for (const [key, happening] of needs) {
        const [kind = ''] = key.split(' ')
        if (told && !told.has(key) && source.timely.includes(kind)) tell(happening)
      }
      if (told) told = new Set(needs.keys())
    }

    void map.open()

    return {
      show,

      /** @param {number} now */
      render(now) {
        const all = source.entries(now)
        const entries = list.choose(all, source.nameOfSite)
        const details = selectedId === null ? null : source.details(selectedId, now)
        const shownId = details === null ? null : selectedId
        list.show(entries, shownId)
        map.show({
          spots: source.spots(entries, now),
          people: source.people(entries, now),
          lines: source.lines?.(entries) ?? [],
          selectedId: shownId,
        })
        detail.show(details)
        tellNeeds(all)
        const notes = source.notes().filter(Boolean)
        const note = byId('list-note')
        note.hidden = notes.length === 0
        setText(note, notes.join(' '))
      },

      /** The lists were read. */
      fit() {
        if (!hasFitted) map.fitAll()
        hasFitted = true
      },

      /** From now on, what time alone brings is told. @param {number} now */
      tellFromNowOn(now) {
        told ??= new Set(needsOf(source.entries(now)).keys())
      },

      /** Something else is to be read: what needs a person there is no news. */
      startAnew() {
        setText(byId('list-caption'), 'Reading …')
        hasFitted = false
        told = null
      },

      /** @param {string} id what the timeline tells of */
      open(id) {
        if (id !== selectedId && source.details(id, Date.now()) !== null) this.select(id)
      },

      /** @param {string | null} id */
      select(id) {
        const before = selectedId
        selectedId = id === selectedId ? null : id
        this.render(Date.now())
        if (selectedId !== null && source.details(selectedId, Date.now()) !== null) {
          map.reveal(source.places(selectedId).filter((place) => place !== null))
          detail.focus()
          source.readMore?.(selectedId).then(show, () => {
            // What the list has is shown; the next reading of the lists says what is wrong.
          })
        } else if (before) list.opener(before)?.focus()
      },

      /** @param {string[]} siteIds */
      openSites(siteIds) {
        list.showSites(siteIds)
        const there = list
          .choose(source.entries(Date.now()), source.nameOfSite)
          .filter((entry) => entry.siteIds.some((id) => siteIds.includes(id)))
        const [only] = there
        if (only && there.length === 1 && only.id !== selectedId) this.select(only.id)
        else byId('items').focus()
      },

      close() {
        view = null
        list.show([], null)
        map.show({ spots: [], people: [], lines: [], selectedId: null })
        detail.show(null)
      },
    }
  }

  return {
    /** @param {Session} session @param {Source} source */
    openView(session, source) {
      view = openView(session, source)
      return view
    },
    focus: () => byId('items').focus(),
  }
}

/** @typedef {ReturnType<ReturnType<typeof openScreen>['openView']>} BoardView */
