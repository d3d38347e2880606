import type { Transaction } from '../../src/db/engine/types.ts'

/*
 * What the catalog says about privileges, in the form in which privileges.ts writes it down. The owner of an object is left
 * out: it is whoever migrates.
 */

/** Role → privileges; for each `*` (the whole table) or the columns. */
export type TablePrivileges = Record<string, Record<string, string>>

export interface Privileges {
  /** Function → the roles that may execute it. */
  functions: Record<string, string>
  tables: Record<string, TablePrivileges>
  /** Schema → role → privileges. */
  schemas: Record<string, Record<string, string>>
  database: Record<string, string>
  /** Login or role → the roles that it can become. */
  memberships: Record<string, string>
}

const byRole = (acl: string) => `
  select case grantee when 0 then 'public' else pg_get_userbyid(grantee) end as role, lower(privilege_type) as privilege
  from aclexplode(${acl})
  where grantee <> owner`

const notOfAnExtension = (catalog: string, oid: string) =>
  `not exists (select from pg_depend where classid = '${catalog}'::regclass and objid = ${oid} and deptype = 'e')`

const OURS = `('public', 'muster', 'auth', 'realtime')`

const FUNCTIONS = `
  select oid::regprocedure::text as name, coalesce(string_agg(role, ' ' order by role), '') as roles
  from (select oid, proowner as owner, coalesce(proacl, acldefault('f', proowner)) as acl, pronamespace from pg_proc) as f
  left join lateral (${byRole('acl')}) as granted on true
  where pronamespace::regnamespace::text in ${OURS} and ${notOfAnExtension('pg_proc', 'oid')}
  group by oid`

const TABLES = `
  with relations as (
    select c.oid, c.oid::regclass::text as name, relowner as owner, relacl
    from pg_class as c
    where relnamespace::regnamespace::text in ${OURS} and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and ${notOfAnExtension('pg_class', 'c.oid')}
  )
  select name, role, privilege, columns
  from relations
  left join lateral (
    select role, privilege, '*' as columns from (${byRole('relacl')}) as whole
    union all
    select role, privilege, string_agg(attname, ' ' order by attnum)
    from pg_attribute, lateral (${byRole('attacl')}) as part
    where attrelid = oid and attnum > 0 and not attisdropped
    group by role, privilege
  ) as granted on true`

const SCHEMAS = `
  select nspname as name, role, string_agg(privilege, ' ' order by privilege) as privileges
  from (select nspname, nspowner as owner, nspacl from pg_namespace) as n, lateral (${byRole('nspacl')}) as granted
  where nspname in ('public', 'muster', 'auth', 'realtime', 'extensions', 'drizzle')
  group by nspname, role`

const DATABASE = `
  select role, string_agg(privilege, ' ' order by privilege) as privileges
  from (select datdba as owner, coalesce(datacl, acldefault('d', datdba)) as acl from pg_database where datname = current_database()) as d,
    lateral (${byRole('acl')}) as granted
  group by role`

const ROLES = `('anon', 'authenticated', 'service_role', 'muster_definer', 'muster_api', 'muster_worker', 'muster_replicator')`

const MEMBERSHIPS = `
  select r.rolname as name, coalesce(string_agg(roleid::regrole::text, ' ' order by roleid::regrole::text), '') as roles
  from pg_roles as r
  left join pg_auth_members on member = r.oid
  where r.rolname in ${ROLES}
  group by r.rolname`

/** Reads them inside a transaction, which sees its own changes. As a superuser. */
export async function readPrivileges(tx: Transaction): Promise<Privileges> {
  await tx.query("select set_config('search_path', 'pg_catalog', true)")
  const functions = await tx.query<{ name: string; roles: string }>(FUNCTIONS)
  const tables = await tx.query<{ name: string; role: string | null; privilege: string; columns: string }>(
    TABLES,
  )
  const schemas = await tx.query<{ name: string; role: string; privileges: string }>(SCHEMAS)
  const database = await tx.query<{ role: string; privileges: string }>(DATABASE)
  const memberships = await tx.query<{ name: string; roles: string }>(MEMBERSHIPS)
  await tx.query("select set_config('search_path', 'public, extensions', true)")

  const found: Privileges = { functions: {}, tables: {}, schemas: {}, database: {}, memberships: {} }
  for (const { name, roles } of functions) found.functions[name] = roles
  for (const { name, role, privilege, columns } of tables) {
    const ofTable = entryOf(found.tables, name)
    if (role === null) continue
    const ofRole = entryOf(ofTable, role)
    ofRole[privilege] = privilege in ofRole ? `${ofRole[privilege]} ${columns}` : columns
  }
  for (const { name, role, privileges } of schemas) entryOf(found.schemas, name)[role] = privileges
  for (const { role, privileges } of database) found.database[role] = privileges
  for (const { name, roles } of memberships) found.memberships[name] = roles
  return found
}

function entryOf<T extends object>(record: Record<string, T>, name: string): T {
  const known = record[name] ?? ({} as T)
  record[name] = known
  return known
}
