import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_CONDITIONS_PER_SOCKET, SOCKETS_PER_CALLER } from '../../src/platform/realtime/changes/budgets.ts'
import {
  type ActiveSubscription,
  SubscriptionRefused,
} from '../../src/platform/realtime/changes/change-router.ts'
import { geometryToJson } from '../../src/platform/realtime/feed/ewkb.ts'
import { compilePattern } from '../../src/platform/realtime/protocol/pattern.ts'
import {
  ANON,
  authenticated,
  changeRequest,
  type Frame,
  RecordingChannel,
  useRouter,
  type WantedChanges,
} from '../support/changes.ts'

/*
 * What exactly arrives, on both feeds: each expectation here is met by logical replication and by triggers.
 */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })
const BOB = authenticated({ sub: 'b0b00000-0000-7000-8000-000000000002' })
const SUBJECTS = { alice: JSON.parse(ALICE.claims).sub as string, bob: JSON.parse(BOB.claims).sub as string }

const TABLES = `
  create table markers (id int primary key generated always as identity);
  grant select on markers to anon, authenticated;

  create table notes (id int8 primary key, owner uuid, body text, secret text, rank int);
  alter table notes enable row level security;
  grant select (id, owner, body, rank) on notes to authenticated;
  create policy notes_read on notes for select to authenticated using (owner = (select auth.uid()));

  create table plain (id int primary key, kind text, rank int);
  grant select on plain to anon, authenticated;

  create table whole (id int primary key, kind text, rank int);
  alter table whole replica identity full;
  grant select on whole to authenticated;

  create table coded (id int primary key, code text not null, kind text);
  create unique index coded_code on coded (code);
  alter table coded replica identity using index coded_code;
  grant select on coded to authenticated;

  create table paired (a int, b text, body text, primary key (a, b));
  alter table paired enable row level security;
  grant select on paired to authenticated;
  create policy paired_read on paired for select to authenticated using (b <> 'hidden "quoted"\\');

  create table bare (body text);
  alter table bare replica identity full;
  grant select on bare to authenticated;

  create table keyless (id int primary key, body text);
  grant select (body) on keyless to authenticated;

  create table closed (id int primary key);

  create table bulky (id int primary key, kind text, body text);
  alter table bulky alter body set storage external;
  grant select on bulky to authenticated;
  create table bulky_whole (id int primary key, kind text, body text);
  alter table bulky_whole alter body set storage external;
  alter table bulky_whole replica identity full;
  grant select on bulky_whole to authenticated;

  create table listed (id int primary key, shown text, hidden text, twice int generated always as (id * 2) stored);
  grant select on listed to authenticated;

  create table unfollowed (id int primary key);
  grant select on unfollowed to authenticated;

  create schema other;
  grant usage on schema other to authenticated;
  create table other."Odd ""name" (id int primary key, "a.b" text);
  grant select on other."Odd ""name" to authenticated;

  alter publication supabase_realtime add table unfollowed;
  alter publication supabase_realtime add table
    markers, notes, plain, whole, coded, paired, bare, keyless, closed, bulky, bulky_whole, listed (id, shown),
    other."Odd ""name";
`

const rt = useRouter((owner) => owner.script(TABLES), { unfollowed: ['unfollowed'] })

const run = (text: string, parameters: (string | number)[] = []) => rt().owner.query(text, parameters)
const transaction = (...statements: string[]) =>
  rt().owner.transaction(async (tx) => {
    for (const statement of statements) await tx.query(statement)
  })

const MARKER_ID = 99

const active: ActiveSubscription[] = []
afterEach(() => {
  for (const subscription of active.splice(0)) subscription.unsubscribe()
})

/** A subscription whose channel also hears markers: when one has come, everything before it has. */
async function watch(subscriber = ALICE, ...wanted: WantedChanges[]) {
  const channel = new RecordingChannel()
  active.push((await rt().follow(subscriber, { table: 'markers' }, channel, MARKER_ID)).subscription)
  const isMarker = ({ ids }: Frame): boolean => ids.includes(MARKER_ID)
  /** Until what was done so far has come. */
  async function catchUp(): Promise<void> {
    const [marker] = await rt().owner.query<{ id: number }>('insert into markers default values returning id')
    const hasCome = (frame: Frame): boolean => isMarker(frame) && frame.data.record?.id === marker?.id
    while (!channel.frames.some(hasCome)) await channel.reach(channel.frames.length + 1)
  }
  // What was done before is not to be taken for what comes.
  await catchUp()
  const subscriptions: ActiveSubscription[] = []
  for (const [index, one] of wanted.entries()) {
    subscriptions.push((await rt().follow(subscriber, one, channel, index + 1)).subscription)
  }
  active.push(...subscriptions)
  return {
    channel,
    subscriptions,
    /** Everything that came until now, in order. */
    async frames(): Promise<Frame[]> {
      await catchUp()
      return channel.frames.filter((frame) => !isMarker(frame))
    },
    async summary(): Promise<unknown[]> {
      return (await this.frames()).map(({ data: { type, record, old_record } }) => [
        type,
        ...(record ? [record] : []),
        ...(old_record ? [old_record] : []),
      ])
    },
  }
}

const refusal = async (wanted: WantedChanges, subscriber = ALICE): Promise<string> => {
  const request = changeRequest(wanted)
  return rt()
    .router.subscribe({ channel: new RecordingChannel(), id: 1, subscriber, request })
    .then(
      () => 'accepted',
      (error) => {
        expect(error).toBeInstanceOf(SubscriptionRefused)
        return error.message
      },
    )
}

describe('a change', () => {
  it('arrives as Supabase sends it', async () => {
    const watched = await watch(ALICE, { table: 'plain' })
    await run("insert into plain values (1, 'a', 10)")
    await run('update plain set rank = 11 where id = 1')
    await run('update plain set id = 2 where id = 1')
    await run('delete from plain where id = 2')
    const frames = await watched.frames()
    const columns =
      '[{"name":"id","type":"int4"},{"name":"kind","type":"text"},{"name":"rank","type":"int4"}]'
    const head = (type: string) =>
      `{"schema":"public","table":"plain","type":"${type}","commit_timestamp":"…","columns":${columns},`
    expect(
      frames.map(({ text }) => text.replace(/"commit_timestamp":"[^"]*"/, '"commit_timestamp":"…"')),
    ).toEqual([
      `${head('INSERT')}"record":{"id":1,"kind":"a","rank":10},"errors":null}`,
      `${head('UPDATE')}"record":{"id":1,"kind":"a","rank":11},"old_record":{"id":1},"errors":null}`,
      `${head('UPDATE')}"record":{"id":2,"kind":"a","rank":11},"old_record":{"id":1},"errors":null}`,
      `${head('DELETE')}"old_record":{"id":2},"errors":null}`,
    ])
    for (const { data } of frames) {
      expect(data.commit_timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(Math.abs(Date.parse(data.commit_timestamp!) - Date.now())).toBeLessThan(60_000)
    }
  })

  it('comes in the order of the commit, with all statements of its transaction, and never after a rollback', async () => {
    const watched = await watch(ALICE, { table: 'plain' }, { table: 'whole' })
    await transaction(
      "insert into plain values (10, 'a', 1), (11, 'b', 2)",
      "insert into whole values (10, 'w', 1)",
      'update plain set rank = 3 where id = 10',
      'update plain set rank = 3 where id = 10',
      'savepoint here',
      "insert into plain values (12, 'c', 3)",
      'rollback to savepoint here',
      'delete from plain where id = 11',
    )
    await transaction("insert into plain values (13, 'd', 4)", 'select 1 / 0').catch(() => {})
    await run("insert into plain values (14, 'e', 5)")
    expect(await watched.summary()).toEqual([
      ['INSERT', { id: 10, kind: 'a', rank: 1 }],
      ['INSERT', { id: 11, kind: 'b', rank: 2 }],
      ['INSERT', { id: 10, kind: 'w', rank: 1 }],
      ['UPDATE', { id: 10, kind: 'a', rank: 3 }, { id: 10 }],
      ['UPDATE', { id: 10, kind: 'a', rank: 3 }, { id: 10 }],
      ['DELETE', { id: 11 }],
      ['INSERT', { id: 14, kind: 'e', rank: 5 }],
    ])
  })

  it('that a trigger makes comes after the one that caused it', async () => {
    await rt().owner.script(`
      create function echo() returns trigger language plpgsql as $$
        begin insert into whole values (new.id, 'echo', 0); return null; end $$;
      create trigger a_first after insert on plain for each row execute function echo();
    `)
    const watched = await watch(ALICE, { table: 'plain' }, { table: 'whole' })
    await run("insert into plain values (20, 'a', 1), (21, 'b', 1)")
    await run('drop trigger a_first on plain')
    const order = (await watched.frames()).map(({ data }) => `${data.table} ${data.record?.id}`)
    // The log has what a statement did before what its triggers did; NOTIFY goes row by row.
    const [first, second] = rt().engine === 'server' ? ['plain 21', 'whole 20'] : ['whole 20', 'plain 21']
    expect(order).toEqual(['plain 20', first, second, 'whole 21'])
  })

  it('of many rows in one statement arrives whole', async () => {
    const watched = await watch(ALICE, { table: 'plain', filter: 'kind=eq.many' })
    await run("insert into plain select n, 'many', n from generate_series(1000, 1999) n")
    const frames = await watched.frames()
    expect(frames.map(({ data }) => data.record?.id)).toEqual(
      Array.from({ length: 1000 }, (_, n) => 1000 + n),
    )
  })
})

describe('the replica identity decides what is known of the old row', () => {
  it('full: everything', async () => {
    const watched = await watch(ALICE, { table: 'whole', filter: 'id=gte.100' })
    await run("insert into whole values (100, 'a', null)")
    await run('update whole set rank = 1 where id = 100')
    await run('delete from whole where id = 100')
    expect(await watched.summary()).toEqual([
      ['INSERT', { id: 100, kind: 'a', rank: null }],
      ['UPDATE', { id: 100, kind: 'a', rank: 1 }, { id: 100, kind: 'a', rank: null }],
      ['DELETE', { id: 100, kind: 'a', rank: 1 }],
    ])
  })

  it('an index: its columns, for an update only where it changed them; clients are told the primary key otherwise', async () => {
    const watched = await watch(ALICE, { table: 'coded' })
    await run("insert into coded values (1, 'x', 'a')")
    await run("update coded set kind = 'b' where id = 1")
    await run("update coded set code = 'y' where id = 1")
    await run('update coded set id = 2 where id = 1')
    await run('delete from coded where id = 2')
    expect(await watched.summary()).toEqual([
      ['INSERT', { id: 1, code: 'x', kind: 'a' }],
      ['UPDATE', { id: 1, code: 'x', kind: 'b' }, { id: 1 }],
      ['UPDATE', { id: 1, code: 'y', kind: 'b' }, { code: 'x' }],
      ['UPDATE', { id: 2, code: 'y', kind: 'b' }, { id: 2 }],
      ['DELETE', { code: 'y' }],
    ])
  })
})

describe('large values', () => {
  /** Stored out of line, and too long for NOTIFY; `repeat` keeps it out of what a failure prints. */
  const long = 'x'.repeat(9_000)

  it('over 8 kB, NOTIFY’s limit, arrive', async () => {
    const watched = await watch(ALICE, { table: 'bulky' })
    await transaction(
      `insert into bulky values (1, 'a', '${long}')`,
      "insert into bulky values (2, 'b', 'short')",
      `insert into bulky values (3, 'c', '${long}')`,
    )
    expect(
      (await watched.frames()).map(({ data }) => [data.record?.id, String(data.record?.body).length]),
    ).toEqual([
      [1, 9_000],
      [2, 5],
      [3, 9_000],
    ])
    expect(await run('select count(*)::int as left from muster.change_outbox')).toEqual([{ left: 0 }])
  })

  it('that an update leaves alone are not in it, unless the old row has them', async () => {
    await run(`insert into bulky values (10, 'a', '${long}')`)
    await run(`insert into bulky_whole values (10, 'a', '${long}')`)
    const watched = await watch(ALICE, { table: 'bulky' }, { table: 'bulky_whole' })
    await run("update bulky set kind = 'b' where id = 10")
    await run("update bulky_whole set kind = 'b' where id = 10")
    await run(`update bulky set body = '${long}' where id = 10`)
    await run("update bulky set body = 'short', kind = 'c' where id = 10")
    await run("update bulky set kind = 'd' where id = 10")
    expect(await watched.summary()).toEqual([
      ['UPDATE', { id: 10, kind: 'b' }, { id: 10 }],
      ['UPDATE', { id: 10, kind: 'b', body: long }, { id: 10, kind: 'a', body: long }],
      ['UPDATE', { id: 10, kind: 'b', body: long }, { id: 10 }],
      ['UPDATE', { id: 10, kind: 'c', body: 'short' }, { id: 10 }],
      ['UPDATE', { id: 10, kind: 'd', body: 'short' }, { id: 10 }],
    ])
  })

  it('are filtered by what the table has, where the change does not bring them', async () => {
    await run(`insert into bulky values (20, 'a', '${long}'), (21, 'a', null)`)
    const watched = await watch(
      ALICE,
      { table: 'bulky', filter: 'body=not.is.null' },
      { table: 'bulky', filter: 'body=like.y%' },
      { table: 'bulky', filter: `body=eq.${long}` },
    )
    await run("update bulky set kind = 'b' where id in (20, 21)")
    expect((await watched.frames()).map(({ ids, data }) => [ids, data.record])).toEqual([
      [[1, 3], { id: 20, kind: 'b' }],
    ])
  })

  it('over 1 MiB come as short values and an error', async () => {
    const watched = await watch(ALICE, { table: 'bulky' })
    await run(`insert into bulky values (30, 'a', repeat('x', 1048576))`)
    await run(`insert into bulky values (31, 'a', repeat('x', 1048576 - 3))`)
    const [over, under] = await watched.frames()
    expect(over?.data).toMatchObject({
      record: { id: 30, kind: 'a' },
      errors: ['Error 413: Payload Too Large'],
    })
    expect(over?.data.record).not.toHaveProperty('body')
    expect(under?.data.errors).toBeNull()
    expect(String(under?.data.record?.body)).toHaveLength(1048576 - 3)
  })
})

describe('values', () => {
  const VALUES: [type: string, literal: string, json: string, typname?: string][] = [
    ['bool', 'true', 'true'],
    ['int2', '-5', '-5'],
    ['int8', '9007199254740993', '9007199254740993'],
    ['float4', '1.5e-7', '0.00000015'],
    ['float8', '0.1', '0.1'],
    ['float8', "'NaN'", 'null'],
    ['float8', "'-Infinity'", 'null'],
    ['numeric', '1.50', '1.50'],
    ['numeric', "'NaN'", 'null'],
    ['money', "'1234.5'", '"$1,234.50"'],
    [
      'text',
      "'quote \" backslash \\ new' || chr(10) || 'line, comma ()'",
      '"quote \\" backslash \\\\ new\\nline, comma ()"',
    ],
    ['text', "''", '""'],
    ['text', 'null', 'null'],
    ['varchar(20)', "'é€🙂'", '"é€🙂"', 'varchar'],
    ['char(4)', "'ab'", '"ab  "', 'bpchar'],
    ['"char"', "'x'", '"x"', 'char'],
    ['name', "'n'", '"n"'],
    ['bytea', "'\\xdeadBEEF'", '"deadbeef"'],
    ['json', `'{"b": 1.0,  "a": [true]}'`, '{"b": 1.0,  "a": [true]}'],
    ['jsonb', `'{"b": 1.0,  "a": [true]}'`, '{"a": [true], "b": 1.0}'],
    ['jsonb', "'null'", 'null'],
    ['uuid', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
    ['date', "'2024-02-29'", '"2024-02-29"'],
    ['time', "'12:34:56.5'", '"12:34:56.5"'],
    ['timetz', "'12:34:56+02'", '"12:34:56+02"'],
    ['timestamp', "'2024-02-29 12:34:56.123456'", '"2024-02-29T12:34:56.123456"'],
    ['timestamptz', "'2024-02-29 12:34:56.123456+02:30'", '"2024-02-29T10:04:56.123456+00:00"'],
    ['timestamptz', "'infinity'", '"infinity"'],
    ['interval', "'1 year 2 days 03:04:05'", '"1 year 2 days 03:04:05"'],
    ['inet', "'192.168.1.1'", '"192.168.1.1"'],
    ['cidr', "'10.0.0.0/8'", '"10.0.0.0/8"'],
    ['macaddr', "'08:00:2b:01:02:03'", '"08:00:2b:01:02:03"'],
    ['oid', '42', '"42"'],
    ['int4range', "'[1,5)'", '"[1,5)"'],
    ['point', "'(1,2)'", '"(1,2)"'],
    ['bit(3)', "b'101'", '"101"', 'bit'],
    ['tsvector', "'a:1 b:2'", "\"'a':1 'b':2\""],
    ['int4[]', "'{1,NULL,3}'", '[1,null,3]', '_int4'],
    ['int4[]', "'{{1,2},{3,4}}'", '[[1,2],[3,4]]', '_int4'],
    ['text[]', `'{"a, b",NULL,"NULL","q\\"","{}"}'`, '["a, b",null,"NULL","q\\"","{}"]', '_text'],
    ['text[]', "'{}'", '[]', '_text'],
    ['bool[]', "'{t,f}'", '[true,false]', '_bool'],
    ['box[]', "'{(1,1),(0,0);(2,2),(1,1)}'", '["(1,1),(0,0)","(2,2),(1,1)"]', '_box'],
    ['timestamptz[]', "'{2024-02-29 12:34:56+00}'", '["2024-02-29T12:34:56+00:00"]', '_timestamptz'],
    ['jsonb[]', `array['{"a": "}"}'::jsonb]`, '[{"a": "}"}]', '_jsonb'],
    ['mood', "'so so'", '"so so"'],
    ['mood[]', "'{happy}'", '["happy"]', '_mood'],
    ['positive', '5', '5'],
    ['pair', "row(1, 'b c')", '"(1,\\"b c\\")"'],
    [
      'geography(Point,4326)',
      "'SRID=4326;POINT(4.9 52.3)'",
      '"0101000020E61000009A999999999913406666666666264A40"',
      'geography',
    ],
    [
      'geometry(Point,4326)',
      "'SRID=4326;POINT(4.9 52.3)'",
      '{"type":"Point","crs":{"type":"name","properties":{"name":"EPSG:4326"}},"coordinates":[4.9,52.3]}',
      'geometry',
    ],
    ['xid8', "'12345678901'", '"12345678901"'],
  ]

  it('look in JSON as PostgreSQL’s to_jsonb prints them, in Supabase’s forms', async () => {
    await rt().owner.script(`
      create type mood as enum ('happy', 'so so');
      create domain positive as int check (value > 0);
      create type pair as (a int, b text);
      create table samples (id int primary key, ${VALUES.map(([type], index) => `c${index} ${type}`).join(', ')});
      alter table samples replica identity full;
      grant select on samples to authenticated;
      alter publication supabase_realtime add table samples;
    `)
    const watched = await watch(ALICE, { table: 'samples' })
    await run(`insert into samples values (1, ${VALUES.map(([, literal]) => literal).join(', ')})`)
    // The writer's settings are not the reader's.
    await rt().owner.transaction(async (tx) => {
      for (const setting of [
        "timezone = 'Asia/Tokyo'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        'extra_float_digits = -5',
      ]) {
        await tx.query(`set local ${setting}`)
      }
      await tx.query('update samples set id = 2')
    })
    const [inserted, updated] = await watched.frames()
    const members = (text: string): string[] => {
      const record = text.slice(text.indexOf('"record":{') + '"record":'.length)
      return VALUES.map((_, index) => {
        const start = record.indexOf(`"c${index}":`) + `"c${index}":`.length
        const end = record.indexOf(index === VALUES.length - 1 ? '}' : `,"c${index + 1}":`, start)
        return record.slice(start, end)
      })
    }
    const expected = VALUES.map(([, , json]) => json)
    expect(members(inserted!.text)).toEqual(expected)
    expect(members(updated!.text)).toEqual(expected)
    expect(inserted!.data.columns.slice(1).map(({ type }) => type)).toEqual(
      VALUES.map(([type, , , typname]) => typname ?? type),
    )
    await run('drop table samples')
  })

  it('of geometries are the GeoJSON that PostGIS makes of them', async () => {
    const shapes = [
      'POINT(1.123456789012345678 -2.5)',
      'POINT EMPTY',
      'SRID=28992;LINESTRING(1 2 3,4 5 6)',
      'POINT ZM (1 2 3 4)',
      'POINT M (1 2 3)',
      'SRID=4326;POLYGON((0 0,3 0,3 3,0 0),(1 1,2 1,2 2,1 1))',
      'MULTIPOINT((1 2),(0.1 1e-10))',
      'MULTILINESTRING((0 0,1 1),(2 2,3 3))',
      'MULTIPOLYGON(((0 0,1 0,1 1,0 0)))',
      'SRID=4326;GEOMETRYCOLLECTION(POINT(1e20 123456789.123456789),LINESTRING(0 0,1 1))',
      'GEOMETRYCOLLECTION EMPTY',
    ]
    for (const shape of shapes) {
      const [row] = await rt().owner.query<{ hex: string; json: string }>(
        'select g::text as hex, to_jsonb(g)::text as json from (select $1::geometry as g) s',
        [shape],
      )
      expect(JSON.parse(geometryToJson(row!.hex)), shape).toEqual(JSON.parse(row!.json))
    }
    // PostGIS refuses this one; a change has to say something.
    const [arc] = await rt().owner.query<{ hex: string }>(
      "select 'CIRCULARSTRING(0 0,1 1,2 0)'::geometry::text as hex",
    )
    expect(geometryToJson(arc!.hex)).toBe(JSON.stringify(arc!.hex))
  })

  it('of columns and tables with any name arrive', async () => {
    const watched = await watch(ALICE, { schema: 'other', table: 'Odd "name', filter: 'a.b=eq.x' })
    await run(`insert into other."Odd ""name" values (1, 'x')`)
    expect((await watched.frames())[0]?.data).toMatchObject({
      schema: 'other',
      table: 'Odd "name',
      record: { id: 1, 'a.b': 'x' },
    })
  })

  it('are those of published columns, and of no generated one', async () => {
    const watched = await watch(ALICE, { table: 'listed' })
    await run("insert into listed values (1, 'shown', 'hidden')")
    const [frame] = await watched.frames()
    expect(frame?.data.columns).toEqual([
      { name: 'id', type: 'int4' },
      { name: 'shown', type: 'text' },
    ])
    expect(frame?.data.record).toEqual({ id: 1, shown: 'shown' })
  })
})

describe('a subscription', () => {
  it('gets the events that it asks for', async () => {
    const watched = await watch(
      ALICE,
      { table: 'plain', event: 'INSERT' },
      { table: 'plain', event: 'UPDATE' },
      { table: 'plain', event: 'DELETE' },
      { table: 'plain' },
    )
    await run("insert into plain values (200, 'a', 1)")
    await run('update plain set rank = 2 where id = 200')
    await run('delete from plain where id = 200')
    expect((await watched.frames()).map(({ ids, data }) => [data.type, ids])).toEqual([
      ['INSERT', [1, 4]],
      ['UPDATE', [2, 4]],
      ['DELETE', [3, 4]],
    ])
  })

  it('gets one frame per change with all its ids, and one for each selection of columns', async () => {
    const watched = await watch(
      ALICE,
      { table: 'plain' },
      { table: 'plain', select: ['kind'] },
      { table: 'plain', filter: 'rank=eq.1' },
      { table: 'plain', select: ['kind', 'kind', 'id'] },
    )
    await run("insert into plain values (210, 'a', 1)")
    expect((await watched.frames()).map(({ ids, data }) => [ids, data.record])).toEqual([
      [[1, 3], { id: 210, kind: 'a', rank: 1 }],
      [[2], { id: 210, kind: 'a' }],
      [[4], { id: 210, kind: 'a' }],
    ])
  })

  it('means every published table that its role may read, by a wildcard', async () => {
    const everything = await watch(ALICE, { schema: '*', table: '*', event: 'INSERT' })
    const ofSchema = await watch(ALICE, { schema: 'other', table: '*' })
    await run("insert into plain values (220, 'a', 1)")
    await run('insert into closed values (220)')
    await run(`insert into other."Odd ""name" values (220, 'x')`)
    expect((await everything.frames()).map(({ data }) => data.table)).toEqual(['plain', 'Odd "name'])
    expect((await ofSchema.frames()).map(({ data }) => data.table)).toEqual(['Odd "name'])
  })

  it('ends at once', async () => {
    const watched = await watch(ALICE, { table: 'plain' }, { table: 'plain' })
    watched.subscriptions[0]?.unsubscribe()
    watched.subscriptions[0]?.unsubscribe()
    await run("insert into plain values (230, 'a', 1)")
    expect((await watched.frames()).map(({ ids }) => ids)).toEqual([[2]])
  })

  it('of a channel that fails does not affect other subscribers', async () => {
    const failing = {
      deliver: () => {
        throw new Error('This channel is broken.')
      },
    }
    await rt().router.subscribe({
      channel: failing,
      id: 1,
      subscriber: ALICE,
      request: changeRequest({ table: 'plain' }),
    })
    const watched = await watch(ALICE, { table: 'plain' })
    await run("insert into plain values (240, 'a', 1)")
    expect(await watched.frames()).toHaveLength(1)
  })

  const FILTERS: [filter: string, matches: number[]][] = [
    ['kind=eq.b', [302]],
    ['kind=neq.b', [301, 303, 304]],
    ['rank=lt.20', [301]],
    ['rank=lte.20', [301, 302]],
    ['rank=gt.20', [303]],
    ['rank=gte.20', [302, 303]],
    ['kind=in.(a,b)', [301, 302]],
    ['kind=not.in.(a,b)', [303, 304]],
    ['rank=is.null', [304]],
    ['rank=not.is.null', [301, 302, 303]],
    ['kind=like.%e', [304]],
    ['kind=ilike.A', [301]],
    ['kind=match.^[ab]$', [301, 302]],
    ['kind=imatch.^[AB]$', [301, 302]],
    ['rank=isdistinct.10', [302, 303, 304]],
    ['rank=gte.10,kind=neq.a', [302, 303]],
    ['rank=eq.010', [301]],
    ['kind=eq."c,d"', [303]],
  ]
  it.each(FILTERS)('with the filter %s', async (filter, matches) => {
    const watched = await watch(ALICE, { table: 'plain', filter, event: 'INSERT' })
    await run("insert into plain values (301, 'a', 10), (302, 'b', 20), (303, 'c,d', 30), (304, 'one', null)")
    await run('delete from plain where id between 301 and 304')
    expect((await watched.frames()).map(({ data }) => data.record?.id)).toEqual(matches)
  })

  it('is judged by the values that the change brought, not by those of later', async () => {
    const watched = await watch(ALICE, { table: 'plain', filter: 'kind=like.first%' })
    await transaction(
      "insert into plain values (310, 'first', 1)",
      "update plain set kind = 'second' where id = 310",
    )
    expect(await watched.summary()).toEqual([['INSERT', { id: 310, kind: 'first', rank: 1 }]])
  })
})

describe('row level security', () => {
  it('lets changes through to those who see the row, in the present state of the table', async () => {
    const [alice, bob] = [await watch(ALICE, { table: 'notes' }), await watch(BOB, { table: 'notes' })]
    const anonymous = await watch(ANON, { table: '*' })
    await run('insert into notes values (1, $1, $2, $3, 1)', [SUBJECTS.alice, 'mine', 'hush'])
    expect(await alice.summary()).toEqual([
      ['INSERT', { id: 1, owner: SUBJECTS.alice, body: 'mine', rank: 1 }],
    ])
    expect(await bob.summary()).toEqual([])
    await run('update notes set owner = $1 where id = 1', [SUBJECTS.bob])
    // Alice is not told that it left her view; Bob learns of it by an update.
    expect(await alice.frames()).toHaveLength(1)
    expect(await bob.summary()).toEqual([
      ['UPDATE', { id: 1, owner: SUBJECTS.bob, body: 'mine', rank: 1 }, { id: 1 }],
    ])
    expect(await anonymous.frames()).toEqual([])
  })

  it('drops a change whose row is gone when it is looked for', async () => {
    const watched = await watch(ALICE, { table: 'notes', event: 'INSERT' })
    await transaction(
      `insert into notes values (10, '${SUBJECTS.alice}', 'gone', null, 1)`,
      'delete from notes where id = 10',
    )
    expect(await watched.frames()).toEqual([])
  })

  it('tells of a deleted row its key alone, and to everybody who may read keys', async () => {
    await run('insert into notes values (20, $1, $2, null, 1)', [SUBJECTS.alice, 'mine'])
    const [alice, bob] = [await watch(ALICE, { table: 'notes' }), await watch(BOB, { table: 'notes' })]
    await run('delete from notes where id = 20')
    expect(await alice.summary()).toEqual([['DELETE', { id: 20 }]])
    expect(await bob.summary()).toEqual([['DELETE', { id: 20 }]])
  })

  it('lets no filter probe the values of a deleted row that it may not see', async () => {
    await run('alter table notes replica identity full')
    await run('insert into notes values (30, $1, $2, null, 7)', [SUBJECTS.alice, 'mine'])
    const bob = await watch(
      BOB,
      { table: 'notes', filter: 'rank=eq.7' },
      { table: 'notes', filter: 'id=eq.30' },
      { table: 'notes', filter: 'id=eq.31' },
    )
    await run('delete from notes where id = 30')
    await run('alter table notes replica identity default')
    expect((await bob.frames()).map(({ ids, data }) => [ids, data.old_record])).toEqual([[[2], { id: 30 }]])
  })

  it('holds for keys of several columns with any value', async () => {
    const watched = await watch(ALICE, { table: 'paired' })
    await run(
      "insert into paired values (1, 'a ''quoted'' \"key\" \\', 'x'), (1, 'hidden \"quoted\"\\', 'y')",
    )
    await run("insert into paired values (2, '', 'z'), (2, '{,}', 'z')")
    expect(await watched.summary()).toEqual([
      ['INSERT', { a: 1, b: 'a \'quoted\' "key" \\', body: 'x' }],
      ['INSERT', { a: 2, b: '', body: 'z' }],
      ['INSERT', { a: 2, b: '{,}', body: 'z' }],
    ])
  })

  it('that fails for one subscriber does not affect the others', async () => {
    await rt().owner.script(`
      create table fragile (id int primary key);
      alter table fragile enable row level security;
      grant select on fragile to authenticated;
      create policy fragile_read on fragile for select to authenticated
        using (1 / coalesce((auth.jwt() ->> 'divisor')::int, 1) = 1);
      alter publication supabase_realtime add table fragile;
    `)
    const before = rt().router.health.failedChecks
    const good = await watch(ALICE, { table: 'fragile' })
    const bad = await watch(authenticated({ sub: SUBJECTS.bob, divisor: 0 }), { table: 'fragile' })
    const worse = await watch(authenticated({ sub: SUBJECTS.bob, divisor: 'x' }), { table: 'fragile' })
    await run('insert into fragile values (1)')
    await run('insert into fragile values (2), (3)')
    expect((await good.frames()).map(({ data }) => data.record)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
    expect(await bad.frames()).toEqual([])
    expect(await worse.frames()).toEqual([])
    expect(rt().router.health.failedChecks).toBeGreaterThan(before)
    expect(rt().gaps).toEqual([])
  })

  it('is asked once for all who have the same claims', async () => {
    const same = await Promise.all(Array.from({ length: 5 }, () => watch(ALICE, { table: 'notes' })))
    const [{ subscribers }, { checks }] = [rt().router.health, rt().router.health]
    expect(subscribers).toBeLessThan(rt().router.health.subscriptions)
    await watch(BOB, { table: 'notes', filter: 'id=eq.40' })
    await run('insert into notes values (41, $1, $2, null, 1)', [SUBJECTS.alice, 'mine'])
    for (const { frames } of same.map((one) => ({ frames: () => one.frames() })))
      expect(await frames()).toHaveLength(1)
    // Alice's, and those of earlier subscriptions to the table of hers and Bob's: never one per channel.
    expect(rt().router.health.checks - checks).toBeLessThanOrEqual(2)
  })

  it('is checked whether or not the filter matches, so that response times reveal nothing', async () => {
    const watched = await watch(BOB, { table: 'notes', filter: 'rank=eq.77' })
    const pattern = vi.spyOn(compilePattern('match', 'hidden'), 'test')
    await watch(BOB, { table: 'notes', filter: 'body=match.hidden' })
    const asked = async (rank: number): Promise<number> => {
      const { checks } = rt().router.health
      await run('insert into notes values ($1, $2, $3, null, $4)', [rank, SUBJECTS.alice, 'hidden', rank])
      await watched.frames()
      return rt().router.health.checks - checks
    }
    expect(await asked(77)).toBe(await asked(78))
    expect(pattern).not.toHaveBeenCalled()
    pattern.mockRestore()
  })

  it('never shows an older state of a row than one that was visible', async () => {
    await rt().owner.script(`
      create table judged (id int primary key, open boolean, body text);
      create function may_see(judged_id int) returns boolean language sql stable security definer
        return exists (select from judged j where j.id = judged_id and j.open);
      alter table judged enable row level security;
      grant select (id, body) on judged to authenticated;
      create policy judged_read on judged for select to authenticated using (may_see(id));
      alter publication supabase_realtime add table judged;
    `)
    const alice = await watch(ALICE, { table: 'notes', filter: 'id=gte.90' }, { table: 'judged' })
    const note = (id: number, owner: string, body: string) =>
      `insert into notes values (${id}, '${owner}', '${body}', null, 1)`
    await transaction(
      note(90, SUBJECTS.bob, 'draft'),
      `update notes set owner = '${SUBJECTS.alice}', body = 'final' where id = 90`,
    )
    // By what the policy does not ask, a row may have changed meanwhile.
    await transaction(note(91, SUBJECTS.alice, 'mine'), "update notes set body = 'mine, too' where id = 91")
    // Where the policy asks a function, nobody knows by what it decides.
    await transaction(
      "insert into judged values (1, false, 'draft')",
      "update judged set body = 'final', open = true where id = 1",
    )
    expect((await alice.frames()).map(({ data }) => [data.type, data.record?.body])).toEqual([
      ['UPDATE', 'final'],
      ['INSERT', 'mine'],
      ['UPDATE', 'mine, too'],
      ['UPDATE', 'final'],
    ])
  })

  it('tells of the row before an update its key alone, however much the log has', async () => {
    await run('insert into notes values (95, $1, $2, null, 1)', [SUBJECTS.bob, 'draft'])
    await run('alter table notes replica identity full')
    const watched = await watch(ALICE, { table: 'notes' })
    await run("update notes set owner = $1, body = 'final' where id = 95", [SUBJECTS.alice])
    await run('alter table notes replica identity default')
    expect((await watched.frames()).map(({ data }) => [data.record?.body, data.old_record])).toEqual([
      ['final', { id: 95 }],
    ])
  })

  it('lets no filter probe the values of a row that cannot be looked for', async () => {
    await rt().owner.script(`
      create table veiled (id int primary key, body text);
      alter table veiled enable row level security;
      grant select (body) on veiled to authenticated;
      alter publication supabase_realtime add table veiled;
    `)
    const watched = await watch(ALICE, { table: 'veiled', filter: 'body=eq.guessed' }, { table: 'veiled' })
    await run("insert into veiled values (1, 'guessed')")
    expect((await watched.frames()).map(({ ids, data }) => [ids, data.errors])).toEqual([
      [[2], ['Error 401: Unauthorized']],
    ])
  })
})

describe('filters that only PostgreSQL can judge', () => {
  it('keep nobody else waiting, and their own channel in order', async () => {
    const slow = await watch(
      ALICE,
      { table: 'plain', filter: 'kind=gte.b' },
      { table: 'plain', event: 'DELETE' },
    )
    const quick = await watch(BOB, { table: 'plain' })
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const { checks } = rt()
    const ask = checks.transaction.bind(checks)
    const asked = vi.spyOn(checks, 'transaction').mockImplementation(async (...given) => {
      await gate
      return ask(...given)
    })
    await run("insert into plain values (401, 'a', 1), (402, 'b', 1)")
    await run('delete from plain where id = 401')
    expect(
      (await quick.frames()).map(({ data }) => [data.type, (data.record ?? data.old_record)?.id]),
    ).toEqual([
      ['INSERT', 401],
      ['INSERT', 402],
      ['DELETE', 401],
    ])
    expect(slow.channel.frames.filter(({ ids }) => !ids.includes(MARKER_ID))).toEqual([])
    open()
    expect((await slow.frames()).map(({ ids, data }) => [data.type, ids])).toEqual([
      ['INSERT', [1]],
      ['DELETE', [2]],
    ])
    asked.mockRestore()
  })
})

describe('what filters may cost', () => {
  const like = (n: number) => `kind=not.like.x${n}%`
  /** How many of the filters are granted to one socket, and why the rest is not. */
  async function granted(subscriber: typeof ALICE, filters: string[], socket: object = {}) {
    const refused = new Set<string>()
    let count = 0
    for (const filter of filters) {
      const request = changeRequest({ table: 'plain', filter })
      const wanted = { channel: new RecordingChannel(), socket, id: 1, subscriber, request }
      await rt()
        .router.subscribe(wanted)
        .then(
          (subscription) => {
            active.push(subscription)
            count += 1
          },
          (error: SubscriptionRefused) => refused.add(`${error.isTemporary} ${error.message}`),
        )
    }
    return { count, refused: [...refused] }
  }
  const filters = (count: number, conditions: (n: number) => string) =>
    Array.from({ length: count }, (_, n) =>
      Array.from({ length: 40 }, (_, m) => conditions(40 * n + m)).join(),
    )

  it('is limited per socket, and freed when the subscription ends', async () => {
    const { count, refused } = await granted(
      ANON,
      filters(20, (n) => `rank=neq.${n}`),
    )
    expect(count).toBe(Math.floor(MAX_CONDITIONS_PER_SOCKET / 40))
    expect(refused).toEqual([expect.stringMatching(/^false Too many conditions/)])
    for (const subscription of active.splice(0)) subscription.unsubscribe()
    expect(
      await granted(
        ANON,
        filters(2, (n) => `rank=neq.${n}`),
      ),
    ).toEqual({ count: 2, refused: [] })
  })

  it('is bounded for patterns, by their size', async () => {
    const { count, refused } = await granted(ANON, filters(12, like))
    expect(count).toBeLessThan(4)
    expect(refused).toEqual([expect.stringMatching(/^false Too many instructions/)])
  })

  it('is limited per user over all sockets', async () => {
    let count = 0
    for (let socket = 0; socket < 2 * SOCKETS_PER_CALLER; socket += 1) {
      count += (
        await granted(
          ALICE,
          filters(12, (n) => `rank=neq.${n}`),
        )
      ).count
    }
    expect(count).toBe(Math.floor((SOCKETS_PER_CALLER * MAX_CONDITIONS_PER_SOCKET) / 40))
    // Another user's are another's.
    expect(
      (
        await granted(
          BOB,
          filters(1, (n) => `rank=neq.${n}`),
        )
      ).count,
    ).toBe(1)
  })

  it.each(['kind=match."(((a|b)?){1,30}){1,30}"', 'kind=match."(a)\\\\1"', 'kind=imatch.(?=a)'])(
    'is refused at once for %s',
    async (filter) => {
      const { refused } = await granted(ALICE, [filter])
      expect(refused).toEqual([expect.stringMatching(/^false .*2201B/)])
    },
  )
})

describe('what a role may not read', () => {
  it('is not in the event', async () => {
    const watched = await watch(ALICE, { table: 'notes', filter: 'id=eq.50' })
    await run('insert into notes values (50, $1, $2, $3, 1)', [SUBJECTS.alice, 'mine', 'hush'])
    const [frame] = await watched.frames()
    expect(frame?.text).not.toContain('secret')
    expect(frame?.text).not.toContain('hush')
  })

  it('makes an event without data where it is the key, or there is none', async () => {
    const watched = await watch(ALICE, { table: 'keyless' }, { table: 'bare' })
    await run("insert into keyless values (1, 'a')")
    await run("insert into bare values ('a')")
    await run("update bare set body = 'b'")
    await run('delete from keyless where id = 1')
    expect((await watched.frames()).map(({ data }) => data)).toEqual([
      expect.objectContaining({
        table: 'keyless',
        columns: [],
        record: {},
        commit_timestamp: null,
        errors: ['Error 401: Unauthorized'],
      }),
      expect.objectContaining({
        table: 'bare',
        record: {},
        errors: ['Error 400: Bad Request, no primary key'],
      }),
      expect.objectContaining({ table: 'bare', record: {}, old_record: {} }),
    ])
  })

  it.each([
    [
      'a table that does not exist',
      { table: 'nothing' },
      'Please check Realtime is enabled for the given connect parameters: [event: *, schema: public, table: nothing, filters: [], select: nil]',
    ],
    [
      'a table that is not published',
      { table: 'users', event: 'INSERT' as const },
      'Please check Realtime is enabled for the given connect parameters: [event: INSERT, schema: public, table: users, filters: [], select: nil]',
    ],
    [
      'a table of a module that is switched off',
      { table: 'unfollowed' },
      'Please check Realtime is enabled for the given connect parameters: [event: *, schema: public, table: unfollowed, filters: [], select: nil]',
    ],
    [
      'a column that does not exist',
      { table: 'plain', filter: 'nothing=eq.1' },
      'An exception happened so please check your connect parameters: [event: *, schema: public, table: plain, filters: [{"nothing", "eq", "1", false}], select: nil]. Exception: ERROR P0001 (raise_exception) invalid column for filter nothing',
    ],
    [
      'a column that the role may not read',
      { table: 'notes', filter: 'secret=eq.x' },
      'invalid column for filter secret',
    ],
    [
      'a column that is not published',
      { table: 'listed', filter: 'hidden=eq.x' },
      'invalid column for filter hidden',
    ],
    [
      'a selected column that does not exist',
      { table: 'plain', select: ['nothing'] },
      'invalid column for select nothing',
    ],
    [
      'a value that the type refuses',
      { table: 'plain', filter: 'rank=eq.many' },
      'Exception: ERROR 22P02 (invalid_text_representation) invalid input syntax for type integer: "many"',
    ],
    [
      'an operator that the type lacks',
      { table: 'plain', filter: 'rank=like.1%' },
      'Exception: ERROR 42883 (undefined_function)',
    ],
    [
      'a broken pattern',
      { table: 'plain', filter: 'kind=match.[' },
      'Exception: ERROR 2201B (invalid_regular_expression)',
    ],
    [
      'a table of which the role may read nothing',
      { table: 'closed' },
      'Exception: ERROR 42501 (insufficient_privilege) permission denied for table closed',
    ],
  ])('refuses %s', async (_, wanted, message) => {
    const refused = await refusal(wanted)
    expect(refused).toMatch(/^Unable to subscribe to changes with given parameters\. /)
    expect(refused).toContain(message)
  })

  it('leaves nothing behind of a subscription that was refused', async () => {
    const before = rt().router.health
    await refusal({ table: 'plain', filter: 'nothing=eq.1' }, authenticated({ sub: 'new' }))
    expect(rt().router.health).toMatchObject({
      subscriptions: before.subscriptions,
      subscribers: before.subscribers,
    })
  })
})

describe('another token', () => {
  it('is checked from then on, and nothing is lost in between', async () => {
    const watched = await watch(ALICE, { table: 'notes', filter: 'id=gte.60' })
    await run('insert into notes values (60, $1, null, null, 1)', [SUBJECTS.alice])
    expect(await watched.frames()).toHaveLength(1)
    await watched.subscriptions[0]?.updateSubscriber(BOB)
    await run('insert into notes values (61, $1, null, null, 1)', [SUBJECTS.alice])
    await run('insert into notes values (62, $1, null, null, 1)', [SUBJECTS.bob])
    expect((await watched.frames()).map(({ data }) => data.record?.id)).toEqual([60, 62])
  })

  it('of another role ends a subscription that it does not allow', async () => {
    const watched = await watch(ALICE, { table: 'notes' })
    await expect(watched.subscriptions[0]?.updateSubscriber(ANON)).rejects.toThrow(/permission denied/)
    await run('insert into notes values (70, $1, null, null, 1)', [SUBJECTS.alice])
    expect(await watched.frames()).toEqual([])
  })
})

describe('definitions that change while they are followed', () => {
  it('hold for the changes after', async () => {
    await rt().owner.script(`
      create table growing (id int primary key, a text);
      alter table growing enable row level security;
      grant select on growing to authenticated;
      create policy growing_read on growing for select to authenticated using (true);
      alter publication supabase_realtime add table growing;
    `)
    const watched = await watch(ALICE, { table: 'growing' })
    await run("insert into growing values (1, 'x')")
    await run('alter table growing add column b int default 5')
    await run("insert into growing values (2, 'x', 6)")
    await run('alter table growing drop column a')
    await run('insert into growing values (3, 7)')
    await run('alter table growing rename column b to c')
    await run('insert into growing values (4, 8)')
    await run('alter table growing alter column c type text')
    await run("insert into growing values (5, '9')")
    await run('revoke select on growing from authenticated')
    await run('grant select (id) on growing to authenticated')
    await run("insert into growing values (6, '10')")
    await run('drop policy growing_read on growing')
    await run("insert into growing values (7, '11')")
    await run('create policy growing_read on growing for select to authenticated using (id <> 9)')
    await run("insert into growing values (8, '12'), (9, '13')")
    await run("insert into growing values (10, '14')")
    // A change is looked at a moment after it was made, in the state that the table has then.
    const ids = (await watched.frames()).map(({ data }) => data.record?.id)
    expect(ids).toEqual(expect.arrayContaining([8, 10]))
    expect(ids).not.toContain(9)
    const last = (await watched.frames()).at(-1)
    expect(last?.data).toMatchObject({ columns: [{ name: 'id', type: 'int4' }], record: { id: 10 } })
  })

  it('each step, one at a time', async () => {
    await rt().owner.script(`
      create table stepping (id int primary key, a text);
      grant select on stepping to authenticated;
      alter publication supabase_realtime add table stepping;
    `)
    const watched = await watch(ALICE, { table: 'stepping' })
    const step = async (definition: string, change: string): Promise<unknown> => {
      await run(definition)
      await run(change)
      return (await watched.summary()).at(-1)
    }
    expect(await step('select 1', "insert into stepping values (1, 'x')")).toEqual([
      'INSERT',
      { id: 1, a: 'x' },
    ])
    expect(
      await step('alter table stepping add column b int', "insert into stepping values (2, 'x', 6)"),
    ).toEqual(['INSERT', { id: 2, a: 'x', b: 6 }])
    expect(await step('alter table stepping drop column a', 'insert into stepping values (3, 7)')).toEqual([
      'INSERT',
      { id: 3, b: 7 },
    ])
    expect(
      await step('alter table stepping alter column b type text', "update stepping set b = 'y' where id = 3"),
    ).toEqual(['UPDATE', { id: 3, b: 'y' }, { id: 3 }])
    expect(
      await step('alter table stepping replica identity full', 'delete from stepping where id = 3'),
    ).toEqual(['DELETE', { id: 3, b: 'y' }])
    expect(
      await step('alter table stepping rename to stepped', "insert into stepped values (4, 'z')"),
    ).toEqual(['INSERT', { id: 4, b: 'z' }])
    expect((await watched.frames()).at(-1)?.data.table).toBe('stepped')
    await run('revoke all on stepped from authenticated')
    const gapsBefore = rt().gaps.length
    await run("insert into stepped values (5, 'z')")
    const count = (await watched.frames()).length
    expect(count).toBe(6)
    // Whoever named the table is told that it is over, and is refused with the reason on the next attempt.
    expect(rt().gaps.slice(gapsBefore)).toEqual([expect.stringContaining('does not fit')])
    await run('drop table stepped')
  })

  it('a table published later is followed, and one that is dropped is not known any more', async () => {
    await run('create table late (id int primary key)')
    await run('grant select on late to authenticated')
    expect(await refusal({ table: 'late' })).toContain('Please check Realtime is enabled')
    await run('alter publication supabase_realtime add table late')
    const watched = await watch(ALICE, { table: 'late' })
    await run('insert into late values (1)')
    expect(await watched.summary()).toEqual([['INSERT', { id: 1 }]])
    await run('alter publication supabase_realtime drop table late')
    await run('insert into late values (2)')
    expect(await watched.frames()).toHaveLength(1)
    expect(await refusal({ table: 'late' })).toContain('Please check Realtime is enabled')
  })

  it('an emptied table is a gap: there is no event for each of its rows', async () => {
    const before = rt().gaps.length
    const watched = await watch(ALICE, { table: 'plain' })
    await run('truncate plain')
    expect(await watched.frames()).toEqual([])
    expect(rt().gaps.slice(before)).toEqual(['A published table was emptied.'])
  })
})
