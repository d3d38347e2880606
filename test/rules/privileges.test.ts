import { beforeAll, describe, expect, it } from 'vitest'
import { MODULES } from '../../scripts/rules/schema-files.ts'
import { useTestDatabase } from '../support/database.ts'
import { PRIVILEGES } from './privileges.ts'
import { type Privileges, readPrivileges } from './privileges-catalog.ts'

const database = useTestDatabase()
let found: Privileges

beforeAll(async () => {
  found = await database().owner.transaction(readPrivileges)
})

describe('privileges are those written down', () => {
  it('on functions', () => expect(found.functions).toEqual(PRIVILEGES.functions))
  it('on tables and columns', () => expect(found.tables).toEqual(PRIVILEGES.tables))
  it('on schemas', () => expect(found.schemas).toEqual(PRIVILEGES.schemas))
  it('on the database', () => expect(found.database).toEqual(PRIVILEGES.database))
  it('of roles over roles', () => expect(found.memberships).toEqual(PRIVILEGES.memberships))
})

/** Names of what the query finds, which should be nothing. */
async function exceptions(query: string): Promise<string[]> {
  const rows = await database().owner.query<{ name: string }>(query)
  return rows.map(({ name }) => name)
}

const FUNCTIONS_OF_MUSTER = `
  from pg_proc as f
  where f.pronamespace = 'muster'::regnamespace`

/** They read what policies keep, from the planner's statistics or straight from an index. */
const REVEALING = [
  'st_estimatedextent',
  '_postgis_stats',
  '_postgis_selectivity',
  '_postgis_join_selectivity',
  '_postgis_index_extent',
]

describe('functions', () => {
  it('search the temporary schema last, so that no caller can slip in a type or a table', async () => {
    const pinned = `coalesce((
      select setting from unnest(f.proconfig) as setting where setting like 'search_path=%'
    ), '') ~ '(=|, )pg_temp$'`
    // What the names of a `return …` mean was settled when it was made: there is nothing to search.
    const searches = 'f.prosqlbody is null'
    // This one runs policies in the settings of the session; it is the gateway's and acts with the session's rights.
    expect(
      await exceptions(`select f.proname as name ${FUNCTIONS_OF_MUSTER} and ${searches} and not ${pinned}`),
    ).toEqual(['visible_rows'])
  })

  it('with definer rights belong to muster_definer', async () => {
    expect(
      await exceptions(
        `select f.proname as name ${FUNCTIONS_OF_MUSTER} and f.prosecdef and f.proowner <> 'muster_definer'::regrole`,
      ),
    ).toEqual([])
  })

  it('of muster_definer have definer rights, and are in schema muster', async () => {
    expect(
      await exceptions(
        `select f.oid::regprocedure::text as name from pg_proc as f
         where f.proowner = 'muster_definer'::regrole
           and not (f.prosecdef and f.pronamespace = 'muster'::regnamespace)`,
      ),
    ).toEqual([])
  })

  it('with definer rights say why', async () => {
    expect(
      await exceptions(
        `select f.proname as name ${FUNCTIONS_OF_MUSTER} and f.prosecdef
           and coalesce(obj_description(f.oid, 'pg_proc'), '') = ''`,
      ),
    ).toEqual([])
  })

  it('that read statistics past every policy are for nobody', async () => {
    const callable = await database().owner.query<{ name: string }>(
      `select distinct f.proname as name
       from pg_proc as f
       cross join unnest(array['anon', 'authenticated', 'muster_api']) as caller
       where f.proname = any ($1) and has_function_privilege(caller, f.oid, 'execute')`,
      [`{${REVEALING.join(',')}}`],
    )
    expect(callable).toEqual([])
    const known = await database().owner.query<{ name: string }>(
      'select distinct proname as name from pg_proc where proname = any ($1)',
      [`{${REVEALING.join(',')}}`],
    )
    expect(known.map(({ name }) => name).sort()).toEqual([...REVEALING].sort())
  })
})

describe('tables', () => {
  const relations = `
    from pg_class as c
    where c.relnamespace::regnamespace::text in ('public', 'muster', 'realtime', 'sign_in') and c.relkind in ('r', 'p')
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')`

  it('have row level security, for their owner too', async () => {
    expect(
      await exceptions(
        `select c.oid::regclass::text as name ${relations} and not (c.relrowsecurity and c.relforcerowsecurity)`,
      ),
    ).toEqual([])
  })

  it('belong to none of the roles, but for reports', async () => {
    expect(
      await exceptions(
        `select c.oid::regclass::text as name from pg_class as c
         where pg_get_userbyid(c.relowner) ~ '^(muster_|anon|authenticated|service_role)'
           and not exists (
             select from pg_class as report
             where report.relkind = 'm' and report.relowner = 'muster_definer'::regrole
               and (report.oid = c.oid or c.oid in (select indexrelid from pg_index where indrelid = report.oid))
           )`,
      ),
    ).toEqual([])
  })

  it('are not granted to anybody before a migration says so', async () => {
    expect(await exceptions('select defaclrole::regrole::text as name from pg_default_acl')).toEqual([])
  })
})

describe('policies', () => {
  it('are for one command and for people, or are the one for what acts in their place', async () => {
    expect(
      await exceptions(
        `select format('%I on %s', polname, polrelid::regclass) as name
         from pg_policy
         where not (polname = 'internal' and polcmd = '*' and polroles <@ array['muster_definer', 'service_role']::regrole[]::oid[])
           and not (polname = 'run' and polroles = array['muster_jobs'::regrole]::oid[])
           and not (polname = 'run' and polroles = array['muster_signin'::regrole]::oid[] and polrelid::regclass::text like 'sign_in.%')
           and not (polname = 'gateway_probes' and polcmd = 'a' and polroles = array['muster_api'::regrole]::oid[])
           and not (polcmd in ('r', 'a', 'w', 'd') and polroles = array['authenticated'::regrole]::oid[])`,
      ),
    ).toEqual([])
  })

  it('are permissive, one for each command and module', async () => {
    expect(
      await exceptions(
        `select format('%s on %s', polcmd, polrelid::regclass) as name
         from pg_policy
         where polroles = array['authenticated'::regrole]::oid[] and polrelid <> to_regclass('realtime.messages')
         group by polcmd, polrelid
         having not bool_and(polpermissive)
           or count(*) > greatest(1, count(distinct substring(polname from '_of_(?:${MODULES.join('|')})$')))`,
      ),
    ).toEqual([])
  })

  it('say in words what they hold', async () => {
    expect(
      await exceptions(
        `select format('%I on %s', polname, polrelid::regclass) as name
         from pg_policy
         where coalesce(obj_description(oid, 'pg_policy'), '') = ''`,
      ),
    ).toEqual([])
  })
})

describe('roles', () => {
  it('cannot pass by row level security, nor make or become others', async () => {
    expect(
      await database().owner.query(
        `select rolname as name, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolinherit as powerful
         from pg_roles
         where rolname ~ '^(muster_(definer|api|worker|jobs|replicator|signin)|anon|authenticated|service_role)$'
         order by rolname`,
      ),
    ).toEqual(
      Object.keys(PRIVILEGES.memberships)
        .sort()
        .map((name) => ({ name, powerful: false })),
    )
  })
})
