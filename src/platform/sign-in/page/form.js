// The form with which people sign in: on a page of its own, and at /live.

import { element } from '../../live/page/dom.js'
import { AuthError, callAuth, rememberSession } from './client.js'
import { button, codeField, emailField, field, form, passwordField } from './fields.js'
import { canAutofill, hasPasskeys, isDismissal, signInWithPasskey } from './passkeys.js'

/** @typedef {import('./words.js').Words} Words */
/** @typedef {{ providers: { id: string, name: string }[] }} Ways what is set beside passwords, codes and passkeys */

/**
 * @param {HTMLElement} at
 * @param {object} options
 * @param {Words} options.words
 * @param {Ways} options.ways
 * @param {string} options.next the path to which a provider sends people back
 * @param {string} [options.email]
 * @param {'totp' | 'setup'} [options.secondFactor] what is wanted of somebody whose link or code was good
 * @param {() => unknown} options.onSignedIn
 */
export function openSignInForm(at, { words, ways, next, email = '', secondFactor, onSignedIn }) {
  let typed = email
  /** Passkeys are offered below the field for as long as this is not aborted: there can be one request at a time. */
  let offering = new AbortController()

  /** @param {HTMLElement[]} parts @param {HTMLElement} [focused] */
  function show(parts, focused) {
    offering.abort()
    at.replaceChildren(...parts)
    focused?.focus()
  }

  async function done() {
    offering.abort()
    rememberSession()
    await onSignedIn()
  }

  /** What is wanted before there is a token, or nothing. @param {{ second_factor?: 'totp' | 'setup' }} answer */
  async function doneWith({ second_factor }) {
    if (second_factor === 'totp') return showTotp()
    // An authenticator app or a passkey has to be set up first.
    if (second_factor === 'setup') return location.assign('/sign-in/account')
    await done()
  }

  /** @param {boolean} isFirst a page that was just opened leaves the focus where it is, but for the field */
  function showPassword(isFirst = false) {
    const address = emailField(words, hasPasskeys() ? 'username webauthn' : 'username')
    const password = passwordField(words, 'current-password')
    address.input.value = typed
    const main = form(words, words.signIn, [address.at, password.at], async () => {
      typed = address.input.value.trim()
      if (typed === '' || password.input.value === '') {
        return { message: words.needsBoth, at: typed === '' ? address.input : password.input }
      }
      await doneWith(await callAuth('/sign-in/email', { email: typed, password: password.input.value }))
    })
    const passkey = hasPasskeys()
      ? [
          button(words.withPasskey, () => {
            offering.abort()
            void main.run(() => usePasskey())
          }),
        ]
      : []
    const providers = ways.providers.map(({ id, name }) =>
      button(`${words.with} ${name}`, () => void main.run(() => goToProvider(id))),
    )
    /** @param {(email: string) => Promise<void>} act */
    const withAddress = (act) => () =>
      void main.run(async () => {
        typed = address.input.value.trim()
        if (typed === '') return { message: words.needsEmail, at: address.input }
        await act(typed)
      })
    const more = [
      button(words.mailCode, withAddress(mailCode)),
      button(words.mailLink, withAddress(mailLink)),
      button(words.forgotten, withAddress(mailReset)),
    ]
    show(
      [main.at, element('div', { class: 'ways' }, ...passkey, ...providers, ...more)],
      isFirst && typed !== '' ? password.input : address.input,
    )
    void offerPasskeys(main)
  }

  /** @param {ReturnType<typeof form>} main */
  async function offerPasskeys(main) {
    if (!(await canAutofill().catch(() => false))) return
    offering = new AbortController()
    try {
      await signInWithPasskey({ mediation: 'conditional', signal: offering.signal })
    } catch (error) {
      // Nobody asked for it: a service without passkeys, or a person who types a password, are no news.
      if (!isDismissal(error) && at.contains(main.at)) main.refuse('')
      return
    }
    await done()
  }

  async function usePasskey() {
    try {
      await signInWithPasskey()
    } catch (error) {
      if (isDismissal(error)) return
      if (error instanceof AuthError && error.code === 'credentials_wrong')
        return { message: words.passkeyRefused }
      throw error
    }
    await done()
  }

  /** @param {string} provider */
  async function goToProvider(provider) {
    const { url } = await callAuth('/sign-in/social', { provider, callbackURL: next })
    // Whoever comes back has a session, or is asked again.
    rememberSession()
    location.assign(url)
  }

  /** @param {string} address */
  async function mailCode(address) {
    await callAuth('/email-otp/send-verification-otp', { email: address })
    const code = codeField(words, { maxlength: '6', pattern: '[0-9]{6}' })
    const { at: step } = form(
      words,
      words.signIn,
      [code.at],
      async () => {
        const otp = code.input.value.replace(/\D/g, '')
        if (otp === '') return { message: words.needsCode, at: code.input }
        await doneWith(await callAuth('/sign-in/email-otp', { email: address, otp }))
      },
      words.wrongCode,
    )
    show([told(words.codeSent), step, back()], code.input)
  }

  /** @param {string} address */
  async function mailLink(address) {
    await callAuth('/sign-in/magic-link', { email: address })
    show([told(words.linkSent), back()])
  }

  /** @param {string} address */
  async function mailReset(address) {
    await callAuth('/request-password-reset', { email: address })
    show([told(words.resetSent), back()])
  }

  function showTotp() {
    const code = codeField(words, { maxlength: '7' })
    const { at: step } = form(
      words,
      words.continue,
      [code.at],
      async () => {
        const value = code.input.value.replace(/\D/g, '')
        if (value === '') return { message: words.needsCode, at: code.input }
        await callAuth('/two-factor/verify-totp', { code: value })
        await done()
      },
      words.wrongCode,
    )
    show([told(words.totpAsked), step, button(words.backupCode, showBackup), back()], code.input)
  }

  function showBackup() {
    const code = field(words.code, { name: 'code', type: 'text', autocomplete: 'off', required: '' })
    const { at: step } = form(
      words,
      words.continue,
      [code.at],
      async () => {
        const value = code.input.value.trim()
        if (value === '') return { message: words.needsCode, at: code.input }
        await callAuth('/two-factor/verify-backup-code', { code: value })
        await done()
      },
      words.wrongCode,
    )
    show([told(words.backupAsked), step, back()], code.input)
  }

  const back = () => button(words.back, () => showPassword())
  /** Read to a screen reader when it comes. @param {string} text */
  const told = (text) => element('p', { role: 'status' }, text)

  if (secondFactor) void doneWith({ second_factor: secondFactor })
  else showPassword(true)
  return {
    close() {
      offering.abort()
      at.replaceChildren()
    },
  }
}
