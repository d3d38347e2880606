import { anonymousCaller, type Caller, callerFromClaims } from '../../src/platform/auth/caller.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { addFreight, FREIGHT_ORGANIZATIONS, FREIGHT_USERS } from '../support/freight-world.ts'
import {
  buildWorld,
  LOCATIONS,
  ORGANIZATIONS,
  PROFESSIONALS,
  SITE,
  TENANTS,
  USERS,
} from '../support/world.ts'

/*
 * The rows that the access matrix speaks of: for each table one for each owner and state. The world of the other tests,
 * and what it does not have: people and things that are gone, and things that nothing points to.
 */

const id = (kind: string, n: number): string => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** Users of the matrix beside those of the world. */
export const MORE_USERS = {
  /** A guard whom no shift has. */
  freeGuard: id('a000', 20),
  /** A user who is still there; the professional is deleted. */
  dismissedGuard: id('a000', 21),
  deletedAdmin: id('a000', 31),
  deletedCompany: id('a000', 32),
  deletedClient: id('a000', 33),
  deletedGuard: id('a000', 34),
  /** A user who is still there; the record of the driver is deleted. */
  dismissedDriver: id('a000', 51),
  deletedOffice: id('a000', 52),
  deletedDriver: id('a000', 53),
  deletedBroker: id('a000', 54),
} as const

/** Of those who are no guards. */
const MORE_ROLES: Readonly<Record<string, [role: string, organization: string | null]>> = {
  deletedAdmin: ['admin', null],
  deletedCompany: ['company', ORGANIZATIONS.company],
  deletedClient: ['client', ORGANIZATIONS.client],
  dismissedDriver: ['driver', FREIGHT_ORGANIZATIONS.carrier],
  deletedOffice: ['office', FREIGHT_ORGANIZATIONS.carrier],
  deletedDriver: ['driver', FREIGHT_ORGANIZATIONS.carrier],
  deletedBroker: ['broker', FREIGHT_ORGANIZATIONS.brokerage],
}

const EVERYBODY = { ...USERS, ...FREIGHT_USERS, ...MORE_USERS }

/** Everybody with a token, and `anon`, who has none but the publishable key. */
export type AccessPersona = keyof typeof EVERYBODY | 'anon'

export const ACCESS_PERSONAS = ['anon', ...Object.keys(EVERYBODY)] as readonly AccessPersona[]

/** They have valid tokens, and the database does not know them, or not any more. */
export const NOBODIES = ['anon', 'stranger', ...deletedPersonas()] as readonly AccessPersona[]

/** Those of the other tenant. */
export const FOREIGNERS = ACCESS_PERSONAS.filter((persona) => persona.startsWith('foreign'))

function deletedPersonas(): AccessPersona[] {
  return (Object.keys(MORE_USERS) as AccessPersona[]).filter((persona) => persona.startsWith('deleted'))
}

export function accessCaller(persona: AccessPersona): Caller {
  if (persona === 'anon') return anonymousCaller()
  return callerFromClaims({
    sub: EVERYBODY[persona],
    role: 'authenticated',
    email: `${persona.toLowerCase()}@example.com`,
    exp: Math.floor(Date.now() / 1000) + 3600,
  })
}

/** What identifies a row, and what an action on it needs to know. Values are ids or plain words. */
export interface MatrixRow {
  id: string
  [field: string]: string | number | boolean | null | undefined
}

export const TENANT_ROWS = {
  tenantA: { id: TENANTS.a },
  tenantB: { id: TENANTS.b },
} satisfies Record<string, MatrixRow>

const QUIET = {
  /** Nobody works for it or with it, and no shift names it. */
  company: id('c000', 3),
  client: id('c100', 3),
  closedCompany: id('c000', 4),
  /** The company works for it still, as far as the link says. */
  closedClient: id('c100', 4),
  foreignClient: id('c100', 8),
  /** The company worked for it, and has shifts there from that time. */
  formerClient: id('c100', 5),
} as const

export const ORGANIZATION_ROWS = {
  company: { id: ORGANIZATIONS.company, tenant: TENANTS.a, kind: 'company' },
  rival: { id: ORGANIZATIONS.rival, tenant: TENANTS.a, kind: 'company' },
  client: { id: ORGANIZATIONS.client, tenant: TENANTS.a, kind: 'client' },
  otherClient: { id: ORGANIZATIONS.otherClient, tenant: TENANTS.a, kind: 'client' },
  quietCompany: { id: QUIET.company, tenant: TENANTS.a, kind: 'company' },
  quietClient: { id: QUIET.client, tenant: TENANTS.a, kind: 'client' },
  closedCompany: { id: QUIET.closedCompany, tenant: TENANTS.a, kind: 'company' },
  closedClient: { id: QUIET.closedClient, tenant: TENANTS.a, kind: 'client' },
  formerClient: { id: QUIET.formerClient, tenant: TENANTS.a, kind: 'client' },
  foreignCompany: { id: ORGANIZATIONS.foreignCompany, tenant: TENANTS.b, kind: 'company' },
  foreignClient: { id: ORGANIZATIONS.foreignClient, tenant: TENANTS.b, kind: 'client' },
  foreignQuietClient: { id: QUIET.foreignClient, tenant: TENANTS.b, kind: 'client' },
  carrier: { id: FREIGHT_ORGANIZATIONS.carrier, tenant: TENANTS.a, kind: 'carrier' },
  rivalCarrier: { id: FREIGHT_ORGANIZATIONS.rivalCarrier, tenant: TENANTS.a, kind: 'carrier' },
  brokerage: { id: FREIGHT_ORGANIZATIONS.brokerage, tenant: TENANTS.a, kind: 'broker' },
  foreignCarrier: { id: FREIGHT_ORGANIZATIONS.foreignCarrier, tenant: TENANTS.b, kind: 'carrier' },
} satisfies Record<string, MatrixRow>

/** `quietClient` is a client of the same tenant whom the company could be linked with. */
export const LINK_ROWS = {
  companyClient: linkRow(1, TENANTS.a, ORGANIZATIONS.company, ORGANIZATIONS.client, QUIET.client),
  companyClosedClient: linkRow(4, TENANTS.a, ORGANIZATIONS.company, QUIET.closedClient, QUIET.client),
  rivalOtherClient: linkRow(2, TENANTS.a, ORGANIZATIONS.rival, ORGANIZATIONS.otherClient, QUIET.client),
  foreignLink: linkRow(
    3,
    TENANTS.b,
    ORGANIZATIONS.foreignCompany,
    ORGANIZATIONS.foreignClient,
    QUIET.foreignClient,
  ),
} satisfies Record<string, MatrixRow>

function linkRow(n: number, tenant: string, company: string, client: string, quietClient: string) {
  return { id: id('8000', n), tenant, company, client, quietClient }
}

export const USER_ROWS = {
  admin: { id: USERS.admin },
  company: { id: USERS.company },
  colleague: { id: USERS.colleague },
  rival: { id: USERS.rival },
  client: { id: USERS.client },
  otherClient: { id: USERS.otherClient },
  guard: { id: USERS.guard },
  otherGuard: { id: USERS.otherGuard },
  freeGuard: { id: MORE_USERS.freeGuard },
  dismissedGuard: { id: MORE_USERS.dismissedGuard },
  deletedAdmin: { id: MORE_USERS.deletedAdmin },
  deletedCompany: { id: MORE_USERS.deletedCompany },
  deletedClient: { id: MORE_USERS.deletedClient },
  deletedGuard: { id: MORE_USERS.deletedGuard },
  foreignAdmin: { id: USERS.foreignAdmin },
  foreignCompany: { id: USERS.foreignCompany },
  foreignClient: { id: USERS.foreignClient },
  foreignGuard: { id: USERS.foreignGuard },
  office: { id: FREIGHT_USERS.office },
  driver: { id: FREIGHT_USERS.driver },
  rivalOffice: { id: FREIGHT_USERS.rivalOffice },
  broker: { id: FREIGHT_USERS.broker },
  deletedOffice: { id: MORE_USERS.deletedOffice },
  foreignOffice: { id: FREIGHT_USERS.foreignOffice },
} satisfies Record<string, MatrixRow>

/** Made with the users, and found by them. */
export const MEMBERSHIP_ROWS = Object.fromEntries(
  Object.entries(USER_ROWS).map(([name, { id: user }]) => [
    name,
    { id: user, tenant: name.startsWith('foreign') ? TENANTS.b : TENANTS.a },
  ]),
) as Record<keyof typeof USER_ROWS, { id: string; tenant: string }>

export const INVITATION_ROWS = {
  adminInvitesAdmin: invitationRow(1, 'admin', null, null),
  adminInvitesClient: invitationRow(2, 'client', ORGANIZATIONS.client, null),
  adminInvitesToClosed: invitationRow(10, 'company', QUIET.closedCompany, null),
  companyInvitesColleague: invitationRow(3, 'company', ORGANIZATIONS.company, ORGANIZATIONS.company),
  companyInvitesGuard: invitationRow(4, 'zzp', null, ORGANIZATIONS.company),
  rivalInvitesColleague: invitationRow(5, 'company', ORGANIZATIONS.rival, ORGANIZATIONS.rival),
  acceptedByGuard: { ...invitationRow(6, 'zzp', null, ORGANIZATIONS.company), acceptedBy: USERS.guard },
  expired: { ...invitationRow(7, 'zzp', null, ORGANIZATIONS.company), expired: true },
  forAnotherAddress: { ...invitationRow(8, 'zzp', null, ORGANIZATIONS.company), email: 'other@example.com' },
  officeInvitesDriver: invitationRow(
    11,
    'driver',
    FREIGHT_ORGANIZATIONS.carrier,
    FREIGHT_ORGANIZATIONS.carrier,
  ),
  foreignInvitesColleague: {
    ...invitationRow(9, 'company', ORGANIZATIONS.foreignCompany, ORGANIZATIONS.foreignCompany),
    tenant: TENANTS.b,
  },
} satisfies Record<string, MatrixRow>

/** Its code, which only whoever invited was shown, is the row's id. */
function invitationRow(n: number, role: string, organization: string | null, inviting: string | null) {
  return { id: id('7000', n), tenant: TENANTS.a, role, organization, inviting }
}

const MORE_PROFESSIONALS = {
  freeGuard: id('e000', 20),
  dismissedGuard: id('e000', 21),
  deletedGuard: id('e000', 34),
  rivalOnceGuard: id('e000', 22),
} as const

export const PROFESSIONAL_ROWS = {
  guard: { id: PROFESSIONALS.guard },
  otherGuard: { id: PROFESSIONALS.otherGuard },
  freeGuard: { id: MORE_PROFESSIONALS.freeGuard },
  dismissedGuard: { id: MORE_PROFESSIONALS.dismissedGuard },
  deletedGuard: { id: MORE_PROFESSIONALS.deletedGuard },
  /** The rival's planner, who was a guard before. */
  rivalOnceGuard: { id: MORE_PROFESSIONALS.rivalOnceGuard },
  foreignGuard: { id: PROFESSIONALS.foreignGuard },
} satisfies Record<string, MatrixRow>

const MORE_LOCATIONS = {
  rivalOffice: id('1000', 20),
  unusedOffice: id('1000', 21),
  unusedSite: id('1000', 22),
  draftSite: id('1000', 23),
  guardedSite: id('1000', 24),
  deletedSite: id('1000', 25),
  closedClientSite: id('1000', 26),
  formerSite: id('1000', 27),
  foreignUnusedSite: id('1000', 29),
} as const

export const LOCATION_ROWS = {
  site: { id: LOCATIONS.site, organization: ORGANIZATIONS.client },
  office: { id: LOCATIONS.office, organization: ORGANIZATIONS.company },
  unusedOffice: { id: MORE_LOCATIONS.unusedOffice, organization: ORGANIZATIONS.company },
  unusedSite: { id: MORE_LOCATIONS.unusedSite, organization: ORGANIZATIONS.client },
  /** Its only shift is a draft. */
  draftSite: { id: MORE_LOCATIONS.draftSite, organization: ORGANIZATIONS.client },
  /** Its only shift is the guard's. */
  guardedSite: { id: MORE_LOCATIONS.guardedSite, organization: ORGANIZATIONS.client },
  deletedSite: { id: MORE_LOCATIONS.deletedSite, organization: ORGANIZATIONS.client, deleted: true },
  closedClientSite: { id: MORE_LOCATIONS.closedClientSite, organization: QUIET.closedClient },
  formerSite: { id: MORE_LOCATIONS.formerSite, organization: QUIET.formerClient },
  rivalOffice: { id: MORE_LOCATIONS.rivalOffice, organization: ORGANIZATIONS.rival },
  otherClientSite: { id: LOCATIONS.otherClientSite, organization: ORGANIZATIONS.otherClient },
  foreignSite: { id: LOCATIONS.foreignSite, organization: ORGANIZATIONS.foreignClient },
  foreignUnusedSite: { id: MORE_LOCATIONS.foreignUnusedSite, organization: ORGANIZATIONS.foreignClient },
} satisfies Record<string, MatrixRow>

/** Shifts that a professional has do not overlap: `from` and `to` are hours from now. */
export const SHIFT_ROWS = {
  companyDraft: shiftRow(1, { status: 'draft', from: 20, to: 24 }),
  companyPublished: shiftRow(2, { status: 'published', from: 20, to: 24 }),
  companyBegun: shiftRow(3, { status: 'published', from: -1, to: 5 }),
  companyAssigned: shiftRow(4, { status: 'assigned', from: 1, to: 5 }),
  companyActive: shiftRow(5, { status: 'active', from: -3, to: 0.5 }),
  companyCompleted: shiftRow(6, { status: 'completed', from: -30, to: -22 }),
  companyCancelled: shiftRow(7, { status: 'cancelled', from: 10, to: 12 }),
  companyDeleted: shiftRow(8, {
    status: 'published',
    professional: null,
    from: 20,
    to: 24,
    deleted: true,
  }),
  companyAtOffice: shiftRow(9, { status: 'published', location: LOCATIONS.office, from: 20, to: 24 }),
  companyDraftAtDraftSite: shiftRow(10, {
    status: 'draft',
    location: MORE_LOCATIONS.draftSite,
    from: 20,
    to: 24,
  }),
  companyAssignedAtGuardedSite: shiftRow(11, {
    status: 'assigned',
    location: MORE_LOCATIONS.guardedSite,
    from: 6,
    to: 8,
  }),
  companyCompletedByFormer: shiftRow(12, {
    status: 'completed',
    professional: MORE_PROFESSIONALS.deletedGuard,
    from: -30,
    to: -22,
  }),
  /** Nobody came. */
  companyOver: shiftRow(13, { status: 'published', from: -10, to: -2 }),
  /** The guard's, until it was cancelled. */
  companyCancelledDeleted: shiftRow(14, { status: 'cancelled', from: 14, to: 16, deleted: true }),
  /** At a client for whom the company does not work any more. */
  formerDraft: shiftRow(15, { status: 'draft', location: MORE_LOCATIONS.formerSite, from: 20, to: 24 }),
  formerPublished: shiftRow(16, {
    status: 'published',
    location: MORE_LOCATIONS.formerSite,
    from: 20,
    to: 24,
  }),
  formerAssigned: shiftRow(17, {
    status: 'assigned',
    location: MORE_LOCATIONS.formerSite,
    from: 26,
    to: 28,
  }),
  rivalDraft: shiftRow(21, { ...ofRival(), status: 'draft', from: 20, to: 24 }),
  rivalPublished: shiftRow(22, { ...ofRival(), status: 'published', from: 20, to: 24 }),
  rivalAssigned: shiftRow(23, { ...ofRival(), status: 'assigned', from: 1, to: 5 }),
  rivalAtOffice: shiftRow(24, {
    ...ofRival(),
    status: 'published',
    location: MORE_LOCATIONS.rivalOffice,
    from: 20,
    to: 24,
  }),
  rivalCompletedAtSite: shiftRow(25, {
    ...ofRival(),
    status: 'completed',
    location: LOCATIONS.site,
    from: -30,
    to: -22,
  }),
  rivalActive: shiftRow(26, { ...ofRival(), status: 'active', from: -3, to: 0.5 }),
  foreignPublished: shiftRow(31, { ...ofForeigners(), status: 'published', from: 20, to: 24 }),
  foreignAssigned: shiftRow(32, { ...ofForeigners(), status: 'assigned', from: 1, to: 5 }),
  foreignActive: shiftRow(33, { ...ofForeigners(), status: 'active', from: -3, to: 0.5 }),
} satisfies Record<string, MatrixRow>

interface ShiftRow {
  status: string
  from: number
  to: number
  tenant: string
  company: string
  location: string
  professional: string | null
  /** Who has time for it, and what it takes. */
  assignee: string
  deleted: boolean
}

/** The guard's at the client's site, where nothing else is said. */
function shiftRow(n: number, given: Partial<ShiftRow> & Pick<ShiftRow, 'status' | 'from' | 'to'>) {
  const hasProfessional = !['draft', 'published'].includes(given.status)
  return {
    tenant: TENANTS.a as string,
    company: ORGANIZATIONS.company as string,
    location: LOCATIONS.site as string,
    assignee: MORE_PROFESSIONALS.freeGuard as string,
    deleted: false,
    ...given,
    professional: hasProfessional ? (given.professional ?? PROFESSIONALS.guard) : null,
    id: id('f000', n),
  }
}

function ofRival() {
  return {
    company: ORGANIZATIONS.rival,
    location: LOCATIONS.otherClientSite,
    professional: PROFESSIONALS.otherGuard,
  }
}

function ofForeigners() {
  return {
    tenant: TENANTS.b,
    company: ORGANIZATIONS.foreignCompany,
    location: LOCATIONS.foreignSite,
    professional: PROFESSIONALS.foreignGuard,
    assignee: PROFESSIONALS.foreignGuard,
  }
}

export const CHECKIN_ROWS = {
  guardAtCompany: { id: id('2000', 1), shift: SHIFT_ROWS.companyActive.id, hour: -1 },
  otherGuardAtRival: { id: id('2000', 2), shift: SHIFT_ROWS.rivalAssigned.id, hour: 0 },
  otherGuardAtSite: { id: id('2000', 3), shift: SHIFT_ROWS.rivalCompletedAtSite.id, hour: -25 },
  formerGuard: { id: id('2000', 4), shift: SHIFT_ROWS.companyCompletedByFormer.id, hour: -25 },
  foreignGuard: { id: id('2000', 5), shift: SHIFT_ROWS.foreignAssigned.id, hour: 0 },
} satisfies Record<string, MatrixRow>

export const CANDIDATE_PAGE_ROWS = {
  company: { id: ORGANIZATIONS.company },
  rival: { id: ORGANIZATIONS.rival },
} satisfies Record<string, MatrixRow>

export const REFUSED_ASSIGNMENT_ROWS = CANDIDATE_PAGE_ROWS
/** Assignments made them: found by their shift. */
export const TRANSACTION_ROWS = {
  guardByCompany: { id: SHIFT_ROWS.companyAssigned.id },
  otherGuardByRival: { id: SHIFT_ROWS.rivalAssigned.id },
  formerGuardByCompany: { id: SHIFT_ROWS.companyCompletedByFormer.id },
  foreignGuard: { id: SHIFT_ROWS.foreignAssigned.id },
} satisfies Record<string, MatrixRow>

/** The id of the assignment of a shift of the matrix: the world gives them, so that rows can name them. */
export const assignmentOf = (shift: { id: string }): string => `a5${shift.id.slice(2)}`

/** Made with the payments, and likewise found by their shift. */
export const ASSIGNMENT_ROWS = TRANSACTION_ROWS

export const TERMS_ROWS = {
  company: termsRow(1, SHIFT_ROWS.companyPublished),
  rival: termsRow(2, SHIFT_ROWS.rivalPublished),
  foreignCompany: termsRow(3, SHIFT_ROWS.foreignPublished),
} satisfies Record<string, MatrixRow>

/** @param shift that is open, and the company's */
function termsRow(n: number, shift: { id: string; company: string; assignee: string }) {
  return { id: id('b000', n), company: shift.company, shift: shift.id, assignee: shift.assignee }
}

export const NOTIFICATION_ROWS = {
  guard: { id: id('5000', 1), tenant: TENANTS.a, user: USERS.guard },
  otherGuard: { id: id('5000', 2), tenant: TENANTS.a, user: USERS.otherGuard },
  deletedGuard: { id: id('5000', 3), tenant: TENANTS.a, user: MORE_USERS.deletedGuard },
  foreignGuard: { id: id('5000', 4), tenant: TENANTS.b, user: USERS.foreignGuard },
} satisfies Record<string, MatrixRow>

/** Found by their user: one whose answer (the user's id) is kept, and one that is being answered. */
export const IDEMPOTENCY_ROWS = {
  guard: { id: USERS.guard },
  foreignGuard: { id: USERS.foreignGuard },
} satisfies Record<string, MatrixRow>

/** What the change feed and the catch-up keep for themselves. */
export const DEPARTED_ROWS = {
  ofGuard: { id: id('dead', 1), audience: `user:${USERS.guard}` },
  ofCompany: { id: id('dead', 2), audience: `company:${ORGANIZATIONS.company}` },
  ofClient: { id: id('dead', 3), audience: `client:${ORGANIZATIONS.client}` },
  ofProfessional: { id: id('dead', 4), audience: `professional:${PROFESSIONALS.guard}` },
  ofGuards: { id: id('dead', 5), audience: `guards:${TENANTS.a}` },
  ofAdmins: { id: id('dead', 6), audience: `admins:${TENANTS.a}` },
  ofDeletedGuard: { id: id('dead', 7), audience: `user:${MORE_USERS.deletedGuard}` },
} satisfies Record<string, MatrixRow>
/** Notes that triggers made when the users were. */
export const CHANGED_CALLER_ROWS = { guard: { id: USERS.guard } } satisfies Record<string, MatrixRow>
/** Declared by the migrations. */
export const AUDIENCE_ROWS = { ofShifts: { id: 'shifts' } } satisfies Record<string, MatrixRow>
/** Begun by the migrations: there is one. */
export const HISTORY_ROWS = { present: { id: 'true' } } satisfies Record<string, MatrixRow>
export const SIZE_SAMPLE_ROWS = { ofShifts: { id: 'public.shifts' } } satisfies Record<string, MatrixRow>
export const JOB_ROWS = { ofAnybody: { id: 'platform.sample_sizes' } } satisfies Record<string, MatrixRow>
export const OUTBOX_ROWS = { ofAnybody: { id: '1' } } satisfies Record<string, MatrixRow>

/** Messages on the channels of shifts, as if they were kept. */
export const MESSAGE_ROWS = {
  companyActive: messageRow(1, `shift:${SHIFT_ROWS.companyActive.id}`),
  companyAssigned: messageRow(2, `shift:${SHIFT_ROWS.companyAssigned.id}`),
  rivalActive: messageRow(3, `shift:${SHIFT_ROWS.rivalActive.id}`),
  foreignActive: messageRow(4, `shift:${SHIFT_ROWS.foreignActive.id}`),
  ofNoShift: messageRow(5, 'shift:everybody'),
} satisfies Record<string, MatrixRow>

function messageRow(n: number, topic: string) {
  return { id: id('9000', n), topic }
}

/** Where the other client's user works, too; it has nothing else. */
const QUIET_BROKERAGE = id('cd00', 2)

/** What an invitation's code is kept as. */
export const CODE_OF_INVITATION = (invitation: string): string => `code ${invitation}`

/** Fills an empty, migrated database with every row above. As the owner. */
export async function buildAccessWorld(owner: Database): Promise<void> {
  await buildWorld(owner)
  await addFreight(owner)
  const insert = (table: string, rows: readonly Record<string, unknown>[]) =>
    owner.query(
      `insert into ${table} (${Object.keys(rows[0]!).join(', ')})
       select ${Object.keys(rows[0]!).join(', ')} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
      [JSON.stringify(rows)],
    )
  const gone = new Date().toISOString()

  await insert(
    'organizations',
    Object.entries(ORGANIZATION_ROWS)
      .filter(([, row]) => (Object.values(QUIET) as string[]).includes(row.id))
      .map(([name, row]) => ({
        id: row.id,
        tenant_id: row.tenant,
        name,
        kind: row.kind,
      })),
  )
  await insert('company_clients', [
    {
      id: LINK_ROWS.companyClosedClient.id,
      tenant_id: TENANTS.a,
      company_id: ORGANIZATIONS.company,
      client_id: QUIET.closedClient,
    },
    {
      id: id('8000', 5),
      tenant_id: TENANTS.a,
      company_id: ORGANIZATIONS.company,
      client_id: QUIET.formerClient,
    },
  ])
  for (const { id: link, company, client } of Object.values(LINK_ROWS)) {
    await owner.query('update company_clients set id = $1 where company_id = $2 and client_id = $3', [
      link,
      company,
      client,
    ])
  }

  await insert(
    'company_terms',
    Object.values(TERMS_ROWS).map((row) => ({
      id: row.id,
      company_id: row.company,
      valid_from: gone,
      late_after_minutes: 20,
      auto_close_minutes: 60,
      minimum_minutes: 120,
      give_back_minutes: 1440,
      delivery_days: 14,
      created_at: gone,
      updated_at: gone,
    })),
  )
  await insert(
    'users',
    Object.entries(MORE_USERS).map(([name, user]) => ({
      id: user,
      tenant_id: TENANTS.a,
      role: MORE_ROLES[name]?.[0] ?? 'zzp',
      organization_id: MORE_ROLES[name]?.[1] ?? null,
      name,
      email: `${name.toLowerCase()}@example.com`,
    })),
  )
  await insert('organizations', [
    { id: QUIET_BROKERAGE, tenant_id: TENANTS.a, name: 'quietBrokerage', kind: 'broker' },
  ])
  // People with two roles: who asks for one must not get the other.
  await insert('memberships', [
    { tenant_id: TENANTS.a, user_id: USERS.otherClient, role: 'broker', organization_id: QUIET_BROKERAGE },
    {
      tenant_id: TENANTS.a,
      user_id: FREIGHT_USERS.dispatcher,
      role: 'driver',
      organization_id: FREIGHT_ORGANIZATIONS.carrier,
    },
  ])
  // Written after the other, so that a query which asks for no role comes to the other first.
  await owner.query(
    `with client as (delete from memberships where user_id = $1 and role = 'client' returning *)
     insert into memberships (tenant_id, user_id, role, organization_id)
     select tenant_id, user_id, role, organization_id from client`,
    [USERS.otherClient],
  )
  await insert(
    'security_professionals',
    Object.entries(MORE_PROFESSIONALS).map(([name, professional]) => ({
      id: professional,
      tenant_id: TENANTS.a,
      user_id: name === 'rivalOnceGuard' ? USERS.rival : MORE_USERS[name as keyof typeof MORE_USERS],
      home_point: `SRID=4326;POINT(4.9 52.36)`,
      status: 'active',
    })),
  )
  await insert(
    'certificates',
    Object.values(MORE_PROFESSIONALS).map((professional, n) => ({
      id: id('6000', 100 + n),
      professional_id: professional,
      kind: 'vca',
      number: 'VCA',
      valid_until: '2099-12-31',
      verified_at: gone,
    })),
  )
  await insert(
    'locations',
    Object.entries(LOCATION_ROWS)
      .filter(([, row]) => (Object.values(MORE_LOCATIONS) as string[]).includes(row.id))
      .map(([name, row]) => ({
        id: row.id,
        organization_id: row.organization,
        name,
        address: 'Dam 1, Amsterdam',
        location_point: `SRID=4326;POINT(${SITE.longitude} ${SITE.latitude})`,
        radius_meters: 100,
        time_zone: 'Europe/Amsterdam',
        deleted_at: 'deleted' in row ? gone : null,
      })),
  )
  for (const row of Object.values(SHIFT_ROWS)) {
    await owner.query(
      `insert into shifts (id, company_id, location_id, professional_id, status, start_datetime, end_datetime, hourly_rate,
                           title, cancel_reason, deleted_at)
       values ($1, $2, $3, $4, $5, now() + $6::float8 * interval '1 hour', now() + $7::float8 * interval '1 hour', 25,
               'Night watch', $8, $9)`,
      [
        row.id,
        row.company,
        row.location,
        row.professional,
        row.status,
        row.from,
        row.to,
        row.status === 'cancelled' ? 'Rained off' : null,
        row.deleted ? gone : null,
      ],
    )
  }
  await owner.transaction(async (tx) => {
    await tx.query("set local session_replication_role = 'replica'")
    await tx.query(
      "update finqle_transactions set assignment_id = overlay(shift_id::text placing 'a5' from 1)::uuid",
    )
    await tx.query("update assignments set id = overlay(shift_id::text placing 'a5' from 1)::uuid")
  })
  // Their guards may give them back.
  await owner.query('update assignments set moved_at = now() where shift_id = any ($1)', [
    `{${[SHIFT_ROWS.companyAssigned, SHIFT_ROWS.rivalAssigned, SHIFT_ROWS.foreignAssigned].map(({ id }) => id).join(',')}}`,
  ])
  for (const row of Object.values(CHECKIN_ROWS)) {
    await owner.query(
      `insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
       values ($1, $2, 'ping', st_point($3::float8, $4::float8)::geography, 5, now() + $5::float8 * interval '1 hour')`,
      [row.id, row.shift, SITE.longitude, SITE.latitude, row.hour],
    )
  }
  await insert(
    'notifications',
    Object.values(NOTIFICATION_ROWS).map((row) => ({
      id: row.id,
      tenant_id: row.tenant,
      user_id: row.user,
      type: 'shift_changed',
      data: {},
      created_at: gone,
      updated_at: gone,
    })),
  )
  for (const row of Object.values(INVITATION_ROWS)) {
    await owner.query(
      `insert into invitations (id, tenant_id, organization_id, role, inviting_organization_id, email, code_hash,
                                created_at, expires_at, accepted_at, accepted_by)
       values ($1, $2, $3, $4, $5, $6, encode(sha256(convert_to($7, 'UTF8')), 'hex'),
               now() - interval '2 days', now() + $8::interval, $9, $10)`,
      [
        row.id,
        row.tenant,
        row.organization,
        row.role,
        row.inviting,
        'email' in row ? row.email : null,
        CODE_OF_INVITATION(row.id),
        'expired' in row ? '-1 day' : '1 day',
        'acceptedBy' in row ? gone : null,
        'acceptedBy' in row ? row.acceptedBy : null,
      ],
    )
  }
  for (const { id: user } of Object.values(IDEMPOTENCY_ROWS)) {
    await owner.query(
      `insert into muster.idempotency_keys (user_id, key, request_hash, response_body)
       values ($1::uuid, 'known', 'hash', $1::uuid::text), ($1::uuid, 'pending', 'hash', null)`,
      [user],
    )
    await owner.query(
      "insert into muster.idempotency_usage (user_id, day, keys, bytes) values ($1, (now() at time zone 'UTC')::date, 1, 36)",
      [user],
    )
  }

  for (const { id: company } of Object.values(CANDIDATE_PAGE_ROWS)) {
    await owner.query(
      "insert into muster.candidate_pages (company_id, asked_on, pages) values ($1, current_date - 1, '{1}')",
      [company],
    )
  }
  for (const { id: company } of Object.values(REFUSED_ASSIGNMENT_ROWS)) {
    await owner.query(
      'insert into muster.refused_assignments (company_id, refused_on, refused) values ($1, current_date - 1, 1)',
      [company],
    )
  }
  // Another company's, of today: as many as one may have.
  await owner.query(
    "insert into muster.refused_assignments (company_id, refused_on, refused) values ($1, (now() at time zone 'UTC')::date, 100)",
    [QUIET.company],
  )
  for (const { id: departed, audience } of Object.values(DEPARTED_ROWS)) {
    await owner.query(
      "insert into muster.departed_rows (relation, row_id, audience) values ('shifts', $1, array[$2])",
      [departed, audience],
    )
  }
  await owner.query('insert into muster.size_samples values (current_date, $1, 8192)', [
    SIZE_SAMPLE_ROWS.ofShifts.id,
  ])
  await owner.query('insert into muster.jobs (name, next_run_at) values ($1, now())', [JOB_ROWS.ofAnybody.id])
  await owner.query("insert into muster.change_outbox (number, payload) values ($1, 'change')", [
    OUTBOX_ROWS.ofAnybody.id,
  ])

  for (const { id: message, topic } of Object.values(MESSAGE_ROWS)) {
    await owner.query("insert into realtime.messages (id, topic, extension) values ($1, $2, 'broadcast')", [
      message,
      topic,
    ])
  }

  // Here, and not at the head of the file: they stand on it.
  const { ACCESSES } = await import('../support/resources.ts')
  for (const { section, columns, arrange } of ACCESSES) {
    if (columns) await insert(section.table, Object.values(section.rows).map(columns))
    await arrange?.(owner)
  }

  await owner.query('delete from company_clients where client_id = $1', [QUIET.formerClient])
  await owner.query("update organizations set deleted_at = now() where name like 'closed%'")
  await owner.query(
    "update users set deleted_at = now() where id in (select id from users where name like 'deleted%')",
  )
  await owner.query('update security_professionals set deleted_at = now() where id = $1', [
    MORE_PROFESSIONALS.dismissedGuard,
  ])
}
