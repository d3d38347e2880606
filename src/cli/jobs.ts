import { parseArgs } from 'node:util'
import { JOBS } from '../app.ts'
import { readConfig } from '../config.ts'
import type { Job } from '../platform/jobs/job.ts'
import { type JobState, jobStates } from '../platform/jobs/runner.ts'
import { runCommand } from './command.ts'
import { withDatabase } from './open-database.ts'

const USAGE = `Usage: npm run --silent jobs -- [--json]
  Lists the background work: what there is, how the last run ended, and when the next is due.`

process.exitCode = await runCommand(USAGE, async () => {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { json: { type: 'boolean', default: false } },
  })
  const states = new Map(
    (await withDatabase(readConfig(process.env), jobStates, 'muster-jobs')).map((state) => [
      state.name,
      state,
    ]),
  )
  const all = JOBS.map(({ name, description, schedule }) => ({
    ...{ name, description, schedule },
    state: states.get(name) ?? null,
  }))
  console.log(values.json ? JSON.stringify(all, undefined, 2) : all.map(jobLines).join('\n'))
})

interface Listed extends Pick<Job, 'name' | 'description' | 'schedule'> {
  state: JobState | null
}

function jobLines({ name, description, schedule, state }: Listed): string {
  const when = 'every' in schedule ? `every ${schedule.every}` : `each day at ${schedule.dailyAt} UTC`
  return [
    `${name} (${when})`,
    `  ${description}`,
    `  ${state ? howItStands(state) : 'never run: the service registers it when it starts'}`,
  ].join('\n')
}

function howItStands({
  finished_at,
  duration_ms,
  done,
  failures,
  last_error,
  next_run_at,
}: JobState): string {
  const last =
    finished_at === null ? 'not run yet' : `last run ${finished_at}: ${done} rows in ${duration_ms} ms`
  const failing = failures > 0 ? `; FAILED ${failures} times since (${last_error})` : ''
  return `${last}${failing}; next ${next_run_at}`
}
