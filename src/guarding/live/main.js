import { Refused } from '../../platform/live/page/api.js'
import { byId, element, mark, setText } from '../../platform/live/page/dom.js'
import { openMap } from '../../platform/live/page/map.js'
import { openSharing } from '../../platform/live/page/share.js'
import { openPage } from '../../platform/live/page/shell.js'
import { Board } from './board.js'
import { LONGEST_SHIFT_MS, periodOf } from './days.js'
import { openDetail } from './detail.js'
import { openList } from './list.js'
import { LOOKS, peopleOf, spotsOf } from './marks.js'
import { NEEDS, needsOf } from './needs.js'

// The board of guarding: the shifts around now or of a day, who is there, and what needs a person.

/** @typedef {import('../../platform/live/page/shell.js').Happening} Happening */
/** @typedef {import('../../platform/live/page/shell.js').Session} Session */
/** @typedef {import('../../platform/live/page/shell.js').View} View */
/** @typedef {import('./board.js').Shift} Shift */

const TITLE = 'Muster live'
/** 2,000 shifts and 2,000 sites: more than anybody watches, and as much as a phone draws smoothly. */
const MAX_PAGES = 20
/** Of incidents, which are few. */
const MAX_INCIDENT_PAGES = 5
/** Shifts of which the last check-in is asked for, and how many at a time. */
const MAX_LOOKUPS = 200
const LOOKUPS_AT_ONCE = 4

/** @type {ReturnType<typeof openView> | null} */
let view = null

const list = openList({
  onSelect: (id) => view?.select(id),
  onFilter: () => view?.show(),
  onDay: () => view?.readAnew(),
})
const map = openMap({
  looks: LOOKS,
  count: (items) => `${items} shift${items === 1 ? '' : 's'}`,
  onSites: (ids) => view?.openSites(ids),
})
const detail = openDetail({ onClose: () => view?.select(null) })
const sharing = openSharing()

/** @param {Session} session */
function openView({ me, api, feed, show, read, record, tell, isClosed }) {
  const board = new Board()
  /** @type {string | null} */
  let selectedId = null
  let hasFitted = false
  let isComplete = true
  let isRead = false
  /** Professionals whose names are not to be had. @type {Set<string>} */
  const nameless = new Set()
  /** What needs a person and was told; null until the first reading is through. @type {Set<string> | null} */
  let told = null
  /** Shifts whose last check-in was asked for since the last gap. @type {Set<string>} */
  const lookedUp = new Set()

  // ---- Reading ------------------------------------------------------------------------------------------------

  async function readLists() {
    const time = periodOf(list.day, Date.now())
    board.beginReading(time)
    // What began before the day may take place in it. Around now, that would be what is long over.
    const reach = list.day === null ? 0 : LONGEST_SHIFT_MS
    const starts_after = new Date(time.from - reach).toISOString()
    const starts_before = new Date(time.to).toISOString()
    const [shifts, locations, open, acknowledged] = await Promise.all([
      api.list('/v1/shifts', { starts_after, starts_before }, MAX_PAGES),
      api.list('/v1/locations', {}, MAX_PAGES),
      api.list('/v1/incidents', { status: 'open' }, MAX_INCIDENT_PAGES),
      api.list('/v1/incidents', { status: 'acknowledged' }, MAX_INCIDENT_PAGES),
    ])
    if (isClosed()) return async () => {}
    board.finishReading({
      shifts: shifts.items,
      locations: locations.items,
      incidents: [...open.items, ...acknowledged.items],
    })
    isComplete = shifts.isComplete && locations.isComplete
    isRead = true
    return async () => {
      followPositions()
      render(Date.now())
      if (!hasFitted) map.fitAll()
      hasFitted = true
      await Promise.all([lookUpCheckIns(), readNames()])
      for (const incident of board.incidents.values()) record(board.tellIncident(incident))
      if (isClosed()) return
      told ??= new Set(needsNow().keys())
      render(Date.now())
    }
  }

  /** The names of the guards on these shifts, as far as the list of professionals has them. */
  async function readNames() {
    const isUnknown = (/** @type {string | null} */ id) =>
      id !== null && !board.names.has(id) && !nameless.has(id)
    const unknown = [...board.shifts.values()].map((shift) => shift.professional_id).filter(isUnknown)
    if (unknown.length === 0) return
    // Not asked for again while they are being read, and not with each reading where they are not to be had.
    for (const id of unknown) nameless.add(String(id))
    try {
      const { items } = await api.list('/v1/professionals', {}, MAX_PAGES)
      for (const { id, name } of items) board.names.set(String(id), String(name))
      show()
    } catch (error) {
      for (const id of unknown) nameless.delete(String(id))
      if (!(error instanceof Refused)) throw error
    }
  }

  /** The list of shifts does not have their check-ins, and events have the new ones alone. */
  async function lookUpCheckIns() {
    const now = Date.now()
    // Who checks in from elsewhere is not on duty by that: an assigned shift that should have begun has check-ins too.
    const isBegun = (/** @type {Shift} */ { status, start_datetime: start }) =>
      status === 'active' || (status === 'assigned' && Date.parse(start) <= now)
    const wanted = board
      .list()
      .filter((shift) => isBegun(shift) && !lookedUp.has(shift.id))
      .slice(0, MAX_LOOKUPS)
      .map(({ id }) => id)
    const lookUp = async () => {
      for (let id = wanted.pop(); id !== undefined && !isClosed(); id = wanted.pop()) {
        lookedUp.add(id)
        try {
          const { last_checkin } = await api.get(`/v1/shifts/${id}`)
          if (last_checkin) record(board.applyCheckIn(last_checkin))
          show()
        } catch (error) {
          // It may have left one's view meanwhile: the next reading will say so.
          if (!(error instanceof Refused)) throw error
        }
      }
    }
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, lookUp))
  }

  // ---- Following ----------------------------------------------------------------------------------------------

  function followPositions() {
    const active = board.list().filter(({ status }) => status === 'active')
    feed.followPositions(active.map(({ id }) => id))
    const own = active.find(({ professional_id: id }) => id !== null && id === me.professional?.id)
    sharing.offer(own && { id: own.id, name: board.nameOf(own) }, async (position) => {
      if (!own) return
      // The channel brings one's own broadcasts to others alone.
      board.applyPosition(own.id, position, Date.now())
      show()
      await feed.sendPosition(own.id, position)
    })
  }

  /** What needs a person, by shift and kind, in words. */
  function needsNow() {
    /** @type {Map<string, Happening>} */
    const needs = new Map()
    for (const shift of board.shifts.values()) {
      for (const { kind, text } of needsOf(board, shift, Date.now())) {
        const sentence = `${NEEDS[kind]}: ${board.nameOf(shift)}, ${text}.`
        needs.set(`${kind} ${shift.id}`, { id: shift.id, text: sentence, isQuiet: false })
      }
    }
    return needs
  }

  /** Time alone makes a guard late: no event tells of it. Of the other kinds there was an event. */
  function tellNeeds() {
    const needs = needsNow()
    for (const [key, happening] of needs) {
      if (told && !told.has(key) && /^(late|absent|uncovered) /.test(key)) tell(happening)
    }
    if (told) told = new Set(needs.keys())
  }

  // ---- Showing ------------------------------------------------------------------------------------------------

  /** @param {number} now */
  function render(now) {
    const selected = selectedShift()
    const shifts = list.choose(board, now)
    list.show(board, shifts, selected, now)
    const people = peopleOf(board, shifts, now)
    map.show(spotsOf(board, shifts, now), people, selected?.id ?? null)
    detail.show(board, selected, now)
    tellNeeds()
    const elsewhere = [...board.incidents.values()].filter(
      ({ shift_id: id, status }) => status === 'open' && isRead && !board.shifts.has(id),
    ).length
    const notes = [
      isComplete ? '' : 'There is more than this page shows: only the first shifts and sites are here.',
      elsewhere === 0 ? '' : `Open incidents at shifts of other days: ${elsewhere}.`,
    ].filter(Boolean)
    const note = byId('list-note')
    note.hidden = notes.length === 0
    setText(note, notes.join(' '))
  }

  const selectedShift = () => (selectedId === null ? null : (board.shifts.get(selectedId) ?? null))

  void map.open()

  return {
    show,
    read: readLists,
    render,
    abandon: () => board.abandonReading(),
    joined: () => lookedUp.clear(),

    /** @param {import('../../platform/live/page/feed.js').Change} change */
    change(change) {
      tell(board.apply(change))
      if (change.table !== 'shifts') return
      followPositions()
      // What is wrong, the next reading says.
      readNames().catch(() => {})
    },

    /** @param {string} shiftId @param {Record<string, unknown>} payload */
    position: (shiftId, payload) => board.applyPosition(shiftId, payload, Date.now()),

    /** Another day was chosen. */
    readAnew() {
      setText(byId('list-caption'), 'Reading …')
      hasFitted = false
      // What needed a person on that day is no news.
      told = null
      read()
    },

    /** @param {string} shiftId what the timeline tells of */
    open(shiftId) {
      if (shiftId !== selectedId && board.shifts.has(shiftId)) this.select(shiftId)
    },

    /** @param {string | null} shiftId */
    select(shiftId) {
      const before = selectedId
      selectedId = shiftId === selectedId ? null : shiftId
      const shift = selectedShift()
      render(Date.now())
      if (shift) {
        const place = board.siteOf(shift)?.place ?? shift.place
        const checkIn = board.checkIns.get(shift.id)
        if (place) map.reveal(place, checkIn?.verdict === 'outside' ? checkIn.place : null)
        void detail.open(shift, board, api)
      } else if (before) list.opener(before)?.focus()
    },

    /** @param {string[]} siteIds */
    openSites(siteIds) {
      list.showSites(siteIds)
      const shifts = list.choose(board, Date.now()).filter(({ location_id }) => siteIds.includes(location_id))
      const [only] = shifts
      if (only && shifts.length === 1 && only.id !== selectedId) this.select(only.id)
      else byId('items').focus()
    },

    close() {
      view = null
      sharing.stop()
      list.show(new Board(), [], null, 0)
      map.show([], [], null)
      detail.show(new Board(), null, 0)
    },
  }
}

/** What the marks of the map mean. */
const LEGEND = {
  incident: 'Incident, open',
  absent: 'Nobody there (15 min)',
  outside: 'Guard outside',
  late: 'Late, no clock-in',
  uncovered: 'No guard, within 4 h',
  active: 'Guard on duty',
  assigned: 'Assigned',
  published: 'Open',
  position: 'Guard, live',
  none: 'Site',
}
byId('legend-marks').append(
  ...Object.entries(LEGEND).map(([name, text]) => element('li', {}, mark(name), text)),
  element('li', {}, element('b', {}, '3'), 'Shifts at and near it'),
)

await openPage({
  title: TITLE,
  tables: ['shifts', 'assignments', 'gps_checkins', 'incidents'],
  channel: 'shift:',
  describe: (me) => `${me.name} (${me.organization?.name ?? (me.role === 'zzp' ? 'guard' : me.role)})`,
  open(session) {
    view = openView(session)
    return view
  },
  focus: () => byId('items').focus(),
})
