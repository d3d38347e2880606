import { deletes, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { type MatrixRow, MORE_USERS } from '../rules/access-world.ts'
import { FREIGHT_ORGANIZATIONS, FREIGHT_USERS } from '../support/freight-world.ts'
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
  pay_kind: 'flat',
  pay_flat: 100,
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
      driver         reEc    r           r       .            .            reEc   .              .              .
      dismissed      c       .           .       .            .            c      .              .              .
      formerDriver   reEdc   r           .       .            .            reEdc  .              .              .
      earlier        c       .           .       .            .            c      .              .              .
      dispatcher     reEdc   r           .       .            .            reEdc  .              .              .
      rivalDriver    .       .           .       reE          r            reE    .              .              .
      foreignDriver  .       .           .       .            .            .      reE            r              reE
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
    pay_kind: 'percentage',
    pay_percentage: 25,
    currency: 'USD',
    distance_unit: 'mi',
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
        'id organization_id user_id name license_number license_class endorsements driver_type status hire_date termination_date pay_kind pay_per_distance pay_percentage pay_flat currency distance_unit license_valid_until',
      update:
        'name license_number license_class endorsements driver_type status hire_date termination_date pay_kind pay_per_distance pay_percentage pay_flat currency distance_unit license_valid_until',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
  functions: { '': ['muster.tg_drivers__check_member()'] },
}

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
        pay_kind: 'per_distance',
        pay_per_distance: 0.625,
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
      `insert into drivers (organization_id, user_id, name, license_number, license_class, hire_date, pay_kind, pay_flat)
       values ($1, $2, 'A driver', $3, 'A', '2020-01-01', 'flat', 100) returning id`,
      [FREIGHT_ORGANIZATIONS.carrier, await member(arrangement), `W${++made}`],
    ),
  )
}
