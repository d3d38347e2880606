import { MAIL_LANGUAGES, type Mail, type MailKind, type MailLanguage } from './mail.ts'

/** A mail as people read it. */
export interface Letter {
  subject: string
  text: string
  html: string
}

interface Content {
  subject: string
  paragraphs: string[]
  action?: { label: string; url: string }
  code?: string
  closing: string[]
}

type Data = Mail['data']
type Texts = Record<MailKind, (data: Data, now: number) => Content>

/** The link of a mail. A mail without the link that it is about is a defect, and not sent. */
function actionOf({ url }: Data, label: string): { label: string; url: string } {
  if (!url) throw new Error('A mail needs its link.')
  return { label, url }
}

/** How long something that was mailed is good for, in whole minutes; null where nobody said. */
function minutesOf({ expires_at }: Data, now: number): number | null {
  const at = Date.parse(expires_at ?? '')
  return Number.isNaN(at) ? null : Math.max(1, Math.round((at - now) / 60_000))
}

/** Whoever is invited may live in another zone; a day is enough to plan by. */
const dayOf = (at: string, locale: string): string =>
  new Date(at).toLocaleDateString(locale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'Europe/Amsterdam',
  })

/** The name of a tenant or organization is written by its users: in one line, and not as long as a message of its own. */
const MAX_NAME_LENGTH = 80
const nameOf = (name: string): string => {
  const line = name.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length <= MAX_NAME_LENGTH ? line : `${line.slice(0, MAX_NAME_LENGTH - 1)}…`
}

const placeOf = ({ organization_name, tenant_name }: Data): string =>
  nameOf(organization_name || tenant_name || 'Muster')

function codeOf({ code }: Data): string {
  if (!code) throw new Error('A mail needs its code.')
  return code
}

function forEnglish(data: Data, now: number): string {
  const minutes = minutesOf(data, now)
  return minutes === null ? '' : `, for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`
}

function forDutch(data: Data, now: number): string {
  const minutes = minutesOf(data, now)
  return minutes === null ? '' : `, ${minutes} ${minutes === 1 ? 'minuut' : 'minuten'} lang`
}

const NOT_YOU_EN = 'If you did not ask for this, ignore this message: without it nobody can sign in as you.'
const NOT_YOU_NL =
  'Hebt u dit niet gevraagd? Negeer dan dit bericht: zonder dit bericht kan niemand zich als u aanmelden.'

const ENGLISH: Texts = {
  invitation: (data) => ({
    subject: `You are invited to ${placeOf(data)}`,
    paragraphs: [
      data.organization_name
        ? `${data.name ? `${nameOf(data.name)} invites you` : 'You are invited'} to work for ${nameOf(data.organization_name)}. Your account takes a minute to make.`
        : `${data.name ? `${nameOf(data.name)} invites you` : 'You are invited'} to join ${placeOf(data)}. Your account takes a minute to make.`,
    ],
    action: actionOf(data, 'Accept the invitation'),
    closing: [
      data.expires_at
        ? `The link works once, until ${dayOf(data.expires_at, 'en-GB')}.`
        : 'The link works once.',
      'If you expected no invitation, ignore this message: nothing happens until somebody accepts it.',
    ],
  }),
  magic_link: (data, now) => ({
    subject: 'Your link to sign in',
    paragraphs: ['Open this link to sign in.'],
    action: actionOf(data, 'Sign in'),
    closing: [`The link works once${forEnglish(data, now)}.`, NOT_YOU_EN],
  }),
  code: (data, now) => ({
    subject: 'Your code to sign in',
    paragraphs: ['Type this code on the page where you sign in.'],
    code: codeOf(data),
    closing: [
      `The code works once${forEnglish(data, now)}.`,
      'Give it to nobody: we never ask for it.',
      NOT_YOU_EN,
    ],
  }),
  reset_password: (data, now) => ({
    subject: 'Choose a new password',
    paragraphs: ['Open this link to choose a new password. It ends all your sessions.'],
    action: actionOf(data, 'Choose a password'),
    closing: [`The link works once${forEnglish(data, now)}.`, NOT_YOU_EN],
  }),
  password_changed: (data) => ({
    subject: 'Your password was changed',
    paragraphs: ['The password of your account was changed.'],
    ...(data.url && { action: actionOf(data, 'See your account') }),
    closing: ['If it was not you, choose a new password at once and tell your administrator.'],
  }),
}

const DUTCH: Texts = {
  invitation: (data) => ({
    subject: `U bent uitgenodigd voor ${placeOf(data)}`,
    paragraphs: [
      data.organization_name
        ? `${data.name ? `${nameOf(data.name)} nodigt u uit` : 'U bent uitgenodigd'} om te werken voor ${nameOf(data.organization_name)}. Een account maken duurt een minuut.`
        : `${data.name ? `${nameOf(data.name)} nodigt u uit` : 'U bent uitgenodigd'} voor ${placeOf(data)}. Een account maken duurt een minuut.`,
    ],
    action: actionOf(data, 'Uitnodiging aannemen'),
    closing: [
      data.expires_at
        ? `De link werkt één keer, tot en met ${dayOf(data.expires_at, 'nl-NL')}.`
        : 'De link werkt één keer.',
      'Verwachtte u geen uitnodiging? Negeer dan dit bericht: er gebeurt niets totdat iemand haar aanneemt.',
    ],
  }),
  magic_link: (data, now) => ({
    subject: 'Uw link om u aan te melden',
    paragraphs: ['Open deze link om u aan te melden.'],
    action: actionOf(data, 'Aanmelden'),
    closing: [`De link werkt één keer${forDutch(data, now)}.`, NOT_YOU_NL],
  }),
  code: (data, now) => ({
    subject: 'Uw code om u aan te melden',
    paragraphs: ['Typ deze code op de pagina waar u zich aanmeldt.'],
    code: codeOf(data),
    closing: [
      `De code werkt één keer${forDutch(data, now)}.`,
      'Geef de code aan niemand: wij vragen er nooit om.',
      NOT_YOU_NL,
    ],
  }),
  reset_password: (data, now) => ({
    subject: 'Kies een nieuw wachtwoord',
    paragraphs: ['Open deze link om een nieuw wachtwoord te kiezen. Daarmee eindigen al uw sessies.'],
    action: actionOf(data, 'Wachtwoord kiezen'),
    closing: [`De link werkt één keer${forDutch(data, now)}.`, NOT_YOU_NL],
  }),
  password_changed: (data) => ({
    subject: 'Uw wachtwoord is gewijzigd',
    paragraphs: ['Het wachtwoord van uw account is gewijzigd.'],
    ...(data.url && { action: actionOf(data, 'Uw account bekijken') }),
    closing: ['Was u dit niet? Kies meteen een nieuw wachtwoord en waarschuw uw beheerder.'],
  }),
}

const TEXTS: Record<MailLanguage, Texts> = { en: ENGLISH, nl: DUTCH }

/**
 * Writes a mail in its language. Whatever users wrote into it is text, never markup.
 *
 * @throws Error without its link or code
 */
export function writeLetter({ kind, language, data }: Omit<Mail, 'to'>, now: number): Letter {
  const content = TEXTS[language][kind](data, now)
  return { subject: content.subject, text: textOf(content), html: htmlOf(content, language) }
}

function textOf({ paragraphs, action, code, closing }: Content): string {
  return [
    ...paragraphs,
    ...(code ? [code] : []),
    ...(action ? [`${action.label}:\n${action.url}`] : []),
    ...closing,
  ]
    .map((part) => `${part}\n`)
    .join('\n')
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * One column, styles inline, no pictures: what every mail program shows alike, and what loads nothing that tells that it was read.
 */
function htmlOf({ subject, paragraphs, action, code, closing }: Content, language: MailLanguage): string {
  const paragraph = (text: string, style = '') => `<p style="margin:0 0 16px${style}">${escapeHtml(text)}</p>`
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="margin:0;padding:24px;font:16px/1.5 sans-serif">
<div style="max-width:480px;margin:0 auto">
${paragraphs.map((text) => paragraph(text)).join('\n')}
${code ? paragraph(code, ';font:bold 28px/1.2 monospace;letter-spacing:4px') : ''}
${
  action
    ? `<p style="margin:0 0 16px"><a href="${escapeHtml(action.url)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#0b4fa8;color:#ffffff;text-decoration:none;font-weight:bold">${escapeHtml(action.label)}</a></p>
${paragraph(action.url, ';font-size:13px;word-break:break-all')}`
    : ''
}
${closing.map((text) => paragraph(text, ';font-size:14px')).join('\n')}
</div>
</body>
</html>
`
}

/** The language that a browser prefers, of those that there are (RFC 9110, section 12.5.4). */
export function languageOf(acceptLanguage: string | undefined): MailLanguage {
  const wanted = (acceptLanguage ?? '')
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
      const q = parameters.map((parameter) => /^\s*q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean)
      return { language: tag.split('-')[0] ?? '', q: q === undefined ? 1 : Number(q) }
    })
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q)
  for (const { language } of wanted) {
    const known = MAIL_LANGUAGES.find((one) => one === language)
    if (known) return known
  }
  return 'en'
}
