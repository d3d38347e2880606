import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isAnonKey } from '../auth/anon-key.ts'
import { anonymousCaller, type Caller } from '../auth/caller.ts'
import { KeysUnavailable, Unauthenticated } from '../auth/errors.ts'
import type { TokenVerifier } from '../auth/verifier.ts'
import type { Database } from '../db/engine/types.ts'
import type { Bus } from './bus/bus.ts'
import { ChangeFrames } from './change-frames.ts'
import type { ChangeRouter } from './changes/types.ts'
import type { GatewayParts } from './channel.ts'
import { MAX_HTTP_MESSAGES, MAX_SOCKETS, SWEEP_INTERVAL_MS } from './limits.ts'
import { readChannelRights } from './private-channels.ts'
import { type Broadcast, MAX_FRAME_BYTES, parseVsn } from './protocol/frames.ts'
import { RealtimeSocket } from './socket.ts'
import { Topics, topicKey } from './topics.ts'

export interface GatewayOptions {
  verifier: TokenVerifier
  /** `ANON_KEY`: what publishable keys are compared with. */
  anonKey: string | undefined
  /** Undefined: broadcast and presence alone. */
  router: ChangeRouter | undefined
  /** For the rights on private channels: the login of callers' sessions. */
  database: Database
  /** To the other processes of the service; undefined where there are none. It is started and stopped with the service. */
  bus?: Bus | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    realtime: { counts(): RealtimeCounts }
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
}

/** RFC 6455: the server goes down; clients reconnect. */
const CLOSE_GOING_AWAY = 1001

/** Realtime at `/realtime/v1`, as supabase-js speaks it: changes of tables, broadcast and presence. */
export const realtime = fastifyPlugin(registerRealtime, { name: 'realtime', fastify: '5.x' })

async function registerRealtime(app: FastifyInstance, options: GatewayOptions): Promise<void> {
  const topics = new Topics(options.bus)
  const sockets = new Set<RealtimeSocket>()
  const parts: GatewayParts = {
    verifier: options.verifier,
    anonKey: options.anonKey,
    router: options.router,
    topics,
    changeFrames: new ChangeFrames(),
    readRights: (caller, topic) => readChannelRights(options.database, caller, topic),
    log: app.log,
  }

  app.decorate('realtime', {
    counts: () => ({
      sockets: sockets.size,
      channels: [...sockets].reduce((sum, socket) => sum + socket.channelCount, 0),
      topics: topics.size,
      waiting: [...sockets].reduce((sum, socket) => sum + socket.waiting, 0),
    }),
  })

  await app.register(websocket, {
    options: {
      maxPayload: MAX_FRAME_BYTES,
      // Compression costs memory per socket, and frames are small.
      perMessageDeflate: false,
    },
  })

  app.get(
    '/realtime/v1/websocket',
    {
      websocket: true,
      schema: { hide: true },
      // Before the upgrade, so that a refusal is an HTTP answer.
      preValidation: async (request, reply) => {
        if (sockets.size >= MAX_SOCKETS) return refuse(reply, 429, 'Too many connected users')
        const { vsn } = request.query as { vsn?: string }
        if (parseVsn(vsn) === undefined) return refuse(reply, 400, 'Unknown vsn')
        const key = keyOf(request)
        if (key === undefined) return refuse(reply, 401, 'Missing API key')
        try {
          callers.set(request, await callerOfKey(key, options))
        } catch (error) {
          if (error instanceof KeysUnavailable)
            return refuse(reply, 503, 'The signing keys are not available now')
          if (error instanceof Unauthenticated) return refuse(reply, 401, 'Invalid API key')
          throw error
        }
      },
    },
    (ws, request) => {
      const { vsn } = request.query as { vsn?: string }
      const socket = new RealtimeSocket(ws, parseVsn(vsn)!, callers.get(request)!, parts)
      sockets.add(socket)
      ws.on('close', () => sockets.delete(socket))
    },
  )
  const callers = new WeakMap<FastifyRequest, Caller>()

  const stopListening = options.router?.onGap((reason) => {
    app.log.warn({ reason }, 'changes may have been missed: clients read anew')
    for (const socket of sockets) {
      for (const channel of [...socket.channels]) if (channel.followsChanges) channel.gap()
    }
  })

  /** Looks rights up again: those of every private channel, those on the topics that `names` says, or those that are old. */
  const recheck = async (which: 'all' | 'old' | ReadonlySet<string>): Promise<void> => {
    for (const socket of sockets) {
      for (const channel of [...socket.channels]) {
        if (!channel.isPrivate) continue
        if (which === 'old' ? !channel.hasOldRights : which !== 'all' && !which.has(channel.name)) continue
        await channel.recheckRights().catch((error) => {
          app.log.warn(
            { reason: error instanceof Error ? error.name : 'unknown' },
            'rights could not be read',
          )
          // Not knowing is not having.
          channel.gap()
        })
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
    if (isRefreshing) return
    isRefreshing = true
    void recheck('old').finally(() => {
      isRefreshing = false
    })
  }, SWEEP_INTERVAL_MS)
  sweep.unref()

  registerBroadcastRoutes(app, options, parts)

  app.addHook('preClose', async () => {
    clearInterval(sweep)
    stopListening?.()
    await stopFollowing()
    for (const socket of sockets) socket.close(CLOSE_GOING_AWAY, 'the service stops')
    await options.bus?.stop()
  })
}

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

/** The form of Supabase's refusals. */
async function refuse(reply: FastifyReply, status: number, error: string): Promise<FastifyReply> {
  return reply.code(status).type('application/json').serializer(JSON.stringify).send({ error })
}

interface HttpMessage {
  topic: string
  event: string
  /** Bytes are broadcast as they are, anything else as JSON. */
  payload: unknown
  private: boolean
}

/** Broadcast over HTTP: what a backend or a client without a socket sends. */
function registerBroadcastRoutes(app: FastifyInstance, options: GatewayOptions, parts: GatewayParts): void {
  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    messages: HttpMessage[],
  ): Promise<FastifyReply> => {
    const { authorization } = request.headers
    const key = authorization?.replace(/^Bearer /i, '') ?? keyOf(request)
    if (key === undefined) return refuse(reply, 401, 'Missing API key')
    const caller = await callerOfKey(key, options)
    for (const { topic, event, payload, private: isPrivate } of messages) {
      if (isPrivate && !(await parts.readRights(caller, topic)).send.broadcast) continue
      const body: Broadcast['body'] = Buffer.isBuffer(payload)
        ? { encoding: 'binary', bytes: payload }
        : { encoding: 'json', text: JSON.stringify(payload) }
      parts.topics.broadcast(topicKey(topic, isPrivate), { event, body })
    }
    return reply.code(202).send()
  }

  app.post('/realtime/v1/api/broadcast', { schema: { hide: true } }, async (request, reply) => {
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
      { schema: { hide: true } },
      async (request, reply) => {
        const { topic, event } = request.params
        return send(request, reply, [
          { topic, event, payload: request.body ?? {}, private: request.query.private === 'true' },
        ])
      },
    )
  })
}

function readMessages(body: unknown): HttpMessage[] | undefined {
  const messages = typeof body === 'object' && body !== null && 'messages' in body ? body.messages : undefined
  if (!Array.isArray(messages) || messages.length > MAX_HTTP_MESSAGES) return undefined
  const read: HttpMessage[] = []
  for (const message of messages) {
    if (typeof message?.topic !== 'string' || typeof message.event !== 'string') return undefined
    read.push({
      topic: message.topic,
      event: message.event,
      payload: message.payload ?? {},
      private: message.private === true,
    })
  }
  return read
}
