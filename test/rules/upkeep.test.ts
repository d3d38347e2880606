import { beforeAll, describe, expect, test } from 'vitest'
import { anonymousCaller } from '../../src/platform/auth/caller.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { CHECKS, examineHealth } from '../../src/platform/operations/health/health.ts'
import { THRESHOLDS } from '../../src/platform/operations/health/thresholds.ts'
import { keepTables, NoSuchTable, type TableDone } from '../../src/platform/operations/maintenance.ts'
import { explaining, type Planned, planOf, SeveralStatements } from '../../src/platform/operations/plan.ts'
import { useTestDatabase } from '../support/database.ts'
import { buildWorld, callerOf, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let owner: Database

beforeAll(async () => {
  owner = prepared().owner
  await buildWorld(owner)
})

describe('upkeep', () => {
  const keep = async (what: 'analyze' | 'vacuum', tables?: string[]) => {
    const done: TableDone[] = []
    const skipped = await keepTables(owner, {
      what,
      ...(tables && { tables }),
      onTable: (table) => done.push(table),
    })
    return { skipped, done }
  }

  test('vacuum removes dead rows, table by table', async () => {
    await owner.query('create table public.dying as select i as id from generate_series(1, 500) i')
    await owner.query('delete from public.dying where id > 100')
    const { skipped, done } = await keep('vacuum')
    expect(skipped).toBe(0)
    expect(done.map(({ nth }) => nth)).toEqual(done.map((_, index) => index + 1))
    expect(done.map(({ table }) => table)).toEqual(
      expect.arrayContaining(['public.shifts', 'muster.jobs', 'public.dying']),
    )
    // From the catalog: statistics of the deletion may arrive after those of the vacuum.
    expect(
      await owner.query(
        "select reltuples::int as rows, relallvisible = relpages as clean from pg_class where relname = 'dying'",
      ),
    ).toEqual([{ rows: 100, clean: true }])
  })

  test('analyze takes the tables that it is told, and no others', async () => {
    expect(await keep('analyze', ['dying', 'public.shifts'])).toMatchObject({
      done: expect.arrayContaining([
        expect.objectContaining({ table: 'public.dying', of: 2 }),
        expect.objectContaining({ table: 'public.shifts', of: 2 }),
      ]),
    })
    expect(await owner.query("select reltuples::int as rows from pg_class where relname = 'dying'")).toEqual([
      { rows: 100 },
    ])
    await expect(keep('analyze', ['shifts', 'drop table shifts'])).rejects.toThrow(NoSuchTable)
    await owner.query('drop table public.dying')
  })
})

describe('a plan', () => {
  const timeoutMs = 5_000
  const plan = (text: string, isRun: boolean, as?: { role: string; claims: string }) =>
    planOf(owner, { text, parameters: [] }, { isRun, timeoutMs, ...(as && { as }) })

  test('of a statement is not its execution', async () => {
    const [first] = await plan('select * from public.shifts', false)
    expect(first).toContain('shifts')
    expect((await plan('select 1', false)).join()).not.toContain('actual time')
    expect((await plan('select 1', true)).join()).toContain('actual time')
  })

  test('writes nothing, whoever asks and however', async () => {
    await expect(plan('delete from public.notifications', true)).rejects.toMatchObject({ code: '25006' })
    await expect(plan("select set_config('transaction_read_only', 'off', true)", true)).rejects.toMatchObject(
      {
        code: '25001',
      },
    )
    await expect(plan('select 1; commit; delete from public.notifications', true)).rejects.toThrow(
      SeveralStatements,
    )
    expect(await plan('select 1;', false)).toHaveLength(1)
  })

  test('is the one of the user, with the policies and without other rights', async () => {
    const guard = {
      role: 'authenticated',
      claims: JSON.stringify({ sub: USERS.guard, role: 'authenticated' }),
    }
    expect((await plan('select * from public.shifts', false, guard)).join()).toContain('deleted_at')
    await expect(plan('select * from muster.idempotency_keys', false, guard)).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('of what a caller’s session sends comes with its answer', async () => {
    const planned: Planned[] = []
    const sessions = openSessions(explaining(owner, (found) => planned.push(found)))
    const statement = { text: 'select json_agg(id) as rows from public.users', parameters: [] }
    const rows = await sessions.read(callerOf('guard'), (session) => session.rows(statement))
    expect(rows).toEqual([USERS.guard])
    expect(planned).toEqual([
      { statement: statement.text, plan: expect.arrayContaining([expect.stringContaining('actual time')]) },
    ])
    await expect(
      sessions.write(anonymousCaller(), (session) => session.rows(statement)),
    ).rejects.toMatchObject({ code: '42501' })
  })
})

test('health says of each engine what it can tell', async () => {
  const lines = await examineHealth({
    ...{
      database: owner,
      thresholds: THRESHOLDS,
      poolSize: 10,
      backupDir: '/nowhere',
      readHistory: undefined,
    },
  })
  expect(lines.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name))
  expect(lines.filter(({ text }) => text.includes('SQLSTATE'))).toEqual([])
  const levelOf = Object.fromEntries(lines.map(({ name, level }) => [name, level]))
  expect(levelOf).toMatchObject({
    ...{
      backup: 'bad',
      migrations: 'good',
      missing_indexes: 'good',
      duplicate_indexes: 'good',
      wraparound: 'good',
    },
    ...(prepared().engine === 'embedded'
      ? {
          connections: 'unknown',
          slots: 'unknown',
          slow_statements: 'unknown',
          autovacuum: 'warning',
          checksums: 'good',
        }
      : { connections: 'good', autovacuum: 'good' }),
  })
})
