import { parseArgs } from 'node:util'
import { runCommand, UsageError } from '../src/cli/command.ts'
import { isPassed, RPO_TARGET_MS, RTO_TARGET_MS, runDrill } from '../test/trials/disaster.ts'

/*
 * A disaster drill on this machine. It starts clusters of its own in a temporary folder, on free ports of 127.0.0.1, and removes them.
 */

const USAGE = `Usage: npm run --silent db:drill -- [--megabytes <n>] [--seconds <n>] [--writers <n>] [--archive-timeout <s>]
  --megabytes        data beside the check-ins (200); it is on the disk up to four times
  --seconds          how long guards check in before each disaster (10)
  --writers          how many guards check in at once (8)
  --archive-timeout  after how many seconds a segment of the log is archived (60, as in production)`

process.exitCode = await runCommand(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '10' },
      writers: { type: 'string', default: '8' },
      'archive-timeout': { type: 'string', default: '60' },
    },
  })
  const scenarios = await runDrill({
    megabytes: readNumber('--megabytes', values.megabytes, 0),
    seconds: readNumber('--seconds', values.seconds, 1),
    writers: readNumber('--writers', values.writers, 1),
    archiveTimeoutSeconds: readNumber('--archive-timeout', values['archive-timeout'], 1),
    say: (line) => console.log(line),
  })
  const failed = scenarios.filter((scenario) => !isPassed(scenario))
  console.log(
    failed.length === 0
      ? `Passed: nothing was lost that was promised; RPO within ${RPO_TARGET_MS / 1000} s, RTO within ${RTO_TARGET_MS / 1000} s, every client equal.`
      : `FAILED: ${failed.map(({ name }) => name).join(', ')}.`,
  )
  if (failed.length > 0) process.exit(1)
})

function readNumber(name: string, word: string, least: number): number {
  const value = Number(word)
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${name} takes a whole number from ${least} on.`)
  return value
}
