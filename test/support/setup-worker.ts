import { resolveDrizzleQuickly } from '../../src/platform/db/drizzle-resolution.ts'

// As the service does it at its start: half a second of CPU time less for each test file that loads the service.
resolveDrizzleQuickly()
