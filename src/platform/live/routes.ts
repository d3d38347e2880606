import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { ASK_AGAIN, makeStaticFile, type StaticFile, sendStaticFile } from '../http/static-file.ts'

export interface LiveOptions {
  /** `{z}/{x}/{y}` in it; undefined: the outlines that ship with the service. */
  tileUrl: string | undefined
  tileAttribution: string
}

const HTML = 'text/html; charset=utf-8'
const JAVASCRIPT = 'text/javascript; charset=utf-8'

/** By path below /live. What is not in this list is not served. */
const FILES: Record<string, { type: string; from: string }> = {
  '': { type: HTML, from: './page/index.html' },
  '/live.css': { type: 'text/css; charset=utf-8', from: './page/live.css' },
  '/icon.svg': { type: 'image/svg+xml', from: './page/icon.svg' },
  '/outlines.json': { type: 'application/json; charset=utf-8', from: './page/outlines.json' },
  // The client of Supabase as it is published, for browsers.
  '/supabase.js': { type: JAVASCRIPT, from: '@supabase/supabase-js/dist/umd/supabase.js' },
  ...Object.fromEntries(
    [
      'announce',
      'api',
      'board',
      'detail',
      'dom',
      'feed',
      'geo',
      'group',
      'list',
      'live',
      'map',
      'places',
      'share',
      'words',
    ].map((name) => [`/${name}.js`, { type: JAVASCRIPT, from: `./page/${name}.js` }]),
  ),
}

/**
 * The page at /live: a map and a list of shifts that change as it happens. Files as they are, read once: nothing is built, and so no
 * address has a digest in it. Each is asked for again: after an update of the service nobody has half of the old page.
 * It loads nothing from elsewhere, but map tiles where they are set.
 */
export async function live(app: FastifyInstance, options: LiveOptions): Promise<void> {
  const pageHeaders = {
    'content-security-policy': contentSecurityPolicy(options.tileUrl),
    // For guards who share where they are; everything else is off.
    'permissions-policy': 'geolocation=(self), camera=(), microphone=()',
  }
  const files = await readFiles()
  for (const [path, file] of files) {
    const paths = path === '' ? ['/live', '/live/'] : [`/live${path}`]
    for (const url of paths) {
      app.get(url, { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
        if (path === '') reply.headers(pageHeaders)
        return sendStaticFile(request, reply, file, ASK_AGAIN)
      })
    }
  }
  app.get('/live/settings.json', { schema: { hide: true }, logLevel: 'warn' }, async (_request, reply) =>
    reply
      .header('cache-control', ASK_AGAIN)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ tile_url: options.tileUrl ?? null, tile_attribution: options.tileAttribution }),
  )
}

/** Scripts, styles and connections of our own alone. `self` includes the websocket (CSP level 3, section 6.7.2.8). */
export function contentSecurityPolicy(tileUrl: string | undefined): string {
  const images = tileUrl === undefined ? "'self'" : `'self' ${new URL(tileUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    `img-src ${images}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text ever becomes markup or script here.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

let reading: Promise<Map<string, StaticFile>> | undefined

/** Once per process. */
function readFiles(): Promise<Map<string, StaticFile>> {
  reading ??= Promise.all(
    Object.entries(FILES).map(async ([path, { type, from }]): Promise<[string, StaticFile]> => {
      const content = await readFile(new URL(import.meta.resolve(from)))
      return [path, await makeStaticFile(type, content)]
    }),
  ).then((files) => new Map(files))
  return reading
}
