import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import {
  keepLocalCopy,
  type LocalCopy,
  type LocalCopyOptions,
} from '../../examples/local-copy/keep-local-copy.ts'
import { patience } from '../support/patience.ts'
import { pick, seededRandom } from '../support/random.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { ShiftWriter } from '../support/shift-writer.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { trialSeed, trialSize } from '../support/trial.ts'
import { arrangeShift, type Persona } from '../support/world.ts'

/** What has to come, comes within this time, in milliseconds: a reconnection may take several attempts. */
const PATIENCE_MS = patience(30_000)
/** Nothing is found by chance: in these tests a copy asks when it is told to. */
const NEVER_MS = 3_600_000
const RECONNECTIONS = trialSize(inject('database').engine === 'server' ? 8 : 4, 20)
const TEST_TIMEOUT_MS = patience(240_000)

const VIEWERS: readonly Persona[] = ['company', 'client', 'guard', 'admin']
/** In the list and in the change stream alike. */
const COMPARED = [
  'status',
  'title',
  'company_id',
  'professional_id',
  'start_datetime',
  'hourly_rate',
  'updated_at',
]

describe('the local copy of examples/local-copy', () => {
  let api: RealtimeApi
  const copies: LocalCopy[] = []

  beforeAll(async () => {
    api = await openRealtimeApi()
  })
  afterEach(() => Promise.all(copies.splice(0).map((copy) => copy.stop())))
  afterAll(() => api?.close())

  async function keep(persona: Persona, options: Partial<LocalCopyOptions> = {}): Promise<LocalCopy> {
    const copy = keepLocalCopy({
      url: api.url,
      token: () => api.tokenOf(persona),
      table: 'shifts',
      pollMs: NEVER_MS,
      ...options,
    })
    copies.push(copy)
    await copy.ready
    return copy
  }
  const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 10 })
  const isLive = (copy: LocalCopy) => until(() => copy.isLive)

  type Compared = Record<string, unknown>
  const essence = (row: Record<string, unknown>): [string, Compared] => [
    String(row.id),
    Object.fromEntries(COMPARED.map((column) => [column, row[column]])),
  ]
  const inCopy = (copy: LocalCopy) => Object.fromEntries([...copy.rows.values()].map(essence))
  /** What the service shows to the persona, by the list and not by the change stream. */
  async function inDatabase(persona: Persona): Promise<Record<string, Compared>> {
    const rows: Record<string, unknown>[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const response = await api.as(persona).get(`/v1/shifts?limit=100${cursor && `&cursor=${cursor}`}`)
      const page: { items: Record<string, unknown>[]; next_cursor: string | null } = response.json()
      rows.push(...page.items)
      cursor = page.next_cursor
    }
    return Object.fromEntries(rows.map(essence))
  }
  const becomesTrue = (copy: LocalCopy, persona: Persona) =>
    vi.waitFor(async () => expect(inCopy(copy)).toEqual(await inDatabase(persona)), {
      timeout: PATIENCE_MS,
      interval: 100,
    })

  it('begins with what there is, and follows', async () => {
    const before = await arrangeShift(api.owner)
    const changes: string[][] = []
    const copy = await keep('company', { onChange: (ids) => changes.push([...ids]) })
    expect(inCopy(copy)).toEqual(await inDatabase('company'))
    await isLive(copy)
    changes.length = 0
    const added = await arrangeShift(api.owner, { startsInHours: 20 })
    await until(() => copy.rows.has(added))
    // An answer confirms it, so that it is kept with the watermark.
    await until(() => copy.save()?.rows.some(({ id }) => id === added) === true)
    await api.owner.query('delete from shifts where id = $1', [before])
    await until(() => !copy.rows.has(before))
    await becomesTrue(copy, 'company')
    // Once each: answers that confirm are no changes.
    expect(changes).toEqual([[added], [before]])
  })

  it('finds out about rows that left its view, of which no event tells', async () => {
    const id = await arrangeShift(api.owner)
    const copy = await keep('company', { pollMs: 200 })
    await isLive(copy)
    await api.owner.query('update shifts set deleted_at = now() where id = $1', [id])
    await until(() => !copy.rows.has(id))
  })

  it('is not misled by an event that an answer overtook', async () => {
    const id = await arrangeShift(api.owner)
    const seen: boolean[] = []
    const copy = await keep('company', {
      pollMs: 100,
      onChange: (ids, { rows }) => ids.includes(id) && seen.push(rows.has(id)),
    })
    await isLive(copy)
    const held = api.holdChanges()
    onTestFinished(() => api.releaseChanges())
    await api.owner.query("update shifts set title = 'Gone soon' where id = $1", [id])
    await until(() => held() > 0)
    await api.owner.query('update shifts set deleted_at = now() where id = $1', [id])
    await until(() => !copy.rows.has(id))
    seen.length = 0
    // Now the event comes, of a row that no later answer will speak of.
    api.releaseChanges()
    await until(() => seen.at(-1) === false)
    expect(seen[0]).toBe(true)
    await becomesTrue(copy, 'company')
  })

  it('goes on from where an earlier one was saved', async () => {
    const [kept, gone] = [await arrangeShift(api.owner), await arrangeShift(api.owner, { startsInHours: 12 })]
    const first = await keep('company')
    const saved = first.save()!
    await first.stop()
    await api.owner.query('update shifts set deleted_at = now() where id = $1', [gone])
    await api.owner.query("update shifts set title = 'Meanwhile' where id = $1", [kept])
    const changes: string[][] = []
    const second = await keep('company', { from: saved, onChange: (ids) => changes.push([...ids]) })
    expect(new Set(changes.flat())).toEqual(new Set([kept, gone]))
    await becomesTrue(second, 'company')
  })

  it('says what is wrong, and goes on trying', async () => {
    const problems: string[] = []
    let token = 'nonsense'
    const copy = keepLocalCopy({
      url: api.url,
      token: () => token,
      table: 'shifts',
      onProblem: ({ message }) => problems.push(message),
    })
    copies.push(copy)
    await until(() => problems.some((message) => message.startsWith('/v1/sync/shifts answered 401')))
    expect(copy.save()).toBeUndefined()
    token = await api.tokenOf('company')
    await copy.ready
    await becomesTrue(copy, 'company')
  })

  it(
    `equals the database after random writes and ${RECONNECTIONS} interruptions, for everybody`,
    async () => {
      const seed = trialSeed()
      const random = seededRandom(seed)
      const proxy = await startTcpProxy(api.url)
      onTestFinished(proxy.close)
      const kept = await Promise.all(VIEWERS.map((persona) => keep(persona, { url: proxy.url })))
      const writing = new AbortController()
      const all = Promise.all(
        [1, 2, 3].map((number) => keepWriting(api, seededRandom(seed + number), number, writing.signal)),
      )
      // So that something is missed each time, and after the last time nothing comes to the rescue.
      const meanwhile = new ShiftWriter(api.owner, random, 4)

      for (let count = 1; count <= RECONNECTIONS; count += 1) {
        await Promise.all(kept.map(isLive))
        if (count === RECONNECTIONS) {
          writing.abort()
          await all
        }
        const end = begin(pick(random, INTERRUPTIONS), api, proxy)
        for (let writes = 0; writes < 5; writes += 1) await meanwhile.write()
        end()
        await until(() => kept.every((copy) => !copy.isLive))
        proxy.accept()
      }
      await Promise.all(kept.map(isLive))
      for (const [index, persona] of VIEWERS.entries()) await becomesTrue(kept[index]!, persona)
    },
    TEST_TIMEOUT_MS,
  )
})

/** Ways of missing something. */
const INTERRUPTIONS = [
  'connection lost',
  'line dead, then lost',
  'service away',
  'changes lost',
  'changes late, and the connection lost',
] as const

/** @returns the end of it, of which the copies are told, one way or another */
function begin(kind: (typeof INTERRUPTIONS)[number], api: RealtimeApi, proxy: TcpProxy): () => void {
  switch (kind) {
    case 'connection lost':
      return () => proxy.reset()
    case 'line dead, then lost':
      proxy.freeze()
      return () => proxy.reset()
    case 'service away':
      proxy.refuse()
      proxy.reset()
      return () => {}
    case 'changes lost':
      api.loseChanges()
      return () => api.endGap()
    case 'changes late, and the connection lost':
      api.holdChanges()
      return () => {
        api.releaseChanges()
        proxy.reset()
      }
  }
}

async function keepWriting(
  api: RealtimeApi,
  random: () => number,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const writer = new ShiftWriter(api.owner, random, number)
  while (!signal.aborted) {
    await writer.write()
    // A pace, and not a wait: the embedded engine works in this thread, and would leave the others no time.
    await setTimeout(random() * 40)
  }
}
