import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asService } from '../../src/platform/db/identity.ts'
import type { SyncPage } from '../../src/platform/sync/schemas.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { PUBLISHED_TABLES, type PublishedTableName } from '../support/modules.ts'
import { arrangeShift, LOCATIONS, type Persona, PROFESSIONALS, USERS } from '../support/world.ts'

const api = useApi()

/*
 * What was told may be told again for as long as a transaction runs that is older than it: anywhere on the server, so also
 * in the databases of other test files. On a server one runs here from the first test until the last, so that it is
 * always so; the embedded engine has one connection, and there nothing may ever come again.
 */
const release = Promise.withResolvers<void>()
let older: Promise<void> | undefined

beforeAll(async () => {
  if (api().engine === 'embedded') return
  const begun = Promise.withResolvers<void>()
  older = api().owner.transaction(async (tx) => {
    await tx.query('select pg_current_xact_id()')
    begun.resolve()
    await release.promise
  })
  await Promise.race([begun.promise, older])
})

afterAll(async () => {
  release.resolve()
  await older
})

async function page(
  who: Persona,
  table: PublishedTableName,
  query: { after?: string; limit?: number } = {},
): Promise<SyncPage> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const response = await api().as(who).get(`/v1/sync/${table}?${parameters}`)
  expect(response.statusCode, response.body).toBe(200)
  return response.json()
}

/** A client's copy of a table, kept as the documentation says. */
class Copy {
  readonly rows = new Map<string, Record<string, unknown>>()
  readonly who: Persona
  readonly table: PublishedTableName
  watermark: string | undefined
  /** Since the last `catchUp`, without what was told before. */
  seen = { items: [] as string[], removed: [] as string[], resets: 0, pages: 0 }
  readonly #departed: Set<string>

  private constructor(who: Persona, table: PublishedTableName, departed: Iterable<string>) {
    this.who = who
    this.table = table
    this.#departed = new Set(departed)
  }

  /** An empty one: rows that left before it began are none that it can be told of for the first time. */
  static async begin(who: Persona, table: PublishedTableName): Promise<Copy> {
    const departed = await api().owner.query<{ id: string }>(
      'select row_id as id from muster.departed_rows where relation = $1',
      [table],
    )
    return new Copy(
      who,
      table,
      departed.map(({ id }) => id),
    )
  }

  async catchUp(limit?: number): Promise<this> {
    this.seen = { items: [], removed: [], resets: 0, pages: 0 }
    for (;;) {
      const { items, removed, reset, complete, next } = await page(this.who, this.table, {
        ...(this.watermark !== undefined && { after: this.watermark }),
        ...(limit !== undefined && { limit }),
      })
      if (reset) this.rows.clear()
      this.seen.resets += Number(reset)
      for (const item of items) this.#keep(item)
      for (const id of removed) this.#drop(id)
      this.seen.pages += 1
      this.watermark = next
      if (complete) return this
    }
  }

  has(id: string): boolean {
    return this.rows.has(id)
  }

  #keep(item: SyncPage['items'][number]): void {
    const isKnown = this.seen.resets === 0 && isDeepStrictEqual(this.rows.get(item.id), item)
    if (isKnown) this.#expectOlder(item.id)
    else this.seen.items.push(item.id)
    this.rows.set(item.id, item)
    this.#departed.delete(item.id)
  }

  #drop(id: string): void {
    if (this.#departed.has(id)) this.#expectOlder(id)
    else this.seen.removed.push(id)
    this.rows.delete(id)
    this.#departed.add(id)
  }

  #expectOlder(id: string): void {
    expect(older, `${this.who} was told of ${id} again`).toBeDefined()
  }
}

const copyOf = async (who: Persona, table: PublishedTableName = 'shifts') =>
  (await Copy.begin(who, table)).catchUp()

const setShift = (id: string, assignment: string) =>
  api().owner.query(`update shifts set ${assignment} where id = $1`, [id])

describe('GET /v1/sync/:table', () => {
  it('gives everything at first, and then what changed', async () => {
    const first = await arrangeShift(api().owner)
    const copy = await copyOf('company')
    expect(copy.seen).toMatchObject({ resets: 1, removed: [] })
    expect(copy.has(first)).toBe(true)
    await copy.catchUp()
    expect(copy.seen).toMatchObject({ resets: 0, items: [], removed: [] })

    const second = await arrangeShift(api().owner)
    await setShift(first, "title = 'Changed'")
    await copy.catchUp()
    expect(copy.seen).toMatchObject({ resets: 0, removed: [] })
    expect(copy.seen.items.sort()).toEqual([first, second].sort())
    expect(copy.rows.get(first)).toMatchObject({ title: 'Changed' })
  })

  it('gives rows as the change stream does', async () => {
    const id = await arrangeShift(api().owner)
    const { rows } = await copyOf('company')
    expect(Object.keys(rows.get(id)!).sort()).toEqual(
      [
        'id',
        'company_id',
        'client_id',
        'location_id',
        'professional_id',
        'status',
        'start_datetime',
        'end_datetime',
        'hourly_rate',
        'overtime_rate',
        'required_certificates',
        'title',
        'description',
        'cancel_reason',
        'location_point',
        'time_zone',
        'created_at',
        'updated_at',
      ].sort(),
    )
    expect(rows.get(id)).toMatchObject({
      hourly_rate: 25,
      required_certificates: ['vca'],
      location_point: expect.stringMatching(/^0101000020E6100000[0-9A-F]{32}$/),
      start_datetime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
    })
  })

  it('tells of rows that were deleted, softly or not', async () => {
    const [soft, hard] = [await arrangeShift(api().owner), await arrangeShift(api().owner)]
    const copies = [
      await copyOf('company'),
      await copyOf('client'),
      await copyOf('guard'),
      await copyOf('admin'),
    ]
    const stranger = await copyOf('rival')
    expect((await api().as('company').delete(`/v1/shifts/${soft}`)).statusCode).toBe(204)
    await api().owner.query('delete from shifts where id = $1', [hard])
    for (const copy of copies) {
      await copy.catchUp()
      expect(copy.seen.removed.sort(), copy.who).toEqual([soft, hard].sort())
      expect(copy.has(soft) || copy.has(hard)).toBe(false)
    }
    await stranger.catchUp()
    expect(stranger.seen.removed).toEqual([])
  })

  it('tells guards of a shift that another one claimed, and the one who did so that it is theirs', async () => {
    const id = await arrangeShift(api().owner)
    const [mine, others, foreign] = [
      await copyOf('guard'),
      await copyOf('otherGuard'),
      await copyOf('foreignGuard'),
    ]
    expect((await api().as('guard').post(`/v1/shifts/${id}/claim`)).statusCode).toBe(200)
    await Promise.all([mine.catchUp(), others.catchUp(), foreign.catchUp()])
    expect(mine.rows.get(id)).toMatchObject({ status: 'assigned', professional_id: PROFESSIONALS.guard })
    expect(mine.seen.removed).toEqual([])
    expect(others.seen.removed).toEqual([id])
    expect(foreign.seen.removed).toEqual([])

    await setShift(id, "status = 'published'")
    await Promise.all([mine.catchUp(), others.catchUp()])
    expect(others.rows.get(id)).toMatchObject({ status: 'published', professional_id: null })
    expect(mine.rows.get(id)).toMatchObject({ status: 'published' })
    await setShift(id, "status = 'cancelled', cancel_reason = 'rain'")
    await Promise.all([mine.catchUp(), others.catchUp()])
    expect([mine.seen.removed, others.seen.removed]).toEqual([[id], [id]])
  })

  it('keeps a cancelled shift with the guard whose it was', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 48 })
    const [mine, others] = [await copyOf('guard'), await copyOf('otherGuard')]
    await setShift(id, "status = 'cancelled', cancel_reason = 'rain'")
    await Promise.all([mine.catchUp(), others.catchUp()])
    expect(mine.rows.get(id)).toMatchObject({ status: 'cancelled', cancel_reason: 'rain' })
    expect([mine.seen.removed, others.seen.removed]).toEqual([[], []])
    expect((await copyOf('guard')).has(id)).toBe(true)
  })

  it('brings a guard the briefing with the shift, and takes it back with it', async () => {
    const id = await arrangeShift(api().owner, { status: 'draft', startsInHours: 60 })
    const [briefing] = await api().owner.query<{ id: string }>(
      "insert into shift_briefings (shift_id, text) values ($1, 'The code is 4711.') returning id",
      [id],
    )
    const who = ['company', 'client', 'guard', 'otherGuard', 'rival', 'admin', 'foreignAdmin'] as const
    const copies = await Promise.all(who.map((persona) => copyOf(persona, 'shift_briefings')))
    const catchUp = async () => {
      await Promise.all(copies.map((copy) => copy.catchUp()))
      return {
        readers: copies.filter((copy) => copy.has(briefing!.id)).map((copy) => copy.who),
        left: copies.filter(({ seen }) => seen.removed.includes(briefing!.id)).map((copy) => copy.who),
      }
    }
    expect(await catchUp()).toEqual({ readers: ['company', 'admin'], left: [] })
    await setShift(id, "status = 'published'")
    expect(await catchUp()).toEqual({ readers: ['company', 'client', 'admin'], left: [] })
    await setShift(id, `status = 'assigned', professional_id = '${PROFESSIONALS.guard}'`)
    expect(await catchUp()).toEqual({ readers: ['company', 'client', 'guard', 'admin'], left: [] })
    await setShift(id, "status = 'published'")
    expect(await catchUp()).toEqual({ readers: ['company', 'client', 'admin'], left: ['guard'] })
    await setShift(id, `status = 'assigned', professional_id = '${PROFESSIONALS.otherGuard}'`)
    expect(await catchUp()).toEqual({ readers: ['company', 'client', 'otherGuard', 'admin'], left: [] })
    await setShift(id, "status = 'cancelled', cancel_reason = 'rain'")
    expect(await catchUp()).toEqual({ readers: ['company', 'client', 'admin'], left: ['otherGuard'] })
    await setShift(id, 'deleted_at = now()')
    expect(await catchUp()).toEqual({ readers: [], left: ['company', 'client', 'admin'] })
  })

  it('tells guards of an open shift that has begun, though nothing changed it', async () => {
    const id = await arrangeShift(api().owner, { startsInHours: 1 })
    const [guard, company] = [await copyOf('guard'), await copyOf('company')]
    expect(guard.has(id)).toBe(true)
    // An hour passes: as far as the rows and the watermark know.
    await api().owner.transaction(async (tx) => {
      await tx.query("set local session_replication_role = 'replica'")
      await tx.query(
        "update shifts set start_datetime = start_datetime - interval '1 hour 1 minute' where id = $1",
        [id],
      )
    })
    const watermark = JSON.parse(Buffer.from(guard.watermark!, 'base64url').toString())
    watermark.since = new Date(Date.parse(watermark.since) - 3_600_000).toISOString()
    guard.watermark = Buffer.from(JSON.stringify(watermark)).toString('base64url')
    await guard.catchUp()
    expect(guard.seen.removed).toContain(id)
    expect(guard.has(id)).toBe(false)
    await company.catchUp()
    expect(company.seen).toMatchObject({ removed: [] })
    expect(company.has(id)).toBe(true)
  })

  it('tells guards of an open shift whose beginning was moved into the past', async () => {
    const id = await arrangeShift(api().owner, { startsInHours: 1 })
    const guard = await copyOf('guard')
    await setShift(id, "start_datetime = now() - interval '2 hours'")
    await guard.catchUp()
    expect(guard.seen.removed).toEqual([id])
  })

  it('tells the former client of a shift that moved to another', async () => {
    const id = await arrangeShift(api().owner)
    const [former, company] = [await copyOf('client'), await copyOf('company')]
    await setShift(id, `location_id = '${LOCATIONS.office}'`)
    await Promise.all([former.catchUp(), company.catchUp()])
    expect(former.seen.removed).toEqual([id])
    expect(company.rows.get(id)).toMatchObject({ location_id: LOCATIONS.office })
  })

  it('follows the other tables too', async () => {
    const id = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 24 })
    const tables = ['incidents', 'finqle_transactions', 'notifications', 'gps_checkins'] as const
    const copies = await Promise.all(tables.map((table) => copyOf('guard', table)))
    const [incident] = await api().owner.query<{ id: string }>(
      `insert into incidents (shift_id, reported_by, category, severity, description, occurred_at)
       values ($1, $2, 'theft', 'low', 'A bicycle', now()) returning id`,
      [id, USERS.guard],
    )
    await api().owner.query('update notifications set read_at = now() where user_id = $1', [USERS.guard])
    await Promise.all(copies.map((copy) => copy.catchUp()))
    const [incidents, transactions, notifications, checkins] = copies
    expect(incidents!.seen.items).toEqual([incident!.id])
    expect([...transactions!.rows.values()].map(({ shift_id }) => shift_id)).toContain(id)
    expect(notifications!.seen.items.length).toBeGreaterThan(0)
    expect([...notifications!.rows.values()].every(({ read_at }) => read_at !== null)).toBe(true)
    expect(checkins!.rows.size).toBe(0)
    await api().owner.query('update incidents set deleted_at = now() where id = $1', [incident!.id])
    await incidents!.catchUp()
    expect(incidents!.seen.removed).toEqual([incident!.id])
  })

  it('starts from scratch for a caller whose role has changed, and for a watermark of another history', async () => {
    const copy = await copyOf('colleague')
    await api().owner.query("update users set role = 'admin', organization_id = null where id = $1", [
      USERS.colleague,
    ])
    await copy.catchUp()
    expect(copy.seen.resets).toBe(1)
    await copy.catchUp()
    expect(copy.seen.resets).toBe(0)
    for (const change of [{ history: 'x' }, { since: '2020-01-01T00:00:00Z' }]) {
      const watermark = JSON.parse(Buffer.from(copy.watermark!, 'base64url').toString())
      copy.watermark = Buffer.from(JSON.stringify({ ...watermark, ...change })).toString('base64url')
      await copy.catchUp()
      expect(copy.seen.resets).toBe(1)
    }
  })

  it('gives only a watermark for `now`', async () => {
    const copy = await copyOf('company')
    const { items, removed, reset, complete, next } = await page('company', 'shifts', { after: 'now' })
    expect({ items, removed, reset, complete }).toEqual({
      items: [],
      removed: [],
      reset: false,
      complete: true,
    })
    const id = await arrangeShift(api().owner)
    copy.watermark = next
    await copy.catchUp()
    expect(copy.seen).toMatchObject({ items: [id], removed: [], resets: 0 })
  })

  it('refuses an invalid watermark and an unknown table', async () => {
    for (const after of ['x', 'e30', Buffer.from('{"now":false}').toString('base64url')]) {
      expectProblem(await api().as('company').get(`/v1/sync/shifts?after=${after}`), 'cursor_invalid')
    }
    for (const xid of ['18446744073709551616', '-1', '1e3']) {
      const after = Buffer.from(
        JSON.stringify({ history: 'x', scope: 'x', since: '2026-01-01T00:00:00Z', after: xid }),
      ).toString('base64url')
      expectProblem(await api().as('company').get(`/v1/sync/shifts?after=${after}`), 'cursor_invalid')
    }
    expectProblem(await api().as('company').get('/v1/sync/users'), 'validation_failed')
    expectProblem(await api().as(null).get('/v1/sync/shifts'), 'unauthenticated')
  })
})

describe('pages', () => {
  let ids: string[]

  beforeAll(async () => {
    ids = []
    for (let n = 0; n < 7; n += 1) ids.push(await arrangeShift(api().owner, { location: LOCATIONS.office }))
    await api().owner.query("update shifts set title = 'Together' where id = any ($1::uuid[])", [
      `{${ids.slice(0, 5).join(',')}}`,
    ])
  })

  it.each([1, 2, 3, 100])('of %i give every row once, also many of one transaction', async (limit) => {
    const copy = await Copy.begin('company', 'shifts')
    await copy.catchUp(limit)
    expect(copy.seen.items).toHaveLength(new Set(copy.seen.items).size)
    expect(copy.seen.resets).toBe(1)
    expect([...copy.rows.keys()]).toEqual(expect.arrayContaining(ids))
    expect(copy.seen.pages).toBeGreaterThanOrEqual(copy.rows.size / limit)
  })

  it.each([1, 2, 3])(
    'of %i tell of each row that left the view, also of many in one transaction',
    async (limit) => {
      const gone: string[] = []
      for (let n = 0; n < 5; n += 1)
        gone.push(await arrangeShift(api().owner, { location: LOCATIONS.office }))
      const copy = await Copy.begin('company', 'shifts')
      await copy.catchUp()
      expect([...copy.rows.keys()]).toEqual(expect.arrayContaining(gone))
      await api().owner.query('update shifts set deleted_at = now() where id = any ($1::uuid[])', [
        `{${gone.join(',')}}`,
      ])
      await copy.catchUp(limit)
      expect(gone.filter((id) => copy.rows.has(id))).toEqual([])
    },
  )

  it('end, whatever is written meanwhile, and nothing of that is missed', async () => {
    const copy = await Copy.begin('company', 'shifts')
    let pages = 0
    for (;;) {
      const answer = await page('company', 'shifts', {
        limit: 2,
        ...(copy.watermark !== undefined && { after: copy.watermark }),
      })
      for (const item of answer.items) copy.rows.set(item.id, item)
      copy.watermark = answer.next
      pages += 1
      // Whatever was read, and whatever was not read yet, changes between two pages.
      await setShift(ids[0]!, `title = 'Page ${pages}'`)
      await setShift(ids[6]!, `title = 'Page ${pages}'`)
      if (answer.complete) break
      expect(pages).toBeLessThan(100)
    }
    await copy.catchUp()
    expect(copy.rows.get(ids[0]!)).toMatchObject({ title: `Page ${pages}` })
    expect(copy.rows.get(ids[6]!)).toMatchObject({ title: `Page ${pages}` })
  })
})

/* What `pg_restore` leaves in a cluster that has had fewer transactions than the one of the dump. */
describe('rows of transactions that this cluster has not had yet', () => {
  const FUTURE = '9000000000000'
  let ids: string[]

  /** As a restore does it: no trigger stamps the row. */
  const plant = async (table: string, condition: string): Promise<void> => {
    await api().owner.script(`
      alter table ${table} disable trigger user;
      update ${table} set changed_xid = '${FUTURE}' where ${condition};
      alter table ${table} enable trigger user;
    `)
  }

  beforeAll(async () => {
    ids = []
    for (let n = 0; n < 5; n += 1) ids.push(await arrangeShift(api().owner))
    await plant('shifts', `id in (${ids.map((id) => `'${id}'`).join(', ')})`)
    await api().owner.query(
      "insert into muster.departed_rows (relation, row_id, audience, changed_xid) values ('shifts', $1, '{}', $2::text::xid8)",
      [ids[0]!, FUTURE],
    )
  })

  const tablesFromFuture = async () => {
    const [row] = await asService(api().owner, (tx) =>
      tx.query<{ tables: string }>('select to_json(muster.tables_from_future())::text as tables'),
    )
    return JSON.parse(row!.tables)
  }

  it('are in every answer, over as many pages as it takes', async () => {
    const copy = await Copy.begin('company', 'shifts')
    await copy.catchUp(2)
    expect([...copy.rows.keys()]).toEqual(expect.arrayContaining(ids))
    // What was written before the restore and what is written after it are not told apart.
    const answer = await page('company', 'shifts', { after: copy.watermark! })
    expect(answer.items.map(({ id }) => id)).toEqual(expect.arrayContaining(ids))
    expect(answer.complete).toBe(true)
  })

  it('are found, and brought into the time of this cluster; every client starts anew', async () => {
    const read = () =>
      api().owner.query<{ id: string }>(
        `select to_jsonb(r) - 'changed_xid' as row from shifts r where id in (${ids.map((id) => `'${id}'`).join(', ')}) order by id`,
      )
    expect(await tablesFromFuture()).toEqual(['shifts'])
    const before = await read()
    const { next: old } = await page('company', 'shifts', { after: 'now' })

    const [done] = await api().owner.query<{ adopted: string }>('select muster.begin_history() as adopted')
    expect(Number(done!.adopted)).toBe(ids.length)

    expect(await tablesFromFuture()).toEqual([])
    expect(await read()).toEqual(before)
    expect(await api().owner.query('select from muster.departed_rows')).toEqual([])
    const anew = await page('company', 'shifts', { after: old })
    expect(anew.reset).toBe(true)
    expect(anew.items.map(({ id }) => id)).toEqual(expect.arrayContaining(ids))

    // The rules stand again: forced row level security, and the stamp.
    const unforced = await api().owner.query(
      `select relname from pg_class
       where relnamespace in ('public'::regnamespace, 'muster'::regnamespace) and relrowsecurity and not relforcerowsecurity`,
    )
    expect(unforced).toEqual([])
    await setShift(ids[0]!, "title = 'After the restore'")
    const changed = await page('company', 'shifts', { after: anew.next })
    expect(changed.items.map(({ id }) => id)).toContain(ids[0])
  })
})

describe('the groups that see a row', () => {
  it('are those to whom the policies show it', async () => {
    // On a day of their own: the guard may have one of another test at any other time.
    for (const status of ['draft', 'published', 'assigned'] as const)
      await arrangeShift(api().owner, { status, startsInHours: 72 })
    await arrangeShift(api().owner, { status: 'published', startsInHours: -1 })
    const cancelled = await arrangeShift(api().owner, { status: 'assigned', startsInHours: 96 })
    await setShift(cancelled, "status = 'cancelled', cancel_reason = 'rain'")
    await api().owner.query(
      "insert into shift_briefings (shift_id, text) select id, 'Ring.' from shifts on conflict do nothing",
    )
    for (const table of PUBLISHED_TABLES) {
      for (const who of Object.keys(USERS) as Persona[]) {
        const claims = JSON.stringify({ sub: USERS[who], role: 'authenticated' })
        const [difference] = await api().owner.transaction(async (tx) => {
          await tx.query("select set_config('request.jwt.claims', $1, true)", [claims])
          const [mine] = await tx.query<{ groups: string }>('select muster.caller_audience()::text as groups')
          const noted = await tx.query<{ id: string }>(
            `select id from ${table} r where muster.audience('${table}', to_jsonb(r), now()) && $1::text[] order by id`,
            [mine!.groups],
          )
          await tx.query("select set_config('role', 'authenticated', true)")
          const seen = await tx.query<{ id: string }>(`select id from ${table} order by id`)
          return [{ who, table, noted, seen }]
        })
        expect(difference).toEqual({ ...difference, noted: difference!.seen })
      }
    }
  })
})
