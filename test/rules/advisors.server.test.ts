import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'

/** Supabase's advisors (`supabase db advisors`) on the migrated database. What they may say, and why, is in the file. */
const explained: Record<'name' | 'detail' | 'reason', string>[] = JSON.parse(
  await readFile('supabase/advisors.json', 'utf8'),
)

const database = useTestDatabase()

interface Finding {
  name: string
  level: 'INFO' | 'WARN' | 'ERROR'
  detail: string
}

async function adviseAtWarn(): Promise<Finding[]> {
  const { owner, ownerUrl } = database()
  // Nine lints pass in silence unless they know which schemas an API exposes: as on Supabase, `public`.
  const [{ name } = { name: '' }] = await owner.query<{ name: string }>('select current_database() as name')
  await owner.script(`alter database "${name}" set pgrst.db_schemas = 'public'`)
  const { stdout } = await promisify(execFile)(
    'node_modules/.bin/supabase',
    ['db', 'advisors', `--remote=${ownerUrl}`, '--level', 'warn', '--output', 'json'],
    { env: { ...process.env, DO_NOT_TRACK: '1', SUPABASE_TELEMETRY_DISABLED: '1' } },
  )
  const list = stdout.slice(stdout.indexOf('['))
  return stdout.includes('[') ? JSON.parse(list) : []
}

it("has nothing that Supabase's advisors warn of but what is explained; and they do look", async () => {
  // They come in the order of the catalog, which changes when a function is replaced.
  const inOrder = (findings: readonly Pick<Finding, 'name' | 'detail'>[]) =>
    findings.map(({ name, detail }) => `${name}: ${detail}`).sort()
  expect(inOrder(await adviseAtWarn())).toEqual(inOrder(explained))

  await database().owner.script(`
    create table public.careless (id int primary key);
    grant select on public.careless to anon;
    create function public.mutable_path() returns int language sql as 'select 1';
  `)
  const names = (await adviseAtWarn()).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['rls_disabled_in_public', 'function_search_path_mutable']))
})
