import { describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'
import { outcomeOf } from './attack.ts'

const database = useTestDatabase()

const TABLES = [
  'users',
  'sessions',
  'spent_tokens',
  'accounts',
  'verifications',
  'two_factors',
  'passkeys',
  'keys',
]

describe.each(['anon', 'authenticated', 'service_role', 'muster_jobs', 'muster_api', 'muster_worker'])(
  '%s',
  (role) => {
    it.each(TABLES)('reads and writes nothing of sign_in.%s', async (table) => {
      for (const statement of [
        `select count(*) from sign_in.${table}`,
        `delete from sign_in.${table}`,
        `insert into sign_in.${table} default values`,
      ]) {
        const outcome = outcomeOf(
          database().owner.transaction(async (tx) => {
            await tx.query("select set_config('role', $1, true)", [role])
            await tx.query(statement)
          }),
        )
        expect({ statement, outcome: await outcome }).toEqual({ statement, outcome: '42501' })
      }
    })
  },
)

describe('muster_signin', () => {
  it('reads nothing but its own schema', async () => {
    const tables = await database().owner.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where c.relkind in ('r', 'p', 'm', 'v') and c.relnamespace::regnamespace::text in ('public', 'muster', 'realtime', 'drizzle')
         and (has_table_privilege('muster_signin', c.oid, 'select, insert, update, delete, truncate')
           or has_any_column_privilege('muster_signin', c.oid, 'select, insert, update'))
         and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e')`,
    )
    expect(tables).toEqual([])
  })
})
