import type { Transaction } from '../../src/platform/db/engine/database.ts'

/*
 * What the catalog says about privileges, in the form in which privileges.ts writes it down. The owner of an object is left
 * out: it is whoever migrates.
 */

/** Role → privileges; for each `*` (the whole table) or the columns. A privilege that may be handed on says so in its name. */
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
  select
    case grantee when 0 then 'public' else pg_get_userbyid(grantee) end as role,
    lower(privilege_type) || case when is_grantable then ' with grant option' else '' end as privilege
  from aclexplode(${acl})
  where grantee <> owner`

const notOfAnExtension = (catalog: string, oid: string) =>
  `not exists (select from pg_depend where classid = '${catalog}'::regclass and objid = ${oid} and deptype = 'e')`

const OURS = `('public', 'muster', 'auth', 'realtime', 'sign_in', 'drizzle')`

const FUNCTIONS = `
  select oid::regprocedure::text as name, coalesce(string_agg(role || substr(privilege, length('execute') + 1), ' ' order by role), '') as roles
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
  where nspname in ('public', 'muster', 'auth', 'realtime', 'sign_in', 'extensions', 'drizzle')
  group by nspname, role`

const DATABASE = `
  select role, string_agg(privilege, ' ' order by privilege) as privileges
  from (select datdba as owner, coalesce(datacl, acldefault('d', datdba)) as acl from pg_database where datname = current_database()) as d,
    lateral (${byRole('acl')}) as granted
  group by role`

const ROLES = `('anon', 'authenticated', 'service_role', 'muster_definer', 'muster_api', 'muster_worker', 'muster_jobs', 'muster_replicator', 'muster_signin')`

const MEMBERSHIPS = `
  select r.rolname as name, coalesce(string_agg(
    roleid::regrole::text
      || case when admin_option then ' with admin option' else '' end
      -- From PostgreSQL 16 on; before, the role itself inherits or does not (NOINHERIT).
      || case when to_jsonb(pg_auth_members) ->> 'inherit_option' = 'true' then ' with inherit' else '' end,
    ' ' order by roleid::regrole::text
  ), '') as roles
  from pg_roles as r
  left join pg_auth_members on member = r.oid
  where r.rolname in ${ROLES}
  group by r.rolname`

/** Reads them, or some kinds of them, inside a transaction, which sees its own changes. As a superuser. */
export async function readPrivileges(tx: Transaction): Promise<Privileges>
export async function readPrivileges<K extends keyof Privileges>(
  tx: Transaction,
  kinds: readonly K[],
): Promise<Pick<Privileges, K>>
export async function readPrivileges(
  tx: Transaction,
  kinds: readonly (keyof Privileges)[] = ['functions', 'tables', 'schemas', 'database', 'memberships'],
): Promise<Partial<Privileges>> {
  await tx.query("select set_config('search_path', 'pg_catalog', true)")
  const found: Partial<Privileges> = {}
  for (const kind of kinds) Object.assign(found, { [kind]: await READERS[kind](tx) })
  await tx.query("select set_config('search_path', 'public, extensions', true)")
  return found
}

const READERS: { [K in keyof Privileges]: (tx: Transaction) => Promise<Privileges[K]> } = {
  async functions(tx) {
    const rows = await tx.query<{ name: string; roles: string }>(FUNCTIONS)
    return Object.fromEntries(rows.map(({ name, roles }) => [name, roles]))
  },

  async tables(tx) {
    const rows = await tx.query<{ name: string; role: string | null; privilege: string; columns: string }>(
      TABLES,
    )
    const found: Privileges['tables'] = {}
    for (const { name, role, privilege, columns } of rows) {
      const ofTable = entryOf(found, name)
      if (role === null) continue
      const ofRole = entryOf(ofTable, role)
      ofRole[privilege] = privilege in ofRole ? `${ofRole[privilege]} ${columns}` : columns
    }
    return found
  },

  async schemas(tx) {
    const rows = await tx.query<{ name: string; role: string; privileges: string }>(SCHEMAS)
    const found: Privileges['schemas'] = {}
    for (const { name, role, privileges } of rows) entryOf(found, name)[role] = privileges
    return found
  },

  async database(tx) {
    const rows = await tx.query<{ role: string; privileges: string }>(DATABASE)
    return Object.fromEntries(rows.map(({ role, privileges }) => [role, privileges]))
  },

  async memberships(tx) {
    const rows = await tx.query<{ name: string; roles: string }>(MEMBERSHIPS)
    return Object.fromEntries(rows.map(({ name, roles }) => [name, roles]))
  },
}

function entryOf<T extends object>(record: Record<string, T>, name: string): T {
  const known = record[name] ?? ({} as T)
  record[name] = known
  return known
}
