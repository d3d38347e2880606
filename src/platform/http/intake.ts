import type { IncomingMessage } from 'node:http'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { BodyMemory } from './body-memory.ts'
import { MAX_NESTING, nestsDeeperThan } from './json-nesting.ts'
import { Problem } from './problem.ts'
import { keepRawBody } from './signature.ts'

/** RFC 9110 section 7.2 and RFC 3986 section 3.2.2: a name or an address, and a port. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i

/** What zlib takes for a stream that it unpacks: its window of 32 KiB, its tables, and a chunk of what comes out. */
const DECODER_BYTES = 65_536

/** Rules for every request, applied before routing. */
export const intake = fastifyPlugin(
  async (app: FastifyInstance, { bodiesLimitBytes }: { bodiesLimitBytes: number }) => {
    const bodies = new BodyMemory(bodiesLimitBytes)
    // By callbacks: each request passes here, most of them without a body, and a promise costs more than what is done.
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id)
      done(hasValidHost(request) ? undefined : new Problem('malformed_request'))
    })
    app.addHook('preParsing', (request, reply, payload, done) => {
      forgetTypeOfNothing(request)
      // Nobody reads it.
      if (!hasBody(request.raw) || BODILESS_METHODS.has(request.method)) return done(null, payload)
      const coding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity'
      if (coding === 'identity') {
        if (!isSmall(request)) bodies.watch(payload, reply.raw, request.ip)
        return done(null, payload)
      }
      if (CONTENT_CODINGS.has(coding)) {
        const unpacked = unpack(reply, payload)
        bodies.watch(unpacked, reply.raw, request.ip, DECODER_BYTES)
        return done(null, unpacked)
      }
      // RFC 9110 section 15.5.16: with the coding that would do.
      reply.header('accept-encoding', 'gzip')
      return done(new Problem('unsupported_media_type', { subject: 'content-encoding' }))
    })
    app.addHook('onSend', ({ raw }, _reply, payload, done) => {
      lingerOverUnreadBody(raw)
      done(null, payload)
    })
    takeJsonAlone(app)
  },
  { name: 'intake', fastify: '5.x', dependencies: ['error-handler'] },
)

/**
 * RFC 9112 section 3.2: HTTP/1.1 has a `Host`, and a wrong one is refused. Plugins make URLs of it, and fail on one that is none.
 */
function hasValidHost({ headers: { host }, raw }: FastifyRequest): boolean {
  const isMissing = host === undefined || host === ''
  return isMissing ? raw.httpVersion !== '1.1' : HOST.test(host)
}

/**
 * What has no content has no type to refuse (RFC 9110 section 15.5.16), whatever it says: axios, PHP and .NET name the type of an
 * empty form or text.
 */
function forgetTypeOfNothing({ headers }: FastifyRequest): void {
  if (headers['content-length'] === '0' && headers['transfer-encoding'] === undefined) {
    delete headers['content-type']
    delete headers['content-encoding']
  }
}

/** What Node takes for the headers of any request, and nobody counts. Most bodies are smaller. */
const SMALL_BODY_BYTES = 16_384

/** By what the client says, which the parser holds it to. */
const isSmall = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length']) <= SMALL_BODY_BYTES

/** Those whose body Fastify hands to nobody. */
const BODILESS_METHODS = new Set(['GET', 'HEAD', 'TRACE'])

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** What bodies may be packed in, by both of its names (RFC 9110 section 8.4.1.3): clients on slow networks do it, and know this one. */
const CONTENT_CODINGS = new Set(['gzip', 'x-gzip'])

/**
 * The body as it was before it was packed. The limit on bodies holds for both forms: Fastify counts what comes out, and what went
 * in by `receivedEncodedLength`, so a small body that unpacks to a huge one is cut off at the limit.
 */
function unpack(reply: FastifyReply, payload: RequestPayload): RequestPayload {
  const decoder = Object.assign(createGunzip(), { receivedEncodedLength: 0 })
  payload.on('data', (chunk: Buffer) => {
    decoder.receivedEncodedLength += chunk.length
  })
  payload.once('error', (error) => decoder.destroy(error))
  // Answered, or nobody is there any more: what is left is not worth the work.
  reply.raw.once('close', () => {
    payload.unpipe(decoder).resume()
    decoder.destroy()
  })
  return payload.pipe(decoder)
}

/**
 * RFC 9112 section 9.6: a connection that is closed while data comes in is reset, and the reset destroys the answer on its way. A
 * phone would see a broken connection instead of the refusal, and send the same again for ever. So our side is closed first, and
 * what still comes is thrown away until the request ends, or until its time is up (`requestTimeout`).
 */
function lingerOverUnreadBody(request: IncomingMessage): void {
  const { socket } = request
  if (!hasBody(request) || request.complete) return
  const { destroySoon } = socket
  const close = (): void => destroySoon.call(socket)
  // What Node calls when the answer is out and the connection is not to be used again.
  socket.destroySoon = () => {
    if (request.complete) return close()
    socket.end()
    request.once('close', close).resume()
  }
}

/**
 * Bodies are JSON in UTF-8. Fastify's own parser would replace bytes that are not UTF-8, and so store another name than the
 * one that was sent; and it refuses an empty body that says it is JSON, as supabase-js sends with a DELETE.
 */
function takeJsonAlone(app: FastifyInstance): void {
  // Keys that would reach into the prototypes of objects are an error: nobody who sends them means well.
  const parse = app.getDefaultJsonParser('error', 'error')
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (request.routeOptions.config.signed) keepRawBody(request, body)
    const text = toText(utf8, body)
    // Deeper than a stack is: whatever prints it again, or looks at all of it, would fail.
    if (text === undefined || nestsDeeperThan(text, MAX_NESTING))
      return done(new Problem('malformed_request'))
    return parse(request, text, done)
  })
  app.addContentTypeParser('*', refuseContent)
}

/** Any other type, or none: fine for an empty body, which comes in chunks from proxies that speak HTTP/2 with the client. */
function refuseContent(
  request: FastifyRequest,
  payload: RequestPayload,
  done: (error: Error | null) => void,
): void {
  // Where there is no route, that is the answer, whatever the body is.
  const onData = (): void => finish(request.is404 ? null : new Problem('unsupported_media_type'))
  const onEnd = (): void => finish(null)
  const finish = (error: Error | null): void => {
    payload.off('data', onData).off('end', onEnd).off('error', finish)
    done(error)
  }
  payload.on('data', onData).on('end', onEnd).on('error', finish)
}

function toText(decoder: TextDecoder, bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
