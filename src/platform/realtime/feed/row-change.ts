import type { Column } from '../pg-type.ts'
import type { ChangeKind, RowChange, TableRef } from './change-feed.ts'
import { geometryToJson } from './ewkb.ts'
import { rowEncoder } from './payload.ts'

/** One value per column: PostgreSQL's text, null for NULL, undefined for what the change does not have. */
export type Values = readonly (string | null | undefined)[]

/** A table as a change of it was written: what it takes to read its values. */
export interface TableShape {
  table: TableRef
  columns: readonly Column[]
  /** Whether the column of that index belongs to the replica identity. */
  inIdentity: readonly boolean[]
}

export interface ChangeValues {
  kind: ChangeKind
  record?: Values
  old?: Values
  /** Under `key`, only the columns of the replica identity are taken from `old`: the log has NULL for the others. */
  oldIs: 'key' | 'full'
}

export interface CommitInfo {
  commitTs: string
  position: string
  xid?: number
}

/** The part of both feeds that is the same: rows as text become a change. */
export interface ChangeBuilder {
  build(values: ChangeValues, commit: CommitInfo): RowChange
}

/** How many bytes of text a change has: what is kept in memory for it, and what the record limit is about. */
export function textBytes(...rows: readonly (Values | undefined)[]): number {
  let bytes = 0
  for (const row of rows) for (const text of row ?? []) if (text) bytes += Buffer.byteLength(text)
  return bytes
}

export function changeBuilder(shape: TableShape): ChangeBuilder {
  const encode = rowEncoder(shape.columns, { geometryToJson })
  const keyOnly = (values: Values): Values =>
    values.map((text, index) => (shape.inIdentity[index] ? text : undefined))

  return {
    build({ kind, record, old, oldIs }, commit) {
      const former = old && (oldIs === 'key' ? keyOnly(old) : old)
      return {
        kind,
        table: shape.table,
        ...commit,
        oldIs,
        bytes: textBytes(record, former),
        ...(record && { record: encode(record) }),
        ...(former && { old: encode(former) }),
      }
    },
  }
}
