import { Refused } from '../../platform/live/page/api.js'
import { byId, setText } from '../../platform/live/page/dom.js'
import { openSharing } from '../../platform/live/page/share.js'
import { openPage } from '../../platform/live/page/shell.js'
import { span } from '../../platform/live/page/text.js'
import { openScreen } from '../../platform/live/page/view.js'
import { Board, STATUSES } from './board.js'
import { dayAfter, dayOf, LONGEST_SHIFT_MS, periodOf } from './days.js'
import { detailsOf, readMore } from './details.js'
import { entriesOf } from './entries.js'
import { LOOKS, peopleOf, spotsOf } from './marks.js'
import { NEEDS } from './needs.js'

// The board of guarding: the shifts around now or of a day, who is there, and what needs a person.

/** @typedef {import('../../platform/live/page/list.js').Entry} Entry */
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

const screen = openScreen({
  statuses: STATUSES,
  shownAtFirst: ['active', 'assigned', 'published'],
  needs: NEEDS,
  nouns: ['shift', 'shifts'],
  title: TITLE,
  looks: LOOKS,
  legend: {
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
  },
  clusters: 'Shifts at and near it',
})
const sharing = openSharing()

// ---- Days -----------------------------------------------------------------------------------------------------

/** Another day was chosen. @type {() => void} */
let onDay = () => {}
/** In the reader's time, `2026-11-29`; null: around now. @type {string | null} */
let day = null
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

/** @param {Session} session @returns {View} */
function openView(session) {
  const { me, api, feed, show, read, record, tell, isClosed } = session
  const board = new Board()
  let isComplete = true
  let isRead = false
  /** Professionals whose names are not to be had. @type {Set<string>} */
  const nameless = new Set()
  /** Shifts whose last check-in was asked for since the last gap. @type {Set<string>} */
  const lookedUp = new Set()
  /** Of the shift that was opened last. @type {{ id: string, more: import('./details.js').More } | null} */
  let opened = null

  // ---- Reading ------------------------------------------------------------------------------------------------

  async function readLists() {
    const time = periodOf(day, Date.now())
    board.beginReading(time)
    // What began before the day may take place in it. Around now, that would be what is long over.
    const reach = day === null ? 0 : LONGEST_SHIFT_MS
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
      shown.fit()
      await Promise.all([lookUpCheckIns(), readNames()])
      for (const incident of board.incidents.values()) record(board.tellIncident(incident))
      if (isClosed()) return
      shown.tellFromNowOn(Date.now())
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

  // ---- Showing ------------------------------------------------------------------------------------------------

  /** @param {string} id */
  const shiftOf = (id) => board.shifts.get(id)
  /** @param {Entry[]} entries */
  const shiftsOf = (entries) => entries.map(({ id }) => shiftOf(id)).filter((shift) => shift !== undefined)

  const shown = screen.openView(session, {
    timely: ['late', 'absent', 'uncovered'],
    entries: (now) => entriesOf(board, now),
    nameOfSite: (id) => board.sites.get(id)?.name,
    name: ({ id }) => board.nameOf(/** @type {Shift} */ (shiftOf(id))),
    spots: (entries, now) => spotsOf(board, shiftsOf(entries), now),
    people: (entries, now) => peopleOf(board, shiftsOf(entries), now),
    details(id, now) {
      const shift = shiftOf(id)
      return shift ? detailsOf(board, shift, opened?.id === id ? opened.more : undefined, now) : null
    },
    places(id) {
      const shift = /** @type {Shift} */ (shiftOf(id))
      const checkIn = board.checkIns.get(id)
      return [
        board.siteOf(shift)?.place ?? shift.place,
        checkIn?.verdict === 'outside' ? checkIn.place : null,
      ]
    },
    async readMore(id) {
      opened = { id, more: await readMore(board, id, api) }
    },
    notes() {
      const elsewhere = [...board.incidents.values()].filter(
        ({ shift_id: id, status }) => status === 'open' && isRead && !board.shifts.has(id),
      ).length
      return [
        isComplete ? '' : 'There is more than this page shows: only the first shifts and sites are here.',
        elsewhere === 0 ? '' : `Open incidents at shifts of other days: ${elsewhere}.`,
      ]
    },
  })

  /** @param {number} now */
  function render(now) {
    shown.render(now)
    const which = day === null ? 'Shifts from' : day === dayOf(now) ? 'Shifts of today,' : 'Shifts of'
    // Nothing was read yet.
    const isKnown = Number.isFinite(board.period.from)
    setText(byId('span'), isKnown ? `${which} ${span(board.period)}.` : '')
  }

  onDay = () => {
    shown.startAnew()
    read()
  }

  return {
    read: readLists,
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

    render,
    open: (shiftId) => shown.open(shiftId),

    close() {
      sharing.stop()
      onDay = () => {}
      setText(byId('span'), '')
      shown.close()
    },
  }
}

await openPage({
  title: TITLE,
  tables: ['shifts', 'assignments', 'gps_checkins', 'incidents'],
  channel: 'shift:',
  describe: (me) => `${me.name} (${me.organization?.name ?? (me.role === 'zzp' ? 'guard' : me.role)})`,
  open: openView,
  focus: screen.focus,
})
