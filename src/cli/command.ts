import { ConfigError } from '../config.ts'
import { DataFolderInUse } from '../db/engine/data-folder.ts'
import { DatabaseBusy, DatabaseUnavailable } from '../db/engine/types.ts'
import { MigrationError } from '../db/migration-error.ts'

/** How a command ends: scripts and deployments go by it. */
export const EXIT = { done: 0, refused: 1, usage: 2 } as const

/** The command line was not understood. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** What was asked cannot be done, with what the caller can do about it. */
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

/** What an operator can mend is said in a line, where a stack would bury it; a mistake of the program's keeps its stack. */
export function explain(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable) {
    return error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message
  }
  const known =
    error instanceof UsageError ||
    error instanceof Refused ||
    error instanceof ConfigError ||
    error instanceof DataFolderInUse ||
    error instanceof MigrationError ||
    error instanceof DatabaseBusy ||
    // Of ours, of the drivers and of Node: whatever says by a code what it is.
    (error instanceof Error && 'code' in error)
  return known ? error.message : error
}

/** What `parseArgs` throws: ERR_PARSE_ARGS_UNKNOWN_OPTION and its like. */
function isArgumentError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}
