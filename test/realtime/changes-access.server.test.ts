import { expect, it } from 'vitest'
import { readRules } from '../../scripts/rules/schema-files.ts'
import { buildAccessWorld } from '../rules/access-world.ts'
import { firstWrongCells, wrongCells } from '../support/change-matrix.ts'
import { useRouter } from '../support/changes.ts'
import { PUBLISHED_TABLES, type PublishedTableName } from '../support/modules.ts'
import { trialSize } from '../support/trial.ts'

/*
 * The matrix of change events notices what is broken: each policy that lets read, and each step of a check. What the
 * policies say in detail is for the tests of the access matrix itself.
 */

const rt = useRouter(async (owner) => {
  await buildAccessWorld(owner)
  await owner.script(`
    create table markers (id int primary key generated always as identity);
    grant select on markers to anon, authenticated;
    alter publication supabase_realtime add table markers;
  `)
})

/** What decides who sees a change, in the order of the files: policies and grants, and how changes are checked. */
const rules = (await readRules([])).filter(
  ({ file, bare }) =>
    /^platform\/(?:audience|catch-up|visibility)\.sql$/.test(file) ||
    /^create or replace function muster\.(?:audience|groups)_of_/.test(bare) ||
    /^(?:do|drop policy|create policy|grant|revoke|select)\b/.test(bare),
)

/** What mends a table: its own policies and grants. All files for each mutant took most of the time. */
const rulesOf = (table: PublishedTableName): string =>
  rules
    .filter(({ bare }) =>
      /^(?:create|drop) policy/.test(bare)
        ? new RegExp(`^.* on public\\.${table}\\b`).test(bare)
        : !/^create or replace function/.test(bare) &&
          new RegExp(`\\b${table}\\b|muster\\.declare_audiences`).test(bare),
    )
    .map(({ text }) => `${text}\n;`)
    .join('\n')

/** Of the mutants of a table beside the open policy, which are the same for each: they take turns. A trial tries all for all. */
const MUTANTS_BESIDE = 2

/**
 * What is broken, told by one red cell at least; then it is mended.
 *
 * @param original the function that the mutant replaces, where it is not the rules of the table
 */
async function expectRed(table: PublishedTableName, mutant: string, original = ''): Promise<void> {
  await rt().owner.script(mutant)
  try {
    expect(await firstWrongCells(rt(), table), mutant).not.toEqual([])
  } finally {
    await rt().owner.script(`
      revoke all on ${table} from anon;
      alter table ${table} enable row level security;
      alter table ${table} replica identity default;
      ${original};
    `)
    await rt().owner.script(rulesOf(table))
  }
}

it.each(PUBLISHED_TABLES)('of %s: its policy gone, open, shut, or not in force', async (table) => {
  const mutants = [
    `drop policy ${table}_read on ${table}`,
    `alter policy ${table}_read on ${table} using (false)`,
    `alter policy ${table}_read on ${table} to public; grant select on ${table} to anon`,
    `alter table ${table} disable row level security`,
    // With a list of columns PostgreSQL itself refuses it.
    `alter publication supabase_realtime drop table ${table};
     alter publication supabase_realtime add table ${table};
     alter table ${table} replica identity full`,
    `revoke select on ${table} from authenticated`,
  ]
  await expectRed(table, `alter policy ${table}_read on ${table} using (true);`)
  for (let nth = 0; nth < trialSize(MUTANTS_BESIDE, mutants.length); nth += 1) {
    const turn = PUBLISHED_TABLES.indexOf(table) * MUTANTS_BESIDE + nth
    await expectRed(table, `${mutants[turn % mutants.length]};`)
  }
  expect(await wrongCells(rt(), table)).toEqual([])
})

it.each([
  ['the role is not taken on', "perform pg_catalog.set_config('role', acting_role, true);", ''],
  [
    'everybody has the claims of one',
    "perform pg_catalog.set_config('request.jwt.claims', subscriber, true);",
    "perform pg_catalog.set_config('request.jwt.claims', split_part(claims, E'\\n', 5), true);",
  ],
  ['nobody sees anything', 'execute execution into visible;', ''],
  ['everybody sees everything', 'execute execution into visible;', "visible := '{1,2,3}';"],
])('of a check: %s', async (_, step, replacement) => {
  const [definition] = await rt().owner.query<{ text: string }>(
    "select pg_get_functiondef(oid) as text from pg_proc where proname = 'visible_rows'",
  )
  expect(definition!.text).toContain(step)
  // With a policy of somebody's own, the database is asked for each subscriber.
  await rt().owner.query('create policy of_theirs on shifts for select to authenticated using (false)')
  await expectRed('shifts', `${definition!.text.replace(step, replacement)};`, definition!.text)
  // The schema files, run to mend it, have declared the audience for the policies with this one.
  await rt().owner.script('drop policy of_theirs on shifts; select muster.declare_audiences();')
  expect(await wrongCells(rt(), 'shifts')).toEqual([])
})

/** As the schema file has it: what the database prints is spelled anew. */
const definitionOf = (name: string): string =>
  rules.find(({ bare }) => bare.startsWith(`create or replace function muster.${name}(`))!.bare

it.each([
  ['clients see drafts', 'audience_of_shifts', "viewed ->> 'status' <> 'draft'", 'true'],
  ['guards see what is not open', 'audience_of_shifts', "viewed ->> 'status' = 'published'", 'true'],
  [
    'guards see what has begun',
    'audience_of_shifts',
    "(viewed ->> 'start_datetime')::timestamptz > at",
    'true',
  ],
  [
    'all admins are of one tenant',
    'audience_of_shifts',
    "'admins:' || (viewed ->> 'tenant_id')",
    "'admins:'",
  ],
  ['companies do not see theirs', 'audience_of_shifts', "'company:'", "'firm:'"],
  ['deleted users belong somewhere', 'groups_of_people', ' and u.deleted_at is null', ''],
  ['clients are companies', 'groups_of_people', "'client' then 'client:'", "'client' then 'company:'"],
  ['guards are of no tenant', 'groups_of_guarding', "'guards:' || m.tenant_id", "'guards:'"],
  ['deleted guards belong somewhere', 'groups_of_guarding', ' and u.deleted_at is null', ''],
  [
    'one module alone is asked who belongs where',
    'audiences_of',
    'loop\n    execute',
    "loop\n    exit when found_ <> '{}';\n    execute",
  ],
])('of an audience: %s', async (_, name, step, replacement) => {
  const definition = definitionOf(name)
  expect(definition).toContain(step)
  await expectRed(
    'shifts',
    definition.replace(step, () => replacement),
    definition,
  )
})

it.each([
  ['deleted rows are seen', 'r.deleted_at is null', 'true'],
  ['whose tenant it is is not looked up', "'tenant_id', r.tenant_id", "'tenant_id', null"],
])('of what muster.follow_table made: %s', async (_, step, replacement) => {
  const [definition] = await rt().owner.query<{ text: string }>(
    "select pg_get_functiondef('muster.seen_of_shifts(jsonb)'::regprocedure) as text",
  )
  expect(definition!.text).toContain(step)
  await expectRed('shifts', `${definition!.text.replace(step, () => replacement)};`)
})

it('of an audience: mended, all is well', async () => {
  expect(await wrongCells(rt(), 'shifts')).toEqual([])
})
