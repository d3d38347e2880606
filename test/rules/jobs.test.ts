import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JOBS } from '../../src/app.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { asJobs } from '../../src/platform/db/identity.ts'
import { type Job, reportJob } from '../../src/platform/jobs/job.ts'
import { jobStates, registerJobs, runJob, runJobs } from '../../src/platform/jobs/runner.ts'
import { useTestDatabase } from '../support/database.ts'
import { addFreight, addRecords, DRIVERS } from '../support/freight-world.ts'
import { arrangeStatement } from '../support/payouts.ts'
import { arrangeShift, buildWorld, PROFESSIONALS, TENANTS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let owner: Database

beforeAll(async () => {
  owner = prepared().owner
  await buildWorld(owner)
})

const lines: string[] = []
const log = {
  info: (_: object, line: string) => lines.push(line),
  warn: (_: object, line: string) => lines.push(line),
}

beforeEach(async () => {
  lines.length = 0
  await owner.query('delete from muster.jobs')
  await owner.query('delete from public.notifications')
})

const outside = { name: 'guarding.outside', description: '', schedule: { every: '1 hour' }, timeoutMs: 1000 }
const nameOf = (ending: string): Job => JOBS.find(({ name }) => name.endsWith(ending))!
const makeDue = ({ name }: Job) =>
  owner.query("update muster.jobs set next_run_at = now() - interval '1 second' where name = $1", [name])
/** Whatever the time of the day. */
async function runNow(job: Job): Promise<void> {
  await registerJobs(owner, [job])
  await makeDue(job)
  expect(await runJob(owner, job, log)).toBe(true)
}
const stateOf = async ({ name }: Job) => (await jobStates(owner)).find((state) => state.name === name)!

describe('jobs', () => {
  it('are registered once, and each of them runs', async () => {
    await registerJobs(owner, JOBS)
    const first = await jobStates(owner)
    await registerJobs(owner, JOBS)
    expect(await jobStates(owner)).toMatchObject(
      first.map(({ name, next_run_at }) => ({ name, next_run_at })),
    )
    for (const job of JOBS) await runNow(job)
    expect(lines).toEqual([])
    for (const state of await jobStates(owner)) {
      expect(state).toMatchObject({ runs: 1, failures: 0, last_error: null, late_seconds: 0 })
      expect(Date.parse(state.next_run_at)).toBeGreaterThan(Date.now())
    }
  })

  it('run when they are due, and not before', async () => {
    const job: Job = { ...JOBS[0]!, run: async () => 7 }
    await registerJobs(owner, [job])
    expect(await runJob(owner, job, log)).toBe(true)
    expect(await stateOf(job)).toMatchObject({ runs: 1, done: 7 })
    expect(await runJob(owner, job, log)).toBe(false)
    expect(await stateOf(job)).toMatchObject({ runs: 1 })
  })

  it('a daily job first runs at its time', async () => {
    const at = new Date(Date.now() - 60_000).toISOString().slice(11, 16)
    const job: Job = { ...JOBS[0]!, schedule: { dailyAt: at } }
    await registerJobs(owner, [job])
    const inHours = (Date.parse((await stateOf(job)).next_run_at) - Date.now()) / 3_600_000
    expect(inHours).toBeGreaterThan(23)
    expect(inHours).toBeLessThan(24)
  })

  it('a job that fails leaves nothing behind, and is tried again with backoff', async () => {
    let isBroken = true
    const job: Job = {
      ...JOBS[0]!,
      async run(tx) {
        await tx.query('delete from muster.jobs where name <> $1', [this.name]).catch(() => {})
        if (isBroken) await tx.query('select 1 / 0')
        return 1
      },
    }
    await registerJobs(owner, [job])
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await makeDue(job)
      expect(await runJob(owner, job, log)).toBe(true)
      expect(await stateOf(job)).toMatchObject({ runs: 0, failures: attempt, late_seconds: 0 })
      expect(await runJob(owner, job, log)).toBe(false)
    }
    expect(lines).toEqual([expect.stringContaining('rolled back; retrying')])
    isBroken = false
    await makeDue(job)
    // What it may not do fails as well: it has the rights of muster_jobs alone.
    await runJob(owner, { ...job, run: async () => 1 }, log)
    expect(await stateOf(job)).toMatchObject({ runs: 1, failures: 0 })
    expect(lines.at(-1)).toContain('succeeds again')
  })

  it('work outside of the database acts as muster_jobs, in transactions that end before it goes on', async () => {
    const seen: unknown[] = []
    const job: Job = {
      ...outside,
      async runOutside({ transaction, config }) {
        seen.push(config, ...(await transaction((tx) => tx.query('select current_user::text as acts'))))
        // On the embedded engine, which has one connection, this would wait for ever inside of a transaction.
        const [state] = await owner.query<{ waits: boolean; open: number }>(
          `select next_run_at > now() as waits,
             (select count(*)::int from pg_locks where relation = 'muster.jobs'::regclass and pid <> pg_backend_pid()) as open
           from muster.jobs where name = $1`,
          [job.name],
        )
        seen.push(state)
        return 3
      },
    }
    await runNow(job)
    expect(seen).toEqual([undefined, { acts: 'muster_jobs' }, { waits: true, open: 0 }])
    expect(await stateOf(job)).toMatchObject({ runs: 1, done: 3, failures: 0, late_seconds: 0 })
    expect(await runJob(owner, job, log)).toBe(false)
  })

  it('work outside that fails is tried again with backoff, and what it committed stays', async () => {
    const job: Job = {
      ...outside,
      async runOutside({ transaction }) {
        await transaction((tx) => tx.query("update muster.jobs set done = 5 where name = 'guarding.outside'"))
        throw new Error('The one outside does not answer.')
      },
    }
    await runNow(job)
    expect(await stateOf(job)).toMatchObject({ runs: 0, done: 5, failures: 1, last_error: 'Error' })
    expect(lines).toEqual([expect.stringContaining('the job failed')])
    await runNow({ ...job, runOutside: async () => 1 })
    expect(await stateOf(job)).toMatchObject({ runs: 1, done: 1, failures: 0 })
    expect(lines.at(-1)).toContain('succeeds again')
  })

  it('the runner goes on after a failure, and ends when it is told to', async () => {
    const stop = new AbortController()
    let asked = 0
    const broken: Database = {
      ...owner,
      transaction: () => {
        asked += 1
        queueMicrotask(() => stop.abort())
        return Promise.reject(new Error('no database'))
      },
    }
    const after = { ...log, warn: (_: object, line: string) => lines.push(line) }
    await runJobs(broken, JOBS, after, stop.signal)
    expect(asked).toBe(1)
  })
})

describe('a job', () => {
  it('may call what is granted to jobs, and reads and writes no table but its own', async () => {
    const attempt = (statement: string) => asJobs(owner, (tx) => tx.query(statement))
    for (const statement of [
      'select from public.users',
      'select from muster.idempotency_keys',
      "update public.finqle_transactions set status = 'completed'",
      "select muster.keep_report('public.shifts')",
    ])
      await expect(attempt(statement), statement).rejects.toMatchObject({ code: '42501' })
  })

  it('acts for no caller: triggers that bind callers let it pass', async () => {
    const acts = (role: string) =>
      owner.transaction(async (tx) => {
        await tx.query(
          'grant execute on function muster.acts_for_caller(), muster.acting_role() to muster_jobs',
        )
        await tx.query("select set_config('role', $1, true)", [role])
        return tx.query('select muster.acts_for_caller() as is')
      })
    expect(await acts('muster_jobs')).toEqual([{ is: false }])
    expect(await acts('authenticated')).toEqual([{ is: true }])
    await owner.query(
      'revoke execute on function muster.acts_for_caller(), muster.acting_role() from muster_jobs',
    )
  })
})

describe('a report', () => {
  const report = reportJob('guarding', 'tried_hours', { schedule: { every: '1 hour' }, timeoutMs: 10_000 })

  it('is refreshed by its job beside those who read, and read by the functions of muster_definer alone', async () => {
    await arrangeShift(owner)
    await owner.query(
      'create materialized view muster.tried_hours as select company_id, count(*)::int as shifts from public.shifts group by company_id with no data',
    )
    const keep = () => owner.query("select muster.keep_report('muster.tried_hours')")
    await expect(keep()).rejects.toMatchObject({ code: '42P17' })
    await owner.query('create unique index tried_hours_key on muster.tried_hours (company_id)')
    await keep()
    await runNow(report)
    expect(await stateOf(report)).toMatchObject({ done: 1, failures: 0 })
    await arrangeShift(owner, { startsInHours: 60 })
    await runNow(report)
    expect(await owner.query('select shifts from muster.tried_hours')).toEqual([{ shifts: 2 }])
    for (const role of ['authenticated', 'service_role', 'muster_jobs'])
      await expect(
        owner.transaction(async (tx) => {
          await tx.query("select set_config('role', $1, true)", [role])
          return tx.query('select from muster.tried_hours')
        }),
      ).rejects.toMatchObject({ code: '42501' })
  })

  it('that is not there makes its job fail', async () => {
    const missing = reportJob('guarding', 'shifts', { schedule: { every: '1 hour' }, timeoutMs: 10_000 })
    await runNow(missing)
    expect(await stateOf(missing)).toMatchObject({ failures: 1, last_error: '42P01' })
    await expect(owner.query("select muster.keep_report('public.shifts')")).rejects.toMatchObject({
      code: '42809',
    })
  })
})

describe('what is no longer needed', () => {
  it('answers go after a day, and not before', async () => {
    await owner.query(`
      insert into muster.idempotency_keys (user_id, key, request_hash, response_body, created_at) values
        ('a0000000-0000-7000-8000-000000000001', 'old', 'x', '{}', now() - interval '25 hours'),
        ('a0000000-0000-7000-8000-000000000001', 'new', 'x', '{}', now() - interval '23 hours')
    `)
    await owner.query(`
      insert into muster.idempotency_usage (user_id, day, keys, bytes)
      select 'a0000000-0000-7000-8000-000000000001', (now() at time zone 'UTC')::date - ago, ago, 0 from generate_series(0, 3) as ago
    `)
    await runNow(nameOf('forget_idempotency_keys'))
    expect(await stateOf(nameOf('forget_idempotency_keys'))).toMatchObject({ done: 1 })
    expect(await owner.query('select key from muster.idempotency_keys')).toEqual([{ key: 'new' }])
    expect(await owner.query('select keys from muster.idempotency_usage order by keys')).toEqual([
      { keys: 0 },
      { keys: 1 },
    ])
  })

  it('departed rows go when no watermark asks for them any more, and not before', async () => {
    await owner.query(`
      insert into muster.departed_rows (relation, row_id, audience, departed_at) values
        ('shifts', 'a0000000-0000-7000-8000-000000000001', '{}', now() - interval '32 days'),
        ('shifts', 'a0000000-0000-7000-8000-000000000002', '{}', now() - interval '30 days')
    `)
    await runNow(nameOf('forget_departed_rows'))
    expect(
      await owner.query(
        "select row_id from muster.departed_rows where departed_at < now() - interval '1 day'",
      ),
    ).toEqual([{ row_id: 'a0000000-0000-7000-8000-000000000002' }])
  })
})

describe('certificates that expire', () => {
  const warn = () => runNow(nameOf('warn_of_expiring_certificates'))
  const told = () =>
    owner.query(
      `select user_id, (data ->> 'days')::int as days from public.notifications where type = 'certificate_expiring' order by days desc`,
    )
  const TODAY = "(now() at time zone 'UTC')::date"
  const certificate = (kind: string, days: number, verified = true) =>
    owner.query(
      `insert into public.certificates (tenant_id, professional_id, kind, number, valid_until, verified_at)
       values ($1, $2, $3, '1', ${TODAY} + $4::int, case when $5 then now() end)`,
      [TENANTS.a, PROFESSIONALS.guard, kind, days, verified],
    )
  const passDays = (days: number) =>
    owner.query(
      `update public.certificates set valid_until = valid_until - $1::int where kind like 'tried%'`,
      [days],
    )

  it('are told of 30, 7 and 1 days before, each time once', async () => {
    await certificate('tried', 40)
    await warn()
    expect(await told()).toEqual([])
    for (const [passed, days] of [
      [10, 30],
      [3, 30],
      [20, 7],
      [6, 1],
    ] as const) {
      await passDays(passed)
      await warn()
      await warn()
      expect((await told()).at(-1)).toEqual({ user_id: USERS.guard, days })
    }
    // Nobody hears of it again for each day that has passed since: a key has the day on which the certificate ends.
    await passDays(2)
    await warn()
    expect((await told()).filter((row) => row.days === 1)).toHaveLength(1)
  })

  it('are not told of when they are not verified, or replaced by a later one', async () => {
    await owner.query("delete from public.certificates where kind like 'tried%'")
    await certificate('tried', 5, false)
    await certificate('tried_replaced', 5)
    await certificate('tried_replaced', 300)
    await warn()
    expect(await told()).toEqual([])
  })
})

describe('documents of drivers that expire', () => {
  it('are told of 30, 7 and 1 days before to the driver and the office, each time once', async () => {
    await addFreight(owner)
    await addRecords(owner)
    const warn = () => runNow(nameOf('warn_of_expiring_driver_documents'))
    const told = () =>
      owner.query<{ days: number }>(
        `select u.name, (n.data ->> 'days')::int as days from public.notifications n join public.users u on u.id = n.user_id
         where n.type = 'driver_document_expiring' order by days desc, u.name`,
      )
    const set = (change: string) =>
      owner.query(`update public.driver_documents set ${change} where driver_id = $1 and kind = 'license'`, [
        DRIVERS.driver,
      ])
    await warn()
    expect(await told()).toEqual([])
    for (const days of [29, 6, 1]) {
      await set(`verified_at = clock_timestamp(), expiry_date = (now() at time zone 'UTC')::date + ${days}`)
      await warn()
      await warn()
    }
    expect(await told()).toEqual(
      [30, 7, 1].flatMap((days) => ['driver', 'office'].map((name) => ({ name, days }))),
    )
    // Nobody hears of what does not count, or of a driver who has left.
    await owner.query('delete from public.notifications')
    await set('verified_at = null')
    await warn()
    await set('verified_at = clock_timestamp()')
    await owner.query(
      "update public.drivers set status = 'terminated', termination_date = current_date where id = $1",
      [DRIVERS.driver],
    )
    await warn()
    expect(await told()).toEqual([])
  })
})

describe('payments that wait', () => {
  it('are told of to the admins of the tenant, once a week', async () => {
    const warn = () => runNow(nameOf('warn_of_stale_payments'))
    const told = () =>
      owner.query(
        "select user_id, data ->> 'payments' as payments from public.notifications where type = 'payments_stale'",
      )
    await warn()
    expect(await told()).toEqual([])
    await owner.transaction(async (tx) => {
      await tx.query("set local session_replication_role = 'replica'")
      await tx.query(
        `insert into public.shifts (tenant_id, company_id, client_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title, location_point, time_zone)
         select l.tenant_id, c.company_id, l.organization_id, l.id, $1, 'completed', now() - interval '10 days', now() - interval '9 days', 20, 'Waits', l.location_point, l.time_zone
         from public.locations l join public.company_clients c on c.client_id = l.organization_id
         where l.tenant_id = $2 limit 1`,
        [PROFESSIONALS.guard, TENANTS.a],
      )
      await tx.query(
        `insert into public.finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount)
         select s.tenant_id, s.company_id, s.id, muster.begin_assignment(s), s.professional_id, 160
         from public.shifts s where s.title = 'Waits'`,
      )
    })
    await warn()
    await warn()
    expect(await told()).toEqual([{ user_id: USERS.admin, payments: '1' }])
  })

  it('are not hours that were agreed on, but payouts that are not paid after a day', async () => {
    const { payout } = await arrangeStatement(owner, 100)
    const stale = async (): Promise<number> => {
      await owner.query('delete from public.notifications')
      await runNow(nameOf('warn_of_stale_payments'))
      const [row] = await owner.query<{ payments: number }>(
        "select (data ->> 'payments')::int as payments from public.notifications where type = 'payments_stale'",
      )
      return row?.payments ?? 0
    }
    const before = await stale()
    const set = (assignment: string) =>
      owner.query(`update public.payouts set ${assignment} where id = $1`, [payout!])
    await set("created_at = now() - interval '25 hours'")
    expect(await stale()).toBe(before + 1)
    await set("status = 'completed', completed_at = now(), next_attempt_at = null")
    expect(await stale()).toBe(before)
    await owner.query('alter table public.timesheets disable trigger user')
    await owner.query(
      `insert into public.timesheets (tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, state, approved_at,
                                      start_datetime, end_datetime, time_zone, work_date, worked, paid, clocked, worked_seconds,
                                      break_seconds, paid_seconds, total)
       select a.tenant_id, a.company_id, s.client_id, s.id, a.id, a.professional_id, 'approved', now(), s.start_datetime, s.end_datetime,
         s.time_zone, current_date, '[]', '[]', '[]', 0, 0, 0, 0
       from public.assignments a join public.shifts s on s.id = a.shift_id where s.title = 'Waits'`,
    )
    await owner.query('alter table public.timesheets enable trigger user')
    expect(await stale()).toBe(before - 1)
  })
})
