import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { notifications as ofFreight } from '../../src/freight/notifications.ts'
import { notifications as ofGuarding } from '../../src/guarding/notifications.ts'

const SCHEMAS = join(import.meta.dirname, '../../supabase/schemas')
/** From where rules put together what a notification is about, to its end: nothing in it has parentheses. */
const DATA =
  /(?:into public\.notifications|as expires_on,)[^(]*(?:\([^)]*\))?[^(]*jsonb_build_object\(([^)]*)\)/g
const MEMBER = /'(\w+)',/g
/** Of documents that expire: `warn_of_expiring_documents` adds it for each module. */
const ADDED = 'days'

async function writtenBy(module: string): Promise<Set<string>> {
  const members = new Set([ADDED])
  for await (const path of glob('*.sql', { cwd: join(SCHEMAS, module) })) {
    const sql = await readFile(join(SCHEMAS, module, path), 'utf8')
    for (const [, data = ''] of sql.matchAll(DATA))
      for (const [, member = ''] of data.matchAll(MEMBER)) members.add(member)
  }
  return members
}

it.each([
  ['guarding', ofGuarding],
  ['freight', ofFreight],
])('the data of notifications have the members that the rules of %s write', async (module, declared) => {
  expect([...(await writtenBy(module))].sort()).toEqual([...new Set(Object.values(declared).flat())].sort())
})
