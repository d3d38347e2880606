import { randomUUID } from 'node:crypto'
import { changes, deletes, follows, NEW_ID, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { type MatrixRow, MORE_USERS } from '../rules/access-world.ts'
import { arrangeDriver } from '../support/freight-loads.ts'
import { DRIVERS, FREIGHT_USERS } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (kind: string, n: number): string => `${kind}000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in drivers.ts: of the personas `driver`, `rivalDriver` and `foreignDriver`; one that was removed, and one whose user was. */
const DRIVER = {
  own: id('ba', 1),
  ofDismissed: id('ba', 2),
  ofFormer: id('ba', 3),
  rival: id('ba', 4),
  foreign: id('ba', 5),
  ofEarlier: id('ba', 6),
  ofDispatcher: id('ba', 7),
}

const BEGAN = '2026-01-05T08:00:00Z'

/** Whoever drives writes a log: it has to be that of the row. */
const WRITTEN = ({ driver }: MatrixRow) => ({
  relation: 'public.duty_status_changes',
  condition: `id = ${quote(NEW_ID)} and driver_id = ${quote(driver)}`,
})
const PROPOSED = ({ driver }: MatrixRow) => ({
  relation: 'public.duty_status_edits',
  condition: `reason = 'Tried' and driver_id = ${quote(driver)}`,
})
const ITEM = { id: NEW_ID, status: 'driving', began_at: BEGAN, recorded_at: BEGAN, device_id: 'phone' }

export const access: Access = {
  section: {
    table: 'public.duty_status_changes',
    key: 'id',
    rows: Object.fromEntries(
      Object.entries(DRIVER).map(([name, driver], n) => [name, { id: id('d5', n + 1), driver }]),
    ),
    actions: {
      r: reads('public.duty_status_changes'),
      f: follows('duty_status_changes'),
      c: changes(
        'write to the log',
        () =>
          `insert into public.duty_status_changes (id, status, began_at, recorded_at, device_id)
           values (${quote(NEW_ID)}, 'driving', ${quote(BEGAN)}, ${quote(BEGAN)}, 'phone')`,
        WRITTEN,
      ),
      s: changes(
        'send a batch',
        () => `select muster.record_duty_statuses(${quote(JSON.stringify([ITEM]))})`,
        WRITTEN,
      ),
      k: changes(
        'say whose log it is',
        ({ driver }) =>
          `insert into public.duty_status_changes (id, driver_id, status, began_at, recorded_at, device_id)
           values (${quote(NEW_ID)}, ${quote(driver)}, 'driving', ${quote(BEGAN)}, ${quote(BEGAN)}, 'phone')`,
        WRITTEN,
      ),
      e: updates('public.duty_status_changes', "status = 'off_duty'"),
      d: deletes('public.duty_status_changes'),
    },
    // The dispatcher of this world drives, too.
    grid: `
                    office  dispatcher  driver  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
      own           rf      rf          rfcs    .            .            rf     .              .              .
      ofDismissed   rf      rf          .       .            .            rf     .              .              .
      ofFormer      rf      rf          .       .            .            rf     .              .              .
      ofEarlier     rf      rf          .       .            .            rf     .              .              .
      ofDispatcher  rf      rfcs        .       .            .            rf     .              .              .
      rival         .       .           .       rf           rfcs         rf     .              .              .
      foreign       .       .           .       .            .            .      rf             rfcs           rf
    `,
  },
  columns: ({ id, driver }) => ({
    id,
    driver_id: driver,
    status: 'on_duty',
    began_at: BEGAN,
    recorded_at: BEGAN,
    device_id: 'phone',
  }),
  alone: {
    inserts: {
      'driver own': 'allowed',
      'driver ofFormer': 'refused',
      'rivalDriver own': 'refused',
      'office own': 'refused',
      'dispatcher own': 'refused',
      'admin own': 'refused',
    },
  },
  privileges: {
    authenticated: { select: '*', insert: 'id status began_at recorded_at device_id duty_point' },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: {
      select: '*',
      insert: 'id driver_id status began_at recorded_at device_id duty_point',
    },
  },
  functions: {
    '': [
      'muster.tg_drivers__name_time_zone()',
      'muster.tg_duty_status_changes__keep()',
      'muster.tg_duty_status_changes__place()',
      'muster.tg_duty_status_edits__check()',
      'muster.tg_duty_status_edits__keep()',
    ],
    authenticated: [
      'muster.hours_of_drivers(uuid[],timestamp with time zone)',
      'muster.hours_of_service(uuid,timestamp with time zone)',
    ],
    'authenticated muster_api': [
      'muster.decide_duty_edit(uuid,text)',
      'muster.propose_duty_edit(uuid,text,uuid,text,timestamp with time zone,text)',
      'muster.record_duty_statuses(jsonb)',
    ],
    muster_definer: [
      'muster.audience_of_duty_status_changes(jsonb,timestamp with time zone)',
      'muster.audience_of_duty_status_edits(jsonb,timestamp with time zone)',
      'muster.duty_changes_of_day(uuid,timestamp with time zone)',
      'muster.duty_edit_json(public.duty_status_edits)',
      'muster.duty_log(uuid,timestamp with time zone,timestamp with time zone)',
      'muster.hours_left(text,text,text,text[],bigint[],bigint)',
      'muster.hours_left_eu_561(jsonb,text,text[],bigint[],bigint)',
      'muster.hours_left_us_property(jsonb,text,text,text[],bigint[],bigint)',
      'muster.hours_of_service_rules()',
      'muster.least_driving_span(text,jsonb,bigint)',
      'muster.least_span_of_load(public.loads,text,text)',
      'muster.limits_of(text,date)',
      'muster.midnight_of(date,text)',
      'muster.most_duty_changes_a_day()',
      'muster.seen_of_duty_status_changes(jsonb)',
      'muster.seen_of_duty_status_edits(jsonb)',
      'muster.side_of_log(uuid,uuid,uuid)',
    ],
  },
}

const edit = (n: number, driver: string, by: string, as: 'driver' | 'carrier') => ({
  id: id('d6', n),
  driver,
  by,
  as,
})

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.duty_status_edits',
      key: 'id',
      rows: {
        byCarrier: edit(1, DRIVER.own, FREIGHT_USERS.dispatcher, 'carrier'),
        byDriver: edit(2, DRIVER.own, FREIGHT_USERS.driver, 'driver'),
        ofFormer: edit(3, DRIVER.ofFormer, MORE_USERS.deletedDriver, 'driver'),
        ofEarlier: edit(4, DRIVER.ofEarlier, FREIGHT_USERS.driver, 'driver'),
        rival: edit(5, DRIVER.rival, FREIGHT_USERS.rivalOffice, 'carrier'),
        foreign: edit(6, DRIVER.foreign, FREIGHT_USERS.foreignDriver, 'driver'),
      },
      actions: {
        r: reads('public.duty_status_edits'),
        f: follows('duty_status_edits'),
        a: changes('accept', ({ id }) => `select muster.decide_duty_edit(${quote(id)}, 'accepted')`),
        n: changes('refuse', ({ id }) => `select muster.decide_duty_edit(${quote(id)}, 'refused')`),
        p: changes(
          'propose another',
          ({ driver }) =>
            `select muster.propose_duty_edit(${quote(driver)}, 'added', null, 'on_duty', ${quote(BEGAN)}, 'Tried')`,
          PROPOSED,
        ),
        e: updates('public.duty_status_edits', "state = 'accepted', decided_at = now()"),
        w: updates('public.duty_status_edits', "reason = 'Another'"),
        d: deletes('public.duty_status_edits'),
      },
      // A driver who was removed and came back has another log; the carrier still decides about the old one.
      grid: `
                   office  dispatcher  driver  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
        byCarrier  rfp     rfp         rfanp   .            .            rf     .              .              .
        byDriver   rfanp   rfanp       rfp     .            .            rf     .              .              .
        ofFormer   rfanp   rfanp       .       .            .            rf     .              .              .
        ofEarlier  rfan    rfan        .       .            .            rf     .              .              .
        rival      .       .           .       rfp          rfanp        rf     .              .              .
        foreign    .       .           .       .            .            .      rfanp          rfp            rf
      `,
    },
    columns: ({ id, driver, by, as }) => ({
      id,
      driver_id: driver,
      kind: 'added',
      status: 'on_duty',
      began_at: BEGAN,
      reason: 'Forgotten',
      proposed_by: by,
      proposed_as: as,
      state: 'proposed',
      created_at: new Date(),
      updated_at: new Date(),
    }),
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', insert: '*', update: '*' },
    },
  },
]

const HOUR_MS = 3_600_000

/** A driver of the carrier with some entries in the log, the last of which lasts. */
async function logged({ owner, items = 3 }: Arrangement): Promise<string> {
  const { id } = await arrangeDriver(owner)
  await owner.query(
    `insert into duty_status_changes (driver_id, status, began_at, recorded_at, device_id)
     select $1, (array['driving', 'off_duty', 'on_duty'])[1 + n % 3], t.at, t.at, 'phone'
     from generate_series(1, $2::int) n cross join lateral (select now() - n * interval '1 hour' as at) t`,
    [id, Math.min(items, 200)],
  )
  return id
}

async function proposal(arrangement: Arrangement, driver: string = DRIVERS.driver): Promise<string> {
  return idOf(
    await arrangement.owner.query<{ id: string }>(
      `insert into duty_status_edits (driver_id, kind, status, began_at, reason, proposed_by, proposed_as)
       values ($1, 'added', 'on_duty', now() - interval '1 hour', 'Forgotten', $2, 'carrier') returning id`,
      [driver, FREIGHT_USERS.dispatcher],
    ),
  )
}

const SEEN_BY = ['office', 'dispatcher', 'admin'] as const
const ofLog = (list: string) => async (arrangement: Arrangement) => {
  const url = `/v1/freight/drivers/${await logged(arrangement)}/${list}`
  return SEEN_BY.map((persona) => ({ persona, url }))
}

export const requests: Resource['requests'] = {
  'POST /v1/freight/duty-statuses/batch': async ({ items }) =>
    one({
      persona: 'driver',
      url: '/v1/freight/duty-statuses/batch',
      body: {
        items: Array.from({ length: Math.min(items, 200) }, (_, n) => ({
          id: randomUUID(),
          status: n % 2 === 0 ? 'driving' : 'off_duty',
          began_at: new Date(Date.now() - n * HOUR_MS).toISOString(),
          device_id: 'phone',
        })),
      },
    }),
  'GET /v1/freight/drivers/{id}/duty-statuses': ofLog('duty-statuses'),
  'GET /v1/freight/drivers/{id}/hours': ofLog('hours'),
  'GET /v1/freight/drivers/{id}/duty-edits': async (arrangement) => {
    const requests = await ofLog('duty-edits')(arrangement)
    await proposal(arrangement, requests[0]!.url.split('/')[4]!)
    return requests
  },
  'POST /v1/freight/drivers/{id}/duty-edits': async (arrangement) =>
    one({
      persona: 'dispatcher',
      url: `/v1/freight/drivers/${await logged(arrangement)}/duty-edits`,
      body: {
        kind: 'added',
        status: 'on_duty',
        began_at: new Date(Date.now() - HOUR_MS).toISOString(),
        reason: 'Forgotten',
      },
    }),
  'POST /v1/freight/duty-edits/{id}/accept': async (arrangement) =>
    one({ persona: 'driver', url: `/v1/freight/duty-edits/${await proposal(arrangement)}/accept` }),
  'POST /v1/freight/duty-edits/{id}/refuse': async (arrangement) =>
    one({ persona: 'driver', url: `/v1/freight/duty-edits/${await proposal(arrangement)}/refuse` }),
}
