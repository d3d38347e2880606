import { isIP } from 'node:net'
import type { Transporter } from 'nodemailer'
import { type Deliver, DeliveryFailure } from './delivery.ts'

/** An SMTP server on another continent greets within this time; one that does not is down. Milliseconds. */
const CONNECTION_TIMEOUT_MS = 10_000
/** Greylisting and spam filters answer slowly. */
const SOCKET_TIMEOUT_MS = 30_000
const PORT_OF: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 }

export interface SmtpSettings {
  /** `smtps://user:password@host` (port 465), or `smtp://…` (port 587, with STARTTLS). */
  url: string
  /** The sender: `Muster <no-reply@example.com>`. */
  from: string
}

/** What of a URL for SMTP can be used. A server on this machine may do without TLS; to any other, passwords and links go encrypted. */
export function readSmtpUrl(url: string): {
  host: string
  port: number
  secure: boolean
  requireTLS: boolean
  auth: { user: string; pass: string } | undefined
} {
  const { protocol, hostname, port, username, password } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'smtps:'
  return {
    host,
    port: port === '' ? PORT_OF[protocol]! : Number(port),
    secure,
    requireTLS: !secure && !isLoopback(host),
    auth:
      username === ''
        ? undefined
        : { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
  }
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const kind = isIP(host)
  return kind === 4 ? host.startsWith('127.') : kind === 6 && (host === '::1' || /^::ffff:127\./i.test(host))
}

/** Delivers by an SMTP server, over connections that are kept. nodemailer is loaded with the first mail: a start has no use for it. */
export function openSmtp({ url, from }: SmtpSettings): { deliver: Deliver; close(): void } {
  let opening: Promise<Transporter> | undefined
  let isClosed = false
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      ...readSmtpUrl(url),
      pool: true,
      maxConnections: 3,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      greetingTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      // A mail is made of texts here; nothing in it may ever be the path of a file or an address to load.
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: false,
    } as never) as Transporter
  }
  return {
    async deliver({ to, letter }) {
      opening ??= open()
      const transport = await opening
      await transport
        .sendMail({
          from,
          // As an object it is one address, whatever commas and brackets are in it.
          to: { name: '', address: to },
          ...letter,
          // RFC 3834: holiday replies do not answer it.
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
        .catch((error: unknown) => {
          throw asFailure(error)
        })
    },
    close() {
      isClosed = true
      void opening?.then((transport) => isClosed && transport.close())
    },
  }
}

/** Only codes: nodemailer's messages quote what the server said, and that quotes the address. */
function asFailure(error: unknown): DeliveryFailure {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const parts = [
    typeof code === 'string' && /^[A-Z]{1,20}$/.test(code) ? code : 'unknown',
    ...(typeof responseCode === 'number' ? [responseCode] : []),
  ]
  // RFC 5321, section 4.2.1: 5yz is for good. A wrong password is a wrong setting: mended, the mail goes out.
  const isFinal = code !== 'EAUTH' && typeof responseCode === 'number' && responseCode >= 500
  return new DeliveryFailure(parts.join(' '), isFinal)
}
