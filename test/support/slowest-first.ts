import { existsSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take long, the longest first: the one that begins last would else run alone, while a core has nothing to do. Vitest itself
 * knows times only where it has run before, and takes the largest files first.
 */
const SLOWEST = [
  'unit/readme.test.ts',
  'rules/db-command.test.ts',
  'rules/db-rule.test.ts',
  'realtime/changes-access.test.ts',
  'rules/first-start.embedded.test.ts',
  'operations/backup.embedded.test.ts',
  'rules/tenant-command.test.ts',
  'rules/prepared-base.embedded.test.ts',
  'realtime/live.server.test.ts',
  'api/hostile.test.ts',
  'rules/kill.server.test.ts',
  'rules/access.test.ts',
  'rules/owner.server.test.ts',
  'rules/supabase.server.test.ts',
  'routes/routes.server.test.ts',
  'clients/clients.server.test.ts',
  'realtime/sign-in-session.server.test.ts',
  'realtime/changes-access.server.test.ts',
  'rules/payouts-kill.server.test.ts',
  'rules/health.server.test.ts',
  'realtime/changes-cluster.server.test.ts',
  'realtime/clients.test.ts',
  'rules/history.test.ts',
  'realtime/bus.server.test.ts',
  'rules/logins.server.test.ts',
  'operations/backup.server.test.ts',
  'api/sign-in-processes.server.test.ts',
  'rules/access-mutants-policies.server.test.ts',
  'operations/archiving.server.test.ts',
  'operations/disaster.server.test.ts',
  'rules/unfit-database.server.test.ts',
  'realtime/local-copy.server.test.ts',
  'realtime/sign-in-walk.test.ts',
  'support/postgres-server.server.test.ts',
  'unit/page-and-headers.test.ts',
  'rules/schema-files.test.ts',
  'unit/postgis-bundle.test.ts',
  'unit/db-generate.test.ts',
  'rules/advisors.server.test.ts',
]

for (const name of SLOWEST)
  if (!existsSync(new URL(`../${name}`, import.meta.url)))
    throw new Error(`${name} is no test: mend test/support/slowest-first.ts.`)

const rank = ({ moduleId }: TestSpecification): number => {
  const at = SLOWEST.findIndex((name) => moduleId.endsWith(`/test/${name}`))
  return at < 0 ? SLOWEST.length : at
}

export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}
