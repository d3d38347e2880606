import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { DEFAULT_TOKEN_LIFETIME_SECONDS, issueToken } from '../../src/platform/auth/issue.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import { AUDIENCE, SECRET, secretSettings, USER_ID } from '../support/tokens.ts'

const verifier = createVerifier(secretSettings)

describe('an issued token', () => {
  test('is accepted by the verifier of the same secret, and by no other', async () => {
    const token = await issueToken(SECRET, { sub: USER_ID, email: 'guard@example.com', audience: AUDIENCE })
    await expect(verifier.verify(token)).resolves.toMatchObject({
      role: 'authenticated',
      userId: USER_ID,
      claims: { email: 'guard@example.com' },
    })
    const foreign = await issueToken(`${SECRET}.`, { sub: USER_ID, audience: AUDIENCE })
    await expect(verifier.verify(foreign)).rejects.toMatchObject({ reason: 'token_signature' })
  })

  test('has the default lifetime, and only the claims that are known', async () => {
    const token = await issueToken(SECRET, {
      sub: USER_ID,
      audience: AUDIENCE,
      email: undefined,
      issuer: undefined,
    })
    const { iat = 0, ...claims } = decodeJwt(token)
    expect(claims).toEqual({
      sub: USER_ID,
      aud: AUDIENCE,
      role: 'authenticated',
      exp: iat + DEFAULT_TOKEN_LIFETIME_SECONDS,
    })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' })
  })

  test('carries the issuer that is demanded', async () => {
    const issuer = 'https://auth.example.com/auth/v1'
    const strict = createVerifier({ ...secretSettings, issuer })
    const token = await issueToken(SECRET, { sub: USER_ID, audience: AUDIENCE, issuer })
    await expect(strict.verify(token)).resolves.toMatchObject({ userId: USER_ID })
  })

  test('with a negative lifetime has expired', async () => {
    const token = await issueToken(SECRET, { sub: USER_ID, audience: AUDIENCE, expiresInSeconds: -60 })
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'token_expired' })
  })

  test('for nobody is an anonymous one', async () => {
    const token = await issueToken(SECRET, { role: 'anon', audience: AUDIENCE })
    await expect(verifier.verify(token)).resolves.toMatchObject({ role: 'anon', userId: null })
  })

  test('has further claims, which do not replace the named ones', async () => {
    const claims = { user_metadata: { role: 'admin' }, role: 'service_role', sub: 'x' }
    const token = await issueToken(SECRET, { sub: USER_ID, audience: AUDIENCE, claims })
    await expect(verifier.verify(token)).resolves.toMatchObject({
      role: 'authenticated',
      userId: USER_ID,
      claims: { user_metadata: { role: 'admin' } },
    })
  })

  test('that the verifier would refuse is not made', async () => {
    await expect(issueToken(SECRET, { sub: 'noor', audience: AUDIENCE })).rejects.toBeInstanceOf(TypeError)
    await expect(issueToken(SECRET, { audience: AUDIENCE })).rejects.toBeInstanceOf(TypeError)
    await expect(
      issueToken(SECRET, { role: 'anon', sub: USER_ID, audience: AUDIENCE }),
    ).rejects.toBeInstanceOf(TypeError)
  })
})
