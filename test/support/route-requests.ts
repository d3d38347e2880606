import { randomUUID } from 'node:crypto'
import { RESOURCES } from './resources.ts'
import {
  type Arrangement,
  type ArrangeRequests,
  EVERYBODY,
  each,
  idOf,
  nextStart,
  one,
  shift,
} from './route-arrangements.ts'
import { arrangeGuards, arrangeShift, LOCATIONS, ORGANIZATIONS, PROFESSIONALS, SITE, USERS } from './world.ts'

/** Begins in an hour, so that its guard may check in; of a guard who has no other. */
async function shiftToWork({ owner }: Arrangement): Promise<string> {
  await owner.query(
    "update shifts set status = 'cancelled', cancel_reason = 'Over' where professional_id = $1 and status = 'assigned' and start_datetime < now() + interval '9 hours'",
    [PROFESSIONALS.guard],
  )
  return arrangeShift(owner, { status: 'assigned', startsInHours: 1 })
}

/** A guard whom nobody else needs. */
async function newcomer({ owner }: Arrangement): Promise<string> {
  const rows = await owner.query<{ id: string }>(
    `insert into users (id, tenant_id, role, name, email)
     select gen_random_uuid(), tenant_id, 'zzp', 'newcomer', gen_random_uuid() || '@example.com' from users where id = $1
     returning id`,
    [USERS.admin],
  )
  return idOf(rows)
}

const checkIn = () => ({
  id: randomUUID(),
  kind: 'ping',
  ...SITE,
  accuracy_meters: 5,
  recorded_at: new Date().toISOString(),
})

const newShift = () => {
  const start = Date.now() + nextStart() * 3_600_000
  return {
    location_id: LOCATIONS.site,
    title: 'Night watch',
    start_datetime: new Date(start).toISOString(),
    end_datetime: new Date(start + 8 * 3_600_000).toISOString(),
    hourly_rate: 25,
  }
}

/** Every route under /v1, by its name in the OpenAPI document; those of resources that say so themselves are among them. */
export const ROUTE_REQUESTS: Readonly<Record<string, ArrangeRequests>> = {
  'GET /v1/me': each('/v1/me'),
  'POST /v1/me': async ({ owner }) => {
    const code = randomUUID().replaceAll('-', '')
    // Whoever registered the last time is a stranger again. Triggers sleep: they would keep the row.
    await owner.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query('delete from security_professionals where user_id = $1', [USERS.stranger])
      await tx.query('delete from memberships where user_id = $1', [USERS.stranger])
      await tx.query('delete from users where id = $1', [USERS.stranger])
    })
    await owner.query(
      `insert into invitations (tenant_id, role, code_hash, expires_at)
       select tenant_id, 'zzp', encode(sha256(convert_to($1, 'UTF8')), 'hex'), now() + interval '1 day' from users where id = $2`,
      [code, USERS.admin],
    )
    return one({
      persona: 'stranger',
      url: '/v1/me',
      body: { code, name: 'New', email: `${code}@example.com` },
    })
  },
  'GET /v1/invitations': each('/v1/invitations', ['company', 'admin']),
  'POST /v1/invitations': async () =>
    one({ persona: 'admin', url: '/v1/invitations', body: { role: 'zzp' } }),
  'DELETE /v1/invitations/{id}': async ({ owner }) => {
    const rows = await owner.query<{ id: string }>(
      `insert into invitations (tenant_id, role, code_hash, expires_at)
       select tenant_id, 'zzp', encode(sha256(convert_to($1, 'UTF8')), 'hex'), now() + interval '1 day' from users where id = $2 returning id`,
      [randomUUID(), USERS.admin],
    )
    return one({ persona: 'admin', url: `/v1/invitations/${idOf(rows)}` })
  },
  'POST /v1/users/{id}/suspend': async (arrangement) =>
    one({ persona: 'admin', url: `/v1/users/${await newcomer(arrangement)}/suspend` }),
  'POST /v1/users/{id}/reinstate': async (arrangement) =>
    one({ persona: 'admin', url: `/v1/users/${await newcomer(arrangement)}/reinstate` }),
  'POST /v1/users/{id}/end': async (arrangement) =>
    one({ persona: 'admin', url: `/v1/users/${await newcomer(arrangement)}/end` }),
  'GET /v1/organizations': each('/v1/organizations'),
  'POST /v1/organizations': async () =>
    one({
      persona: 'admin',
      url: '/v1/organizations',
      body: { name: `Company ${randomUUID()}`, kind: 'client', client_of: [ORGANIZATIONS.company] },
    }),
  'GET /v1/organizations/{id}': each(`/v1/organizations/${ORGANIZATIONS.company}`, ['company', 'admin']),
  'PUT /v1/organizations/{id}/clients/{client_id}': async () =>
    one({
      persona: 'admin',
      url: `/v1/organizations/${ORGANIZATIONS.company}/clients/${ORGANIZATIONS.client}`,
    }),
  'DELETE /v1/organizations/{id}/clients/{client_id}': async ({ owner }) => {
    await owner.query(
      'insert into company_clients (tenant_id, company_id, client_id) select tenant_id, $1, $2 from users where id = $3 on conflict do nothing',
      [ORGANIZATIONS.company, ORGANIZATIONS.otherClient, USERS.admin],
    )
    return one({
      persona: 'admin',
      url: `/v1/organizations/${ORGANIZATIONS.company}/clients/${ORGANIZATIONS.otherClient}`,
    })
  },
  'GET /v1/professionals': each('/v1/professionals'),
  'GET /v1/professionals/{id}': each(`/v1/professionals/${PROFESSIONALS.guard}`, ['guard', 'admin']),
  'PATCH /v1/professionals/{id}': async () =>
    one({
      persona: 'guard',
      url: `/v1/professionals/${PROFESSIONALS.guard}`,
      body: { latitude: 52.36, longitude: 4.9 },
    }),
  'GET /v1/locations': each('/v1/locations'),
  'POST /v1/locations': async () =>
    one({
      persona: 'client',
      url: '/v1/locations',
      body: { organization_id: ORGANIZATIONS.client, name: 'New', address: 'Here 1', ...SITE },
    }),
  'GET /v1/locations/{id}': each(`/v1/locations/${LOCATIONS.site}`, ['company', 'client', 'admin']),
  'PATCH /v1/locations/{id}': async () =>
    one({ persona: 'client', url: `/v1/locations/${LOCATIONS.site}`, body: { name: 'Another' } }),
  'DELETE /v1/locations/{id}': async ({ owner }) => {
    const rows = await owner.query<{ id: string }>(
      `insert into locations (organization_id, name, address, location_point)
       values ($1, 'To go', 'Here 1', st_point(4.9, 52.4)::geography) returning id`,
      [ORGANIZATIONS.client],
    )
    return one({ persona: 'client', url: `/v1/locations/${idOf(rows)}` })
  },
  'GET /v1/shifts/nearby': each(
    `/v1/shifts/nearby?latitude=${SITE.latitude}&longitude=${SITE.longitude}&radius_meters=25000`,
  ),
  'GET /v1/shifts': each('/v1/shifts'),
  'POST /v1/shifts': async () => one({ persona: 'company', url: '/v1/shifts', body: newShift() }),
  'POST /v1/shifts/bulk': async ({ items }) =>
    one({
      persona: 'company',
      url: '/v1/shifts/bulk',
      body: { items: Array.from({ length: items }, newShift) },
    }),
  'GET /v1/shifts/{id}': async (arrangement) => {
    const url = `/v1/shifts/${await shift(arrangement, 'assigned')}`
    return EVERYBODY.map((persona) => ({ persona, url }))
  },
  'PATCH /v1/shifts/{id}': async (arrangement) =>
    one({ persona: 'company', url: `/v1/shifts/${await shift(arrangement)}`, body: { title: 'Day watch' } }),
  'DELETE /v1/shifts/{id}': async (arrangement) =>
    one({ persona: 'company', url: `/v1/shifts/${await shift(arrangement, 'draft')}` }),
  'POST /v1/shifts/{id}/publish': async (arrangement) =>
    one({ persona: 'company', url: `/v1/shifts/${await shift(arrangement, 'draft')}/publish` }),
  'POST /v1/shifts/{id}/assign': async (arrangement) =>
    one({
      persona: 'company',
      url: `/v1/shifts/${await shift(arrangement)}/assign`,
      body: { professional_id: PROFESSIONALS.guard },
    }),
  'POST /v1/shifts/{id}/claim': async (arrangement) =>
    one({ persona: 'guard', url: `/v1/shifts/${await shift(arrangement)}/claim` }),
  'POST /v1/shifts/{id}/release': async (arrangement) =>
    one({ persona: 'company', url: `/v1/shifts/${await shift(arrangement, 'assigned')}/release` }),
  'POST /v1/shifts/{id}/cancel': async (arrangement) =>
    one({
      persona: 'company',
      url: `/v1/shifts/${await shift(arrangement, 'assigned')}/cancel`,
      body: { reason: 'Rained off' },
    }),
  'GET /v1/shifts/{id}/candidates': async (arrangement) => {
    await arrangeGuards(arrangement.owner, arrangement.items)
    return one({ persona: 'company', url: `/v1/shifts/${await shift(arrangement)}/candidates` })
  },
  'GET /v1/shifts/{id}/checkins': async (arrangement) => {
    const id = await shift(arrangement, 'assigned')
    // Triggers sleep: it is long before the shift.
    await arrangement.owner.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query(
        `insert into gps_checkins (tenant_id, company_id, client_id, shift_id, assignment_id, professional_id, kind, gps_point, accuracy_meters,
                                   distance_meters, is_within_radius, verdict, recorded_at)
         select s.tenant_id, s.company_id, s.client_id, s.id, a.id, s.professional_id, 'ping', s.location_point, 5, 1, true, 'inside', now()
         from shifts s join assignments a on a.shift_id = s.id, generate_series(1, $2::int) where s.id = $1`,
        [id, arrangement.items],
      )
    })
    const url = `/v1/shifts/${id}/checkins`
    return EVERYBODY.map((persona) => ({ persona, url }))
  },
  'GET /v1/checkins/nearby': async () => {
    const day = 86_400_000
    const period = `from=${new Date(Date.now() - day).toISOString()}&to=${new Date(Date.now() + day).toISOString()}`
    const url = `/v1/checkins/nearby?latitude=${SITE.latitude}&longitude=${SITE.longitude}&${period}`
    return (['company', 'client', 'admin'] as const).map((persona) => ({ persona, url }))
  },
  'POST /v1/shifts/{id}/checkins': async (arrangement) =>
    one({ persona: 'guard', url: `/v1/shifts/${await shiftToWork(arrangement)}/checkins`, body: checkIn() }),
  'POST /v1/checkins/batch': async (arrangement) => {
    const shift_id = await shiftToWork(arrangement)
    return one({
      persona: 'guard',
      url: '/v1/checkins/batch',
      body: { items: Array.from({ length: arrangement.items }, () => ({ ...checkIn(), shift_id })) },
    })
  },
  'GET /v1/notifications': each('/v1/notifications', ['guard', 'admin']),
  'POST /v1/notifications/{id}/read': async (arrangement) => {
    await shift(arrangement, 'assigned')
    const rows = await arrangement.owner.query<{ id: string }>(
      `insert into notifications (tenant_id, user_id, type, data)
       select tenant_id, id, 'shift_changed', '{}' from users where id = $1 returning id`,
      [USERS.guard],
    )
    return one({ persona: 'guard', url: `/v1/notifications/${idOf(rows)}/read` })
  },
  'GET /v1/assignments': each('/v1/assignments', ['guard', 'company', 'admin']),
  'GET /v1/company-terms': each('/v1/company-terms', ['company', 'admin']),
  'POST /v1/company-terms': async () => one({ persona: 'company', url: '/v1/company-terms', body: {} }),
  'GET /v1/transactions': each('/v1/transactions', ['guard', 'company', 'admin']),
  'GET /v1/sync/{table}': each('/v1/sync/shifts?limit=20'),
  ...Object.assign({}, ...RESOURCES.map(({ requests }) => requests)),
}
