// What the pages begin with: their language, and who sign-in lets in by what.

import { byId, element } from '../../live/page/dom.js'
import { chooseLanguage, wordsIn } from './words.js'

/** @typedef {import('./form.js').Ways} Ways */

/**
 * @param {(words: import('./words.js').Words) => string} titleOf
 */
export async function startPage(titleOf) {
  const language = chooseLanguage(navigator.languages)
  const words = wordsIn(language)
  document.documentElement.lang = language
  const title = titleOf(words)
  document.title = `${title} · Muster`
  byId('heading').textContent = title
  const response = await fetch('/sign-in/settings.json').catch(() => null)
  /** @type {Ways} */
  const ways = response?.ok ? await response.json() : { providers: [] }
  const content = byId('content')

  /** Shows a step of the page. @param {...(Node | string)} parts */
  function show(...parts) {
    content.replaceChildren(...parts)
  }

  return { words, language, ways, show, content }
}

/** What a mailed link has after its `#`: it never reaches a server, or its log, by itself. Null for a link that was cut off. */
export const secretOfLink = () => location.hash.slice(1) || null

/** Takes the secret out of the address, so that nobody copies it or goes back to it. */
export const forgetLink = () => history.replaceState(null, '', location.pathname)

/** @param {string} text @param {string} [role] of what a screen reader has to be told */
export const paragraph = (text, role) => element('p', role ? { role } : {}, text)

/** Where people go after signing in: a path of this service, of the few that lead somewhere. */
export function nextPath() {
  const wanted = new URLSearchParams(location.search).get('next')
  return wanted && ['/live', '/docs', '/sign-in/account'].includes(wanted) ? wanted : '/sign-in/account'
}
