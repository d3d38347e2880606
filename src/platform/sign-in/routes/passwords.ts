import { z } from 'zod'
import { problems } from '../../http/problem.ts'
import { type Exchange, letsIn, type Routes, tags } from '../exchange.ts'
import { address, passwordChange, passwordReset, signInEmail } from '../schemas.ts'

/** Sign-in with a password, and another password. */
export function passwordRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, languageOf, letIn, counted, from, requireSecondFactor, ownPasswordAttempt } = exchange

  app.post(
    '/auth/sign-in/email',
    {
      schema: {
        operationId: 'signInWithPassword',
        summary: 'Sign in with e-mail and password',
        description:
          'Answers with a bearer token and with what replaces it, or says that a code of the authenticator app is wanted. The answer is the same for an unknown address and a wrong password.',
        tags,
        security: [],
        body: signInEmail,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) =>
      letIn(
        request,
        reply,
        await counted(signIn.limits.password(request.body.email, from(request)), () =>
          ask(request, '/sign-in/email', { body: request.body }),
        ),
      ),
  )

  app.post(
    '/auth/request-password-reset',
    {
      schema: {
        operationId: 'requestPasswordReset',
        summary: 'Send a link to choose another password by mail',
        description: 'The answer is the same, and as quick, for an address that nobody here has.',
        tags,
        security: [],
        body: address,
        response: { 202: z.null(), ...problems('forbidden') },
      },
    },
    async (request, reply) => {
      const { email } = request.body
      signIn.limits.mail(email, from(request))
      // better-auth makes and stores a token only for an address that somebody has, and that takes time.
      signIn.mails.beside('reset_password', async () => {
        const { hasQueued } = await ask(request, '/request-password-reset', { body: request.body })
        if (!hasQueued)
          signIn.mails.add({ to: email, kind: 'reset_password', language: languageOf(request), data: {} })
      })
      return reply.code(202).send(null)
    },
  )

  app.post(
    '/auth/reset-password',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Choose another password with the link of a mail',
        description: 'Ends all sessions of the user.',
        tags,
        security: [],
        body: passwordReset,
        response: { 204: z.null(), ...problems('credentials_wrong', 'forbidden') },
      },
    },
    async (request, reply) => {
      await counted(signIn.limits.code(undefined, from(request)), () =>
        ask(request, '/reset-password', { body: request.body }),
      )
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/change-password',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'changePassword',
        summary: 'Change the own password',
        description: 'Needs the session, and ends the other sessions of the user.',
        tags,
        security: [],
        body: passwordChange,
        response: {
          ...letsIn,
          ...problems('credentials_wrong', 'session_ended', 'second_factor_required', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const body = { ...request.body, revokeOtherSessions: true }
      const work = () => ask(request, '/change-password', { body })
      const answer = await counted(ownPasswordAttempt(request), work)
      const { email } = answer.body.user as { email: string }
      signIn.mails.add({ ...signIn.passwordChanged(email), language: languageOf(request) })
      return letIn(request, reply, answer)
    },
  )
}
