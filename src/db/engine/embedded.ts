import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PGlite, type Results } from '@electric-sql/pglite'
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist'
import { postgis } from '@electric-sql/pglite-postgis'
import {
  type Database,
  type Parameter,
  type Row,
  type Transaction,
  TransactionEnded,
  type TransactionOptions,
} from './types.ts'

/** Types whose text must reach the caller as it is: date, timestamp, timestamptz (PGlite would make a Date). */
const TEXT_TYPES = [1082, 1114, 1184]
/** json and jsonb: a parameter is JSON text already. */
const JSON_TYPES = [114, 3802]

const asText = (value: string): string => value
const parsers = Object.fromEntries(TEXT_TYPES.map((oid) => [oid, asText]))
const serializers = Object.fromEntries(JSON_TYPES.map((oid) => [oid, (value: unknown) => String(value)]))

export interface EmbeddedOptions {
  /** A folder that keeps the data; without one they live in memory. */
  dataDir?: string
  /** A dump of a prepared data folder (`PGlite.dumpDataDir`), loaded when the database is new. */
  loadDataDir?: Blob
}

/** PostgreSQL with PostGIS in this process (PGlite): one connection, so transactions run one after the other. */
export async function openEmbedded(
  options: EmbeddedOptions = {},
): Promise<Database & { readonly pglite: PGlite }> {
  if (options.dataDir) await mkdir(dirname(options.dataDir), { recursive: true })
  const pglite = await PGlite.create({
    ...(options.dataDir ? { dataDir: options.dataDir } : {}),
    ...(options.loadDataDir ? { loadDataDir: options.loadDataDir } : {}),
    extensions: { postgis, btree_gist },
    parsers,
    serializers,
  })
  await pglite.exec(`set timezone = 'UTC'; set search_path = public, extensions;`)

  return {
    kind: 'embedded',
    pglite,

    transaction(work, { readOnly = false, signal }: TransactionOptions = {}) {
      return pglite.transaction(async (tx) => {
        signal?.throwIfAborted()
        let ended = false
        const handle: Transaction = {
          async query<R extends Row>(text: string, parameters: readonly Parameter[] = []) {
            if (ended) throw new TransactionEnded()
            signal?.throwIfAborted()
            const results: Results<R> = await tx.query<R>(text, [...parameters])
            return results.rows
          },
        }
        try {
          if (readOnly) await tx.query('set transaction read only')
          const result = await work(handle)
          signal?.throwIfAborted()
          return result
        } finally {
          ended = true
        }
      })
    },

    async query<R extends Row>(text: string, parameters: readonly Parameter[] = []) {
      return (await pglite.query<R>(text, [...parameters])).rows
    },

    async script(text) {
      await pglite.exec(text)
    },

    async listen(channel, onNotify) {
      return pglite.listen(channel, onNotify)
    },

    close: () => pglite.close(),
  }
}
