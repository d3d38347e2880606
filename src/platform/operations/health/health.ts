import { DatabaseBusy, DatabaseUnavailable } from '../../db/engine/database.ts'
import { readDatabaseError } from '../../db/engine/database-error.ts'
import { type Check, type HealthContext, type HealthLine, NotKnown, worst } from './finding.ts'
import { SCHEMA_CHECKS } from './schema.ts'
import { SERVER_CHECKS } from './server.ts'
import { SESSION_CHECKS } from './sessions.ts'
import { STORAGE_CHECKS } from './storage.ts'

export const CHECKS: readonly Check[] = [
  ...SESSION_CHECKS,
  ...STORAGE_CHECKS,
  ...SERVER_CHECKS,
  ...SCHEMA_CHECKS,
]

/** insufficient_privilege */
const NOT_ALLOWED = '42501'

/**
 * One line per check, in order. Each reads in a transaction of its own: what one of them may not read is said, and hides no other.
 *
 * @throws DatabaseUnavailable, DatabaseBusy: then nothing is known
 */
export async function examineHealth(
  context: HealthContext,
  checks: readonly Check[] = CHECKS,
): Promise<HealthLine[]> {
  const lines: HealthLine[] = []
  for (const check of checks) lines.push({ name: check.name, ...(await examine(check, context)) })
  return lines
}

async function examine(check: Check, context: HealthContext): Promise<Omit<HealthLine, 'name'>> {
  try {
    return await check.examine(context)
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof DatabaseBusy) throw error
    if (error instanceof NotKnown) return { level: 'unknown', text: `not known: ${error.message}` }
    const sqlstate = readDatabaseError(error)?.sqlstate
    if (sqlstate === NOT_ALLOWED)
      return { level: 'unknown', text: 'not known: the login may not read it (grant pg_monitor to it)' }
    // One statement that an unusual server does not take is no reason to say nothing of all else.
    if (sqlstate !== undefined)
      return { level: 'unknown', text: `not known: the statement failed with SQLSTATE ${sqlstate}` }
    throw error
  }
}

/** For cron and monitoring: as plugins of Nagios exit. */
export const HEALTH_EXIT = { good: 0, warning: 1, bad: 2, unknown: 3 } as const

/** Of all lines the worst; lines that are not known do not count. */
export const healthExit = (lines: readonly HealthLine[]): number =>
  HEALTH_EXIT[worst(lines.map(({ level }) => level))]

const MARKS = { good: 'good', warning: 'WARNING', bad: 'BAD', unknown: '-' } as const

/** The page for people. */
export function healthPage(lines: readonly HealthLine[]): string {
  const rows = lines.flatMap(({ level, name, text, advice }) => [
    `${MARKS[level].padEnd(8)} ${name.padEnd(20)} ${text}`,
    ...(advice === undefined ? [] : [`${' '.repeat(30)}→ ${advice}`]),
  ])
  const count = (level: HealthLine['level']): number => lines.filter((line) => line.level === level).length
  return [
    ...rows,
    '',
    `${count('good')} good, ${count('warning')} warnings, ${count('bad')} bad, ${count('unknown')} not known`,
  ].join('\n')
}
