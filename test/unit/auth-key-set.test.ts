import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { inspect } from 'node:util'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { KeysUnavailable, Unauthenticated } from '../../src/platform/auth/errors.ts'
import {
  KEYS_COOLDOWN_MS,
  KEYS_MAX_AGE_MS,
  KEYS_MAX_STALE_MS,
  KEYS_REFRESH_AFTER_MS,
  KEYS_RETRY_MS,
  KeySet,
  MAX_KEY_SET_BYTES,
  planRefresh,
} from '../../src/platform/auth/key-set.ts'
import { VERIFIED_TOKEN_MAX_AGE_MS } from '../../src/platform/auth/verified-tokens.ts'
import { createVerifier, type TokenVerifier, type VerifierOptions } from '../../src/platform/auth/verifier.ts'
import {
  type KeyServer,
  makeSigningKey,
  respondJson,
  type SigningKey,
  startKeyServer,
} from '../support/key-server.ts'
import { patience } from '../support/patience.ts'
import { AUDIENCE, claimsAtNoon, encodePart, forge, NOON, SECRET, USER_ID } from '../support/tokens.ts'

/** Some keys are really fetched, on a machine that may be busy. */
const FETCH_TIMEOUT_MS = patience(250)

/** Tokens that outlive every outage in this file: here the keys expire, not they. */
const day = { exp: NOON + 86_400 }

let first: SigningKey
let second: SigningKey
beforeAll(async () => {
  first = await makeSigningKey('first')
  second = await makeSigningKey('second')
})

interface Issuer {
  server: KeyServer
  verifier: TokenVerifier
  clock: { nowMs: number }
  /** Verifies a token that was not seen before, and says what became of it. */
  outcome(key: SigningKey, header?: Record<string, unknown>): Promise<string>
}

async function startIssuer(options: VerifierOptions = {}, secret?: string): Promise<Issuer> {
  const server = await startKeyServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const clock = { nowMs: NOON * 1000 }
  const verifier = createVerifier(
    {
      keys: { kind: 'jwks', url: server.url, ...(secret === undefined ? {} : { secret }) },
      issuer: undefined,
      audience: AUDIENCE,
      clockToleranceSeconds: 5,
    },
    { now: () => clock.nowMs, ...options },
  )
  let serial = 0
  const outcome = async (key: SigningKey, header?: Record<string, unknown>) => {
    serial += 1
    return describeOutcome(verifier.verify(await key.sign(claimsAtNoon({ ...day, serial }), header)))
  }
  return { server, verifier, clock, outcome }
}

async function describeOutcome(verification: Promise<unknown>): Promise<string> {
  try {
    await verification
    return 'accepted'
  } catch (error) {
    if (error instanceof Unauthenticated) return error.reason
    if (error instanceof KeysUnavailable) return `unavailable, retry after ${error.retryAfterSeconds}`
    throw error
  }
}

describe('the plan for a key set of some age', () => {
  const never = Number.POSITIVE_INFINITY
  test.each([
    ['new', 0, never, 'use'],
    ['just not aging', KEYS_REFRESH_AFTER_MS - 1, never, 'use'],
    ['aging', KEYS_REFRESH_AFTER_MS, never, 'use-and-refresh'],
    ['aging in an outage', KEYS_REFRESH_AFTER_MS, 1, 'use-and-refresh'],
    ['stale', KEYS_MAX_AGE_MS, never, 'wait'],
    ['stale in an outage', KEYS_MAX_AGE_MS, KEYS_REFRESH_AFTER_MS - 1, 'use-and-refresh'],
    ['stale, the last failure long ago', KEYS_MAX_AGE_MS, KEYS_REFRESH_AFTER_MS, 'wait'],
    ['stale in an outage to the last', KEYS_MAX_STALE_MS - 1, 1, 'use-and-refresh'],
    ['too old, outage or not', KEYS_MAX_STALE_MS, 1, 'wait'],
    ['none', never, never, 'wait'],
    ['none in an outage', never, 1, 'wait'],
  ] as const)('%s', (_what, ageMs, sinceFailureMs, plan) => {
    expect(planRefresh(ageMs, sinceFailureMs)).toBe(plan)
  })
})

describe('a token signed with a published key', () => {
  test.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])('is accepted (%s)', async (alg) => {
    const { server, verifier } = await startIssuer()
    const key = await makeSigningKey('only', alg)
    server.publish(key.jwk)
    await expect(verifier.verify(await key.sign(claimsAtNoon()))).resolves.toMatchObject({
      role: 'authenticated',
      userId: USER_ID,
    })
  })

  test('needs no kid while one key fits', async () => {
    const { server, outcome } = await startIssuer()
    server.publish(first.jwk)
    expect(await outcome(first, { kid: undefined })).toBe('accepted')
  })

  test('needs a kid when several keys fit', async () => {
    const { server, outcome } = await startIssuer()
    server.publish(first.jwk, second.jwk)
    expect(await outcome(first, { kid: undefined })).toBe('token_key_unknown')
    expect(await outcome(first)).toBe('accepted')
  })

  test('fetches the keys once', async () => {
    const { server, outcome } = await startIssuer()
    server.publish(first.jwk)
    for (let turn = 0; turn < 5; turn += 1) expect(await outcome(first)).toBe('accepted')
    expect(server.requests).toEqual(['/.well-known/jwks.json'])
  })
})

describe('a token that uses the keys wrongly', () => {
  test("is refused when HMAC-signed with the issuer's public key, in any spelling of it", async () => {
    const { server, verifier } = await startIssuer()
    server.publish(first.jwk)
    const publicKey = createPublicKey({ key: first.jwk as Record<string, string>, format: 'jwk' })
    const spellings = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(first.jwk),
    ]
    for (const spelling of spellings) {
      const input = `${encodePart({ alg: 'HS256', kid: 'first' })}.${encodePart(claimsAtNoon())}`
      const token = `${input}.${createHmac('sha256', spelling).update(input).digest('base64url')}`
      expect(await describeOutcome(verifier.verify(token))).toBe('token_algorithm')
    }
    expect(server.requests).toEqual([])
  })

  test('is refused with a symmetric key, even one that is published', async () => {
    const { server, verifier } = await startIssuer()
    const secret = 'a shared secret that somebody published'
    server.publish({ kty: 'oct', kid: 'first', alg: 'HS256', k: encodePart(secret) })
    const input = `${encodePart({ alg: 'HS256', kid: 'first' })}.${encodePart(claimsAtNoon())}`
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect(await describeOutcome(verifier.verify(token))).toBe('token_algorithm')
  })

  test('is refused without a signature', async () => {
    const { verifier } = await startIssuer()
    const token = `${encodePart({ alg: 'none', kid: 'first' })}.${encodePart(claimsAtNoon())}.`
    expect(await describeOutcome(verifier.verify(token))).toBe('token_algorithm')
  })

  test('is refused when another key signed it', async () => {
    const { server, outcome } = await startIssuer()
    server.publish(first.jwk, second.jwk)
    expect(await outcome(second, { kid: 'first' })).toBe('token_signature')
  })

  test('is refused when it brings its own key, which is not fetched', async () => {
    const { server, outcome } = await startIssuer()
    const attacker = await startKeyServer()
    onTestFinished(() => attacker[Symbol.asyncDispose]())
    attacker.publish({ ...second.jwk, kid: 'first' })
    server.publish(first.jwk)
    const header = { kid: 'first', jku: attacker.url.href, x5u: attacker.url.href, jwk: second.jwk }
    expect(await outcome(second, header)).toBe('token_signature')
    expect(attacker.requests).toEqual([])
  })

  test.each([[7], [['first']], [{}], [null], ['k'.repeat(257)]])(
    'is refused with the kid %j',
    async (kid) => {
      const { server, verifier } = await startIssuer()
      const token = `${encodePart({ alg: 'ES256', kid })}.${encodePart(claimsAtNoon())}.AAAA`
      expect(await describeOutcome(verifier.verify(token))).toBe('token_malformed')
      expect(server.requests).toEqual([])
    },
  )

  test.each([
    ['expired', { exp: NOON - 60 }, 'token_expired'],
    ['another audience', { aud: 'elsewhere' }, 'token_audience'],
    ['no subject', { sub: undefined }, 'token_claims'],
    ['service_role', { role: 'service_role' }, 'token_role'],
    ['NUL', { name: '\u0000' }, 'token_claims'],
  ])('is refused for its claims: %s', async (_what, changes, reason) => {
    const { server, verifier } = await startIssuer()
    server.publish(first.jwk)
    expect(await describeOutcome(verifier.verify(await first.sign(claimsAtNoon(changes))))).toBe(reason)
  })
})

describe('rotation', () => {
  test('a new key is fetched when its kid is first seen', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    expect(await outcome(first)).toBe('accepted')
    server.publish(first.jwk, second.jwk)
    clock.nowMs += KEYS_COOLDOWN_MS
    expect(await outcome(second)).toBe('accepted')
    expect(await outcome(first)).toBe('accepted')
    expect(server.requests).toHaveLength(2)
  })

  test('during the cooldown a new kid is answered with 503 and the rest of the cooldown as Retry-After', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.publish(first.jwk, second.jwk)
    clock.nowMs += 10_500
    expect(await outcome(second)).toBe('unavailable, retry after 20')
    clock.nowMs = NOON * 1000 + KEYS_COOLDOWN_MS - 1
    expect(await outcome(second)).toBe('unavailable, retry after 1')
    expect(server.requests).toHaveLength(1)
    clock.nowMs += 1
    expect(await outcome(second)).toBe('accepted')
  })

  test('a kid that the issuer does not publish is refused after one fetch', async () => {
    const { server, outcome } = await startIssuer()
    server.publish(first.jwk)
    expect(await outcome(second)).toBe('token_key_unknown')
    expect(server.requests).toHaveLength(1)
  })

  test('a refused kid stays refused through the cooldown without a fetch, and is then looked for again', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    expect(await outcome(second)).toBe('token_key_unknown')
    server.publish(first.jwk, second.jwk)
    clock.nowMs += KEYS_COOLDOWN_MS - 1
    expect(await outcome(second)).toBe('token_key_unknown')
    expect(server.requests).toHaveLength(1)
    clock.nowMs += 1
    expect(await outcome(second)).toBe('accepted')
  })

  test('unknown kids cause at most one fetch per cooldown', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    for (let turn = 0; turn < 3; turn += 1) {
      for (let serial = 0; serial < 10; serial += 1)
        await outcome(second, { kid: `invented-${turn}-${serial}` })
      clock.nowMs += KEYS_COOLDOWN_MS
    }
    expect(server.requests).toHaveLength(3)
  })

  test('a withdrawn key is refused once the set has reached its maximum age', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk, second.jwk)
    expect(await outcome(first)).toBe('accepted')
    server.publish(second.jwk)
    clock.nowMs += KEYS_MAX_AGE_MS
    expect(await outcome(first)).toBe('token_key_unknown')
    expect(await outcome(second)).toBe('accepted')
  })

  test('a withdrawn key is refused for a token that was verified before', async () => {
    const { server, clock, verifier } = await startIssuer()
    server.publish(first.jwk, second.jwk)
    const token = await first.sign(claimsAtNoon(day))
    clock.nowMs += 1
    await verifier.verify(token)
    server.publish(second.jwk)
    clock.nowMs += KEYS_MAX_AGE_MS - 1
    expect(await describeOutcome(verifier.verify(token))).toBe('accepted')
    clock.nowMs += VERIFIED_TOKEN_MAX_AGE_MS
    expect(await describeOutcome(verifier.verify(token))).toBe('token_key_unknown')
  })

  test('a new set ends the memory of tokens verified with the old one', async () => {
    const { server, clock, verifier, outcome } = await startIssuer()
    server.publish(first.jwk)
    const token = await first.sign(claimsAtNoon(day))
    await verifier.verify(token)
    server.publish(second.jwk)
    clock.nowMs += KEYS_COOLDOWN_MS
    expect(await describeOutcome(verifier.verify(token))).toBe('accepted')
    expect(await outcome(second)).toBe('accepted')
    expect(await describeOutcome(verifier.verify(token))).not.toBe('accepted')
  })

  test('an aging set is refreshed while it is used', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.publish(second.jwk)
    clock.nowMs += KEYS_REFRESH_AFTER_MS
    expect(await outcome(first)).toBe('accepted')
    await vi.waitFor(async () => expect(await outcome(second)).toBe('accepted'), patience(10_000))
    expect(server.requests).toHaveLength(2)
  })

  test('an empty set withdraws every key', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.publish()
    clock.nowMs += KEYS_MAX_AGE_MS
    expect(await outcome(first)).toBe('token_key_unknown')
  })

  test('a clock that is set back makes the set old, not young', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.publish(second.jwk)
    clock.nowMs -= 1_000
    expect(await outcome(first)).toBe('token_key_unknown')
  })
})

describe('one fetch at a time', () => {
  test('a crowd that arrives without keys shares a fetch', async () => {
    const { server, outcome } = await startIssuer()
    const held: (() => void)[] = []
    server.answer((request, response) => {
      held.push(() => respondJson({ keys: [first.jwk] })(request, response))
    })
    const crowd = Array.from({ length: 50 }, () => outcome(first))
    await server.received(1)
    for (const release of held) release()
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['accepted']))
    expect(server.requests).toHaveLength(1)
  })

  test('a crowd makes one new version of the set', async () => {
    const { server, clock } = await startIssuer()
    server.publish(first.jwk)
    const keySet = new KeySet(server.url, { now: () => clock.nowMs })
    const jws = { payload: '', signature: '' }
    await Promise.all(Array.from({ length: 50 }, () => keySet.find({ alg: 'ES256', kid: 'first' }, jws)))
    expect(keySet.version).toBe(1)
  })

  test('a crowd with a new kid shares a fetch', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.publish(first.jwk, second.jwk)
    clock.nowMs += KEYS_COOLDOWN_MS
    const crowd = await Promise.all(Array.from({ length: 50 }, () => outcome(second)))
    expect(new Set(crowd)).toEqual(new Set(['accepted']))
    expect(server.requests).toHaveLength(2)
  })

  test('a crowd in an outage shares a failure, and then waits before it tries again', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.fail()
    const crowd = await Promise.all(Array.from({ length: 50 }, () => outcome(first)))
    expect(new Set(crowd)).toEqual(new Set(['unavailable, retry after 5']))
    const afterCrowd = server.requests.length
    clock.nowMs += KEYS_RETRY_MS - 1
    expect(await outcome(first)).toBe('unavailable, retry after 1')
    expect(server.requests).toHaveLength(afterCrowd)
    server.publish(first.jwk)
    clock.nowMs += 1
    expect(await outcome(first)).toBe('accepted')
  })
})

/** Ways in which an issuer can fail to give a key set. */
const failures: [string, (server: KeyServer) => void][] = [
  ['down', (server) => server.fail()],
  ['an error', (server) => server.answer(respondJson({ message: 'down' }, 500))],
  ['not found', (server) => server.answer(respondJson({ keys: [] }, 404))],
  ['no content', (server) => server.answer((_request, response) => response.writeHead(204).end())],
  ['a page', (server) => server.answer((_request, response) => response.end('<html>Welcome</html>'))],
  ['nothing', (server) => server.answer((_request, response) => response.end())],
  ['cut off', (server) => server.answer((_request, response) => response.end('{"keys":[{"kty":"E'))],
  ['a list', (server) => server.answer(respondJson([]))],
  ['null', (server) => server.answer(respondJson(null))],
  ['no keys in it', (server) => server.answer(respondJson({}))],
  ['keys that are text', (server) => server.answer(respondJson({ keys: 'first' }))],
  ['keys that are numbers', (server) => server.answer(respondJson({ keys: [1, 2] }))],
  [
    'too large',
    (server) => server.answer(respondJson({ keys: [first.jwk], x: 'x'.repeat(MAX_KEY_SET_BYTES) })),
  ],
  [
    'a redirect',
    (server) =>
      server.answer((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end()),
  ],
  ['silent', (server) => server.answer(() => {})],
  [
    'stuck in the middle',
    (server) => server.answer((_request, response) => response.writeHead(200).write('{"keys":[')),
  ],
]

describe('an issuer that cannot be asked', () => {
  test.each(failures)('(%s) is never a 401', async (_what, breakServer) => {
    const { server, outcome } = await startIssuer({ fetchTimeoutMs: FETCH_TIMEOUT_MS })
    breakServer(server)
    expect(await outcome(first)).toBe('unavailable, retry after 5')
  })

  test.each(failures)('(%s) leaves the known keys working, and no others', async (_what, breakServer) => {
    const { server, clock, outcome } = await startIssuer({ fetchTimeoutMs: FETCH_TIMEOUT_MS })
    server.publish(first.jwk)
    expect(await outcome(first)).toBe('accepted')
    breakServer(server)
    clock.nowMs += KEYS_MAX_AGE_MS
    expect(await outcome(first)).toBe('accepted')
    expect(await outcome(second)).toBe('unavailable, retry after 5')
  })

  test('is not followed to where it redirects', async () => {
    const { server, outcome } = await startIssuer()
    server.answer((request, response) => {
      if (request.url === '/elsewhere') respondJson({ keys: [first.jwk] })(request, response)
      else response.writeHead(307, { location: '/elsewhere' }).end()
    })
    expect(await outcome(first)).toMatch('unavailable')
    expect(server.requests).toEqual(['/.well-known/jwks.json'])
  })

  test('known keys stop working when the outage outlasts the limit, and work again after it', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.fail()
    clock.nowMs += KEYS_MAX_STALE_MS - 1
    expect(await outcome(first)).toBe('accepted')
    clock.nowMs += 1
    expect(await outcome(first)).toMatch('unavailable')
    server.publish(first.jwk)
    clock.nowMs += KEYS_RETRY_MS
    expect(await outcome(first)).toBe('accepted')
  })

  test('a refused kid may come back once the issuer is down', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    expect(await outcome(second)).toBe('token_key_unknown')
    server.fail()
    clock.nowMs += KEYS_COOLDOWN_MS
    expect(await outcome(second)).toBe('unavailable, retry after 5')
    expect(await outcome(second)).toBe('unavailable, retry after 5')
  })

  test('nobody waits for an issuer that failed a moment ago', async () => {
    const { server, clock, outcome } = await startIssuer()
    server.publish(first.jwk)
    await outcome(first)
    server.fail()
    clock.nowMs += KEYS_MAX_AGE_MS
    expect(await outcome(first)).toBe('accepted')

    let givenUp = false
    server.answer((_request, response) => {
      response.once('close', () => {
        givenUp = true
      })
    })
    clock.nowMs += KEYS_RETRY_MS
    expect(await outcome(first)).toBe('accepted')
    await server.received(3)
    expect(givenUp).toBe(false)
  })

  test('is logged once when it begins and once when it ends, with the cause', async () => {
    const log = { info: vi.fn(), warn: vi.fn() }
    const { server, clock, outcome } = await startIssuer({ log })
    for (let outage = 1; outage <= 2; outage += 1) {
      server.fail()
      clock.nowMs += KEYS_MAX_STALE_MS
      await outcome(first)
      clock.nowMs += KEYS_RETRY_MS
      await outcome(first)
      expect(log.warn).toHaveBeenCalledTimes(outage)
      expect(log.warn).toHaveBeenLastCalledWith({ err: expect.any(Error) }, expect.any(String))
      expect(log.info).toHaveBeenCalledTimes(outage - 1)

      server.publish(first.jwk)
      clock.nowMs += KEYS_RETRY_MS
      await outcome(first)
      clock.nowMs += KEYS_MAX_AGE_MS
      await outcome(first)
      expect(log.info).toHaveBeenCalledTimes(outage)
    }
    expect(log.warn).toHaveBeenCalledTimes(2)
  })
})

describe('a published key that cannot be used', () => {
  test.each([
    ['off its curve', () => ({ ...first.jwk, x: encodePart('x'.repeat(32)), y: encodePart('y'.repeat(32)) })],
    ['without coordinates', () => ({ kty: 'EC', crv: 'P-256', kid: 'first', alg: 'ES256' })],
  ])("(%s) is the issuer's fault", async (_what, broken) => {
    const { server, outcome } = await startIssuer()
    server.publish(broken())
    expect(await outcome(first)).toMatch('unavailable')
  })

  test('(private) is not used to verify', async () => {
    const { server, outcome } = await startIssuer()
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const { key_ops: _sign, ...jwk } = await exportJWK(privateKey)
    server.publish({ ...jwk, kid: 'first' })
    expect(await outcome(first)).toMatch('unavailable')
  })

  test('(for encryption) is as good as absent', async () => {
    const { server, outcome } = await startIssuer()
    server.publish({ ...first.jwk, use: 'enc' })
    expect(await outcome(first)).toBe('token_key_unknown')
  })

  test('(RSA of 1,024 bits) verifies nothing', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const { server, verifier } = await startIssuer()
    server.publish({ ...publicKey.export({ format: 'jwk' }), kty: 'RSA', kid: 'weak' })
    const input = `${encodePart({ alg: 'RS256', kid: 'weak' })}.${encodePart(claimsAtNoon())}`
    const token = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
    await expect(verifier.verify(token)).rejects.toBeInstanceOf(KeysUnavailable)
  })
})

describe('KeysUnavailable', () => {
  test('is a 503 that says nothing of the token', async () => {
    const { verifier, server } = await startIssuer()
    server.fail()
    const token = await first.sign(claimsAtNoon({ email: 'noor.private@example.com' }))
    const error: unknown = await verifier.verify(token).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      name: 'KeysUnavailable',
      code: 'busy',
      statusCode: 503,
      retryAfterSeconds: 5,
    })
    const printed = inspect(error, { depth: 10, showHidden: true })
    expect(printed).not.toContain('noor.private')
    for (const part of token.split('.')) expect(printed).not.toContain(part)
  })
})

describe('a key set with a secret beside it', () => {
  test('takes the tokens of both, and those of the secret while the issuer is down', async () => {
    const { server, clock, verifier, outcome } = await startIssuer({}, SECRET)
    server.fail()
    const old = forge(claimsAtNoon(day))
    expect(await outcome(first)).toContain('unavailable')
    expect(await describeOutcome(verifier.verify(old))).toBe('accepted')
    server.publish(first.jwk)
    clock.nowMs += KEYS_RETRY_MS
    expect(await outcome(first)).toBe('accepted')
    expect(await describeOutcome(verifier.verify(old))).toBe('accepted')
    expect(await describeOutcome(verifier.verify(forge({ role: 'anon', exp: day.exp })))).toBe('accepted')
  })

  test('verifies no HS256 token by a public key, in whatever form it is the secret', async () => {
    const rsa = await makeSigningKey('rsa', 'RS256')
    const { server, verifier, outcome } = await startIssuer({}, SECRET)
    server.publish(rsa.jwk)
    expect(await outcome(rsa)).toBe('accepted')
    const pem = await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey)
    for (const secret of [pem, pem.trim(), JSON.stringify(rsa.jwk), rsa.jwk.n!]) {
      for (const header of [{}, { kid: 'rsa' }]) {
        const forged = forge(claimsAtNoon(day), { secret, header })
        expect(await describeOutcome(verifier.verify(forged))).toBe('token_signature')
      }
    }
  })

  test('verifies nothing but HS256 by the secret', async () => {
    const { server, verifier } = await startIssuer({}, SECRET)
    const { alg: _, ...anyAlgorithm } = first.jwk
    server.publish(anyAlgorithm, { kty: 'oct', kid: 'oct', k: encodePart(SECRET) })
    for (const alg of ['HS384', 'HS512', 'none', 'hs256']) {
      const hash = { HS384: 'sha384', HS512: 'sha512' }[alg] ?? 'sha256'
      const forged = forge(claimsAtNoon(day), { header: { alg }, hash })
      expect(await describeOutcome(verifier.verify(forged))).toBe('token_algorithm')
    }
    for (const alg of ['ES256', 'RS256']) {
      for (const kid of ['first', 'oct']) {
        const forged = forge(claimsAtNoon(day), { header: { alg, kid } })
        expect(await describeOutcome(verifier.verify(forged))).not.toBe('accepted')
      }
    }
  })

  test('asks the set for no symmetric key that it may publish', async () => {
    const published = 'what an issuer should never publish, 32 bytes and more'
    const { server, verifier } = await startIssuer({}, SECRET)
    server.publish({ kty: 'oct', kid: 'oct', alg: 'HS256', k: encodePart(published) })
    const forged = forge(claimsAtNoon(day), { header: { kid: 'oct' }, secret: published })
    expect(await describeOutcome(verifier.verify(forged))).toBe('token_signature')
    expect(server.requests).toEqual([])
  })
})
