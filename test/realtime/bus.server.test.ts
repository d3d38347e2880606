import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { issueToken } from '../../src/platform/auth/issue.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { SECRET } from '../support/api.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { arrangeShift, buildWorld, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

/* The service as two processes on one database, each with clients of its own: unmodified supabase-js. */

const ANON_KEY = 'sb_publishable_of_the_tests'
/** For a process to start on a busy machine. */
const START_TIMEOUT_MS = patience(60_000)
/** Longer than it takes to notice that a process is gone. */
const PATIENCE_MS = patience(20_000)

describe('two processes on one database', () => {
  let database: TestDatabase
  let [a, b]: ServiceProcess[] = []
  const clients: SupabaseClient[] = []

  const start = (): Promise<ServiceProcess> =>
    startService({
      DATABASE_URL: database.ownerUrl!,
      JWT_SECRET: SECRET,
      ANON_KEY,
      RATE_LIMIT_PER_MINUTE: '1000000',
    })

  beforeAll(async () => {
    database = await openTestDatabase()
    await buildWorld(database.owner)
    a = await start()
    b = await start()
  }, START_TIMEOUT_MS)
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()))
  })
  afterAll(async () => {
    await a?.stop()
    await b?.stop()
    await database?.close()
  })

  const tokenOf = (persona: Persona): Promise<string> =>
    issueToken(SECRET, { sub: USERS[persona], audience: 'authenticated' })
  async function clientAt(
    service: ServiceProcess,
    persona?: Persona,
    vsn = '2.0.0',
  ): Promise<SupabaseClient> {
    const token = persona && (await tokenOf(persona))
    const client = createClient(service.url, ANON_KEY, {
      realtime: { transport: WebSocket as never, vsn },
      ...(token ? { accessToken: async () => token } : {}),
    })
    if (token) await client.realtime.setAuth()
    clients.push(client)
    return client
  }
  const until = (condition: () => unknown) => vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 10 })
  /** @returns how the join ended */
  function join(channel: RealtimeChannel): Promise<string> {
    return new Promise((resolve) => {
      channel.subscribe((status, error) => resolve(error ? `${status}: ${error.message}` : status))
    })
  }
  const present = (channel: RealtimeChannel): string[] => Object.keys(channel.presenceState()).sort()
  /** What it sends is said on the other side, in the order in which it was sent. */
  async function listen(service: ServiceProcess, topic: string, persona?: Persona, vsn?: string) {
    const got: unknown[] = []
    const client = await clientAt(service, persona, vsn)
    const channel = client
      .channel(topic, { config: { private: persona !== undefined } })
      .on('broadcast', { event: '*' }, ({ payload }) => got.push(payload))
    expect(await join(channel)).toBe('SUBSCRIBED')
    return { got, channel }
  }

  it('have a slot each', async () => {
    const slots = await database.owner.query(
      'select slot_name from pg_replication_slots where database = current_database() and temporary and active',
    )
    expect(slots).toHaveLength(2)
  })

  it('share broadcasts: text, binary, and over HTTP, to each listener once', async () => {
    const here = await listen(a!, 'room')
    const there = await listen(b!, 'room')
    const old = await listen(b!, 'room', undefined, '1.0.0')
    const own: unknown[] = []
    const sender = (await clientAt(a!))
      .channel('room', { config: { broadcast: { ack: true } } })
      .on('broadcast', { event: '*' }, ({ payload }) => own.push(payload))
    expect(await join(sender)).toBe('SUBSCRIBED')
    const large = { n: 2, large: 'é'.repeat(200_000) }
    expect(await sender.send({ type: 'broadcast', event: 'e', payload: { n: 1 } })).toBe('ok')
    expect(await sender.send({ type: 'broadcast', event: 'e', payload: large })).toBe('ok')
    const bytes = new Uint8Array([0, 1, 254, 255]).buffer
    expect(await sender.send({ type: 'broadcast', event: 'bytes', payload: bytes as never })).toBe('ok')
    const response = await fetch(`${a!.url}/realtime/v1/api/broadcast`, {
      method: 'POST',
      headers: { apikey: ANON_KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ topic: 'room', event: 'e', payload: { n: 4 } }] }),
    })
    expect(response.status).toBe(202)

    await until(() => there.got.length >= 4 && here.got.length >= 4 && old.got.length >= 3)
    for (const { got } of [here, there]) {
      expect([got[0], got[1], got[3]]).toEqual([{ n: 1 }, large, { n: 4 }])
      expect([...new Uint8Array(got[2] as ArrayBuffer)]).toEqual([0, 1, 254, 255])
    }
    // The older version has no form for bytes.
    expect(old.got).toEqual([{ n: 1 }, large, { n: 4 }])

    // And the other way.
    const back = (await clientAt(b!)).channel('room', { config: { broadcast: { ack: true } } })
    expect(await join(back)).toBe('SUBSCRIBED')
    expect(await back.send({ type: 'broadcast', event: 'e', payload: { n: 5 } })).toBe('ok')
    await until(() => here.got.length >= 5)
    expect(here.got.slice(4)).toEqual([{ n: 5 }])
    // What it sent itself does not come back to it, but for what came over HTTP.
    await until(() => own.length === 2)
    expect(own).toEqual([{ n: 4 }, { n: 5 }])
  })

  it('share presence: who comes and goes, and all of it with one that joins late', async () => {
    const one = (await clientAt(a!)).channel('lobby', { config: { presence: { key: 'one', enabled: true } } })
    const two = (await clientAt(b!)).channel('lobby', { config: { presence: { key: 'two', enabled: true } } })
    expect(await join(one)).toBe('SUBSCRIBED')
    expect(await one.track({ at: 'a' })).toBe('ok')
    expect(await join(two)).toBe('SUBSCRIBED')
    await until(() => present(two).length === 1)
    expect(await two.track({ at: 'b' })).toBe('ok')
    await until(() => present(one).length === 2)
    expect(one.presenceState()).toMatchObject({ one: [{ at: 'a' }], two: [{ at: 'b' }] })

    const late = await start()
    const third = (await clientAt(late)).channel('lobby', { config: { presence: { enabled: true } } })
    expect(await join(third)).toBe('SUBSCRIBED')
    await until(() => present(third).length === 2)
    expect(third.presenceState()).toMatchObject({ one: [{ at: 'a' }], two: [{ at: 'b' }] })

    await two.untrack()
    await until(() => present(one).length === 1 && present(third).length === 1)
    // In order, so at once.
    await third.track({ at: 'late' })
    await until(() => present(one).length === 2)
    expect(await late.stop()).toBe(0)
    await until(() => present(one).length === 1)
    expect(present(one)).toEqual(['one'])
  })

  it('notice that one of them was killed', async () => {
    const victim = await start()
    const [watcher, doomed] = [await clientAt(a!), await clientAt(victim)]
    const watching = watcher.channel('ward', { config: { presence: { key: 'watcher', enabled: true } } })
    const staying = doomed.channel('ward', { config: { presence: { key: 'doomed', enabled: true } } })
    expect(await join(watching)).toBe('SUBSCRIBED')
    expect(await join(staying)).toBe('SUBSCRIBED')
    await watching.track({})
    await staying.track({})
    await until(() => present(watching).length === 2)
    // It would come back to another process, as a new client.
    await victim.crash()
    await until(() => present(watching).length === 1)
    expect(present(watching)).toEqual(['watcher'])
  })

  it('decide at each of them who may listen', async () => {
    const shift = await arrangeShift(database.owner, {
      status: 'assigned',
      professional: PROFESSIONALS.guard,
    })
    await database.owner.query("update shifts set status = 'active' where id = $1", [shift])
    const topic = `shift:${shift}`
    const company = await listen(b!, topic, 'company')
    for (const outsider of ['rival', 'otherGuard', 'foreignAdmin'] as const) {
      const channel = (await clientAt(b!, outsider)).channel(topic, { config: { private: true } })
      expect(await join(channel)).toMatch(/^CHANNEL_ERROR: .*Unauthorized/)
    }
    const guard = (await clientAt(a!, 'guard')).channel(topic, {
      config: { private: true, broadcast: { ack: true } },
    })
    expect(await join(guard)).toBe('SUBSCRIBED')
    const send = (n: number) => guard.send({ type: 'broadcast', event: 'position', payload: { n } })
    expect(await send(1)).toBe('ok')
    await until(() => company.got.length === 1)

    // One that listens, and may not any more, on the other side of the bus.
    await database.owner.query("update shifts set status = 'completed' where id = $1", [shift])
    await until(() => company.channel.state === 'closed' && guard.state === 'closed')
    expect(company.got).toEqual([{ n: 1 }])
  })

  it('ignore NOTIFY from other SQL sessions, and reveal nothing to them', async () => {
    const here = await listen(b!, 'board')
    const sender = (await clientAt(a!)).channel('board', { config: { broadcast: { ack: true } } })
    expect(await join(sender)).toBe('SUBSCRIBED')

    // As a guard whose statements nobody checks: in a session of the service's own login.
    const { api: url } = await enableLogins(database.owner, database.ownerUrl!)
    const session = openServer({ url, max: 1 })
    const heard: string[] = []
    const stop = await session.listen('muster_bus', (packet) => heard.push(packet))
    try {
      await sender.send({ type: 'broadcast', event: 'e', payload: { secret: 'the-word' } })
      await until(() => here.got.length === 1 && heard.length > 0)
      const clear = heard.map((packet) => Buffer.from(packet, 'base64').toString('latin1')).join()
      expect(clear).not.toMatch(/the-word|board/)

      for (const packet of [...heard]) await sayAsGuard(session, packet)
      await sayAsGuard(session, JSON.stringify({ type: 'broadcast', topic: 'public:board', event: 'e' }))
      await sender.send({ type: 'broadcast', event: 'e', payload: { n: 2 } })
      await until(() => here.got.length >= 2)
      expect(here.got).toEqual([{ secret: 'the-word' }, { n: 2 }])
    } finally {
      await stop()
      await session.close()
    }
  })
})

/** PostgreSQL lets everybody: this is allowed, and must not help. */
async function sayAsGuard(session: Database, packet: string): Promise<void> {
  await session.transaction(async (tx) => {
    await tx.query('set local role authenticated')
    await tx.query("select pg_notify('muster_bus', $1)", [packet])
  })
}
