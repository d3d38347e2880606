import { randomUUID } from 'node:crypto'
import { type Caller, serializeClaims } from '../auth/caller.ts'
import type { Database, Transaction } from '../db/engine/types.ts'
import { readDatabaseError } from '../errors/sqlstate.ts'

/** What the policies on `realtime.messages` give one caller on one topic. */
export interface ChannelRights {
  listen: { broadcast: boolean; presence: boolean }
  send: { broadcast: boolean; presence: boolean }
}

/** Broadcast and presence of public channels are open to everybody with a key. */
export const PUBLIC_RIGHTS: ChannelRights = {
  listen: { broadcast: true, presence: true },
  send: { broadcast: true, presence: true },
}

/** The channels of shifts (supabase/schemas/realtime.sql). */
const PRIVATE_ONLY = /^shift:/

/**
 * Whether a channel of that name has to be private. An app that forgets to say so, or that was made with a client from before
 * private channels, would send a guard's positions to everybody with a key.
 */
export const isPrivateOnly = (name: string): boolean => PRIVATE_ONLY.test(name)

const CHANNEL_OF_SHIFT = /^shift:[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** The ids of shifts are read in any case, and written in lower case (RFC 9562, section 4): one shift has one channel. */
export const canonicalName = (name: string): string =>
  isPrivateOnly(name) && CHANNEL_OF_SHIFT.test(name) ? name.toLowerCase() : name

/** Of whoever has not been let in yet. */
export const NO_RIGHTS: ChannelRights = {
  listen: { broadcast: false, presence: false },
  send: { broadcast: false, presence: false },
}

const EXTENSIONS = ['broadcast', 'presence'] as const

/** Carries the answer out of a transaction that must not commit: nothing is ever stored in `realtime.messages`. */
class RolledBack extends Error {
  readonly rights: ChannelRights
  constructor(rights: ChannelRights) {
    super('rolled back')
    this.rights = rights
  }
}

/**
 * Tries the policies, as Supabase does: rows for both extensions are inserted, the caller's role, claims and topic are
 * set, what the caller then sees is the right to listen, what the caller may insert is the right to send.
 *
 * @param database a login that may insert the probes (`muster_api`) and become the caller's role
 * @throws the database's errors, but not those of a policy: one that raises gives no right
 */
export async function readChannelRights(
  database: Database,
  caller: Caller,
  topic: string,
): Promise<ChannelRights> {
  try {
    return await database.transaction(async (tx) => {
      const probes = EXTENSIONS.map((extension) => ({ id: randomUUID(), extension }))
      for (const { id, extension } of probes) {
        await tx.query(
          'insert into realtime.messages (id, topic, extension, private) values ($1, $2, $3, true)',
          [id, topic, extension],
        )
      }
      await tx.query(
        `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
                set_config('realtime.topic', $3, true)`,
        [caller.role, serializeClaims(caller.claims), topic],
      )
      const listen = { broadcast: false, presence: false }
      const send = { broadcast: false, presence: false }
      for (const { id, extension } of probes) {
        listen[extension] = await allowed(
          tx,
          async () => (await tx.query('select 1 from realtime.messages where id = $1', [id])).length === 1,
        )
        send[extension] = await allowed(tx, async () => {
          await tx.query('insert into realtime.messages (topic, extension, private) values ($1, $2, true)', [
            topic,
            extension,
          ])
          return true
        })
      }
      throw new RolledBack({ listen, send })
    })
  } catch (error) {
    if (error instanceof RolledBack) return error.rights
    throw error
  }
}

/** Whether a statement is let through. What policies and grants refuse, or fail on, is a no; other errors are errors. */
async function allowed(tx: Transaction, attempt: () => Promise<boolean>): Promise<boolean> {
  await tx.query('savepoint probe')
  try {
    return await attempt()
  } catch (error) {
    const sqlstate = readDatabaseError(error)?.sqlstate
    if (sqlstate === undefined || CONNECTION_LOST.test(sqlstate)) throw error
    return false
  } finally {
    await tx.query('rollback to savepoint probe')
  }
}

/** Classes of errors that say nothing about rights: connection, resources, operator, a lock that did not come. */
const CONNECTION_LOST = /^(08|53|55|57|58|XX)/
