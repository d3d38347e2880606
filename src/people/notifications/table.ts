import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import { foreignKey, index, jsonb, pgTable, sql, text, uniqueIndex, uuid } from '../../platform/db/drizzle.ts'
import { users } from '../table.ts'

export const notifications = pgTable(
  'notifications',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    user_id: uuid('user_id').notNull(),
    /** Of a module: a trigger knows them. */
    type: text('type').notNull(),
    data: jsonb('data').notNull().default(sql`'{}'`),
    read_at: instant('read_at'),
    /** What it tells of, where that must be told once: background work may be run again. */
    once_key: text('once_key'),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    foreignKey({
      name: 'notifications_user_fk',
      columns: [t.user_id, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('cascade'),
    index('notifications_user_idx').on(t.user_id, t.created_at, t.id),
    index('notifications_tenant_idx').on(t.tenant_id, t.created_at, t.id),
    uniqueIndex('notifications_once_key').on(t.user_id, t.once_key).where(sql`${t.once_key} is not null`),
    index('notifications_changed_idx').on(t.changed_xid, t.id),
  ],
)
