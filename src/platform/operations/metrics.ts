import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Metric, OTHER, type Sample } from '../metric.ts'

/** All metrics of a process: read when they are asked for, from where they are kept anyway. */
export interface Metrics {
  add(...metrics: readonly Metric[]): void
  /** Counts a request whose answer was sent, or whose client left before (`status` is `gone` then). */
  countRequest(request: FastifyRequest, status: string, seconds?: number): void
  readonly contentType: string
  /** In the text format of Prometheus. */
  print(): Promise<string>
}

/** From what one index lookup takes up to the longest statement; the target, 100 ms, is one of them. */
const LATENCY_BUCKETS_SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Methods of our routes; a client can send any other. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Instead of the path of a request that no route answers: it is the client's to choose. */
const NO_ROUTE = 'none'

/** Makes the metrics of this process, its own (CPU, memory, event loop, garbage collection) among them. Loaded by who wants them alone. */
export async function openMetrics(): Promise<Metrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import('@prometheus-io/client')
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'muster_http_requests_total',
    help: 'Requests by method, route (its pattern; none: no such route) and status; gone: the client left before the answer.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const latency = new Histogram({
    name: 'muster_http_request_seconds',
    help: 'From the headers of a request to the end of its answer, by method and route.',
    labelNames: ['method', 'route'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  })

  function add(metric: Metric): void {
    const { name, help, kind, labels } = metric
    const given = { name, help, labelNames: [...labels], registers }
    // Without a label there is always one value: that it is not known is a value, too.
    const unknown: Sample[] = labels.length === 0 ? [{ value: Number.NaN }] : []
    async function samples(): Promise<Sample[]> {
      const found = [...(await metric.read())]
      return found.length > 0 ? found : unknown
    }
    if (kind === 'counter') {
      new Counter({
        ...given,
        async collect() {
          const found = await samples()
          this.reset()
          for (const { labels = {}, value } of found) this.inc(labels, value)
        },
      })
    } else {
      new Gauge({
        ...given,
        async collect() {
          const found = await samples()
          this.reset()
          for (const { labels = {}, value } of found) this.set(labels, value)
        },
      })
    }
  }

  return {
    add: (...metrics) => {
      for (const metric of metrics) add(metric)
    },
    countRequest({ method: given, routeOptions }, status, seconds) {
      const route = routeOptions.url ?? NO_ROUTE
      const method = METHODS.has(given) ? given : OTHER
      requests.inc({ method, route, status })
      if (seconds !== undefined) latency.observe({ method, route }, seconds)
    },
    contentType: registry.contentType,
    print: () => registry.metrics(),
  }
}

/** Counts every request of an app. */
export const requestMetrics = fastifyPlugin(
  async (app: FastifyInstance, { metrics }: { metrics: Metrics }) => {
    app.addHook('onResponse', (request, reply, done) => {
      metrics.countRequest(request, String(reply.statusCode), reply.elapsedTime / 1000)
      done()
    })
    app.addHook('onRequestAbort', (request, done) => {
      metrics.countRequest(request, 'gone')
      done()
    })
  },
  { name: 'request-metrics', fastify: '5.x' },
)
