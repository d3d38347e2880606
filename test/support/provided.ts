/**
 * Where the global set-up of each project put the migrated database that test files copy; `cacheDir` is for `openEmbedded`.
 */
export type PreparedDatabase =
  | { engine: 'embedded'; dump: string; cacheDir: string }
  /** `url` is a superuser's, `template` the name of the database to copy; `pooler`: the service goes through it. */
  | { engine: 'server'; url: string; template: string; pooler?: string }

declare module 'vitest' {
  interface ProvidedContext {
    database: PreparedDatabase
  }
}
