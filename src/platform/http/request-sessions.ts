import { hash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type SQL, type SQLWrapper, sql } from '../db/drizzle.ts'
import type { Parameter, Row } from '../db/engine/database.ts'
import type { Action, FunctionCall } from '../db/function-call.ts'
import type { Asker, FunctionCaller, ReadOptions, Session, Sessions } from '../db/session.ts'
import type { RowsStatement, RowsTextStatement } from '../db/statement.ts'
import { ClientGone, Problem } from './problem.ts'

type RequestReadOptions = Pick<ReadOptions, 'onPrimary'>

declare module 'fastify' {
  /** `call`, `perform` and `performForText` call one function of the database as the caller of this request, in one round trip. */
  interface FastifyRequest extends FunctionCaller {
    /**
     * `rows`, `row`, `rowsText` and `value` (see `Session`) run one statement, read-only, as the caller of this request, as long as the client
     * is there; on the replica where there is one, unless `onPrimary` says otherwise. On the primary that is one round trip.
     */
    rows<T>(query: SQLWrapper | RowsStatement<T>, options?: RequestReadOptions): Promise<T[]>
    row<T>(query: SQLWrapper | RowsStatement<T>, options?: RequestReadOptions): Promise<T | undefined>
    rowsText<T>(query: RowsTextStatement<T>, options?: RequestReadOptions): Promise<string>
    value<T>(query: SQL<T>, options?: RequestReadOptions): Promise<T>
    /** The same for several statements: `work` runs in a read-only transaction. */
    read<T>(work: (session: Session) => Promise<T>, options?: RequestReadOptions): Promise<T>
    /**
     * Runs `work` in a transaction as the caller of this request. With an `Idempotency-Key` on a POST, `work` runs
     * once: the same request again gets the same result, which is kept in the transaction itself. `work` may be run
     * again after a deadlock, so it does nothing but use the session.
     */
    write<T>(work: (session: Session) => Promise<T>): Promise<T>
  }
}

/**
 * Printable ASCII, spaces inside as well (a string as RFC 9651 has it; its quotes are taken as part of the key). The length is that
 * of the database's check.
 */
export const IDEMPOTENCY_KEY = /^[!-~](?:[ -~]{0,253}[!-~])?$/

export const sessions = fastifyPlugin(
  async (app: FastifyInstance, { sessions }: { sessions: Sessions }) => {
    const askerOf = ({ caller, id }: FastifyRequest): Asker => ({ ...caller, requestId: id })
    const statements = (request: FastifyRequest, options?: RequestReadOptions): Session =>
      sessions.statements(askerOf(request), { ...options, signal: untilGone(request.raw.socket) })

    app.decorateRequest('rows', function (this: FastifyRequest, query, options) {
      return statements(this, options).rows(query)
    })

    app.decorateRequest('row', function (this: FastifyRequest, query, options) {
      return statements(this, options).row(query)
    })

    app.decorateRequest('rowsText', function (this: FastifyRequest, query, options) {
      return statements(this, options).rowsText(query)
    })

    app.decorateRequest('value', function (this: FastifyRequest, query, options) {
      return statements(this, options).value(query)
    })

    app.decorateRequest('read', function (this: FastifyRequest, work, options) {
      return sessions.read(askerOf(this), work, { ...options, signal: untilGone(this.raw.socket) })
    })

    app.decorateRequest('call', function <
      T extends Row,
    >(this: FastifyRequest, call: FunctionCall, parameters: readonly Parameter[]): Promise<T> {
      return sessions.call<T>(askerOf(this), call, parameters)
    })

    app.decorateRequest('performForText', async function (this: FastifyRequest, action, parameters) {
      const idempotency = readIdempotencyKey(this)
      const { answer } = await (idempotency
        ? sessions.call<{ answer: string }>(askerOf(this), action.once, [
            idempotency.key,
            idempotency.hash,
            ...parameters,
          ])
        : sessions.call<{ answer: string }>(askerOf(this), action.plain, parameters))
      return answer
    })

    app.decorateRequest('perform', async function <
      T,
    >(this: FastifyRequest, action: Action, parameters: readonly Parameter[]): Promise<T> {
      return JSON.parse(await this.performForText(action, parameters))
    })

    app.decorateRequest('write', function <
      T,
    >(this: FastifyRequest, work: (session: Session) => Promise<T>): Promise<T> {
      const idempotency = readIdempotencyKey(this)
      if (!idempotency) return sessions.write(askerOf(this), work)
      const { key, hash } = idempotency
      return sessions.write(askerOf(this), async (session) => {
        const known = await session.value<string | null>(
          sql`select muster.claim_idempotency_key(${key}, ${hash})`,
        )
        if (known !== null) return JSON.parse(known) as T
        const result = await work(session)
        await session.value(
          sql`select muster.keep_idempotent_response(${key}, ${JSON.stringify(result ?? null)})`,
        )
        return result
      })
    })
  },
  { name: 'sessions', fastify: '5.x', dependencies: ['authentication'] },
)

/**
 * The key under which the answer to a POST is kept, with the hash of the request that it is the answer to; undefined where the
 * client gave none.
 *
 * @throws Problem `validation_failed` for what is no key.
 */
function readIdempotencyKey(request: FastifyRequest): { key: string; hash: string } | undefined {
  const key = request.method === 'POST' ? request.headers['idempotency-key'] : undefined
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
    throw new Problem('validation_failed', {
      errors: [
        { pointer: '/headers/idempotency-key', message: 'must be 1 to 255 printable ASCII characters' },
      ],
    })
  }
  return { key, hash: requestHash(request) }
}

const signals = new WeakMap<Socket, AbortSignal>()

/**
 * Aborted when the client's connection closes: whoever asks for something large and leaves must not keep a database connection
 * busy. For reads alone: a phone that lost its network after it sent a check-in wants it kept. (Fastify's own
 * `request.signal` is aborted as soon as a body has been read.)
 */
function untilGone(socket: Socket): AbortSignal {
  const known = signals.get(socket)
  if (known) return known
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new ClientGone()))
  if (socket.destroyed) gone.abort(new ClientGone())
  signals.set(socket, gone.signal)
  return gone.signal
}

/** The body is hashed as it was understood: spaces and the order of members do not make another request. */
function requestHash(request: FastifyRequest): string {
  return hash('sha256', JSON.stringify([request.method, request.url, request.body ?? null]), 'hex')
}
