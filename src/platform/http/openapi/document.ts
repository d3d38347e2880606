import { STATUS_CODES } from 'node:http'
import { EXAMPLES } from '../../../guarding/examples.ts'
import { CODES, type Code } from '../codes.ts'
import { describeCodes } from '../problem-responses.ts'
import { IDEMPOTENCY_KEY as KEY_PATTERN } from '../request-sessions.ts'

interface Schema {
  $ref?: string
  default?: unknown
  description?: string
  enum?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  allOf?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
}

interface Response {
  description: string
  headers?: Record<string, object>
  content?: Record<string, { schema: Schema }>
}

/** What of an OpenAPI document is added to here. */
interface Operation {
  operationId?: string
  parameters?: { name: string; in: string; required?: boolean; schema: object; [member: string]: unknown }[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, Response>
}

interface Document {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema>; headers?: object }
}

const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const HEADERS = {
  'X-Request-Id': { description: 'The id of the request, as in the log of the service.', schema: text },
  'X-RateLimit-Limit': { description: 'How many requests a minute one address may make.', schema: count },
  'X-RateLimit-Remaining': { description: 'How many of them are left.', schema: count },
  'X-RateLimit-Reset': { description: 'Seconds until they are counted anew.', schema: count },
  // RFC 9110, section 10.2.3.
  'Retry-After': {
    description: 'Seconds until it makes sense to try again.',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': {
    description:
      'The scheme, and `error="invalid_token"` where a token was given and another one would do (RFC 6750).',
    schema: text,
  },
  'Accept-Encoding': { description: 'The codings that a body may come in.', schema: text },
  Location: { description: 'The address of what was created.', schema: text },
  Link: { description: 'The next page, as `<…>; rel="next"` (RFC 8288); none on the last.', schema: text },
} as const
type Header = keyof typeof HEADERS

const RATE_LIMIT: Header[] = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']
/** By status, beside those of every response. */
const HEADERS_OF: Readonly<Record<string, Header[]>> = {
  401: ['WWW-Authenticate'],
  415: ['Accept-Encoding'],
  429: ['Retry-After', ...RATE_LIMIT],
  503: ['Retry-After'],
}
/** By operation, on success. */
const OWN_HEADERS: Readonly<Record<string, Header[]>> = {
  createCertificate: ['Location'],
  createLocation: ['Location'],
  createOrganization: ['Location'],
  createShift: ['Location'],
  listNearbyShifts: ['Link'],
}

/** As `request-sessions.ts` reads it. */
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Any text that is new for each thing to be done: the same request with the same key again is done once, and answered as the first time, for 24 hours. Of one user 10,000 answers or 16 MiB are kept for a day (in UTC): then requests with a new key are refused, and not done, until the next day (`too_many_idempotency_keys`). Check-ins are taken all the same, for their ids already make them safe to repeat.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: KEY_PATTERN.source },
}

/** Before any route: what is no request, and what is our own fault. */
const OF_ANY_REQUEST: Code[] = ['malformed_request', 'internal']
/** Of what takes a body, or may be sent one. */
const OF_A_BODY: Code[] = ['payload_too_large', 'unsupported_media_type']

/** What a request with a key can be refused with, beside what the route itself says. */
const KEY_CODES = [
  'idempotency_key_reused',
  'too_many_idempotency_keys',
  'answer_too_large',
] as const satisfies Code[]

/** Adds to the document what the routes' schemas cannot say: headers, the key of every POST, and examples that work. */
export function completeDocument<T extends object>(given: T): T {
  const document: Document = withPlainNames(given)
  const { paths = {}, components } = document
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (path.startsWith('/v1/')) {
        addProblems(operation, OF_ANY_REQUEST)
        if (method !== 'get') addProblems(operation, OF_A_BODY)
      }
      if (method === 'post') {
        operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY]
        addProblems(operation, KEY_CODES)
      }
      describeResponses(operation, path.startsWith('/v1/'))
      addExample(operation)
    }
  }
  for (const schema of Object.values(components?.schemas ?? {})) sayDefaults(schema)
  if (components) components.headers = HEADERS
  return document as T
}

/**
 * Each schema has an input and an output form, named `NewShiftInput` and `NewShift`. Where only the one for requests is in the
 * document, it gets the name that a developer looks for.
 */
function withPlainNames<T extends Document>(document: T): T {
  const names = Object.keys(document.components?.schemas ?? {})
  const plain = new Map(
    names
      .map((name) => [name, name.replace(/Input$/, '')])
      .filter(([, wanted]) => !names.includes(wanted!)) as [string, string][],
  )
  const rename = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(rename)
    return Object.fromEntries(
      Object.entries(value).map(([member, inner]) => {
        const [, name] = /^#\/components\/schemas\/(.+)$/.exec(String(inner)) ?? []
        const target = member === '$ref' && name !== undefined ? plain.get(name) : undefined
        return [member, target === undefined ? rename(inner) : `#/components/schemas/${target}`]
      }),
    )
  }
  const renamed = rename(document) as T
  const schemas = Object.entries(renamed.components?.schemas ?? {})
  if (renamed.components) {
    renamed.components.schemas = Object.fromEntries(
      schemas.map(([name, schema]) => [plain.get(name) ?? name, schema]),
    )
  }
  return renamed
}

/**
 * Says the default of a member in words. The keyword makes generators believe that the member is always there: their types then
 * demand it in requests, which is where it may be left out.
 */
function sayDefaults(schema: Schema): void {
  for (const member of Object.values(schema.properties ?? {})) sayDefaults(member)
  if (schema.default === undefined) return
  if (schema.default !== null) {
    const value = typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)
    const words = `\`${value}\` when not given.`
    schema.description = schema.description ? `${schema.description} ${words}` : words
  }
  delete schema.default
}

/** Codes that an operation can answer with beside those that its route names. */
function addProblems({ responses }: Operation, codes: readonly Code[]): void {
  for (const code of codes) {
    const { status } = CODES[code]
    const known = codesOf(responses[status])
    if (known.includes(code)) continue
    responses[status] = problemResponse([...known, code])
  }
}

const PROBLEM = 'application/problem+json'

const codesOf = (response: Response | undefined): Code[] =>
  (response?.content?.[PROBLEM]?.schema.allOf?.flatMap(({ properties }) => properties?.code?.enum ?? []) ??
    []) as Code[]

/** As `problems` of `http/problems.ts` has it, once it is JSON Schema. */
const problemResponse = (codes: Code[]): Response => ({
  description: describeCodes(codes),
  content: {
    [PROBLEM]: {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Problem' },
          {
            type: 'object',
            properties: { code: { type: 'string', enum: codes } },
            required: ['code'],
          } as Schema,
        ],
      },
    },
  },
})

function describeResponses({ operationId = '', responses }: Operation, isOfApi: boolean): void {
  for (const [status, response] of Object.entries(responses)) {
    // What the plugin says where a route says nothing.
    if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? ''
    const isSuccess = status.startsWith('2')
    const headers: Header[] = [
      'X-Request-Id',
      ...(isOfApi ? (HEADERS_OF[status] ?? []) : []),
      ...(isOfApi && isSuccess ? RATE_LIMIT : []),
      ...(isSuccess ? (OWN_HEADERS[operationId] ?? []) : []),
    ]
    response.headers = Object.fromEntries(
      headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
    )
  }
}

function addExample({ operationId = '', parameters = [], requestBody }: Operation): void {
  const example = EXAMPLES[operationId]
  for (const parameter of parameters) {
    const value = example?.parameters?.[parameter.name]
    if (value !== undefined) parameter.example = value
  }
  const json = requestBody?.content['application/json']
  if (json && example?.body !== undefined) json.example = example.body
}
