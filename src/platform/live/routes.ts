import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import {
  CSS,
  fileAt,
  HTML,
  JAVASCRIPT,
  type PageFile,
  packageFile,
  pathInSource,
  scriptsAt,
  servePageFiles,
} from '../http/page-files.ts'
import { ASK_AGAIN } from '../http/static-file.ts'
import { BOARD_PARTS, type BoardModule, type LiveBoard } from './board.ts'

export interface LiveOptions {
  /** What the page shows: the first unless it is of the other roles; without any there is no page. */
  boards: readonly BoardModule[]
  /** `{z}/{x}/{y}` in it; undefined: the outlines that ship with the service. */
  tileUrl: string | undefined
  tileAttribution: string
  /** How people sign in at the service itself; without it they paste a token of another issuer. */
  signIn?: { providers: readonly { id: string; name: string }[] } | undefined
}

const MAP_WORKER = '/maplibre-worker.js'

const SHELL = new URL('./page/', import.meta.url)
/** Of the form with which people sign in. */
const SIGN_IN = new URL('../sign-in/page/', import.meta.url)
const SIGN_IN_SCRIPTS = ['client', 'fields', 'form', 'passkeys', 'words']
const SHELL_SCRIPTS = [
  'announce',
  'api',
  'boards',
  'detail',
  'dom',
  'feed',
  'geo',
  'list',
  'map',
  'needs',
  'places',
  'rows',
  'share',
  'shell',
  'spots',
  'text',
  'timeline',
  'view',
]

const styleOf = ({ folder }: LiveBoard): URL => new URL('board.css', folder)

/** By path below /live. What is not in this list is not served. */
function filesOf(
  boards: readonly BoardModule[],
  pageHeaders: Record<string, string>,
): Record<string, PageFile> {
  const pageFile = (shown: BoardModule): PageFile => ({
    type: HTML,
    headers: pageHeaders,
    variant: [shown, ...boards].map(({ name }) => name).join(),
    read: () => pageOf(shown, boards),
  })
  return {
    '': pageFile(boards[0]!),
    ...Object.fromEntries(boards.map((shown) => [`/${shown.name}`, pageFile(shown)])),
    '/live.css': fileAt(CSS, new URL('live.css', SHELL)),
    ...Object.fromEntries(
      boards.map(({ board }) => [pathInSource(styleOf(board)), fileAt(CSS, styleOf(board))]),
    ),
    '/icon.svg': fileAt('image/svg+xml', new URL('icon.svg', SHELL)),
    '/outlines.json': fileAt('application/json; charset=utf-8', new URL('outlines.json', SHELL)),
    // The client of Supabase as it is published, for browsers.
    '/supabase.js': fileAt(JAVASCRIPT, packageFile('@supabase/supabase-js/dist/umd/supabase.js')),
    // MapLibre as it is published; with its worker it is most of what the page loads, and no page loads it before it signs in.
    '/maplibre.js': fileAt(JAVASCRIPT, packageFile('maplibre-gl')),
    // A worker has a policy of its own: it reads the outlines, and nothing else.
    [MAP_WORKER]: fileAt(JAVASCRIPT, packageFile('maplibre-gl/dist/maplibre-gl-worker.mjs'), {
      'content-security-policy': WORKER_POLICY,
    }),
    '/maplibre.css': fileAt(CSS, packageFile('maplibre-gl/dist/maplibre-gl.css')),
    ...scriptsAt([
      ...SHELL_SCRIPTS.map((name) => new URL(`${name}.js`, SHELL)),
      ...SIGN_IN_SCRIPTS.map((name) => new URL(`${name}.js`, SIGN_IN)),
      ...boards.flatMap(({ board }) => board.scripts.map((name) => new URL(`${name}.js`, board.folder))),
    ]),
  }
}

/** The shell of the page, with the words and the parts of the board in the places that it has for them. */
async function pageOf(shown: BoardModule, boards: readonly BoardModule[]): Promise<string> {
  const { board } = shown
  const {
    folder,
    scripts: [entry],
    words,
  } = board
  const parts = await Promise.all(
    BOARD_PARTS.map(async (part) => {
      const text = board.parts.includes(part) ? await readFile(new URL(`${part}.html`, folder), 'utf8') : ''
      return [`<!-- ${part} of the board -->`, text.trim()] as const
    }),
  )
  const filled = new Map([
    ...parts,
    [
      '<!-- script of the board -->',
      `<script src="/live${pathInSource(new URL(`${entry}.js`, folder))}" type="module"></script>`,
    ],
    ['<!-- style of the board -->', `<link rel="stylesheet" href="/live${pathInSource(styleOf(board))}">`],
    ['<!-- boards -->', boards.length > 1 ? linksTo(boards, shown) : ''],
    ...Object.entries(words).map(([name, word]) => [`{{${name}}}`, word] as const),
  ])
  const shell = await readFile(new URL('index.html', SHELL), 'utf8')
  return [...filled].reduce((page, [place, text]) => page.replaceAll(place, () => text), shell)
}

/** Which of them somebody has, and whether that is more than one, the page sees when they have signed in. */
function linksTo(boards: readonly BoardModule[], shown: BoardModule): string {
  const links = boards.map((one) => {
    const current = one === shown ? ' aria-current="page"' : ''
    return `<a href="/live/${one.name}" data-roles="${Object.keys(one.roles).join(' ')}"${current}>${one.board.words.items}</a>`
  })
  return `<nav id="boards" class="boards" aria-label="Boards" hidden>${links.join('')}</nav>`
}

/**
 * The page at /live: a map, and what the board of a module shows, as it happens. Each board has a page of its own, whose scripts are its
 * own and the shell's. It loads nothing from elsewhere, but map tiles where they are set.
 */
export async function live(app: FastifyInstance, options: LiveOptions): Promise<void> {
  if (options.boards.length === 0) return
  servePageFiles(
    app,
    '/live',
    filesOf(options.boards, {
      'content-security-policy': contentSecurityPolicy(options.tileUrl),
      // For those who share where they are, and for passkeys; everything else is off.
      'permissions-policy': 'geolocation=(self), camera=(), microphone=()',
    }),
  )
  app.get('/live/settings.json', { schema: { hide: true }, logLevel: 'warn' }, async (_request, reply) =>
    reply
      .header('cache-control', ASK_AGAIN)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({
        tile_url: options.tileUrl ?? null,
        tile_attribution: options.tileAttribution,
        sign_in: options.signIn ?? null,
      }),
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
