import type { Database } from '../../src/platform/db/engine/database.ts'
import { asks, deletes, follows, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { type MatrixRow, MORE_USERS } from '../rules/access-world.ts'
import { arrangeDocuments, FREIGHT_ORGANIZATIONS, FREIGHT_USERS } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (n: number): string => `ba000000-0000-7000-8000-${String(n).padStart(12, '0')}`

const newDriver = (organization: MatrixRow[string], user: MatrixRow[string]) => ({
  organization_id: organization,
  user_id: user,
  name: 'New',
  license_number: 'NEW-1',
  license_class: 'A',
  hire_date: '2020-01-01',
})

export const access: Access = {
  section: {
    table: 'public.drivers',
    key: 'id',
    rows: {
      driver: {
        id: id(1),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        user: FREIGHT_USERS.driver,
        other: FREIGHT_USERS.newDriver,
      },
      dismissed: {
        id: id(2),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        user: MORE_USERS.dismissedDriver,
        other: FREIGHT_USERS.newDriver,
        deleted: true,
      },
      formerDriver: {
        id: id(3),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        user: MORE_USERS.deletedDriver,
        other: FREIGHT_USERS.newDriver,
      },
      /** Of a driver who came back. */
      earlier: {
        id: id(6),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        user: FREIGHT_USERS.driver,
        other: FREIGHT_USERS.newDriver,
        deleted: true,
      },
      dispatcher: {
        id: id(7),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        user: FREIGHT_USERS.dispatcher,
        other: FREIGHT_USERS.newDriver,
      },
      rivalDriver: {
        id: id(4),
        organization: FREIGHT_ORGANIZATIONS.rivalCarrier,
        user: FREIGHT_USERS.rivalDriver,
      },
      foreignDriver: {
        id: id(5),
        organization: FREIGHT_ORGANIZATIONS.foreignCarrier,
        user: FREIGHT_USERS.foreignDriver,
      },
    },
    actions: {
      r: reads('public.drivers'),
      h: asks(
        'ask for the hours left',
        ({ id }) => `select count(*) > 0 from muster.hours_of_drivers(array[${quote(id)}]::uuid[], now())`,
      ),
      e: updates('public.drivers', "name = 'Changed'"),
      E: updatesAll('public.drivers', "name = 'Changed'"),
      w: updates('public.drivers', 'organization_id = organization_id'),
      u: updates('public.drivers', 'deleted_at = null'),
      d: deletes('public.drivers'),
      c: inserts('public.drivers', ({ organization, other }) => newDriver(organization, other)),
      n: {
        ...inserts('public.drivers', ({ organization }) => newDriver(organization, FREIGHT_USERS.office)),
        means: 'make the office a driver',
      },
    },
    // Some drive a load (loads.ts), and are not removed.
    grid: `
                     office  dispatcher  driver  rivalOffice  rivalDriver  admin  foreignOffice  foreignDriver  foreignAdmin
      driver         rheEc   rh          rh      .            .            rheEc  .              .              .
      dismissed      c       .           .       .            .            c      .              .              .
      formerDriver   rheEdc  rh          .       .            .            rheEdc .              .              .
      earlier        c       .           .       .            .            c      .              .              .
      dispatcher     rheEdc  rh          .       .            .            rheEdc .              .              .
      rivalDriver    .       .           .       rheE         rh           rheE   .              .              .
      foreignDriver  .       .           .       .            .            .      rheE           rh             rheE
    `,
  },
  columns: ({ id, organization, user, deleted }) => ({
    id,
    organization_id: organization,
    user_id: user,
    name: 'A driver',
    license_number: String(id).slice(-3),
    license_class: 'A',
    endorsements: [],
    driver_type: 'company',
    status: 'active',
    hire_date: '2020-01-01',
    hours_pack: 'us_property',
    hours_cycle: '70/8',
    home_time_zone: 'America/Chicago',
    deleted_at: deleted ? new Date() : null,
  }),
  alone: {
    inserts: {
      'office driver': 'allowed',
      'office rivalDriver': 'refused',
      'dispatcher driver': 'refused',
      'driver driver': 'refused',
      'admin rivalDriver': 'allowed',
      'admin foreignDriver': 'refused',
    },
    updates: {
      'office driver driver': 'allowed',
      'office * rivalDriver': 'refused',
      'dispatcher driver driver': 'refused',
      'driver driver driver': 'refused',
      'admin driver rivalDriver': 'allowed',
      'admin * foreignDriver': 'refused',
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert:
        'id organization_id user_id name license_number license_class endorsements driver_type status hire_date termination_date license_valid_until hours_pack hours_cycle home_time_zone',
      update:
        'name license_number license_class endorsements driver_type status hire_date termination_date license_valid_until hours_pack hours_cycle home_time_zone',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
  functions: { '': ['muster.tg_drivers__check_member()'] },
}

/** Of a kind that no load needs: those that loads need stand beside these rows, for the loads of loads.ts. */
const document = (
  n: number,
  driver: number,
  { verified = false, deleted = false }: { verified?: boolean; deleted?: boolean } = {},
) => ({
  id: `b6000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
  driver: id(driver),
  kind: verified ? 'twic' : 'hazmat_endorsement',
  verified,
  deleted,
})

export const parts: readonly Access[] = [
  {
    section: {
      table: 'public.driver_documents',
      key: 'id',
      rows: {
        verified: document(1, 1, { verified: true }),
        unverified: document(2, 1),
        removed: document(3, 1, { deleted: true }),
        ofDismissed: document(4, 2),
        ofFormer: document(5, 3),
        ofEarlier: document(6, 6),
        ofDispatcher: document(7, 7),
        rival: document(8, 4, { verified: true }),
        foreign: document(9, 5, { verified: true }),
      },
      actions: {
        r: reads('public.driver_documents'),
        f: follows('driver_documents'),
        e: updates('public.driver_documents', "number = 'Changed'"),
        E: updatesAll('public.driver_documents', 'verified_at = now()'),
        v: {
          ...updates('public.driver_documents', 'verified_at = case when verified_at is null then now() end'),
          means: 'verify, or take the verification back',
        },
        w: updates('public.driver_documents', 'driver_id = driver_id'),
        k: updates('public.driver_documents', 'is_verified = true'),
        u: updates('public.driver_documents', 'deleted_at = null'),
        d: deletes('public.driver_documents'),
        c: inserts('public.driver_documents', ({ driver }) => ({
          driver_id: driver,
          kind: 'qualification_card',
          number: 'NEW',
          expiry_date: '2090-01-01',
        })),
      },
      grid: `
                      office   dispatcher  driver  rivalOffice  rivalDriver  admin    foreignOffice  foreignDriver  foreignAdmin
        verified      rfevEdc  rfevc       rfevc   .            .            rfevEdc  .              .              .
        unverified    rfevEdc  rfedc       rfedc   .            .            rfevEdc  .              .              .
        removed       c        c           c       .            .            c        .              .              .
        ofDismissed   rfevEd   rfed        .       .            .            rfevEd   .              .              .
        ofFormer      rfevEdc  rfedc       .       .            .            rfevEdc  .              .              .
        ofEarlier     rfevEd   rfed        .       .            .            rfevEd   .              .              .
        ofDispatcher  rfevEdc  rfedc       .       .            .            rfevEdc  .              .              .
        rival         .        .           .       rfevEdc      rfevc        rfevEdc  .              .              .
        foreign       .        .           .       .            .            .        rfevEdc        rfevc          rfevEdc
      `,
    },
    columns: ({ id, driver, kind, verified, deleted }) => ({
      id,
      driver_id: driver,
      kind,
      number: 'X-1',
      expiry_date: '2099-12-31',
      is_verified: verified,
      verified_at: verified ? new Date() : null,
      deleted_at: deleted ? new Date() : null,
    }),
    async arrange(owner: Database) {
      for (const driver of [1, 4, 5]) await arrangeDocuments(owner, id(driver))
    },
    alone: {
      inserts: {
        'office unverified': 'allowed',
        'office rival': 'refused',
        'dispatcher unverified': 'allowed',
        'driver unverified': 'allowed',
        'driver ofFormer': 'refused',
        'broker unverified': 'refused',
        'admin rival': 'allowed',
        'admin foreign': 'refused',
      },
      updates: {
        'office unverified verified': 'allowed',
        'office * rival': 'refused',
        'dispatcher verified unverified': 'allowed',
        'dispatcher unverified verified': 'refused',
        'driver verified unverified': 'allowed',
        'driver unverified verified': 'refused',
        'driver * ofFormer': 'refused',
        'admin unverified rival': 'allowed',
        'admin * foreign': 'refused',
      },
    },
    privileges: {
      authenticated: {
        select: '*',
        insert: 'id driver_id kind number expiry_date',
        update: 'number expiry_date verified_at',
        delete: '*',
      },
      service_role: { select: '*', insert: '*', update: '*', delete: '*' },
      muster_definer: { select: '*', update: '*' },
    },
    functions: {
      '': [
        'muster.tg_driver_documents__check_in_use()',
        'muster.tg_driver_documents__copy_driver()',
        'muster.tg_driver_documents__set_verifier()',
      ],
      'authenticated muster_definer service_role': ['muster.required_documents()'],
      'muster_jobs service_role': ['muster.warn_of_expiring_driver_documents()'],
      muster_definer: [
        'muster.audience_of_driver_documents(jsonb,timestamp with time zone)',
        'muster.expiring_documents_of_freight(date,date)',
        'muster.seen_of_driver_documents(jsonb)',
      ],
    },
  },
]

export const requests: Resource['requests'] = {
  'GET /v1/freight/drivers': async () => [
    { persona: 'office', url: '/v1/freight/drivers' },
    { persona: 'dispatcher', url: '/v1/freight/drivers' },
    { persona: 'driver', url: '/v1/freight/drivers' },
    { persona: 'admin', url: '/v1/freight/drivers' },
  ],
  'POST /v1/freight/drivers': async (arrangement) => {
    return one({
      persona: 'office',
      url: '/v1/freight/drivers',
      body: {
        user_id: await member(arrangement),
        name: 'Dana Whitfield',
        license_number: `W${++made}`,
        license_class: 'A',
        hire_date: '2020-01-01',
      },
    })
  },
  'GET /v1/freight/drivers/{id}': async (arrangement) => {
    const id = await driver(arrangement)
    return (['office', 'dispatcher'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/drivers/${id}`,
    }))
  },
  'PATCH /v1/freight/drivers/{id}': async (arrangement) => {
    const id = await driver(arrangement)
    return one({ persona: 'office', url: `/v1/freight/drivers/${id}`, body: { status: 'on_leave' } })
  },
  'DELETE /v1/freight/drivers/{id}': async (arrangement) => {
    const id = await driver(arrangement)
    return one({ persona: 'office', url: `/v1/freight/drivers/${id}` })
  },
  'GET /v1/freight/drivers/{id}/documents': async (arrangement) => {
    const id = await driver(arrangement)
    await arrangeDocuments(arrangement.owner, id)
    return (['office', 'dispatcher', 'admin'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/drivers/${id}/documents`,
    }))
  },
  'POST /v1/freight/drivers/{id}/documents': async (arrangement) => {
    const id = await driver(arrangement)
    return one({
      persona: 'dispatcher',
      url: `/v1/freight/drivers/${id}/documents`,
      body: { kind: 'license', number: 'W40512877', expiry_date: '2031-03-31' },
    })
  },
  'GET /v1/freight/driver-documents/{id}': async (arrangement) => {
    const url = await documentOf(arrangement)
    return (['office', 'dispatcher'] as const).map((persona) => ({ persona, url }))
  },
  'PATCH /v1/freight/driver-documents/{id}': async (arrangement) => {
    return one({ persona: 'office', url: await documentOf(arrangement), body: { expiry_date: '2032-03-31' } })
  },
  'POST /v1/freight/driver-documents/{id}/verify': async (arrangement) => {
    return one({ persona: 'office', url: `${await documentOf(arrangement)}/verify`, body: {} })
  },
  'DELETE /v1/freight/driver-documents/{id}': async (arrangement) => {
    return one({ persona: 'office', url: await documentOf(arrangement) })
  },
}

let made = 1_000

/** Somebody with the role, and without a record. */
async function member({ owner }: Arrangement): Promise<string> {
  return idOf(
    await owner.query<{ id: string }>(
      `insert into users (id, tenant_id, organization_id, role, name, email)
       select muster.uuid_v7(), tenant_id, id, 'driver', 'Driver', muster.uuid_v7() || '@example.com' from organizations where id = $1
       returning id`,
      [FREIGHT_ORGANIZATIONS.carrier],
    ),
  )
}

async function driver(arrangement: Arrangement): Promise<string> {
  return idOf(
    await arrangement.owner.query<{ id: string }>(
      `insert into drivers (organization_id, user_id, name, license_number, license_class, hire_date)
       values ($1, $2, 'A driver', $3, 'A', '2020-01-01') returning id`,
      [FREIGHT_ORGANIZATIONS.carrier, await member(arrangement), `W${++made}`],
    ),
  )
}

/** The path of a document, not verified, of a driver with no load. */
async function documentOf(arrangement: Arrangement): Promise<string> {
  const rows = await arrangement.owner.query<{ id: string }>(
    `insert into driver_documents (driver_id, kind, number, expiry_date) values ($1, 'twic', 'T-1', '2031-03-31') returning id`,
    [await driver(arrangement)],
  )
  return `/v1/freight/driver-documents/${idOf(rows)}`
}
