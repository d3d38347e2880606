import { createHash } from 'node:crypto'
import swagger from '@fastify/swagger'
import scalar from '@scalar/fastify-api-reference'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { CODES } from '../errors/codes.ts'
import { completeDocument } from './openapi-document.ts'

/** The content security policy of everything that is no page: a browser that is led to show it runs and loads nothing. */
export const NO_PAGE = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
}

/**
 * That of the page at /docs: its own script, the inline ones that start it (by their hashes), the styles that its script makes,
 * and requests to this service. Nothing of another host.
 */
function pagePolicy(html: string): string {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    `script-src 'self' ${scripts.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** OpenAPI 3.1 at `/openapi.json`, made from the routes' own schemas, and a page to read and try it at `/docs`. */
export const openapi = fastifyPlugin(
  async (app: FastifyInstance, { version }: { version: string }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Muster',
          version,
          description:
            'Shifts of security guards: published by companies, found nearby, claimed, proved by GPS check-ins, paid.\n\nCoordinates are decimal degrees in WGS 84. Lists are paginated by an opaque `cursor`. Every `POST` takes an `Idempotency-Key`. Errors are `application/problem+json` (RFC 9457) with a stable `code`. The examples are about the demo: a service that has it takes them as they are.',
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'This service' }],
        components: {
          securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        },
        security: [{ token: [] }],
        tags: [
          { name: 'me', description: 'Who calls, and how one becomes a user.' },
          { name: 'shifts', description: 'From draft to completed.' },
          { name: 'check-ins', description: 'Where guards were, as their phones report it.' },
          { name: 'locations', description: 'The sites.' },
          { name: 'professionals', description: 'Guards and their certificates.' },
          { name: 'incidents', description: 'What happened on site.' },
          { name: 'notifications', description: 'What a user should know.' },
          { name: 'transactions', description: 'What shifts pay.' },
          { name: 'organizations', description: 'Companies and their clients.' },
          { name: 'realtime', description: 'What changed while you were away.' },
          { name: 'service', description: 'Is it up?' },
          { name: 'problems', description: problemList() },
        ],
      },
      transform: jsonSchemaTransform,
      transformObject: (source) => completeDocument(withoutUnusedSchemas(jsonSchemaTransformObject(source))),
    })
    // The plugin's own routes, so by hook; the page is the same each time.
    app.addHook<string>('onSend', async (request, reply, payload) => {
      if (request.routeOptions.url === '/docs/' && typeof payload === 'string') {
        reply.header('content-security-policy', pagePolicy(payload))
      }
      return payload
    })
    await app.register(scalar, {
      routePrefix: '/docs',
      configuration: {
        title: 'Muster API',
        favicon: '/live/icon.svg',
        url: '/openapi.json',
        withDefaultFonts: false,
        telemetry: false,
        ...NOT_OURS,
      },
    })
    app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
      reply.serializer(JSON.stringify).send(app.swagger()),
    )
  },
  { name: 'openapi', fastify: '5.x' },
)

/** Parts of the page that lead to services of its makers. */
const NOT_OURS = { showDeveloperTools: 'never', agent: { disabled: true }, mcp: { disabled: true } } as const

/** Every code, from `errors/codes.ts`. */
const problemList = (): string =>
  [
    'What the `code` of a problem can be. Programs go by the code; the words may change.',
    '',
    ...Object.entries(CODES).map(([code, { status, title }]) => `- \`${code}\` (${status}): ${title}`),
  ].join('\n')

type Document = ReturnType<typeof jsonSchemaTransformObject>

/** Each schema with an id is registered in an input and an output form; a document needs those that it refers to. */
function withoutUnusedSchemas(document: Document): Document {
  const schemas = 'components' in document ? (document.components?.schemas ?? {}) : {}
  const text = JSON.stringify(document)
  const unused = Object.keys(schemas).filter((name) => !text.includes(`"#/components/schemas/${name}"`))
  for (const name of unused) delete schemas[name]
  // What is removed may have been all that used another.
  return unused.length > 0 ? withoutUnusedSchemas(document) : document
}
