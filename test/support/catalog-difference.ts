import { catalogBlocks, OF_THE_SERVER } from '../../src/platform/db/migrations/catalog-difference.ts'
import { describeCatalog } from '../../src/platform/db/migrations/describe-catalog.ts'
import type { TestDatabase } from './database.ts'

export { catalogDifference as difference } from '../../src/platform/db/migrations/catalog-difference.ts'

/** The blocks of a description of the catalog, by kind and name. On a server without those that are not the database's own. */
export async function describeBlocks({ owner, engine }: TestDatabase): Promise<Map<string, string>> {
  return blocksOf(await describeCatalog(owner), engine)
}

/** The same of a text that is there already. */
export function blocksOf(description: string, engine: TestDatabase['engine']): Map<string, string> {
  const blocks = catalogBlocks(description)
  if (engine === 'server') for (const name of blocks.keys()) if (OF_THE_SERVER.test(name)) blocks.delete(name)
  return blocks
}
