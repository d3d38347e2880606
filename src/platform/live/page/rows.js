import { parsePoint, readPlace } from './geo.js'

// What a board knows of rows, from two sources: lists that are read over HTTP, and events of the change stream. Pure.
//
// Events come in commit order, and from the moment of SUBSCRIBED none is left out. So while a list is being read, what an
// event says of a row stands against what the list says: should the list have been newer, its event is still to come.
// What the list no longer has, and no event brought meanwhile, has left one's view: no event says so.

/** @typedef {Record<string, unknown>} Row */

export class Reading {
  /** Rows that events touched since the reading under way began. @type {Set<string> | null} */
  #touched = null

  /** Of the lists. */
  begin() {
    this.#touched = new Set()
  }

  /** It came to nothing: what is known stays. */
  abandon() {
    this.#touched = null
  }

  /** An event told of this row. @param {string} id */
  touch(id) {
    this.#touched?.add(id)
  }

  /** @returns {Set<string>} ids of which events are to be believed */
  finish() {
    const touched = this.#touched ?? new Set()
    this.#touched = null
    return touched
  }
}

/**
 * @template {{ id: string }} T
 * @param {Map<string, T>} known
 * @param {T[]} read
 * @param {Set<string>} touched ids of which events are to be believed
 */
export function merge(known, read, touched) {
  const ids = new Set(read.map(({ id }) => id))
  for (const id of known.keys()) if (!ids.has(id) && !touched.has(id)) known.delete(id)
  for (const item of read) if (!touched.has(item.id)) known.set(item.id, item)
}

/** From a list, with `latitude` and `longitude`, or from an event, with the point. @param {Row} row @param {unknown} point */
export const placeOf = (row, point) => readPlace(row.latitude, row.longitude) ?? parsePoint(point)
