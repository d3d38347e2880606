import { openServer } from '../../src/platform/db/engine/server.ts'
import { runJob } from '../../src/platform/jobs/runner.ts'

/*
 * A process of the service as far as background work goes: it does the work of one job, says so, and hangs before the end, until
 * somebody kills it. Started by test/rules/jobs.server.test.ts.
 */

const [url = '', name = '', call = ''] = process.argv.slice(2)
const database = openServer({ url, max: 2, applicationName: 'muster-worker' })
const log = { info: console.error, warn: console.error }
await runJob(
  database,
  {
    ...{ name, description: '', schedule: { every: '1 hour' }, timeoutMs: 60_000 },
    async run(tx) {
      const [row] = await tx.query<{ done: number }>(`select (${call})::int as done`)
      console.log(`worked ${row?.done}`)
      return new Promise(() => {})
    },
  },
  log,
)
