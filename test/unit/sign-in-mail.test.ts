import Fastify from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openLog } from '../../src/platform/log.ts'
import { MAX_WAITING } from '../../src/platform/sign-in/delivery.ts'
import { MAIL_LANGUAGES, type Mail, type MailKind } from '../../src/platform/sign-in/mail.ts'
import { mailboxPage, openMailbox } from '../../src/platform/sign-in/mailbox.ts'
import { openMail } from '../../src/platform/sign-in/open-mail.ts'
import { readSmtpUrl } from '../../src/platform/sign-in/smtp.ts'
import { languageOf, writeLetter } from '../../src/platform/sign-in/texts.ts'
import { patience } from '../support/patience.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

const KINDS: readonly MailKind[] = ['invitation', 'magic_link', 'code', 'reset_password', 'password_changed']
const NOW = Date.parse('2026-11-30T12:00:00Z')
const DATA = {
  url: 'https://muster.example/sign-in/accept#code=abc',
  code: '123456',
  name: 'Anna',
  tenant_name: 'Marketplace',
  organization_name: 'Guards & Sons <b>',
  expires_at: '2026-11-30T12:15:00Z',
}
const PATIENCE_MS = patience(10_000)
const linkTo = (to: string): Mail => ({ to, kind: 'magic_link', language: 'en', data: DATA })

describe('what mails say', () => {
  it.each(MAIL_LANGUAGES)('is written in each language, as text and as HTML (%s)', (language) => {
    for (const kind of KINDS) {
      const { subject, text, html } = writeLetter({ kind, language, data: DATA }, NOW)
      expect(subject).toMatch(/^\S.{5,}$/)
      expect(html).toContain(`<html lang="${language}">`)
      expect([kind, text.includes(kind === 'code' ? DATA.code : DATA.url)]).toEqual([kind, true])
      // A code is not in the subject: phones show it on a locked screen.
      expect(subject).not.toContain(DATA.code)
      // Nothing that is loaded tells anybody that the mail was read.
      expect(html).not.toMatch(/<img|src=|@import|url\(/)
    }
    expect(writeLetter({ kind: 'invitation', language: 'nl', data: DATA }, NOW).text).toContain('Uitnodiging')
  })

  it('has names as text, in one line and not as long as a message', () => {
    const organization_name = `A <script>\r\nBcc: all@example.com\n${'x'.repeat(200)}`
    const { subject, html } = writeLetter(
      { kind: 'invitation', language: 'en', data: { ...DATA, organization_name } },
      NOW,
    )
    expect(subject).toMatch(/^You are invited to A <script> Bcc: all@example\.com x+…$/)
    expect(subject.length).toBeLessThan(110)
    expect(html).not.toContain('<script>')
  })

  it('says for how long, where that is known', () => {
    expect(writeLetter({ kind: 'code', language: 'en', data: DATA }, NOW).text).toContain('for 15 minutes')
    expect(writeLetter({ kind: 'code', language: 'nl', data: { code: '1' } }, NOW).text).toContain(
      'één keer.',
    )
    expect(() => writeLetter({ kind: 'code', language: 'nl', data: {} }, NOW)).toThrow('needs its code')
    expect(() => writeLetter({ kind: 'magic_link', language: 'nl', data: {} }, NOW)).toThrow('needs its link')
  })

  it.each([
    [undefined, 'en'],
    ['nl', 'nl'],
    ['fr-BE, nl-BE;q=0.8, en;q=0.7', 'nl'],
    ['nl;q=0.1, en-GB', 'en'],
    ['nl;q=0', 'en'],
    ['*', 'en'],
  ])('is in the language that a browser prefers (%s)', (header, language) => {
    expect(languageOf(header)).toBe(language)
  })
})

describe('mail by SMTP', () => {
  async function open(options: Parameters<typeof openMail>[2] = {}) {
    const lines: string[] = []
    const smtp = await startSmtpServer()
    const log = openLog({ LOG_LEVEL: 'trace' }, { write: (line) => lines.push(line) })
    const settings = {
      NODE_ENV: 'test',
      SMTP_URL: smtp.url,
      MAIL_FROM: 'Muster <no-reply@example.com>',
    } as const
    const mail = openMail(settings, log, options)
    onTestFinished(async () => {
      await mail.stop(0)
      await smtp.close()
    })
    return { smtp, mail, lines }
  }
  const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 5 })

  it('arrives in both forms, from the sender that is set', async () => {
    const { smtp, mail, lines } = await open()
    await mail.mailer.send({ to: 'guard@example.com', kind: 'invitation', language: 'nl', data: DATA })
    // Taken at once, and delivered later: the request that sent it does not wait.
    expect(smtp.received).toEqual([])
    await until(() => smtp.received.length === 1)
    expect(smtp.received[0]).toMatchObject({
      from: 'no-reply@example.com',
      to: ['guard@example.com'],
      subject: 'U bent uitgenodigd voor Guards & Sons <b>',
    })
    expect(smtp.received[0]!.text).toContain(DATA.url)
    expect(smtp.received[0]!.html).toContain('Guards &#38; Sons &#60;b&#62;')
    expect(smtp.received[0]!.raw).toContain('Auto-Submitted: auto-generated')
    await until(() => mail.waiting === 0)
    expect(lines).toEqual([])
  })

  it('is tried again when the server is busy, and not when it will never take it', async () => {
    const { smtp, mail, lines } = await open({ retryAfterMs: [1, 1] })
    smtp.refuseWith([451, 421])
    await mail.mailer.send(linkTo('busy@example.com'))
    await until(() => smtp.received.length === 1)
    smtp.refuseWith([550])
    await mail.mailer.send(linkTo('nobody@example.com'))
    await until(() => mail.waiting === 0)
    expect(smtp.received.length).toBe(1)
    smtp.refuseWith([451, 451, 451])
    await mail.mailer.send(linkTo('never@example.com'))
    await until(() => mail.waiting === 0)
    expect(lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50)).toMatchObject([
      { kind: 'magic_link', reason: 'EENVELOPE 550', attempts: 1 },
      { kind: 'magic_link', reason: 'EENVELOPE 451', attempts: 3 },
    ])
  })

  it('writes neither addresses nor links nor codes to the log', async () => {
    const { smtp, mail, lines } = await open({ retryAfterMs: [1] })
    smtp.refuseWith([550, 451, 451])
    for (const kind of KINDS) await mail.mailer.send({ ...linkTo('secret@example.com'), kind })
    await until(() => mail.waiting === 0)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).not.toMatch(/secret@|example|123456|#code|not welcome/)
  })

  it('is for one address, whatever is in it', async () => {
    const { smtp, mail } = await open({ retryAfterMs: [] })
    await mail.mailer.send(linkTo('a@example.com, b@example.com'))
    await mail.mailer.send(linkTo('c@example.com\r\nRCPT TO:<d@example.com>'))
    await until(() => mail.waiting === 0)
    for (const { to } of smtp.received) expect(to.length).toBe(1)
    expect(smtp.received.flatMap(({ to }) => to)).not.toContain('b@example.com')
    expect(smtp.received.flatMap(({ to }) => to)).not.toContain('d@example.com')
  })

  it('does not pile up without end', async () => {
    const { mail, lines } = await open()
    for (let count = 0; count < MAX_WAITING + 3; count += 1)
      void mail.mailer.send(linkTo(`${count}@example.com`))
    expect(mail.waiting).toBe(MAX_WAITING)
    expect(lines.length).toBe(3)
  })

  it('goes out before the process ends', async () => {
    const { smtp, mail, lines } = await open({ retryAfterMs: [3_600_000] })
    smtp.refuseWith([421])
    await mail.mailer.send(linkTo('a@example.com'))
    await until(() => lines.length > 0)
    await mail.stop(PATIENCE_MS)
    expect(smtp.received.length).toBe(1)
  })

  it('is not taken in production without a server', async () => {
    const lines: string[] = []
    const log = openLog({ LOG_LEVEL: 'info' }, { write: (line) => lines.push(line) })
    const mail = openMail({ NODE_ENV: 'production', SMTP_URL: undefined, MAIL_FROM: undefined }, log)
    await mail.mailer.send(linkTo('a@example.com'))
    expect(mail.mailbox).toBeUndefined()
    expect(lines.join()).toContain('SMTP_URL is not set')
  })
})

describe('settings of mail', () => {
  it('ask for TLS where passwords and links leave the machine', () => {
    expect(readSmtpUrl('smtp://a%40b:p%2Fw@mail.example.com')).toEqual({
      host: 'mail.example.com',
      port: 587,
      secure: false,
      requireTLS: true,
      auth: { user: 'a@b', pass: 'p/w' },
    })
    expect(readSmtpUrl('smtps://mail.example.com')).toMatchObject({
      port: 465,
      secure: true,
      auth: undefined,
    })
    expect(readSmtpUrl('smtp://127.0.0.1:1025')).toMatchObject({ port: 1025, requireTLS: false })
    expect(readSmtpUrl('smtp://[::1]:1025')).toMatchObject({ host: '::1', requireTLS: false })
    expect(readSmtpUrl('smtp://127.evil.example')).toMatchObject({ requireTLS: true })
  })

  it.each([
    { SMTP_URL: 'https://mail.example.com', MAIL_FROM: 'a@example.com' },
    { SMTP_URL: 'smtp://mail.example.com' },
    { MAIL_FROM: 'Muster' },
    { MAIL_FROM: 'Muster <a@example.com>, b@example.com' },
    { MAIL_FROM: 'a@example.com\nBcc: b@example.com' },
  ])('are refused when they cannot work: %j', (given) => {
    expect(() => readConfig(given)).toThrow(/SMTP_URL|MAIL_FROM/)
  })
})

describe('the mailbox of development', () => {
  async function open() {
    const mailbox = openMailbox()
    const app = Fastify()
    await app.register(mailboxPage, { mailbox })
    onTestFinished(() => app.close())
    return { mailbox, app }
  }
  const get = (app: Awaited<ReturnType<typeof open>>['app'], headers = {}, remoteAddress = '127.0.0.1') =>
    app.inject({ url: '/sign-in/mailbox', headers: { host: 'localhost:3000', ...headers }, remoteAddress })

  it('shows the newest mails first, as text', async () => {
    const { mailbox, app } = await open()
    expect((await get(app)).body).toContain('No mails yet.')
    for (const to of ['a@example.com', '<b>@example.com']) {
      await mailbox.deliver({ kind: 'magic_link', to, letter: writeLetter(linkTo(to), NOW) })
    }
    const { body, headers } = await get(app)
    expect(body.indexOf('&#60;b&#62;@example.com')).toBeLessThan(body.indexOf('a@example.com'))
    expect(body).toContain(`<a href="${DATA.url}">`)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['cache-control']).toBe('no-store')
  })

  it('keeps the last 50', async () => {
    const { mailbox } = await open()
    for (let count = 0; count < 60; count += 1) {
      await mailbox.deliver({
        kind: 'code',
        to: `${count}@example.com`,
        letter: { subject: '', text: '', html: '' },
      })
    }
    expect(mailbox.mails.length).toBe(50)
    expect(mailbox.mails[0]!.to).toBe('59@example.com')
  })

  it.each([
    ['another machine', {}, '192.0.2.1'],
    ['a page of another site that resolves to this machine', { host: 'evil.example' }, '127.0.0.1'],
    ['whoever asks through a proxy on this machine', { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1'],
  ])('is not there for %s', async (_who, headers, address) => {
    const { app } = await open()
    expect((await get(app, headers, address)).statusCode).toBe(404)
  })
})
