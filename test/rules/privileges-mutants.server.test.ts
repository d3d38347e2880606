import { beforeAll, expect, it } from 'vitest'
import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { MUTANTS_TIMEOUT_MS, undone } from './access-mutants.ts'
import { PRIVILEGES, REPORTS } from './privileges.ts'
import { type Privileges, readPrivileges } from './privileges-catalog.ts'

/*
 * Gives every privilege that somebody does not have, and takes each that somebody has, and demands that it shows in the list of
 * privileges.ts.
 */

const database = useTestDatabase()

const ROLES = ['public', ...Object.keys(PRIVILEGES.memberships)]
const ON_TABLES = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
const ON_SEQUENCES = ['usage', 'select', 'update']
/** Those that may be given for some columns. */
const ON_COLUMNS = ['select', 'insert', 'update', 'references']

let columns: Map<string, string[]>

beforeAll(async () => {
  const rows = await database().owner.query<{ name: string; column: string }>(
    `select format('%s.%I', relnamespace::regnamespace, relname) as name, attname as column
     from pg_class as c
     join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
     where format('%s.%I', relnamespace::regnamespace, relname) = any ($1::text[]) and relkind in ('r', 'm')
     order by attnum`,
    [`{${Object.keys(PRIVILEGES.tables).join(',')}}`],
  )
  columns = new Map(
    [...Map.groupBy(rows, ({ name }) => name)].map(([name, of]) => [name, of.map((row) => row.column)]),
  )
})

/**
 * Of what is not granted a fourth is tried, in which each object, role and privilege comes with each other: the list is read in the same
 * way for all of them. What is granted is tried to the last.
 */
const isTried = (...nths: number[]): boolean => nths.reduce((sum, nth) => sum + nth, 0) % 4 === 0

/** A grant to the owner changes nothing: who owns a report is in the catalog that migrations are compared with. */
const isOwnReport = (table: string, role: string): boolean =>
  role === 'muster_definer' && REPORTS.some((report) => report === table)

/** invalid_grant_operation: a role cannot become one that can become it. */
const NOT_POSSIBLE = '0LP01'

/** The statements after which the list is what it was. */
async function unnoticed<K extends keyof Privileges>(
  kind: K,
  statements: readonly string[],
): Promise<string[]> {
  expect(statements.length).toBeGreaterThan(0)
  return undone(database().owner, async (tx) => {
    const before = await read(tx, kind)
    expect(before).toBe(JSON.stringify(sorted(PRIVILEGES[kind])))
    const silent = []
    for (const statement of statements) {
      await tx.query('savepoint mutant')
      const isPossible = await tx.query(statement).then(
        () => true,
        (error) => {
          if (error.code !== NOT_POSSIBLE) throw error
          return false
        },
      )
      if (isPossible && (await read(tx, kind)) === before) silent.push(statement)
      await tx.query('rollback to savepoint mutant')
    }
    return silent
  })
}

const read = async (tx: Transaction, kind: keyof Privileges): Promise<string> =>
  JSON.stringify(sorted((await readPrivileges(tx, [kind]))[kind]))

/** With the keys of all objects in one order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, of]) => [key, sorted(of)]),
  )
}

it('shows who may execute a function', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  const owners = new Map(
    (
      await undone(database().owner, async (tx) => {
        await tx.query("select set_config('search_path', 'pg_catalog', true)")
        return tx.query<{ name: string; owner: string }>(
          'select oid::regprocedure::text as name, pg_get_userbyid(proowner) as owner from pg_proc',
        )
      })
    ).map(({ name, owner }) => [name, owner]),
  )
  const statements = Object.entries(PRIVILEGES.functions).flatMap(([name, granted], ofFunction) =>
    // What belongs to a role is its own to grant.
    ROLES.filter((role) => owners.get(name) !== role).flatMap((role, ofRole) =>
      granted.split(' ').includes(role)
        ? [
            `revoke execute on function ${name} from ${role}`,
            ...(role === 'public' ? [] : [`grant execute on function ${name} to ${role} with grant option`]),
          ]
        : isTried(ofFunction, ofRole)
          ? [`grant execute on function ${name} to ${role}`]
          : [],
    ),
  )
  expect(await unnoticed('functions', statements)).toEqual([])
})

it('shows who may do what with a table', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  const statements = Object.entries(PRIVILEGES.tables).flatMap(([table, granted], ofTable) => {
    const isTable = columns.has(table)
    const on = isTable ? table : `sequence ${table}`
    return ROLES.filter((role) => !isOwnReport(table, role)).flatMap((role, ofRole) =>
      (isTable ? ON_TABLES : ON_SEQUENCES).flatMap((privilege, ofPrivilege) =>
        granted[role]?.[privilege] === '*'
          ? [
              `revoke ${privilege} on ${on} from ${role}`,
              `grant ${privilege} on ${on} to ${role} with grant option`,
            ]
          : isTried(ofTable, ofRole, ofPrivilege)
            ? [`grant ${privilege} on ${on} to ${role}`]
            : [],
      ),
    )
  })
  expect(await unnoticed('tables', statements)).toEqual([])
})

it('shows who may do what with a column', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  const statements = Object.entries(PRIVILEGES.tables).flatMap(([table, granted]) =>
    ['anon', 'authenticated'].flatMap((role, ofRole) =>
      ON_COLUMNS.filter((privilege) => granted[role]?.[privilege] !== '*').flatMap(
        (privilege, ofPrivilege) => {
          const given = granted[role]?.[privilege]?.split(' ') ?? []
          return (columns.get(table) ?? []).flatMap((column, ofColumn) =>
            given.includes(column)
              ? [`revoke ${privilege} (${column}) on ${table} from ${role}`]
              : isTried(ofRole, ofPrivilege, ofColumn)
                ? [`grant ${privilege} (${column}) on ${table} to ${role}`]
                : [],
          )
        },
      ),
    ),
  )
  expect(await unnoticed('tables', statements)).toEqual([])
})

it('shows who may do what in a schema, and in the database', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  const inSchemas = [...Object.keys(PRIVILEGES.schemas), 'drizzle'].flatMap((schema) =>
    ROLES.flatMap((role) =>
      ['create', 'usage'].map((privilege) =>
        PRIVILEGES.schemas[schema]?.[role]?.split(' ').includes(privilege)
          ? `revoke ${privilege} on schema ${schema} from ${role}`
          : `grant ${privilege} on schema ${schema} to ${role}`,
      ),
    ),
  )
  expect(await unnoticed('schemas', inSchemas)).toEqual([])
  const [row] = await database().owner.query<{ name: string }>('select current_database() as name')
  const inDatabase = ROLES.flatMap((role) =>
    ['connect', 'temporary', 'create'].map((privilege) =>
      PRIVILEGES.database[role]?.split(' ').includes(privilege)
        ? `revoke ${privilege} on database ${row!.name} from ${role}`
        : `grant ${privilege} on database ${row!.name} to ${role}`,
    ),
  )
  expect(await unnoticed('database', inDatabase)).toEqual([])
})

it('shows who can become whom', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
  const [row] = await database().owner.query<{ owner: string }>('select current_user::text as owner')
  const statements = Object.entries(PRIVILEGES.memberships).flatMap(([member, roles]) =>
    [...Object.keys(PRIVILEGES.memberships), row!.owner, 'pg_read_all_data']
      .filter((role) => role !== member)
      .flatMap((role) =>
        roles.split(' ').includes(role)
          ? [`revoke ${role} from ${member}`, `grant ${role} to ${member} with admin option`]
          : [`grant ${role} to ${member}`],
      ),
  )
  expect(await unnoticed('memberships', statements)).toEqual([])
})
