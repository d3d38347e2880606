import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, expect } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { type Config, hasSignIn, readConfig } from '../../src/config.ts'
import { rolesOf } from '../../src/people/roles-of.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { createVerifier, type TokenVerifier } from '../../src/platform/auth/verifier.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins } from '../../src/platform/db/logins.ts'
import { connectionsOf } from '../../src/platform/db/open.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import type { Code } from '../../src/platform/http/codes.ts'
import { openLog } from '../../src/platform/log.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'
import { watchSuspensions } from '../../src/platform/operations/suspensions.ts'
import type { ChangeRouter } from '../../src/platform/realtime/changes/change-router.ts'
import { type Mail, recordingMailer } from '../../src/platform/sign-in/mail.ts'
import { openMail } from '../../src/platform/sign-in/open-mail.ts'
import { openSignIn, type SignIn } from '../../src/platform/sign-in/sign-in.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'
import { FREIGHT_USERS, type FreightPersona } from './freight-world.ts'
import { buildWorld, USERS, type Persona as WorldPersona } from './world.ts'

/** The people of carriers are only in the world of `buildFreightWorld`. */
type Persona = WorldPersona | FreightPersona
const SUBJECTS = { ...USERS, ...FREIGHT_USERS }

/** What the tokens of the tests are signed with. */
export const SECRET = 'the secret of the tests, at least 32 characters long'

export interface Request {
  body?: unknown
  headers?: Record<string, string>
}

export interface TestApi {
  readonly app: FastifyInstance
  readonly owner: Database
  readonly engine: Database['kind']
  /** The database as the service itself reaches it: as `muster_api` on a server. */
  readonly api: Database
  readonly ownerUrl: string | undefined
  /** A request with a persona's token (or with none), by inject: no socket. */
  as(persona: Persona | null): {
    get(path: string, request?: Request): Promise<LightMyRequestResponse>
    post(path: string, body?: unknown, request?: Request): Promise<LightMyRequestResponse>
    put(path: string, body?: unknown, request?: Request): Promise<LightMyRequestResponse>
    patch(path: string, body?: unknown, request?: Request): Promise<LightMyRequestResponse>
    delete(path: string, request?: Request): Promise<LightMyRequestResponse>
  }
  tokenOf(persona: Persona): Promise<string>
  /** The service once more, on the same database: as after a restart, or as a second instance. The test closes it. */
  startAnother(): Promise<FastifyInstance>
  /** With `SIGN_IN: 'true'`. */
  readonly signIn: SignIn | undefined
  /** What sign-in would have sent, without `SMTP_URL`. */
  readonly mails: readonly Mail[]
  /** The header of somebody who is no persona. */
  authorize(sub: string, email?: string): Promise<{ authorization: string }>
  close(): Promise<void>
}

/** The whole service on a database of its own that holds a world. The router, if any, is the caller's to stop. */
export async function openApi(
  environment: Record<string, string> = {},
  router?: ChangeRouter | ((database: TestDatabase) => Promise<ChangeRouter>),
  logTo?: Parameters<typeof openLog>[1],
  fill: (owner: Database) => Promise<void> = buildWorld,
): Promise<TestApi> {
  const database = await openTestDatabase()
  await fill(database.owner)
  const config = readConfig({
    NODE_ENV: 'test',
    JWT_SECRET: SECRET,
    SIGN_IN_SECRET: 'the secret of sign-in in the tests, long enough',
    SIGN_IN_HASH_COST: '1024',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_PER_MINUTE: '1000000',
    CHECKINS_PER_MINUTE: '1000000',
    STOP_EVENTS_PER_MINUTE: '1000000',
    ...environment,
  })
  const api = await openApiLogin(database, config)
  const signInLogin = hasSignIn(config) ? await openSignInLogin(database, config) : undefined
  const changes = typeof router === 'function' ? await router(database) : router
  const recorded = recordingMailer()
  const mail = config.SMTP_URL === undefined ? undefined : openMail(config, openLog(config, logTo))
  const guarded = (verifier: TokenVerifier): TokenVerifier =>
    suspensions?.refuseSuspended(verifier) ?? verifier
  const openSignInAgain = (): SignIn | undefined =>
    signInLogin &&
    openSignIn({
      config,
      database: signInLogin,
      secret: config.SIGN_IN_SECRET!,
      mailer: mail?.mailer ?? recorded,
      log: openLog(config, logTo),
      rolesOf: (userId) => rolesOf(openSessions(api), userId),
    })
  const signIn = openSignInAgain()
  const suspensions = hasSignIn(config)
    ? watchSuspensions(database.owner, openLog(config, logTo), (id) => cut(id))
    : undefined
  let cut: (userId: string) => void = () => {}
  suspensions?.start()
  const start = async (using = openSignInAgain()): Promise<FastifyInstance> =>
    buildApp({
      config,
      version: '0.0.0-test',
      sessions: openSessions(api),
      verifier: guarded(createVerifier(await resolveTokenSettings(config), { signIn: using })),
      signIn: using,
      checkReadiness: async () => ALL_WELL,
      background: database.owner,
      realtime: changes && { database: api, router: changes },
      log: openLog(config, logTo),
    })
  const app = await start(signIn)
  if (changes) cut = (userId) => app.realtime.cut(userId)

  const tokens = new Map<Persona, string>()
  async function tokenOf(persona: Persona): Promise<string> {
    const known = tokens.get(persona)
    if (known) return known
    const token = await issueToken(SECRET, {
      sub: SUBJECTS[persona],
      email: `${persona.toLowerCase()}@example.com`,
      audience: config.JWT_AUDIENCE,
    })
    tokens.set(persona, token)
    return token
  }

  const send = async (
    persona: Persona | null,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    { body, headers }: Request,
  ) =>
    app.inject({
      method,
      url,
      headers: { ...(persona ? { authorization: `Bearer ${await tokenOf(persona)}` } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })

  return {
    app,
    api,
    owner: database.owner,
    ownerUrl: database.ownerUrl,
    engine: database.engine,
    tokenOf,
    startAnother: () => start(),
    signIn,
    mails: recorded.sent,
    async authorize(sub, email) {
      const token = await issueToken(SECRET, { sub, email, audience: config.JWT_AUDIENCE })
      return { authorization: `Bearer ${token}` }
    },
    as: (persona) => ({
      get: (path, request = {}) => send(persona, 'GET', path, request),
      post: (path, body, request = {}) => send(persona, 'POST', path, { ...request, body }),
      put: (path, body, request = {}) => send(persona, 'PUT', path, { ...request, body }),
      patch: (path, body, request = {}) => send(persona, 'PATCH', path, { ...request, body }),
      delete: (path, request = {}) => send(persona, 'DELETE', path, request),
    }),
    async close() {
      await app.close()
      await mail?.stop(0)
      await suspensions?.stop()
      if (api !== database.owner) await api.close()
      if (signInLogin !== database.owner) await signInLogin?.close()
      await database.close()
    },
  }
}

/** The service's own connections: on a server as a member of `muster_api`, which RLS binds; embedded there is one connection. */
export async function openApiLogin(database: TestDatabase, config: Config): Promise<Database> {
  if (!database.ownerUrl) return database.owner
  const { api } = await enableLogins(database.owner, database.ownerUrl)
  return openServer(connectionsOf(config, { url: api }))
}

/** As `openApiLogin`, for sign-in. */
export async function openSignInLogin(database: TestDatabase, config: Config): Promise<Database> {
  if (!database.ownerUrl) return database.owner
  const { signIn } = await enableLogins(database.owner, database.ownerUrl)
  return openServer(connectionsOf(config, { url: signIn }))
}

/** One service for all tests of the file, with settings that may be known only when it opens. */
export function useApi(
  environment: Record<string, string> | (() => Record<string, string>) = {},
  fill?: (owner: Database) => Promise<void>,
): () => TestApi {
  let api: TestApi | undefined
  beforeAll(async () => {
    api = await openApi(
      typeof environment === 'function' ? environment() : environment,
      undefined,
      undefined,
      fill,
    )
  })
  afterAll(() => api?.close())
  return () => {
    if (!api) throw new Error('The service is open only while tests run.')
    return api
  }
}

/** Expects a problem with a code; its status is checked by the code's own table in the service. */
export function expectProblem(response: LightMyRequestResponse, code: Code): void {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(response.json()).toMatchObject({ code, status: response.statusCode })
}
