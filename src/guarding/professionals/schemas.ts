import { z } from 'zod'
import { PROFESSIONAL_STATUSES } from '../../people/table.ts'
import { instantOut, latitude, longitude, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'

export const professionalStatus = z.enum(PROFESSIONAL_STATUSES).meta({
  description: 'The status of the professional. Only an `active` professional can be assigned to a shift.',
})

export const professional = z
  .strictObject({
    id: uuid,
    user_id: uuid,
    name: z.string(),
    status: professionalStatus,
    latitude: latitude
      .nullable()
      .meta({ description: 'The latitude of the home. Only the guard and admins see it; null for others.' }),
    longitude: longitude
      .nullable()
      .meta({ description: 'The longitude of the home. Only the guard and admins see it; null for others.' }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Professional' })

export type Professional = z.infer<typeof professional>

export const professionalPage = pageOf(professional)

export const professionalChange = z
  .strictObject({
    status: professionalStatus,
    latitude: latitude.nullable(),
    longitude: longitude.nullable(),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .refine(
    ({ latitude, longitude }) =>
      (latitude === undefined) === (longitude === undefined) && (latitude === null) === (longitude === null),
    'latitude and longitude come together',
  )
  .meta({ id: 'ProfessionalChange' })

export type ProfessionalChange = z.infer<typeof professionalChange>
