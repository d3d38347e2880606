import { beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openApiLogin } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { SECTIONS } from './access-matrix.ts'
import { installProbe, parseGrids, type TryAll, wrongCells } from './access-probe.ts'
import {
  ACCESS_PERSONAS,
  accessCaller,
  buildAccessWorld,
  PROFESSIONAL_ROWS,
  SHIFT_ROWS,
} from './access-world.ts'
import { attack, attackWith, outcomeOf, takeOn } from './attack.ts'

/*
 * Somebody with a valid guard's token who can have the database run any SQL as `authenticated`: a hole in somebody's API, or a
 * PostgREST that was given a function that it should not have been given. As on Supabase, claims are whatever the session sets:
 * who writes SQL can say that they are any other *user*. What must hold is the rest: no column, function, file, role or
 * definition that `authenticated` has no grant on, and nothing that runs with another role's rights.
 */

const database = useTestDatabase()
let api: Database

beforeAll(async () => {
  const { owner } = database()
  await buildAccessWorld(owner)
  await installProbe(owner)
  // The statistics of which the attacks below try to make something.
  await owner.query('analyze')
  // Whatever this connection has compiled is compiled again, with what the attacker put in its way.
  await owner.query("update pg_proc set procost = procost where pronamespace = 'muster'::regnamespace")
  api = await openApiLogin(database(), readConfig({ NODE_ENV: 'test' }))
  return async () => {
    if (api !== owner) await api.close()
  }
})

/** Every type that functions here name without its schema, as a domain whose check raises this state. */
const SPIED = 'SPY00'
const PLANT_TYPES = `
  do $plant$
  declare
    type_name text;
  begin
    create function pg_temp.spy() returns boolean language plpgsql as
      'begin raise sqlstate ''${SPIED}'' using message = current_user; end';
    -- Those that are words of the grammar (integer, boolean, …) are nobody's to redefine.
    foreach type_name in array array[
      'text', 'uuid', 'jsonb', 'json', 'int4', 'int8', 'bool', 'float8', 'timestamptz', 'date', 'xid8', 'pg_snapshot', 'oid',
      'regclass', 'name', 'bytea', 'tstzrange', 'tstzmultirange'
    ] loop
      execute format('create domain pg_temp.%I as pg_catalog.%I check (pg_temp.spy())', type_name, type_name);
    end loop;
    foreach type_name in array array['geography', 'geometry'] loop
      execute format('create domain pg_temp.%I as %s check (pg_temp.spy())', type_name, type_name);
    end loop;
  end
  $plant$`

/** Tables of the caller's own, in which the guard is the admin of everything. */
const PLANT_TABLES = [
  `create temporary table users as
   select auth.uid() as id, t.id as tenant_id, null::pg_catalog.uuid as organization_id, 'admin'::pg_catalog.text as role,
          'Me'::pg_catalog.text as name, ''::pg_catalog.text as email, null::pg_catalog.timestamptz as deleted_at
   from public.tenants t`,
  'create temporary table security_professionals as select id, user_id, tenant_id, status from public.security_professionals',
  'create temporary table shifts as select * from public.shifts',
]

/** Everything that the matrix allows, by each persona: 4 s on the embedded engine, and several times that beside three other files. */
const ALL_ALLOWED_TIMEOUT_MS = patience(120_000)

class Undo extends Error {}

/**
 * How an engine finds a name by its path is the same on both: on the embedded one each persona tries one of so many sections, the next
 * persona another one.
 */
const SHARE = inject('database').engine === 'server' ? 1 : 3

/** What the matrix allows, tried by callers who first ran `preparations` in the same transaction. */
async function wrongAfter(preparations: readonly string[]): Promise<unknown[]> {
  const grids = parseGrids(SECTIONS, ACCESS_PERSONAS)
  const wrong: unknown[] = []
  const personas = ACCESS_PERSONAS.filter((name) => accessCaller(name).role === 'authenticated')
  for (const [nth, persona] of personas.entries()) {
    await api
      .transaction(async (tx) => {
        await takeOn(tx, persona)
        for (const preparation of preparations) await tx.query(preparation)
        // The attempts are our own words, not the attacker's; what they call has its own path.
        await tx.query("select set_config('search_path', 'pg_catalog, public, extensions, pg_temp', true)")
        const tryAll: TryAll = async (_, attempts) => {
          const [row] = await tx.query<{ answers: string[] }>('select probe.attempt_all($1) as answers', [
            JSON.stringify(attempts),
          ])
          return row!.answers
        }
        for (const section of SECTIONS.filter((_, place) => (place + nth) % SHARE === 0))
          wrong.push(...(await wrongCells(tryAll, section, grids, persona, 'allowed')))
        throw new Undo()
      })
      .catch((error) => {
        if (!(error instanceof Undo)) throw error
      })
  }
  return wrong
}

describe('what a caller puts into the temporary schema', () => {
  it('is what the caller finds', async () => {
    expect(await attack(api, 'guard', PLANT_TYPES, "select 'mine'::text")).toBe(SPIED)
  })

  // Both at once: a type that is found raises an error, and a table that is found changes who may do what.
  it('has no effect on functions and policies when it is a type or a table', {
    timeout: ALL_ALLOWED_TIMEOUT_MS,
  }, async () => {
    expect(await wrongAfter([PLANT_TYPES, ...PLANT_TABLES])).toEqual([])
    expect(
      await attackWith(api, 'guard', PLANT_TABLES, 'select muster.admin_tenant_id() is null as nobody'),
    ).toEqual([{ nobody: true }])
  })
})

describe('statistics', () => {
  const HOMES = [
    "st_estimatedextent('public', 'security_professionals', 'home_point')",
    "st_estimatedextent('security_professionals', 'home_point')",
    "_postgis_stats('public.security_professionals', 'home_point')",
    "_postgis_index_extent('public.security_professionals', 'home_point')",
    "_postgis_selectivity('public.security_professionals', 'home_point', st_makeenvelope(4, 52, 5, 53, 4326))",
    `_postgis_join_selectivity('public.security_professionals', 'home_point', 'public.locations', 'location_point')`,
  ]
  it.each(HOMES)('do not tell where guards live: %s', async (call) => {
    expect(await attack(api, 'guard', `select ${call}`)).toBe('42501')
  })

  it.each([
    'select st_extent(home_point::geometry) from public.security_professionals',
    "select st_findextent('public', 'security_professionals', 'home_point')",
    'select stavalues1 from pg_catalog.pg_statistic',
  ])('are not read around: %s', async (query) => {
    expect(await attack(api, 'guard', query)).toMatch(/^42501$|^42883$/)
  })

  it('of tables with policies are hidden', async () => {
    const told = await attackWith(
      api,
      'guard',
      [],
      "select distinct tablename from pg_stats where schemaname in ('public', 'muster', 'realtime', 'sign_in') and tablename <> 'spatial_ref_sys'",
    )
    expect(told).toEqual([])
    expect(
      await database().owner.query(
        "select from pg_stats where tablename = 'security_professionals' and attname = 'home_point'",
      ),
    ).toHaveLength(1)
  })

  it('are not handed to an operator of the caller’s own', async () => {
    const own = 'select number from public.certificates'
    const seen = await attackWith(
      api,
      'guard',
      [
        'create temporary table seen (value pg_catalog.text)',
        `create function pg_temp.spy(value text, other text) returns boolean language plpgsql cost 0.000001 as $$
         begin
           insert into pg_temp.seen values (value);
           return value = other;
         end $$`,
        `create operator pg_temp.=== (
           function = pg_temp.spy, leftarg = text, rightarg = text, restrict = eqsel, join = eqjoinsel
         )`,
        `do $$ begin
           perform from public.certificates where number operator(pg_temp.===) 'x';
           execute 'explain select from public.certificates where number operator(pg_temp.===) ''y''';
         end $$`,
      ],
      `select exists (select from pg_temp.seen) as tried, exists (select value from pg_temp.seen except (${own})) as leaked`,
    )
    expect(seen).toEqual([{ tried: true, leaked: false }])
  })
})

describe('a function of the caller’s own', () => {
  const TABLES = SECTIONS.map(({ table, key }) => ({ table, key }))

  it.each(TABLES)('in a condition on $table sees no row that the caller does not', async ({ table, key }) => {
    const outcome = await attack(
      api,
      'guard',
      'create temporary table seen (value pg_catalog.text)',
      `create function pg_temp.spy(value text) returns boolean language plpgsql cost 0.000001 as $$
       begin
         insert into pg_temp.seen values (value);
         return true;
       end $$`,
      `do $$ begin
         perform from ${table} as t where pg_temp.spy(t.${key}::text) and t.${key} is not null order by t.${key};
         if (select count(distinct value) from pg_temp.seen) <> (select count(distinct t.${key}) from ${table} as t) then
           raise sqlstate '${SPIED}';
         end if;
       end $$`,
    )
    expect(outcome).toMatch(/^done$|^42501$/)
  })

  it('cannot be called leakproof', async () => {
    expect(
      await attack(
        api,
        'guard',
        "create function pg_temp.spy(uuid) returns boolean language sql leakproof as 'select true'",
      ),
    ).toBe('42501')
  })
})

/** Each refused with insufficient_privilege, whatever claims the session sets. */
const OUT_OF_REACH = {
  'the server’s files': [
    "copy (select 1) to '/tmp/muster-attack'",
    "copy (select 1) to program 'true'",
    "copy public.notifications from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "select lo_export(lo_from_bytea(0, 'x'), '/tmp/muster-attack')",
    "load 'btree_gist'",
  ],
  roles: [
    'create role attacker',
    'alter role authenticated superuser',
    'alter role authenticated bypassrls',
    "alter role muster_worker password 'mine'",
    'grant service_role to authenticated',
    'grant muster_definer to authenticated',
    'select * from pg_catalog.pg_authid',
  ],
  definitions: [
    'create table public.mine ()',
    'create schema mine',
    'create function muster.mine() returns int language sql return 1',
    'create function public.mine() returns int language sql return 1',
    'create or replace function muster.company_id() returns uuid language sql return null',
    'alter function muster.me() security invoker',
    'alter function muster.fail(text, text) leakproof',
    'alter table public.shifts disable trigger all',
    'alter table public.shifts disable row level security',
    'alter table public.shifts no force row level security',
    'alter table public.shifts owner to authenticated',
    'drop policy shifts_read on public.shifts',
    'create policy mine on public.shifts using (true)',
    'create trigger mine before insert on public.shifts for each row execute function muster.tg_stamp_change()',
    'create rule mine as on insert to public.shifts do also select 1',
    'create view public.mine as select 1',
    'drop extension btree_gist',
    'create event trigger mine on ddl_command_end execute function muster.tg_follow_definitions()',
    'create publication mine for table public.shifts',
    'alter publication supabase_realtime set (publish_via_partition_root = true)',
    'truncate public.shifts',
    'grant select on public.users to authenticated with grant option',
  ],
  'the rules’ own tools': [
    "set session_replication_role = 'replica'",
    "select muster.report_change(1, 'INSERT', '{}', null, null, '{}')",
    "select nextval('muster.change_numbers')",
    "select setval('muster.change_numbers', 1)",
    'select * from muster.change_outbox',
    'select * from muster.idempotency_keys',
    'select * from drizzle.__drizzle_migrations',
    'select muster.advance_assignment(null)',
    'select muster.enable_change_capture()',
    "select muster.create_tenant('Mine', 'Me', 'me@example.com', gen_random_uuid())",
    "select muster.visible_rows('a', 'select array[1]', '', '{}', 'service_role', '{}', '{}', '0')",
    'select muster.assignment_violations(null, s) from public.shifts s',
    'select email from public.users',
    'select users from public.users',
    'select to_jsonb(users) from public.users',
    'select home_point from public.security_professionals',
    'select id from public.security_professionals order by home_point',
    'update public.security_professionals set home_point = home_point returning home_point',
    'update public.security_professionals set home_point = st_translate(home_point::geometry, 0, 0)::geography',
    'select code_hash from public.invitations',
    'update public.users set role = role',
    'select last_error from public.finqle_transactions',
    'set local row_security = off; select id from public.shifts',
  ],
}

describe('a check-in to somebody’s shift', () => {
  const shift = `'${SHIFT_ROWS.companyActive.id}'::uuid`
  const point = 'st_point(4.8926, 52.3731)::geography'
  const professional = `'${PROFESSIONAL_ROWS.guard.id}'::uuid`
  const WAYS = {
    'by the function that stores one': `select muster.store_check_in(gen_random_uuid(), ${shift}, 'ping', ${point}, 5, now())`,
    'by the function that stores several': `select muster.fail(outcome) from unnest(muster.store_check_ins(array[gen_random_uuid()], array[${shift}], array['ping'], array[${point}],
      array[5]::float8[], array[now()])) as outcome where outcome <> 'created'`,
  }

  it.each(Object.entries(WAYS))('%s, is theirs alone', async (_, statement) => {
    expect(await attack(api, 'guard', statement)).toBe('done')
    for (const persona of ACCESS_PERSONAS.filter((name) => name !== 'guard')) {
      // Forbidden for those who see the shift, as it is not for others; or no right to call the function at all.
      expect([persona, await attack(api, persona, statement)]).toEqual([
        persona,
        expect.stringMatching(/^(MU010|MU011|42501)$/),
      ])
    }
  })

  it('has its professional from nobody else', async () => {
    const inserting = (column: string, value: string) =>
      `insert into public.gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at ${column})
       values (gen_random_uuid(), ${shift}, 'ping', ${point}, 5, now() ${value})`
    expect(await attack(api, 'guard', inserting('', ''))).toBe('done')
    expect(await attack(api, 'otherGuard', inserting('', ''))).toBe('MU011')
    for (const persona of ['guard', 'otherGuard'] as const)
      expect(await attack(api, persona, inserting(', professional_id', `, ${professional}`))).toBe('42501')
  })
})

describe('the log of a driver', () => {
  /** As in test/resources/duty.ts: of the driver, an entry, and what the dispatcher proposes about it. */
  const driver = "'ba000000-0000-7000-8000-000000000001'::uuid"
  const entry = "'d5000000-0000-7000-8000-000000000001'::uuid"
  const proposal = "'d6000000-0000-7000-8000-000000000001'::uuid"
  const item = (id: string) =>
    `select muster.record_duty_statuses(jsonb_build_array(jsonb_build_object('id', ${id}, 'driver_id', ${driver},
       'status', 'off_duty', 'began_at', now(), 'recorded_at', now(), 'device_id', 'phone')))`
  const insert = (column: string, value: string) =>
    `insert into public.duty_status_changes (id, status, began_at, recorded_at, device_id ${column})
     values (gen_random_uuid(), 'off_duty', now(), now(), 'phone' ${value})`

  it('is written by the driver, and by nobody in the name of another', async () => {
    expect(await attack(api, 'driver', item('gen_random_uuid()'), insert('', ''))).toBe('done')
    for (const persona of ['office', 'rivalOffice', 'broker', 'admin', 'guard'] as const)
      expect([persona, await attack(api, persona, item('gen_random_uuid()'))]).toEqual([persona, 'MU010'])
    for (const persona of ['driver', 'rivalDriver', 'dispatcher', 'office', 'admin'] as const)
      expect([persona, await attack(api, persona, insert(', driver_id', `, ${driver}`))]).toEqual([
        persona,
        '42501',
      ])
    // What another driver sends is in the log of that driver, and an id that is taken says nothing of whose it is.
    for (const [id, answer] of [
      ['gen_random_uuid()', 'created'],
      [entry, 'duty_id_conflict'],
    ] as const) {
      const told = await attackWith<{ answer: string; mine: boolean }>(
        api,
        'rivalDriver',
        [],
        `with sent as materialized (${item(id)} as results)
         select coalesce(results #>> '{0,code}', results #>> '{0,status}') as answer,
                not exists (select from public.duty_status_changes where driver_id = ${driver}) as mine from sent`,
      )
      expect(told).toEqual([{ answer, mine: true }])
    }
  })

  it.each([
    `update public.duty_status_changes set status = 'off_duty' where id = ${entry}`,
    `delete from public.duty_status_changes where id = ${entry}`,
    `update public.duty_status_edits set state = 'accepted', decided_at = now() where id = ${proposal}`,
    `insert into public.duty_status_edits (driver_id, kind, status, began_at, reason, proposed_by, proposed_as, state)
     values (${driver}, 'added', 'off_duty', now(), 'Mine', auth.uid(), 'driver', 'accepted')`,
    `select * from muster.duty_log(${driver}, now() - interval '28 days', now())`,
    `select muster.side_of_log(${driver}, null, null)`,
  ])('is not changed past the functions, nor read past its policy: %s', async (statement) => {
    for (const persona of ['driver', 'dispatcher', 'admin', 'rivalOffice'] as const)
      expect([persona, await attack(api, persona, statement)]).toEqual([persona, '42501'])
  })

  it('is edited by two people: who proposed does not decide, whatever side they say they are of', async () => {
    const decide = `select muster.decide_duty_edit(${proposal}, 'accepted')`
    for (const persona of ['dispatcher', 'office', 'admin'] as const)
      expect([persona, await attack(api, persona, decide)]).toEqual([persona, 'MU010'])
    for (const persona of ['rivalOffice', 'rivalDriver', 'foreignOffice', 'broker', 'guard'] as const)
      expect([persona, await attack(api, persona, decide)]).toEqual([persona, 'MU011'])
    expect(await attack(api, 'driver', decide)).toBe('done')
    // Who proposed and accepted would have to be two users, also where no function looks.
    const { owner } = database()
    const both = owner.query(
      `update duty_status_edits set state = 'accepted', decided_at = now(), decided_by = proposed_by where id = ${proposal}`,
    )
    expect(await outcomeOf(both)).toBe('23514')
  })
})

describe.each(Object.entries(OUT_OF_REACH))('out of reach: %s', (_, statements) => {
  it.each(statements)('%s', async (statement) => {
    // The admin's claims, which whoever writes SQL can set.
    expect(await attack(api, 'admin', ...statement.split('; '))).toBe('42501')
  })
})
