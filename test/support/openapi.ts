/** What the hostile tests need to know of the service's own OpenAPI document. */

interface JsonSchema {
  $ref?: string
  type?: string | string[]
  format?: string
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  minItems?: number
  minLength?: number
  minimum?: number
  exclusiveMinimum?: number
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  default?: unknown
  examples?: unknown[]
}

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId?: string
        security?: unknown[]
        parameters?: { name: string; in: string; required?: boolean; schema: JsonSchema }[]
        requestBody?: { required?: boolean; content: Record<string, { schema: JsonSchema }> }
        responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>
      }
    >
  >
  components?: { schemas?: Record<string, JsonSchema> }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Route {
  name: string
  method: Method
  /** With its parameters in braces. */
  path: string
  isPublic: boolean
  pathParameters: string[]
  queryParameters: string[]
  /** Undefined where it takes none. */
  body: JsonSchema | undefined
  /** The codes that its problems can have. */
  codes: unknown[]
}

/** Where a value stands in a body: names and positions, from the outside in. */
export type Place = (string | number)[]

export class OpenApi {
  readonly routes: Route[]
  readonly #document: Document

  constructor(document: unknown) {
    this.#document = document as Document
    this.routes = Object.entries(this.#document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]): Route => {
        const parameters = operation.parameters ?? []
        const inPlace = (place: string): string[] =>
          parameters.filter((parameter) => parameter.in === place).map(({ name }) => name)
        return {
          name: `${method.toUpperCase()} ${path}`,
          method: method.toUpperCase() as Method,
          path,
          isPublic: operation.security?.length === 0,
          pathParameters: inPlace('path'),
          queryParameters: inPlace('query'),
          body: operation.requestBody?.content['application/json']?.schema,
          codes: Object.values(operation.responses).flatMap(
            ({ content }) =>
              content?.['application/problem+json']?.schema.allOf?.flatMap(
                (part) => part.properties?.code?.enum ?? [],
              ) ?? [],
          ),
        }
      }),
    )
  }

  /**
   * A body that its schema takes, with every member, optional ones too.
   *
   * @param known the value of a member by its name, where any value of its type would not do
   */
  sample(schema: JsonSchema, known: Readonly<Record<string, unknown>>, name = ''): unknown {
    const { type, ...rest } = this.#resolve(schema)
    if (name in known) return known[name]
    if (rest.const !== undefined) return rest.const
    if (rest.enum) return rest.enum[0]
    switch ([type].flat()[0]) {
      case 'object':
        return Object.fromEntries(
          Object.entries(rest.properties ?? {}).map(([member, inner]) => [
            member,
            this.sample(inner, known, member),
          ]),
        )
      case 'array':
        return [this.sample(rest.items ?? {}, known)]
      case 'string':
        return rest.examples?.[0] ?? 'text'.padEnd(rest.minLength ?? 0, 't')
      case 'integer':
      case 'number':
        return rest.examples?.[0] ?? rest.minimum ?? (rest.exclusiveMinimum ?? 0) + 1
      case 'boolean':
        return true
    }
    return null
  }

  #resolve(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.split('/').at(-1)
    if (name !== undefined) return this.#resolve(this.#document.components?.schemas?.[name] ?? {})
    const [first] = schema.anyOf ?? schema.oneOf ?? []
    return first ? this.#resolve(first) : schema
  }
}

/** Every place in a body, the body itself and what is inside objects and arrays. */
export function placesIn(body: unknown, place: Place = []): Place[] {
  if (typeof body !== 'object' || body === null) return [place]
  const inner = Array.isArray(body) ? body.map((value, n) => [n, value] as const) : Object.entries(body)
  return [place, ...inner.flatMap(([name, value]) => placesIn(value, [...place, name]))]
}

/** The JSON text of a body with other JSON text in one place. */
export function withTextAt(body: unknown, place: Place, text: string): string {
  const marker = '\u0001here\u0001'
  const changed = structuredClone({ body })
  let at: Record<string | number, unknown> = changed
  const path: Place = ['body', ...place]
  for (const name of path.slice(0, -1)) at = at[name] as Record<string | number, unknown>
  at[path.at(-1)!] = marker
  const [before = '', after = ''] = JSON.stringify(changed.body).split(JSON.stringify(marker))
  return before + text + after
}
