import { sql } from 'drizzle-orm'
import type { Database, Transaction } from '../../src/db/engine/types.ts'
import { openSessions, type Sessions } from '../../src/db/session.ts'
import { type AccessPersona, accessCaller, type MatrixRow } from './access-world.ts'

/** What a persona tries to do to a row. */
export interface Action {
  means: string
  /** `read`: a query whose one value says whether it was allowed. `change`: allowed when the watched rows differ after it. */
  kind: 'read' | 'change'
  /** The statement, or undefined where it makes no sense for the row. */
  on(row: MatrixRow): string | undefined
  /** The rows that a change is seen in; those of the section's table with the row's key unless said otherwise. */
  watch?: (row: MatrixRow) => Watched
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

export type Outcome = 'allowed' | 'refused' | `broken ${string}`

/** Expected: section, row, persona, then the letters allowed. */
export type Grid = ReadonlyMap<string, ReadonlyMap<AccessPersona, ReadonlySet<string>>>

/** @throws Error for a grid that leaves out a row, or names something that there is not. */
export function parseGrid(section: Section, personas: readonly AccessPersona[]): Grid {
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
  statement: string
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
  return { kind: action.kind, statement, ...watched }
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
  `create function probe.attempt(kind text, statement text, relation regclass, condition text) returns text
   language plpgsql as $$
   declare
     before text;
     allowed boolean;
   begin
     if kind = 'change' then
       before := probe.look(relation, condition);
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
  `create function probe.attempt_all(attempts jsonb) returns jsonb
   language sql volatile as $$
     select coalesce(jsonb_agg(probe.attempt(a.kind, a.statement, a.relation::regclass, a.condition) order by a.nth), '[]')
     from rows from (jsonb_to_recordset(attempts) as (kind text, statement text, relation text, condition text))
       with ordinality as a (kind, statement, relation, condition, nth)
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
    async transaction(work) {
      try {
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

/** The cells of a section that are not as its grid says, for one persona. */
export async function wrongCells(
  tryAll: TryAll,
  section: Section,
  grid: Grid,
  persona: AccessPersona,
): Promise<WrongCell[]> {
  const cells: (Cell & { attempt: Attempt })[] = []
  for (const [name, row] of Object.entries(section.rows)) {
    const allowed = grid.get(name)?.get(persona)
    for (const [letter, action] of Object.entries(section.actions)) {
      const attempt = attemptOf(section, action, row)
      const expected = allowed?.has(letter) ? 'allowed' : 'refused'
      if (attempt)
        cells.push({ table: section.table, row: name, persona, action: action.means, expected, attempt })
      else if (allowed?.has(letter))
        fail(section, `row ${name} allows ${letter}, which makes no sense for it`)
    }
  }
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
