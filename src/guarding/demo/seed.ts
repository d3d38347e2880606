import { readFile } from 'node:fs/promises'
import type { Database, Transaction } from '../../platform/db/engine/database.ts'
import { asService } from '../../platform/db/identity.ts'
import { DEMO_USERS } from './users.ts'

interface Place {
  latitude: number
  longitude: number
}
interface Site extends Place {
  name: string
  address: string
}

/** Rows for `insert into … select from jsonb_to_recordset`: one statement a table. */
type Rows = Record<string, unknown>[]

/** Ids of the demo, the same on every machine, so that examples can name them. */
const demoId = (kind: string, n: number): string => `${kind}-0000-7000-8000-${String(n).padStart(12, '0')}`
const userOf = (address: (typeof DEMO_USERS)[number]['email']): string =>
  DEMO_USERS.find(({ email }) => email === address)!.id
const TENANT = demoId('de300000', 1)
const OTHER_TENANT = demoId('de300000', 2)
const COMPANIES = [demoId('de3c0000', 1), demoId('de3c0000', 2)] as const
const CLIENTS = [demoId('de3d0000', 1), demoId('de3d0000', 2), demoId('de3d0000', 3)] as const

/** Every kind that the demo's shifts ask for. */
const CERTIFICATE_KINDS = ['vca', 'beveiligingspas', 'bhv', 'svpb']

/** Days before and after today that have shifts. */
const PAST_DAYS = 10
const FUTURE_DAYS = 21
/** Weeks of the first company that are closed, and have statements: the oldest ones. On each day of a week enough for a payout in each status. */
const CLOSED_PERIODS = 3
/** What the provider said of payouts, in turn; then one is on its way, and the last is not sent yet. */
const ANSWERS = ['completed', 'failed', 'refunded'] as const
/** Before these days one shift was worked every other day, and its phone sent no pings: a month of hours that hardly delays the first start. */
const MONTH_DAYS = 31
/** The check-ins of the whole month arrive when the demo is made, and count. */
const DELIVERY_DAYS = 2 * MONTH_DAYS
/** Shifts that guards work, and open ones, on each day. */
const WORKED_PER_DAY = 4
const OPEN_PER_DAY = 5
/** The first guards are the ones that people sign in as: they start with an empty calendar. */
const SIGN_IN_GUARDS = 2
/** Guards who are at work at this moment, or should be; the calendar of the others does not use them. */
const GUARDS_ON_DUTY = 5
/** The last of them has not come yet: background work flags the shift `late`. */
const MINUTES_LATE = 45

/** What went otherwise than planned, so many days ago, at a shift of the first company. */
const ODD_DAYS: Readonly<Record<number, keyof typeof STATUS_BEFORE>> = {
  11: 'leftLate',
  13: 'cameLate',
  15: 'nobodyLeft',
  17: 'nobodyCame',
}
/** The status of such a shift before its check-ins, or that there are none, move it on. */
const STATUS_BEFORE = {
  leftLate: 'completed',
  cameLate: 'completed',
  nobodyLeft: 'active',
  nobodyCame: 'assigned',
} as const
/** The shifts on odd days, by id. */
type Odd = Record<keyof typeof STATUS_BEFORE, string[]>

const TITLES = [
  'Object security',
  'Event security',
  'Reception',
  'Mobile patrol',
  'Night watch',
  'Store security',
]
/** Hours of the day, local: early, late and night shifts of eight hours. */
const START_HOURS = [6, 14, 22]

/**
 * Fills an empty, migrated database with a demo around real places, in one transaction.
 *
 * @returns false when there is a tenant already: nothing was done.
 */
export async function seedDemo(database: Database): Promise<boolean> {
  const [sites, homes] = await Promise.all([
    readJson<Site[]>('./sites.json'),
    readJson<Place[]>('./homes.json'),
  ])
  return asService(database, async (tx) => {
    const [existing] = await tx.query<{ exists: boolean }>('select exists (select from public.tenants)')
    if (existing?.exists) return false
    await seedPeople(tx, homes)
    await seedTerms(tx)
    await seedSites(tx, sites)
    const odd = await seedShifts(tx, sites.length, homes.length)
    await seedCheckIns(tx, odd)
    await seedCorrections(tx)
    await seedDecisions(tx)
    await seedStatements(tx)
    await seedIncidents(tx)
    await seedPayouts(tx)
    return true
  })
}

const readJson = async <T>(path: string): Promise<T> =>
  JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'))

const userId = (email: string): string => {
  const user = DEMO_USERS.find((known) => known.email === email)
  if (!user) throw new Error(`The demo has no user ${email}.`)
  return user.id
}

const guardUser = (n: number): string =>
  n === 0 ? userId('guard@example.com') : n === 1 ? userId('guard2@example.com') : demoId('de3a0000', n)
const professional = (n: number): string => demoId('de3e0000', n)

async function seedPeople(tx: Transaction, homes: Place[]): Promise<void> {
  await insert(tx, 'tenants (id, name)', 'id uuid, name text', [
    { id: TENANT, name: 'Demo marketplace' },
    { id: OTHER_TENANT, name: 'Another marketplace' },
  ])
  await insert(
    tx,
    'organizations (id, tenant_id, name, kind)',
    'id uuid, tenant_id uuid, name text, kind text',
    [
      { id: COMPANIES[0], tenant_id: TENANT, name: 'Demo Security', kind: 'company' },
      { id: COMPANIES[1], tenant_id: TENANT, name: 'Second Demo Security', kind: 'company' },
      { id: CLIENTS[0], tenant_id: TENANT, name: 'Demo Retail', kind: 'client' },
      { id: CLIENTS[1], tenant_id: TENANT, name: 'Demo Logistics', kind: 'client' },
      { id: CLIENTS[2], tenant_id: TENANT, name: 'Demo Events', kind: 'client' },
    ],
  )
  await insert(
    tx,
    'company_clients (tenant_id, company_id, client_id)',
    'tenant_id uuid, company_id uuid, client_id uuid',
    COMPANIES.flatMap((company_id) =>
      CLIENTS.map((client_id) => ({ tenant_id: TENANT, company_id, client_id })),
    ),
  )

  const guards = homes.map((_, n) => ({
    id: guardUser(n),
    tenant_id: TENANT,
    organization_id: null,
    role: 'zzp',
    name: `Demo guard ${n + 1}`,
    email: n === 0 ? 'guard@example.com' : `guard${n + 1}@example.com`,
  }))
  const signIn = (email: string, role: string, name: string, organization_id: string | null) => ({
    id: userId(email),
    tenant_id: TENANT,
    organization_id,
    role,
    name,
    email,
  })
  await insert(
    tx,
    'users (id, tenant_id, organization_id, role, name, email)',
    'id uuid, tenant_id uuid, organization_id uuid, role text, name text, email text',
    [
      signIn('admin@example.com', 'admin', 'Demo admin', null),
      signIn('company@example.com', 'company', 'Demo planner', COMPANIES[0]),
      signIn('client@example.com', 'client', 'Demo site manager', CLIENTS[0]),
      ...guards,
      { ...signIn('outsider@example.com', 'zzp', 'Demo outsider', null), tenant_id: OTHER_TENANT },
    ],
  )
  await insert(
    tx,
    'security_professionals (id, tenant_id, user_id, home_point)',
    'id uuid, tenant_id uuid, user_id uuid, latitude float8, longitude float8',
    [
      ...homes.map((home, n) => ({ id: professional(n), tenant_id: TENANT, user_id: guardUser(n), ...home })),
      {
        id: professional(homes.length),
        tenant_id: OTHER_TENANT,
        user_id: userId('outsider@example.com'),
        ...homes[0]!,
      },
    ],
    'id, tenant_id, user_id, st_point(longitude, latitude)::geography',
  )
  await insert(
    tx,
    'certificates (professional_id, kind, number, valid_until, verified_at, verified_by)',
    'professional_id uuid, kind text, number text, days int, verified boolean, verified_by uuid',
    [...homes, homes[0]].flatMap((_, n) =>
      CERTIFICATE_KINDS.map((kind, k) => ({
        professional_id: professional(n),
        kind,
        number: `${kind.toUpperCase()}-${String(1000 + n)}`,
        // Some run out soon, and some wait for an admin, but not those of the guards that people sign in as.
        days: n < SIGN_IN_GUARDS ? 1500 : 90 + ((n * 37 + k * 101) % 900),
        verified: n < SIGN_IN_GUARDS || kind === 'vca' || (n + k) % 5 !== 0,
        verified_by: userId('admin@example.com'),
      })),
    ),
    `professional_id, kind, number, (now() + make_interval(days => days))::date,
     case when verified then now() end, case when verified then verified_by end`,
  )
}

const locationId = (n: number): string => demoId('de310000', n)

async function seedSites(tx: Transaction, sites: Site[]): Promise<void> {
  await insert(
    tx,
    'locations (id, organization_id, name, address, location_point, radius_meters)',
    'id uuid, organization_id uuid, name text, address text, latitude float8, longitude float8, radius_meters int',
    sites.map((site, n) => ({
      ...site,
      id: locationId(n),
      organization_id: n % 8 === 7 ? COMPANIES[0] : CLIENTS[n % CLIENTS.length],
      radius_meters: [75, 100, 150, 250][n % 4],
    })),
    'id, organization_id, name, address, st_point(longitude, latitude)::geography, radius_meters',
  )
}

/** Before the shifts: an assignment keeps the terms and the allowances that are there when it is made. */
async function seedTerms(tx: Transaction): Promise<void> {
  await insert(
    tx,
    `company_terms (company_id, late_after_minutes, auto_close_minutes, minimum_minutes, give_back_minutes, delivery_days)`,
    'company_id uuid',
    COMPANIES.map((company_id) => ({ company_id })),
    `company_id, 30, 120, 180, 1440, ${DELIVERY_DAYS}`,
  )
  await insert(
    tx,
    'allowances (company_id, kind, valid_from, percent, window_from, window_to)',
    'company_id uuid, kind text, percent numeric, window_from time, window_to time',
    [
      { kind: 'night', percent: 25, window_from: '22:00', window_to: '06:00' },
      { kind: 'sunday', percent: 50 },
    ].map((allowance) => ({ ...allowance, company_id: COMPANIES[0] })),
    "company_id, kind, now() - interval '1 year', percent, window_from, window_to",
  )
}

async function seedShifts(tx: Transaction, siteCount: number, guardCount: number): Promise<Odd> {
  const rota = { first: SIGN_IN_GUARDS + GUARDS_ON_DUTY, size: guardCount - SIGN_IN_GUARDS - GUARDS_ON_DUTY }
  const shifts: Rows = []
  const odd: Odd = { cameLate: [], nobodyCame: [], nobodyLeft: [], leftLate: [] }
  let n = 0
  const add = (shift: {
    status: string
    day: number
    hour?: number
    guard?: number
    start_minutes?: number
    odd?: keyof Odd
  }) => {
    const site = (n * 7) % siteCount
    const id = demoId('de350000', n)
    if (shift.odd) odd[shift.odd].push(id)
    shifts.push({
      id,
      // A location of the first company's own is used by that company.
      company_id: site % 8 === 7 || n % 3 !== 0 ? COMPANIES[0] : COMPANIES[1],
      location_id: locationId(site),
      status: shift.status,
      professional_id: shift.guard === undefined ? null : professional(shift.guard),
      day: shift.day,
      hour: shift.hour ?? START_HOURS[n % START_HOURS.length],
      start_minutes: shift.start_minutes ?? null,
      hourly_rate: 19.5 + (n % 12) * 1.25,
      title: TITLES[n % TITLES.length],
      description: n % 2 === 0 ? 'Report at the reception. Keys are handed over at the start.' : null,
      cancel_reason: shift.status === 'cancelled' ? 'The client closed the site.' : null,
      // Of those who work already only the one: their others may wait for verification.
      certificates: shift.guard === undefined && n % 4 === 0 ? ['vca', 'beveiligingspas'] : ['vca'],
    })
    n += 1
  }

  for (let day = -PAST_DAYS; day < 0; day += 1) {
    for (let k = 0; k < WORKED_PER_DAY; k += 1) {
      add({
        status: 'completed',
        day: day - 1,
        guard: rota.first + (((day + PAST_DAYS) * WORKED_PER_DAY + k) % rota.size),
      })
    }
    if (day % 3 === 0) add({ status: 'cancelled', day: day - 1 })
  }
  for (let guard = 0; guard < GUARDS_ON_DUTY - 1; guard += 1) {
    add({ status: 'active', day: 0, guard: SIGN_IN_GUARDS + guard, start_minutes: -60 * (guard + 1) })
  }
  for (let day = 1; day <= FUTURE_DAYS; day += 1) {
    for (let k = 0; k < OPEN_PER_DAY; k += 1) add({ status: 'published', day })
    if (day <= FUTURE_DAYS / 2) add({ status: 'assigned', day, guard: rota.first + (day % rota.size) })
    if (day % 4 === 0) add({ status: 'draft', day })
  }
  // Last, so that the others keep their ids.
  add({ status: 'assigned', day: 0, guard: rota.first - 1, start_minutes: -MINUTES_LATE })
  for (let ago = MONTH_DAYS; ago > PAST_DAYS; ago -= 2) {
    const odd = ODD_DAYS[ago]
    const status = odd ? STATUS_BEFORE[odd] : 'completed'
    add({ status, day: -ago - 1, guard: rota.first + (ago % rota.size), ...(odd && { odd }) })
  }

  await insert(
    tx,
    `shifts (id, company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title,
             description, cancel_reason, required_certificates)`,
    `id uuid, company_id uuid, location_id uuid, status text, professional_id uuid, day int, hour int, start_minutes int,
     hourly_rate numeric, title text, description text, cancel_reason text, certificates text[]`,
    shifts,
    `id, company_id, location_id, status, professional_id, starts.at, starts.at + interval '8 hours', hourly_rate, title,
     description, cancel_reason, certificates`,
    `cross join lateral (
       select coalesce(
         date_trunc('minute', now()) + make_interval(mins => start_minutes),
         (date_trunc('day', now() at time zone 'Europe/Amsterdam') + make_interval(days => day, hours => hour))
           at time zone 'Europe/Amsterdam'
       ) as at
     ) starts`,
  )

  // What the guard alone is told, of every fourth shift.
  await tx.query(`
    insert into public.shift_briefings (shift_id, text)
    select s.id, 'The alarm code is 4711. Switch it on again before you leave.'
    from (select *, row_number() over (order by id) as nth from public.shifts) s
    where s.nth % 4 = 0 and s.status in ('draft', 'published', 'assigned', 'active')
  `)
  return odd
}

async function seedCheckIns(tx: Transaction, odd: Odd): Promise<void> {
  await tx.query("update public.shifts set status = 'no_show' where id = any ($1)", [idsOf(odd.nobodyCame)])
  await tx.query(
    `update public.assignments set auto_closed_at = end_datetime + make_interval(mins => auto_close_minutes)
     where shift_id = any ($1)`,
    [idsOf(odd.nobodyLeft)],
  )
  // Phones report a fix within some metres of the site: a clock-in, a ping each hour, a clock-out where it is over.
  await tx.query(
    `insert into public.gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
    select s.id, fix.kind,
           st_project(s.location_point, 5 + (fix.nth * 13) % 40, radians((fix.nth * 77) % 360)),
           6 + (fix.nth * 5) % 20,
           fix.at
    from public.shifts s
    cross join lateral (
      select 'clock_in' as kind, s.start_datetime + make_interval(mins => case when s.id = any ($1) then 50 else -6 end) as at, 0 as nth
      union all
      select 'ping', s.start_datetime + make_interval(hours => h), h from generate_series(1, 7) h
      where s.start_datetime > now() - make_interval(days => $4)
      union all
      select 'clock_out', s.end_datetime + make_interval(mins => case when s.id = any ($3) then 80 else 4 end), 8
      where s.id <> all ($2)
    ) fix
    where s.status in ('active', 'completed') and fix.at < now()
    order by s.id, fix.at`,
    [idsOf(odd.cameLate), idsOf(odd.nobodyLeft), idsOf(odd.leftLate), PAST_DAYS + 2],
  )
}

/** The first company pays by the week, and two of its guards have told about VAT; its oldest weeks are closed. */
async function seedStatements(tx: Transaction): Promise<void> {
  await insert(
    tx,
    'pay_terms (company_id, valid_from, period, time_zone)',
    'company_id uuid',
    [{ company_id: COMPANIES[0] }],
    "company_id, current_date - 365, 'week', 'Europe/Amsterdam'",
  )
  await insert(
    tx,
    'professional_tax_terms (professional_id, valid_from, vat_rate, vat_exemption, vat_number)',
    'professional_id uuid, vat_rate numeric, vat_exemption text, vat_number text',
    [
      {
        professional_id: professional(SIGN_IN_GUARDS + GUARDS_ON_DUTY),
        vat_rate: 21,
        vat_number: 'NL123456789B01',
      },
      {
        professional_id: professional(SIGN_IN_GUARDS + GUARDS_ON_DUTY + 1),
        vat_rate: 0,
        vat_exemption: 'small_business',
      },
    ],
    'professional_id, current_date - 365, vat_rate, vat_exemption, vat_number',
  )
  await tx.query('select muster.open_pay_periods()')
  const periods = await tx.query<{ id: string }>(
    'select id from public.pay_periods where company_id = $1 and ends_at < now() order by first_day limit $2::int',
    [COMPANIES[0], CLOSED_PERIODS],
  )
  for (const { id } of periods)
    await tx.query('select muster.settle_pay_period($1, $2)', [id, userOf('company@example.com')])
}

/**
 * As background work, which alone writes payouts: so it comes last. One is left to be sent when the service runs; the provider has not said
 * what became of another, and is asked tomorrow.
 */
async function seedPayouts(tx: Transaction): Promise<void> {
  await tx.query("select set_config('role', 'muster_jobs', true)")
  const sent = await tx.query<{ id: string; key: string }>(
    "select id, key from muster.take_payouts($1::int, interval '1 day')",
    [ANSWERS.length + 1],
  )
  for (const [nth, status] of ANSWERS.entries()) {
    const { id, key } = sent[nth]!
    const answer = status === 'failed' ? ['failed', 'account_closed'] : ['completed', null]
    await tx.query("select muster.note_payout_answer($1::uuid, $2, 'demo-' || $1, $3, 1)", [id, ...answer])
    if (status === 'refunded')
      await tx.query(
        "select muster.receive_payout_event('demo-' || $1, $1::uuid, null, 'refunded', now(), 'account_closed')",
        [key],
      )
  }
}

/** What guards and companies say afterwards: two proposals, and one of each that was decided on. */
async function seedCorrections(tx: Transaction): Promise<void> {
  await tx.query(
    `insert into public.corrections
       (id, assignment_id, event_id, change, becomes_at, reason, proposed_by, proposed_as, state, decided_by, decided_at)
     select ('de3b0000-0000-7000-8000-' || lpad(e.nth::text, 12, '0'))::uuid, e.assignment_id, e.id, 'another_time',
            e.recorded_at - interval '10 minutes', 'I left earlier, and forgot to clock out.',
            case when d.state = 'imposed' then $2 else p.user_id end,
            case when d.state = 'imposed' then 'admin' else 'professional' end,
            d.state,
            case d.state when 'imposed' then $2::uuid when 'proposed' then null else $3::uuid end,
            case when d.state <> 'proposed' then now() end
     from (
       select c.*, row_number() over (order by c.recorded_at desc) as nth
       from public.gps_checkins c
       where c.kind = 'clock_out' and c.company_id = $1
     ) e
     join public.security_professionals p on p.id = e.professional_id
     join unnest(array['proposed', 'proposed', 'accepted', 'refused', 'imposed']) with ordinality as d (state, nth) on d.nth = e.nth`,
    [COMPANIES[0], userOf('admin@example.com'), userOf('company@example.com')],
  )
}

/**
 * What became of the first company's timesheets, which check-ins have made: the newest wait for the company, and so do those with open
 * lines; of the others three are or were disputed, and the rest is approved, the oldest by themselves.
 */
async function seedDecisions(tx: Transaction): Promise<void> {
  await tx.query(
    `with sheet as (
       select t.*, p.user_id, row_number() over (order by t.start_datetime desc, t.id) as nth, exists (
         select from public.timesheet_lines l where l.timesheet_id = t.id and not l.is_approved
       ) as is_open
       from public.timesheets t
       join public.security_professionals p on p.id = t.professional_id
       where t.company_id = $1 and t.start_datetime < now() - interval '4 days'
     ), settled as (
       select s.*, case
         when s.nth <= 3 then (array['disputed', 'countered', 'resolved'])[s.nth::int]
         when s.flags = '{}' and s.start_datetime < now() - interval '10 days' then 'approved_by_itself'
         else 'approved'
       end as outcome
       from sheet s
       where not s.is_open
     ), changed as (
       update public.timesheets t
       set state = case when s.outcome in ('disputed', 'countered') then 'disputed' else 'approved' end,
           proposed_at = s.end_datetime,
           approved_at = case when s.outcome not in ('disputed', 'countered') then s.end_datetime + interval '3 days' end,
           approved_by = case s.outcome when 'approved' then $2::uuid when 'resolved' then $3::uuid end
       from settled s
       where t.id = s.id
     )
     insert into public.timesheet_steps
       (tenant_id, company_id, professional_id, timesheet_id, step, taken_by, by_professional, reason, worked, created_at)
     select s.tenant_id, s.company_id, s.professional_id, s.id, taken.step,
            case taken.by_whom when 'guard' then s.user_id when 'company' then $2 when 'admin' then $3 end, taken.by_whom = 'guard',
            taken.reason, case when taken.step = 'countered' then jsonb_build_array(jsonb_build_object(
              'from', s.start_datetime, 'to', s.end_datetime + interval '30 minutes'
            )) end,
            s.end_datetime + make_interval(days => taken.after_days)
     from settled s
     join (values
       ('disputed', 'disputed', 'guard', 1, 'The relief came later than that.'),
       ('countered', 'countered', 'guard', 1, 'I waited for the police for half an hour.'),
       ('resolved', 'disputed', 'guard', 1, 'I was there before six.'),
       ('resolved', 'resolved', 'admin', 3, 'The gate shows the hours of the phone.'),
       ('approved', 'approved', 'company', 3, null),
       ('approved_by_itself', 'approved_by_itself', 'nobody', 3, null)
     ) as taken (outcome, step, by_whom, after_days, reason) on taken.outcome = s.outcome`,
    [COMPANIES[0], userOf('company@example.com'), userOf('admin@example.com')],
  )
}

async function seedIncidents(tx: Transaction): Promise<void> {
  await tx.query(`
    insert into public.incidents
      (shift_id, reported_by, category, severity, description, incident_point, occurred_at, status)
    select s.id, p.user_id, (array['trespass', 'theft', 'medical', 'safety'])[1 + s.nth % 4],
           (array['low', 'medium', 'high'])[1 + s.nth % 3],
           'Seen on the round, written up and handed over to the client.', s.location_point,
           s.start_datetime + interval '3 hours', (array['resolved', 'acknowledged', 'open'])[1 + s.nth % 3]
    from (
      select *, row_number() over (order by start_datetime)::int as nth from public.shifts where status = 'completed'
    ) s
    join public.security_professionals p on p.id = s.professional_id
    where s.nth % 6 = 0
  `)
}

const idsOf = (ids: readonly string[]): string => `{${ids.join(',')}}`

/** `insert into <target> select <expressions> from jsonb_to_recordset(rows)`: names and types are ours, values are parameters. */
async function insert(
  tx: Transaction,
  target: string,
  recordset: string,
  rows: Rows,
  expressions = target.slice(target.indexOf('(') + 1, -1),
  join = '',
): Promise<void> {
  await tx.query(
    `insert into public.${target} select ${expressions} from jsonb_to_recordset($1::jsonb) as given (${recordset}) ${join}`,
    [JSON.stringify(rows)],
  )
}
