import { z } from 'zod'
import { instantOut, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { USER_ROLES } from '../table.ts'

const role = z
  .enum(USER_ROLES)
  .meta({ description: 'The role of the invited user; `zzp` is a freelance guard.' })

export const invitation = z
  .strictObject({
    id: uuid,
    organization_id: uuid.nullable(),
    role,
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
  .meta({ id: 'Invitation' })

export type Invitation = z.infer<typeof invitation>

export const invitationPage = pageOf(invitation)

export const invitationWithCode = z
  .strictObject({
    ...invitation.shape,
    code: z.string().nullable().meta({
      description: 'The code of the invitation. It is returned only once: a repeated response has null.',
    }),
  })
  .meta({ id: 'InvitationWithCode' })

export type InvitationWithCode = z.infer<typeof invitationWithCode>

/** Two weeks: people are on holiday. The database allows 90 days. */
const DEFAULT_LIFETIME_DAYS = 14
const MAX_LIFETIME_DAYS = 90

export const newInvitation = z
  .strictObject({
    role,
    organization_id: uuid.optional().meta({
      description:
        'The organization of the invited user, for the roles `company` and `client`. A company that invites a colleague may omit it: its own organization is the default.',
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
      role === 'company' || (role === 'client') === (organization_id !== undefined),
    { path: ['organization_id'], message: 'goes with the roles company and client, and client needs it' },
  )
  .meta({ id: 'NewInvitation' })

export type NewInvitation = z.infer<typeof newInvitation>
