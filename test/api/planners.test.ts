import { beforeAll, describe, expect, it } from 'vitest'
import { jobs } from '../../src/guarding/jobs.ts'
import { registerJobs, runJob } from '../../src/platform/jobs/runner.ts'
import { useApi } from '../support/api.ts'
import { arrangeAssignment, checkInAt, minutes } from '../support/check-ins.ts'
import { addFreight, FREIGHT_USERS } from '../support/freight-world.ts'
import { ORGANIZATIONS, TENANTS, USERS } from '../support/world.ts'

/*
 * A company is told through its planners: whoever has the role for it by a membership. Here one of them came as a carrier's
 * dispatcher, and one planner of the company plans no more.
 */
const api = useApi()
const NOW_PLANS = FREIGHT_USERS.dispatcher
const PLANNERS = [USERS.company, NOW_PLANS].sort()

beforeAll(async () => {
  const { owner } = api()
  await addFreight(owner)
  await owner.query(
    "insert into memberships (tenant_id, user_id, organization_id, organization_kind, role) values ($1, $2, $3, 'company', 'company')",
    [TENANTS.a, NOW_PLANS, ORGANIZATIONS.company],
  )
  await owner.query("delete from memberships where user_id = $1 and role = 'company'", [USERS.colleague])
})

const toldOf = async (type: string, key: string, id: string): Promise<string[]> =>
  (
    await api().owner.query<{ user_id: string }>(
      'select user_id from notifications where type = $1 and data ->> $2 = $3 order by user_id',
      [type, key, id],
    )
  ).map(({ user_id }) => user_id)

describe('the planners of a company', () => {
  it('are told of a proposed correction and of a disputed timesheet', async () => {
    const shift = await arrangeAssignment(api().owner)
    const guard = api().as('guard')
    for (const [kind, at] of [
      ['clock_in', shift.start],
      ['clock_out', shift.end],
    ] as const) {
      const stored = await guard.post(`/v1/shifts/${shift.id}/checkins`, checkInAt(at, { kind }))
      expect(stored.statusCode, stored.body).toBe(201)
    }
    const [assignment] = (await guard.get(`/v1/assignments?shift_id=${shift.id}`)).json().items
    const proposed = await guard.post(`/v1/assignments/${assignment.id}/corrections`, {
      change: 'happened',
      kind: 'break_start',
      becomes_at: minutes(shift.start, 60).toISOString(),
      reason: 'There was a break',
    })
    expect(proposed.statusCode, proposed.body).toBe(201)
    expect(await toldOf('correction_proposed', 'correction_id', proposed.json().id)).toEqual(PLANNERS)

    const [sheet] = (await guard.get(`/v1/timesheets?shift_id=${shift.id}`)).json().items
    const disputed = await guard.post(`/v1/timesheets/${sheet.id}/dispute`, { reason: 'It was longer.' })
    expect(disputed.statusCode, disputed.body).toBe(200)
    expect(await toldOf('timesheet_disputed', 'timesheet_id', sheet.id)).toEqual(PLANNERS)
  })

  it('are told of a guard who is late', async () => {
    const start = minutes(new Date(), -45)
    const { id } = await arrangeAssignment(api().owner, { start })
    const job = jobs.find(({ name }) => name === 'guarding.flag_late_shifts')!
    await registerJobs(api().owner, [job])
    await api().owner.query(
      "update muster.jobs set next_run_at = now() - interval '1 second' where name = 'guarding.flag_late_shifts'",
    )
    const log = { info: () => {}, warn: (data: object) => expect.unreachable(JSON.stringify(data)) }
    expect(await runJob(api().owner, job, log)).toBe(true)
    expect(await toldOf('shift_late', 'shift_id', id)).toEqual([...PLANNERS, USERS.guard].sort())
  })
})
