import { randomUUID } from 'node:crypto'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { changes, deletes, follows, inserts, NEW_ID, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import { arrangeLoad, arrangeVehicle, assignAs } from '../support/freight-loads.ts'
import { DRIVERS, FREIGHT_ORGANIZATIONS } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, one } from '../support/route-arrangements.ts'

const id = (kind: string, n: number): string => `${kind}000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** As in loads.ts: records that name the brokerage or nobody. */
const BROKER = { linked: id('be', 1), unlinked: id('be', 2), rival: id('be', 3), foreign: id('be', 4) }
/** As in drivers.ts. */
const DRIVER = {
  own: id('ba', 1),
  dismissed: id('ba', 2),
  former: id('ba', 3),
  rival: id('ba', 4),
  foreign: id('ba', 5),
  earlier: id('ba', 6),
  dispatcher: id('ba', 7),
}

type Carrier = 'carrier' | 'rivalCarrier' | 'foreignCarrier'

/** Each begins an hour after the one before, so that nobody's loads overlap and now is in the window of every one. */
const row = (
  n: number,
  driver: string,
  status: 'assigned' | 'in_transit' | 'delivered' | 'unassigned',
  broker: string = BROKER.linked,
  carrier: Carrier = 'carrier',
) => ({ id: id('d9', n), load: id('d8', n), nth: n, driver, status, broker, carrier })

const ROWS = {
  onTheWay: row(1, DRIVER.own, 'in_transit'),
  ofNobodys: row(2, DRIVER.own, 'in_transit', BROKER.unlinked),
  waiting: row(3, DRIVER.own, 'assigned'),
  delivered: row(4, DRIVER.own, 'delivered'),
  unassigned: row(5, DRIVER.own, 'unassigned'),
  ofDispatcher: row(6, DRIVER.dispatcher, 'delivered', BROKER.unlinked),
  ofDismissed: row(7, DRIVER.dismissed, 'delivered'),
  ofFormer: row(8, DRIVER.former, 'delivered'),
  ofEarlier: row(9, DRIVER.earlier, 'delivered'),
  rival: row(1, DRIVER.rival, 'in_transit', BROKER.rival, 'rivalCarrier'),
  foreign: row(1, DRIVER.foreign, 'in_transit', BROKER.foreign, 'foreignCarrier'),
}
for (const [n, name] of (['rival', 'foreign'] as const).entries()) {
  ROWS[name].id = id('d9', 20 + n)
  ROWS[name].load = id('d8', 20 + n)
}

const STEPS = {
  assigned: [],
  unassigned: [],
  in_transit: ['in_transit'],
  delivered: ['in_transit', 'delivered'],
}

async function arrange(owner: Database): Promise<void> {
  for (const { id: event, load, nth, driver, status, broker, carrier } of Object.values(ROWS)) {
    const organization = FREIGHT_ORGANIZATIONS[carrier]
    await arrangeLoad(owner, { id: load, from: nth, to: nth + 0.9, organization, broker })
    const truck = await arrangeVehicle(owner, 'trucks', organization)
    const report = () =>
      owner.query(
        `insert into stop_events (id, load_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
         values ($1, $2, $3, 'position', st_point(-87, 41)::geography, 10, now() - interval '1 hour')`,
        [event, load, driver],
      )
    const ended = status === 'delivered' ? 'completed' : null
    await owner.query(
      `insert into load_assignments (load_id, driver_id, truck_id, created_at, ended_at, ended_as)
       values ($1, $2, $3, now() - interval '1 day', case when $4::text is not null then now() end, $4)`,
      [load, driver, truck, ended],
    )
    await owner.query("update loads set status = 'assigned' where id = $1", [load])
    if (STEPS[status].length === 0) await report()
    for (const step of STEPS[status]) {
      await owner.query('update loads set status = $2 where id = $1', [load, step])
      if (step === 'in_transit') await report()
    }
    if (status === 'unassigned') {
      await owner.query(
        "update load_assignments set ended_at = now(), ended_as = 'unassigned' where load_id = $1",
        [load],
      )
      await owner.query("update loads set status = 'pending' where id = $1", [load])
    }
  }
}

const ITEM = ({ load }: MatrixRow, recorded: string) =>
  `jsonb_build_array(jsonb_build_object('id', ${quote(NEW_ID)}, 'kind', 'position', 'load_id', ${quote(load)}, 'latitude', 41,
     'longitude', -87, 'accuracy_meters', 10, 'recorded_at', ${recorded}))`
/** Whoever drives reports: it has to be of the load of the row. */
const WRITTEN = ({ load }: MatrixRow) => ({
  relation: 'public.stop_events',
  condition: `id = ${quote(NEW_ID)} and load_id = ${quote(load)}`,
})

export const access: Access = {
  section: {
    table: 'public.stop_events',
    key: 'id',
    rows: Object.fromEntries(
      Object.entries(ROWS).map(([name, { id, load, driver }]) => [name, { id, load, driver }]),
    ),
    actions: {
      r: reads('public.stop_events'),
      f: follows('stop_events'),
      s: changes(
        'report a position',
        (row) => `select muster.record_stop_events(${ITEM(row, 'now()')})`,
        WRITTEN,
      ),
      b: changes(
        'report where the load was an hour ago',
        (row) => `select muster.record_stop_events(${ITEM(row, "now() - interval '1 hour'")})`,
        WRITTEN,
      ),
      c: inserts('public.stop_events', ({ load, driver }) => ({
        load_id: load,
        driver_id: driver,
        kind: 'position',
        event_point: 'SRID=4326;POINT(0 0)',
        accuracy_meters: 10,
        recorded_at: '2026-01-05T08:00:00Z',
      })),
      e: updates('public.stop_events', "recorded_at = '2026-01-05T08:00:00Z'"),
      d: deletes('public.stop_events'),
    },
    // The dispatcher of this world drives, too.
    grid: `
                    office  dispatcher  driver  broker  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
      onTheWay      rf      rf          rfsb    rf      .            .            rf     .              .              .
      ofNobodys     rf      rf          rfsb    .       .            .            rf     .              .              .
      waiting       rf      rf          rfsb    .       .            .            rf     .              .              .
      delivered     rf      rf          rfsb    rf      .            .            rf     .              .              .
      unassigned    rf      rf          rfb     .       .            .            rf     .              .              .
      ofDispatcher  rf      rfsb        .       .       .            .            rf     .              .              .
      ofDismissed   rf      rf          .       rf      .            .            rf     .              .              .
      ofFormer      rf      rf          .       rf      .            .            rf     .              .              .
      ofEarlier     rf      rf          .       rf      .            .            rf     .              .              .
      rival         .       .           .       rf      rf           rfsb         rf     .              .              .
      foreign       .       .           .       .       .            .            .      rf             rfsb           rf
    `,
  },
  arrange,
  privileges: {
    authenticated: { select: '*' },
    service_role: { select: '*', insert: '*' },
    muster_definer: {
      select: '*',
      insert: 'id load_id stop_id driver_id kind event_point accuracy_meters recorded_at',
      update: 'broker_organization_id',
    },
  },
  functions: {
    '': [
      'muster.tg_stop_events__keep()',
      'muster.tg_stop_events__move_stops()',
      'muster.tg_stop_events__place()',
    ],
    'authenticated muster_api': ['muster.record_stop_events(jsonb)'],
    muster_definer: [
      'muster.advance_load(uuid)',
      'muster.audience_of_stop_events(jsonb,timestamp with time zone)',
      'muster.broker_on_the_way(public.loads)',
      'muster.follow_stop_events(uuid[])',
      'muster.last_position(uuid)',
      'muster.load_assignment_at(uuid,uuid,timestamp with time zone)',
      'muster.most_positions_a_minute()',
      'muster.most_reports_of_stop()',
      'muster.oldest_position()',
      'muster.positions_in_minute(uuid,uuid,timestamp with time zone)',
      'muster.reports_of_stop(uuid,uuid,text)',
      'muster.seen_of_stop_events(jsonb)',
      'muster.stop_event_refusal(public.loads,uuid,timestamp with time zone)',
      'muster.stop_radius_meters()',
    ],
  },
}

let arranged = 0

/** A load of the persona `driver` that begins within hours and is over before the next one, so that now is in its window. */
async function loadOnTheWay({ owner }: Arrangement): Promise<string> {
  const from = 0.5 + 0.3 * arranged++
  const load = await arrangeLoad(owner, { from, to: from + 0.28 })
  await assignAs(owner, load, { truck: await arrangeVehicle(owner, 'trucks') })
  // As far back as positions go.
  await owner.query("update load_assignments set created_at = now() - interval '1 day' where load_id = $1", [
    load,
  ])
  await owner.query("update loads set status = 'in_transit' where id = $1", [load])
  return load
}

/** Twelve a minute, which is as many as a load takes. */
const APART_MS = 5_000

export const requests: Resource['requests'] = {
  'POST /v1/freight/stop-events/batch': async (arrangement) => {
    const load = await loadOnTheWay(arrangement)
    return one({
      persona: 'driver',
      url: '/v1/freight/stop-events/batch',
      body: {
        items: Array.from({ length: Math.min(arrangement.items, 1_000) }, (_, n) => ({
          id: randomUUID(),
          kind: 'position',
          load_id: load,
          latitude: 41.9,
          longitude: -87.6,
          accuracy_meters: 10,
          recorded_at: new Date(Date.now() - n * APART_MS).toISOString(),
        })),
      },
    })
  },
  'GET /v1/freight/loads/{id}/stop-events': async (arrangement) => {
    const load = await loadOnTheWay(arrangement)
    await arrangement.owner.query(
      `insert into stop_events (load_id, driver_id, kind, event_point, accuracy_meters, recorded_at)
       select $1, $2, 'position', st_point(-87.6, 41.9)::geography, 10, now() - n * interval '5 seconds' from generate_series(1, $3::int) n`,
      [load, DRIVERS.driver, Math.min(arrangement.items, 1_000)],
    )
    return (['office', 'dispatcher', 'driver', 'broker', 'admin'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/loads/${load}/stop-events`,
    }))
  },
}
