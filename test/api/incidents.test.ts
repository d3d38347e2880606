import { describe, expect, it } from 'vitest'
import { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeAssignment, checkInId } from '../support/check-ins.ts'
import { refusalOf } from '../support/rehearsal.ts'
import { shiftIn } from '../support/shifts.ts'
import { callerOf, ORGANIZATIONS, type Persona, REGISTERED, USERS } from '../support/world.ts'

const api = useApi()

const personas = REGISTERED
const broken = {
  category: 'vandalism',
  severity: 'high',
  description: 'A window beside the east entrance is broken. 🪟',
  latitude: 52.3732,
  longitude: 4.8927,
  occurred_at: '2026-03-28T22:16:45.0249+01:00',
}

const report = (persona: Persona, shift_id: string, given: object = broken) =>
  api()
    .as(persona)
    .post('/v1/incidents', { ...given, shift_id })

async function reported(): Promise<{ id: string; shift_id: string }> {
  const shift = await arrangeAssignment(api().owner)
  return (await report('guard', shift.id)).json()
}

describe('an incident', () => {
  it('is reported by the guard of the shift', async () => {
    const shift = await arrangeAssignment(api().owner)
    const response = await report('guard', shift.id)
    expect(response.statusCode).toBe(201)
    const { id, created_at, updated_at, occurred_at, ...incident } = response.json()
    const { occurred_at: at, ...sent } = broken
    expect(incident).toEqual({
      ...sent,
      shift_id: shift.id,
      company_id: ORGANIZATIONS.company,
      client_id: ORGANIZATIONS.client,
      reported_by: USERS.guard,
      status: 'open',
    })
    expect(Date.parse(occurred_at)).toBe(Date.parse(at))
    expect(created_at).toBe(updated_at)
    const { items } = (await api().as('guard').get(`/v1/incidents?shift_id=${shift.id}`)).json()
    expect(items).toEqual([response.json()])
  })

  it('may have no position, but not half of one', async () => {
    const shift = await arrangeAssignment(api().owner)
    const { latitude, longitude: _, ...nowhere } = broken
    expect((await report('guard', shift.id, nowhere)).json()).toMatchObject({
      latitude: null,
      longitude: null,
    })
    expectProblem(await report('guard', shift.id, { ...nowhere, latitude }), 'validation_failed')
  })

  it.each([
    ['an unknown category', { category: 'boredom' }],
    ['an unknown severity', { severity: 'extreme' }],
    ['no description', { description: '' }],
    ['a description that is too long', { description: 'x'.repeat(10_001) }],
    ['a position that is none', { latitude: 91 }],
    ['a time that is none', { occurred_at: 'yesterday' }],
    ['a status', { status: 'resolved' }],
    ['a reporter', { reported_by: USERS.otherGuard }],
  ])('with %s is refused', async (_, wrong) => {
    const shift = await arrangeAssignment(api().owner)
    expectProblem(await report('guard', shift.id, { ...broken, ...wrong }), 'validation_failed')
  })

  it.each(SHIFT_STATUSES)(
    'of a shift that is %s: whoever is not its guard may not, or sees no shift',
    async (status) => {
      const id = await shiftIn(api(), { status, startsInHours: 3_000 + 100 * SHIFT_STATUSES.indexOf(status) })
      for (const persona of personas) {
        const isTheirs =
          persona === 'guard' && ['assigned', 'active', 'completed', 'no_show'].includes(status)
        const isVisible = (await api().as(persona).get(`/v1/shifts/${id}`)).statusCode === 200
        const response = await report(persona, id)
        if (isTheirs) expect(response.statusCode).toBe(201)
        else expect([persona, response.json().code]).toEqual([persona, isVisible ? 'forbidden' : 'not_found'])
      }
    },
  )

  it('of an unknown shift is refused', async () => {
    expectProblem(await report('guard', checkInId()), 'not_found')
  })

  it('has nothing that a client could set, and no time that no client could read', async () => {
    const shift = await arrangeAssignment(api().owner)
    const insert = (column: string, value: string) =>
      openSessions(api().api)
        .write(callerOf('guard'), (session) =>
          session.rows(
            sql`insert into incidents (shift_id, category, severity, description, ${sql.identifier(column)})
                values (${shift.id}, 'other', 'low', 'Nothing', ${sql.raw(value)}) returning id`,
          ),
        )
        .then(() => 'ok', refusalOf)
    for (const column of ['reported_by', 'company_id', 'client_id', 'tenant_id', 'created_by']) {
      expect([column, await insert(column, 'gen_random_uuid()')]).toEqual([column, 'forbidden'])
    }
    expect(await insert('occurred_at', "'infinity'")).toBe('validation_failed incidents_occurred_in_range')
    expect(await insert('occurred_at', 'now()')).toBe('ok')
  })
})

describe('who', () => {
  it('sees it: company and client of the shift, who reported it, admins', async () => {
    const { id, shift_id } = await reported()
    for (const persona of personas) {
      const sees = ['guard', 'company', 'colleague', 'client', 'admin'].includes(persona)
      const { items } = (await api().as(persona).get(`/v1/incidents?shift_id=${shift_id}`)).json()
      expect([persona, items.map((item: { id: string }) => item.id)]).toEqual([persona, sees ? [id] : []])
    }
    expectProblem(await api().as(null).get('/v1/incidents'), 'unauthenticated')
  })

  it('changes its status: the company and admins', async () => {
    const { id } = await reported()
    const path = `/v1/incidents/${id}`
    for (const persona of personas) {
      const response = await api().as(persona).patch(path, { status: 'acknowledged' })
      if (['company', 'colleague', 'admin'].includes(persona)) {
        expect(response.json()).toMatchObject({ id, status: 'acknowledged' })
      } else {
        expectProblem(response, ['guard', 'client'].includes(persona) ? 'forbidden' : 'not_found')
      }
    }
    expect((await api().as('company').patch(path, { status: 'resolved' })).json().status).toBe('resolved')
    expectProblem(await api().as('company').patch(path, { status: 'forgotten' }), 'validation_failed')
    expectProblem(
      await api().as('company').patch(path, { status: 'open', description: 'Nothing' }),
      'validation_failed',
    )
    expectProblem(
      await api().as('company').patch(`/v1/incidents/${checkInId()}`, { status: 'open' }),
      'not_found',
    )
  })
})

describe('the list', () => {
  it('has those reported last first, page by page, and filters', async () => {
    const shift = await arrangeAssignment(api().owner)
    const ids: string[] = []
    for (const severity of ['low', 'high', 'low', 'critical', 'low']) {
      ids.push((await report('guard', shift.id, { ...broken, severity })).json().id)
    }
    const listed: string[] = []
    const path = `/v1/incidents?shift_id=${shift.id}`
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await api()
        .as('client')
        .get(`${path}&limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      listed.push(...page.json().items.map(({ id }: { id: string }) => id))
      cursor = page.json().next_cursor
    }
    expect(listed).toEqual(ids.toReversed())

    await api().as('company').patch(`/v1/incidents/${ids[2]}`, { status: 'resolved' })
    const idsOf = async (filter: string): Promise<string[]> =>
      (await api().as('company').get(`${path}&${filter}`)).json().items.map(({ id }: { id: string }) => id)
    expect(await idsOf('severity=low')).toEqual([ids[4], ids[2], ids[0]])
    expect(await idsOf('status=resolved')).toEqual([ids[2]])
    expect(await idsOf('severity=low&status=open')).toEqual([ids[4], ids[0]])
  })
})
