import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'

/*
 * Runs squawk over the migrations: what would lock a table for long, or break a client that still runs. Down files are
 * left out, because dropping is what they are for. The rules that do not fit, and why, are in .squawk.toml.
 */

const ROOT = join(import.meta.dirname, '../..')

const files = (await readMigrations(MIGRATIONS_FOLDER)).flatMap(({ up }) => up ?? [])
const inTransaction = files.filter((file) => file.transactional)
const alone = files.filter((file) => !file.transactional)

process.exitCode = Math.max(lint(['--assume-in-transaction'], inTransaction), lint([], alone))

/** @returns the exit code of squawk: 0 when there is nothing to say. */
function lint(options: string[], linted: { path: string }[]): number {
  if (linted.length === 0) return 0
  const paths = linted.map(({ path }) => relative(ROOT, path))
  const { status, error } = spawnSync('node_modules/.bin/squawk', [...options, ...paths], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (error) throw error
  return status ?? 1
}
