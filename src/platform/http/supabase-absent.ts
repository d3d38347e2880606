import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

/** Part of every message, so that its reader knows what to use instead. */
const INSTEAD =
  'This service has its own API at /v1, described at /docs. The only part of Supabase that it has is realtime.'
const CODE = 'not_implemented'

/**
 * The parts of Supabase that clients made for it ask for, and that are not here. Each is answered in the form in which that part
 * tells errors, because its client shows nothing else of an answer. 501 and not 404: postgrest-js takes an empty 404, which
 * is what `head: true` gets, for success. But 404 of `auth`: auth-js takes any 5xx for a failure of the network, which it tries
 * again and of which it tells no word.
 */
const PARTS: Record<string, { status: number; body: object }> = {
  /** PostgREST's, of `from()` and `rpc()`: https://docs.postgrest.org/en/v12/references/errors.html */
  '/rest/v1': {
    status: 501,
    body: {
      code: CODE,
      message: `This service has no PostgREST: from() and rpc() do not work. ${INSTEAD}`,
      details: null,
      hint: 'Call the routes of /v1 with fetch and the same token.',
    },
  },
  /** GoTrue's, of `auth` */
  '/auth/v1': {
    status: 404,
    body: {
      code: 404,
      error_code: CODE,
      msg: `This service has no sign-in: auth does not work. Tokens come from the issuer of JWT_SECRET or JWKS_URL, in development from "npm run token". ${INSTEAD}`,
    },
  },
  /** Storage's */
  '/storage/v1': {
    status: 501,
    body: {
      statusCode: '501',
      error: CODE,
      message: `This service has no file storage: storage does not work. ${INSTEAD}`,
    },
  },
  '/functions/v1': {
    status: 501,
    body: {
      code: CODE,
      message: `This service has no edge functions: functions.invoke() does not work. ${INSTEAD}`,
    },
  },
}

/** Tells clients of Supabase which of its parts are not here, before anything of their request is read. */
export const supabaseAbsent = fastifyPlugin(
  async (app: FastifyInstance) => {
    for (const [prefix, { status, body }] of Object.entries(PARTS)) {
      for (const url of [prefix, `${prefix}/*`]) {
        app.route({
          method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
          url,
          schema: { hide: true },
          onRequest: async (_request, reply) =>
            reply.code(status).type('application/json; charset=utf-8').serializer(JSON.stringify).send(body),
          handler: () => {},
        })
      }
    }
  },
  { name: 'supabase-absent', fastify: '5.x' },
)
