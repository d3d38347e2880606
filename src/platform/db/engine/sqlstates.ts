/**
 * Whose fault an error of PostgreSQL is, where no rule of ours stands behind it:
 *
 * - `busy`: it passes by itself, as load, a lock, a restart or a cancelled statement does;
 * - `unfit`: the database, as it is now, cannot do what the service is for (it is read-only, refuses the login, has the schema of
 *   another version). Whoever runs it has to mend something; nothing is wrong with the request;
 * - `unknown`: PostgreSQL itself cannot say whether it committed;
 * - `ours`: a statement of ours is wrong, or a stored value, or the server has a bug.
 */
export type Fault = 'busy' | 'unfit' | 'unknown' | 'ours'

/** Every class of PostgreSQL 15 to 18 (https://www.postgresql.org/docs/18/errcodes-appendix.html). A test holds the list. */
export const FAULT_OF_CLASS: Readonly<Record<string, Fault>> = {
  '00': 'ours', // successful completion
  '01': 'ours', // warning
  '02': 'ours', // no data
  '03': 'ours', // SQL statement not yet complete
  '08': 'busy', // connection exception
  '09': 'ours', // triggered action exception
  '0A': 'unfit', // feature not supported: a cached plan of before a migration, a pooler or a server that lacks something
  '0B': 'ours', // invalid transaction initiation
  '0F': 'ours', // locator exception
  '0L': 'ours', // invalid grantor
  '0P': 'unfit', // invalid role specification: a role of ours was dropped
  '0Z': 'ours', // diagnostics exception
  '10': 'ours', // XQuery error
  '20': 'ours', // case not found
  '21': 'ours', // cardinality violation
  // What callers send was checked before it got here, so the value that the database cannot work with is a stored one, or a check
  // is missing. Either is ours to mend, and no caller can.
  '22': 'ours', // data exception
  '23': 'ours', // integrity constraint violation: those that a caller can cause have codes of their own
  '24': 'ours', // invalid cursor state
  '25': 'ours', // invalid transaction state
  '26': 'unfit', // invalid SQL statement name: a pooler that gives a prepared statement to another session
  '27': 'ours', // triggered data change violation
  '28': 'unfit', // invalid authorization specification: the login is refused
  '2B': 'ours', // dependent privilege descriptors still exist
  '2D': 'ours', // invalid transaction termination
  '2F': 'ours', // SQL routine exception
  '34': 'ours', // invalid cursor name
  '38': 'ours', // external routine exception
  '39': 'ours', // external routine invocation exception
  '3B': 'ours', // savepoint exception
  '3D': 'unfit', // invalid catalog name: no such database
  '3F': 'unfit', // invalid schema name: not migrated
  '40': 'busy', // transaction rollback
  '42': 'ours', // syntax error or access rule violation
  '44': 'ours', // WITH CHECK OPTION violation
  '53': 'busy', // insufficient resources
  '54': 'ours', // program limit exceeded
  '55': 'unfit', // object not in prerequisite state
  '57': 'busy', // operator intervention
  '58': 'unfit', // system error, outside of PostgreSQL: its files and disks
  '72': 'busy', // snapshot failure (until 16)
  F0: 'unfit', // configuration file error
  HV: 'ours', // foreign data wrapper error
  P0: 'ours', // PL/pgSQL error
  XX: 'ours', // internal error
}

/** Where a condition differs from its class. */
export const FAULT_OF_STATE: Readonly<Record<string, Fault>> = {
  '08007': 'unknown', // transaction_resolution_unknown
  '25006': 'unfit', // read_only_sql_transaction: a standby, or default_transaction_read_only
  '25P03': 'busy', // idle_in_transaction_session_timeout
  '25P04': 'busy', // transaction_timeout
  '40003': 'unknown', // statement_completion_unknown
  // Named by a statement of ours, and not there: the schema is that of another version.
  '42704': 'unfit', // undefined_object
  '42703': 'unfit', // undefined_column
  '42883': 'unfit', // undefined_function
  '42P01': 'unfit', // undefined_table
  '55006': 'busy', // object_in_use
  '55P03': 'busy', // lock_not_available: lock_timeout
  '57P04': 'unfit', // database_dropped
}

/** A class that PostgreSQL does not know (an extension's own) is a fault of ours: somebody has to look. */
export const faultOf = (sqlstate: string): Fault =>
  FAULT_OF_STATE[sqlstate] ?? FAULT_OF_CLASS[sqlstate.slice(0, 2)] ?? 'ours'
