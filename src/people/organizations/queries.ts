import { and, eq, exists, sql } from '../../platform/db/drizzle.ts'
import type { Session } from '../../platform/db/session.ts'
import { after, build, insertRow, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { Problem } from '../../platform/http/problem.ts'
import { companyClients, organizations } from '../table.ts'
import type { NewOrganization, Organization } from './schemas.ts'

const columns = {
  id: organizations.id,
  name: organizations.name,
  kind: organizations.kind,
  nd_number: organizations.nd_number,
  created_at: organizations.created_at,
  updated_at: organizations.updated_at,
}

interface OrganizationFilter {
  kind?: Organization['kind'] | undefined
  client_of?: string | undefined
}

const organizationPage = writtenOnce<OrganizationFilter & PageValues, Organization>((given) =>
  build
    .select(columns)
    .from(organizations)
    .where(
      and(
        given.kind && eq(organizations.kind, given.kind),
        given.client_of &&
          exists(
            build
              .select({ id: companyClients.id })
              .from(companyClients)
              .where(
                and(
                  eq(companyClients.company_id, given.client_of),
                  eq(companyClients.client_id, organizations.id),
                ),
              ),
          ),
        after(organizations.name, organizations.id, given),
      ),
    )
    .orderBy(organizations.name, organizations.id)
    .limit(given.limit),
)

/** By name. */
export const listOrganizations = (
  filter: OrganizationFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Organization> => organizationPage({ ...filter, ...pageValues(limit, position) })

export const organizationById = writtenOnce<{ id: string }, Organization>(({ id }) =>
  build.select(columns).from(organizations).where(eq(organizations.id, id)),
)

/** @throws Problem `not_found` when one of `client_of` is no company of the tenant. */
export async function createOrganization(
  session: Session,
  { client_of, ...given }: NewOrganization,
): Promise<Organization> {
  const created = await session.row<Organization>(
    insertRow(organizations, { ...given, tenant_id: sql`muster.admin_tenant_id()` }, columns),
  )
  if (client_of.length > 0 && !(await linkClient(session, client_of, created!.id))) {
    throw new Problem('not_found', { subject: 'client_of' })
  }
  return created!
}

/**
 * Lets companies work for a client; nothing happens where they do so already.
 *
 * @returns false when one of them is not there, or is not of the kind that it should be.
 */
export async function linkClient(
  session: Session,
  companies: readonly string[],
  client: string,
): Promise<boolean> {
  const wanted = sql`unnest(${`{${companies.join(',')}}`}::uuid[])`
  const known = await session.value<boolean>(sql`
    select exists (select from public.organizations o where o.id = ${client} and o.kind = 'client')
      and not exists (
        select from ${wanted} as wanted (id)
        where not exists (select from public.organizations o where o.id = wanted.id and o.kind = 'company')
      )`)
  if (!known) return false
  await session.rows(sql`
    insert into public.company_clients (tenant_id, company_id, client_id)
    select muster.tenant_id(), wanted.id, ${client}::uuid from ${wanted} as wanted (id)
    on conflict (company_id, client_id) do nothing
    returning id`)
  return true
}

/** @throws Problem `forbidden` for those who see the link and may not cut it. */
export async function unlinkClient(session: Session, company: string, client: string): Promise<boolean> {
  const link = and(eq(companyClients.company_id, company), eq(companyClients.client_id, client))
  const cut = await session.row(build.delete(companyClients).where(link).returning({ id: companyClients.id }))
  if (cut) return true
  forbidIfVisible(await session.row(build.select({ id: companyClients.id }).from(companyClients).where(link)))
  return false
}
