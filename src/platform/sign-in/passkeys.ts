import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams, instantOut, text, uuid } from '../http/fields.ts'
import { Problem, problems } from '../http/problem.ts'
import { signInsSeen } from './outcomes.ts'
import { grant, challenge as secondFactor } from './schemas.ts'
import type { Grant, SignIn } from './sign-in.ts'

/*
 * Passkeys (WebAuthn, level 3) by @simplewebauthn/server, which is loaded with the first one. A passkey is two factors, the device and
 * what unlocks it, so the user is always verified (a fingerprint, a face, the PIN), and no code is asked for beside it.
 */

/** A person who looks for the phone. Longer than the browser's own dialogue stays, which is 5 minutes at most. */
const CHALLENGE_SECONDS = 10 * 60
/** Who adds a way in has shown lately that they are the owner: a stolen session of last month does not become a passkey. */
const FRESH_SECONDS = 24 * 60 * 60
/** A person has some devices; each may be listed, and is sent to the browser with each further one. */
const MOST_PASSKEYS = 20

/** Checked by the library, member by member; here only that it is no novel. */
const credential = z
  .looseObject({
    id: z.string().min(1).max(1_400),
    rawId: z.string().max(1_400),
    type: z.literal('public-key'),
    response: z.looseObject({ clientDataJSON: z.string().max(8_000) }),
  })
  .meta({ description: 'What the browser made of the options: `PublicKeyCredential.toJSON()`.' })
const options = z.looseObject({ challenge: z.string() }).meta({
  id: 'PasskeyOptions',
  description: 'For the browser: `PublicKeyCredential.parse…OptionsFromJSON()`.',
})
const passkeys = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          id: uuid,
          name: z.string().nullable().meta({ description: 'By which its owner tells it from others.' }),
          synced: z.boolean().meta({ description: 'Whether it is on the other devices of its owner, too.' }),
          created_at: instantOut,
        })
        .meta({ id: 'OwnPasskey' }),
    ),
  })
  .meta({ id: 'OwnPasskeys' })
const registration = z
  .strictObject({ response: credential, name: text(1, 100) })
  .meta({ id: 'PasskeyRegistration' })
const authentication = z.strictObject({ response: credential }).meta({ id: 'PasskeySignIn' })

type PasskeyRow = {
  id: string
  user_id: string
  credential_id: string
  public_key: string
  counter: number
  transports: string | null
}

export interface PasskeyRoutesOptions {
  signIn: SignIn
  /** Answers with the tokens of a session, or with what is wanted before. */
  letIn(request: FastifyRequest, reply: FastifyReply, grant: () => Promise<Grant>): Promise<FastifyReply>
}

/**
 * Challenges that need not be kept: a time, a random part, and a signature over both and the purpose. Pages ask for one with each visit,
 * and strangers as often as they like.
 */
export function openChallenges(secret: string, now: () => number) {
  const BYTES = 22
  const sign = (body: Buffer, purpose: string): Buffer =>
    createHmac('sha256', secret).update(purpose).update('\0').update(body).digest()
  return {
    make(purpose: string): Uint8Array<ArrayBuffer> {
      const body = Buffer.alloc(BYTES)
      body.writeUIntBE(Math.floor(now() / 1000) + CHALLENGE_SECONDS, 0, 6)
      randomBytes(BYTES - 6).copy(body, 6)
      return Uint8Array.from(Buffer.concat([body, sign(body, purpose)]))
    },
    /** @returns whether it is one of ours for the purpose, and not too old */
    isGood(challenge: string, purpose: string): boolean {
      const given = Buffer.from(challenge, 'base64url')
      const [body, signature] = [given.subarray(0, BYTES), given.subarray(BYTES)]
      const expected = sign(body, purpose)
      return (
        signature.length === expected.length &&
        timingSafeEqual(signature, expected) &&
        body.readUIntBE(0, 6) >= now() / 1000
      )
    },
  }
}

const toSignIn = 'sign in'
const toAdd = (userId: string): string => `add to ${userId}`

/** A UUID of the challenge: as a key of the table it can be used once, whoever comes at the same moment. */
function idOf(challenge: string): string {
  const hex = createHash('sha256').update(challenge).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export const passkeyRoutes: FastifyPluginAsyncZod<PasskeyRoutesOptions> = async (app, { signIn, letIn }) => {
  const tags = ['sign-in']
  const { database } = signIn
  const challenges = openChallenges(signIn.secretFor('passkeys'), Date.now)
  const rpID = (): string => new URL(signIn.publicUrl).hostname
  const library = () => import('@simplewebauthn/server')
  const wrong = (): Problem => {
    signInsSeen.add('refused')
    return new Problem('credentials_wrong', { subject: 'passkey' })
  }

  /**
   * Who may add a passkey: a session that has given the second factor that its user has. One that lacks it, or an old one, could
   * otherwise make itself a way in.
   */
  async function freshUser(request: FastifyRequest): Promise<{ id: string; email: string; name: string }> {
    const token = signIn.readSession(request.headers)
    const [found] =
      token === undefined
        ? []
        : await database.query<{ id: string; email: string; name: string }>(
            `select u.id, u.email, u.name
             from sign_in.sessions s join sign_in.users u on u.id = s.user_id
             where s.token = $1 and s.expires_at > now() and muster.may_sign_in(u.id)
               and s.created_at > now() - make_interval(secs => $2::float8)
               and (not u.two_factor_enabled or s.method in ('totp', 'passkey', 'provider'))`,
            [token, FRESH_SECONDS],
          )
    if (!found) throw new Problem('session_ended')
    return found
  }

  /** @throws Problem when it was used before */
  async function useUp(challenge: string): Promise<void> {
    const used = await database.query(
      `insert into sign_in.verifications (id, identifier, value, expires_at)
       values ($1::uuid, 'passkey challenge', '', now() + make_interval(secs => $2::float8))
       on conflict do nothing
       returning id`,
      [idOf(challenge), CHALLENGE_SECONDS],
    )
    if (used.length === 0) throw wrong()
  }

  const passkeysOf = (userId: string) =>
    database.query<PasskeyRow>(
      'select id, user_id, credential_id, public_key, counter, transports from sign_in.passkeys where user_id = $1::uuid',
      [userId],
    )

  const transportsOf = ({ transports }: PasskeyRow): AuthenticatorTransport[] =>
    (transports?.split(',').filter(Boolean) ?? []) as AuthenticatorTransport[]

  app.post(
    '/auth/passkey/register-options',
    {
      schema: {
        operationId: 'getPasskeyRegistrationOptions',
        summary: 'Begin to add a passkey',
        description: 'Needs a session of the last 24 hours.',
        tags,
        security: [],
        response: { 200: options, ...problems('session_ended', 'already_exists', 'forbidden') },
      },
    },
    async (request) => {
      const user = await freshUser(request)
      const known = await passkeysOf(user.id)
      if (known.length >= MOST_PASSKEYS) throw new Problem('already_exists', { subject: 'passkey' })
      const { generateRegistrationOptions } = await library()
      const made = await generateRegistrationOptions({
        rpName: 'Muster',
        rpID: rpID(),
        userID: Uint8Array.from(Buffer.from(user.id.replaceAll('-', ''), 'hex')),
        userName: user.email,
        userDisplayName: user.name,
        challenge: challenges.make(toAdd(user.id)),
        attestationType: 'none',
        excludeCredentials: known.map((row) => ({ id: row.credential_id, transports: transportsOf(row) })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      return made as unknown as z.infer<typeof options>
    },
  )

  app.post(
    '/auth/passkey/register',
    {
      schema: {
        operationId: 'addPasskey',
        summary: 'Add a passkey',
        description: 'Needs the session that asked for the options.',
        tags,
        security: [],
        body: registration,
        response: { 204: z.null(), ...problems('session_ended', 'credentials_wrong', 'forbidden') },
      },
    },
    async (request, reply) => {
      const user = await freshUser(request)
      let challenge = ''
      const { verifyRegistrationResponse } = await library()
      const { registrationInfo: made } = await verifyRegistrationResponse({
        response: request.body.response as unknown as RegistrationResponseJSON,
        expectedChallenge: (given) => {
          challenge = given
          return challenges.isGood(given, toAdd(user.id))
        },
        expectedOrigin: signIn.publicUrl,
        expectedRPID: rpID(),
        requireUserVerification: true,
      }).catch(() => {
        throw wrong()
      })
      if (!made) throw wrong()
      await useUp(challenge)
      const added = await database.query(
        `insert into sign_in.passkeys
           (user_id, name, public_key, credential_id, counter, device_type, backed_up, transports, aaguid)
         values ($1::uuid, $2, $3, $4, $5::int, $6, $7::boolean, $8, $9)
         on conflict do nothing
         returning id`,
        [
          user.id,
          request.body.name,
          Buffer.from(made.credential.publicKey).toString('base64url'),
          made.credential.id,
          made.credential.counter,
          made.credentialDeviceType,
          made.credentialBackedUp,
          made.credential.transports?.join(',') ?? '',
          made.aaguid,
        ],
      )
      if (added.length === 0) throw wrong()
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/auth/passkey/sign-in-options',
    {
      schema: {
        operationId: 'getPasskeySignInOptions',
        summary: 'Begin to sign in with a passkey',
        description: 'The same for everybody: the browser knows whose passkeys it has.',
        tags,
        security: [],
        response: { 200: options, ...problems('forbidden') },
      },
    },
    async () => {
      const { generateAuthenticationOptions } = await library()
      const made = await generateAuthenticationOptions({
        rpID: rpID(),
        challenge: challenges.make(toSignIn),
        userVerification: 'required',
      })
      return made as unknown as z.infer<typeof options>
    },
  )

  app.post(
    '/auth/passkey/sign-in',
    {
      schema: {
        operationId: 'signInWithPasskey',
        summary: 'Sign in with a passkey',
        tags,
        security: [],
        body: authentication,
        response: {
          200: z.union([grant, secondFactor]),
          ...problems('credentials_wrong', 'account_suspended', 'forbidden'),
        },
      },
    },
    async (request, reply) => {
      const given = request.body.response
      const [known] = await database.query<PasskeyRow>(
        'select id, user_id, credential_id, public_key, counter, transports from sign_in.passkeys where credential_id = $1',
        [given.id],
      )
      if (!known) throw wrong()
      let challenge = ''
      const { verifyAuthenticationResponse } = await library()
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: given as unknown as AuthenticationResponseJSON,
        expectedChallenge: (made) => {
          challenge = made
          return challenges.isGood(made, toSignIn)
        },
        expectedOrigin: signIn.publicUrl,
        expectedRPID: rpID(),
        credential: {
          id: known.credential_id,
          publicKey: Uint8Array.from(Buffer.from(known.public_key, 'base64url')),
          // A counter that does not grow is a copy of the authenticator: the library refuses it.
          counter: known.counter,
          transports: transportsOf(known),
        },
        requireUserVerification: true,
      }).catch(() => {
        throw wrong()
      })
      if (!verified) throw wrong()
      await useUp(challenge)
      await database.query('update sign_in.passkeys set counter = $2::int where id = $1::uuid', [
        known.id,
        authenticationInfo.newCounter,
      ])
      return letIn(request, reply, () =>
        signIn.beginSession(known.user_id, 'passkey', {
          address: request.ip,
          userAgent: request.headers['user-agent'],
        }),
      )
    },
  )

  app.get(
    '/auth/passkeys',
    {
      schema: {
        operationId: 'listOwnPasskeys',
        summary: 'List the own passkeys',
        description: 'Needs the session: the cookie, or `refresh_token` as the bearer token. Newest first.',
        tags,
        security: [],
        response: { 200: passkeys, ...problems('session_ended') },
      },
    },
    async (request) => {
      const token = signIn.readSession(request.headers)
      const [found] =
        token === undefined
          ? []
          : await database.query<{ items: z.infer<typeof passkeys>['items'] }>(
              `select coalesce((
                 select json_agg(json_build_object(
                   'id', p.id, 'name', p.name, 'synced', p.backed_up, 'created_at', p.created_at
                 ) order by p.created_at desc)
                 from sign_in.passkeys p where p.user_id = s.user_id
               ), '[]') as items
               from sign_in.sessions s
               where s.token = $1 and s.expires_at > now() and muster.may_sign_in(s.user_id)`,
              [token],
            )
      if (!found) throw new Problem('session_ended')
      return { items: found.items }
    },
  )

  app.delete(
    '/auth/passkeys/:id',
    {
      schema: {
        operationId: 'removeOwnPasskey',
        summary: 'Remove one of the own passkeys',
        description: 'Needs a session of the last 24 hours.',
        tags,
        security: [],
        params: idParams,
        response: { 204: z.null(), ...problems('session_ended', 'not_found', 'forbidden') },
      },
    },
    async (request, reply) => {
      const { id } = await freshUser(request)
      const removed = await database.query(
        'delete from sign_in.passkeys where id = $1::uuid and user_id = $2::uuid returning id',
        [request.params.id, id],
      )
      if (removed.length === 0) throw new Problem('not_found')
      return reply.code(204).send(null)
    },
  )
}
