import { expect, test } from 'vitest'
import { migrateDown, migrateUp } from '../../src/db/migrate.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'

const database = useTestDatabase()

/** What a new database has. A role stays when the server has refused to drop it, because another database uses it. */
const OF_A_NEW_DATABASE =
  /^(database this|extension plpgsql|schema public|comment (schema public|database .*)|setting all roles .*)$/

/**
 * The whole history, down and up: some 10 s on the embedded engine alone, and several times that beside three others which do
 * the same. Each further migration makes it longer; what hangs is still noticed.
 */
const TIMEOUT_MS = patience(180_000)

test(
  'the history rolls back to nothing, and comes back as it was',
  async () => {
    const { owner } = database()
    const before = await describeBlocks(database())
    await migrateDown(owner, 'all')
    const left = await describeBlocks(database())
    expect([...left.keys()].filter((name) => !OF_A_NEW_DATABASE.test(name))).toEqual([])
    await migrateUp(owner)
    expect(difference(before, await describeBlocks(database()))).toEqual({})
  },
  TIMEOUT_MS,
)
