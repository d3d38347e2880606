import { randomBytes } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { SubscriptionRefused } from '../../src/platform/realtime/changes/change-router.ts'
import { compilePattern } from '../../src/platform/realtime/protocol/pattern.ts'
import { type Frame, RecordingChannel, subscriberOf, useRouter } from '../support/changes.ts'
import { PUBLISHED_TABLES } from '../support/modules.ts'
import {
  arrangeShift,
  buildWorld,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  USERS,
} from '../support/world.ts'

/* What exactly arrives at whom, while the marketplace does what it is for. */

const rt = useRouter(async (owner) => {
  await buildWorld(owner)
  await owner.script(`
    create table markers (id int primary key generated always as identity);
    grant select on markers to authenticated;
    alter publication supabase_realtime add table markers;
  `)
})

const PERSONAS = [
  'company',
  'rival',
  'client',
  'otherClient',
  'guard',
  'otherGuard',
  'admin',
  'foreignGuard',
] as const
type Follower = (typeof PERSONAS)[number]

const channels = new Map<Follower, RecordingChannel>()
let sinceThen = new Map<Follower, number>()

beforeAll(async () => {
  for (const persona of PERSONAS) {
    const channel = new RecordingChannel()
    channels.set(persona, channel)
    for (const [index, table] of [...PUBLISHED_TABLES, 'markers'].entries()) {
      await rt().follow(subscriberOf(persona), { table }, channel, index + 1)
    }
  }
})

const isMarker = ({ data }: Frame): boolean => data.table === 'markers'

/** What `work` made arrive, by persona, each as `UPDATE shifts <status>`; those who got nothing are left out. */
async function arrivals(work: () => Promise<unknown>): Promise<Partial<Record<Follower, string[]>>> {
  sinceThen = new Map(PERSONAS.map((persona) => [persona, channels.get(persona)!.frames.length]))
  await work()
  const [marker] = await rt().owner.query<{ id: number }>('insert into markers default values returning id')
  const found: Partial<Record<Follower, string[]>> = {}
  for (const persona of PERSONAS) {
    const channel = channels.get(persona)!
    const hasCome = (frame: Frame): boolean => isMarker(frame) && frame.data.record?.id === marker!.id
    while (!channel.frames.some(hasCome)) await channel.reach(channel.frames.length + 1)
    const frames = channel.frames.slice(sinceThen.get(persona)).filter((frame) => !isMarker(frame))
    if (frames.length > 0) {
      found[persona] = frames.map(({ data }) =>
        `${data.type} ${data.table} ${data.record?.status ?? data.record?.type ?? data.record?.kind ?? ''}`.trim(),
      )
    }
  }
  return found
}

const update = (id: string, assignment: string) =>
  rt().owner.query(`update shifts set ${assignment} where id = $1`, [id])

const transaction = (...statements: string[]) =>
  rt().owner.transaction(async (tx) => {
    for (const statement of statements) await tx.query(statement)
  })

/** Acts as a persona, under the policies. */
const actAs = (who: Persona, text: string, parameters: string[]) =>
  rt().owner.transaction(async (tx) => {
    await tx.query(
      "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
      [subscriberOf(who).claims],
    )
    await tx.query(text, parameters)
  })

describe('a shift', () => {
  let id: string

  it('as a draft is its company’s alone', async () => {
    expect(
      await arrivals(async () => {
        id = await arrangeShift(rt().owner, { status: 'draft', startsInHours: 0.5 })
      }),
    ).toEqual({ company: ['INSERT shifts draft'], admin: ['INSERT shifts draft'] })
  })

  it('published is seen by its client and every guard of the tenant, as an update of what they did not know', async () => {
    const told = ['UPDATE shifts published']
    expect(await arrivals(() => update(id, "status = 'published'"))).toEqual({
      company: told,
      client: told,
      guard: told,
      otherGuard: told,
      admin: told,
    })
  })

  it('claimed leaves the view of the other guards, who are told nothing', async () => {
    expect(
      await arrivals(() =>
        actAs('guard', "update shifts set status = 'assigned', professional_id = $2 where id = $1", [
          id,
          PROFESSIONALS.guard,
        ]),
      ),
    ).toEqual({
      company: ['UPDATE shifts assigned', 'INSERT assignments', 'INSERT finqle_transactions pending'],
      client: ['UPDATE shifts assigned'],
      guard: [
        'UPDATE shifts assigned',
        'INSERT assignments',
        'INSERT finqle_transactions pending',
        'INSERT notifications shift_assigned',
      ],
      admin: [
        'UPDATE shifts assigned',
        'INSERT assignments',
        'INSERT finqle_transactions pending',
        'INSERT notifications shift_assigned',
      ],
    })
  })

  it('is active from the first check-in on', async () => {
    const site = 'st_point(4.8926, 52.3731)::geography'
    const told = ['INSERT gps_checkins clock_in', 'UPDATE shifts active']
    expect(
      await arrivals(() =>
        actAs(
          'guard',
          `insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
           values ($1, 'clock_in', ${site}, 10, now())`,
          [id],
        ),
      ),
    ).toEqual({ company: told, client: told, guard: told, admin: told })
  })

  it('has incidents, which reach its company, its client, its guard and the admin', async () => {
    const told = ['INSERT incidents open']
    expect(
      await arrivals(() =>
        actAs(
          'guard',
          `insert into incidents (shift_id, category, severity, description, occurred_at)
           values ($1, 'other', 'low', 'A door was open.', now())`,
          [id],
        ),
      ),
    ).toEqual({ company: told, client: told, guard: told, admin: told })
  })

  it('cancelled stays with its guard, who is told by a notification too; what is paid has a timesheet', async () => {
    const hours = ['INSERT timesheets', 'INSERT timesheet_lines minimum', 'UPDATE timesheets']
    const told = [
      ...['UPDATE shifts cancelled', 'UPDATE assignments'],
      ...hours,
      'UPDATE finqle_transactions pending',
    ]
    expect(await arrivals(() => update(id, "status = 'cancelled', cancel_reason = 'Rain'"))).toEqual({
      company: told,
      // Hours, and no money.
      client: ['UPDATE shifts cancelled', 'INSERT timesheets', 'UPDATE timesheets'],
      guard: [...told, 'INSERT notifications shift_cancelled'],
      admin: [...told, 'INSERT notifications shift_cancelled'],
    })
  })

  it('deleted softly is gone for everybody, and nobody is told: catching up is', async () => {
    expect(await arrivals(() => actAs('company', 'delete from shifts where id = $1', [id]))).toEqual({})
  })

  it('moved to a site of another client leaves the one without a word', async () => {
    const other = await arrangeShift(rt().owner)
    await arrivals(async () => {})
    expect(await arrivals(() => update(other, `location_id = '${LOCATIONS.office}'`))).toMatchObject({
      company: ['UPDATE shifts published'],
      guard: ['UPDATE shifts published'],
    })
    expect(channels.get('client')!.frames.length).toBe(sinceThen.get('client')! + 1)
  })
})

describe('a briefing', () => {
  /** Stored out of line: no compression makes it short. */
  const long = randomBytes(4_500).toString('hex')

  const moved = ['UPDATE shift_briefings']
  const briefingsOnly = async (work: () => Promise<unknown>) =>
    Object.fromEntries(
      Object.entries(await arrivals(work)).flatMap(([persona, told]) => {
        const briefings = told.filter((change) => change.endsWith('shift_briefings'))
        return briefings.length === 0 ? [] : [[persona, briefings]]
      }),
    )

  const briefingsOf = (persona: Follower) =>
    channels
      .get(persona)!
      .frames.filter(({ data }) => data.table === 'shift_briefings')
      .map(({ data }) => data.record)

  it('reaches the guard when the shift becomes theirs, and no other guard ever', async () => {
    const id = await arrangeShift(rt().owner, { status: 'draft', startsInHours: 200 })
    const create = ['INSERT shift_briefings']
    expect(
      await briefingsOnly(() =>
        actAs('company', 'insert into shift_briefings (shift_id, text) values ($1, $2)', [id, long]),
      ),
    ).toEqual({ company: create, admin: create })
    const managers = { company: moved, client: moved, admin: moved }
    expect(await briefingsOnly(() => update(id, "status = 'published'"))).toEqual(managers)
    expect(
      await briefingsOnly(() =>
        update(id, `status = 'assigned', professional_id = '${PROFESSIONALS.guard}'`),
      ),
    ).toEqual({ ...managers, guard: moved })
    expect(briefingsOf('guard').at(-1)).toMatchObject({ shift_id: id, text: long })
    expect(
      await briefingsOnly(() =>
        actAs('company', "update shift_briefings set text = 'The code is 4712.' where shift_id = $1", [id]),
      ),
    ).toEqual({ ...managers, guard: moved })
    expect(briefingsOf('guard').at(-1)).toMatchObject({ text: 'The code is 4712.' })
    // Released, it is the guard's no more: catching up tells them so.
    expect(await briefingsOnly(() => update(id, "status = 'published'"))).toEqual(managers)
    expect(
      await briefingsOnly(() =>
        update(id, `status = 'assigned', professional_id = '${PROFESSIONALS.otherGuard}'`),
      ),
    ).toEqual({ ...managers, otherGuard: moved })
    expect(await briefingsOnly(() => update(id, "status = 'cancelled', cancel_reason = 'Rain'"))).toEqual(
      managers,
    )
  })
})

describe('a change that is told late', () => {
  // One transaction stands for a gateway that lags: by the time each change is looked at, the row is in its last state.
  it('of what was a draft is not told to those who see the row now that it is published', async () => {
    const id = await arrangeShift(rt().owner, { status: 'draft' })
    await arrivals(async () => {})
    const work = () =>
      transaction(
        `update shifts set title = 'Alarm code 4711' where id = '${id}'`,
        `update shifts set title = 'Night watch' where id = '${id}'`,
        `update shifts set status = 'published' where id = '${id}'`,
      )
    const open = ['UPDATE shifts published']
    const all = ['UPDATE shifts draft', 'UPDATE shifts draft', ...open]
    expect(await arrivals(work)).toEqual({
      company: all,
      admin: all,
      client: open,
      guard: open,
      otherGuard: open,
    })
  })

  it('of another guard’s assignment is not told to those for whom the shift is open again', async () => {
    const id = await arrangeShift(rt().owner)
    await arrivals(async () => {})
    const told = await arrivals(() =>
      transaction(
        `update shifts set status = 'assigned', professional_id = '${PROFESSIONALS.otherGuard}' where id = '${id}'`,
        `update shifts set status = 'published', professional_id = null where id = '${id}'`,
      ),
    )
    expect(told.guard).toEqual(['UPDATE shifts published'])
    expect(told.otherGuard?.filter((event) => event.includes('shifts'))).toEqual([
      'UPDATE shifts assigned',
      'UPDATE shifts published',
    ])
  })
})

describe('a large value that an update left alone', () => {
  // As long as it may be, and of three bytes each: too much to stay in the row.
  const description = '☂'.repeat(2_000)
  const shift = async (): Promise<string> => {
    const id = await arrangeShift(rt().owner)
    // Compressed, a text like this is short enough to stay in the row.
    await rt().owner.query('alter table shifts alter description set storage external')
    await arrivals(() => update(id, `description = '${description}'`))
    return id
  }
  const told = (since = sinceThen.get('company')) =>
    channels
      .get('company')!
      .frames.slice(since)
      .filter((frame) => !isMarker(frame))
      .map(({ data }) => data.record?.description)

  it('is in the event: whoever replaces their row by it loses nothing', async () => {
    const id = await shift()
    await arrivals(() => update(id, "title = 'Another'"))
    expect(told()).toEqual([description])
  })

  it('is left out where the row has another one by now, which comes with an event of its own', async () => {
    const id = await shift()
    await arrivals(() =>
      transaction(
        `update shifts set title = 'Another' where id = '${id}'`,
        `update shifts set title = 'A third', description = 'Another' where id = '${id}'`,
      ),
    )
    expect(told()).toEqual([undefined, 'Another'])
  })

  it('is filtered by, as if it were in the change', async () => {
    const id = await shift()
    const channel = new RecordingChannel()
    const filter = 'description=like.%☂☂%'
    const { subscription } = await rt().follow(subscriberOf('company'), { table: 'shifts', filter }, channel)
    await arrivals(() => update(id, "title = 'Filtered'"))
    expect(channel.summary).toEqual([['UPDATE', expect.objectContaining({ title: 'Filtered' })]])
    subscription.unsubscribe()
  })
})

describe('the filter of one who may not see the row', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('is not looked at, by whatever it would be judged', async () => {
    const pattern = compilePattern('like', '%seen by few%')
    const test = vi.spyOn(pattern, 'test')
    const database = vi.spyOn(rt().checks, 'transaction')
    const ends = []
    for (const persona of ['rival', 'guard', 'client', 'foreignGuard', 'stranger'] as const) {
      for (const filter of ['title=like.%seen by few%', 'title=gt.a', 'hourly_rate=eq.2.5e1']) {
        ends.push((await rt().follow(subscriberOf(persona), { table: 'shifts', filter })).subscription)
      }
    }
    // What PostgreSQL is asked when they subscribe is whether it takes the values.
    database.mockClear()
    await arrivals(() => arrangeShift(rt().owner, { status: 'draft' }))
    expect([test.mock.calls, database.mock.calls]).toEqual([[], []])

    const own = new RecordingChannel()
    const filter = 'title=like.%seen by few%,title=gt.a'
    ends.push((await rt().follow(subscriberOf('company'), { table: 'shifts', filter }, own)).subscription)
    await arrivals(async () =>
      update(await arrangeShift(rt().owner, { status: 'draft' }), "title = 'Seen by few'"),
    )
    expect(test).toHaveBeenCalled()
    for (const end of ends) end.unsubscribe()
  })

  it('costs no check of its subscriber, either', async () => {
    const { checks } = rt().router.health
    await arrivals(() => arrangeShift(rt().owner))
    // Markers have no row security, and of the tables of the marketplace it is said who sees them.
    expect(rt().router.health.checks).toBe(checks)
  })
})

describe('a filter on a place', () => {
  it.each(['x', '{"type":"Point"}', 'POINT(4.9)'])(
    'that PostGIS does not take, %s, is refused for good',
    async (value) => {
      const refused = rt().follow(subscriberOf('company'), {
        table: 'shifts',
        filter: `location_point=eq."${value.replaceAll('"', '\\"')}"`,
      })
      await expect(refused).rejects.toThrow(SubscriptionRefused)
      await expect(refused).rejects.toMatchObject({ isTemporary: false })
    },
  )
})

describe('a subscriber, with the same token all the time', () => {
  it('who is deleted hears no more of rows', async () => {
    const [shift] = [await arrangeShift(rt().owner)]
    await arrivals(async () => {})
    await rt().owner.query('update users set deleted_at = now() where id = $1', [USERS.otherGuard])
    const told = await arrivals(() => update(shift, "title = 'Without'"))
    expect(told.guard).toEqual(['UPDATE shifts published'])
    expect(told.otherGuard).toBeUndefined()
    await rt().owner.query('update users set deleted_at = null where id = $1', [USERS.otherGuard])
    expect((await arrivals(() => update(shift, "title = 'With'"))).otherGuard).toEqual([
      'UPDATE shifts published',
    ])
  })

  it('who changes sides hears what the new one sees, from then on', async () => {
    const draft = await arrangeShift(rt().owner, { status: 'draft' })
    await arrivals(async () => {})
    await rt().owner.query('update users set organization_id = $2 where id = $1', [
      USERS.rival,
      ORGANIZATIONS.company,
    ])
    expect(await arrivals(() => update(draft, "title = 'Ours now'"))).toEqual({
      company: ['UPDATE shifts draft'],
      rival: ['UPDATE shifts draft'],
      admin: ['UPDATE shifts draft'],
    })
    await rt().owner.query('update users set organization_id = $2 where id = $1', [
      USERS.rival,
      ORGANIZATIONS.rival,
    ])
    expect((await arrivals(() => update(draft, "title = 'Not ours'"))).rival).toBeUndefined()
  })

  it('who loses a certificate still hears of open shifts: it is claiming them that is refused', async () => {
    const shift = await arrangeShift(rt().owner)
    await arrivals(async () => {})
    await rt().owner.query('update certificates set verified_at = null where professional_id = $1', [
      PROFESSIONALS.guard,
    ])
    expect((await arrivals(() => update(shift, "title = 'Still open'"))).guard).toEqual([
      'UPDATE shifts published',
    ])
    await expect(
      actAs('guard', "update shifts set status = 'assigned', professional_id = $2 where id = $1", [
        shift,
        PROFESSIONALS.guard,
      ]),
    ).rejects.toThrow()
  })
})
