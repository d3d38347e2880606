// Places: where they are on the map, how far apart, and how the change stream spells them. Pure: no page needed.

/** @typedef {{ latitude: number, longitude: number }} Place degrees, WGS 84 */

const EARTH_RADIUS_METERS = 6_371_008.8
const radians = (/** @type {number} */ degrees) => (degrees * Math.PI) / 180
const degrees = (/** @type {number} */ angle) => (angle * 180) / Math.PI

/** Along a sphere: off by up to 0.3 %, which is enough to say "42 m from the site". @param {Place} a @param {Place} b */
export function distanceMeters(a, b) {
  const north = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2
  const east = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const haversine = north + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * east
  return 2 * EARTH_RADIUS_METERS * Math.asin(Math.sqrt(haversine))
}

const WINDS = ['north', 'north-east', 'east', 'south-east', 'south', 'south-west', 'west', 'north-west']

/** In which of eight directions one goes from `a` to `b`; places near enough to each other for a flat earth. @param {Place} a @param {Place} b */
export function direction(a, b) {
  const east = (b.longitude - a.longitude) * Math.cos(radians((a.latitude + b.latitude) / 2))
  const angle = degrees(Math.atan2(east, b.latitude - a.latitude))
  return WINDS[Math.round((angle + 360) / 45) % WINDS.length] ?? ''
}

const RING_POINTS = 48

/** A circle of so many meters, as a closed ring of GeoJSON positions. @param {Place} center @param {number} meters */
export function ringAround({ latitude, longitude }, meters) {
  const north = degrees(meters / EARTH_RADIUS_METERS)
  const east = north / Math.cos(radians(latitude))
  return Array.from({ length: RING_POINTS + 1 }, (_, index) => {
    const angle = (index % RING_POINTS) * ((2 * Math.PI) / RING_POINTS)
    return [longitude + east * Math.sin(angle), latitude + north * Math.cos(angle)]
  })
}

/** Steps of a graticule in degrees that people can count by. */
const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002]

/**
 * The meridians or parallels to draw between two of them: at most so many, at round degrees.
 *
 * @param {number} from degrees
 * @param {number} to
 * @param {number} most
 */
export function graticule(from, to, most) {
  const step = STEPS.findLast((size) => (to - from) / size <= most) ?? 10
  const decimals = Math.max(0, Math.ceil(-Math.log10(step)))
  const first = Math.ceil(from / step)
  const count = Math.max(0, Math.floor(to / step) - first + 1)
  return Array.from({ length: count }, (_, index) => ((first + index) * step).toFixed(decimals))
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
