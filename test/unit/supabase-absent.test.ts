import { createClient } from '@supabase/supabase-js'
import Fastify from 'fastify'
import { createClient as createOldClient } from 'supabase-js-2.39'
import { createClient as createNextClient } from 'supabase-js-3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { supabaseAbsent } from '../../src/platform/http/supabase-absent.ts'

/* Clients of Supabase are told by their own error types what is not here: nothing of it looks like success, or is empty. */

const app = Fastify()
let url: string
beforeAll(async () => {
  await app.register(supabaseAbsent)
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

const OPTIONS = { auth: { persistSession: false, autoRefreshToken: false } }
const CLIENTS = {
  '2.109': () => createClient(url, 'key', OPTIONS),
  '2.39': () => createOldClient(url, 'key', OPTIONS),
  '3': () => createNextClient(url, 'key', OPTIONS),
}

describe.each(Object.entries(CLIENTS))('supabase-js %s', (_version, open) => {
  const client = () => open() as ReturnType<(typeof CLIENTS)['2.109']>

  test('from() and rpc() are refused with a sentence', async () => {
    for (const asked of [
      client().from('shifts').select(),
      client().from('shifts').select().single(),
      client().from('shifts').insert({ title: 'x' }),
      client().from('shifts').delete().eq('id', 1),
      client().rpc('claim', { id: 1 }),
    ]) {
      const { data, error, status } = await asked
      expect([data, status]).toEqual([null, 501])
      expect(error).toMatchObject({ code: 'not_implemented', message: expect.stringContaining('/docs') })
    }
  })

  test('head: true is no success', async () => {
    const { error, status, count } = await client().from('shifts').select('*', { head: true, count: 'exact' })
    expect([status, count]).toEqual([501, null])
    expect(error).not.toBeNull()
  })

  test('auth is refused with a sentence', async () => {
    const signedIn = await client().auth.signInWithPassword({ email: 'a@example.com', password: 'x' })
    expect(signedIn.error).toMatchObject({ status: 404, message: expect.stringContaining('/docs') })
    expect(signedIn.data.session).toBeNull()
  })

  test('storage is refused with a sentence', async () => {
    const files = client().storage.from('photos')
    const listed = await files.list()
    expect(listed).toMatchObject({ data: null, error: { message: expect.stringContaining('/docs') } })
    const sent = await files.upload('a.txt', new Blob(['text']))
    expect(sent).toMatchObject({ data: null, error: { message: expect.stringContaining('/docs') } })
  })
})

test('no other path is touched', async () => {
  for (const path of ['/rest/v10', '/rest', '/auth/v2/token', '/realtime/v1/websocket']) {
    expect([path, (await app.inject({ url: path })).statusCode]).toEqual([path, 404])
  }
})
