import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between the service and its database, to do what networks do. */
export interface TcpProxy {
  /** The database's URL, by way of the proxy. */
  readonly url: string
  /** Connections made so far. */
  readonly accepted: number
  /** Cuts every connection with a TCP reset, towards the client. */
  reset(): void
  /** Passes nothing on any more, and says nothing either: a cable that was pulled. */
  freeze(): void
  /** From now on, closes each new connection as soon as it is made. */
  refuse(): void
  /** Takes that back. */
  accept(): void
  close(): Promise<void>
}

export async function startTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl)
  /** Each with its connection to the database. */
  const clients = new Map<Socket, Socket>()
  let accepted = 0
  let refusing = false
  const server = createServer((client) => {
    accepted += 1
    client.on('error', () => {})
    if (refusing) {
      client.resume().end()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    upstream.on('error', () => client.destroy())
    client.on('close', () => {
      clients.delete(client)
      upstream.destroy()
    })
    upstream.on('close', () => client.end())
    client.pipe(upstream)
    upstream.pipe(client)
    clients.set(client, upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    get accepted() {
      return accepted
    },
    reset() {
      for (const client of clients.keys()) client.resetAndDestroy()
    },
    freeze() {
      for (const [client, upstream] of clients) {
        client.unpipe().pause()
        upstream.unpipe().pause()
      }
    },
    refuse() {
      refusing = true
    },
    accept() {
      refusing = false
    },
    async close() {
      for (const client of clients.keys()) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
