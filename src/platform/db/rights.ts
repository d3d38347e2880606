import type { Database } from './engine/database.ts'

/** The owner may not do something that the service needs. The message says what a superuser has to run. */
export class RightsMissing extends Error {
  override name = 'RightsMissing'
}

/** Whoever is served, and the owner of the functions that act for them. */
const ROLES = ['anon', 'authenticated', 'service_role', 'muster_definer']

/** They read what policies keep, from the planner's statistics or straight from an index: `foundation.sql`. */
const REVEALING = [
  'st_estimatedextent',
  '_postgis_stats',
  '_postgis_selectivity',
  '_postgis_join_selectivity',
  '_postgis_index_extent',
]

/**
 * Looks at what the migrations could not give or take because it belongs to somebody else: to PostgreSQL that is a warning.
 *
 * @throws RightsMissing when the service would answer every search with an error
 */
export async function checkRights(owner: Database, report: (line: string) => void): Promise<void> {
  const missing = await owner.query<{ schema: string; roles: string }>(
    `select e.extnamespace::regnamespace::text as schema, string_agg(r.rolname, ', ' order by r.rolname) as roles
     from pg_catalog.pg_extension e
     cross join pg_catalog.pg_roles r
     where e.extname = 'postgis' and r.rolname = any ($1) and not has_schema_privilege(r.oid, e.extnamespace, 'usage')
     group by e.extnamespace`,
    [`{${ROLES.join(',')}}`],
  )
  for (const { schema, roles } of missing) {
    throw new RightsMissing(
      `The login of DATABASE_URL may not grant the schema ${schema}, which has PostGIS, to ${roles}. As a superuser, in that database, run:
  grant usage on schema ${schema} to ${roles};
Then start again.`,
    )
  }
  const [open] = await owner.query<{ functions: string | null }>(
    `select string_agg(f.oid::regprocedure::text, ', ' order by f.proname) as functions
     from pg_catalog.pg_proc f, pg_catalog.pg_roles r
     where f.proname = any ($1) and r.rolname = 'anon' and has_function_privilege(r.oid, f.oid, 'execute')`,
    [`{${REVEALING.join(',')}}`],
  )
  if (open?.functions)
    report(
      `warning: everybody may execute functions of PostGIS that tell the extent of a column past the policies, and the login of DATABASE_URL may not change that. As a superuser, in that database, run:
  revoke execute on function ${open.functions} from public;`,
    )
}
