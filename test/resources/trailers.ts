import { deletes, inserts, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { FREIGHT_ORGANIZATIONS, vinOf } from '../support/freight-world.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, idOf, one } from '../support/route-arrangements.ts'

const id = (n: number): string => `b9000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const access: Access = {
  section: {
    table: 'public.trailers',
    key: 'id',
    rows: {
      own: { id: id(1), n: 1, organization: FREIGHT_ORGANIZATIONS.carrier },
      removed: { id: id(2), n: 2, organization: FREIGHT_ORGANIZATIONS.carrier, deleted: true },
      rival: { id: id(3), n: 3, organization: FREIGHT_ORGANIZATIONS.rivalCarrier },
      foreign: { id: id(4), n: 4, organization: FREIGHT_ORGANIZATIONS.foreignCarrier },
    },
    actions: {
      r: reads('public.trailers'),
      e: updates('public.trailers', "inspection_due_on = '2098-01-01'"),
      E: updatesAll('public.trailers', "inspection_due_on = '2098-01-01'"),
      w: updates('public.trailers', 'organization_id = organization_id'),
      u: updates('public.trailers', 'deleted_at = null'),
      d: deletes('public.trailers'),
      c: inserts('public.trailers', ({ organization }) => ({
        organization_id: organization,
        unit_number: 'NEW',
        vin: vinOf(900),
        inspection_due_on: '2099-12-31',
        kind: 'tank',
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
    kind: 'tank',
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
      insert: 'id organization_id unit_number vin ownership status inspection_due_on kind',
      update: 'unit_number vin ownership status inspection_due_on kind',
      delete: '*',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/freight/trailers': async () => [
    { persona: 'office', url: '/v1/freight/trailers' },
    { persona: 'dispatcher', url: '/v1/freight/trailers' },
    { persona: 'admin', url: '/v1/freight/trailers' },
  ],
  'POST /v1/freight/trailers': async () => {
    return one({
      persona: 'office',
      url: '/v1/freight/trailers',
      body: { unit_number: nextUnit(), vin: vinOf(made), inspection_due_on: '2099-12-31', kind: 'tank' },
    })
  },
  'GET /v1/freight/trailers/{id}': async (arrangement) => {
    const id = await trailer(arrangement)
    return (['office', 'dispatcher'] as const).map((persona) => ({
      persona,
      url: `/v1/freight/trailers/${id}`,
    }))
  },
  'PATCH /v1/freight/trailers/{id}': async (arrangement) => {
    const id = await trailer(arrangement)
    return one({ persona: 'office', url: `/v1/freight/trailers/${id}`, body: { status: 'out_of_service' } })
  },
  'DELETE /v1/freight/trailers/{id}': async (arrangement) => {
    const id = await trailer(arrangement)
    return one({ persona: 'office', url: `/v1/freight/trailers/${id}` })
  },
}

let made = 1_000

/** Each with a number of its own. */
const nextUnit = (): string => `N-${++made}`

async function trailer({ owner }: Arrangement): Promise<string> {
  const unit = nextUnit()
  return idOf(
    await owner.query<{ id: string }>(
      `insert into trailers (organization_id, unit_number, vin, inspection_due_on, kind) values ($1, $2, $3, '2099-12-31', 'tank') returning id`,
      [FREIGHT_ORGANIZATIONS.carrier, unit, vinOf(made)],
    ),
  )
}
