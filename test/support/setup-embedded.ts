import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { CACHE, prepareDump } from '../../scripts/prepared-database.ts'
import { makeGuardedFolder } from './guarded-folder.ts'
import './provided.ts'

/** Provides a dump of a migrated PGlite, so that a worker opens its copy in 2 s instead of 5. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await makeGuardedFolder('muster-embedded-')
  const dump = join(folder.path, 'database.tar')
  await prepareDump(dump)
  project.provide('database', { engine: 'embedded', dump, cacheDir: CACHE })
  return folder.remove
}
