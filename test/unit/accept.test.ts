import { describe, expect, it } from 'vitest'
import { chooseMediaType } from '../../src/platform/http/accept.ts'
import { Problem } from '../../src/platform/http/problem.ts'

const offered = ['application/json', 'application/geo+json'] as const

describe('the media type', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    [' ', 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/geo+json', 'application/geo+json'],
    ['Application/GEO+JSON', 'application/geo+json'],
    ['application/json, application/geo+json', 'application/json'],
    ['application/geo+json, application/json;q=0.9', 'application/geo+json'],
    ['application/geo+json;q=0.1, application/json;q=0.2', 'application/json'],
    ['application/geo+json ; q=1.000 , */*;q=0.1', 'application/geo+json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    // The more specific range counts, whatever the order.
    ['*/*, application/json;q=0', 'application/geo+json'],
    ['application/json;q=0.2, application/*;q=0.5', 'application/geo+json'],
    // What cannot be read is left out.
    ['nonsense, application/geo+json', 'application/geo+json'],
    ['application/json;q=2, application/geo+json;q=0.1', 'application/geo+json'],
    ['application/geo+json;charset=utf-8', 'application/geo+json'],
    // What java.net.HttpURLConnection sends up to JDK 18 (JDK-8163921).
    ['text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'application/json'],
    ['application/json;q=.1, application/geo+json;q=0.33333', 'application/geo+json'],
  ])('for %j is %s', (accept, type) => {
    expect(chooseMediaType(accept, offered)).toBe(type)
  })

  it.each([
    'text/html',
    'nonsense',
    ',',
    'application/json;q=0',
    '*/*;q=0',
    '*;q=.0',
    'application/json;q=x',
    'application/json;q=',
    'application/json;q=.',
    'json',
  ])('for %j is none', (accept) => {
    expect(() => chooseMediaType(accept, offered)).toThrow(
      expect.objectContaining({ constructor: Problem, code: 'not_acceptable' }),
    )
  })
})
