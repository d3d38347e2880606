import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isAnonKey } from '../../auth/anon-key.ts'
import { anonymousCaller, type Caller, hasExpired } from '../../auth/caller.ts'
import { KeysUnavailable, Unauthenticated } from '../../auth/errors.ts'
import type { TokenVerifier } from '../../auth/verifier.ts'
import type { Database } from '../../db/engine/database.ts'
import { Streak } from '../../streak.ts'
import type { Bus } from '../bus/bus.ts'
import type { ChangeRouter } from '../changes/change-router.ts'
import { type Broadcast, bytesOf, isObject, MAX_FRAME_BYTES, parseVsn } from '../protocol/frames.ts'
import { type Address, Admission, type SocketLimits } from './admission.ts'
import { ChangeFrames } from './change-frames.ts'
import { FairQueue, QueueFull } from './fair-queue.ts'
import { Holdings } from './holdings.ts'
import {
  ADDRESS_DELIVERIES,
  MAX_HTTP_HELD_BYTES,
  MAX_HTTP_MESSAGES,
  MAX_WAITING_RIGHTS,
  RIGHTS_AT_ONCE,
  SWEEP_INTERVAL_MS,
} from './limits.ts'
import { Outboxes } from './outbox.ts'
import { type ChannelRights, channelNames, NO_RIGHTS, readChannelRights } from './private-channels.ts'
import { SharedFrames } from './shared-frames.ts'
import { FAREWELL_MS, RealtimeSocket, type SocketParts } from './socket.ts'
import { Topics, topicKey } from './topics.ts'

export interface GatewayOptions {
  verifier: TokenVerifier
  /** `ANON_KEY`: what publishable keys are compared with. */
  anonKey: string | undefined
  /** As the verifier has it. */
  clockToleranceSeconds: number
  /** Undefined: broadcast and presence alone. */
  router: ChangeRouter | undefined
  /** How many sockets there may be, and whose. */
  limits: SocketLimits
  /** For the rights on private channels: the login of callers' sessions. */
  database: Database
  /** Of names of channels that are always private, such as `room:`. */
  privatePrefixes: readonly string[]
  /** To the other processes of the service; undefined where there are none. It is started and stopped with the service. */
  bus?: Bus | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    realtime: {
      counts(): RealtimeCounts
      /** Closes every socket that has acted as this user. */
      cut(userId: string): void
    }
  }
}

/** What the gateway holds at the moment, in this process. */
export interface RealtimeCounts {
  sockets: number
  channels: number
  /** With somebody who listens here, or is present anywhere. */
  topics: number
  /** Frames that were received and are not done. */
  waiting: number
  /** What is kept of what clients said, and what waits to be sent to them. */
  heldBytes: number
  unsentBytes: number
}

/** RFC 6455: the server goes down; clients reconnect. */
const CLOSE_GOING_AWAY = 1001

/** RFC 6455's registry: there is no room now. */
const CLOSE_TRY_AGAIN_LATER = 1013

/** For who asks by HTTP, where there is no room now. */
const RETRY_AFTER_SECONDS = '5'

/** Asks for the service itself: its questions about rights do not wait behind those of an address. */
const RECHECK = Symbol('recheck')

/** Realtime at `/realtime/v1`, as supabase-js speaks it: changes of tables, broadcast and presence. */
export const realtime = fastifyPlugin(registerRealtime, { name: 'realtime', fastify: '5.x' })

async function registerRealtime(app: FastifyInstance, options: GatewayOptions): Promise<void> {
  const topics = new Topics(options.bus)
  const sockets = new Set<RealtimeSocket>()
  const admission = new Admission(options.limits)
  const holdings = new Holdings()
  const outboxes = new Outboxes()
  const questions = new FairQueue(RIGHTS_AT_ONCE, MAX_WAITING_RIGHTS)
  const parts: SocketParts = {
    verifier: options.verifier,
    anonKey: options.anonKey,
    clockToleranceSeconds: options.clockToleranceSeconds,
    router: options.router,
    names: channelNames(options.privatePrefixes),
    topics,
    changeFrames: new ChangeFrames(),
    sharedFrames: new SharedFrames(),
    outboxes,
    holdings,
    readRights: (caller, topic, asker, isWanted) =>
      questions.run(asker, async () =>
        isWanted() ? readChannelRights(options.database, caller, topic) : NO_RIGHTS,
      ),
    frames: new Streak({
      log: app.log,
      failed: 'realtime sockets: frames fail; their channels are told to rejoin',
      recovered: 'realtime sockets: channels can be joined again',
      settleMs: SETTLE_MS,
    }),
    log: app.log,
  }

  app.decorate('realtime', {
    counts: () => ({
      sockets: sockets.size,
      channels: [...sockets].reduce((sum, socket) => sum + socket.channelCount, 0),
      topics: topics.size,
      waiting: [...sockets].reduce((sum, socket) => sum + socket.waiting, 0),
      heldBytes: holdings.bytes,
      unsentBytes: outboxes.bytes,
    }),
    cut: (userId: string) => {
      for (const socket of [...sockets]) socket.cutIfOf(userId)
    },
  })

  await app.register(websocket, {
    options: {
      maxPayload: MAX_FRAME_BYTES,
      // Compression costs memory per socket, and frames are small.
      perMessageDeflate: false,
    },
    // The plugin's own closes sockets without a code, before any hook of ours: a client would not know that it may come back.
    preClose(this: FastifyInstance, done) {
      const { clients } = this.websocketServer
      for (const ws of clients) ws.close(CLOSE_GOING_AWAY, 'the service stops')
      // A phone without a network says no goodbye, and the port closes when the last socket has.
      setTimeout(() => {
        for (const ws of clients) ws.terminate()
      }, FAREWELL_MS).unref()
      this.websocketServer.close()
      done()
    },
  })

  app.get(
    '/realtime/v1/websocket',
    {
      websocket: true,
      schema: { hide: true },
      // Before the upgrade, so that a refusal is an HTTP answer.
      preValidation: async (request, reply) => {
        const { vsn } = request.query as { vsn?: string }
        if (parseVsn(vsn) === undefined) return refuse(reply, 400, 'Unknown vsn')
        const key = keyOf(request)
        if (key === undefined) return refuse(reply, 401, 'Missing API key')
        const address = admission.address(request.ip)
        const tooFast = admission.refuseOpening(address)
        if (tooFast) return refuse(reply, 429, tooFast)
        try {
          const caller = await callerOfKey(key, options)
          const noRoom = admission.refuse(address, caller, key)
          if (noRoom) return refuse(reply, 429, noRoom)
          callers.set(request, caller)
        } catch (error) {
          return refuse(reply, ...refusalOf(error))
        }
      },
    },
    (ws, request) => {
      const { vsn } = request.query as { vsn?: string }
      const [caller, key] = [callers.get(request)!, keyOf(request)!]
      const address = admission.address(request.ip)
      // Others may have come while the key was verified.
      const noRoom = admission.refuse(address, caller, key)
      if (noRoom) return ws.close(CLOSE_TRY_AGAIN_LATER, noRoom)
      const seat = admission.enter(address, caller, key)
      const connection = { ws, stream: request.raw.socket, vsn: parseVsn(vsn)!, caller, seat }
      const socket = new RealtimeSocket(connection, parts)
      sockets.add(socket)
      ws.on('close', () => sockets.delete(socket))
    },
  )
  const callers = new WeakMap<FastifyRequest, Caller>()

  const stopListening = options.router?.onGap((reason) => {
    app.log.warn(
      { reason },
      'realtime gateway: changes may have been missed; all channels with changes are told to resync',
    )
    for (const socket of sockets) {
      for (const channel of [...socket.channels]) if (channel.followsChanges) channel.gap()
    }
  })

  const rechecking = new Streak({
    log: app.log,
    failed:
      'realtime gateway: the rights of private channels could not be checked; the channels are closed and their clients rejoin',
    recovered: 'realtime gateway: the rights of private channels are checked again',
  })

  /** Checks rights again: of all private channels, of those with outdated rights, or of those on the given topics. */
  const recheck = async (which: 'all' | 'old' | ReadonlySet<string>): Promise<void> => {
    for (const socket of sockets) {
      for (const channel of [...socket.channels]) {
        if (!channel.isPrivate) continue
        if (which === 'old' ? !channel.hasOldRights : which !== 'all' && !which.has(channel.name)) continue
        await channel.recheckRights(RECHECK).then(
          () => rechecking.succeed(),
          (error) => {
            rechecking.fail(error instanceof Error ? error.name : 'unknown')
            // Fail closed: without an answer nobody has the right.
            channel.gap()
          },
        )
      }
    }
  }
  const stopFollowing = await options.database.listen(
    'muster_channel_rights',
    (name) => void recheck(new Set([name])),
    () => void recheck('all'),
  )
  await options.bus?.start(topics)

  let isRefreshing = false
  const sweep = setInterval(() => {
    for (const socket of sockets) socket.sweep()
    admission.sweep()
    if (isRefreshing) return
    isRefreshing = true
    void recheck('old').finally(() => {
      isRefreshing = false
    })
  }, SWEEP_INTERVAL_MS)
  sweep.unref()

  registerBroadcastRoutes(app, options, parts, (request) => admission.address(request.ip))

  app.addHook('preClose', async () => {
    clearInterval(sweep)
    stopListening?.()
    await stopFollowing()
    await options.bus?.stop()
  })
}

/** While some frames fail and others do not, it is one streak of the log. */
const SETTLE_MS = 1_000

/** As query parameter, or as header, which wins. */
function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-api-key'] ?? request.headers.apikey
  const { apikey } = request.query as { apikey?: string }
  const key = typeof header === 'string' ? header : apikey
  return typeof key === 'string' && key !== '' ? key : undefined
}

/** @throws Unauthenticated, KeysUnavailable */
async function callerOfKey(key: string, { anonKey, verifier }: GatewayOptions): Promise<Caller> {
  return isAnonKey(key, anonKey) ? anonymousCaller() : verifier.verify(key)
}

/** @throws what says nothing about the key */
function refusalOf(error: unknown): [status: number, error: string] {
  if (error instanceof KeysUnavailable) return [503, 'The signing keys are not available now']
  if (error instanceof Unauthenticated) return [401, 'Invalid API key']
  throw error
}

/** The form of Supabase's refusals. */
async function refuse(reply: FastifyReply, status: number, error: string): Promise<FastifyReply> {
  if (status === 429 || status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
  return reply.code(status).type('application/json').serializer(JSON.stringify).send({ error })
}

interface HttpMessage {
  topic: string
  event: string
  body: Broadcast['body']
  private: boolean
}

/** Broadcast over HTTP: what a backend or a client without a socket sends. */
function registerBroadcastRoutes(
  app: FastifyInstance,
  options: GatewayOptions,
  parts: SocketParts,
  addressOf: (request: FastifyRequest) => Address,
): void {
  const callers = new WeakMap<FastifyRequest, Caller>()
  /** Before the body is read: a stranger must not make us parse a megabyte. */
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    const key = request.headers.authorization?.replace(/^Bearer /i, '') ?? keyOf(request)
    if (key === undefined) return refuse(reply, 401, 'Missing API key')
    // A body that does not say how large it is counts as the largest.
    const bytes = Number(request.headers['content-length'] ?? app.initialConfig.bodyLimit)
    if (!addressOf(request).takeFrame(bytes)) return refuse(reply, 429, 'Too many bytes per second')
    try {
      callers.set(request, await callerOfKey(key, options))
    } catch (error) {
      return refuse(reply, ...refusalOf(error))
    }
  }

  let heldBytes = 0
  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    messages: readonly HttpMessage[],
  ): Promise<FastifyReply> => {
    // Parsed, it may take many times what is kept of it while the database is asked.
    request.body = undefined
    const bytes = messages.reduce((sum, { body }) => sum + bytesOf(body), 0)
    if (heldBytes + bytes > MAX_HTTP_HELD_BYTES) return refuse(reply, 503, 'Too many messages at once')
    heldBytes += bytes
    try {
      return await tell(request, messages, reply)
    } catch (error) {
      if (error instanceof QueueFull) return refuse(reply, 503, 'Too many messages at once')
      throw error
    } finally {
      heldBytes -= bytes
    }
  }
  const tell = async (
    request: FastifyRequest,
    messages: readonly HttpMessage[],
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const [caller, address] = [callers.get(request)!, addressOf(request)]
    const rights = new Map<string, ChannelRights>()
    for (const { topic, event, body, private: isPrivate } of messages) {
      const name = parts.names.canonical(topic)
      if (isPrivate && !rights.has(name)) {
        if (!address.questions.take()) return refuse(reply, 429, 'Too many messages per second')
        rights.set(name, await parts.readRights(caller, name, address, () => !request.raw.socket.destroyed))
      }
      if (hasExpired(caller, options.clockToleranceSeconds)) return refuse(reply, 401, 'Invalid API key')
      if (isPrivate && !rights.get(name)?.send.broadcast) continue
      const key = topicKey(name, isPrivate)
      const cost = parts.topics.costOf(key, bytesOf(body))
      if (!address.deliveries.take(Math.min(cost, ADDRESS_DELIVERIES.burst)))
        return refuse(reply, 429, 'Too many messages per second')
      await parts.topics.broadcast(key, { event, body }, undefined, address)
    }
    return reply.code(202).send()
  }

  app.post('/realtime/v1/api/broadcast', { schema: { hide: true }, onRequest }, async (request, reply) => {
    const messages = readMessages(request.body)
    if (!messages) return refuse(reply, 422, 'messages must be a list of {topic, event, payload, private}')
    return send(request, reply, messages)
  })
  // In a scope of its own: no other route takes bytes.
  app.register(async (scope) => {
    scope.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    scope.post<{ Params: { topic: string; event: string }; Querystring: { private?: string } }>(
      '/realtime/v1/api/broadcast/:topic/events/:event',
      { schema: { hide: true }, onRequest },
      async (request, reply) => {
        const { topic, event } = request.params
        const body = bodyOf(request.body)
        return send(request, reply, [{ topic, event, body, private: request.query.private === 'true' }])
      },
    )
  })
}

/** Bytes are broadcast as they are, anything else as JSON. */
function bodyOf(payload: unknown): Broadcast['body'] {
  return Buffer.isBuffer(payload)
    ? { encoding: 'binary', bytes: payload }
    : { encoding: 'json', text: JSON.stringify(payload ?? {}) }
}

function readMessages(body: unknown): HttpMessage[] | undefined {
  const messages = isObject(body) ? body.messages : undefined
  if (!Array.isArray(messages) || messages.length > MAX_HTTP_MESSAGES) return undefined
  const read: HttpMessage[] = []
  for (const message of messages) {
    if (typeof message?.topic !== 'string' || typeof message.event !== 'string') return undefined
    read.push({
      topic: message.topic,
      event: message.event,
      body: bodyOf(message.payload),
      private: message.private === true,
    })
  }
  return read
}
