import { and, desc, eq, isNull, type SQL, sql } from '../../platform/db/drizzle.ts'
import { belongsTo, mergeBranches } from '../../platform/db/policy-branches.ts'
import type { Session } from '../../platform/db/session.ts'
import { before, build, type PageValues, pageValues } from '../../platform/db/sql.ts'
import { type RowsStatement, writtenOnce } from '../../platform/db/statement.ts'
import { forbidIfVisible } from '../../platform/http/found.ts'
import type { Position } from '../../platform/http/page.ts'
import type { Notification, NotificationFilter } from './schemas.ts'
import { notifications } from './table.ts'

const columns = {
  id: notifications.id,
  user_id: notifications.user_id,
  type: notifications.type,
  data: notifications.data,
  read_at: notifications.read_at,
  created_at: notifications.created_at,
}

/** An admin's own are among those of the tenant. */
const BRANCHES: SQL[] = [
  sql`${belongsTo(notifications.user_id, sql`auth.uid()`)}
    and ${notifications.tenant_id} is distinct from (select muster.admin_tenant_id())`,
  belongsTo(notifications.tenant_id, sql`muster.admin_tenant_id()`),
]

const notificationPage = writtenOnce<NotificationFilter & PageValues, Notification>((given) =>
  mergeBranches(
    BRANCHES.map((branch) =>
      build
        .select(columns)
        .from(notifications)
        .where(
          and(
            branch,
            given.unread && eq(isNull(notifications.read_at), given.unread),
            before(notifications.created_at, notifications.id, given),
          ),
        )
        .orderBy(desc(notifications.created_at), desc(notifications.id)),
    ),
    sql`created_at desc, id desc`,
    given.limit,
  ),
)

/** The newest first. */
export const listNotifications = (
  filter: NotificationFilter,
  limit: number,
  position: Position | undefined,
): RowsStatement<Notification> => notificationPage({ ...filter, ...pageValues(limit, position) })

/**
 * The first reading counts (a trigger keeps its time), so this may be done again.
 *
 * @throws Problem `forbidden` for a notification that the caller may see and that is for somebody else.
 */
export async function markRead(session: Session, id: string): Promise<Notification | undefined> {
  const read = await session.row<Notification>(
    build
      .update(notifications)
      .set({ read_at: sql`now()` })
      .where(eq(notifications.id, id))
      .returning(columns),
  )
  if (!read) forbidIfVisible(await session.row(visibleNotification(id)))
  return read
}

/** Only whether the caller sees it. */
const visibleNotification = (id: string) =>
  build.select({ id: notifications.id }).from(notifications).where(eq(notifications.id, id))
