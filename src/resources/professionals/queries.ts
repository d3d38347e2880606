import { and, eq, type SQL, sql } from 'drizzle-orm'
import { securityProfessionals, users } from '../../db/schema/index.ts'
import type { Session } from '../../db/session.ts'
import { after, db, pointAt } from '../../db/sql.ts'
import { forbidIfVisible } from '../../http/found.ts'
import type { Position } from '../../http/page.ts'
import type { Professional, ProfessionalChange } from './schemas.ts'

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
  db
    .select(columns)
    .from(securityProfessionals)
    .innerJoin(users, eq(users.id, securityProfessionals.user_id))
    .where(where)

/** By name. */
export const listProfessionals = (
  session: Session,
  filter: { status?: Professional['status'] | undefined },
  limit: number,
  position: Position | undefined,
): Promise<Professional[]> =>
  session.rows(
    select(
      and(
        filter.status ? eq(securityProfessionals.status, filter.status) : undefined,
        after(users.name, securityProfessionals.id, position),
      ),
    )
      .orderBy(users.name, securityProfessionals.id)
      .limit(limit + 1),
  )

export const findProfessional = (session: Session, id: string): Promise<Professional | undefined> =>
  session.row(select(eq(securityProfessionals.id, id)))

/** @throws Problem `forbidden` for a professional whom the caller may see and not change. */
export async function changeProfessional(
  session: Session,
  id: string,
  { status, latitude, longitude }: ProfessionalChange,
): Promise<Professional | undefined> {
  const changed = await session.row(
    db
      .update(securityProfessionals)
      .set({
        ...(status ? { status } : {}),
        ...(latitude === null ? { home_point: null } : {}),
        ...(latitude != null && longitude != null ? { home_point: pointAt({ latitude, longitude }) } : {}),
      })
      .where(eq(securityProfessionals.id, id))
      .returning({ id: securityProfessionals.id }),
  )
  const present = await findProfessional(session, id)
  if (!changed) forbidIfVisible(present)
  return present
}
