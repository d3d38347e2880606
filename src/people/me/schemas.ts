import { z } from 'zod'
import { instantOut, latitude, longitude, text, uuid } from '../../platform/http/fields.ts'
import { kindOf, madeOnce, type Roles, roleOf } from '../roles.ts'
import { PROFESSIONAL_STATUSES } from '../table.ts'

const makeMe = (roles: Roles) => {
  const role = roleOf(roles)
  const organization = z.strictObject({ id: uuid, name: z.string(), kind: kindOf(roles) }).nullable()
  return z
    .strictObject({
      id: uuid.meta({ description: 'The id of the user: the subject of the token.' }),
      tenant_id: uuid,
      tenant_name: z.string(),
      role: role.meta({
        description: 'The role with which the user registered; `zzp` is a freelance guard.',
      }),
      name: z.string(),
      email: z.string(),
      organization_id: uuid.nullable(),
      organization: organization.meta({
        description: 'The organization for which the user works in that role; null for admins and guards.',
      }),
      memberships: z.array(z.strictObject({ role, organization })).meta({
        description:
          'Every role of the user, the one of `role` first, each with the organization for which the user has it. A user has a role at most once.',
      }),
      professional: z
        .strictObject({
          id: uuid,
          status: z.enum(PROFESSIONAL_STATUSES),
          latitude: latitude.nullable(),
          longitude: longitude.nullable(),
        })
        .nullable()
        .meta({
          description:
            'The professional record of a guard, with the position of the home; null for other roles.',
        }),
      created_at: instantOut,
    })
    .meta({ id: 'Me' })
}

export const me = madeOnce(makeMe)

export type Me = z.infer<ReturnType<typeof makeMe>>

/** Longer than any code; only the database knows the format of codes. */
const MAX_CODE_LENGTH = 200

export const registration = z
  .strictObject({
    code: text(1, MAX_CODE_LENGTH).meta({ description: 'The code of the invitation.' }),
    name: text(1, 200),
    email: z.email().max(320).optional().meta({
      description:
        'The e-mail address of the user. It is required when the token has no `email`, and ignored when it has one.',
    }),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
  })
  .refine(
    (given) => (given.latitude === undefined) === (given.longitude === undefined),
    'latitude and longitude come together',
  )
  .meta({ id: 'Registration' })

export type Registration = z.infer<typeof registration>
