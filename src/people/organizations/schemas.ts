import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ORGANIZATION_KINDS } from '../table.ts'

export const organizationKind = z.enum(ORGANIZATION_KINDS).meta({
  description: 'The kind of organization: a `company` employs guards, a `client` has sites that need guards.',
})

export const organization = z
  .strictObject({
    id: uuid,
    name: z.string(),
    kind: organizationKind,
    nd_number: z
      .string()
      .nullable()
      .meta({ description: 'The licence number of a Dutch security company (ND number).' }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Organization' })

export type Organization = z.infer<typeof organization>

export const organizationPage = pageOf(organization)

/** More than the number of companies that work for any one client. */
const MAX_COMPANIES = 100

export const newOrganization = z
  .strictObject({
    name: text(1, 200),
    kind: organizationKind,
    nd_number: text(1, 40).nullish(),
    client_of: z
      .array(uuid)
      .max(MAX_COMPANIES)
      .default([])
      .meta({ description: 'The ids of the companies that work for this client.' }),
  })
  .refine(({ kind, client_of }) => kind === 'client' || client_of.length === 0, {
    path: ['client_of'],
    message: 'is for clients',
  })
  .meta({ id: 'NewOrganization' })

export type NewOrganization = z.infer<typeof newOrganization>
