import { readdir } from 'node:fs/promises'
import type { Database } from '../../src/platform/db/engine/database.ts'
import type { Alone, Section } from '../rules/access-probe.ts'
import type { MatrixRow } from '../rules/access-world.ts'
import type { TablePrivileges } from '../rules/privileges-catalog.ts'
import type { ArrangeRequests } from './route-arrangements.ts'

/** What the tests of all tables and all routes have to know of one resource: a file of `test/resources/` is found by itself. */
export interface Resource {
  access: Access
  /** Of tables that belong to it and have no routes of their own. */
  parts?: readonly Access[]
  /** One request that succeeds for each of its routes, by its name in the OpenAPI document, such as `GET /v1/incidents/{id}`. */
  requests: Readonly<Record<string, ArrangeRequests>>
}

/** Who may do what with its table. */
export interface Access {
  /** Its part of the access matrix, with rows of both tenants. */
  section: Section
  /** The columns of a row in the world of the matrix, the same for each; not for rows that `arrange` makes. */
  columns?(row: MatrixRow): Record<string, unknown>
  /** Makes rows that stand on what triggers made, of the parts too. As the owner. */
  arrange?(owner: Database): Promise<void>
  /** Each rule of an insert or update policy, for one who has it and one who has not. */
  alone?: Omit<Alone, 'table'>
  /** Mutants of its rules that no cell can notice, and why: `access-mutants-policies` and `access-mutants-functions` say their names. */
  equivalent?: Equivalent
  /** By role. */
  privileges: TablePrivileges
  /** Its functions, by the roles that may execute them, in the order of the alphabet; '' is nobody but the owner, as of triggers. */
  functions?: Readonly<Record<string, readonly string[]>>
}

/** Why no cell of the matrix can notice a mutant, by its name. */
export interface Equivalent {
  policies?: Readonly<Record<string, string>>
  functions?: Readonly<Record<string, string>>
}

const FOLDER = new URL('../resources/', import.meta.url)

export const RESOURCES: readonly Resource[] = await Promise.all(
  (await readdir(FOLDER))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => import(new URL(name, FOLDER).href) as Promise<Resource>),
)

/** All tables of resources. */
export const ACCESSES: readonly Access[] = RESOURCES.flatMap(({ access, parts = [] }) => [access, ...parts])

/** What the resources say of their mutants, together. */
export const equivalentOf = (kind: keyof Equivalent): Record<string, string> =>
  Object.assign({}, ...ACCESSES.map(({ equivalent }) => equivalent?.[kind]))
