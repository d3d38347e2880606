/** The blocks of a description of the catalog (see `describe-catalog.ts`), by kind and name. */
export type CatalogBlocks = ReadonlyMap<string, string>

/** What belongs to the whole server: its other databases change it, too. */
export const OF_THE_SERVER = /^(?:role |membership |comment role |setting (?!all roles here$))/

export function catalogBlocks(description: string): Map<string, string> {
  const blocks = description.split(/\n(?! )/).map((block): [string, string] => {
    const end = block.indexOf('\n')
    return end < 0 ? [block, ''] : [block.slice(0, end), block.slice(end + 1)]
  })
  return new Map(blocks.filter(([name]) => name !== ''))
}

/** What differs, block by block, before and after: shorter to read than two descriptions. */
export function catalogDifference(
  before: CatalogBlocks,
  after: CatalogBlocks,
): Record<string, (string | undefined)[]> {
  const names = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  )
  return Object.fromEntries(names.map((name) => [name, [before.get(name), after.get(name)]]))
}
