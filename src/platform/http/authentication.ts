import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { isAnonKey } from '../auth/anon-key.ts'
import { readBearerToken } from '../auth/bearer.ts'
import { anonymousCaller, type Caller } from '../auth/caller.ts'
import { Unauthenticated } from '../auth/errors.ts'
import type { TokenVerifier } from '../auth/verifier.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** An `onRequest` hook for a route outside `/v1` that needs a signed-in user. */
    authenticate: (request: FastifyRequest) => Promise<void>
  }
  interface FastifyRequest {
    /** Anonymous until a token was verified. Read-only: only this plugin decides who calls. */
    readonly caller: Caller
  }
  interface FastifyContextConfig {
    /** Under `/v1`: also answers callers without a token. A token that is given must still be good. */
    public?: boolean
  }
}

export interface AuthenticationOptions {
  verifier: TokenVerifier
  /** `ANON_KEY`: clients of Supabase send it as the bearer token while nobody is signed in. */
  anonKey?: string | undefined
}

/**
 * Finds out who calls. Every route under `/v1` needs a signed-in user unless it says `config: { public: true }`: a route
 * that forgets to say anything is closed. Other routes (health, documents, realtime, which authenticates
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

  const identify = async (request: FastifyRequest): Promise<void> => {
    const token = readBearerToken(request.headers.authorization)
    if (token === null || isAnonKey(token, options.anonKey)) return
    callers.set(request, await options.verifier.verify(token))
  }

  const authenticate = async (request: FastifyRequest): Promise<void> => {
    await identify(request)
    if (request.caller.role !== 'anon') return
    const gaveNothing = request.headers.authorization === undefined
    throw new Unauthenticated(gaveNothing ? 'token_missing' : 'caller_anonymous')
  }

  app.decorate('authenticate', authenticate)
  app.addHook('onRequest', async (request) => {
    const { url, config } = request.routeOptions
    if (!isUnderV1(url)) return
    await (config.public === true ? identify(request) : authenticate(request))
  })
}

/** Looks at the route's own pattern and not at the requested path, which has many spellings (`/%761/me`). */
function isUnderV1(pattern: string | undefined): boolean {
  return pattern === '/v1' || pattern?.startsWith('/v1/') === true
}
