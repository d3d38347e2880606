// The page at /sign-in: the form, and what mailed links lead to.

import { element } from '../../live/page/dom.js'
import { callAuth, rememberSession } from './client.js'
import { form, MIN_PASSWORD_LENGTH, passwordField } from './fields.js'
import { openSignInForm } from './form.js'
import { forgetLink, nextPath, paragraph, secretOfLink, startPage } from './start.js'

const secret = secretOfLink()
const isReset = secret !== null && location.pathname === '/auth/reset-password'
const { words, ways, show } = await startPage((text) => (isReset ? text.resetHeading : text.signIn))

if (secret && location.pathname === '/auth/magic-link') showLink(secret)
else if (isReset) showReset(secret)
else showForm()

/** @param {{ before?: Node[], secondFactor?: 'totp' | 'setup' }} [options] */
function showForm({ before = [], secondFactor } = {}) {
  const at = element('div')
  show(...before, at)
  openSignInForm(at, {
    words,
    ways,
    next: nextPath(),
    ...(secondFactor && { secondFactor }),
    onSignedIn: () => location.assign(nextPath()),
  })
}

/** The button is the point: programs that look at each link of a mail press none. @param {string} token */
function showLink(token) {
  const { at } = form(
    words,
    words.continue,
    [],
    async () => {
      const answer = await callAuth('/magic-link/verify', { token })
      forgetLink()
      if (answer?.second_factor) return showForm({ secondFactor: answer.second_factor })
      rememberSession()
      location.assign(nextPath())
    },
    words.wrongLink,
  )
  show(paragraph(words.linkText), at)
}

/** @param {string} token */
function showReset(token) {
  const password = passwordField(words, 'new-password')
  const { at } = form(
    words,
    words.choosePassword,
    [password.at],
    async () => {
      if (password.input.value.length < MIN_PASSWORD_LENGTH) {
        return { message: words.shortPassword, at: password.input }
      }
      await callAuth('/reset-password', { newPassword: password.input.value, token })
      forgetLink()
      showForm({ before: [paragraph(words.passwordChosen, 'status')] })
    },
    words.wrongLink,
  )
  show(paragraph(words.resetText), at)
  password.input.focus()
}
