import { describe, expect, it } from 'vitest'
import { useApi } from '../support/api.ts'
import { arrangeAssignment, checkInAt } from '../support/check-ins.ts'
import type { Persona } from '../support/world.ts'

const api = useApi()

const NIGHT = { kind: 'night', percent: 25, window_from: '22:00', window_to: '06:00' }

const add = (body: unknown, persona: Persona = 'company') => api().as(persona).post('/v1/allowances', body)

describe('allowances', () => {
  it('are versions that a company adds for itself, and reads', async () => {
    const created = await add({ ...NIGHT, valid_from: '2026-01-01T00:00:00+01:00' })
    expect(created.statusCode, created.body).toBe(201)
    expect(created.json()).toMatchObject({
      ...NIGHT,
      window_from: '22:00:00',
      window_to: '06:00:00',
      combination: 'add',
    })
    const idsOf = async (persona: Persona) =>
      (await api().as(persona).get('/v1/allowances?kind=night'))
        .json()
        .items.map(({ id }: { id: string }) => id)
    for (const persona of ['company', 'colleague', 'admin'] as const)
      expect(await idsOf(persona)).toContain(created.json().id)
    for (const persona of ['rival', 'client', 'guard', 'foreignAdmin'] as const)
      expect(await idsOf(persona)).not.toContain(created.json().id)
    expect((await add({ ...NIGHT, valid_from: '2026-01-01T00:00:00+01:00' })).json().code).toBe(
      'already_exists',
    )
    expect((await add(NIGHT, 'guard')).statusCode).toBe(404)
  })

  it.each([
    ['both a percentage and an amount', { ...NIGHT, amount_per_hour: 2 }],
    ['neither', { kind: 'sunday' }],
    ['a night without hours', { kind: 'night', percent: 25 }],
    ['an evening that is no time', { ...NIGHT, kind: 'evening', window_to: '22:00' }],
    ['a Sunday with hours', { ...NIGHT, kind: 'sunday' }],
    ['short notice of no length', { kind: 'short_notice', percent: 10 }],
    ['a fraction of a cent', { kind: 'sunday', amount_per_hour: 1.005 }],
  ])('refuse %s', async (_, body) => {
    expect((await add(body)).json().code).toBe('validation_failed')
  })

  it('of a shift are those that were there when it was assigned, as they are valid at its start', async () => {
    const workedAt = async (shift: Awaited<ReturnType<typeof arrangeAssignment>>) => {
      for (const [kind, at] of [
        ['clock_in', shift.start],
        ['clock_out', shift.end],
      ] as const)
        await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, checkInAt(at, { kind }))
      const { items } = (await api().as('guard').get(`/v1/timesheets?shift_id=${shift.id}`)).json()
      return items[0].total
    }
    const sunday = (percent: number, valid_from: string) => add({ kind: 'sunday', percent, valid_from })
    const at = (start: string) => arrangeAssignment(api().owner, { start: new Date(start) })
    await sunday(50, '2026-06-01T00:00:00Z')
    await sunday(60, '2026-06-10T00:00:00Z')
    const before = await at('2026-06-07T10:00:00+02:00')
    const after = await at('2026-06-14T10:00:00+02:00')
    // Somebody has the shifts already: this is for others.
    await sunday(0, '2026-06-02T00:00:00Z')
    await sunday(0, '2026-06-11T00:00:00Z')
    const later = await at('2026-06-21T10:00:00+02:00')
    // 8 h x 25, and 50 and 60 percent of it
    expect([await workedAt(before), await workedAt(after), await workedAt(later)]).toEqual([300, 320, 200])
  })
})
