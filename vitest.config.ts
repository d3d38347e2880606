import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

/** An open PGlite with PostGIS takes about 1 GB, so more cores than this would only cost memory. */
const MOST_WORKERS = 4

const UNIT_TESTS = 'test/unit/**/*.test.ts'
/** What needs several connections: races, locks, slots. */
const SERVER_ONLY = '**/*.server.test.ts'
/** What only the embedded engine has. A file is in no project rather than skipped: nothing is left out without a word. */
const EMBEDDED_ONLY = '**/*.embedded.test.ts'
/** What needs PgBouncer before the server. */
const POOLED_ONLY = 'test/pooled/**/*.test.ts'

/**
 * One suite, two engines: every test but the unit tests runs on PGlite and on a PostGIS server. Unit tests touch no
 * database, so they are a project of their own, which waits for none. What goes through HTTP runs once more with PgBouncer in
 * transaction mode between the service and the server.
 * `npx vitest run --project embedded` runs what needs no server.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    setupFiles: ['test/support/setup-worker.ts'],
    maxWorkers: Math.min(MOST_WORKERS, Math.max(2, availableParallelism())),
    // Several times what the slowest takes on a quiet machine: these numbers are there for what hangs.
    testTimeout: 30_000,
    // PGlite loads a prepared database in 2 s alone, and in several times that beside three others.
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: [UNIT_TESTS] },
      },
      {
        extends: true,
        test: {
          name: 'embedded',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, UNIT_TESTS, SERVER_ONLY, POOLED_ONLY],
          globalSetup: 'test/support/setup-embedded.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, UNIT_TESTS, EMBEDDED_ONLY, POOLED_ONLY],
          globalSetup: 'test/support/setup-server.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'pooled',
          include: ['test/api/**/*.test.ts', POOLED_ONLY],
          globalSetup: 'test/support/setup-pooled.ts',
        },
      },
    ],
  },
})
