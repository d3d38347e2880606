import { describe, expect, test } from 'vitest'
import { isAnonKey } from '../../src/platform/auth/anon-key.ts'
import { MAX_TOKEN_LENGTH, readBearerToken } from '../../src/platform/auth/bearer.ts'

describe('the Authorization header', () => {
  test('no header is an anonymous request', () => {
    expect(readBearerToken(undefined)).toBeNull()
  })

  test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('the scheme %s gives the token', (scheme) => {
    expect(readBearerToken(`${scheme} aaa.bbb.ccc`)).toBe('aaa.bbb.ccc')
  })

  test('may be followed by several spaces (RFC 9110 section 11.4)', () => {
    expect(readBearerToken('Bearer   aaa.bbb.ccc')).toBe('aaa.bbb.ccc')
  })

  test('every character of b64token is accepted', () => {
    expect(readBearerToken('Bearer AZaz09-._~+/==')).toBe('AZaz09-._~+/==')
  })

  test.each([
    ['empty', ''],
    ['the scheme alone', 'Bearer'],
    ['the scheme and a space', 'Bearer '],
    ['the token alone', 'aaa.bbb.ccc'],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['a scheme that only begins so', 'Bearers aaa.bbb.ccc'],
    ['a tab', 'Bearer\taaa.bbb.ccc'],
    ['a no-break space', 'Bearer\u00a0aaa.bbb.ccc'],
    ['a space in front', ' Bearer aaa.bbb.ccc'],
    ['a space behind', 'Bearer aaa.bbb.ccc '],
    ['a line end behind', 'Bearer aaa.bbb.ccc\n'],
    ['two tokens', 'Bearer aaa.bbb.ccc ddd.eee.fff'],
    ['two headers joined', 'Bearer aaa.bbb.ccc, Bearer ddd.eee.fff'],
    ['a quoted token', 'Bearer "aaa.bbb.ccc"'],
    ['letters beyond ASCII', 'Bearer aaa.bbb.ccć'],
    ['full-width letters', 'Ｂearer aaa.bbb.ccc'],
    ['a zero-width space', 'Bearer aaa.bbb\u200b.ccc'],
    ['NUL', 'Bearer aaa.bbb\u0000.ccc'],
    ['an array', ['Bearer aaa.bbb.ccc']],
    ['a number', 42],
    ['null', null],
    ['an object', { toString: () => 'Bearer aaa.bbb.ccc' }],
  ])('%s is refused', (_what, header) => {
    expect(() => readBearerToken(header)).toThrow(expect.objectContaining({ reason: 'header_malformed' }))
  })

  test('the longest token passes, one character more is refused', () => {
    const longest = 'a'.repeat(MAX_TOKEN_LENGTH)
    expect(readBearerToken(`Bearer ${longest}`)).toBe(longest)
    expect(() => readBearerToken(`Bearer ${longest}a`)).toThrow(
      expect.objectContaining({ reason: 'token_too_large' }),
    )
  })
})

describe('the publishable key', () => {
  const configured = 'sb_publishable_0123456789'

  test('only the configured key is it', () => {
    expect(isAnonKey(configured, configured)).toBe(true)
  })

  test.each(['', 'sb_publishable_012345678', 'sb_publishable_01234567890', 'SB_PUBLISHABLE_0123456789', 'ß'])(
    '%j is not',
    (key) => {
      expect(isAnonKey(key, configured)).toBe(false)
    },
  )

  test('nothing is, where none is configured', () => {
    expect(isAnonKey('undefined', undefined)).toBe(false)
    expect(isAnonKey('', undefined)).toBe(false)
  })
})
