import { z } from 'zod'
import { instantOut, uuid } from '../../platform/http/fields.ts'
import { madeOnce, type Roles, roleOf } from '../roles.ts'

const ROLE = { description: 'The role of the invited user; `zzp` is a freelance guard.' }

const shapeOf = (roles: Roles) => ({
  id: uuid,
  organization_id: uuid.nullable(),
  role: roleOf(roles).meta(ROLE),
  email: z.string().nullable().meta({
    description:
      'The only e-mail address that can accept the invitation; null when anyone with the code can accept it.',
  }),
  expires_at: instantOut,
  accepted_at: instantOut.nullable(),
  accepted_by: uuid.nullable().meta({ description: 'The id of the user who accepted the invitation.' }),
  created_by: uuid.nullable().meta({ description: 'The id of the user who created the invitation.' }),
  created_at: instantOut,
})

const makeInvitation = (roles: Roles) => z.strictObject(shapeOf(roles)).meta({ id: 'Invitation' })

export const invitation = madeOnce(makeInvitation)

export type Invitation = z.infer<ReturnType<typeof makeInvitation>>

const makeInvitationWithCode = (roles: Roles) =>
  z
    .strictObject({
      ...shapeOf(roles),
      code: z.string().nullable().meta({
        description: 'The code of the invitation. It is returned only once: a repeated response has null.',
      }),
    })
    .meta({ id: 'InvitationWithCode' })

export const invitationWithCode = madeOnce(makeInvitationWithCode)

export type InvitationWithCode = z.infer<ReturnType<typeof makeInvitationWithCode>>

/** Two weeks: people are on holiday. The database allows 90 days. */
const DEFAULT_LIFETIME_DAYS = 14
const MAX_LIFETIME_DAYS = 90

const makeNewInvitation = (roles: Roles) =>
  z
    .strictObject({
      role: roleOf(roles).meta(ROLE),
      organization_id: uuid.optional().meta({
        description:
          'The organization of the invited user, for roles that belong to one, such as `company` and `client`. Whoever invites a colleague may omit it: their own organization is the default.',
      }),
      email: z
        .email()
        .min(3)
        .max(320)
        .optional()
        .meta({ description: 'If set, only a token with this `email` can accept the invitation.' }),
      expires_in_days: z.int().min(1).max(MAX_LIFETIME_DAYS).default(DEFAULT_LIFETIME_DAYS),
    })
    .refine(
      ({ role, organization_id }) =>
        role === 'company' || (roles[role] !== null) === (organization_id !== undefined),
      {
        path: ['organization_id'],
        message: 'goes with roles that belong to an organization, and those need it',
      },
    )
    .meta({ id: 'NewInvitation' })

export const newInvitation = madeOnce(makeNewInvitation)

export type NewInvitation = z.infer<ReturnType<typeof makeNewInvitation>>
