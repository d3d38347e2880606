import { z } from 'zod'
import { Problem, problems } from '../../http/problem.ts'
import { type Exchange, type Routes, tags } from '../exchange.ts'
import { PROVIDERS, providerSignIn, redirection } from '../schemas.ts'

/** Sign-in with an OpenID provider. */
export function providerRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, answerOf, passCookies } = exchange

  app.post(
    '/auth/sign-in/social',
    {
      schema: {
        operationId: 'signInWithProvider',
        summary: 'Sign in with an OpenID provider',
        description:
          'Answers with the address at the provider to which the browser goes. Whoever comes back is let in if the provider has verified the address of an account here.',
        tags,
        security: [],
        body: providerSignIn,
        response: { 200: redirection, ...problems('not_found', 'forbidden') },
      },
    },
    async (request, reply) => {
      const answer = await ask(request, '/sign-in/social', {
        body: { ...request.body, disableRedirect: true },
      })
      passCookies(reply, answer)
      return { url: String(answer.body.url) }
    },
  )

  app.get(
    '/auth/callback/:provider',
    { schema: { hide: true, params: z.strictObject({ provider: z.enum(PROVIDERS) }) } },
    async (request, reply) => {
      const query = Object.fromEntries(new URL(request.url, signIn.publicUrl).searchParams)
      const answer = await answerOf(request, `/callback/${request.params.provider}`, { method: 'GET', query })
      const target = new URL(answer.headers.get('location') ?? '/live', signIn.publicUrl)
      // Nowhere else, whatever the library makes of it.
      if (target.origin !== signIn.publicUrl) throw new Problem('forbidden', { subject: 'callbackURL' })
      for (const cookie of answer.headers.getSetCookie()) reply.header('set-cookie', cookie)
      return reply.redirect(target.href, 303)
    },
  )
}
