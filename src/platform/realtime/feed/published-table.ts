import type { CallerRole } from '../../auth/caller.ts'
import type { Column } from '../pg-type.ts'
import type { TableDescription } from './payload.ts'
import type { ReplicaIdentity } from './pgoutput.ts'

export interface PublishedColumn extends Column {
  /** `pg_attribute.attnum`: what a captured row names its columns by. */
  number: number
  typeOid: number
  inIdentity: boolean
}

/** A table of the publication; its columns are the published ones, without generated ones, which the log does not have. */
export interface PublishedTable extends TableDescription {
  oid: number
  columns: readonly PublishedColumn[]
  identity: ReplicaIdentity
  /** Whether `muster.audience_of_<table>` says who reads a row. */
  hasAudience: boolean
  /**
   * The columns by which the policies decide who reads a row; undefined where that cannot be told from them: they ask functions
   * about the row, or the table itself.
   */
  policyColumns: readonly string[] | undefined
  /** The columns that a role may read; empty where it may not use the schema. */
  selectable: Readonly<Record<CallerRole, ReadonlySet<string>>>
}
