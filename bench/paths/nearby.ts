import {
  type Bench,
  compareCpu,
  compareWithLimit,
  competeFlawlessly,
  inDatabase,
  overHttp,
  type Path,
  type PathResult,
} from '../bench.ts'
import { type CallerToken, tokensOf } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import type { Measured } from '../measure.ts'
import { homes } from '../points.ts'
import { nearestFirst, textbook } from '../references/nearby.ts'
import { PEER_FUNCTION } from '../references/peers.ts'
import { type Answering, requireSameAnswers } from '../same-answers.ts'
import {
  graphqlRequests,
  naiveRequests,
  PGBENCH_TERMS,
  rpcRequests,
  type Search,
  searchesAt,
  searchScript,
  serviceRequests,
} from '../searches.ts'

export const CALLERS = 400
export const POINTS = 4_000
/** More than the service has database connections: none of those is ever idle. */
export const CONNECTIONS = 32
/** As many as the service's pool has. */
export const CLIENTS = 10
export const DEFAULT_RADIUS_METERS = 5_000

interface Rated {
  distance_meters: number
}

/** The service against everything else, at the radius that callers get when they ask for none. */
export const nearby: Path = {
  name: 'nearby',
  async run(bench): Promise<PathResult> {
    const points = await homes(bench, POINTS)
    const callers = await tokensOf('guard', CALLERS)
    const searches = searchesAt(points, { radius_meters: DEFAULT_RADIUS_METERS })
    const service = {
      name: 'muster',
      server: bench.service,
      requests: serviceRequests(searches, callers),
      distances: (body: unknown) => (body as { items: Rated[] }).items.map((item) => item.distance_meters),
    } as const
    const naive = {
      name: 'naive',
      server: await bench.serve('bench/references/naive.ts'),
      requests: naiveRequests(searches, callers),
      distances: service.distances,
    } as const
    const peers = bench.peers ? await startPeers(bench, searches, callers) : []
    if (!bench.peers) bench.say('Without the peers: they are not installed for this run.')
    await requireSameAnswers(service, [naive, ...peers])

    const measured: Record<string, Measured> = await competeFlawlessly(
      [
        ...[service, naive, ...peers].map(({ name, server, requests }) =>
          overHttp(bench, name, server, { requests: () => requests, connections: CONNECTIONS }),
        ),
        inDatabase(bench, 'limit', {
          script: searchScript(points, DEFAULT_RADIUS_METERS, nearestFirst(PGBENCH_TERMS)),
          clients: CLIENTS,
        }),
        inDatabase(bench, 'the function', {
          script: searchScript(points, DEFAULT_RADIUS_METERS, calledAs(callers[0]!)),
          clients: CLIENTS,
        }),
      ],
      bench.rounds,
    )
    const path = 'nearby, 5 km'
    const {
      muster,
      limit,
      'the function': called,
      ...others
    } = measured as Record<string, Measured> & Record<'muster' | 'limit' | 'the function', Measured>
    const atMost: Record<string, number> = { naive: 1.15, PostGraphile: 0.2, '@supabase/lite': 0.2 }
    return {
      rows: [
        ...compareWithLimit(path, muster, limit, { atMost: 2.2 }),
        ...Object.values(others).flatMap((other) =>
          compareCpu(path, muster, other, { atMost: atMost[other.name]! }),
        ),
        ...compareWithLimit(`${path}, in SQL`, called, limit, { atMost: 1.25 }),
      ],
      measured: [{ path, contenders: Object.values(measured) }],
    }
  },
}

/** A call of the service's own function as that caller, in a script of pgbench. */
function calledAs({ userId }: CallerToken): string {
  const claims = JSON.stringify({ sub: userId, role: 'authenticated' })
  return `select muster.nearby_shifts(:latitude, :longitude, :radius, :limit) from set_config('request.jwt.claims', '${claims}', true)`
}

async function startPeers(
  bench: Bench,
  searches: readonly Search[],
  callers: readonly CallerToken[],
): Promise<Answering[]> {
  await asOwner(bench.databaseUrl, (database) => database.script(PEER_FUNCTION))
  const postgraphile = {
    name: 'PostGraphile',
    server: await bench.serve('bench/references/postgraphile.js'),
    requests: graphqlRequests(searches, callers),
    distances: (body: unknown) =>
      (body as { data: { nearbyShiftsList: { distanceMeters: number }[] } }).data.nearbyShiftsList.map(
        (item) => item.distanceMeters,
      ),
  } as const
  const lite = {
    name: '@supabase/lite',
    server: await bench.serve('bench/references/supabase-lite.js'),
    requests: rpcRequests(searches, callers),
    distances: (body: unknown) => (body as Rated[]).map((item) => item.distance_meters),
  } as const
  return [postgraphile, lite]
}

const RADII_KM = [1, 5, 25, 100] as const

/** How the search's cost grows with the radius, against the same as the manuals have it. */
export const radius: Path = {
  name: 'radius',
  async run(bench): Promise<PathResult> {
    const points = await homes(bench, POINTS)
    const callers = await tokensOf('guard', CALLERS)
    const measured = await competeFlawlessly(
      RADII_KM.map((kilometers) => {
        const requests = serviceRequests(searchesAt(points, { radius_meters: kilometers * 1_000 }), callers)
        return overHttp(bench, `${kilometers} km`, bench.service, {
          requests: () => requests,
          connections: CONNECTIONS,
        })
      }),
      bench.rounds,
    )
    const rows = ([25, 100] as const).flatMap((kilometers) => {
      const [here, base] = [measured[`${kilometers} km`], measured['1 km']]
      return compareCpu(`nearby, ${kilometers} km`, here!, base!, { atMost: 2 })
    })
    const inSql = await compareWithTextbook(bench)
    return {
      rows: [...rows, ...inSql.rows],
      measured: [{ path: 'nearby, by radius', contenders: Object.values(measured) }, ...inSql.measured],
    }
  },
}

const TEXTBOOK_KM = 25

async function compareWithTextbook(bench: Bench): Promise<PathResult> {
  const points = await homes(bench, POINTS)
  const callers = await tokensOf('guard', 1)
  const meters = TEXTBOOK_KM * 1_000
  const measured = await competeFlawlessly(
    [
      inDatabase(bench, 'muster', {
        script: searchScript(points, meters, calledAs(callers[0]!)),
        clients: CLIENTS,
      }),
      inDatabase(bench, 'textbook', {
        script: searchScript(points, meters, textbook(PGBENCH_TERMS)),
        clients: CLIENTS,
        // A plan for any radius would read all open shifts: the manuals' users have the server's own choice.
        planCacheMode: 'auto',
      }),
    ],
    bench.rounds,
  )
  const path = `nearby, ${TEXTBOOK_KM} km, in SQL`
  return {
    rows: compareCpu(path, measured.muster, measured.textbook, { atMost: 0.04 }),
    measured: [{ path, contenders: Object.values(measured) }],
  }
}
