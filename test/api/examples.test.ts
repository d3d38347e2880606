import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildApp, seedDemo } from '../../src/app.ts'
import { findDemoUser } from '../../src/cli/demo-users.ts'
import { readConfig } from '../../src/config.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { createVerifier } from '../../src/platform/auth/verifier.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { ALL_WELL } from '../../src/platform/operations/routes.ts'
import { SECRET } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { EXAMPLES } from '../support/modules.ts'

/** The examples of the API's description, sent to a service that has just filled itself with the demo. */
const database = useTestDatabase()
let app: FastifyInstance
let operations: Operation[]

interface Operation {
  operationId: string
  method: string
  path: string
  parameters: { name: string; in: string; schema: object; example?: string | number }[]
  responses: Record<string, { description: string; headers?: object }>
  isBodyRequired: boolean
  example: object | undefined
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      Pick<Operation, 'operationId' | 'responses'> & {
        parameters?: Operation['parameters']
        requestBody?: { required?: boolean; content: { 'application/json': { example?: object } } }
      }
    >
  >
}

beforeAll(async () => {
  const config = readConfig({ NODE_ENV: 'test', JWT_SECRET: SECRET, LOG_LEVEL: 'silent' })
  await seedDemo(database().owner, config)
  app = await buildApp({
    config,
    version: '0.0.0-test',
    sessions: openSessions(database().owner),
    verifier: createVerifier(await resolveTokenSettings(config)),
    checkReadiness: async () => ALL_WELL,
  })
  const document: Document = (await app.inject({ url: '/openapi.json' })).json()
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, ...rest }]) => ({
      ...rest,
      method,
      path,
      parameters,
      isBodyRequired: requestBody?.required ?? false,
      example: requestBody?.content['application/json'].example,
    })),
  )
})
afterAll(() => app?.close())

/** What makes the row of a path whose id has no example, such as `createIncident` for `changeIncident`; undefined where all have one. */
const makerOf = ({ operationId, path, parameters }: Operation): string | undefined =>
  [...path.matchAll(/\{(\w+)\}/g)].every(([, name]) =>
    parameters.some((one) => one.in === 'path' && one.name === name && one.example !== undefined),
  )
    ? undefined
    : operationId.replace(/^[a-z]+/, 'create')
/**
 * Not to be sent as it is: one needs a code that is told once, one a notification, two a shift of about now, the others hours that
 * were worked: the database makes the ids of timesheets, pay periods and statements.
 */
const NEEDS_MORE = new Set([
  ...['acceptInvitation', 'readNotification', 'createCheckIn', 'createCorrection'],
  ...['getTimesheet', 'approveTimesheet', 'disputeTimesheet', 'counterTimesheet', 'resolveTimesheet'],
  ...['closePayPeriod', 'getStatement', 'correctStatement'],
  // One comes with a statement, and who reports what became of it signs that.
  ...['getPayout', 'retryPayout', 'receivePayoutEvent'],
])
/** What has to have been done before, as what makes a row that others need: the rest comes in the order of the document. */
const FIRST = ['claimShift']
/**
 * Comes at the end, with whatever removes a row: without its client a company may not change what it has there, and nobody reinstates a
 * user who was ended.
 */
const LAST = ['unlinkClient', 'withdrawInvitation', 'endUser']
const AS: Readonly<Record<string, string>> = {
  createOrganization: 'admin',
  withdrawInvitation: 'admin',
  removeLocation: 'client',
  removeDriver: 'office',
  getCertificate: 'guard',
}

it('has an example wherever something must be given, and each of them works', async () => {
  const first = [...FIRST, ...operations.flatMap((operation) => makerOf(operation) ?? [])]
  const rank = ({ operationId }: Operation): number =>
    first.includes(operationId)
      ? first.indexOf(operationId) - first.length
      : LAST.includes(operationId) || operationId.startsWith('remove')
        ? 1
        : 0
  const made = new Map<string, string>()
  const wrong: string[] = []
  for (const operation of [...operations].sort((a, b) => rank(a) - rank(b))) {
    const { operationId, method, path, parameters, example, responses } = operation
    if (!path.startsWith('/v1/') || NEEDS_MORE.has(operationId)) continue
    const maker = makerOf(operation)
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name) => {
      const parameter = parameters.find((one) => one.name === name && one.in === 'path')
      return String(parameter?.example ?? made.get(maker ?? ''))
    })
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && parameter.example !== undefined)
      .map(({ name, example }) => `${name}=${example}`)
    const persona = EXAMPLES[operationId]?.as ?? AS[operationId] ?? 'admin'
    const response = await app.inject({
      method: method.toUpperCase() as 'GET',
      url: query.length > 0 ? `${url}?${query.join('&')}` : url,
      headers: { authorization: `Bearer ${await tokenOf(`${persona}@example.com`)}` },
      ...(example ? { payload: example } : {}),
    })
    const wanted = Object.keys(responses).find((status) => status.startsWith('2'))
    if (String(response.statusCode) !== wanted)
      wrong.push(
        `${operationId}: ${method} ${url} as ${persona} is answered ${response.statusCode} ${response.statusCode < 400 ? '' : response.json().code}, not ${wanted}`,
      )
    if (response.statusCode === 201 && response.json().id) made.set(operationId, response.json().id)
  }
  expect(wrong).toEqual([])
})

it('is of operations that there are, each with its own parameters', () => {
  const known = new Map(operations.map((operation) => [operation.operationId, operation]))
  for (const [operationId, { parameters = {}, body }] of Object.entries(EXAMPLES)) {
    const operation = known.get(operationId)
    expect(operation, operationId).toBeDefined()
    const names = operation!.parameters.map(({ name }) => name)
    expect(names, operationId).toEqual(expect.arrayContaining(Object.keys(parameters)))
    expect(operation!.example, operationId).toEqual(body)
  }
  const without = operations.filter(({ isBodyRequired, example }) => isBodyRequired && !example)
  expect(without.map(({ operationId }) => operationId)).toEqual([])
})

it('describes the key of each POST, and the header that says when to come again', () => {
  for (const { method, path, parameters, responses, operationId } of operations) {
    const isPost = method === 'post' && operationId !== 'receivePayoutEvent'
    const takesKey = parameters.some(({ name }) => name === 'Idempotency-Key')
    expect(takesKey, operationId).toBe(isPost)
    if (isPost) expect(responses['422']?.description).toContain('idempotency_key_reused')
    for (const status of path.startsWith('/v1/') ? ['429', '503'] : []) {
      expect(responses[status]?.headers, `${operationId} ${status}`).toHaveProperty('Retry-After')
    }
  }
})

it('describes numbers and switches of a query as what they are', () => {
  const { parameters } = operations.find(({ operationId }) => operationId === 'listNearbyShifts')!
  const schemas = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]))
  expect(schemas).toMatchObject({
    latitude: { type: 'number', minimum: -90, maximum: 90 },
    radius_meters: { type: 'number', minimum: 1, maximum: 100_000 },
    limit: { type: 'integer', minimum: 1, maximum: 100 },
    eligible_only: { type: 'boolean' },
  })
  expect(schemas.limit).not.toHaveProperty('pattern')
})

async function tokenOf(email: string): Promise<string> {
  const user = findDemoUser(email)
  return issueToken(SECRET, { sub: user!.id, email, issuer: undefined, audience: 'authenticated' })
}
