import { sql } from '../../src/platform/db/drizzle.ts'
import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { openSessions, type Sessions } from '../../src/platform/db/session.ts'
import { type AccessPersona, accessCaller, type MatrixRow } from './access-world.ts'

/** What a persona tries to do to a row. */
export interface Action {
  means: string
  /**
   * `read`: a query whose one value says whether it was allowed. `list`: a query whose one value is a list of ids, the same for all rows,
   * allowed where it has the row's. `change`: allowed when the watched rows differ after it.
   */
  kind: 'read' | 'list' | 'change'
  /** The statement, or undefined where it makes no sense for the row. */
  on(row: MatrixRow): string | undefined
  /** The rows that a change is seen in; those of the section's table with the row's key unless said otherwise. */
  watch?: (row: MatrixRow) => Watched
  /** The realtime channel that it is done on. */
  topic?: (row: MatrixRow) => string
}

export interface Watched {
  relation: string
  condition: string
}

/** All that is said about one table. */
export interface Section {
  table: string
  /** The column that a row's `id` stands in. */
  key: string
  rows: Readonly<Record<string, MatrixRow>>
  /** By the letter that stands for them in the grid. */
  actions: Readonly<Record<string, Action>>
  /**
   * Who may do what: a line for each row, a column for each persona, in each cell the letters of the actions that are
   * allowed (`.` for none). A persona without a column may do nothing to any row.
   */
  grid: string
}

/**
 * Policies by themselves: with the table's triggers off and every column granted, who may insert a copy of a row, and who
 * may make a row like another. What a trigger or a column grant holds too would otherwise not be missed in a policy.
 */
export interface Alone {
  table: string
  /** By `persona row`. */
  inserts?: Readonly<Record<string, 'allowed' | 'refused'>>
  /** By `persona row other-row`; row `*` is an update without a condition, in front of which no `select` policy stands. */
  updates?: Readonly<Record<string, 'allowed' | 'refused'>>
}

export type Outcome = 'allowed' | 'refused' | `broken ${string}`

/** Expected: section, row, persona, then the letters allowed. */
export type Grid = ReadonlyMap<string, ReadonlyMap<AccessPersona, ReadonlySet<string>>>

export type Grids = ReadonlyMap<Section, Grid>

export function parseGrids(sections: readonly Section[], personas: readonly AccessPersona[]): Grids {
  return new Map(sections.map((section) => [section, parseGrid(section, personas)]))
}

/** @throws Error for a grid that leaves out a row, or names something that there is not. */
function parseGrid(section: Section, personas: readonly AccessPersona[]): Grid {
  const [header = [], ...lines] = section.grid
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const grid = new Map<string, Map<AccessPersona, Set<string>>>()
  for (const persona of header)
    if (!personas.includes(persona as AccessPersona)) fail(section, `no persona ${persona}`)
  for (const [name = '', ...cells] of lines) {
    if (!(name in section.rows)) fail(section, `no row ${name}`)
    if (cells.length !== header.length) fail(section, `row ${name} has ${cells.length} cells`)
    const allowed = cells.map((cell) => new Set(cell === '.' ? '' : cell))
    for (const letter of allowed.flatMap((letters) => [...letters]))
      if (!(letter in section.actions)) fail(section, `row ${name} has the unknown action ${letter}`)
    grid.set(name, new Map(header.map((persona, n) => [persona as AccessPersona, allowed[n]!])))
  }
  for (const name of Object.keys(section.rows)) if (!grid.has(name)) fail(section, `row ${name} is missing`)
  return grid
}

function fail(section: Section, what: string): never {
  throw new Error(`The grid of ${section.table}: ${what}.`)
}

/** An SQL literal, for the ids and words of the matrix. */
export const quote = (value: MatrixRow[string]): string =>
  value === null || value === undefined ? 'null' : `'${String(value).replaceAll("'", "''")}'`

export interface Attempt {
  kind: Action['kind']
  topic?: string
  statement: string
  /** What a list is to have. */
  member?: string
  relation: string
  condition: string
}

/** The attempt that an action on a row is, or undefined where it makes no sense. */
export function attemptOf(section: Section, action: Action, row: MatrixRow): Attempt | undefined {
  const statement = action.on(row)
  if (statement === undefined) return undefined
  const watched = action.watch?.(row) ?? {
    relation: section.table,
    condition: `${section.key} = ${quote(row.id)}`,
  }
  const channel = action.topic && { topic: action.topic(row) }
  const member = action.kind === 'list' && { member: row.id }
  return { kind: action.kind, statement, ...member, ...watched, ...channel }
}

/*
 * An attempt is made inside the database, as the session's role, and undone at once: thousands of cells would be minutes
 * of round trips. Only the look at what has changed is the owner's.
 */
const PROBE = [
  'create schema probe',
  'grant usage on schema probe to public',
  `create function probe.look(relation regclass, condition text) returns text
   language plpgsql security definer as $$
   declare seen text;
   begin
     execute format('select string_agg(t::text, chr(10) order by t::text) from %s t where %s', relation, condition) into seen;
     return seen;
   end $$`,
  `create function probe.lockers(relation regclass, condition text) returns text
   language plpgsql security definer as $$
   declare seen text;
   begin
     execute format('select string_agg(t.xmax::text, chr(10) order by t::text) from %s t where %s', relation, condition) into seen;
     return seen;
   end $$`,
  `create function probe.locks(statement text, relation regclass, condition text) returns boolean
   language plpgsql as $$
   declare before constant text := probe.lockers(relation, condition);
   begin
     execute statement;
     return probe.lockers(relation, condition) is distinct from before;
   end $$`,
  `create function probe.attempt(kind text, topic text, statement text, relation regclass, condition text, before text)
   returns text language plpgsql as $$
   declare allowed boolean;
   begin
     perform set_config('realtime.topic', topic, true);
     if kind = 'change' then
       execute statement;
       set constraints all immediate;
       allowed := probe.look(relation, condition) is distinct from before;
     else
       execute statement into allowed;
     end if;
     raise exception using errcode = 'PR0BE', message = case when allowed then 'allowed' else 'unchanged' end;
   exception
     when sqlstate 'PR0BE' then return sqlerrm;
     when others then return sqlstate;
   end $$`,
  `create function probe.list(topic text, statement text) returns jsonb
   language plpgsql as $$
   declare ids text[];
   begin
     perform set_config('realtime.topic', topic, true);
     execute statement into ids;
     raise exception using errcode = 'PR0BE', message = to_jsonb(ids)::text;
   exception
     when sqlstate 'PR0BE' then return sqlerrm;
     when others then return to_jsonb(sqlstate);
   end $$`,
  `create function probe.attempt_all(attempts jsonb) returns jsonb
   language sql volatile as $$
     with a as (
       select *
       from rows from (jsonb_to_recordset(attempts) as (
         kind text, topic text, statement text, member text, relation text, condition text
       )) with ordinality as a (kind, topic, statement, member, relation, condition, nth)
     ),
     -- Each attempt is undone, so what it is compared with is the same for all of them.
     looks as materialized (
       select relation, condition, probe.look(relation::regclass, condition) as before
       from (select distinct relation, condition from a where kind = 'change') as changed
     ),
     lists as materialized (
       select topic, statement, probe.list(topic, statement) as ids
       from (select distinct topic, statement from a where kind = 'list') as listed
     )
     select coalesce(jsonb_agg(
       case
         when a.kind <> 'list' then
           probe.attempt(a.kind, a.topic, a.statement, a.relation::regclass, a.condition, l.before)
         when jsonb_typeof(lists.ids) = 'string' then lists.ids #>> '{}'
         when lists.ids ? a.member then 'allowed'
         else 'unchanged'
       end order by a.nth
     ), '[]')
     from a
     left join looks l on l.relation = a.relation and l.condition = a.condition
     left join lists on lists.statement = a.statement and lists.topic is not distinct from a.topic
   $$`,
]

/** Lets `tryAll` work on this database. As the owner. */
export async function installProbe(owner: Database): Promise<void> {
  for (const statement of PROBE) await owner.query(statement)
}

/** Makes each attempt as the persona and undoes it; gives for each `allowed`, `unchanged`, or the SQLSTATE that refused it. */
export type TryAll = (persona: AccessPersona, attempts: readonly Attempt[]) => Promise<string[]>

export function tryIn(sessions: Sessions): TryAll {
  return async (persona, attempts) =>
    sessions.write(accessCaller(persona), (session) =>
      session.value<string[]>(sql`select probe.attempt_all(${JSON.stringify(attempts)}::jsonb)`),
    )
}

/** The same for rows that nobody changes meanwhile: tries nothing twice. */
export function tryOnce(tryAll: TryAll): TryAll {
  const known = new Map<string, string>()
  return async (persona, attempts) => {
    const keys = attempts.map((attempt) => `${persona} ${JSON.stringify(attempt)}`)
    const unknown = new Map(
      attempts.flatMap((attempt, n) => (known.has(keys[n]!) ? [] : [[keys[n]!, attempt] as const])),
    )
    const answers = unknown.size === 0 ? [] : await tryAll(persona, [...unknown.values()])
    for (const [n, key] of [...unknown.keys()].entries()) known.set(key, answers[n]!)
    return keys.map((key) => known.get(key)!)
  }
}

/** Inside a transaction that goes on after it: what is tried sees the transaction's own changes. The transaction's role is lost. */
export function tryWithin(tx: Transaction): TryAll {
  const sessions = openSessions({
    kind: 'server',
    async transaction(work, options) {
      try {
        if (options?.enter) await tx.query(options.enter.text, options.enter.parameters)
        return await work(tx)
      } finally {
        await tx.query("select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)")
      }
    },
    query: (text, parameters) => tx.query(text, parameters),
    script: () => Promise.reject(new Error('A script would end the transaction.')),
    listen: () => Promise.reject(new Error('Nothing is notified before the commit.')),
    close: async () => {},
  })
  return tryIn(sessions)
}

/** 42501 insufficient_privilege (also: refused by a policy), the errors of `muster.fail`, and what left everything as it was. */
export function toOutcome(answer: string): Outcome {
  if (answer === 'allowed') return 'allowed'
  if (answer === 'unchanged' || answer === '42501' || answer.startsWith('MU')) return 'refused'
  return `broken ${answer}`
}

export interface Cell {
  table: string
  row: string
  persona: AccessPersona
  action: string
  expected: Outcome
}

/** A cell that is not as the matrix says. */
export type WrongCell = Cell & { found: Outcome; answer: string }

/**
 * The cells of a section that are not as its grid says, for one persona.
 *
 * @param wanted only those of which the grid says this
 */
export async function wrongCells(
  tryAll: TryAll,
  section: Section,
  grids: Grids,
  persona: AccessPersona,
  wanted?: 'allowed' | 'refused',
): Promise<WrongCell[]> {
  const grid = grids.get(section)!
  const cells: (Cell & { attempt: Attempt })[] = []
  for (const [name, row] of Object.entries(section.rows)) {
    const allowed = grid.get(name)?.get(persona)
    for (const [letter, action] of Object.entries(section.actions)) {
      const expected = allowed?.has(letter) ? 'allowed' : 'refused'
      if (wanted && expected !== wanted) continue
      const attempt = attemptOf(section, action, row)
      if (attempt)
        cells.push({ table: section.table, row: name, persona, action: action.means, expected, attempt })
      else if (allowed?.has(letter))
        fail(section, `row ${name} allows ${letter}, which makes no sense for it`)
    }
  }
  if (cells.length === 0) return []
  const answers = await tryAll(
    persona,
    cells.map((cell) => cell.attempt),
  )
  return cells.flatMap(({ attempt: _, ...cell }, n) => {
    const answer = answers[n]!
    const found = toOutcome(answer)
    return found === cell.expected ? [] : [{ ...cell, found, answer }]
  })
}

/** Refusals that say more than that there is no such row, on purpose. */
export interface Telling {
  actions: readonly string[]
  why: string
  when(persona: AccessPersona, row: MatrixRow): boolean
}

/** An id of nothing. */
const GHOST = '99990000-0000-7000-8000-00000000dead'

/**
 * Refusals by which a persona could find out that an id which they may not know stands for something: the answer is another
 * one than for an id that stands for nothing.
 */
export async function tellingCells(
  tryAll: TryAll,
  section: Section,
  grids: Grids,
  persona: AccessPersona,
  telling: readonly Telling[],
): Promise<WrongCell[]> {
  const known = idsKnownTo(grids, persona)
  const pairs = Object.entries(section.rows).flatMap(([name, row]) =>
    Object.entries(section.actions).flatMap(([letter, action]) => {
      const mayTell =
        grids.get(section)?.get(name)?.get(persona)?.has(letter) ||
        telling.some((exception) => exception.actions.includes(action.means) && exception.when(persona, row))
      const real = mayTell ? undefined : attemptOf(section, action, row)
      if (!real) return []
      return Object.entries(row)
        .filter(([, value]) => known.get(String(value)) === false)
        .map(([field]) => attemptOf(section, action, { ...row, [field]: GHOST })!)
        .filter((ghost) => ghost.statement !== real.statement)
        .map((ghost) => ({ name, action: action.means, real, ghost }))
    }),
  )
  const real = await tryAll(
    persona,
    pairs.map((pair) => pair.real),
  )
  const ghost = await tryAll(
    persona,
    pairs.map((pair) => pair.ghost),
  )
  return pairs.flatMap(({ name, action }, n) =>
    real[n] === ghost[n]
      ? []
      : [
          {
            table: section.table,
            row: name,
            persona,
            action,
            expected: 'refused',
            found: 'refused',
            answer: `${real[n]}, and ${ghost[n]} for nothing`,
          },
        ],
  )
}

/** Every id of the matrix, and whether the persona may read the row that it is. */
function idsKnownTo(grids: Grids, persona: AccessPersona): Map<string, boolean> {
  return new Map(
    [...grids]
      .filter(([{ key }]) => key === 'id')
      .flatMap(([{ rows }, grid]) =>
        Object.entries(rows).map(([name, { id }]) => [id, grid.get(name)?.get(persona)?.has('r') ?? false]),
      ),
  )
}

/**
 * The cells of `POLICIES_ALONE` for one table that are not as written. Leaves the transaction with the table's triggers off
 * and its columns granted.
 */
export async function wrongAlone(
  tx: Transaction,
  section: Section,
  { inserts = {}, updates = {} }: Pick<Alone, 'inserts' | 'updates'>,
): Promise<WrongCell[]> {
  const { table } = section
  await tx.query(`alter table ${table} disable trigger user`)
  await tx.query(`grant insert, update on ${table} to authenticated`)
  const columns = await tx.query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname <> 'id'",
    [table],
  )
  const names = columns.map(({ name }) => name).join(', ')
  const tryAll = tryWithin(tx)
  const wrong: WrongCell[] = []

  async function check(cell: string, action: string, attempt: Omit<Attempt, 'kind'>, expected: Outcome) {
    const [persona, row] = cell.split(' ') as [AccessPersona, string]
    const [answer] = await tryAll(persona, [{ kind: 'change', ...attempt }])
    // What only a constraint stops has passed the policy.
    const found = answer === '42501' || answer === 'unchanged' ? 'refused' : 'allowed'
    if (found !== expected)
      wrong.push({ table, row, persona, action: `${action} (${cell})`, expected, found, answer: answer! })
  }

  for (const [cell, expected] of Object.entries(inserts)) {
    const copy = await asText(tx, section, cell.split(' ')[1]!, COPY_ID)
    const statement = `insert into ${table} select (${quote(copy)}::${table}).*`
    await check(cell, 'copy', { statement, relation: table, condition: `id = ${quote(COPY_ID)}` }, expected)
  }
  for (const [cell, expected] of Object.entries(updates)) {
    const [, row, like] = cell.split(' ')
    const condition = row === '*' ? 'true' : `id = ${quote(rowOf(section, row!).id)}`
    const model = await asText(tx, section, like!, COPY_ID)
    const statement = `update ${table} set (${names}) = (
      select ${names} from (select (${quote(model)}::${table}).*) as model
    ) ${row === '*' ? '' : `where ${condition}`}`
    await check(cell, 'make like another', { statement, relation: table, condition }, expected)
  }
  return wrong
}

/** Of the copies that are tried: in no section. */
const COPY_ID = '99990000-0000-7000-8000-000000000002'

function rowOf(section: Section, name: string): MatrixRow {
  return section.rows[name] ?? fail(section, `no row ${name}`)
}

/** A row with another id, as PostgreSQL prints it: what it reads again as the same, whatever the columns' types. */
async function asText(tx: Transaction, section: Section, name: string, newId: string): Promise<string> {
  await tx.query(`create temporary table model on commit drop as select * from ${section.table} where false`)
  await tx.query(
    `insert into model select * from ${section.table} where id = ${quote(rowOf(section, name).id)}`,
  )
  await tx.query(`update model set id = ${quote(newId)}, updated_at = now()`)
  const [model] = await tx.query<{ text: string }>('select model::text as text from model')
  await tx.query('drop table model')
  return model?.text ?? fail(section, `row ${name} is not there`)
}
