import { z } from 'zod'
import { instantOut, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { day } from '../fields.ts'
import { DOCUMENT_KINDS } from './table.ts'

export const documentKind = z.enum(DOCUMENT_KINDS).meta({
  description: 'A driver has one document of a kind. Every load needs `license` and `medical_card`.',
})
const number = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ./-]{0,39}$/)
  .meta({ description: 'The number on the document.', examples: ['W40512877'] })
const expiryDate = day.meta({
  description: 'The last day on which the document is valid.',
  examples: ['2031-03-31'],
})

export const driverDocument = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    driver_id: uuid,
    kind: documentKind,
    number: z.string(),
    expiry_date: z.iso.date().meta({ description: 'The last day on which the document is valid.' }),
    is_verified: z.boolean().meta({
      description: 'Whether the office has seen the document. One that is not verified does not count.',
    }),
    verified_at: instantOut.nullable(),
    verified_by: uuid.nullable().meta({
      description: 'The user of the office, or the admin, who verified the document.',
    }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'DriverDocument' })

export type DriverDocument = z.infer<typeof driverDocument>

export const documentPage = pageOf(driverDocument)

export const newDocument = z
  .strictObject({ kind: documentKind, number, expiry_date: expiryDate })
  .meta({ id: 'NewDriverDocument' })

export type NewDocument = z.infer<typeof newDocument>

export const documentChange = z
  .strictObject({ number, expiry_date: expiryDate })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something')
  .meta({ id: 'DriverDocumentChange' })

export type DocumentChange = z.infer<typeof documentChange>

export const documentVerification = z
  .strictObject({
    verified: z
      .boolean()
      .default(true)
      .meta({ description: '`false` withdraws the verification, and the document no longer counts.' }),
    number: number.optional(),
    expiry_date: expiryDate.optional(),
  })
  .meta({ id: 'DriverDocumentVerification' })
  .nullish()

export type DocumentVerification = z.infer<typeof documentVerification>
