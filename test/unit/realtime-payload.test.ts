import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RowChange } from '../../src/platform/realtime/feed/change-feed.ts'
import {
  changePayload,
  compileView,
  MAX_RECORD_BYTES,
  rowEncoder,
  type TableDescription,
  valueEncoder,
  viewKey,
} from '../../src/platform/realtime/feed/payload.ts'
import type { PgType } from '../../src/platform/realtime/pg-type.ts'
import type { RowImage } from '../../src/platform/realtime/row-image.ts'
import { builtinType } from '../support/pg-types.ts'

const mood: PgType = { is: 'enum', schema: 'public', name: 'mood' }
const posint: PgType = { is: 'domain', schema: 'public', name: 'posint', of: builtinType('int4') }
const stacked: PgType = { is: 'domain', schema: 'public', name: 'tiny', of: posint }
const geography: PgType = { is: 'scalar', schema: 'extensions', name: 'geography' }
const geometry: PgType = { is: 'scalar', schema: 'extensions', name: 'geometry' }
const arrayOf = (of: PgType, delimiter = ','): PgType => ({
  is: 'array',
  schema: of.schema,
  name: `_${of.name}`,
  of,
  delimiter,
})

/**
 * Text as PostgreSQL 15.20 prints it, and what `to_jsonb(value)` printed there (without the blanks that jsonb puts
 * after commas and colons).
 */
describe('values look as to_jsonb prints them', () => {
  it.each([
    ['int2', '-5', '-5'],
    ['int8', '9007199254740993', '9007199254740993'],
    ['numeric', '1.50', '1.50'],
    ['numeric', '123456789012345678901234567890.000100', '123456789012345678901234567890.000100'],
    ['float4', '0.1', '0.1'],
    ['float8', '1e+20', '100000000000000000000'],
    ['float8', '1e-07', '0.0000001'],
    ['float8', '-1.2345678901234567e+19', '-12345678901234567000'],
    ['float8', '-1.5e-07', '-0.00000015'],
    ['float8', '-0', '0'],
    ['bool', 't', 'true'],
    ['bool', 'f', 'false'],
    ['jsonb', '{"a": [1.50, "é"], "b": 2}', '{"a": [1.50, "é"], "b": 2}'],
    ['text', '', '""'],
    ['text', 'a\u0001\u007f\u2028"\\/\n\té🙂', '"a\\u0001\u007f\u2028\\"\\\\/\\n\\té🙂"'],
    ['bpchar', 'ab  ', '"ab  "'],
    ['timestamp', '2024-02-29 12:34:56.123456', '"2024-02-29T12:34:56.123456"'],
    ['timestamp', '2024-02-29 12:34:56', '"2024-02-29T12:34:56"'],
    ['timestamp', '0044-03-15 10:00:00 BC', '"0044-03-15T10:00:00 BC"'],
    ['timestamp', '-infinity', '"-infinity"'],
    ['timestamptz', '2024-02-29 10:34:56.123456+00', '"2024-02-29T10:34:56.123456+00:00"'],
    ['timestamptz', '12024-02-29 10:00:00+00', '"12024-02-29T10:00:00+00:00"'],
    ['timestamptz', '0044-03-15 10:00:00+00 BC', '"0044-03-15T10:00:00+00:00 BC"'],
    ['timestamptz', 'infinity', '"infinity"'],
    ['date', '2024-02-29', '"2024-02-29"'],
    ['date', '0044-03-15 BC', '"0044-03-15 BC"'],
    ['time', '12:34:56.5', '"12:34:56.5"'],
    ['timetz', '12:34:56+02', '"12:34:56+02"'],
    ['interval', '1 day 02:03:04', '"1 day 02:03:04"'],
    ['uuid', '6f2c1b7e-0f7e-4a52-9f52-9d3a5f0c1e11', '"6f2c1b7e-0f7e-4a52-9f52-9d3a5f0c1e11"'],
    ['inet', '10.0.0.1/8', '"10.0.0.1/8"'],
    [
      'tstzrange',
      '["2024-02-29 10:00:00+00","2024-03-01 10:00:00+00")',
      String.raw`"[\"2024-02-29 10:00:00+00\",\"2024-03-01 10:00:00+00\")"`,
    ],
    ['int4multirange', '{[1,3),[5,7)}', '"{[1,3),[5,7)}"'],
    ['point', '(1.5,-2)', '"(1.5,-2)"'],
    ['money', '$12.34', '"$12.34"'],
    ['oid', '42', '"42"'],
    ['bit', '101', '"101"'],
    ['_int4', '{1,NULL,3}', '[1,null,3]'],
    ['_int4', '{{1,2},{3,4}}', '[[1,2],[3,4]]'],
    ['_int4', '[2:3]={1,2}', '[1,2]'],
    ['_int4', '[0:0][3:4]={{1,2}}', '[[1,2]]'],
    ['_text', '{}', '[]'],
    [
      '_text',
      '{"a,b","say \\"hi\\"","back\\\\slash","","null",NULL,"NULL","{x}"," pad ",plain,"tab\té🙂","line\nfeed"}',
      '["a,b","say \\"hi\\"","back\\\\slash","","null",null,"NULL","{x}"," pad ","plain","tab\\té🙂","line\\nfeed"]',
    ],
    ['_jsonb', '{"{\\"a\\": 1}","[1, \\"x\\"]","null"}', '[{"a": 1},[1, "x"],null]'],
    ['_bool', '{t,f,NULL}', '[true,false,null]'],
    ['_timestamptz', '{"2024-02-29 10:34:56+00",NULL}', '["2024-02-29T10:34:56+00:00",null]'],
    ['_timestamp', '{"2024-02-29 10:34:56"}', '["2024-02-29T10:34:56"]'],
    ['_cidr', '{10.0.0.0/8,::1/128}', '["10.0.0.0/8","::1/128"]'],
    ['_box', '{(1,1),(0,0);(3,3),(2,2)}', '["(1,1),(0,0)","(3,3),(2,2)"]'],
  ])('%s %j', (type, text, json) => {
    expect(valueEncoder(builtinType(type))(text)).toBe(json)
    expect(() => JSON.parse(json)).not.toThrow()
  })

  it.each([
    [mood, 'ok', '"ok"'],
    [arrayOf(mood), '{ok,sad}', '["ok","sad"]'],
    [posint, '5', '5'],
    [stacked, '5', '5'],
    [arrayOf(posint), '{5}', '[5]'],
    [geography, '0101000020E61000009A99', '"0101000020E61000009A99"'],
    [arrayOf(geography, ':'), '{0101:0102}', '["0101","0102"]'],
    // A type that has a built-in's name in another schema is not that built-in.
    [{ is: 'scalar', schema: 'public', name: 'int4' }, '5', '"5"'],
  ] as [PgType, string, string][])('%j %j', (type, text, json) => {
    expect(valueEncoder(type)(text)).toBe(json)
  })

  it.each([
    ['numeric', 'NaN', 'null'],
    ['numeric', '-Infinity', 'null'],
    ['float8', 'Infinity', 'null'],
    ['float4', 'NaN', 'null'],
    ['_numeric', '{1.50,NaN}', '[1.50,null]'],
    ['bytea', '\\x0102ff', '"0102ff"'],
    ['_bytea', '{"\\\\x01"}', '["01"]'],
    ['json', '{"b": 1,  "a":[1.50,"é"], "b": 2}', '{"b": 1,  "a":[1.50,"é"], "b": 2}'],
  ])('except, on purpose: %s %j', (type, text, json) => {
    expect(valueEncoder(builtinType(type))(text)).toBe(json)
  })

  it('leaves geometry to the hook, also in arrays and under domains', () => {
    const geometryToJson = (hex: string) => `{"type":"Point","hex":"${hex}"}`
    const encode = (type: PgType) => valueEncoder(type, { geometryToJson })
    const inDomain: PgType = { is: 'domain', schema: 'public', name: 'site', of: geometry }
    expect(encode(geometry)('0101')).toBe('{"type":"Point","hex":"0101"}')
    expect(encode(inDomain)('0101')).toBe('{"type":"Point","hex":"0101"}')
    expect(encode(arrayOf(geometry, ':'))('{0101:NULL}')).toBe('[{"type":"Point","hex":"0101"},null]')
    expect(encode(geography)('0101')).toBe('"0101"')
    expect(valueEncoder(geometry)('0101')).toBe('"0101"')
  })

  it('reads any array of texts as PostgreSQL prints it', () => {
    const quote = (text: string | null) => (text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`)
    const element = fc.option(fc.string({ unit: 'grapheme' }))
    const encode = valueEncoder(builtinType('_text'))
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        expect(JSON.parse(encode(`{${elements.map(quote).join(',')}}`))).toEqual(elements)
        expect(JSON.parse(encode(`{{${elements.map(quote).join(',')}}}`))).toEqual([elements])
      }),
    )
  })

  it('writes floats without exponent, and the same number', () => {
    // PostgreSQL prints the shortest digits that read back to the same number, as JavaScript does.
    const postgres = (value: number) => value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const json = valueEncoder(builtinType('float8'))(postgres(value))
        expect(json).toMatch(/^-?(0|[1-9]\d*)(\.\d+)?$/)
        expect(JSON.parse(json) + 0).toBe(value + 0)
      }),
    )
  })

  it('never hangs or throws on a text that is no array', () => {
    const encode = valueEncoder(builtinType('_text'))
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}",\\[]=aN') }), (text) => {
        expect(encode(text)).toBeTypeOf('string')
      }),
    )
  })
})

describe('row images', () => {
  it('leave out what the change does not have, and keep null', () => {
    const encode = rowEncoder([
      { name: 'id', type: builtinType('int8'), isPrimaryKey: true },
      { name: 'body', type: builtinType('text'), isPrimaryKey: false },
      { name: 'big', type: builtinType('text'), isPrimaryKey: false },
    ])
    const image = encode(['9007199254740993', null, undefined])
    expect({ ...image }).toEqual({ id: '9007199254740993', body: 'null' })
    expect('big' in image).toBe(false)
    expect(encode(['1'])).toEqual(Object.assign(Object.create(null), { id: '1' }))
  })

  it('have room for any column name', () => {
    const column = { name: '__proto__', type: builtinType('int4'), isPrimaryKey: true }
    const image = rowEncoder([column])(['5'])
    expect(Object.keys(image)).toEqual(['__proto__'])
    expect(image.constructor).toBeUndefined()
  })
})

const table: TableDescription = {
  schema: 'public',
  name: 'notes',
  rowSecurity: true,
  columns: [
    { name: 'id', type: builtinType('int8'), isPrimaryKey: true },
    { name: 'title', type: builtinType('text'), isPrimaryKey: false },
    { name: 'tags', type: builtinType('_int4'), isPrimaryKey: false },
    { name: 'mood', type: mood, isPrimaryKey: false },
    { name: 'size', type: posint, isPrimaryKey: false },
  ],
}
const everything = new Set(['id', 'title', 'tags', 'mood', 'size'])
const row = { id: '9007199254740993', title: '"a"', tags: '[1]', mood: 'null', size: '5' }
const image = (values: RowImage): RowImage => Object.assign(Object.create(null), values)

function change(given: Partial<RowChange>): RowChange {
  return {
    kind: 'INSERT',
    table: { oid: 1, schema: 'public', name: 'notes' },
    commitTs: '2026-11-21T22:33:02.241Z',
    position: '0/1',
    oldIs: 'key',
    bytes: 100,
    ...given,
  }
}
const inserted = change({ record: image(row) })
const updated = change({ kind: 'UPDATE', record: image({ ...row, title: '"b"' }) })
const deleted = change({ kind: 'DELETE', old: image({ id: '5' }) })
const deletedFull = change({ kind: 'DELETE', old: image(row), oldIs: 'full' })

const see = (given: RowChange, options = {}, of: TableDescription = table) =>
  JSON.parse(compileView(of, { selectable: everything, ...options }).data(given))

describe('the data of an event', () => {
  it('is the frame of the specification, with digits kept', () => {
    expect(compileView(table, { selectable: everything }).data(inserted)).toBe(
      '{"schema":"public","table":"notes","type":"INSERT","commit_timestamp":"2026-11-21T22:33:02.241Z",' +
        '"columns":[{"name":"id","type":"int8"},{"name":"title","type":"text"},{"name":"tags","type":"_int4"},' +
        '{"name":"mood","type":"mood"},{"name":"size","type":"posint"}],' +
        '"record":{"id":9007199254740993,"title":"a","tags":[1],"mood":null,"size":5},"errors":null}',
    )
    expect(changePayload([1, 3], '{"type":"INSERT"}')).toBe('{"ids":[1,3],"data":{"type":"INSERT"}}')
  })

  it('has an old record only where there was one, and a record only where there is one', () => {
    expect(see(inserted)).not.toHaveProperty('old_record')
    expect(see(deleted)).not.toHaveProperty('record')
    expect(Object.keys(see(updated))).toEqual(
      expect.arrayContaining(['record', 'old_record', 'columns', 'errors']),
    )
  })

  it('shows the key as the old record of an update that kept it', () => {
    expect(see(updated).old_record).toEqual({ id: 9007199254740992 })
    expect(see(change({ ...updated, old: image({ id: '4' }) })).old_record).toEqual({ id: 4 })
  })

  it('shows the whole old row under replica identity full, but with row security its key alone', () => {
    const full = change({ ...updated, old: image({ ...row, id: '4' }), oldIs: 'full' })
    const open = { ...table, rowSecurity: false }
    expect(see(full, {}, open).old_record).toEqual({ id: 4, title: 'a', tags: [1], mood: null, size: 5 })
    expect(see(full).old_record).toEqual({ id: 4 })
  })

  it('leaves an unchanged TOAST value out, or takes it from the full old row', () => {
    const { title: _, ...touched } = row
    const toast = change({ kind: 'UPDATE', record: image(touched) })
    expect(see(toast).record).not.toHaveProperty('title')
    expect(see(toast).record).toHaveProperty('mood', null)
    expect(see({ ...toast, old: image(row), oldIs: 'full' }).record).toHaveProperty('title', 'a')
  })

  it('tells of a deleted row only its key where row security is on', () => {
    expect(see(deletedFull).old_record).toEqual({ id: 9007199254740992 })
    const open = { ...table, rowSecurity: false }
    expect(see(deletedFull, {}, open).old_record).toEqual({
      id: 9007199254740992,
      title: 'a',
      tags: [1],
      mood: null,
      size: 5,
    })
    expect(see(deleted, {}, open).old_record).toEqual({ id: 5 })
  })
})

describe('what a role may read', () => {
  const some = { selectable: new Set(['id', 'mood']) }

  it('is all there is, in columns, record and old record', () => {
    const full = change({ ...updated, old: image(row), oldIs: 'full' })
    expect(see(full, some)).toMatchObject({
      columns: [
        { name: 'id', type: 'int8' },
        { name: 'mood', type: 'mood' },
      ],
    })
    expect(Object.keys(see(full, some).record)).toEqual(['id', 'mood'])
    const open = { ...table, rowSecurity: false }
    expect(Object.keys(see(full, some, open).old_record)).toEqual(['id', 'mood'])
    expect(Object.keys(see(deletedFull, some, open).old_record)).toEqual(['id', 'mood'])
  })

  it('is nothing of an insert or update without the whole key', () => {
    const none = { selectable: new Set(['title']) }
    expect(see(inserted, none)).toEqual({
      schema: 'public',
      table: 'notes',
      type: 'INSERT',
      commit_timestamp: null,
      columns: [],
      record: {},
      errors: ['Error 401: Unauthorized'],
    })
    expect(see(updated, none)).toMatchObject({
      record: {},
      old_record: {},
      errors: ['Error 401: Unauthorized'],
    })
    expect(see(deletedFull, none)).toMatchObject({ old_record: {}, errors: null })
    expect(compileView(table, none).readsKey).toBe(false)
    expect(compileView(table, some).readsKey).toBe(true)

    const columns = table.columns.map((column) => ({ ...column, isPrimaryKey: column.name !== 'size' }))
    expect(see(inserted, some, { ...table, columns })).toMatchObject({
      record: {},
      errors: ['Error 401: Unauthorized'],
    })
  })

  it('is nothing of a table without a primary key', () => {
    const columns = table.columns.map((column) => ({ ...column, isPrimaryKey: false }))
    const keyless = { ...table, columns }
    expect(see(inserted, {}, keyless)).toEqual({
      schema: 'public',
      table: 'notes',
      type: 'INSERT',
      commit_timestamp: null,
      columns: [],
      record: {},
      errors: ['Error 400: Bad Request, no primary key'],
    })
    expect(see(deletedFull, {}, keyless)).toMatchObject({ old_record: {}, errors: null })
    expect(compileView(keyless, { selectable: everything }).readsKey).toBe(false)
  })
})

describe('what a subscription selects', () => {
  it('is added to the primary key', () => {
    const full = change({ ...updated, old: image(row), oldIs: 'full' })
    const seen = see(full, { select: ['title'] }, { ...table, rowSecurity: false })
    expect(seen.columns.map(({ name }: { name: string }) => name)).toEqual(['id', 'title'])
    expect(Object.keys(seen.record)).toEqual(['id', 'title'])
    expect(Object.keys(seen.old_record)).toEqual(['id', 'title'])
  })

  it('gives no column that the role may not read', () => {
    const seen = see(inserted, { select: ['title', 'mood'], selectable: new Set(['id', 'mood']) })
    expect(seen.record).toEqual({ id: 9007199254740992, mood: null })
  })

  it('has one key for one view', () => {
    expect(viewKey('anon', ['b', 'a', 'b'])).toBe(viewKey('anon', ['a', 'b']))
    const keys = [viewKey('anon'), viewKey('anon', []), viewKey('anon', ['a']), viewKey('authenticated')]
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('records over the limit', () => {
  const title = JSON.stringify('x'.repeat(63))
  const large = { ...inserted, bytes: MAX_RECORD_BYTES + 1 }

  it('keep their short values, counted in bytes', () => {
    expect(see(large)).toMatchObject({ record: { title: 'a' }, errors: ['Error 413: Payload Too Large'] })
    expect(title).toHaveLength(65)
    expect(see({ ...large, record: image({ ...row, title }) }).record).toEqual({
      id: 9007199254740992,
      tags: [1],
      mood: null,
      size: 5,
    })
    const fits = JSON.stringify('x'.repeat(62))
    expect(see({ ...large, record: image({ ...row, title: fits }) }).record).toHaveProperty('title')
    const wide = JSON.stringify('é'.repeat(32))
    expect(see({ ...large, record: image({ ...row, title: wide }) }).record).not.toHaveProperty('title')
  })

  it('are cut in the old record too', () => {
    const old = image({ ...row, title })
    const open = { ...table, rowSecurity: false }
    const seen = see({ ...large, kind: 'UPDATE', old, oldIs: 'full' }, {}, open)
    expect(seen.old_record).not.toHaveProperty('title')
    expect(seen.old_record).toHaveProperty('size', 5)
  })

  it('are not those at the limit', () => {
    expect(see({ ...inserted, bytes: MAX_RECORD_BYTES, record: image({ ...row, title }) })).toMatchObject({
      record: { title: 'x'.repeat(63) },
      errors: null,
    })
  })
})
