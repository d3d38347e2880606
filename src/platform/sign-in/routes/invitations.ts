import type { z } from 'zod'
import type { Code } from '../../http/codes.ts'
import { Problem, problems } from '../../http/problem.ts'
import { type Exchange, letsIn, type Routes, tags } from '../exchange.ts'
import { signInsSeen } from '../outcomes.ts'
import { acceptance, invitationCode, invitedTo } from '../schemas.ts'

/** An account by invitation. */
export function invitationRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, letIn, grantOrChallenge, counted, from } = exchange

  app.post(
    '/auth/invitation',
    {
      schema: {
        operationId: 'getInvitation',
        summary: 'Read what an invitation is to',
        description: 'For the page that accepts it. It changes nothing.',
        tags,
        security: [],
        body: invitationCode,
        response: { 200: invitedTo, ...problems('invitation_invalid' as Code, 'forbidden') },
      },
    },
    async (request) => {
      const attempt = signIn.limits.invitation(from(request))
      const [found] = await signIn.database.query<{ invitation: Record<string, unknown> | null }>(
        'select muster.invitation_of($1) as invitation',
        [request.body.code],
      )
      if (found?.invitation) attempt.succeeded()
      if (!found?.invitation) throw new Problem('invitation_invalid' as Code, { subject: 'code' })
      const { accepted_by, ...rest } = found.invitation
      return { ...rest, accepted: accepted_by !== null } as z.infer<typeof invitedTo>
    },
  )

  app.post(
    '/auth/accept-invitation',
    {
      schema: {
        operationId: 'acceptInvitationWithPassword',
        summary: 'Accept an invitation',
        description:
          'Makes the account and the user, with what goes with their role, in one step, and signs in. To send it again after the answer was lost does the same with the same password. Whoever has an account already signs in, and accepts with `POST /v1/me`.',
        tags,
        security: [],
        body: acceptance,
        response: {
          ...letsIn,
          ...problems(
            'invitation_invalid' as Code,
            'credentials_wrong',
            'account_known',
            'account_suspended',
            'forbidden',
          ),
        },
      },
    },
    async (request, reply) => {
      const given = request.body
      const attempt = signIn.limits.invitation(from(request))
      const passwordHash = await signIn.passwords.hash(given.password)
      const [found] = await signIn.database.query<{
        done: { outcome: string; email: string; user_id?: string; code?: Code; subject?: string }
      }>('select muster.register_invited($1, $2, $3, $4, $5::float8, $6::float8) as done', [
        given.code,
        given.name,
        given.email ?? null,
        passwordHash,
        given.latitude ?? null,
        given.longitude ?? null,
      ])
      const { outcome, email, user_id, code, subject } = found!.done
      // An invitation without an address must not tell which addresses have an account, one after the other.
      if (outcome === 'accepted' || outcome === 'registered') attempt.succeeded()
      if (outcome === 'refused' && code === 'validation_failed')
        throw new Problem(code, {
          errors: [{ pointer: `/body/${subject}`, message: 'is needed: the invitation has none' }],
        })
      if (outcome === 'refused') throw new Problem(code!, { subject })
      if (outcome === 'known') throw new Problem('account_known', { subject: 'email' })
      if (outcome === 'accepted') {
        const body = { email, password: given.password }
        const work = () => ask(request, '/sign-in/email', { body })
        return letIn(request, reply, await counted(signIn.limits.password(email, from(request)), work))
      }
      signInsSeen.add('registered')
      return grantOrChallenge(request, reply, () =>
        signIn.beginSession(user_id!, 'invitation', {
          address: request.ip,
          userAgent: request.headers['user-agent'],
        }),
      )
    },
  )
}
