import { readFile } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PGlite } from '@electric-sql/pglite'
import {
  type EmbeddedDatabase,
  openEmbedded,
  serveEngine,
  startEngine,
} from '../../src/platform/db/engine/embedded.ts'
import { type EngineState, keepState } from './engine-state.ts'
import type { PreparedDatabase } from './provided.ts'

/*
 * An engine takes 2.6 s of CPU time to start, and 0.1 s to put back to where it was after its start. So each worker starts one, and
 * the next test file gets it again, as it was.
 */

type Prepared = Extract<PreparedDatabase, { engine: 'embedded' }>

interface KeptEngine {
  pglite: PGlite
  state: EngineState
}

/** The worker's engine: undefined while somebody has it, and before the first one asks. */
let kept: KeptEngine | undefined
/** Whether there is one, here or with whoever has it: a second one at the same time is started for itself. */
let isLent = false

/** A copy of the migrated database that nobody has used. */
export async function openEmbeddedCopy(prepared: Prepared): Promise<EmbeddedDatabase> {
  const { dump, cacheDir } = prepared
  if (isLent) return openEmbedded({ loadDataDir: await readArchive(dump), cacheDir })
  isLent = true
  try {
    const engine = kept ?? (await startKeptEngine(prepared))
    kept = undefined
    return lend(engine)
  } catch (error) {
    isLent = false
    throw error
  }
}

async function startKeptEngine({ dump, cacheDir }: Prepared): Promise<KeptEngine> {
  const pglite = await startEngine({ loadDataDir: await readArchive(dump), cacheDir })
  for (const library of LIBRARIES) await pglite.exec(`load '$libdir/${library}'`)
  return { pglite, state: keepState(pglite) }
}

function lend(engine: KeptEngine): EmbeddedDatabase {
  return serveEngine(engine.pglite, {}, async () => {
    if (await isAtRest(engine.pglite)) {
      engine.state.restore()
      kept = engine
    } else await engine.pglite.close().catch(() => {})
    isLent = false
  })
}

/** What the database's functions are in. Code that is loaded later would lose its memory when the engine is put back. */
const LIBRARIES = ['btree_gist', 'dict_snowball', 'plpgsql', 'postgis-3']

/** Whether nobody is in a transaction, the engine works (tests break it), and has loaded no more code. */
async function isAtRest(pglite: PGlite): Promise<boolean> {
  let isFree = false
  const turn = pglite._runExclusiveTransaction(async () => {
    isFree = true
  })
  turn.catch(() => {})
  await nextTurn()
  if (!isFree) return false
  try {
    const { rows } = await pglite.query<{ count: number }>(
      'select count(*)::int as count from pg_catalog.pg_get_loaded_modules()',
    )
    return rows[0]?.count === LIBRARIES.length && !pglite.isInTransaction()
  } catch {
    return false
  }
}

/** An archive that is in memory: a usual `Blob` would copy its 50 MB several times. */
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

async function readArchive(path: string): Promise<Archive> {
  const { buffer, byteOffset, length } = await readFile(path)
  if (byteOffset !== 0 || length !== buffer.byteLength) throw new Error(`${path} was read in parts.`)
  return new Archive(buffer)
}
