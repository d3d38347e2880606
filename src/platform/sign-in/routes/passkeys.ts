import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { idParams } from '../../http/fields.ts'
import { Problem, problems } from '../../http/problem.ts'
import type { Answer } from '../answers.ts'
import { type Exchange, letsIn, type Routes, tags } from '../exchange.ts'
import { newPasskey, ownPasskeys, passkeyOptions, passkeyProof } from '../schemas.ts'

/** The bit UV of the flags (WebAuthn Level 3, section 6.1), which stand behind the 32 bytes of the hash of the relying party's id. */
const FLAGS_AT = 32
const USER_VERIFIED = 0x04

/** A passkey counts as two factors because its device asked for one. The signature, which covers it, is verified afterwards. */
function requireUserVerified(authenticatorData: string): void {
  const flags = Buffer.from(authenticatorData, 'base64url')[FLAGS_AT] ?? 0
  if ((flags & USER_VERIFIED) === 0) throw new Problem('credentials_wrong', { subject: 'user_verification' })
}

/** Passkeys (WebAuthn). */
export function passkeyRoutes(app: Routes, exchange: Exchange): void {
  const { signIn, ask, letIn, counted, from, passCookies, requireSecondFactor, ownSession } = exchange

  /** What a browser makes or finds a passkey by: the challenge is in a cookie. */
  function options(reply: FastifyReply, answer: Answer) {
    passCookies(reply, answer)
    return { ...(answer.body as { challenge: string }), userVerification: 'required' }
  }

  app.get(
    '/auth/passkey/generate-register-options',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'getPasskeyRegistration',
        summary: 'Get what a browser needs to make a passkey',
        description: 'Needs the session, which has begun today. For `navigator.credentials.create()`.',
        tags,
        security: [],
        response: { 200: passkeyOptions, ...problems('session_ended', 'second_factor_required') },
      },
    },
    async (request, reply) =>
      options(reply, await ask(request, '/passkey/generate-register-options', { method: 'GET' })),
  )

  app.post(
    '/auth/passkey/verify-registration',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'addPasskey',
        summary: 'Add a passkey',
        description: 'Needs the session, and the cookie of the options.',
        tags,
        security: [],
        body: newPasskey,
        response: {
          204: z.null(),
          ...problems(
            'credentials_wrong',
            'session_ended',
            'second_factor_required',
            'already_exists',
            'forbidden',
          ),
        },
      },
    },
    async (request, reply) => {
      await ask(request, '/passkey/verify-registration', { body: request.body })
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/auth/passkey/generate-authenticate-options',
    {
      schema: {
        operationId: 'getPasskeyChallenge',
        summary: 'Get what a browser needs to sign in with a passkey',
        description:
          'For `navigator.credentials.get()`, also with autofill. It names no passkeys, so it does not tell who has one.',
        tags,
        security: [],
        response: { 200: passkeyOptions, ...problems() },
      },
    },
    async (request, reply) =>
      options(reply, await ask(request, '/passkey/generate-authenticate-options', { method: 'GET' })),
  )

  app.post(
    '/auth/passkey/verify-authentication',
    {
      schema: {
        operationId: 'signInWithPasskey',
        summary: 'Sign in with a passkey',
        description: 'Needs the cookie of the options. It counts as two factors.',
        tags,
        security: [],
        body: passkeyProof,
        response: { ...letsIn, ...problems('credentials_wrong', 'account_suspended', 'forbidden') },
      },
    },
    async (request, reply) => {
      requireUserVerified(request.body.response.response.authenticatorData)
      return letIn(
        request,
        reply,
        await counted(signIn.limits.code(undefined, from(request)), () =>
          ask(request, '/passkey/verify-authentication', { body: request.body }),
        ),
      )
    },
  )

  app.get(
    '/auth/passkey/list-user-passkeys',
    {
      schema: {
        operationId: 'listOwnPasskeys',
        summary: 'List the own passkeys',
        description: 'Needs the session.',
        tags,
        security: [],
        response: { 200: ownPasskeys, ...problems('session_ended') },
      },
    },
    async (request) => {
      const { userId } = await ownSession(request)
      const [found] = await signIn.database.query<{ items: z.infer<typeof ownPasskeys>['items'] }>(
        `select coalesce(json_agg(json_build_object('id', p.id, 'name', p.name, 'created_at', p.created_at)
           order by p.created_at desc), '[]') as items
         from sign_in.passkeys p where p.user_id = $1::uuid`,
        [userId],
      )
      return { items: found!.items }
    },
  )

  app.post(
    '/auth/passkey/delete-passkey',
    {
      preHandler: requireSecondFactor,
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove one of the own passkeys',
        description: 'Needs the session.',
        tags,
        security: [],
        body: idParams,
        response: {
          204: z.null(),
          ...problems('session_ended', 'second_factor_required', 'not_found', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const { userId } = await ownSession(request)
      const removed = await signIn.database.query(
        'delete from sign_in.passkeys where id = $1::uuid and user_id = $2::uuid returning id',
        [request.body.id, userId],
      )
      if (removed.length === 0) throw new Problem('not_found')
      return reply.code(204).send(null)
    },
  )
}
