import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import vm from 'node:vm'
import { gunzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { openAppWithoutDatabase as open } from '../support/app-without-database.ts'
import { patience } from '../support/patience.ts'

describe('the page at /docs', () => {
  test('loads from this service alone, and runs no script but its own', async () => {
    const app = await open()
    const { headers, body } = await app.inject({ url: '/docs/' })
    expect(headers['content-type']).toContain('text/html')
    expect(body).not.toMatch(/(?:src|href)=["'](?:https?:)?\/\//)

    const policy = Object.fromEntries(
      String(headers['content-security-policy'])
        .split('; ')
        .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1)]),
    )
    const inline = [...body.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)]
    expect(inline).toHaveLength(1)
    const hash = createHash('sha256').update(inline[0]![1]!).digest('base64')
    expect(policy['script-src']).toEqual(["'self'", `'sha256-${hash}'`])
    expect(policy['default-src']).toEqual(["'none'"])
    expect(policy['connect-src']).toEqual(["'self'"])
    expect(policy['font-src']).toEqual(["'self'", 'data:'])
    expect(String(headers['content-security-policy'])).not.toMatch(/https?:|\*|unsafe-eval/)

    expect(body).toMatch(/src="js\/scalar\.js\?v=[\w-]{43}"/)
  })

  test('sends its script compressed, and once to each browser', async () => {
    const app = await open()
    const { body } = await app.inject({ url: '/docs/' })
    const [, address] = /src="(js\/scalar\.js[^"]*)"/.exec(body) ?? []
    const url = `/docs/${address}`
    const plain = await app.inject({ url })
    expect(plain.headers).toMatchObject({
      'content-type': expect.stringContaining('javascript'),
      'cache-control': 'public, max-age=31536000, immutable',
      etag: expect.stringMatching(/^W\/"/),
      vary: expect.stringContaining('accept-encoding'),
    })
    const packed = await app.inject({ url, headers: { 'accept-encoding': 'gzip, br' } })
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2)
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
    const again = await app.inject({ url, headers: { 'if-none-match': String(plain.headers.etag) } })
    expect([again.statusCode, again.body]).toEqual([304, ''])
    const refused = await app.inject({ url, headers: { 'accept-encoding': 'gzip;q=0' } })
    expect(refused.headers['content-encoding']).toBeUndefined()
  })

  test('lets nobody keep a script under the address of another version', async () => {
    const app = await open()
    for (const url of ['/docs/js/scalar.js', '/docs/js/scalar.js?v=older']) {
      const { statusCode, headers } = await app.inject({ url })
      expect([statusCode, headers['cache-control']]).toEqual([200, 'no-cache'])
    }
  })

  test('shows JSON where there is GeoJSON too, and describes what /openapi.json does', async () => {
    const app = await open()
    const [shown, described] = await Promise.all(
      ['/docs/openapi.json', '/openapi.json'].map(async (url) => (await app.inject({ url })).json()),
    )
    expect(shown).toEqual(described)
    const types = (document: typeof shown) =>
      Object.keys(document.paths['/v1/shifts/nearby'].get.responses[200].content)
    // The page takes both for one type, and shows the last.
    expect(types(shown)).toEqual(['application/geo+json', 'application/json'])
    expect(types(described)).toEqual(['application/json', 'application/geo+json'])
  })

  test('leads to no client of its makers, and says first where a token comes from', async () => {
    const app = await open()
    expect((await app.inject({ url: '/docs/' })).body).toContain('"hideClientButton": true')
    const { info } = (await app.inject({ url: '/openapi.json' })).json()
    expect(info.description).toMatch(/^Every call needs a token\. .*npm run --silent token/)
  })

  test('sends no field that is empty', async () => {
    const { body } = await (await open()).inject({ url: '/docs/' })
    const [, source] = /"onBeforeRequest": ([\s\S]*?\n\})\n {6}\}\)/.exec(body) ?? []
    const leaveOutEmpty = vm.runInNewContext(`(${source})`)
    const requestBuilder = {
      query: new URLSearchParams('latitude=52.37&limit=&cursor='),
      headers: new Headers({ accept: 'application/json', 'idempotency-key': '' }),
      security: [{ value: ' ' }, { value: 'a token' }],
    }
    leaveOutEmpty({ requestBuilder })
    expect(String(requestBuilder.query)).toBe('latitude=52.37')
    expect([...requestBuilder.headers]).toEqual([['accept', 'application/json']])
    expect(requestBuilder.security).toEqual([{ value: 'a token' }])
  })

  test('is where its relative addresses lead to its own', async () => {
    const { statusCode, headers } = await (await open()).inject({ url: '/docs' })
    expect([statusCode, headers.location]).toEqual([301, '/docs/'])
  })
})

describe('the service’s own address', () => {
  test('leads to the documentation and the live page, and runs nothing', async () => {
    const { statusCode, headers, body } = await (await open()).inject({ url: '/' })
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    for (const path of ['/docs', '/live', '/openapi.json']) expect(body).toContain(`href="${path}"`)
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(body) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
    expect(headers['content-security-policy']).not.toContain('script-src')
  })

  test('takes nothing', async () => {
    const { statusCode, headers } = await (await open()).inject({ method: 'POST', url: '/' })
    expect([statusCode, headers.allow]).toEqual([405, 'GET, HEAD'])
  })
})

test.each(['/health', '/openapi.json', '/v1/me', '/nothing', '/docs/js/scalar.js'])(
  '%s is no page: it may neither run nor load anything',
  async (url) => {
    const { headers } = await (await open()).inject({ url })
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    )
    expect(headers['x-content-type-options']).toBe('nosniff')
  },
)

test('the description says that it is JSON, and is sent again only when it changed', async () => {
  const app = await open()
  const { headers, payload } = await app.inject({ url: '/openapi.json' })
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
  expect(JSON.parse(payload)).toMatchObject({ openapi: '3.1.0' })
  const again = await app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(headers.etag) } })
  expect(again.statusCode).toBe(304)
})

test('the description is what programs and generators can use', async () => {
  const { paths, components } = (await (await open()).inject({ url: '/openapi.json' })).json()
  const { schemas, headers } = components
  // Names that a developer looks for; and a default must not make a member required in generated types.
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['NewShift', 'NewCheckIn', 'BatchCheckIn']))
  expect(Object.keys(schemas).filter((name) => name.endsWith('Input'))).toEqual([])
  expect(JSON.stringify(schemas)).not.toContain('"default":')
  expect(schemas.NewShift.properties.status.description).toBe('`draft` when not given.')
  expect(schemas.CheckInResult).toMatchObject({ oneOf: [{}, {}], discriminator: { propertyName: 'status' } })

  const codesOf = (response: { content: Record<string, { schema: { allOf: [object, Codes] } }> }) =>
    response.content['application/problem+json']!.schema.allOf[1].properties.code.enum
  interface Codes {
    properties: { code: { enum: string[] } }
  }
  expect(codesOf(paths['/v1/shifts/{id}/claim'].post.responses[409])).toEqual([
    'shift_not_open',
    'shift_overlap',
  ])
  for (const [path, operations] of Object.entries<Record<string, { responses: object }>>(paths)) {
    for (const { responses } of Object.values(operations)) {
      for (const [status, response] of Object.entries(responses)) {
        expect(Object.keys(headers)).toEqual(expect.arrayContaining(Object.keys(response.headers)))
        expect(Object.keys(response.headers)).toContain('X-Request-Id')
        if (path.startsWith('/v1/') && Number(status) >= 400) expect(codesOf(response)).not.toEqual([])
      }
    }
  }
})

describe('browsers elsewhere', () => {
  const preflight = (app: FastifyInstance, origin: string, method: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/v1/locations/1',
      headers: { origin, 'access-control-request-method': method },
    })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'may send %s from the origins that are listed',
    async (method) => {
      const app = await open({ CORS_ORIGINS: 'https://app.example' })
      const { statusCode, headers } = await preflight(app, 'https://app.example', method)
      expect(statusCode).toBe(204)
      expect(headers['access-control-allow-origin']).toBe('https://app.example')
      expect(headers['access-control-allow-methods']).toContain(method)
    },
  )

  const LOCAL = ['http://localhost:5173', 'http://127.0.0.1:8080', 'https://localhost', 'http://[::1]:3001']

  test('may from this machine while it is developed on', async () => {
    const app = await open({ NODE_ENV: 'development' })
    for (const origin of LOCAL) {
      expect((await preflight(app, origin, 'GET')).headers['access-control-allow-origin']).toBe(origin)
    }
    for (const origin of [
      'http://localhost.evil.example',
      'http://evil.example:3000',
      'http://127.0.0.1.nip.io',
      'null',
    ]) {
      expect((await preflight(app, origin, 'GET')).headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('may not from this machine in production', async () => {
    const app = await open({ NODE_ENV: 'production', CORS_ORIGINS: 'https://app.example' })
    for (const origin of LOCAL) {
      expect((await preflight(app, origin, 'GET')).headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('may read how many requests they have left', async () => {
    const app = await open({ CORS_ORIGINS: 'https://app.example' })
    const { headers } = await app.inject({ url: '/nothing', headers: { origin: 'https://app.example' } })
    const exposed = String(headers['access-control-expose-headers']).split(', ')
    const counted = Object.keys(headers).filter((name) => name.startsWith('x-ratelimit-'))
    expect(counted).toContain('x-ratelimit-remaining')
    expect(exposed).toEqual(expect.arrayContaining(counted))
  })

  test('may not from others', async () => {
    const app = await open({ CORS_ORIGINS: 'https://app.example' })
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null']) {
      expect((await preflight(app, origin, 'GET')).headers['access-control-allow-origin']).toBeUndefined()
    }
  })
})

describe('a process that cannot keep up', () => {
  const ON_A_SERVER = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }

  /** Nothing else happens in this thread for two seconds, as if too much did. */
  function block(): void {
    const until = performance.now() + 2_000
    while (performance.now() < until);
  }

  test('refuses work with 503, and says that it is alive', async () => {
    const app = await open(ON_A_SERVER)
    const response = await vi.waitFor(
      async () => {
        block()
        await setImmediate()
        const answer = await app.inject({ url: '/v1/me' })
        expect(answer.statusCode).toBe(503)
        return answer
      },
      { timeout: patience(25_000) },
    )
    expect(response.json()).toMatchObject({ code: 'busy', status: 503 })
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    expect((await app.inject({ url: '/health' })).statusCode).toBe(200)
    // It takes work again once it can.
    await vi.waitFor(async () => expect((await app.inject({ url: '/v1/me' })).statusCode).toBe(401), {
      timeout: patience(10_000),
    })
  })
})
