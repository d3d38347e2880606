import { expect, it, onTestFinished } from 'vitest'
import { patience } from '../support/patience.ts'
import { trialSize } from '../support/trial.ts'
import { isPassed, runDrill, scenarioLine } from '../trials/disaster.ts'

it('what was acknowledged is there after a crash, a lost disk, a delete by mistake and a failover; clients end equal', {
  timeout: patience(trialSize(60_000, 600_000)),
}, async () => {
  // As `npm run db:drill` runs it, whose files are for this user alone.
  const mask = process.umask(0o077)
  onTestFinished(() => void process.umask(mask))
  const scenarios = await runDrill({
    megabytes: trialSize(0, 200),
    seconds: trialSize(1, 10),
    writers: 4,
    archiveTimeoutSeconds: 1,
    say: () => {},
  })
  expect(scenarios).toHaveLength(4)
  expect(scenarios.filter((scenario) => !isPassed(scenario)).map(scenarioLine)).toEqual([])
  expect(scenarios.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
})
