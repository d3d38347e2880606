import type { Database } from '../engine/database.ts'
import { openEmbedded } from '../engine/embedded.ts'
import { type CatalogBlocks, catalogBlocks } from './catalog-difference.ts'
import { describeCatalog } from './describe-catalog.ts'
import { type MigrationOptions, migrateUp } from './migrate.ts'

/*
 * Drift: what a database has otherwise than its history made it, such as a policy edited by hand or a missing index. What the
 * history makes is read from an embedded database that is migrated for the purpose, so nothing has to be kept up to date beside
 * the migrations (`history-catalog.ts` keeps the result).
 *
 * The two may be of different versions, have PostGIS in different schemas and other owners; what differs for such a reason is
 * no drift. Neither is what belongs to the whole server (roles, memberships, settings), to somebody else (other schemas, other
 * tables in `public`), or to operation (storage parameters, statistics targets).
 */

export interface Drift {
  /** Kind and name of the object, such as `policy shifts_read on public.shifts`. */
  object: string
  how: 'missing' | 'changed' | 'added'
}

/** A catalog as it is compared. */
export interface ComparableCatalog {
  blocks: CatalogBlocks
  /** The owner of the migrated objects: the role that runs the migrations. */
  owner: string
  /** The schemas of which the objects are the history's. */
  schemas: readonly string[]
}

/** The schemas that the history makes where they are missing, and leaves alone where somebody else has them. */
const MADE_WHERE_MISSING = ['auth', 'realtime']

export async function readComparableCatalog(database: Database): Promise<ComparableCatalog> {
  const [found] = await database.query<{ owner: string; made: string }>(
    `select
      (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'muster') as owner,
      (select string_agg(nspname, ' ') from pg_catalog.pg_namespace
       where nspname = any (string_to_array($1, ' ')) and obj_description(oid, 'pg_namespace') = 'created by muster') as made`,
    [MADE_WHERE_MISSING.join(' ')],
  )
  return {
    blocks: catalogBlocks(await describeCatalog(database)),
    owner: found?.owner ?? '',
    schemas: ['public', 'muster', 'sign_in', ...(found?.made?.split(' ') ?? [])],
  }
}

/**
 * Makes the catalog of the history in an embedded database, in memory. It takes some 5 s: `readHistoryCatalog` keeps it.
 *
 * @param cacheDir see `EmbeddedOptions`
 */
export async function makeHistoryCatalog({
  cacheDir,
  ...options
}: Pick<MigrationOptions, 'folder' | 'signal'> & { cacheDir?: string } = {}): Promise<ComparableCatalog> {
  const database = await openEmbedded(cacheDir === undefined ? {} : { cacheDir })
  try {
    await migrateUp(database, options)
    return await readComparableCatalog(database)
  } finally {
    await database.close()
  }
}

/** What `live` has otherwise than the history, in the order of the kinds. */
export function findDrift(history: ComparableCatalog, live: ComparableCatalog): Drift[] {
  const expected = comparable(history, live.schemas)
  const found = comparable(live, live.schemas)
  const relations = [...expected.keys()].flatMap((name) => /^relation (.+)$/.exec(name)?.[1] ?? [])
  const drifts: Drift[] = []
  for (const [name, { text, object }] of expected) {
    const other = found.get(name)
    if (!other) drifts.push({ object, how: 'missing' })
    else if (other.text !== text) drifts.push({ object, how: 'changed' })
  }
  for (const [name, { text, object }] of found) {
    if (!expected.has(name) && isAdded(name, text, relations)) drifts.push({ object, how: 'added' })
  }
  return drifts
}

/** Kinds of which each object is compared. Comments only where the history has one: more of them do no harm. */
const COMPARED =
  /^(?:schema muster$|(?:type|relation|column|constraint|index|function|trigger|rule|policy|published table|comment (?:function|table|table column|view|index|trigger|policy|table constraint|sequence|schema)) )/

/** Made at each start of the service on the embedded engine; they follow the publication. */
const OF_THE_CHANGE_CAPTURE = /^(?:function muster\.capture_\d+\(\)|trigger "0_capture\w*" on )/

interface Comparable {
  object: string
  text: string
}

/** The blocks that are compared, by their names without the schemas in which PostGIS and the tables may be. */
function comparable(
  { blocks, owner }: ComparableCatalog,
  schemas: readonly string[],
): Map<string, Comparable> {
  const compared = [...blocks].filter(
    ([name]) => COMPARED.test(name) && !OF_THE_CHANGE_CAPTURE.test(name) && isIn(name, blocks, schemas),
  )
  return new Map(
    compared.map(([object, text]) => {
      const normalized = normalize(unqualify(text), owner)
      // A trigger that a down file made again, and a check that was dumped and restored, are printed with fewer parentheses (a chain of
      // `and` becomes one list), and are the same.
      const isMadeAgain = /^(?:trigger|constraint) /.test(object)
      return [
        unqualify(object),
        { object, text: isMadeAgain ? normalized.replaceAll(/[()]/g, '') : normalized },
      ]
    }),
  )
}

/** Whether an object is in one of the schemas, by its name, or by the table that it is on. */
function isIn(name: string, blocks: CatalogBlocks, schemas: readonly string[]): boolean {
  if (name.startsWith('published table ')) return name.endsWith(' in supabase_realtime')
  const [, only] = /^(?:comment )?schema (.+)$/.exec(name) ?? []
  if (only !== undefined) return schemas.includes(only)
  const [qualified = ''] = /(?<= on |^)[^ ]+\.[^ ]+/.exec(withoutKind(name)) ?? []
  const schema = qualified.split('.')[0] ?? ''
  return schema === '' ? blocks.has(name) : schemas.includes(schema)
}

const withoutKind = (name: string): string =>
  name.replace(
    /^(?:comment (?:table column|table constraint|\w+)|published table|\w+) (?:\S+ (?=on ))?(?:on )?/,
    '',
  )

function isAdded(name: string, text: string, relations: readonly string[]): boolean {
  const isOurs = (relation: string | undefined): boolean =>
    relation !== undefined && relations.includes(relation)
  const [kind = ''] = name.split(' ')
  switch (kind) {
    case 'trigger':
    case 'policy':
    case 'rule':
    case 'constraint':
      return isOurs(name.split(' on ').at(-1))
    case 'index':
      return isOurs(/ ON (?:ONLY )?(\S+) USING /.exec(text)?.[1])
    case 'column':
      return isOurs(/^column (.+)\.[^.]+$/.exec(name)?.[1])
    case 'published':
      return isOurs(/^published table (.+) in /.exec(name)?.[1])
    case 'function':
    case 'relation':
    case 'type':
      return name.startsWith(`${kind} muster.`)
    default:
      return false
  }
}

/** PostGIS may be in `extensions` or in `public`. */
const unqualify = (text: string): string => text.replaceAll(/\b(?:extensions|public)\./g, '')

/** Differences that are no drift: output that depends on the server's version, and settings that belong to the operator. */
const PASSING: readonly [RegExp, string][] = [
  // From PostgreSQL 17 on an owner has it too.
  [/(?:, )?[\w"]+=MAINTAIN\*?\/[\w"]+/g, ''],
  // Before PostgreSQL 18 an alias is printed with "AS" here.
  [/((?:DELETE FROM|UPDATE) \S+) AS /g, '$1 '],
  [/ (?:storage|compression) \w\b/g, ''],
  [/ statistics \d+/g, ''],
  [/^ {2}with (?!security).*\n?/gm, ''],
]

function normalize(text: string, owner: string): string {
  const passed = PASSING.reduce((result, [pattern, by]) => result.replaceAll(pattern, by), text)
  return passed
    .split('\n')
    .map((line) =>
      /^ {2}owner /.test(line) || /^ {2}\S+=[A-Z]+\*?\//.test(line)
        ? sortList(
            line
              .trim()
              .split(/([ ,=/])/)
              .map((word) => (word === owner ? 'the_owner' : word))
              .join(''),
          )
        : line,
    )
    .join('\n')
}

/** An owner of another name sorts elsewhere. */
const sortList = (line: string): string => line.split(', ').sort().join(', ')
