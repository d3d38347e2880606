import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Config } from '../../config.ts'
import { Problem } from '../http/problem.ts'
import { openExchange } from './exchange.ts'
import { invitationRoutes } from './routes/invitations.ts'
import { mailRoutes } from './routes/mails.ts'
import { passkeyRoutes } from './routes/passkeys.ts'
import { passwordRoutes } from './routes/passwords.ts'
import { providerRoutes } from './routes/providers.ts'
import { secondFactorRoutes } from './routes/second-factor.ts'
import { sessionRoutes } from './routes/sessions.ts'
import type { SignIn } from './sign-in.ts'

export interface SignInRoutesOptions {
  signIn: SignIn
  config: Pick<Config, 'CORS_ORIGINS' | 'NODE_ENV'>
}

/** Whatever changes something is a POST with a body in JSON: no scanner of mails, picture or form of another site sends one. */
export const signInRoutes: FastifyPluginAsyncZod<SignInRoutesOptions> = async (app, { signIn, config }) => {
  const isTrusted = (origin: string): boolean =>
    origin === signIn.publicUrl ||
    config.CORS_ORIGINS.includes(origin) ||
    (config.NODE_ENV !== 'production' && /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d+$/.test(origin))

  app.addHook('onListen', async () => {
    const bound = app.server.address()
    if (typeof bound === 'object' && bound !== null) signIn.listensAt(bound.port)
  })
  app.addHook('onRequest', async (request, reply) => {
    // Whatever is answered here is about one person, and good once.
    reply.header('cache-control', 'no-store')
    requireOwnOrigin(request)
  })

  /** Browsers name the page that a request comes from. Who sends no `Origin` is no browser, or asks for a page. */
  function requireOwnOrigin({ headers, method }: FastifyRequest): void {
    if (method === 'GET' || method === 'HEAD') return
    const { origin } = headers
    const isForeign = origin === undefined ? headers['sec-fetch-site'] === 'cross-site' : !isTrusted(origin)
    if (isForeign) throw new Problem('forbidden', { subject: 'origin' })
  }

  const exchange = openExchange(signIn)
  passwordRoutes(app, exchange)
  sessionRoutes(app, exchange)
  mailRoutes(app, exchange)
  secondFactorRoutes(app, exchange)
  passkeyRoutes(app, exchange)
  providerRoutes(app, exchange)
  invitationRoutes(app, exchange)
}
