import { z } from 'zod'
import { instantOut, pageQuery, queryFlag, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { NOTIFICATION_TYPES } from './table.ts'

export const notification = z
  .strictObject({
    id: uuid,
    user_id: uuid.meta({ description: 'The user who receives the notification.' }),
    type: z.enum(NOTIFICATION_TYPES),
    data: z.record(z.string(), z.unknown()).meta({
      description:
        'What it is about, as it was when the notification was created. `shift_*`: `shift_id`, `title`, `start_datetime`, `end_datetime`, `cancel_reason`. `certificate_expiring`: `certificate_id`, `kind`, `valid_until`, `days` (30, 7 or 1). `payments_stale`, for admins: `payments` (how many), `oldest_created_at`.',
    }),
    read_at: instantOut.nullable(),
    created_at: instantOut,
  })
  .meta({ id: 'Notification' })

export type Notification = z.infer<typeof notification>

export const notificationPage = pageOf(notification)

export const notificationQuery = z.strictObject({
  unread: queryFlag
    .optional()
    .meta({ description: '`true` lists only unread notifications, `false` only read ones.' }),
  ...pageQuery,
})

export type NotificationFilter = Omit<z.infer<typeof notificationQuery>, keyof typeof pageQuery>
