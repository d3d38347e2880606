import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Database } from './db/engine/database.ts'
import type { ProblemCode } from './http/codes.ts'
import type { ApiPart } from './http/openapi/part.ts'
import type { Metric } from './metric.ts'

/** What a module is to the service: a value, which `app.ts` composes with others. It starts and stops nothing. */
export interface Module extends ApiPart {
  readonly name: string
  /** What its rules refuse; their names are also in `CodeNames`. */
  readonly codes: Readonly<Record<string, ProblemCode>>
  /** Adds its routes, below `/v1`. */
  routes(v1: FastifyInstance, config: Config): Promise<void>
  /** Of the publication: what clients follow, and read again by `GET /v1/sync/{table}`. */
  readonly publishedTables: readonly string[]
  /** Of channels that are always private, such as `room:`, before the id of a row; their policies are in SQL. */
  readonly privateChannels: readonly string[]
  /** What it counts, for `/metrics`. */
  readonly metrics?: readonly Metric[]
  /** Fills an empty, migrated database with a demo. @returns whether it did: not where somebody is already */
  seedDemo?(database: Database): Promise<boolean>
}
