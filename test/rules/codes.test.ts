import { describe, expect, it } from 'vitest'
// Registers the codes of all modules.
import '../../src/app.ts'
import { type DatabaseError, readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { CODES, type ProblemCode } from '../../src/platform/http/codes.ts'
import { codeOf } from '../../src/platform/http/database-problems.ts'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()

/** What `muster.fail` raises for a code. */
async function raisedFor(code: string): Promise<DatabaseError | undefined> {
  return database()
    .owner.query('select muster.fail($1)', [code])
    .then(
      () => undefined,
      (error) => readDatabaseError(error),
    )
}

const REGISTERED = Object.entries<ProblemCode>(CODES).flatMap(([code, { sqlstate }]) =>
  sqlstate ? [[code, sqlstate] as const] : [],
)

describe('the codes of the API and of the database', () => {
  it('are the same list', async () => {
    const [row] = await database().owner.query<{ definition: string }>(
      "select pg_get_functiondef('muster.fail(text,text)'::regprocedure) as definition",
    )
    const listed = [...row!.definition.matchAll(/when '(\w+)' then '(\w+)'/g)].map(([, code, sqlstate]) => [
      code,
      sqlstate,
    ])
    expect(listed.sort()).toEqual([...REGISTERED].sort())
  })

  it('stand for one SQLSTATE each, of the class that is ours', () => {
    const sqlstates = REGISTERED.map(([, sqlstate]) => sqlstate)
    expect(new Set(sqlstates).size).toBe(sqlstates.length)
    expect(sqlstates.filter((sqlstate) => !/^MU\d{3}$/.test(sqlstate))).toEqual([])
  })

  it('are raised as listed, and told apart again', async () => {
    for (const [code, sqlstate] of REGISTERED) {
      const raised = await raisedFor(code)
      expect(raised?.sqlstate).toBe(sqlstate)
      expect(codeOf(raised!)).toBe(code)
    }
  })

  it('never blame a caller for a value that the database cannot work with', () => {
    for (const sqlstate of ['22023', '22P02', '22003', '22000', '22P05']) {
      expect(codeOf({ sqlstate, constraint: undefined })).toBe('internal')
    }
  })

  it('are all that can be raised', async () => {
    for (const code of ['no_such_code', '', 'MU001']) expect((await raisedFor(code))?.sqlstate).toBe('P0001')
  })

  it('are used: every call of muster.fail names one of them', async () => {
    const calls = await database().owner.query<{ name: string; code: string }>(`
      select p.proname as name, code[1] as code
      from pg_proc as p
      cross join regexp_matches(pg_get_functiondef(p.oid), 'muster[.]fail[(]''(\\w+)''', 'g') as code
      where p.pronamespace = 'muster'::regnamespace and p.prokind = 'f'
    `)
    expect(calls.length).toBeGreaterThan(30)
    const known = new Set(REGISTERED.map(([code]) => code as string))
    expect(calls.filter(({ code }) => !known.has(code))).toEqual([])
  })
})
