import { parseArgs } from 'node:util'
import { readConfig, requireChosenDatabase } from '../config.ts'
import { EMBEDDED, restoreEmbedded } from '../platform/operations/backup/embedded.ts'
import { findBackup } from '../platform/operations/backup/manifest.ts'
import { restoreServer } from '../platform/operations/backup/server-restore.ts'
import { parseServerUrl } from '../platform/server-url.ts'
import { runCommand, UsageError } from './command.ts'
import { showProgress } from './progress.ts'

const USAGE = `Usage: npm run --silent db:restore -- [<file>] [--into <name>] [--swap]
  <file>  the backup; by default the newest one of this database in BACKUP_DIR
  --into  the database to restore into, new or empty (embedded: the folder); by default a new one,
          or the one of the settings where that does not exist
  --swap  give the restored database the name of the one of the settings, which is kept under another name
Nothing is overwritten. Prints the name of the restored database.`

process.exitCode = await runCommand(USAGE, async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { into: { type: 'string' }, swap: { type: 'boolean', default: false } },
  })
  const [file, ...rest] = positionals
  if (rest.length > 0) throw new UsageError(`Not understood: ${rest.join(' ')}`)
  const config = readConfig(process.env)
  const { DATABASE_URL: url, BACKUP_DIR: folder, DATA_DIR: dataDir } = config
  if (!url) requireChosenDatabase(config)
  const startedAt = performance.now()
  const progress = showProgress()
  const options = {
    into: values.into,
    swap: values.swap,
    report: progress.report,
    say: (line: string) => console.error(line),
  }
  let restored: Awaited<ReturnType<typeof restoreServer>>
  try {
    const wanted = url
      ? ({ engine: 'server', database: parseServerUrl(url).database } as const)
      : ({ engine: 'embedded', database: EMBEDDED } as const)
    const backup = await findBackup(folder, file, wanted, progress.report)
    restored = url
      ? await restoreServer(backup, { url, ...options })
      : await restoreEmbedded(backup, { dataDir, ...options })
  } finally {
    progress.end()
  }
  const { database, before, adopted, pending } = restored
  const seconds = (performance.now() - startedAt) / 1000
  console.error(
    `Restored and verified in ${seconds.toFixed(1)} s. Every client resyncs; rows adopted from another cluster: ${adopted}.`,
  )
  if (pending.length > 0)
    console.error(
      `It is ${pending.length} migrations older than this version: the next start of the service applies them.`,
    )
  if (before !== undefined)
    console.error(`The database before is kept as ${before}: remove it when you need it no more.`)
  console.log(database)
})
