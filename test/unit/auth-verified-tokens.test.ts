import { afterEach, describe, expect, test, vi } from 'vitest'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import {
  MAX_REMEMBERED_LENGTH,
  MAX_VERIFIED_TOKENS,
  VERIFIED_TOKEN_MAX_AGE_MS,
  VerifiedTokens,
} from '../../src/platform/auth/verified-tokens.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import { claimsAtNoon, forge, NOON, secretSettings } from '../support/tokens.ts'

const noonMs = NOON * 1000
const caller = callerFromClaims(claimsAtNoon())

describe('the memory of verified tokens', () => {
  test('finds the caller by the whole token', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    expect(tokens.find('a.b.c', noonMs, 1)).toBe(caller)
    expect(tokens.find('a.b.d', noonMs, 1)).toBeNull()
    expect(tokens.find('a.b.', noonMs, 1)).toBeNull()
  })

  test('forgets at the maximum age', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    expect(tokens.find('a.b.c', noonMs + VERIFIED_TOKEN_MAX_AGE_MS - 1, 1)).toBe(caller)
    expect(tokens.find('a.b.c', noonMs + VERIFIED_TOKEN_MAX_AGE_MS, 1)).toBeNull()
    expect(tokens.size).toBe(0)
  })

  test('is not made younger by being asked', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    tokens.find('a.b.c', noonMs + VERIFIED_TOKEN_MAX_AGE_MS - 1, 1)
    expect(tokens.find('a.b.c', noonMs + VERIFIED_TOKEN_MAX_AGE_MS, 1)).toBeNull()
  })

  test('forgets what another key set vouched for', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    expect(tokens.find('a.b.c', noonMs, 2)).toBeNull()
  })

  test('forgets when the clock was set back', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    expect(tokens.find('a.b.c', noonMs - 1, 1)).toBeNull()
  })

  test('holds no more than its size, and lets go of the least recently used', () => {
    const tokens = new VerifiedTokens()
    for (let serial = 0; serial < MAX_VERIFIED_TOKENS; serial += 1) {
      tokens.remember(`token-${serial}`, caller, noonMs, 1)
    }
    tokens.find('token-0', noonMs, 1)
    tokens.remember('one more', caller, noonMs, 1)
    expect(tokens.size).toBe(MAX_VERIFIED_TOKENS)
    expect(tokens.find('token-0', noonMs, 1)).toBe(caller)
    expect(tokens.find('token-1', noonMs, 1)).toBeNull()
    expect(tokens.find('one more', noonMs, 1)).toBe(caller)
  })

  test('has no room for long tokens', () => {
    const tokens = new VerifiedTokens()
    const longest = 'a'.repeat(MAX_REMEMBERED_LENGTH)
    tokens.remember(longest, caller, noonMs, 1)
    tokens.remember(`${longest}a`, caller, noonMs, 1)
    expect(tokens.find(longest, noonMs, 1)).toBe(caller)
    expect(tokens.find(`${longest}a`, noonMs, 1)).toBeNull()
  })

  test('takes no place twice for one token', () => {
    const tokens = new VerifiedTokens()
    tokens.remember('a.b.c', caller, noonMs, 1)
    tokens.remember('a.b.c', caller, noonMs, 2)
    expect(tokens.size).toBe(1)
    expect(tokens.find('a.b.c', noonMs, 2)).toBe(caller)
  })
})

describe('a verifier', () => {
  afterEach(() => vi.restoreAllMocks())

  function setUp() {
    const clock = { nowMs: noonMs }
    const checks = vi.spyOn(crypto.subtle, 'verify')
    return { clock, checks, verifier: createVerifier(secretSettings, { now: () => clock.nowMs }) }
  }

  test('checks the signature of a token once', async () => {
    const { checks, verifier } = setUp()
    const token = forge(claimsAtNoon())
    const first = await verifier.verify(token)
    expect(await verifier.verify(token)).toBe(first)
    expect(checks).toHaveBeenCalledOnce()
  })

  test('checks it again after the maximum age', async () => {
    const { clock, checks, verifier } = setUp()
    const token = forge(claimsAtNoon())
    await verifier.verify(token)
    clock.nowMs += VERIFIED_TOKEN_MAX_AGE_MS
    await verifier.verify(token)
    expect(checks).toHaveBeenCalledTimes(2)
  })

  test('refuses a remembered token from the second in which it expires, tolerance included', async () => {
    const { clock, verifier } = setUp()
    const token = forge(claimsAtNoon({ exp: NOON + 10 }))
    await verifier.verify(token)
    clock.nowMs = (NOON + 15) * 1000 - 1
    await expect(verifier.verify(token)).resolves.toMatchObject({ role: 'authenticated' })
    clock.nowMs += 1
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'token_expired' })
  })

  test('a remembered token and a new one expire at the same time', async () => {
    const { clock, verifier } = setUp()
    const remembered = forge(claimsAtNoon({ exp: NOON + 10.5 }))
    await verifier.verify(remembered)
    for (const nowMs of [NOON + 14, NOON + 15, NOON + 15.4, NOON + 15.5, NOON + 15.9, NOON + 16].map(
      (s) => s * 1000,
    )) {
      clock.nowMs = nowMs
      const fresh = createVerifier(secretSettings, { now: () => nowMs })
      const [again, anew] = await Promise.allSettled([verifier.verify(remembered), fresh.verify(remembered)])
      expect(again.status).toBe(anew.status)
    }
  })

  test('remembers no refusal', async () => {
    const { checks, verifier } = setUp()
    const token = forge(claimsAtNoon(), { secret: 'another secret of at least 32 bytes!' })
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'token_signature' })
    await expect(verifier.verify(token)).rejects.toMatchObject({ reason: 'token_signature' })
    expect(checks).toHaveBeenCalledTimes(2)
  })
})
