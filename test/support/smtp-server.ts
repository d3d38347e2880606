import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  from: string
  to: string[]
  /** As it came: headers and body. */
  raw: string
  subject: string
  /** The part in plain text. */
  text: string
  html: string
}

export interface TestSmtpServer {
  readonly url: string
  readonly received: ReceivedMail[]
  /** The next mails are refused with this response, each address in the order it comes; undefined: taken. */
  refuseWith(responses: (number | undefined)[]): void
  close(): Promise<void>
}

/** An SMTP server of the test's own, on loopback: it keeps what it gets. Its refusals quote the address, as real ones do. */
export async function startSmtpServer(): Promise<TestSmtpServer> {
  const received: ReceivedMail[] = []
  let refusals: (number | undefined)[] = []
  const server = new SMTPServer({
    authOptional: true,
    closeTimeout: 500,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onRcptTo({ address }, _session, callback) {
      const code = refusals.shift()
      if (code === undefined) return callback()
      callback(Object.assign(new Error(`<${address}> is not welcome`), { responseCode: code }))
    },
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString()
        received.push({
          from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          raw,
          subject: decodeWords(/^Subject: ((?:.*)(?:\r\n[ \t].*)*)/m.exec(raw)?.[1] ?? ''),
          text: partOf(raw, 'text/plain'),
          html: partOf(raw, 'text/html'),
        })
        callback()
      })
    },
  })
  // A client that goes away while it is refused.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    refuseWith(responses) {
      refusals = [...responses]
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** What nodemailer writes, and no more of MIME than that. */
function partOf(raw: string, type: string): string {
  const at = raw.indexOf(`Content-Type: ${type}`)
  const begin = raw.indexOf('\r\n\r\n', at)
  const text = raw.slice(begin + 4).split('\r\n--', 1)[0]!
  return /quoted-printable/.test(raw.slice(at, begin))
    ? decodeQuoted(text)
    : /base64/.test(raw.slice(at, begin))
      ? Buffer.from(text, 'base64').toString()
      : text
}

const decodeQuoted = (text: string): string =>
  Buffer.from(
    text
      .replace(/=\r\n/g, '')
      .replace(/=([\dA-F]{2})/g, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16))),
    'latin1',
  ).toString()

const decodeWords = (text: string): string =>
  text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([BQ])\?(.*?)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString()
        : decodeQuoted(word.replaceAll('_', ' ')),
    )
