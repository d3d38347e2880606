import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { ORGANIZATION_KINDS } from '../table.ts'

export const organizationKind = z
  .enum(ORGANIZATION_KINDS)
  .meta({ description: 'A `company` employs guards, a `client` has sites that are guarded.' })

export const organization = z
  .strictObject({
    id: uuid,
    name: z.string(),
    kind: organizationKind,
    nd_number: z.string().nullable().meta({ description: 'Its licence as a Dutch security company.' }),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'Organization' })

export type Organization = z.infer<typeof organization>

export const organizationPage = pageOf(organization)

/** More companies than work for one client. */
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
      .meta({ description: 'The companies that work for this client.' }),
  })
  .refine(({ kind, client_of }) => kind === 'client' || client_of.length === 0, {
    path: ['client_of'],
    message: 'is for clients',
  })
  .meta({ id: 'NewOrganization' })

export type NewOrganization = z.infer<typeof newOrganization>
