import { z } from 'zod'
import { instantOut, uuid } from '../../platform/http/fields.ts'
import { madeOnce, type Roles, roleOf } from '../roles.ts'

const makeStanding = (roles: Roles) =>
  z
    .strictObject({
      id: uuid,
      name: z.string(),
      role: roleOf(roles).meta({ description: 'The role with which the user registered.' }),
      suspended_at: instantOut
        .nullable()
        .meta({ description: 'Since when; null for a user who may sign in.' }),
      ended_at: instantOut.nullable().meta({ description: 'Since when for good; null otherwise.' }),
    })
    .meta({ id: 'UserStanding' })

/** Whether somebody may sign in. */
export const standing = madeOnce(makeStanding)

export type Standing = z.infer<ReturnType<typeof makeStanding>>
