import { describe, expect, it } from 'vitest'
import { useApi } from '../support/api.ts'
import {
  type Assignment,
  type AssignmentFixture,
  arrangeAssignment,
  type CheckInBody,
  checkInAt,
  minutes,
  seconds,
} from '../support/check-ins.ts'

const api = useApi()

const arrange = (fixture: AssignmentFixture = {}) => arrangeAssignment(api().owner, fixture)

/** One request for each, in this order. */
async function record(
  shift: Assignment,
  ...events: [kind: CheckInBody['kind'], at: Date, meters?: number, accuracy?: number][]
): Promise<void> {
  for (const [kind, at, meters = 10, accuracy_meters = 5] of events) {
    const body = checkInAt(at, { kind, meters, accuracy_meters })
    const response = await api().as('guard').post(`/v1/shifts/${shift.id}/checkins`, body)
    expect(response.statusCode).toBe(201)
  }
}

/** As the guard sees it. */
async function payOf(shift: Assignment): Promise<number> {
  const { items } = (await api().as('guard').get(`/v1/transactions?shift_id=${shift.id}`)).json()
  expect(items).toHaveLength(1)
  expect(items[0].status).toBe('pending')
  return items[0].amount
}

const statusOf = async (shift: Assignment): Promise<string> =>
  (await api().as('guard').get(`/v1/shifts/${shift.id}`)).json().status

describe('the night in which the clock changes', () => {
  it.each([
    ['has 7 hours in March', '2026-03-28T22:00:00+01:00', '2026-03-29T06:00:00+02:00', 7],
    ['has 9 hours in October', '2025-10-25T22:00:00+02:00', '2025-10-26T06:00:00+01:00', 9],
  ])('%s', async (_, from, to, hours) => {
    const [start, end] = [new Date(from), new Date(to)]
    const shift = await arrange({ start, hours: (end.getTime() - start.getTime()) / 3_600_000 })
    expect(await payOf(shift)).toBe(25 * hours)
    await record(shift, ['clock_in', start], ['clock_out', end])
    expect(await payOf(shift)).toBe(25 * hours)
  })
})

describe('pay, of 25 euros an hour for 8 hours and one and a half times that afterwards', () => {
  /** Minutes: of the clock_in after the start, of the clock_out after the end. */
  it.each([
    ['the whole shift', 0, 0, 200],
    ['time before the start is not paid', -90, 0, 200],
    ['who comes late', 30, 0, 187.5],
    ['who leaves early', 0, -60, 175],
    ['overtime', 0, 90, 256.25],
    ['overtime alone', 8 * 60 + 30, 60, 18.75],
    ['nobody in a moment', 10, -8 * 60 + 10, 0],
    ['the longest that is taken', -120, 720, 650],
  ])('%s', async (_, afterStart, afterEnd, amount) => {
    const shift = await arrange()
    await record(
      shift,
      ['clock_in', minutes(shift.start, afterStart)],
      ['clock_out', minutes(shift.end, afterEnd)],
    )
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['completed', amount])
  })

  it('until the shift is completed it is what was planned', async () => {
    const shift = await arrange()
    expect(await payOf(shift)).toBe(200)
    await record(shift, ['clock_in', minutes(shift.start, 60)], ['ping', minutes(shift.start, 90)])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['active', 200])
  })
})

describe('pay is rounded once in each line, to the cent, half a cent up', () => {
  it.each([
    ['half a cent, of a rate that has no end when divided', 18.03, 1_800, 9.02],
    ['half a cent', 25, 0.72, 0.01],
    ['a little less', 25, 0.719, 0],
    ['a second', 25, 1, 0.01],
    ['thirds of a cent, which are not added up rounded', 25, 3_599, 24.99],
  ])('%s', async (_, rate, worked, amount) => {
    const shift = await arrange({ rate })
    await record(shift, ['clock_in', shift.start], ['clock_out', seconds(shift.start, worked)])
    expect(await payOf(shift)).toBe(amount)
  })

  it('with its overtime', async () => {
    const shift = await arrange({ rate: 15.01, overtime: 1.13 })
    // 8 h x 15.01 + 20 min x 15.01 x 1.13 = 120.08 + 5.65376…
    await record(shift, ['clock_in', shift.start], ['clock_out', minutes(shift.end, 20)])
    expect(await payOf(shift)).toBe(125.73)
  })
})

describe('whatever the order in which check-ins arrive', () => {
  it('a clock_in completes the shift whose clock_out came first', async () => {
    const shift = await arrange()
    await record(shift, ['clock_out', minutes(shift.end, -60)])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['assigned', 200])
    await record(shift, ['clock_in', shift.start])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['completed', 175])
  })

  it('an earlier clock_in that arrives later counts', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', minutes(shift.start, 60)], ['clock_out', shift.end])
    expect(await payOf(shift)).toBe(175)
    await record(shift, ['clock_in', minutes(shift.start, 30)])
    expect(await payOf(shift)).toBe(187.5)
    await record(shift, ['clock_in', minutes(shift.start, 90)])
    expect(await payOf(shift)).toBe(187.5)
  })

  it('an earlier clock_out that arrives later counts, one before the clock_in never', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', minutes(shift.start, 60)], ['clock_out', shift.end])
    expect(await payOf(shift)).toBe(175)
    await record(shift, ['clock_out', minutes(shift.end, -120)], ['clock_out', minutes(shift.start, 59)])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['completed', 125])
  })

  it('a clock_in from outside starts nothing, one that may be inside does', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', shift.start, 500], ['clock_out', shift.end])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['assigned', 200])
    await record(shift, ['clock_in', minutes(shift.start, 120), 110, 50])
    expect([await statusOf(shift), await payOf(shift)]).toEqual(['completed', 150])
  })

  it('what is being paid does not change any more', async () => {
    const shift = await arrange()
    await record(shift, ['clock_in', minutes(shift.start, 60)], ['clock_out', shift.end])
    await api().owner.query("update finqle_transactions set status = 'processing' where shift_id = $1", [
      shift.id,
    ])
    await record(shift, ['clock_in', shift.start])
    const { items } = (await api().as('guard').get(`/v1/transactions?shift_id=${shift.id}`)).json()
    expect(items).toMatchObject([{ status: 'processing', amount: 175 }])
  })
})
