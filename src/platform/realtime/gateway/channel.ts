import { randomUUID } from 'node:crypto'
import { isAnonKey } from '../../auth/anon-key.ts'
import { anonymousCaller, type Caller, hasExpired, serializeClaims } from '../../auth/caller.ts'
import { KeysUnavailable, Unauthenticated } from '../../auth/errors.ts'
import type { TokenVerifier } from '../../auth/verifier.ts'
import {
  type ActiveSubscription,
  type ChangeChannel,
  type ChangeRouter,
  SubscriptionRefused,
} from '../changes/change-router.ts'
import type { Act, ActOf } from '../protocol/acts.ts'
import {
  type Broadcast,
  bytesOf,
  encodeBroadcast,
  encodeMessage,
  encodeReply,
  type JsonObject,
  type Vsn,
} from '../protocol/frames.ts'
import { type Binding, type Join, joinResponse } from '../protocol/join.ts'
import type { Address } from './admission.ts'
import type { ChangeFrames } from './change-frames.ts'
import {
  ADDRESS_DELIVERIES,
  MAX_PRESENCE_KEYS,
  MAX_PRESENCE_STATE_BYTES,
  RIGHTS_MAX_AGE_MS,
} from './limits.ts'
import { Frame } from './outbox.ts'
import { type ChannelNames, type ChannelRights, NO_RIGHTS, PUBLIC_RIGHTS } from './private-channels.ts'
import type { SharedFrames } from './shared-frames.ts'
import { type Listener, type Topics, topicKey } from './topics.ts'

/** What every channel of the process shares. */
export interface GatewayParts {
  verifier: TokenVerifier
  anonKey: string | undefined
  /** How long after its expiry a token is still taken: clocks differ. */
  clockToleranceSeconds: number
  /** Undefined where changes are not served: bindings are then refused. */
  router: ChangeRouter | undefined
  names: ChannelNames
  topics: Topics
  changeFrames: ChangeFrames
  sharedFrames: SharedFrames
  /**
   * @param asker whose questions wait for each other
   * @param isWanted whether somebody still waits for the answer when it is the question's turn; otherwise there are no rights
   */
  readRights(caller: Caller, topic: string, asker: unknown, isWanted: () => boolean): Promise<ChannelRights>
  log: { debug(data: object, message: string): void; warn(data: object, message: string): void }
}

/** What a channel needs of its socket. */
export interface ChannelSocket {
  readonly vsn: Vsn
  /** The caller of the handshake's key: a join without a token is theirs. */
  readonly caller: Caller
  readonly address: Address
  send(frame: Frame): void
  /** Before what is kept for the channel. @returns false when it is too much, and the client is cut */
  hold(bytes: number): boolean
  release(bytes: number): void
  /** Before the channel goes on as a user. @returns false when that user has too many sockets */
  actAs(caller: Caller): boolean
  /** Before the database is asked because of the client. @returns false when that is too often */
  mayAsk(): boolean
  /** The channel is closed; frames for its topic are ignored. */
  forget(channel: Channel): void
}

/** `setTimeout` takes no longer delays; a token that lives longer is looked at again then. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * One topic of one socket, from join to leave. Its methods are called one after the other (the socket sees to that), except
 * `deliver`, `sendBroadcast` and `sendPresence`, which others call at any time.
 */
export class Channel implements ChangeChannel, Listener {
  readonly topic: string
  readonly name: string
  readonly joinRef: string | null
  readonly #socket: ChannelSocket
  readonly #parts: GatewayParts
  #caller: Caller
  #join: Pick<Join, 'isPrivate' | 'broadcast' | 'presence'> | undefined
  #requests: Pick<Binding, 'id' | 'request'>[] = []
  #key = ''
  #presenceKey = ''
  #rights: ChannelRights = NO_RIGHTS
  #rightsReadAt = 0
  #subscriptions = new Map<number, ActiveSubscription>()
  /** Frames of changes that came before the reply to the join: a client drops what it gets before. */
  #early: Frame[] | undefined = []
  #expiry: NodeJS.Timeout | undefined
  #token: string | undefined
  /** What is kept for the channel, and of that, for who is present. */
  #heldBytes = 0
  #presenceBytes = 0
  #tracked = false
  #isJoined = false
  #closed = false

  constructor(
    socket: ChannelSocket,
    parts: GatewayParts,
    topic: string,
    name: string,
    joinRef: string | null,
  ) {
    this.#socket = socket
    this.#parts = parts
    this.#caller = socket.caller
    this.topic = topic
    this.name = name
    this.joinRef = joinRef
  }

  /** Whether the join was granted; until then, nothing that it asked for may be used. */
  get isJoined(): boolean {
    return this.#isJoined && !this.#closed
  }

  get isPrivate(): boolean {
    return this.#join?.isPrivate ?? false
  }

  /** Also of those who only listen: what they lost by a change that nobody tells of, they lose then. */
  get hasOldRights(): boolean {
    return this.isPrivate && this.isJoined && performance.now() - this.#rightsReadAt > RIGHTS_MAX_AGE_MS
  }

  get followsChanges(): boolean {
    return this.#subscriptions.size > 0
  }

  // ---- What the client says -----------------------------------------------------------------------------------

  /** Answers `phx_join`. @returns whether the channel is joined. */
  async join(act: ActOf<'join'>): Promise<boolean> {
    if (!act.parsed.ok) return this.#refuseJoin(act, act.parsed.reason)
    const { join } = act.parsed
    if (!this.#hold(join.bytes)) return false
    this.#join = { isPrivate: join.isPrivate, broadcast: join.broadcast, presence: join.presence }
    this.#requests = join.bindings.map(({ id, request }) => ({ id, request }))
    if (!join.isPrivate && this.#parts.names.isPrivateOnly(this.name)) {
      return this.#refuseJoin(act, 'PrivateOnly: Channels of that name are private')
    }
    try {
      if (join.accessToken !== undefined) this.#caller = await this.#identify(join.accessToken)
      // The socket's own token was verified when the socket was opened.
      if (this.#hasExpired) throw new Unauthenticated('token_expired')
    } catch (error) {
      return this.#refuseJoin(act, tokenProblem(error))
    }
    if (!this.#socket.actAs(this.#caller)) return this.#refuseJoin(act, TOO_MANY_SOCKETS)
    this.#token = join.accessToken
    this.#key = topicKey(this.name, join.isPrivate)
    this.#presenceKey = join.presence.key ?? randomUUID()

    if ((join.isPrivate || join.bindings.length > 0) && !this.#socket.mayAsk()) {
      return this.#refuseJoin(act, TOO_MANY_QUESTIONS)
    }
    if (join.isPrivate) {
      await this.#readRights()
      const { listen } = this.#rights
      if (!listen.broadcast && !listen.presence) return this.#refuseJoin(act, this.#noRight('read from'))
    } else {
      this.#rights = PUBLIC_RIGHTS
    }
    const refused = await this.#subscribe(this.#requests)
    if (this.#closed) return false
    // While the database was asked. What was heard meanwhile is for nobody.
    if (this.#hasExpired) return this.#refuseJoin(act, tokenProblem(new Unauthenticated('token_expired')))
    // Joined without its changes, the client would wait for them for ever; refused, it joins again by itself.
    const late = refused.find(({ isTemporary }) => isTemporary)
    if (late) return this.#refuseJoin(act, `PostgresChangesSubscribeTimeout: ${late.message}`)
    if (refused[0] && join.waitMs !== undefined) {
      return this.#refuseJoin(act, `RealtimeDisabledForConfiguration: ${refused[0].message}`)
    }

    this.#isJoined = true
    this.#parts.topics.listen(this.#key, this)
    this.#reply(act, 'ok', joinResponse(join))
    const early = this.#early ?? []
    this.#early = undefined
    for (const frame of early) {
      this.#release(frame.bytes)
      this.#socket.send(frame)
    }
    this.#tellSubscribed(refused)
    if (this.#wantsPresence) this.#sendPresenceState()
    this.#watchExpiry()
    return true
  }

  /** Answers `phx_leave`. */
  leave(act: Act): void {
    this.#reply(act, 'ok')
    this.#end('phx_close')
  }

  /** `access_token`: goes on as another caller, or with a later expiry. */
  async refresh({ token }: ActOf<'refresh'>): Promise<void> {
    // Supabase ignores these: nothing new, or the key of the project.
    if (token === undefined || token === this.#token || token.startsWith('sb_')) return
    let caller: Caller
    try {
      caller = await this.#identify(token)
    } catch (error) {
      if (error instanceof KeysUnavailable) return this.#tell('error', tokenProblem(error))
      this.#tell('error', tokenProblem(error))
      // An expired token is what a phone has when it wakes up: it rejoins with a fresh one. Any other is final.
      return this.#end(
        error instanceof Unauthenticated && error.reason === 'token_expired' ? 'phx_error' : 'phx_close',
      )
    }
    const problem = this.#socket.actAs(caller)
      ? this.#socket.mayAsk()
        ? undefined
        : TOO_MANY_QUESTIONS
      : TOO_MANY_SOCKETS
    if (problem !== undefined) {
      this.#tell('error', problem)
      return this.#end('phx_error')
    }
    // Never as the former caller again, who may have signed out.
    this.#caller = caller
    this.#token = token
    this.#watchExpiry()
    if (this.isPrivate && !(await this.recheckRights())) return
    const subscriber = { role: caller.role, claims: serializeClaims(caller.claims) }
    for (const [id, subscription] of this.#subscriptions) {
      try {
        await subscription.updateSubscriber(subscriber)
      } catch (error) {
        this.#subscriptions.delete(id)
        this.#tell('error', asRefusal(error).message)
      }
    }
    // What was refused to the former caller may be granted to this one.
    const refused = await this.#subscribe(this.#requests.filter(({ id }) => !this.#subscriptions.has(id)))
    this.#tellSubscribed(refused)
    if (refused.some(({ isTemporary }) => isTemporary)) this.gap()
  }

  async broadcast(act: ActOf<'broadcast'>): Promise<void> {
    const { broadcast: options } = this.#join!
    await this.#refreshRights()
    if (this.#hasEnded()) return
    const answer = (status: 'ok' | 'error', reason?: string) => {
      if (options.ack) this.#reply(act, status, reason === undefined ? {} : { reason })
    }
    if (!this.#rights.send.broadcast) {
      this.#parts.log.debug(
        { topic: this.topic },
        'realtime channel: refused a broadcast without the right to send',
      )
      return answer('error', this.#noRight('write to'))
    }
    if (!this.#mayTell(bytesOf(act.broadcast.body))) return answer('error', TOO_MANY_MESSAGES)
    const except = options.self ? undefined : this
    await this.#parts.topics.broadcast(this.#key, act.broadcast, except, this.#socket.address)
    answer('ok')
  }

  async presence(act: ActOf<'track' | 'untrack' | 'unknown_presence'>): Promise<void> {
    await this.#refreshRights()
    if (this.#hasEnded()) return
    const answer = (status: 'ok' | 'error', reason?: string) =>
      this.#reply(act, status, reason === undefined ? {} : { reason })
    if (act.kind === 'unknown_presence')
      return answer('error', 'UnknownPresenceEvent: expected track or untrack')
    if (act.kind === 'untrack') {
      await this.#parts.topics.untrack(this.#key, this, this.#presenceKey, this.#socket.address)
      this.#holdPresence(0)
      return answer('ok')
    }
    if (!this.#rights.send.presence) return answer('error', this.#noRight('write to'))
    if (!act.said) return answer('error', 'PresencePayloadTooLarge')
    const present = this.#parts.topics.presence(this.#key)
    const isFull =
      present.stateBytes >= MAX_PRESENCE_STATE_BYTES ||
      (present.size >= MAX_PRESENCE_KEYS && !present.has(this.#presenceKey))
    if (isFull) return answer('error', 'TooManyPresent')
    if (!this.#mayTell(act.bytes)) return answer('error', TOO_MANY_MESSAGES)
    if (!this.#holdPresence(act.bytes)) return

    if (!this.#wantsPresence) this.#sendPresenceState()
    this.#tracked = true
    const meta = { ...act.said, phx_ref: randomUUID() }
    await this.#parts.topics.track(this.#key, this, this.#presenceKey, meta, this.#socket.address)
    answer('ok')
  }

  // ---- What others say ----------------------------------------------------------------------------------------

  deliver(ids: readonly number[], data: string): void {
    if (this.#hasEnded()) return
    const frame = this.#parts.changeFrames.frame(this.#socket.vsn, this.topic, ids, data)
    if (!this.#early) this.#socket.send(frame)
    else if (this.#hold(frame.bytes)) this.#early.push(frame)
  }

  sendBroadcast(broadcast: Broadcast): void {
    if (this.#hasEnded() || !this.#rights.listen.broadcast) return
    const { vsn } = this.#socket
    this.#sendShared(broadcast, () => encodeBroadcast(vsn, this.topic, broadcast))
  }

  sendPresence(event: 'presence_diff', payload: JsonObject): void {
    if (this.#hasEnded() || !this.#wantsPresence || !this.#rights.listen.presence) return
    this.#sendShared(payload, () => encodeMessage(this.#socket.vsn, { topic: this.topic, event }, payload))
  }

  /** Changes may have been missed: the client rejoins within a second, and its app resyncs. */
  gap(): void {
    this.#end('phx_error')
  }

  /** The client joined the topic again. */
  replaced(): void {
    this.#end('phx_close')
  }

  /** The socket is gone. */
  abandon(): void {
    this.#close()
  }

  /**
   * Looks the rights on a private channel up again, and ends the channel when the right to listen is lost.
   *
   * @param asker whose questions wait for each other: other than the client, nobody waits behind the client's own
   * @returns whether it goes on.
   */
  async recheckRights(asker: unknown = this.#socket.address): Promise<boolean> {
    if (!this.isPrivate || this.#closed) return !this.#closed
    await this.#readRights(asker)
    if (this.#closed) return false
    const { listen, send } = this.#rights
    if (!send.presence) {
      await this.#parts.topics.untrack(this.#key, this, this.#presenceKey, this.#socket.address)
      this.#holdPresence(0)
    }
    if (listen.broadcast || listen.presence) return true
    this.#tell('error', this.#noRight('read from'))
    this.#end('phx_close')
    return false
  }

  // ---- Inside -------------------------------------------------------------------------------------------------

  async #identify(token: string): Promise<Caller> {
    if (isAnonKey(token, this.#parts.anonKey)) return anonymousCaller()
    return this.#parts.verifier.verify(token)
  }

  /** @returns why bindings were refused */
  async #subscribe(bindings: readonly Pick<Binding, 'id' | 'request'>[]): Promise<SubscriptionRefused[]> {
    const subscriber = { role: this.#caller.role, claims: serializeClaims(this.#caller.claims) }
    const outcomes = await Promise.all(
      bindings.map(async ({ id, request }) => {
        if (!request.ok) return new SubscriptionRefused(request.message)
        if (!this.#parts.router) return new SubscriptionRefused('Changes of tables are not served here.')
        try {
          const active = await this.#parts.router.subscribe({
            channel: this,
            socket: this.#socket,
            id,
            subscriber,
            request: request.request,
          })
          // The client may have left meanwhile.
          if (this.#closed) active.unsubscribe()
          else this.#subscriptions.set(id, active)
          return undefined
        } catch (error) {
          return asRefusal(error)
        }
      }),
    )
    return outcomes.filter((refusal) => refusal !== undefined)
  }

  #unsubscribe(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe()
    this.#subscriptions.clear()
  }

  #tellSubscribed(refused: readonly SubscriptionRefused[]): void {
    for (const { message } of refused) this.#tell('error', message)
    if (this.#subscriptions.size > 0) this.#tell('ok', 'Subscribed to PostgreSQL', 'postgres_changes')
  }

  async #readRights(asker: unknown = this.#socket.address): Promise<void> {
    this.#rights = await this.#parts.readRights(this.#caller, this.name, asker, () => !this.#closed)
    this.#rightsReadAt = performance.now()
  }

  async #refreshRights(): Promise<void> {
    if (this.hasOldRights) await this.recheckRights()
  }

  /** A client too old to say so may be waiting for it; one that declined wants it from its first `track` on, as on Supabase. */
  get #wantsPresence(): boolean {
    return this.#tracked || (this.#join?.presence.enabled ?? true)
  }

  #sendPresenceState(): void {
    if (!this.#rights.listen.presence) return
    const state = this.#parts.topics.presence(this.#key).state()
    const head = { topic: this.topic, event: 'presence_state' }
    this.#sendShared(state, () => encodeMessage(this.#socket.vsn, head, state))
  }

  /** @param said the same object for all recipients on the topic (fan-out) */
  #sendShared(said: object, encode: () => string | Uint8Array | undefined): void {
    const frame = this.#parts.sharedFrames.frame(said, this.#socket.vsn, this.topic, encode)
    if (frame) this.#socket.send(frame)
  }

  #send(text: string): void {
    this.#socket.send(new Frame(text))
  }

  #reply(to: Act, status: 'ok' | 'error', response: JsonObject = {}): void {
    this.#send(encodeReply(this.#socket.vsn, to, status, response))
  }

  /** Whether what the client says may go to all who listen. */
  #mayTell(bytes: number): boolean {
    const cost = this.#parts.topics.costOf(this.#key, bytes)
    return this.#socket.address.deliveries.take(Math.min(cost, ADDRESS_DELIVERIES.burst))
  }

  #hold(bytes: number): boolean {
    if (!this.#socket.hold(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  #release(bytes: number): void {
    this.#socket.release(bytes)
    this.#heldBytes -= bytes
  }

  /** In place of what was kept before. */
  #holdPresence(bytes: number): boolean {
    this.#release(this.#presenceBytes)
    this.#presenceBytes = 0
    if (!this.#hold(bytes)) return false
    this.#presenceBytes = bytes
    return true
  }

  /** Whether nothing may be said or heard any more: also when the timer that ends an expired channel is late. */
  #hasEnded(): boolean {
    if (this.#closed) return true
    if (!this.#hasExpired) return false
    // One that is being joined is refused by its join.
    if (this.#isJoined) this.#expire()
    return true
  }

  #noRight(verb: 'read from' | 'write to'): string {
    return `Unauthorized: You do not have permissions to ${verb} this Channel topic: ${this.name}`
  }

  #tell(
    status: 'ok' | 'error',
    message: string,
    extension = status === 'ok' ? 'postgres_changes' : 'system',
  ): void {
    if (this.#closed) return
    const payload = { extension, status, message, channel: this.name }
    this.#send(encodeMessage(this.#socket.vsn, { topic: this.topic, event: 'system' }, payload))
  }

  #refuseJoin(act: Act, reason: string): false {
    if (!this.#closed) this.#reply(act, 'error', { reason })
    this.#close()
    return false
  }

  get #hasExpired(): boolean {
    return hasExpired(this.#caller, this.#parts.clockToleranceSeconds)
  }

  /**
   * Ends the channel when its token expires, so that the client comes back with a fresh one. supabase-js comes back with the old one,
   * and gets the fresh one when it has joined: for that it is given the time in which the old one is still taken.
   */
  #watchExpiry(): void {
    clearTimeout(this.#expiry)
    const { expiresAt } = this.#caller
    if (expiresAt === null || this.#closed) return
    const isOver = Date.now() >= expiresAt * 1000
    const endsAt = expiresAt + (isOver ? this.#parts.clockToleranceSeconds : 0)
    const leftMs = endsAt * 1000 - Date.now()
    this.#expiry = setTimeout(
      () => {
        if (Date.now() >= endsAt * 1000) this.#expire()
        else this.#watchExpiry()
      },
      Math.min(Math.max(leftMs, 0), MAX_TIMER_MS),
    )
    this.#expiry.unref()
  }

  #expire(): void {
    const seconds = Math.round(Date.now() / 1000 - (this.#caller.expiresAt ?? 0))
    this.#tell('error', `Token has expired ${seconds} seconds ago`)
    this.#end('phx_error')
  }

  /** `phx_error` makes the client rejoin, `phx_close` does not. */
  #end(event: 'phx_close' | 'phx_error'): void {
    if (this.#closed) return
    const head = { topic: this.topic, event, ref: this.joinRef, joinRef: this.joinRef }
    this.#send(encodeMessage(this.#socket.vsn, head, {}))
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#expiry)
    this.#unsubscribe()
    if (this.#key !== '') this.#parts.topics.leave(this.#key, this, this.#presenceKey, this.#socket.address)
    this.#early = undefined
    this.#socket.release(this.#heldBytes)
    this.#heldBytes = 0
    this.#presenceBytes = 0
    this.#socket.forget(this)
  }
}

const TOO_MANY_SOCKETS = 'ConnectionRateLimitReached: Too many connections of this user'
const TOO_MANY_QUESTIONS = 'ClientJoinRateLimitReached: Too many joins per second'
const TOO_MANY_MESSAGES = 'MessagesPerSecondRateLimitReached: Too many messages per second'

function tokenProblem(error: unknown): string {
  if (error instanceof KeysUnavailable) return 'UnableToVerify: The signing keys are not available now'
  if (!(error instanceof Unauthenticated)) throw error
  switch (error.reason) {
    case 'token_expired':
      return 'InvalidJWTToken: Token has expired'
    case 'token_signature':
      return 'JwtSignatureError: Failed to validate JWT signature'
    case 'token_malformed':
      return 'MalformedJWT: The token provided is not a valid JWT'
    default:
      return `InvalidJWTToken: ${error.reason}`
  }
}

/** @throws what is none */
function asRefusal(error: unknown): SubscriptionRefused {
  if (error instanceof SubscriptionRefused) return error
  throw error
}
