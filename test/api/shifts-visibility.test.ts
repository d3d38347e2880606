import { describe, expect, it } from 'vitest'
import type { Shift } from '../../src/guarding/shifts/schemas.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import {
  arrangeShift,
  callerOf,
  LOCATIONS,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  REGISTERED,
  USERS,
} from '../support/world.ts'

const api = useApi()

/** One shift of every kind that somebody might see or not see. Gives their ids. */
async function arrangeEvery(): Promise<string[]> {
  const { owner } = api()
  const foreign = { company: ORGANIZATIONS.foreignCompany, location: LOCATIONS.foreignSite }
  const ids: string[] = []
  for (const [n, whose] of [
    {},
    { company: ORGANIZATIONS.rival },
    { company: ORGANIZATIONS.rival, location: LOCATIONS.otherClientSite },
    { location: LOCATIONS.office },
    foreign,
  ].entries()) {
    const professional = 'company' in whose && whose.company === foreign.company ? 'foreignGuard' : 'guard'
    const worked = (slot: number) =>
      arrangeShift(owner, {
        ...whose,
        status: 'assigned',
        professional: PROFESSIONALS[professional],
        startsInHours: 24 * (1 + 4 * n + slot),
      })
    const [assigned, active, completed, cancelled] = [
      await worked(0),
      await worked(1),
      await worked(2),
      await worked(3),
    ]
    await owner.query("update shifts set status = 'active' where id in ($1, $2)", [active, completed])
    await owner.query("update shifts set status = 'completed' where id = $1", [completed])
    await owner.query("update shifts set status = 'cancelled', cancel_reason = 'Rain' where id = $1", [
      cancelled,
    ])
    const removed = await arrangeShift(owner, whose)
    await owner.query('update shifts set deleted_at = now() where id = $1', [removed])
    ids.push(
      await arrangeShift(owner, { ...whose, status: 'draft' }),
      await arrangeShift(owner, whose),
      await arrangeShift(owner, { ...whose, startsInHours: -1 }),
      assigned,
      active,
      completed,
      cancelled,
      removed,
    )
  }
  return ids.sort()
}

/** What the policies let a persona read. */
const visibleTo = async (persona: Persona): Promise<string[]> => {
  const rows = await openSessions(api().api).read(callerOf(persona), (session) =>
    session.rows<{ id: string }>(sql`select id from shifts order by id`),
  )
  return rows.map(({ id }) => id)
}

/** What a function of the database says of every shift, as a definer function would ask it for a persona. */
const shiftsWhere = (name: 'sees_shift' | 'manages_shift', persona: Persona): Promise<string[]> =>
  api().owner.transaction(async (tx) => {
    await tx.query(
      "select set_config('role', 'muster_definer', true), set_config('request.jwt.claims', $1, true)",
      [JSON.stringify({ sub: USERS[persona], role: 'authenticated' })],
    )
    const rows = await tx.query<{ id: string }>(
      `select s.id from shifts s where muster.${name}(s) order by s.id`,
    )
    return rows.map(({ id }) => id)
  })

describe('what functions and lists say of a shift is what the policies say', () => {
  it('for every persona and every kind of shift', async () => {
    const shifts = await arrangeEvery()
    const seenByAnybody = new Set<string>()
    for (const persona of REGISTERED) {
      const seen = await visibleTo(persona)
      const managed: string[] = []
      for (const id of seen) {
        // The title that it has: changes nothing, and is refused all the same.
        const changed = await api().as(persona).patch(`/v1/shifts/${id}`, { title: 'Night watch' })
        if (changed.statusCode !== 403) managed.push(id)
      }
      expect(await shiftsWhere('sees_shift', persona), persona).toEqual(seen)
      const listed: Shift[] = (await api().as(persona).get('/v1/shifts?limit=100')).json().items
      expect(listed.map(({ id }) => id).sort(), persona).toEqual(seen)
      const alive = (await shiftsWhere('manages_shift', persona)).filter((id) => seen.includes(id))
      expect(alive, persona).toEqual(managed)
      for (const id of seen) seenByAnybody.add(id)
    }
    // All but the five that were removed.
    expect(seenByAnybody.size).toBe(shifts.length - 5)
  })
})

describe('what only the guard of a shift is told', () => {
  const secret = 'The alarm code is 4711.'
  const description = 'Smart clothes, please.'

  /** What each persona reads of the shift's instructions, by every route that shows it to them; `unseen` where none does. */
  async function readers(id: string): Promise<Partial<Record<Persona, unknown>>> {
    const found: Partial<Record<Persona, unknown>> = {}
    for (const persona of REGISTERED) {
      const caller = api().as(persona)
      const one = await caller.get(`/v1/shifts/${id}`)
      if (one.statusCode === 404) continue
      const shift: Shift = one.json()
      expect(shift.description).toBe(description)
      const listed = (await caller.get('/v1/shifts?limit=100'))
        .json()
        .items.find((item: Shift) => item.id === id)
      expect(listed.instructions, `${persona} list`).toBe(shift.instructions)
      const near = (await caller.get('/v1/shifts/nearby?latitude=52.3731&longitude=4.8926&limit=100')).json()
      const nearby = near.items.find((item: Shift) => item.id === id)
      if (nearby)
        expect([nearby.instructions, nearby.description], `${persona} nearby`).toEqual([
          shift.instructions,
          description,
        ])
      for (const table of ['shifts', 'shift_briefings']) {
        const changed = (await caller.get(`/v1/sync/${table}?limit=1000`)).body
        expect(changed.includes(secret), `${persona} ${table}`).toBe(
          table !== 'shifts' && shift.instructions !== null,
        )
      }
      found[persona] = shift.instructions
    }
    return found
  }

  it('is read by those who manage it, its client, and the guard while it is theirs', async () => {
    // The other shifts of this file have none; and no other may be in the guard's way.
    const times = { start_datetime: '2031-05-01T20:00:00Z', end_datetime: '2031-05-02T04:00:00Z' }
    const created = await api()
      .as('company')
      .post('/v1/shifts', {
        location_id: LOCATIONS.site,
        ...times,
        hourly_rate: 25,
        title: 'Vault',
        description,
        instructions: secret,
      })
    expect(created.json()).toMatchObject({ description, instructions: secret })
    const { id } = created.json()
    const managers = { admin: secret, company: secret, colleague: secret }
    expect(await readers(id)).toEqual(managers)

    const step = async (who: Persona, path: string, body?: object) => {
      const response = await api().as(who).post(`/v1/shifts/${id}/${path}`, body)
      expect(response.statusCode, response.body).toBe(200)
      return response.json()
    }
    expect(await step('company', 'publish')).toMatchObject({ instructions: secret })
    const open = { ...managers, client: secret, guard: null, otherGuard: null }
    expect(await readers(id)).toEqual(open)

    expect(await step('guard', 'claim')).toMatchObject({ instructions: secret })
    expect(await readers(id)).toEqual({ ...managers, client: secret, guard: secret })
    expect(await step('company', 'release')).toMatchObject({ instructions: secret })
    expect(await readers(id)).toEqual(open)

    await step('company', 'assign', { professional_id: PROFESSIONALS.otherGuard })
    expect(await readers(id)).toEqual({ ...managers, client: secret, otherGuard: secret })
    await step('company', 'cancel', { reason: 'Rain' })
    // The shift stays theirs to see; they have no need of the code.
    expect(await readers(id)).toEqual({ ...managers, client: secret, otherGuard: null })
  })

  it('is changed and withdrawn by those who manage the shift alone', async () => {
    const id = await arrangeShift(api().owner, { startsInHours: 500 })
    const patch = (who: Persona, change: object) => api().as(who).patch(`/v1/shifts/${id}`, change)
    const briefing = async () =>
      (
        await api().owner.query<{ text: string }>('select text from shift_briefings where shift_id = $1', [
          id,
        ])
      )[0]?.text
    // None is left behind where there is nothing to tell.
    expect((await patch('company', { instructions: null })).json()).toMatchObject({ instructions: null })
    expect(await briefing()).toBeUndefined()
    expect((await patch('colleague', { instructions: secret })).json()).toMatchObject({
      instructions: secret,
    })
    expect((await patch('company', { title: 'Renamed' })).json()).toMatchObject({ instructions: secret })
    expect((await patch('admin', { title: 'Again', instructions: 'Ring.' })).json()).toMatchObject({
      title: 'Again',
      instructions: 'Ring.',
    })
    for (const instructions of ['Mine.', null]) {
      for (const who of ['guard', 'client'] as const) {
        expectProblem(await patch(who, { instructions }), 'forbidden')
      }
      for (const who of ['rival', 'foreignAdmin'] as const) {
        expectProblem(await patch(who, { instructions }), 'not_found')
      }
    }
    expect(await briefing()).toBe('Ring.')
    expect((await patch('company', { instructions: null })).json()).toMatchObject({ instructions: null })
    await patch('company', { instructions: secret })
    await api().as('company').post(`/v1/shifts/${id}/cancel`, { reason: 'Rain' })
    expectProblem(await patch('company', { instructions: 'Too late.' }), 'invalid_transition')
    expect(await briefing()).toBe(secret)
  })

  it('comes with several shifts at once, to each its own', async () => {
    const shift = {
      location_id: LOCATIONS.site,
      hourly_rate: 25,
      start_datetime: '2032-05-01T20:00:00Z',
      end_datetime: '2032-05-02T04:00:00Z',
    }
    const response = await api()
      .as('company')
      .post('/v1/shifts/bulk', {
        items: [
          { ...shift, title: 'One', instructions: secret },
          { ...shift, title: 'Two', description },
          { ...shift, title: 'Three', instructions: 'Ring.' },
        ],
      })
    expect(response.json().items).toMatchObject([
      { title: 'One', instructions: secret, description: null },
      { title: 'Two', instructions: null, description },
      { title: 'Three', instructions: 'Ring.' },
    ])
    for (const { id, instructions } of response.json().items) {
      expect((await api().as('company').get(`/v1/shifts/${id}`)).json()).toMatchObject({ instructions })
    }
  })
})
