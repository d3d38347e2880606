import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isAnonKey } from '../auth/anon-key.ts'
import { readBearerToken } from '../auth/bearer.ts'
import { anonymousCaller, type Caller } from '../auth/caller.ts'
import { Unauthenticated } from '../auth/errors.ts'
import type { TokenVerifier } from '../auth/verifier.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Anonymous until a token was verified. Read-only: only this plugin decides who calls. */
    readonly caller: Caller
  }
  interface FastifyContextConfig {
    /** Under `/v1`: takes no token, because the handler verifies a signature of the body (`signature.ts`). */
    signed?: boolean
  }
}

export interface AuthenticationOptions {
  verifier: TokenVerifier
  /** `ANON_KEY`: clients of Supabase send it as the bearer token while nobody is signed in. */
  anonKey?: string | undefined
}

/**
 * Finds out who calls. Every route under `/v1` needs a signed-in user, unless its body is signed. Other routes (health, documents, realtime, which authenticates
 * its own way) are left alone: there `request.caller` is anonymous, whatever the header says.
 *
 * It works in `onRequest`, before the body is read: a stranger must not make us parse a megabyte. What it throws
 * (`Unauthenticated`, `KeysUnavailable`) is for the error handler to answer.
 */
export const authentication = fastifyPlugin(registerAuthentication, {
  name: 'authentication',
  fastify: '5.x',
})

async function registerAuthentication(app: FastifyInstance, options: AuthenticationOptions): Promise<void> {
  const callers = new WeakMap<FastifyRequest, Caller>()

  app.decorateRequest('caller', {
    getter(this: FastifyRequest) {
      return callers.get(this) ?? anonymousCaller()
    },
  })

  app.addHook('onRequest', async (request) => {
    if (!isUnderV1(request.routeOptions.url) || request.routeOptions.config.signed) return
    const { authorization } = request.headers
    const token = readBearerToken(authorization)
    if (token !== null && !isAnonKey(token, options.anonKey)) {
      callers.set(request, await options.verifier.verify(token))
    }
    if (request.caller.role !== 'anon') return
    throw new Unauthenticated(authorization === undefined ? 'token_missing' : 'caller_anonymous')
  })
}

/** Looks at the route's own pattern and not at the requested path, which has many spellings (`/%761/me`). */
function isUnderV1(pattern: string | undefined): boolean {
  return pattern === '/v1' || pattern?.startsWith('/v1/') === true
}
