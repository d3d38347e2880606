import { expect } from 'vitest'
import { serializeClaims } from '../../src/platform/auth/caller.ts'
import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { patience } from '../support/patience.ts'
import { seededRandom } from '../support/random.ts'
import { trialSeed, trialSize } from '../support/trial.ts'
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

/** Several times what they take beside three other test files. */
export const MUTANTS_TIMEOUT_MS = patience(trialSize(120_000, 900_000))

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

/** Of hundreds: the whole takes a quarter of an hour on two cores, a mutant one to two seconds. Each run of the suite draws others. */
const MUTANTS_IN_SUITE = 30

/**
 * The names of the mutants that nothing notices, without those that are known to be equivalent. The suite tries some of them, drawn by
 * lot; `npm run trial -- mutants` tries all.
 *
 * @param equivalent why nobody could notice, by the mutant's name; each must be there
 */
export async function survivors(
  owner: Database,
  mutants: readonly Mutant[],
  equivalent: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  expect(mutants).not.toEqual([])
  const names = new Set(mutants.map(({ name }) => name))
  expect(Object.keys(equivalent).filter((name) => !names.has(name))).toEqual([])
  return aliveOf(owner, drawn(mutants.filter(({ name }) => !(name in equivalent))))
}

/** The names of those that nothing notices. */
export async function aliveOf(owner: Database, mutants: readonly Mutant[]): Promise<string[]> {
  const alive = []
  for (const mutant of mutants) if ((await killer(owner, mutant)) === undefined) alive.push(mutant.name)
  return alive
}

function drawn(mutants: readonly Mutant[]): Mutant[] {
  const random = seededRandom(trialSeed())
  return mutants
    .map((mutant) => ({ mutant, lot: random() }))
    .sort((one, other) => one.lot - other.lot)
    .slice(0, trialSize(MUTANTS_IN_SUITE, mutants.length))
    .map(({ mutant }) => mutant)
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

/** What a mutant turns red first, or undefined. */
export function killer(
  owner: Database,
  { statement, table, showsIn, showsWhere }: Mutant,
): Promise<string | undefined> {
  return undone(owner, async (tx) => {
    await tx.query(statement)
    if (table === undefined)
      return (
        (await blindSpot(tx)) ??
        (showsIn && (await redCell(tx, withActions(showsIn)))) ??
        (await redCell(
          tx,
          withActions((text) => /^select exists \(select\s+from/.test(text)),
        )) ??
        (await redCell(tx, CHEAPEST_FIRST, 'allowed')) ??
        (await redCell(tx, CHEAPEST_FIRST))
      )
    const section = SECTIONS.find((candidate) => candidate.table === table)!
    return (
      // The cells that are allowed are few.
      (showsWhere === 'allowed' ? await redCell(tx, [section], showsWhere) : undefined) ??
      (await redAlone(tx, section)) ??
      (showsWhere === 'refused' ? await redCell(tx, [section], showsWhere) : undefined) ??
      (await redCell(tx, [section])) ??
      (await blindSpot(tx)) ??
      (await redWhenGranted(tx, section))
    )
  })
}

function isGranted(table: string): boolean {
  return PRIVILEGES.tables[table]?.authenticated !== undefined
}

const toText = ({ table, row, persona, action, answer }: WrongCell): string =>
  `${table} ${row}: ${persona}, ${action}: ${answer}`

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

/**
 * The first cell of the sections that is not as the matrix says. That an answer tells too much is looked for last: nearly every mutant
 * shows before.
 *
 * @param expected only among the cells of which the matrix says this
 */
async function redCell(
  tx: Transaction,
  sections: readonly Section[],
  expected?: 'allowed' | 'refused',
): Promise<string | undefined> {
  for (const section of sections) {
    const tryAll = tryOnce(tryWithin(tx))
    const grids = new Map(GRIDS).set(section, GRIDS_BY_TABLE.get(section.table)!)
    for (const persona of PERSONAS) {
      const [red] = await wrongCells(tryAll, section, grids, persona, expected)
      if (red) return toText(red)
    }
    if (expected) continue
    for (const persona of PERSONAS) {
      const [red] = await tellingCells(tryAll, section, grids, persona, TELLING)
      if (red) return toText(red)
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
  return wrong && toText(wrong)
}

/** Tables that no caller has a grant on: their policies are all there is when somebody gives one by mistake. */
async function redWhenGranted(tx: Transaction, section: Section): Promise<string | undefined> {
  if (isGranted(section.table)) return undefined
  await tx.query(`grant select, insert, update, delete on ${section.table} to authenticated`)
  return redCell(tx, [section])
}

/** A table of which background work does not see every row. */
async function blindSpot(tx: Transaction): Promise<string | undefined> {
  const readable = Object.keys(PRIVILEGES.tables).filter((table) => PRIVILEGES.tables[table]?.service_role)
  const counts = readable.map((table) => `(select count(*) from ${table})`).join(', ')
  const count = async () => (await tx.query<{ counts: string }>(`select array[${counts}]::text as counts`))[0]
  const all = await count()
  await tx.query("select set_config('role', 'service_role', true)")
  const seen = await count()
  await tx.query("select set_config('role', 'none', true)")
  return seen?.counts === all?.counts ? undefined : `service_role sees ${seen?.counts} rows of ${all?.counts}`
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
