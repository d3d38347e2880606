import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeCatalog } from '../../src/db/catalog.ts'
import { migrateDown, migrateUp } from '../../src/db/migrate.ts'
import { useTestDatabase } from '../support/database.ts'

const SCHEMAS = join(import.meta.dirname, '../../supabase/schemas')

const database = useTestDatabase()

/** The blocks of a description, by kind and name. */
function blocksOf(description: string): Map<string, string> {
  const blocks = description.split(/\n(?! )/).map((block): [string, string] => {
    const end = block.indexOf('\n')
    return end < 0 ? [block, ''] : [block.slice(0, end), block.slice(end + 1)]
  })
  return new Map(blocks.filter(([name]) => name !== ''))
}

/** What differs, block by block (before and after): shorter to read than two descriptions. */
function difference(before: string, after: string): Record<string, (string | undefined)[]> {
  const [old, present] = [blocksOf(before), blocksOf(after)]
  const names = [...new Set([...old.keys(), ...present.keys()])].filter(
    (name) => old.get(name) !== present.get(name) || old.has(name) !== present.has(name),
  )
  return Object.fromEntries(names.map((name) => [name, [old.get(name), present.get(name)]]))
}

/** What a new database has; roles are the whole server's, and other databases on it use them. */
const OF_A_NEW_DATABASE =
  /^(database this|extension plpgsql|schema public|comment (schema public|database .*|role .*)|(role|membership|setting) .*)$/

describe('the history', () => {
  test('rolls back to nothing and comes back as it was', async () => {
    const { owner } = database()
    const before = await describeCatalog(owner)
    await migrateDown(owner, 'all')
    const left = [...blocksOf(await describeCatalog(owner)).keys()]
    expect(left.filter((name) => !OF_A_NEW_DATABASE.test(name))).toEqual([])
    await migrateUp(owner)
    expect(difference(before, await describeCatalog(owner))).toEqual({})
  })

  test('has in supabase/schemas the present definition of everything', async () => {
    const { owner } = database()
    const before = await describeCatalog(owner)
    const files = (await readdir(SCHEMAS)).filter((file) => file.endsWith('.sql')).sort()
    expect(files).not.toEqual([])
    for (const file of files) await owner.script(await readFile(join(SCHEMAS, file), 'utf8'))
    expect(difference(before, await describeCatalog(owner))).toEqual({})
  })
})
