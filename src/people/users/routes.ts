import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { idParams } from '../../platform/http/fields.ts'
import { problems } from '../../platform/http/problem.ts'
import type { Roles } from '../roles.ts'
import { reinstateUser, suspendUser } from './queries.ts'
import { standing } from './schemas.ts'

const tags = ['users']

export const userRoutes: FastifyPluginAsyncZod<{ roles: Roles }> = async (app, { roles }) => {
  const answers = (...codes: Parameters<typeof problems>) => ({
    200: standing(roles),
    ...problems('forbidden', 'not_found', 'idempotency_key_reused', ...codes),
  })

  app.post(
    '/users/:id/suspend',
    {
      schema: {
        operationId: 'suspendUser',
        summary: 'Suspend a user',
        description:
          'Only admins may call this, and not about themselves. Ends the sessions of the user, refuses their tokens and closes their sockets within seconds. Shifts of a guard that have not begun are released; the company of one that has is notified. The status of the professional stays as it is.',
        tags,
        params: idParams,
        response: answers(),
      },
    },
    (request) => suspendUser(request, request.params.id, false),
  )

  app.post(
    '/users/:id/reinstate',
    {
      schema: {
        operationId: 'reinstateUser',
        summary: 'Let a suspended user in again',
        description: 'Only admins may call this. Shifts that were released stay released.',
        tags,
        params: idParams,
        response: answers('user_ended'),
      },
    },
    (request) => reinstateUser(request, request.params.id),
  )

  app.post(
    '/users/:id/end',
    {
      schema: {
        operationId: 'endUser',
        summary: 'Suspend a user for good',
        description:
          'As `POST /v1/users/{id}/suspend`, for somebody who has left: nobody can reinstate them. What they did stays in the records.',
        tags,
        params: idParams,
        response: answers(),
      },
    },
    (request) => suspendUser(request, request.params.id, true),
  )
}
