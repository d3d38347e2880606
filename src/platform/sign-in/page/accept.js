// The page that a mailed invitation leads to: it makes the account, and offers a passkey.

import { element } from '../../live/page/dom.js'
import { AuthError, callAuth, rememberSession } from './client.js'
import { button, emailField, explain, field, form, MIN_PASSWORD_LENGTH, passwordField } from './fields.js'
import { openSignInForm } from './form.js'
import { addPasskey, deviceName, hasPasskeys, isDismissal } from './passkeys.js'
import { forgetLink, paragraph, secretOfLink, startPage } from './start.js'

/**
 * What whoever has the code is told of the invitation.
 *
 * @typedef {{ email: string | null, role: string, tenant_name: string, organization_name: string | null, accepted: boolean }} Invitation
 */

const { words, ways, show } = await startPage((text) => text.acceptHeading)

const code = secretOfLink()
if (code === null) show(paragraph(words.noCode, 'alert'))
else await open(code)

/** @param {string} given */
async function open(given) {
  /** @type {Invitation} */
  let invitation
  try {
    invitation = await callAuth('/invitation', { code: given })
  } catch (error) {
    if (error instanceof AuthError && error.code === 'unreachable') {
      return show(
        paragraph(explain(error, words), 'alert'),
        button(words.continue, () => void open(given)),
      )
    }
    return show(paragraph(explain(error, words), 'alert'), signInLink())
  }
  if (invitation.accepted) return showSignIn(invitation.email ?? '')
  showForm(given, invitation)
}

/** @param {string} given @param {Invitation} invitation */
function showForm(given, invitation) {
  const address = emailField(words, 'username')
  if (invitation.email !== null) {
    address.input.value = invitation.email
    address.input.readOnly = true
  }
  const name = field(words.name, {
    name: 'name',
    type: 'text',
    autocomplete: 'name',
    autocapitalize: 'words',
    maxlength: '200',
    required: '',
  })
  const password = passwordField(words, 'new-password')
  const { at } = form(words, words.accept, [address.at, name.at, password.at], async () => {
    const email = address.input.value.trim()
    if (email === '') return { message: words.needsEmail, at: address.input }
    if (name.input.value.trim() === '') return { message: words.needsName, at: name.input }
    if (password.input.value.length < MIN_PASSWORD_LENGTH) {
      return { message: words.shortPassword, at: password.input }
    }
    try {
      await callAuth('/accept-invitation', {
        code: given,
        name: name.input.value.trim(),
        password: password.input.value,
        ...(invitation.email === null && { email }),
      })
    } catch (error) {
      // There is an account from before.
      if (error instanceof AuthError && error.code === 'account_known')
        return showSignIn(email, words.problems.account_known)
      throw error
    }
    forgetLink()
    rememberSession()
    showAccepted()
  })
  const place = invitation.organization_name ?? invitation.tenant_name
  show(paragraph(words.invitedBy(place)), paragraph(words.acceptText), at)
  ;(invitation.email === null ? address : name).input.focus()
}

/** @param {string} email @param {string} [why] */
function showSignIn(email, why = words.alreadyAccepted) {
  forgetLink()
  const at = element('div')
  show(paragraph(why, 'status'), at)
  openSignInForm(at, {
    words,
    ways,
    next: '/sign-in/account',
    email,
    onSignedIn: () => location.assign('/sign-in/account'),
  })
}

function showAccepted() {
  const told = paragraph(words.accepted, 'status')
  const links = element(
    'p',
    { class: 'links' },
    element('a', { href: '/sign-in/account' }, words.toAccount),
    element('a', { href: '/live' }, words.toBoard),
  )
  if (!hasPasskeys()) return show(told, links)
  const { at } = form(words, words.addPasskey, [], async () => {
    try {
      await addPasskey(deviceName())
    } catch (error) {
      if (isDismissal(error)) return
      throw error
    }
    at.replaceWith(paragraph(words.passkeyAdded, 'status'))
  })
  show(told, paragraph(words.passkeyOffer), at, links)
}

function signInLink() {
  return element('p', { class: 'links' }, element('a', { href: '/sign-in' }, words.signIn))
}
