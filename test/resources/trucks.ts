import { deletes, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { FREIGHT_ORGANIZATIONS, vinOf } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (n: number): string => `b8000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const access: Access = {
  section: {
    table: 'public.trucks',
    key: 'id',
    rows: {
      own: { id: id(1), n: 1, organization: FREIGHT_ORGANIZATIONS.carrier },
      removed: { id: id(2), n: 2, organization: FREIGHT_ORGANIZATIONS.carrier, deleted: true },
      rival: { id: id(3), n: 3, organization: FREIGHT_ORGANIZATIONS.rivalCarrier },
      foreign: { id: id(4), n: 4, organization: FREIGHT_ORGANIZATIONS.foreignCarrier },
    },
    actions: {
      r: reads('public.trucks'),
      e: updates('public.trucks', "inspection_due_on = '2098-01-01'"),
      E: updatesAll('public.trucks', "inspection_due_on = '2098-01-01'"),
      w: updates('public.trucks', 'organization_id = organization_id'),
      u: updates('public.trucks', 'deleted_at = null'),
      d: deletes('public.trucks'),
      c: inserts('public.trucks', ({ organization }) => ({
        organization_id: organization,
        unit_number: 'NEW',
        vin: vinOf(900),
        inspection_due_on: '2099-12-31',
      })),
    },
    grid: `
               office  dispatcher  rivalOffice  admin  foreignOffice  foreignAdmin
      own      reEdc   r           .            reEdc  .              .
      removed  c       .           .            c      .              .
      rival    .       .           reEdc        reEdc  .              .
      foreign  .       .           .            .      reEdc          reEdc
    `,
  },
  columns: ({ id, n, organization, deleted }) => ({
    id,
    organization_id: organization,
    unit_number: `M-${n}`,
    vin: vinOf(800 + Number(n)),
    ownership: 'company',
    status: 'in_service',
    inspection_due_on: '2099-12-31',
    deleted_at: deleted ? new Date() : null,
  }),
  alone: {
    inserts: {
      'office own': 'allowed',
      'office rival': 'refused',
      'dispatcher own': 'refused',
      'rivalOffice own': 'refused',
      'driver own': 'refused',
      'admin rival': 'allowed',
      'admin foreign': 'refused',
    },
    updates: {
      'office own own': 'allowed',
      'office * rival': 'refused',
      'dispatcher own own': 'refused',
      'admin own rival': 'allowed',
      'admin * foreign': 'refused',
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert: 'id organization_id unit_number vin ownership status inspection_due_on',
      update: 'unit_number vin ownership status inspection_due_on',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/freight/trucks': async () => [
    { persona: 'office', url: '/v1/freight/trucks' },
    { persona: 'dispatcher', url: '/v1/freight/trucks' },
    { persona: 'admin', url: '/v1/freight/trucks' },
  ],
  'POST /v1/freight/trucks': async () => {
    return one({
      persona: 'office',
      url: '/v1/freight/trucks',
      body: { unit_number: nextUnit(), vin: vinOf(made), inspection_due_on: '2099-12-31' },
    })
  },
  'GET /v1/freight/trucks/{id}': async (arrangement) => {
    const id = await truck(arrangement)
    return (['office', 'dispatcher'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/trucks/${id}`,
    }))
  },
  'PATCH /v1/freight/trucks/{id}': async (arrangement) => {
    const id = await truck(arrangement)
    return one({ persona: 'office', url: `/v1/freight/trucks/${id}`, body: { status: 'out_of_service' } })
  },
  'DELETE /v1/freight/trucks/{id}': async (arrangement) => {
    const id = await truck(arrangement)
    return one({ persona: 'office', url: `/v1/freight/trucks/${id}` })
  },
}

let made = 1_000

/** Each with a number of its own. */
const nextUnit = (): string => `N-${++made}`

async function truck({ owner }: Arrangement): Promise<string> {
  const unit = nextUnit()
  return idOf(
    await owner.query<{ id: string }>(
      `insert into trucks (organization_id, unit_number, vin, inspection_due_on) values ($1, $2, $3, '2099-12-31') returning id`,
      [FREIGHT_ORGANIZATIONS.carrier, unit, vinOf(made)],
    ),
  )
}
