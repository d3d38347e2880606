import { type Bench, compare, competeFlawlessly, overHttp, type Path, type PathResult } from '../bench.ts'
import { tokensOf } from '../callers.ts'
import { datasetSize } from '../dataset.ts'
import { homes } from '../points.ts'
import { searchesAt, serviceRequests } from '../searches.ts'
import { checkinRequests, PHONES } from './checkins.ts'
import { CALLERS, CONNECTIONS, POINTS } from './nearby.ts'

const GROWTH = 10
const RADIUS_METERS = 5_000
const CHECKINS_PER_SECOND = 1_000

/** The same work on a tenth of the data: what grows with the data must not grow the answer's time. */
export const growth: Path = {
  name: 'growth',
  async run(bench): Promise<PathResult> {
    const small: Bench = { ...bench, ...(await bench.openScale(bench.scale / GROWTH)) }
    const guards = await tokensOf('guard', Math.min(CALLERS, datasetSize(small.scale).activeShifts))
    const sized = async (name: string, on: Bench) => {
      const searches = serviceRequests(
        searchesAt(await homes(on, POINTS), { radius_meters: RADIUS_METERS }),
        guards,
      )
      return {
        nearby: overHttp(bench, name, on.service, { requests: () => searches, connections: CONNECTIONS }),
        checkin: overHttp(bench, name, on.service, {
          requests: () => checkinRequests(guards, Math.ceil(CHECKINS_PER_SECOND * bench.seconds)),
          connections: PHONES,
          once: true,
        }),
      }
    }
    const [less, more] = [await sized('a tenth', small), await sized('all', bench)]
    const result: PathResult = { rows: [], measured: [] }
    for (const path of ['nearby', 'checkin'] as const) {
      const measured = await competeFlawlessly([less[path], more[path]], bench.rounds)
      const title = `ten times the data, ${path === 'nearby' ? 'nearby' : 'check-in'}`
      result.rows.push(
        compare(
          title,
          'p95 ms',
          measured.all!.p95_ms,
          { name: 'with a tenth', value: measured['a tenth']!.p95_ms },
          { atMost: 1.3 },
        ),
      )
      result.measured.push({ path: title, contenders: Object.values(measured) })
    }
    return result
  },
}
