import type { AddressInfo } from 'node:net'
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import WebSocket from 'ws'
import { issueToken } from '../../src/platform/auth/issue.ts'
import {
  type ChangeRouter,
  type ChangeSubscription,
  SubscriptionRefused,
} from '../../src/platform/realtime/changes/change-router.ts'
import { RIGHTS_MAX_AGE_MS, SWEEP_INTERVAL_MS } from '../../src/platform/realtime/gateway/limits.ts'
import { openApi, SECRET, type TestApi } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { arrangeShift, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

/** Stands in for the changes of tables: the tests say what happens and when. */
class ScriptedRouter implements ChangeRouter {
  readonly subscriptions = new Set<ChangeSubscription>()
  /** The source of changes is away. */
  isAway = false
  readonly #gapListeners = new Set<(reason: string) => void>()
  readonly health = {
    feed: null,
    subscriptions: 0,
    subscribers: 0,
    checks: 0,
    failedChecks: 0,
    delivered: 0,
    lagMs: null,
  }
  async subscribe(subscription: ChangeSubscription) {
    if (subscription.request.table === 'secrets') throw new SubscriptionRefused('no such table for you')
    if (this.isAway) throw new SubscriptionRefused('the changes are not there yet', true)
    this.subscriptions.add(subscription)
    return {
      unsubscribe: () => void this.subscriptions.delete(subscription),
      updateSubscriber: async (subscriber: ChangeSubscription['subscriber']) => {
        subscription.subscriber = subscriber
      },
    }
  }
  onGap(listener: (reason: string) => void) {
    this.#gapListeners.add(listener)
    return () => void this.#gapListeners.delete(listener)
  }
  observe() {
    return () => {}
  }
  gap(): void {
    for (const listener of this.#gapListeners) listener('test')
  }
  change(record: object): void {
    for (const { channel, id } of this.subscriptions) {
      channel.deliver(
        [id],
        JSON.stringify({
          schema: 'public',
          table: 'shifts',
          type: 'INSERT',
          commit_timestamp: '2026-11-22T00:00:00.000Z',
          columns: [{ name: 'title', type: 'text' }],
          record,
          errors: null,
        }),
      )
    }
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
}

const ANON_KEY = 'sb_publishable_of_the_tests'

describe('the realtime gateway, with an unmodified supabase-js', () => {
  let api: TestApi
  let url: string
  const router = new ScriptedRouter()
  const clients: SupabaseClient[] = []

  beforeAll(async () => {
    api = await openApi({ ANON_KEY }, router)
    await api.app.listen({ host: '127.0.0.1', port: 0 })
    url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()))
    for (const ws of rawSockets.splice(0)) ws.terminate()
  })
  afterAll(() => api?.close())

  async function clientOf(persona: Persona | null): Promise<SupabaseClient> {
    const token = persona && (await api.tokenOf(persona))
    const client = createClient(url, ANON_KEY, {
      realtime: { transport: WebSocket as never },
      ...(token ? { accessToken: async () => token } : {}),
    })
    if (token) await client.realtime.setAuth()
    clients.push(client)
    return client
  }

  /** Joins, and gives the statuses as they come. */
  function join(channel: RealtimeChannel): { statuses: string[]; errors: string[] } {
    const seen = { statuses: [] as string[], errors: [] as string[] }
    channel.subscribe((status, error) => {
      seen.statuses.push(status)
      if (error) seen.errors.push(error.message)
    })
    return seen
  }
  const until = (condition: () => boolean) =>
    vi.waitUntil(condition, { timeout: patience(10_000), interval: 5 })
  async function joined(channel: RealtimeChannel): Promise<void> {
    const { statuses, errors } = join(channel)
    await until(() => statuses.length > 0)
    expect({ statuses, errors }).toEqual({ statuses: ['SUBSCRIBED'], errors: [] })
  }

  it('delivers changes of tables, and nothing after leaving', async () => {
    const client = await clientOf('company')
    const seen: unknown[] = []
    const channel = client
      .channel('any')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'shifts' }, (change) =>
        seen.push(change.new),
      )
    await joined(channel)
    expect([...router.subscriptions].map(({ subscriber }) => JSON.parse(subscriber.claims).sub)).toEqual([
      USERS.company,
    ])
    router.change({ title: 'one' })
    await until(() => seen.length === 1)
    expect(seen).toEqual([{ title: 'one' }])
    await client.removeChannel(channel)
    await until(() => router.subscriptions.size === 0)
  })

  it('tells what was refused, and keeps the rest', async () => {
    const client = await clientOf('guard')
    const system: { status: string; message: string }[] = []
    const channel = client
      .channel('mixed')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'secrets' }, () => {})
      .on('postgres_changes', { event: '*', schema: 'public', table: 'shifts' }, () => {})
      .on('system', {}, (message) => system.push(message))
    await joined(channel)
    await until(() => system.length === 2)
    expect(system.map(({ status, message }) => [status, message])).toEqual([
      ['error', 'no such table for you'],
      ['ok', 'Subscribed to PostgreSQL'],
    ])
  })

  it('joins no channel without its changes while they are away, so that the client joins anew', async () => {
    const client = await clientOf('company')
    const channel = client
      .channel('away')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'shifts' }, () => {})
    router.isAway = true
    const { statuses, errors } = join(channel)
    await until(() => statuses.length === 1)
    router.isAway = false
    await until(() => statuses.length === 2)
    expect(statuses).toEqual(['CHANNEL_ERROR', 'SUBSCRIBED'])
    expect(errors).toEqual(['PostgresChangesSubscribeTimeout: the changes are not there yet'])
    expect(router.subscriptions.size).toBe(1)
  })

  it('signals a gap so that the client joins anew', async () => {
    const client = await clientOf('company')
    const channel = client
      .channel('gap')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'shifts' }, () => {})
    const { statuses } = join(channel)
    await until(() => statuses.length === 1)
    router.gap()
    await until(() => statuses.length === 3)
    expect(statuses).toEqual(['SUBSCRIBED', 'CHANNEL_ERROR', 'SUBSCRIBED'])
    expect(router.subscriptions.size).toBe(1)
  })

  it('relays broadcasts to others, to oneself on request, with an acknowledgement', async () => {
    const [sender, receiver] = [await clientOf(null), await clientOf(null)]
    const got: unknown[] = []
    const own: unknown[] = []
    const listening = receiver
      .channel('room')
      .on('broadcast', { event: 'news' }, ({ payload }) => got.push(payload))
    const sending = sender
      .channel('room', { config: { broadcast: { ack: true, self: true } } })
      .on('broadcast', { event: 'news' }, ({ payload }) => own.push(payload))
    await joined(listening)
    await joined(sending)
    expect(await sending.send({ type: 'broadcast', event: 'news', payload: { n: 1 } })).toBe('ok')
    await until(() => got.length === 1 && own.length === 1)
    expect([got, own]).toEqual([[{ n: 1 }], [{ n: 1 }]])
  })

  it('takes broadcasts over HTTP', async () => {
    const receiver = await clientOf(null)
    const got: unknown[] = []
    await joined(receiver.channel('http').on('broadcast', { event: 'e' }, ({ payload }) => got.push(payload)))
    const response = await fetch(`${url}/realtime/v1/api/broadcast`, {
      method: 'POST',
      headers: { apikey: ANON_KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ topic: 'http', event: 'e', payload: { over: 'http' } }] }),
    })
    expect(response.status).toBe(202)
    await until(() => got.length === 1)
    expect(got).toEqual([{ over: 'http' }])
  })

  it('keeps presence: who is there, who comes, who goes', async () => {
    const [one, two] = [await clientOf(null), await clientOf(null)]
    const first = one.channel('lobby', { config: { presence: { key: 'one', enabled: true } } })
    const second = two.channel('lobby', { config: { presence: { key: 'two', enabled: true } } })
    await joined(first)
    expect(await first.track({ name: 'first' })).toBe('ok')
    await joined(second)
    await until(() => Object.keys(second.presenceState()).length === 1)
    expect(await second.track({ name: 'second' })).toBe('ok')
    await until(() => Object.keys(first.presenceState()).length === 2)
    expect(first.presenceState()).toMatchObject({ one: [{ name: 'first' }], two: [{ name: 'second' }] })
    await two.realtime.disconnect()
    await until(() => Object.keys(first.presenceState()).length === 1)
  })

  it('lets the guard of an active shift send positions, to those of that shift alone, until it ends', async () => {
    const shift = await arrangeShift(api.owner, { status: 'assigned', professional: PROFESSIONALS.guard })
    await api.owner.query("update shifts set status = 'active' where id = $1", [shift])
    const topic = `shift:${shift}`
    const options = { config: { private: true, broadcast: { ack: true } } }

    for (const outsider of ['rival', 'otherGuard', 'otherClient', 'foreignAdmin', 'stranger'] as const) {
      const { statuses, errors } = join((await clientOf(outsider)).channel(topic, options))
      await until(() => statuses.length > 0)
      expect([outsider, statuses[0]]).toEqual([outsider, 'CHANNEL_ERROR'])
      expect(errors[0]).toMatch(/Unauthorized/)
    }

    const got: Record<string, unknown[]> = { company: [], client: [], admin: [] }
    for (const persona of ['company', 'client', 'admin'] as const) {
      // Ids are read in any case.
      const spelled = persona === 'admin' ? `shift:${shift.toUpperCase()}` : topic
      await joined(
        (await clientOf(persona))
          .channel(spelled, options)
          .on('broadcast', { event: 'position' }, ({ payload }) => {
            got[persona]!.push(payload)
          }),
      )
    }
    const guard = (await clientOf('guard')).channel(topic, options)
    await joined(guard)
    const position = { latitude: 52.3731, longitude: 4.8926 }
    expect(await guard.send({ type: 'broadcast', event: 'position', payload: position })).toBe('ok')
    await until(() => Object.values(got).every((list) => list.length === 1))
    expect(got).toEqual({ company: [position], client: [position], admin: [position] })

    // The company listens, and may not send.
    const speaking = (await clientOf('colleague')).channel(topic, options)
    await joined(speaking)
    expect(await speaking.send({ type: 'broadcast', event: 'position', payload: position })).toBe('error')

    // Nothing is stored.
    expect(await api.owner.query('select count(*)::int as rows from realtime.messages')).toEqual([
      { rows: 0 },
    ])

    await api.owner.query("update shifts set status = 'completed' where id = $1", [shift])
    await until(() => guard.state === 'closed' && speaking.state === 'closed')
    expect(Object.values(got).map((list) => list.length)).toEqual([1, 1, 1])
  })

  it('looks up the rights of those who only listen again, also where nobody tells of the change', async () => {
    const shift = await arrangeShift(api.owner, {
      status: 'assigned',
      professional: PROFESSIONALS.otherGuard,
    })
    await api.owner.query("update shifts set status = 'active' where id = $1", [shift])
    const client = await clientOf('colleague')
    const channel = client.channel(`shift:${shift}`, { config: { private: true } })
    await joined(channel)
    await api.owner.query('update users set deleted_at = now() where id = $1', [USERS.colleague])
    onTestFinished(async () => {
      await api.owner.query('update users set deleted_at = null where id = $1', [USERS.colleague])
    })

    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + RIGHTS_MAX_AGE_MS)
    onTestFinished(() => void vi.restoreAllMocks())
    // Heard of since, so that it is not cut for its silence.
    await client.realtime.sendHeartbeat()
    await vi.waitUntil(() => channel.state === 'closed', {
      timeout: patience(2 * SWEEP_INTERVAL_MS),
      interval: 20,
    })
  })

  it('ends a channel whose token expires so that the client comes back with a fresh one', async () => {
    let token = await issueToken(SECRET, {
      sub: USERS.company,
      audience: 'authenticated',
      expiresInSeconds: patience(2),
    })
    const client = createClient(url, ANON_KEY, {
      realtime: { transport: WebSocket as never },
      accessToken: async () => token,
    })
    clients.push(client)
    await client.realtime.setAuth()
    const system: string[] = []
    const channel = client.channel('expiring').on('system', {}, ({ message }) => system.push(message))
    const { statuses } = join(channel)
    await until(() => statuses.includes('SUBSCRIBED'))
    token = await api.tokenOf('company')
    await until(() => statuses.includes('CHANNEL_ERROR') && statuses.at(-1) === 'SUBSCRIBED')
    expect(system[0]).toMatch(/Token has expired/)
  })

  it('stops serving a token that has expired, also the token of the socket itself', async () => {
    const shift = await arrangeShift(api.owner, {
      status: 'assigned',
      professional: PROFESSIONALS.guard,
      startsInHours: 40,
    })
    await api.owner.query("update shifts set status = 'active' where id = $1", [shift])
    const listener = await clientOf(null)
    const told: unknown[] = []
    await joined(
      listener.channel('public').on('broadcast', { event: '*' }, ({ payload }) => told.push(payload)),
    )

    const token = await issueToken(SECRET, {
      sub: USERS.guard,
      audience: 'authenticated',
      expiresInSeconds: 3600,
    })
    const guard = await rawSocket(url, token)
    const changes = { postgres_changes: [{ event: '*', schema: 'public', table: 'shifts' }] }
    const presence = { presence: { key: 'guard', enabled: true } }
    expect(await guard.ask('public', 'phx_join', { config: { ...changes, ...presence } })).toBe('ok')
    const positions = { config: { private: true, broadcast: { ack: true } } }
    expect(await guard.ask(`shift:${shift}`, 'phx_join', positions)).toBe('ok')
    expect(await guard.ask('public', 'presence', { event: 'track', payload: {} })).toBe('ok')

    const now = Date.now.bind(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 2 * 3600_000)
    onTestFinished(() => void vi.restoreAllMocks())
    guard.frames.length = 0
    router.change({ title: 'after the expiry' })
    await listener.channel('public').send({ type: 'broadcast', event: 'e', payload: { to: 'guard' } })
    const position = { event: 'position', payload: { forged: true } }
    expect(await guard.ask(`shift:${shift}`, 'broadcast', position)).not.toBe('ok')
    expect(await guard.ask('public', 'broadcast', position)).not.toBe('ok')
    expect(await guard.ask('public', 'presence', { event: 'track', payload: {} })).not.toBe('ok')
    for (const config of [{}, changes, { private: true }]) {
      expect(
        await guard.ask(`shift:${shift}`.slice(config === changes ? 6 : 0), 'phx_join', { config }),
      ).toBe('error')
    }
    expect(await guard.ask('public', 'phx_join', { access_token: token })).toBe('error')
    expect(guard.frames.filter(([, , , event]) => /changes|broadcast|presence/.test(String(event)))).toEqual(
      [],
    )
    expect(told).toEqual([])
    expect([...router.subscriptions]).toEqual([])
  })

  it('stores only what it understood of a join, and disconnects clients over the memory limit', async () => {
    const idle = api.app.realtime.counts().heldBytes
    // Large frames are counted for their address.
    const client = await rawSocket(url, ANON_KEY, '127.0.0.21')
    const junk = JSON.parse(`[${'[],'.repeat(300_000)}[]]`)
    const binding = { event: '*', schema: 'public', table: 'shifts' }
    const config = { postgres_changes: [{ ...binding, junk }], junk }
    expect(await client.ask('junk', 'phx_join', { config, junk })).toBe('ok')
    const reply = client.frames.find(([, , , event]) => event === 'phx_reply')
    expect(reply?.[4]).toMatchObject({ response: { postgres_changes: [{ ...binding, id: 1 }] } })
    // The last bytes that came count until more come.
    expect(await client.ask('other', 'phx_leave', {})).toBe('ok')
    expect(api.app.realtime.counts().heldBytes - idle).toBeLessThan(100_000)

    // A message that never ends: of many clients, this would be all memory.
    const endless = await rawSocket(url, ANON_KEY)
    endless.ws.send(Buffer.alloc(4_000_000), { fin: false })
    await until(() => api.app.realtime.counts().heldBytes > 4_000_000)
    endless.ws.terminate()
    await until(() => api.app.realtime.counts().heldBytes < 100_000 + idle)

    // 100 channels may be understood, and yet be more than is kept for one client.
    const filter = `title=in.(${'x'.repeat(9_000)})`
    const bindings = Array.from({ length: 100 }, () => ({ ...binding, filter }))
    for (let n = 0; n < 9; n += 1) {
      client.ws.send(
        JSON.stringify([
          `${n}`,
          `${n}`,
          `realtime:${n}`,
          'phx_join',
          { config: { postgres_changes: bindings } },
        ]),
      )
    }
    expect(await client.closed).toBe(1008)
    await until(() => api.app.realtime.counts().heldBytes < 100_000 + idle)
  })

  it('keeps one copy of what waits for clients that do not read', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => rawSocket(url, ANON_KEY)))
    const sender = await rawSocket(url, ANON_KEY, '127.0.0.22')
    for (const client of [...slow, sender]) expect(await client.ask('slow', 'phx_join', {})).toBe('ok')
    for (const { ws } of slow) ws.pause()
    const frame = { event: 'e', payload: 'x'.repeat(4_500_000) }
    for (let n = 0; n < 2; n += 1)
      sender.ws.send(JSON.stringify([null, null, 'realtime:slow', 'broadcast', frame]))
    expect(await sender.ask('other', 'phx_leave', {})).toBe('ok')
    const { unsentBytes } = api.app.realtime.counts()
    expect(unsentBytes).toBeGreaterThan(4_000_000)
    expect(unsentBytes).toBeLessThan(9_500_000)
    for (const { ws } of [...slow, sender]) ws.terminate()
    await until(() => api.app.realtime.counts().unsentBytes === 0)
  })

  it('limits the rate of joins that need a database check', async () => {
    const client = await rawSocket(url, ANON_KEY)
    const config = { postgres_changes: [{ event: '*', schema: 'public', table: 'shifts' }] }
    for (let n = 0; n < 400; n += 1) {
      client.ws.send(JSON.stringify([`${n}`, `${n}`, `realtime:${n % 50}`, 'phx_join', { config }]))
    }
    const told = (text: string) => client.frames.filter((frame) => JSON.stringify(frame).includes(text))
    await until(() => told('phx_reply').length === 400)
    expect(told('ClientJoinRateLimitReached').length).toBeGreaterThan(150)
    expect(await client.ask('public', 'phx_join', {})).toBe('ok')
  })

  it('refuses JSON that is too deep, and more messages by HTTP than it keeps', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    let count = 0
    const post = (path: string, payload: string) => {
      count += 1
      return api.app.inject({
        method: 'POST',
        url: path,
        // Large bodies are counted for their address.
        remoteAddress: `192.0.2.${count}`,
        headers: { apikey: ANON_KEY, 'content-type': 'application/json' },
        payload,
      })
    }
    for (const path of ['/realtime/v1/api/broadcast', '/realtime/v1/api/broadcast/a/events/b']) {
      expect((await post(path, `{"messages":${deep}}`)).statusCode).toBe(400)
      expect(
        (await post(path, `{"messages":[{"topic":"a","event":"e","payload":${deep}}]}`)).statusCode,
      ).toBe(400)
    }
    const message = { topic: 'shift:x', event: 'x', payload: 'x'.repeat(900_000), private: true }
    const body = JSON.stringify({ messages: [message] })
    const statuses: number[] = []
    // Their rights are asked for until all of them have come.
    await api.owner.transaction(async (tx) => {
      await tx.query('lock table realtime.messages in access exclusive mode')
      for (let n = 0; n < 25; n += 1) {
        void post('/realtime/v1/api/broadcast', body).then(({ statusCode }) => statuses.push(statusCode))
      }
      await until(() => statuses.length === 8)
    })
    await until(() => statuses.length === 25)
    expect(statuses.toSorted()).toEqual([...Array(17).fill(202), ...Array(8).fill(503)])
    expect((await post('/realtime/v1/api/broadcast', body)).statusCode).toBe(202)
  })

  it('refuses sockets without a good key', async () => {
    for (const key of [
      '',
      'sb_publishable_other',
      'a.b.c',
      await issueToken('x'.repeat(40), { role: 'anon', audience: 'authenticated' }),
    ]) {
      const ws = new WebSocket(`${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=2.0.0`)
      const status = await new Promise((resolve, reject) => {
        ws.once('unexpected-response', (_, response) => resolve(response.statusCode))
        ws.once('open', () => reject(new Error('opened')))
        ws.once('error', reject)
      })
      ws.terminate()
      expect(status).toBe(401)
    }
  })

  it('ignores frames that cannot be read, answers those it does not know, and stays', async () => {
    const ws = new WebSocket(
      `${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${ANON_KEY}&vsn=2.0.0`,
    )
    const frames: unknown[][] = []
    ws.on('message', (data) => frames.push(JSON.parse(String(data))))
    await new Promise((resolve) => ws.once('open', resolve))
    for (const nonsense of ['', '{', '[]', '[1,2,3]', '"x"', 'null', '[null,null,null,null,null]'])
      ws.send(nonsense)
    ws.send(Buffer.from([3, 255, 255, 255, 255, 255, 1]))
    ws.send('[null,"1","realtime:x","broadcast",{"type":"broadcast","event":"e","payload":{}}]')
    ws.send('[null,"2","realtime:x","phx_leave",{}]')
    ws.send('["3","3","other:x","phx_join",{}]')
    ws.send('[null,"4","phoenix","heartbeat",{}]')
    await until(() => frames.some(([, ref]) => ref === '4') && frames.length >= 4)
    expect(
      Object.fromEntries(frames.map(([, ref, , , payload]) => [ref, (payload as { status: string }).status])),
    ).toEqual({
      1: 'error',
      2: 'ok',
      3: 'error',
      4: 'ok',
    })
    ws.terminate()
  })

  // The last one: it uses up what this address has.
  it('limits the sockets of one user, and the rate of new sockets', async () => {
    const token = await api.tokenOf('rival')
    await until(() => api.app.realtime.counts().sockets === 0)
    const mine = await Promise.all(Array.from({ length: 50 }, () => rawSocket(url, token)))
    expect(await refusalOf(url, token)).toBe(429)
    mine[0]?.ws.terminate()
    await until(() => api.app.realtime.counts().sockets === 49)
    await rawSocket(url, token)

    const outcomes = await Promise.all(
      Array.from({ length: 400 }, () => rawSocket(url, ANON_KEY).catch((error: Error) => error)),
    )
    const refused = outcomes.filter((outcome) => outcome instanceof Error)
    expect(refused.length).toBeGreaterThan(100)
    expect(new Set(refused.map(({ message }) => message))).toEqual(new Set(['refused with 429']))
  })
})

/** A client that says what no supabase-js would. */
interface RawSocket {
  ws: WebSocket
  frames: unknown[][]
  closed: Promise<number>
  /** @returns how it ended: the status of the reply, or the event that ended the channel */
  ask(channel: string, event: string, payload: object): Promise<string>
}

/** Those of the test that runs. */
const rawSockets: WebSocket[] = []

async function rawSocket(url: string, key: string, localAddress = '127.0.0.1'): Promise<RawSocket> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=2.0.0`, {
    localAddress,
  })
  rawSockets.push(ws)
  const frames: unknown[][] = []
  ws.on('message', (data) => frames.push(JSON.parse(String(data))))
  const closed = new Promise<number>((resolve) => ws.once('close', resolve))
  await new Promise((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('unexpected-response', (_, { statusCode }) => reject(new Error(`refused with ${statusCode}`)))
    ws.on('error', reject)
  })
  let count = 0
  return {
    ws,
    frames,
    closed,
    async ask(channel, event, payload) {
      count += 1
      const [ref, topic] = [`ask ${count}`, `realtime:${channel}`]
      const from = frames.length
      ws.send(JSON.stringify([event === 'phx_join' ? ref : null, ref, topic, event, payload]))
      const answer = await vi.waitUntil(
        () =>
          frames
            .slice(from)
            .find(
              ([, to, about, kind]) =>
                (kind === 'phx_reply' && to === ref) || (kind === 'phx_error' && about === topic),
            ),
        { timeout: patience(10_000), interval: 5 },
      )
      const [, , , kind, { status }] = answer as [null, null, null, string, { status?: string }]
      return status ?? kind
    },
  }
}

const refusalOf = (url: string, key: string): Promise<number> =>
  rawSocket(url, key).then(
    () => 101,
    (error: Error) => Number(/\d+$/.exec(error.message)?.[0]),
  )
