import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig, requireChosenDatabase } from '../config.ts'
import { describeDatabase } from '../platform/db/describe.ts'
import { backupEmbedded } from '../platform/operations/backup/embedded.ts'
import { forgetBackups, type Retention } from '../platform/operations/backup/manifest.ts'
import { backupServer } from '../platform/operations/backup/server-backup.ts'
import { runCommand, UsageError } from './command.ts'
import { megabytes, showProgress } from './progress.ts'

const USAGE = `Usage: npm run --silent db:backup -- [--keep <n>] [--keep-days <days>]
  --keep       remove older backups of this database, except the newest n
  --keep-days  remove older backups of this database, except those of the last days
               (with both, a backup stays that either one keeps; with neither, all stay)
Writes into BACKUP_DIR, and prints the path of the backup.`

process.exitCode = await runCommand(USAGE, async () => {
  const { values } = parseArgs({
    options: { keep: { type: 'string' }, 'keep-days': { type: 'string' } },
  })
  const retention: Retention = {
    count: readCount('--keep', values.keep),
    days: readCount('--keep-days', values['keep-days']),
  }
  const config = readConfig(process.env)
  const folder = config.BACKUP_DIR
  const startedAt = performance.now()
  // Progress goes to stderr: stdout is for scripts.
  console.error(`Backing up ${describeDatabase(config)} …`)
  const progress = showProgress()
  let made: Awaited<ReturnType<typeof backupServer>>
  try {
    if (config.DATABASE_URL) made = await backupServer(config.DATABASE_URL, folder, progress.report)
    else {
      requireChosenDatabase(config)
      made = await backupEmbedded(config.DATA_DIR, folder, progress.report)
    }
  } finally {
    progress.end()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const rows = Object.values(made.rows).reduce((sum, count) => sum + count, 0)
  console.error(
    `${megabytes(made.bytes)} with ${rows} rows in ${seconds.toFixed(1)} s. SHA-256 ${made.sha256}`,
  )
  for (const name of await forgetBackups(folder, made, retention)) console.error(`Removed ${name}.`)
  console.log(join(folder, made.file))
})

function readCount(name: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined
  const count = Number(word)
  if (!Number.isSafeInteger(count) || count < 1)
    throw new UsageError(`${name} takes a whole number from 1 on.`)
  return count
}
