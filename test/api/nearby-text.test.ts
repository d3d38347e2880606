import { expect, it } from 'vitest'
import { nearbyFeatures, nearbyPage } from '../../src/guarding/shifts/schemas.ts'
import { useApi } from '../support/api.ts'
import { arrangeShift, SITE } from '../support/world.ts'

const api = useApi()

/** What text can do to JSON. */
const TITLE = 'Night "watch" \\ ünïcode 🛡  \u2028 </script>'
const DESCRIPTION = 'Line one\nline two\ttab\u0001'

const search = (limit: number, accept?: string) =>
  api()
    .as('guard')
    .get(`/v1/shifts/nearby?latitude=${SITE.latitude}&longitude=${SITE.longitude}&limit=${limit}`, {
      headers: accept ? { accept } : {},
    })

it('the text that the database builds is what the schema of the answer says', async () => {
  const plain = await arrangeShift(api().owner)
  const told = await arrangeShift(api().owner, { certificates: [], rate: 17.05 })
  await api().owner.query('update shifts set title = $2, description = $3 where id = $1', [
    told,
    TITLE,
    DESCRIPTION,
  ])
  for (const limit of [1, 20]) {
    const response = await search(limit)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    const page = nearbyPage.parse(response.json())
    expect(page.next_cursor === null).toBe(limit > 1)
    expect(JSON.stringify(page)).toBe(JSON.stringify(response.json()))
  }
  const page = nearbyPage.parse((await search(20)).json())
  expect(page.items.map(({ id }) => id)).toEqual([plain, told].sort())
  expect(page.items.find(({ id }) => id === told)).toMatchObject({
    title: TITLE,
    description: DESCRIPTION,
    instructions: null,
    hourly_rate: 17.05,
    required_certificates: [],
  })
  nearbyFeatures.parse((await search(20, 'application/geo+json')).json())
})

it('an empty page is an empty list', async () => {
  const response = await api().as('guard').get('/v1/shifts/nearby?latitude=-50&longitude=-50')
  expect(response.body).toBe('{"items":[],"next_cursor":null}')
})
