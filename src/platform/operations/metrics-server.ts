import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import { asPortUnavailable } from '../http/free-port.ts'
import type { Metrics } from './metrics.ts'

/** Prometheus asks on one or two; what holds more open is no Prometheus. */
const MAX_CONNECTIONS = 20
/** One who asks and says nothing is cut after this long. */
const REQUEST_TIMEOUT_MS = 5_000

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Answers `GET /metrics`, and nothing else, at an address of its own: no key of a client opens it, and whoever puts the API on the
 * network does not put this there with it.
 *
 * @throws PortUnavailable
 */
export async function serveMetrics(
  metrics: Metrics,
  { METRICS_HOST: host, METRICS_PORT: port }: { METRICS_HOST: string; METRICS_PORT: number },
  log: Pick<FastifyBaseLogger, 'error'>,
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
  server.maxConnections = MAX_CONNECTIONS
  server.on('request', async ({ method, url }, answer) => {
    if (url !== '/metrics') return answer.writeHead(404).end()
    if (method !== 'GET') return answer.writeHead(405, { allow: 'GET' }).end()
    try {
      const text = await metrics.print()
      answer.writeHead(200, { 'content-type': metrics.contentType }).end(text)
    } catch (error) {
      log.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'metrics: could not be read')
      answer.writeHead(500).end()
    }
  })
  await listen(server, host, port)
  return {
    url: addressOf(server, host),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw asPortUnavailable({ HOST: host, PORT: port }, error, { host: 'METRICS_HOST', port: 'METRICS_PORT' })
  }
}

function addressOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`
}
