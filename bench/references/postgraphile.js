// JavaScript, because PostGraphile and its types are there only once the benchmark's own dependencies are.
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

/*
 * PostGraphile as its manual sets it up for production, with the caller in `pgSettings`. It need not even verify the token.
 */

const claimsOf = (authorization) => Buffer.from(authorization.split('.')[1], 'base64url').toString()

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ['bench_api'],
      poolConfig: { max: 10 },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: {
    explain: false,
    context: ({ node }) => ({
      pgSettings: { role: 'authenticated', 'request.jwt.claims': claimsOf(node.req.headers.authorization) },
    }),
  },
})

await pgl.getSchema()
const answer = pgl.createServ(grafserv).createHandler()
const server = createServer((request, response) =>
  request.url === '/ready' ? response.end('{}') : answer(request, response),
)
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
process.once('SIGTERM', () => process.exit())
