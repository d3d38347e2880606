import { ConfigError } from '../config.ts'
import { DataFolderInUse } from '../platform/db/engine/data-folder.ts'
import { DatabaseBusy, DatabaseUnavailable } from '../platform/db/engine/database.ts'
import { ReadOnlyServer, TAKES_NO_WRITES, TO_TAKE_WRITES } from '../platform/db/fitness.ts'
import { MigrationError } from '../platform/db/migrations/migration-error.ts'
import { RightsMissing } from '../platform/db/rights.ts'
import { PortUnavailable } from '../platform/http/free-port.ts'
import { BackupError } from '../platform/operations/backup/manifest.ts'
import { FolderUnusable, writePrivately } from '../platform/private-folder.ts'

/** Exit codes of commands, for scripts and deployments. */
export const EXIT = { done: 0, refused: 1, usage: 2 } as const

/** The command line was not understood. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command cannot be carried out. The message says what to do about it. */
export class Refused extends Error {
  override name = 'Refused'
}

/**
 * Runs a command's work and says how it ended.
 *
 * @returns the process's exit code, of `EXIT`.
 */
export async function runCommand(usage: string, work: () => Promise<void>): Promise<number> {
  try {
    writePrivately()
    await work()
    return EXIT.done
  } catch (error) {
    const misunderstood = error instanceof UsageError || isArgumentError(error)
    console.error(explain(error))
    if (!misunderstood) return EXIT.refused
    console.error(usage)
    return EXIT.usage
  }
}

/** Our own errors, whose message tells an operator everything: they are printed without a stack. */
const EXPLAINED = [
  UsageError,
  Refused,
  BackupError,
  ConfigError,
  FolderUnusable,
  PortUnavailable,
  DataFolderInUse,
  DatabaseUnavailable,
  DatabaseBusy,
  RightsMissing,
  ReadOnlyServer,
]

/** System errors with a cause outside of the program: permissions, disks, networks, limits. */
const OF_THE_SURROUNDINGS =
  /^E(?:ACCES|PERM|ROFS|NOSPC|DQUOT|MFILE|NFILE|IO|NOTDIR|ADDRINUSE|ADDRNOTAVAIL|CONNREFUSED|CONNRESET|HOSTUNREACH|NETUNREACH|TIMEDOUT|NOTFOUND|AI_AGAIN)$/

/**
 * SQLSTATEs for an operator: connections (08), logins (28), databases (3D), resources (53), the server's state (57P), its files
 * (58), a privilege that a login lacks, and a server that is read-only. Any other SQLSTATE is a bug in one of our statements.
 */
const OF_THE_SERVER = /^(?:08|28|3D|53|57P|58)|^(?:25006|42501)$/

/** Returns one line for an error that an operator can fix, and the error with its stack for a bug. */
export function explain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (sqlstateOf(error) === READ_ONLY || sqlstateOf(error.cause) === READ_ONLY)
    return `${error.message}\nThat is, ${TAKES_NO_WRITES}. ${TO_TAKE_WRITES}`
  if (error instanceof MigrationError) return withoutPostgis(error) ?? error.message
  if (EXPLAINED.some((known) => error instanceof known) || isArgumentError(error)) return error.message
  const code = sqlstateOf(error)
  return OF_THE_SURROUNDINGS.test(code) || OF_THE_SERVER.test(code) ? error.message : error
}

/** read_only_sql_transaction */
const READ_ONLY = '25006'

/** Or the code of a system error. */
const sqlstateOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

/** insufficient_privilege; undefined_file and feature_not_supported, for an extension that the server does not have. */
const NO_RIGHT = '42501'
const NOT_INSTALLED = ['58P01', '0A000']

/** Explains a first migration that cannot create the extensions: that usually needs a superuser or a package. */
function withoutPostgis({ message, cause }: MigrationError): string | undefined {
  const sqlstate = sqlstateOf(cause)
  const [, extension] = /extension "?(postgis|btree_gist)\b/.exec(message) ?? []
  if (!extension) return undefined
  if (NOT_INSTALLED.includes(sqlstate)) {
    return `${message}\nThe server does not have the extension ${extension}: install it there (on Debian: apt-get install postgresql-<version>-postgis-3), then start again.`
  }
  if (sqlstate !== NO_RIGHT) return undefined
  return `${message}
The login of DATABASE_URL may not create the extension ${extension}. As a superuser, in that database, run:
  create schema if not exists extensions;
  create extension if not exists postgis schema extensions;
  create extension if not exists btree_gist schema extensions;
  grant usage on schema extensions to public;
Then start again.`
}

/** What `parseArgs` throws: ERR_PARSE_ARGS_UNKNOWN_OPTION and its like. */
function isArgumentError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}
