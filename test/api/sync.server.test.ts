import { setTimeout as pass } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import type { Transaction } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import type { SyncPage } from '../../src/platform/sync/schemas.ts'
import { useApi } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { LOCATIONS, ORGANIZATIONS } from '../support/world.ts'

/* Transactions that take long, overlap, and commit in another order than they began in. */

const api = useApi()

async function catchUp(rows: Map<string, unknown>, watermark: string | undefined): Promise<string> {
  let after = watermark
  for (;;) {
    const query = new URLSearchParams({ limit: '7', ...(after !== undefined && { after }) })
    const response = await api().as('company').get(`/v1/sync/shifts?${query}`)
    const answer: SyncPage = response.json()
    expect(response.statusCode, response.body).toBe(200)
    if (answer.reset) rows.clear()
    for (const item of answer.items) rows.set(item.id, item)
    for (const id of answer.removed) rows.delete(id)
    after = answer.next
    if (answer.complete) return after
  }
}

const insertShift = (tx: Pick<Transaction, 'query'>, title: string) =>
  tx.query<{ id: string }>(
    `insert into shifts (company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title)
     values ($1, $2, 'published', now() + interval '1 day', now() + interval '30 hours', 25, $3) returning id`,
    [ORGANIZATIONS.company, LOCATIONS.site, title],
  )

it('a transaction that commits after a later one is not missed', async () => {
  const rows = new Map<string, unknown>()
  let watermark = await catchUp(rows, undefined)
  const written = Promise.withResolvers<string>()
  const release = Promise.withResolvers<void>()
  const early = api().owner.transaction(async (tx) => {
    const [row] = await insertShift(tx, 'early')
    written.resolve(row!.id)
    await release.promise
  })
  const earlyId = await written.promise
  const [late] = await insertShift(api().owner, 'late')
  watermark = await catchUp(rows, watermark)
  expect([rows.has(late!.id), rows.has(earlyId)]).toEqual([true, false])
  release.resolve()
  await early
  watermark = await catchUp(rows, watermark)
  expect(rows.has(earlyId)).toBe(true)
})

it('what was told comes again while an older transaction runs, and not after it', async () => {
  const written = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const older = api().owner.transaction(async (tx) => {
    await insertShift(tx, 'older')
    written.resolve()
    await release.promise
  })
  await written.promise
  const [row] = await insertShift(api().owner, 'newer')
  let watermark = await catchUp(new Map(), undefined)
  const askAgain = async (): Promise<boolean> => {
    const told = new Map<string, unknown>()
    watermark = await catchUp(told, watermark)
    return told.has(row!.id)
  }
  expect([await askAgain(), await askAgain()]).toEqual([true, true])
  release.resolve()
  await older
  // Transactions in the databases of other test files are older ones too.
  await vi.waitFor(async () => expect(await askAgain()).toBe(false), { timeout: patience(20_000) })
})

it('a copy is equal to the table at the end, whatever was written while it was made', async () => {
  const writers = openServer({ url: api().ownerUrl!, max: 6 })
  const rows = new Map<string, unknown>()
  let watermark = await catchUp(rows, undefined)
  let isDone = false
  const work = Promise.all(
    Array.from({ length: 6 }, async (_, writer) => {
      for (let round = 0; round < 15; round += 1) {
        await writers.transaction(async (tx) => {
          const [row] = await insertShift(tx, `${writer}/${round}`)
          // Not a wait for anything: transactions of different lengths overlap in every way.
          await pass(Math.random() * 20)
          const fate = Math.random()
          if (fate < 0.3) await tx.query('delete from shifts where id = $1', [row!.id])
          else if (fate < 0.5) await tx.query('update shifts set deleted_at = now() where id = $1', [row!.id])
        })
        await writers.query(
          `with picked as (select id from shifts where deleted_at is null order by random() limit 2 for update skip locked)
           update shifts set title = $1 from picked where shifts.id = picked.id`,
          [`again ${writer}/${round}`],
        )
        await writers.query(
          `with picked as (select id from shifts where deleted_at is null and status = 'published' order by random() limit 1 for update skip locked)
           delete from shifts using picked where shifts.id = picked.id and $1::int % 3 = 0`,
          [round],
        )
      }
    }),
  ).then(() => {
    isDone = true
  })
  while (!isDone) watermark = await catchUp(rows, watermark)
  await work
  await catchUp(rows, watermark)
  await writers.close()
  const afresh = new Map<string, unknown>()
  await catchUp(afresh, undefined)
  const present = await api().owner.query<{ id: string }>(
    'select id from shifts where deleted_at is null and company_id = $1',
    [ORGANIZATIONS.company],
  )
  expect([...rows.keys()].sort()).toEqual(present.map(({ id }) => id).sort())
  expect(rows).toEqual(afresh)
})
