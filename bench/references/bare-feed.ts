import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { PUBLICATION } from '../../src/platform/realtime/changes/open.ts'
import { openCatalog } from '../../src/platform/realtime/changes/published-tables.ts'
import { createLogicalFeed } from '../../src/platform/realtime/feed/logical.ts'
import { compileView } from '../../src/platform/realtime/feed/payload.ts'
import { encodeText } from '../../src/platform/realtime/protocol/frames.ts'

/*
 * From the log to sockets, and nobody is asked who may see what: what it costs to tell anybody anything. The same reader,
 * the same frames, to as many as would get them from the service.
 */

const url = process.env.DATABASE_URL!
const database = openServer({ url, max: 1 })
const catalog = openCatalog(database, PUBLICATION)
const silent = { info() {}, warn() {} }
const feed = createLogicalFeed({
  login: { url },
  publication: PUBLICATION,
  findTypes: catalog.findTypes,
  log: silent,
})

const server = createServer(async (_request, response) => {
  response.statusCode = feed.health.state === 'streaming' ? 200 : 503
  response.end()
})
/** By table, and where only one is to get a change, by `user_id`. */
const followers = new Map<string, Set<{ send(frame: string): void }>>()
const follow = (table: string | null, userId: string | null): string => `${table} ${userId ?? ''}`

new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) => {
  const { searchParams } = new URL(request.url!, 'ws://localhost')
  const key = follow(searchParams.get('table'), searchParams.get('user_id'))
  const others = followers.get(key) ?? new Set()
  followers.set(key, others.add(socket))
  socket.on('close', () => others.delete(socket))
})

const views = new Map(
  (await catalog.findTables({ schema: 'public', table: null })).map((table) => [
    table.name,
    compileView(table, { selectable: new Set(table.columns.map(({ name }) => name)) }),
  ]),
)
await feed.start({
  wants: () => followers.size > 0,
  onCommit() {},
  onDefinition() {},
  onGap() {},
  async sink(batch) {
    for (const change of batch) {
      const { name } = change.table
      const userId: string | null = JSON.parse(change.record?.user_id ?? 'null')
      const keys = new Set([follow(name, null), follow(name, userId)])
      const payload = `{"ids":[1],"data":${views.get(name)!.data(change)}}`
      const frame = encodeText('2.0.0', { topic: 'realtime:bench', event: 'postgres_changes' }, payload)
      for (const key of keys) for (const socket of followers.get(key) ?? []) socket.send(frame)
    }
  },
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
})
process.once('SIGTERM', async () => {
  await feed.stop()
  await database.close()
  process.exit()
})
