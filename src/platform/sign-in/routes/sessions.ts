import { z } from 'zod'
import { idParams } from '../../http/fields.ts'
import { Problem, problems } from '../../http/problem.ts'
import { type Exchange, type Routes, tags } from '../exchange.ts'
import { grant, keySet, ownSessions, refreshRequest } from '../schemas.ts'

/** What a session gives, and the own sessions. */
export function sessionRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, sendGrant, requireSecondFactor, ownSession, endSession } = exchange

  app.post(
    '/auth/sign-out',
    {
      schema: {
        operationId: 'signOut',
        summary: 'End the session',
        description:
          'Ends the session of the cookie, or of the `refresh_token` that is sent as the bearer token. A bearer token that was given before is good until it expires.',
        tags,
        security: [],
        response: { 204: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      const token = signIn.readSession(request.headers)
      if (token !== undefined) await endSession(token)
      return reply.header('set-cookie', signIn.cookie.clear()).code(204).send(null)
    },
  )

  app.post(
    '/auth/token',
    {
      schema: {
        operationId: 'refreshToken',
        summary: 'Get the next bearer token of a session',
        description:
          'Takes the session of the cookie, or `refresh_token`, in the body or as the bearer token. The answer has the next one; the one that was sent is good for another half a minute, for what the same client sends at that moment. Whoever shows it later ends the session, because then two have it.',
        tags,
        security: [],
        body: refreshRequest,
        response: {
          200: grant,
          ...problems('session_ended', 'account_suspended', 'second_factor_required', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const token = signIn.readSession(request.headers, request.body?.refresh_token)
      if (token === undefined) throw new Problem('session_ended')
      return sendGrant(request, reply, await signIn.refresh(token))
    },
  )

  app.get(
    '/auth/jwks',
    {
      schema: {
        operationId: 'listSigningKeys',
        summary: 'Get the keys that bearer tokens are signed with',
        description:
          'The key set (RFC 7517): the key that signs, the next one, and those whose tokens may not have expired yet.',
        tags,
        security: [],
        response: { 200: keySet, ...problems() },
      },
    },
    async (_request, reply) => {
      // Long enough to spare requests, and far shorter than a key is published before it signs.
      reply.header('cache-control', 'public, max-age=300')
      return (await signIn.keys.publicKeys()) as { keys: { kid: string; kty: string }[] }
    },
  )

  app.get(
    '/auth/sessions',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'listOwnSessions',
        summary: 'List the own sessions',
        description: 'Needs the session: the cookie, or `refresh_token` as the bearer token. Newest first.',
        tags,
        security: [],
        response: { 200: ownSessions, ...problems('session_ended', 'second_factor_required') },
      },
    },
    async (request) => {
      const { id, userId } = await ownSession(request)
      const [found] = await signIn.database.query<{ items: z.infer<typeof ownSessions>['items'] }>(
        `select coalesce(json_agg(json_build_object(
           'id', s.id, 'method', s.method, 'ip_address', s.ip_address, 'user_agent', s.user_agent, 'created_at', s.created_at,
           'used_at', s.updated_at, 'expires_at', s.expires_at, 'current', s.id = $2::uuid
         ) order by s.created_at desc), '[]') as items
         from sign_in.sessions s
         where s.user_id = $1::uuid and s.expires_at > now()`,
        [userId, id],
      )
      return { items: found!.items }
    },
  )

  app.delete(
    '/auth/sessions/:id',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'endOwnSession',
        summary: 'End one of the own sessions',
        description:
          'Needs the session. Bearer tokens that the other session was given are good until they expire.',
        tags,
        security: [],
        params: idParams,
        response: {
          204: z.null(),
          ...problems('session_ended', 'second_factor_required', 'not_found', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const { userId } = await ownSession(request)
      const ended = await signIn.database.query(
        'delete from sign_in.sessions where id = $1::uuid and user_id = $2::uuid returning id',
        [request.params.id, userId],
      )
      if (ended.length === 0) throw new Problem('not_found')
      return reply.code(204).send(null)
    },
  )
}
