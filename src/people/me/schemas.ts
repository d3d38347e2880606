import { z } from 'zod'
import { instantOut, latitude, longitude, text, uuid } from '../../platform/http/fields.ts'
import { ORGANIZATION_KINDS, PROFESSIONAL_STATUSES, USER_ROLES } from '../table.ts'

export const me = z
  .strictObject({
    id: uuid.meta({ description: 'The subject of the token.' }),
    tenant_id: uuid,
    tenant_name: z.string(),
    role: z.enum(USER_ROLES).meta({ description: '`zzp` is a freelance guard.' }),
    name: z.string(),
    email: z.string(),
    organization_id: uuid.nullable(),
    organization: z
      .strictObject({ id: uuid, name: z.string(), kind: z.enum(ORGANIZATION_KINDS) })
      .nullable()
      .meta({ description: 'Where the user works; null for admins and guards.' }),
    professional: z
      .strictObject({
        id: uuid,
        status: z.enum(PROFESSIONAL_STATUSES),
        latitude: latitude.nullable(),
        longitude: longitude.nullable(),
      })
      .nullable()
      .meta({ description: 'The guard; null for others. The position is that of the home.' }),
    created_at: instantOut,
  })
  .meta({ id: 'Me' })

export type Me = z.infer<typeof me>

/** Longer than any code; what it is, only the database knows. */
const MAX_CODE_LENGTH = 200

export const registration = z
  .strictObject({
    code: text(1, MAX_CODE_LENGTH).meta({ description: 'Of the invitation.' }),
    name: text(1, 200),
    email: z
      .email()
      .max(320)
      .optional()
      .meta({ description: 'Needed when the token has no `email`; otherwise that of the token counts.' }),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
  })
  .refine(
    (given) => (given.latitude === undefined) === (given.longitude === undefined),
    'latitude and longitude come together',
  )
  .meta({ id: 'Registration' })

export type Registration = z.infer<typeof registration>
