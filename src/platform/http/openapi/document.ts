import { STATUS_CODES } from 'node:http'
import { CODES, type Code } from '../codes.ts'
import { describeCodes } from '../problem.ts'
import { IDEMPOTENCY_KEY as KEY_PATTERN } from '../request-sessions.ts'
import type { ApiPart, Example } from './part.ts'

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

/** The parts of an OpenAPI operation that this file adds to. */
interface Operation {
  operationId?: string
  parameters?: { name: string; in: string; required?: boolean; schema: object; [member: string]: unknown }[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  /** Empty: nobody is asked for a token. */
  security?: object[]
  responses: Record<string, Response>
}

interface Document {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema>; headers?: object }
}

const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const HEADERS = {
  'X-Request-Id': {
    description: 'The id of the request, as it appears in the log of the service.',
    schema: text,
  },
  'X-RateLimit-Limit': {
    description: 'The number of requests that one address may make per minute.',
    schema: count,
  },
  'X-RateLimit-Remaining': {
    description: 'The number of requests that the address has left in this minute.',
    schema: count,
  },
  'X-RateLimit-Reset': {
    description: 'Seconds until the request counter of the address is reset.',
    schema: count,
  },
  // RFC 9110, section 10.2.3.
  'Retry-After': {
    description: 'Seconds after which the client can send the request again.',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': {
    description:
      'The authentication scheme; with `error="invalid_token"` when the request had a token that was refused (RFC 6750).',
    schema: text,
  },
  'Accept-Encoding': {
    description: 'The content codings that the service accepts for request bodies.',
    schema: text,
  },
  Location: { description: 'The URL of the created resource.', schema: text },
  Link: {
    description:
      'The URL of the next page, as `<…>; rel="next"` (RFC 8288). The last page has no such header.',
    schema: text,
  },
} as const
export type Header = keyof typeof HEADERS

const RATE_LIMIT: Header[] = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']
/** Response headers by status, in addition to those of every response. */
const HEADERS_OF: Readonly<Record<string, Header[]>> = {
  401: ['WWW-Authenticate'],
  415: ['Accept-Encoding'],
  429: ['Retry-After', ...RATE_LIMIT],
  503: ['Retry-After'],
}
/** The header, as `request-sessions.ts` reads it. */
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A text that the client makes new for each operation. It makes the request idempotent: for 24 hours, the service executes repeated requests with the same key once and answers each of them with the first response. The service stores at most 10,000 responses or 16 MiB per user and day (UTC). Beyond that it refuses requests with a new key until the next day (`too_many_idempotency_keys`) and does not execute them. Check-ins are still accepted, because their ids already make them idempotent.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: KEY_PATTERN.source },
}

/** Codes that any request can get: it could not be parsed, or the service failed. */
const OF_ANY_REQUEST: Code[] = ['malformed_request', 'internal']
/** Codes of operations that take a body, or to which a client may send one. */
const OF_A_BODY: Code[] = ['payload_too_large', 'unsupported_media_type']

/** Codes that a request with an Idempotency-Key can get, in addition to those of its route. */
const KEY_CODES = [
  'idempotency_key_reused',
  'too_many_idempotency_keys',
  'answer_too_large',
] as const satisfies Code[]

/** Adds what the routes' schemas cannot express: headers, the Idempotency-Key of every POST, and examples that work with the demo. */
export function completeDocument<T extends object>(given: T, parts: readonly ApiPart[]): T {
  const document: Document = withPlainNames(given)
  const examples: Record<string, Example> = Object.assign({}, ...parts.map((part) => part.examples))
  const headers: Record<string, readonly Header[]> = Object.assign({}, ...parts.map((part) => part.headers))
  const { paths = {}, components } = document
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (path.startsWith('/v1/')) {
        addProblems(operation, OF_ANY_REQUEST)
        if (method !== 'get') addProblems(operation, OF_A_BODY)
      }
      // Keys are kept by user: whoever has no token has none.
      if (method === 'post' && operation.security?.length !== 0) {
        operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY]
        addProblems(operation, KEY_CODES)
      }
      const { operationId = '' } = operation
      describeResponses(operation, path.startsWith('/v1/'), headers[operationId])
      addExample(operation, examples[operationId])
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
 * Moves the default of a member into its description. With the keyword `default`, code generators declare the member as required,
 * also in requests, where it is optional.
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

/** Adds codes that an operation can answer with in addition to those of its route. */
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

/** The JSON Schema form of what `problems` in `problem.ts` makes. */
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

function describeResponses(
  { responses }: Operation,
  isOfApi: boolean,
  onSuccess: readonly Header[] = [],
): void {
  for (const [status, response] of Object.entries(responses)) {
    // The plugin's placeholder where a route has no description.
    if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? ''
    const isSuccess = status.startsWith('2')
    const headers: Header[] = [
      'X-Request-Id',
      ...(isOfApi ? (HEADERS_OF[status] ?? []) : []),
      ...(isOfApi && isSuccess ? RATE_LIMIT : []),
      ...(isSuccess ? onSuccess : []),
    ]
    response.headers = Object.fromEntries(
      headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
    )
  }
}

function addExample({ parameters = [], requestBody }: Operation, example: Example | undefined): void {
  for (const parameter of parameters) {
    const value = example?.parameters?.[parameter.name]
    if (value !== undefined) parameter.example = value
  }
  const json = requestBody?.content['application/json']
  if (json && example?.body !== undefined) json.example = example.body
}
