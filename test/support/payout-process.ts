import { createInterface } from 'node:readline'
import { jobs } from '../../src/guarding/jobs.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { runJob } from '../../src/platform/jobs/runner.ts'
import { payoutSettings } from './payouts.ts'

/*
 * A process of the service as far as payouts go. It says each step of its database and waits for a line before it goes on, so that
 * whoever started it can kill it there. Started by test/rules/payouts-kill.server.test.ts.
 */

const [url = '', provider = ''] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function step(name: string): Promise<void> {
  console.log(name)
  await lines.next()
}

const database = openServer({ url, max: 2, applicationName: 'muster-jobs' })
const stepping: typeof database = {
  ...database,
  async transaction(work, options) {
    await step('before a transaction')
    const result = await database.transaction(async (tx) => {
      const done = await work(tx)
      await step('before a commit')
      return done
    }, options)
    await step('after a commit')
    return result
  },
}
const job = jobs.find(({ name }) => name === 'guarding.send_payouts')!
const config = payoutSettings({ PAYOUT_PROVIDER: 'http', PAYOUT_URL: provider, PAYOUT_TIMEOUT_MS: '10000' })
await runJob(stepping, job, { info: console.error, warn: console.error }, undefined, config)
console.log('done')
await database.close()
process.exit(0)
