import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem }
  h1 { margin: 0 }
  li { margin: .5rem 0 }
`

const page = (summaries: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Muster</title>
<link rel="icon" href="/live/icon.svg">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Muster</h1>
${summaries.map((summary) => `<p>${summary}</p>`).join('\n')}
<ul>
<li><a href="/docs">The API</a>, to read and to try</li>
<li><a href="/live">The live board</a>: what happens now, on a map and in a list</li>
<li><a href="/openapi.json">The API as an OpenAPI document</a></li>
</ul>
</main>
</body>
</html>
`

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What a browser shows that was given nothing but the service's address. */
export const frontPage = fastifyPlugin(
  async (app: FastifyInstance, { summaries }: { summaries: readonly string[] }) => {
    const html = page(summaries)
    app.get('/', { schema: { hide: true }, logLevel: 'warn' }, async (_request, reply) =>
      reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(html),
    )
  },
  { name: 'front-page', fastify: '5.x' },
)
