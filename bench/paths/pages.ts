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
import { type CallerToken, tokensOf } from '../callers.ts'
import type { Measured } from '../measure.ts'
import { homes } from '../points.ts'
import { searchesAt, serviceRequests } from '../searches.ts'
import { CONNECTIONS } from './nearby.ts'

const FAR_PAGE = 50
/** Each is walked to page 50 before anything is measured. */
const WALKS = 40
const FAR_METERS = 100_000

/** Page 50 must be found as fast as page 1: nothing before it is read again. */
export const pages: Path = {
  name: 'pages',
  async run(bench): Promise<PathResult> {
    const guards = await tokensOf('guard', WALKS)
    const planners = await tokensOf('planner', WALKS)
    const points = await homes(bench, WALKS)
    const lists = {
      'nearby, 100 km': serviceRequests(searchesAt(points, { radius_meters: FAR_METERS }), guards),
      'shifts of a company': listRequests(planners, '/v1/shifts?limit=20'),
      'open shifts for a guard': listRequests(guards, '/v1/shifts?limit=20&status=published'),
    }
    const rows: Row[] = []
    const measured: PathResult['measured'] = []
    for (const [name, first] of Object.entries(lists)) {
      const walked = await Promise.all(first.map((request) => walk(bench, request)))
      const far = walked.filter((request) => request !== undefined)
      if (far.length === 0) {
        bench.say(`Among so few data no list of ${name} has a page ${FAR_PAGE}.`)
        continue
      }
      const result = await competeFlawlessly(
        [
          overHttp(bench, 'page 1', bench.service, { requests: () => first, connections: CONNECTIONS }),
          overHttp(bench, `page ${FAR_PAGE}`, bench.service, {
            requests: () => far,
            connections: CONNECTIONS,
          }),
        ],
        bench.rounds,
      )
      const [one, fifty] = Object.values<Measured>(result)
      rows.push(...compareCpu(`${name}, page ${FAR_PAGE}`, fifty!, one!, { atMost: 1.5 }))
      measured.push({ path: name, contenders: [one!, fifty!] })
    }
    return { rows, measured }
  },
}

const listRequests = (callers: readonly CallerToken[], path: string): Request[] =>
  callers.map(({ authorization }) => ({ method: 'GET', path, headers: { authorization } }))

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
