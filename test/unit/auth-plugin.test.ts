import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { KeysUnavailable } from '../../src/platform/auth/errors.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { createVerifier, type TokenVerifier } from '../../src/platform/auth/verifier.ts'
import { authentication } from '../../src/platform/http/authentication.ts'
import { AUDIENCE, SECRET, secretSettings, USER_ID } from '../support/tokens.ts'

const ANON_KEY = 'sb_publishable_0123456789'
const GOOD = await issueToken(SECRET, { sub: USER_ID, audience: AUDIENCE })
const EXPIRED = await issueToken(SECRET, { sub: USER_ID, audience: AUDIENCE, expiresInSeconds: -60 })
const ANONYMOUS = await issueToken(SECRET, { role: 'anon', audience: AUDIENCE })

async function startApp(verifier: TokenVerifier = createVerifier(secretSettings)): Promise<FastifyInstance> {
  const app = Fastify()
  onTestFinished(() => app.close())
  app.setErrorHandler((error: Error & { statusCode?: number; reason?: string }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send({ name: error.name, reason: error.reason }),
  )
  app.get('/health', async (request) => request.caller)
  await app.register(authentication, { verifier, anonKey: ANON_KEY })
  await app.register(
    async (v1) => {
      v1.get('/', async (request) => request.caller)
      v1.get('/me', async (request) => request.caller)
      v1.post('/shifts', async (request) => request.caller)
    },
    { prefix: '/v1' },
  )
  app.get('/v1beside', async (request) => request.caller)
  return app
}

interface Asked {
  status: number
  body: { role?: string; userId?: string | null; name?: string; reason?: string }
}

async function ask(app: FastifyInstance, url: string, authorization?: unknown): Promise<Asked> {
  const headers = authorization === undefined ? {} : { authorization: authorization as string }
  const response = await app.inject({ url, headers })
  return { status: response.statusCode, body: response.json() }
}

const nobody = { role: 'anon', userId: null }
const somebody = { role: 'authenticated', userId: USER_ID }

describe('a route under /v1', () => {
  test.each(['Bearer', 'bearer'])('answers a signed-in user (%s)', async (scheme) => {
    expect(await ask(await startApp(), '/v1/me', `${scheme} ${GOOD}`)).toMatchObject({
      status: 200,
      body: somebody,
    })
  })

  test.each([
    ['without a header', undefined, 'token_missing'],
    ['with an empty header', '', 'header_malformed'],
    ['with another scheme', 'Basic dXNlcjpwYXNz', 'header_malformed'],
    ['with no token in the header', 'Bearer', 'header_malformed'],
    ['with an expired token', `Bearer ${EXPIRED}`, 'token_expired'],
    ['with the publishable key', `Bearer ${ANON_KEY}`, 'caller_anonymous'],
    ['with an anonymous token', `Bearer ${ANONYMOUS}`, 'caller_anonymous'],
    ['with words', 'Bearer undefined', 'token_malformed'],
    ['with a huge token', `Bearer ${'x'.repeat(20_000)}`, 'token_too_large'],
  ])('refuses a caller %s', async (_what, authorization, reason) => {
    expect(await ask(await startApp(), '/v1/me', authorization)).toEqual({
      status: 401,
      body: { name: 'Unauthenticated', reason },
    })
  })

  test.each(['/v1', '/v1/', '/v1/me', '/v1/me?access_token=x', '/%761/me'])(
    'is closed at %s',
    async (url) => {
      expect(await ask(await startApp(), url)).toMatchObject({ status: 401 })
    },
  )

  test('is closed for HEAD too', async () => {
    const app = await startApp()
    expect((await app.inject({ method: 'HEAD', url: '/v1/me' })).statusCode).toBe(401)
  })

  test('is refused before its body is read', async () => {
    const app = await startApp()
    const response = await app.inject({
      method: 'POST',
      url: '/v1/shifts',
      headers: { 'content-type': 'application/json' },
      payload: '{ this is no JSON',
    })
    expect(response.statusCode).toBe(401)
  })

  test('that does not exist is a 404', async () => {
    const app = await startApp()
    expect((await app.inject({ url: '/v1/nothing' })).statusCode).toBe(404)
  })

  test('takes no token from the address, a cookie or another header', async () => {
    const app = await startApp()
    const response = await app.inject({
      url: `/v1/me?access_token=${GOOD}&apikey=${GOOD}`,
      headers: { apikey: GOOD, cookie: `access_token=${GOOD}`, 'x-api-key': GOOD },
    })
    expect(response.json()).toMatchObject({ reason: 'token_missing' })
  })

  test('answers 503 when the keys cannot be had', async () => {
    const app = await startApp({ verify: () => Promise.reject(new KeysUnavailable(5_000)) })
    expect(await ask(app, '/v1/me', `Bearer ${GOOD}`)).toMatchObject({
      status: 503,
      body: { name: 'KeysUnavailable' },
    })
  })
})

describe('a route elsewhere', () => {
  test.each(['/health', '/v1beside'])('%s is left alone, and its caller is nobody', async (url) => {
    const app = await startApp()
    expect(await ask(app, url, `Bearer ${GOOD}`)).toMatchObject({ status: 200, body: nobody })
    expect(await ask(app, url, 'Basic x')).toMatchObject({ status: 200, body: nobody })
  })
})

describe('the caller', () => {
  test('cannot be replaced by a handler', async () => {
    const app = await startApp()
    app.get('/v1/forge', async (request) => {
      Object.assign(request, { caller: { role: 'authenticated', userId: 'somebody else' } })
    })
    expect(await ask(app, '/v1/forge', `Bearer ${GOOD}`)).toMatchObject({
      status: 500,
      body: { name: 'TypeError' },
    })
  })

  test('of one request is not the caller of the next on the same connection', async () => {
    const app = await startApp()
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    const request = (extra: string) => `GET /v1/me HTTP/1.1\r\nHost: muster\r\n${extra}\r\n`
    socket.write(request(`Authorization: Bearer ${GOOD}\r\n`) + request('Connection: close\r\n'))
    const answers = await text(socket)
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401'])
    expect(answers).toContain('"reason":"token_missing"')
  })
})
