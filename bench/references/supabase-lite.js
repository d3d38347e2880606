// JavaScript, as postgraphile.js.
import { serve } from '@hono/node-server'
import { App } from '@supabase/lite'
import { createPostgresConnection } from '@supabase/lite/postgres'

/*
 * Supabase Lite on PostgreSQL, embedded as its manual says. The caller's token comes as the API key: as a bearer token it
 * would be looked up in `auth.users` at each request. It need not even be verified.
 */

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())

const connection = createPostgresConnection({
  url: process.env.DATABASE_URL,
  postgresOptions: { max: 10, connection: { search_path: 'public, extensions' } },
})
const app = new App({
  connection,
  api: { schemas: ['bench_api'] },
  options: {
    server: { apiKeys: { resolver: async (token) => ({ type: 'publishable', claims: claimsOf(token) }) } },
  },
})
serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, { incoming }) =>
      new URL(request.url).pathname === '/ready'
        ? new Response('{}')
        : app.fetch(request, { peerAddress: incoming.socket.remoteAddress ?? null }),
  },
  ({ port }) => console.log(`http://127.0.0.1:${port}`),
)
process.once('SIGTERM', () => process.exit())
