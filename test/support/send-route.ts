import { expect } from 'vitest'
import type { useApi } from './api.ts'
import type { RouteRequest } from './route-arrangements.ts'
import { ROUTE_REQUESTS } from './route-requests.ts'

type Api = ReturnType<ReturnType<typeof useApi>>

/** Sends a request that its route has to take. Its answer is one of the form that the OpenAPI document tells, or it would be refused. */
export async function sendRequest(
  api: Api,
  route: string,
  { persona, url, body }: RouteRequest,
): Promise<void> {
  const method = route.split(' ')[0]!.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'
  const as = api.as(persona)
  const answer = await (method === 'get' || method === 'delete' ? as[method](url) : as[method](url, body))
  expect(answer.statusCode, `${route} as ${persona}: ${answer.body}`).toBeLessThan(300)
}

/** The same for each persona that the route is for. @param items how many a batch has */
export async function sendRoute(api: Api, route: string, items: number): Promise<void> {
  for (const request of await ROUTE_REQUESTS[route]!({ owner: api.owner, items })) {
    await sendRequest(api, route, request)
  }
}
