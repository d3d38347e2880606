import { describe, expect, it } from 'vitest'
import type { Database, TransactionOptions } from '../../src/platform/db/engine/database.ts'
import { openCatalog } from '../../src/platform/realtime/changes/published-tables.ts'
import { readChannelRights } from '../../src/platform/realtime/gateway/private-channels.ts'

/* What anybody with a key makes the database look up: it must not cost others their turns. */

it('the table that a join names is read in the turn of whoever joins', async () => {
  const turns: (string | undefined)[] = []
  const database = {
    query: async (_text: string, _parameters: unknown, given: TransactionOptions) => {
      turns.push(given.caller)
      return []
    },
  } as unknown as Database
  const catalog = openCatalog(database, 'supabase_realtime')
  await catalog.findTables({ schema: 'public', table: 'shifts' }, 'u')
  await catalog.findTables({ oid: 1 })
  expect(turns).toEqual(['u', undefined])
})

describe('the rights on a private channel', () => {
  const rights = { listen: {}, send: {} }
  it.each([
    ['a user', { role: 'authenticated', userId: 'u' }, 'u'],
    ['everybody without one, together', { role: 'anon', userId: null }, 'anon'],
  ] as const)('are read in the turn of %s', async (_, { role, userId }, turn) => {
    const turns: (string | undefined)[] = []
    const database = {
      transaction: async (work: (tx: object) => Promise<unknown>, given: TransactionOptions) => {
        turns.push(given.caller)
        return work({ query: async () => [{ rights }] })
      },
    } as unknown as Database
    const caller = { role, userId, claims: {}, expiresAt: null }
    expect(await readChannelRights(database, caller, 'room:1')).toEqual(rights)
    expect(turns).toEqual([turn])
  })
})
