import { randomUUID } from 'node:crypto'
import { type Caller, serializeClaims } from '../../auth/caller.ts'
import type { Database, Transaction } from '../../db/engine/database.ts'
import { ENTER } from '../../db/identity.ts'
import { turnOf } from '../../db/session.ts'

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

/** How the names of channels are read. */
export interface ChannelNames {
  /**
   * Whether a channel of that name has to be private. An app that forgets to say so, or that was made with a client from before
   * private channels, would send what is meant for a few to everybody with a key.
   */
  isPrivateOnly(name: string): boolean
  /** Ids of rows are read in any case, and written in lower case (RFC 9562, section 4): one row has one channel. */
  canonical(name: string): string
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** @param prefixes of names that are private; what follows is the id of a row (supabase/schemas/platform/channels.sql) */
export function channelNames(prefixes: readonly string[]): ChannelNames {
  const prefixOf = (name: string) => prefixes.find((prefix) => name.startsWith(prefix))
  return {
    isPrivateOnly: (name) => prefixOf(name) !== undefined,
    canonical(name) {
      const prefix = prefixOf(name)
      return prefix !== undefined && UUID.test(name.slice(prefix.length)) ? name.toLowerCase() : name
    },
  }
}

/** The rights of a client that has not joined yet. */
export const NO_RIGHTS: ChannelRights = {
  listen: { broadcast: false, presence: false },
  send: { broadcast: false, presence: false },
}

/**
 * What policies and grants refuse, or fail on, is a no. Errors that say nothing about rights are errors: connection, resources,
 * operator, a lock that did not come. They are caught inside of PostgreSQL: each that reaches the embedded engine's outside takes
 * some of a stack that it never gives back, and after some two thousand of them it serves nobody.
 */
const TRY_POLICIES = `do $try$
declare
  kind text;
  may boolean;
  rights jsonb := '{"listen": {}, "send": {}}';
begin
  foreach kind in array array['broadcast', 'presence'] loop
    may := false;
    begin
      may := exists (
        select from realtime.messages m
        where m.id = (current_setting('muster.probes')::json ->> kind)::uuid
      );
    exception when others then
      if sqlstate ~ '^(08|53|55|57|58|XX)' then raise; end if;
    end;
    rights := jsonb_set(rights, array['listen', kind], to_jsonb(may));

    may := false;
    begin
      insert into realtime.messages (topic, extension, private)
      values (current_setting('realtime.topic'), kind, true);
      may := true;
      -- Variables stay as they are, and the row goes.
      raise sqlstate 'MUNDO';
    exception when others then
      if sqlstate ~ '^(08|53|55|57|58|XX)' then raise; end if;
    end;
    rights := jsonb_set(rights, array['send', kind], to_jsonb(may));
  end loop;
  perform set_config('muster.rights', rights::text, true);
end
$try$`

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
    const tryPolicies = async (tx: Transaction): Promise<never> => {
      const [broadcast, presence] = [randomUUID(), randomUUID()]
      await tx.query(
        `insert into realtime.messages (id, topic, extension, private)
         values ($2, $1, 'broadcast', true), ($3, $1, 'presence', true)`,
        [topic, broadcast, presence],
      )
      await tx.query(
        `${ENTER}, set_config('realtime.topic', $3, true), set_config('muster.probes', $4, true)`,
        [caller.role, serializeClaims(caller.claims), topic, JSON.stringify({ broadcast, presence })],
      )
      await tx.query(TRY_POLICIES)
      const [row] = await tx.query<{ rights: ChannelRights }>(
        "select current_setting('muster.rights')::json as rights",
      )
      throw new RolledBack(row!.rights)
    }
    return await database.transaction(tryPolicies, { caller: turnOf(caller) })
  } catch (error) {
    if (error instanceof RolledBack) return error.rights
    throw error
  }
}
