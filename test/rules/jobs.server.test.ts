import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { JOBS } from '../../src/app.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import type { Job } from '../../src/platform/jobs/job.ts'
import { jobStates, registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { buildWorld, PROFESSIONALS, TENANTS } from '../support/world.ts'

const prepared = useTestDatabase()
let owner: Database
const quiet = { info: () => {}, warn: () => {} }

beforeAll(async () => {
  owner = prepared().owner
  await buildWorld(owner)
})

const warning = JOBS.find(({ name }) => name === 'guarding.warn_of_expiring_certificates')!

async function makeDue(job: Job): Promise<void> {
  await registerJobs(owner, [job])
  await owner.query("update muster.jobs set next_run_at = now() - interval '1 second'")
}

describe('background work in several processes', () => {
  it('runs a due job once', async () => {
    let running = 0
    const begun = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    const job: Job = {
      ...warning,
      async run() {
        running += 1
        begun.resolve()
        await end.promise
        return 1
      },
    }
    await makeDue(job)
    const first = runJob(owner, job, quiet)
    await begun.promise
    expect(await runJob(owner, job, quiet)).toBe(false)
    end.resolve()
    expect(await first).toBe(true)
    expect(await runJob(owner, job, quiet)).toBe(false)
    expect(running).toBe(1)
    expect(await jobStates(owner)).toMatchObject([{ runs: 1 }])
  })

  it('loses and repeats nothing when a process is killed in the middle of a job', async () => {
    await owner.query(
      `insert into public.certificates (tenant_id, professional_id, kind, number, valid_until, verified_at)
       select $1, $2, 'killed_' || i, '1', (now() at time zone 'UTC')::date + 5, now() from generate_series(1, 3) i`,
      [TENANTS.a, PROFESSIONALS.guard],
    )
    const told = async () =>
      (await owner.query("select from public.notifications where data ->> 'kind' like 'killed%'")).length
    await makeDue(warning)
    const { ownerUrl } = prepared()
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../support/jobs-process.ts'),
        ownerUrl!,
        warning.name,
        'muster.warn_of_expiring_certificates()',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
    expect(line).toBe('worked 3\n')
    // It has written, and not committed: nobody sees it, and nobody else runs the job.
    expect(await told()).toBe(0)
    expect(await runJob(owner, warning, quiet)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await vi.waitFor(async () => expect(await runJob(owner, warning, quiet)).toBe(true), {
      timeout: patience(15_000),
      interval: 50,
    })
    expect(await told()).toBe(3)
    await makeDue(warning)
    expect(await runJob(owner, warning, quiet)).toBe(true)
    expect(await told()).toBe(3)
  })
})
