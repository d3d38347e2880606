import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { listCodes } from '../codes.ts'
import { ASK_AGAIN, makeStaticFile, type StaticFile, sendStaticFile } from '../static-file.ts'
import { completeDocument } from './document.ts'
import type { ApiPart } from './part.ts'

/** The content security policy of every response that is no page: a browser that shows it runs and loads nothing. */
export const NO_PAGE = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
}

export interface OpenapiOptions {
  version: string
  parts: readonly ApiPart[]
  /** Where the page at /docs gets a token by e-mail and password; undefined where others make the tokens. */
  passwordGrantPath: string | undefined
}

const BY_PASSWORD =
  'Every call needs a token: under "Authentication" below, choose `password`, and type the e-mail address and the password of a user. Programs get one by `POST /auth/sign-in/email`. The start of the service prints the password of the demo\'s persons, such as `company@example.com` (also `admin@`, `client@`, `guard@`, `guard2@` and `outsider@example.com`); other people get theirs by an invitation. In development, `npm run --silent token -- company@example.com` prints a token, too.'
const BY_TOKEN =
  'Every call needs a token. With the demo, run `npm run --silent token -- company@example.com` in the folder of the service (also for `admin@`, `client@`, `guard@`, `guard2@` and `outsider@example.com`), and paste the token under "Authentication" below. In production your issuer makes the tokens: see the README.'

/** OpenAPI 3.1 at `/openapi.json`, made from the routes' own schemas. */
export const openapi = fastifyPlugin(
  async (app: FastifyInstance, { version, parts, passwordGrantPath }: OpenapiOptions) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Muster',
          version,
          description: [
            passwordGrantPath ? BY_PASSWORD : BY_TOKEN,
            ...parts.flatMap(({ summary }) => summary ?? []),
            'Coordinates are decimal degrees in WGS 84. Times are RFC 3339 with an offset; the colon in the offset is optional. Bodies are JSON in UTF-8, uncompressed or compressed with gzip. Lists use keyset pagination with an opaque `cursor`. Every `POST` accepts an `Idempotency-Key`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. The examples use the data of the demo, and work unchanged on a service that has it.',
          ].join('\n\n'),
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'This service' }],
        components: {
          securitySchemes: {
            token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
            ...(passwordGrantPath && {
              password: {
                type: 'oauth2' as const,
                description: 'The e-mail address as the user name, and the password.',
                flows: { password: { tokenUrl: passwordGrantPath, scopes: {} } },
              },
            }),
          },
        },
        security: passwordGrantPath ? [{ password: [] }, { token: [] }] : [{ token: [] }],
        tags: [
          ...parts.flatMap((part) => part.tags),
          {
            name: 'sign-in',
            description: 'Signing in without an issuer of one’s own, sessions and invitations.',
          },
          { name: 'realtime', description: 'Resync after a gap: the changes that a client missed.' },
          { name: 'service', description: 'Liveness and readiness of the service.' },
          { name: 'problems', description: problemList() },
        ],
      },
      transform: jsonSchemaTransform,
      transformObject: (source) =>
        completeDocument(withoutUnusedSchemas(jsonSchemaTransformObject(source)), parts),
    })
    let file: Promise<StaticFile> | undefined
    app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
      file ??= makeStaticFile('application/json; charset=utf-8', JSON.stringify(app.swagger()))
      return sendStaticFile(request, reply, await file, ASK_AGAIN)
    })
  },
  { name: 'openapi', fastify: '5.x' },
)

/** The list of all codes in Markdown, of the platform and of the modules. */
const problemList = (): string =>
  [
    'Every `code` that a problem can have. Codes are stable; titles may change. `retry` says whether the same request can be sent again: `never`, `later`, or `after_change` of what the code names. Programs find the same list in `x-codes` of the member `code` in the schema `Problem`.',
    '',
    ...listCodes().map(
      ([code, { status, title, retry, when }]) =>
        `- \`${code}\` (${status}, ${retry}): ${title}${when ? ` Again: ${when}` : ''}`,
    ),
  ].join('\n')

type Document = ReturnType<typeof jsonSchemaTransformObject>

/** Each schema with an id is registered in an input and an output form; a document needs those that it refers to. */
function withoutUnusedSchemas(document: Document): Document {
  const schemas = 'components' in document ? (document.components?.schemas ?? {}) : {}
  const text = JSON.stringify(document)
  const unused = Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`))
  for (const name of unused) delete schemas[name]
  // A removed schema may have been the only one that used another: repeat until nothing changes.
  return unused.length > 0 ? withoutUnusedSchemas(document) : document
}
