import { z } from 'zod'
import { problems } from '../../http/problem.ts'
import { type Exchange, letsIn, type Routes, tags } from '../exchange.ts'
import { address, codeRequest, emailCode, linkToken } from '../schemas.ts'

/** Sign-in with a link or a code of a mail. */
export function mailRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, letIn, counted, from } = exchange

  app.post(
    '/auth/sign-in/magic-link',
    {
      schema: {
        operationId: 'sendSignInLink',
        summary: 'Send a link to sign in by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: address,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      signIn.limits.mail(request.body.email, from(request))
      await ask(request, '/sign-in/magic-link', { body: { email: request.body.email.toLowerCase() } })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/magic-link/verify',
    {
      schema: {
        operationId: 'signInWithLink',
        summary: 'Sign in with the link of a mail',
        description:
          'The page of the link sends it when somebody presses the button: to open the link changes nothing.',
        tags,
        security: [],
        body: linkToken,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.code(undefined, from(request)), () =>
          ask(request, '/magic-link/verify', { method: 'GET', query: { token: request.body.token } }),
        ),
      ),
  )

  app.post(
    '/auth/email-otp/send-verification-otp',
    {
      schema: {
        operationId: 'sendSignInCode',
        summary: 'Send a code to sign in by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: codeRequest,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      signIn.limits.mail(request.body.email, from(request))
      await ask(request, '/email-otp/send-verification-otp', { body: { ...request.body, type: 'sign-in' } })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/sign-in/email-otp',
    {
      schema: {
        operationId: 'signInWithCode',
        summary: 'Sign in with the code of a mail',
        description: 'After a few wrong codes another one has to be asked for.',
        tags,
        security: [],
        body: emailCode,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.code(request.body.email, from(request)), () =>
          ask(request, '/sign-in/email-otp', { body: request.body }),
        ),
      ),
  )
}
