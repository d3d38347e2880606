import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../config.ts'
import { anonymousCaller, type Caller } from '../platform/auth/caller.ts'
import type { Database } from '../platform/db/engine/database.ts'
import { readDatabaseError } from '../platform/db/engine/database-error.ts'
import { asService } from '../platform/db/identity.ts'
import { openSessions } from '../platform/db/session.ts'
import { bytes, percent } from '../platform/operations/health/finding.ts'
import { keepTables, NoSuchTable, type TableDone, type Upkeep } from '../platform/operations/maintenance.ts'
import { explaining, planOf, SeveralStatements } from '../platform/operations/plan.ts'
import { readVersion } from '../version.ts'
import { Refused, runCommand, UsageError } from './command.ts'
import { withDatabase } from './open-database.ts'

const USAGE = `Usage: npm run --silent db:analyze                          refresh the statistics of all tables
       npm run --silent db:analyze -- <table> …             of some
       npm run --silent db:analyze -- [--as <email>] [--run] "<statement>"
                                                            its plan; --run with real times
       npm run --silent db:analyze -- [--as <email>] "GET /v1/…"
                                                            the plans of the statements of a route
       npm run --silent db:vacuum -- [--freeze] [<table> …] remove dead rows, and refresh the statistics
  --as <email>  as that user, under the policies; without, a statement runs as the owner and a route as nobody`

const LEFT_OUT = {
  locked: 'left out: somebody has it locked',
  not_owned: 'left out: it belongs to another owner',
} as const

process.exitCode = await runCommand(USAGE, async () => {
  const { positionals, values } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      as: { type: 'string' },
      run: { type: 'boolean', default: false },
      freeze: { type: 'boolean', default: false },
    },
  })
  const [what, ...words] = positionals
  if (what !== 'analyze' && what !== 'vacuum') throw new UsageError('Which one? analyze or vacuum.')
  const isQuestion = what === 'analyze' && words.some((word) => /\s/.test(word))
  if (isQuestion && words.length > 1)
    throw new UsageError('One statement or route at a time: put it in quotes.')
  if (!isQuestion && (values.run || values.as !== undefined))
    throw new UsageError('--run and --as go with a statement or a route.')
  if (values.freeze && what !== 'vacuum') throw new UsageError('--freeze goes with vacuum.')
  const config = readConfig(process.env)
  await withDatabase(
    config,
    (database) =>
      isQuestion
        ? explainQuestion(config, database, words[0] ?? '', values)
        : keep(database, what, words, values.freeze),
    `muster-${what}`,
  )
})

async function keep(
  database: Database,
  what: Upkeep,
  tables: readonly string[],
  freeze: boolean,
): Promise<void> {
  const isTerminal = process.stdout.isTTY === true
  const write = (line: string): boolean => process.stdout.write(`${isTerminal ? '\r\x1b[K' : ''}${line}`)
  const options = {
    what,
    tables,
    freeze,
    onTable: (done: TableDone) => void write(`${tableLine(done)}\n`),
  }
  try {
    const skipped = await keepTables(
      database,
      isTerminal
        ? {
            ...options,
            onProgress: ({ table, phase, part }) => void write(`${table} … ${phase} ${percent(part)}`),
          }
        : options,
    )
    if (skipped > 0) throw new Refused(`${skipped} tables were left out.`)
  } catch (error) {
    throw error instanceof NoSuchTable ? new UsageError(error.message) : error
  }
}

function tableLine({ nth, of, table, bytes: size, durationMs, skipped }: TableDone): string {
  const outcome = skipped ? LEFT_OUT[skipped] : `${Math.round(durationMs)} ms`
  return `[${nth}/${of}] ${table} (${size === null ? 'size not counted' : bytes(size)}) … ${outcome}`
}

async function explainQuestion(
  config: Config,
  database: Database,
  question: string,
  { as, run }: { as?: string | undefined; run: boolean },
): Promise<void> {
  const caller = as === undefined ? undefined : await findCaller(database, as)
  const [, method, path] = /^([A-Z]+)\s+(\/\S*)$/.exec(question) ?? []
  if (method === undefined || path === undefined) {
    const plan = await planOf(
      database,
      { text: question, parameters: [] },
      {
        isRun: run,
        timeoutMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
        ...(caller && { as: { role: caller.role, claims: JSON.stringify(caller.claims) } }),
      },
    ).catch(refuseStatement)
    console.log(plan.join('\n'))
    return
  }
  if (method !== 'GET') throw new UsageError('Only routes that read: GET /v1/…')
  await explainRoute(config, database, path, caller ?? anonymousCaller())
}

/** What PostgreSQL says of the statement that somebody typed. */
function refuseStatement(error: unknown): never {
  if (error instanceof SeveralStatements) throw new UsageError(error.message)
  if (error instanceof Error && readDatabaseError(error)) throw new Refused(error.message)
  throw error
}

async function explainRoute(config: Config, database: Database, url: string, caller: Caller): Promise<void> {
  // With all of the service, which nothing else here needs.
  const { buildApp } = await import('../app.ts')
  const plans: string[] = []
  const watched = explaining(database, ({ statement, plan }) => {
    plans.push(`-- ${statement.replaceAll(/\s+/g, ' ')}\n${plan.join('\n')}`)
  })
  const app = await buildApp({
    config: { ...config, LOG_LEVEL: 'silent' },
    version: await readVersion(),
    sessions: openSessions(watched),
    verifier: { verify: async () => caller },
    checkReadiness: () => Promise.reject(new Error('not asked')),
  })
  try {
    const headers = caller.userId === null ? {} : { authorization: 'Bearer of.this.command' }
    const response = await app.inject({ method: 'GET', url, headers })
    console.log([...plans, `-- answered ${response.statusCode}, ${bytes(response.body.length)}`].join('\n\n'))
    if (response.statusCode >= 400) throw new Refused(response.body)
  } finally {
    await app.close()
  }
}

async function findCaller(database: Database, email: string): Promise<Caller> {
  const [user] = await asService(database, (tx) =>
    tx.query<{ id: string; email: string }>(
      'select id, email from public.users where lower(email) = lower($1) and deleted_at is null',
      [email],
    ),
  )
  if (!user) throw new Refused(`No user has the e-mail address ${email}.`)
  const claims = { sub: user.id, role: 'authenticated', email: user.email }
  return { role: 'authenticated', userId: user.id, claims, expiresAt: null }
}
