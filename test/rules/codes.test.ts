import { describe, expect, it } from 'vitest'
import { MODULES } from '../../src/app.ts'
import { type DatabaseError, readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { CODES, PLATFORM, type ProblemCode } from '../../src/platform/http/codes.ts'
import { codeOf } from '../../src/platform/http/problem.ts'
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

const withSqlstate = (codes: Readonly<Record<string, ProblemCode>>): [code: string, sqlstate: string][] =>
  Object.entries(codes).flatMap(([code, { sqlstate }]) => (sqlstate ? [[code, sqlstate]] : []))

const REGISTERED = withSqlstate(CODES)

/** The last SQLSTATE that was given before each module had a range of its own. */
const LAST_OF_ALL = 'MU032'

describe('the codes of the API and of the database', () => {
  it.each([PLATFORM, ...MODULES])(
    'are the same list for $name, in its range',
    async ({ name, codes, sqlstates }) => {
      const [row] = await database().owner.query<{ codes: Record<string, string> }>(
        `select muster.codes_of_${name}() as codes`,
      )
      expect(row!.codes).toEqual(Object.fromEntries(withSqlstate(codes)))
      const strays = withSqlstate(codes).filter(
        ([, sqlstate]) => !sqlstate.startsWith(sqlstates) && sqlstate > LAST_OF_ALL,
      )
      expect(strays).toEqual([])
    },
  )

  it('have a range of their own in each module', () => {
    const ranges = [PLATFORM, ...MODULES].map(({ sqlstates }) => sqlstates)
    expect(new Set(ranges).size).toBe(ranges.length)
    expect(ranges.filter((range) => !/^MU[1-9]$/.test(range))).toEqual([])
  })

  it('stand for one SQLSTATE each, of the class that is ours', () => {
    const sqlstates = REGISTERED.map(([, sqlstate]) => sqlstate)
    expect(new Set(sqlstates).size).toBe(sqlstates.length)
    expect(sqlstates.filter((sqlstate) => !/^MU\d{3}$/.test(sqlstate))).toEqual([])
  })

  it('are raised with the listed SQLSTATE, and mapped back to the same code', async () => {
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
    const known = new Set(REGISTERED.map(([code]) => code))
    expect(calls.filter(({ code }) => !known.has(code))).toEqual([])
  })
})

it('the types of notifications that the modules declare are those that the database takes', async () => {
  const owner = database().owner
  const functions = await owner.query<{ name: string }>(
    "select muster.functions_of('notification_types') as name",
  )
  const taken = await Promise.all(
    functions.map(({ name }) =>
      owner.query<{ types: string[] }>(`select to_json(muster.${name}()) as types`),
    ),
  )
  expect(taken.flatMap(([row]) => row!.types).sort()).toEqual(
    MODULES.flatMap(({ notifications }) => Object.keys(notifications)).sort(),
  )
})

it('the roles that the modules declare are those that the database takes', async () => {
  const [row] = await database().owner.query<{ roles: object }>('select muster.roles() as roles')
  expect(row!.roles).toEqual(Object.assign({}, ...MODULES.map(({ roles }) => roles)))
})
