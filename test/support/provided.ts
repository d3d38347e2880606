/**
 * Where the global set-up of each project put the migrated database that test files copy; `cacheDir` is for `openEmbedded`.
 */
export type PreparedDatabase =
  | { engine: 'embedded'; dump: string; cacheDir: string }
  /** `url` is a superuser's, `template` the name of the database to copy. */
  | { engine: 'server'; url: string; template: string }

declare module 'vitest' {
  interface ProvidedContext {
    database: PreparedDatabase
  }
}
