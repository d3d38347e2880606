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
const CSS = 'text/css; charset=utf-8'
const MAP_WORKER = '/maplibre-worker.js'

/** By path below /live. What is not in this list is not served. */
const FILES: Record<string, { type: string; from: string }> = {
  '': { type: HTML, from: './page/index.html' },
  '/live.css': { type: CSS, from: './page/live.css' },
  '/icon.svg': { type: 'image/svg+xml', from: './page/icon.svg' },
  '/outlines.json': { type: 'application/json; charset=utf-8', from: './page/outlines.json' },
  // The client of Supabase as it is published, for browsers.
  '/supabase.js': { type: JAVASCRIPT, from: '@supabase/supabase-js/dist/umd/supabase.js' },
  // MapLibre as it is published; with its worker it is most of what the page loads, and no page loads it before it signs in.
  '/maplibre.js': { type: JAVASCRIPT, from: 'maplibre-gl' },
  [MAP_WORKER]: { type: JAVASCRIPT, from: 'maplibre-gl/dist/maplibre-gl-worker.mjs' },
  '/maplibre.css': { type: CSS, from: 'maplibre-gl/dist/maplibre-gl.css' },
  ...Object.fromEntries(
    [
      'announce',
      'api',
      'board',
      'days',
      'detail',
      'dom',
      'feed',
      'geo',
      'list',
      'live',
      'map',
      'needs',
      'places',
      'share',
      'timeline',
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
  for (const path of Object.keys(FILES)) {
    const paths = path === '' ? ['/live', '/live/'] : [`/live${path}`]
    for (const url of paths) {
      app.get(url, { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
        if (path === '') reply.headers(pageHeaders)
        // A worker has a policy of its own: it reads the outlines, and nothing else.
        if (path === MAP_WORKER) reply.header('content-security-policy', WORKER_POLICY)
        return sendStaticFile(request, reply, await readOnce(path), ASK_AGAIN)
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
  const tiles = tileUrl === undefined ? "'self'" : `'self' ${new URL(tileUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // The map fetches its tiles, to draw them by WebGL.
    `connect-src ${tiles}`,
    `img-src ${tiles}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text ever becomes markup or script here, but the address of the map's worker (page/map.js).
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ')
}

const WORKER_POLICY = "default-src 'none'; connect-src 'self'"

const reading = new Map<string, Promise<StaticFile>>()

/** Once per process, when it is first asked for: a start has other things to do than to compress a map. */
function readOnce(path: string): Promise<StaticFile> {
  const known = reading.get(path)
  if (known) return known
  const read = readFileOf(path).catch((error: unknown) => {
    reading.delete(path)
    throw error
  })
  reading.set(path, read)
  return read
}

async function readFileOf(path: string): Promise<StaticFile> {
  const { type, from } = FILES[path]!
  return makeStaticFile(type, await readFile(new URL(import.meta.resolve(from))))
}
