import { glob, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { type SqlStatement, splitStatements } from './statements.ts'
import { readTables, TABLES } from './tables.ts'

/** The present definition of every rule. */
export const SCHEMAS_FOLDER = fileURLToPath(new URL('../../supabase/schemas', import.meta.url))

/** Says which migration is the newest: `db:rule` and `db:generate` write it. */
export const VERSION_FILE = 'platform/version.sql'

/*
 * The order in which the files build an empty database: module by module, in the order of names within a module. A file stands out
 * of that order only where something that is checked when it is made (a default, a policy, a function that is not a text) needs it.
 */
/** From the lowest: a module names what is below it. Every folder is one of these. */
export const MODULES = ['platform', 'people', 'guarding', 'freight'] as const
/** Checks, defaults and policies of tables use their functions. */
const BEFORE_THE_TABLES = ['platform/foundation.sql', ...MODULES.map((name) => `${name}/callers.sql`)]
/** Looks at what all the others made. */
const LAST = 'platform/last.sql'

/** Where a statement comes from: a file of `supabase/schemas`, or the tables of the `table.ts` files. */
export interface Source extends SqlStatement {
  readonly file: string
  /** In the order of all of them. */
  readonly position: number
}

/** Every statement of the files, in the order in which they build a database, with those that make the tables between. */
export async function readRules(tables: readonly string[], folder = SCHEMAS_FOLDER): Promise<Source[]> {
  return orderRules(await readSchemaFiles(folder), tables)
}

/** The texts of the files by their names, such as `people/users.sql`. */
export async function readSchemaFiles(folder = SCHEMAS_FOLDER): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for await (const file of glob('**/*.sql', { cwd: folder })) {
    texts.set(file.replaceAll(sep, '/'), await readFile(join(folder, file), 'utf8'))
  }
  return texts
}

/**
 * As `readRules`, of texts by the names of their files.
 *
 * @throws Error for a file in a folder that is no module.
 */
export function orderRules(texts: ReadonlyMap<string, string>, tables: readonly string[]): Source[] {
  const moduleOf = (file: string): number => MODULES.findIndex((name) => file.startsWith(`${name}/`))
  const stray = [...texts.keys()].find((file) => moduleOf(file) < 0)
  if (stray !== undefined)
    throw new Error(`supabase/schemas/${stray} is in no folder of a module: ${MODULES.join(', ')}`)
  const rank = (file: string): number => (file === LAST ? MODULES.length : moduleOf(file))
  const files = [...texts.keys()]
    .filter((file) => !BEFORE_THE_TABLES.includes(file))
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
  const statementsOf = (file: string): Omit<Source, 'position'>[] =>
    splitStatements(texts.get(file) ?? '').map((statement) => ({ ...statement, file }))
  const statements = [
    ...BEFORE_THE_TABLES.flatMap(statementsOf),
    ...tables.map((text) => ({ text, bare: text, line: 0, file: TABLES })),
    ...files.flatMap(statementsOf),
  ]
  return statements.map((statement, position) => ({ ...statement, position }))
}

/**
 * The statements that make the tables of the `table.ts` files in an empty database, as `drizzle-kit generate` would write them.
 * The schema `muster` is the foundation's to make, and a type with parameters must not be quoted.
 */
export async function tableStatements(): Promise<string[]> {
  const [{ generateDrizzleJson, generateMigration }, schema] = await Promise.all([
    import('drizzle-kit/api'),
    readTables(),
  ])
  const statements = await generateMigration(generateDrizzleJson({}), generateDrizzleJson(schema))
  return statements.filter((statement) => !/^create schema /i.test(statement)).map(unquoteTypes)
}

/** drizzle-kit quotes the name of a type that it does not know, parameters and all. */
export const unquoteTypes = (statement: string): string => statement.replace(/"(geography\([^")]*\))"/g, '$1')

/** Finds the statement that defined an object, by its identity in the catalog; made by `buildFromFiles`. */
export type Origins = (command: number) => Source | undefined

/**
 * Builds the rules in an empty database. Bodies of functions are not checked: they may name what a later statement makes.
 *
 * @returns which statement ran as which command of the transaction: rows of the catalog say by which command they were written.
 * @throws Error with the file and line of the statement that failed.
 */
export async function buildFromFiles(tx: Transaction, rules: readonly Source[]): Promise<Origins> {
  await tx.query(`select set_config('search_path', 'public, extensions', true),
    set_config('check_function_bodies', 'off', true), set_config('client_min_messages', 'error', true)`)
  await tx.query('create temp table if not exists rule_commands (statement integer) on commit drop')
  for (const [index, rule] of rules.entries()) {
    await tx.query('insert into pg_temp.rule_commands values ($1)', [index])
    try {
      await tx.query(rule.text)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${rule.file}, line ${rule.line}: ${why}`, { cause })
    }
  }
  const marks = await tx.query<{ statement: number; command: number }>(
    'select statement, cmin::text::integer as command from pg_temp.rule_commands order by statement',
  )
  await tx.query('drop table pg_temp.rule_commands')
  await tx.query(`select set_config('check_function_bodies', 'on', true)`)
  return (command) => {
    const mark = marks.findLast((candidate) => candidate.command < command)
    return mark && rules[mark.statement]
  }
}

/** What stays of a database that `emptyDatabase` emptied: what the server gives to each, and extensions. */
const OF_AN_EMPTY_DATABASE =
  /^(?:database this|extension .*|schema (?:public|extensions)|comment (?:schema (?:public|extensions)|extension .*|database .*)|setting .*|role .*|membership .*|comment role .*|default privileges .*)$/

export const isOfAnEmptyDatabase = (block: string): boolean => OF_AN_EMPTY_DATABASE.test(block)

/**
 * Takes everything out of a database but its extensions, which cost more to make than all the rest. For a transaction that
 * is rolled back.
 *
 * @param roles whether the roles go too; on a server other databases may need them
 */
export async function emptyDatabase(tx: Transaction, { roles }: { roles: boolean }): Promise<void> {
  await tx.query(`select set_config('client_min_messages', 'error', true)`)
  await tx.query(`
    do $$
    declare
      statement text;
    begin
      for statement in select unnest(array(
        select format('drop event trigger %I', evtname) from pg_catalog.pg_event_trigger
        union all
        select format('drop publication %I', pubname) from pg_catalog.pg_publication
        union all
        select format('drop schema %I cascade', nspname)
        from pg_catalog.pg_namespace n
        where nspname !~ '^pg_' and nspname not in ('information_schema', 'public', 'extensions')
          and not exists (
            select from pg_catalog.pg_depend where classid = 'pg_catalog.pg_namespace'::regclass and objid = n.oid and deptype = 'e'
          )
      )) loop
        execute statement;
      end loop;
      for statement in select unnest(array(
        select format('drop %s if exists %s cascade',
          case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
          c.oid::regclass)
        from pg_catalog.pg_class c
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
          and not exists (
            select from pg_catalog.pg_depend where classid = 'pg_catalog.pg_class'::regclass and objid = c.oid and deptype in ('e', 'a', 'i')
          )
        union all
        select format('drop routine if exists %s cascade', p.oid::regprocedure)
        from pg_catalog.pg_proc p
        where pronamespace = 'public'::regnamespace
          and not exists (
            select from pg_catalog.pg_depend where classid = 'pg_catalog.pg_proc'::regclass and objid = p.oid and deptype = 'e'
          )
      )) loop
        execute statement;
      end loop;
      for statement in select unnest(array(
        select format('drop owned by %I cascade', rolname)
        from pg_catalog.pg_roles
        where rolname ~ '^(anon|authenticated|service_role|muster_[a-z]+)$'
      )) loop
        execute statement;
      end loop;
    end
    $$`)
  if (!roles) return
  await tx.query(`
    do $$
    declare
      statement text;
    begin
      for statement in select unnest(array(
        select format('drop role %I', rolname)
        from pg_catalog.pg_roles
        where rolname ~ '^(anon|authenticated|service_role|muster_[a-z]+)$'
      )) loop
        execute statement;
      end loop;
    end
    $$`)
}
