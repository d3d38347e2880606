import { compare, competeFlawlessly, overHttp, type Path, type PathResult } from '../bench.ts'
import { tokensOf } from '../callers.ts'
import { homes, sparsePlaces } from '../points.ts'
import { LIMIT, searchesAt, serviceRequests } from '../searches.ts'
import { CALLERS, CONNECTIONS, POINTS } from './nearby.ts'

const RADIUS_METERS = 5_000
const FAR_METERS = 100_000
/** One open shift in 300 pays so much (see the rates in dataset.ts). */
const RARE_RATE = 47.7
const SPARSE_PLACES = 1_000

/** Searches that find little: the index must not be walked to its end for them. */
export const filters: Path = {
  name: 'filters',
  async run(bench): Promise<PathResult> {
    const points = await homes(bench, POINTS)
    const sparse = await sparsePlaces(bench, SPARSE_PLACES, RADIUS_METERS, LIMIT)
    const callers = await tokensOf('guard', CALLERS)
    const searches = {
      'dense, no filter': searchesAt(points, { radius_meters: RADIUS_METERS }),
      'sparse region': searchesAt(sparse, { radius_meters: RADIUS_METERS }),
      'rare rate': searchesAt(points, { radius_meters: RADIUS_METERS, min_hourly_rate: RARE_RATE }),
      'rare rate, 100 km': searchesAt(points, { radius_meters: FAR_METERS, min_hourly_rate: RARE_RATE }),
      'eligible only': searchesAt(points, { radius_meters: RADIUS_METERS, eligible_only: true }),
      'eligible only, 100 km': searchesAt(points, { radius_meters: FAR_METERS, eligible_only: true }),
      'rare rate, eligible only, 100 km': searchesAt(points, {
        radius_meters: FAR_METERS,
        min_hourly_rate: RARE_RATE,
        eligible_only: true,
      }),
    }
    const names = Object.keys(searches) as (keyof typeof searches)[]
    const measured = await competeFlawlessly(
      names.map((name) => {
        const requests = serviceRequests(searches[name], callers)
        return overHttp(bench, name, bench.service, { requests: () => requests, connections: CONNECTIONS })
      }),
      bench.rounds,
    )
    const [dense, ...others] = names
    return {
      rows: others.map((name) =>
        compare(
          `nearby, ${name}`,
          'p95 ms',
          measured[name].p95_ms,
          { name: dense!, value: measured[dense!].p95_ms },
          { atMost: 5 },
        ),
      ),
      measured: [{ path: 'nearby, by filter', contenders: Object.values(measured) }],
    }
  },
}
