// Places: where they are on the map, how far apart, and how the change stream spells them. Pure: no page needed.

/** @typedef {{ latitude: number, longitude: number }} Place degrees, WGS 84 */
/** @typedef {{ x: number, y: number }} Point on the Web Mercator square: 0 to 1, from the north west */

/** Where Web Mercator ends: it would need infinite paper to reach the poles. */
const MAX_LATITUDE = 85.0511
const EARTH_CIRCUMFERENCE_METERS = 40_075_016.7
const EARTH_RADIUS_METERS = 6_371_008.8
/** Pixels of the whole world at zoom 0, as tiles have it. */
export const TILE_SIZE = 256

const radians = (/** @type {number} */ degrees) => (degrees * Math.PI) / 180

/** @param {Place} place @returns {Point} */
export function project({ latitude, longitude }) {
  const sine = Math.sin(radians(Math.max(-MAX_LATITUDE, Math.min(MAX_LATITUDE, latitude))))
  return { x: longitude / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) }
}

/** @param {Point} point @returns {Place} */
export function unproject({ x, y }) {
  return {
    latitude: (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI,
    longitude: (x - 0.5) * 360,
  }
}

/** @param {number} latitude @param {number} zoom */
export const metersPerPixel = (latitude, zoom) =>
  (EARTH_CIRCUMFERENCE_METERS * Math.cos(radians(latitude))) / (TILE_SIZE * 2 ** zoom)

/** Along a sphere: off by up to 0.3 %, which is enough to say "42 m from the site". @param {Place} a @param {Place} b */
export function distanceMeters(a, b) {
  const north = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2
  const east = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const haversine = north + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * east
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(haversine))
}

/** @param {unknown} latitude @param {unknown} longitude @returns {Place | null} null for what is no place */
export function readPlace(latitude, longitude) {
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return null
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180
  return isPlace ? { latitude, longitude } : null
}

/** EWKB: byte order, type with the flag "has an SRID", the SRID, and two doubles, in hex. */
const EWKB_POINT_HEX_DIGITS = 50
const EWKB_POINT_WITH_SRID = 0x20000001

/**
 * A `geography(Point)` as events have it, hex EWKB (https://postgis.net/docs/using_postgis_dbmanagement.html#EWKB_EWKT).
 *
 * @param {unknown} hex
 * @returns {Place | null}
 */
export function parsePoint(hex) {
  if (typeof hex !== 'string' || hex.length !== EWKB_POINT_HEX_DIGITS) return null
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  const view = new DataView(bytes.buffer)
  const isLittleEndian = view.getUint8(0) === 1
  if (view.getUint32(1, isLittleEndian) !== EWKB_POINT_WITH_SRID) return null
  return readPlace(view.getFloat64(17, isLittleEndian), view.getFloat64(9, isLittleEndian))
}
