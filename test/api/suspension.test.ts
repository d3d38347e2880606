import { beforeAll, describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { acquaint, arrangeShift, PROFESSIONALS, SITE, USERS } from '../support/world.ts'

const api = useApi()

const suspend = () => api().as('admin').post(`/v1/users/${USERS.guard}/suspend`)
const shift = async (id: string) => (await api().as('company').get(`/v1/shifts/${id}`)).json()
const told = async (user: string, type: string) =>
  (
    await api().owner.query<{ shift: string }>(
      "select data ->> 'shift_id' as shift from notifications where user_id = $1 and type = $2",
      [user, type],
    )
  ).map(({ shift }) => shift)

beforeAll(() => acquaint(api().owner, [PROFESSIONALS.guard]))

describe('a guard who is suspended', () => {
  it('loses the shifts that have not begun; the company of the one that has is told', async () => {
    const begun = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 0.5, hours: 4 })
    const checkedIn = await api()
      .as('guard')
      .post(`/v1/shifts/${begun}/checkins`, {
        id: '0198f3c2-7a44-7cc1-9d0e-3f5b2a6c1e77',
        kind: 'clock_in',
        ...SITE,
        accuracy_meters: 5,
        recorded_at: new Date().toISOString(),
      })
    expect(checkedIn.statusCode).toBe(201)
    const later = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 30 })

    expect((await suspend()).json()).toMatchObject({ role: 'zzp', suspended_at: expect.any(String) })

    expect(await shift(later)).toMatchObject({ status: 'published', professional_id: null })
    expect(await shift(begun)).toMatchObject({ professional_id: PROFESSIONALS.guard })
    expect(await told(USERS.company, 'shift_released')).toEqual([later])
    expect(await told(USERS.company, 'guard_suspended')).toEqual([begun])
    const [payment] = await api().owner.query('select status from finqle_transactions where shift_id = $1', [
      later,
    ])
    expect(payment).toEqual({ status: 'voided' })
    const [professional] = await api().owner.query(
      'select status from security_professionals where id = $1',
      [PROFESSIONALS.guard],
    )
    expect(professional).toEqual({ status: 'active' })
    // Once more changes nothing, and tells nobody again.
    await suspend()
    expect(await told(USERS.company, 'guard_suspended')).toEqual([begun])
  })

  it('sees nothing, does nothing, and is given nothing', async () => {
    const open = await arrangeShift(api().owner, { startsInHours: 60 })
    expectProblem(await api().as('guard').get('/v1/me'), 'not_registered')
    expect((await api().as('guard').get('/v1/shifts')).json().items ?? []).toEqual([])
    expect((await api().as('guard').post(`/v1/shifts/${open}/claim`)).statusCode).toBeGreaterThanOrEqual(400)
    expectProblem(
      await api().as('company').post(`/v1/shifts/${open}/assign`, { professional_id: PROFESSIONALS.guard }),
      'professional_inactive',
    )
    const candidates = (await api().as('company').get(`/v1/shifts/${open}/candidates`)).json()
    expect(candidates.items.map(({ id }: { id: string }) => id)).not.toContain(PROFESSIONALS.guard)
    const code = (await api().as('admin').post('/v1/invitations', { role: 'zzp' })).json().code
    expectProblem(await api().as('guard').post('/v1/me', { code, name: 'again' }), 'already_registered')
  })

  it('comes back as before, without what was released', async () => {
    await api().as('admin').post(`/v1/users/${USERS.guard}/reinstate`)
    expect((await api().as('guard').get('/v1/me')).json()).toMatchObject({ id: USERS.guard })
    const open = await arrangeShift(api().owner, { startsInHours: 90 })
    expect((await api().as('guard').post(`/v1/shifts/${open}/claim`)).statusCode).toBe(200)
  })
})
