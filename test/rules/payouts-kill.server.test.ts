import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, expect, it, vi } from 'vitest'
import { type FakeAct, FakeProvider } from '../../src/guarding/payouts/fake-provider.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { registerJobs } from '../../src/platform/jobs/runner.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import {
  arrangeStatement,
  makePayoutsDue,
  PAYOUT_JOB,
  reconcile,
  sendDue,
  serveFake,
  sums,
} from '../support/payouts.ts'
import { pick, seededRandom } from '../support/random.ts'
import { IS_WHOLE, trialSeed, trialSize } from '../support/trial.ts'
import { buildWorld } from '../support/world.ts'

/*
 * The worker is a process of its own here, and is killed (`kill -9`) at its steps: around each of its transactions, and when the
 * provider has its request, before and after it has paid. Whoever comes next finds the outbox as it was left.
 */

const prepared = useTestDatabase()
let owner: Database

beforeAll(async () => {
  owner = prepared().owner
  await buildWorld(owner)
})

/** Beside the steps that the process says itself. */
const AT_PROVIDER = ['at the provider, before it pays', 'at the provider, after it paid']
/** Take the job, take payouts, note the answer, take again, note the run: three steps each, and those at the provider. */
const STEPS = 5 * 3 + AT_PROVIDER.length

async function runUntil(killAt: number, script: FakeProvider): Promise<string> {
  let child: ChildProcess | undefined
  let steps = 0
  let killedAt = ''
  /** @returns whether this step is the last. */
  const pass = (name: string): boolean => {
    if (killedAt === '' && steps++ === killAt) {
      killedAt = name
      child?.kill('SIGKILL')
    }
    return killedAt !== ''
  }
  const served = await serveFake({
    async send(order) {
      // Whoever is dead hears nothing, and the order is not there either.
      if (pass(AT_PROVIDER[0]!)) return new Promise(() => {})
      const answer = await script.send(order)
      return pass(AT_PROVIDER[1]!) ? new Promise(() => {}) : answer
    },
    find: (key) => script.find(key),
  })
  child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../support/payout-process.ts'), prepared().ownerUrl!, served.url],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'exit')
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line !== 'done' && !pass(line)) child!.stdin!.write('go\n')
  })
  await ended
  await served.close()
  return killedAt
}

it(
  'a worker that is killed at any step pays nobody twice, and forgets nobody',
  async () => {
    const random = seededRandom(trialSeed())
    const acts: readonly FakeAct[] = ['complete', 'process', 'lose_answer', 'fail']
    let act: FakeAct = 'complete'
    let isOver = false
    const provider = new FakeProvider((call) => (isOver || call === 'find' ? 'complete' : act))
    const kills = new Map<string, number>()
    for (let nth = 0; nth < trialSize(STEPS + 1, 12 * STEPS); nth += 1) {
      // The first round goes through all steps, one by one; a whole trial then by chance, with more payouts and a worse provider.
      const killAt = nth <= STEPS ? nth : Math.floor(random() * STEPS * 2)
      act = nth <= STEPS ? 'complete' : pick(random, acts)
      isOver = false
      for (let n = 0; n <= (nth <= STEPS ? 0 : 3); n += 1)
        await arrangeStatement(owner, 100 + Math.floor(random() * 50_000))
      await makePayoutsDue(owner)
      await registerJobs(owner, [PAYOUT_JOB])
      await owner.query("update muster.jobs set next_run_at = now() - interval '1 second'")
      const killed = await runUntil(killAt, provider)
      kills.set(killed, (kills.get(killed) ?? 0) + 1)
      // The server ends the session of a process that is gone, and its transaction with it.
      await vi.waitFor(
        async () =>
          expect(
            await owner.query(
              "select from pg_stat_activity where application_name = 'muster-jobs' and state <> 'idle' and datname = current_database()",
            ),
          ).toEqual([]),
        { timeout: patience(15_000), interval: 20 },
      )
      if (IS_WHOLE && random() < 0.5) continue
      await settle(provider, () => {
        isOver = true
      })
      expect(await reconcile(owner, provider), killed).toEqual([])
    }
    await settle(provider, () => {
      isOver = true
    })
    expect(await reconcile(owner, provider)).toEqual([])
    expect(await owner.query("select from payouts where status <> 'completed'")).toEqual([])
    const { paid, owed } = await sums(owner, provider)
    expect(paid).toBe(owed)
    // All of them: a step that was added needs another round.
    expect([...kills.keys()].sort()).toEqual(
      ['', 'after a commit', 'before a commit', 'before a transaction', ...AT_PROVIDER].sort(),
    )
    console.log(
      `payouts: ${paid / 100} EUR paid and owed; killed ${JSON.stringify(Object.fromEntries(kills))}`,
    )
  },
  patience(IS_WHOLE ? 1_200_000 : 120_000),
)

/** Whoever comes next, after the lease; what failed is retried by an admin. */
async function settle(provider: FakeProvider, over: () => void): Promise<void> {
  over()
  for (let run = 0; run < 2; run += 1) {
    await owner.query(
      `update payouts set status = 'pending', next_attempt_at = now(), last_error = null, sent_at = null where status = 'failed'`,
    )
    await makePayoutsDue(owner)
    await sendDue(owner, provider)
    provider.settle()
  }
}
