import { CODES } from './codes.ts'
import { codeOf, type FieldError, Problem } from './problem.ts'

/** What a function of the database that creates all items or none tells of one that it refused. */
export interface RefusedItem {
  index: number
  sqlstate: string
  constraint: string
  hint: string
}

/**
 * For a request of `items` of which none was created.
 *
 * @param members what an item has: our own refusals hint at the member that they are about; a constraint has a name
 * @returns a problem with the code of the first item that was refused, and an error for each
 */
export function refusedItems(refused: readonly RefusedItem[], members: object): Problem {
  const errors = refused.map(({ index, hint, ...reported }): FieldError => {
    const code = codeOf(reported)
    const field = Object.hasOwn(members, hint) ? `/${hint}` : ''
    const rule = reported.constraint ? ` (${reported.constraint})` : ''
    return { pointer: `/body/items/${index}${field}`, message: `${code}: ${CODES[code].title}${rule}` }
  })
  return new Problem(codeOf(refused[0]!), { errors })
}
