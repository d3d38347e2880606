import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, pageQuery } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { pageOf, readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import type { SignIn } from '../../platform/sign-in/sign-in.ts'
import type { Roles } from '../roles.ts'
import { createInvitation, listInvitations, withdrawInvitation } from './queries.ts'
import { type InvitationWithCode, invitation, invitationWithCode, newInvitation } from './schemas.ts'

const tags = ['me']

export const invitationRoutes: FastifyPluginAsyncZod<{ roles: Roles; signIn: SignIn | undefined }> = async (
  app,
  { roles, signIn },
) => {
  app.get(
    '/invitations',
    {
      schema: {
        operationId: 'listInvitations',
        summary: 'List invitations, newest first',
        description:
          'Companies see their own invitations, admins those of the tenant. The list never contains the codes.',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageOf(invitation(roles)), ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const position = readCursor('invitations', 'instant', cursor, {})
      const rows = await request.rows(listInvitations(limit, position))
      return toPage('invitations', rows, limit, {}, (item) => [item.created_at, item.id])
    },
  )

  app.post(
    '/invitations',
    {
      schema: {
        operationId: 'createInvitation',
        summary: 'Invite somebody',
        description:
          'Admins invite users of any role; companies invite colleagues and guards. The `code` is for `POST /v1/me` and is returned once: the service stores only its hash, so a repeated response (`Idempotency-Key`) has no code. Where the service lets people in itself, an invitation with an `email` is also sent there as a link. If the response was lost, withdraw the invitation and create another one.',
        tags,
        body: newInvitation(roles),
        response: {
          201: invitationWithCode(roles),
          ...problems('forbidden', 'not_found', 'invalid_reference', 'idempotency_key_reused'),
        },
      },
    },
    async (request, reply) => {
      // The response stored for the Idempotency-Key has no code: the database keeps only its hash.
      let created: InvitationWithCode | undefined
      const kept = await request.write(async (session) => {
        created = await createInvitation(session, request.body)
        // Here a request that is sent again with its Idempotency-Key does not come, and mails nothing.
        if (created.email) signIn?.limits.invitationMail(created.email, created.created_by ?? '')
        const { code: _, ...rest } = created
        return rest
      })
      // The stored response may be of another invitation than the one created here, if that attempt was rolled back.
      const code = created?.id === kept.id ? created.code : null
      if (code !== null && created?.email)
        signIn?.invite(code, signIn.languageOf(request.headers['accept-language']))
      return reply.code(201).send({ ...kept, code })
    },
  )

  app.delete(
    '/invitations/:id',
    {
      schema: {
        operationId: 'withdrawInvitation',
        summary: 'Withdraw an invitation',
        description: 'Withdraws an invitation that is not accepted yet.',
        tags,
        params: idParams,
        response: { 204: z.null(), ...problems('not_found', 'forbidden') },
      },
    },
    async (request, reply) => {
      found(await request.write((session) => withdrawInvitation(session, request.params.id)))
      return reply.code(204).send(null)
    },
  )
}
