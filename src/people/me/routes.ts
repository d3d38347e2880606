import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { Problem, problems } from '../../platform/http/problem.ts'
import type { Roles } from '../roles.ts'
import { acceptInvitation, whoCalls } from './queries.ts'
import { type Me, me, registration } from './schemas.ts'

const tags = ['me']

export const meRoutes: FastifyPluginAsyncZod<{ roles: Roles }> = async (app, { roles }) => {
  const caller = me(roles)
  app.get(
    '/me',
    {
      config: { unregistered: true },
      schema: {
        operationId: 'getMe',
        summary: 'Get the caller',
        tags,
        response: { 200: caller, ...problems() },
      },
    },
    async (request) => registered(await request.value(whoCalls)),
  )

  app.post(
    '/me',
    {
      config: { unregistered: true },
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Register the caller with an invitation code',
        description:
          'Registers the user of a token that is not registered yet, or gives a registered user of the same tenant another role, such as a driver who is a guard, too (`name` and `email` are then ignored). For a guard it also creates the professional, with the position of the home if it is sent; only the guard and admins see it. An invitation with an e-mail address can be accepted only by a token with that `email`.',
        tags,
        body: registration,
        response: {
          201: caller,
          ...problems('invitation_invalid', 'already_registered', 'already_exists', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      if (!request.caller.claims.email && request.body.email === undefined) {
        throw new Problem('validation_failed', {
          errors: [{ pointer: '/body/email', message: 'is needed: the token has none' }],
        })
      }
      const accepted = await request.write((session) => acceptInvitation(session, request.body))
      return reply.code(201).send(registered(accepted))
    },
  )
}

/** @throws Problem `not_registered` when the database does not know the caller. */
function registered(found: Me | null): Me {
  if (!found) throw new Problem('not_registered')
  return found
}
