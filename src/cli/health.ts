import { parseArgs } from 'node:util'
import { HEALTH_CHECKS } from '../app.ts'
import { type Config, ConfigError, readConfig } from '../config.ts'
import { readHistoryCatalog } from '../platform/db/migrations/history-catalog.ts'
import { LEVELS, worst } from '../platform/operations/health/finding.ts'
import { examineHealth, HEALTH_EXIT, healthExit, healthPage } from '../platform/operations/health/health.ts'
import { THRESHOLDS } from '../platform/operations/health/thresholds.ts'
import { EXIT, runCommand } from './command.ts'
import { withDatabase } from './open-database.ts'

const USAGE = `Usage: npm run --silent db:health -- [--quick] [--json]
  --quick   without the check for drift, which takes some 5 s after each update
  --json    for programs: { level, lines: [{ name, level, text, advice }] }
Exit code: ${[...LEVELS, 'unknown' as const].map((level) => `${HEALTH_EXIT[level]} ${level}`).join(', ')} (the database could not be asked).`

let exitCode: number = HEALTH_EXIT.unknown

const ended = await runCommand(USAGE, async () => {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  })
  const config = requireOwner(readConfig(process.env))
  const lines = await withDatabase(
    config,
    (database) =>
      examineHealth(
        {
          database,
          thresholds: THRESHOLDS,
          poolSize: config.DATABASE_POOL_SIZE,
          backupDir: config.BACKUP_DIR,
          readHistory: values.quick ? undefined : readHistoryCatalog,
        },
        HEALTH_CHECKS,
      ),
    'muster-health',
  )
  const level = worst(lines.map((line) => line.level))
  console.log(values.json ? JSON.stringify({ level, lines }, undefined, 2) : healthPage(lines))
  exitCode = healthExit(lines)
})
process.exitCode = ended === EXIT.done ? exitCode : HEALTH_EXIT.unknown

/** A service that knows its own logins only has none that may look at the server. */
function requireOwner(config: Config): Config {
  if (config.DATABASE_API_URL && !config.DATABASE_URL)
    throw new ConfigError('Set DATABASE_URL: the owner of the database, or a member of it and of pg_monitor.')
  return config
}
