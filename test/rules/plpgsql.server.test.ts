import { beforeAll, describe, expect, it } from 'vitest'
import { installPackages, mayInstall } from '../support/apt.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

/*
 * plpgsql_check reads every PL/pgSQL function as a compiler would: names, types, parameters, dead code, injected SQL.
 * PostgreSQL itself looks at a statement only when it is run for the first time.
 */

const database = useTestDatabase()

/** What it may say, and why: `function: SQLSTATE message`. */
const EXPLAINED: Record<string, string> = {
  'follow_table: 00000 text type variable is not sanitized':
    'For the owner alone; what is not quoted is the name of a table that is there, and words of its own.',
  'assign_shift: 2F005 control reached end of function without RETURN':
    'It ends in muster.fail, which raises.',
  'move_shift: 2F005 control reached end of function without RETURN': 'It ends in muster.fail, which raises.',
  'tg_check_payment: 42703 record "new" has no field "shift_id"':
    'Only read where the trigger is of payments.',
  'tg_check_payment: 42703 record "old" has no field "shift_id"':
    'Only read where the trigger is of payments.',
  'visible_rows: 00000 text type variable is not sanitized':
    'It runs the statement that the gateway made; nobody else may call it.',
}

beforeAll(async () => {
  const { owner } = database()
  const isAvailable = async () =>
    (await owner.query("select from pg_available_extensions where name = 'plpgsql_check'")).length > 0
  if (!(await isAvailable())) {
    const [server] = await owner.query<{ major: number }>(
      "select current_setting('server_version_num')::int / 10000 as major",
    )
    const wanted = `postgresql-${server?.major}-plpgsql-check`
    if (!process.env.TEST_DATABASE_URL && (await mayInstall()))
      await installPackages([wanted], (line) => process.stderr.write(`${line}\n`))
    if (!(await isAvailable()))
      throw new Error(`The server has no plpgsql_check. On Debian: sudo apt-get install ${wanted}`)
  }
  await owner.query('create schema inspection')
  await owner.query('create extension plpgsql_check schema inspection')
}, patience(300_000))

/**
 * One row for each thing said. Trigger functions are read once for each table that they are for; of a statement trigger
 * with the rows that it is given.
 */
const FINDINGS = `
  with functions as (
    select f.oid, f.proname, t.tgrelid, t.tgnewtable, t.tgoldtable
    from pg_proc as f
    join pg_language as l on l.oid = f.prolang and l.lanname = 'plpgsql'
    left join pg_trigger as t on t.tgfoid = f.oid and not t.tgisinternal
    where f.pronamespace in ('muster'::regnamespace, 'realtime'::regnamespace)
      and (f.prorettype <> 'trigger'::regtype or t.oid is not null)
  )
  select distinct proname || ': ' || sqlstate || ' ' || message as said
  from functions
  cross join lateral inspection.plpgsql_check_function_tb(
    functions.oid, coalesce(tgrelid, 0),
    fatal_errors => false, other_warnings => true, extra_warnings => true, performance_warnings => false,
    security_warnings => true, newtable => tgnewtable, oldtable => tgoldtable
  )
  -- A literal that begins a variable, such as an empty array, is converted once: that costs nothing.
  where message <> 'target type is different type than source type'
    -- Each is called with both: what is decided by the row alone does not need the time.
    and not (starts_with(proname, 'audience_of_') and message = 'unused parameter "at"')
  order by 1`

describe('plpgsql_check', () => {
  it('has nothing to say about any function but what is explained', async () => {
    const found = await database().owner.query<{ said: string }>(FINDINGS)
    expect(found.map(({ said }) => said)).toEqual(Object.keys(EXPLAINED).sort())
  })

  it('reads every trigger function: each is used', async () => {
    const unused = await database().owner.query(`
      select proname as name
      from pg_proc as f
      where pronamespace = 'muster'::regnamespace and prorettype = 'trigger'::regtype
        and not exists (select from pg_trigger where tgfoid = f.oid)
    `)
    expect(unused).toEqual([])
  })

  it('finds a fault in a function that has one', async () => {
    await database().owner.script(`
      create function muster.careless(a int) returns int language plpgsql as $$
      declare unused text;
      begin
        perform no_such_column from public.shifts;
        return a;
      end $$
    `)
    const found = await database().owner.query<{ said: string }>(FINDINGS)
    expect(found.map(({ said }) => said).filter((said) => said.startsWith('careless'))).not.toEqual([])
  })
})
