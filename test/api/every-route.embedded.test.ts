import { it } from 'vitest'
import { useApi } from '../support/api.ts'
import { buildFreightWorld } from '../support/freight-world.ts'
import { ROUTE_REQUESTS } from '../support/route-requests.ts'
import { sendRoute } from '../support/send-route.ts'

/* What the engine and its driver make of each statement of the API: most of test/api runs on a server only. */

const api = useApi({}, buildFreightWorld)

it.each(Object.keys(ROUTE_REQUESTS))('%s', (route) => sendRoute(api(), route, 3))
