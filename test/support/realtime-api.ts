import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Database } from '../../src/platform/db/engine/database.ts'
import type { ChangeChannel, ChangeRouter } from '../../src/platform/realtime/changes/change-router.ts'
import { openApi, type TestApi } from './api.ts'
import { startRouter, type TestRouter, untilStreaming } from './changes.ts'
import type { TestDatabase } from './database.ts'

export interface RealtimeApi extends TestApi {
  /** Where the service listens, changes of tables included. */
  readonly url: string
  /** From now on changes are lost on their way, and nobody is told. */
  loseChanges(): void
  /** They arrive again, and clients are told of the gap. */
  endGap(): void
  /** From now on changes wait, decided as they are; the function tells how many do. */
  holdChanges(): () => number
  /** They arrive, late. */
  releaseChanges(): void
  /** Cuts every websocket, as a network does. */
  cutSockets(): void
  /** Subscriptions to changes that are active. */
  subscriptions(): number
}

/** The whole service on a port of its own, with the change feed of its engine. */
export async function openRealtimeApi(
  environment: Record<string, string> = {},
  fill?: (owner: Database) => Promise<void>,
): Promise<RealtimeApi> {
  let inner: TestRouter | undefined
  const faulty = new FaultyRouter()
  const connect = async (database: TestDatabase) => {
    inner = await startRouter(database)
    await untilStreaming(inner)
    return faulty.around(inner.router)
  }
  const api = await openApi(environment, connect, undefined, fill)
  const sockets = new Set<Duplex>()
  api.app.server.on('upgrade', (_request, socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  return {
    ...api,
    url: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`,
    loseChanges: () => faulty.lose(),
    endGap: () => faulty.endGap(),
    holdChanges: () => faulty.hold(),
    releaseChanges: () => faulty.release(),
    cutSockets: () => {
      for (const socket of sockets) socket.destroy()
    },
    subscriptions: () => inner?.router.health.subscriptions ?? 0,
    async close() {
      await inner?.stop()
      await api.close()
    },
  }
}

/** Makes gaps and delays on demand: those of a real feed come when they like. */
class FaultyRouter {
  #isLosing = false
  #held: (() => void)[] | undefined
  readonly #listeners = new Set<(reason: string) => void>()

  lose(): void {
    this.#isLosing = true
  }

  endGap(): void {
    this.#isLosing = false
    for (const listener of this.#listeners) listener('made by a test')
  }

  hold(): () => number {
    const held: (() => void)[] = []
    this.#held = held
    return () => held.length
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const deliver of held) deliver()
  }

  around(router: ChangeRouter): ChangeRouter {
    /** One for each: the router merges matches by the channel's identity. */
    const channels = new WeakMap<ChangeChannel, ChangeChannel>()
    const wrap = (channel: ChangeChannel): ChangeChannel => {
      const known = channels.get(channel)
      if (known) return known
      const wrapped: ChangeChannel = {
        deliver: (ids, data) => {
          if (this.#isLosing) return
          if (this.#held) this.#held.push(() => channel.deliver(ids, data))
          else channel.deliver(ids, data)
        },
      }
      channels.set(channel, wrapped)
      return wrapped
    }
    return {
      subscribe: (subscription) => router.subscribe({ ...subscription, channel: wrap(subscription.channel) }),
      onGap: (listener) => {
        this.#listeners.add(listener)
        const stop = router.onGap(listener)
        return () => {
          this.#listeners.delete(listener)
          stop()
        }
      },
      get health() {
        return router.health
      },
      start: () => router.start(),
      stop: () => router.stop(),
    }
  }
}
