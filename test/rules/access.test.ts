import { beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { openApiLogin } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { TENANTS } from '../support/world.ts'
import { POLICIES_ALONE, SECTIONS, TELLING } from './access-matrix.ts'
import {
  type Attempt,
  installProbe,
  parseGrids,
  type Section,
  type TryAll,
  tellingCells,
  tryIn,
  tryOnce,
  wrongAlone,
  wrongCells,
} from './access-probe.ts'
import {
  ACCESS_PERSONAS,
  type AccessPersona,
  buildAccessWorld,
  FOREIGNERS,
  NOBODIES,
} from './access-world.ts'

const database = useTestDatabase()
const GRIDS = parseGrids(SECTIONS, ACCESS_PERSONAS)
/** On the embedded engine one of so many is tried on a section, another on the next. */
const EMBEDDED_SHARE = 3
/**
 * Those who are tried on the rows of a section: on the server everybody. Policies are SQL, and mean the same on each engine; that the
 * embedded one binds its callers by them at all is seen with a third of the personas, beside `anon` and the stranger.
 */
const personasOf = (section: Section): readonly AccessPersona[] =>
  ACCESS_PERSONAS.filter(
    (persona, nth) =>
      inject('database').engine === 'server' ||
      ['anon', 'stranger'].includes(persona) ||
      (nth % EMBEDDED_SHARE === SECTIONS.indexOf(section) % EMBEDDED_SHARE &&
        [...GRIDS.get(section)!.values()].some((columns) => columns.has(persona))),
  )
let tryAll: TryAll
let tables: { name: string; hasTenant: boolean }[]

beforeAll(async () => {
  const { owner } = database()
  await buildAccessWorld(owner)
  await installProbe(owner)
  tables = await owner.query(`
    select
      class.oid::regclass::text as name,
      exists (select from pg_attribute where attrelid = class.oid and attname = 'tenant_id') as "hasTenant"
    from pg_class as class
    where class.relnamespace::regnamespace::text in ('public', 'muster', 'realtime')
      and class.relkind in ('r', 'p', 'v', 'm', 'f')
      -- Reports: they are granted to nobody (privileges.ts), and functions give each caller their rows.
      and not (class.relkind = 'm' and class.relowner = 'muster_definer'::regrole)
      and not exists (
        select from pg_depend where classid = 'pg_class'::regclass and objid = class.oid and deptype = 'e'
      )
    order by 1
  `)
  const api = await openApiLogin(database(), readConfig({ NODE_ENV: 'test' }))
  tryAll = tryOnce(tryIn(openSessions(api)))
  return async () => {
    if (api !== owner) await api.close()
  }
})

/** The largest section has eleven thousand cells: 7 s on the embedded engine, and several times that beside three other files. */
const SECTION_TIMEOUT_MS = patience(120_000)

/** As `regclass` prints it: `public` is on the search path. */
const printed = (table: string): string => table.replace(/^public\./, '')

/** A query that says whether any row is there for the caller. */
const looksAt = (table: string, condition: string): Attempt => ({
  kind: 'read',
  statement: `select exists (select from ${table} where ${condition})`,
  relation: table,
  condition,
})

describe('the access matrix', () => {
  it('has a section for every table', () => {
    expect(SECTIONS.map(({ table }) => printed(table)).sort()).toEqual(tables.map(({ name }) => name).sort())
  })

  it('has somebody who may, and somebody who may not, read rows of every table that is read at all', () => {
    const unread = SECTIONS.filter((section) => {
      const cells = [...GRIDS.get(section)!.values()].flatMap((row) => [...row.values()])
      return !cells.some((letters) => letters.has('r')) || !cells.some((letters) => letters.size === 0)
    })
    expect(unread.map(({ table }) => table)).toEqual([
      'muster.idempotency_keys',
      'muster.idempotency_usage',
      'muster.candidate_pages',
      'muster.refused_assignments',
      'muster.departed_rows',
      'muster.change_outbox',
      'muster.changed_callers',
      'muster.history',
      'muster.audiences',
      'muster.size_samples',
      'muster.jobs',
      'muster.public_holidays',
      'muster.load_bookings',
    ])
  })

  for (const section of SECTIONS) {
    it(`holds for ${section.table}`, { timeout: SECTION_TIMEOUT_MS }, async () => {
      const wrong = []
      for (const persona of personasOf(section))
        wrong.push(...(await wrongCells(tryAll, section, GRIDS, persona)))
      expect(wrong).toEqual([])
    })
  }
})

class Undo extends Error {}

describe('policies without the triggers and column grants beside them', () => {
  for (const alone of POLICIES_ALONE) {
    it(`hold for ${alone.table}`, async () => {
      let wrong: unknown
      await database()
        .owner.transaction(async (tx) => {
          wrong = await wrongAlone(tx, SECTIONS.find(({ table }) => table === alone.table)!, alone)
          throw new Undo()
        })
        .catch((error) => {
          if (!(error instanceof Undo)) throw error
        })
      expect(wrong).toEqual([])
    })
  }
})

describe('those whom the database does not know, or not any more', () => {
  for (const persona of NOBODIES) {
    it(`${persona}: sees no row of any table`, async () => {
      const answers = await tryAll(
        persona,
        tables.map(({ name }) => looksAt(name, 'true')),
      )
      const seen = tables.filter((_, n) => answers[n] !== 'unchanged' && answers[n] !== '42501')
      expect(seen).toEqual([])
    })
  }

  it('are told nothing by the functions that answer for the database', async () => {
    const asked = {
      me: 'select muster.me() is not null',
      'shifts nearby': "select (muster.nearby_shifts(52.3731, 4.8926, 100000, 1000)).items::text <> '[]'",
      tenant: 'select muster.tenant_id() is not null',
      'admin of': 'select muster.admin_tenant_id() is not null',
      'guard in': 'select muster.guard_tenant_id() is not null',
      company: 'select muster.company_id() is not null',
      client: 'select muster.client_id() is not null',
      professional: 'select muster.professional_id() is not null',
      clients: 'select muster.company_client_ids() is not null',
      companies: 'select muster.client_company_ids() is not null',
    }
    for (const persona of NOBODIES) {
      const answers = await tryAll(
        persona,
        Object.values(asked).map((statement) => ({
          kind: 'read',
          statement,
          relation: 'tenants',
          condition: 'false',
        })),
      )
      const told = Object.keys(asked).filter((_, n) => answers[n] !== 'unchanged' && answers[n] !== '42501')
      expect({ persona, told }).toEqual({ persona, told: [] })
    }
  })
})

describe('tenants', () => {
  it('see no row of each other in any table', async () => {
    const divided = tables.filter(({ hasTenant }) => hasTenant)
    expect(divided.length).toBeGreaterThan(10)
    const sightings = []
    for (const persona of ACCESS_PERSONAS) {
      const other = FOREIGNERS.includes(persona) ? TENANTS.a : TENANTS.b
      const attempts = [
        ...divided.map(({ name }) => looksAt(name, `tenant_id = '${other}'`)),
        looksAt('tenants', `id = '${other}'`),
      ]
      const answers = await tryAll(persona, attempts)
      for (const [n, answer] of answers.entries())
        if (answer === 'allowed') sightings.push({ persona, seen: attempts[n]!.statement })
    }
    expect(sightings).toEqual([])
  })

  it('each have rows in every table that is divided among them', async () => {
    for (const { name } of tables.filter(({ hasTenant }) => hasTenant)) {
      const found = await database().owner.query(`select distinct tenant_id from ${name}`)
      expect({ name, tenants: found.length }).toEqual({ name, tenants: 2 })
    }
  })
})

describe('an id that a caller may not know', () => {
  for (const section of SECTIONS) {
    it(`in ${section.table}: is answered as if it stood for nothing`, {
      timeout: SECTION_TIMEOUT_MS,
    }, async () => {
      const telling = []
      for (const persona of personasOf(section))
        telling.push(...(await tellingCells(tryAll, section, GRIDS, persona, TELLING)))
      expect(telling).toEqual([])
    })
  }
})
