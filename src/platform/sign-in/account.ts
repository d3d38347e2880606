import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { uuid } from '../http/fields.ts'
import { Problem, problems } from '../http/problem.ts'
import type { SignIn } from './sign-in.ts'

const account = z
  .strictObject({
    id: uuid,
    email: z.string(),
    name: z.string(),
    totp: z.boolean().meta({
      description: 'Whether a sign-in with the password asks for the code of an authenticator app.',
    }),
  })
  .meta({ id: 'OwnAccount' })

/** What the page at /sign-in/account shows of a person. */
export const accountRoute: FastifyPluginAsyncZod<{ signIn: SignIn }> = async (app, { signIn }) => {
  app.get(
    '/auth/account',
    {
      schema: {
        operationId: 'getOwnAccount',
        summary: 'Get the own account',
        description: 'Needs the session: the cookie, or `refresh_token` as the bearer token.',
        tags: ['sign-in'],
        security: [],
        response: { 200: account, ...problems('session_ended') },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const token = signIn.readSession(request.headers)
      const [found] =
        token === undefined
          ? []
          : await signIn.database.query<z.infer<typeof account>>(
              `select u.id, u.email, u.name, u.two_factor_enabled as totp
               from sign_in.sessions s join sign_in.users u on u.id = s.user_id
               where s.token = $1 and s.expires_at > now() and muster.may_sign_in(u.id)`,
              [token],
            )
      if (!found) throw new Problem('session_ended')
      return found
    },
  )
}
