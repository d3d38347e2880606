import { z } from 'zod'
import { instantOut, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { USER_ROLES } from '../table.ts'

const role = z.enum(USER_ROLES).meta({ description: 'What the invited will be; `zzp` is a freelance guard.' })

export const invitation = z
  .strictObject({
    id: uuid,
    organization_id: uuid.nullable(),
    role,
    email: z.string().nullable().meta({ description: 'Null: good for whoever has the code.' }),
    expires_at: instantOut,
    accepted_at: instantOut.nullable(),
    accepted_by: uuid.nullable().meta({ description: 'The user.' }),
    created_by: uuid.nullable().meta({ description: 'The user who invited.' }),
    created_at: instantOut,
  })
  .meta({ id: 'Invitation' })

export type Invitation = z.infer<typeof invitation>

export const invitationPage = pageOf(invitation)

export const invitationWithCode = z
  .strictObject({
    ...invitation.shape,
    code: z
      .string()
      .nullable()
      .meta({ description: 'Shown in this answer alone; null when the answer is repeated.' }),
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
      description: 'For the roles `company` and `client`. Colleagues come to one’s own company by default.',
    }),
    email: z
      .email()
      .min(3)
      .max(320)
      .optional()
      .meta({ description: 'Only a token with this `email` can then accept it.' }),
    expires_in_days: z.int().min(1).max(MAX_LIFETIME_DAYS).default(DEFAULT_LIFETIME_DAYS),
  })
  .refine(
    ({ role, organization_id }) =>
      role === 'company' || (role === 'client') === (organization_id !== undefined),
    { path: ['organization_id'], message: 'goes with the roles company and client, and client needs it' },
  )
  .meta({ id: 'NewInvitation' })

export type NewInvitation = z.infer<typeof newInvitation>
