import { randomUUID } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { expectProblem, useApi } from '../support/api.ts'
import { meetAtLock } from '../support/meeting.ts'

const api = useApi()

async function invite(): Promise<{ id: string; code: string }> {
  return (await api().as('admin').post('/v1/invitations', { role: 'zzp' })).json()
}

const accept = async (code: string, user: string) =>
  api()
    .as(null)
    .post(
      '/v1/me',
      { code, name: 'In a hurry' },
      { headers: await api().authorize(user, `${user}@example.com`) },
    )

const won = (responses: LightMyRequestResponse[]) => responses.filter(({ statusCode }) => statusCode === 201)
const lost = (responses: LightMyRequestResponse[]) => responses.filter(({ statusCode }) => statusCode !== 201)

describe('an invitation', () => {
  it('is accepted by one of several who come at once', async () => {
    const { id, code } = await invite()
    const users = Array.from({ length: 4 }, () => randomUUID())
    const responses = await meetAtLock(
      api(),
      `select from invitations where id = '${id}' for update`,
      users.map((user) => () => accept(code, user)),
    )
    expect(won(responses)).toHaveLength(1)
    for (const response of lost(responses)) expectProblem(response, 'invitation_invalid')
    const registered = await api().owner.query(`select id from users where id = any ($1)`, [`{${users}}`])
    expect(registered).toEqual([{ id: won(responses)[0]!.json().id }])
  })

  it('is not both accepted and withdrawn', async () => {
    const { id, code } = await invite()
    const user = randomUUID()
    const [accepted, withdrawn] = await meetAtLock(
      api(),
      `select from invitations where id = '${id}' for update`,
      [() => accept(code, user), () => api().as('admin').delete(`/v1/invitations/${id}`)],
    )
    if (accepted!.statusCode === 201) expectProblem(withdrawn!, 'forbidden')
    else {
      expectProblem(accepted!, 'invitation_invalid')
      expect(withdrawn!.statusCode).toBe(204)
    }
  })
})

it('one token that accepts two invitations at once becomes one user, and the other invitation stays', async () => {
  const invitations = [await invite(), await invite()]
  const user = randomUUID()
  const responses = await meetAtLock(
    api(),
    `select from invitations where id in ('${invitations[0]!.id}', '${invitations[1]!.id}') for update`,
    invitations.map(
      ({ code }) =>
        () =>
          accept(code, user),
    ),
  )
  expect(won(responses)).toHaveLength(1)
  expectProblem(lost(responses)[0]!, 'already_registered')
  const [left] = await api().owner.query<{ count: number }>(
    `select count(*)::int as count from invitations where id = any ($1) and accepted_at is null`,
    [`{${invitations.map(({ id }) => id)}}`],
  )
  expect(left?.count).toBe(1)
})
