import { beforeAll, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { meetAtLock } from '../support/meeting.ts'
import { acquaint, arrangeShift, PROFESSIONALS } from '../support/world.ts'

const api = useApi()

// So that the company is told why not.
beforeAll(() => acquaint(api().owner, [PROFESSIONALS.guard]))

const LOCK = `select from security_professionals where id = '${PROFESSIONALS.guard}' for no key update`

/** Whoever is first in the guard's queue wins, and neither is always first. */
const ROUNDS = 6

const assign = (shift: string) =>
  api().as('company').post(`/v1/shifts/${shift}/assign`, { professional_id: PROFESSIONALS.guard })

it('a certificate is not withdrawn while a shift that needs it is assigned', async () => {
  const { items } = (await api().as('guard').get('/v1/certificates?kind=vca')).json()
  const path = `/v1/certificates/${items[0].id}/verify`
  for (let round = 0; round < ROUNDS; round += 1) {
    const shift = await arrangeShift(api().owner)
    const starts = [() => assign(shift), () => api().as('admin').post(path, { verified: false })]
    const inTurn = round % 2 === 0
    const answers = await meetAtLock(api(), LOCK, inTurn ? starts : starts.reverse())
    const [assigned, withdrawn] = inTurn ? answers : answers.reverse()

    if (assigned!.statusCode === 200) {
      expectProblem(withdrawn!, 'certificate_in_use')
      await api().as('company').post(`/v1/shifts/${shift}/release`)
    } else {
      expectProblem(assigned!, 'certificate_missing')
      expect(withdrawn!.statusCode).toBe(200)
      await api().as('admin').post(path)
    }
  }
})

it('a professional is not suspended while they are assigned', async () => {
  const path = `/v1/professionals/${PROFESSIONALS.guard}`
  for (let round = 0; round < ROUNDS; round += 1) {
    const shift = await arrangeShift(api().owner)
    const starts = [() => assign(shift), () => api().as('admin').patch(path, { status: 'suspended' })]
    const inTurn = round % 2 === 0
    const answers = await meetAtLock(api(), LOCK, inTurn ? starts : starts.reverse())
    const [assigned, suspended] = inTurn ? answers : answers.reverse()

    if (assigned!.statusCode === 200) {
      expectProblem(suspended!, 'professional_in_use')
      await api().as('company').post(`/v1/shifts/${shift}/release`)
    } else {
      expectProblem(assigned!, 'professional_inactive')
      expect(suspended!.statusCode).toBe(200)
      await api().as('admin').patch(path, { status: 'active' })
    }
  }
})
