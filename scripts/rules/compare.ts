import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { catalogDifference } from '../../src/platform/db/migrations/catalog-difference.ts'
import { type Rules, readBlocks, readRulesOf } from './objects.ts'
import { NotByThisCommand, type Plan, planRules } from './pair.ts'
import { buildFromFiles, emptyDatabase, isOfAnEmptyDatabase, type Source } from './schema-files.ts'

export interface CompareOptions {
  /** Whether roles are part of it; on a server they belong to other databases too. */
  roles: boolean
}

/** The rules as the history makes them, and as the files do. */
export interface Comparison {
  readonly history: Rules
  readonly files: Rules
}

/**
 * Reads the rules of a migrated database, and those of one that has nothing but what the files make.
 *
 * @throws as `buildRules`
 */
export async function compareWithFiles(
  tx: Transaction,
  rules: readonly Source[],
  options: CompareOptions,
): Promise<Comparison> {
  return { history: await readRulesOf(tx), files: await buildRules(tx, rules, options) }
}

/**
 * Reads the rules of a database that has nothing but what the files make. It is the present one, emptied inside the transaction,
 * and comes back: to open another, with PostGIS, costs more than all the rest.
 *
 * @throws Error when the files do not build a database, with the statement that failed.
 */
export function buildRules(
  tx: Transaction,
  rules: readonly Source[],
  { roles }: CompareOptions,
): Promise<Rules> {
  return within(tx, async () => {
    await emptyDatabase(tx, { roles })
    const left = [...(await readBlocks(tx)).keys()].filter((name) => !isOfAnEmptyDatabase(name))
    if (left.length > 0) throw new Error(`Still there after the database was emptied: ${left.join(', ')}`)
    return readRulesOf(tx, await buildFromFiles(tx, rules))
  })
}

export interface Pair {
  readonly up: Plan
  readonly down: Plan
}

/** @throws NotByThisCommand */
export const planPair = ({ history, files }: Comparison): Pair => ({
  up: planRules(history, files),
  down: planRules(files, history),
})

/**
 * Runs up, down and up again in a database that has the history, and leaves it as it was.
 *
 * @param isCompared which blocks of the catalog count
 * @throws NotByThisCommand when something does not come out as it is in the files, or not back as it was.
 */
export async function tryPair(
  tx: Transaction,
  { history, files }: Comparison,
  { up, down }: Pair,
  isCompared: (block: string) => boolean = () => true,
): Promise<void> {
  await within(tx, async () => {
    for (const [name, plan, wanted, spelling] of [
      ['up', up, files, asItIs],
      ['down', down, history, flat],
      ['up again', up, files, flat],
    ] as const) {
      for (const statement of plan.statements) await run(tx, name, statement)
      const wrong = Object.keys(
        catalogDifference(spelling(wanted.blocks), spelling(await readBlocks(tx))),
      ).filter(isCompared)
      if (wrong.length > 0) {
        throw new NotByThisCommand(
          `db:rule has no statements for ${wrong.join(', ')} (${name}): write this one by hand (npm run db:generate -- --custom --name <name>), then run db:rule again for the rest.`,
        )
      }
    }
  })
}

type Blocks = Rules['blocks']

const asItIs = (blocks: Blocks): Blocks => blocks

/**
 * PostgreSQL prints `(a, b, c) is distinct from (d, e, f)` as `((…) or (…)) or (…)`, reads that as one `or` of three, and prints
 * it without the inner parentheses: what was deparsed says the same in another spelling.
 */
const flat = (blocks: Blocks): Blocks =>
  new Map([...blocks].map(([name, text]) => [name, text.replaceAll(/[()]/g, '')]))

async function run(tx: Transaction, direction: string, statement: string): Promise<void> {
  try {
    await tx.query(statement)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new NotByThisCommand(`${direction}: ${why}\n\n${statement}\n\nWrite this one by hand.`, { cause })
  }
}

/** Does something in the transaction, and undoes it. */
export async function within<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
  await tx.query('savepoint within')
  try {
    return await work()
  } finally {
    await tx.query('rollback to savepoint within')
    await tx.query('release savepoint within')
  }
}
