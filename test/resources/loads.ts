import type { Database } from '../../src/platform/db/engine/database.ts'
import {
  asks,
  changes,
  deletes,
  follows,
  inserts,
  reads,
  updates,
  updatesAll,
} from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import {
  arrangeDriver,
  arrangeLoad,
  arrangeVehicle,
  assignAs,
  inHours,
  stopsFor,
} from '../support/freight-loads.ts'
import { BROKERS, DRIVERS, FREIGHT_ORGANIZATIONS, vinOf } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, nextStart, one } from '../support/route-arrangements.ts'

const id = (kind: string, n: number): string => `${kind}000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** Records of brokers for these loads alone: one of the brokerage and one of nobody, and one of each other carrier. */
const BROKER = { linked: id('be', 1), unlinked: id('be', 2), rival: id('be', 3), foreign: id('be', 4) }
const TRUCK = { carrier: id('bf', 1), rivalCarrier: id('bf', 2), foreignCarrier: id('bf', 3) }
/** As in drivers.ts: of the personas `driver`, `rivalDriver` and `foreignDriver`; one that was removed, and one whose user was. */
const DRIVER = {
  carrier: id('ba', 1),
  dismissed: id('ba', 2),
  former: id('ba', 3),
  rivalCarrier: id('ba', 4),
  foreignCarrier: id('ba', 5),
  earlier: id('ba', 6),
}

type Carrier = keyof typeof TRUCK

/** Hours: drivers report of a load from 12 hours before it begins. */
const SOON = 6

/** Each begins on a day of its own, so that nobody's loads overlap. */
const row = (
  n: number,
  status: string,
  more: { carrier?: Carrier; broker?: string; drivenBy?: string; deleted?: boolean; isSoon?: boolean } = {},
) => {
  const carrier = more.carrier ?? 'carrier'
  return {
    id: id('bb', n),
    status,
    nth: n,
    from: more.isSoon ? SOON : 24 * n,
    organization: FREIGHT_ORGANIZATIONS[carrier],
    broker: more.broker ?? BROKER.linked,
    drivenBy: more.drivenBy,
    driver: DRIVER[carrier],
    truck: TRUCK[carrier],
    deleted: more.deleted ?? false,
  }
}

const ROWS = {
  pending: row(1, 'pending', { broker: BROKER.unlinked }),
  given: row(2, 'pending'),
  assigned: row(3, 'assigned', { broker: BROKER.unlinked, drivenBy: DRIVER.carrier, isSoon: true }),
  delivered: row(4, 'delivered', { drivenBy: DRIVER.carrier }),
  ofDismissed: row(5, 'delivered', { broker: BROKER.unlinked, drivenBy: DRIVER.dismissed }),
  ofFormer: row(6, 'delivered', { broker: BROKER.unlinked, drivenBy: DRIVER.former }),
  ofEarlier: row(7, 'delivered', { broker: BROKER.unlinked, drivenBy: DRIVER.earlier }),
  removed: row(8, 'pending', { deleted: true }),
  rival: row(9, 'assigned', {
    carrier: 'rivalCarrier',
    broker: BROKER.rival,
    drivenBy: DRIVER.rivalCarrier,
    isSoon: true,
  }),
  foreign: row(10, 'assigned', {
    carrier: 'foreignCarrier',
    broker: BROKER.foreign,
    drivenBy: DRIVER.foreignCarrier,
    isSoon: true,
  }),
}

const partOf = (kind: string, rows: Record<string, (typeof ROWS)[keyof typeof ROWS]>) =>
  Object.fromEntries(
    Object.entries(rows).map(([name, load]) => [name, { id: id(kind, load.nth), load: load.id }]),
  )
const STOPS: Record<string, MatrixRow> = partOf('bc', ROWS)
const DRIVEN = Object.fromEntries(Object.entries(ROWS).filter(([, { drivenBy }]) => drivenBy !== undefined))
const ASSIGNMENTS: Record<string, MatrixRow> = partOf('bd', DRIVEN)
const BOOKINGS = { assigned: ASSIGNMENTS.assigned!, rival: ASSIGNMENTS.rival!, foreign: ASSIGNMENTS.foreign! }

async function arrange(owner: Database): Promise<void> {
  for (const [broker, organization, named] of [
    [BROKER.linked, 'carrier', FREIGHT_ORGANIZATIONS.brokerage],
    [BROKER.unlinked, 'carrier', null],
    [BROKER.rival, 'rivalCarrier', FREIGHT_ORGANIZATIONS.brokerage],
    [BROKER.foreign, 'foreignCarrier', null],
  ] as const) {
    await owner.query(
      `insert into brokers (id, organization_id, name, payment_days, broker_organization_id) values ($1, $2, 'Broker of loads', 30, $3)`,
      [broker, FREIGHT_ORGANIZATIONS[organization], named],
    )
  }
  for (const [n, [carrier, truck]] of Object.entries(TRUCK).entries()) {
    await owner.query(
      `insert into trucks (id, organization_id, unit_number, vin, inspection_due_on) values ($1, $2, 'LOADS', $3, '2099-12-31')`,
      [truck, FREIGHT_ORGANIZATIONS[carrier as Carrier], vinOf(700 + n)],
    )
  }
  for (const [name, load] of Object.entries(ROWS)) {
    await arrangeLoad(owner, load)
    await owner.query("update load_stops set id = $2 where load_id = $1 and kind = 'pickup'", [
      load.id,
      STOPS[name]!.id,
    ])
    if (load.drivenBy !== undefined) {
      const ended = load.status === 'delivered'
      await owner.query(
        `insert into load_assignments (id, load_id, driver_id, truck_id, ended_at, ended_as) values ($1, $2, $3, $4, $5, $6)`,
        [
          ASSIGNMENTS[name]!.id,
          load.id,
          load.drivenBy,
          load.truck,
          ended ? new Date().toISOString() : null,
          ended ? 'completed' : null,
        ],
      )
    }
    for (const status of ['assigned', 'in_transit', 'delivered'].slice(
      0,
      { pending: 0, assigned: 1, delivered: 3 }[load.status],
    ))
      await owner.query('update loads set status = $2 where id = $1', [load.id, status])
    if (load.deleted) await owner.query('update loads set deleted_at = now() where id = $1', [load.id])
  }
}

const move = (status: string, reason: string | null = null) =>
  changes(
    `make it ${status}`,
    ({ id }) => `select muster.move_load(${quote(id)}, ${quote(status)}, ${quote(reason)})`,
  )
const later = ({ from }: MatrixRow) => JSON.stringify(stopsFor(Number(from) + 1, Number(from) + 9))

export const access: Access = {
  section: {
    table: 'public.loads',
    key: 'id',
    rows: ROWS,
    actions: {
      r: reads('public.loads'),
      f: follows('loads'),
      e: updates('public.loads', 'rate = 1'),
      E: updatesAll('public.loads', 'rate = 1'),
      w: updates('public.loads', "status = 'paid'"),
      h: updates('public.loads', 'organization_id = organization_id'),
      u: updates('public.loads', 'deleted_at = null'),
      d: deletes('public.loads'),
      c: changes(
        'create one like it',
        ({ organization, broker, from }) =>
          `select muster.create_loads(jsonb_build_array(jsonb_build_object('organization_id', ${quote(organization)}, 'broker_id', ${quote(broker)},
             'reference', 'NEW', 'rate', 1, 'currency', 'USD', 'distance_unit', 'mi', 'stops', ${quote(JSON.stringify(stopsFor(Number(from), Number(from) + 8)))}::jsonb)))`,
        () => ({ relation: 'public.loads', condition: "reference = 'NEW'" }),
      ),
      C: inserts('public.loads', ({ organization, broker }) => ({
        organization_id: organization,
        broker_id: broker,
        rate: 1,
        starts_at: '2031-01-01',
        ends_at: '2031-01-02',
        last_day: '2031-01-02',
      })),
      a: changes(
        'assign',
        ({ id, driver, truck }) =>
          `select muster.assign_load(${quote(id)}, 1, ${quote(driver)}, ${quote(truck)})`,
      ),
      n: changes('unassign', ({ id }) => `select muster.unassign_load(${quote(id)})`),
      m: move('in_transit'),
      i: move('invoiced'),
      x: move('cancelled', 'Withdrawn'),
      p: changes(
        'replace its stops',
        (row) => `select muster.put_stops(${quote(row.id)}, ${quote(later(row))})`,
      ),
      v: asks(
        'ask what speaks against a driver',
        ({ id, driver, truck }) =>
          `select count(*) >= 0 from muster.load_violations(${quote(id)}, ${quote(driver)}, ${quote(truck)})`,
      ),
      N: asks(
        'find it near its pickup',
        ({ id }) =>
          `select exists (
             select from muster.nearby_loads(41.85003, -87.65005, null, 1000, 1000) n where n.load ->> 'id' = ${quote(id)}
           )`,
      ),
      o: asks(
        'ask who could drive',
        ({ id }) => `select count(*) > 0 from muster.load_candidates(${quote(id)})`,
      ),
    },
    grid: `
                   office       dispatcher   driver  broker  rivalOffice  rivalDriver  admin        foreignOffice  foreignDriver  foreignAdmin
      pending      rfEedcaxpvoN rfEecaxpvoN  .       .       .            .            rfEedcaxpvoN .              .              .
      given        rfEedcaxpvoN rfEecaxpvoN  .       rf      .            .            rfEedcaxpvoN .              .              .
      assigned     rfEecnmxpvo  rfEecnmxpvo  rfm     .       .            .            rfEecnmxpvo  .              .              .
      delivered    rfEeciv      rfEecv       rf      rf      .            .            rfEeciv      .              .              .
      ofDismissed  rfEeciv      rfEecv       .       .       .            .            rfEeciv      .              .              .
      ofFormer     rfEeciv      rfEecv       .       .       .            .            rfEeciv      .              .              .
      ofEarlier    rfEeciv      rfEecv       .       .       .            .            rfEeciv      .              .              .
      removed      c            c            .       .       .            .            c            .              .              .
      rival        .            .            .       rf      rfEecnmxpvo  rfm          rfEecnmxpvo  .              .              .
      foreign      .            .            .       .       .            .            .            rfEecnmxpvo    rfm            rfEecnmxpvo
    `,
  },
  arrange,
  alone: {
    inserts: { 'office pending': 'refused', 'admin pending': 'refused' },
    updates: {
      'dispatcher pending assigned': 'allowed',
      'dispatcher pending rival': 'refused',
      'dispatcher * rival': 'refused',
      'admin pending rival': 'allowed',
      'admin * foreign': 'refused',
      'driver assigned assigned': 'refused',
      'broker given given': 'refused',
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      update:
        'broker_id dispatcher_id reference rate distance currency distance_unit metadata driving_minutes',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', insert: '*', update: '*' },
  },
  functions: {
    '': [
      'muster.tg_brokers__check_use()',
      'muster.tg_brokers__lead_loads()',
      'muster.tg_check_vehicle_use()',
      'muster.tg_drivers__check_use()',
      'muster.tg_load_assignments__book()',
      'muster.tg_load_assignments__plan()',
      'muster.tg_load_stops__copy_load()',
      'muster.tg_load_stops__lead_load()',
      'muster.tg_load_stops__name_time_zone()',
      'muster.tg_loads__check_dispatcher()',
      'muster.tg_loads__check_transition()',
      'muster.tg_loads__copy_broker()',
      'muster.tg_loads__lead()',
    ],
    authenticated: [
      'muster.create_loads(jsonb)',
      'muster.load_candidates(uuid,double precision)',
      'muster.load_violations(uuid,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone)',
      'muster.nearby_loads(double precision,double precision,uuid,double precision,integer,timestamp with time zone,timestamp with time zone,double precision,uuid)',
    ],
    'authenticated muster_api': [
      'muster.assign_load(uuid,integer,uuid,uuid,uuid,uuid,timestamp with time zone,timestamp with time zone)',
      'muster.change_stop(uuid,jsonb)',
      'muster.move_load(uuid,text,text)',
      'muster.put_stops(uuid,jsonb)',
      'muster.unassign_load(uuid,integer)',
    ],
    'authenticated muster_definer': [
      'muster.assignment_json(public.load_assignments)',
      'muster.stop_json(public.load_stops)',
    ],
    'muster_definer service_role': ['muster.notification_types_of_freight()'],
    muster_definer: [
      'muster.audience_of_load_assignments(jsonb,timestamp with time zone)',
      'muster.audience_of_load_stops(jsonb,timestamp with time zone)',
      'muster.audience_of_loads(jsonb,timestamp with time zone)',
      'muster.driver_violations(public.load_assignments,uuid[])',
      'muster.drives_load(uuid)',
      'muster.insert_stops(jsonb)',
      'muster.is_time_of_load(public.loads,timestamp with time zone)',
      'muster.leg_violations(public.load_assignments)',
      'muster.load_json(public.loads)',
      'muster.local_day(timestamp with time zone,text)',
      'muster.lock_booked(uuid[],uuid[],uuid[])',
      'muster.lock_load(uuid,boolean)',
      'muster.move_legs(public.loads)',
      'muster.notify_carrier(public.loads,text)',
      'muster.notify_drivers(public.load_assignments,text)',
      'muster.planned_leg(public.load_assignments,public.loads)',
      'muster.plans_load(public.loads)',
      'muster.seen_of_load_assignments(jsonb)',
      'muster.seen_of_load_stops(jsonb)',
      'muster.seen_of_loads(jsonb)',
      'muster.sees_load(public.loads)',
      'muster.suspension_of_freight(uuid)',
      'muster.window_of_stops(jsonb)',
    ],
  },
}

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.load_stops',
      key: 'id',
      rows: STOPS,
      actions: {
        r: reads('public.load_stops'),
        f: follows('load_stops'),
        t: changes('rename', ({ id }) => `select muster.change_stop(${quote(id)}, '{"name": "Changed"}')`),
        k: changes(
          'arrive',
          ({ id }) => `select muster.change_stop(${quote(id)}, jsonb_build_object('arrived_at', now()))`,
        ),
        e: updates('public.load_stops', "name = 'Changed'"),
        d: deletes('public.load_stops'),
        c: inserts('public.load_stops', ({ load }) => ({
          load_id: load,
          position: 9,
          kind: 'delivery',
          name: 'New',
          address: 'New',
          stop_point: 'SRID=4326;POINT(0 0)',
          time_zone: 'Etc/UTC',
          window_starts_at: '2031-01-01',
          window_ends_at: '2031-01-02',
        })),
      },
      grid: `
                     office  dispatcher  driver  broker  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
        pending      rft     rft         .       .       .            .            rft    .              .              .
        given        rft     rft         .       rf      .            .            rft    .              .              .
        assigned     rftk    rftk        rfk     .       .            .            rftk   .              .              .
        delivered    rfk     rfk         rf      rf      .            .            rfk    .              .              .
        ofDismissed  rfk     rfk         .       .       .            .            rfk    .              .              .
        ofFormer     rfk     rfk         .       .       .            .            rfk    .              .              .
        ofEarlier    rfk     rfk         .       .       .            .            rfk    .              .              .
        removed      .       .           .       .       .            .            .      .              .              .
        rival        .       .           .       rf      rftk         rfk          rftk   .              .              .
        foreign      .       .           .       .       .            .            .      rftk           rfk            rftk
      `,
    },
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', insert: '*', update: '*' },
    },
  },
  {
    section: {
      table: 'public.load_assignments',
      key: 'id',
      rows: ASSIGNMENTS,
      actions: {
        r: reads('public.load_assignments'),
        f: follows('load_assignments'),
        e: updates('public.load_assignments', 'ended_at = now()'),
        d: deletes('public.load_assignments'),
        c: inserts('public.load_assignments', ({ load }) => ({
          load_id: load,
          leg: 9,
          driver_id: DRIVER.carrier,
          truck_id: TRUCK.carrier,
        })),
      },
      grid: `
                     office  dispatcher  driver  broker  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
        assigned     rf      rf          rf      .       .            .            rf     .              .              .
        delivered    rf      rf          rf      .       .            .            rf     .              .              .
        ofDismissed  rf      rf          .       .       .            .            rf     .              .              .
        ofFormer     rf      rf          .       .       .            .            rf     .              .              .
        ofEarlier    rf      rf          .       .       .            .            rf     .              .              .
        rival        .       .           .       .       rf           rf           rf     .              .              .
        foreign      .       .           .       .       .            .            .      rf             rf             rf
      `,
    },
    privileges: {
      authenticated: { select: '*' },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', insert: '*', update: '*' },
    },
  },
  {
    section: {
      table: 'muster.load_bookings',
      key: 'assignment_id',
      rows: BOOKINGS,
      actions: {
        r: reads('muster.load_bookings', 'assignment_id'),
        e: updates('muster.load_bookings', "ends_at = '2099-01-01'", 'assignment_id'),
        d: deletes('muster.load_bookings', 'assignment_id'),
      },
      grid: `
                  office  dispatcher  driver  admin
        assigned  .       .           .       .
        rival     .       .           .       .
        foreign   .       .           .       .
      `,
    },
    privileges: { muster_definer: { select: '*', insert: '*', delete: '*' } },
  },
]

/** Of the carrier, with a window that no other load has. */
const load = ({ owner }: Arrangement): Promise<string> => arrangeLoad(owner, { from: nextStart() })

/** With a driver and a truck that no other load has; `driver` where it is the persona's. */
async function assigned(arrangement: Arrangement, own = false): Promise<string> {
  const id = await load(arrangement)
  await assignAs(arrangement.owner, id, {
    driver: own ? DRIVERS.driver : (await arrangeDriver(arrangement.owner)).id,
    truck: await arrangeVehicle(arrangement.owner, 'trucks'),
  })
  return id
}

const STEPS = ['assigned', 'in_transit', 'delivered', 'invoiced'] as const

async function moved(arrangement: Arrangement, last: (typeof STEPS)[number]): Promise<string> {
  const id = await assigned(arrangement, true)
  for (const status of STEPS.slice(1, STEPS.indexOf(last) + 1))
    await arrangement.owner.query('update loads set status = $2 where id = $1', [id, status])
  return id
}

const newLoad = () => {
  const from = nextStart()
  return { broker_id: BROKERS.carrier, rate: 1250, stops: stopsFor(from, from + 8) }
}

const PLANNERS = ['office', 'dispatcher'] as const
const READERS = ['office', 'dispatcher', 'driver', 'broker', 'admin'] as const
const read = (url: string) => async () => READERS.map((persona) => ({ persona, url }))

export const requests: Resource['requests'] = {
  'GET /v1/freight/loads': read('/v1/freight/loads'),
  'GET /v1/freight/loads/nearby': async (arrangement) => {
    await load(arrangement)
    return (['office', 'dispatcher', 'admin'] as const).map((persona) => ({
      persona,
      url: '/v1/freight/loads/nearby?latitude=41.85&longitude=-87.65&radius_meters=50000',
    }))
  },
  'GET /v1/freight/loads/{id}/candidates': async (arrangement) => {
    const id = await load(arrangement)
    return PLANNERS.map((persona) => ({ persona, url: `/v1/freight/loads/${id}/candidates` }))
  },
  'GET /v1/freight/loads.csv': read('/v1/freight/loads.csv'),
  'GET /v1/freight/brokers/{id}/loads': async (arrangement) => {
    await load(arrangement)
    return (['office', 'broker'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/brokers/${BROKERS.carrier}/loads`,
    }))
  },
  'POST /v1/freight/loads': async () =>
    one({ persona: 'dispatcher', url: '/v1/freight/loads', body: newLoad() }),
  'POST /v1/freight/loads/bulk': async ({ items }) =>
    one({
      persona: 'dispatcher',
      url: '/v1/freight/loads/bulk',
      body: { items: Array.from({ length: Math.min(items, 100) }, newLoad) },
    }),
  'GET /v1/freight/loads/{id}': async (arrangement) => {
    const id = await assigned(arrangement, true)
    return READERS.map((persona) => ({ persona, url: `/v1/freight/loads/${id}` }))
  },
  'PATCH /v1/freight/loads/{id}': async (arrangement) => {
    const id = await load(arrangement)
    return PLANNERS.map((persona) => ({ persona, url: `/v1/freight/loads/${id}`, body: { rate: 1300 } }))
  },
  'DELETE /v1/freight/loads/{id}': async (arrangement) =>
    one({ persona: 'office', url: `/v1/freight/loads/${await load(arrangement)}` }),
  'PUT /v1/freight/loads/{id}/stops': async (arrangement) => {
    const id = await assigned(arrangement)
    const from = nextStart()
    return one({
      persona: 'dispatcher',
      url: `/v1/freight/loads/${id}/stops`,
      body: { stops: stopsFor(from, from + 8) },
    })
  },
  'PATCH /v1/freight/stops/{id}': async (arrangement) => {
    const stop = idOf(
      await arrangement.owner.query<{ id: string }>(
        "select id from load_stops where load_id = $1 and kind = 'pickup'",
        [await assigned(arrangement, true)],
      ),
    )
    return one({
      persona: 'dispatcher',
      url: `/v1/freight/stops/${stop}`,
      body: { arrived_at: inHours(-1) },
    })
  },
  'POST /v1/freight/loads/{id}/assign': async (arrangement) =>
    one({
      persona: 'dispatcher',
      url: `/v1/freight/loads/${await load(arrangement)}/assign`,
      body: {
        driver_id: (await arrangeDriver(arrangement.owner)).id,
        truck_id: await arrangeVehicle(arrangement.owner, 'trucks'),
        trailer_id: await arrangeVehicle(arrangement.owner, 'trailers'),
      },
    }),
  'POST /v1/freight/loads/{id}/unassign': async (arrangement) =>
    one({
      persona: 'dispatcher',
      url: `/v1/freight/loads/${await assigned(arrangement)}/unassign`,
      body: {},
    }),
  'POST /v1/freight/loads/{id}/dispatch': async (arrangement) =>
    one({ persona: 'dispatcher', url: `/v1/freight/loads/${await assigned(arrangement)}/dispatch` }),
  'POST /v1/freight/loads/{id}/deliver': async (arrangement) =>
    one({
      persona: 'dispatcher',
      url: `/v1/freight/loads/${await moved(arrangement, 'in_transit')}/deliver`,
    }),
  'POST /v1/freight/loads/{id}/invoice': async (arrangement) =>
    one({ persona: 'office', url: `/v1/freight/loads/${await moved(arrangement, 'delivered')}/invoice` }),
  'POST /v1/freight/loads/{id}/pay': async (arrangement) =>
    one({ persona: 'office', url: `/v1/freight/loads/${await moved(arrangement, 'invoiced')}/pay` }),
  'POST /v1/freight/loads/{id}/cancel': async (arrangement) =>
    one({
      persona: 'dispatcher',
      url: `/v1/freight/loads/${await assigned(arrangement)}/cancel`,
      body: { reason: 'The broker withdrew it.' },
    }),
}
