import { beforeAll, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { openTestDatabase, useTestDatabase } from '../support/database.ts'

/** Each leaves 0.6 KB or more on the stack if nobody takes it off: more than the engine's limit (200 kB) in each way, 2 MB in all. */
const ERRORS = 500

const database = useTestDatabase()

beforeAll(async () => {
  await database().owner.script(`
    create temporary table links (
      id integer primary key,
      next_id integer references pg_temp.links (id) deferrable initially deferred
    );
    create function pg_temp.depth(levels integer) returns integer language plpgsql as $$
    begin
      return case when levels = 0 then 0 else 1 + pg_temp.depth(levels - 1) end;
    end $$;
  `)
})

/** Errors reach the engine's outside in each of these ways. */
const REFUSED: [way: string, code: string, run: (owner: Database) => Promise<unknown>][] = [
  ['of a query', '22012', (owner) => owner.query('select 1 / 0')],
  ['of a parameter', '22012', (owner) => owner.query('select 1 / $1::integer', ['0'])],
  ['of a value that has no such type', '22P02', (owner) => owner.query('select $1::integer', ['x'])],
  ['of syntax', '42601', (owner) => owner.query('selec')],
  ['of a script', '22012', (owner) => owner.script('select 1; select 1 / 0')],
  ['within a transaction', '22012', (owner) => owner.transaction((tx) => tx.query('select 1 / 0'))],
  [
    'of a commit',
    '23503',
    (owner) => owner.transaction((tx) => tx.query('insert into pg_temp.links values (1, 2)')),
  ],
]

it('still works after thousands of errors of every kind', async () => {
  const { owner } = database()
  for (const [way, code, run] of REFUSED) {
    const codes = new Set<unknown>()
    // Without `expect`, which takes longer than the query.
    for (let error = 0; error < ERRORS; error += 1)
      codes.add(await run(owner).catch((e: unknown) => readDatabaseError(e)?.sqlstate))
    expect([...codes], way).toEqual([code])
    expect(await owner.query('select pg_temp.depth(80) as depth')).toEqual([{ depth: 80 }])
  }
})

it('refuses recursion that is too deep, and still works', async () => {
  const { owner } = database()
  for (const levels of [10_000, 10_000, 100_000]) {
    await expect(owner.query('select pg_temp.depth($1)', [levels])).rejects.toMatchObject({ code: '54001' })
    expect(await owner.query('select pg_temp.depth(80) as depth')).toEqual([{ depth: 80 }])
  }
})

it('answers nothing once V8 has no stack left, and closes', async () => {
  const { owner, close } = await openTestDatabase()
  const broken = { cause: expect.any(Error) }
  try {
    await expect(owner.query('select $1::jsonb', ['['.repeat(20_000) + ']'.repeat(20_000)])).rejects.toThrow(
      Error,
    )
    await expect(owner.query('select 1')).rejects.toMatchObject(broken)
    await expect(owner.transaction((tx) => tx.query('select 1'))).rejects.toMatchObject(broken)
  } finally {
    await close()
  }
})
