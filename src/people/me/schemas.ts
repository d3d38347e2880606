import { z } from 'zod'
import { instantOut, latitude, longitude, text, uuid } from '../../platform/http/fields.ts'
import { ORGANIZATION_KINDS, PROFESSIONAL_STATUSES, USER_ROLES } from '../table.ts'

export const me = z
  .strictObject({
    id: uuid.meta({ description: 'The id of the user: the subject of the token.' }),
    tenant_id: uuid,
    tenant_name: z.string(),
    role: z.enum(USER_ROLES).meta({ description: 'The role of the user; `zzp` is a freelance guard.' }),
    name: z.string(),
    email: z.string(),
    organization_id: uuid.nullable(),
    organization: z
      .strictObject({ id: uuid, name: z.string(), kind: z.enum(ORGANIZATION_KINDS) })
      .nullable()
      .meta({ description: 'The organization for which the user works; null for admins and guards.' }),
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

export type Me = z.infer<typeof me>

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
