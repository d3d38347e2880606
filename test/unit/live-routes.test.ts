import { gunzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { freight } from '../../src/freight/module.ts'
import { guarding } from '../../src/guarding/module.ts'
import { type LiveOptions, live } from '../../src/platform/live/routes.ts'

const open = async (options: Partial<LiveOptions> = {}): Promise<FastifyInstance> => {
  const app = Fastify()
  await app.register(live, {
    boards: [guarding, freight],
    tileUrl: undefined,
    tileAttribution: '',
    ...options,
  })
  return app
}

describe('the files of the page at /live', () => {
  let app: FastifyInstance
  beforeAll(async () => {
    app = await open()
  })
  afterAll(() => app.close())
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })

  it('are all there that the page and its scripts name, with their types', async () => {
    const wanted = ['outlines.json', 'settings.json', 'maplibre.js', 'maplibre-worker.js'].map(
      (name) => `/live/${name}`,
    )
    for (const name of ['/live', '/live/freight']) {
      const page = await get(name)
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      wanted.push(...[...page.body.matchAll(/(?:src|href)="(\/live\/[^"]+\.\w+)"/g)].map(([, url]) => url!))
    }
    const seen = new Set<string>()
    for (let url = wanted.pop(); url !== undefined; url = wanted.pop()) {
      if (seen.has(url)) continue
      seen.add(url)
      const { statusCode, headers, body } = await get(url)
      expect([url, statusCode]).toEqual([url, 200])
      expect(headers['content-type']).toMatch(
        { js: /^text\/javascript/, css: /^text\/css/, json: /^application\/json/, svg: /^image\/svg/ }[
          url.split('.').at(-1)!
        ]!,
      )
      if (url.endsWith('.js')) {
        wanted.push(
          ...[...body.matchAll(/from '(\.[^']+)'/g)].map(
            ([, name]) => new URL(name!, `http://localhost${url}`).pathname,
          ),
        )
      }
    }
    expect(seen).toContain('/live/supabase.js')
    expect(seen).toContain('/live/platform/live/page/map.js')
    expect(seen).toContain('/live/guarding/live/board.js')
    expect(seen).toContain('/live/freight/live/board.js')
    expect(seen).toContain('/live/platform/sign-in/page/form.js')
  })

  it('are no others', async () => {
    for (const url of [
      '/live/tsconfig.json',
      '/live/../routes.ts',
      '/live/%2e%2e/routes.ts',
      '/live/page/shell.js',
      '/live/platform/live/routes.ts',
      '/live/guarding/live/marks.html',
      '/live/guarding/module.ts',
    ]) {
      expect([url, (await get(url)).statusCode]).toEqual([url, 404])
    }
  })

  it('let the page load from nowhere else, and run no text', async () => {
    for (const url of ['/live', '/live/', '/live/freight']) {
      const policy = String((await get(url)).headers['content-security-policy']).split('; ')
      expect(policy).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        'trusted-types default',
      ])
    }
    // A worker has no policy but its own.
    expect((await get('/live/maplibre-worker.js')).headers['content-security-policy']).toBe(
      "default-src 'none'; connect-src 'self'",
    )
  })

  it('come small, and only when they changed', async () => {
    const plain = await get('/live/outlines.json')
    const small = await get('/live/outlines.json', { 'accept-encoding': 'br, gzip' })
    expect(small.headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'accept-encoding',
      'cache-control': 'no-cache',
    })
    expect(small.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2)
    expect(gunzipSync(small.rawPayload).equals(plain.rawPayload)).toBe(true)
    const etag = String(plain.headers.etag)
    const again = await get('/live/outlines.json', { 'if-none-match': `"other", ${etag}` })
    expect([again.statusCode, again.body]).toEqual([304, ''])
    expect((await get('/live/live.css', { 'if-none-match': etag })).statusCode).toBe(200)
  })
})

it('tiles of a set host are allowed, and no other host', async () => {
  const tileUrl = 'https://tiles.example.com/{z}/{x}/{y}.png?key=a'
  const app = await open({ tileUrl, tileAttribution: 'Tiles Ltd' })
  const page = await app.inject('/live')
  const policy = page.headers['content-security-policy']
  expect(policy).toContain("img-src 'self' https://tiles.example.com;")
  expect(policy).toContain("connect-src 'self' https://tiles.example.com;")
  expect((await app.inject('/live/settings.json')).json()).toEqual({
    tile_url: tileUrl,
    tile_attribution: 'Tiles Ltd',
    sign_in: null,
  })
  await app.close()
})

it.each([
  'https://tiles.example.com/',
  'ftp://x/{z}/{x}/{y}',
  '/tiles/{z}/{x}/{y}',
  'https://{s}.example.com/{z}/{x}/{y}',
  'https://a.com;script-src/{z}/{x}/{y}',
])('LIVE_TILE_URL is not %s', (url) => {
  expect(() => readConfig({ LIVE_TILE_URL: url })).toThrow(/LIVE_TILE_URL/)
})

it('there is no page where no module has a board', async () => {
  const app = await open({ boards: [] })
  expect((await app.inject('/live')).statusCode).toBe(404)
  await app.close()
})
