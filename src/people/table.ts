import { edited, id, instant, timestamps } from '../platform/db/columns.ts'
import {
  check,
  foreignKey,
  index,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../platform/db/drizzle.ts'

/** A marketplace. Nothing crosses it: every other table carries `tenant_id`, and foreign keys include it. */
export const tenants = pgTable('tenants', { id: id(), name: text('name').notNull(), ...timestamps }, (t) => [
  check('tenants_name_length', sql`char_length(${t.name}) between 1 and 200`),
])

export const organizations = pgTable(
  'organizations',
  {
    id: id(),
    tenant_id: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'restrict' }),
    name: text('name').notNull(),
    /** One that a module has (`Module.roles`): a trigger holds that. */
    kind: text('kind').notNull(),
    nd_number: text('nd_number'),
    ...edited,
  },
  (t) => [
    unique('organizations_id_tenant_key').on(t.id, t.tenant_id),
    unique('organizations_id_tenant_kind_key').on(t.id, t.tenant_id, t.kind),
    check('organizations_name_length', sql`char_length(${t.name}) between 1 and 200`),
    check('organizations_nd_number_length', sql`char_length(${t.nd_number}) between 1 and 40`),
    index('organizations_tenant_idx').on(t.tenant_id),
  ],
)

/**
 * Which clients a company works for: it sees their locations, and may publish shifts there.
 * The kinds are columns so that the foreign keys can hold them.
 */
export const companyClients = pgTable(
  'company_clients',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    company_kind: text('company_kind').notNull().default('company'),
    client_id: uuid('client_id').notNull(),
    client_kind: text('client_kind').notNull().default('client'),
    ...timestamps,
  },
  (t) => [
    unique('company_clients_pair_key').on(t.company_id, t.client_id),
    check('company_clients_kinds', sql`${t.company_kind} = 'company' and ${t.client_kind} = 'client'`),
    foreignKey({
      name: 'company_clients_company_fk',
      columns: [t.company_id, t.tenant_id, t.company_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('cascade'),
    foreignKey({
      name: 'company_clients_client_fk',
      columns: [t.client_id, t.tenant_id, t.client_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('cascade'),
    index('company_clients_client_idx').on(t.client_id),
    index('company_clients_tenant_idx').on(t.tenant_id),
  ],
)

/** Of a user with the role `zzp`, as `GET /v1/me` gives it: whether they take work. */
export const PROFESSIONAL_STATUSES = ['active', 'inactive', 'suspended'] as const

/**
 * What a row with a role has: the role is one that a module has, and the kind of its organization follows from it. A trigger writes
 * the kind, so that the foreign key can hold it; the role `zzp` is a freelance guard (Dutch: zelfstandige zonder personeel).
 */
const inRole = {
  organization_id: uuid('organization_id'),
  organization_kind: text('organization_kind'),
  role: text('role').notNull(),
}

/** `id` is the token's subject, `auth.uid()`. The role is the one with which the user came; those that count are in `memberships`. */
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    tenant_id: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'restrict' }),
    ...inRole,
    name: text('name').notNull(),
    email: text('email').notNull(),
    /** While it is set the rules know nothing of the user, and nothing is theirs to do. */
    suspended_at: instant('suspended_at'),
    /** Suspended for good. */
    ended_at: instant('ended_at'),
    ...edited,
  },
  (t) => [
    unique('users_id_tenant_key').on(t.id, t.tenant_id),
    uniqueIndex('users_tenant_email_key').on(t.tenant_id, sql`lower(${t.email})`),
    // With a null organization the key is not checked (MATCH SIMPLE); with one, its kind must be that of the user's role.
    foreignKey({
      name: 'users_organization_is_of_role_fk',
      columns: [t.organization_id, t.tenant_id, t.organization_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('restrict'),
    check(
      'users_organization_by_role',
      sql`(${t.organization_kind} is null) = (${t.organization_id} is null)`,
    ),
    check('users_ended_is_suspended', sql`${t.ended_at} is null or ${t.suspended_at} is not null`),
    check('users_name_length', sql`char_length(${t.name}) between 1 and 200`),
    check('users_email_length', sql`char_length(${t.email}) between 3 and 320`),
    index('users_organization_idx').on(t.organization_id),
    // Guards are listed by name.
    index('users_name_idx').on(t.tenant_id, t.name, t.id),
    // Sign-in knows somebody by the address alone.
    index('users_email_idx').on(sql`lower(${t.email})`),
    // Each process reads them when it starts.
    index('users_suspended_idx').on(t.id).where(sql`${t.suspended_at} is not null`),
  ],
)

/** What a user may do: each role that they have, with the organization for which they have it. */
export const memberships = pgTable(
  'memberships',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    user_id: uuid('user_id').notNull(),
    ...inRole,
    ...timestamps,
  },
  (t) => [
    // A helper such as `muster.company_id()` gives one organization.
    unique('memberships_one_per_role').on(t.user_id, t.role),
    foreignKey({
      name: 'memberships_user_fk',
      columns: [t.user_id, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'memberships_organization_is_of_role_fk',
      columns: [t.organization_id, t.tenant_id, t.organization_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('restrict'),
    check(
      'memberships_organization_by_role',
      sql`(${t.organization_kind} is null) = (${t.organization_id} is null)`,
    ),
    index('memberships_organization_idx').on(t.organization_id),
    index('memberships_tenant_idx').on(t.tenant_id),
  ],
)

/** The code itself is shown once, to whoever invites; here is its SHA-256. */
export const invitations = pgTable(
  'invitations',
  {
    id: id(),
    tenant_id: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    ...inRole,
    email: text('email'),
    code_hash: text('code_hash').notNull().unique('invitations_code_hash_key'),
    expires_at: instant('expires_at').notNull(),
    accepted_at: instant('accepted_at'),
    accepted_by: uuid('accepted_by'),
    created_by: uuid('created_by'),
    /** The inviting company: it sees its own invitations, also those of guards, who belong to no organization. */
    inviting_organization_id: uuid('inviting_organization_id'),
    ...timestamps,
  },
  (t) => [
    check(
      'invitations_organization_by_role',
      sql`(${t.organization_kind} is null) = (${t.organization_id} is null)`,
    ),
    check('invitations_email_length', sql`char_length(${t.email}) between 3 and 320`),
    // A code is a way in: none is good for years.
    check(
      'invitations_expiry_range',
      sql`${t.expires_at} > ${t.created_at} and ${t.expires_at} - ${t.created_at} <= interval '90 days'`,
    ),
    foreignKey({
      name: 'invitations_organization_is_of_role_fk',
      columns: [t.organization_id, t.tenant_id, t.organization_kind],
      foreignColumns: [organizations.id, organizations.tenant_id, organizations.kind],
    }).onDelete('cascade'),
    foreignKey({
      name: 'invitations_inviting_organization_fk',
      columns: [t.inviting_organization_id, t.tenant_id],
      foreignColumns: [organizations.id, organizations.tenant_id],
    }).onDelete('cascade'),
    index('invitations_tenant_idx').on(t.tenant_id),
    index('invitations_organization_idx').on(t.organization_id),
    index('invitations_inviting_organization_idx').on(t.inviting_organization_id),
  ],
)
