import { describeCatalog } from '../../src/db/catalog.ts'
import type { TestDatabase } from './database.ts'

/** What belongs to the whole server: other test files, each with a database of its own, change it at the same time. */
const OF_THE_SERVER = /^(?:role |membership |comment role |setting (?!all roles here$))/

/** The blocks of a description of the catalog, by kind and name. On a server without those that are not the database's own. */
export async function describeBlocks({ owner, engine }: TestDatabase): Promise<Map<string, string>> {
  return blocksOf(await describeCatalog(owner), engine)
}

/** The same of a text that is there already. */
export function blocksOf(description: string, engine: TestDatabase['engine']): Map<string, string> {
  const blocks = description.split(/\n(?! )/).map((block): [string, string] => {
    const end = block.indexOf('\n')
    return end < 0 ? [block, ''] : [block.slice(0, end), block.slice(end + 1)]
  })
  return new Map(
    blocks.filter(([name]) => name !== '' && (engine === 'embedded' || !OF_THE_SERVER.test(name))),
  )
}

/** What differs, block by block, before and after: shorter to read than two descriptions. */
export function difference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Record<string, (string | undefined)[]> {
  const names = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  )
  return Object.fromEntries(names.map((name) => [name, [before.get(name), after.get(name)]]))
}
