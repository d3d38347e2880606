import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins, LOGINS, type LoginName } from '../../src/platform/db/logins.ts'
import { CERTIFICATE_ROWS } from '../resources/certificates.ts'
import { useTestDatabase } from '../support/database.ts'
import { type AccessPersona, buildAccessWorld, PROFESSIONAL_ROWS, SHIFT_ROWS } from './access-world.ts'
import { attackWith, outcomeOf, takeOn } from './attack.ts'
import { PRIVILEGES, REPORTS } from './privileges.ts'

/*
 * As attacks.test.ts, and worse: any SQL in a session of the service itself, in which the attacker can leave the caller's role. The
 * login is then all there is. On the embedded engine it is a superuser; here it is a member of `muster_api`, over a real connection.
 */

const database = useTestDatabase()
const NAMES = Object.keys(LOGINS) as LoginName[]
const logins = {} as Record<LoginName, Database>
/** The login of each on this database. */
const roles = {} as Record<LoginName, string>

beforeAll(async () => {
  const { owner, ownerUrl } = database()
  await buildAccessWorld(owner)
  const urls = await enableLogins(owner, ownerUrl!)
  for (const name of NAMES) {
    roles[name] = new URL(urls[name]).username
    logins[name] = openServer({ url: urls[name], max: 1 })
  }
})

afterAll(() => Promise.all(Object.values(logins).map((login) => login.close())))

/** Runs statements as a login, before it has become anybody, and undoes them. */
function bare(login: LoginName, ...statements: string[]): Promise<string> {
  return outcomeOf(
    logins[login].transaction(async (tx) => {
      for (const statement of statements) await tx.query(statement)
      await tx.query('select 1 / 0')
    }),
  )
}

/** division_by_zero: the end of what `bare` was given. */
const DONE = '22012'

/** The roles that each login can act as, beside itself. */
const CAN_BECOME = {
  api: ['anon', 'authenticated', 'muster_api'],
  worker: ['muster_jobs', 'muster_worker', 'service_role'],
  jobs: ['muster_jobs'],
  replicator: ['muster_replicator'],
}

const everyRole = async (): Promise<string[]> => {
  const rows = await database().owner.query<{ name: string }>(
    `select rolname as name from pg_roles
     where rolname ~ '^(muster_[a-z]+$|anon$|authenticated$|service_role$)' or rolsuper or rolname in ('pg_read_all_data', '${Object.values(roles).join("', '")}')`,
  )
  return rows.map(({ name }) => name)
}

describe('a login becomes', () => {
  it.each(Object.entries(CAN_BECOME))('as %s only %j and itself', async (name, others) => {
    const login = name as LoginName
    const expected = [...others, roles[login]].sort()
    const known = await everyRole()
    expect(known.length).toBeGreaterThan(10)
    const ways: Record<string, (role: string) => string[]> = {
      'set role': (role) => [`set local role ${role}`],
      set_config: (role) => [`select set_config('role', '${role}', true)`],
      'set role, from a role that it may become': (role) => [
        `set local role ${expected[0]}`,
        'reset role',
        `set local role ${role}`,
      ],
    }
    for (const [way, statements] of Object.entries(ways)) {
      const became = []
      for (const role of known) if ((await bare(login, ...statements(role))) === DONE) became.push(role)
      expect({ way, became: became.sort() }).toEqual({ way, became: expected })
    }
    // Only oneself: what the login is was decided when it came in.
    const sessions = []
    for (const role of known)
      if ((await bare(login, `set local session authorization ${role}`)) === DONE) sessions.push(role)
    expect(sessions).toEqual([roles[login]])
  })

  it('nobody else by granting it', async () => {
    for (const login of NAMES) {
      for (const role of (await everyRole()).filter((name) => name !== roles[login]))
        expect(await bare(login, `grant ${role} to ${roles[login]}`)).toBe('42501')
      for (const change of ['createrole', 'bypassrls', 'superuser'])
        expect(await bare(login, `alter role ${roles[login]} ${change}`)).toBe('42501')
    }
  })
})

describe('the login of the service', () => {
  const reports: readonly string[] = REPORTS
  const TABLES = Object.keys(PRIVILEGES.tables).filter(
    (name) => !/(numbers|_seq)$/.test(name) && !reports.includes(name),
  )

  it.each(REPORTS)('reads nothing of the report %s', async (report) => {
    expect(await bare('api', `select count(*) from ${report}`)).toBe('42501')
  })

  it.each(TABLES)('reads and writes nothing of %s', async (table) => {
    expect(await bare('api', `select count(*) from ${table}`)).toBe('42501')
    expect(await bare('api', `delete from ${table}`)).toBe('42501')
    expect(await bare('api', `truncate ${table}`)).toBe('42501')
    expect(await bare('api', `copy ${table} to stdout`)).toBe('42501')
    if (table !== 'realtime.messages')
      expect(await bare('api', `insert into ${table} default values`)).toBe('42501')
  })

  it.each(['public', 'muster', 'auth', 'realtime', 'extensions', 'drizzle'])(
    'makes nothing in schema %s',
    async (schema) => {
      expect(await bare('api', `create table ${schema}.mine ()`)).toBe('42501')
      expect(await bare('api', `create function ${schema}.mine() returns int language sql return 1`)).toBe(
        '42501',
      )
      expect(await bare('api', `create domain ${schema}.mine as int`)).toBe('42501')
    },
  )

  it('makes no schema, extension, publication, slot, server-side file, or other session end', async () => {
    const [other] = await logins.worker.query<{ pid: number }>('select pg_backend_pid() as pid')
    for (const statement of [
      'create schema mine',
      'drop extension postgis',
      'create publication mine',
      "select pg_create_logical_replication_slot('mine', 'pgoutput')",
      "copy (select 1) to program 'true'",
      "select pg_read_file('/etc/passwd')",
      `select pg_terminate_backend(${other!.pid})`,
      `select pg_cancel_backend(${other!.pid})`,
      "set local session_replication_role = 'replica'",
    ])
      expect({ statement, outcome: await bare('api', statement) }).toEqual({ statement, outcome: '42501' })
  })

  it('does not see what other logins are doing', async () => {
    await logins.worker.query("select 'a query of the worker'")
    const seen = await attackWith(
      logins.api,
      'guard',
      ['reset role'],
      `select query from pg_stat_activity where datname = current_database() and usename <> session_user and query ilike '%worker%'`,
    )
    expect(seen).toEqual([])
  })

  it('finds out for the gateway only what the roles of callers see', async () => {
    const ask = (role: string, query: string) =>
      `select muster.visible_rows('${role}', '${query}', 'integer', '{1}', '${role}', '{}', '{}', '0') as answer`
    for (const role of (await everyRole()).filter((name) => ![...CAN_BECOME.api, roles.api].includes(name)))
      expect({ role, outcome: await bare('api', ask(role, 'select array[$1]')) }).toEqual({
        role,
        outcome: '42501',
      })
    const [allowed] = await logins.api.query<{ answer: string[] }>(ask('authenticated', 'select array[$1]'))
    const [refused] = await logins.api.query<{ answer: string[] }>(
      ask('anon', 'select array[count(home_point) + $1] from public.security_professionals'),
    )
    await logins.api.query('deallocate all')
    expect([allowed!.answer, refused!.answer]).toEqual(['["1"]', '["!42501"]'])
  })
})

/** What the owner finds of a row. */
async function rowOf(table: string, id: string): Promise<unknown> {
  const rows = await database().owner.query(
    `select to_jsonb(t) - 'updated_at' - 'updated_by' - 'changed_xid' as row from ${table} t where id = $1`,
    [id],
  )
  return rows[0]?.row
}

/*
 * The condition of a statement is computed before its triggers run. One that sets the role there leaves them, and what they call,
 * with the login as the one who acts: nobody whom a trigger may take for background work.
 */
describe.each(['none', 'muster_api', 'anon'])(
  'a statement that leaves the caller’s role for %s on its way',
  (role) => {
    const leaves = (isLocal: boolean) => `set_config('role', '${role}', ${isLocal}) is not null`

    const ATTEMPTS: readonly {
      what: string
      persona: AccessPersona
      table: string
      id: string
      statement: string
    }[] = [
      {
        what: 'deletes a shift for good',
        persona: 'company',
        table: 'public.shifts',
        id: SHIFT_ROWS.companyDraft.id,
        statement: `delete from public.shifts where id = '${SHIFT_ROWS.companyDraft.id}'`,
      },
      {
        what: 'deletes a certificate for good',
        persona: 'guard',
        table: 'public.certificates',
        id: CERTIFICATE_ROWS.guardUnverified.id,
        statement: `delete from public.certificates where id = '${CERTIFICATE_ROWS.guardUnverified.id}'`,
      },
      {
        what: 'starts a shift by hand',
        persona: 'company',
        table: 'public.shifts',
        id: SHIFT_ROWS.companyAssigned.id,
        statement: `update public.shifts set status = 'active' where id = '${SHIFT_ROWS.companyAssigned.id}'`,
      },
      {
        what: 'claims at another rate',
        persona: 'guard',
        table: 'public.shifts',
        id: SHIFT_ROWS.companyPublished.id,
        statement: `update public.shifts set status = 'assigned', professional_id = '${PROFESSIONAL_ROWS.guard.id}', hourly_rate = 400
        where id = '${SHIFT_ROWS.companyPublished.id}'`,
      },
      {
        what: 'changes a guard’s status',
        persona: 'freeGuard',
        table: 'public.security_professionals',
        id: PROFESSIONAL_ROWS.freeGuard.id,
        statement: `update public.security_professionals set status = 'suspended' where id = '${PROFESSIONAL_ROWS.freeGuard.id}'`,
      },
    ]

    it.each(ATTEMPTS)('$what not', async ({ persona, table, id, statement }) => {
      const before = await rowOf(table, id)
      expect(before).toBeDefined()
      for (const isLocal of [true, false]) {
        // Committed, when it was done: what counts is what is there afterwards.
        await outcomeOf(
          logins.api.transaction(async (tx) => {
            await takeOn(tx, persona)
            await tx.query(`${statement} and ${leaves(isLocal)}`)
          }),
        )
        await logins.api.query('reset role')
        const after = (await rowOf(table, id)) as Record<string, unknown> | undefined
        // What the persona may do is what may remain: the row is marked as deleted.
        expect({ ...after, deleted_at: null }).toEqual({ ...(before as object), deleted_at: null })
        if (after?.deleted_at)
          await database().owner.query(`update ${table} set deleted_at = null where id = $1`, [id])
      }
    })
  },
)
