import { expect, test } from 'vitest'
import { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateDown, migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { shiftIn } from '../support/shifts.ts'
import { buildWorld, PROFESSIONALS } from '../support/world.ts'

const database = useTestDatabase()

/** Those of that time. */
const STATUSES = SHIFT_STATUSES.filter((status) => status !== 'no_show')

/** Runs the work as the migration commands do: a file without a transaction needs its settings on the connection. */
async function asMigrator(work: (owner: Database) => Promise<unknown>): Promise<void> {
  const { owner, ownerUrl } = database()
  if (!ownerUrl) {
    await work(owner)
    return
  }
  const migrator = openServer({ ...MIGRATION_CONNECTION, url: ownerUrl })
  try {
    await work(migrator)
  } finally {
    await migrator.close()
  }
}

/** What a new database has. A role stays when the server has refused to drop it, because another database uses it. */
const OF_A_NEW_DATABASE =
  /^(database this|extension plpgsql|schema public|comment (schema public|database .*)|setting all roles .*)$/

/**
 * The whole history, down and up: some 10 s on the embedded engine alone, and several times that beside three others which do
 * the same. Each further migration makes it longer; what hangs is still noticed.
 */
const TIMEOUT_MS = patience(180_000)

/** Rolls back a migration and all that came after it. */
async function rollBackTo(name: string): Promise<void> {
  const tags = (await readMigrations(MIGRATIONS_FOLDER)).map(({ tag }) => tag)
  const nth = tags.findIndex((tag) => tag.endsWith(name))
  expect(nth).toBeGreaterThan(0)
  await asMigrator((owner) => migrateDown(owner, tags.length - nth))
}

test(
  'what guards are told moves out of the shift, whatever its state, and back into it',
  async () => {
    const { owner } = database()
    await buildWorld(owner)
    const readers: Record<string, unknown> = {}
    for (const [n, status] of STATUSES.entries()) {
      const id = await shiftIn({ owner }, { status, startsInHours: 1 + 10 * n })
      // As it is written by whoever runs a database: all at once, when the shifts are in any state.
      await owner.query('insert into shift_briefings (shift_id, text) values ($1, $2)', [
        id,
        `${status} 4711`,
      ])
      const isWorked = ['assigned', 'active', 'completed'].includes(status)
      readers[`${status} 4711`] = [status !== 'draft', isWorked ? PROFESSIONALS.guard : null]
    }
    await owner.query("update shifts set deleted_at = now() where status = 'published'")
    const briefings = () =>
      owner.query<{ text: string }>(
        `select b.text, b.client_id = s.client_id as client, b.professional_id, b.tenant_id, b.company_id, b.shift_id, b.deleted_at
         from shift_briefings b join shifts s on s.id = b.shift_id order by b.text`,
      )
    const before = await briefings()
    expect(before).toHaveLength(STATUSES.length)
    for (const { text, client, professional_id } of before as {
      text: string
      client: boolean | null
      professional_id: string | null
    }[])
      expect([client === true, professional_id], text).toEqual(readers[text])

    await rollBackTo('_shifts_have_briefings')
    expect(
      await owner.query('select instructions from shifts where instructions is not null order by 1'),
    ).toEqual(before.map(({ text }) => ({ instructions: text })))
    await asMigrator(migrateUp)
    expect(await briefings()).toEqual(before)
  },
  TIMEOUT_MS,
)

test(
  'the history rolls back to nothing, and comes back as it was',
  async () => {
    const before = await describeBlocks(database())
    await asMigrator((owner) => migrateDown(owner, 'all'))
    const left = await describeBlocks(database())
    expect([...left.keys()].filter((name) => !OF_A_NEW_DATABASE.test(name))).toEqual([])
    await asMigrator(migrateUp)
    expect(difference(before, await describeBlocks(database()))).toEqual({})
  },
  TIMEOUT_MS,
)
