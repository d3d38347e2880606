import { expect, it } from 'vitest'
import { beginText } from '../../src/platform/db/engine/server.ts'
import { loginAt } from '../../src/platform/db/logins.ts'

it('a transaction of one’s own session brings nothing along', () => {
  expect(beginText(false)).toBe('begin')
  expect(beginText(true)).toBe('begin read only')
})

it('one of a lent session brings its settings, and its isolation', () => {
  expect(beginText(true, { lock_timeout: '5' })).toBe(
    "begin isolation level read committed read only; select set_config('timezone', 'UTC', true), " +
      "set_config('search_path', 'public, extensions', true), set_config('lock_timeout', '5', true)",
  )
})

it('values are literals', () => {
  expect(beginText(false, { jit: "o'ff" })).toContain("set_config('jit', 'o''ff', true)")
})

it('of another address, host, port, database and parameters count, and never the user', () => {
  const login = 'postgres://muster_api:secret@db:5432/muster?application_name=x'
  expect(loginAt('postgres://pgbouncer:6432', login)).toBe(
    'postgres://muster_api:secret@pgbouncer:6432/muster',
  )
  expect(loginAt('postgres://owner:pw@replica/other?sslmode=require', login)).toBe(
    'postgres://muster_api:secret@replica:5432/other?sslmode=require',
  )
})
