// Sites in one place, with what is there, for the map. Pure.

/** @typedef {import('./geo.js').Place} Place */
/** @typedef {import('./map.js').Spot} Spot */
/** @typedef {{ id: string, place: Place | null, name: string, radiusMeters: number }} Site */
/** @typedef {{ id: string, siteId: string, place: Place | null, name: string, look: string }} Item `place` and `name`: where it is whose site one does not see */

/**
 * @template {Item} T
 * @param {Iterable<Site>} sites
 * @param {T[]} items
 * @param {readonly string[]} looks the most urgent first; the last is of a site without items
 * @param {(items: T[]) => string} describe in words
 * @returns {Spot[]}
 */
export function spotsOf(sites, items, looks, describe) {
  /** By place. @type {Map<string, Spot>} */
  const spots = new Map()
  /** @type {Map<string, { spot: Spot, there: T[] }>} */
  const bySite = new Map()
  /** @type {Map<Spot, T[]>} */
  const itemsOf = new Map()
  /** @param {Omit<Site, 'place'> & { place: Place }} site */
  const put = ({ id, place, name, radiusMeters }) => {
    const key = `${place.latitude} ${place.longitude}`
    const known = spots.get(key)
    /** @type {T[]} */
    const there = (known && itemsOf.get(known)) ?? []
    const spot = known ?? {
      place,
      siteIds: [],
      name,
      radiusMeters,
      itemIds: [],
      describe: () => describe(there),
      rank: looks.length - 1,
    }
    spot.siteIds.push(id)
    spots.set(key, spot)
    itemsOf.set(spot, there)
    const made = { spot, there }
    bySite.set(id, made)
    return made
  }
  for (const { place, ...site } of sites) if (place) put({ ...site, place })
  for (const item of items) {
    const { siteId: id, place, name } = item
    const found = bySite.get(id) ?? (place && put({ id, place, name, radiusMeters: 0 }))
    if (!found) continue
    found.there.push(item)
    found.spot.itemIds.push(item.id)
    found.spot.rank = Math.min(found.spot.rank, looks.indexOf(item.look))
  }
  return [...spots.values()]
}

/** `2 open, 1 assigned`. @param {{ status: string }[]} items @param {Record<string, string>} statuses in words, in order @param {string} none */
export function countByStatus(items, statuses, none) {
  const parts = Object.entries(statuses)
    .map(
      ([status, word]) =>
        /** @type {const} */ ([items.filter((item) => item.status === status).length, word]),
    )
    .filter(([count]) => count !== 0)
  return parts.length === 0 ? none : parts.map(([count, word]) => `${count} ${word.toLowerCase()}`).join(', ')
}
