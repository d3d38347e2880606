// Passkeys (WebAuthn, level 3). The browser turns options and answers into JSON and back.

import { callAuth } from './client.js'

/** Whether this browser has them, with the forms in JSON (Chrome 129, Firefox 119, Safari 18.4). */
export const hasPasskeys = () =>
  typeof PublicKeyCredential === 'function' &&
  typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function'

/** Whether saved passkeys can be offered in the list below a field. */
export const canAutofill = async () =>
  hasPasskeys() && Boolean(await PublicKeyCredential.isConditionalMediationAvailable?.())

/**
 * Asks the person for a passkey and signs in with it.
 *
 * @param {{ mediation?: 'conditional', signal?: AbortSignal }} [options] conditional: offered in the list below the field of the
 *   address, until the signal is aborted
 */
export async function signInWithPasskey({ mediation, signal } = {}) {
  const options = await callAuth('/passkey/generate-authenticate-options')
  const credential = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
    ...(mediation && { mediation }),
    ...(signal && { signal }),
  })
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException('No passkey', 'NotAllowedError')
  return callAuth('/passkey/verify-authentication', { response: credential.toJSON() })
}

/** Makes a passkey of this device for whoever has signed in. @param {string} name by which its owner tells it from others */
export async function addPasskey(name) {
  const options = await callAuth('/passkey/generate-register-options')
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
  })
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException('No passkey', 'NotAllowedError')
  await callAuth('/passkey/verify-registration', { response: credential.toJSON(), name })
}

/** A person who closes the browser's dialogue has made no mistake. @param {unknown} error */
export const isDismissal = (error) =>
  error instanceof DOMException && ['NotAllowedError', 'AbortError'].includes(error.name)

/** What people call this device. */
export function deviceName() {
  const agent = navigator.userAgent
  const device = /iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux/.exec(agent)?.[0] ?? 'Browser'
  return device === 'Mac OS X' ? 'Mac' : device === 'CrOS' ? 'Chromebook' : device
}
