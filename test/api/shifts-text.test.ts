import { expect, it } from 'vitest'
import { shiftPage } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { arrangeShift } from '../support/world.ts'

const api = useApi()

/** What text can do to JSON, and to where one row ends and the next begins. */
const TITLE = 'Night "watch" \\ ünïcode 🛡 \u2028 </script>'
const DESCRIPTION = 'Line one}, \n {line two, \n line three\ttab\u0001'

const list = (query: string) => api().as('company').get(`/v1/shifts?${query}`)

it('the text that the database builds is what the schema of the answer says, page by page', async () => {
  const ids = [
    await arrangeShift(api().owner),
    await arrangeShift(api().owner, { certificates: [], rate: 17.05 }),
    await arrangeShift(api().owner, { certificates: ['vca', 'bhv'] }),
  ]
  await api().owner.query('update shifts set title = $1, description = $2', [TITLE, DESCRIPTION])
  const whole = shiftPage.parse((await list('limit=100')).json())
  expect(whole.next_cursor).toBeNull()
  expect(whole.items.map(({ id }) => id)).toEqual(expect.arrayContaining(ids))
  expect(whole.items.find(({ id }) => id === ids[1])).toMatchObject({
    title: TITLE,
    description: DESCRIPTION,
    hourly_rate: 17.05,
    required_certificates: [],
  })

  const walked: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const response = await list(`limit=1${cursor && `&cursor=${cursor}`}`)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    const page = shiftPage.parse(response.json())
    expect(page).toEqual(response.json())
    walked.push(...page.items)
    cursor = page.next_cursor
  }
  expect(walked).toEqual(whole.items)
  const asMany = shiftPage.parse((await list(`limit=${whole.items.length}`)).json())
  expect(asMany).toEqual(whole)
})

it('an empty page is an empty list', async () => {
  const response = await list('starts_after=2099-01-01T00:00:00Z')
  expect(response.body).toBe('{"items":[],"next_cursor":null}')
})
