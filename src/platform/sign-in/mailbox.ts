import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Deliver } from './delivery.ts'
import { isLoopback } from './smtp.ts'
import { escapeHtml } from './texts.ts'

/** The newest mails; a developer looks at the last one. */
const MOST_MAILS = 50
const MAILBOX_PATH = '/sign-in/mailbox'

export interface KeptMail {
  to: string
  subject: string
  text: string
  at: Date
}

/** Where mails go that have no SMTP server, in development: into the memory of the process. */
export interface Mailbox {
  readonly deliver: Deliver
  /** Newest first. */
  readonly mails: readonly KeptMail[]
}

export function openMailbox(): Mailbox {
  const mails: KeptMail[] = []
  return {
    mails,
    async deliver({ to, letter: { subject, text } }) {
      mails.unshift({ to, subject, text, at: new Date() })
      mails.splice(MOST_MAILS)
    },
  }
}

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
  article { border-block-start: 1px solid; padding-block: 1rem }
  h2 { margin: 0; font-size: 1.1rem }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }
`

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Plain text, with its addresses as links. */
const linked = (text: string): string =>
  escapeHtml(text).replace(/\bhttps?:\/\/[^\s<>"]+/g, (url) => `<a href="${url}">${url}</a>`)

function pageOf(mails: readonly KeptMail[]): string {
  const articles = mails.map(
    ({ to, subject, text, at }) => `<article>
<h2>${escapeHtml(subject)}</h2>
<p>To ${escapeHtml(to)}, <time datetime="${at.toISOString()}">${at.toISOString().slice(11, 19)} UTC</time></p>
<pre>${linked(text)}</pre>
</article>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="5">
<title>Mailbox of this service</title>
<link rel="icon" href="/live/icon.svg">
<style>${STYLE}</style>
</head>
<body>
<header><h1>Mailbox</h1></header>
<main>
<p>No SMTP server is set (SMTP_URL), so mails end here, newest first. They are kept in memory until the service stops. Only this machine
can open this page, and there is none in production.</p>
${articles.length === 0 ? '<p>No mails yet.</p>' : articles.join('\n')}
</main>
</body>
</html>
`
}

/**
 * The page of the mailbox. It shows links with which anybody can sign in, so it answers only connections from this machine that also
 * ask for this machine by name: a page of another site that a developer has open could otherwise reach it under a name of its own
 * (DNS rebinding).
 */
export async function mailboxPage(app: FastifyInstance, { mailbox }: { mailbox: Mailbox }): Promise<void> {
  app.get(MAILBOX_PATH, { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
    const peer = request.socket.remoteAddress ?? ''
    const host = request.headers.host?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') ?? ''
    // A proxy on this machine passes on what strangers ask.
    const isForwarded =
      request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined
    if (!isLoopback(peer) || !isLoopback(host) || isForwarded) return reply.callNotFound()
    return reply
      .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-store' })
      .type('text/html; charset=utf-8')
      .send(pageOf(mailbox.mails))
  })
}
