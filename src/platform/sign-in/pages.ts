import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config.ts'
import { CSS, fileAt, HTML, JAVASCRIPT, packageFile, scriptsAt, servePageFiles } from '../http/page-files.ts'
import { ASK_AGAIN } from '../http/static-file.ts'
import { type Mailbox, mailboxPage } from './mailbox.ts'

/** An OpenID provider by which people can sign in. */
export interface Provider {
  /** As in `POST /auth/sign-in/social`. */
  id: string
  /** As people know it. */
  name: string
}

export const providersOf = (
  config: Pick<Config, 'GOOGLE_CLIENT_ID' | 'MICROSOFT_CLIENT_ID' | 'OIDC_CLIENT_ID' | 'OIDC_DISCOVERY_URL'>,
): readonly Provider[] => [
  ...(config.GOOGLE_CLIENT_ID === undefined ? [] : [{ id: 'google', name: 'Google' }]),
  ...(config.MICROSOFT_CLIENT_ID === undefined ? [] : [{ id: 'microsoft', name: 'Microsoft' }]),
  ...(config.OIDC_CLIENT_ID === undefined
    ? []
    : // People know their firm's sign-in by its address.
      [{ id: 'oidc', name: new URL(config.OIDC_DISCOVERY_URL ?? 'https://oidc').hostname }]),
]

export interface PagesOptions {
  providers: readonly Provider[]
  mailbox?: Mailbox | undefined
}

const PAGE = new URL('page/', import.meta.url)
const PAGES = { '/sign-in': 'sign-in', '/sign-in/account': 'account' } as const
/**
 * Where mailed links lead (`linkOf` in sign-in.ts). What makes a link good comes after `#`, which browsers keep to themselves: it is in
 * no log on its way, and to open the link changes nothing.
 */
const LINKED_PAGES = {
  '/auth/accept': 'accept',
  '/auth/magic-link': 'sign-in',
  '/auth/reset-password': 'sign-in',
} as const
const SCRIPTS = [
  'account',
  'accept',
  'client',
  'fields',
  'form',
  'passkeys',
  'qr-code',
  'sign-in',
  'start',
  'words',
]
/** Of /live, which makes elements as these pages do. */
const DOM = new URL('../live/page/dom.js', import.meta.url)

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    // Scripts send what is typed; without them nothing is sent.
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'permissions-policy':
    'publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), camera=(), microphone=()',
}

/** The pages at /sign-in: the form, the one that accepts an invitation, and a person's own account. */
export async function signInPages(app: FastifyInstance, { providers, mailbox }: PagesOptions): Promise<void> {
  servePageFiles(
    app,
    '',
    Object.fromEntries(
      Object.entries({ ...PAGES, ...LINKED_PAGES }).map(([path, name]) => [
        path,
        fileAt(HTML, new URL(`${name}.html`, PAGE), HEADERS),
      ]),
    ),
  )
  servePageFiles(app, '/sign-in', {
    '/sign-in.css': fileAt(CSS, new URL('sign-in.css', PAGE)),
    '/qrcode.js': fileAt(JAVASCRIPT, packageFile('qrcode-generator')),
    ...scriptsAt([...SCRIPTS.map((name) => new URL(`${name}.js`, PAGE)), DOM]),
  })
  app.get('/sign-in/settings.json', { schema: { hide: true }, logLevel: 'warn' }, async (_request, reply) =>
    reply
      .header('cache-control', ASK_AGAIN)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ providers }),
  )
  if (mailbox) await app.register(mailboxPage, { mailbox })
}
