import { z } from 'zod'
import { instantOut, latitude, longitude, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'

const radius = z
  .int()
  .min(50)
  .max(1000)
  .meta({ description: 'The distance from the point, in meters, within which a check-in counts as on site.' })
const timeZone = text(1, 64).meta({
  description: 'The IANA name of the time zone.',
  examples: ['Europe/Amsterdam'],
})

export const location = z
  .strictObject({
    id: uuid,
    organization_id: uuid,
    name: z.string(),
    address: z.string(),
    latitude,
    longitude,
    radius_meters: radius,
    time_zone: timeZone,
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Location' })

export type Location = z.infer<typeof location>

export const locationPage = pageOf(location)

export const newLocation = z
  .strictObject({
    organization_id: uuid.meta({
      description: 'The organization that owns the location: the company itself, or one of its clients.',
    }),
    name: text(1, 200).meta({ examples: ['Central Station'] }),
    address: text(1, 500).meta({ examples: ['Stationsplein 1, Amsterdam'] }),
    latitude,
    longitude,
    radius_meters: radius.default(100),
    time_zone: timeZone.default('Europe/Amsterdam'),
  })
  .meta({ id: 'NewLocation' })

export const locationChange = z
  .strictObject({
    name: text(1, 200),
    address: text(1, 500),
    latitude,
    longitude,
    radius_meters: radius,
    time_zone: timeZone,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .refine(
    (change) => (change.latitude === undefined) === (change.longitude === undefined),
    'latitude and longitude come together',
  )
  .meta({ id: 'LocationChange' })

export type NewLocation = z.infer<typeof newLocation>
export type LocationChange = z.infer<typeof locationChange>
