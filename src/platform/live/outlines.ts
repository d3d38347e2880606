import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { FeatureCollection, MultiPolygon, Position } from 'geojson'
import { feature, type Topology } from 'topojson-client'

/** What is shipped of the world, in degrees. */
interface Part {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
  /** In degrees of latitude: what lies nearer to a line than this is left out of it. */
  readonly tolerance: number
}

const PARTS: readonly Part[] = [
  // The Netherlands, and as much around them as a wide screen shows beside them. Some 200 m: as coarse as the data are (1:10 million, in
  // steps of up to 250 m).
  { west: -4, south: 48, east: 14, north: 57, tolerance: 0.002 },
  // The east of North America, where one looks at states and not at streets: some 2 km.
  { west: -105, south: 24, east: -66, north: 50, tolerance: 0.02 },
]

/** 0.001° is about 100 m. */
const DECIMALS = 3

/** East is shorter than north by this in the middle of the part. */
const eastPerNorth = ({ south, north }: Part): number => Math.cos(((south + north) / 2) * (Math.PI / 180))

export interface Outlines extends FeatureCollection<MultiPolygon, { name: string }> {
  generated: string
}

/**
 * The countries of these parts of the world from world-atlas, clipped and simplified for the page at /live. Borders stay
 * common: each is simplified once for both sides. For development: world-atlas is no dependency of the running service.
 */
export async function makeOutlines(): Promise<Outlines> {
  const require = createRequire(import.meta.url)
  const { version } = require('world-atlas/package.json') as { version: string }
  const atlas = JSON.parse(
    await readFile(require.resolve('world-atlas/countries-10m.json'), 'utf8'),
  ) as Topology
  const arcs = absoluteArcs(atlas)
  const features = PARTS.flatMap((part) => {
    const { transform: _, ...topology } = { ...atlas, arcs: arcs.map((arc) => simplify(arc, part)) }
    return feature(topology, atlas.objects.countries).features.flatMap(({ geometry, properties }) => {
      const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
      const coordinates = polygons
        .map((rings) => rings.map((ring) => clip(ring, part)).filter((ring) => ring.length > 0))
        .filter((rings) => rings.length > 0)
      return coordinates.length === 0
        ? []
        : [
            {
              type: 'Feature' as const,
              properties: { name: properties.name },
              geometry: { type: 'MultiPolygon' as const, coordinates },
            },
          ]
    })
  })
  return {
    generated: `by \`npm run live:outlines\` from world-atlas ${version} (ISC); the data are Natural Earth's, in the public domain`,
    type: 'FeatureCollection',
    features,
  }
}

/** Arcs are kept as integer steps from point to point (https://github.com/topojson/topojson-specification, 2.1.3). */
function absoluteArcs({ arcs, transform }: Topology): Position[][] {
  const [kx, ky] = transform?.scale ?? [1, 1]
  const [dx, dy] = transform?.translate ?? [0, 0]
  return arcs.map((arc) => {
    let x = 0
    let y = 0
    return arc.map(([stepX = 0, stepY = 0]) => {
      x += stepX
      y += stepY
      return [x * kx + dx, y * ky + dy]
    })
  })
}

/** Douglas and Peucker's: leaves out points that lie within the tolerance of the line between their neighbours. */
function simplify(line: Position[], part: Part): Position[] {
  const width = eastPerNorth(part)
  const kept = new Set([0, line.length - 1])
  const spans: [number, number][] = [[0, line.length - 1]]
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span
    let farthest = -1
    let most = part.tolerance
    for (let index = from + 1; index < to; index += 1) {
      const distance = distanceToSegment(line[index]!, line[from]!, line[to]!, width)
      if (distance > most) {
        most = distance
        farthest = index
      }
    }
    if (farthest === -1) continue
    kept.add(farthest)
    spans.push([from, farthest], [farthest, to])
  }
  return line.filter((_, index) => kept.has(index))
}

function distanceToSegment(point: Position, start: Position, end: Position, width: number): number {
  const flat = ([longitude = 0, latitude = 0]: Position): [number, number] => [longitude * width, latitude]
  const [x, y] = flat(point)
  const [startX, startY] = flat(start)
  const [endX, endY] = flat(end)
  const [dx, dy] = [endX - startX, endY - startY]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : ((x - startX) * dx + (y - startY) * dy) / length
  const share = Math.min(Math.max(along, 0), 1)
  return Math.hypot(x - startX - share * dx, y - startY - share * dy)
}

/** Sutherland and Hodgman's: cuts a ring at each side of the part in turn. An empty ring lies outside of it. */
function clip(ring: Position[], part: Part): Position[] {
  const sides = [
    { axis: 0, limit: part.west, sign: 1 },
    { axis: 1, limit: part.south, sign: 1 },
    { axis: 0, limit: part.east, sign: -1 },
    { axis: 1, limit: part.north, sign: -1 },
  ] as const
  let clipped = ring.slice(0, -1)
  for (const { axis, limit, sign } of sides) {
    const isInside = (point: Position) => (point[axis]! - limit) * sign >= 0
    clipped = clipped.flatMap((point, index) => {
      const next = clipped[(index + 1) % clipped.length]!
      const kept = isInside(point) ? [point] : []
      if (isInside(point) === isInside(next)) return kept
      const share = (limit - point[axis]!) / (next[axis]! - point[axis]!)
      const crossing = [
        point[0]! + share * (next[0]! - point[0]!),
        point[1]! + share * (next[1]! - point[1]!),
      ]
      crossing[axis] = limit
      return [...kept, crossing]
    })
  }
  const rounded = withoutRepeats(clipped.map((point) => point.map(round)))
  // Fewer than three points enclose nothing; the first closes the ring.
  return rounded.length < 3 ? [] : [...rounded, rounded[0]!]
}

const round = (value: number): number => Number(value.toFixed(DECIMALS))

const withoutRepeats = (ring: Position[]): Position[] =>
  ring.filter((point, index) => {
    const before = ring.at(index - 1)!
    return point[0] !== before[0] || point[1] !== before[1]
  })
