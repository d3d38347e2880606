import { STATUS_CODES } from 'node:http'
import { CODES, type Code } from '../errors/codes.ts'
import { EXAMPLES } from './openapi-examples.ts'

/** What of an OpenAPI document is added to here. */
interface Operation {
  operationId?: string
  parameters?: { name: string; in: string; required?: boolean; schema: object; [member: string]: unknown }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
  responses: Record<string, { description: string; headers?: object; content?: object }>
}

/** RFC 9110, section 10.2.3, in seconds. */
const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds until it makes sense to try again.',
    schema: { type: 'integer', minimum: 1 },
  },
}
/** As `plugins/sessions.ts` reads it. */
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Any text that is new for each thing to be done: the same request with the same key again is done once, and answered as the first time, for 24 hours. Of one user 10,000 answers or 16 MiB are kept for a day (in UTC): then requests with a new key are refused, and not done, until the next day (`too_many_idempotency_keys`). Check-ins are taken all the same, for their ids already make them safe to repeat.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
}

/** What a request with a key can be refused with, beside what the route itself says. */
const KEY_CODES = [
  'idempotency_key_reused',
  'too_many_idempotency_keys',
  'answer_too_large',
] as const satisfies Code[]

/** Adds to the document what the routes' schemas cannot say: headers, the key of every POST, and examples that work. */
export function completeDocument<T extends object>(document: T): T {
  const { paths } = document as { paths?: Record<string, Record<string, Operation>> }
  for (const operations of Object.values(paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      if (method === 'post') addIdempotencyKey(operation)
      describeResponses(operation)
      addExample(operation)
    }
  }
  return document
}

function addIdempotencyKey(operation: Operation): void {
  operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY_KEY]
  for (const code of KEY_CODES) {
    const known = operation.responses[CODES[code].status]
    const description = `\`${code}\`: ${CODES[code].title}`
    operation.responses[CODES[code].status] = {
      content: operation.responses[CODES.busy.status]?.content ?? {},
      ...known,
      description: known ? `${known.description}\n\n${description}` : description,
    }
  }
}

function describeResponses({ responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    // What the plugin says where a route says nothing.
    if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? ''
    const isProblem = 'application/problem+json' in (response.content ?? {})
    if (isProblem && (status === '429' || status === '503')) response.headers = RETRY_AFTER
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
