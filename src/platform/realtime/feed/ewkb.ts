/**
 * GeoJSON of PostGIS `geometry`, from the hex EWKB in which PostgreSQL prints it: what PostGIS's cast to json gives, so that
 * a geometry looks in a change as it does in a query. (`geography` has no such cast, and stays hex.)
 *
 * EWKB: WKB with flags for Z, M and an SRID in the type (https://libgeos.org/specifications/wkb/).
 */

const HAS_Z = 0x8000_0000
const HAS_M = 0x4000_0000
const HAS_SRID = 0x2000_0000

/** PostGIS prints that many decimals (`lwgeom_to_geojson` in its cast). */
const DECIMALS = 15

/** By the type's number. Curves, surfaces and TINs have no GeoJSON. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'Point',
  2: 'LineString',
  3: 'Polygon',
  4: 'MultiPoint',
  5: 'MultiLineString',
  6: 'MultiPolygon',
  7: 'GeometryCollection',
}

/** The geometry has a type that GeoJSON does not. */
class NoGeoJson extends Error {}

/** The JSON text for a geometry; its hex as a JSON string where GeoJSON cannot express it. */
export function geometryToJson(hex: string): string {
  try {
    return new EwkbReader(Buffer.from(hex, 'hex')).geometry(true)
  } catch (error) {
    if (error instanceof NoGeoJson || error instanceof RangeError) return JSON.stringify(hex)
    throw error
  }
}

class EwkbReader {
  readonly #bytes: Buffer
  #offset = 0
  #isLittleEndian = true

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  geometry(isOutermost: boolean): string {
    const { name, dimensions, srid } = this.#head()
    const crs =
      isOutermost && srid !== undefined ? `"crs":{"type":"name","properties":{"name":"EPSG:${srid}"}},` : ''
    const [member, value] =
      name === 'GeometryCollection'
        ? ['geometries', this.#list(() => this.geometry(false))]
        : ['coordinates', this.#coordinates(name, dimensions)]
    return `{"type":"${name}",${crs}"${member}":${value}}`
  }

  #head(): { name: string; dimensions: { z: boolean; m: boolean }; srid: number | undefined } {
    this.#isLittleEndian = this.#bytes.readUInt8(this.#offset) === 1
    this.#offset += 1
    const type = this.#uint32()
    const name = NAMES[type & 0xff]
    if (!name) throw new NoGeoJson()
    const srid = type & HAS_SRID ? this.#uint32() : undefined
    return { name, dimensions: { z: (type & HAS_Z) !== 0, m: (type & HAS_M) !== 0 }, srid }
  }

  #coordinates(name: string, dimensions: { z: boolean; m: boolean }): string {
    const position = (): string => this.#position(dimensions)
    switch (name) {
      case 'Point':
        return position()
      case 'LineString':
        return this.#list(position)
      case 'Polygon':
        return this.#list(() => this.#list(position))
      default:
        // Each part of a collection has a head of its own.
        return this.#list(() => {
          const part = this.#head()
          return this.#coordinates(part.name, part.dimensions)
        })
    }
  }

  #list(item: () => string): string {
    const count = this.#uint32()
    const items: string[] = []
    for (let index = 0; index < count; index += 1) items.push(item())
    return `[${items.join(',')}]`
  }

  /** M is left out: GeoJSON has no place for it. An empty point is one of NaN. */
  #position({ z, m }: { z: boolean; m: boolean }): string {
    const values = [this.#double(), this.#double(), ...(z ? [this.#double()] : [])]
    if (m) this.#double()
    return Number.isNaN(values[0]) ? '[]' : `[${values.map(printNumber).join(',')}]`
  }

  #uint32(): number {
    const value = this.#isLittleEndian
      ? this.#bytes.readUInt32LE(this.#offset)
      : this.#bytes.readUInt32BE(this.#offset)
    this.#offset += 4
    return value
  }

  #double(): number {
    const value = this.#isLittleEndian
      ? this.#bytes.readDoubleLE(this.#offset)
      : this.#bytes.readDoubleBE(this.#offset)
    this.#offset += 8
    return value
  }
}

function printNumber(value: number): string {
  const text = String(value)
  const decimals = text.includes('e') ? DECIMALS + 1 : text.length - 1 - text.indexOf('.')
  // Numbers of 1e21 and more have no decimals, and JSON takes their exponent.
  if (!text.includes('.') && !text.includes('e-')) return text
  return decimals > DECIMALS && Math.abs(value) < 1e21 ? String(Number(value.toFixed(DECIMALS))) : text
}
