import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { MigrationError } from './migration-error.ts'

/** The project's own history. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../../../drizzle', import.meta.url))

/** The first line of a file whose statements must run outside a transaction, such as `create index concurrently`. */
export const NO_TRANSACTION = '-- muster: no transaction'

/** A line of the comment that opens a file: processes of the version before cannot live with what it makes. */
export const BREAKING = '-- muster: breaking'

/** Drizzle's mark between two statements. */
const BREAKPOINT = '--> statement-breakpoint'

const journal = z.object({
  entries: z.array(
    z.object({
      idx: z.int().min(0),
      when: z.int().min(1),
      tag: z.string().regex(/^\d+_\w+$/, 'must be <unix seconds>_<name>'),
    }),
  ),
})

/** One SQL file: an up file or its down file. */
export interface MigrationFile {
  path: string
  /** SHA-256 of the text in hexadecimal, as Drizzle's own migrator computes and stores it. */
  hash: string
  /** One statement each: PGlite takes no more than one in a prepared call. */
  statements: string[]
  transactional: boolean
  /** Whether processes of the version before have to stop. */
  breaking: boolean
}

/** One entry of the journal with its two files; a file that is not there is undefined. */
export interface Migration {
  tag: string
  /** Milliseconds since 1970 (`when` in the journal): the key of the history, and `created_at` in Drizzle's table. */
  when: number
  up: MigrationFile | undefined
  down: MigrationFile | undefined
}

/**
 * Reads Drizzle's journal and the files that it names, oldest first.
 *
 * @throws MigrationError `bad_journal` when the journal cannot be read or its order is not that of the file names (which
 *         `supabase db push` follows); `unlisted_file` when the folder holds SQL that the journal does not name.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readJournal(join(folder, 'meta', '_journal.json'))
  await refuseUnlisted(folder, new Set(entries.map((entry) => `${entry.tag}.sql`)))
  return Promise.all(
    entries.map(async ({ tag, when }) => ({
      tag,
      when,
      up: await readMigrationFile(join(folder, `${tag}.sql`)),
      down: await readMigrationFile(join(folder, 'down', `${tag}.sql`)),
    })),
  )
}

/** The newest migration of the journal, for which no file is read. @throws MigrationError `bad_journal`, as `readMigrations` */
export async function newestMigration(folder: string): Promise<string> {
  return (await readJournal(join(folder, 'meta', '_journal.json'))).at(-1)!.tag
}

async function readJournal(path: string): Promise<z.infer<typeof journal>['entries']> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MigrationError('bad_journal', `${path} cannot be read.`, { cause })
  })
  const { entries } = parseJournal(path, text)
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1]
    if (before && (entry.when <= before.when || unixSeconds(entry.tag) <= unixSeconds(before.tag))) {
      throw new MigrationError(
        'bad_journal',
        `${path}: ${entry.tag} stands after ${before.tag} but is not newer. Entries go from old to new, by "when" and by the number in the name.`,
      )
    }
  }
  return entries
}

function parseJournal(path: string, text: string): z.infer<typeof journal> {
  try {
    return journal.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)
    throw new MigrationError('bad_journal', `${path} is no journal of Drizzle:\n${why}`, { cause })
  }
}

const unixSeconds = (tag: string): number => Number.parseInt(tag, 10)

/** Whether the first of two migrations is the newer one, by their names. */
export const isNewer = (one: string, other: string): boolean => unixSeconds(one) > unixSeconds(other)

/** Refuses a file that the journal does not name: `supabase db push` would apply it, and our runner would not. */
async function refuseUnlisted(folder: string, listed: ReadonlySet<string>): Promise<void> {
  for (const part of ['.', 'down']) {
    const names = await readdir(join(folder, part)).catch(() => [])
    const unlisted = names.filter((name) => name.endsWith('.sql') && !listed.has(name))
    if (unlisted.length > 0) {
      throw new MigrationError(
        'unlisted_file',
        `${join(folder, part)} has ${unlisted.join(', ')}, which meta/_journal.json does not name. Make migrations with db:rule or db:generate (add --custom for plain SQL), or take the file away.`,
      )
    }
  }
}

async function readMigrationFile(path: string): Promise<MigrationFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  return {
    path,
    hash: createHash('sha256').update(text).digest('hex'),
    statements: text.split(BREAKPOINT).filter((statement) => withoutLeadingComments(statement) !== ''),
    transactional: text.split('\n', 1)[0]?.trim() !== NO_TRANSACTION,
    breaking: openingComment(text).includes(BREAKING),
  }
}

/** The lines of comment with which a text begins. */
function openingComment(text: string): string[] {
  const [opening] = /^(?:[^\S\n]*--[^\n]*(?:\n|$))*/.exec(text)!
  return opening.split('\n').map((line) => line.trim())
}

const withoutLeadingComments = (sql: string): string =>
  sql.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '')

/** Statements that would end the runner's own transaction, and with it the lock. */
const TRANSACTION_CONTROL =
  /^(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i

/** Statements that can run again after a run that broke off between two of them. */
const REPEATABLE =
  /\bif\s+(?:not\s+)?exists\b|\bor\s+replace\b|^(?:reindex|vacuum|analyze|refresh|comment)\b/i

/** The comment above a statement that is repeatable for a reason which its words do not show. */
const REPEATABLE_MARK = /^\s*--\s*repeatable:/im

/**
 * Refuses a file that the runner could not apply safely, before anything runs.
 *
 * @throws MigrationError `transaction_control`; or `not_repeatable`, for a statement of a file without a transaction that
 *         could not run a second time.
 */
export function checkMigrationFile(file: MigrationFile): void {
  for (const [i, statement] of file.statements.entries()) {
    const bare = withoutLeadingComments(statement)
    const where = `${file.path}, statement ${i + 1}`
    if (TRANSACTION_CONTROL.test(bare)) {
      throw new MigrationError(
        'transaction_control',
        `${where}: a migration leaves transactions to the runner, which commits the file and its record together. Take the statement out.`,
      )
    }
    if (!file.transactional && !REPEATABLE.test(bare) && !REPEATABLE_MARK.test(statement)) {
      throw new MigrationError(
        'not_repeatable',
        `${where}: a file without a transaction may break off half-way and runs again from its first statement, so every statement must be repeatable: write "if exists", "if not exists" or "or replace", or say why it is in a comment "-- repeatable: …" above it.`,
      )
    }
  }
}
