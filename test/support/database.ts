import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, inject } from 'vitest'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openEmbedded } from '../../src/platform/db/engine/embedded.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { copyTemplate, dropDatabase, urlOf } from './server-databases.ts'
import './provided.ts'

export interface TestDatabase {
  readonly engine: Database['kind']
  /** As a superuser, whom no policy binds: to arrange and to inspect, not to act. */
  readonly owner: Database
  /** The same, for further connections; the embedded engine has none. */
  readonly ownerUrl?: string
  /** Ends every session and removes the database. */
  close(): Promise<void>
}

/** A migrated database of one's own, without data, on the engine of the project that runs the test. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const prepared = inject('database')
  if (prepared.engine === 'embedded') {
    const owner = await openEmbedded({
      loadDataDir: await readArchive(prepared.dump),
      cacheDir: prepared.cacheDir,
    })
    return { engine: 'embedded', owner, close: owner.close }
  }
  const name = await copyTemplate(prepared.url, prepared.template)
  const ownerUrl = urlOf(prepared.url, name)
  const owner = openServer({ url: ownerUrl, max: 4, applicationName: 'muster-test-owner' })
  return {
    engine: 'server',
    owner,
    ownerUrl,
    async close() {
      await owner.close()
      await dropDatabase(prepared.url, name)
    },
  }
}

/** An archive that is in memory: a usual `Blob` would copy its 50 MB several times for each file of tests. */
class Archive extends Blob {
  readonly #bytes: ArrayBuffer

  constructor(bytes: ArrayBuffer) {
    super([])
    this.#bytes = bytes
  }

  override arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.resolve(this.#bytes)
  }
}

const archives = new Map<string, Promise<Archive>>()

/** Read once by each worker. PGlite copies what is in it. */
function readArchive(path: string): Promise<Archive> {
  const archive =
    archives.get(path) ??
    readFile(path).then(({ buffer, byteOffset, length }) => {
      if (byteOffset !== 0 || length !== buffer.byteLength) throw new Error(`${path} was read in parts.`)
      return new Archive(buffer)
    })
  archives.set(path, archive)
  return archive
}

/** One database for all tests of the file (or `describe`), open from before the first until after the last. */
export function useTestDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database?.close())
  return () => {
    if (!database) throw new Error('The test database is open only while tests run.')
    return database
  }
}
