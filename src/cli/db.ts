import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { describeDatabase } from '../platform/db/describe.ts'
import { letOwnerServe, whileOwnerWorks } from '../platform/db/identity.ts'
import { cleanLogins, type KnownLogin, listLogins } from '../platform/db/logins.ts'
import { type Drift, findDrift, readComparableCatalog } from '../platform/db/migrations/drift.ts'
import { readHistoryCatalog } from '../platform/db/migrations/history-catalog.ts'
import {
  type MigrationProgress,
  type MigrationStatus,
  migrateDown,
  migrateUp,
  migrationStatus,
  progressLine,
  verifyMigrations,
} from '../platform/db/migrations/migrate.ts'
import { checkRights } from '../platform/db/rights.ts'
import { beginHistory } from '../platform/operations/history.ts'
import { Refused, runCommand, UsageError } from './command.ts'
import { withDatabase } from './open-database.ts'

interface Command {
  /** What may follow the name. */
  usage: string
  summary: string
  /** @throws UsageError before the database is touched. */
  run(config: () => Config, words: readonly string[], flags: { yes: boolean }): Promise<void>
}

const COMMANDS = new Map<string, Command>(
  Object.entries<Command>({
    migrate: {
      usage: '[target]',
      summary: 'apply pending migrations, up to and including the target',
      async run(config, words) {
        const [target] = atMost(1, words)
        const applied = await withDatabase(config(), async (database) => {
          const done = await migrateUp(database, {
            onProgress: report,
            ...(target === undefined ? {} : { target }),
          })
          if (database.kind === 'server') await checkRights(database, print)
          return done
        })
        if (applied.length === 0) print('Nothing to apply.')
      },
    },

    rollback: {
      usage: '[n|all] [--yes]',
      summary: 'roll back the newest migration, the newest n, or all',
      async run(config, words, { yes }) {
        const steps = readSteps(atMost(1, words)[0])
        if (steps === 'all' && !yes) await confirmRollbackOfAll(config())
        const undone = await withDatabase(config(), (database) =>
          migrateDown(database, steps, { onProgress: report }),
        )
        if (undone.length === 0) print('Nothing to roll back.')
      },
    },

    status: {
      usage: '',
      summary: 'list all migrations and their states',
      async run(config, words) {
        atMost(0, words)
        const statuses = await withDatabase(config(), (database) => migrationStatus(database))
        for (const status of statuses) print(statusLine(status))
        if (statuses.length === 0) print('There are no migrations.')
      },
    },

    verify: {
      usage: '',
      summary: 'fail unless the database has exactly the migrations of drizzle/, without drift',
      async run(config, words) {
        atMost(0, words)
        const settings = config()
        const live = await withDatabase(settings, async (database) => {
          await verifyMigrations(database)
          return readComparableCatalog(database)
        })
        print('The database has exactly the migrations of drizzle/. Checking its catalog for drift …')
        const drifts = findDrift(
          await readHistoryCatalog(settings.DATABASE_URL ? {} : { cacheDir: settings.DATA_DIR }),
          live,
        )
        if (drifts.length > 0) throw new Refused(driftMessage(drifts))
        print('No drift: tables, rules and privileges are as the migrations make them.')
      },
    },

    adopt: {
      usage: '',
      summary: 'after a restore by other means than db:restore: adopt its rows, and let every client resync',
      async run(config, words) {
        atMost(0, words)
        const adopted = await withDatabase(config(), beginHistory)
        print(`Every client resyncs. Rows adopted from another cluster: ${adopted}.`)
      },
    },

    logins: {
      usage: '[clean]',
      summary:
        'list the logins of all databases of the server, or drop and close those that nobody needs any more',
      async run(config, words) {
        const [word] = atMost(1, words)
        if (word !== undefined && word !== 'clean') throw new UsageError(`Not understood: ${word}`)
        if (!config().DATABASE_URL) throw new Refused('Only a server has logins: set DATABASE_URL.')
        const lines = await withDatabase(config(), async (owner) =>
          word ? cleanLogins(owner) : (await listLogins(owner)).map(loginLine),
        )
        print(lines.join('\n') || (word ? 'Nothing to clean.' : 'There are no logins.'))
      },
    },

    seed: {
      usage: '',
      summary: 'seed an empty, migrated database with the demo',
      async run(config, words) {
        atMost(0, words)
        // With all of the service, which no other command needs.
        const { seedDemo } = await import('../app.ts')
        const seeded = await withDatabase(config(), async (database) => {
          await letOwnerServe(database)
          return whileOwnerWorks(database, () => seedDemo(database, config()))
        })
        if (!seeded)
          throw new Refused(
            'The database already has a tenant. The demo can only be seeded into an empty database.',
          )
        print('Seeded the database with the demo. README.md lists its users.')
      },
    },
  }),
)

process.exitCode = await runCommand(usage(), async () => {
  const { positionals, values } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { yes: { type: 'boolean', default: false } },
  })
  const [name, ...rest] = positionals
  const command = COMMANDS.get(name ?? '')
  if (!command)
    throw new UsageError(
      name === undefined ? 'Which command? Name one of these.' : `There is no command ${name}.`,
    )
  if (values.yes && !command.usage.includes('--yes')) throw new UsageError(`${name} takes no --yes.`)
  await command.run(() => readConfig(process.env), rest, values)
})

function usage(): string {
  const lines = [...COMMANDS].map(
    ([name, command]) => `  ${`${name} ${command.usage}`.padEnd(26)}${command.summary}`,
  )
  return ['Usage: node src/cli/db.ts <command>', ...lines].join('\n')
}

function atMost(count: number, words: readonly string[]): readonly string[] {
  if (words.length > count) throw new UsageError(`Not understood: ${words.slice(count).join(' ')}`)
  return words
}

/**
 * Asks for confirmation, because rolling back all migrations drops every table with its data.
 *
 * @throws Refused unless somebody at a terminal says yes
 */
async function confirmRollbackOfAll(config: Config): Promise<void> {
  const what = `Rolling back every migration deletes all data of ${describeDatabase(config)}.`
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Refused(
      `${what} There is no terminal to confirm it: pass --yes (npm run db:rollback -- all --yes).`,
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${what} Type yes to continue: `)
    if (answer.trim().toLowerCase() !== 'yes') throw new Refused('Nothing was rolled back.')
  } finally {
    terminal.close()
  }
}

function readSteps(word = '1'): number | 'all' {
  if (word === 'all') return word
  const steps = Number(word)
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new UsageError(`${word} is no number of migrations: give a whole number from 1 on, or all.`)
  return steps
}

function report(event: MigrationProgress): void {
  print(progressLine(event))
}

function driftMessage(drifts: readonly Drift[]): string {
  const lines = drifts.map(({ how, object }) => `  ${how.padEnd(8)} ${object}`)
  return [
    'Drift: the database differs from what its migrations make:',
    ...lines,
    'Undo the change in the database, or make it in a migration.',
  ].join('\n')
}

function statusLine({ tag, state, appliedAt }: MigrationStatus): string {
  return `${state.replaceAll('_', ' ').padEnd(13)}${tag}${appliedAt ? `  ${appliedAt}` : ''}`
}

function loginLine({ login, database, sessions, kind }: KnownLogin): string {
  const whose = {
    present: `of ${database}`,
    apart: `of ${database}: made because somebody else had changed the password`,
    dropped: 'of a database that was dropped',
    shared: 'of every database: a login of the release before',
  }
  return `${login.padEnd(34)}${String(sessions).padStart(3)} sessions  ${whose[kind]}`
}

function print(line: string): void {
  console.log(line)
}
