import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { type Caller, callerFromClaims } from '../../src/platform/auth/caller.ts'
import type { FunctionCall } from '../../src/platform/db/function-call.ts'
import type { Sessions } from '../../src/platform/db/session.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'
import { patience } from '../support/patience.ts'

/** The service on a database that has no check-ins and knows the users whose ids it is given. The token is the id. */
async function open(registered: readonly string[], environment: Record<string, string> = {}) {
  const lookUp = vi.fn(async (userId: string | null) => registered.includes(userId ?? ''))
  const call = vi.fn(async () => ({ answer: '[]' }))
  const app = await buildApp({
    config: readConfig({ NODE_ENV: 'test', LOG_LEVEL: 'silent', ...environment }),
    version: '0.0.0-test',
    sessions: {
      call: async ({ userId }: Caller, { text }: FunctionCall) =>
        text.includes('muster.tenant_id()') ? { is_registered: await lookUp(userId) } : call(),
    } as unknown as Sessions,
    verifier: {
      verify: async (token) =>
        callerFromClaims({ role: 'authenticated', sub: token, exp: Date.now() / 1000 + 60 }),
    },
    checkReadiness: async () => ALL_WELL,
  })
  onTestFinished(() => app.close())
  const send = (user: string, items: unknown[]) =>
    app.inject({
      method: 'POST',
      url: '/v1/checkins/batch',
      headers: { authorization: `Bearer ${user}` },
      payload: { items },
    })
  return { send, lookUp, call }
}

test('concurrent batches of an unregistered caller cause one look-up together', async () => {
  const { send, lookUp, call } = await open([])
  const items = Array(1_000).fill({})
  const stranger = randomUUID()
  const responses = await Promise.all(Array.from({ length: 24 }, () => send(stranger, items)))
  for (const response of responses) expect(response.json()).toMatchObject({ code: 'not_registered' })
  expect(lookUp.mock.calls.length).toBeLessThan(24)
  expect(call).not.toHaveBeenCalled()
})

test('a user who was found is not looked up again, and one who was not found is', async () => {
  const known: string[] = []
  const { send, lookUp } = await open(known)
  const user = randomUUID()
  expect((await send(user, [])).statusCode).toBe(403)
  known.push(user)
  for (let nth = 0; nth < 3; nth += 1) expect((await send(user, [])).statusCode).toBe(200)
  expect(lookUp).toHaveBeenCalledTimes(2)
})

test('batches of one caller are worked on two at a time, a few wait, and others are not held up', async () => {
  const [greedy, modest] = [randomUUID(), randomUUID()]
  const { send, call } = await open([greedy, modest])
  const mayEnd = Promise.withResolvers<{ answer: string }>()
  call.mockImplementation(() => mayEnd.promise)
  await send(greedy, 'none' as unknown as [])
  const sent = Array.from({ length: 20 }, () => send(greedy, []))
  const refused = await Promise.race(sent)
  expect(refused.json()).toMatchObject({ code: 'rate_limited' })
  await vi.waitFor(() => expect(call).toHaveBeenCalledTimes(2), patience(5_000))
  const other = send(modest, [])
  await vi.waitFor(() => expect(call).toHaveBeenCalledTimes(3), patience(5_000))
  mayEnd.resolve({ answer: '[]' })
  expect((await other).statusCode).toBe(200)
  const statuses = (await Promise.all(sent)).map(({ statusCode }) => statusCode)
  expect(statuses.filter((status) => status === 200)).toHaveLength(18)
  expect(statuses.filter((status) => status === 429)).toHaveLength(2)
})

test('the items of batches count towards a limit of their caller', async () => {
  const [greedy, modest] = [randomUUID(), randomUUID()]
  const { send, call } = await open([greedy, modest], { CHECKINS_PER_MINUTE: '2500' })
  const thousand = Array(1_000).fill({})
  expect((await send(greedy, thousand)).statusCode).toBe(200)
  expect((await send(greedy, thousand)).statusCode).toBe(200)
  const refused = await send(greedy, thousand)
  expect(refused.json()).toMatchObject({ code: 'rate_limited', retry: 'later' })
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
  expect((await send(modest, thousand)).statusCode).toBe(200)
  expect(call).toHaveBeenCalledTimes(3)
})
