import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Database, Parameter } from './db/engine/database.ts'
import type { FunctionCall } from './db/function-call.ts'
import type { Code, ProblemCode } from './http/codes.ts'
import type { ApiPart } from './http/openapi/part.ts'
import type { Job } from './jobs/job.ts'
import type { LiveBoard } from './live/board.ts'
import type { Metric } from './metric.ts'
import type { Check } from './operations/health/finding.ts'
import type { SignIn } from './sign-in/sign-in.ts'

/** A call with its own parameters. */
export interface WarmUp {
  readonly call: FunctionCall
  readonly parameters: readonly Parameter[]
}

/** What a module is to the service: a value, which `app.ts` composes with others. It starts and stops nothing. */
export interface Module extends ApiPart {
  readonly name: string
  /** What its rules refuse; their names are also in `CodeNames`. */
  readonly codes: Readonly<Record<string, ProblemCode>>
  /** Constraints of its tables that stand for a code of the platform, each with the code. */
  readonly constraints?: Readonly<Record<string, Code>>
  /** How the SQLSTATEs of its codes begin, such as `MU2`: each module has a range of its own. */
  readonly sqlstates: string
  /** Adds its routes, below `/v1`. @param all what all modules declare together, also those that are switched off: rows of theirs may be there; and sign-in, where the service does that itself */
  routes(
    v1: FastifyInstance,
    config: Config,
    all: Pick<Module, 'notifications' | 'roles'> & { signIn: SignIn | undefined },
  ): Promise<void>
  /**
   * What its users may be (`memberships.role`), each with the kind of organization for which one has the role; null for none. Its
   * rules have the same list in SQL.
   */
  readonly roles: Readonly<Record<string, string | null>>
  /** Of the publication: what clients follow, and read again by `GET /v1/sync/{table}`. */
  readonly publishedTables: readonly string[]
  /**
   * What it tells users of: each type (`notifications.type`), with the members of its data. Its rules write them, and have the same list of
   * types in SQL.
   */
  readonly notifications: Readonly<Record<string, readonly string[]>>
  /** Of channels that are always private, such as `room:`, before the id of a row; their policies are in SQL. */
  readonly privateChannels: readonly string[]
  /** What it shows at /live. */
  readonly board?: LiveBoard
  /** Its background work. */
  readonly jobs?: readonly Job[]
  /** What `npm run db:health` looks at beside the database itself. */
  readonly checks?: readonly Check[]
  /** What it counts, for `/metrics`. */
  readonly metrics?: readonly Metric[]
  /** Calls that change nothing, and leave in a session what most requests need: each new connection makes them, as nobody. */
  readonly warmUp?: readonly WarmUp[]
  /** Fills an empty, migrated database with a demo. @returns whether it did: not where somebody is already */
  seedDemo?(database: Database): Promise<boolean>
}
