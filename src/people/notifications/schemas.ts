import { z } from 'zod'
import { instantOut, pageQuery, queryFlag, uuid } from '../../platform/http/fields.ts'

const makeNotification = (types: readonly string[]) =>
  z
    .strictObject({
      id: uuid,
      user_id: uuid.meta({ description: 'The user who receives the notification.' }),
      type: z.enum(types),
      data: z.record(z.string(), z.unknown()).meta({
        description:
          'What it is about, as it was when the notification was created. `shift_*`: `shift_id`, `title`, `start_datetime`, `end_datetime`, `cancel_reason`. `correction_*`: `correction_id`, `assignment_id`, `shift_id`, `change`, `kind`, `was_at`, `becomes_at`, `reason`. `certificate_expiring`: `certificate_id`, `kind`, `valid_until`, `days` (30, 7 or 1). `driver_document_expiring`: `document_id`, `driver_id`, `driver` (the name), `kind`, `expiry_date`, `days`. `load_*`: `load_id`, `reference`, `starts_at`, `ends_at`, `cancel_reason`. `payments_stale`, for admins: `payments` (how many), `oldest_created_at`. `statement_corrected`: `statement_id` (the invoice), `credit_note_id`, `company_id`, `number`, `first_day`, `last_day`, `total`, `currency`, `reason`. `payout_*`: `payout_id`, `statement_id`, `amount`, `currency`, `reason`.',
      }),
      read_at: instantOut.nullable(),
      created_at: instantOut,
    })
    .meta({ id: 'Notification' })

export type Notification = z.infer<ReturnType<typeof makeNotification>>

let made: ReturnType<typeof makeNotification> | undefined

/** Made with the first route, as there is one schema of this name. @param types of all modules */
export function notification(types: readonly string[]): ReturnType<typeof makeNotification> {
  made ??= makeNotification(types)
  return made
}

export const notificationQuery = z.strictObject({
  unread: queryFlag
    .optional()
    .meta({ description: '`true` lists only unread notifications, `false` only read ones.' }),
  ...pageQuery,
})

export type NotificationFilter = Omit<z.infer<typeof notificationQuery>, keyof typeof pageQuery>
