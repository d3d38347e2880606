import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { FakeProvider } from '../../src/guarding/payouts/fake-provider.ts'
import { httpProvider } from '../../src/guarding/payouts/http-provider.ts'
import { NoAnswer, type PayoutOrder } from '../../src/guarding/payouts/provider.ts'
import { signatureOf } from '../../src/platform/http/signature.ts'
import { expectProblem, useApi } from '../support/api.ts'
import {
  arrangeStatement,
  makePayoutsDue,
  payoutSettings,
  SECRETS,
  type ServedFake,
  sendDue,
  serveFake,
} from '../support/payouts.ts'
import { ORGANIZATIONS, PROFESSIONALS, REGISTERED } from '../support/world.ts'

const api = useApi({ ...SECRETS, PAYOUT_WEBHOOK_TOLERANCE_SECONDS: '300' })

interface Sent {
  timestamp?: string
  signature?: string
  secret?: string
}

/** As the provider sends it, whatever the body is. */
function send(
  body: unknown,
  { timestamp = now(), secret = SECRETS.PAYOUT_WEBHOOK_SECRET, ...given }: Sent = {},
) {
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  return api().app.inject({
    method: 'POST',
    url: '/v1/webhooks/payouts',
    headers: {
      'content-type': 'application/json',
      'x-payout-timestamp': timestamp,
      'x-payout-signature': given.signature ?? signatureOf(secret, timestamp, payload),
    },
    payload,
  })
}
const now = (shiftSeconds = 0): string => String(Math.floor(Date.now() / 1000) + shiftSeconds)
const event = (key: string | undefined, status: string) => ({
  ...{ id: randomUUID(), key, status, occurred_at: new Date().toISOString() },
  // Of a version of the provider that is newer than this one.
  fee: 0.25,
})

describe('payouts', () => {
  it('are seen by the company that pays, the guard who is paid, and admins, without the key', async () => {
    const { payout, statement } = await arrangeStatement(api().owner, 18_125)
    const seen = (await api().as('guard').get(`/v1/payouts?statement_id=${statement}`)).json().items
    expect(seen).toEqual([
      {
        id: payout,
        ...{
          company_id: ORGANIZATIONS.company,
          professional_id: PROFESSIONALS.guard,
          statement_id: statement,
        },
        ...{ amount: 181.25, currency: 'EUR', status: 'pending', provider_reference: null, attempts: 0 },
        ...{ sent_at: null, next_attempt_at: expect.any(String), last_error: null, dead_at: null },
        ...{ completed_at: null, created_at: expect.any(String), updated_at: expect.any(String) },
      },
    ])
    for (const persona of REGISTERED) {
      const sees = ['guard', 'company', 'colleague', 'admin'].includes(persona)
      const list = await api().as(persona).get(`/v1/payouts?statement_id=${statement}`)
      expect([persona, list.json().items]).toEqual([persona, sees ? seen : []])
      const one = await api().as(persona).get(`/v1/payouts/${payout}`)
      if (sees) expect(one.json()).toEqual({ ...seen[0], events: [] })
      else expectProblem(one, 'not_found')
    }
    expectProblem(await api().as(null).get('/v1/payouts'), 'unauthenticated')
  })

  it('are filtered by status, by dead letters and by professional', async () => {
    const { payout } = await arrangeStatement(api().owner, 100, {
      professional: PROFESSIONALS.otherGuard,
      company: ORGANIZATIONS.rival,
    })
    await api().owner.query(
      "update payouts set status = 'processing', next_attempt_at = null, dead_at = now() where id = $1",
      [payout!],
    )
    const ids = async (query: string) =>
      (await api().as('rival').get(`/v1/payouts?${query}`)).json().items.map(({ id }: { id: string }) => id)
    expect(await ids('dead=true')).toEqual([payout])
    expect(await ids('dead=false')).toEqual([])
    expect(await ids('status=processing')).toEqual([payout])
    expect(await ids('status=completed')).toEqual([])
    expect(await ids(`professional_id=${PROFESSIONALS.otherGuard}`)).toEqual([payout])
    expect(await ids(`professional_id=${PROFESSIONALS.guard}`)).toEqual([])
  })

  it('are retried by admins alone, when they failed or are dead letters', async () => {
    const { payout } = await arrangeStatement(api().owner, 100)
    const retry = (persona: (typeof REGISTERED)[number]) =>
      api().as(persona).post(`/v1/payouts/${payout}/retry`)
    expectProblem(await retry('admin'), 'payout_state')
    await sendDue(api().owner, new FakeProvider(() => 'fail'))
    for (const persona of ['company', 'guard'] as const) expectProblem(await retry(persona), 'forbidden')
    for (const persona of ['rival', 'client', 'otherGuard', 'foreignAdmin'] as const)
      expectProblem(await retry(persona), 'not_found')
    const answer = await retry('admin')
    expect(answer.json()).toMatchObject({
      ...{ status: 'pending', attempts: 0, last_error: null },
      events: [{ source: 'answer', status: 'failed', reason: 'account_closed', is_applied: true }],
    })
    expectProblem(await retry('admin'), 'payout_state')
    expectProblem(await api().as('admin').post(`/v1/payouts/${randomUUID()}/retry`), 'not_found')
  })
})

describe('webhooks', () => {
  it('move a payout, and say what became of them', async () => {
    const { payout, key } = await arrangeStatement(api().owner, 100)
    const completed = event(key, 'completed')
    expect((await send(completed)).json()).toEqual({ result: 'applied' })
    expect((await send(completed)).json()).toEqual({ result: 'duplicate' })
    expect((await send(event(key, 'processing'))).json()).toEqual({ result: 'ignored' })
    expect((await send({ ...event(key, 'refunded'), reason: 'Account closed!' })).json()).toEqual({
      result: 'applied',
    })
    const { events, status } = (await api().as('guard').get(`/v1/payouts/${payout}`)).json()
    expect([
      status,
      events.map((one: { status: string; is_applied: boolean }) => [one.status, one.is_applied]),
    ]).toEqual([
      'refunded',
      [
        ['completed', true],
        ['processing', false],
        ['refunded', true],
      ],
    ])
    expect(events[2].reason).toBe('account_closed')
  })

  it('of what nobody knows are refused', async () => {
    expectProblem(await send(event(randomUUID(), 'completed')), 'not_found')
    const nameless = { ...event(undefined, 'completed'), reference: 'nobody has it' }
    expectProblem(await send(nameless), 'not_found')
  })

  it('need a signature of this very body and a time of about now', async () => {
    const { payout, key } = await arrangeStatement(api().owner, 100)
    const body = event(key, 'completed')
    const text = JSON.stringify(body)
    const attempts: Record<string, Promise<Awaited<ReturnType<typeof send>>>> = {
      'another secret': send(body, { secret: 'somebody else, who has 32 characters as well' }),
      'an old time': send(body, { timestamp: now(-400) }),
      'a time to come': send(body, { timestamp: now(400) }),
      'a time that is none': send(body, { timestamp: 'now' }),
      'no signature': send(body, { signature: '' }),
      'half a signature': send(body, {
        signature: signatureOf(SECRETS.PAYOUT_WEBHOOK_SECRET, now(), text).slice(0, 32),
      }),
      // Recorded, and sent again with a new time.
      'the signature of another time': send(body, {
        signature: signatureOf(SECRETS.PAYOUT_WEBHOOK_SECRET, now(-60), text),
      }),
      'another body': send(text.replace('completed', 'failed'), {
        signature: signatureOf(SECRETS.PAYOUT_WEBHOOK_SECRET, now(), text),
      }),
      // It is signed, and a body that is none is not looked at before.
      'a token in place of it': api().as('admin').post('/v1/webhooks/payouts', body),
    }
    for (const [what, attempt] of Object.entries(attempts)) {
      const response = await attempt
      expect([what, response.json().code]).toEqual([what, 'unauthenticated'])
    }
    expect((await api().as('guard').get(`/v1/payouts/${payout}`)).json().status).toBe('pending')
    expect((await send(body, { timestamp: now(-200) })).statusCode).toBe(200)
  })

  it('with a body that is none are refused, after the signature was checked', async () => {
    for (const body of [
      {},
      [],
      event('no uuid', 'completed'),
      event(randomUUID(), 'pending'),
      event(undefined, 'completed'),
    ])
      expectProblem(await send(body), 'validation_failed')
    expectProblem(await send('{'), 'malformed_request')
    expectProblem(await send({}, { signature: 'none' }), 'unauthenticated')
  })
})

describe('the HTTP adapter', () => {
  let served: ServedFake
  let fake: FakeProvider
  const order = (): PayoutOrder => ({
    ...{ key: randomUUID(), amount: '181.25', currency: 'EUR', reference: 'Statement 3 of 2026-10-31' },
    ...{ payee: PROFESSIONALS.guard, payer: ORGANIZATIONS.company },
  })

  beforeAll(async () => {
    fake = new FakeProvider()
    served = await serveFake(fake)
    return served.close
  })
  const adapter = (environment: Record<string, string> = {}) =>
    httpProvider(payoutSettings({ PAYOUT_PROVIDER: 'http', PAYOUT_URL: served.url, ...environment }))

  it('sends key and secret as headers, and reads the answer', async () => {
    const one = order()
    expect(await adapter().send(one)).toMatchObject({ status: 'completed', reason: null })
    expect(await adapter().find(one.key)).toMatchObject({ status: 'completed' })
    expect(await adapter().find(randomUUID())).toBeUndefined()
    const [sent] = served.requests
    expect(sent).toMatchObject({
      ...{ method: 'POST', url: '/payouts' },
      headers: { authorization: `Bearer ${SECRETS.PAYOUT_SECRET}`, 'idempotency-key': one.key },
    })
    const { key: _, ...body } = one
    expect(JSON.parse(sent!.body)).toEqual(body)
    expect(fake.ledger).toHaveLength(1)
  })

  it('takes paths and headers from the settings', async () => {
    const [sent] = await answering({ status: 200, body: '{"status":"processing"}' }, async (url) => {
      const settings = {
        ...{ PAYOUT_URL: `${url}/v2/`, PAYOUT_SEND_PATH: '/transfers', PAYOUT_SECRET_HEADER: 'X-Api-Key' },
        ...{ PAYOUT_KEY_HEADER: 'X-Once', PAYOUT_FIND_PATH: '/transfers?key={key}' },
      }
      await adapter(settings).send(order())
    })
    expect(sent).toMatchObject({ url: '/v2/transfers', headers: { 'x-api-key': SECRETS.PAYOUT_SECRET } })
    expect(sent!.headers['x-once']).toMatch(/^[\da-f-]{36}$/)
    expect(sent!.headers.authorization).toBeUndefined()
  })

  it.each([
    [{ status: 422, body: '{}' }, 'failed http_422'],
    [{ status: 400, body: 'no' }, 'failed http_400'],
    [{ status: 401, body: '{}' }, 'http_401'],
    [{ status: 404, body: '{}' }, 'http_404'],
    [{ status: 409, body: '{}' }, 'http_409'],
    [{ status: 429, body: '{}' }, 'http_429'],
    [{ status: 503, body: '{}' }, 'http_503'],
    [{ status: 302, body: '{}' }, 'unreachable'],
    [{ status: 200, body: '<html>' }, 'unreadable_answer'],
    [{ status: 200, body: '{"status":"paid"}' }, 'unreadable_answer'],
    [{ status: 200, body: `{"status":"completed","x":"${'x'.repeat(70_000)}"}` }, 'unreadable_answer'],
    [
      { status: 200, body: '{"status":"failed","reason":"IBAN NL00 is closed"}' },
      'failed iban_nl00_is_closed',
    ],
    [undefined, 'timeout'],
  ])('says what %j means', async (answer, meaning) => {
    await answering(answer, async (url) => {
      const settings = { PAYOUT_URL: url, PAYOUT_TIMEOUT_MS: answer ? '5000' : '100' }
      const outcome = await adapter(settings)
        .send(order())
        .then(({ status, reason }) => `${status} ${reason}`)
        .catch((error: unknown) => (error instanceof NoAnswer ? error.reason : error))
      expect(outcome).toBe(meaning)
    })
  })

  it('says so when nobody listens', async () => {
    const outcome = adapter({ PAYOUT_URL: 'http://127.0.0.1:1' }).send(order())
    await expect(outcome).rejects.toMatchObject({ name: 'NoAnswer', reason: 'unreachable' })
  })

  it('is what the worker pays by: a timeout costs nobody a payment', async () => {
    const acts = ['lose_answer', 'complete'] as const
    let calls = 0
    const slow = new FakeProvider(() => acts[Math.min(calls++, 1)]!)
    const there = await serveFake(slow)
    const config = payoutSettings({
      PAYOUT_PROVIDER: 'http',
      PAYOUT_URL: there.url,
      PAYOUT_TIMEOUT_MS: '200',
    })
    await api().owner.query(
      'update payouts set next_attempt_at = null, dead_at = now() where next_attempt_at is not null',
    )
    const { payout, key } = await arrangeStatement(api().owner, 4_200)
    await sendDue(api().owner, httpProvider(config), config)
    await makePayoutsDue(api().owner)
    await sendDue(api().owner, httpProvider(config), config)
    await there.close()
    expect((await api().as('guard').get(`/v1/payouts/${payout}`)).json().status).toBe('completed')
    expect(slow.ledger.map((entry) => [entry.key, entry.cents])).toEqual([[key, 4_200]])
  })
})

/** A provider that answers each request so, or not at all; gives what it was asked. */
async function answering(
  answer: { status: number; body: string } | undefined,
  work: (url: string) => Promise<void>,
): Promise<ServedFake['requests']> {
  const { createServer } = await import('node:http')
  const requests: ServedFake['requests'] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body: '' })
    if (!answer) return
    response.writeHead(answer.status, { location: 'http://127.0.0.1:1/elsewhere' }).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    await work(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
  return requests
}
