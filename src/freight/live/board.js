import { merge, placeOf, Reading } from '../../platform/live/page/rows.js'

// What the page knows of loads, from lists and from events (platform/live/page/rows.js). Pure.

/** @typedef {import('../../platform/live/page/geo.js').Place} Place */
/** @typedef {'pending' | 'assigned' | 'in_transit' | 'delivered' | 'invoiced' | 'paid' | 'cancelled'} Status */
/**
 * @typedef {object} Load
 * @property {string} id
 * @property {string | null} reference
 * @property {Status} status
 * @property {string} broker_id
 * @property {string} starts_at
 * @property {string} ends_at
 * @property {number | null} distance
 * @property {string} distance_unit
 * @property {string | null} cancel_reason
 */
/**
 * @typedef {object} Stop
 * @property {string} id
 * @property {string} load_id
 * @property {number} position
 * @property {'pickup' | 'delivery'} kind
 * @property {string} name
 * @property {string} address
 * @property {string} time_zone
 * @property {string} window_starts_at
 * @property {string} window_ends_at
 * @property {string | null} arrived_at
 * @property {string | null} departed_at
 * @property {Place | null} place
 */
/**
 * @typedef {object} Assignment
 * @property {string} id
 * @property {string} load_id
 * @property {number} leg
 * @property {string} driver_id
 * @property {string | null} co_driver_id
 * @property {string} truck_id
 * @property {string | null} ended_at
 * @property {string | null} ended_as
 */
/** @typedef {{ id: string, place: Place, accuracyMeters: number, at: number }} Position `id`: of the load; `at`: by the clock of the phone, ms since 1970 */
/** @typedef {{ at: Stop | null, last: Stop | null, next: Stop | null }} Progress `at`: where it stands; `last`: where it arrived last; `next`: where it has to go, null at the end */
/** @typedef {Record<string, unknown>} Row */
/** @typedef {import('../../platform/live/page/feed.js').Change} Change */
/** @typedef {import('../../platform/live/page/shell.js').Happening} Happening */

/** What people see, and in which order loads are listed. What is invoiced and paid is delivered, to those who watch the road. */
export const STATUSES = /** @type {const} */ ({
  in_transit: 'In transit',
  assigned: 'Assigned',
  pending: 'Pending',
  delivered: 'Delivered',
  cancelled: 'Cancelled',
})
const ORDER = Object.keys(STATUSES)

/** The key in `STATUSES`. @param {{ status: Status }} load @returns {keyof typeof STATUSES} */
export const statusOf = ({ status }) => (status === 'invoiced' || status === 'paid' ? 'delivered' : status)

/** @param {{ status: Status }} load */
export const isOpen = ({ status }) => ['pending', 'assigned', 'in_transit'].includes(status)

/** Loads that are over are followed this long, from when they were to begin. */
export const OVER_MS = 7 * 86_400_000

/** What is less exact moves nothing, and says no more of a truck than its last stop does; lists leave it out, too. */
const MAX_ACCURACY_METERS = 1_000

export class Board {
  /** @type {Map<string, Load>} */
  loads = new Map()
  /** @type {Map<string, Stop>} */
  stops = new Map()
  /** @type {Map<string, Assignment>} */
  assignments = new Map()
  /** What phones reported last, by load. @type {Map<string, Position>} */
  positions = new Map()
  /** Of drivers, by id. @type {Map<string, string>} */
  drivers = new Map()
  /** Unit numbers, by id. @type {Map<string, string>} */
  trucks = new Map()
  /** Of brokers, by id. @type {Map<string, string>} */
  brokers = new Map()
  #reading = new Reading()
  /** By load, not by event. */
  #positionReading = new Reading()
  /** By load, in order; made when it is asked for. @type {Map<string, Stop[]> | null} */
  #stopsOf = null
  /** Those in force by load, by leg. @type {Map<string, Assignment[]> | null} */
  #legsOf = null
  /** Loads that are over and were to begin before it are not followed, in ms since 1970. */
  #since = Number.NEGATIVE_INFINITY

  /** A reading of the lists begins. @param {number} now */
  beginReading(now) {
    this.#since = now - OVER_MS
    this.#reading.begin()
    this.#positionReading.begin()
  }

  /** It came to nothing: what is known stays. */
  abandonReading() {
    this.#reading.abandon()
    this.#positionReading.abandon()
  }

  /** @param {{ loads: Row[], drivers: Row[], trucks: Row[], brokers: Row[] }} lists `loads` with what the detailed list has of each */
  finishReading({ loads, drivers, trucks, brokers }) {
    const touched = this.#reading.finish()
    const rows = /** @type {any[]} */ (loads)
    merge(
      this.loads,
      rows.map(({ stops: _, assignments: __, last_position: ___, ...load }) => load),
      touched,
    )
    merge(
      this.stops,
      rows.flatMap(({ stops }) => stops.map(readStop)),
      touched,
    )
    merge(
      this.assignments,
      rows.flatMap(({ assignments }) => assignments),
      touched,
    )
    merge(
      this.positions,
      rows.flatMap(({ id, last_position }) => (last_position && readPosition(id, last_position)) ?? []),
      this.#positionReading.finish(),
    )
    for (const { id, name } of drivers) this.drivers.set(String(id), String(name))
    for (const { id, unit_number } of trucks) this.trucks.set(String(id), String(unit_number))
    for (const { id, name } of brokers) this.brokers.set(String(id), String(name))
    this.#forgetOrder()
  }

  /** @param {Change} change @returns {Happening | null} what to tell people of it; null when it is nothing to them */
  apply(change) {
    const id = String(change.record.id ?? change.old.id)
    this.#reading.touch(id)
    this.#forgetOrder()
    switch (change.table) {
      case 'loads':
        return this.#applyLoad(id, change)
      case 'load_stops':
        return this.#applyStop(id, change)
      case 'load_assignments':
        return this.#applyAssignment(id, change)
      case 'stop_events':
        if (change.type !== 'DELETE') this.#applyStopEvent(change.record)
        return null
      default:
        return null
    }
  }

  /** In transit first, then by start. @returns {Load[]} */
  list() {
    return [...this.loads.values()].sort(
      (a, b) =>
        ORDER.indexOf(statusOf(a)) - ORDER.indexOf(statusOf(b)) ||
        Date.parse(a.starts_at) - Date.parse(b.starts_at) ||
        (a.id < b.id ? -1 : 1),
    )
  }

  /** In order. @param {string} loadId @returns {Stop[]} */
  stopsOf(loadId) {
    this.#stopsOf ??= byLoad(this.stops.values(), (a, b) => a.position - b.position)
    return this.#stopsOf.get(loadId) ?? []
  }

  /** The assignments in force, by leg. @param {string} loadId @returns {Assignment[]} */
  legsOf(loadId) {
    this.#legsOf ??= byLoad(
      [...this.assignments.values()].filter(({ ended_at }) => ended_at === null),
      (a, b) => a.leg - b.leg,
    )
    return this.#legsOf.get(loadId) ?? []
  }

  /** @param {string} loadId @returns {Progress} */
  progressOf(loadId) {
    const stops = this.stopsOf(loadId)
    const last = stops.findLast(({ arrived_at }) => arrived_at !== null) ?? null
    return {
      at: last?.departed_at === null ? last : null,
      last,
      next: stops.find(({ position }) => position > (last?.position ?? 0)) ?? null,
    }
  }

  /**
   * Where the phone of its driver reported a load in transit last; null when it has not, or when somebody noted an arrival after that.
   *
   * @param {string} loadId @returns {Position | null}
   */
  positionOf(loadId) {
    const position = this.positions.get(loadId)
    if (!position || this.loads.get(loadId)?.status !== 'in_transit') return null
    const arrivedAt = this.progressOf(loadId).last?.arrived_at
    return arrivedAt && Date.parse(arrivedAt) > position.at ? null : position
  }

  /** What lists tell of the past: where the loads in transit have been. @returns {Happening[]} */
  past() {
    return [...this.loads.values()]
      .filter(({ status }) => status === 'in_transit')
      .flatMap((load) => this.stopsOf(load.id).flatMap((stop) => visits(this.titleOf(load), stop)))
  }

  /** @param {Load} load */
  titleOf({ id, reference }) {
    return reference ?? `Load ${id.slice(-6)}`
  }

  /** @param {Load} load */
  nameOf(load) {
    const stops = this.stopsOf(load.id)
    const [first, last] = [stops[0], stops.at(-1)]
    return first && last ? `${this.titleOf(load)}, ${first.name} to ${last.name}` : this.titleOf(load)
  }

  /** Drivers and truck of an assignment; what one may not know is left out. @param {Assignment} assignment */
  crewOf({ driver_id, co_driver_id, truck_id }) {
    const drivers = [driver_id, co_driver_id].map((id) => (id === null ? undefined : this.drivers.get(id)))
    return [...drivers, this.trucks.get(truck_id)].filter(Boolean).join(', ')
  }

  /** @param {string} id @param {Change} change @returns {Happening | null} */
  #applyLoad(id, { type, record }) {
    const before = this.loads.get(id)
    if (type === 'DELETE') {
      this.loads.delete(id)
      return before ? { id, text: `${this.nameOf(before)} was removed.`, isQuiet: false } : null
    }
    const load = /** @type {Load} */ ({ ...before, ...record })
    if (!before && !isOpen(load) && Date.parse(load.starts_at) < this.#since) return null
    this.loads.set(id, load)
    const now = STATUSES[statusOf(load)].toLowerCase()
    const name = this.nameOf(load)
    if (!before) return { id, text: `${name}: new, ${now}.`, isQuiet: false }
    if (statusOf(before) === statusOf(load)) return { id, text: `${name} was changed.`, isQuiet: true }
    const was = STATUSES[statusOf(before)].toLowerCase()
    return { id, text: `${name}: ${was}, now ${now}.`, isQuiet: false }
  }

  /** @param {string} id @param {Change} change @returns {Happening | null} */
  #applyStop(id, { type, record }) {
    const before = this.stops.get(id)
    if (type === 'DELETE') {
      this.stops.delete(id)
      return null
    }
    const stop = { ...before, ...readStop(record) }
    this.stops.set(id, stop)
    const load = this.loads.get(stop.load_id)
    if (!load || !before) return null
    const known = new Set(visits(this.titleOf(load), before).map(({ key }) => key))
    return visits(this.titleOf(load), stop).findLast(({ key }) => !known.has(key)) ?? null
  }

  /** @param {string} id @param {Change} change @returns {Happening | null} */
  #applyAssignment(id, { type, record }) {
    const before = this.assignments.get(id)
    if (type === 'DELETE') {
      this.assignments.delete(id)
      return null
    }
    const assignment = /** @type {Assignment} */ (/** @type {unknown} */ ({ ...before, ...record }))
    this.assignments.set(id, assignment)
    const load = this.loads.get(assignment.load_id)
    const crew = this.crewOf(assignment)
    if (!load || crew === '') return null
    if (!before && assignment.ended_at === null)
      return { id: load.id, text: `${this.titleOf(load)}: ${crew} has it.`, isQuiet: true }
    if (before?.ended_at === null && assignment.ended_as === 'unassigned')
      return { id: load.id, text: `${this.titleOf(load)}: ${crew} has it no more.`, isQuiet: true }
    return null
  }

  /** Arrivals and departures, too; what they are to a stop, the event of the stop tells. @param {Row} row */
  #applyStopEvent(row) {
    const position = readPosition(String(row.load_id), row)
    if (!position) return
    const last = this.positions.get(position.id)
    // A phone without a network delivers late, and in any order.
    if (last && last.at > position.at) return
    this.#positionReading.touch(position.id)
    this.positions.set(position.id, position)
  }

  #forgetOrder() {
    this.#stopsOf = null
    this.#legsOf = null
  }
}

/**
 * That a load arrived at a stop and left it, as far as it has.
 *
 * @param {string} name @param {Stop} stop
 * @returns {Happening[]}
 */
function visits(name, stop) {
  const { id, load_id, arrived_at, departed_at } = stop
  const told = [
    /** @type {const} */ (['arrived', arrived_at, `${name} arrived at ${stop.name}.`]),
    /** @type {const} */ (['left', departed_at, `${name} left ${stop.name}.`]),
  ]
  return told.flatMap(([kind, at, text]) =>
    at === null ? [] : [{ id: load_id, text, isQuiet: false, at: Date.parse(at), key: `${kind} ${id}` }],
  )
}

/**
 * @template {{ load_id: string }} T
 * @param {Iterable<T>} items
 * @param {(a: T, b: T) => number} order
 */
function byLoad(items, order) {
  const groups = Map.groupBy(items, ({ load_id }) => load_id)
  for (const group of groups.values()) group.sort(order)
  return groups
}

/** @param {Row} row @returns {Stop} */
const readStop = (row) => ({ .../** @type {any} */ (row), place: placeOf(row, row.stop_point) })

/** @param {string} id of the load @param {Row} row @returns {Position | null} null when it is too inexact */
function readPosition(id, row) {
  const place = placeOf(row, row.event_point)
  const accuracyMeters = Number(row.accuracy_meters)
  if (!place || !(accuracyMeters <= MAX_ACCURACY_METERS)) return null
  return { id, place, accuracyMeters, at: Date.parse(String(row.recorded_at)) }
}
