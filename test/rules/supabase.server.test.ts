import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CACHE, prepareDump } from '../../scripts/prepared-database.ts'
import { buildRules, type Pair, planPair, within } from '../../scripts/rules/compare.ts'
import { readBlocks, readRulesOf } from '../../scripts/rules/objects.ts'
import { readRules, tableStatements } from '../../scripts/rules/schema-files.ts'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { asService } from '../../src/platform/db/identity.ts'
import {
  type ComparableCatalog,
  findDrift,
  readComparableCatalog,
} from '../../src/platform/db/migrations/drift.ts'
import { MIGRATION_CONNECTION, migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { openDatabases } from '../../src/platform/db/open.ts'
import { SECRET } from '../support/api.ts'
import { difference } from '../support/catalog-difference.ts'
import { patience } from '../support/patience.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { applyEdits, RULE_EDITS, type RuleEdit } from '../support/rule-edits.ts'
import { urlOf } from '../support/server-databases.ts'

/**
 * A database as a hosted Supabase project has it before the first `supabase db push`: the API's roles and the schema
 * `auth` are there and belong to others, the owner `postgres` is no superuser, new tables are granted to everybody.
 */
const LIKE_SUPABASE = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role supabase_auth_admin nologin noinherit;
  create role project_owner login createrole createdb password '$PASSWORD';
  grant anon, authenticated, service_role to project_owner;
  alter role project_owner set search_path = "$user", public, extensions;
  alter database postgres owner to project_owner;

  create schema extensions authorization project_owner;
  grant usage on schema extensions to anon, authenticated, service_role;
  create extension postgis schema extensions;
  create extension btree_gist schema extensions;

  create schema auth authorization supabase_auth_admin;
  grant usage on schema auth to anon, authenticated, service_role, project_owner;
  create function auth.uid() returns uuid language sql stable as
    $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
  create function auth.role() returns text language sql stable as
    $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role') $$;
  create function auth.jwt() returns jsonb language sql stable as
    $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
  alter function auth.uid() owner to supabase_auth_admin;
  alter function auth.role() owner to supabase_auth_admin;
  alter function auth.jwt() owner to supabase_auth_admin;

  alter schema public owner to project_owner;
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public
    grant all on tables to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public
    grant all on functions to anon, authenticated, service_role;
  create publication supabase_realtime;
  alter publication supabase_realtime owner to project_owner;
`

/** Everything of Supabase's own that a migration could have touched. */
const ITS_OWN = `
  select jsonb_build_object(
    'roles', (select jsonb_agg(jsonb_build_array(rolname, rolsuper, rolbypassrls, rolcanlogin, rolinherit) order by rolname)
              from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'supabase_auth_admin')),
    'auth', (select jsonb_agg(jsonb_build_array(p.proname, p.prosrc, p.proowner::regrole::text, p.proacl::text) order by p.proname)
             from pg_proc p where p.pronamespace = 'auth'::regnamespace),
    'schemas', (select jsonb_agg(jsonb_build_array(nspname, nspowner::regrole::text) order by nspname)
                from pg_namespace where nspname in ('auth', 'extensions', 'public'))
  ) as own`

/** What the embedded database, which is of another version, says of the history and writes for edited rules. */
async function askEmbedded(folder: string): Promise<{ history: ComparableCatalog; pair: Pair }> {
  const dump = join(folder, 'database.tar')
  await prepareDump(dump)
  const rules = await readRules(await tableStatements())
  const edits = RULE_EDITS.map((kind): RuleEdit => ({ kind, pick: 7 }))
  const embedded = await openEmbedded({ loadDataDir: new Blob([await readFile(dump)]), cacheDir: CACHE })
  try {
    const history = await readComparableCatalog(embedded)
    const pair = await embedded.transaction(async (tx) =>
      planPair({
        history: await readRulesOf(tx),
        files: await buildRules(tx, applyEdits(rules, edits), { roles: true }),
      }),
    )
    return { history, pair }
  } finally {
    await embedded.close()
  }
}

/** Runs a pair up, down and up again as the owner, and takes it back. */
async function expectReversible(owner: Database, { up, down }: Pair): Promise<void> {
  await owner.transaction(async (tx) => {
    await tx.query(`select set_config('search_path', 'public, extensions', true)`)
    await within(tx, async () => {
      const before = await readBlocks(tx)
      for (const statement of up.statements) await tx.query(statement)
      const after = await readBlocks(tx)
      expect(Object.keys(difference(before, after)).length).toBeGreaterThan(up.statements.length / 4)
      for (const statement of down.statements) await tx.query(statement)
      expect(difference(before, await readBlocks(tx))).toEqual({})
      for (const statement of up.statements) await tx.query(statement)
      expect(difference(after, await readBlocks(tx))).toEqual({})
    })
  })
}

describe('on a database like that of a hosted Supabase', () => {
  let cluster: PostgresServer
  let superuser: Database
  let owner: Database
  let ownerUrl: string
  let before: unknown
  let workdir: string
  let pushed: { stdout: string; stderr: string }
  let history: ComparableCatalog
  let pair: Pair

  beforeAll(async () => {
    cluster = await startPostgres()
    const password = randomBytes(12).toString('hex')
    superuser = openServer({ url: cluster.url, max: 1 })
    await superuser.script(LIKE_SUPABASE.replace('$PASSWORD', password))
    before = (await superuser.query(ITS_OWN))[0]
    const url = new URL(urlOf(cluster.url, 'postgres'))
    url.username = 'project_owner'
    url.password = password

    // The CLI writes its notes beside the migrations: it gets a copy of the folder.
    workdir = await mkdtemp(join(tmpdir(), 'muster-supabase-'))
    await cp('drizzle', join(workdir, 'drizzle'), { recursive: true })
    await cp('supabase/config.toml', join(workdir, 'supabase/config.toml'))
    await symlink('../drizzle', join(workdir, 'supabase/migrations'))
    pushed = await promisify(execFile)(
      'node_modules/.bin/supabase',
      ['db', 'push', '--db-url', url.href, '--yes', '--workdir', workdir],
      { env: { ...process.env, DO_NOT_TRACK: '1', SUPABASE_TELEMETRY_DISABLED: '1' } },
    )
    ownerUrl = url.href
    owner = openServer({ url: ownerUrl, max: 1 })
    ;({ history, pair } = await askEmbedded(workdir))
  }, patience(180_000))

  afterAll(async () => {
    await owner?.close()
    await superuser?.close()
    await cluster?.stop()
    if (workdir) await rm(workdir, { recursive: true })
  })

  it('the CLI applies the whole history, as an owner who is no superuser', async () => {
    expect(pushed.stdout + pushed.stderr).toMatch(/Finished/)
    const [applied] = await owner.query<{ version: string; is_superuser: string }>(
      "select muster.schema_version() as version, current_setting('is_superuser') as is_superuser",
    )
    expect(applied).toMatchObject({ version: expect.stringMatching(/^\d+_/), is_superuser: 'off' })
  })

  it("nothing of Supabase's own is changed", async () => {
    expect((await superuser.query(ITS_OWN))[0]).toEqual(before)
  })

  it('what its defaults grant to everybody on new tables is taken back', async () => {
    const open = await superuser.query(`
      select c.relname, r.rolname, p.privilege
      from pg_class c
      cross join (values ('anon'), ('authenticated')) r (rolname)
      cross join (values ('insert'), ('update'), ('delete'), ('truncate'), ('references'), ('trigger')) p (privilege)
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and has_table_privilege(r.rolname, c.oid, p.privilege)
        and not (r.rolname = 'authenticated' and p.privilege = 'delete')
      union all
      select c.relname, 'anon', 'select' from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and has_any_column_privilege('anon', c.oid, 'select')
    `)
    expect(open).toEqual([])
  })

  it('the rules hold there: a tenant, its admin, and a stranger who sees nothing', async () => {
    const admin = 'a0000000-0000-7000-8000-000000000001'
    await owner.query('select muster.create_tenant($1, $2, $3, $4)', [
      'Tenant',
      'Admin',
      'admin@example.com',
      admin,
    ])
    const seenBy = (subject: string) =>
      owner.transaction(async (tx) => {
        await tx.query(
          "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
          [JSON.stringify({ sub: subject, role: 'authenticated' })],
        )
        return tx.query('select name from tenants')
      })
    expect(await seenBy(admin)).toEqual([{ name: 'Tenant' }])
    expect(await seenBy('a0000000-0000-7000-8000-000000000002')).toEqual([])
  })

  it('nothing there is drift, until somebody edits it by hand', async () => {
    expect(findDrift(history, await readComparableCatalog(owner))).toEqual([])
    await owner.script('alter policy tenants_read on tenants using (true)')
    const drifts = findDrift(history, await readComparableCatalog(owner))
    await owner.script('alter policy tenants_read on tenants using (id = (select muster.tenant_id()))')
    expect(drifts).toEqual([{ object: 'policy tenants_read on public.tenants', how: 'changed' }])
  })

  it('the service makes its logins there, and serves with them', async () => {
    const said: string[] = []
    const settings = {
      DATABASE_URL: ownerUrl,
      MIGRATE_ON_START: 'false',
      REALTIME: 'false',
      JWT_SECRET: SECRET,
    }
    const databases = await openDatabases(readConfig(settings), (line) => said.push(line))
    try {
      // PostGIS belongs to somebody else there.
      expect(said).toEqual([expect.stringMatching(/revoke execute on function .*st_estimatedextent/)])
      const [login] = await databases.api.query<{ name: string }>('select session_user::text as name')
      expect(login!.name).toMatch(/^muster_api_\d+$/)
      expect(await databases.findObstacle()).toBeUndefined()
      const tenants = await asService(databases.worker, (tx) => tx.query('select name from tenants'))
      expect(tenants).toEqual([{ name: 'Tenant' }])
    } finally {
      await databases.close()
    }
  })

  it('what db:rule wrote goes up, down and up again there', async () => {
    await expectReversible(owner, pair)
  })

  it('the same with PostGIS in `public`', async () => {
    await superuser.query('create database with_postgis')
    const database = openServer({ ...MIGRATION_CONNECTION, url: urlOf(cluster.url, 'with_postgis') })
    try {
      await database.script('create extension postgis schema public')
      await migrateUp(database)
      expect(findDrift(history, await readComparableCatalog(database))).toEqual([])
      await expectReversible(database, pair)
    } finally {
      await database.close()
    }
  })
})
