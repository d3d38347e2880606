import type { Transaction } from '../../db/engine/database.ts'
import { openServer } from '../../db/engine/server.ts'
import { MIGRATION_CONNECTION } from '../../db/migrations/migrate.ts'
import {
  BackupError,
  fileNameOf,
  keepBackup,
  type Manifest,
  type Report,
  type Surroundings,
  timeStamp,
} from './manifest.ts'
import { findProgram, runProgram } from './programs.ts'
import { countRows, readVisibleTables, TRANSIENT, type VisibleTable } from './visible-tables.ts'

/** A lock that keeps the dump from beginning (a migration's) is waited for this long. */
const LOCK_WAIT = '60s'

/**
 * Dumps the database of the owner's URL into a folder, while the service runs: one snapshot of all tables, compressed, with a checksum and
 * with what the restore needs beside the dump (roles, extensions, owners of functions and reports, counts of rows).
 *
 * @throws BackupError, also where a policy would keep rows from the dump; DatabaseUnavailable
 */
export async function backupServer(url: string, folder: string, report: Report): Promise<Manifest> {
  const server = openServer({ ...MIGRATION_CONNECTION, url })
  try {
    return await server.transaction(
      async (tx) => {
        await tx.query('set transaction isolation level repeatable read')
        const facts = await readFacts(tx)
        const program = await findProgram('pg_dump', Math.floor(facts.postgres / 10_000))
        const tables = await readVisibleTables(tx)
        refuseHidden(tables)
        const excluded = await readForeignSchemas(tx)
        const surroundings = await readSurroundings(tx, program.major, excluded)
        const [snapshot] = await tx.query<{ id: string }>('select pg_export_snapshot() as id')
        const createdAt = new Date()
        return keepBackup(
          folder,
          `${fileNameOf(facts.database, timeStamp(createdAt))}.dump`,
          async (partial) => {
            const parameters = [
              '--format=custom',
              '--verbose',
              `--file=${partial}`,
              `--snapshot=${snapshot!.id}`,
              `--lock-wait-timeout=${LOCK_WAIT}`,
              // Whoever restores may not write it, and it holds PostGIS's own rows.
              '--exclude-table-data=*.spatial_ref_sys',
              ...TRANSIENT.map((name) => `--exclude-table-data=${name}`),
              ...excluded.map((name) => `--exclude-schema="${name}"`),
              // Without it pg_dump refuses tables whose policies bind this login. That they hide nothing was made sure of.
              '--enable-row-security',
            ]
            const [rows] = await Promise.all([
              countRows(
                tx,
                tables.map(({ name }) => name),
              ),
              runProgram(program, parameters, url, dumpProgress(tables, report)),
            ])
            return { engine: 'server', createdAt: createdAt.toISOString(), ...facts, rows, surroundings }
          },
          report,
        )
      },
      { readOnly: true },
    )
  } finally {
    await server.close()
  }
}

async function readFacts(
  tx: Transaction,
): Promise<Pick<Manifest, 'database' | 'postgres' | 'schemaVersion'>> {
  const [found] = await tx.query<{ database: string; postgres: string; is_ours: boolean }>(
    `select current_database() as database, current_setting('server_version_num') as postgres,
       to_regprocedure('muster.schema_version()') is not null as is_ours`,
  )
  if (!found?.is_ours)
    throw new BackupError(
      `The database ${found?.database} has no schema of Muster: there is nothing to back up.`,
    )
  const [version] = await tx.query<{ version: string }>('select muster.schema_version() as version')
  return {
    database: found.database,
    postgres: Number(found.postgres),
    schemaVersion: version!.version,
  }
}

function refuseHidden(tables: readonly VisibleTable[]): void {
  const hidden = tables.filter(({ isWhole }) => !isWhole).map(({ name }) => name)
  if (hidden.length === 0) return
  throw new BackupError(
    `Row level security may hide rows of ${hidden.join(', ')} from the login of DATABASE_URL, so a backup could lack them. Make the login a member that inherits: grant muster_definer to <login>; (on PostgreSQL 16 and later: with inherit true).`,
  )
}

/** Schemas of other owners, as Supabase has them: their owners back them up. */
async function readForeignSchemas(tx: Transaction): Promise<string[]> {
  const rows = await tx.query<{ name: string }>(
    `select nspname as name from pg_namespace
     where nspname !~ '^pg_' and nspname not in ('information_schema', 'public', 'extensions')
       and not pg_has_role(current_user, nspowner, 'usage')
     order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** What a dump of one database leaves out, and what it says of owners who may have other names elsewhere. */
async function readSurroundings(
  tx: Transaction,
  pgDump: number,
  excluded: readonly string[],
): Promise<Surroundings> {
  // So that the names of types are written with their schemas.
  await tx.query("set local search_path = ''")
  const [row] = await tx.query<{ surroundings: Omit<Surroundings, 'pgDump'> }>(
    `with roles as (
       -- The server notes which roles a database's objects refer to, as owners, in privileges and in policies.
       select distinct r.*
       from pg_catalog.pg_shdepend s
       join pg_catalog.pg_database d on d.oid = s.dbid and d.datname = current_database()
       join pg_catalog.pg_roles r on r.oid = s.refobjid
       where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
         and r.rolname <> current_user and r.rolname !~ '^pg_' and not r.rolsuper
     )
     select json_build_object(
       'collate', d.datcollate,
       'ctype', d.datctype,
       'settings', coalesce((
         select to_json(s.setconfig) from pg_catalog.pg_db_role_setting s where s.setdatabase = d.oid and s.setrole = 0
       ), '[]'),
       'extensions', (
         select json_agg(json_build_object(
           'name', e.extname, 'schema', e.extnamespace::pg_catalog.regnamespace::text,
           'comment', pg_catalog.obj_description(e.oid, 'pg_extension')
         ) order by e.extname)
         from pg_catalog.pg_extension e
         where e.extname in ('postgis', 'btree_gist')
       ),
       'roles', coalesce((
         select json_agg(json_build_object(
           'name', r.rolname, 'inherit', r.rolinherit, 'replication', r.rolreplication, 'bypassrls', r.rolbypassrls,
           'comment', pg_catalog.shobj_description(r.oid, 'pg_authid'),
           'memberOf', coalesce((
             select json_agg(g.rolname order by g.rolname)
             from pg_catalog.pg_auth_members m join roles g on g.oid = m.roleid
             where m.member = r.oid
           ), '[]')
         ) order by r.rolname)
         from roles r
       ), '[]'),
       'functions', coalesce((
         select json_agg(json_build_object(
           'name', pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
           'owner', o.rolname
         ) order by p.oid)
         from pg_catalog.pg_proc p
         join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         join roles o on o.oid = p.proowner
         where n.nspname <> all (string_to_array($1, ','))
           and not exists (
             select from pg_catalog.pg_depend x
             where x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and x.objid = p.oid and x.deptype = 'e'
           )
       ), '[]'),
       'reports', coalesce((
         select json_agg(json_build_object('name', pg_catalog.format('%I.%I', n.nspname, c.relname), 'owner', o.rolname) order by c.oid)
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join roles o on o.oid = c.relowner
         where c.relkind = 'm' and n.nspname <> all (string_to_array($1, ','))
       ), '[]')
     ) as surroundings
     from pg_catalog.pg_database d
     where d.datname = current_database()`,
    [excluded.join(',')],
  )
  return { pgDump, ...row!.surroundings }
}

/** By the sizes of the tables that it is done with. */
function dumpProgress(tables: readonly VisibleTable[], report: Report): (line: string) => void {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0)
  const waiting = new Map(tables.map(({ name, bytes }) => [name, bytes]))
  let done = 0
  let current: string | undefined
  return (line) => {
    const [, table] = /dumping contents of table "?([^"]+)"?$/.exec(line) ?? []
    if (table === undefined) return
    if (current !== undefined) done += waiting.get(current) ?? 0
    current = table
    report({ what: table, done, total })
  }
}
