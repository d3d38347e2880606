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
 * Runs a command's work and says how it ended. What went wrong is said in a line: a stack would bury what to do.
 *
 * @returns the process's exit code, of `EXIT`.
 */
export async function runCommand(usage: string, work: () => Promise<void>): Promise<number> {
  try {
    await work()
    return EXIT.done
  } catch (error) {
    const misunderstood = error instanceof UsageError || isArgumentError(error)
    console.error(error instanceof Error ? error.message : String(error))
    if (!misunderstood) return EXIT.refused
    console.error(usage)
    return EXIT.usage
  }
}

/** What `parseArgs` throws: ERR_PARSE_ARGS_UNKNOWN_OPTION and its like. */
function isArgumentError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}
