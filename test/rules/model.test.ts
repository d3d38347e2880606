import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import {
  type Certificate,
  Marketplace,
  type ModelActor,
  type ModelShift,
  type ShiftChange,
} from '../support/marketplace-model.ts'
import { patience } from '../support/patience.ts'
import { type Actor, type Outcome, rehearse, type Stage } from '../support/rehearsal.ts'
import type { ShiftStatus } from '../support/shifts.ts'
import { trialSize } from '../support/trial.ts'
import { buildWorld, LOCATIONS, ORGANIZATIONS, PROFESSIONALS, SITE } from '../support/world.ts'

/*
 * Random operations by random actors, wrong ones too, on the database and on a model of it in plain TypeScript: each must
 * have the same outcome on both, and in the end both must hold the same. fast-check prints the seed of a run that failed,
 * with the shortest list of operations that it found to fail: `fc.assert(…, { seed, path })` plays it again.
 */

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await database.query(
    `insert into certificates (professional_id, kind, number, valid_until, verified_at)
     select p, 'bhv', 'N-1', '2099-12-31', now() from unnest($1::uuid[]) p`,
    [`{${GUARDS.join(',')}}`],
  )
})

/** How many operations are tried at least. The embedded engine takes several times as long for each. */
const ENOUGH = { server: trialSize(3_000, 10_000), embedded: trialSize(1_000, 10_000) }
const LONGEST_RUN = 400
const TIMEOUT_MS = patience(300_000)

const GUARDS = [PROFESSIONALS.guard, PROFESSIONALS.otherGuard]
const PLACES = [LOCATIONS.site, LOCATIONS.office, LOCATIONS.otherClientSite]
const COMPANIES = [ORGANIZATIONS.company, ORGANIZATIONS.rival]
const ZONES = ['Europe/Amsterdam', 'Pacific/Kiritimati', 'Pacific/Pago_Pago']
const STATUSES: ShiftStatus[] = ['draft', 'published', 'assigned', 'active', 'completed', 'cancelled']

const ACTORS: Partial<Record<Actor, ModelActor>> = {
  company: { role: 'company', tenant: 'a', organization: ORGANIZATIONS.company },
  colleague: { role: 'company', tenant: 'a', organization: ORGANIZATIONS.company },
  rival: { role: 'company', tenant: 'a', organization: ORGANIZATIONS.rival },
  client: { role: 'client', tenant: 'a', organization: ORGANIZATIONS.client },
  otherClient: { role: 'client', tenant: 'a', organization: ORGANIZATIONS.otherClient },
  admin: { role: 'admin', tenant: 'a' },
  guard: { role: 'zzp', tenant: 'a', professional: PROFESSIONALS.guard },
  otherGuard: { role: 'zzp', tenant: 'a', professional: PROFESSIONALS.otherGuard },
  foreignAdmin: { role: 'admin', tenant: 'b' },
  foreignCompany: { role: 'company', tenant: 'b', organization: ORGANIZATIONS.foreignCompany },
  foreignGuard: { role: 'zzp', tenant: 'b', professional: PROFESSIONALS.foreignGuard },
  stranger: { role: 'stranger' },
  anon: { role: 'anon' },
  service_role: { role: 'service_role' },
}

const WORKS_FOR: Record<string, string[]> = {
  [ORGANIZATIONS.company]: [ORGANIZATIONS.client],
  [ORGANIZATIONS.rival]: [ORGANIZATIONS.client, ORGANIZATIONS.otherClient],
}

/** The model's world as it is in the database at the beginning. */
async function openModel(stage: Stage): Promise<Marketplace> {
  const [{ now } = { now: 0 }] = await stage.run<{ now: number }>(
    'owner',
    sql`select extract(epoch from now())::float8 * 1000 as now`,
  )
  const model = new Marketplace(now, (company, client) => WORKS_FOR[company]?.includes(client) ?? false)
  for (const location of await stage.run<{ id: string; organization_id: string; time_zone: string }>(
    'owner',
    sql`select id, organization_id, time_zone from locations`,
  )) {
    model.locations.set(location.id, {
      id: location.id,
      organization: location.organization_id,
      zone: location.time_zone,
      isDeleted: false,
    })
  }
  for (const id of GUARDS) model.professionals.set(id, 'active')
  for (const row of await stage.run<{
    id: string
    professional_id: string
    kind: string
    valid_until: string
  }>(
    'owner',
    sql`select id, professional_id, kind, valid_until from certificates
        where professional_id in (${GUARDS[0]}, ${GUARDS[1]})`,
  )) {
    model.certificates.set(row.id, {
      id: row.id,
      professional: row.professional_id,
      kind: row.kind,
      validUntil: row.valid_until,
      isVerified: true,
      isDeleted: false,
    })
  }
  return model
}

/** One operation on the market as it is now: who asks what of the database, and what the model says to it. */
interface Played {
  actor: Actor
  statement: SQL
  expected: (actor: ModelActor) => Outcome
}

interface World {
  market: Marketplace
}

class Operation implements fc.AsyncCommand<World, Stage> {
  readonly #name: string
  readonly #play: (market: Marketplace) => Played | undefined
  #actor: Actor | undefined

  /** @param play gives undefined when there is nothing to do it to */
  constructor(name: string, play: (market: Marketplace) => Played | undefined) {
    this.#name = name
    this.#play = play
  }

  check({ market }: Readonly<World>): boolean {
    return this.#play(market) !== undefined
  }

  async run({ market }: World, stage: Stage): Promise<void> {
    const played = this.#play(market)
    if (!played) return
    const { actor, statement, expected } = played
    this.#actor = actor
    const outcome = await stage.attempt(actor, statement)
    expect(`${this}: ${outcome}`).toBe(`${this}: ${market.attempt(() => expected(ACTORS[actor]!))}`)
    tried.set(outcome, (tried.get(outcome) ?? 0) + 1)
  }

  toString(): string {
    return `${this.#name} as ${this.#actor ?? 'nobody'}`
  }
}

/** How often each outcome was seen. */
const tried = new Map<Outcome, number>()
let made = 0
const newId = (kind: string): string => `${kind}0000-0000-7000-8000-${String(++made).padStart(12, '0')}`

const moment = (minutes: number): SQL => sql`now() + ${minutes}::int * interval '1 minute'`
const textArray = (items: readonly string[]): SQL => sql`${`{${items.join(',')}}`}::text[]`
const at = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length]

const anyActor = fc.constantFrom(...(Object.keys(ACTORS) as Actor[]))
/** Undefined for the right one, which only the market of the moment knows; somebody else now and then. */
const whoever = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anyActor })
const anyIndex = fc.nat(1000)
const anyRequired = fc.constantFrom<string[]>(['vca'], ['vca'], [], ['vca', 'bhv'], ['bhv'])
/** Half hours, so that shifts meet end to end as often as not. Eight hours ago to twelve hours from now. */
const anyStart = fc.integer({ min: -16, max: 24 }).map((n) => n * 30)
const anyLength = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 16 }).map((n) => n * 30) },
  { weight: 1, arbitrary: fc.constantFrom(0, -30, 48 * 60, 48 * 60 + 30) },
)
const anyRate = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 15, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(14, 500, 501) },
)
const anyGuard = fc.constantFrom(...GUARDS)

const actorsWho = (test: (actor: ModelActor) => boolean): Actor[] =>
  (Object.keys(ACTORS) as Actor[]).filter((name) => test(ACTORS[name]!))
const guardWho = (professional: string | null): Actor | undefined =>
  actorsWho((actor) => actor.role === 'zzp' && actor.professional === professional)[0]
/** Somebody of the company, or an admin. */
const managerOf = (company: string, index: number): Actor =>
  at([...actorsWho(({ organization }) => organization === company), 'admin' as const], index)!

/** A shift of the market: mostly one in a state for which the operation is meant, and mostly a new one. */
function shiftAt(market: Marketplace, index: number, ...meant: ShiftStatus[]): ModelShift | undefined {
  const all = [...market.shifts.values()]
  const fitting = all.filter((shift) => meant.includes(shift.status) && !shift.isDeleted)
  return at((index % 5 === 0 || fitting.length === 0 ? all : fitting).slice(index % 3 === 0 ? 0 : -8), index)
}

const create = fc
  .tuple(
    whoever,
    fc.constantFrom(...COMPANIES),
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(LOCATIONS.site) },
      { weight: 2, arbitrary: fc.constantFrom(...PLACES) },
    ),
    fc.constantFrom<ShiftStatus>('published', 'published', 'published', 'published', 'draft', 'assigned'),
    anyStart,
    anyLength,
    anyRate,
    anyRequired,
  )
  .map(
    ([given, company, location, status, start, length, rate, required]) =>
      new Operation(`create ${status} at ${start} for ${length}`, (market) => {
        const id = newId('5000')
        const end = start + length
        return {
          actor: given ?? managerOf(company, rate),
          statement: sql`
            insert into shifts (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate,
                                required_certificates, title)
            values (${id}, ${company}, ${location}, ${status}, ${moment(start)}, ${moment(end)}, ${rate},
                    ${textArray(required)}, 'Gate') returning id`,
          expected: (actor) =>
            market.create(actor, { id, company, location, status, start, end, rate, required }),
        }
      }),
  )

const updateStatement = (id: string, change: ShiftChange): SQL => {
  const columns: Record<keyof ShiftChange, (value: never) => SQL> = {
    status: (value: string) => sql`status = ${value}`,
    professional: (value: string | null) => sql`professional_id = ${value}`,
    start: (value: number) => sql`start_datetime = ${moment(value)}`,
    end: (value: number) => sql`end_datetime = ${moment(value)}`,
    rate: (value: number) => sql`hourly_rate = ${value}`,
    required: (value: string[]) => sql`required_certificates = ${textArray(value)}`,
    title: (value: string) => sql`title = ${value}`,
    reason: (value: string | null) => sql`cancel_reason = ${value}`,
    location: (value: string) => sql`location_id = ${value}`,
  }
  const parts = Object.entries(change).map(([key, value]) =>
    columns[key as keyof ShiftChange](value as never),
  )
  return sql`update shifts set ${sql.join(parts, sql`, `)} where id = ${id} returning id`
}

const updating = (
  name: string,
  given: Actor | undefined,
  index: number,
  meant: ShiftStatus[],
  changeOf: (shift: ModelShift) => ShiftChange,
): Operation =>
  new Operation(`${name} (${index})`, (market) => {
    const shift = shiftAt(market, index, ...meant)
    if (!shift) return undefined
    const change = changeOf(shift)
    return {
      actor: given ?? managerOf(shift.company, index),
      statement: updateStatement(shift.id, change),
      expected: (actor) => market.update(actor, shift.id, change),
    }
  })

const reschedule = fc
  .tuple(whoever, anyIndex, fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }))
  .map(([given, index, from, to]) =>
    updating(
      `move by ${from}, ${to}`,
      given,
      index,
      ['published', 'assigned', 'active'],
      ({ start, end }) => ({
        start: start + from * 30,
        end: end + to * 30,
      }),
    ),
  )

const edit = fc
  .tuple(
    whoever,
    anyIndex,
    fc.oneof(
      anyRate.map((rate): ShiftChange => ({ rate })),
      anyRequired.map((required): ShiftChange => ({ required })),
      fc.constantFrom<ShiftChange>({ title: 'Gate' }, { title: 'Other gate' }),
      fc.constantFrom(...PLACES).map((location): ShiftChange => ({ location })),
    ),
  )
  .map(([given, index, change]) =>
    updating(`edit ${JSON.stringify(change)}`, given, index, ['assigned', 'active'], () => change),
  )

/** By hand, with or without what belongs to the state. */
const setStatus = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: whoever },
      { weight: 1, arbitrary: fc.constantFrom<Actor>('guard', 'otherGuard', 'service_role') },
    ),
    anyIndex,
    fc.constantFrom(...STATUSES),
    fc.option(fc.oneof({ weight: 5, arbitrary: anyGuard }, fc.constant(PROFESSIONALS.foreignGuard)), {
      nil: undefined,
    }),
    fc.boolean(),
  )
  .map(([given, index, status, professional, isMindful]) =>
    updating(`set to ${status}`, given, index, ['draft', 'published', 'assigned', 'active'], (shift) => ({
      status,
      ...(professional === undefined
        ? {}
        : { professional: isMindful && status !== 'assigned' ? shift.professional : professional }),
      ...((status === 'cancelled') === isMindful ? { reason: 'Rained off' } : {}),
    })),
  )

const claim = fc.tuple(whoever, anyIndex, anyGuard).map(
  ([given, index, guard]) =>
    new Operation(`claim (${index})`, (market) => {
      const shift = shiftAt(market, index, 'published')
      return (
        shift && {
          actor: given ?? guardWho(guard)!,
          statement: sql`select muster.claim_shift(${shift.id})`,
          expected: (actor) => market.claim(actor, shift.id),
        }
      )
    }),
)

const STEPS: Record<string, { expected: ShiftStatus[]; next: ShiftStatus; reason?: string }> = {
  publish: { expected: ['draft'], next: 'published' },
  assign: { expected: ['published'], next: 'assigned' },
  release: { expected: ['assigned'], next: 'published' },
  cancel: { expected: ['draft', 'published', 'assigned', 'active'], next: 'cancelled', reason: 'Rained off' },
}

const move = fc
  .tuple(
    whoever,
    anyIndex,
    fc.constantFrom('publish', 'assign', 'assign', 'assign', 'assign', 'release', 'cancel'),
    fc.oneof({ weight: 10, arbitrary: anyGuard }, fc.constant(PROFESSIONALS.foreignGuard)),
  )
  .map(
    ([given, index, step, guard]) =>
      new Operation(`${step} (${index})`, (market) => {
        const { expected, next, reason = null } = STEPS[step]!
        const shift = shiftAt(market, index, ...expected)
        if (!shift) return undefined
        const professional = step === 'assign' ? guard : null
        return {
          actor: given ?? managerOf(shift.company, index),
          statement: sql`select muster.move_shift(${shift.id}, ${textArray(expected)}, ${next}, ${professional}, ${reason})`,
          expected: (actor) =>
            market.move(actor, shift.id, expected, next, {
              reason,
              ...(professional ? { professional } : {}),
            }),
        }
      }),
  )

const remove = fc.tuple(whoever, anyIndex).map(
  ([given, index]) =>
    new Operation(`remove (${index})`, (market) => {
      const shift = shiftAt(market, index, 'cancelled', 'assigned')
      return (
        shift && {
          actor: given ?? managerOf(shift.company, index),
          statement: sql`delete from shifts where id = ${shift.id} returning id`,
          expected: (actor) => market.remove(actor, shift.id),
        }
      )
    }),
)

/** Metres to the north of the site (radius 100), and the accuracy. */
const POSITIONS = {
  inside: { meters: 10, accuracy: 5, isOutside: false },
  uncertain: { meters: 95, accuracy: 50, isOutside: false },
  outside: { meters: 500, accuracy: 5, isOutside: true },
}
const METERS_PER_DEGREE = 111_200

const checkIn = fc
  .tuple(
    whoever,
    anyIndex,
    fc.constantFrom<'clock_in' | 'ping' | 'clock_out'>('clock_in', 'clock_in', 'ping', 'clock_out'),
    fc.constantFrom<keyof typeof POSITIONS>('inside', 'inside', 'uncertain', 'outside'),
    fc.constantFrom<'start' | 'end' | 'now'>('start', 'end', 'now'),
    fc.constantFrom(-150, -120, -60, -30, 0, 0, 30, 60, 720, 750),
  )
  .map(
    ([given, index, kind, place, from, offset]) =>
      new Operation(`${kind} ${place}, ${offset} from ${from} (${index})`, (market) => {
        const shift = shiftAt(market, index, 'assigned', 'active', 'completed', 'cancelled')
        if (!shift) return undefined
        const { meters, accuracy, isOutside } = POSITIONS[place]
        const recorded = from === 'now' ? Math.min(offset, 0) : shift[from] + offset
        return {
          actor: given ?? guardWho(shift.professional) ?? 'guard',
          statement: sql`
            insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
            values (${shift.id}, ${kind},
                    st_point(${SITE.longitude}::float8, ${SITE.latitude + meters / METERS_PER_DEGREE}::float8)::geography,
                    ${accuracy}, ${moment(recorded)}) returning id`,
          expected: (actor) => market.checkIn(actor, shift.id, { kind, isOutside, at: recorded }),
        }
      }),
  )

const addCertificate = fc
  .tuple(
    fc.constantFrom<Actor>(
      'guard',
      'otherGuard',
      'admin',
      'foreignAdmin',
      'stranger',
      'anon',
      'service_role',
    ),
    anyGuard,
    fc.constantFrom('vca', 'bhv'),
    fc.integer({ min: -1, max: 3 }),
  )
  .map(
    ([actor, professional, kind, days]) =>
      new Operation(`add ${kind} for ${days} days`, (market) => {
        const id = newId('ce00')
        const validUntil = market.dayIn(days)
        const certificate = { id, professional, kind, validUntil, isVerified: false, isDeleted: false }
        return {
          actor,
          statement: sql`
            insert into certificates (id, professional_id, kind, number, valid_until)
            values (${id}, ${professional}, ${kind}, 'N-1', ${validUntil}) returning id`,
          expected: (who) => market.addCertificate(who, certificate),
        }
      }),
  )

const certificateAt = (market: Marketplace, index: number, isVerified: boolean): Certificate | undefined => {
  const all = [...market.certificates.values()]
  const fitting = all.filter((one) => one.isVerified === isVerified && !one.isDeleted)
  return at(index % 5 === 0 || fitting.length === 0 ? all : fitting, index)
}

const changeCertificate = fc
  .tuple(
    whoever,
    anyIndex,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('verify' as const) },
      { weight: 1, arbitrary: fc.constant('withdraw' as const) },
      { weight: 2, arbitrary: fc.integer({ min: -1, max: 1 }) },
    ),
  )
  .map(
    ([given, index, change]) =>
      new Operation(`certificate: ${change} (${index})`, (market) => {
        const isVerified = change === 'verify'
        const certificate = certificateAt(market, index, !isVerified)
        if (!certificate) return undefined
        const { id } = certificate
        const actor = given ?? 'admin'
        if (typeof change === 'number') {
          const validUntil = market.dayIn(change)
          return {
            actor,
            statement: sql`update certificates set valid_until = ${validUntil} where id = ${id} returning id`,
            expected: (who) => market.changeCertificate(who, id, { validUntil }),
          }
        }
        return {
          actor,
          statement: sql`update certificates set verified_at = ${isVerified ? sql`now()` : sql`null`} where id = ${id} returning id`,
          expected: (who) => market.changeCertificate(who, id, { isVerified }),
        }
      }),
  )

const removeCertificate = fc.tuple(whoever, anyIndex).map(
  ([given, index]) =>
    new Operation(`remove certificate (${index})`, (market) => {
      const certificate = certificateAt(market, index, index % 2 === 0)
      return (
        certificate && {
          actor: given ?? (index % 4 === 0 ? 'admin' : guardWho(certificate.professional)!),
          statement: sql`delete from certificates where id = ${certificate.id} returning id`,
          expected: (actor) => market.removeCertificate(actor, certificate.id),
        }
      )
    }),
)

const setProfessional = fc
  .tuple(whoever, anyGuard, fc.constantFrom('active', 'active', 'active', 'inactive', 'suspended'))
  .map(
    ([given, id, status]) =>
      new Operation(`make a guard ${status}`, (market) => ({
        actor: given ?? 'admin',
        statement: sql`update security_professionals set status = ${status} where id = ${id} returning id`,
        expected: (actor) => market.setProfessional(actor, id, status),
      })),
  )

const moveLocation = fc.tuple(whoever, fc.constantFrom(...PLACES), fc.constantFrom(...ZONES)).map(
  ([given, id, zone]) =>
    new Operation(`move a location to ${zone}`, (market) => ({
      actor: given ?? 'admin',
      statement: sql`update locations set time_zone = ${zone} where id = ${id} returning id`,
      expected: (actor) => market.moveLocation(actor, id, zone),
    })),
)

/** Seldom the one at which most shifts are: a market without it is a quiet one. */
const removeLocation = fc
  .tuple(
    fc.constantFrom<Actor>('client', 'otherClient', 'company', 'guard', 'admin', 'foreignAdmin'),
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(LOCATIONS.office, LOCATIONS.otherClientSite) },
      { weight: 1, arbitrary: fc.constant(LOCATIONS.site) },
    ),
  )
  .map(
    ([actor, id]) =>
      new Operation('remove a location', (market) => ({
        actor,
        statement: sql`delete from locations where id = ${id} returning id`,
        expected: (who) => market.removeLocation(who, id),
      })),
  )

const pay = fc
  .tuple(anyIndex, fc.constantFrom('processing', 'pending', 'pending', 'failed', 'completed', 'voided'))
  .map(
    ([index, status]) =>
      new Operation(`pay: ${status} (${index})`, (market) => {
        const shift = shiftAt(market, index, 'assigned', 'active', 'completed')
        return (
          shift && {
            actor: 'service_role',
            statement: sql`update finqle_transactions set status = ${status}
                           where shift_id = ${shift.id} and status <> 'voided' returning id`,
            expected: () => market.pay(shift.id, status),
          }
        )
      }),
  )

const commands = fc.commands(
  // More than once: what happens more often.
  [
    create,
    create,
    reschedule,
    edit,
    setStatus,
    claim,
    claim,
    move,
    move,
    move,
    remove,
    checkIn,
    checkIn,
    checkIn,
    checkIn,
    addCertificate,
    changeCertificate,
    removeCertificate,
    setProfessional,
    moveLocation,
    removeLocation,
    pay,
  ],
  { maxCommands: LONGEST_RUN, size: 'max' },
)

test(
  'every operation gives the result that the model predicts',
  async () => {
    const total = () => [...tried.values()].reduce((sum, count) => sum + count, 0)
    const missing = () => OUTCOMES.filter((outcome) => !tried.has(outcome))
    const enough = ENOUGH[prepared().engine]
    // Chance may leave a rare outcome out for a while.
    while (total() < enough || (missing().length > 0 && total() < 5 * enough)) {
      await fc.assert(
        fc.asyncProperty(commands, (operations) =>
          rehearse(database, async (stage) => {
            const model = await openModel(stage)
            await fc.asyncModelRun(() => ({ model: { market: model }, real: stage }), operations)
            expect(await stateOf(stage)).toEqual(stateOfModel(model))
          }),
        ),
        { numRuns: 5 },
      )
    }
    expect(missing()).toEqual([])
  },
  TIMEOUT_MS,
)

/** Everything that the operations have to come to, some time. */
const OUTCOMES = [
  'ok',
  'unseen',
  'forbidden',
  'not_found',
  'invalid_transition',
  'shift_not_open',
  'shift_overlap',
  'shift_not_assigned',
  'certificate_missing',
  'certificate_expired',
  'certificate_in_use',
  'professional_inactive',
  'professional_unavailable',
  'professional_in_use',
  'location_in_use',
  'outside_check_in_window',
  'shift_begun',
  'rate_lowered',
  'payment_missing',
  'validation_failed shifts_rate_range',
  'validation_failed shifts_end_after_start',
]

/** All shifts with what hangs on them, by id. */
async function stateOf(stage: Stage): Promise<unknown> {
  const rows = await stage.run<{ id: string; state: unknown }>(
    'owner',
    sql`
      select s.id, jsonb_build_object(
        'status', s.status, 'professional', s.professional_id, 'location', s.location_id, 'client', s.client_id,
        'zone', s.time_zone, 'rate', s.hourly_rate, 'required', s.required_certificates, 'title', s.title,
        'reason', s.cancel_reason, 'isDeleted', s.deleted_at is not null,
        'start', extract(epoch from s.start_datetime - now()) / 60, 'end', extract(epoch from s.end_datetime - now()) / 60,
        'payments', (
          select coalesce(jsonb_agg(jsonb_build_array(t.status, t.amount, t.professional_id) order by a.begun_at), '[]')
          from finqle_transactions t join assignments a on a.id = t.assignment_id where t.shift_id = s.id
        ),
        'notifications', (
          select coalesce(jsonb_agg(jsonb_build_array(n.type, p.id) order by n.id), '[]')
          from notifications n join security_professionals p on p.user_id = n.user_id
          where n.data ->> 'shift_id' = s.id::text
        ),
        'assignments', (
          select coalesce(jsonb_agg(jsonb_build_array(a.professional_id, a.ended_as, a.hourly_rate) order by a.begun_at), '[]')
          from assignments a where a.shift_id = s.id
        ),
        'checkIns', (select count(*) from gps_checkins c where c.shift_id = s.id)
      ) as state
      from shifts s`,
  )
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]))
}

function stateOfModel(model: Marketplace): unknown {
  return Object.fromEntries(
    [...model.shifts.values()].map(({ id, company, assignments, ...rest }) => [
      id,
      {
        ...rest,
        payments: assignments.map(({ payment, professional }) => [
          payment.status,
          payment.amount,
          professional,
        ]),
        assignments: assignments.map(({ professional, endedAs, rate }) => [professional, endedAs, rate]),
        checkIns: assignments.reduce((sum, { checkIns }) => sum + checkIns.length, 0),
      },
    ]),
  )
}
