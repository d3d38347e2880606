import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { sql } from '../../src/platform/db/drizzle.ts'
import {
  type Database,
  DatabaseBusy,
  type Transaction,
  TransactionEnded,
} from '../../src/platform/db/engine/database.ts'
import { openSessions, type Session } from '../../src/platform/db/session.ts'
import { openApiLogin } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { buildWorld, callerOf, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
const owner = (): Database => prepared().owner
/** As the service reaches it. */
let api: Database

beforeAll(async () => {
  await buildWorld(owner())
  await owner().script(`
    create table public.marks (of text primary key, unique (of) deferrable initially deferred);
    grant select, insert on public.marks to public;
    create function public.refuse(sqlstate text) returns integer language plpgsql as $$
      begin raise exception 'refused' using errcode = sqlstate; end
    $$;
    grant execute on function public.refuse(text) to authenticated;
  `)
  api = await openApiLogin(prepared(), readConfig({ DATABASE_POOL_SIZE: '2' }))
})
afterAll(async () => {
  if (api !== owner()) await api.close()
})
beforeEach(() => owner().script('truncate public.marks'))

const mark = (tx: Transaction, name: string): Promise<unknown> =>
  tx.query('insert into marks values ($1)', [name])
const marks = async (): Promise<unknown[]> =>
  (await owner().query('select of from marks order by of')).map((row) => row.of)
const DUPLICATE = { code: '23505' }

describe('a transaction', () => {
  test('is committed when its work resolves, with its value', async () => {
    const value = await api.transaction(async (tx) => {
      await mark(tx, 'a')
      return 'done'
    })
    expect(value).toBe('done')
    expect(await marks()).toEqual(['a'])
  })

  test('is rolled back when its work throws', async () => {
    const error = new Error('no')
    const ended = api.transaction(async (tx) => {
      await mark(tx, 'a')
      throw error
    })
    await expect(ended).rejects.toBe(error)
    const thrownAtOnce = api.transaction(() => {
      throw error
    })
    await expect(thrownAtOnce).rejects.toBe(error)
    expect(await marks()).toEqual([])
  })

  test('may do nothing at all', async () => {
    expect(await api.transaction(async () => 'nothing')).toBe('nothing')
  })

  test('rejects when its work kept the failure of a statement to itself: nothing was committed', async () => {
    const swallows = api.transaction(async (tx) => {
      await mark(tx, 'a')
      await mark(tx, 'a').catch(() => {})
      return 'all is well'
    })
    await expect(swallows).rejects.toMatchObject(DUPLICATE)
    const goesOn = api.transaction(async (tx) => {
      await mark(tx, 'b')
      await tx.query('select 1 / $1::int', [0]).catch(() => {})
      await mark(tx, 'c').catch((error) => expect(error).toMatchObject({ code: '25P02' }))
    })
    await expect(goesOn).rejects.toMatchObject({ code: '22012' })
    const trips = api.transaction(async (tx) => {
      await tx.query('select 1 / $1::int', [0]).catch(() => {})
      await mark(tx, 'd')
    })
    await expect(trips).rejects.toMatchObject({ code: '22012' })
    expect(await marks()).toEqual([])
  })

  test('is committed when its work went back to a savepoint', async () => {
    await api.transaction(async (tx) => {
      await mark(tx, 'a')
      await tx.query('savepoint here')
      await mark(tx, 'a').catch(() => tx.query('rollback to savepoint here'))
      await mark(tx, 'b')
    })
    expect(await marks()).toEqual(['a', 'b'])
  })

  test('rejects when a deferred constraint refuses its commit, and the connection stays usable', async () => {
    await owner().script('alter table public.marks drop constraint marks_pkey')
    const ended = api.transaction(async (tx) => {
      await mark(tx, 'a')
      await mark(tx, 'a')
      return 'all is well'
    })
    await expect(ended).rejects.toMatchObject(DUPLICATE)
    await owner().script('alter table public.marks add primary key (of)')
    expect(await marks()).toEqual([])
    await Promise.all([1, 2, 3].map((n) => api.transaction((tx) => mark(tx, `${n}`))))
    expect(await marks()).toEqual(['1', '2', '3'])
  })

  test('runs statements one after the other, in the order in which they were asked for', async () => {
    const read = await api.transaction(async (tx) => {
      const [, counted, , again] = await Promise.all([
        mark(tx, 'a'),
        tx.query('select count(*)::int as n from marks'),
        mark(tx, 'b'),
        tx.query('select count(*)::int as n from marks where $1', [true]),
      ])
      return [counted, again]
    })
    expect(read).toEqual([[{ n: 1 }], [{ n: 2 }]])
  })

  test('includes the statements that its work did not wait for', async () => {
    await api.transaction(async (tx) => {
      void mark(tx, 'a')
      void mark(tx, 'b')
    })
    expect(await marks()).toEqual(['a', 'b'])
    const ended = api.transaction(async (tx) => {
      void mark(tx, 'c')
      void mark(tx, 'c')
      void mark(tx, 'd')
      return 'all is well'
    })
    await expect(ended).rejects.toMatchObject(DUPLICATE)
    expect(await marks()).toEqual(['a', 'b'])
  })

  test('sends nothing of what is queued when its work throws', async () => {
    const queued: Promise<unknown>[] = []
    const ended = api.transaction(async (tx) => {
      queued.push(mark(tx, 'a'), mark(tx, 'b'))
      throw new Error('no')
    })
    await expect(ended).rejects.toThrow('no')
    const [, second] = await Promise.allSettled(queued)
    expect(second).toEqual({ status: 'rejected', reason: expect.any(TransactionEnded) })
    expect(await marks()).toEqual([])
  })

  test('has a handle that is dead after its end', async () => {
    const handles: Transaction[] = []
    await api.transaction(async (tx) => {
      handles.push(tx)
      await mark(tx, 'a')
    })
    await api
      .transaction(async (tx) => {
        handles.push(tx)
        throw new Error('no')
      })
      .catch(() => {})
    for (const tx of handles) await expect(mark(tx, 'late')).rejects.toThrow(TransactionEnded)
    expect(await marks()).toEqual(['a'])
  })

  test('leaves it to PostgreSQL whether a parameter is a date, or a boolean', async () => {
    const tell = (type: string, value: string | number | boolean): Promise<unknown> =>
      api.query(`select $1::${type} is not null as told`, [value])
    for (const value of [0, 1e308]) {
      await expect(tell('timestamptz', value)).rejects.toMatchObject({ code: expect.stringMatching(/^22/) })
    }
    await expect(tell('boolean', 'perhaps')).rejects.toMatchObject({ code: '22P02' })
    expect(await tell('boolean', true)).toEqual([{ told: true }])
    expect(await tell('boolean', 'false')).toEqual([{ told: true }])
    expect(await tell('timestamptz', '2026-03-28T22:00:00Z')).toEqual([{ told: true }])
    expect(await tell('timestamptz', 'infinity')).toEqual([{ told: true }])
  })

  test('refuses writes when it is read-only', async () => {
    await expect(api.transaction((tx) => mark(tx, 'a'), { readOnly: true })).rejects.toMatchObject({
      code: '25006',
    })
    await api.transaction((tx) => mark(tx, 'b'))
    expect(await marks()).toEqual(['b'])
  })

  test('is not begun with a signal that is aborted already', async () => {
    const work = vi.fn()
    const reason = new Error('too late')
    await expect(api.transaction(work, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(work).not.toHaveBeenCalled()
  })

  test('ends when its signal is aborted, whatever its work waits for', async () => {
    const stop = new AbortController()
    const reason = new Error('stop')
    let handle: Transaction | undefined
    const ended = api.transaction(
      async (tx) => {
        handle = tx
        await mark(tx, 'a')
        stop.abort(reason)
        await new Promise(() => {})
      },
      { signal: stop.signal },
    )
    await expect(ended).rejects.toBe(reason)
    await expect(mark(handle!, 'late')).rejects.toThrow(TransactionEnded)
    expect(await marks()).toEqual([])
  })

  test('refuses those who wait when too many do, and serves the others', async () => {
    const mayEnd = Promise.withResolvers<void>()
    const holders = [1, 2].map(() => api.transaction(() => mayEnd.promise))
    const holding = api === owner() ? 1 : 2
    const waiting = Array.from({ length: 1_000 - (2 - holding) }, (_, n) =>
      api.query<{ n: number }>('select $1::int as n', [n]),
    )
    await expect(api.query('select 1')).rejects.toThrow(DatabaseBusy)
    mayEnd.resolve()
    await Promise.all(holders)
    expect((await Promise.all(waiting)).map(([row]) => row?.n)).toEqual(waiting.map((_, n) => n))
  })
})

describe('a session', () => {
  const guard = callerOf('guard')
  const identity = (session: Session): Promise<unknown> =>
    session.row(sql`
      select muster.user_id() as user_id, current_user::text as role, auth.jwt() ->> 'email' as email,
        (select json_agg(id) from users) as users`)
  const asGuard = {
    user_id: USERS.guard,
    role: 'authenticated',
    email: 'guard@example.com',
    users: [USERS.guard],
  }

  test('is its caller, and so is nothing after it', async () => {
    const sessions = openSessions(api)
    const look = (): Promise<unknown> =>
      api.query(
        "select current_user::text as role, nullif(current_setting('request.jwt.claims', true), '') as claims",
      )
    const [before] = (await look()) as { role: string }[]
    expect(before?.role).not.toBe('authenticated')
    for (let round = 0; round < 3; round += 1) {
      expect(await sessions.read(guard, identity)).toEqual(asGuard)
      expect(await identity(sessions.statements(guard))).toEqual(asGuard)
      expect(await sessions.write(guard, identity)).toEqual(asGuard)
      await sessions.read(guard, () => Promise.reject(new Error('no'))).catch(() => {})
      await sessions
        .statements(guard)
        .value(sql`select public.refuse('P0001')`)
        .catch(() => {})
      await sessions
        .write(guard, (session) => session.value(sql`select public.refuse('P0001')`))
        .catch(() => {})
      expect(await look()).toEqual([{ role: before?.role, claims: null }])
    }
  })

  test('reads and does not write', async () => {
    const sessions = openSessions(api)
    const write = (session: Session): Promise<unknown> =>
      session.rows(sql`insert into marks values ('a') returning of`)
    await expect(sessions.read(guard, write)).rejects.toMatchObject({ code: '25006' })
    expect(await sessions.write(guard, write)).toEqual([{ of: 'a' }])
  })

  test('fails before any statement when the role cannot be set', async () => {
    const sessions = openSessions(api)
    const nobody = { ...guard, role: 'no_such_role' as typeof guard.role }
    const write = (session: Session): Promise<unknown> =>
      session.rows(sql`insert into marks values ('a') returning of`)
    await expect(sessions.write(nobody, write)).rejects.toMatchObject({ code: '22023' })
    await expect(identity(sessions.statements(nobody))).rejects.toMatchObject({ code: '22023' })
    expect(await marks()).toEqual([])
    expect(await sessions.write(guard, write)).toEqual([{ of: 'a' }])
  })

  test('of a single statement takes no second one', async () => {
    const second = api.transaction(
      async (tx) => {
        expect(await tx.query('select 1 as one')).toEqual([{ one: 1 }])
        return tx.query('select 2')
      },
      { readOnly: true, single: true },
    )
    await expect(second).rejects.toThrow(TransactionEnded)
    const write = openSessions(api).statements(guard).rows(sql`insert into marks values ('a') returning of`)
    await expect(write).rejects.toMatchObject({ code: '25006' })
    expect(await marks()).toEqual([])
  })

  test('of a single statement rejects when its work kept the failure to itself', async () => {
    const swallows = api.transaction(
      async (tx) => tx.query("select public.refuse('P0001')").catch(() => 'all is well'),
      { readOnly: true, single: true },
    )
    await expect(swallows).rejects.toMatchObject({ code: 'P0001' })
  })

  test.each(['40001', '40P01'])('tries again after %s, three times and no more', async (sqlstate) => {
    const sessions = openSessions(api)
    const fails = vi.fn((session: Session) => session.value(sql`select public.refuse(${sqlstate})`))
    await expect(sessions.write(guard, fails)).rejects.toMatchObject({ code: sqlstate })
    expect(fails).toHaveBeenCalledTimes(3)
    await expect(sessions.read(guard, fails)).rejects.toMatchObject({ code: sqlstate })
    expect(fails).toHaveBeenCalledTimes(4)
  })

  test('that is tried again keeps nothing of the first time', async () => {
    const sessions = openSessions(api)
    let attempts = 0
    await sessions.write(guard, async (session) => {
      attempts += 1
      await session.rows(sql`insert into marks values (${`attempt ${attempts}`}) returning of`)
      if (attempts === 1) await session.value(sql`select public.refuse('40P01')`)
    })
    expect(await marks()).toEqual(['attempt 2'])
  })

  test('is tried again when the work kept the deadlock to itself', async () => {
    const sessions = openSessions(api)
    let attempts = 0
    const outcome = await sessions.write(guard, async (session) => {
      attempts += 1
      if (attempts > 1) return 'done'
      return session.value(sql`select public.refuse('40P01')`).catch(() => 'swallowed')
    })
    expect(outcome).toBe('done')
  })

  test.each(['P0001', '23505', '55P03', '57014'])('is not tried again after %s', async (sqlstate) => {
    const sessions = openSessions(api)
    const fails = vi.fn((session: Session) => session.value(sql`select public.refuse(${sqlstate})`))
    await expect(sessions.write(guard, fails)).rejects.toMatchObject({ code: sqlstate })
    expect(fails).toHaveBeenCalledTimes(1)
  })

  test('backs off with jitter before each retry', async () => {
    const sessions = openSessions(api)
    const pausesMs: number[] = []
    for (let round = 0; round < 5; round += 1) {
      let last = performance.now()
      await sessions
        .write(guard, (session) => {
          pausesMs.push(performance.now() - last)
          return session.value(sql`select public.refuse('40P01')`).finally(() => {
            last = performance.now()
          })
        })
        .catch(() => {})
    }
    const between = pausesMs.filter((_, n) => n % 3 !== 0)
    expect(Math.min(...between)).toBeGreaterThanOrEqual(9)
    expect(new Set(between.map(Math.round)).size).toBeGreaterThan(1)
  })
})
