import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'

export const certificateKind = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _')
  .meta({ examples: ['vca', 'beveiligingspas', 'bhv', 'svpb'] })

/** The range is that of the database's check: outside of it a year is a typing error. */
const lastDay = z.iso
  .date()
  .refine((day) => day >= '2000-01-01' && day <= '2099-12-31', 'must lie between the years 2000 and 2099')

export const certificate = z
  .strictObject({
    id: uuid,
    professional_id: uuid,
    company_id: uuid.nullable().meta({
      description:
        'The only company for which the certificate counts; null when it counts for all companies.',
    }),
    kind: certificateKind,
    number: z.string(),
    valid_until: z.iso.date().meta({
      description:
        'The last day on which the certificate is valid, in the time zone of the location of the shift.',
    }),
    verified_at: instantOut.nullable().meta({
      description:
        'When an admin verified the certificate; null while it is not verified, and then it does not count.',
    }),
    verified_by: uuid.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Certificate' })

export type Certificate = z.infer<typeof certificate>

export const certificatePage = pageOf(certificate)

export const newCertificate = z
  .strictObject({
    professional_id: uuid.optional().meta({
      description: 'The professional who owns the certificate. Guards may omit it; admins must send it.',
    }),
    company_id: uuid.nullish().meta({
      description:
        'The company for which the certificate (such as a pass) was issued, if it counts for one company only.',
    }),
    kind: certificateKind,
    number: text(1, 100),
    valid_until: lastDay.meta({ description: 'The last day on which the certificate is valid.' }),
  })
  .meta({ id: 'NewCertificate' })

export type NewCertificate = z.infer<typeof newCertificate>

export const verification = z
  .strictObject({
    verified: z
      .boolean()
      .default(true)
      .meta({ description: '`false` withdraws the verification, and the certificate no longer counts.' }),
  })
  .meta({ id: 'Verification' })
  .nullish()
