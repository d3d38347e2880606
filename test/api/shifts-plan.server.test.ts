import { beforeAll, describe, expect, it } from 'vitest'
import { listShifts } from '../../src/guarding/shifts/queries.ts'
import type { Shift, ShiftFilter } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { loadManyShifts } from '../support/many-shifts.ts'
import { measureReads, type Reads } from '../support/reads.ts'
import { ORGANIZATIONS, type Persona, PROFESSIONALS } from '../support/world.ts'

const api = useApi()
const LIMIT = 20

const measure = (persona: Persona, filter: ShiftFilter) =>
  measureReads(
    api(),
    'shifts_pkey',
    persona,
    async (session): Promise<Shift[]> =>
      JSON.parse(await session.rowsText(listShifts(filter, LIMIT, undefined))),
  )

const entriesOf = ({ entries, otherEntries }: Reads): number => entries + otherEntries

describe('a list among forty thousand shifts', () => {
  beforeAll(() => loadManyShifts(api().owner))

  it.each([
    ['guard', {}],
    ['company', {}],
    ['client', {}],
    ['admin', {}],
    ['guard', { status: ['published'] }],
    ['company', { client_id: ORGANIZATIONS.client }],
    ['client', { company_id: ORGANIZATIONS.rival }],
    ['admin', { company_id: ORGANIZATIONS.rival, client_id: ORGANIZATIONS.client }],
  ] as [Persona, ShiftFilter][])(
    'for a %s with %j reads little more than it gives',
    async (persona, filter) => {
      const { result, reads } = await measure(persona, filter)
      expect(result).toHaveLength(LIMIT + 1)
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(5 * LIMIT)
    },
  )

  it.each([
    ['rival', { starts_after: '2099-01-01T00:00:00Z' }],
    ['otherClient', {}],
    ['foreignGuard', {}],
    ['stranger', { client_id: ORGANIZATIONS.client }],
    ['guard', { professional_id: PROFESSIONALS.guard }],
  ] as [Persona, ShiftFilter][])(
    'that is empty, for a %s with %j, reads nothing',
    async (persona, filter) => {
      const { result, reads } = await measure(persona, filter)
      expect(result).toEqual([])
      expect(reads.tableScans).toBe(0)
      expect(entriesOf(reads)).toBeLessThan(LIMIT)
    },
  )
})
