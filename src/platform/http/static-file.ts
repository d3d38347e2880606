import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { varyBy } from './accept.ts'

/** A file that is the same for all clients until the next version of the service: it is compressed once, not per request. */
export interface StaticFile {
  type: string
  content: Buffer
  gzipped: Buffer
  /** A hash of the content, fit for an address. */
  digest: string
}

/** For addresses that stay: asked for again each time, and mostly answered with 304. */
export const ASK_AGAIN = 'no-cache'
/** For addresses that have the digest in them: for a year, the longest that RFC 9111 caches know what to do with. */
export const KEEP_FOR_GOOD = 'public, max-age=31536000, immutable'

const TAKES_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i

export async function makeStaticFile(type: string, text: string | Buffer): Promise<StaticFile> {
  const content = Buffer.from(text)
  return {
    type,
    content,
    gzipped: await promisify(gzip)(content),
    digest: createHash('sha256').update(content).digest('base64url'),
  }
}

export function sendStaticFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, content, gzipped, digest }: StaticFile,
  cacheControl: string,
): FastifyReply {
  // Weak: the compressed form has the same tag.
  const etag = `W/"${digest}"`
  varyBy(reply, 'accept-encoding')
  reply.headers({ etag, 'cache-control': cacheControl })
  if (request.headers['if-none-match']?.includes(etag)) return reply.code(304).send()
  reply.type(type)
  if (!TAKES_GZIP.test(request.headers['accept-encoding'] ?? '')) return reply.send(content)
  return reply.header('content-encoding', 'gzip').send(gzipped)
}
