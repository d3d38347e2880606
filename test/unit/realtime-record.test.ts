import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyText } from '../../src/platform/realtime/changes/visibility.ts'
import { parseRecord } from '../../src/platform/realtime/feed/notify.ts'
import { changeBuilder, textBytes } from '../../src/platform/realtime/feed/row-change.ts'
import { builtinType } from '../support/pg-types.ts'

describe('a row in PostgreSQL’s text form', () => {
  it.each([
    ['(1,x)', ['1', 'x']],
    ['(1,)', ['1', null]],
    ['(,)', [null, null]],
    ['("",x)', ['', 'x']],
    ['("a ""b"" \\\\c",2)', ['a "b" \\c', '2']],
    ['("a,b","(c)")', ['a,b', '(c)']],
    ['("{""k"": ""v""}","{1,2}")', ['{"k": "v"}', '{1,2}']],
    ['("line\nbreak"," ")', ['line\nbreak', ' ']],
    ['("""")', ['"']],
    ['("\\\\")', ['\\']],
  ])('%s', (text, values) => {
    expect(parseRecord(text)).toEqual(values)
  })

  it('is read back, whatever is in it', () => {
    // As record_out quotes: what is empty, or has a character that means something.
    const print = (value: string | null): string =>
      value === null
        ? ''
        : value === '' || /["\\(),\s]/.test(value)
          ? `"${value.replace(/["\\]/g, '$&$&')}"`
          : value
    const value = fc.option(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '\\', ',', '(', ')', ' ', 'a') })),
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        expect(parseRecord(`(${values.map(print).join(',')})`)).toEqual(values)
      }),
    )
  })
})

describe('the key of a row, for PostgreSQL', () => {
  it.each([
    ['42', 'int8', '42'],
    ['9007199254740993', 'int8', '9007199254740993'],
    ['"a\\"b\\\\"', 'text', 'a"b\\'],
    ['"deadbeef"', 'bytea', '\\xdeadbeef'],
    ['"x"', 'jsonb', '"x"'],
    ['{"a": 1}', 'jsonb', '{"a": 1}'],
    ['true', 'bool', 'true'],
    ['"2024-02-29T12:34:56"', 'timestamp', '2024-02-29T12:34:56'],
    ['[1,null,[2]]', '_int4', '{1,null,{2}}'],
    ['["a,b","q\\"","[x]"]', '_text', '{"a,b","q\\"","[x]"}'],
    ['["beef"]', '_bytea', '{"\\\\xbeef"}'],
  ])('%s as %s', (json, type, text) => {
    expect(keyText(json, builtinType(type))).toBe(text)
  })
})

describe('a change', () => {
  const builder = changeBuilder({
    table: { oid: 1, schema: 'public', name: 't' },
    columns: [
      { name: 'id', type: builtinType('int4'), isPrimaryKey: true },
      { name: 'body', type: builtinType('text'), isPrimaryKey: false },
    ],
    inIdentity: [true, false],
  })
  const commit = { commitTs: '2026-11-21T22:33:02.241Z', position: '1' }

  it('has of a key’s row the key alone: the log has NULL for the rest', () => {
    const change = builder.build({ kind: 'DELETE', old: ['1', null], oldIs: 'key' }, commit)
    expect({ ...change.old }).toEqual({ id: '1' })
  })

  it('leaves out what the log does not have', () => {
    const change = builder.build({ kind: 'UPDATE', record: ['1', undefined], oldIs: 'key' }, commit)
    expect({ ...change.record }).toEqual({ id: '1' })
    expect(change).not.toHaveProperty('old')
  })

  it('is as large as its text, in bytes', () => {
    expect(textBytes(['1', 'é€', null, undefined], undefined, ['22'])).toBe(1 + 5 + 2)
    expect(builder.build({ kind: 'INSERT', record: ['1', 'é€'], oldIs: 'key' }, commit).bytes).toBe(6)
  })
})
