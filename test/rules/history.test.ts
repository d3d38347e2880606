import { expect, onTestFinished, test } from 'vitest'
import { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateDown, migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { MIGRATIONS_FOLDER, readMigrations } from '../../src/platform/db/migrations/migration-files.ts'
import { describeBlocks, difference } from '../support/catalog-difference.ts'
import { openTestDatabase, useTestDatabase } from '../support/database.ts'
import { buildFreightWorld, DRIVERS, FREIGHT_ORGANIZATIONS, FREIGHT_USERS } from '../support/freight-world.ts'
import { patience } from '../support/patience.ts'
import { shiftIn } from '../support/shifts.ts'
import { buildWorld, PROFESSIONALS } from '../support/world.ts'

const database = useTestDatabase()

/** Those of that time. */
const STATUSES = SHIFT_STATUSES.filter((status) => status !== 'no_show')

/** Runs the work as the migration commands do: a file without a transaction needs its settings on the connection. */
async function asMigrator(
  work: (owner: Database) => Promise<unknown>,
  { owner, ownerUrl } = database(),
): Promise<void> {
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
async function rollBackTo(name: string, on = database()): Promise<void> {
  const tags = (await readMigrations(MIGRATIONS_FOLDER)).map(({ tag }) => tag)
  const nth = tags.findIndex((tag) => tag.endsWith(name))
  expect(nth).toBeGreaterThan(0)
  await asMigrator((owner) => migrateDown(owner, tags.length - nth), on)
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
  'what drivers are paid moves out of their records, and back into them',
  async () => {
    // Another test has a world in the other one.
    const on = await openTestDatabase()
    onTestFinished(() => on.close())
    const { owner } = on
    await buildFreightWorld(owner)
    const set = (driver: string, terms: string) =>
      owner.query(`update driver_pay_terms set ${terms} where driver_id = $1`, [driver])
    await set(
      DRIVERS.driver,
      "pay_kind = 'per_distance', pay_percentage = null, pay_per_distance = 0.6215, currency = 'CAD', distance_unit = 'km'",
    )
    await set(DRIVERS.foreignDriver, "pay_kind = 'flat', pay_percentage = null, pay_flat = 180")
    const [bare] = await owner.query<{ id: string }>(
      `insert into drivers (organization_id, user_id, name, license_number, license_class, hire_date)
       values ($1, $2, 'Bare', 'B1', 'A', '2020-01-01') returning id`,
      [FREIGHT_ORGANIZATIONS.carrier, FREIGHT_USERS.newDriver],
    )
    const of = (table: string, key: string) =>
      owner.query(
        `select ${key} as driver, pay_kind, pay_per_distance::text as per_distance, pay_percentage::text as percentage,
                pay_flat::text as flat, currency, distance_unit, tenant_id, organization_id
         from ${table} where ${key} <> $1 order by 1`,
        [bare!.id],
      )
    const trail = () => owner.query('select id, updated_at::text, updated_by from drivers order by 1')
    const [terms, drivers] = [await of('driver_pay_terms', 'driver_id'), await trail()]
    expect(terms).toHaveLength(3)
    await rollBackTo('_driver_pay_terms', on)
    expect(await of('drivers', 'id')).toEqual(terms)
    expect(
      await owner.query('select pay_kind, pay_flat::text from drivers where id = $1', [bare!.id]),
    ).toEqual([{ pay_kind: 'flat', pay_flat: '0.00' }])
    await asMigrator(migrateUp, on)
    expect(await of('driver_pay_terms', 'driver_id')).toEqual(terms)
    expect(await trail()).toEqual(drivers)
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
