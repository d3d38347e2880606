import type { Comment, Privilege, RuleObject, Rules } from './objects.ts'
import type { Source } from './schema-files.ts'
import { TABLES } from './tables.ts'

/** The command cannot write this migration; the message says what to do instead. */
export class NotByThisCommand extends Error {
  override name = 'NotByThisCommand'
}

export interface Plan {
  readonly statements: readonly string[]
  /** What the statements do, one line each, for people. */
  readonly summary: readonly string[]
}

/** Block of code whose statements run only where a condition holds: on another server they may not. */
const CONDITIONAL = /\bif\b[\s\S]*?\bthen\b|\bexception\b\s+when\b/i

const isBlock = (source: Source): boolean => /^do\b/i.test(source.bare)

/** A statement whose text defines what it makes; what a block or a call made is written as the database tells it. */
const defines = (source: Source): boolean => /^(?:create|alter|comment)\b/i.test(source.bare)

/** Says for which policies the audiences of tables hold: whatever changes a policy calls it last (platform/last.sql). */
const DECLARES = 'function muster.declare_audiences()'

const byHand = (what: string, where: Source): NotByThisCommand =>
  new NotByThisCommand(
    `${what} is made inside a conditional block (${where.file}, line ${where.line}): write this one by hand (npm run db:generate -- --custom --name <name>), then run db:rule again for the rest.`,
  )

/**
 * The statements that turn one database's rules into another's: what only `from` has is dropped, what only `to` has is made, and
 * what differs is replaced, or dropped and made again with all that depends on it.
 *
 * @throws NotByThisCommand for what stands in a conditional block of the files, what the tables of the `table.ts` files make, and
 *         tables, sequences and types that would have to be made without a text of their own.
 */
export function planRules(from: Rules, to: Rules): Plan {
  const { dropped, replaced } = compareObjects(from, to)
  const made = [...to.objects.values()].filter(({ key }) => !from.objects.has(key) || dropped.has(key))
  const written = [...made, ...[...replaced].map((key) => to.objects.get(key)!)]
  const fresh = new Set(made.map(({ key }) => key))

  const drops = [...dropped]
    .map((key) => from.objects.get(key)!)
    // What belongs to a table goes with it.
    .filter(({ of }) => of === null || !dropped.has(of))
    .sort((one, other) => other.place - one.place)
    .map(({ drop }) => drop)

  const summary = [
    ...[...dropped].filter((key) => !to.objects.has(key)).map((key) => `drops ${key}`),
    ...made.map(({ key }) => `${from.objects.has(key) ? 'makes again' : 'adds'} ${key}`),
    ...[...replaced].map((key) => `replaces ${key}`),
  ]
  const settings = planSettings(from, to, fresh)
  const privileges = planPrivileges(from, to, fresh, dropped)
  const comments = planComments(from, to, fresh, dropped)
  const touched = [...dropped, ...written.map(({ key }) => key)]
  const isDeclared = touched.some((key) => key.startsWith('policy ') || key === DECLARES)
  const declarations = to.objects.has(DECLARES) && isDeclared ? ['select muster.declare_audiences()'] : []
  return {
    statements: [...drops, ...creations(written), ...settings, ...privileges, ...comments, ...declarations],
    summary: [...summary, ...[...settings, ...privileges, ...comments].map(inOneLine)],
  }
}

/** What has to go (with all that depends on it), and what `create or replace` changes in place. */
function compareObjects(from: Rules, to: Rules): { dropped: Set<string>; replaced: Set<string> } {
  const dropped = new Set<string>()
  const replaced = new Set<string>()
  for (const object of from.objects.values()) {
    const other = to.objects.get(object.key)
    if (!other) dropped.add(object.key)
    else if (object.create !== other.create) {
      if (object.shape !== null && object.shape === other.shape) replaced.add(object.key)
      else dropped.add(object.key)
    }
  }
  for (let size = -1; size !== dropped.size; ) {
    size = dropped.size
    for (const { key, needs } of from.objects.values())
      if (needs.some((needed) => dropped.has(needed))) dropped.add(key)
  }
  for (const key of dropped) replaced.delete(key)
  return { dropped, replaced }
}

/** In the order of the files, where there are files; else so that what is needed comes first. */
function creations(objects: readonly RuleObject[]): string[] {
  const made = new Set(objects.map(({ key }) => key))
  const statements = new Map<string | number, { place: readonly [number, number]; text: string }>()
  for (const object of objects) {
    const { origin, key, of } = object
    if (origin?.file === TABLES) {
      throw new NotByThisCommand(`${key} comes from the tables of ${TABLES}: run db:generate first.`)
    }
    if (origin && isBlock(origin) && CONDITIONAL.test(origin.bare)) throw byHand(key, origin)
    if (origin && defines(origin)) {
      statements.set(origin.position, { place: placeOf(object), text: origin.text })
    } else if (object.create !== null) {
      statements.set(key, { place: placeOf(object), text: object.create })
    } else if (of === null || !made.has(of)) {
      throw new NotByThisCommand(`${key} cannot be told from the database: write its statement by hand.`)
    }
  }
  return [...statements.values()]
    .sort((one, other) => one.place[0] - other.place[0] || one.place[1] - other.place[1])
    .map(({ text }) => text)
}

const placeOf = ({ origin, place }: RuleObject): readonly [number, number] => [origin?.position ?? 0, place]

function planSettings(from: Rules, to: Rules, fresh: ReadonlySet<string>): string[] {
  const statements: string[] = []
  for (const [name, setting] of to.settings) {
    const before = fresh.has(setting.object) ? setting.initial : from.settings.get(name)?.value
    if (before !== setting.value) statements.push(setting.statement)
  }
  return statements
}

/** To whom Supabase grants everything on a new table, beside everybody. */
const CALLERS = 'public, anon, authenticated, service_role'

function planPrivileges(
  from: Rules,
  to: Rules,
  fresh: ReadonlySet<string>,
  dropped: ReadonlySet<string>,
): string[] {
  const present = [...from.privileges].filter(([, { object }]) => !dropped.has(object))
  const before = new Map(present)
  const statements: string[] = []
  for (const key of fresh) {
    if (key.startsWith('function muster.')) {
      const { on = key } = [...to.privileges.values()].find(({ object }) => object === key) ?? {}
      before.set(...bornOpen(key, on))
    } else if (/^(?:function|table|view|materialized view|sequence) /.test(key)) {
      statements.push(`revoke all on ${key.replace(/^(?:materialized )?view /, 'table ')} from ${CALLERS}`)
    }
  }
  // A table that comes under the rules: Supabase granted everything on it when it was made, which no embedded database shows.
  for (const [name, { object, value, initial }] of to.settings) {
    if (!name.startsWith('row level security ') || fresh.has(object)) continue
    if (value === initial || from.settings.get(name)?.value !== initial) continue
    statements.push(`revoke all on ${object} from ${CALLERS}`)
    for (const [key, privilege] of before) if (privilege.object === object) before.delete(key)
  }
  const taken = [...before]
    .filter(([key]) => !to.privileges.has(key))
    .map(([, privilege]) => privilege)
    // Whoever becomes the owner keeps what was granted, as the owner's own.
    .filter(({ object, grantee }) => to.settings.get(`owner of ${object}`)?.value !== grantee)
  // What is taken of a table is taken of each of its columns, too; and one privilege can only be taken with all the others.
  const ofTables = new Set(taken.filter(({ column }) => column === null).map(wholeKey))
  const isTakenToo = (privilege: Privilege): boolean =>
    ofTables.has(wholeKey({ ...privilege, privilege: MAINTAIN })) ||
    (privilege.column !== null && ofTables.has(wholeKey(privilege)))
  const given = [...to.privileges]
    .filter(([key, privilege]) => !before.has(key) || isTakenToo(privilege))
    .map(([, privilege]) => privilege)
  return [...statements, ...phrases(taken, 'revoke'), ...phrases(given, 'grant')]
}

const wholeKey = ({ object, grantee, privilege }: Privilege): string =>
  [object, grantee, privilege].join(' | ')

/** A function is born executable by everybody. */
function bornOpen(object: string, on: string): [string, Privilege] {
  const open = { object, on, grantee: 'public', privilege: 'execute', column: null, grantable: false }
  return [privilegeKey(open), open]
}

const privilegeKey = ({ object, column, grantee, privilege, grantable }: Privilege): string =>
  [object, column, grantee, privilege, grantable].join(' | ')

/** One statement for each object and group of roles with the same privileges. */
function phrases(privileges: readonly Privilege[], verb: 'grant' | 'revoke'): string[] {
  const ofRole = Map.groupBy(privileges, ({ on, grantee, grantable }) => `${on} | ${grantee} | ${grantable}`)
  const ofObject = Map.groupBy(ofRole.values(), (list) => {
    const [{ on, grantable }] = list as [Privilege, ...Privilege[]]
    return `${verb} ${spell(list)} on ${on} | ${grantable}`
  })
  return [...ofObject].map(([phrase, lists]) => {
    const [what, grantable] = phrase.split(' | ')
    const roles = lists.map((list) => list[0]!.grantee).join(', ')
    return verb === 'grant'
      ? `${what} to ${roles}${grantable === 'true' ? ' with grant option' : ''}`
      : `${what} from ${roles}`
  })
}

/** The privileges of a table that PostgreSQL 17 knows and 15 does not: it comes with `all` alone. */
const MAINTAIN = 'maintain'

function spell(list: readonly Privilege[]): string {
  const ofAll = list.filter(({ column }) => column === null).map(({ privilege }) => privilege)
  const whole = ofAll.includes(MAINTAIN) ? ['all'] : ofAll
  const ofColumns = Map.groupBy(
    list.filter(({ column }) => column !== null),
    ({ privilege }) => privilege,
  )
  return [
    ...whole,
    ...[...ofColumns].map(
      ([privilege, columns]) => `${privilege} (${columns.map(({ column }) => column).join(', ')})`,
    ),
  ].join(', ')
}

function planComments(
  from: Rules,
  to: Rules,
  fresh: ReadonlySet<string>,
  dropped: ReadonlySet<string>,
): string[] {
  const isFresh = ({ object }: Comment): boolean => object !== null && fresh.has(object)
  const set = [...to.comments.values()].filter(
    (comment) => isFresh(comment) || from.comments.get(comment.on)?.text !== comment.text,
  )
  for (const { on, origin } of set) {
    if (origin && isBlock(origin) && CONDITIONAL.test(origin.bare))
      throw byHand(`The comment on ${on}`, origin)
  }
  const gone = [...from.comments.values()].filter(
    ({ on, object }) => !to.comments.has(on) && (object === null || !dropped.has(object)),
  )
  return [
    ...gone.map(({ on }) => `comment on ${on} is null`),
    ...set.map(({ origin, statement }) => (origin && defines(origin) ? origin.text : statement)),
  ]
}

/** What a line of the summary shows of a statement, in characters: one line of a wide terminal. */
const SHOWN = 120

/** A statement for people: without the lines of comment before it, in one line, its end cut where it is long. */
export function inOneLine(statement: string): string {
  const line = statement
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > SHOWN ? `${line.slice(0, SHOWN - 1).trimEnd()}…` : line
}
