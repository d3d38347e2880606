import { describe, expect, it } from 'vitest'
import { MAX_BULK_ITEMS, type NewShift, type Shift } from '../../src/guarding/shifts/schemas.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { LOCATIONS, ORGANIZATIONS } from '../support/world.ts'

const api = useApi()

const shift = (given: object = {}) => ({
  location_id: LOCATIONS.site,
  start_datetime: '2027-05-01T08:00:00Z',
  end_datetime: '2027-05-01T16:00:00Z',
  hourly_rate: 22.05,
  title: 'Gate',
  ...given,
})

const titled = (count: number) => Array.from({ length: count }, (_, n) => shift({ title: `Gate ${n}` }))

const countOfShifts = async (): Promise<number> =>
  (await api().owner.query<{ count: number }>('select count(*)::int as count from shifts'))[0]!.count

const createAll = (items: unknown, persona: 'company' | 'admin' | 'client' | 'guard' = 'company') =>
  api().as(persona).post('/v1/shifts/bulk', { items })

describe('many shifts at once', () => {
  it('are all created, in order, each as it would be alone', async () => {
    const items = [
      ...titled(MAX_BULK_ITEMS - 2),
      shift({ status: 'published' }),
      shift({ instructions: 'Ring.' }),
    ]
    const response = await createAll(items)
    expect(response.statusCode, response.body).toBe(201)
    const created: Shift[] = response.json().items
    expect(created.map(({ title }) => title)).toEqual(items.map(({ title }) => title))

    const alone = (await api().as('company').post('/v1/shifts', items[0])).json()
    expect(created[0]).toEqual({
      ...alone,
      id: created[0]!.id,
      created_at: created[0]!.created_at,
      updated_at: created[0]!.updated_at,
    })
    expect(created.at(-2)!.status).toBe('published')
    for (const item of [created[0]!, created.at(-1)!]) {
      expect((await api().as('company').get(`/v1/shifts/${item.id}`)).json()).toMatchObject(item)
    }
  })

  it('are of the companies that an admin names', async () => {
    const items = [ORGANIZATIONS.company, ORGANIZATIONS.rival].map((company_id) => shift({ company_id }))
    const created: NewShift[] = (await createAll(items, 'admin')).json().items
    expect(created.map(({ company_id }) => company_id)).toEqual([ORGANIZATIONS.company, ORGANIZATIONS.rival])
  })

  it('are not for those who may not create one', async () => {
    for (const persona of ['client', 'guard'] as const) {
      expectProblem(await createAll(titled(2), persona), 'forbidden')
    }
    expectProblem(await createAll([shift({ company_id: ORGANIZATIONS.rival })]), 'forbidden')
  })

  it.each([
    ['none', []],
    ['too many', titled(MAX_BULK_ITEMS + 1)],
    ['no list', shift()],
  ])('cannot be %s', async (_, items) => {
    const response = await createAll(items)
    expectProblem(response, 'validation_failed')
    expect(response.json().errors[0].pointer).toBe('/body/items')
  })
})

describe('one bad shift among many', () => {
  it('is named by its index, and nothing is created', async () => {
    const before = await countOfShifts()
    const items = titled(5)
    items[3] = shift({ hourly_rate: 1 })
    const response = await createAll(items)
    expectProblem(response, 'validation_failed')
    expect(response.json().errors).toEqual([
      { pointer: '/body/items/3/hourly_rate', message: expect.any(String) },
    ])
    expect(await countOfShifts()).toBe(before)
  })

  it('is named by its index when the database refuses it, and so is every other bad one', async () => {
    const before = await countOfShifts()
    const items = titled(6)
    items[1] = shift({ location_id: LOCATIONS.otherClientSite })
    items[4] = shift({ location_id: LOCATIONS.foreignSite })
    items[5] = shift({ company_id: ORGANIZATIONS.rival })
    const response = await createAll(items)
    expectProblem(response, 'not_found')
    expect(response.json().errors).toEqual([
      { pointer: '/body/items/1/location_id', message: expect.stringMatching(/^not_found: /) },
      { pointer: '/body/items/4/location_id', message: expect.stringMatching(/^not_found: /) },
      { pointer: '/body/items/5/company_id', message: expect.stringMatching(/^forbidden: /) },
    ])
    expect(await countOfShifts()).toBe(before)
  })

  it('is named by its index when it is the only shift', async () => {
    const response = await createAll([shift({ location_id: LOCATIONS.foreignSite })])
    expectProblem(response, 'not_found')
    expect(response.json().errors).toEqual([
      { pointer: '/body/items/0/location_id', message: expect.any(String) },
    ])
  })

  it('names the constraint that refused it', async () => {
    // Microseconds are the database's alone: with them the last one is too long.
    const items = [
      shift(),
      shift({ start_datetime: '2027-05-01T08:00:00.000900Z', end_datetime: '2027-05-01T08:00:00.001000Z' }),
      shift({
        start_datetime: '2027-05-01T08:00:00.000999Z',
        end_datetime: '2027-05-03T08:00:00.000999999Z',
      }),
    ]
    const response = await createAll(items)
    expectProblem(response, 'validation_failed')
    expect(response.json().errors).toEqual([
      {
        pointer: '/body/items/2',
        message: expect.stringContaining('shifts_at_most_48_hours'),
      },
    ])
  })
})
