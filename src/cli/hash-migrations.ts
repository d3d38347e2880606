import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'

/**
 * Adds the hashes of new migrations to `drizzle/meta/_hashes.json`. Those that are listed stay as they are: a migration that has
 * landed never changes, and `test/unit/migrations.test.ts` compares.
 */
const folder = new URL('../../drizzle/', import.meta.url)
const list = new URL('meta/_hashes.json', folder)

const known: Record<string, string> = JSON.parse(await readFile(list, 'utf8'))
for (const name of (await readdir(folder)).sort()) {
  if (!name.endsWith('.sql') || name in known) continue
  known[name] = createHash('sha256')
    .update(await readFile(new URL(name, folder)))
    .digest('hex')
  console.log(`added ${name}`)
}
await writeFile(list, `${JSON.stringify(known, null, 2)}\n`)
