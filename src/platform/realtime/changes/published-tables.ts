import { BEARER_ROLES, type CallerRole } from '../../auth/caller.ts'
import type { Database } from '../../db/engine/database.ts'
import type { ReplicaIdentity } from '../feed/pgoutput.ts'
import type { PublishedTable } from '../feed/published-table.ts'
import type { PgType } from '../pg-type.ts'

/**
 * What the database says about published tables: columns, types, keys, and what each role may read. Read as the login, from
 * catalogs that everybody may read.
 */

/** Selects tables by name, where null means any, or one table by its oid. */
export type TableMatch = { schema: string | null; table: string | null } | { oid: number }

export interface Catalog {
  /** The published tables that match, as they are now. @param turn of whoever asks: see `TransactionOptions.caller` */
  findTables(match: TableMatch, turn?: string): Promise<PublishedTable[]>
  /** The types of these oids, in order. Types are remembered for good: an oid does not come to mean another one. */
  findTypes(oids: readonly number[]): Promise<PgType[]>
}

interface TableRow extends Record<string, unknown> {
  oid: string
  schema: string
  name: string
  rowSecurity: boolean
  identity: ReplicaIdentity
  hasAudience: boolean
  policyColumns: string[] | null
  columns: {
    number: number
    name: string
    type: number
    isPrimaryKey: boolean
    inIdentity: boolean
    selectable: CallerRole[]
  }[]
}

/** `pg_publication_tables` also knows the tables of a publication of whole schemas, and of everything. */
const TABLES = `
  select
    c.oid::text as oid,
    n.nspname as schema,
    c.relname as name,
    c.relrowsecurity as "rowSecurity",
    c.relreplident as identity,
    muster.has_audience(c.oid, array_agg(a.attname)) as "hasAudience",
    (
      select case
        when bool_or(
          -- The whole row, a view, or the table once more.
          q.qual ~ ':varattno 0 |:relkind v |:relkind m ' or q.qual like '%:relid ' || c.oid || ' %'
          or exists (
            select
            from pg_depend d
            join pg_proc f on f.oid = d.refobjid
            where d.classid = 'pg_policy'::regclass
              and d.objid = q.oid
              and d.refclassid = 'pg_proc'::regclass
              and f.pronargs > 0
          )
        ) then null
        else coalesce(json_agg(distinct u.attname) filter (where u.attname is not null), '[]')
      end
      from (
        select p.oid, p.polqual::text as qual
        from pg_policy p
        where p.polrelid = c.oid and p.polcmd in ('r', '*')
      ) q
      left join pg_depend d
        on d.classid = 'pg_policy'::regclass and d.objid = q.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
      left join pg_attribute u on u.attrelid = c.oid and u.attnum = d.refobjsubid and d.refobjsubid <> 0
    ) as "policyColumns",
    json_agg(json_build_object(
      'number', a.attnum,
      'name', a.attname,
      'type', a.atttypid::int8,
      'isPrimaryKey', coalesce(a.attnum = any (pk.indkey), false),
      'inIdentity', case c.relreplident
        when 'f' then true
        when 'i' then coalesce(a.attnum = any (ri.indkey), false)
        when 'd' then coalesce(a.attnum = any (pk.indkey), false)
        else false
      end,
      'selectable', array(
        select r.role from unnest($5::text[]) as r (role)
        where has_schema_privilege(r.role, n.oid, 'usage') and has_column_privilege(r.role, c.oid, a.attnum, 'select')
      )
    ) order by a.attnum) as columns
  from pg_publication_tables p
  join pg_namespace n on n.nspname = p.schemaname
  join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
  join pg_attribute a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname = any (p.attnames)
  left join pg_index pk on pk.indrelid = c.oid and pk.indisprimary
  left join pg_index ri on ri.indrelid = c.oid and ri.indisreplident
  where p.pubname = $1
    and not (n.nspname = 'public' and c.relname = any ($6::text[]))
    and ($2::text is null or n.nspname = $2)
    and ($3::text is null or c.relname = $3)
    and ($4::text is null or c.oid = $4::oid)
  group by c.oid, n.oid
  order by c.oid`

interface TypeRow extends Record<string, unknown> {
  oid: string
  schema: string
  name: string
  /** `pg_type.typtype`: `d` is a domain, `e` an enum. */
  kind: string
  /** The type under a domain, the element of an array, else 0. */
  inner: string
  isArray: boolean
  delimiter: string
}

/**
 * With the types that they are made of. A true array is its element's `typarray`: int2vector has elements too, but prints
 * them another way.
 */
const TYPES = `
  with recursive wanted (oid) as (
    select unnest($1::oid[])
    union
    select case when t.typtype = 'd' then t.typbasetype else t.typelem end
    from wanted w
    join pg_type t on t.oid = w.oid
    where t.typtype = 'd' or t.typelem <> 0
  )
  select
    t.oid::text as oid,
    n.nspname as schema,
    t.typname as name,
    t.typtype as kind,
    coalesce(e.oid is not null, false) as "isArray",
    (case when t.typtype = 'd' then t.typbasetype else coalesce(e.oid, 0) end)::text as inner,
    coalesce(e.typdelim, ',') as delimiter
  from wanted w
  join pg_type t on t.oid = w.oid
  join pg_namespace n on n.oid = t.typnamespace
  left join pg_type e on e.typarray = t.oid`

/** A type that was dropped since the change was written. Its text is sent as a string. */
const GONE: PgType = { is: 'scalar', schema: 'pg_catalog', name: 'unknown' }

/** @param unfollowed tables in schema `public` that are left out */
export function openCatalog(
  database: Database,
  publication: string,
  unfollowed: readonly string[] = [],
): Catalog {
  const known = new Map<number, PgType>()

  async function findTypes(oids: readonly number[]): Promise<PgType[]> {
    const missing = oids.filter((oid) => !known.has(oid))
    if (missing.length > 0) {
      const rows = await database.query<TypeRow>(TYPES, [`{${missing.join(',')}}`])
      const byOid = new Map(rows.map((row) => [Number(row.oid), row]))
      for (const oid of byOid.keys()) known.set(oid, describeType(byOid, oid))
    }
    return oids.map((oid) => known.get(oid) ?? GONE)
  }

  return {
    findTypes,

    async findTables(match, turn) {
      const [schema, table, oid] =
        'oid' in match ? [null, null, String(match.oid)] : [match.schema, match.table, null]
      const roles = `{${BEARER_ROLES.join(',')}}`
      const rows = await database.query<TableRow>(
        TABLES,
        [publication, schema, table, oid, roles, `{${unfollowed.join(',')}}`],
        turn === undefined ? {} : { caller: turn },
      )
      const types = await findTypes([
        ...new Set(rows.flatMap((row) => row.columns.map(({ type }) => type))),
      ]).then(() => (type: number) => known.get(type) ?? GONE)
      return rows.map((row) => describeTable(row, types))
    },
  }
}

function describeType(rows: ReadonlyMap<number, TypeRow>, oid: number): PgType {
  const row = rows.get(oid)
  if (!row) return GONE
  const { schema, name } = row
  const inner = (): PgType => describeType(rows, Number(row.inner))
  if (row.kind === 'd') return { is: 'domain', schema, name, of: inner() }
  if (row.isArray) return { is: 'array', schema, name, of: inner(), delimiter: row.delimiter }
  return { is: row.kind === 'e' ? 'enum' : 'scalar', schema, name }
}

function describeTable(row: TableRow, typeOf: (oid: number) => PgType): PublishedTable {
  const { schema, name, rowSecurity, identity, hasAudience, policyColumns } = row
  const selectableBy = (role: CallerRole): ReadonlySet<string> =>
    new Set(row.columns.filter(({ selectable }) => selectable.includes(role)).map((column) => column.name))
  return {
    oid: Number(row.oid),
    schema,
    name,
    rowSecurity,
    identity,
    hasAudience,
    policyColumns: policyColumns ?? undefined,
    columns: row.columns.map((column) => ({
      number: column.number,
      name: column.name,
      typeOid: column.type,
      type: typeOf(column.type),
      isPrimaryKey: column.isPrimaryKey,
      inIdentity: column.inIdentity,
    })),
    selectable: { anon: selectableBy('anon'), authenticated: selectableBy('authenticated') },
  }
}
