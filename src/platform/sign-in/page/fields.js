// The parts that forms are made of.

import { element, setText } from '../../live/page/dom.js'
import { AuthError } from './client.js'

/** @typedef {import('./words.js').Words} Words */

/** As the service has it. */
export const MAX_PASSWORD_LENGTH = 128
/** As the service has it. A test compares them. */
export const MIN_PASSWORD_LENGTH = 10

let made = 0
const freshId = (/** @type {string} */ name) => {
  made += 1
  return `${name}-${made}`
}

/**
 * A label and its input.
 *
 * @param {string} label
 * @param {Record<string, string>} attributes of the input; `name` is needed
 * @param {string} [help] below it
 */
export function field(label, attributes, help) {
  const id = freshId(attributes.name ?? 'field')
  const input = element('input', {
    id,
    autocapitalize: 'off',
    spellcheck: 'false',
    ...attributes,
    ...(help && { 'aria-describedby': `${id}-help` }),
  })
  const parts = [element('label', { for: id }, label), input]
  const at = element('div', { class: 'field' }, ...parts)
  if (help) at.append(element('p', { id: `${id}-help`, class: 'help' }, help))
  return { at, input }
}

/** @param {Words} words @param {string} autocomplete `username`, with `webauthn` where passkeys are offered below it */
export const emailField = (words, autocomplete) =>
  field(words.email, { name: 'email', type: 'email', inputmode: 'email', autocomplete, required: '' })

/**
 * A password, with a button that shows it: typing on a phone goes wrong unseen.
 *
 * @param {Words} words
 * @param {'current-password' | 'new-password'} kind
 */
export function passwordField(words, kind) {
  const isNew = kind === 'new-password'
  const { at, input } = field(
    isNew ? words.choosePasswordLabel : words.password,
    {
      name: 'password',
      type: 'password',
      autocomplete: kind,
      maxlength: String(MAX_PASSWORD_LENGTH),
      required: '',
      ...(isNew && {
        minlength: String(MIN_PASSWORD_LENGTH),
        passwordrules: `minlength: ${MIN_PASSWORD_LENGTH};`,
      }),
    },
    isNew ? words.passwordHelp : undefined,
  )
  const show = element(
    'button',
    { type: 'button', class: 'show', 'aria-label': words.showPassword, 'aria-controls': input.id },
    words.show,
  )
  show.addEventListener('click', () => {
    const isShown = input.type === 'password'
    input.type = isShown ? 'text' : 'password'
    show.textContent = isShown ? words.hide : words.show
    show.setAttribute('aria-label', isShown ? words.hidePassword : words.showPassword)
  })
  const beside = element('div', { class: 'beside' })
  input.replaceWith(beside)
  beside.append(input, show)
  return { at, input }
}

/** Whose password it is, for password managers. @param {string} email */
export const usernameOf = (email) =>
  element('input', {
    type: 'text',
    name: 'username',
    autocomplete: 'username',
    value: email,
    hidden: '',
    readonly: '',
    'aria-label': 'username',
  })

/** @param {Words} words @param {Record<string, string>} [attributes] */
export const codeField = (words, attributes = {}) =>
  field(words.code, {
    name: 'code',
    type: 'text',
    inputmode: 'numeric',
    autocomplete: 'one-time-code',
    required: '',
    ...attributes,
  })

/** A button that is no submit. @param {string} text @param {() => void} onClick @param {string} [kind] */
export function button(text, onClick, kind = 'quiet') {
  const at = element('button', { type: 'button', class: kind }, text)
  at.addEventListener('click', onClick)
  return at
}

/**
 * What a person is told of an error, in their language.
 *
 * @param {unknown} error
 * @param {Words} words
 * @param {string} [wrong] what it is that can be wrong; unset: address or password
 */
export function explain(error, words, wrong) {
  if (!(error instanceof AuthError)) return words.failed
  const { code, retryAfterSeconds } = error
  if (retryAfterSeconds && code !== 'unreachable') return words.waitSeconds(retryAfterSeconds)
  if (code === 'credentials_wrong') return wrong ?? words.wrongPassword
  return words.problems[code] ?? error.message
}

/**
 * A form that sends once at a time and says what went wrong. `act` reads the fields; a string from it is an error to show, with
 * the field that it is about.
 *
 * @param {Words} words
 * @param {string} submit the text of its button
 * @param {HTMLElement[]} parts
 * @param {() => Promise<void | { message: string, at: HTMLInputElement }>} act
 * @param {string} [wrong] what to say where the service finds wrong what was typed
 */
export function form(words, submit, parts, act, wrong) {
  const error = element('p', { class: 'error', role: 'alert' })
  const send = element('button', { type: 'submit', class: 'main' }, submit)
  // `post`: if a script does not load, no password ends in an address.
  const at = element('form', { method: 'post', novalidate: '' }, ...parts, error, send)
  let isBusy = false

  /** @param {string} message @param {HTMLInputElement} [input] */
  function refuse(message, input) {
    for (const one of at.querySelectorAll('input')) one.removeAttribute('aria-invalid')
    setText(error, message)
    if (message === '') return
    input?.setAttribute('aria-invalid', 'true')
    input?.focus()
  }

  /** Runs one request at a time, and shows what became of it. @param {() => Promise<any>} work */
  async function run(work) {
    if (isBusy) return
    isBusy = true
    refuse('')
    at.setAttribute('aria-busy', 'true')
    setText(send, words.working)
    try {
      const refusal = await work()
      if (refusal) refuse(refusal.message, refusal.at)
    } catch (thrown) {
      refuse(explain(thrown, words, wrong))
    } finally {
      isBusy = false
      at.removeAttribute('aria-busy')
      setText(send, submit)
    }
  }

  at.addEventListener('submit', (event) => {
    event.preventDefault()
    void run(act)
  })
  return { at, run, refuse }
}
