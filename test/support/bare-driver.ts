import { Socket } from 'node:net'
import postgres from 'postgres'
import type { Database, Parameter, Row } from '../../src/platform/db/engine/database.ts'

/** The part of a `Database` that the tests of its safety use. */
export type Transactions = Pick<Database, 'transaction' | 'close'>

/**
 * What one would write first: the driver's own pool and `begin`. Tests play their scenarios on it to prove that they would
 * notice what `src/platform/db/engine/server.ts` prevents.
 */
export function openBareDriver({ url, max }: { url: string; max: number }): Transactions {
  const sql = postgres(url, { max, fetch_types: false, onnotice: () => {} })
  return {
    transaction: <T>(work: Parameters<Database['transaction']>[0]) =>
      sql.begin((tx) =>
        work({
          query: async <R extends Row>(text: string, parameters: readonly Parameter[] = []) =>
            (await tx.unsafe(text, parameters as Parameter[])) as unknown as R[],
        }),
      ) as Promise<T>,
    close: () => sql.end({ timeout: 1 }),
  }
}

/** One connection of the bare driver, with something to do between its socket's `error` and its `close`. */
export function openBareConnection(
  url: string,
  betweenErrorAndClose: (sql: postgres.Sql) => void,
): { sql: postgres.Sql; closed: Promise<void> } {
  const { hostname, port } = new URL(url)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let between: ((sql: postgres.Sql) => void) | undefined = betweenErrorAndClose
  const settings = {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    onclose: () => resolve(),
    socket: () =>
      new Promise<Socket>((connected) => {
        const socket = new Socket()
        socket.once('error', () => {
          between?.(sql)
          between = undefined
        })
        socket.connect(Number(port), hostname, () => connected(socket))
      }),
  }
  const sql = postgres(url, settings)
  return { sql, closed }
}
