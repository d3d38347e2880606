import { readPlace } from '../../platform/live/page/geo.js'
import { merge, placeOf, Reading } from '../../platform/live/page/rows.js'
import { excerpt, words } from '../../platform/live/page/text.js'

// What the page knows of shifts, from lists and from events (platform/live/page/rows.js). Pure.

/** @typedef {import('../../platform/live/page/geo.js').Place} Place */
/** @typedef {'draft' | 'published' | 'assigned' | 'active' | 'completed' | 'cancelled' | 'no_show'} Status */
/**
 * @typedef {object} Shift
 * @property {string} id
 * @property {string} location_id
 * @property {string | null} professional_id
 * @property {Status} status
 * @property {string} start_datetime
 * @property {string} end_datetime
 * @property {string} time_zone
 * @property {string} title
 * @property {Place | null} place
 */
/**
 * @typedef {object} Site
 * @property {string} id
 * @property {string} name
 * @property {string} address
 * @property {number} radius_meters
 * @property {Place | null} place
 */
/**
 * @typedef {object} CheckIn
 * @property {string} id
 * @property {string} shift_id
 * @property {'clock_in' | 'break_start' | 'break_end' | 'ping' | 'clock_out'} kind
 * @property {'inside' | 'outside' | 'uncertain'} verdict
 * @property {number} distance_meters
 * @property {string} recorded_at
 * @property {Place | null} place
 */
/**
 * @typedef {object} Incident
 * @property {string} id
 * @property {string} shift_id
 * @property {string} category
 * @property {string} severity
 * @property {string} status
 * @property {string} occurred_at
 * @property {string} [description]
 */
/** @typedef {{ place: Place, accuracyMeters: number | null, at: number }} LivePosition `at`: ms since 1970, by our clock */
/** @typedef {Record<string, unknown>} Row */
/** @typedef {import('../../platform/live/page/feed.js').Change} Change */
/** @typedef {import('../../platform/live/page/shell.js').Happening} Happening */
/** @typedef {{ from: number, to: number }} Period ms since 1970: shifts that take place in it, or in part of it, are followed */

/** What people see, and in which order shifts are listed. */
export const STATUSES = /** @type {const} */ ({
  active: 'Active',
  assigned: 'Assigned',
  published: 'Open',
  draft: 'Draft',
  completed: 'Completed',
  cancelled: 'Cancelled',
  no_show: 'Nobody came',
})
const ORDER = /** @type {Status[]} */ (Object.keys(STATUSES))
const CHECK_INS = {
  clock_in: 'Clock-in',
  break_start: 'Break',
  break_end: 'End of a break',
  ping: 'Check-in',
  clock_out: 'Clock-out',
}

export class Board {
  /** @type {Map<string, Shift>} */
  shifts = new Map()
  /** @type {Map<string, Site>} */
  sites = new Map()
  /** The newest of each shift, by the device's clock. @type {Map<string, CheckIn>} */
  checkIns = new Map()
  /** Open ones. @type {Map<string, Incident>} */
  incidents = new Map()
  /** Of professionals, by id. @type {Map<string, string>} */
  names = new Map()
  /** What a person should look at in the hours, by shift. @type {Map<string, string[]>} */
  flags = new Map()
  /** By shift. @type {Map<string, LivePosition>} */
  positions = new Map()
  /** @type {Period} */
  period = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  #reading = new Reading()

  /** A reading of the lists begins. @param {Period} period */
  beginReading(period) {
    this.period = period
    this.#reading.begin()
  }

  /** It came to nothing: what is known stays. */
  abandonReading() {
    this.#reading.abandon()
  }

  /** @param {{ shifts: Row[], locations: Row[], incidents: Row[] }} lists */
  finishReading({ shifts, locations, incidents }) {
    const touched = this.#reading.finish()
    merge(
      this.shifts,
      shifts.map(readShift).filter((shift) => this.#isFollowed(shift)),
      touched,
    )
    merge(this.incidents, incidents.map(readIncident).filter(isOpen), touched)
    merge(this.sites, locations.map(readSite), new Set())
    for (const shiftId of this.checkIns.keys()) if (!this.shifts.has(shiftId)) this.checkIns.delete(shiftId)
    this.#forgetPositions()
  }

  /** @param {Change} change @returns {Happening | null} what to tell people of it; null when it is nothing to them */
  apply(change) {
    const id = String(change.record.id ?? change.old.id)
    this.#reading.touch(id)
    switch (change.table) {
      case 'shifts':
        return this.#applyShift(id, change)
      case 'gps_checkins':
        return change.type === 'DELETE' ? null : this.applyCheckIn(change.record)
      case 'incidents':
        return this.#applyIncident(id, change)
      case 'assignments':
        this.applyAssignment(change.record)
        return null
      default:
        return null
    }
  }

  /** @param {Row} row @returns {Happening | null} */
  applyCheckIn(row) {
    const checkIn = readCheckIn(row)
    const shift = this.shifts.get(checkIn.shift_id)
    if (!shift) return null
    const last = this.checkIns.get(shift.id)
    // A phone without a network delivers late, and in any order.
    if (!last || Date.parse(last.recorded_at) <= Date.parse(checkIn.recorded_at)) {
      this.checkIns.set(shift.id, checkIn)
    }
    const meters = Math.round(checkIn.distance_meters)
    return {
      id: shift.id,
      text: `${CHECK_INS[checkIn.kind]} for ${this.nameOf(shift)}: ${checkIn.verdict}, ${meters} m from the site.`,
      isQuiet: checkIn.kind === 'ping' && checkIn.verdict !== 'outside',
      at: Date.parse(checkIn.recorded_at),
      key: `gps_checkins ${checkIn.id}`,
    }
  }

  /** The one in force, or the last one. @param {Row} row */
  applyAssignment({ shift_id: shiftId, ended_as: ended, flags }) {
    if (ended === 'released') this.flags.delete(String(shiftId))
    else if (Array.isArray(flags)) this.flags.set(String(shiftId), flags)
  }

  /** @param {string} shiftId @param {Row} payload of the broadcast `position` @param {number} now */
  applyPosition(shiftId, payload, now) {
    const place = readPlace(payload.latitude, payload.longitude)
    if (!place || this.shifts.get(shiftId)?.status !== 'active') return
    const { accuracy_meters: accuracy } = payload
    const accuracyMeters = typeof accuracy === 'number' && accuracy >= 0 ? accuracy : null
    this.positions.set(shiftId, { place, accuracyMeters, at: now })
  }

  /** Active first, then by start. @returns {Shift[]} */
  list() {
    return [...this.shifts.values()].sort(
      (a, b) =>
        ORDER.indexOf(a.status) - ORDER.indexOf(b.status) ||
        Date.parse(a.start_datetime) - Date.parse(b.start_datetime) ||
        (a.id < b.id ? -1 : 1),
    )
  }

  /** @param {Shift} shift */
  siteOf(shift) {
    return this.sites.get(shift.location_id)
  }

  /** @param {Shift} shift */
  nameOf(shift) {
    const site = this.siteOf(shift)
    return site ? `${shift.title} at ${site.name}` : shift.title
  }

  /** Empty where there is none, or where one may not know who it is. @param {Shift} shift */
  guardOf(shift) {
    return (shift.professional_id !== null && this.names.get(shift.professional_id)) || ''
  }

  /** @param {string} shiftId */
  incidentsOf(shiftId) {
    return [...this.incidents.values()].filter((incident) => incident.shift_id === shiftId)
  }

  /** @param {string} id @param {Change} change @returns {Happening | null} */
  #applyShift(id, { type, record }) {
    const before = this.shifts.get(id)
    if (type === 'DELETE') {
      this.shifts.delete(id)
      this.#forgetPositions()
      return before ? { id, text: `${this.nameOf(before)} was removed.`, isQuiet: false } : null
    }
    // A long text that an update did not touch is not in its event.
    const shift = { ...before, ...readShift(record) }
    if (!before && !this.#isFollowed(shift)) return null
    this.shifts.set(id, shift)
    this.#forgetPositions()
    const now = STATUSES[shift.status].toLowerCase()
    const name = this.nameOf(shift)
    if (!before) return { id, text: `${name}: new, ${now}.`, isQuiet: false }
    if (before.status === shift.status) return { id, text: `${name} was changed.`, isQuiet: true }
    const was = STATUSES[before.status].toLowerCase()
    return { id, text: `${name}: ${was}, now ${now}.`, isQuiet: false }
  }

  /** @param {string} id @param {Change} change @returns {Happening | null} */
  #applyIncident(id, { type, record }) {
    const before = this.incidents.get(id)
    this.incidents.delete(id)
    if (type === 'DELETE') return null
    const incident = readIncident(record)
    if (isOpen(incident)) this.incidents.set(id, incident)
    const shift = this.shifts.get(incident.shift_id)
    if (!shift || (before && before.status === incident.status)) return null
    if (!before) return this.tellIncident(incident)
    const text = `Incident at ${this.nameOf(shift)}: ${words(incident.status)}.`
    return { id: shift.id, text, isQuiet: false }
  }

  /** @param {Incident} incident @returns {Happening | null} null when its shift is not followed */
  tellIncident({ id, shift_id, category, severity, description, occurred_at }) {
    const shift = this.shifts.get(shift_id)
    if (!shift) return null
    const what = `${words(category)}, severity ${severity}.${description ? ` ${excerpt(description)}` : ''}`
    const text = `Incident at ${this.nameOf(shift)}: ${what}`
    return { id: shift_id, text, isQuiet: false, at: Date.parse(occurred_at), key: `incidents ${id}` }
  }

  /** @param {Shift} shift */
  #isFollowed({ start_datetime, end_datetime }) {
    return Date.parse(end_datetime) > this.period.from && Date.parse(start_datetime) < this.period.to
  }

  /** Positions are of active shifts alone. */
  #forgetPositions() {
    for (const shiftId of this.positions.keys()) {
      if (this.shifts.get(shiftId)?.status !== 'active') this.positions.delete(shiftId)
    }
  }
}

/** @param {Incident} incident */
const isOpen = ({ status }) => status !== 'resolved'

/** @param {Row} row @returns {Shift} */
const readShift = (row) => ({ .../** @type {any} */ (row), place: placeOf(row, row.location_point) })
/** @param {Row} row @returns {Site} */
const readSite = (row) => ({ .../** @type {any} */ (row), place: placeOf(row, null) })
/** @param {Row} row @returns {CheckIn} */
const readCheckIn = (row) => ({ .../** @type {any} */ (row), place: placeOf(row, row.gps_point) })
/** @param {Row} row @returns {Incident} */
const readIncident = (row) => /** @type {any} */ (row)
