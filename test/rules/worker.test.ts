import { describe, expect, it } from 'vitest'
import { forgetDepartedRows, forgetIdempotencyKeys, runWorker } from '../../src/platform/jobs/worker.ts'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()

describe('background work', () => {
  it('forgets answers after a day, and not before', async () => {
    const { owner } = database()
    await owner.query(`
      insert into muster.idempotency_keys (user_id, key, request_hash, response_body, created_at) values
        ('a0000000-0000-7000-8000-000000000001', 'old', 'x', '{}', now() - interval '25 hours'),
        ('a0000000-0000-7000-8000-000000000001', 'new', 'x', '{}', now() - interval '23 hours')
    `)
    await owner.query(`
      insert into muster.idempotency_usage (user_id, day, keys, bytes)
      select 'a0000000-0000-7000-8000-000000000001', (now() at time zone 'UTC')::date - ago, ago, 0 from generate_series(0, 3) as ago
    `)
    expect(await forgetIdempotencyKeys(owner)).toBe(1)
    expect(await owner.query('select key from muster.idempotency_keys')).toEqual([{ key: 'new' }])
    expect(await owner.query('select keys from muster.idempotency_usage order by keys')).toEqual([
      { keys: 0 },
      { keys: 1 },
    ])
  })

  it('forgets departed rows when no watermark asks for them any more, and not before', async () => {
    const { owner } = database()
    await owner.query(`
      insert into muster.departed_rows (relation, row_id, audience, departed_at) values
        ('shifts', 'a0000000-0000-7000-8000-000000000001', '{}', now() - interval '32 days'),
        ('shifts', 'a0000000-0000-7000-8000-000000000002', '{}', now() - interval '30 days')
    `)
    expect(await forgetDepartedRows(owner)).toBe(1)
    expect(await owner.query('select row_id from muster.departed_rows')).toEqual([
      { row_id: 'a0000000-0000-7000-8000-000000000002' },
    ])
  })

  it('goes on after a failure, and ends when it is told to', async () => {
    const lines: string[] = []
    const log = {
      info: (_: object, line: string) => lines.push(line),
      warn: (_: object, line: string) => lines.push(line),
    }
    const stop = new AbortController()
    const broken = {
      ...database().owner,
      transaction: () => {
        stop.abort()
        return Promise.reject(new Error('no database'))
      },
    }
    await runWorker(broken, log, stop.signal)
    expect(lines).toEqual(['background worker: the cleanup failed; retrying with backoff'])
  })
})
