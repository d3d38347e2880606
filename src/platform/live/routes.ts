import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { ASK_AGAIN, makeStaticFile, type StaticFile, sendStaticFile } from '../http/static-file.ts'
import type { LiveBoard } from './board.ts'

export interface LiveOptions {
  /** What the page shows; without one there is no page. */
  board: LiveBoard | undefined
  /** `{z}/{x}/{y}` in it; undefined: the outlines that ship with the service. */
  tileUrl: string | undefined
  tileAttribution: string
}

const HTML = 'text/html; charset=utf-8'
const JAVASCRIPT = 'text/javascript; charset=utf-8'
const CSS = 'text/css; charset=utf-8'
const MAP_WORKER = '/maplibre-worker.js'

/** `src/`: scripts have the addresses below /live that they have there, so that they find each other by the same paths. */
const SOURCE = new URL('../../', import.meta.url)
const SHELL = new URL('./page/', import.meta.url)
const SHELL_SCRIPTS = [
  'announce',
  'api',
  'dom',
  'feed',
  'geo',
  'map',
  'places',
  'share',
  'shell',
  'text',
  'timeline',
]

interface LiveFile {
  type: string
  read(): Promise<string | Buffer>
}

const fileAt = (type: string, from: string | URL): LiveFile => ({
  type,
  read: () => readFile(new URL(typeof from === 'string' ? import.meta.resolve(from) : from)),
})

const pathOf = (file: URL): string => `/${file.href.slice(SOURCE.href.length)}`

const styleOf = ({ folder }: LiveBoard): URL => new URL('board.css', folder)

/** By path below /live. What is not in this list is not served. */
function filesOf(board: LiveBoard): Record<string, LiveFile> {
  const scripts = [
    ...SHELL_SCRIPTS.map((name) => new URL(`${name}.js`, SHELL)),
    ...board.scripts.map((name) => new URL(`${name}.js`, board.folder)),
  ]
  return {
    '': { type: HTML, read: () => pageOf(board) },
    '/live.css': fileAt(CSS, './page/live.css'),
    [pathOf(styleOf(board))]: fileAt(CSS, styleOf(board)),
    '/icon.svg': fileAt('image/svg+xml', './page/icon.svg'),
    '/outlines.json': fileAt('application/json; charset=utf-8', './page/outlines.json'),
    // The client of Supabase as it is published, for browsers.
    '/supabase.js': fileAt(JAVASCRIPT, '@supabase/supabase-js/dist/umd/supabase.js'),
    // MapLibre as it is published; with its worker it is most of what the page loads, and no page loads it before it signs in.
    '/maplibre.js': fileAt(JAVASCRIPT, 'maplibre-gl'),
    [MAP_WORKER]: fileAt(JAVASCRIPT, 'maplibre-gl/dist/maplibre-gl-worker.mjs'),
    '/maplibre.css': fileAt(CSS, 'maplibre-gl/dist/maplibre-gl.css'),
    ...Object.fromEntries(scripts.map((script) => [pathOf(script), fileAt(JAVASCRIPT, script)])),
  }
}

/** The shell of the page, with the parts of the board in the places that it has for them. */
async function pageOf(board: LiveBoard): Promise<string> {
  const {
    folder,
    scripts: [entry],
  } = board
  const [shell, ...parts] = await Promise.all(
    [new URL('index.html', SHELL), ...BOARD_PARTS.map((part) => new URL(`${part}.html`, folder))].map(
      (from) => readFile(from, 'utf8'),
    ),
  )
  const script = `<script src="/live${pathOf(new URL(`${entry}.js`, folder))}" type="module"></script>`
  const style = `<link rel="stylesheet" href="/live${pathOf(styleOf(board))}">`
  return [...BOARD_PARTS.entries()].reduce(
    (page, [index, part]) => page.replace(`<!-- ${part} of the board -->`, () => parts[index]!.trim()),
    shell!
      .replace('<!-- script of the board -->', () => script)
      .replace('<!-- style of the board -->', () => style),
  )
}

const BOARD_PARTS = ['marks', 'detail', 'list'] as const

/**
 * The page at /live: a map, and what a module's board shows, as it happens. Files as they are, read once: nothing is built, and so no
 * address has a digest in it. Each is asked for again: after an update of the service nobody has half of the old page.
 * It loads nothing from elsewhere, but map tiles where they are set.
 */
export async function live(app: FastifyInstance, options: LiveOptions): Promise<void> {
  if (!options.board) return
  const files = filesOf(options.board)
  const pageHeaders = {
    'content-security-policy': contentSecurityPolicy(options.tileUrl),
    // For those who share where they are; everything else is off.
    'permissions-policy': 'geolocation=(self), camera=(), microphone=()',
  }
  for (const [path, file] of Object.entries(files)) {
    const paths = path === '' ? ['/live', '/live/'] : [`/live${path}`]
    for (const url of paths) {
      app.get(url, { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
        if (path === '') reply.headers(pageHeaders)
        // A worker has a policy of its own: it reads the outlines, and nothing else.
        if (path === MAP_WORKER) reply.header('content-security-policy', WORKER_POLICY)
        return sendStaticFile(request, reply, await readOnce(path, file), ASK_AGAIN)
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
function readOnce(path: string, { type, read }: LiveFile): Promise<StaticFile> {
  const known = reading.get(path)
  if (known) return known
  const made = read()
    .then((content) => makeStaticFile(type, content))
    .catch((error: unknown) => {
      reading.delete(path)
      throw error
    })
  reading.set(path, made)
  return made
}
