import { beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'
import { HIDDEN_ANYWAY, NO_TENANT, OTHER_WORDS } from '../support/equivalent.ts'
import { equivalentOf } from '../support/resources.ts'
import {
  KnownCells,
  MUTANTS_TIMEOUT_MS,
  type Mutant,
  redAnyway,
  survivors,
  undone,
  valueForSomebody,
} from './access-mutants.ts'
import { installProbe, quote } from './access-probe.ts'
import { buildAccessWorld } from './access-world.ts'

/*
 * Breaks each function that decides about access, condition by condition, and demands that a cell of the matrix turns red. What
 * is broken is read from the catalog: a new helper or definer function without a cell that guards it fails here.
 */

const database = useTestDatabase()
const known = await KnownCells.read('access-mutants-functions.json')

beforeAll(async () => {
  await buildAccessWorld(database().owner)
  await installProbe(database().owner)
  return () => known.save()
})

const FIRST_GLANCE = 'What it lets through, the search and assignment_violations look at closely.'
const NOTHING_CHANGED = 'Nothing was changed before it: refused in other words.'
const REPLACED_STOPS = 'Stops that were replaced are deleted: freight-loads.test.ts has them.'
const BY_FUNCTIONS = 'Only functions write these, with the load at hand.'
const LOADS_ELSEWHERE =
  'freight-loads.test.ts asks: the cells name no dispatcher, leg, removed broker or driver.'
const SUMS_ELSEWHERE = 'statements.test.ts asks as each persona: the matrix has rows, and no sums.'
const PAY_ELSEWHERE =
  'freight-pay.test.ts asks: the cells have neither sums nor codes, and nobody pays the driver of another.'
const SUSPENSION_ELSEWHERE = 'sign-in-people.test.ts and suspension.test.ts ask: the matrix suspends nobody.'

/** Mutants that change nothing anybody could see, and why: beside those that `test/resources` names. */
const EQUIVALENT: Record<string, string> = {
  ...equivalentOf('functions'),
  'accept_invitation: caller is null → false': 'A token without a subject is let in as nobody.',
  'brief_shift: muster.manages_shift(shift) → true': OTHER_WORDS,
  'brief_shift: not muster.manages_shift(shift) → false': OTHER_WORDS,
  'claim_idempotency_key: caller is null → false': 'A token without a subject is let in as nobody.',
  'claim_idempotency_key: u.user_id = caller → true': 'Nobody of the world has as much kept as one may have.',
  'store_check_ins: c.professional_id = caller → true':
    'An id that is taken stores nothing, whose ever it is.',
  'give_back_shift: muster.sees_shift(shift) → true': OTHER_WORDS,
  'acts_for_caller: r.rolname = muster.acting_role() → true':
    'Callers have their answer before it; attacks.server.test.ts tries those who leave their role.',
  'changes_since: columns_ is null → false':
    'About tables that are not published: there is no query without columns.',
  'eligibility: u.deleted_at is null → true': FIRST_GLANCE,
  'eligibility: p.deleted_at is null → true': FIRST_GLANCE,
  'eligibility: c.deleted_at is null → true': FIRST_GLANCE,
  'eligibility: s.deleted_at is null → true': FIRST_GLANCE,
  "eligibility: s.status = 'published' → true": FIRST_GLANCE,
  'claim_shift: muster.professional_id() is null → false': OTHER_WORDS,
  'assign_shift: muster.manages_shift(shift) → true': NOTHING_CHANGED,
  'assign_shift: not muster.manages_shift(shift) → false': NOTHING_CHANGED,
  'change_assigned_shift: s.deleted_at is null → true': 'What is assigned or active is deleted by nobody.',
  'move_shift: muster.manages_shift(shift) → true': NOTHING_CHANGED,
  'move_shift: not found → false': NOTHING_CHANGED,
  'move_shift: not muster.manages_shift(shift) → false': NOTHING_CHANGED,
  'nearby_shifts: professional is null → false': 'Who is no guard gets an empty list instead of a refusal.',
  'shift_candidates: muster.sees_shift(shift) → false': OTHER_WORDS,
  'shift_candidates: muster.acts_for_caller() → false':
    'candidates.test.ts asks whom a company knows: the cells ask whether a guard can come, and not why not.',
  'side_of_caller: sheet.client_id = muster.client_id() → true': OTHER_WORDS,
  'tg_company_terms__set_tenant: o.deleted_at is null → true': HIDDEN_ANYWAY,
  'tg_company_terms__set_tenant: not found → false': NO_TENANT,
  'tg_gps_checkins__judge: shift.deleted_at is null → true':
    'What is assigned or active is deleted by nobody, nor is what was worked.',
  'tg_security_professionals__check_status: s.deleted_at is null → true':
    'What is assigned or active is deleted by nobody.',
  'tg_set_tenant_from_organization: o.deleted_at is null → true': HIDDEN_ANYWAY,
  'tg_set_tenant_of_carrier: o.deleted_at is null → true': HIDDEN_ANYWAY,
  'tg_set_tenant_of_carrier: not found → false': NO_TENANT,
  'change_stop: s.deleted_at is null → true': REPLACED_STOPS,
  'change_stop: not found → false': OTHER_WORDS,
  'earnings_report: r.company_id = (select muster.company_id()) → true': SUMS_ELSEWHERE,
  'earnings_report: r.professional_id = (select muster.professional_id()) → true': SUMS_ELSEWHERE,
  'earnings_report: r.tenant_id = (select muster.admin_tenant_id()) → true': SUMS_ELSEWHERE,
  'hours_report: r.company_id = (select muster.company_id()) → true': SUMS_ELSEWHERE,
  'hours_report: r.tenant_id = (select muster.admin_tenant_id()) → true': SUMS_ELSEWHERE,
  'driver_earnings_report: r.organization_id = (select muster.office_carrier_id()) → true': PAY_ELSEWHERE,
  'driver_earnings_report: r.driver_id = (select muster.driver_id()) → true': PAY_ELSEWHERE,
  'driver_earnings_report: r.tenant_id = (select muster.admin_tenant_id()) → true': PAY_ELSEWHERE,
  'load_candidates: d.deleted_at is null → true': LOADS_ELSEWHERE,
  'load_candidates: s.deleted_at is null → true': REPLACED_STOPS,
  'move_driver_statement: statement.driver_id = muster.driver_id() → true': PAY_ELSEWHERE,
  'nearby_loads: d.deleted_at is null → true': LOADS_ELSEWHERE,
  'nearby_loads: s.deleted_at is null → true': REPLACED_STOPS,
  'nearby_loads: l.deleted_at is null → true': 'The stops of a load that is removed are removed with it.',
  'nearby_loads: carriers[1] is null → false':
    'Who plans for nobody gets an empty list instead of a refusal.',
  'nearby_loads: not found → false': OTHER_WORDS,
  'put_stops: s.deleted_at is null → true': REPLACED_STOPS,
  'record_duty_statuses: own is null → false':
    'The trigger of the log refuses who is no driver, in the same words.',
  "record_stop_events: own is null or exists (select from public.drivers d where d.id = own and d.status = 'terminated') → false":
    'Who is no driver is refused each item; freight-stop-events.test.ts asks for a driver who left.',
  'settle_driver_payments: only_driver is not null and not exists ( select from public.drivers d where d.id = only_driver and d.organization_id = payer ) → false':
    PAY_ELSEWHERE,
  'tg_driver_deductions__copy_driver: not found → false': NO_TENANT,
  'tg_driver_documents__copy_driver: not found → false': NO_TENANT,
  'tg_driver_pay_terms__copy_driver: not found → false': NO_TENANT,
  'tg_driver_payments__complete: not found → false': NO_TENANT,
  'tg_driver_payments__complete: new.load_id is not null and not exists ( select from public.load_assignments a where a.load_id = new.load_id and (a.driver_id = new.driver_id or a.co_driver_id = new.driver_id) ) → false':
    PAY_ELSEWHERE,
  'tg_duty_status_changes__place: not found → false': NO_TENANT,
  'tg_duty_status_edits__check: not found → false':
    'Only functions write these, for a driver at hand; freight-duty.test.ts asks for an entry that there is not.',
  'tg_load_assignments__plan: not found → false': BY_FUNCTIONS,
  'tg_load_stops__copy_load: not found → false': BY_FUNCTIONS,
  'tg_stop_events__place: stop.deleted_at is null → true': REPLACED_STOPS,
  'tg_stop_events__place: load.id is null or (new.stop_id is not null and stop.load_id is distinct from load.id) → false':
    BY_FUNCTIONS,
  'tg_loads__check_dispatcher: u.deleted_at is null → true': LOADS_ELSEWHERE,
  "tg_loads__check_dispatcher: m.role in ('office', 'dispatcher') → true": LOADS_ELSEWHERE,
  "tg_loads__check_dispatcher: not exists ( select from public.memberships m join public.users u on u.id = m.user_id where m.user_id = new.dispatcher_id and m.organization_id = new.organization_id and m.role in ('office', 'dispatcher') and u.deleted_at is null and u.suspended_at is null ) → false":
    LOADS_ELSEWHERE,
  'tg_loads__copy_broker: b.deleted_at is null → true': LOADS_ELSEWHERE,
  'tg_loads__copy_broker: not found → false': OTHER_WORDS,
  'unassign_load: not found → false': LOADS_ELSEWHERE,
  'user_to_judge: u.tenant_id = muster.admin_tenant_id() → true': SUSPENSION_ELSEWHERE,
  'user_to_judge: wanted = muster.user_id() → false': SUSPENSION_ELSEWHERE,
  'user_to_judge: u.deleted_at is null → true': SUSPENSION_ELSEWHERE,
  'user_to_judge: muster.admin_tenant_id() is null → false': OTHER_WORDS,
  'user_to_judge: not found → false': SUSPENSION_ELSEWHERE,
  "tg_shifts__copy_location: new.status = 'published' → true":
    'The place is read again, which location-moves.test.ts has: whoever may write the shift may do that.',
  'tg_shifts__copy_location: new.company_id <> old.company_id or new.tenant_id <> old.tenant_id → false':
    'No caller has a grant on these columns.',
}

/** Functions without parameters that give an id or several. */
const helpers = (): Promise<{ name: string; returns: string }[]> =>
  database().owner.query(`
    select format('muster.%I', proname) as name, prorettype::regtype::text as returns
    from pg_proc
    where pronamespace = 'muster'::regnamespace and pronargs = 0 and provolatile = 's'
      and prorettype in ('uuid'::regtype, 'uuid[]'::regtype) and not proretset
    order by 1
  `)

/** Of what callers may call, and of what asks who it is; `on`: the tables that it is a trigger of. */
const definitions = (): Promise<{ name: string; definition: string; on: string | null }[]> =>
  database().owner.query(`
    select
      proname::text as name,
      pg_get_functiondef(oid) as definition,
      (select string_agg(distinct relname, '|') from pg_trigger join pg_class c on c.oid = tgrelid where tgfoid = f.oid) as on
    from pg_proc as f
    where pronamespace = 'muster'::regnamespace
      and prokind = 'f'
      and (
        has_function_privilege('authenticated', oid, 'execute')
        or pg_get_functiondef(oid) ~ $$acts_for_caller|_id[(][)]|fail[(]'(forbidden|not_found)'$$
      )
    order by 1
  `)

/** Conditions that are about who may see or do something, and what they are replaced by. */
const CONDITIONS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // `s.company_id = muster.company_id()`, also against a variable that holds it
  [
    /[\w.]+ (?:=|is distinct from) (?:muster\.\w+\(\)|\(select muster\.\w+\(\)\)|\b(?:tenant|company|client|caller)\b(?!\.))/g,
    'true',
  ],
  [/[\w.]*\bdeleted_at is null/g, 'true'],
  [/[\w.]*\bstatus (?:=|<>) '(?:published|draft)'/g, 'true'],
  [/[\w.]*\bstart_datetime (?:>|<=) now\(\)/g, 'true'],
  [/m\.role (?:= '\w+'|in \([^)]+\))/g, 'true'],
  [/(?<!function )muster\.(?:sees_shift|manages_shift)\(\w+\)(?! returns)/gi, 'true'],
  [/(?<!function )muster\.acts_for_caller\(\)(?! returns)/gi, 'false'],
]

/** A refusal for reasons of access: its whole condition goes. */
const REFUSAL =
  /(if|elsif) ((?:(?! then\b)[\s\S])+?) then(?=\s+(?:--[^\n]*\s+)*(?:perform muster\.fail\('(?:forbidden|not_found|invitation_invalid|already_registered|shift_not_open)'|return (?:case when [^;]+ then )?'(?:forbidden|not_found)'))/g

/** Each variant of a definition with one condition taken out wherever it stands. */
function weakenings(definition: string): { from: string; to: string; statement: string }[] {
  const found = new Map<string, { to: string; statement: string }>()
  for (const [pattern, to] of CONDITIONS)
    for (const [from] of definition.matchAll(pattern))
      found.set(from, { to, statement: definition.replaceAll(from, to) })
  for (const [whole, keyword, condition] of definition.matchAll(REFUSAL))
    found.set(condition!, { to: 'false', statement: definition.replaceAll(whole, `${keyword} false then`) })
  return [...found].map(([from, rest]) => ({ from: from.replaceAll(/\s+/g, ' '), ...rest }))
}

/** Whether a statement comes by a function: it calls it, or another that does, or writes a table that it is a trigger of. */
function reaching(
  broken: string,
  all: Awaited<ReturnType<typeof definitions>>,
): (statement: string) => boolean {
  const names = new Set([broken])
  for (const name of names) {
    for (const { name: other, definition } of all)
      if (definition.includes(`muster.${name}(`)) names.add(other)
  }
  const tables = all.flatMap(({ name, on }) => (names.has(name) && on ? [on] : []))
  const way = [
    `muster\\.(${[...names].join('|')})\\(`,
    ...tables.map((table) => `(insert into|update|delete from) public\\.(${table})\\b`),
  ].join('|')
  return (statement) => new RegExp(way).test(statement)
}

const isValid = ({ statement }: Mutant): Promise<boolean> =>
  undone(database().owner, async (tx) => {
    await tx.query(statement)
    return true
  }).catch(() => false)

describe('a cell turns red', () => {
  it('when a helper gives everybody the same, or nothing', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    const mutants = []
    for (const { name, returns } of await helpers()) {
      for (const value of [null, await valueForSomebody(database().owner, name)])
        mutants.push({
          name: `${name}() is ${value === null ? 'null' : 'the same for everybody'}`,
          statement: `create or replace function ${name}() returns ${returns} language sql stable security definer
            set search_path = pg_catalog, pg_temp as $$ select ${quote(value)}::${returns} $$`,
        })
    }
    expect(await survivors(database().owner, known, mutants)).toEqual([])
  })

  it('when a function forgets a condition', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    const mutants = []
    const all = await definitions()
    for (const { name, definition } of all) {
      const showsIn = reaching(name, all)
      for (const { from, to, statement } of weakenings(definition)) {
        const mutant = { name: `${name}: ${from} → ${to}`, statement, showsIn }
        // Not each place that looks like a condition is one.
        if (await isValid(mutant)) mutants.push(mutant)
      }
    }
    expect(await survivors(database().owner, known, mutants, EQUIVALENT)).toEqual([])
  })

  it('and none of those when nothing is broken', { timeout: MUTANTS_TIMEOUT_MS }, async () => {
    expect(await redAnyway(database().owner, known)).toEqual([])
  })
})
