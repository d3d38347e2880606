import { z } from 'zod'
import { instantOut, text, uuid } from '../../platform/http/fields.ts'
import { kindOf, madeOnce, type Roles } from '../roles.ts'

const makeOrganization = (roles: Roles) =>
  z
    .strictObject({
      id: uuid,
      name: z.string(),
      kind: kindOf(roles),
      nd_number: z
        .string()
        .nullable()
        .meta({ description: 'The licence number of a Dutch security company (ND number).' }),
      created_at: instantOut,
      updated_at: instantOut,
    })
    .meta({ id: 'Organization' })

export const organization = madeOnce(makeOrganization)

export type Organization = z.infer<ReturnType<typeof makeOrganization>>

/** More than the number of companies that work for any one client. */
const MAX_COMPANIES = 100

const makeNewOrganization = (roles: Roles) =>
  z
    .strictObject({
      name: text(1, 200),
      kind: kindOf(roles),
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

export const newOrganization = madeOnce(makeNewOrganization)

export type NewOrganization = z.infer<ReturnType<typeof makeNewOrganization>>
