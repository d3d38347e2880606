import type { Database, Transaction } from '../engine/database.ts'

/** The roles that the migrations make; the servers' own are not the project's to describe, nor the logins of its databases. */
const LOGINS = '^muster_(api|worker|jobs|replicator|signin)_[0-9]'
const ROLES =
  '^(?!muster_(api|worker|jobs|replicator|signin)_[0-9])(anon|authenticated|authenticator|service_role|muster(_.*)?)$'

/** Drizzle's history is what a comparison goes between, not part of it. */
const NOT_DESCRIBED = `('information_schema', 'drizzle')`

/** True for objects that no extension brought; `object` has `oid`, `catalog` is where it is listed. */
const isOurs = (catalog: string, oid: string): string =>
  `not exists (
    select from pg_depend as brought
    where brought.classid = '${catalog}'::regclass and brought.objid = ${oid} and brought.deptype = 'e'
  )`

/** True for the schemas described. Extensions may own a schema too. */
const inDescribedSchema = (namespace: string): string =>
  `${namespace} in (
    select oid from pg_namespace
    where nspname !~ '^pg_' and nspname not in ${NOT_DESCRIBED} and ${isOurs('pg_namespace', 'pg_namespace.oid')}
  )`

/** For queries with `pg_class as class`. An extension's composite type is its own, but not the relation behind it. */
const isOurRelation = `${isOurs('pg_class', 'class.oid')} and ${isOurs('pg_type', 'class.reltype')}`

/**
 * Who may do what, sorted. A list that was never touched is null, and is spelled out: after a grant and its revoke it is
 * no longer null, but means the same.
 */
const privileges = (acl: string, kind: string, owner: string): string =>
  expandAcl(`coalesce(${acl}, acldefault('${kind}', ${owner}))`)

const expandAcl = (acl: string): string =>
  `coalesce((
    select string_agg(line, ', ' order by line)
    from (
      select concat(
        case grantee when 0 then 'public' else pg_get_userbyid(grantee) end, '=', privilege_type,
        case when is_grantable then '*' end, '/', pg_get_userbyid(grantor)
      ) collate "C" as line
      from aclexplode(${acl})
    ) as privilege
  ), 'none')`

const sorted = (array: string): string =>
  `(select string_agg(item, ', ' order by item collate "C") from unnest(${array}::text[]) as item)`

/** Without the version stamp that minor releases of late 2026 (15.20) give each column: it differs at each creation. */
const columnOptions = sorted(`(
  select array_agg(option) from unnest(attoptions) as option where option !~ '^pg_attver='
)`)

const owner = (oid: string): string => `'owner ' || pg_get_userbyid(${oid})`

/**
 * One query for each kind of object: `name` identifies it, `text` describes it. A null part of `concat_ws` leaves its line out.
 * Everything runs with `search_path = pg_catalog`, so that names come out qualified.
 */
const KINDS: Record<string, string> = {
  database: `
    select 'this' as name, concat_ws(E'\\n', ${owner('datdba')}, ${privileges('datacl', 'd', 'datdba')}) as text
    from pg_database
    where datname = current_database()`,

  // A setting for one role may hold in one database or in all; for role 0 it holds for every role.
  setting: `
    select
      concat_ws(' ', case setrole when 0 then 'all roles' else pg_get_userbyid(setrole) end,
        case setdatabase when 0 then 'everywhere' else 'here' end) as name,
      ${sorted('setconfig')} as text
    from pg_db_role_setting
    where setdatabase in (0, (select oid from pg_database where datname = current_database()))
      and (setrole = 0 or pg_get_userbyid(setrole) ~ '${ROLES}')`,

  role: `
    select rolname as name, (to_jsonb(role) - '{oid,rolname,rolpassword,rolconfig}'::text[])::text as text
    from pg_roles as role
    where rolname ~ '${ROLES}'`,

  membership: `
    select
      format('%s in %s by %s', member::regrole, roleid::regrole, grantor::regrole) as name,
      (to_jsonb(membership) - '{oid,roleid,member,grantor}'::text[])::text as text
    from pg_auth_members as membership
    where (roleid::regrole::text ~ '${ROLES}' or member::regrole::text ~ '${ROLES}') and member::regrole::text !~ '${LOGINS}'`,

  extension: `
    select extname as name, concat_ws(E'\\n', 'version ' || extversion, 'schema ' || extnamespace::regnamespace) as text
    from pg_extension`,

  schema: `
    select nspname as name, concat_ws(E'\\n', ${owner('nspowner')}, ${privileges('nspacl', 'n', 'nspowner')}) as text
    from pg_namespace
    where ${inDescribedSchema('oid')}`,

  'default privileges': `
    select
      format('of %s for %s in %s', defaclrole::regrole, defaclobjtype,
        case defaclnamespace when 0 then 'every schema' else defaclnamespace::regnamespace::text end) as name,
      ${expandAcl('defaclacl')} as text
    from pg_default_acl
    where defaclnamespace = 0 or ${inDescribedSchema('defaclnamespace')}`,

  type: `
    select
      type.oid::regtype::text as name,
      concat_ws(E'\\n',
        ${owner('typowner')},
        ${privileges('typacl', 'T', 'typowner')},
        case typtype when 'e' then 'enum ' || (
          select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = type.oid
        ) end,
        case typtype when 'd' then concat_ws(' ', 'domain', format_type(typbasetype, typtypmod), 'collation ' || nullif(typcollation, 0)::regcollation::text,
          case when typnotnull then 'not null' end, 'default ' || typdefault) end,
        case typtype when 'r' then (
          select concat_ws(' ', 'range', rngsubtype::regtype, nullif(rngcollation, 0)::regcollation::text, rngcanonical, rngsubdiff)
          from pg_range where rngtypid = type.oid
        ) end
      ) as text
    from pg_type as type
    left join pg_class as class on class.oid = typrelid
    where ${inDescribedSchema('typnamespace')} and ${isOurs('pg_type', 'type.oid')}
      and (typtype in ('e', 'd', 'r') or class.relkind = 'c')`,

  relation: `
    select
      class.oid::regclass::text as name,
      concat_ws(E'\\n',
        concat_ws(' ', 'kind', relkind, 'persistence', relpersistence),
        ${owner('relowner')},
        case when relkind <> 'c' then
          case relkind when 'S' then ${privileges('relacl', 's', 'relowner')} else ${privileges('relacl', 'r', 'relowner')} end
        end,
        case when relkind in ('r', 'p') then concat_ws(' ',
          'row level security', case when relrowsecurity then 'on' else 'off' end, case when relforcerowsecurity then 'forced' end,
          'replica identity', relreplident) end,
        'with ' || ${sorted('reloptions')},
        'inherits ' || (select string_agg(inhparent::regclass::text, ', ' order by inhseqno) from pg_inherits where inhrelid = class.oid),
        'partition by ' || pg_get_partkeydef(class.oid),
        'partition ' || pg_get_expr(relpartbound, class.oid),
        case when relkind in ('v', 'm') then pg_get_viewdef(class.oid) end,
        (
          select concat_ws(' ', 'sequence', seqtypid::regtype, 'start', seqstart, 'by', seqincrement, 'from', seqmin, 'to', seqmax,
            'cache', seqcache, case when seqcycle then 'cycle' end)
          from pg_sequence where seqrelid = class.oid
        ),
        'owned by ' || (
          select format('%s.%I', refobjid::regclass, attname)
          from pg_depend
          join pg_attribute on attrelid = refobjid and attnum = refobjsubid
          where classid = 'pg_class'::regclass and objid = class.oid and refclassid = 'pg_class'::regclass and deptype in ('a', 'i')
            and relkind = 'S'
        )
      ) as text
    from pg_class as class
    where relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and ${inDescribedSchema('relnamespace')} and ${isOurRelation}`,

  // Numbered without the gaps that dropped columns leave: those are history, not schema.
  column: `
    select
      format('%s.%I', attrelid::regclass, attname) as name,
      concat_ws(E'\\n',
        concat_ws(' ', 'number', row_number() over (partition by attrelid order by attnum), format_type(atttypid, atttypmod),
          'collation ' || nullif(attcollation, 0)::regcollation::text,
          case when attnotnull then 'not null' end,
          'identity ' || nullif(attidentity::text, ''),
          case attgenerated when '' then 'default ' else 'generated ' || attgenerated::text || ' ' end || pg_get_expr(adbin, adrelid),
          'storage ' || attstorage::text, 'compression ' || nullif(attcompression::text, ''),
          -- "not set" is -1 before PostgreSQL 17 and null from then on
          'statistics ' || nullif(attstattarget, -1)),
        'with ' || ${columnOptions},
        case when attacl is not null then ${expandAcl('attacl')} end
      ) as text
    from pg_attribute
    join pg_class as class on class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'f', 'c')
      and ${inDescribedSchema('relnamespace')} and ${isOurRelation}`,

  // From PostgreSQL 18 "not null" is a constraint too; the column shows it, unless rows of before may break it.
  constraint: `
    select
      format('%I on %s', conname, case contypid when 0 then conrelid::regclass::text else contypid::regtype::text end) as name,
      concat_ws(' ', pg_get_constraintdef(con.oid), case when condeferrable then 'deferrable' end,
        case when condeferred then 'deferred' end, case when not convalidated then 'not validated' end) as text
    from pg_constraint as con
    where ${inDescribedSchema('connamespace')} and (contype <> 'n' or not convalidated)
      and ${isOurs('pg_class', 'conrelid')} and ${isOurs('pg_type', 'contypid')}`,

  index: `
    select
      indexrelid::regclass::text as name,
      concat_ws(' ', pg_get_indexdef(indexrelid), case when not indisvalid then 'invalid' end,
        case when indisreplident then 'replica identity' end, case when indisclustered then 'clustered' end) as text
    from pg_index
    join pg_class as class on class.oid = indrelid
    where ${inDescribedSchema('relnamespace')} and ${isOurRelation}`,

  statistics: `
    select
      format('%s.%I', stxnamespace::regnamespace, stxname) as name,
      concat_ws(E'\\n', ${owner('stxowner')}, pg_get_statisticsobjdef(statistic.oid), 'target ' || nullif(stxstattarget, -1)) as text
    from pg_statistic_ext as statistic
    where ${inDescribedSchema('stxnamespace')}`,

  // Aggregates have no definition that the server would print; what they are made of is in the catalog.
  function: `
    select
      proc.oid::regprocedure::text as name,
      concat_ws(E'\\n',
        ${owner('proowner')},
        ${privileges('proacl', 'f', 'proowner')},
        case prokind
          when 'a' then (
            select concat_ws(' ', 'aggregate', aggkind, 'step', aggtransfn, 'state', aggtranstype::regtype,
              'final', aggfinalfn, 'combine', aggcombinefn, 'sort', aggsortop::regoperator, 'from', quote_nullable(agginitval))
            from pg_aggregate where aggfnoid = proc.oid
          )
          else pg_get_functiondef(proc.oid)
        end
      ) as text
    from pg_proc as proc
    where ${inDescribedSchema('pronamespace')} and ${isOurs('pg_proc', 'proc.oid')}`,

  trigger: `
    select
      format('%I on %s', tgname, tgrelid::regclass) as name,
      concat_ws(' ', pg_get_triggerdef(tg.oid), 'enabled', tgenabled) as text
    from pg_trigger as tg
    join pg_class as class on class.oid = tgrelid
    where not tgisinternal and ${inDescribedSchema('relnamespace')} and ${isOurRelation}`,

  'event trigger': `
    select
      evtname as name,
      concat_ws(' ', ${owner('evtowner')}, 'on', evtevent, 'enabled', evtenabled, 'for ' || ${sorted('evttags')},
        'runs', evtfoid::regprocedure) as text
    from pg_event_trigger as evt
    where ${isOurs('pg_event_trigger', 'evt.oid')}`,

  rule: `
    select format('%I on %s', rulename, ev_class::regclass) as name, pg_get_ruledef(rewrite.oid) || ' enabled ' || ev_enabled::text as text
    from pg_rewrite as rewrite
    join pg_class as class on class.oid = ev_class
    where rulename <> '_RETURN' and ${inDescribedSchema('relnamespace')} and ${isOurRelation}`,

  policy: `
    select
      format('%I on %s', polname, polrelid::regclass) as name,
      concat_ws(E'\\n',
        concat_ws(' ', case when polpermissive then 'permissive' else 'restrictive' end, 'for', polcmd, 'to', (
          select string_agg(case role when 0 then 'public' else pg_get_userbyid(role) end, ', ' order by pg_get_userbyid(role))
          from unnest(polroles) as role
        )),
        'using ' || pg_get_expr(polqual, polrelid),
        'with check ' || pg_get_expr(polwithcheck, polrelid)
      ) as text
    from pg_policy
    join pg_class as class on class.oid = polrelid
    where ${inDescribedSchema('relnamespace')}`,

  publication: `
    select
      pubname as name,
      concat_ws(E'\\n', ${owner('pubowner')}, (to_jsonb(publication) - '{oid,pubname,pubowner}'::text[])::text) as text
    from pg_publication as publication`,

  'published table': `
    select
      format('%s in %I', prrelid::regclass, pubname) as name,
      concat_ws(E'\\n',
        'columns ' || coalesce((
          select string_agg(quote_ident(attname), ', ' order by attname collate "C")
          from pg_attribute where attrelid = prrelid and attnum = any (prattrs::smallint[])
        ), 'all'),
        'where ' || pg_get_expr(prqual, prrelid)
      ) as text
    from pg_publication_rel
    join pg_publication as publication on publication.oid = prpubid`,

  'published schema': `
    select format('%s in %I', pnnspid::regnamespace, pubname) as name, '' as text
    from pg_publication_namespace
    join pg_publication as publication on publication.oid = pnpubid`,

  // Kinds that a migration is unlikely to make: that they are there, and whose.
  'other object': `
    select identity.type || ' ' || identity.identity as name, coalesce(${owner('other.owner')}, '') as text
    from (
      select 'pg_cast'::regclass as catalog, oid, null::oid as owner from pg_cast
      union all select 'pg_operator'::regclass, oid, oprowner from pg_operator
      union all select 'pg_opclass'::regclass, oid, opcowner from pg_opclass
      union all select 'pg_opfamily'::regclass, oid, opfowner from pg_opfamily
      union all select 'pg_am'::regclass, oid, null from pg_am
      union all select 'pg_language'::regclass, oid, lanowner from pg_language
      union all select 'pg_transform'::regclass, oid, null from pg_transform
      union all select 'pg_collation'::regclass, oid, collowner from pg_collation
      union all select 'pg_conversion'::regclass, oid, conowner from pg_conversion
      union all select 'pg_ts_config'::regclass, oid, cfgowner from pg_ts_config
      union all select 'pg_ts_dict'::regclass, oid, dictowner from pg_ts_dict
      union all select 'pg_ts_parser'::regclass, oid, null from pg_ts_parser
      union all select 'pg_ts_template'::regclass, oid, null from pg_ts_template
      union all select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner from pg_foreign_data_wrapper
      union all select 'pg_foreign_server'::regclass, oid, srvowner from pg_foreign_server
    ) as other
    cross join lateral pg_identify_object(other.catalog, other.oid, 0) as identity
    where other.oid >= 16384 -- the first that is not the server's own
      and not exists (
        select from pg_depend where classid = other.catalog and objid = other.oid and deptype = 'e'
      )`,

  comment: `
    select identity.type || ' ' || identity.identity as name, description as text
    from (
      select classoid, objoid, objsubid, description from pg_description
      union all
      select classoid, objoid, 0, description from pg_shdescription
      where (classoid = 'pg_authid'::regclass and pg_get_userbyid(objoid) ~ '${ROLES}')
        or (classoid = 'pg_database'::regclass and objoid = (select oid from pg_database where datname = current_database()))
    ) as described
    cross join lateral pg_identify_object(classoid, objoid, objsubid) as identity
    where (objoid >= 16384 or classoid in ('pg_namespace'::regclass, 'pg_database'::regclass))
      and coalesce(identity.schema, identity.name, '') !~ '^pg_'
      and coalesce(identity.schema, identity.name, '') not in ${NOT_DESCRIBED}
      and not exists (
        select from pg_depend as brought
        where brought.classid = described.classoid and brought.objid = described.objoid and brought.deptype = 'e'
      )`,
}

/**
 * Describes everything that migrations make, as text to compare: two databases (or one at two times) have the same schema
 * if and only if it is the same. Covers roles of the project, schemas, extensions, types, tables, columns, constraints,
 * indexes, functions, triggers, policies, privileges, publications, settings and comments; leaves out what extensions
 * brought, the servers' own objects and Drizzle's history. One block for each object, sorted, with names qualified.
 *
 * Comparable within one PostgreSQL version: another version may print the same expression differently.
 * To see policies and definitions of every owner, run it as a superuser or the owner.
 */
export function describeCatalog(database: Database): Promise<string> {
  return database.transaction(describeCatalogWithin, { readOnly: true })
}

/** The same from inside a transaction, which sees its own changes. Leaves the transaction's settings as they were. */
export async function describeCatalogWithin(tx: Transaction): Promise<string> {
  const [before] = await tx.query<{ search_path: string }>(
    `select current_setting('search_path') as search_path`,
  )
  await tx.query(`select set_config('search_path', 'pg_catalog', true)`)
  const blocks: string[] = []
  for (const [kind, query] of Object.entries(KINDS)) {
    const rows = await tx.query<{ name: string; text: string | null }>(query)
    const described = rows.map(({ name, text }) => [`${kind} ${name}`, ...indent(text ?? '')].join('\n'))
    blocks.push(...described.sort(byCodePoints))
  }
  await tx.query(`select set_config('search_path', $1, true)`, [before?.search_path ?? ''])
  return `${blocks.join('\n')}\n`
}

const indent = (text: string): string[] => (text === '' ? [] : text.split('\n').map((line) => `  ${line}`))

/** Not by a locale, so that every machine sorts the same. */
const byCodePoints = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
