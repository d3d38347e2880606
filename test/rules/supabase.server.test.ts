import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openServer } from '../../src/db/engine/server.ts'
import type { Database } from '../../src/db/engine/types.ts'
import { patience } from '../support/patience.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
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

describe('on a database like that of a hosted Supabase', () => {
  let cluster: PostgresServer
  let superuser: Database
  let owner: Database
  let before: unknown
  let workdir: string
  let pushed: { stdout: string; stderr: string }

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
    owner = openServer({ url: url.href, max: 1 })
  }, patience(120_000))

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
})
