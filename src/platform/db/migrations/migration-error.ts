/** Why a migration was refused or failed. The codes are stable: tests, `/ready` and scripts may compare them. */
export type MigrationErrorCode =
  /** The journal cannot be read, or its order is wrong. */
  | 'bad_journal'
  /** The folder holds SQL that the journal does not name. */
  | 'unlisted_file'
  /** A file is no longer what was applied. */
  | 'edited'
  /** Applied in the database, or named by the journal, but not in the folder. */
  | 'missing'
  /** Not applied, yet older than the newest that is. */
  | 'out_of_order'
  /** Not applied yet (only `verifyMigrations` minds). */
  | 'pending'
  /** A rollback was asked for a migration without a down file. */
  | 'no_down_file'
  /** A rollback was asked for more migrations than are applied. */
  | 'too_few_applied'
  /** The journal has no migration of the name asked for. */
  | 'unknown_target'
  /** A statement that begins or ends transactions. */
  | 'transaction_control'
  /** A statement, in a file without a transaction, that could not run a second time. */
  | 'not_repeatable'
  /** `create index concurrently` left an index that is never used. */
  | 'invalid_index'
  /** The connection's settings are not those that statements outside a transaction need. */
  | 'connection_settings'
  /** Another runner held the lock for the whole wait. */
  | 'locked'
  /** Another runner changed the history under this one. */
  | 'history_changed'
  /** A statement failed. */
  | 'statement_failed'

/** A migration was refused, or failed; the message says what to do. `cause` is the database's error, when there is one. */
export class MigrationError extends Error {
  override name = 'MigrationError'
  readonly code: MigrationErrorCode

  constructor(code: MigrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
