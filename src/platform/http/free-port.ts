import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Config } from '../../config.ts'

/** The service cannot listen where the settings say. */
export class PortUnavailable extends Error {
  override name = 'PortUnavailable'
}

type Address = Pick<Config, 'HOST' | 'PORT'>

/**
 * Checks that the port is free before the database is opened, which takes seconds: listens on it and closes again.
 *
 * @throws PortUnavailable
 */
export async function requireFreePort({ HOST: host, PORT: port }: Address): Promise<void> {
  const server = createServer()
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (error) {
    throw asPortUnavailable({ HOST: host, PORT: port }, error)
  }
  server.close()
  await once(server, 'close')
}

/**
 * Converts an error of `listen` into PortUnavailable; returns any other error unchanged.
 *
 * @param names of the settings that say where
 */
export function asPortUnavailable(
  { HOST, PORT }: Address,
  error: unknown,
  { host, port } = { host: 'HOST', port: 'PORT' },
): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words: Record<string, string> = {
    EADDRINUSE: `Port ${PORT} of ${HOST} is used by another process (EADDRINUSE). Stop that process, or set ${port} to another port.`,
    EACCES: `This user may not listen on port ${PORT} of ${HOST} (EACCES). Set ${port} to 1024 or higher.`,
    EADDRNOTAVAIL: `${host} ${HOST} is not an address of this machine (EADDRNOTAVAIL). Set ${host} to 127.0.0.1, or to 0.0.0.0 for all addresses.`,
    ENOTFOUND: `${host} ${HOST} cannot be resolved (ENOTFOUND). Set ${host} to an address of this machine, such as 127.0.0.1.`,
  }
  const text = words[code]
  return text ? new PortUnavailable(text, { cause: error }) : error
}
