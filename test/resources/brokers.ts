import { deletes, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { FREIGHT_ORGANIZATIONS } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (n: number): string => `b7000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const access: Access = {
  section: {
    table: 'public.brokers',
    key: 'id',
    rows: {
      own: { id: id(1), organization: FREIGHT_ORGANIZATIONS.carrier },
      linked: {
        id: id(2),
        organization: FREIGHT_ORGANIZATIONS.carrier,
        broker: FREIGHT_ORGANIZATIONS.brokerage,
      },
      removed: { id: id(3), organization: FREIGHT_ORGANIZATIONS.carrier, deleted: true },
      rival: { id: id(4), organization: FREIGHT_ORGANIZATIONS.rivalCarrier },
      foreign: { id: id(5), organization: FREIGHT_ORGANIZATIONS.foreignCarrier },
    },
    actions: {
      r: reads('public.brokers'),
      e: updates('public.brokers', "name = 'Changed'"),
      E: updatesAll('public.brokers', "name = 'Changed'"),
      w: updates('public.brokers', 'organization_id = organization_id'),
      u: updates('public.brokers', 'deleted_at = null'),
      d: deletes('public.brokers'),
      c: inserts('public.brokers', ({ organization, broker }) => ({
        organization_id: organization,
        name: 'New',
        payment_days: 30,
        broker_organization_id: broker,
      })),
    },
    grid: `
               office  dispatcher  rivalOffice  admin  foreignOffice  foreignAdmin
      own      reEdc   reEc        .            reEdc  .              .
      linked   reEdc   reEc        .            reEdc  .              .
      removed  c       c           .            c      .              .
      rival    .       .           reEdc        reEdc  .              .
      foreign  .       .           .            .      reEdc          reEdc
    `,
  },
  columns: ({ id, organization, broker, deleted }) => ({
    id,
    organization_id: organization,
    name: 'A broker',
    credit_status: 'unknown',
    payment_terms: 'days',
    payment_days: 30,
    broker_organization_id: broker ?? null,
    broker_organization_kind: 'broker',
    deleted_at: deleted ? new Date() : null,
  }),
  alone: {
    inserts: {
      'dispatcher own': 'allowed',
      'dispatcher rival': 'refused',
      'rivalOffice own': 'refused',
      'driver own': 'refused',
      'broker linked': 'refused',
      'admin rival': 'allowed',
      'admin foreign': 'refused',
    },
    updates: {
      'dispatcher own linked': 'allowed',
      'dispatcher * rival': 'refused',
      'admin own rival': 'allowed',
      'admin * foreign': 'refused',
      'driver own own': 'refused',
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert:
        'id organization_id name mc_number dot_number credit_status payment_terms payment_days broker_organization_id',
      update: 'name mc_number dot_number credit_status payment_terms payment_days broker_organization_id',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
  functions: {
    '': ['muster.tg_set_tenant_of_carrier()'],
    'anon authenticated muster_definer service_role': ['muster.codes_of_freight()', 'muster.is_vin(text)'],
    'anon authenticated service_role': [
      'muster.broker_id()',
      'muster.carrier_id()',
      'muster.driver_id()',
      'muster.office_carrier_id()',
    ],
    'authenticated muster_definer service_role': ['muster.roles_of_freight()'],
    muster_definer: ['muster.groups_of_freight(uuid[])', 'muster.invites_of_freight(text,uuid)'],
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/freight/brokers': async () => [
    { persona: 'office', url: '/v1/freight/brokers' },
    { persona: 'dispatcher', url: '/v1/freight/brokers' },
    { persona: 'admin', url: '/v1/freight/brokers' },
  ],
  'POST /v1/freight/brokers': async () => {
    return one({ persona: 'dispatcher', url: '/v1/freight/brokers', body: { name: 'Lakeside Logistics' } })
  },
  'GET /v1/freight/brokers/{id}': async (arrangement) => {
    const id = await broker(arrangement)
    return (['office', 'dispatcher'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/brokers/${id}`,
    }))
  },
  'PATCH /v1/freight/brokers/{id}': async (arrangement) => {
    const id = await broker(arrangement)
    return one({ persona: 'office', url: `/v1/freight/brokers/${id}`, body: { credit_status: 'approved' } })
  },
  'DELETE /v1/freight/brokers/{id}': async (arrangement) => {
    const id = await broker(arrangement)
    return one({ persona: 'office', url: `/v1/freight/brokers/${id}` })
  },
}

async function broker({ owner }: Arrangement): Promise<string> {
  return idOf(
    await owner.query<{ id: string }>(
      `insert into brokers (organization_id, name, payment_days) values ($1, 'A broker', 30) returning id`,
      [FREIGHT_ORGANIZATIONS.carrier],
    ),
  )
}
