import type { Caller } from '../../src/platform/auth/caller.ts'
import { callerFromClaims } from '../../src/platform/auth/caller.ts'
import type { Database, Parameter, Row } from '../../src/platform/db/engine/database.ts'

/**
 * A small marketplace, the same for every test: in tenant A the companies `company` and `rival`, their clients, two guards,
 * an admin; in tenant B one of each. Ids say what they are, so that a failing test can be read.
 */
const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const TENANTS = { a: id('0a00', 1), b: id('0b00', 1) } as const

export const ORGANIZATIONS = {
  company: id('c000', 1),
  rival: id('c000', 2),
  client: id('c100', 1),
  /** Of the rival alone. */
  otherClient: id('c100', 2),
  foreignCompany: id('c000', 9),
  foreignClient: id('c100', 9),
} as const

export const USERS = {
  admin: id('a000', 1),
  company: id('a000', 2),
  colleague: id('a000', 3),
  rival: id('a000', 4),
  client: id('a000', 5),
  otherClient: id('a000', 6),
  guard: id('a000', 7),
  otherGuard: id('a000', 8),
  foreignAdmin: id('a000', 91),
  foreignCompany: id('a000', 92),
  foreignClient: id('a000', 93),
  foreignGuard: id('a000', 94),
  /** A valid token that the database does not know. */
  stranger: id('a000', 99),
} as const

export type Persona = keyof typeof USERS

/** Those for whom the API does anything: a stranger is refused before any route (see me.test.ts). */
export const REGISTERED = (Object.keys(USERS) as Persona[]).filter((persona) => persona !== 'stranger')

export const PROFESSIONALS = {
  guard: id('e000', 1),
  otherGuard: id('e000', 2),
  foreignGuard: id('e000', 9),
} as const

/** Dam square, Amsterdam. */
export const SITE = { latitude: 52.3731, longitude: 4.8926 } as const

export const LOCATIONS = {
  /** Of the client, 100 m around `SITE`. */
  site: id('1000', 1),
  /** Of the company itself. */
  office: id('1000', 2),
  otherClientSite: id('1000', 3),
  foreignSite: id('1000', 9),
} as const

/** The caller that a persona's token stands for. */
export function callerOf(persona: Persona): Caller {
  return callerFromClaims({
    sub: USERS[persona],
    role: 'authenticated',
    email: `${persona.toLowerCase()}@example.com`,
    exp: Math.floor(Date.now() / 1000) + 3600,
  })
}

/** Fills an empty, migrated database with the world. As the owner: to arrange, not to act. */
export async function buildWorld(owner: Database): Promise<void> {
  const run = <R extends Row>(text: string, parameters: readonly Parameter[] = []) =>
    owner.query<R>(text, parameters)

  for (const [name, tenant] of Object.entries(TENANTS)) {
    await run('insert into tenants (id, name) values ($1, $2)', [tenant, `Tenant ${name}`])
  }
  const organizations: [keyof typeof ORGANIZATIONS, string, string][] = [
    ['company', TENANTS.a, 'company'],
    ['rival', TENANTS.a, 'company'],
    ['client', TENANTS.a, 'client'],
    ['otherClient', TENANTS.a, 'client'],
    ['foreignCompany', TENANTS.b, 'company'],
    ['foreignClient', TENANTS.b, 'client'],
  ]
  for (const [name, tenant, kind] of organizations) {
    await run('insert into organizations (id, tenant_id, name, kind) values ($1, $2, $3, $4)', [
      ORGANIZATIONS[name],
      tenant,
      name,
      kind,
    ])
  }
  for (const [tenant, company, client] of [
    [TENANTS.a, ORGANIZATIONS.company, ORGANIZATIONS.client],
    [TENANTS.a, ORGANIZATIONS.rival, ORGANIZATIONS.client],
    [TENANTS.a, ORGANIZATIONS.rival, ORGANIZATIONS.otherClient],
    [TENANTS.b, ORGANIZATIONS.foreignCompany, ORGANIZATIONS.foreignClient],
  ] as const) {
    await run('insert into company_clients (tenant_id, company_id, client_id) values ($1, $2, $3)', [
      tenant,
      company,
      client,
    ])
  }

  const users: [Exclude<Persona, 'stranger'>, string, string, string | null][] = [
    ['admin', TENANTS.a, 'admin', null],
    ['company', TENANTS.a, 'company', ORGANIZATIONS.company],
    ['colleague', TENANTS.a, 'company', ORGANIZATIONS.company],
    ['rival', TENANTS.a, 'company', ORGANIZATIONS.rival],
    ['client', TENANTS.a, 'client', ORGANIZATIONS.client],
    ['otherClient', TENANTS.a, 'client', ORGANIZATIONS.otherClient],
    ['guard', TENANTS.a, 'zzp', null],
    ['otherGuard', TENANTS.a, 'zzp', null],
    ['foreignAdmin', TENANTS.b, 'admin', null],
    ['foreignCompany', TENANTS.b, 'company', ORGANIZATIONS.foreignCompany],
    ['foreignClient', TENANTS.b, 'client', ORGANIZATIONS.foreignClient],
    ['foreignGuard', TENANTS.b, 'zzp', null],
  ]
  for (const [name, tenant, role, organization] of users) {
    await run(
      'insert into users (id, tenant_id, organization_id, role, name, email) values ($1, $2, $3, $4, $5, $6)',
      [USERS[name], tenant, organization, role, name, `${name.toLowerCase()}@example.com`],
    )
  }
  for (const [name, tenant] of [
    ['guard', TENANTS.a],
    ['otherGuard', TENANTS.a],
    ['foreignGuard', TENANTS.b],
  ] as const) {
    await run(
      'insert into security_professionals (id, tenant_id, user_id, home_point) values ($1, $2, $3, st_point(4.9, 52.36)::geography)',
      [PROFESSIONALS[name], tenant, USERS[name]],
    )
    await run(
      "insert into certificates (professional_id, kind, number, valid_until, verified_at) values ($1, 'vca', $2, '2099-12-31', now())",
      [PROFESSIONALS[name], `VCA-${name}`],
    )
  }

  for (const [name, organization] of [
    ['site', ORGANIZATIONS.client],
    ['office', ORGANIZATIONS.company],
    ['otherClientSite', ORGANIZATIONS.otherClient],
    ['foreignSite', ORGANIZATIONS.foreignClient],
  ] as const) {
    await run(
      'insert into locations (id, organization_id, name, address, location_point) values ($1, $2, $3, $4, st_point($5::float8, $6::float8)::geography)',
      [LOCATIONS[name], organization, name, 'Dam 1, Amsterdam', SITE.longitude, SITE.latitude],
    )
  }
}

export interface ShiftFixture {
  id?: string
  company?: string
  location?: string
  status?: 'draft' | 'published' | 'assigned'
  professional?: string
  /** Relative to now; the shift takes `hours`. */
  startsInHours?: number
  hours?: number
  rate?: number
  certificates?: readonly string[]
}

/** Arranges a shift (as the owner); gives its id. Assigned ones are published first, then assigned, as they would be. */
export async function arrangeShift(owner: Database, fixture: ShiftFixture = {}): Promise<string> {
  const { status = 'published', startsInHours = 1, hours = 8 } = fixture
  const [row] = await owner.query<{ id: string }>(
    `insert into shifts (id, company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title, required_certificates)
     values (coalesce($1::uuid, muster.uuid_v7()), $2, $3, $4,
             date_trunc('minute', now()) + $5::float8 * interval '1 hour',
             date_trunc('minute', now()) + $6::float8 * interval '1 hour', $7, 'Night watch', $8)
     returning id`,
    [
      fixture.id ?? null,
      fixture.company ?? ORGANIZATIONS.company,
      fixture.location ?? LOCATIONS.site,
      status === 'assigned' ? 'published' : status,
      startsInHours,
      startsInHours + hours,
      fixture.rate ?? 25,
      `{${(fixture.certificates ?? ['vca']).join(',')}}`,
    ],
  )
  if (status === 'assigned') {
    await owner.query("update shifts set status = 'assigned', professional_id = $2 where id = $1", [
      row!.id,
      fixture.professional ?? PROFESSIONALS.guard,
    ])
  }
  return row!.id
}

/** Lets guards have worked for a company, long ago: to others it is not told why they cannot come. As the owner. */
export async function acquaint(
  owner: Database,
  professionals: readonly string[],
  company: string = ORGANIZATIONS.company,
): Promise<void> {
  await owner.query(
    `insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title)
     select $1, $2, 'completed', professional, '2001-01-01T08:00Z', '2001-01-01T16:00Z', 20, 'The first day'
     from unnest($3::uuid[]) professional`,
    [company, LOCATIONS.site, `{${professionals.join(',')}}`],
  )
}

/** A guard beyond the personas. */
export interface Guard {
  userId: string
  professionalId: string
  caller: Caller
}

/** Adds guards to tenant A, each with certificates that never end in a test. As the owner. */
export async function arrangeGuards(
  owner: Database,
  count: number,
  certificates: readonly string[] = ['vca'],
): Promise<Guard[]> {
  const rows = await owner.query<{ user_id: string; id: string }>(
    `with people as materialized (
       select muster.uuid_v7() as user_id, muster.uuid_v7() as id, nth from generate_series(1, $2::int) nth
     ), u as (
       insert into users (id, tenant_id, role, name, email)
       select user_id, $1::uuid, 'zzp', 'Guard ' || nth, user_id || '@example.com' from people
     ), p as (
       insert into security_professionals (id, tenant_id, user_id) select id, $1::uuid, user_id from people
     )
     select user_id, id from people order by nth`,
    [TENANTS.a, count],
  )
  await owner.query(
    `insert into certificates (professional_id, kind, number, valid_until, verified_at)
     select id, kind, 'N-1', '2099-12-31', now()
     from unnest($1::uuid[]) id cross join unnest($2::text[]) kind`,
    [`{${rows.map(({ id }) => id).join(',')}}`, `{${certificates.join(',')}}`],
  )
  return rows.map(({ user_id, id }) => ({
    userId: user_id,
    professionalId: id,
    caller: callerFromClaims({
      sub: user_id,
      role: 'authenticated',
      exp: Math.floor(Date.now() / 1000) + 3600,
    }),
  }))
}
