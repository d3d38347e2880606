import { expect, it } from 'vitest'
import { CODES, type ProblemCode } from '../../src/errors/codes.ts'
import { codeOf, readDatabaseError } from '../../src/errors/sqlstate.ts'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()

const raised = Object.entries(CODES as Record<string, ProblemCode>).filter(([, { sqlstate }]) => sqlstate)

it.each(raised)('muster.fail raises for %s what stands for it', async (code, { sqlstate }) => {
  const error = await database()
    .owner.query('select muster.fail($1)', [code])
    .catch((caught: unknown) => caught)
  const reported = readDatabaseError(error)
  expect(reported?.sqlstate).toBe(sqlstate)
  expect(codeOf(reported!)).toBe(code)
})

it('muster.fail knows no code that the API does not', async () => {
  const [row] = await database().owner.query<{ definition: string }>(
    "select pg_get_functiondef('muster.fail(text,text)'::regprocedure) as definition",
  )
  const known = [...row!.definition.matchAll(/when '(\w+)' then '(MU\d{3})'/g)].map(([, code, state]) => [
    code,
    state,
  ])
  expect(known.sort()).toEqual(raised.map(([code, { sqlstate }]) => [code, sqlstate]).sort())
})
