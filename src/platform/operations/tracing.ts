import type { Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { readDatabaseError } from '../db/engine/database-error.ts'
import type { Asker, Session, Sessions } from '../db/session.ts'
import { WEBSOCKET_PATH } from '../http/server.ts'
import { readTraceparent } from '../http/trace-context.ts'

/** Sends a span for each request, and one for each time that it used the database, to a collector (OpenTelemetry). */
export interface Tracing {
  /** Begins and ends the span of each request of an app. */
  begin(request: FastifyRequest): void
  end(request: FastifyRequest, outcome: { status?: number; problem?: string | undefined }): void
  /** The same sessions, seen: with the wait for a connection. */
  watch(sessions: Sessions): Sessions
  /** Sends what waits. */
  stop(): Promise<void>
}

export interface TracingOptions {
  /** Of the collector, without the path: spans go to `/v1/traces` by OTLP over HTTP, as JSON. */
  endpoint: string
  /** The part of the traces that is sent, from 0 to 1. */
  sampleRatio: number
  version: string
  log: { info(data: object, message: string): void; warn(data: object, message: string): void }
}

/** How long the service waits for the collector when it stops. */
const STOP_TIMEOUT_MS = 2_000

/**
 * The packages of OpenTelemetry are optional, and loaded here alone. Spans are made here and not by `@fastify/otel`: that records
 * the path with its query, where positions of people are, and a span for each hook. Here a span has the method, the route (its
 * pattern), the status, the code of a problem and the id of the request, and nothing else that came with it.
 */
export async function openTracing({ endpoint, sampleRatio, version, log }: TracingOptions): Promise<Tracing> {
  const [
    { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace },
    { AlwaysOffSampler, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider },
    { defaultResource, resourceFromAttributes },
    { OTLPTraceExporter },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  let isLost = false
  const send: typeof exporter.export = (spans, done) =>
    exporter.export(spans, (result) => {
      const failed = result.code !== 0
      if (failed && !isLost)
        log.warn(
          { reason: result.error?.name },
          'tracing: the collector does not take spans; they are dropped until it does',
        )
      if (!failed && isLost) log.info({}, 'tracing: the collector takes spans again')
      isLost = failed
      done(result)
    })
  const byRatio = new TraceIdRatioBasedSampler(sampleRatio)
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.name': 'muster', 'service.version': version }),
    ),
    // A client may say that its trace is not wanted. That it is wanted is not for a client to say: it would cost us.
    sampler: new ParentBasedSampler({
      root: byRatio,
      remoteParentSampled: byRatio,
      remoteParentNotSampled: new AlwaysOffSampler(),
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: {
          export: send,
          shutdown: () => exporter.shutdown(),
          forceFlush: () => exporter.forceFlush(),
        },
      }),
    ],
  })
  const tracer = provider.getTracer('muster')
  /** Of requests under way, by their ids. */
  const spans = new Map<string, Span>()

  /** @param name what was done with the database */
  async function inSpan<T>({ requestId }: Asker, name: string, work: () => Promise<T>): Promise<T> {
    const parent = requestId === undefined ? undefined : spans.get(requestId)
    if (!parent) return work()
    const span = tracer.startSpan(
      `database ${name}`,
      { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql' } },
      trace.setSpan(ROOT_CONTEXT, parent),
    )
    try {
      return await work()
    } catch (error) {
      const sqlstate = readDatabaseError(error)?.sqlstate
      span.setAttribute('error.type', sqlstate ?? (error instanceof Error ? error.name : 'unknown'))
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  return {
    begin(request) {
      const { method, headers, routeOptions, id } = request
      // A websocket has no answer that ends: its span would be kept for as long as the client stays, and longer.
      if (routeOptions.url === WEBSOCKET_PATH) return
      const from = readTraceparent(headers.traceparent)
      const parent = from
        ? trace.setSpanContext(ROOT_CONTEXT, {
            traceId: from.traceId,
            spanId: from.parentId,
            traceFlags: from.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          })
        : ROOT_CONTEXT
      const route = routeOptions.url
      const span = tracer.startSpan(
        route ? `${method} ${route}` : 'no route',
        {
          kind: SpanKind.SERVER,
          attributes: {
            'http.request.method': method,
            ...(route && { 'http.route': route }),
            'muster.request_id': id,
          },
        },
        parent,
      )
      spans.set(id, span)
      if (!from) request.log = request.log.child({ trace_id: span.spanContext().traceId })
    },
    end({ id }, { status, problem }) {
      const span = spans.get(id)
      if (!span) return
      spans.delete(id)
      if (status !== undefined) span.setAttribute('http.response.status_code', status)
      if (problem !== undefined) span.setAttribute('error.type', problem)
      if (status === undefined || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
    watch: (sessions) => ({
      read: (caller, work, options) => inSpan(caller, 'read', () => sessions.read(caller, work, options)),
      statements: (caller, options) => {
        const inner = sessions.statements(caller, options)
        const seen =
          <A, R>(run: (given: A) => Promise<R>) =>
          (given: A) =>
            inSpan(caller, 'read', () => run(given))
        return {
          rows: seen(inner.rows),
          row: seen(inner.row),
          rowsText: seen(inner.rowsText),
          value: seen(inner.value),
        } as Session
      },
      write: (caller, work) => inSpan(caller, 'write', () => sessions.write(caller, work)),
      call: (caller, call, parameters) =>
        inSpan(caller, 'call', () => sessions.call(caller, call, parameters)),
    }),
    async stop() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
    },
  }
}

/** Traces every request of an app. */
export const requestTraces = fastifyPlugin(
  async (app: FastifyInstance, { tracing }: { tracing: Tracing }) => {
    app.addHook('onRequest', (request, _reply, done) => {
      tracing.begin(request)
      done()
    })
    app.addHook('onResponse', (request, { statusCode: status, problem }, done) => {
      tracing.end(request, { status, problem: problem?.code })
      done()
    })
    app.addHook('onRequestAbort', (request, done) => {
      tracing.end(request, { problem: 'client_gone' })
      done()
    })
  },
  { name: 'request-traces', fastify: '5.x' },
)
