import { describe, expect, it, vi } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { writtenOnce } from '../../src/platform/db/statement.ts'

interface Values {
  limit: number
  kind?: string | undefined
  owner?: string | null | undefined
}

const write = vi.fn(({ limit, kind, owner }) => {
  const byKind = kind && sql` and kind = ${kind}`
  const byOwner = owner && sql` and owner in (${owner}, ${kind ?? owner})`
  return sql`select id from things where true${byKind}${byOwner} limit ${limit}`
})

const rowsOf = (query: string): string =>
  `with answer as (${query}) select coalesce(json_agg(answer), '[]') as rows from answer`

describe('a query that is written once', () => {
  it('is written for each choice of values, in whatever order they come', () => {
    const things = writtenOnce<Values>(write)
    const first = things({ limit: 1, kind: 'a', owner: 'b' })
    write.mockClear()
    expect(things({ owner: 'c', kind: 'd', limit: 2 }).text).toBe(first.text)
    expect(write).not.toHaveBeenCalled()
    expect(things({ limit: 2 }).text).not.toBe(first.text)
    expect(things({ limit: 2, kind: 'd' }).text).not.toBe(first.text)
    expect(write).toHaveBeenCalledTimes(2)
  })

  it('has its values as parameters, in the order of the text', () => {
    const things = writtenOnce<Values>(write)
    things({ limit: 1, kind: 'a', owner: 'b' })
    expect(things({ limit: 2, kind: "'; drop table things", owner: 'c' })).toEqual({
      text: rowsOf('select id from things where true and kind = $1 and owner in ($2, $3) limit $4'),
      parameters: ["'; drop table things", 'c', "'; drop table things", 2],
    })
  })

  it('leaves out what is undefined, and not what is null', () => {
    const things = writtenOnce<Values>(write)
    expect(things({ limit: 3, kind: undefined, owner: null })).toEqual({
      text: rowsOf('select id from things where true and owner in ($1, $2) limit $3'),
      parameters: [null, null, 3],
    })
  })
})
