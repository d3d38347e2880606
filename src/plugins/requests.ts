import { TextDecoder } from 'node:util'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Problem } from '../errors/problem.ts'
import { MAX_NESTING, nestsDeeperThan } from '../json-nesting.ts'

/** RFC 9110 section 7.2 and RFC 3986 section 3.2.2: a name or an address, and a port. */
const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i

/** What holds for every request, before any route looks at it. */
export const requests = fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', request.id)
      checkHost(request)
    })
    takeJsonAlone(app)
  },
  { name: 'requests', fastify: '5.x', dependencies: ['problems'] },
)

/**
 * RFC 9112 section 3.2: HTTP/1.1 has a `Host`, and a wrong one is refused. Plugins make URLs of it, and fail on one that is none.
 *
 * @throws Problem `malformed_request`
 */
function checkHost({ headers: { host }, raw }: FastifyRequest): void {
  const isMissing = host === undefined || host === ''
  if (isMissing ? raw.httpVersion === '1.1' : !HOST.test(host)) throw new Problem('malformed_request')
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
    const text = decode(utf8, body)
    // Deeper than a stack is: whatever prints it again, or looks at all of it, would fail.
    if (text === undefined || nestsDeeperThan(text, MAX_NESTING))
      return done(new Problem('malformed_request'))
    return parse(request, text, done)
  })
}

function decode(decoder: TextDecoder, bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
