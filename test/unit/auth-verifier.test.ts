import { inspect } from 'node:util'
import fc from 'fast-check'
import { generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { MAX_TOKEN_LENGTH } from '../../src/platform/auth/bearer.ts'
import { Unauthenticated } from '../../src/platform/auth/errors.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import {
  AUDIENCE,
  claimsAtNoon,
  encodePart,
  forge,
  NOON,
  secretSettings,
  USER_ID,
} from '../support/tokens.ts'

const ISSUER = 'https://auth.example.com/auth/v1'
const OTHER_ID = '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e02'

/** A claim that no error may repeat. */
const PRIVATE = 'noor.private@example.com'

const atNoon = { now: () => NOON * 1000 }
const verifier = createVerifier(secretSettings, atNoon)
const strictVerifier = createVerifier({ ...secretSettings, issuer: ISSUER }, atNoon)

async function refusalOf(token: string, by = verifier): Promise<Unauthenticated> {
  const outcome: unknown = await by.verify(token).catch((error: unknown) => error)
  if (!(outcome instanceof Unauthenticated)) throw new Error(`not refused: ${inspect(outcome)}`)
  return outcome
}

async function reasonOf(token: string, by = verifier): Promise<string> {
  return (await refusalOf(token, by)).reason
}

function without(claim: string): Record<string, unknown> {
  const { [claim]: _left, ...rest } = claimsAtNoon({ iss: ISSUER })
  return rest
}

describe('a good token', () => {
  test('gives its caller', async () => {
    const token = forge(claimsAtNoon({ email: PRIVATE }))
    await expect(verifier.verify(token)).resolves.toEqual({
      role: 'authenticated',
      userId: USER_ID,
      claims: claimsAtNoon({ email: PRIVATE }),
      expiresAt: NOON + 3_600,
    })
  })

  test('may have several audiences, one of them ours', async () => {
    const token = forge(claimsAtNoon({ aud: ['elsewhere', AUDIENCE] }))
    await expect(verifier.verify(token)).resolves.toMatchObject({ userId: USER_ID })
  })

  test('needs the issuer only where one is configured', async () => {
    const token = forge(claimsAtNoon({ iss: ISSUER }))
    await expect(verifier.verify(token)).resolves.toMatchObject({ userId: USER_ID })
    await expect(strictVerifier.verify(token)).resolves.toMatchObject({ userId: USER_ID })
  })

  test('may be a Supabase anon key: neither subject nor audience, and an issuer of its own', async () => {
    const key = forge({ iss: 'supabase', ref: 'abcdefghij', role: 'anon', iat: NOON - 60, exp: NOON + 60 })
    await expect(strictVerifier.verify(key)).resolves.toMatchObject({ role: 'anon', userId: null })
  })
})

describe('times', () => {
  test.each([
    ['expired long ago', { exp: NOON - 3_600 }, 'token_expired'],
    ['expired at the edge of the tolerance', { exp: NOON - 5 }, 'token_expired'],
    ['not valid for an hour', { nbf: NOON + 3_600 }, 'token_not_yet_valid'],
    ['not valid for one second beyond the tolerance', { nbf: NOON + 6 }, 'token_not_yet_valid'],
    ['an expiry in text', { exp: '1900000000' }, 'token_claims'],
    ['a start in text', { nbf: 'tomorrow' }, 'token_claims'],
    ['an expiry of null', { exp: null }, 'token_claims'],
  ])('%s is refused', async (_what, changes, reason) => {
    expect(await reasonOf(forge(claimsAtNoon(changes)))).toBe(reason)
  })

  test('an expiry too large for a number is not "never"', async () => {
    const payload = JSON.stringify(claimsAtNoon()).replace(String(NOON + 3_600), '1e999')
    expect(await reasonOf(forge(payload))).toBe('token_claims')
  })

  test.each([
    ['expired within the tolerance', { exp: NOON - 4 }],
    ['valid from within the tolerance', { nbf: NOON + 5 }],
  ])('%s is accepted', async (_what, changes) => {
    await expect(verifier.verify(forge(claimsAtNoon(changes)))).resolves.toMatchObject({ userId: USER_ID })
  })

  test('an anonymous token expires too', async () => {
    expect(await reasonOf(forge({ role: 'anon', exp: NOON - 60 }))).toBe('token_expired')
    expect(await reasonOf(forge({ role: 'anon' }))).toBe('token_claims')
  })
})

describe('claims', () => {
  test.each(['exp', 'sub', 'aud', 'iss'])('a token without %s is refused', async (claim) => {
    expect(await reasonOf(forge(without(claim)), strictVerifier)).toBe('token_claims')
  })

  test.each([
    ['another audience', { aud: 'elsewhere' }, 'token_audience'],
    ['no audience in its list', { aud: [] }, 'token_audience'],
    ['an audience that only contains ours', { aud: `${AUDIENCE},x` }, 'token_audience'],
    ['another issuer', { iss: 'https://auth.example.org/auth/v1' }, 'token_issuer'],
    ['our issuer with a slash more', { iss: `${ISSUER}/` }, 'token_issuer'],
    ['our issuer in a list', { iss: [ISSUER] }, 'token_issuer'],
    ['a subject that is no UUID', { sub: 'noor' }, 'token_subject'],
    ['an empty subject', { sub: '' }, 'token_subject'],
    ['a subject that is a number', { sub: 7 }, 'token_subject'],
    ['the role service_role', { role: 'service_role' }, 'token_role'],
    ['an unknown role', { role: 'owner' }, 'token_role'],
    ['a list of roles', { role: ['authenticated'] }, 'token_role'],
    ['a role that is a number', { role: 1 }, 'token_role'],
    ['no role', { role: undefined }, 'token_role'],
    ['NUL in a claim', { user_metadata: { name: 'a\u0000' } }, 'token_claims'],
    ['half a surrogate pair in a claim', { user_metadata: { name: '\ud83e' } }, 'token_claims'],
    ['numbers that grow past the limit when written again', { n: 'BIG' }, 'token_claims'],
  ])('%s is refused', async (_what, changes, reason) => {
    const payload = JSON.stringify(claimsAtNoon({ iss: ISSUER, ...changes })).replace(
      '"BIG"',
      `[${Array(500).fill('1e20').join()}]`,
    )
    expect(await reasonOf(forge(payload), strictVerifier)).toBe(reason)
  })

  test('a service key as Supabase makes it is refused for its role', async () => {
    const key = forge({ iss: 'supabase', role: 'service_role', iat: NOON, exp: NOON + 60 })
    expect(await reasonOf(key)).toBe('token_role')
  })

  test('an anonymous token that names a user is refused', async () => {
    expect(await reasonOf(forge(claimsAtNoon({ role: 'anon' })))).toBe('token_subject')
  })
})

describe('signatures', () => {
  test('another secret is refused', async () => {
    const token = forge(claimsAtNoon(), { secret: 'another secret that is longer than 32 bytes' })
    expect(await reasonOf(token)).toBe('token_signature')
  })

  test('another payload under a good signature is refused', async () => {
    const [header, , signature] = forge(claimsAtNoon()).split('.')
    const token = `${header}.${encodePart(claimsAtNoon({ sub: OTHER_ID }))}.${signature}`
    expect(await reasonOf(token)).toBe('token_signature')
  })

  test('a good token that was verified does not vouch for another signature', async () => {
    const token = forge(claimsAtNoon())
    await verifier.verify(token)
    const [header, payload, signature = ''] = token.split('.')
    const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await reasonOf(`${header}.${payload}.${changed}`)).toBe('token_signature')
    expect(await reasonOf(`${header}.${payload}.${signature.slice(4)}`)).toBe('token_signature')
  })

  test.each([
    ['none', `${encodePart({ alg: 'none' })}.${encodePart(claimsAtNoon())}.`],
    ['None', `${encodePart({ alg: 'None' })}.${encodePart(claimsAtNoon())}.`],
    ['none, with a signature', forge(claimsAtNoon(), { header: { alg: 'none' } })],
    ['HS384', forge(claimsAtNoon(), { header: { alg: 'HS384' }, hash: 'sha384' })],
    ['HS512', forge(claimsAtNoon(), { header: { alg: 'HS512' }, hash: 'sha512' })],
    ['hs256', forge(claimsAtNoon(), { header: { alg: 'hs256' } })],
    ['RS256 in the header only', forge(claimsAtNoon(), { header: { alg: 'RS256' } })],
  ])('the algorithm %s is refused', async (_what, token) => {
    expect(await reasonOf(token)).toBe('token_algorithm')
  })

  test('a real ES256 token is refused where a secret is configured', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT(claimsAtNoon()).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    expect(await reasonOf(token)).toBe('token_algorithm')
  })

  test('a key that the token brings along is not looked at', async () => {
    const secret = 'a secret of the attacker, 32 bytes at least'
    const header = {
      jwk: { kty: 'oct', k: encodePart(secret) },
      jku: 'http://127.0.0.1:9/',
      kid: '../../dev/null',
    }
    expect(await reasonOf(forge(claimsAtNoon(), { secret, header }))).toBe('token_signature')
  })
})

describe('what is no token', () => {
  test.each([
    ['nothing', ''],
    ['one part', 'aaa'],
    ['two parts', 'aaa.bbb'],
    ['four parts', 'aaa.bbb.ccc.ddd'],
    ['five parts, encrypted', 'aaa.bbb.ccc.ddd.eee'],
    ['an empty payload', 'aaa..ccc'],
    ['words', 'undefined'],
    ['a publishable key', 'sb_publishable_0123456789'],
    ['a space in front', ` ${forge(claimsAtNoon())}`],
    ['a line end behind', `${forge(claimsAtNoon())}\n`],
    ['padding', `${forge(claimsAtNoon())}=`],
    ['letters beyond ASCII', `${forge(claimsAtNoon())}é`],
    ['a header that is no JSON', `${encodePart('nonsense')}.${encodePart(claimsAtNoon())}.ccc`],
    ['a header that is a list', `${encodePart([])}.${encodePart(claimsAtNoon())}.ccc`],
    ['a header without an algorithm', forge(claimsAtNoon(), { header: { alg: undefined } })],
    ['a header with a list of algorithms', forge(claimsAtNoon(), { header: { alg: ['HS256'] } })],
    ['a payload that is no JSON', forge('nonsense')],
    ['a payload that is a list', forge([claimsAtNoon()])],
    ['a payload that is null', forge('null')],
    ['a payload that is not UTF-8', forge(claimsAtNoon()).replace(/\.[\w-]+\./, '._v8.')],
    ['an unknown critical extension', forge(claimsAtNoon(), { header: { crit: ['exp'], exp: NOON } })],
    ['critical extensions that are text', forge(claimsAtNoon(), { header: { crit: 'exp' } })],
    ['no critical extensions in their list', forge(claimsAtNoon(), { header: { crit: [] } })],
  ])('%s is refused as malformed', async (_what, token) => {
    expect(await reasonOf(token)).toBe('token_malformed')
  })

  test('an unencoded payload (RFC 7797) is refused', async () => {
    const token = forge(claimsAtNoon(), { header: { crit: ['b64'], b64: false } })
    expect(await reasonOf(token)).toBe('token_malformed')
  })

  test.each([[null], [undefined], [42], [['aaa.bbb.ccc']], [{}]])('%j is refused', async (value) => {
    expect(await reasonOf(value as unknown as string)).toBe('token_malformed')
  })

  test('a token over the limit is refused before it is parsed, signed or not', async () => {
    expect(await reasonOf(forge(claimsAtNoon({ name: 'x'.repeat(MAX_TOKEN_LENGTH) })))).toBe(
      'token_too_large',
    )
    expect(await reasonOf('x'.repeat(10_000_000))).toBe('token_too_large')
  })

  test('whatever text is given, the answer is a refusal', async () => {
    const part = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodePart(text))
    const json = fc.json({ maxDepth: 3 }).map((text) => encodePart(text))
    const signed = fc.json({ maxDepth: 3 }).map((text) => forge(text))
    const token = fc.tuple(fc.oneof(part, json), fc.oneof(part, json), part).map((parts) => parts.join('.'))
    const anything = fc.oneof(token, fc.string({ unit: 'binary' }), signed)
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        await refusalOf(text)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a refusal', () => {
  const email = { email: PRIVATE }
  test.each([
    ['expired', forge(claimsAtNoon({ ...email, exp: 1 }))],
    ['another audience', forge(claimsAtNoon({ ...email, aud: PRIVATE }))],
    ['another issuer', forge(claimsAtNoon({ ...email, iss: PRIVATE }))],
    ['a missing claim', forge({ ...email, role: 'authenticated' })],
    ['another role', forge(claimsAtNoon({ ...email, role: PRIVATE }))],
    ['another subject', forge(claimsAtNoon({ ...email, sub: PRIVATE }))],
    ['another algorithm', forge(claimsAtNoon(email), { header: { alg: PRIVATE } })],
    ['an extension', forge(claimsAtNoon(email), { header: { crit: [PRIVATE], [PRIVATE]: 1 } })],
    ['another secret', forge(claimsAtNoon(email), { secret: 'another secret of at least 32 bytes!' })],
    ['no JSON', forge(PRIVATE)],
  ])('(%s) repeats nothing of the token, however it is printed', async (_what, token) => {
    const refusal = await refusalOf(token, strictVerifier)
    const printed = inspect(refusal, { depth: 10, showHidden: true }) + JSON.stringify(refusal)
    expect(printed).not.toContain(PRIVATE)
    for (const part of token.split('.')) expect(printed).not.toContain(part)
    expect(refusal.cause).toBeUndefined()
  })
})
