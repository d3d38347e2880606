import Fastify from 'fastify'
import postgres from 'postgres'
import { listOf, nearestFirst } from './nearby.ts'

/*
 * What one writes in ten minutes: routes, a statement each, and no idea of who is asking. The driver, the framework, the
 * pool and the plan are those of the service.
 */

const sql = postgres(process.env.DATABASE_URL!, {
  max: 10,
  connection: { search_path: 'public, extensions', jit: false, plan_cache_mode: 'force_generic_plan' },
})
const statement = nearestFirst({ latitude: '$1', longitude: '$2', radius: '$3', limit: '$4' })

const app = Fastify()
app.get<{ Querystring: Record<string, string> }>('/nearby', async ({ query }) => ({
  items: await sql.unsafe(
    statement,
    [Number(query.latitude), Number(query.longitude), Number(query.radius_meters), Number(query.limit)],
    { prepare: true },
  ),
}))
const lists = { '/company-shifts': listOf('company'), '/open-shifts': listOf('open') }
for (const [path, list] of Object.entries(lists)) {
  app.get<{ Querystring: { of: string; limit: string } }>(path, async ({ query }) => ({
    items: await sql.unsafe(list, [query.of, Number(query.limit)], { prepare: true }),
  }))
}
app.get('/ready', async () => sql`select 1`)

console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
process.once('SIGTERM', async () => {
  await app.close()
  await sql.end()
})
