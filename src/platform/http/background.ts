import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Database, Transaction } from '../db/engine/database.ts'
import { asJobs } from '../db/identity.ts'
import { Problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A transaction as `muster_jobs`, on the login of background work: for what other services report, which is nobody's request. Only
     * what was granted to background work can be done there; what callers may do is none of it.
     */
    background<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  }
}

export const background = fastifyPlugin(
  async (app: FastifyInstance, { database }: { database: Database | undefined }) => {
    app.decorate('background', async (work) => {
      if (!database) throw new Problem('busy', { retryAfterSeconds: 60 })
      return asJobs(database, work)
    })
  },
  { name: 'background', fastify: '5.x' },
)
