import { type Action, quote, type Watched } from './access-probe.ts'
import { type MatrixRow, PROFESSIONAL_ROWS } from './access-world.ts'

/* What is tried on rows of the access matrix, beside what is particular to one table. */

/** A new row's id: not in any section. */
export const NEW_ID = '99990000-0000-7000-8000-000000000001'
export const NEW_ROW = (relation: string) => () => ({ relation, condition: `id = ${quote(NEW_ID)}` })

export const reads = (table: string, key = 'id', columns = ''): Action => ({
  means: columns === '' ? 'read' : `read ${columns}`,
  kind: 'read',
  on: ({ id }) =>
    `select exists (select ${columns} from ${table} where ${key} = ${quote(id)}${columns === '' ? '' : ` and ${columns} is not null`})`,
})

export const asks = (means: string, on: Action['on']): Action => ({ means, kind: 'read', on })

export const changes = (means: string, on: Action['on'], watch?: Action['watch']): Action => ({
  means,
  kind: 'change',
  on,
  ...(watch && { watch }),
})

/** Whether a statement locks a row. */
export const locks = (means: string, on: (row: MatrixRow) => { statement: string } & Watched): Action =>
  asks(means, (row) => {
    const { statement, relation, condition } = on(row)
    return `select probe.locks(${[statement, relation, condition].map(quote).join(', ')})`
  })

/** @param ids a query of the ids of the rows that the caller gets */
export const lists = (means: string, ids: string): Action => ({
  means,
  kind: 'list',
  on: () => `select array(${ids})`,
})

/** By the change stream of somebody who was away. */
export const follows = (table: string, key = 'id'): Action =>
  lists(
    'be told what changed',
    `select c ->> '${key}' from jsonb_array_elements(muster.changes_since('${table}', null, 1000) -> 'items') c`,
  )

export const updates = (table: string, assignment: string, key = 'id'): Action =>
  changes(`set ${assignment}`, ({ id }) => `update ${table} set ${assignment} where ${key} = ${quote(id)}`)

/**
 * Without a condition, which reads no column: the policy for `select` does not stand in front of the one for `update` then.
 */
export const updatesAll = (table: string, assignment: string): Action =>
  changes(`set ${assignment} for all`, () => `update ${table} set ${assignment}`)

export const deletes = (table: string, key = 'id'): Action =>
  changes('delete', ({ id }) => `delete from ${table} where ${key} = ${quote(id)}`)

export const inserts = (
  table: string,
  values: (row: MatrixRow) => Record<string, MatrixRow[string]>,
): Action =>
  changes(
    'create one like it',
    (row) => {
      const given = Object.entries({ id: NEW_ID, ...values(row) }).filter(([, value]) => value !== undefined)
      return `insert into ${table} (${given.map(([column]) => column).join(', ')})
              values (${given.map(([, value]) => quote(value)).join(', ')})`
    },
    NEW_ROW(table),
  )

/** The caller's own professional; of those who have none, somebody's. */
export const OWN_PROFESSIONAL = `coalesce(muster.professional_id(), ${quote(PROFESSIONAL_ROWS.freeGuard.id)})`
