import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { problemBody } from '../../src/platform/http/problem.ts'
import { openApi, type TestApi } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { LOCATIONS, ORGANIZATIONS, SITE } from '../support/world.ts'

/** For what must happen soon, on a machine that is busy with other tests. */
const SOON = { timeout: patience(20_000) }

let api: TestApi
let port: number

beforeAll(async () => {
  api = await openApi({
    DATABASE_POOL_SIZE: '2',
    DATABASE_ACQUIRE_TIMEOUT_MS: String(patience(1_000)),
    // Far beyond `SOON`: what ends before was cancelled, and did not give up by itself.
    DATABASE_LOCK_TIMEOUT_MS: '120000',
    DATABASE_STATEMENT_TIMEOUT_MS: '120000',
  })
  // The same limits, sooner: Node reads them when it begins to listen.
  Object.assign(api.app.server, {
    headersTimeout: patience(400),
    requestTimeout: patience(800),
    connectionsCheckingInterval: 100,
  })
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  port = (api.app.server.address() as AddressInfo).port
})
afterAll(() => api.close())

function dial(): { socket: Socket; received: () => string; closed: Promise<unknown> } {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  return { socket, received: () => text, closed: once(socket, 'close') }
}

/** Sends raw bytes and gives what came back until the service hung up. */
async function send(...chunks: (string | Buffer)[]): Promise<string> {
  const { socket, received, closed } = dial()
  for (const chunk of chunks) socket.write(chunk)
  await closed
  return received()
}

function expectProblemIn(answer: string, status: number, code: string): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(head.toLowerCase()).toContain('content-type: application/problem+json')
  expect(problemBody().parse(JSON.parse(body))).toMatchObject({ status, code })
}

const GET = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n'

describe('what is no request', () => {
  test.each([
    ['garbage', '\u0016\u0003\u0001garbage\r\n\r\n'],
    ['an unknown method', 'BREW /pot HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['another protocol', 'GET / HTTP/9.9\r\nhost: x\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n'],
    ['a folded header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\u0000\r\n\r\n'],
    ['two lengths', `POST /v1/me HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    [
      'a length and chunks (request smuggling)',
      'POST /v1/me HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk without a size', 'POST /v1/me HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a length below zero', 'POST /v1/me HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    expectProblemIn(await send(bytes), 400, 'malformed_request')
  })

  test('too many bytes of headers', async () => {
    const flood = Array.from({ length: 400 }, (_, n) => `x-${n}: ${'y'.repeat(100)}\r\n`).join('')
    expectProblemIn(await send(`${GET}${flood}\r\n`), 431, 'headers_too_large')
  })

  test('no host, where HTTP/1.1 demands one', async () => {
    expectProblemIn(await send('GET /health HTTP/1.1\r\nconnection: close\r\n\r\n'), 400, 'malformed_request')
    expect(await send('GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('garbage behind a request', async () => {
    expect(await send(`GET /health HTTP/1.1\r\nhost: x\r\n\r\n`, '\u0000\u0000garbage\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 (200|400) /,
    )
  })
})

describe('who is slow', () => {
  test('to send the headers is disconnected', async () => {
    expectProblemIn(await send('GET /health HTTP/1.1\r\nhost: x\r\n'), 408, 'request_timeout')
  })

  test('to send the body is disconnected, also when bytes keep trickling in', async () => {
    const { socket, received, closed } = dial()
    const token = await api.tokenOf('company')
    socket.write(
      `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`,
    )
    const drip = setInterval(() => socket.write(' '), 50)
    await closed
    clearInterval(drip)
    expectProblemIn(received(), 408, 'request_timeout')
  })

  test('to send a first byte is disconnected', async () => {
    const { closed, received } = dial()
    await closed
    expect(received()).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })
})

describe('what is unusual', () => {
  test('Expect: 100-continue is answered', async () => {
    const { socket, received } = dial()
    socket.write(
      'POST /v1/me HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n',
    )
    await vi.waitFor(() => expect(received()).toMatch(/^HTTP\/1\.1 (100 Continue|401)/), SOON)
  })

  test('another expectation is refused', async () => {
    expect(await send(`${GET}expect: coffee\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  test('a hundred pipelined requests are answered in order', async () => {
    const requests = Array.from({ length: 99 }, () => 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n').join('')
    const answer = await send(`${requests}${GET}\r\n`)
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(100)
  })

  test('a body of gigabytes is refused before it is sent', async () => {
    const token = await api.tokenOf('company')
    const { socket, received } = dial()
    socket.write(
      `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 10000000000\r\n\r\n{`,
    )
    await vi.waitFor(() => expect(received()).toContain('"payload_too_large"'), SOON)
  })
})

describe('who leaves', () => {
  const waiting = async (): Promise<number> =>
    (
      await api.owner.query(
        "select from pg_stat_activity where usename ~ '^muster_api_' and wait_event_type = 'Lock' and datname = current_database()",
      )
    ).length

  /** Everything that touches locations waits until the result is called. */
  async function blockLocations(): Promise<() => Promise<void>> {
    const done = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holder = api.owner.transaction(async (tx) => {
      await tx.query('lock table locations in access exclusive mode')
      locked.resolve()
      await done.promise
    })
    await locked.promise
    return async () => {
      done.resolve()
      await holder
    }
  }

  test('during a read releases the database connection', async () => {
    // Of two callers: one holds no more than one of two.
    const tokens = [await api.tokenOf('company'), await api.tokenOf('client')]
    for (const persona of ['company', 'client'] as const) await api.as(persona).get('/v1/notifications')
    const unblock = await blockLocations()
    const sockets = tokens.map((token) => {
      const { socket } = dial()
      socket.write(
        `GET /v1/locations/${LOCATIONS.site} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
      )
      return socket
    })
    await vi.waitFor(async () => expect(await waiting()).toBe(2), SOON)
    for (const socket of sockets) socket.destroy()
    // While the lock is still held: cancelled, not finished.
    await vi.waitFor(async () => expect(await waiting()).toBe(0), SOON)
    expect((await api.as('company').get('/v1/me')).statusCode).toBe(200)
    await unblock()
  })

  test('during a write does not undo the write', async () => {
    const token = await api.tokenOf('company')
    const unblock = await blockLocations()
    const body = JSON.stringify({
      organization_id: ORGANIZATIONS.client,
      name: 'Left behind',
      address: 'Dam 1',
      ...SITE,
    })
    const { socket } = dial()
    socket.write(
      `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await vi.waitFor(async () => expect(await waiting()).toBe(1), SOON)
    socket.destroy()
    await unblock()
    await vi.waitFor(async () => {
      expect(await api.owner.query("select from locations where name = 'Left behind'")).toHaveLength(1)
    }, SOON)
  })

  test('in the middle of a body does no harm', async () => {
    const token = await api.tokenOf('company')
    for (let n = 0; n < 20; n += 1) {
      const { socket, closed } = dial()
      socket.write(
        `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"name":"`,
        () => socket.resetAndDestroy(),
      )
      await closed
    }
    expect((await api.as('company').get('/v1/me')).statusCode).toBe(200)
  })
})

describe('a database that is busy', () => {
  test('is answered with 503 and Retry-After', async () => {
    const mayEnd = Promise.withResolvers<void>()
    const holders = [1, 2].map(() =>
      api.api.transaction(async (tx) => {
        await tx.query('select 1')
        await mayEnd.promise
      }),
    )
    const response = await api.as('company').get('/v1/locations')
    mayEnd.resolve()
    await Promise.all(holders)
    expect(response.statusCode).toBe(503)
    expect(response.json()).toMatchObject({ code: 'busy', status: 503 })
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    expect((await api.as('company').get('/v1/locations')).statusCode).toBe(200)
  })
})
