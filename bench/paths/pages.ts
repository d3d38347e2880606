import type { Request } from 'autocannon'
import {
  type Bench,
  compareCpu,
  competeFlawlessly,
  overHttp,
  type Path,
  type PathResult,
  type Row,
} from '../bench.ts'
import { benchId, tokensOf } from '../callers.ts'
import type { Measured } from '../measure.ts'
import { homes } from '../points.ts'
import type { Running } from '../processes.ts'
import { searchesAt, serviceRequests } from '../searches.ts'
import { CONNECTIONS } from './nearby.ts'

const FAR_PAGE = 50
/** Each is walked to page 50 before anything is measured. */
const WALKS = 40
const FAR_METERS = 100_000

/** Page 50 must be found as fast as page 1: nothing before it is read again. And page 1 must not cost much more than its statement. */
export const pages: Path = {
  name: 'pages',
  async run(bench): Promise<PathResult> {
    const naive = await bench.serve('bench/references/naive.ts')
    const lists: Record<string, List> = {
      'nearby, 100 km': {
        first: serviceRequests(
          searchesAt(await homes(bench, WALKS), { radius_meters: FAR_METERS }),
          await tokensOf('guard', WALKS),
        ),
      },
      ...(await listsOfShifts()),
    }
    const rows: Row[] = []
    const measured: PathResult['measured'] = []
    for (const [name, { first, naively }] of Object.entries(lists)) {
      if (naively) await requireSameItems(bench.service, first[0]!, naive, naively[0]!)
      const walked = await Promise.all(first.map((request) => walk(bench, request)))
      const far = walked.filter((request) => request !== undefined)
      if (far.length === 0) bench.say(`Among so few data no list of ${name} has a page ${FAR_PAGE}.`)
      if (far.length === 0 && !naively) continue
      const asked = (as: string, server: Running, requests: readonly Request[]) =>
        overHttp(bench, as, server, { requests: () => requests, connections: CONNECTIONS })
      const result: Record<string, Measured> = await competeFlawlessly(
        [
          asked('page 1', bench.service, first),
          ...(far.length > 0 ? [asked(`page ${FAR_PAGE}`, bench.service, far)] : []),
          ...(naively ? [asked('naive', naive, naively)] : []),
        ],
        bench.rounds,
      )
      const one = result['page 1']!
      const fifty = result[`page ${FAR_PAGE}`]
      if (result.naive) rows.push(...compareCpu(`${name}, page 1`, one, result.naive, { atMost: 1.5 }))
      if (fifty) rows.push(...compareCpu(`${name}, page ${FAR_PAGE}`, fifty, one, { atMost: 1.5 }))
      measured.push({ path: name, contenders: Object.values(result) })
    }
    return { rows, measured }
  },
}

interface List {
  /** The first page, of each caller. */
  first: readonly Request[]
  /** The same of somebody who does not ask who they are. */
  naively?: readonly Request[]
}

/** The lists of shifts that are read most. */
export async function listsOfShifts(): Promise<Record<string, Required<List>>> {
  const planners = await tokensOf('planner', WALKS)
  const guards = await tokensOf('guard', WALKS)
  const tenant = benchId('tenant', 1)
  return {
    'shifts of a company': {
      first: planners.map(({ authorization }) => get('/v1/shifts?limit=20', { authorization })),
      naively: planners.map(({ nth }) => get(`/company-shifts?limit=20&of=${benchId('company', nth)}`)),
    },
    'open shifts for a guard': {
      first: guards.map(({ authorization }) =>
        get('/v1/shifts?limit=20&status=published', { authorization }),
      ),
      naively: guards.map(() => get(`/open-shifts?limit=20&of=${tenant}`)),
    },
  }
}

const get = (path: string, headers: Record<string, string> = {}): Request => ({
  method: 'GET',
  path,
  headers,
})

/** Whoever lists less, or something else, must not win by it. */
async function requireSameItems(
  ours: Running,
  asOurs: Request,
  other: Running,
  asOther: Request,
): Promise<void> {
  const ids = async ({ origin }: Running, { path, headers }: Request): Promise<string> => {
    const response = await fetch(origin + path, { headers })
    const { items } = (await response.json()) as { items: { id: string }[] }
    return items.map(({ id }) => id).join()
  }
  if ((await ids(ours, asOurs)) !== (await ids(other, asOther)))
    throw new Error(`${asOther.path} answers differently from ${asOurs.path}.`)
}

/** The request for the far page of a list; undefined when it is not that long. */
async function walk(bench: Bench, first: Request): Promise<Request | undefined> {
  let request = first
  for (let page = 1; page < FAR_PAGE; page += 1) {
    const response = await fetch(bench.service.origin + request.path, { headers: request.headers })
    if (!response.ok) throw new Error(`${request.path}: ${response.status} ${await response.text()}`)
    const { next_cursor } = (await response.json()) as { next_cursor: string | null }
    if (next_cursor === null) return undefined
    const [path, query] = first.path.split('?', 2)
    const parameters = new URLSearchParams(query)
    parameters.set('cursor', next_cursor)
    request = { ...first, path: `${path}?${parameters}` }
  }
  return request
}
