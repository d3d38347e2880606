import { describe, expect, it } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeAssignment, checkInAt } from '../support/check-ins.ts'
import { refusalOf } from '../support/rehearsal.ts'
import {
  arrangeShift,
  callerOf,
  ORGANIZATIONS,
  type Persona,
  PROFESSIONALS,
  REGISTERED,
} from '../support/world.ts'

const api = useApi()

const personas = REGISTERED

interface Transaction {
  id: string
  shift_id: string
  amount: number
  status: string
}

const list = async (persona: Persona, query: string): Promise<Transaction[]> =>
  (await api().as(persona).get(`/v1/transactions?${query}`)).json().items

describe('transactions', () => {
  it('are seen by the company that pays, the guard who is paid, and admins', async () => {
    const shift = await arrangeAssignment(api().owner)
    const [seen] = await list('guard', `shift_id=${shift.id}`)
    expect(seen).toEqual({
      id: expect.any(String),
      company_id: ORGANIZATIONS.company,
      shift_id: shift.id,
      assignment_id: expect.any(String),
      professional_id: PROFESSIONALS.guard,
      amount: 200,
      status: 'pending',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    for (const persona of personas) {
      const sees = ['guard', 'company', 'colleague', 'admin'].includes(persona)
      expect([persona, await list(persona, `shift_id=${shift.id}`)]).toEqual([persona, sees ? [seen] : []])
    }
    expectProblem(await api().as(null).get('/v1/transactions'), 'unauthenticated')
  })

  it('follow the assignment: claimed, worked, released', async () => {
    const claimed = await arrangeShift(api().owner, { startsInHours: 500 })
    expect((await api().as('guard').post(`/v1/shifts/${claimed}/claim`)).statusCode).toBe(200)
    expect(await list('company', `shift_id=${claimed}`)).toMatchObject([{ status: 'pending', amount: 200 }])
    await api().as('company').post(`/v1/shifts/${claimed}/release`)
    expect(await list('guard', `shift_id=${claimed}`)).toMatchObject([{ status: 'voided' }])

    const worked = await arrangeAssignment(api().owner)
    const items = [
      { ...checkInAt(worked.start, { kind: 'clock_in' }), shift_id: worked.id },
      {
        ...checkInAt(worked.end, { kind: 'clock_out' }),
        shift_id: worked.id,
        ...{ recorded_at: worked.end },
      },
    ]
    await api().as('guard').post('/v1/checkins/batch', { items })
    expect(await list('company', `shift_id=${worked.id}`)).toMatchObject([{ status: 'pending', amount: 200 }])
  })

  it('come the newest first, page by page, and by status', async () => {
    const shifts: string[] = []
    for (const nth of [0, 1, 2]) {
      shifts.push(
        await arrangeShift(api().owner, {
          status: 'assigned',
          professional: PROFESSIONALS.otherGuard,
          startsInHours: 1_000 + 24 * nth,
        }),
      )
    }
    await api().as('company').post(`/v1/shifts/${shifts[1]}/cancel`, { reason: 'Rained off' })
    const first = (await api().as('otherGuard').get('/v1/transactions?limit=2')).json()
    const rest = await list('otherGuard', `limit=2&cursor=${first.next_cursor}`)
    expect([...first.items, ...rest].map(({ shift_id }: Transaction) => shift_id)).toEqual(
      shifts.toReversed(),
    )
    expect((await list('otherGuard', 'status=voided')).map(({ shift_id }) => shift_id)).toEqual([shifts[1]])
    expect((await list('otherGuard', 'status=pending')).map(({ shift_id }) => shift_id)).toEqual([
      shifts[2],
      shifts[0],
    ])
    expectProblem(
      await api().as('otherGuard').get(`/v1/transactions?status=pending&cursor=${first.next_cursor}`),
      'cursor_invalid',
    )
    expectProblem(await api().as('otherGuard').get('/v1/transactions?status=paid'), 'validation_failed')
  })

  it('are written by nobody', async () => {
    const shift = await arrangeAssignment(api().owner)
    for (const persona of ['guard', 'company', 'client', 'admin'] as const) {
      for (const statement of [
        sql`update finqle_transactions set amount = 1 where shift_id = ${shift.id} returning id`,
        sql`delete from finqle_transactions where shift_id = ${shift.id} returning id`,
        sql`insert into finqle_transactions (tenant_id, company_id, shift_id, professional_id, amount)
            select tenant_id, company_id, shift_id, professional_id, 1 from finqle_transactions returning id`,
      ]) {
        const refused = openSessions(api().api).write(callerOf(persona), (session) => session.rows(statement))
        expect(await refused.then(() => 'ok', refusalOf)).toBe('forbidden')
      }
    }
    for (const method of ['post', 'patch'] as const) {
      expectProblem(await api().as('admin')[method]('/v1/transactions', {}), 'method_not_allowed')
    }
  })
})
