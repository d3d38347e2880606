import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { serializeClaims } from '../../src/platform/auth/caller.ts'
import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { patience } from '../support/patience.ts'
import { IS_WHOLE, trialSize } from '../support/trial.ts'
import { POLICIES_ALONE, SECTIONS, TELLING } from './access-matrix.ts'
import {
  parseGrids,
  type Section,
  tellingCells,
  tryOnce,
  tryWithin,
  type WrongCell,
  wrongAlone,
  wrongCells,
} from './access-probe.ts'
import { ACCESS_PERSONAS, type AccessPersona, accessCaller, SHIFT_ROWS } from './access-world.ts'
import { PRIVILEGES } from './privileges.ts'

/*
 * A mutant is the database with one rule of access broken, inside a transaction that is rolled back. It is found when a cell
 * of the matrix turns red. The cells that most likely do come first, so that few are tried for a mutant that is found, and all
 * of them before one counts as alive.
 */

/** Several times what they take beside three other test files: to find that nothing notices a mutant takes a minute or two. */
export const MUTANTS_TIMEOUT_MS = patience(trialSize(300_000, 1_800_000))

export interface Mutant {
  name: string
  statement: string
  /** The table whose cells have to notice; undefined for any. */
  table?: string | undefined
  /** Statements by which it shows most likely: they are tried first. */
  showsIn?: (statement: string) => boolean
  /** Cells of its table by which it shows most likely: those that the matrix allows, or refuses. They are tried first. */
  showsWhere?: 'allowed' | 'refused'
}

const GRIDS = parseGrids(SECTIONS, ACCESS_PERSONAS)
const GRIDS_BY_TABLE = new Map([...GRIDS].map(([{ table }, grid]) => [table, grid]))

/** Those who see most first: most mutants show there. */
const PERSONAS = [...ACCESS_PERSONAS].sort((a, b) => weight(b) - weight(a))

function weight(persona: AccessPersona): number {
  return [...GRIDS.values()]
    .flatMap((grid) => [...grid.values()])
    .reduce((sum, row) => sum + (row.get(persona)?.size ?? 0), 0)
}

const CHEAPEST_FIRST = [...SECTIONS].sort((a, b) => sizeOf(a) - sizeOf(b))

function sizeOf({ rows, actions }: Section): number {
  return Object.keys(rows).length * Object.keys(actions).length
}

class Undo extends Error {}

/** Runs `work` in a transaction of the owner that is rolled back. */
export async function undone<T>(owner: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  let result: T
  await owner
    .transaction(async (tx) => {
      result = await work(tx)
      throw new Undo()
    })
    .catch((error) => {
      if (!(error instanceof Undo)) throw error
    })
  return result!
}

/**
 * Of the mutants that no known cell notices, the suite searches as many: each takes seconds, and half a minute where nothing notices it, in
 * a transaction during which no change feed of other tests can begin.
 */
const SEARCHED_IN_SUITE = 5

/**
 * For each mutant the cell that turned red when it was last searched for: it is tried first, which takes a fraction of the time of a
 * search. What is known proves nothing: for a mutant whose cell does not turn red again another one is searched.
 */
export class KnownCells {
  readonly #file: URL
  readonly #known: Readonly<Record<string, string>>
  readonly #found: Record<string, string> = {}

  private constructor(file: URL, known: Readonly<Record<string, string>>) {
    this.#file = file
    this.#known = known
  }

  /** @param name of a file of this folder */
  static async read(name: string): Promise<KnownCells> {
    const file = new URL(name, import.meta.url)
    return new KnownCells(file, JSON.parse(await readFile(file, 'utf8')))
  }

  of(mutant: Mutant): string | undefined {
    return this.#known[mutant.name]
  }

  all(): string[] {
    return [...new Set(Object.values(this.#known))]
  }

  add(mutant: Mutant, cell: string): void {
    this.#found[mutant.name] = cell
  }

  /** Writes the cells that were added, after a whole run, in which no mutant was left out. */
  async save(): Promise<void> {
    if (!IS_WHOLE) return
    const sorted = Object.entries(this.#found).sort(([one], [other]) => (one < other ? -1 : 1))
    await writeFile(this.#file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`)
  }
}

/**
 * The names of the mutants that nothing notices, without those that are known to be equivalent; of these, in a whole run, those that are
 * noticed after all.
 *
 * @param equivalent why nobody could notice, by the mutant's name; each must be there
 */
export async function survivors(
  owner: Database,
  known: KnownCells,
  mutants: readonly Mutant[],
  equivalent: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  expect(mutants).not.toEqual([])
  const names = new Set(mutants.map(({ name }) => name))
  expect(Object.keys(equivalent).filter((name) => !names.has(name))).toEqual([])
  const unknown = []
  for (const mutant of mutants) {
    if (mutant.name in equivalent) continue
    const cell = known.of(mutant)
    if (cell && (await turnsRed(owner, mutant, cell))) known.add(mutant, cell)
    else unknown.push(mutant)
  }
  console.log(`${mutants.length} mutants, of which no known cell notices ${unknown.length}.`)
  if (!IS_WHOLE && unknown.length > SEARCHED_IN_SUITE)
    throw new Error(
      `Of ${unknown.length} mutants no known cell notices, and the suite searches ${SEARCHED_IN_SUITE} at most: ${unknown.map(({ name }) => name).join('; ')}. Run \`npm run trial -- mutants\`, which searches cells that notice, and commit what it writes.`,
    )
  const alive = []
  for (const mutant of unknown) {
    const cell = await killer(owner, mutant)
    if (cell) known.add(mutant, cell)
    else alive.push(mutant.name)
  }
  // Takes minutes, and a reason that is none any more does no harm until then.
  for (const mutant of IS_WHOLE ? mutants.filter(({ name }) => name in equivalent) : []) {
    const cell = await undone(owner, (tx) => likelyRed(tx, mutant))
    if (cell) alive.push(`${mutant.name}: is no equivalent, since ${cell} turns red`)
  }
  return alive
}

/** The names of those that nothing notices. */
export async function aliveOf(owner: Database, mutants: readonly Mutant[]): Promise<string[]> {
  const alive = []
  for (const mutant of mutants) if ((await killer(owner, mutant)) === undefined) alive.push(mutant.name)
  return alive
}

/**
 * The database as it is, for each table that no caller has a grant on: what finds mutants must find nothing here. The cells of the other
 * tables are tried by access.test.ts.
 */
export const UNHARMED: readonly Mutant[] = SECTIONS.filter(({ table }) => !isGranted(table)).map(
  ({ table }) => ({
    name: `nothing is broken, seen from ${table}`,
    statement: 'select 1',
    table,
  }),
)

/** The known cells that are red when nothing is broken, and so would seem to notice every mutant. */
export async function redAnyway(owner: Database, known: KnownCells): Promise<string[]> {
  const red = []
  for (const cell of known.all())
    if (await turnsRed(owner, { name: 'nothing is broken', statement: 'select 1' }, cell)) red.push(cell)
  return red
}

/** How a cell turns red: as it stands in the matrix, for the policies alone, or when its table is granted. */
type Way = 'cell' | 'alone' | 'granted'

const toText = (way: Way, { table, row, persona, action }: WrongCell): string =>
  `${way} ${table} ${row}: ${persona}, ${action}`

const CELL_TEXT = /^(?<way>\w+) (?<table>\S+) (?<row>\S+): (?<persona>\S+), (?<action>.+)$/

/** What a mutant turns red first, as `toText` has it, or undefined. */
function killer(owner: Database, mutant: Mutant): Promise<string | undefined> {
  return undone(
    owner,
    async (tx) =>
      (await likelyRed(tx, mutant)) ??
      (mutant.table === undefined
        ? ((await redCell(tx, CHEAPEST_FIRST, { expected: 'allowed' })) ??
          (await redCell(tx, CHEAPEST_FIRST)))
        : undefined),
  )
}

/** The same among the cells by which it shows most likely. Leaves the transaction with the mutant, and a grant. */
async function likelyRed(
  tx: Transaction,
  { statement, table, showsIn, showsWhere }: Mutant,
): Promise<string | undefined> {
  await tx.query(statement)
  if (table === undefined)
    return (
      (await blindSpot(tx)) ??
      (showsIn && (await redCell(tx, withActions(showsIn)))) ??
      (await redCell(
        tx,
        withActions((text) => /^select exists \(select\s+from/.test(text)),
      ))
    )
  const section = SECTIONS.find((candidate) => candidate.table === table)!
  return (
    // The cells that are allowed are few.
    (showsWhere === 'allowed' ? await redCell(tx, [section], { expected: showsWhere }) : undefined) ??
    (await redAlone(tx, section)) ??
    (showsWhere === 'refused' ? await redCell(tx, [section], { expected: showsWhere }) : undefined) ??
    (await redCell(tx, [section])) ??
    (await blindSpot(tx)) ??
    (await redWhenGranted(tx, section))
  )
}

/** Whether a mutant turns that cell red. */
function turnsRed(owner: Database, { statement }: Mutant, cell: string): Promise<boolean> {
  return undone(owner, async (tx) => {
    await tx.query(statement)
    if (cell === BLIND_SPOT) return (await blindSpot(tx)) !== undefined
    const { way, table, row, persona, action } = CELL_TEXT.exec(cell)?.groups ?? {}
    const section = SECTIONS.find((candidate) => candidate.table === table)
    if (!section) return false
    if (way === 'alone') return (await redAlone(tx, section)) !== undefined
    const only: Section = {
      ...section,
      rows: Object.fromEntries(Object.entries(section.rows).filter(([name]) => name === row)),
      actions: Object.fromEntries(
        Object.entries(section.actions).filter(([, { means }]) => means === action),
      ),
    }
    const personas = PERSONAS.filter((name) => name === persona)
    const red =
      way === 'granted'
        ? await redWhenGranted(tx, only, { personas })
        : await redCell(tx, [only], { personas })
    return red !== undefined
  })
}

function isGranted(table: string): boolean {
  return PRIVILEGES.tables[table]?.authenticated !== undefined
}

/** The sections with no other actions than those with a certain statement. */
function withActions(isWanted: (statement: string) => boolean): Section[] {
  return CHEAPEST_FIRST.flatMap((section) => {
    const rows = Object.values(section.rows)
    const actions = Object.entries(section.actions).filter(([, action]) =>
      rows.some((row) => isWanted(action.on(row) ?? '')),
    )
    return actions.length === 0 ? [] : [{ ...section, actions: Object.fromEntries(actions) }]
  })
}

/** Which cells are tried; all, where nothing is said. */
interface Among {
  /** Those of which the matrix says this. */
  expected?: 'allowed' | 'refused'
  personas?: readonly AccessPersona[]
}

/**
 * The first cell of the sections that is not as the matrix says. That an answer tells too much is looked for last: nearly every mutant
 * shows before.
 */
async function redCell(
  tx: Transaction,
  sections: readonly Section[],
  { expected, personas = PERSONAS }: Among = {},
): Promise<string | undefined> {
  for (const section of sections) {
    const tryAll = tryOnce(tryWithin(tx))
    const grids = new Map(GRIDS).set(section, GRIDS_BY_TABLE.get(section.table)!)
    for (const persona of personas) {
      const [red] = await wrongCells(tryAll, section, grids, persona, expected)
      if (red) return toText('cell', red)
    }
    if (expected) continue
    for (const persona of personas) {
      const [red] = await tellingCells(tryAll, section, grids, persona, TELLING)
      if (red) return toText('cell', red)
    }
  }
  return undefined
}

async function redAlone(tx: Transaction, section: Section): Promise<string | undefined> {
  const alone = POLICIES_ALONE.find(({ table }) => table === section.table)
  if (!alone) return undefined
  await tx.query('savepoint alone')
  const [wrong] = await wrongAlone(tx, section, alone)
  await tx.query('rollback to savepoint alone')
  return wrong && toText('alone', wrong)
}

/** Tables that no caller has a grant on: their policies are all there is when somebody gives one by mistake. */
async function redWhenGranted(tx: Transaction, section: Section, among?: Among): Promise<string | undefined> {
  if (isGranted(section.table)) return undefined
  await tx.query(`grant select, insert, update, delete on ${section.table} to authenticated`)
  const cell = await redCell(tx, [section], among)
  return cell?.replace(/^cell/, 'granted')
}

const BLIND_SPOT = 'background work does not see every row'

/** A table of which background work does not see every row. */
async function blindSpot(tx: Transaction): Promise<string | undefined> {
  const readable = Object.keys(PRIVILEGES.tables).filter((table) => PRIVILEGES.tables[table]?.service_role)
  const counts = readable.map((table) => `(select count(*) from ${table})`).join(', ')
  const count = async () => (await tx.query<{ counts: string }>(`select array[${counts}]::text as counts`))[0]
  const all = await count()
  await tx.query("select set_config('role', 'service_role', true)")
  const seen = await count()
  await tx.query("select set_config('role', 'none', true)")
  return seen?.counts === all?.counts ? undefined : BLIND_SPOT
}

/** What a helper without parameters gives the first persona to whom it gives anything. */
export function valueForSomebody(owner: Database, helper: string): Promise<string> {
  return undone(owner, async (tx) => {
    await tx.query("select set_config('realtime.topic', $1, true)", [`shift:${SHIFT_ROWS.companyActive.id}`])
    for (const persona of PERSONAS) {
      const claims = serializeClaims(accessCaller(persona).claims)
      await tx.query("select set_config('request.jwt.claims', $1, true)", [claims])
      const [row] = await tx.query<{ value: string | null }>(`select ${helper}()::text as value`)
      if (row?.value) return row.value
    }
    throw new Error(`${helper}() gives nobody anything.`)
  })
}
