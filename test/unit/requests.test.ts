import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { readConfig } from '../../src/config.ts'
import { BodyMemory } from '../../src/platform/http/body-memory.ts'
import { instant, queryNumber } from '../../src/platform/http/fields.ts'
import { openAppWithoutDatabase } from '../support/app-without-database.ts'
import { patience } from '../support/patience.ts'
import { USER_ID } from '../support/tokens.ts'

/** The largest body here, so that tests send little. */
const BODY_LIMIT_BYTES = 4_096

/** The service, with a route that says what it was sent. */
async function open(environment: Record<string, string> = {}): Promise<FastifyInstance> {
  const app = await openAppWithoutDatabase({ BODY_LIMIT_BYTES: String(BODY_LIMIT_BYTES), ...environment })
  app.all('/echo', async ({ body, ip, url }) => ({ body: body ?? null, ip, url }))
  app.get('/v1/echo', { config: { unregistered: true } }, async ({ url }) => ({ url }))
  return app
}

/** Sends raw bytes, and gives all that came back until the connection ended; an error of the connection is one of the test. */
async function exchange(app: FastifyInstance, ...chunks: (string | Buffer)[]): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    received += chunk
  })
  for (const chunk of chunks) socket.write(chunk)
  await once(socket, 'end')
  socket.end()
  return received
}

const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))

describe('an offer to speak something else than HTTP/1.1', () => {
  const OFFER =
    'Host: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'

  /** A service where somebody listens to upgrades, as its gateway does. */
  async function openWithGateway(): Promise<FastifyInstance> {
    const app = await open()
    app.server.on('upgrade', (_request, socket) => socket.end('upgraded'))
    return app
  }

  it('is ignored: what Java and curl send first with each connection (RFC 9110 section 7.8)', async () => {
    const app = await openWithGateway()
    expect(await exchange(app, `GET /health HTTP/1.1\r\n${OFFER}\r\n`)).toMatch(/^HTTP\/1\.1 200 .*"ok"/s)
    const json = 'Content-Type: application/json\r\nContent-Length: 7\r\n'
    const posted = await exchange(app, `POST /echo HTTP/1.1\r\n${OFFER}${json}\r\n`, '{"a":1}')
    expect(bodyOf(posted)).toMatchObject({ body: { a: 1 } })
  })

  it('is taken for a websocket, where the gateway is', async () => {
    const app = await openWithGateway()
    const offer = 'Host: a\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n'
    const at = (target: string) =>
      exchange(app, `GET ${target} HTTP/1.1\r\n${offer}Connection: close\r\n\r\n`)
    expect(await at('/realtime/v1/websocket?apikey=x')).toBe('upgraded')
    expect(await at('http://a/realtime/v1/websocket')).toBe('upgraded')
    expect(await at('/health')).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('is ignored where there is no gateway', async () => {
    const offer = 'Host: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n'
    const answer = await exchange(await open(), `GET /realtime/v1/websocket HTTP/1.1\r\n${offer}\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('a body of nothing', () => {
  const EMPTY: Record<string, string> = {
    'a length of 0': 'Content-Length: 0\r\n\r\n',
    'the type of a form (axios, PHP, curl -d "")':
      'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n',
    'the type of text (fetch, .NET)': 'Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 0\r\n\r\n',
    'a type that is none': 'Content-Type: nonsense\r\nContent-Length: 0\r\n\r\n',
    'a coding that is not taken': 'Content-Encoding: br\r\nContent-Length: 0\r\n\r\n',
    'chunks (a proxy that speaks HTTP/2 with its client)': 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunks, and the type of a form':
      'Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunks, and the type of JSON':
      'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  }

  test.each(Object.entries(EMPTY))('is no content, with %s', async (_, rest) => {
    const app = await open()
    for (const method of ['POST', 'DELETE', 'PUT']) {
      const answer = await exchange(
        app,
        `${method} /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      expect(bodyOf(answer)).toMatchObject({ body: null })
    }
  })

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'nonsense'])(
    'is not what one of %s is that has something',
    async (type) => {
      const headers = { 'content-type': type }
      const answer = await (await open()).inject({ method: 'POST', url: '/echo', headers, payload: 'a' })
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported_media_type'])
    },
  )

  it('nor one in chunks that says no type, and has something', async () => {
    const app = await open()
    const request =
      'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'
    expect(await exchange(app, request)).toMatch(/^HTTP\/1\.1 415 /)
  })
})

describe('a body that is too large', () => {
  // More than the buffers of both sides of a connection hold: it is still being sent when the answer comes.
  const tooMuch = Buffer.alloc(8 * 1_048_576, ' ')

  it.each(['keep-alive', 'close'])('is answered so that the client can read it (%s)', async (connection) => {
    const app = await open()
    const head = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: ${connection}\r\n`
    for (let round = 0; round < 5; round++) {
      const known = await exchange(app, `${head}Content-Length: ${tooMuch.length}\r\n\r\n`, tooMuch)
      expect(bodyOf(known)).toMatchObject({ code: 'payload_too_large' })
      const size = `${tooMuch.length.toString(16)}\r\n`
      const chunked = await exchange(
        app,
        `${head}Transfer-Encoding: chunked\r\n\r\n${size}`,
        tooMuch,
        '\r\n0\r\n\r\n',
      )
      expect(bodyOf(chunked)).toMatchObject({ code: 'payload_too_large' })
    }
  })

  it('is answered with the reason also when the body is not read for another reason', async () => {
    const app = await open()
    const head = `POST /v1/shifts HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n`
    const answer = await exchange(app, `${head}Content-Length: ${tooMuch.length}\r\n\r\n`, tooMuch)
    expect(bodyOf(answer)).toMatchObject({ code: 'unauthenticated' })
  })

  it('is not read for longer than a request may take', async () => {
    const app = await open()
    Object.assign(app.server, { requestTimeout: 300, connectionsCheckingInterval: 50 })
    const head = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}).resume()
    socket.write(`${head}Content-Length: 1000000000\r\n\r\n`)
    const more = setInterval(() => socket.write('more'), 20)
    onTestFinished(() => clearInterval(more))
    await once(socket, 'close')
  })
})

describe('the bodies of all requests together', () => {
  const LIMIT = 1_048_576
  const environment = { BODIES_LIMIT_BYTES: String(LIMIT), BODY_LIMIT_BYTES: String(LIMIT) }
  const HEAD = 'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n'
  const PART = 100_000

  /** Sends the beginning of a request, and gives what it is answered in the end. */
  function begin(app: FastifyInstance, localAddress: string, ...parts: (string | Buffer)[]): Promise<string> {
    const { port } = app.server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      received += chunk
    })
    for (const part of parts) socket.write(part)
    return once(socket, 'end').then(() => received)
  }

  const PACKED = gzipSync(`"${'x'.repeat(PART)}"`)
  const SLOW: Record<string, (string | Buffer)[]> = {
    'as they are': [`${HEAD}Content-Length: ${2 * PART}\r\n\r\n`, ' '.repeat(PART)],
    'in chunks': [`${HEAD}Transfer-Encoding: chunked\r\n\r\n${PART.toString(16)}\r\n`, ' '.repeat(PART)],
    packed: [
      `${HEAD}Content-Encoding: gzip\r\nContent-Length: ${PACKED.length}\r\n\r\n`,
      PACKED.subarray(0, -1),
    ],
  }

  it.each(Object.entries(SLOW))(
    'are limited in total: only the client that sends many slowly, %s, is refused with 429',
    async (_, parts) => {
      const app = await open(environment)
      await app.listen({ host: '127.0.0.1', port: 0 })
      const refused: string[] = []
      const flood = Array.from({ length: 40 }, () =>
        begin(app, '127.0.0.2', ...parts).then((answer) => refused.push(answer)),
      )
      await vi.waitFor(() => expect(refused.length).toBeGreaterThan(20), {
        interval: 10,
        timeout: patience(10_000),
      })
      for (const answer of refused) {
        expect(bodyOf(answer)).toMatchObject({ code: 'rate_limited' })
        expect(answer).toMatch(/^HTTP\/1\.1 429 [\s\S]*\r\nretry-after: \d+\r\n/)
      }
      const large = JSON.stringify('y'.repeat(5 * PART))
      for (let round = 0; round < 3; round += 1) {
        const answer = await begin(app, '127.0.0.3', `${HEAD}Content-Length: ${large.length}\r\n\r\n`, large)
        expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      }
      expect(flood.length - refused.length).toBeGreaterThan(0)
    },
  )

  it('are counted until their requests are over', async () => {
    const memory = new BodyMemory(1_000)
    const request = (address: string) => {
      const stream = new PassThrough()
      const response = new EventEmitter() as ServerResponse
      const errors: Error[] = []
      memory.watch(
        stream.on('error', (error) => errors.push(error)),
        response,
        address,
      )
      return { stream, response, errors }
    }
    const [done, slow, small] = [request('a'), request('a'), request('b')]
    done.stream.end(Buffer.alloc(500))
    await once(done.stream, 'end')
    expect(memory.bytes).toBe(500)
    slow.stream.write(Buffer.alloc(100))
    small.stream.write(Buffer.alloc(450))
    await vi.waitFor(() => expect(slow.errors).toHaveLength(1), patience(5_000))
    expect([done.errors, small.errors]).toEqual([[], []])
    expect(memory.bytes).toBe(950)
    for (const { response } of [done, slow]) response.emit('close')
    expect(memory.bytes).toBe(450)
    small.response.emit('close')
    expect(memory.bytes).toBe(0)
  })

  it('are not less than one of them', () => {
    expect(() => readConfig({ BODIES_LIMIT_BYTES: '1048576', BODY_LIMIT_BYTES: '1048577' })).toThrow(
      'BODIES_LIMIT_BYTES',
    )
  })
})

describe('a body that nobody reads', () => {
  it('is not unpacked, and does not keep the connection', async () => {
    const app = await open()
    const head = 'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\n'
    const answer = await exchange(app, `${head}Content-Length: 500000\r\n\r\n`, Buffer.alloc(500_000, 'x'))
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('a packed body', () => {
  const post = async (payload: Buffer, encoding: string) =>
    (await open()).inject({
      method: 'POST',
      url: '/echo',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      payload,
    })

  it.each(['gzip', 'GZIP', 'x-gzip'])('is unpacked (%s)', async (encoding) => {
    const { statusCode, json } = await post(gzipSync('{"a":"à"}'), encoding)
    expect([statusCode, json().body]).toEqual([200, { a: 'à' }])
  })

  it('is what it says, when it says that it is not packed', async () => {
    expect((await post(Buffer.from('{"a":1}'), 'identity')).json().body).toEqual({ a: 1 })
  })

  it('has the limit of one that is not packed', async () => {
    const bomb = gzipSync(`"${'x'.repeat(50_000_000)}"`)
    const { statusCode, json } = await post(bomb.subarray(0, BODY_LIMIT_BYTES), 'gzip')
    expect([statusCode, json().code]).toEqual([413, 'payload_too_large'])
  })

  it.each([
    ['half of it', gzipSync('{"a":1}').subarray(0, 20)],
    ['what is no gzip', Buffer.from('{"a":1}')],
  ])('is malformed when it is %s', async (_, payload) => {
    const { statusCode, json } = await post(payload, 'gzip')
    expect([statusCode, json().code]).toEqual([400, 'malformed_request'])
  })

  it.each(['br', 'deflate', 'zstd', 'gzip, gzip', 'nonsense'])(
    'is refused in %s, with what would do',
    async (encoding) => {
      const { statusCode, json, headers } = await post(Buffer.from('{}'), encoding)
      expect([statusCode, json().code]).toEqual([415, 'unsupported_media_type'])
      expect(headers['accept-encoding']).toBe('gzip')
    },
  )
})

describe('the target of a request', () => {
  it('is where it leads, whatever host stands before it (RFC 9112 section 3.2.2)', async () => {
    const app = await open()
    for (const target of [
      'http://evil.example/echo?a=1',
      'HTTPS://user@evil.example:1/echo?a=1',
      '/echo?a=1',
    ]) {
      const answer = await exchange(app, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect(bodyOf(answer)).toMatchObject({ url: '/echo?a=1' })
    }
    // No path at all is the front page.
    const front = await exchange(app, 'GET http://a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(front).toMatch(/^HTTP\/1\.1 200 [\s\S]*<title>Muster/)
  })

  it('may end with a slash', async () => {
    const app = await open()
    const headers = { authorization: `Bearer ${USER_ID}` }
    for (const url of ['/v1/echo', '/v1/echo/', '/v1/echo?a=/', '/v1/echo/?a=/']) {
      expect((await app.inject({ url, headers })).json()).toEqual({ url: url.replace('echo/', 'echo') })
    }
    expect((await app.inject({ url: '/v1/echo//', headers })).statusCode).toBe(404)
  })
})

describe('the address of a client behind proxies', () => {
  const DIRECT = { remoteAddress: '10.0.0.7' }
  const FORGED = { ...DIRECT, headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' } }
  const ipWith = async (TRUST_PROXY: string, request: object): Promise<string> =>
    (await (await open({ TRUST_PROXY })).inject({ url: '/echo', ...request })).json().ip

  it.each([
    ['false', '10.0.0.7'],
    ['1', '203.0.113.7'],
    ['2', '198.51.100.1'],
    ['10.0.0.0/8', '203.0.113.7'],
    ['loopback, 10.0.0.7', '203.0.113.7'],
    ['uniquelocal', '203.0.113.7'],
    ['192.0.2.1', '10.0.0.7'],
    ['10.0.0.7,203.0.113.0/24', '198.51.100.1'],
  ])('with TRUST_PROXY=%s is %s', async (trusted, ip) => {
    expect(await ipWith(trusted, FORGED)).toBe(ip)
    expect(await ipWith(trusted, DIRECT)).toBe('10.0.0.7')
  })

  it('cannot be forged to pass the rate limit', async () => {
    const app = await open({ TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: '2' })
    const statuses: number[] = []
    for (const forged of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
      const headers = { 'x-forwarded-for': `${forged}, 203.0.113.7` }
      statuses.push((await app.inject({ ...DIRECT, url: '/v1/echo', headers })).statusCode)
    }
    expect(statuses).toEqual([401, 401, 429])
  })

  it.each([
    'true',
    'TRUE',
    'everybody',
    '10.0.0.0/99',
    '10.0.0.1/8/8',
    '-1',
    '1.5',
    '1,2',
    '300',
    'false,true',
  ])('is not taken from %s', (trusted) => {
    expect(() => readConfig({ TRUST_PROXY: trusted })).toThrow(/TRUST_PROXY/)
  })

  it('is not taken from everybody, and the refusal says why', () => {
    expect(() => readConfig({ TRUST_PROXY: 'true' })).toThrow(/an address that the client itself can set/)
  })
})

describe('a number in a query', () => {
  const number = queryNumber(z.number())

  it.each([
    '0',
    '-0',
    '4.9041388999999526',
    '-0.12775829999998223',
    '-4e-7',
    '4.0E-7',
    '1e+2',
    '5e-324',
    '20.0',
    '52',
  ])('may be any that JSON has: %s', (text) => {
    expect(number.parse(text)).toBe(Number(text))
  })

  it.each([
    '',
    ' ',
    '1e999',
    '-1e999',
    'NaN',
    'Infinity',
    '0x10',
    '1 ',
    '.5',
    '5.',
    '+1',
    '1,5',
    '1_0',
    'e5',
    '١',
  ])('is not %j', (text) => {
    expect(number.safeParse(text).success).toBe(false)
  })

  it('may be whole in any spelling', () => {
    const whole = queryNumber(z.number().int().max(100))
    expect(['20', '20.0', '2e1'].map((text) => whole.parse(text))).toEqual([20, 20, 20])
    expect(whole.safeParse('20.5').success).toBe(false)
  })
})

describe('an instant', () => {
  it.each([
    '2026-03-28T21:00:00Z',
    '2026-03-28t21:00:00z',
    '2026-03-28T22:00:00+01:00',
    '2026-03-28T22:00:00+0100',
    '2026-03-28t22:00:00.000+0100',
    '2026-03-28T15:30:00-0530',
  ])('may be spelled %s (RFC 3339 section 5.6, ISO 8601)', (text) => {
    expect(Date.parse(instant.parse(text))).toBe(Date.UTC(2026, 2, 28, 21))
  })

  it.each([
    '2026-03-28 21:00:00Z',
    '2026-03-28T21:00:00',
    '2026-0328T21:00:00Z',
    '2026-03-28T21:00:00+01',
    0,
    null,
  ])('is not %j', (value) => {
    expect(instant.safeParse(value).success).toBe(false)
  })
})

describe('the challenge of a 401 (RFC 6750 section 3)', () => {
  it('tells clients to get a new token when theirs is no good, and no more than that to others', async () => {
    const challengeTo = async (authorization?: string): Promise<unknown> => {
      const headers = authorization === undefined ? {} : { authorization }
      return (await (await open()).inject({ url: '/v1/me', headers })).headers['www-authenticate']
    }
    expect(await challengeTo()).toBe('Bearer realm="muster"')
    expect(await challengeTo('Basic YTpi')).toBe('Bearer realm="muster"')
    expect(await challengeTo(`Bearer ${'x'.repeat(9_000)}`)).toMatch(
      /^Bearer realm="muster", error="invalid_token", error_description="[^"]+"$/,
    )
  })
})
