import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  breakingStatements,
  nameMigration,
  versionIn,
  versionStatement,
  withVersion,
} from '../../scripts/rules/migration-folder.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { patience } from '../support/patience.ts'

/** A copy of what the command reads and writes. */
let folder: string
const file = (path: string): string => join(folder, path)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-generate-'))
  for (const part of ['drizzle', 'drizzle.config.ts', 'package.json', 'scripts', 'src', 'supabase/schemas'])
    await cp(part, file(part), { recursive: true })
  await symlink(join(process.cwd(), 'node_modules'), file('node_modules'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'db:generate writes both directions, the version and one snapshot',
  async () => {
    const before = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!
    const table = file('src/platform/idempotency/table.ts')
    const text = await readFile(table, 'utf8')
    await writeFile(
      table,
      text.replace("key: text('key').notNull(),", "key: text('key').notNull(),\n    trial: text('trial'),"),
    )
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/db-generate.ts', 'a-trial'], {
      cwd: folder,
    })

    const made = (await readMigrations(file('drizzle'))).at(-1)!
    expect(made.tag).toMatch(/^\d+_a_trial$/)
    // Nothing but the files that stay: drizzle-kit names one that does not.
    expect(stdout.match(/\S*_a_trial\.sql/g)).toEqual([
      `drizzle/${made.tag}.sql`,
      `drizzle/down/${made.tag}.sql`,
    ])
    expect(Number.parseInt(made.tag, 10)).toBeGreaterThan(Number.parseInt(before.tag, 10))
    expect(made.up?.statements).toEqual([
      expect.stringContaining('ADD COLUMN "trial" text'),
      expect.stringContaining(`return '${made.tag}'`),
    ])
    expect(made.down?.statements).toEqual([
      expect.stringContaining('DROP COLUMN "trial"'),
      expect.stringContaining(`return '${before.tag}'`),
    ])
    expect(await readFile(file('supabase/schemas/platform/version.sql'), 'utf8')).toContain(
      `return '${made.tag}'`,
    )
    const snapshots = (await readdir(file('drizzle/meta'))).filter((name) => name.endsWith('_snapshot.json'))
    expect(snapshots).toEqual([`${Number.parseInt(made.tag, 10)}_snapshot.json`])
  },
  patience(60_000),
)

test('a breaking migration names itself as the oldest version that can live with it, and its down file the one before', async () => {
  const text = await readFile('supabase/schemas/platform/version.sql', 'utf8')
  const before = versionIn(text, 'oldest_version')
  const { up, down } = breakingStatements('1900000000_breaks', text)
  expect(up).toEqual([versionStatement('1900000000_breaks', 'oldest_version')])
  expect(down).toEqual([versionStatement(before, 'oldest_version')])
  const written = withVersion(text, '1900000000_breaks', 'oldest_version')
  expect(versionIn(written, 'oldest_version')).toBe('1900000000_breaks')
  expect(versionIn(written, 'schema_version')).toBe(versionIn(text, 'schema_version'))
})

test('a migration is numbered after the newest, whatever the clock says', async () => {
  const newest = (await readMigrations(MIGRATIONS_FOLDER)).at(-1)!
  const number = Number.parseInt(newest.tag, 10)
  const late = await nameMigration(MIGRATIONS_FOLDER, 'late', (number - 100) * 1000)
  expect(late).toEqual({ tag: `${number + 1}_late`, when: (number + 1) * 1000 })
  const now = await nameMigration(MIGRATIONS_FOLDER, 'now', (number + 100) * 1000)
  expect(now).toEqual({ tag: `${number + 100}_now`, when: (number + 100) * 1000 })
})
