import { expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { Audiences } from '../../src/platform/realtime/changes/audiences.ts'

const USER = 'a11ce000-0000-7000-8000-000000000001'

it('after a gap the groups of subscribers are read again, whatever the database said had changed', async () => {
  const asked: string[] = []
  let groups = ['guards:1']
  const database = {
    query: async (text: string, parameters: readonly unknown[]) => {
      if (text.includes('audiences_of')) {
        asked.push('groups')
        return [{ caller: USER, audience: JSON.stringify(groups) }]
      }
      asked.push(`since ${parameters[3]}`)
      // As after a failover to a server with fewer transactions: what changed seems older than `since`.
      return [{ answer: JSON.stringify({ changes: [], changed: [], next: '1000' }) }]
    },
  } as unknown as Database
  const subscriber = { role: 'authenticated' as const, claims: JSON.stringify({ sub: USER }) }
  const audiences = new Audiences(database)
  audiences.add(subscriber)
  const { signal } = new AbortController()

  await audiences.look([], [], signal)
  await audiences.look([], [], signal)
  expect(audiences.membersOf(['guards:1'])).toEqual(new Set([subscriber]))
  groups = []
  audiences.forgetGroups()
  await audiences.look([], [], signal)
  expect(audiences.membersOf(['guards:1'])).toEqual(new Set())
  expect(asked).toEqual(['since null', 'groups', 'since 1000', 'since null', 'groups'])
})
