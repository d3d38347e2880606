import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { type SqlStatement, splitStatements } from './statements.ts'
import { readTables, TABLES } from './tables.ts'

/** The present definition of every rule. */
export const SCHEMAS_FOLDER = fileURLToPath(new URL('../../supabase/schemas', import.meta.url))

/** Says which migration is the newest: `db:rule` and `db:generate` write it. */
export const VERSION_FILE = 'version.sql'

/*
 * The order in which the files build an empty database. Those that are not named follow in the order of their names, between
 * the first and the last.
 */
/** Tables use its schema, its extensions and its functions. */
const BEFORE_THE_TABLES = ['foundation.sql']
/**
 * Triggers of every other file use functions of the first (`set_edit_trail`, `set_updated_at`, `tg_soft_delete`); the second
 * begins by taking from everybody what the others then grant.
 */
const FIRST = ['shifts.sql', 'access.sql']
/** Takes from everybody what no file has granted. */
const LAST = ['execute.sql']

/** Where a statement comes from: a file of `supabase/schemas`, or the tables of the `table.ts` files. */
export interface Source extends SqlStatement {
  readonly file: string
  /** In the order of all of them. */
  readonly position: number
}

/** Every statement of the files, in the order in which they build a database, with those that make the tables between. */
export async function readRules(tables: readonly string[], folder = SCHEMAS_FOLDER): Promise<Source[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql'))
  const texts = new Map<string, string>()
  for (const file of files) texts.set(file, await readFile(join(folder, file), 'utf8'))
  return orderRules(texts, tables)
}

/** As `readRules`, of texts by the names of their files. */
export function orderRules(texts: ReadonlyMap<string, string>, tables: readonly string[]): Source[] {
  const ranks = [...BEFORE_THE_TABLES, ...FIRST]
  const rank = (file: string): number =>
    ranks.includes(file) ? ranks.indexOf(file) : ranks.length + LAST.indexOf(file) + 1
  const files = [...texts.keys()].sort(
    (one, other) => rank(one) - rank(other) || (one < other ? -1 : one > other ? 1 : 0),
  )
  const statementsOf = (file: string): Omit<Source, 'position'>[] =>
    splitStatements(texts.get(file) ?? '').map((statement) => ({ ...statement, file }))
  const statements = [
    ...files.filter((file) => BEFORE_THE_TABLES.includes(file)).flatMap(statementsOf),
    ...tables.map((text) => ({ text, bare: text, line: 0, file: TABLES })),
    ...files.filter((file) => !BEFORE_THE_TABLES.includes(file)).flatMap(statementsOf),
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
        where rolname ~ '^(anon|authenticated|service_role|muster_.*)$'
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
        where rolname ~ '^(anon|authenticated|service_role|muster_.*)$'
      )) loop
        execute statement;
      end loop;
    end
    $$`)
}
