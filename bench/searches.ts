import type { Request } from 'autocannon'
import type { CallerToken } from './callers.ts'
import { choose } from './pgbench.ts'
import type { Point } from './points.ts'
import type { NearbyTerms } from './references/nearby.ts'

/** What the service gives when nobody says otherwise. */
export const LIMIT = 20

export type Search = Point & { limit: number; radius_meters: number } & Record<
    string,
    string | number | boolean
  >

export const searchesAt = (
  points: readonly Point[],
  filter: { radius_meters: number; [name: string]: string | number | boolean },
): Search[] => points.map((point) => ({ ...point, limit: LIMIT, ...filter }))

const queryOf = (search: Search): string =>
  new URLSearchParams(
    Object.entries(search).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()

type ToRequests = (searches: readonly Search[], callers: readonly CallerToken[]) => Request[]

/** One request per search, each as another caller. */
export const serviceRequests: ToRequests = (searches, callers) =>
  searches.map((search, nth) => ({
    method: 'GET',
    path: `/v1/shifts/nearby?${queryOf(search)}`,
    headers: { authorization: callers[nth % callers.length]!.authorization },
  }))

export const naiveRequests: ToRequests = (searches) =>
  searches.map((search) => ({ method: 'GET', path: `/nearby?${queryOf(search)}`, headers: {} }))

const GRAPHQL = `query Nearby($latitude: Float!, $longitude: Float!, $radius: Float!, $limit: Int!) {
  nearbyShiftsList(latitude: $latitude, longitude: $longitude, radiusMeters: $radius, maxItems: $limit) {
    rowId companyId clientId locationId professionalId status startDatetime endDatetime timeZone hourlyRate overtimeRate
    requiredCertificates title description instructions cancelReason latitude longitude createdAt updatedAt locationName distanceMeters
  }
}`

export const graphqlRequests: ToRequests = (searches, callers) =>
  searches.map(({ latitude, longitude, radius_meters: radius, limit }, nth) => ({
    method: 'POST',
    path: '/graphql',
    headers: {
      'content-type': 'application/json',
      authorization: callers[nth % callers.length]!.authorization,
    },
    body: JSON.stringify({ query: GRAPHQL, variables: { latitude, longitude, radius, limit } }),
  }))

export const rpcRequests: ToRequests = (searches, callers) =>
  searches.map(({ latitude, longitude, radius_meters, limit }, nth) => ({
    method: 'POST',
    path: '/rest/v1/rpc/nearby_shifts',
    headers: {
      'content-type': 'application/json',
      'content-profile': 'bench_api',
      apikey: callers[nth % callers.length]!.authorization.replace('Bearer ', ''),
    },
    body: JSON.stringify({ latitude, longitude, radius_meters, max_items: limit }),
  }))

/** The names of the values in scripts of pgbench. */
export const PGBENCH_TERMS: NearbyTerms = {
  latitude: ':latitude',
  longitude: ':longitude',
  radius: ':radius',
  limit: ':limit',
}

/** pgbench spells the places out, in a tree of comparisons, which has to end somewhere. */
const PGBENCH_PLACES = 1_000

/** A script of pgbench that searches at random places. */
export function searchScript(points: readonly Point[], radius: number, statement: string): string {
  const places = points.slice(0, PGBENCH_PLACES)
  return `
\\set place random(0, ${places.length - 1})
\\set latitude ${choose(
    'place',
    places.map((place) => place.latitude),
  )}
\\set longitude ${choose(
    'place',
    places.map((place) => place.longitude),
  )}
\\set radius ${radius}
\\set limit ${LIMIT}
${statement.trim().replaceAll('\n', ' ')};
`
}
