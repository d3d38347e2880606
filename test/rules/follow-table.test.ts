import { beforeAll, describe, expect, test } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { readDatabaseError } from '../../src/platform/db/engine/database-error.ts'
import { useTestDatabase } from '../support/database.ts'
import { rehearse, type Stage } from '../support/rehearsal.ts'
import { buildWorld, ORGANIZATIONS, TENANTS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
})

const NOTES = `
  create table public.follow_table_scratch (
    id uuid primary key default muster.uuid_v7(),
    tenant_id uuid not null,
    company_id uuid not null,
    text text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by uuid,
    updated_by uuid,
    deleted_at timestamptz,
    changed_xid xid8 not null default pg_current_xact_id()
  )`

const FOLLOW = `
  select muster.follow_table(
    'public.follow_table_scratch',
    soft_delete => true,
    published => array['id', 'company_id', 'text', 'created_at', 'updated_at'],
    audience => array['tenant_id', 'company_id', 'deleted_at']
  )`

/** Comes before the call, which refuses a published table without it. */
const AUDIENCE = `
  create function muster.audience_of_follow_table_scratch(viewed jsonb, at timestamptz) returns text[]
  language plpgsql stable
  as $$ begin
    return array['admins:' || (viewed ->> 'tenant_id'), 'company:' || (viewed ->> 'company_id'), null];
  end $$`

/** What is left for the file of the table to say. */
const POLICIES_AND_GRANTS = [
  `create policy follow_table_scratch_of_company on public.follow_table_scratch to authenticated
     using (deleted_at is null and company_id = (select muster.company_id()))
     with check (company_id = (select muster.company_id()))`,
  'grant select, insert, delete on public.follow_table_scratch to authenticated',
  'grant update (text) on public.follow_table_scratch to authenticated',
]

/** The table as a newcomer makes it, for a transaction that is rolled back. */
const withNotes = (
  work: (stage: Stage) => Promise<void>,
  statements: readonly string[] = [],
): Promise<void> =>
  rehearse(database, async (stage) => {
    for (const statement of [NOTES, ...statements]) await stage.owner.query(statement)
    await work(stage)
  })

const insertNote = sql`
  insert into follow_table_scratch (tenant_id, company_id, text) values (${TENANTS.a}, ${ORGANIZATIONS.company}, 'The gate sticks.')
  returning id`

describe('muster.follow_table', () => {
  test('leaves a table to nobody until its file grants something, and then by policy alone', () =>
    withNotes(
      async (stage) => {
        expect(await stage.attempt('company', insertNote)).toBe('forbidden')
        await stage.owner.query(POLICIES_AND_GRANTS[1]!)
        expect(await stage.attempt('company', insertNote)).toBe('forbidden')
        await stage.owner.query(POLICIES_AND_GRANTS[0]!)
        expect(await stage.attempt('company', insertNote)).toBe('ok')
        expect(await stage.attempt('rival', insertNote)).toBe('forbidden')
        const [table] = await stage.owner.query(
          "select relrowsecurity, relforcerowsecurity from pg_class where oid = 'public.follow_table_scratch'::regclass",
        )
        expect(table).toEqual({ relrowsecurity: true, relforcerowsecurity: true })
      },
      [AUDIENCE, FOLLOW],
    ))

  test('keeps who wrote a row, deletes it softly, and notes whose view it leaves', () =>
    withNotes(
      async (stage) => {
        const [note] = await stage.run<{ id: string }>('company', insertNote)
        await stage.run(
          'colleague',
          sql`update follow_table_scratch set text = 'It is mended.' where id = ${note!.id} returning id`,
        )
        await stage.run('company', sql`delete from follow_table_scratch where id = ${note!.id} returning id`)
        expect(await stage.attempt('company', sql`select id from follow_table_scratch`)).toBe('unseen')
        expect(
          await stage.owner.query(
            'select created_by, updated_by, deleted_at is not null as gone, changed_xid = pg_current_xact_id() as stamped from follow_table_scratch',
          ),
        ).toEqual([{ created_by: USERS.company, updated_by: USERS.company, gone: true, stamped: true }])
        const departed = await stage.owner.query<{ audience: string[] }>(
          "select to_json(audience) as audience from muster.departed_rows where relation = 'follow_table_scratch'",
        )
        expect(departed.map(({ audience }) => [...audience].sort())).toEqual([
          [`admins:${TENANTS.a}`, `company:${ORGANIZATIONS.company}`],
        ])
        expect(
          await stage.owner.query(
            "select to_json(attnames) as columns from pg_publication_tables where pubname = 'supabase_realtime' and tablename = 'follow_table_scratch'",
          ),
        ).toEqual([{ columns: ['id', 'company_id', 'text', 'created_at', 'updated_at'] }])
      },
      [
        AUDIENCE,
        'grant execute on function muster.audience_of_follow_table_scratch to muster_definer',
        FOLLOW,
        ...POLICIES_AND_GRANTS,
      ],
    ))

  test('is all that a table needs for its changes to be told by audience', () =>
    withNotes(
      async (stage) => {
        const declared = await stage.owner.query(
          "select relation, to_json(columns) as columns from muster.audiences where relation = 'follow_table_scratch'",
        )
        expect(declared).toEqual([{ relation: 'follow_table_scratch', columns: ['id', 'company_id'] }])
      },
      [AUDIENCE, FOLLOW, 'select muster.declare_audiences()'],
    ))

  test('refuses a published table that has no audience', () =>
    withNotes(async (stage) => {
      const error = await stage.owner.query(FOLLOW).then(() => undefined, readDatabaseError)
      expect(error?.sqlstate).toBe('42883')
    }))

  test.each([
    ['deleted_at', 'soft_delete => true'],
    ['changed_xid', "published => array['id'], audience => array['tenant_id']"],
    ['updated_at', "trail => 'edit_trail'"],
    ['company_id', "published => array['id', 'company_id'], audience => array['tenant_id']"],
    ['tenant_id', "published => array['id'], audience => array['tenant_id']"],
  ])('refuses a table without %s when the call is made, where that is needed', (column, options) =>
    withNotes(
      async (stage) => {
        const refusal = stage.owner.query(
          `select muster.follow_table('public.follow_table_scratch', ${options})`,
        )
        const error = await refusal.then(() => undefined, readDatabaseError)
        expect(error?.sqlstate).toBe('42703')
      },
      [AUDIENCE, `alter table public.follow_table_scratch drop column ${column}`],
    ),
  )
})

/**
 * Rules that look at another table to say who sees a row of a published one. A change of the other table would bring the row into a view,
 * or take it out of one, and nobody would be told: the row has to have a copy of the column, which a trigger of the other table keeps.
 */
const LOOKING_ELSEWHERE = `
  with rule (catalog, id, name, on_table) as (
    select 'pg_policy'::regclass, p.oid, 'policy ' || p.polname, p.polrelid
    from pg_policy p
    where p.polcmd in ('r', '*') and not p.polroles @> array['muster_definer'::regrole::oid]
  )
  select distinct rule.name || ' of ' || c.relname || ' reads ' || other.relname as found
  from rule
  join pg_class c on c.oid = rule.on_table
  join muster.audiences a on c.oid = format('public.%I', a.relation)::regclass
  join pg_depend d on d.classid = rule.catalog and d.objid = rule.id and d.refclassid = 'pg_class'::regclass
  join pg_class other on other.oid = d.refobjid and other.oid <> c.oid
  union all
  -- PL/pgSQL has no dependencies in the catalog: its text is looked at.
  select 'function ' || f.proname || ' asks for more than the row'
  from pg_proc f
  where f.pronamespace = 'muster'::regnamespace
    and starts_with(f.proname, 'audience_of_')
    and f.prosrc ~* '\\m((from|join)\\s+(?!jsonb_array_elements_text\\(viewed )|(into|execute|perform|table|muster)\\M)'
  order by 1`

describe('of each published table', () => {
  test('who sees a row is said by the row itself, not by another table', async () => {
    expect(await database.query(LOOKING_ELSEWHERE)).toEqual([])
  })

  test('a policy and an audience that look at another table are found', () =>
    withNotes(
      async (stage) => {
        expect(await stage.owner.query(LOOKING_ELSEWHERE)).toEqual([
          { found: 'function audience_of_follow_table_scratch asks for more than the row' },
          { found: 'policy follow_table_scratch_read of follow_table_scratch reads shifts' },
        ])
      },
      [
        `create function muster.audience_of_follow_table_scratch(viewed jsonb, at timestamptz) returns text[]
         language plpgsql stable
         as 'begin return (select array_agg(''company:'' || l.organization_id) from public.locations l); end'`,
        FOLLOW,
        `create policy follow_table_scratch_read on public.follow_table_scratch for select to authenticated
           using (exists (select from public.shifts s where s.company_id = follow_table_scratch.company_id))`,
        'select muster.declare_audiences()',
      ],
    ))

  const UNPUBLISHED = `
    select a.relation || '.' || c.name as unpublished
    from muster.audiences a, unnest(a.columns) as c (name)
    where not exists (
      select from pg_publication_tables t
      where t.pubname = 'supabase_realtime' and t.schemaname = 'public' and t.tablename = a.relation and c.name = any (t.attnames)
    )`

  test('the columns of the audience are published, else each subscriber is asked for', async () => {
    expect(await database.query(UNPUBLISHED)).toEqual([])
  })

  test('a column of the audience that is not published is found', () =>
    withNotes(
      async (stage) => {
        expect(await stage.owner.query(UNPUBLISHED)).toEqual([
          { unpublished: 'follow_table_scratch.company_id' },
        ])
      },
      [
        AUDIENCE,
        FOLLOW.replace("'company_id', 'text', 'created_at'", "'text', 'created_at'"),
        'select muster.declare_audiences()',
      ],
    ))
})
