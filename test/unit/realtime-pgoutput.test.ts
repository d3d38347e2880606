import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeStatusUpdate,
  formatLsn,
  PgoutputError,
  type PgoutputErrorCode,
  parseEnvelope,
  parseLsn,
  parsePgoutput,
  timestampFromMs,
  timestampToIso,
} from '../../src/platform/realtime/feed/pgoutput.ts'

/**
 * Recorded from PostgreSQL 15.20 (`pg_logical_slot_get_binary_changes` and a replication connection), with
 *
 *   create type mood as enum ('sad', 'ok');
 *   create domain posint as int check (value > 0);
 *   create table notes (id int8 primary key, body text, mood mood, n posint, big text);
 *   create table fullnotes (id int primary key, body text, big text); -- replica identity full
 *
 * and values of 3,000 bytes in `big`, which are stored out of line.
 */
const long = (letter: string) => Buffer.from(letter.repeat(3_000)).toString('hex')
const RECORDED = {
  begin: '420000000001f7baa8000303d17f86ca1c000002de',
  commit: '43000000000001f7baa80000000001f7bad8000303d17f86ca1c',
  origin: '4f00000000abcdef0173726300',
  enumType: '59000044157075626c6963006d6f6f6400',
  domainType: '590000441a00696e743400',
  relation:
    '520000441c7075626c6963006e6f746573006400050169640000000014ffffffff00626f64790000000019ffffffff' +
    '006d6f6f640000004415ffffffff006e000000441affffffff006269670000000019ffffffff',
  relationFull:
    '52000044237075626c69630066756c6c6e6f746573006600030169640000000017ffffffff01626f64790000000019ffffffff' +
    '016269670000000019ffffffff',
  relationOdd:
    '520000442a7075626c6963004f646420224e616d652200640002014b65790000000b86ffffffff0073656c656374' +
    '0000000017ffffffff',
  insert:
    '490000441c4e0005740000000131740000001168c3a96c6c6f20227722205c20f09f998274000000026f6b7400000001356e',
  insertLong: `490000441c4e0005740000001039303037313939323534373430393933740000000374776f6e6e7400000bb8${long('x')}`,
  updateUnchangedToast: '550000441c4e00057400000010393030373139393235343734303939337400000001626e6e75',
  updateKey:
    '550000441c4b00057400000001316e6e6e6e4e0005740000000132740000001168c3a96c6c6f20227722205c20f09f9982' +
    '74000000026f6b7400000001356e',
  updateFull: `55000044234f00037400000001317400000001617400000bb8${long('y')}4e000374000000013174000000016275`,
  deleteKey: '440000441c4b00057400000001326e6e6e6e',
  deleteFull: `44000044234f00037400000001317400000001627400000bb8${long('y')}`,
  truncate: '5400000002030000441c00004423',
  message: '4d010000000001f7ffd87072650000000007636f6e74656e74',
}
const ENVELOPES = {
  keepalive: '6b0000000001f7abb8000303d17f8ee5dd00',
  begin: `770000000001f7abf00000000001f7abf0000303d17f8ee954${RECORDED.begin}`,
  type: `7700000000000000000000000000000000000303d17f8ee9a9${RECORDED.enumType}`,
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const parse = (hex: string) => parsePgoutput(bytes(hex))

function errorCode(work: () => unknown): PgoutputErrorCode | 'none' {
  try {
    work()
    return 'none'
  } catch (error) {
    if (error instanceof PgoutputError) return error.code
    throw error
  }
}

describe('messages recorded from PostgreSQL', () => {
  it('begin and commit', () => {
    const begin = parse(RECORDED.begin)
    expect(begin).toEqual({ tag: 'begin', finalLsn: 0x1f7baa8n, committedAt: 848_623_252_720_156n, xid: 734 })
    expect(parse(RECORDED.commit)).toEqual({
      tag: 'commit',
      commitLsn: 0x1f7baa8n,
      endLsn: 0x1f7bad8n,
      committedAt: 848_623_252_720_156n,
    })
    expect(timestampToIso(848_623_252_720_156n)).toBe('2026-11-22T00:40:52.720Z')
  })

  it('origin', () => {
    expect(parse(RECORDED.origin)).toEqual({ tag: 'origin', commitLsn: 0xabcdef01n, name: 'src' })
  })

  it('relation: key columns, identity, odd names', () => {
    expect(parse(RECORDED.relation)).toEqual({
      tag: 'relation',
      oid: 17436,
      schema: 'public',
      name: 'notes',
      identity: 'd',
      columns: [
        { name: 'id', isKey: true, typeOid: 20, typeModifier: -1 },
        { name: 'body', isKey: false, typeOid: 25, typeModifier: -1 },
        { name: 'mood', isKey: false, typeOid: 17429, typeModifier: -1 },
        { name: 'n', isKey: false, typeOid: 17434, typeModifier: -1 },
        { name: 'big', isKey: false, typeOid: 25, typeModifier: -1 },
      ],
    })
    expect(parse(RECORDED.relationFull)).toMatchObject({
      name: 'fullnotes',
      identity: 'f',
      columns: [{ isKey: true }, { isKey: true }, { isKey: true }],
    })
    expect(parse(RECORDED.relationOdd)).toMatchObject({
      name: 'Odd "Name"',
      columns: [{ name: 'Key' }, { name: 'select' }],
    })
  })

  it('type: an enum by its name, a domain by the name of its base', () => {
    expect(parse(RECORDED.enumType)).toEqual({ tag: 'type', oid: 17429, schema: 'public', name: 'mood' })
    expect(parse(RECORDED.domainType)).toEqual({
      tag: 'type',
      oid: 17434,
      schema: 'pg_catalog',
      name: 'int4',
    })
  })

  it('insert: text beyond ASCII, and null', () => {
    expect(parse(RECORDED.insert)).toEqual({
      tag: 'insert',
      relationOid: 17436,
      row: ['1', 'héllo "w" \\ 🙂', 'ok', '5', null],
    })
    expect(parse(RECORDED.insertLong)).toMatchObject({
      row: ['9007199254740993', 'two', null, null, 'x'.repeat(3_000)],
    })
  })

  it('update: an unchanged TOAST value is not null', () => {
    const update = parse(RECORDED.updateUnchangedToast)
    expect(update).toEqual({
      tag: 'update',
      relationOid: 17436,
      row: ['9007199254740993', 'b', null, null, undefined],
    })
    expect(update).not.toHaveProperty('old')
  })

  it('update: the old key, or the whole old row', () => {
    expect(parse(RECORDED.updateKey)).toMatchObject({
      old: { is: 'key', row: ['1', null, null, null, null] },
      row: ['2', 'héllo "w" \\ 🙂', 'ok', '5', null],
    })
    const update = parse(RECORDED.updateFull)
    expect(update).toEqual({
      tag: 'update',
      relationOid: 17443,
      old: { is: 'full', row: ['1', 'a', 'y'.repeat(3_000)] },
      row: ['1', 'b', undefined],
    })
  })

  it('delete: the key, or the whole row', () => {
    expect(parse(RECORDED.deleteKey)).toEqual({
      tag: 'delete',
      relationOid: 17436,
      old: { is: 'key', row: ['2', null, null, null, null] },
    })
    expect(parse(RECORDED.deleteFull)).toMatchObject({
      old: { is: 'full', row: ['1', 'b', 'y'.repeat(3_000)] },
    })
  })

  it('truncate and logical messages', () => {
    expect(parse(RECORDED.truncate)).toEqual({
      tag: 'truncate',
      cascade: true,
      restartIdentity: true,
      relationOids: [17436, 17443],
    })
    const message = parse(RECORDED.message)
    expect(message).toMatchObject({ tag: 'message', transactional: true, lsn: 0x1f7ffd8n, prefix: 'pre' })
    expect(message.tag === 'message' && Buffer.from(message.content).toString()).toBe('content')
  })

  it('in their envelopes', () => {
    expect(parseEnvelope(bytes(ENVELOPES.keepalive))).toEqual({
      tag: 'keepalive',
      serverLsn: 0x1f7abb8n,
      sentAt: 848_623_253_251_549n,
      replyRequested: false,
    })
    const asked = `${ENVELOPES.keepalive.slice(0, -2)}01`
    expect(parseEnvelope(bytes(asked))).toMatchObject({ replyRequested: true })

    const data = parseEnvelope(bytes(ENVELOPES.begin))
    expect(data).toMatchObject({
      tag: 'data',
      startLsn: 0x1f7abf0n,
      serverLsn: 0x1f7abf0n,
      sentAt: 848_623_253_252_436n,
    })
    expect(data.tag === 'data' && parsePgoutput(data.data)).toMatchObject({ tag: 'begin', xid: 734 })
    expect(parseEnvelope(bytes(ENVELOPES.type))).toMatchObject({ startLsn: 0n, serverLsn: 0n })
  })
})

describe('input that is not right', () => {
  const short = Object.entries(RECORDED).map(([name, hex]) => [name, hex] as const)

  it.each(short)('%s cut at every length is truncated', (_, hex) => {
    const whole = bytes(hex)
    // Every length of the short ones, and the ends of the long ones: 3,000 times the same letter teaches nothing.
    for (
      let length = 0;
      length < whole.length;
      length += length > 200 && length < whole.length - 60 ? 50 : 1
    ) {
      expect([length, errorCode(() => parsePgoutput(whole.subarray(0, length)))]).toEqual([
        length,
        'truncated',
      ])
    }
    expect(errorCode(() => parsePgoutput(whole))).toBe('none')
  })

  it.each(short)('%s with bytes behind it, as when two chunks were joined', (_, hex) => {
    expect(errorCode(() => parse(`${hex}00`))).toBe('trailing_bytes')
  })

  it('envelopes that are cut', () => {
    const keepalive = bytes(ENVELOPES.keepalive)
    for (let length = 0; length < keepalive.length; length += 1) {
      expect(errorCode(() => parseEnvelope(keepalive.subarray(0, length)))).toBe('truncated')
    }
    const data = bytes(ENVELOPES.begin)
    for (let length = 0; length < 25; length += 1) {
      expect(errorCode(() => parseEnvelope(data.subarray(0, length)))).toBe('truncated')
    }
    expect(errorCode(() => parseEnvelope(bytes(`${ENVELOPES.keepalive}00`)))).toBe('trailing_bytes')
  })

  it.each([
    ['an unknown message', '5a', 'unknown_message'],
    ['a stream start, which is version 2', '5300000001', 'unknown_message'],
    ['an insert without a new row', '490000441c4b0000', 'unknown_tuple'],
    ['an update whose old row is followed by nothing new', '550000441c4b00004b0000', 'unknown_tuple'],
    ['a delete with a new row', '440000441c4e0000', 'unknown_tuple'],
    ['an unknown kind of value', '490000441c4e00017a', 'unknown_message'],
    ['a binary value', '490000441c4e00016200000001ff', 'binary_value'],
    ['a negative number of columns', '490000441c4effff', 'out_of_range'],
    ['more columns than there are bytes', '490000441c4e7fff6e', 'truncated'],
    ['more tables than there are bytes', '547fffffff00', 'truncated'],
    ['a value longer than the message', '490000441c4e000174ffffffff41', 'truncated'],
    ['a value that is not UTF-8', '490000441c4e00017400000001ff', 'not_utf8'],
    ['an unknown replica identity', '520000441c006e007a0000', 'unknown_message'],
    ['a name without end', '4f000000000000000041', 'truncated'],
  ] as const)('%s', (_, hex, code) => {
    expect(errorCode(() => parse(hex))).toBe(code)
  })

  it('keeps a replacement character that is in the data', () => {
    expect(parse('490000441c4e00017400000003efbfbd')).toMatchObject({ row: ['\ufffd'] })
  })

  it('an unknown envelope', () => {
    expect(errorCode(() => parseEnvelope(bytes('72')))).toBe('unknown_message')
  })

  it('answers any bytes with a message or its own error', () => {
    const kinds = [...'BCORYIUDTM'].map((letter) => letter.charCodeAt(0))
    const start = fc.constantFrom(...kinds)
    const mutated = fc
      .tuple(
        fc.constantFrom(...Object.values(RECORDED).filter((hex) => hex.length < 400)),
        fc.nat(),
        fc.nat(255),
      )
      .map(([hex, at, byte]) => {
        const changed = bytes(hex)
        changed[at % changed.length] = byte
        return new Uint8Array(changed)
      })
    const random = fc
      .tuple(start, fc.uint8Array({ maxLength: 80 }))
      .map(([kind, rest]) => Uint8Array.of(kind, ...rest))
    fc.assert(
      fc.property(fc.oneof(random, mutated), (data) => {
        errorCode(() => parsePgoutput(data))
        errorCode(() => parseEnvelope(data))
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('positions', () => {
  it.each([
    ['0/0', 0n],
    ['0/1F7BAA8', 0x1f7baa8n],
    ['16/B374D848', 0x16b374d848n],
    ['FFFFFFFF/FFFFFFFF', 0xffff_ffff_ffff_ffffn],
  ])('%s', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn)
    expect(formatLsn(lsn)).toBe(text)
  })

  it('reads the padded form of PostgreSQL 19, and lower case', () => {
    expect(parseLsn('0/01f7baa8')).toBe(0x1f7baa8n)
  })

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (lsn) => parseLsn(formatLsn(lsn)) === lsn))
  })

  it.each(['', '0', '/', '0/', '0/G', '0/123456789', '-1/0', '0/0/0', ' 0/0'])('refuses %j', (text) => {
    expect(errorCode(() => parseLsn(text))).toBe('out_of_range')
  })
})

describe('times', () => {
  it.each([
    [0n, '2000-01-01T00:00:00.000Z'],
    [999n, '2000-01-01T00:00:00.000Z'],
    [1_999n, '2000-01-01T00:00:00.001Z'],
    [-1n, '1999-12-31T23:59:59.999Z'],
    [-1_000n, '1999-12-31T23:59:59.999Z'],
    [-1_001n, '1999-12-31T23:59:59.998Z'],
    [848_530_982_241_999n, '2026-11-20T23:03:02.241Z'],
  ])('%s microseconds', (micros, iso) => {
    expect(timestampToIso(micros)).toBe(iso)
  })

  it('has an error for what no date can hold', () => {
    expect(errorCode(() => timestampToIso(2n ** 63n - 1n))).toBe('out_of_range')
    expect(errorCode(() => timestampToIso(-(2n ** 63n)))).toBe('out_of_range')
  })

  it('agrees with Date', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(timestampToIso(timestampFromMs(date.getTime()))).toBe(date.toISOString())
      }),
    )
  })
})

describe('status updates', () => {
  it('have the layout that the server reads', () => {
    const update = { written: 0x1f7bad8n, flushed: 0x1f7baa8n, now: 848_623_253_251_549n }
    expect(Buffer.from(encodeStatusUpdate(update)).toString('hex')).toBe(
      '72' + '0000000001f7bad8' + '0000000001f7baa8' + '0000000001f7baa8' + '000303d17f8ee5dd' + '00',
    )
    const asking = encodeStatusUpdate({ ...update, applied: 1n, requestReply: true })
    expect(Buffer.from(asking).toString('hex').slice(34)).toBe('0000000000000001000303d17f8ee5dd01')
  })
})
