import { z } from 'zod'
import { instantOut, pageQuery, queryFlag, uuid } from '../../platform/http/fields.ts'
import type { Module } from '../../platform/module.ts'

const makeNotification = (notifications: Module['notifications']) =>
  z
    .strictObject({
      id: uuid,
      user_id: uuid.meta({ description: 'The user who receives the notification.' }),
      type: z.enum(Object.keys(notifications)),
      data: z.record(z.string(), z.unknown()).meta({
        description: `What it is about, as it was when the notification was created. ${membersByType(notifications)}`,
      }),
      read_at: instantOut.nullable(),
      created_at: instantOut,
    })
    .meta({ id: 'Notification' })

export type Notification = z.infer<ReturnType<typeof makeNotification>>

/** A sentence for each set of members, with the types that have it. */
function membersByType(notifications: Module['notifications']): string {
  const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')
  const types = Map.groupBy(Object.keys(notifications), (type) => code(notifications[type]!))
  return [...types].map(([members, names]) => `${code(names)}: ${members}.`).join(' ')
}

let made: ReturnType<typeof makeNotification> | undefined

/** Made with the first route, as there is one schema of this name. @param notifications of all modules */
export function notification(notifications: Module['notifications']): ReturnType<typeof makeNotification> {
  made ??= makeNotification(notifications)
  return made
}

export const notificationQuery = z.strictObject({
  unread: queryFlag
    .optional()
    .meta({ description: '`true` lists only unread notifications, `false` only read ones.' }),
  ...pageQuery,
})

export type NotificationFilter = Omit<z.infer<typeof notificationQuery>, keyof typeof pageQuery>
