import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'
import { equivalentOf } from '../support/resources.ts'
import { SECTIONS } from './access-matrix.ts'
import {
  aliveOf,
  KnownCells,
  MUTANTS_TIMEOUT_MS,
  type Mutant,
  redAnyway,
  survivors,
  UNHARMED,
} from './access-mutants.ts'
import { installProbe } from './access-probe.ts'
import { buildAccessWorld } from './access-world.ts'
import { PRIVILEGES } from './privileges.ts'

/*
 * Breaks each policy in turn and demands that a cell of the matrix turns red. What is broken is read from the catalog: a new
 * policy without a cell that guards it fails here.
 */

const database = useTestDatabase()
const known = await KnownCells.read('access-mutants-policies.json')

beforeAll(async () => {
  await buildAccessWorld(database().owner)
  await installProbe(database().owner)
  return () => known.save()
})

interface Policy {
  [column: string]: string | null
  policy: string
  table: string
  using: string | null
  check: string | null
}

/** Mutants that no cell can see, and why: beside those that `test/resources` names. */
const EQUIVALENT: Record<string, string> = {
  ...equivalentOf('policies'),
  'internal on muster.public_holidays: not for muster_definer':
    'No allowance of public holidays is paid then: timesheets.test.ts sees the amounts.',
  'internal on muster.audiences: not for muster_definer':
    'Changes are then checked for each subscriber, with the same answers.',
  'internal on muster.history: not for muster_definer':
    'The history then has no epoch: sync.test.ts and backup.embedded.test.ts see that it does not change.',
  'internal on muster.refused_assignments: not for muster_definer':
    'Nothing can be counted then: candidates.test.ts sees that assigning a stranger fails.',
  'internal on muster.size_samples: not for muster_definer':
    'Nothing can be sampled then: jobs.test.ts sees that the job fails.',
}

const policies = (): Promise<Policy[]> =>
  database().owner.query<Policy>(`
    select
      polname as policy,
      format('%s.%I', relnamespace::regnamespace, relname) as table,
      pg_get_expr(polqual, polrelid) as using,
      pg_get_expr(polwithcheck, polrelid) as check
    from pg_policy
    join pg_class as c on c.oid = polrelid
    where relnamespace::regnamespace::text in ('public', 'muster', 'realtime')
      and polroles && array['authenticated', 'service_role', 'muster_definer']::regrole[]::oid[]
    order by 2, 1
  `)

function toMutants({ policy, table, using, check }: Policy): Mutant[] {
  const mutant = (how: string, statement: string): Mutant => ({
    name: `${policy} on ${table}: ${how}`,
    statement,
    table,
  })
  // What lets definer functions and background work through: it shows in other tables' cells.
  if (policy === 'internal')
    return ['muster_definer', 'service_role']
      .filter((role) => PRIVILEGES.tables[table]?.[role])
      .map((role) => ({ ...mutant(`not for ${role}`, withoutRole(table, role)), table: undefined }))
  const weaker = (clause: string, present: string | null): Mutant[] =>
    present === null || present === 'true'
      ? []
      : [
          {
            ...mutant(`${clause} (true)`, `alter policy ${policy} on ${table} ${clause} (true)`),
            showsWhere: 'refused',
          },
        ]
  return [
    { ...mutant('dropped', `drop policy ${policy} on ${table}`), showsWhere: 'allowed' },
    ...weaker('using', using),
    ...weaker('with check', check),
  ]
}

const withoutRole = (table: string, role: string): string =>
  `alter policy internal on ${table} to ${role === 'service_role' ? 'muster_definer' : 'service_role'}`

describe('a cell turns red', () => {
  it('when a policy is dropped or lets everything through', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    expect(
      await survivors(database().owner, known, (await policies()).flatMap(toMutants), EQUIVALENT),
    ).toEqual([])
  })

  it('when row level security is off', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    const mutants = SECTIONS.map(({ table }) => ({
      name: table,
      statement: `alter table ${table} disable row level security`,
      table,
      showsWhere: 'refused' as const,
    }))
    expect(await survivors(database().owner, known, mutants)).toEqual([])
  })

  it('and none when nothing is broken', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    expect(await redAnyway(database().owner, known)).toEqual([])
    expect(await aliveOf(database().owner, UNHARMED)).toEqual(UNHARMED.map(({ name }) => name))
  })
})
