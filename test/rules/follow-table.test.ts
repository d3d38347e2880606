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
  create table public.site_notes (
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
    'public.site_notes',
    soft_delete => true,
    published => array['id', 'company_id', 'text', 'created_at', 'updated_at'],
    audience => array['tenant_id', 'company_id', 'deleted_at']
  )`

/** Comes before the call, which refuses a published table without it. */
const AUDIENCE = `
  create function muster.audience_of_site_notes(viewed jsonb, at timestamptz) returns text[]
  language sql stable
  return array['admins:' || (viewed ->> 'tenant_id'), 'company:' || (viewed ->> 'company_id'), null]`

/** What is left for the file of the table to say. */
const POLICIES_AND_GRANTS = [
  `create policy site_notes_of_company on public.site_notes to authenticated
     using (deleted_at is null and company_id = (select muster.company_id()))
     with check (company_id = (select muster.company_id()))`,
  'grant select, insert, delete on public.site_notes to authenticated',
  'grant update (text) on public.site_notes to authenticated',
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
  insert into site_notes (tenant_id, company_id, text) values (${TENANTS.a}, ${ORGANIZATIONS.company}, 'The gate sticks.')
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
          "select relrowsecurity, relforcerowsecurity from pg_class where oid = 'public.site_notes'::regclass",
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
          sql`update site_notes set text = 'It is mended.' where id = ${note!.id} returning id`,
        )
        await stage.run('company', sql`delete from site_notes where id = ${note!.id} returning id`)
        expect(await stage.attempt('company', sql`select id from site_notes`)).toBe('unseen')
        expect(
          await stage.owner.query(
            'select created_by, updated_by, deleted_at is not null as gone, changed_xid = pg_current_xact_id() as stamped from site_notes',
          ),
        ).toEqual([{ created_by: USERS.company, updated_by: USERS.company, gone: true, stamped: true }])
        const departed = await stage.owner.query<{ audience: string[] }>(
          "select to_json(audience) as audience from muster.departed_rows where relation = 'site_notes'",
        )
        expect(departed.map(({ audience }) => [...audience].sort())).toEqual([
          [`admins:${TENANTS.a}`, `company:${ORGANIZATIONS.company}`],
        ])
        expect(
          await stage.owner.query(
            "select to_json(attnames) as columns from pg_publication_tables where pubname = 'supabase_realtime' and tablename = 'site_notes'",
          ),
        ).toEqual([{ columns: ['id', 'company_id', 'text', 'created_at', 'updated_at'] }])
      },
      [
        AUDIENCE,
        'grant execute on function muster.audience_of_site_notes to muster_definer',
        FOLLOW,
        ...POLICIES_AND_GRANTS,
      ],
    ))

  test('is all that a table needs for its changes to be told by audience', () =>
    withNotes(
      async (stage) => {
        const declared = await stage.owner.query(
          "select relation, to_json(columns) as columns from muster.audiences where relation = 'site_notes'",
        )
        expect(declared).toEqual([{ relation: 'site_notes', columns: ['id', 'company_id'] }])
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
        const refusal = stage.owner.query(`select muster.follow_table('public.site_notes', ${options})`)
        const error = await refusal.then(() => undefined, readDatabaseError)
        expect(error?.sqlstate).toBe('42703')
      },
      [AUDIENCE, `alter table public.site_notes drop column ${column}`],
    ),
  )
})
