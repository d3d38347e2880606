import { createHash } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { ASK_AGAIN, KEEP_FOR_GOOD, makeStaticFile, type StaticFile, sendStaticFile } from '../static-file.ts'

const PATH = '/docs'
const SCRIPT_PATH = `${PATH}/js/scalar.js`
const DOCUMENT_PATH = `${PATH}/openapi.json`

/** Parts of the page that lead to services of its makers. */
const NOT_OURS = {
  showDeveloperTools: 'never',
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
} as const

/** What of the page's request is changed here. */
interface RequestBuilder {
  query: URLSearchParams
  headers: Headers
  security: { value: string }[]
}

/**
 * A field that was emptied is not sent, and neither is a token that nobody gave: the page would send `limit=` and `Bearer`, which
 * are refused for their form. It becomes text of the page, so it uses nothing from around it.
 */
const leaveOutEmpty = ({ requestBuilder }: { requestBuilder: RequestBuilder }): void => {
  for (const values of [requestBuilder.query, requestBuilder.headers]) {
    for (const [name, value] of [...values]) if (value === '') values.delete(name)
  }
  requestBuilder.security = requestBuilder.security.filter(({ value }) => value.trim() !== '')
}

interface Page {
  html: StaticFile
  policy: string
  script: StaticFile
}

/**
 * A page at `/docs` to read and try what `/openapi.json` describes. It is loaded when somebody first asks for it: its package is
 * 200 modules with a script of 4 MB, which most services never show, and which would be a fifth of what a start has to load.
 */
export const docsPage = fastifyPlugin(
  async (app: FastifyInstance) => {
    let loading: Promise<Page> | undefined
    const page = (): Promise<Page> => {
      loading ??= loadPage()
      return loading
    }
    const schema = { hide: true }
    // Relative addresses in the page need the slash.
    app.get(PATH, { schema }, async (_request, reply) => reply.redirect(`${PATH}/`, 301))
    app.get(`${PATH}/`, { schema }, async (request, reply) => {
      const { html, policy } = await page()
      return sendStaticFile(request, reply.header('content-security-policy', policy), html, ASK_AGAIN)
    })
    app.get(DOCUMENT_PATH, { schema }, async (_request, reply) =>
      reply
        .type('application/json; charset=utf-8')
        .serializer(JSON.stringify)
        .send(withJsonLast(app.swagger())),
    )
    app.get<{ Querystring: { v?: string } }>(SCRIPT_PATH, { schema }, async (request, reply) => {
      const { script } = await page()
      // Another version than this one's: a page that was loaded before an update. It is not kept under the wrong name.
      const isNamed = request.query.v === script.digest
      return sendStaticFile(request, reply, script, isNamed ? KEEP_FOR_GOOD : ASK_AGAIN)
    })
  },
  { name: 'docs-page', fastify: '5.x' },
)

/** The page is the same each time, so what its plugin answers is asked of it once. */
async function loadPage(): Promise<Page> {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const app = Fastify()
  await app.register(scalar, {
    routePrefix: PATH,
    configuration: {
      title: 'Muster API',
      favicon: '/live/icon.svg',
      url: DOCUMENT_PATH,
      onBeforeRequest: leaveOutEmpty,
      withDefaultFonts: false,
      telemetry: false,
      ...NOT_OURS,
    },
  })
  const { body: page } = await app.inject(`${PATH}/`)
  const { body: code } = await app.inject(SCRIPT_PATH)
  await app.close()
  const script = await makeStaticFile('text/javascript; charset=utf-8', code)
  const html = page.replace('src="js/scalar.js"', `src="js/scalar.js?v=${script.digest}"`)
  return { html: await makeStaticFile('text/html; charset=utf-8', html), policy: pagePolicy(html), script }
}

/**
 * The document with `application/json` as the last of the types of each content. The page takes `application/geo+json` for another
 * spelling of it, and shows the last of both.
 */
function withJsonLast(document: object): object {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key !== 'content' || !value?.['application/json']) return value
    const { 'application/json': json, ...others } = value
    return { ...others, 'application/json': json }
  })
}

/**
 * The content security policy of the page: its own script, the inline ones that start it (by their hashes), the styles that its
 * script makes, and requests to this service. Nothing of another host.
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
