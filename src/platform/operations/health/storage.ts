import {
  bytes,
  type Check,
  finding,
  type HealthContext,
  isNotMigrated,
  levelOf,
  list,
  NotKnown,
  one,
  percent,
  whole,
  worst,
} from './finding.ts'

/** Of an extension (PostGIS): nobody here can do anything about them. */
const NOT_OF_AN_EXTENSION = (oid: string): string =>
  `not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = ${oid} and d.deptype = 'e')`

/** What tables and indexes take, and how well they are kept. */
export const STORAGE_CHECKS: readonly Check[] = [
  {
    name: 'cache_hits',
    examine: (context) =>
      examineHits(
        context,
        `select coalesce(blks_hit, 0)::float8 as hit, coalesce(blks_read, 0)::float8 as read
         from pg_stat_database where datname = current_database()`,
        context.thresholds.cacheMisses,
        'Raise shared_buffers (a quarter of the memory), give the server more memory, or look for statements that read whole tables (slow_statements).',
      ),
  },
  {
    name: 'index_hits',
    examine: (context) =>
      examineHits(
        context,
        `select coalesce(sum(idx_blks_hit), 0)::float8 as hit, coalesce(sum(idx_blks_read), 0)::float8 as read
         from pg_statio_user_indexes`,
        context.thresholds.indexMisses,
        'As for cache_hits; and drop indexes that nobody uses (unused_indexes), which take the room of others.',
      ),
  },
  {
    name: 'dead_rows',
    async examine({ database, thresholds }) {
      const tables = await database.query<{ relation: string; ratio: number }>(
        `select format('%s.%s', schemaname, relname) as relation,
           n_dead_tup::float8 / (n_dead_tup + n_live_tup) as ratio
         from pg_stat_user_tables
         where n_dead_tup >= greatest($1::bigint, 1)
         order by ratio desc`,
        [thresholds.deadRowsFrom],
      )
      const notable = tables.filter(({ ratio }) => ratio >= thresholds.deadRows.warning)
      return finding(
        levelOf(tables[0]?.ratio ?? 0, thresholds.deadRows),
        notable.length === 0
          ? `no table has ${percent(thresholds.deadRows.warning)} dead rows`
          : list(notable.map(({ relation, ratio }) => `${relation}: ${percent(ratio)} dead rows`)),
        'npm run db:vacuum; then see oldest_transaction, slots and autovacuum for what kept it from being done.',
      )
    },
  },
  {
    name: 'bloat',
    async examine({ database, thresholds }) {
      // Rows by the width of their columns: header and item pointer are 28 bytes, and a row starts at a multiple of 8.
      const tables = await database.query<{ relation: string; size: number; empty: number | null }>(
        `select c.oid::regclass::text as relation, c.relpages::float8 * 8192 as size,
           (1 - c.reltuples * 8 * ceil((28 + w.width) / 8) / (c.relpages * (8192 - 24)::float8
             * coalesce((select o.option_value::float8 from pg_options_to_table(c.reloptions) o where o.option_name = 'fillfactor'), 100) / 100)
           )::float8 as empty
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         cross join lateral (
           select sum(s.avg_width * (1 - s.null_frac))::float8 as width
           from pg_stats s where s.schemaname = n.nspname and s.tablename = c.relname
         ) w
         where c.relkind = 'r' and c.relpages >= $1 and n.nspname not in ('pg_catalog', 'information_schema')
         order by empty desc nulls last`,
        [thresholds.bloatFromPages],
      )
      const hidden = tables.filter(({ empty }) => empty === null)
      if (hidden.length > 0)
        throw new NotKnown(
          `no statistics of ${list(hidden.map(({ relation }) => relation))}: run npm run db:analyze; where the owner is no superuser, row level security hides them, and the extension pgstattuple tells (pgstattuple_approx)`,
        )
      const notable = tables.filter(({ empty }) => (empty ?? 0) >= thresholds.bloat.warning)
      return finding(
        levelOf(tables[0]?.empty ?? 0, thresholds.bloat),
        notable.length === 0
          ? `no table of ${bytes(thresholds.bloatFromPages * 8192)} or more is half empty, as far as estimated`
          : list(
              notable.map(
                ({ relation, size, empty }) =>
                  `${relation}: about ${percent(empty ?? 0)} of ${bytes(size)} empty`,
              ),
            ),
        'The room is used again as the table grows. To give it back: pg_repack, or vacuum full in a maintenance window (it locks the table).',
      )
    },
  },
  {
    name: 'statistics',
    async examine({ database, thresholds }) {
      const tables = await database.query<{ relation: string; ratio: number }>(
        `select format('%s.%s', schemaname, relname) as relation,
           n_mod_since_analyze::float8 / greatest(n_live_tup, 1) as ratio
         from pg_stat_user_tables
         where greatest(n_live_tup, n_mod_since_analyze) >= $1
         order by ratio desc`,
        [thresholds.statisticsFromRows],
      )
      const notable = tables.filter(({ ratio }) => ratio >= thresholds.statisticsChanged.warning)
      return finding(
        levelOf(tables[0]?.ratio ?? 0, thresholds.statisticsChanged),
        notable.length === 0
          ? 'the planner knows the present rows'
          : list(
              notable.map(
                ({ relation, ratio }) => `${relation}: ${percent(ratio)} of the rows changed since analyze`,
              ),
            ),
        'npm run db:analyze; then see autovacuum for why it did not.',
      )
    },
  },
  {
    name: 'growth',
    async examine({ database, thresholds }) {
      const found = await database
        .query<{ days: number; before: number; now: number }>(
          `select s.days, s.before, n.now
           from (
             select (now() at time zone 'UTC')::date - sampled_on as days, sum(bytes)::float8 as before
             from muster.size_samples
             where sampled_on >= (now() at time zone 'UTC')::date - 35
             group by sampled_on order by sampled_on limit 1
           ) s, (
             select sum(pg_total_relation_size(c.oid))::float8 as now
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'm') and n.nspname in ('public', 'muster')
           ) n`,
        )
        .catch((error: unknown) => {
          if (isNotMigrated(error))
            throw new NotKnown('the database has no table of samples: npm run db:migrate')
          throw error
        })
      const [sample] = found
      const { growth, growthDays, growthFromBytes } = thresholds
      if (!sample || sample.days < growthDays)
        throw new NotKnown(
          `samples are needed from ${growthDays} days ago; the service takes one each day${sample ? `, and has them for ${sample.days}` : ''}`,
        )
      const ratio = (sample.now / sample.before) ** (30 / sample.days) - 1
      const isSmall = sample.now < growthFromBytes
      return finding(
        isSmall ? 'good' : levelOf(ratio, growth),
        `${percent(ratio)} in 30 days, by the last ${sample.days}; now ${bytes(sample.now)}${isSmall ? ', which is small' : ''}`,
        'select relation, sampled_on, bytes from muster.size_samples order by 1, 2 shows which table grows. Plan the disk; see docs/operations.md for what can be deleted.',
      )
    },
  },
  {
    name: 'unused_indexes',
    async examine({ database, thresholds }) {
      const { unusedDays, unusedFromBytes, unusedIndexes } = thresholds
      const { days } = await one<{ days: number | null }>(
        database,
        `select floor(extract(epoch from now() - greatest(stats_reset, pg_postmaster_start_time())) / 86400)::int as days
         from pg_stat_database where datname = current_database()`,
      )
      if ((days ?? 0) < unusedDays)
        throw new NotKnown(
          `use is counted since ${days ?? 0} days; ${unusedDays} are needed (a restart after a crash, or pg_stat_reset(), starts anew)`,
        )
      const indexes = await database.query<{ index: string; size: number; total: number }>(
        `select s.indexrelid::regclass::text as index, pg_relation_size(s.indexrelid)::float8 as size,
           (select sum(pg_relation_size(indexrelid)) from pg_stat_user_indexes)::float8 as total
         from pg_stat_user_indexes s
         join pg_index i on i.indexrelid = s.indexrelid
         where s.idx_scan = 0 and not i.indisunique and pg_relation_size(s.indexrelid) >= $1
           and not exists (select from pg_constraint c where c.conindid = s.indexrelid)
           and ${NOT_OF_AN_EXTENSION('s.relid')}
         order by size desc`,
        [unusedFromBytes],
      )
      const size = indexes.reduce((sum, index) => sum + index.size, 0)
      const ratio = size / Math.max(1, indexes[0]?.total ?? 1)
      return finding(
        levelOf(ratio, { ...unusedIndexes, warning: Number.MIN_VALUE }),
        indexes.length === 0
          ? `each index over ${bytes(unusedFromBytes)} was used in the last ${days} days`
          : `${list(indexes.map((i) => `${i.index} (${bytes(i.size)})`))}: unused for ${days} days, ${percent(ratio)} of all indexes`,
        'Look at the replicas, which count for themselves, and at work that is done once a month. Then drop it in a migration (drop index concurrently).',
      )
    },
  },
  {
    name: 'missing_indexes',
    async examine({ database, thresholds }) {
      const invalid = await database.query<{ index: string }>(
        `select i.indexrelid::regclass::text as index from pg_index i
         where not i.indisvalid
           and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)`,
      )
      // An index serves a foreign key when it begins with the first column of the key (what follows, such as the tenant, tells few
      // rows apart) or with all of them in any order, and leaves out no rows but those without a key, and deleted ones.
      const keys = await database.query<{ key: string; rows: number }>(
        `select format('%s (%s)', c.conrelid::regclass, (
             select string_agg(a.attname, ', ' order by k.nth)
             from unnest(c.conkey) with ordinality k (attnum, nth)
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
           )) as key,
           greatest(r.reltuples, s.n_live_tup, 0)::float8 as rows
         from pg_constraint c
         join pg_class r on r.oid = c.conrelid
         left join pg_stat_user_tables s on s.relid = c.conrelid
         where c.contype = 'f' and c.conparentid = 0
           and not exists (
             select from pg_index i
             where i.indrelid = c.conrelid and i.indisvalid
               and (i.indkey[0] = c.conkey[1] or (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
               and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) in (
                 select format('(%I IS NOT NULL)', a.attname) from pg_attribute a
                 where a.attrelid = c.conrelid and a.attnum = c.conkey[1]
                 union all select '(deleted_at IS NULL)'
               ))
           )
         order by rows desc`,
      )
      const level = worst([
        keys.length === 0 ? 'good' : levelOf(keys[0]!.rows, thresholds.missingIndexRows),
        invalid.length === 0 ? 'good' : 'bad',
      ])
      return finding(
        level,
        keys.length + invalid.length === 0
          ? 'each foreign key has an index, and each index is valid'
          : list([
              ...invalid.map(({ index }) => `${index} is not valid`),
              ...keys.map(({ key, rows }) => `${key} refers without an index, ${whole(rows)} rows`),
            ]),
        'Create it in a migration (create index concurrently). One that is not valid was broken off: drop it first.',
      )
    },
  },
  {
    name: 'duplicate_indexes',
    async examine({ database, thresholds }) {
      const groups = await database.query<{ indexes: string; size: number }>(
        `select string_agg(i.indexrelid::regclass::text, ' = ' order by i.indexrelid) as indexes,
           (sum(pg_relation_size(i.indexrelid)) - max(pg_relation_size(i.indexrelid)))::float8 as size
         from pg_index i join pg_class c on c.oid = i.indexrelid
         where ${NOT_OF_AN_EXTENSION('i.indrelid')}
         group by i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, i.indnkeyatts,
           coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), coalesce(pg_get_expr(i.indpred, i.indrelid), '')
         having count(*) > 1
         order by size desc`,
      )
      const size = groups.reduce((sum, group) => sum + group.size, 0)
      return finding(
        groups.length === 0 ? 'good' : levelOf(size, thresholds.duplicateIndexBytes),
        groups.length === 0
          ? 'no index repeats another'
          : `${list(groups.map(({ indexes }) => indexes))} (${bytes(size)})`,
        'Drop all but one in a migration (drop index concurrently); keep the one that a constraint owns.',
      )
    },
  },
  {
    name: 'checksums',
    async examine({ database }) {
      const { on, failures, last } = await one<{ on: boolean; failures: number; last: string | null }>(
        database,
        `select current_setting('data_checksums')::bool as on, coalesce(sum(checksum_failures), 0)::int as failures,
           max(checksum_last_failure)::text as last
         from pg_stat_database`,
      )
      if (failures > 0)
        return finding(
          'bad',
          `${failures} pages were damaged on the disk, the last one was read at ${last}`,
          'Restore now: the disk or its controller is failing. Fail over, or restore the newest backup on another machine.',
        )
      return finding(
        on ? 'good' : 'warning',
        on ? 'on, and no page failed' : 'off: a damaged page would be served as data',
        database.kind === 'embedded'
          ? 'The embedded engine has none. Keep backups, or use a PostgreSQL server.'
          : 'Stop the server and run pg_checksums --enable, one time.',
      )
    },
  },
]

async function examineHits(
  { database, thresholds }: HealthContext,
  query: string,
  limits: { warning: number; bad: number },
  advice: string,
) {
  const { hit, read } = await one<{ hit: number; read: number }>(database, query)
  const total = hit + read
  if (total < thresholds.countedBlocks)
    throw new NotKnown(
      `${whole(total)} blocks were asked for since the counting began; ${whole(thresholds.countedBlocks)} are needed`,
    )
  return finding(
    levelOf(read / total, limits),
    `${(100 * (hit / total)).toFixed(2)} % of ${whole(total)} blocks`,
    advice,
  )
}
