import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { COMPILED_ONCE } from './test/support/node-flags.ts'
import { patience } from './test/support/patience.ts'
import SlowestFirst from './test/support/slowest-first.ts'

// Each process that a test starts would read and compile the same modules again: half of its start.
process.env.NODE_COMPILE_CACHE ??= new URL(
  './node_modules/.cache/muster-test/compiled',
  import.meta.url,
).pathname

const cores = availableParallelism()
/** An open PGlite with PostGIS takes about 1 GB, so more workers than this would only cost memory. */
const MOST_EMBEDDED_WORKERS = 4
/** One more than two cores, for the time in which a worker waits for a process that starts. */
const FEWEST_EMBEDDED_WORKERS = 3
/** Half of their time tests of the server wait: for locks, timers, a browser, a process that starts. A worker takes some 200 MB. */
const SERVER_WORKERS_PER_CORE = 2
const MOST_SERVER_WORKERS = 6

/** Collecting garbage took 12 % of a worker's time: with more room for what is new, in MiB, less of it lives on to be collected slowly. */
const SEMI_SPACE = '--max-semi-space-size=32'

const UNIT_TESTS = 'test/unit/**/*.test.ts'
/** What needs several connections, a pooler or a browser: races, locks, slots, pages. */
const SERVER_ONLY = '**/*.server.test.ts'
/** What only the embedded engine has. A file is in no project rather than skipped: nothing is left out without a word. */
const EMBEDDED_ONLY = '**/*.embedded.test.ts'
/**
 * What HTTP adds to rules that have tests of their own is the same on each engine, and so is what policies show. The embedded engine gets
 * each route once (every-route.embedded.test.ts), and what depends on PostGIS, clocks, money and the driver.
 */
const API_TESTS_OF_SERVER = [
  'test/api/{certificates,incidents,invitations,lists-visibility,locations,me,notifications,organizations}.test.ts',
  'test/api/{planners,professionals,shifts,shifts-bulk,shifts-list,shifts-transitions,shifts-visibility}.test.ts',
  'test/api/{sign-in-attacks,sign-in-log,suspension,transactions}.test.ts',
]
/** The gateway and its clients, which know no engine: what comes out of the change feed runs on both. */
const REALTIME_TESTS_OF_SERVER = 'test/realtime/{clients,hostile-frames,sign-in-walk}.test.ts'
/** These take every core on purpose, and say nothing beside others: one after another, when all else is done. */
const STORMS = [
  'test/realtime/{storm,changes-race.server}.test.ts',
  'test/rules/{freight-races,races,replica,upgrade}.server.test.ts',
]

/**
 * One suite, two engines: every test but the unit tests and those named for one engine runs on PGlite and on a PostGIS server. Unit
 * tests touch no database, so they are a project of their own, which waits for none.
 * `npx vitest run --project embedded` runs what needs no server.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // Each file has a database of its own; the code is loaded, and PGlite compiled, once for each worker.
    isolate: false,
    execArgv: [SEMI_SPACE],
    maxWorkers: Math.min(MOST_EMBEDDED_WORKERS, Math.max(FEWEST_EMBEDDED_WORKERS, cores)),
    // Several times what the slowest takes on a quiet machine: these numbers are there for what hangs.
    testTimeout: patience(30_000),
    // PGlite loads a prepared database in 2 s alone, and in several times that beside three others.
    hookTimeout: patience(60_000),
    teardownTimeout: patience(30_000),
    sequence: { sequencer: SlowestFirst },
    // Each project would transform the same modules again, and each run.
    experimental: {
      fsModuleCache: true,
      fsModuleCachePath: 'node_modules/.cache/muster-test/modules',
    },
    restoreMocks: true,
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: [UNIT_TESTS] },
      },
      {
        extends: true,
        test: {
          name: 'embedded',
          execArgv: [COMPILED_ONCE],
          include: ['test/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            UNIT_TESTS,
            SERVER_ONLY,
            ...API_TESTS_OF_SERVER,
            REALTIME_TESTS_OF_SERVER,
          ],
          globalSetup: 'test/support/setup-embedded.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, UNIT_TESTS, EMBEDDED_ONLY, ...STORMS],
          globalSetup: 'test/support/setup-server.ts',
          maxWorkers: Math.min(MOST_SERVER_WORKERS, SERVER_WORKERS_PER_CORE * cores),
          // Projects with as many workers run together; this one has more, so it comes after them.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'storms',
          include: STORMS,
          globalSetup: 'test/support/setup-server.ts',
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
