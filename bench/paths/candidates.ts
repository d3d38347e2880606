import type { Request } from 'autocannon'
import { type Bench, compareCpu, competeFlawlessly, overHttp, type Path, type PathResult } from '../bench.ts'
import { tokensOf } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import { COMPANIES } from '../dataset.ts'
import { homes } from '../points.ts'
import { searchesAt, serviceRequests } from '../searches.ts'
import { CALLERS, CONNECTIONS, POINTS } from './nearby.ts'

const SHIFTS = 1_000
const RADIUS_METERS = 5_000

/** The nearest guards for a shift, among all, each with every rule that speaks against them. */
export const candidates: Path = {
  name: 'candidates',
  async run(bench): Promise<PathResult> {
    const guards = await tokensOf('guard', CALLERS)
    const nearby = serviceRequests(
      searchesAt(await homes(bench, POINTS), { radius_meters: RADIUS_METERS }),
      guards,
    )
    const requests = await candidateRequests(bench)
    const measured = await competeFlawlessly(
      [
        overHttp(bench, 'nearby', bench.service, { requests: () => nearby, connections: CONNECTIONS }),
        overHttp(bench, 'candidates', bench.service, { requests: () => requests, connections: CONNECTIONS }),
      ],
      bench.rounds,
    )
    return {
      rows: compareCpu('candidates for a shift', measured.candidates, measured.nearby, { atMost: 2 }),
      measured: [{ path: 'candidates for a shift', contenders: Object.values(measured) }],
    }
  },
}

/** Each for an open shift, by a planner of its company. */
export async function candidateRequests({ databaseUrl }: Pick<Bench, 'databaseUrl'>): Promise<Request[]> {
  const planners = await tokensOf('planner', COMPANIES)
  const shifts = await asOwner(databaseUrl, (database) =>
    database.query<{ id: string; company: number }>(
      `select id, ('x' || right(company_id::text, 8))::bit(32)::int as company
       from shifts where status = 'published' order by md5(id::text) limit ${SHIFTS}`,
    ),
  )
  return shifts.map(({ id, company }) => ({
    method: 'GET',
    path: `/v1/shifts/${id}/candidates`,
    headers: { authorization: planners[company - 1]!.authorization },
  }))
}
