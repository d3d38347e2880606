import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import type { Module } from '../../platform/module.ts'
import { listNotifications, markRead } from './queries.ts'
import { notification, notificationQuery } from './schemas.ts'

const tags = ['notifications']

export const notificationRoutes: FastifyPluginAsyncZod<Pick<Module, 'notifications'>> = async (
  app,
  { notifications },
) => {
  const one = notification(notifications)
  app.get(
    '/notifications',
    {
      schema: {
        operationId: 'listNotifications',
        summary: 'List notifications, newest first',
        description: 'Users see their own notifications; admins see those of the whole tenant.',
        tags,
        querystring: notificationQuery,
        response: { 200: pageOf(one), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('notifications', 'instant', cursor, filter)
      const rows = await request.rows(listNotifications(filter, limit, position))
      return toPage('notifications', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.post(
    '/notifications/:id/read',
    {
      schema: {
        operationId: 'readNotification',
        summary: 'Mark a notification as read',
        description: 'The request is idempotent: a repetition does not change `read_at`.',
        tags,
        params: idParams,
        response: { 200: one, ...problems('not_found', 'forbidden') },
      },
    },
    async (request) => found(await request.write((session) => markRead(session, request.params.id))),
  )
}
