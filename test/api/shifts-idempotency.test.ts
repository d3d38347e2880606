import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeShift, LOCATIONS, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

let keys = 0
const newKey = (): string => {
  keys += 1
  return `key-${keys}`
}

/** Titled like its key, so that what a test created can be counted. */
const shift = (title: string) => ({
  location_id: LOCATIONS.site,
  start_datetime: '2027-05-01T08:00:00Z',
  end_datetime: '2027-05-01T16:00:00Z',
  hourly_rate: 22.05,
  title,
})

const post = (path: string, body: unknown, key: string, persona: Persona = 'company') =>
  api()
    .as(persona)
    .post(path, body, { headers: { 'idempotency-key': key } })

const countOf = async (title: string): Promise<number> =>
  (
    await api().owner.query<{ count: number }>('select count(*)::int as count from shifts where title = $1', [
      title,
    ])
  )[0]!.count

describe('the same request with the same key', () => {
  it('may have spaces inside the key', async () => {
    const key = `order 42, line 1 of ${newKey()}`
    const first = await post('/v1/shifts', shift(key), key)
    expect(first.statusCode).toBe(201)
    expect((await post('/v1/shifts', shift(key), key)).json()).toEqual(first.json())
  })

  it('creates one shift, and answers as it did', async () => {
    const key = newKey()
    const first = await post('/v1/shifts', shift(key), key)
    const second = await post('/v1/shifts', shift(key), key)
    expect(first.statusCode).toBe(201)
    expect(second.statusCode).toBe(201)
    expect(second.json()).toEqual(first.json())
    expect(second.headers.location).toBe(first.headers.location)
    expect(await countOf(key)).toBe(1)
  })

  it('is the same with its members in another order, and with defaults spelt out', async () => {
    const key = newKey()
    const body = shift(key)
    const reordered = Object.fromEntries(Object.entries({ ...body, status: 'draft' }).reverse())
    const first = await post('/v1/shifts', body, key)
    expect((await post('/v1/shifts', reordered, key)).json()).toEqual(first.json())
    expect(await countOf(key)).toBe(1)
  })

  it('creates one shift when many arrive at once', async () => {
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/v1/shifts', shift(key), key)))
    for (const answer of answers) {
      expect(answer.statusCode).toBe(201)
      expect(answer.json()).toEqual(answers[0]!.json())
    }
    expect(await countOf(key)).toBe(1)
  })

  it('creates each of many shifts once', async () => {
    const key = newKey()
    const body = { items: [shift(key), shift(key), shift(key)] }
    const first = await post('/v1/shifts/bulk', body, key)
    expect((await post('/v1/shifts/bulk', body, key)).json()).toEqual(first.json())
    expect(await countOf(key)).toBe(3)
  })

  it('is answered by a service that was restarted', async () => {
    const key = newKey()
    const first = await post('/v1/shifts', shift(key), key)
    const restarted = await api().startAnother()
    try {
      const second = await restarted.inject({
        method: 'POST',
        url: '/v1/shifts',
        payload: shift(key),
        headers: { authorization: `Bearer ${await api().tokenOf('company')}`, 'idempotency-key': key },
      })
      expect(second.json()).toEqual(first.json())
    } finally {
      await restarted.close()
    }
    expect(await countOf(key)).toBe(1)
  })

  it('gets the stored answer, whatever has happened since', async () => {
    const id = await arrangeShift(api().owner, { startsInHours: 24 })
    const key = newKey()
    const claimed = await post(`/v1/shifts/${id}/claim`, undefined, key, 'guard')
    expect(claimed.json()).toMatchObject({ status: 'assigned', professional_id: PROFESSIONALS.guard })
    expect((await post(`/v1/shifts/${id}/release`, undefined, newKey())).statusCode).toBe(200)
    expect((await post(`/v1/shifts/${id}/claim`, undefined, key, 'guard')).json()).toEqual(claimed.json())
    expect((await api().as('company').get(`/v1/shifts/${id}`)).json().status).toBe('published')
  })
})

describe('a key', () => {
  it('is good for one request', async () => {
    const key = newKey()
    const id = await arrangeShift(api().owner, { startsInHours: 48 })
    expect((await post('/v1/shifts', shift(key), key)).statusCode).toBe(201)
    for (const [path, body] of [
      ['/v1/shifts', { ...shift(key), hourly_rate: 23 }],
      ['/v1/shifts/bulk', { items: [shift(key)] }],
      [`/v1/shifts/${id}/release`, undefined],
    ] as const) {
      expectProblem(await post(path, body, key), 'idempotency_key_reused')
    }
    expect(await countOf(key)).toBe(1)
  })

  it('is good again after a request that was refused', async () => {
    const key = newKey()
    expectProblem(
      await post('/v1/shifts', { ...shift(key), location_id: LOCATIONS.foreignSite }, key),
      'not_found',
    )
    expectProblem(
      await post('/v1/shifts/bulk', { items: [{ ...shift(key), location_id: LOCATIONS.foreignSite }] }, key),
      'not_found',
    )
    expect((await post('/v1/shifts', shift(key), key)).statusCode).toBe(201)
  })

  it('belongs to one caller', async () => {
    const key = newKey()
    const ours = await post('/v1/shifts', shift(key), key)
    const colleagues = await post('/v1/shifts', shift(key), key, 'colleague')
    expect(colleagues.statusCode).toBe(201)
    expect(colleagues.json().id).not.toBe(ours.json().id)
  })

  it('is refused, without any effect, when its caller has reached the daily limit of stored answers', async () => {
    const [known, fresh] = [newKey(), newKey()]
    const first = await post('/v1/shifts', shift(known), known, 'colleague')
    const use = (keys: number, bytes: number) =>
      api().owner.query('update muster.idempotency_usage set keys = $2, bytes = $3 where user_id = $1', [
        USERS.colleague,
        keys,
        bytes,
      ])
    const [counted] = await api().owner.query(
      'select keys, bytes from muster.idempotency_usage where user_id = $1',
      [USERS.colleague],
    )
    expect(counted!.keys).toBeGreaterThan(0)
    expect(Number(counted!.bytes)).toBeGreaterThan(first.body.length / 2)
    for (const usage of [
      [10_000, 0],
      [1, 16 * 1024 * 1024],
    ]) {
      await use(usage[0]!, usage[1]!)
      const refused = await post('/v1/shifts', shift(fresh), fresh, 'colleague')
      expectProblem(refused, 'too_many_idempotency_keys')
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
      expect(await countOf(fresh)).toBe(0)
      // What was answered is answered again.
      expect((await post('/v1/shifts', shift(known), known, 'colleague')).json()).toEqual(first.json())
    }
    expect((await api().as('colleague').post('/v1/shifts', shift(fresh))).statusCode).toBe(201)
    await use(9_999, 0)
    expect((await post('/v1/shifts', shift(fresh), fresh, 'colleague')).statusCode).toBe(201)
  })

  it('is refused, without any effect, when the answer is too large to be stored', async () => {
    const key = newKey()
    const items = Array.from({ length: 80 }, () => ({ ...shift(key), instructions: 'x'.repeat(3_900) }))
    expectProblem(await post('/v1/shifts/bulk', { items }, key), 'answer_too_large')
    expect(await countOf(key)).toBe(0)
    expect((await api().as('company').post('/v1/shifts/bulk', { items })).statusCode).toBe(201)
  })

  it('is printable ASCII', async () => {
    for (const key of ['', 'two\twords', 'x'.repeat(256)]) {
      expectProblem(await post('/v1/shifts', shift('unprintable'), key), 'validation_failed')
    }
    expect(await countOf('unprintable')).toBe(0)
  })
})
