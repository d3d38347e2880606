import { describe, expect, it } from 'vitest'
import type { Database, TransactionOptions } from '../../src/platform/db/engine/database.ts'
import { openCatalog } from '../../src/platform/realtime/changes/published-tables.ts'
import { readChannelRights } from '../../src/platform/realtime/gateway/private-channels.ts'

/* What anybody with a key makes the database look up: it must not cost others their turns. */

describe('the published tables', () => {
  it('are read by one query at a time, whatever the joins of a moment name', async () => {
    let asked = 0
    const answers: (() => void)[] = []
    const database = {
      query: () => {
        asked += 1
        return new Promise((resolve) => answers.push(() => resolve([])))
      },
    } as unknown as Database
    const catalog = openCatalog(database, 'supabase_realtime')
    const found = Array.from({ length: 50 }, (_, n) =>
      catalog.findTables({ schema: 'public', table: `t${n}` }),
    )
    await Promise.resolve()
    expect(asked).toBe(1)
    // Who comes later is not told what was read before.
    const late = catalog.findTables({ schema: null, table: null })
    answers.shift()!()
    expect(await Promise.all(found)).toEqual(found.map(() => []))
    expect(asked).toBe(2)
    answers.shift()!()
    expect(await late).toEqual([])
  })
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
