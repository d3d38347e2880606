import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_NESTING } from '../../src/platform/http/json-nesting.ts'
import {
  type Broadcast,
  decodeFrame,
  encodeBroadcast,
  encodeMessage,
  encodeReply,
  encodeText,
  encodeUserBroadcast,
  fitsHeader,
  type JsonObject,
  MAX_FRAME_BYTES,
  MAX_HEADER_STRING_BYTES,
  parseVsn,
  type Vsn,
} from '../../src/platform/realtime/protocol/frames.ts'

/** The serializer of the supabase-js that the project tests with: what it writes must be read, and the other way round. */
const { default: Serializer } = createRequire(import.meta.url)(
  '@supabase/realtime-js/dist/main/lib/serializer.js',
) as { default: new (metadataKeys: string[]) => ClientSerializer }
interface ClientSerializer {
  encode(message: JsonObject, callback: (frame: ArrayBuffer | string) => void): void
  decode(frame: ArrayBuffer | string, callback: (message: JsonObject) => void): void
}
const client = new Serializer(['id'])

function clientEncode(message: JsonObject): string | Uint8Array {
  let encoded: string | Uint8Array | undefined
  client.encode(message, (result) => {
    encoded = typeof result === 'string' ? result : new Uint8Array(result)
  })
  return encoded!
}

function clientDecode(frame: string | Uint8Array): JsonObject {
  let decoded: JsonObject | undefined
  const raw = typeof frame === 'string' ? frame : new Uint8Array(frame).buffer
  client.decode(raw, (result) => {
    decoded = result
  })
  return decoded!
}

/** Kind 3 by the specification, with UTF-8 lengths (as supabase-js writes it since 2.119). */
function kind3(
  strings: [string, string, string, string, string],
  encoding: number,
  body: string | Uint8Array,
) {
  const parts = strings.map((text) => Buffer.from(text))
  return Buffer.concat([
    Buffer.from([3, ...parts.map((part) => part.length), encoding]),
    ...parts,
    Buffer.from(body as string),
  ])
}

const both: Vsn[] = ['1.0.0', '2.0.0']
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const ref = fc.option(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }))
const payload = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('versions', () => {
  it('takes a missing vsn as 1.0.0 and refuses one that nobody speaks', () => {
    expect([undefined, '', '1.0.0', '2.0.0', '3.0.0', '2'].map(parseVsn)).toEqual([
      '1.0.0',
      '1.0.0',
      '1.0.0',
      '2.0.0',
      undefined,
      undefined,
    ])
  })
})

describe('text frames of a client', () => {
  it('reads an object with vsn 1.0.0', () => {
    const frame = '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"7","join_ref":"1"}'
    expect(decodeFrame('1.0.0', frame)).toEqual({
      ok: true,
      frame: { kind: 'message', joinRef: '1', ref: '7', topic: 'phoenix', event: 'heartbeat', payload: {} },
    })
  })

  it('reads an array with vsn 2.0.0', () => {
    expect(decodeFrame('2.0.0', '[null,"7","phoenix","heartbeat",{}]')).toEqual({
      ok: true,
      frame: { kind: 'message', joinRef: null, ref: '7', topic: 'phoenix', event: 'heartbeat', payload: {} },
    })
  })

  it('reads what it is sent, for any content', () => {
    fc.assert(
      fc.property(ref, ref, text, text, payload, (joinRef, reference, topic, event, body) => {
        fc.pre(event !== 'broadcast')
        const expected = { kind: 'message', joinRef, ref: reference, topic, event, payload: asJson(body) }
        const v2 = JSON.stringify([joinRef, reference, topic, event, body])
        const v1 = JSON.stringify({ topic, event, payload: body, ref: reference, join_ref: joinRef })
        expect(decodeFrame('2.0.0', v2)).toEqual({ ok: true, frame: expected })
        expect(decodeFrame('1.0.0', v1)).toEqual({ ok: true, frame: expected })
      }),
    )
  })

  it('gives an empty payload where the client sends null or none', () => {
    const frames: [Vsn, string][] = [
      ['2.0.0', '["1","2","t","e",null]'],
      ['1.0.0', '{"topic":"t","event":"e","payload":null,"ref":"2","join_ref":"1"}'],
      ['1.0.0', '{"topic":"t","event":"e","ref":"2","join_ref":"1"}'],
    ]
    for (const [vsn, frame] of frames) {
      expect(decodeFrame(vsn, frame)).toEqual({
        ok: true,
        frame: { kind: 'message', joinRef: '1', ref: '2', topic: 't', event: 'e', payload: {} },
      })
    }
  })

  it('reads references that are numbers', () => {
    expect(decodeFrame('2.0.0', '[1,2,"t","e",{}]')).toMatchObject({ frame: { joinRef: '1', ref: '2' } })
  })

  it('reads a broadcast sent as text like one sent as kind 3', () => {
    const message = { type: 'broadcast', event: 'moved', payload: { x: 1 }, meta: { id: 'a' } }
    const expected = {
      ok: true,
      frame: {
        kind: 'broadcast',
        joinRef: '1',
        ref: '2',
        topic: 'realtime:é€',
        broadcast: { event: 'moved', body: { encoding: 'json', text: '{"x":1}' }, meta: { id: 'a' } },
      },
    }
    expect(decodeFrame('2.0.0', JSON.stringify(['1', '2', 'realtime:é€', 'broadcast', message]))).toEqual(
      expected,
    )
    const binary = kind3(['1', '2', 'realtime:é€', 'moved', '{"id":"a"}'], 1, '{"x":1}')
    expect(decodeFrame('2.0.0', binary)).toEqual(expected)
  })

  it('leaves a broadcast without an event to the channel', () => {
    expect(decodeFrame('2.0.0', '["1","2","t","broadcast",{"payload":{}}]')).toMatchObject({
      frame: { kind: 'message', event: 'broadcast', payload: { payload: {} } },
    })
  })

  it.each([
    ['2.0.0', '', 'not_json'],
    ['2.0.0', 'hello', 'not_json'],
    ['2.0.0', 'null', 'not_a_frame'],
    ['2.0.0', '[]', 'not_a_frame'],
    ['2.0.0', '["1","2","t","e"]', 'not_a_frame'],
    ['2.0.0', '["1","2",null,"e",{}]', 'not_a_frame'],
    ['2.0.0', '["1","2","t",5,{}]', 'not_a_frame'],
    ['2.0.0', '["1",{},"t","e",{}]', 'not_a_frame'],
    ['2.0.0', '["1","2","t","e","text"]', 'not_a_frame'],
    ['2.0.0', '["1","2","t","e",[]]', 'not_a_frame'],
    ['2.0.0', '{"topic":"t","event":"e","payload":{}}', 'not_a_frame'],
    ['1.0.0', '["1","2","t","e",{}]', 'not_a_frame'],
    ['1.0.0', '"t"', 'not_a_frame'],
    ['1.0.0', '{"topic":"t","payload":{}}', 'not_a_frame'],
  ] as const)('vsn %s does not read %j: %s', (vsn, frame, reason) => {
    expect(decodeFrame(vsn, frame)).toEqual({ ok: false, reason })
  })

  it('refuses a frame over the limit, counted in bytes', () => {
    const around = (filler: string) => `["1","2","t","e",{"x":"${filler}"}]`
    const overhead = around('').length
    const ascii = around('x'.repeat(MAX_FRAME_BYTES - overhead))
    expect(ascii.length).toBe(MAX_FRAME_BYTES)
    expect(decodeFrame('2.0.0', ascii).ok).toBe(true)
    expect(decodeFrame('2.0.0', `${ascii} `)).toEqual({ ok: false, reason: 'too_large' })
    const wide = around('é'.repeat((MAX_FRAME_BYTES - overhead) / 2 + 1))
    expect(decodeFrame('2.0.0', wide)).toEqual({ ok: false, reason: 'too_large' })
    expect(decodeFrame('2.0.0', Buffer.alloc(MAX_FRAME_BYTES + 1, 3))).toEqual({
      ok: false,
      reason: 'too_large',
    })
  })

  it('refuses nesting that could not be printed again, and counts no brackets within strings', () => {
    const nested = (depth: number) => `["1","2","t","e",{"x":${'['.repeat(depth)}${']'.repeat(depth)}}]`
    expect(decodeFrame('2.0.0', nested(MAX_NESTING - 2)).ok).toBe(true)
    expect(decodeFrame('2.0.0', nested(MAX_NESTING - 1))).toEqual({ ok: false, reason: 'too_deep' })
    expect(decodeFrame('2.0.0', nested(1_000_000))).toEqual({ ok: false, reason: 'too_deep' })
    expect(decodeFrame('2.0.0', `["1","2","t","e",{"x":"\\"${'['.repeat(2_000)}"}]`).ok).toBe(true)
    const body = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(decodeFrame('2.0.0', kind3(['1', '2', 't', 'e', ''], 1, body))).toEqual({
      ok: false,
      reason: 'too_deep',
    })
  })
})

describe('binary frames of a client', () => {
  it("reads the client's own broadcasts: JSON, binary, with metadata", () => {
    const push = { join_ref: '1', ref: '2', topic: 'realtime:room', event: 'broadcast' }
    const head = { kind: 'broadcast', joinRef: '1', ref: '2', topic: 'realtime:room' }

    const json = clientEncode({ ...push, payload: { type: 'broadcast', event: 'e', payload: { a: '€' } } })
    expect(decodeFrame('2.0.0', json)).toEqual({
      ok: true,
      frame: { ...head, broadcast: { event: 'e', body: { encoding: 'json', text: '{"a":"€"}' } } },
    })

    const bytes = new Uint8Array([0, 255, 128])
    const binary = clientEncode({ ...push, payload: { event: 'e', payload: bytes.buffer, id: 'm' } })
    const decoded = decodeFrame('2.0.0', binary)
    expect(decoded).toMatchObject({
      frame: { ...head, broadcast: { event: 'e', body: { encoding: 'binary' }, meta: { id: 'm' } } },
    })
    const body = decoded.ok && decoded.frame.kind === 'broadcast' ? decoded.frame.broadcast.body : undefined
    expect(body?.encoding === 'binary' && [...body.bytes]).toEqual([0, 255, 128])
  })

  it('reads the header strings of older clients, which are not UTF-8', () => {
    const topic = Buffer.from('realtime:café', 'latin1')
    const event = Buffer.from('zoé', 'latin1')
    const header = Buffer.from([3, 0, 0, topic.length, event.length, 0, 1])
    expect(decodeFrame('2.0.0', Buffer.concat([header, topic, event, Buffer.from('{}')]))).toMatchObject({
      frame: { topic: 'realtime:café', broadcast: { event: 'zoé' } },
    })
  })

  it('takes empty references as none', () => {
    expect(decodeFrame('2.0.0', kind3(['', '', 't', 'e', ''], 1, '{}'))).toMatchObject({
      frame: { joinRef: null, ref: null },
    })
  })

  it.each([
    ['an empty frame', Buffer.alloc(0), 'truncated'],
    ['a kind that only servers send', Buffer.from([4, 0, 0, 0, 0]), 'unknown_kind'],
    ['the general push of Phoenix', Buffer.from([0, 1, 1, 1, 1]), 'unknown_kind'],
    ['a body that is not JSON', kind3(['1', '2', 't', 'e', ''], 1, '{'), 'not_json'],
    ['an empty JSON body', kind3(['1', '2', 't', 'e', ''], 1, ''), 'not_json'],
    [
      'a JSON body that is not UTF-8',
      kind3(['1', '2', 't', 'e', ''], 1, Buffer.from([0x22, 0xff, 0x22])),
      'not_text',
    ],
    ['metadata that is no object', kind3(['1', '2', 't', 'e', '[]'], 1, '{}'), 'not_a_frame'],
    ['metadata that is not JSON', kind3(['1', '2', 't', 'e', 'x'], 1, '{}'), 'not_json'],
    ['an unknown encoding', kind3(['1', '2', 't', 'e', ''], 2, '{}'), 'not_a_frame'],
  ] as const)('does not read %s', (_, frame, reason) => {
    expect(decodeFrame('2.0.0', frame)).toEqual({ ok: false, reason })
  })

  it('speaks no binary with vsn 1.0.0', () => {
    expect(decodeFrame('1.0.0', kind3(['1', '2', 't', 'e', ''], 1, '{}'))).toEqual({
      ok: false,
      reason: 'unknown_kind',
    })
  })

  it('refuses the header cut at every length', () => {
    const frame = kind3(['join', 'ref', 'realtime:room', 'event', '{"id":"a"}'], 0, '')
    for (let length = 0; length < frame.length; length += 1) {
      expect(decodeFrame('2.0.0', frame.subarray(0, length))).toEqual({ ok: false, reason: 'truncated' })
    }
    expect(decodeFrame('2.0.0', frame).ok).toBe(true)
  })

  it('answers any bytes and any text with a result', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.from([3, ...rest])),
      fc
        .tuple(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }), fc.uint8Array())
        .map(([lengths, rest]) => Uint8Array.from([3, ...lengths, 1, ...rest])),
    )
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json())
    fc.assert(
      fc.property(fc.constantFrom(...both), fc.oneof(bytes, texts), (vsn, data) => {
        const decoded = decodeFrame(vsn, data)
        if (decoded.ok && decoded.frame.kind === 'message') expect(decoded.frame.payload).toBeTypeOf('object')
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('frames of the server', () => {
  it('writes messages that the client reads, for any content', () => {
    fc.assert(
      fc.property(text, text, payload, (topic, event, body) => {
        const v2 = clientDecode(encodeMessage('2.0.0', { topic, event, joinRef: '1' }, body))
        expect(v2).toEqual({ join_ref: '1', ref: null, topic, event, payload: asJson(body) })
        const v1 = JSON.parse(encodeMessage('1.0.0', { topic, event, joinRef: '1' }, body))
        expect(v1).toEqual({ topic, event, payload: asJson(body), ref: null })
      }),
    )
  })

  it('answers with the references of the request', () => {
    const to = { joinRef: '1', ref: '2', topic: 't' }
    expect(encodeReply('2.0.0', to, 'ok')).toBe('["1","2","t","phx_reply",{"status":"ok","response":{}}]')
    expect(encodeReply('1.0.0', to, 'error', { reason: 'no' })).toBe(
      '{"topic":"t","event":"phx_reply","payload":{"status":"error","response":{"reason":"no"}},"ref":"2"}',
    )
  })

  it('keeps the digits of a payload that is text, and never sends a null one', () => {
    const head = { topic: 't', event: 'e' }
    expect(encodeText('2.0.0', head, '{"n":9007199254740993}')).toBe(
      '[null,null,"t","e",{"n":9007199254740993}]',
    )
    for (const vsn of both) {
      expect(encodeText(vsn, head, 'null')).toBe(encodeText(vsn, head, '{}'))
      expect(encodeText(vsn, head, '')).toBe(encodeText(vsn, head, '{}'))
    }
  })

  it('writes broadcasts that the client reads, as text and as kind 4', () => {
    fc.assert(
      fc.property(text, text, fc.jsonValue(), fc.option(payload), (topic, event, value, meta) => {
        const body = { encoding: 'json', text: JSON.stringify(value) } as const
        const broadcast: Broadcast = { event, body, ...(meta && { meta }) }
        const expected = {
          join_ref: null,
          ref: null,
          topic,
          event: 'broadcast',
          payload: { type: 'broadcast', event, payload: asJson(value), ...(meta && { meta: asJson(meta) }) },
        }
        expect(clientDecode(encodeBroadcast('2.0.0', topic, broadcast)!)).toEqual(expected)
        const kind4 = encodeUserBroadcast(topic, broadcast)
        if (kind4) expect(clientDecode(kind4)).toEqual(expected)
        const v1 = JSON.parse(encodeBroadcast('1.0.0', topic, broadcast) as string)
        expect(v1).toEqual({ topic, event: 'broadcast', payload: expected.payload, ref: null })
      }),
    )
  })

  it('sends a binary body as kind 4 only', () => {
    const broadcast: Broadcast = {
      event: 'e',
      body: { encoding: 'binary', bytes: new Uint8Array([1, 2, 255]) },
      meta: { id: 'm' },
    }
    const frame = encodeBroadcast('2.0.0', 'realtime:é', broadcast)
    expect(frame).toBeInstanceOf(Uint8Array)
    const decoded = clientDecode(frame!) as { payload: { payload: ArrayBuffer; meta: unknown } }
    expect([...new Uint8Array(decoded.payload.payload)]).toEqual([1, 2, 255])
    expect(decoded.payload.meta).toEqual({ id: 'm' })
    expect(encodeBroadcast('1.0.0', 'realtime:é', broadcast)).toBeUndefined()
  })

  it('has no kind 4 for a string that one byte cannot count', () => {
    const body = { encoding: 'binary', bytes: new Uint8Array() } as const
    const longest = 'é'.repeat(127)
    expect(fitsHeader(`${longest}x`)).toBe(true)
    expect(encodeUserBroadcast(`${longest}x`, { event: 'e', body })?.[1]).toBe(MAX_HEADER_STRING_BYTES)
    expect(fitsHeader(`${longest}é`)).toBe(false)
    expect(encodeUserBroadcast(`${longest}é`, { event: 'e', body })).toBeUndefined()
    expect(encodeUserBroadcast('t', { event: `${longest}é`, body })).toBeUndefined()
    expect(encodeUserBroadcast('t', { event: 'e', body, meta: { x: longest } })).toBeUndefined()
  })
})
