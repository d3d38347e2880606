/** The one function of topojson-client that is used here: the package has no types of its own. */
declare module 'topojson-client' {
  import type { FeatureCollection, MultiPolygon, Polygon, Position } from 'geojson'

  export interface Topology {
    type: 'Topology'
    /** How arcs are quantized and delta-encoded; absent where they hold plain positions. */
    transform?: { scale: [number, number]; translate: [number, number] }
    arcs: Position[][]
    objects: { countries: object }
  }

  export function feature(
    topology: Topology,
    object: object,
  ): FeatureCollection<Polygon | MultiPolygon, { name: string }>
}
