import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { SYNC_TABLES } from '../../src/resources/sync/schemas.ts'
import { type Frame, RecordingChannel, subscriberOf, useRouter } from '../support/changes.ts'
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
    for (const [index, table] of [...SYNC_TABLES, 'markers'].entries()) {
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
      company: ['UPDATE shifts assigned', 'INSERT finqle_transactions pending'],
      client: ['UPDATE shifts assigned'],
      guard: [
        'UPDATE shifts assigned',
        'INSERT finqle_transactions pending',
        'INSERT notifications shift_assigned',
      ],
      admin: [
        'UPDATE shifts assigned',
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

  it('cancelled stays with its guard, who is told by a notification too', async () => {
    expect(await arrivals(() => update(id, "status = 'cancelled', cancel_reason = 'Rain'"))).toEqual({
      company: ['UPDATE shifts cancelled', 'UPDATE finqle_transactions voided'],
      client: ['UPDATE shifts cancelled'],
      guard: [
        'UPDATE shifts cancelled',
        'UPDATE finqle_transactions voided',
        'INSERT notifications shift_cancelled',
      ],
      admin: [
        'UPDATE shifts cancelled',
        'UPDATE finqle_transactions voided',
        'INSERT notifications shift_cancelled',
      ],
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
