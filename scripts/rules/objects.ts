import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { catalogBlocks } from '../../src/platform/db/migrations/catalog-difference.ts'
import { describeCatalogWithin } from '../../src/platform/db/migrations/describe-catalog.ts'
import type { Origins, Source } from './schema-files.ts'

/** Kinds in the order in which the objects of one database can be made, where no dependency says otherwise. */
const KINDS = [
  'type',
  'relation',
  'function',
  'view',
  'constraint',
  'index',
  'trigger',
  'policy',
  'publication',
] as const

/** An object that a rule is made of. */
export interface RuleObject {
  /** Kind and name: the same object in two databases has the same key. */
  readonly key: string
  readonly kind: (typeof KINDS)[number]
  /** Makes it, as the database would write it; null where a database does not tell (tables, sequences, types). */
  readonly create: string | null
  readonly drop: string
  /** What `create or replace` cannot change; null where an object is dropped and made again. */
  readonly shape: string | null
  /** The key of the relation with which it goes; null for what stands by itself. */
  readonly of: string | null
  /** The keys of the objects that have to be there before it. */
  readonly needs: readonly string[]
  /** Sorts the objects of one database: those before it do not need it. */
  readonly place: number
  /** The statement of the files that made it, in a database that was built from them. */
  readonly origin: Source | undefined
}

/** Something about an object: an owner, a switch. */
export interface Setting {
  readonly object: string
  readonly value: string
  /** Sets the value. */
  readonly statement: string
  /** The value of a new object. */
  readonly initial: string
}

/** One privilege of one role. */
export interface Privilege {
  readonly object: string
  /** As `grant` has it: `function muster.fail(text, text)`. */
  readonly on: string
  readonly grantee: string
  readonly privilege: string
  /** Null for the whole object. */
  readonly column: string | null
  readonly grantable: boolean
}

export interface Comment {
  /** The object's key; null where it is not a `RuleObject` (a column). */
  readonly object: string | null
  /** As `comment` has it: `function muster.fail(text, text)`. */
  readonly on: string
  readonly text: string
  readonly statement: string
  readonly origin: Source | undefined
}

/** The rules of a database: what `db:rule` can write statements for, and the whole catalog to check them by. */
export interface Rules {
  readonly blocks: ReadonlyMap<string, string>
  readonly objects: ReadonlyMap<string, RuleObject>
  readonly settings: ReadonlyMap<string, Setting>
  readonly privileges: ReadonlyMap<string, Privilege>
  readonly comments: ReadonlyMap<string, Comment>
}

/** A relation's name with its schema, whatever the search_path. */
const named = (oid: string): string =>
  `(select format('%s.%I', r.relnamespace::regnamespace, r.relname) from pg_catalog.pg_class r where r.oid = ${oid})`

/** Of a row of `pg_class`, as statements have it. */
const KIND_OF_RELATION = `case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end`

/** True for objects of schemas that hold rules, not brought by an extension. */
const ours = (catalog: string, oid: string, namespace: string): string => `
  ${namespace} in (
    select oid from pg_catalog.pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'drizzle')
  )
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e'
  )`

/**
 * Every object with its identity. Runs under the search_path of the migrations, so that what it writes means the same there:
 * PostGIS may live in `extensions` or in `public`.
 */
const OBJECTS = `
  with object as (
    select
      'function' as kind, 'pg_proc'::regclass as classid, p.oid, format('function %s', p.oid::regprocedure) as key,
      pg_get_functiondef(p.oid) as create,
      format('drop %s %s', case prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as drop,
      concat_ws(' ', prokind, pg_get_function_result(p.oid), pg_get_function_arguments(p.oid)) as shape, null::oid as relation
    from pg_proc p
    where prokind <> 'a' and ${ours('pg_proc', 'p.oid', 'pronamespace')}
      -- Follow the publication, and are made at each start of the service on the embedded engine.
      and not (pronamespace::regnamespace::text = 'muster' and proname ~ '^capture_[0-9]+$')

    union all
    select
      case when relkind in ('v', 'm') then 'view' else 'relation' end, 'pg_class'::regclass, c.oid,
      format('%s %s', ${KIND_OF_RELATION}, ${named('c.oid')}),
      case when relkind in ('v', 'm') then
        format('create %s %s%s as%s%s', ${KIND_OF_RELATION}, ${named('c.oid')}, ' with (' || array_to_string(reloptions, ', ') || ')', E'\\n', pg_get_viewdef(c.oid))
      end,
      format('drop %s %s', ${KIND_OF_RELATION}, ${named('c.oid')}),
      null, null
    from pg_class c
    where relkind in ('r', 'p', 'v', 'm', 'S') and ${ours('pg_class', 'c.oid', 'relnamespace')}
      -- A sequence of a column goes with it.
      and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and relkind = 'S'
      )

    union all
    select
      'type', 'pg_type'::regclass, t.oid, format('type %s', t.oid::regtype), null, format('drop type %s', t.oid::regtype), null, null
    from pg_type t
    left join pg_class c on c.oid = typrelid
    where (typtype in ('e', 'd', 'r') or c.relkind = 'c') and ${ours('pg_type', 't.oid', 'typnamespace')}

    union all
    select
      'trigger', 'pg_trigger'::regclass, t.oid, format('trigger %I on %s', tgname, ${named('tgrelid')}),
      pg_get_triggerdef(t.oid),
      format('drop trigger %I on %s', tgname, ${named('tgrelid')}), null, tgrelid
    from pg_trigger t
    join pg_class c on c.oid = tgrelid
    where not tgisinternal and ${ours('pg_class', 'c.oid', 'relnamespace')} and tgname !~ '^0_capture'

    union all
    select
      'policy', 'pg_policy'::regclass, p.oid, format('policy %I on %s', polname, ${named('polrelid')}),
      concat_ws(E'\\n  ',
        format('create policy %I on %s%s for %s to %s', polname, ${named('polrelid')},
          case when not polpermissive then ' as restrictive' end,
          case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
          (select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ' order by role)
           from unnest(polroles) role)),
        'using (' || pg_get_expr(polqual, polrelid) || ')',
        'with check (' || pg_get_expr(polwithcheck, polrelid) || ')'),
      format('drop policy %I on %s', polname, ${named('polrelid')}), null, polrelid
    from pg_policy p
    join pg_class c on c.oid = polrelid
    where ${ours('pg_class', 'c.oid', 'relnamespace')}

    union all
    select
      'publication', 'pg_publication_rel'::regclass, p.oid, format('published table %s in %I', ${named('prrelid')}, pubname),
      format('alter publication %I add table %s', pubname, ${named('prrelid')}) || coalesce((
        select ' (' || string_agg(quote_ident(attname), ', ' order by attname collate "C") || ')'
        from pg_attribute where attrelid = prrelid and attnum = any (prattrs::smallint[])
      ), '') || coalesce(' where (' || pg_get_expr(prqual, prrelid) || ')', ''),
      format('alter publication %I drop table %s', pubname, ${named('prrelid')}), null, prrelid
    from pg_publication_rel p
    join pg_publication on pg_publication.oid = prpubid
    join pg_class c on c.oid = prrelid
    where ${ours('pg_class', 'c.oid', 'relnamespace')}

    union all
    select
      'constraint', 'pg_constraint'::regclass, k.oid, format('constraint %I on %s', conname, ${named('conrelid')}),
      format('alter table %s add constraint %I %s', ${named('conrelid')}, conname, pg_get_constraintdef(k.oid)),
      format('alter table %s drop constraint %I', ${named('conrelid')}, conname), null, conrelid
    from pg_constraint k
    join pg_class c on c.oid = conrelid
    where contype in ('c', 'f', 'p', 'u', 'x') and conislocal and ${ours('pg_class', 'c.oid', 'relnamespace')}

    union all
    select
      'index', 'pg_class'::regclass, i.oid, format('index %s', ${named('i.oid')}),
      pg_get_indexdef(i.oid), format('drop index %s', ${named('i.oid')}), null, indrelid
    from pg_index
    join pg_class i on i.oid = indexrelid
    where ${ours('pg_class', 'indrelid', 'i.relnamespace')}
      and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))
  ),
  -- A rule of a view, the row type of a table and the index of a constraint stand for their owners.
  known as (
    select classid, oid, key from object
    union all
    select 'pg_rewrite'::regclass, r.oid, key from pg_rewrite r join object on object.classid = 'pg_class'::regclass and object.oid = ev_class
    union all
    select 'pg_type'::regclass, c.reltype, key from pg_class c join object on object.classid = 'pg_class'::regclass and object.oid = c.oid
    where c.reltype <> 0
  )
  select
    kind, key, "create", "drop", shape, object.oid::bigint::text as oid,
    (select r.key from object r where r.classid = 'pg_class'::regclass and r.oid = relation) as "of",
    array_to_json(array(
      select distinct needed.key
      from known self
      join pg_depend d on d.classid = self.classid and d.objid = self.oid
      join known needed on needed.classid = d.refclassid and needed.oid = d.refobjid
      where self.key = object.key and needed.key <> object.key
    ))::text as needs,
    (select max(d.cmin::text::bigint) from pg_depend d where d.classid = object.classid and d.objid = object.oid)::integer as command
  from object`

/** Owners of functions and of materialized views, when a trigger fires, and what guards a table. */
const SETTINGS = `
  select format('function %s', p.oid::regprocedure) as object, 'owner' as name,
    case when pg_get_userbyid(proowner) = current_user then 'current_user' else quote_ident(pg_get_userbyid(proowner)) end as value,
    format('alter %s %s owner to ', case prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as prefix
  from pg_proc p
  where prokind <> 'a' and ${ours('pg_proc', 'p.oid', 'pronamespace')}
    and not (pronamespace::regnamespace::text = 'muster' and proname ~ '^capture_[0-9]+$')
  union all
  select format('materialized view %s', ${named('c.oid')}), 'owner',
    case when pg_get_userbyid(relowner) = current_user then 'current_user' else quote_ident(pg_get_userbyid(relowner)) end,
    format('alter materialized view %s owner to ', ${named('c.oid')})
  from pg_class c
  where relkind = 'm' and ${ours('pg_class', 'c.oid', 'relnamespace')}
  union all
  select format('table %s', ${named('c.oid')}), setting.name, setting.value, format('alter table %s ', ${named('c.oid')})
  from pg_class c
  cross join lateral (values
    ('row level security', case when relrowsecurity then 'enable row level security' else 'disable row level security' end),
    ('forced', case when relforcerowsecurity then 'force row level security' else 'no force row level security' end)
  ) as setting (name, value)
  where relkind in ('r', 'p') and ${ours('pg_class', 'c.oid', 'relnamespace')}
  union all
  select format('trigger %I on %s', tgname, ${named('tgrelid')}), 'firing',
    format('%s trigger %I',
      case tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' when 'D' then 'disable' else 'enable' end, tgname),
    format('alter table %s ', ${named('tgrelid')})
  from pg_trigger t
  join pg_class c on c.oid = tgrelid
  where not tgisinternal and ${ours('pg_class', 'c.oid', 'relnamespace')} and tgname !~ '^0_capture'`

/** What a new object starts with, by the name of the setting; a trigger is enabled. */
const INITIAL: Record<string, string> = {
  owner: 'current_user',
  'row level security': 'disable row level security',
  forced: 'no force row level security',
}

/** Without those of the owner: nobody takes them away. A list that was never touched is spelled out. */
const PRIVILEGES = `
  with granted as (
    select format('function %s', p.oid::regprocedure) as object,
      format('%s %s', case prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as "on",
      null::text as "column", proowner as owner, coalesce(proacl, acldefault('f', proowner)) as acl
    from pg_proc p
    where prokind <> 'a' and ${ours('pg_proc', 'p.oid', 'pronamespace')}
      and not (pronamespace::regnamespace::text = 'muster' and proname ~ '^capture_[0-9]+$')
    union all
    select format('%s %s', ${KIND_OF_RELATION}, ${named('c.oid')}),
      format('%s %s', case relkind when 'S' then 'sequence' else 'table' end, ${named('c.oid')}),
      null, relowner, relacl
    from pg_class c
    where relkind in ('r', 'p', 'v', 'm', 'S') and ${ours('pg_class', 'c.oid', 'relnamespace')}
    union all
    select format('%s %s', ${KIND_OF_RELATION}, ${named('c.oid')}),
      format('table %s', ${named('c.oid')}), quote_ident(attname), relowner, attacl
    from pg_attribute
    join pg_class c on c.oid = attrelid
    where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm') and ${ours('pg_class', 'c.oid', 'relnamespace')}
    union all
    select format('schema %I', nspname), format('schema %I', nspname), null, nspowner, nspacl
    from pg_namespace
    where nspname in ('public', 'muster', 'sign_in')
  )
  select object, "on", "column",
    case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee,
    lower(privilege_type) as privilege, is_grantable as grantable
  from granted
  cross join lateral aclexplode(acl)
  where grantee <> owner
  order by object, "column", grantee, privilege`

const COMMENTS = `
  with described as (
    select
      case classoid
        when 'pg_proc'::regclass then (
          select format('%s %s', case prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure)
          from pg_proc p where p.oid = objoid and prokind <> 'a' and ${ours('pg_proc', 'p.oid', 'pronamespace')}
        )
        when 'pg_class'::regclass then (
          select case
            when objsubid > 0 then format('column %s.%I', ${named('c.oid')}, attname)
            when relkind in ('r', 'p') then format('table %s', ${named('c.oid')})
            when relkind in ('v', 'm', 'S') then format('%s %s', ${KIND_OF_RELATION}, ${named('c.oid')})
            when relkind = 'i' then format('index %s', ${named('c.oid')})
          end
          from pg_class c
          left join pg_attribute on attrelid = c.oid and attnum = objsubid and attnum > 0
          where c.oid = objoid and ${ours('pg_class', 'c.oid', 'relnamespace')}
        )
        when 'pg_type'::regclass then (
          select format('type %s', t.oid::regtype) from pg_type t where t.oid = objoid and ${ours('pg_type', 't.oid', 'typnamespace')}
        )
        when 'pg_trigger'::regclass then (
          select format('trigger %I on %s', tgname, ${named('tgrelid')}) from pg_trigger t where t.oid = objoid and tgname !~ '^0_capture'
        )
        when 'pg_policy'::regclass then (
          select format('policy %I on %s', polname, ${named('polrelid')}) from pg_policy p where p.oid = objoid
        )
        when 'pg_constraint'::regclass then (
          select format('constraint %I on %s', conname, ${named('conrelid')})
          from pg_constraint k join pg_class c on c.oid = conrelid
          where k.oid = objoid and ${ours('pg_class', 'c.oid', 'relnamespace')}
        )
        when 'pg_namespace'::regclass then (
          select format('schema %I', nspname) from pg_namespace n where n.oid = objoid and nspname in ('muster', 'sign_in')
        )
      end as "on",
      description as text, d.cmin::text::bigint::integer as command, objsubid
    from pg_description d
    where objoid >= 16384
  )
  select
    "on", text, command, case when objsubid = 0 then regexp_replace("on", '^procedure ', 'function ') end as object,
    format('comment on %s is %s', "on", quote_literal(text)) as statement
  from described
  where "on" is not null`

/**
 * Reads the rules of a database within a transaction, which sees its own changes.
 *
 * @param origins tells where each object was made, if the transaction built the database from the files
 */
export async function readRulesOf(tx: Transaction, origins: Origins = () => undefined): Promise<Rules> {
  const blocks = await readBlocks(tx)
  await tx.query(`select set_config('search_path', 'public, extensions', true)`)

  const objects = await tx.query<{
    kind: RuleObject['kind']
    key: string
    create: string | null
    drop: string
    shape: string | null
    of: string | null
    oid: string
    needs: string
    command: number | null
  }>(OBJECTS)
  const settings = await tx.query<{ object: string; name: string; value: string; prefix: string }>(SETTINGS)
  const privileges = await tx.query<Privilege & Record<string, unknown>>(PRIVILEGES)
  const comments = await tx.query<{
    on: string
    text: string
    command: number
    object: string | null
    statement: string
  }>(COMMENTS)

  const needs = new Map(objects.map(({ key, needs }): [string, string[]] => [key, JSON.parse(needs)]))
  const inOrder = sortByNeeds(
    objects
      .toSorted(
        (one, other) =>
          KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) || Number(one.oid) - Number(other.oid),
      )
      .map(({ key }) => key),
    needs,
  )
  const place = new Map(inOrder.map((key, index) => [key, index]))

  return {
    blocks,
    objects: new Map(
      objects.map(({ oid: _, command, ...object }) => [
        object.key,
        {
          ...object,
          needs: needs.get(object.key) ?? [],
          place: place.get(object.key) ?? 0,
          origin: command === null ? undefined : origins(command),
        },
      ]),
    ),
    settings: new Map(
      settings.map(({ object, name, value, prefix }) => [
        `${name} of ${object}`,
        {
          object,
          value,
          statement: `${prefix}${value}`,
          initial: INITIAL[name] ?? value.replace(/^.* trigger /, 'enable trigger '),
        },
      ]),
    ),
    privileges: new Map(
      privileges.map((privilege) => [
        [
          privilege.object,
          privilege.column,
          privilege.grantee,
          privilege.privilege,
          privilege.grantable,
        ].join(' | '),
        privilege,
      ]),
    ),
    comments: new Map(
      comments.map(({ command, ...comment }) => [comment.on, { ...comment, origin: origins(command) }]),
    ),
  }
}

export const readBlocks = async (tx: Transaction): Promise<ReadonlyMap<string, string>> =>
  withoutColumnNumbers(catalogBlocks(await describeCatalogWithin(tx)))

/** A migration adds a column behind the others, wherever its table declares it. */
const withoutColumnNumbers = (blocks: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map(
    [...blocks].map(([name, text]) => [
      name,
      name.startsWith('column ') ? text.replace(/^ *number \d+ /, '') : text,
    ]),
  )

/** Keeps the order given as far as no dependency is against it. */
function sortByNeeds(keys: readonly string[], needs: ReadonlyMap<string, readonly string[]>): string[] {
  const sorted = new Set<string>()
  const visiting = new Set<string>()
  const visit = (key: string): void => {
    if (sorted.has(key) || visiting.has(key)) return
    visiting.add(key)
    for (const needed of needs.get(key) ?? []) visit(needed)
    sorted.add(key)
  }
  for (const key of keys) visit(key)
  return [...sorted]
}
