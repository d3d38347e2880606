import { z } from 'zod'
import {
  instant,
  instantOut,
  latitude,
  longitude,
  pageQuery,
  text,
  uuid,
} from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { INCIDENT_CATEGORIES, INCIDENT_SEVERITIES, INCIDENT_STATUSES } from './table.ts'

const category = z.enum(INCIDENT_CATEGORIES)
const severity = z.enum(INCIDENT_SEVERITIES)
const status = z.enum(INCIDENT_STATUSES)

export const incident = z
  .strictObject({
    id: uuid,
    shift_id: uuid,
    company_id: uuid,
    client_id: uuid,
    reported_by: uuid.meta({ description: 'The user who reported it.' }),
    category,
    severity,
    description: z.string(),
    latitude: latitude.nullable(),
    longitude: longitude.nullable(),
    occurred_at: instantOut,
    status,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Incident' })

export type Incident = z.infer<typeof incident>

export const incidentPage = pageOf(incident)

export const newIncident = z
  .strictObject({
    shift_id: uuid,
    category,
    severity,
    description: text(1, 10_000).meta({ examples: ['A window beside the east entrance is broken.'] }),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
    occurred_at: instant,
  })
  .refine(
    (given) => (given.latitude === undefined) === (given.longitude === undefined),
    'latitude and longitude come together',
  )
  .meta({ id: 'NewIncident' })

export type NewIncident = z.infer<typeof newIncident>

export const incidentChange = z.strictObject({ status }).meta({ id: 'IncidentChange' })

export const incidentQuery = z.strictObject({
  shift_id: uuid.optional(),
  status: status.optional(),
  severity: severity.optional(),
  ...pageQuery,
})

export type IncidentFilter = Omit<z.infer<typeof incidentQuery>, keyof typeof pageQuery>
