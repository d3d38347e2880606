import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { describeCatalog, describeCatalogWithin } from '../../src/platform/db/migrations/describe-catalog.ts'
import { blocksOf, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'

const prepared = useTestDatabase()
let database: Database

/** Not of the project, so that descriptions which other test files make at this moment leave it out. */
const ROLE = `trial_${process.pid}`

/** One of everything, in a schema of its own. */
const THINGS = `
  create role ${ROLE};
  create schema trial;
  create type trial.mood as enum ('calm', 'cross');
  create type trial.pair as (a int, b text);
  create type trial.span as range (subtype = int);
  create domain trial.filled as text constraint filled_has_text check (value <> '');
  create sequence trial.numbers;
  create function trial.double(n int) returns int language sql immutable as 'select n * 2';
  create aggregate trial.total(int) (sfunc = int4pl, stype = int);
  create table trial.places (
    id int generated always as identity constraint places_pkey primary key,
    name text default 'x' constraint places_have_names check (name <> ''),
    twice int generated always as (1 + 1) stored,
    code int constraint places_once unique deferrable
  );
  create table trial.visits (
    place int constraint visits_go_somewhere references trial.places on delete cascade,
    at timestamptz not null,
    note text
  );
  create table trial.notes (place int);
  create index visits_by_time on trial.visits (at);
  create statistics trial.visits_together on place, at from trial.visits;
  create view trial.recent as select place, at from trial.visits;
  create materialized view trial.counted as select count(*) as n from trial.visits;
  create function trial.tg_stop() returns trigger language plpgsql as 'begin return null; end';
  create trigger visits_stop before insert on trial.visits for each row execute function trial.tg_stop();
  create rule visits_stay as on delete to trial.visits do instead nothing;
  alter table trial.places enable row level security;
  create policy places_read on trial.places for select to ${ROLE} using (true);
  create publication trial for table trial.visits (place, at);
`

let before: string

/** Each description reads the whole catalog: with a thousand things of the project in it, that is most of the time of this file. */
const WITHOUT_THE_PROJECT = [
  'drop publication supabase_realtime',
  'drop schema sign_in cascade',
  'drop schema public cascade; create schema public',
  'drop schema muster cascade',
  'drop schema realtime cascade',
  'drop schema auth cascade',
]

beforeAll(async () => {
  database = prepared().owner
  for (const script of WITHOUT_THE_PROJECT) await database.script(script)
  await database.script(THINGS)
  before = await describeCatalog(database)
})

afterAll(() => database.script(`drop owned by ${ROLE}; drop role ${ROLE}`))

class Undo extends Error {}

/** What the catalog says after `change`, which is then undone. */
async function describeAfter(...change: readonly string[]): Promise<string> {
  let text = ''
  await database
    .transaction(async (tx) => {
      for (const statement of change) await tx.query(statement)
      text = await describeCatalogWithin(tx)
      throw new Undo()
    })
    .catch((error) => {
      if (!(error instanceof Undo)) throw error
    })
  return text
}

const blocks = (description: string): Map<string, string> => blocksOf(description, prepared().engine)

const CHANGES: Record<string, string> = {
  'a setting of the database': `do $$ begin execute format('alter database %I set work_mem = ''5MB''', current_database()); end $$`,
  'a privilege on the database': `do $$ begin execute format('grant create on database %I to ${ROLE}', current_database()); end $$`,
  'a schema': 'create schema trial_2',
  "a schema's owner": `alter schema trial owner to ${ROLE}`,
  'a privilege on a schema': `grant usage on schema trial to ${ROLE}`,
  'default privileges': `alter default privileges in schema trial grant select on tables to ${ROLE}`,
  'default privileges everywhere': 'alter default privileges revoke execute on functions from public',
  "an extension's absence": 'drop extension if exists btree_gist cascade',
  'an enum': `alter type trial.mood add value 'angry' before 'cross'`,
  'a composite type': 'alter type trial.pair add attribute c int',
  'a domain': 'alter domain trial.filled set not null',
  "a domain's constraint": 'alter domain trial.filled drop constraint filled_has_text',
  'a range type': 'drop type trial.span',
  "a type's privilege": 'revoke usage on type trial.mood from public',
  'a sequence': 'alter sequence trial.numbers increment by 5',
  "a sequence's column": 'alter sequence trial.numbers owned by trial.visits.place',
  'a table': 'create table trial.more ()',
  "a table's owner": `alter table trial.visits owner to ${ROLE}`,
  "a table's settings": 'alter table trial.visits set (fillfactor = 70)',
  "a table's persistence": 'alter table trial.notes set unlogged',
  'the replica identity': 'alter table trial.visits replica identity full',
  'row level security': 'alter table trial.visits enable row level security',
  'forced row level security': 'alter table trial.places force row level security',
  'a privilege on a table': `grant select on trial.visits to ${ROLE}`,
  'the option to grant': `grant select on trial.visits to ${ROLE} with grant option`,
  'a privilege on a column': `grant update (note) on trial.visits to ${ROLE}`,
  'a column': 'alter table trial.visits add column more int',
  'the order of columns':
    'alter table trial.visits drop column note, add column more int, add column note text',
  "a column's type": 'alter table trial.visits alter column note type varchar(10)',
  "a column's default": `alter table trial.places alter column name set default 'y'`,
  "a column's identity": 'alter table trial.places alter column id set generated by default',
  'a generated column': 'alter table trial.places alter column twice drop expression',
  'not null': 'alter table trial.visits alter column note set not null',
  "a column's storage": 'alter table trial.visits alter column note set storage external',
  "a column's options": 'alter table trial.visits alter column note set (n_distinct = 5)',
  "a column's statistics": 'alter table trial.visits alter column note set statistics 7',
  'a check': `alter table trial.places drop constraint places_have_names, add constraint places_have_names check (name <> '?')`,
  "a check's validation": `alter table trial.places drop constraint places_have_names, add constraint places_have_names check (name <> '') not valid`,
  "a constraint's name": 'alter table trial.places rename constraint places_have_names to places_are_named',
  "a foreign key's action": `alter table trial.visits drop constraint visits_go_somewhere,
    add constraint visits_go_somewhere foreign key (place) references trial.places on delete restrict`,
  'a deferred constraint': `alter table trial.visits alter constraint visits_go_somewhere deferrable`,
  'an index': 'create index visits_by_note on trial.visits (note)',
  "an index's predicate":
    'drop index trial.visits_by_time; create index visits_by_time on trial.visits (at) where note is null',
  'extended statistics': 'alter statistics trial.visits_together set statistics 7',
  'a view': 'create or replace view trial.recent as select place, at from trial.visits where note is null',
  "a view's security": 'alter view trial.recent set (security_invoker = true)',
  'a materialized view': 'create unique index counted_once on trial.counted (n)',
  "a function's body": `create or replace function trial.double(n int) returns int language sql immutable as 'select n + n'`,
  "a function's security": 'alter function trial.double(int) security definer',
  "a function's search path": `alter function trial.double(int) set search_path = ''`,
  "a function's volatility": 'alter function trial.double(int) stable',
  "a function's owner": `alter function trial.double(int) owner to ${ROLE}`,
  'a privilege on a function': 'revoke execute on function trial.double(int) from public',
  'an aggregate': 'create or replace aggregate trial.total(int) (sfunc = int4mul, stype = int)',
  'a trigger': 'drop trigger visits_stop on trial.visits',
  "a trigger's events":
    'create or replace trigger visits_stop before insert or update on trial.visits for each row execute function trial.tg_stop()',
  'a disabled trigger': 'alter table trial.visits disable trigger visits_stop',
  'an event trigger': `create function trial.tg_ddl() returns event_trigger language plpgsql as 'begin end';
    create event trigger trial on ddl_command_end execute function trial.tg_ddl()`,
  'a rule': 'drop rule visits_stay on trial.visits',
  'a policy': 'create policy places_add on trial.places for insert with check (true)',
  "a policy's roles": 'alter policy places_read on trial.places to public',
  "a policy's condition": 'alter policy places_read on trial.places using (id > 0)',
  "a policy's command": `drop policy places_read on trial.places;
    create policy places_read on trial.places for all to ${ROLE} using (true)`,
  'a restrictive policy': `drop policy places_read on trial.places;
    create policy places_read on trial.places as restrictive for select to ${ROLE} using (true)`,
  'a publication': 'create publication trial_2',
  "a publication's operations": `alter publication trial set (publish = 'insert')`,
  'a published column': 'alter publication trial set table trial.visits (place)',
  'a published row': 'alter publication trial set table trial.visits (place, at) where (place > 0)',
  'a published table': 'alter publication trial add table trial.places',
  'a published schema': 'alter publication trial set tables in schema trial',
  'a cast': 'create cast (trial.pair as text) with inout',
  'a comment on a table': `comment on table trial.visits is 'Who was where.'`,
  'a comment on a column': `comment on column trial.visits.at is 'When.'`,
  'a comment on a function': `comment on function trial.double(int) is 'Twice.'`,
  'a comment on a policy': `comment on policy places_read on trial.places is 'All.'`,
  'a comment on a trigger': `comment on trigger visits_stop on trial.visits is 'No more.'`,
  'a comment on a constraint': `comment on constraint places_once on trial.places is 'Once.'`,
  'a comment on a schema': `comment on schema trial is 'For tests.'`,
}

/** One of the project's, by its name, which no other test file sees: it is never committed. */
const OWN_ROLE = `muster_${ROLE}`

const ROLE_CHANGES: Record<string, string> = {
  'an attribute': `alter role ${OWN_ROLE} createdb`,
  'a setting': `alter role ${OWN_ROLE} set statement_timeout = '3s'`,
  'a membership': `grant ${OWN_ROLE} to ${ROLE}`,
  "a membership's option": `grant ${OWN_ROLE} to ${ROLE} with admin option`,
  'a comment': `comment on role ${OWN_ROLE} is 'Tries.'`,
}

describe('the description of the catalog', () => {
  test.each(Object.entries(CHANGES))('shows %s', async (_, change) => {
    // One prepared call takes one statement; none of these holds a semicolon outside a body.
    const statements = change.startsWith('do $$') ? [change] : change.split(/;\s*\n\s*|;\s+(?=create index)/)
    expect(difference(blocks(before), blocks(await describeAfter(...statements)))).not.toEqual({})
  })

  test.each(Object.entries(ROLE_CHANGES))('shows of a role %s', async (_, change) => {
    const creation = `create role ${OWN_ROLE}`
    const ofTheRole = (description: string): string[] =>
      description.split(/\n(?! )/).filter((block) => block.includes(OWN_ROLE))
    const created = ofTheRole(await describeAfter(creation))
    expect(created).toHaveLength(1)
    expect(ofTheRole(await describeAfter(creation, change))).not.toEqual(created)
  })

  test('is the same after a change and its reverse', async () => {
    const after = await describeAfter(
      'alter table trial.visits add column more int',
      'alter table trial.visits drop column more',
      `grant select on trial.visits to ${ROLE}`,
      `revoke select on trial.visits from ${ROLE}`,
      `grant usage on schema trial to ${ROLE}`,
      `revoke usage on schema trial from ${ROLE}`,
      'revoke execute on function trial.double(int) from public',
      'grant execute on function trial.double(int) to public',
      'drop index trial.visits_by_time',
      'create index visits_by_time on trial.visits (at)',
      'drop trigger visits_stop on trial.visits',
      'create trigger visits_stop before insert on trial.visits for each row execute function trial.tg_stop()',
      'drop view trial.recent',
      'create view trial.recent as select place, at from trial.visits',
      `comment on table trial.visits is 'Who was where.'`,
      'comment on table trial.visits is null',
    )
    expect(difference(blocks(before), blocks(after))).toEqual({})
  })

  test('does not depend on the search path, and leaves it alone', async () => {
    await database.transaction(async (tx) => {
      await tx.query(`select set_config('search_path', 'trial, extensions', true)`)
      expect(difference(blocks(before), blocks(await describeCatalogWithin(tx)))).toEqual({})
      expect(await tx.query('show search_path')).toEqual([{ search_path: 'trial, extensions' }])
    })
  })

  test('leaves out what extensions brought, data and the history', async () => {
    expect(before).not.toMatch(
      /^(function|type|relation|comment table) [^\s(]*((?<![a-z])st_|geography|spatial_ref_sys|gbt_|__drizzle)/im,
    )
    expect(before).toMatch(/^extension postgis$/m)
    const after = await describeAfter(
      "select nextval('trial.numbers')",
      'insert into trial.places default values',
    )
    expect(difference(blocks(before), blocks(after))).toEqual({})
  })
})
