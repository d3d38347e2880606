import { z } from 'zod'
import { instantOut, latitude, longitude, text, uuid } from '../http/fields.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.ts'

const email = z.email().min(3).max(320)
/** Of one that is compared: what is too short for a new one is simply wrong. */
const givenPassword = z.string().min(1).max(MAX_PASSWORD_LENGTH)
const newPassword = z
  .string()
  .min(MIN_PASSWORD_LENGTH)
  .max(MAX_PASSWORD_LENGTH)
  .meta({ description: `At least ${MIN_PASSWORD_LENGTH} characters, of any kind.` })
/** Longer than any code or token. */
const secret = (description: string) => z.string().min(1).max(400).meta({ description })

export const grant = z
  .strictObject({
    access_token: z.string().meta({
      description: 'The bearer token (a JSON Web Token, signed with ES256) for `/v1` and `/realtime/v1`.',
    }),
    token_type: z.literal('bearer'),
    expires_in: z.int().meta({ description: 'Seconds until the bearer token expires.' }),
    expires_at: z.int().meta({ description: 'When it expires, in Unix seconds.' }),
    refresh_token: z.string().optional().meta({
      description:
        'For `POST /auth/token`, which replaces it. Pages of the service itself have it in a cookie that no script reads instead.',
    }),
    user: z.strictObject({ id: uuid, email: z.string() }),
  })
  .meta({ id: 'Grant' })

export const challenge = z
  .strictObject({
    second_factor: z.enum(['totp', 'setup']).meta({
      description:
        'What is wanted before there is a token. `totp`: a code of the authenticator app, by `POST /auth/two-factor/verify-totp` with the cookies of this response or with `refresh_token` as the bearer token. `setup`: an authenticator app, by `POST /auth/two-factor/enable`, because the role of the user needs one.',
    }),
    refresh_token: z.string().optional(),
  })
  .meta({ id: 'SecondFactorWanted' })

export const signInEmail = z.strictObject({ email, password: givenPassword }).meta({ id: 'PasswordSignIn' })
export const address = z.strictObject({ email }).meta({ id: 'EmailAddress' })
export const refreshRequest = z
  .strictObject({ refresh_token: z.string().min(1).max(400).optional() })
  .nullish()
  .meta({ id: 'RefreshRequest' })
export const linkToken = z
  .strictObject({ token: secret('What stands behind the `#` of the link.') })
  .meta({ id: 'LinkToken' })
export const emailCode = z
  .strictObject({ email, otp: secret('The code of the mail.') })
  .meta({ id: 'EmailCode' })
export const codeRequest = z
  .strictObject({ email, type: z.literal('sign-in').default('sign-in') })
  .meta({ id: 'CodeRequest' })
export const passwordReset = z
  .strictObject({ token: secret('What stands behind the `#` of the link.'), newPassword })
  .meta({ id: 'PasswordReset' })
export const passwordChange = z
  .strictObject({ currentPassword: givenPassword, newPassword })
  .meta({ id: 'PasswordChange' })
export const ownPassword = z.strictObject({ password: givenPassword }).meta({ id: 'OwnPassword' })
export const totpCode = z
  .strictObject({ code: secret('The code that the authenticator app shows, or one of the backup codes.') })
  .meta({ id: 'TotpCode' })
export const totpSetup = z
  .strictObject({
    totpURI: z.string().meta({ description: 'For the authenticator app, as a QR code or a link.' }),
    backupCodes: z
      .array(z.string())
      .meta({ description: 'Each lets its owner in once. They are shown only now.' }),
  })
  .meta({ id: 'TotpSetup' })

/** As browsers' WebAuthn has it, in JSON (WebAuthn Level 3, section 5.1): passed on to the library that judges it. */
const webAuthn = z.looseObject({
  id: z.string().min(1).max(2_000),
  response: z.looseObject({ clientDataJSON: z.string().max(10_000) }),
})
export const passkeyOptions = z.looseObject({ challenge: z.string() }).meta({ id: 'PasskeyOptions' })
export const newPasskey = z
  .strictObject({ response: webAuthn, name: text(1, 100).optional() })
  .meta({ id: 'NewPasskey' })
export const passkeyProof = z
  .strictObject({
    response: webAuthn.extend({
      response: z.looseObject({
        clientDataJSON: z.string().max(10_000),
        authenticatorData: z.string().max(10_000),
      }),
    }),
  })
  .meta({ id: 'PasskeyProof' })
export const ownPasskeys = z
  .strictObject({
    items: z.array(
      z
        .strictObject({ id: uuid, name: z.string().nullable(), created_at: instantOut })
        .meta({ id: 'Passkey' }),
    ),
  })
  .meta({ id: 'Passkeys' })

export const PROVIDERS = ['google', 'microsoft', 'oidc'] as const
export const providerSignIn = z
  .strictObject({
    provider: z.enum(PROVIDERS),
    callbackURL: z
      .string()
      .max(500)
      .regex(/^\/(?![/\\])[\w\-./?=&%]*$/)
      .default('/live')
      .meta({ description: 'Where the browser goes afterwards: a path of this service.' }),
  })
  .meta({ id: 'ProviderSignIn' })
export const redirection = z.strictObject({ url: z.string() }).meta({ id: 'Redirection' })

export const invitationCode = z
  .strictObject({ code: text(1, 200).meta({ description: 'The code of the invitation.' }) })
  .meta({ id: 'InvitationCode' })
export const invitedTo = z
  .strictObject({
    email: z
      .string()
      .nullable()
      .meta({ description: 'The address that was invited; null where the invited person says it.' }),
    role: z.string(),
    tenant_name: z.string(),
    organization_name: z.string().nullable(),
    expires_at: instantOut,
    accepted: z.boolean(),
  })
  .meta({ id: 'InvitedTo' })
export const acceptance = z
  .strictObject({
    code: text(1, 200).meta({ description: 'The code of the invitation.' }),
    name: text(1, 200),
    password: newPassword,
    email: email.optional().meta({
      description: 'Needed where the invitation names no address, and ignored where it does.',
    }),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
  })
  .refine(
    (given) => (given.latitude === undefined) === (given.longitude === undefined),
    'latitude and longitude come together',
  )
  .meta({ id: 'Acceptance' })

export const ownSessions = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          id: uuid,
          method: z.string().meta({
            description:
              'By which way in it began: `password`, `link`, `code`, `passkey`, `totp`, `provider` or `invitation`.',
          }),
          ip_address: z.string().nullable(),
          user_agent: z.string().nullable(),
          created_at: instantOut,
          used_at: instantOut.meta({ description: 'When it was refreshed last.' }),
          expires_at: instantOut,
          current: z.boolean().meta({ description: 'Whether it is the one of this request.' }),
        })
        .meta({ id: 'OwnSession' }),
    ),
  })
  .meta({ id: 'OwnSessions' })

export const keySet = z
  .strictObject({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) })
  .meta({ id: 'KeySet' })
