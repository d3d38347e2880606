import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { openSessions } from '../../src/db/session.ts'
import type { Shift } from '../../src/resources/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
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
