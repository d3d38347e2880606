import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/platform/realtime/protocol/frames.ts'
import {
  channelName,
  DEFAULT_WAIT_MS,
  describeRequest,
  type Join,
  joinResponse,
  MAX_BINDINGS_PER_CHANNEL,
  MAX_PRESENCE_KEY_LENGTH,
  MAX_WAIT_MS,
  parseJoin,
} from '../../src/platform/realtime/protocol/join.ts'

function join(payload: unknown): Join {
  const parsed = parseJoin(payload as JsonObject)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.join
}
const refusal = (payload: unknown) => {
  const parsed = parseJoin(payload as JsonObject)
  return parsed.ok ? undefined : parsed.reason
}
const bind = (...entries: unknown[]) => join({ config: { postgres_changes: entries } })
const request = (entry: unknown) => bind(entry).bindings[0]?.request

const nothing = {
  isPrivate: false,
  broadcast: { ack: false, self: false },
  presence: {},
  bindings: [],
  bytes: expect.any(Number),
}

describe('what clients send', () => {
  it('supabase-js 2.39', () => {
    const entry = { event: 'INSERT', schema: 'public', table: 'shifts' }
    expect(
      join({
        config: {
          broadcast: { ack: false, self: true },
          presence: { key: '' },
          postgres_changes: [entry],
        },
        access_token: 'jwt',
      }),
    ).toEqual({
      ...nothing,
      accessToken: 'jwt',
      broadcast: { ...nothing.broadcast, self: true },
      bindings: [
        {
          id: 1,
          echo: { ...entry, id: 1 },
          request: {
            ok: true,
            request: { event: 'INSERT', schema: 'public', table: 'shifts', filter: [] },
          },
        },
      ],
    })
  })

  it('supabase-js 2.109, private with replay, presence and a selection', () => {
    const parsed = join({
      config: {
        broadcast: { ack: true, self: false, replay: { since: 1_700_000_000_000, limit: 20 } },
        presence: { key: 'me', enabled: true },
        postgres_changes: [
          {
            event: '*',
            schema: 'public',
            table: 'shifts',
            filter: 'id=eq.5',
            select: ['title', 'id', 'title'],
          },
        ],
        private: true,
      },
    })
    expect(parsed.isPrivate).toBe(true)
    expect(parsed.broadcast).toEqual({ ack: true, self: false })
    expect(parsed.presence).toEqual({ key: 'me', enabled: true })
    expect(parsed.bindings[0]?.request).toEqual({
      ok: true,
      request: {
        event: '*',
        schema: 'public',
        table: 'shifts',
        filter: [{ column: 'id', negated: false, operator: 'eq', value: '5' }],
        select: ['id', 'title'],
      },
    })
  })

  it('supabase-js 2.119, waiting for the subscription', () => {
    const options = (postgres_changes_options: unknown) =>
      join({ config: { postgres_changes_options } }).waitMs
    expect(options({ wait: true })).toBe(DEFAULT_WAIT_MS)
    expect(options({ wait: true, timeout: 500 })).toBe(500)
    expect(options({ wait: true, timeout: 60_000 })).toBe(MAX_WAIT_MS)
    expect(options({ wait: false, timeout: 500 })).toBeUndefined()
    expect(options(null)).toBeUndefined()
  })

  it.each([
    [{}],
    [{ config: null }],
    [{ config: {} }],
    [{ config: { broadcast: null, presence: null, postgres_changes: null, private: null } }],
    [{ access_token: null }],
    [{ access_token: '' }],
  ])('nothing: %j', (payload) => {
    expect(join(payload)).toEqual(nothing)
  })

  it('booleans as text, numbers as keys, and the older name of the token', () => {
    expect(
      join({
        config: {
          broadcast: { ack: 'true', self: 'False', replication_ready: true },
          presence: { enabled: 'True', key: 123 },
          private: 'TRUE',
        },
        user_token: 'jwt',
      }),
    ).toEqual({
      ...nothing,
      accessToken: 'jwt',
      isPrivate: true,
      broadcast: { ack: true, self: false },
      presence: { key: '123', enabled: true },
    })
  })

  it('ignores what it cannot read', () => {
    const parsed = join({
      access_token: { secret: 'x' },
      config: {
        broadcast: { ack: 'yes', self: 1, replay: 5 },
        presence: { enabled: {}, key: ['x'] },
        postgres_changes_options: 'x',
      },
    })
    expect(parsed).toEqual(nothing)
  })
})

describe('joins that are refused', () => {
  it.each([
    ['a channel whose privacy cannot be read', { config: { private: 'yes' } }],
    ['a config that is no map', { config: ['test'] }],
    ['a broadcast that is no map', { config: { broadcast: 'x' } }],
    ['bindings that are no list', { config: { postgres_changes: { event: '*' } } }],
    ['a binding that is no map', { config: { postgres_changes: ['shifts'] } }],
    [
      'a presence key that is too long',
      { config: { presence: { key: 'x'.repeat(MAX_PRESENCE_KEY_LENGTH + 1) } } },
    ],
    [
      'too many bindings',
      { config: { postgres_changes: Array(MAX_BINDINGS_PER_CHANNEL + 1).fill({ schema: 'public' }) } },
    ],
  ])('%s', (_, payload) => {
    expect(refusal(payload)).toMatch(/^InvalidJoinPayload: /)
  })

  it('not those at the limit', () => {
    expect(bind(...Array(MAX_BINDINGS_PER_CHANNEL).fill({ schema: 'public' })).bindings).toHaveLength(
      MAX_BINDINGS_PER_CHANNEL,
    )
    expect(
      join({ config: { presence: { key: 'x'.repeat(MAX_PRESENCE_KEY_LENGTH) } } }).presence.key,
    ).toBeDefined()
  })
})

describe('the reply', () => {
  it('repeats of each entry what was understood, as it was spelled, with ids from 1', () => {
    const entries = [
      { event: 'INSERT', schema: 'public', table: 'shifts', filter: '' },
      { event: 'update', schema: 'public', table: 'shifts' },
      { event: '*', schema: 'public', table: null, filter: null },
      { event: 'DELETE', schema: 'public', table: 'x', filter: 'broken' },
      { event: '*', schema: 'public', table: 'x', select: ['a', 'b'] },
    ]
    const sent = entries.map((entry) => ({ junk: [[], {}, 'x'.repeat(1_000)], ...entry }))
    expect(joinResponse(bind(...sent)).postgres_changes).toEqual(
      entries.map((entry, index) => ({ ...entry, id: index + 1 })),
    )
  })

  it('repeats nothing that is longer, or something else, than such a member can be', () => {
    const long = 'x'.repeat(20_000)
    const entry = { event: long, schema: ['public'], table: { long }, filter: long, select: [long] }
    expect(joinResponse(bind(entry)).postgres_changes).toEqual([{ id: 1 }])
    expect(request({ schema: 'public', table: long })).toMatchObject({ ok: false })
    expect(request({ schema: 'public', table: 'x', select: [long] })).toMatchObject({ ok: false })
  })

  it('never lets an entry choose its id', () => {
    expect(joinResponse(bind({ id: 0, schema: 'public' })).postgres_changes).toEqual([
      { id: 1, schema: 'public' },
    ])
  })

  it('is an empty list without bindings', () => {
    expect(joinResponse(join({}))).toEqual({ postgres_changes: [] })
    expect(joinResponse(bind(null))).toEqual({ postgres_changes: [] })
  })

  it('is small for any entry, and says what keeping it takes', () => {
    const entry = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('event', 'schema', 'table', 'filter', 'select')),
      fc.jsonValue({ maxDepth: 3 }),
    )
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const read = bind(...entries)
        const { postgres_changes: echoes } = joinResponse(read)
        expect(echoes.map(({ id }) => id)).toEqual(entries.map((_, index) => index + 1))
        for (const echo of echoes) {
          expect(['event', 'filter', 'id', 'schema', 'select', 'table']).toEqual(
            expect.arrayContaining(Object.keys(echo)),
          )
        }
        expect(read.bytes).toBeGreaterThan(JSON.stringify(echoes).length)
      }),
    )
  })
})

describe('what a binding asks for', () => {
  const all = { event: '*', schema: 'public', table: '*', filter: [] }

  it.each([
    [{ schema: 'public' }, all],
    [{ table: 'shifts' }, { ...all, table: 'shifts' }],
    [{ schema: '*' }, { ...all, schema: '*' }],
    [
      { event: 'insert', schema: 'public' },
      { ...all, event: 'INSERT' },
    ],
    [{ event: 'TRUNCATE', schema: 'public' }, all],
    [{ schema: 'public', filter: '  ' }, all],
    [
      { schema: 'public', table: 'shifts', select: [] },
      { ...all, table: 'shifts' },
    ],
    [
      { schema: 'public', table: 'shifts', select: ['id', 5, null] },
      { ...all, table: 'shifts', select: ['id'] },
    ],
  ])('%j', (entry, expected) => {
    expect(request(entry)).toEqual({ ok: true, request: expected })
  })

  it.each([
    ['neither schema nor table', { event: '*' }, /at least a `schema` or `table`/],
    ['a schema that is no text', { schema: 5, table: 'x' }, /names/],
    ['an empty table', { schema: 'public', table: '' }, /names/],
    ['a null character in a name', { schema: 'public', table: 'x\0' }, /names/],
    ['a filter that is no text', { schema: 'public', table: 'x', filter: [123] }, /`filter`/],
    ['a filter that cannot be read', { schema: 'public', table: 'x', filter: 'id=foo.1' }, /`filter`/],
    ['a selection that is text', { schema: 'public', table: 'x', select: 'id' }, /`select`/],
    ['a selection of all tables', { schema: 'public', select: ['id'] }, /wildcard/],
    ['a selection of all schemas', { schema: '*', table: 'x', select: ['id'] }, /wildcard/],
  ])('is told what is wrong with %s, and stays joined', (_, entry, message) => {
    expect(request(entry)).toEqual({ ok: false, message: expect.stringMatching(message) })
    expect(joinResponse(bind(entry)).postgres_changes).toHaveLength(1)
  })

  it('is described as Supabase describes it', () => {
    const described = (entry: unknown) => {
      const parsed = request(entry)
      return parsed?.ok ? describeRequest(parsed.request) : undefined
    }
    expect(described({ event: 'INSERT', schema: 'public' })).toBe(
      'event: INSERT, schema: public, table: *, filters: [], select: nil',
    )
    expect(described({ schema: 'public', table: 't', filter: 'id=not.in.(1,2)', select: ['b', 'a'] })).toBe(
      'event: *, schema: public, table: t, filters: [{"id", "in", "{1,2}", true}], select: ["a", "b"]',
    )
  })
})

describe('topics', () => {
  it('are channels by their prefix, with a name that a header can hold', () => {
    expect(channelName('realtime:shift:5')).toBe('shift:5')
    expect(channelName('realtime:')).toBeUndefined()
    expect(channelName('phoenix')).toBeUndefined()
    expect(channelName(`realtime:${'x'.repeat(246)}`)).toHaveLength(246)
    expect(channelName(`realtime:${'x'.repeat(247)}`)).toBeUndefined()
  })
})

it('answers any payload with a result', () => {
  const leaf = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('true', 'no', Number.POSITIVE_INFINITY, -1, ''),
  )
  const map = (...keys: string[]) =>
    fc.oneof(leaf, fc.record(Object.fromEntries(keys.map((key) => [key, leaf])), { requiredKeys: [] }))
  const payload = fc.record(
    {
      access_token: leaf,
      config: fc.oneof(
        leaf,
        fc.record(
          {
            private: leaf,
            broadcast: map('ack', 'self', 'replay'),
            presence: map('key', 'enabled'),
            postgres_changes: fc.oneof(
              leaf,
              fc.array(map('event', 'schema', 'table', 'filter', 'select'), { maxLength: 3 }),
            ),
            postgres_changes_options: map('wait', 'timeout'),
          },
          { requiredKeys: [] },
        ),
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(payload, (value) => {
      expect(parseJoin(value as JsonObject)).toHaveProperty('ok')
    }),
    { numRuns: 1_000 },
  )
})
