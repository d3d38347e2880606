import { users } from '../../people/table.ts'
import { type AnyColumn, and, eq, gte, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { after, build, type PageValues, pageValues, pointAt } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import { shifts } from '../shifts/table.ts'
import type { Professional, ProfessionalChange } from './schemas.ts'
import { securityProfessionals } from './table.ts'

/** The home point is granted to nobody: a function gives it to those whom it concerns, and null to others. */
const home = (coordinate: 'latitude' | 'longitude'): SQL =>
  sql`(muster.professional_home(${securityProfessionals.id}) ->> ${sql.raw(`'${coordinate}'`)})::float8`

const columns = {
  id: securityProfessionals.id,
  user_id: securityProfessionals.user_id,
  name: users.name,
  status: securityProfessionals.status,
  latitude: home('latitude').as('latitude'),
  longitude: home('longitude').as('longitude'),
  created_at: securityProfessionals.created_at,
  updated_at: securityProfessionals.updated_at,
}

const select = (where: SQL | undefined) =>
  build
    .select(columns)
    .from(securityProfessionals)
    .innerJoin(users, eq(users.id, securityProfessionals.user_id))
    .where(where)

/**
 * A caller has one role: no guard is in two branches. Those on somebody's shifts are as many as have worked there, and are looked up
 * before the page is known.
 */
const BRANCHES: SQL[] = [
  belongsTo(securityProfessionals.id, sql`muster.professional_id()`),
  onShiftsOf(shifts.company_id, sql`muster.company_id()`),
  onShiftsOf(shifts.client_id, sql`muster.client_id()`),
  belongsTo(users.tenant_id, sql`muster.admin_tenant_id()`),
]

function onShiftsOf(column: AnyColumn, holder: SQL): SQL {
  return sql`${securityProfessionals.id} = any (array(
    select distinct ${shifts.professional_id} from ${shifts}
    where ${belongsTo(column, holder)} and ${shifts.professional_id} is not null
  ))`
}

interface ProfessionalFilter {
  status?: Professional['status'] | undefined
}

const professionalPage = writtenOnce<ProfessionalFilter & PageValues, Professional>((given) => {
  const chosen = and(
    given.status && eq(securityProfessionals.status, given.status),
    // The names alone have an index.
    given.last_value && gte(users.name, given.last_value),
    after(users.name, securityProfessionals.id, given),
  )
  const pages = BRANCHES.map((branch) =>
    select(and(branch, chosen)).orderBy(users.name, securityProfessionals.id),
  )
  return mergeBranches(pages, sql`name, id`, given.limit)
})

/** By name. */
export const listProfessionals = (
  filter: ProfessionalFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Professional> => professionalPage({ ...filter, ...pageValues(limit, position) })

export const professionalById = writtenOnce<{ id: string }, Professional>(({ id }) =>
  select(eq(securityProfessionals.id, id)),
)

/** @throws Problem `forbidden` for a professional whom the caller may see and not change. */
export async function changeProfessional(
  session: Session,
  id: string,
  { status, latitude, longitude }: ProfessionalChange,
): Promise<Professional | undefined> {
  const changed = await session.row(
    build
      .update(securityProfessionals)
      .set({
        ...(status ? { status } : {}),
        ...(latitude === null ? { home_point: null } : {}),
        ...(latitude != null && longitude != null ? { home_point: pointAt({ latitude, longitude }) } : {}),
      })
      .where(eq(securityProfessionals.id, id))
      .returning({ id: securityProfessionals.id }),
  )
  const present = await session.row(professionalById({ id }))
  if (!changed) forbidIfVisible(present)
  return present
}
