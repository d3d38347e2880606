import { z } from 'zod'
import type { Module } from '../platform/module.ts'

/** The roles of all modules, each with the kind of its organization. */
export type Roles = Module['roles']

/** Of schemas with a name, of which a document has one: made with the first routes, since people knows no role of a module above. */
export function madeOnce<T>(make: (roles: Roles) => T): (roles: Roles) => T {
  let made: { schema: T } | undefined
  return (roles) => {
    made ??= { schema: make(roles) }
    return made.schema
  }
}

export const roleOf = (roles: Roles) => z.enum(Object.keys(roles))

export const kindOf = (roles: Roles) =>
  z.enum([...new Set(Object.values(roles).filter((kind) => kind !== null))]).meta({
    description:
      'The kind of organization: a `company` employs guards, a `client` has sites that need guards.',
  })
