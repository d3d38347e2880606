import type { Database } from '../../src/platform/db/engine/database.ts'
import { changes, deletes, follows, inserts, locks, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, idOf, one } from '../support/route-arrangements.ts'
import { LOCATIONS, ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in the world of the matrix. */
const FORMER_GUARD = id('e000', 34)

/** Of shifts that were completed some days ago: the database makes their assignments, payments and timesheets. */
const row = (n: number, company: string, location: string, professional: string, beganHoursAgo = 80) => ({
  id: id('3100', n),
  shift: id('f310', n),
  company,
  location,
  professional,
  beganHoursAgo,
})
const ROWS = {
  guardAtCompany: row(1, ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard),
  otherGuardAtRival: row(2, ORGANIZATIONS.rival, LOCATIONS.otherClientSite, PROFESSIONALS.otherGuard),
  formerGuard: row(3, ORGANIZATIONS.company, LOCATIONS.site, FORMER_GUARD),
  foreignGuard: row(4, ORGANIZATIONS.foreignCompany, LOCATIONS.foreignSite, PROFESSIONALS.foreignGuard),
}
const DISPUTED = row(5, ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard, 110)

/** Lines and steps of the same timesheets. */
const partOf = (kind: string): Record<string, MatrixRow> =>
  Object.fromEntries(
    Object.entries(ROWS).map(([name, row], n) => [
      name,
      { id: id(kind, n + 1), timesheet: row.id, company: row.company, professional: row.professional },
    ]),
  )
const LINES = partOf('3200')
const STEPS = partOf('3300')

async function arrange(owner: Database): Promise<void> {
  for (const { id, shift, company, location, professional, beganHoursAgo } of [
    ...Object.values(ROWS),
    DISPUTED,
  ]) {
    await owner.query(
      `insert into shifts (id, company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
       values ($1, $2, $3, $4, 'completed', now() - $5::int * interval '1 hour', now() - $5::int * interval '1 hour' + interval '8 hours',
               25, 'Night watch')`,
      [shift, company, location, professional, beganHoursAgo],
    )
    await owner.query(
      'delete from timesheet_lines where timesheet_id = (select id from timesheets where shift_id = $1)',
      [shift],
    )
    await owner.query('update timesheets set id = $2 where shift_id = $1', [shift, id])
  }
  await owner.query("update timesheets set state = 'disputed' where id = $1", [DISPUTED.id])
  for (const { id, timesheet } of Object.values(LINES)) {
    await owner.query(
      `insert into timesheet_lines (id, tenant_id, company_id, professional_id, timesheet_id, position, kind, seconds, rate, factor,
                                    amount, explanation, is_approved)
       select $1, tenant_id, company_id, professional_id, id, 1, 'planned', 28800, 25, 1, 200, 'Planned time', true
       from timesheets where id = $2`,
      [id, String(timesheet)],
    )
  }
  for (const { id, timesheet } of Object.values(STEPS)) {
    await owner.query(
      `insert into timesheet_steps (id, tenant_id, company_id, professional_id, timesheet_id, step, by_professional)
       select $1, tenant_id, company_id, professional_id, id, 'approved', false from timesheets where id = $2`,
      [id, String(timesheet)],
    )
  }
}

/** Of the hours but one at each end. */
const counter = ({ id, beganHoursAgo }: MatrixRow): string =>
  `select muster.counter_timesheet(${quote(id)}, jsonb_build_array(jsonb_build_object(
     'from', now() - ${Number(beganHoursAgo) - 1} * interval '1 hour', 'to', now() - ${Number(beganHoursAgo) - 7} * interval '1 hour')),
     'Another time')`

export const access: Access = {
  section: {
    table: 'public.timesheets',
    key: 'id',
    rows: { ...ROWS, disputed: DISPUTED },
    actions: {
      r: reads('public.timesheets'),
      t: reads('public.timesheets', 'id', 'total'),
      f: follows('timesheets'),
      a: changes('approve', ({ id }) => `select muster.approve_timesheet(${quote(id)})`),
      A: changes(
        'approve with others',
        ({ id }) => `select muster.approve_timesheets(array[${quote(id)}::uuid])`,
      ),
      l: locks('lock as to approve it', ({ id, shift }) => ({
        statement: `select muster.lock_for_approval(array[${quote(id)}::uuid])`,
        relation: 'public.shifts',
        condition: `id = ${quote(shift)}`,
      })),
      p: changes('dispute', ({ id }) => `select muster.dispute_timesheet(${quote(id)}, 'It was longer.')`),
      c: changes('counter', counter, ({ id }) => ({
        relation: 'public.timesheet_steps',
        condition: `timesheet_id = ${quote(id)} and step = 'countered'`,
      })),
      x: changes(
        'resolve by the clock',
        ({ id }) => `select muster.resolve_timesheet(${quote(id)}, 'clocked')`,
      ),
      e: updates('public.timesheets', "state = 'approved', approved_at = now()"),
      d: deletes('public.timesheets'),
    },
    grid: `
                         company  colleague  rival   client  otherClient  guard  otherGuard  admin   foreignCompany  foreignClient  foreignGuard  foreignAdmin
      guardAtCompany     rfaAlc   rfaAlc     .       rf      .            rfpc   .           rfaAlc  .               .              .             .
      otherGuardAtRival  .        .          rfaAlc  .       rf           .      rfpc        rfaAlc  .               .              .             .
      formerGuard        rfaAlc   rfaAlc     .       rf      .            .      .           rfaAlc  .               .              .             .
      disputed           rflc     rflc       .       rf      .            rfcx   .           rflcx   .               .              .             .
      foreignGuard       .        .          .       .       .            .      .           .       rfaAlc          rf             rfpc          rfaAlc
    `,
  },
  arrange,
  privileges: {
    authenticated: {
      select:
        'id tenant_id company_id client_id shift_id assignment_id professional_id state start_datetime end_datetime time_zone work_date worked paid clocked agreed worked_seconds break_seconds paid_seconds currency flags proposed_at approved_at approved_by locked_at pay_period_id created_at updated_at changed_xid adjusted',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', insert: '*', update: '*' },
  },
  functions: {
    authenticated: [
      'muster.approve_timesheet(uuid,text[],numeric)',
      'muster.approve_timesheets(uuid[])',
      'muster.counter_timesheet(uuid,jsonb,text)',
      'muster.dispute_timesheet(uuid,text)',
      'muster.lock_for_approval(uuid[])',
      'muster.resolve_timesheet(uuid,text,text)',
    ],
    muster_jobs: ['muster.approve_agreed_hours(integer)', 'muster.make_missing_timesheets(integer)'],
    muster_definer: [
      'muster.add_adjustment(public.timesheets,tstzmultirange,tstzmultirange)',
      'muster.add_minimum(public.assignments,uuid)',
      'muster.adjust_timesheet(public.corrections)',
      'muster.audience_of_timesheet_lines(jsonb,timestamp with time zone)',
      'muster.audience_of_timesheet_steps(jsonb,timestamp with time zone)',
      'muster.audience_of_timesheets(jsonb,timestamp with time zone)',
      'muster.count_lines(public.assignments,public.timesheets,tstzmultirange,tstzmultirange)',
      'muster.duration_text(numeric)',
      'muster.estimated_pay(public.assignments)',
      'muster.finished_assignment(public.timesheets)',
      'muster.hours_are_settled(uuid)',
      'muster.hours_of(public.assignments,tstzmultirange)',
      'muster.is_own_user(public.timesheets)',
      'muster.lines_of(public.assignments,text,tstzmultirange,tstzmultirange,boolean)',
      'muster.lock_timesheet(uuid)',
      'muster.make_neighbours(public.assignments)',
      'muster.make_timesheet(public.assignments,tstzmultirange)',
      'muster.may_approve_itself(public.timesheets,public.assignments)',
      'muster.note_step(public.timesheets,text,boolean,text,jsonb)',
      'muster.notify_of_timesheet(public.timesheets,text,boolean)',
      'muster.pay_for_hours(public.assignments,text,tstzmultirange)',
      'muster.reopen_timesheet(public.timesheets)',
      'muster.require_dispute_in_time(public.timesheets)',
      'muster.seconds_of(tstzmultirange)',
      'muster.seen_of_timesheet_lines(jsonb)',
      'muster.seen_of_timesheet_steps(jsonb)',
      'muster.seen_of_timesheets(jsonb)',
      'muster.settle_timesheet(public.timesheets,text[],uuid)',
      'muster.side_of_caller(public.timesheets)',
      'muster.spans_json(tstzmultirange)',
      'muster.spans_of(jsonb)',
    ],
    '': ['muster.tg_timesheet_lines__keep_locked()', 'muster.tg_timesheets__keep_locked()'],
  },
}

const MONEY_GRID = `
                     company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
  guardAtCompany     rf       rf         .      .       .            rf     .           rf     .               .              .             .
  otherGuardAtRival  .        .          rf     .       .            .      rf          rf     .               .              .             .
  formerGuard        rf       rf         .      .       .            .      .           rf     .               .              .             .
  foreignGuard       .        .          .      .       .            .      .           .      rf              .              rf            rf
`

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.timesheet_lines',
      key: 'id',
      rows: LINES,
      actions: {
        r: reads('public.timesheet_lines'),
        f: follows('timesheet_lines'),
        e: updates('public.timesheet_lines', 'amount = 1000'),
        d: deletes('public.timesheet_lines'),
        c: inserts('public.timesheet_lines', ({ timesheet, company, professional }) => ({
          timesheet_id: timesheet,
          company_id: company,
          professional_id: professional,
          amount: 1000,
        })),
      },
      grid: MONEY_GRID,
    },
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', insert: '*', update: '*', delete: '*' },
    },
  },
  {
    section: {
      table: 'public.timesheet_steps',
      key: 'id',
      rows: STEPS,
      actions: {
        r: reads('public.timesheet_steps'),
        f: follows('timesheet_steps'),
        e: updates('public.timesheet_steps', "step = 'disputed'"),
        d: deletes('public.timesheet_steps'),
      },
      grid: MONEY_GRID,
    },
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', insert: '*' },
    },
  },
]

let made = 0

/** Of a shift of the guard, on a day of the past on which no other is. */
async function timesheet({ owner }: Arrangement): Promise<string> {
  return idOf(
    await owner.query<{ id: string }>(
      `with shift as (
         insert into shifts (company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate, title)
         values ($1, $2, $3, 'completed', now() - $4::int * interval '1 day', now() - $4::int * interval '1 day' + interval '8 hours', 25,
                 'Night watch')
         returning id
       )
       select id from shift`,
      [ORGANIZATIONS.company, LOCATIONS.site, PROFESSIONALS.guard, 40 + made++],
    ),
  )
}

/** Its timesheet, which the trigger made after the statement. */
async function sheet(arrangement: Arrangement): Promise<string> {
  const shift = await timesheet(arrangement)
  return idOf(
    await arrangement.owner.query<{ id: string }>('select id from timesheets where shift_id = $1', [shift]),
  )
}

const REASON = 'The phone was off.'

export const requests: Resource['requests'] = {
  'GET /v1/timesheets': each('/v1/timesheets'),
  'GET /v1/timesheets.csv': each('/v1/timesheets.csv'),
  'GET /v1/timesheets/{id}': async (arrangement) => {
    const url = `/v1/timesheets/${await sheet(arrangement)}?explain=true`
    return (['guard', 'company', 'client', 'admin'] as const).map((persona) => ({ persona, url }))
  },
  'POST /v1/timesheets/{id}/approve': async (arrangement) =>
    one({ persona: 'company', url: `/v1/timesheets/${await sheet(arrangement)}/approve`, body: {} }),
  'POST /v1/timesheets/approve': async (arrangement) => {
    const ids = []
    for (let n = 0; n < Math.min(arrangement.items, 100); n++) ids.push(await sheet(arrangement))
    return one({ persona: 'company', url: '/v1/timesheets/approve', body: { ids } })
  },
  'POST /v1/timesheets/{id}/dispute': async (arrangement) =>
    one({
      persona: 'guard',
      url: `/v1/timesheets/${await sheet(arrangement)}/dispute`,
      body: { reason: REASON },
    }),
  'POST /v1/timesheets/{id}/counter': async (arrangement) =>
    one({
      persona: 'guard',
      url: `/v1/timesheets/${await sheet(arrangement)}/counter`,
      body: { worked: [], reason: REASON },
    }),
  'POST /v1/timesheets/{id}/resolve': async (arrangement) => {
    const id = await sheet(arrangement)
    await arrangement.owner.query("update timesheets set state = 'disputed' where id = $1", [id])
    return one({ persona: 'guard', url: `/v1/timesheets/${id}/resolve`, body: { outcome: 'clocked' } })
  },
}
