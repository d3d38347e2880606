import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import postgres from 'postgres'
import { addressText, dial, driverOptions } from '../../db/engine/connection.ts'
import { describeSocketFailure } from '../../db/engine/socket-failure.ts'
import type { ServerAddress } from '../../server-url.ts'
import { type Lsn, parseLsn } from './pgoutput.ts'

/**
 * One connection that streams from a replication slot. The slot is temporary and named anew each time: the server drops it
 * with the connection, and a former one of ours may still be held by a server process that has not noticed its end.
 *
 * The connection is ended by destroying its socket, never politely: a server process that is stuck in writing to it reads
 * no goodbye, and the log that its slot keeps can stop a checkpoint.
 */

const CONNECT_TIMEOUT_MS = 10_000

/**
 * How long the server waits for a sign of life before it ends the connection. It also bounds how long a connection that
 * the network has forgotten delays a shutdown of the server: with the default, up to a minute.
 */
const WAL_SENDER_TIMEOUT = '10s'

/** Values are text in the session's settings: the ones that `valueEncoder` reads. */
const TEXT_SETTINGS = {
  timezone: 'UTC',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
}

export interface WalsenderOptions {
  address: ServerAddress
  publication: string
  applicationName: string
}

/** What the server says of itself before it is asked for a slot. */
export interface ServerState {
  walLevel: string
  /** Bytes of log that a slot may keep; undefined for no limit. */
  maxKeepBytes: number | undefined
  /** Whether the publication exists, and how many tables it has. */
  publishedTables: number | undefined
}

export class Walsender {
  readonly #sql: postgres.Sql
  readonly #options: WalsenderOptions
  readonly #lost = Promise.withResolvers<Error>()
  /** Resolves, with the reason, when the connection is lost or was destroyed. */
  readonly whenLost: Promise<Error> = this.#lost.promise
  #socket: Socket | undefined
  #isLost = false

  constructor(options: WalsenderOptions) {
    this.#options = options
    const settings = {
      ...driverOptions(options.address),
      max: 1,
      fetch_types: false,
      prepare: false,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: CONNECT_TIMEOUT_MS / 1000,
      onnotice: () => {},
      // Its one socket in its life: the driver would reconnect and reuse what the former connection left.
      socket: () => this.#openSocket(),
      connection: {
        ...TEXT_SETTINGS,
        application_name: options.applicationName,
        ...options.address.startup,
        replication: 'database',
        wal_sender_timeout: WAL_SENDER_TIMEOUT,
      },
    }
    this.#sql = postgres(settings)
  }

  /** Also the first use of the connection: fails where it cannot be made. */
  async readState(): Promise<ServerState> {
    const [row] = await this.#run(
      `select
         current_setting('wal_level') as wal_level,
         (select s.setting::numeric * 1024 * 1024 from pg_settings s where s.name = 'max_slot_wal_keep_size')::text
           as max_keep_bytes,
         exists (select from pg_publication where pubname = '${this.#options.publication}') as is_published,
         (select count(*) from pg_publication_tables where pubname = '${this.#options.publication}')::text as tables`,
    )
    if (!row) throw new Error('The server gave no answer about itself.')
    const maxKeepBytes = Number(row.max_keep_bytes)
    return {
      walLevel: String(row.wal_level),
      maxKeepBytes: maxKeepBytes < 0 ? undefined : maxKeepBytes,
      publishedTables: isTrue(row.is_published) ? Number(row.tables) : undefined,
    }
  }

  /**
   * Makes a slot and streams from it. Waits for every transaction that is writing at the moment, as making a slot does.
   *
   * @returns the stream of copy data, each chunk a message, and the position from which on commits are in it
   */
  async stream(): Promise<{ stream: Duplex; start: Lsn }> {
    const slot = `muster_${randomBytes(8).toString('hex')}`
    const [created] = await this.#run(
      `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`,
    )
    const start = String(created?.consistent_point)
    const copy = this.#sql
      .unsafe(
        `START_REPLICATION SLOT ${slot} LOGICAL ${start} (proto_version '1', publication_names '"${this.#options.publication}"')`,
      )
      .writable()
    // The driver declares the half of it that is written to.
    const stream = (await this.#unlessLost(copy)) as unknown as Duplex
    stream.on('error', (error) => this.destroy(error))
    stream.on('close', () => this.destroy())
    return { stream, start: parseLsn(start) }
  }

  /** Cuts the connection; harmless when it is lost already. */
  destroy(reason: Error = new Error('The replication connection was closed.')): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#socket?.destroy()
    this.#lost.resolve(reason)
  }

  async #run(text: string): Promise<Record<string, unknown>[]> {
    // A walsender knows the simple protocol alone.
    return (await this.#unlessLost(this.#sql.unsafe(text).simple())) as unknown as Record<string, unknown>[]
  }

  /** The driver does not always answer for a connection that is gone. */
  #unlessLost<T>(answer: PromiseLike<T>): Promise<T> {
    return Promise.race([
      answer,
      this.whenLost.then((reason) => {
        throw reason
      }),
    ])
  }

  async #openSocket(): Promise<Socket> {
    if (this.#socket || this.#isLost) throw new Error('The replication connection was lost.')
    const socket = dial(this.#options.address)
    this.#socket = socket
    // Before the driver's own listeners, so that the loss is known before anything else is sent.
    const to = addressText(this.#options.address)
    const lose = (why: string): void =>
      this.destroy(new Error(`The replication connection could not be made or was lost: ${why}`))
    socket.on('error', (error) => lose(describeSocketFailure(error, to)))
    socket.on('close', () => lose(`closed by ${to}`))
    socket.setNoDelay(true)
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => lose(`ETIMEDOUT ${to}`))
    await Promise.race([once(socket, 'connect').catch(() => {}), this.whenLost])
    if (this.#isLost) throw new Error('The replication connection could not be made.')
    socket.setTimeout(0)
    return socket
  }
}

/** The simple protocol gives text. */
const isTrue = (value: unknown): boolean => value === true || value === 't'
