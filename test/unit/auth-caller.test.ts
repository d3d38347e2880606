import { describe, expect, test } from 'vitest'
import {
  anonymousCaller,
  callerFromClaims,
  MAX_CLAIMS_BYTES,
  MAX_CLAIMS_DEPTH,
  serializeClaims,
} from '../../src/platform/auth/caller.ts'
import { claimsAtNoon, NOON, USER_ID } from '../support/tokens.ts'

function refused(claims: Record<string, unknown>, reason: string): void {
  expect(() => callerFromClaims(claims)).toThrow(
    expect.objectContaining({ name: 'Unauthenticated', statusCode: 401, reason }),
  )
}

function nested(depth: number): unknown {
  let value: unknown = 'the bottom'
  for (let level = 0; level < depth; level += 1) value = [value]
  return value
}

describe('a caller', () => {
  test('has the role, the user, the claims and the expiry of its token', () => {
    const claims = claimsAtNoon({ user_metadata: { name: 'Noor' } })
    expect(callerFromClaims(claims)).toEqual({
      role: 'authenticated',
      userId: USER_ID,
      claims,
      expiresAt: NOON + 3_600,
    })
  })

  test('has its id in lower case, as the database prints it', () => {
    expect(callerFromClaims(claimsAtNoon({ sub: USER_ID.toUpperCase() })).userId).toBe(USER_ID)
  })

  test('cannot be changed by a request that shares it', () => {
    const caller = callerFromClaims(claimsAtNoon({ app_metadata: { roles: ['guard'] } }))
    const { roles } = caller.claims.app_metadata as { roles: string[] }
    expect(() => roles.push('admin')).toThrow(TypeError)
    expect(() => Object.assign(caller, { userId: null })).toThrow(TypeError)
    expect(() => Object.assign(caller.claims, { sub: '' })).toThrow(TypeError)
  })

  test('is anonymous with no claim but its role, and as unchangeable', () => {
    expect(anonymousCaller()).toEqual({
      role: 'anon',
      userId: null,
      claims: { role: 'anon' },
      expiresAt: null,
    })
    expect(() => Object.assign(anonymousCaller().claims, { sub: USER_ID })).toThrow(TypeError)
  })
})

describe('the role', () => {
  test('anon is accepted without a subject', () => {
    expect(callerFromClaims({ role: 'anon', exp: NOON })).toMatchObject({ role: 'anon', userId: null })
  })

  test('anon with a subject is refused: auth.uid() would be somebody', () => {
    refused({ role: 'anon', exp: NOON, sub: USER_ID }, 'token_subject')
  })

  test.each([
    ['service_role'],
    ['supabase_admin'],
    ['postgres'],
    ['Authenticated'],
    ['authenticated '],
    [''],
    ['toString'],
    [['authenticated']],
    [{ authenticated: true }],
    [1],
    [true],
    [null],
    [undefined],
  ])('%j is refused', (role) => {
    refused(claimsAtNoon({ role }), 'token_role')
  })
})

describe('the subject', () => {
  test.each([
    ['not-a-uuid'],
    [''],
    [USER_ID.replaceAll('-', '')],
    [`{${USER_ID}}`],
    [`${USER_ID}\n`],
    [` ${USER_ID}`],
    [`${USER_ID}0`],
    [[USER_ID]],
    [42],
    [null],
    [undefined],
  ])('%j is refused', (sub) => {
    refused(claimsAtNoon({ sub }), 'token_subject')
  })
})

describe('the expiry', () => {
  test.each([
    ['text', '1800018000'],
    ['endless', Number.POSITIVE_INFINITY],
    ['beyond the dates there are', 1e15],
    ['missing', undefined],
  ])('%s is refused', (_what, exp) => {
    refused(claimsAtNoon({ exp }), 'token_claims')
  })
})

describe('claims that PostgreSQL could not hold', () => {
  test.each([
    ['NUL in a value', { name: 'a\u0000b' }],
    ['NUL in a name', { 'a\u0000b': 1 }],
    ['NUL deep inside', { user_metadata: { tags: [{ label: '\u0000' }] } }],
    ['half a surrogate pair', { name: 'a\ud800' }],
    ['half a surrogate pair in a name', { '\udc00': 1 }],
  ])('%s is refused', (_what, changes) => {
    refused(claimsAtNoon(changes), 'token_claims')
  })

  test.each([
    ['the spelling of NUL as text', { name: '\\u0000' }],
    ['a whole surrogate pair', { name: '🦺' }],
    ['other control characters', { name: '\u0001\t' }],
  ])('%s is accepted', (_what, changes) => {
    expect(callerFromClaims(claimsAtNoon(changes)).claims).toMatchObject(changes)
  })

  test('a member called __proto__ stays a claim and gives nothing away', () => {
    const claims = JSON.parse(`{"sub":"x","exp":${NOON},"__proto__":{"role":"authenticated"}}`)
    refused(claims, 'token_role')
  })

  test('the longest text passes, one byte more is refused', () => {
    const room = MAX_CLAIMS_BYTES - serializeClaims(claimsAtNoon({ name: '' })).length
    const longest = callerFromClaims(claimsAtNoon({ name: 'x'.repeat(room) }))
    expect(serializeClaims(longest.claims)).toHaveLength(MAX_CLAIMS_BYTES)
    refused(claimsAtNoon({ name: 'x'.repeat(room + 1) }), 'token_claims')
    refused(claimsAtNoon({ name: `é${'x'.repeat(room - 1)}` }), 'token_claims')
  })

  test('the deepest nesting passes, one level more is refused', () => {
    // The claims themselves are the first level.
    expect(() => callerFromClaims(claimsAtNoon({ deep: nested(MAX_CLAIMS_DEPTH - 1) }))).not.toThrow()
    refused(claimsAtNoon({ deep: nested(MAX_CLAIMS_DEPTH) }), 'token_claims')
  })
})
