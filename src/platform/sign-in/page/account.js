// The page at /sign-in/account: a person's own passkeys, authenticator app and sessions.

import { element } from '../../live/page/dom.js'
import { AuthError, callAuth, openTokens, signOut } from './client.js'
import { codeField, form, passwordField, usernameOf } from './fields.js'
import { addPasskey, deviceName, hasPasskeys, isDismissal } from './passkeys.js'
import { drawQrCode } from './qr-code.js'
import { paragraph, startPage } from './start.js'

const { words, language, show } = await startPage((text) => text.accountHeading)

const tokens = openTokens()
/** Somebody whose role needs a second factor comes here to set it up, before there is a token. */
let mustSetUp = false
const user = await tokens.whoSignedIn().catch((error) => {
  mustSetUp = error instanceof AuthError && error.code === 'second_factor_required'
  return mustSetUp ? callAuth('/account').catch(() => null) : null
})
tokens.close()
if (user && !(mustSetUp && user.totp)) showAccount(user)
else location.replace('/sign-in')

/** @param {{ email: string }} user */
function showAccount(user) {
  const leave = form(words, words.signOut, [], async () => {
    await signOut()
    location.assign('/sign-in')
  })
  const passkeys = section(words.passkeys)
  const totp = section(words.totp)
  const sessions = section(words.sessions)
  show(
    paragraph(words.signedInAs(user.email)),
    ...(mustSetUp ? [paragraph(words.problems.second_factor_required ?? '', 'alert')] : []),
    element('p', { class: 'links' }, element('a', { href: '/live' }, words.toBoard)),
    leave.at,
    ...(hasPasskeys() ? [passkeys.at] : []),
    totp.at,
    sessions.at,
  )
  void showPasskeys(passkeys)
  void showTotpState(totp)
  void showSessions(sessions)
}

/** @param {string} title */
function section(title) {
  const body = element('div')
  const at = element('section', { 'aria-label': title }, element('h2', {}, title), body)
  return {
    at,
    /** @param {...(Node | string)} parts */
    fill(...parts) {
      body.replaceChildren(...parts)
    },
  }
}

/** @typedef {ReturnType<typeof section>} Section */

/** @param {string} at */
const day = (at) =>
  new Date(at).toLocaleString(language === 'nl' ? 'nl-NL' : 'en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })

/** @param {Section} at @param {string} [news] */
async function showPasskeys(at, news) {
  /** @type {{ items: { id: string, name: string | null, created_at: string }[] }} */
  const { items: passkeys } = await callAuth('/passkey/list-user-passkeys')
  const add = form(words, words.addPasskey, [], async () => {
    try {
      await addPasskey(deviceName())
    } catch (error) {
      if (isDismissal(error)) return
      throw error
    }
    await showPasskeys(at, words.passkeyAdded)
  })
  const items = passkeys.map(({ id, name, created_at }) =>
    item(`${name || 'Passkey'}, ${words.since(day(created_at))}`, words.remove, async () => {
      await callAuth('/passkey/delete-passkey', { id })
      await showPasskeys(at, words.saved)
    }),
  )
  at.fill(
    paragraph(words.passkeyOffer),
    passkeys.length === 0 ? paragraph(words.passkeysNone) : element('ul', {}, ...items),
    paragraph(news ?? '', 'status'),
    add.at,
  )
}

/** @param {string} text @param {string} act @param {() => Promise<void>} onClick */
function item(text, act, onClick) {
  const { at } = form(words, act, [], onClick)
  return element('li', {}, element('span', {}, text), at)
}

/** @param {Section} at */
async function showTotpState(at) {
  const { totp } = await callAuth('/account')
  showTotp(at, Boolean(totp))
}

/** @param {Section} at @param {boolean} isOn @param {string} [news] */
function showTotp(at, isOn, news) {
  const password = passwordField(words, 'current-password')
  const change = form(
    words,
    isOn ? words.totpStop : words.totpStart,
    [usernameOf(user?.email ?? ''), password.at],
    async () => {
      const given = { password: password.input.value }
      if (isOn) {
        await callAuth('/two-factor/disable', given)
        showTotp(at, false, words.saved)
      } else showTotpSetup(at, await callAuth('/two-factor/enable', given))
    },
    words.wrongOwnPassword,
  )
  at.fill(
    paragraph(isOn ? words.totpOn : words.totpOff),
    paragraph(news ?? '', 'status'),
    element('details', {}, element('summary', {}, isOn ? words.totpStop : words.totpStart), change.at),
  )
}

/** @param {Section} at @param {{ totpURI: string, backupCodes: string[] }} made */
function showTotpSetup(at, { totpURI, backupCodes }) {
  const secret = new URL(totpURI).searchParams.get('secret') ?? ''
  const told = element('p', { tabindex: '-1' }, words.totpScan)
  const qrCode = element('div')
  const code = codeField(words, { maxlength: '7' })
  const { at: confirm } = form(
    words,
    words.confirm,
    [code.at],
    async () => {
      const value = code.input.value.replace(/\D/g, '')
      if (value === '') return { message: words.needsCode, at: code.input }
      await callAuth('/two-factor/verify-totp', { code: value })
      showTotp(at, true, words.saved)
    },
    words.wrongCode,
  )
  at.fill(
    told,
    qrCode,
    element('p', { class: 'links' }, element('a', { href: totpURI }, words.totpOpen)),
    element('p', {}, `${words.totpKey}: `, element('code', {}, secret.replace(/(.{4})/g, '$1 ').trim())),
    paragraph(words.backupCodes),
    element(
      'ul',
      { class: 'codes' },
      ...backupCodes.map((one) => element('li', {}, element('code', {}, one))),
    ),
    confirm,
  )
  // Not the field: the keyboard of a phone would hide the QR code.
  told.focus()
  // Without it there are the link and the key.
  void drawQrCode(totpURI, words.totpQrCode)
    .then((drawn) => qrCode.append(drawn))
    .catch(() => qrCode.remove())
}

/** @param {Section} at @param {string} [news] */
async function showSessions(at, news) {
  /** @type {{ items: { id: string, created_at: string, user_agent: string | null, current: boolean }[] }} */
  const { items: sessions } = await callAuth('/sessions')
  const items = sessions.map(({ id, created_at, user_agent, current }) => {
    const text = `${browserOf(user_agent ?? '')}, ${words.since(day(created_at))}`
    if (current) return element('li', {}, element('span', {}, `${text} (${words.thisSession})`))
    return item(text, words.end, async () => {
      await end(id)
      await showSessions(at, words.ended)
    })
  })
  const others = sessions.filter(({ current }) => !current)
  const all = form(words, words.endOthers, [], async () => {
    for (const { id } of others) await end(id)
    await showSessions(at, words.ended)
  })
  at.fill(
    element('ul', {}, ...items),
    paragraph(news ?? '', 'status'),
    ...(others.length > 1 ? [all.at] : []),
  )
}

/** @param {string} id */
const end = (id) => callAuth(`/sessions/${id}`, undefined, 'DELETE')

/** @param {string} agent */
function browserOf(agent) {
  const browser = /Edg|OPR|Firefox|Chrome|Safari|curl|node/.exec(agent)?.[0] ?? '?'
  const system = /iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux/.exec(agent)?.[0]
  const name = { Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser
  return system ? `${name}, ${system}` : name
}
