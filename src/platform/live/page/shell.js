import { signOut as endSession, isFinal, mayHaveSession, openTokens } from '../../sign-in/page/client.js'
import { openSignInForm } from '../../sign-in/page/form.js'
import { wordsIn } from '../../sign-in/page/words.js'
import { openAnnouncer } from './announce.js'
import { openApi, readExpiry, retryDelayMs, SignedOut, Unreachable } from './api.js'
import { boardsFor } from './boards.js'
import { byId, setText } from './dom.js'
import { openFeed } from './feed.js'
import { words } from './text.js'
import { openTimeline } from './timeline.js'

// The shell of the page: signs in and out, keeps what is shown up to date, and says whether it is. What is read and shown is the
// board's, which a module gives.

/** @typedef {import('./api.js').Api} Api */
/** @typedef {import('./feed.js').Change} Change */
/** @typedef {import('./feed.js').Feed} Feed */
/** @typedef {Record<string, any>} Row */
/**
 * Where tokens come from: a session at the service, which gives another one before each ends, or a person who pasted one.
 *
 * @typedef {object} Source
 * @property {() => Promise<string>} accessToken
 * @property {(listener: () => void) => void} whenRenewed
 * @property {boolean} isSession
 * @property {() => void} close
 */
/**
 * What people are told of a change. `isQuiet`: for the timeline, not to be spoken. `at`, in ms since 1970, and `key` are of
 * what has a time of its own; the rest happened when it was heard of. `id`: of what it is about.
 *
 * @typedef {{ text: string, id: string, isQuiet: boolean, at?: number, key?: string }} Happening
 */
/**
 * What the shell gives a board that was opened.
 *
 * @typedef {object} Session
 * @property {Row} me the answer of `GET /v1/me`
 * @property {Api} api
 * @property {Feed} feed
 * @property {() => void} show renders soon, once for all that changes until then
 * @property {() => void} read reads the lists again
 * @property {(happening: Happening | null) => void} record in the timeline
 * @property {(happening: Happening | null) => void} tell in the timeline, and to a screen reader
 * @property {() => boolean} isClosed
 */
/**
 * A board that was opened.
 *
 * @typedef {object} View
 * @property {() => Promise<() => Promise<void>>} read reads the lists; what it gives is done after that, when they have been read
 * @property {() => void} abandon the reading came to nothing
 * @property {() => void} joined changes come from now on, after a gap
 * @property {(change: Change) => void} change
 * @property {(id: string, payload: Row) => void} position
 * @property {(now: number) => void} render
 * @property {(id: string) => void} open what the timeline tells of
 * @property {() => void} close
 */
/**
 * What a module gives the page.
 *
 * @typedef {object} Board
 * @property {string} title of the page
 * @property {string[]} tables whose changes are followed
 * @property {string} channel before the id: the private channels on which positions are sent
 * @property {(me: Row) => string} describe who has signed in
 * @property {(session: Session) => View} open
 * @property {() => void} focus after signing in
 */

const TOKEN_KEY = 'muster.token'
/** Of the address of somebody who signed in at another board: the list gets the focus, as it would have there. */
const SENT = '#items'
/** No event says that a row left one's view, nor what time alone changes. */
const READ_AGAIN_MS = 60_000
/** A live position grows old without an event. */
const AGE_MS = 15_000
/** The page says within 10 s that it is not live any more, also where no timer ran for a while: a laptop that was closed. */
const SILENCE_MS = 9_000
const WATCH_MS = 500

/** @param {'off' | 'connecting' | 'live' | 'lost'} state @param {string} text */
function setConnection(state, text) {
  const at = byId('connection')
  at.dataset.state = state
  setText(at, text)
}

/** @param {string} token @returns {Source} */
const pasted = (token) => ({
  accessToken: async () => token,
  whenRenewed() {},
  isSession: false,
  close() {},
})

/** The session of this browser: the service says when it is over. @returns {Source} */
function ofSession() {
  const { accessToken, whenRenewed, close } = openTokens()
  return {
    accessToken: () =>
      accessToken().catch((error) => {
        if (isFinal(error)) throw new SignedOut(error.message)
        throw new Unreachable('The service does not answer.')
      }),
    whenRenewed,
    isSession: true,
    close,
  }
}

/** @param {Board} board */
export async function openPage(board) {
  const announcer = openAnnouncer(byId('announcements'))
  /** @type {ReturnType<typeof openSession> | null} */
  let session = null
  const timeline = openTimeline({ onSelect: (id) => session?.view.open(id) })

  /** @param {Source} source @param {string} token @param {Row} me */
  function openSession(source, token, me) {
    const api = openApi(source.accessToken)
    const expiresAt = source.isSession ? Number.POSITIVE_INFINITY : readExpiry(token)
    /** Changes come in; until then, and after they stopped, what is shown may be old. */
    let isLive = false
    /** Of the service, by the clock of the page. */
    let heardAt = performance.now()
    let isClosed = false
    /** @type {Promise<void> | null} */
    let reading = null
    let mustReadAgain = false
    let readAt = 0
    let failures = 0
    /** Happenings so far: the key in the timeline of what has none of its own. */
    let heard = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retry

    function joined() {
      isLive = true
      heardAt = performance.now()
      view.joined()
      void read()
    }

    /** @param {string} reason */
    function lost(reason) {
      if (isClosed) return
      if (isLive) announcer.say('The connection was lost. Trying again.')
      const wasLive = isLive
      isLive = false
      setConnection(
        'lost',
        `Not live: ${reason === 'CHANNEL_ERROR' ? 'connecting again' : words(reason).toLowerCase()}`,
      )
      // Reading tells why, if it is the token or the service, and what has changed, if it is neither. Once: this is said again
      // with each attempt to connect, which the token outlives or not.
      if (wasLive || Date.now() > expiresAt) void read()
    }

    const feed = openFeed(
      token,
      source.accessToken,
      { tables: board.tables, channel: board.channel },
      {
        onJoined: joined,
        onLost: lost,
        onHeard() {
          const wasSilent = performance.now() - heardAt > SILENCE_MS
          heardAt = performance.now()
          // The socket outlived the silence, and its channels with it: nobody will say that they are joined.
          if (wasSilent && !isLive) joined()
        },
        onChange(change) {
          view.change(change)
          show()
        },
        onPosition(id, payload) {
          view.position(id, payload)
          show()
        },
      },
    )

    source.whenRenewed(() => feed.renew())

    // ---- Reading ----------------------------------------------------------------------------------------------

    /** Reads the lists; asked for while it is reading, once more after that, because something may have changed since it began. */
    function read() {
      clearTimeout(retry)
      if (reading) {
        mustReadAgain = true
        return reading
      }
      reading = readLists()
        .catch(failed)
        .finally(() => {
          reading = null
          if (!mustReadAgain || isClosed) return
          mustReadAgain = false
          void read()
        })
      return reading
    }

    async function readLists() {
      const wasLive = isLive
      const now = Date.now()
      const finish = await view.read()
      if (isClosed) return
      failures = 0
      readAt = now
      if (isLive && wasLive && performance.now() - heardAt < SILENCE_MS) {
        if (byId('connection').dataset.state !== 'live') announcer.say('Live. Changes appear as they happen.')
        setConnection('live', 'Live')
      }
      await finish()
    }

    /** @param {Error} error */
    function failed(error) {
      view.abandon()
      if (isClosed) return
      if (error instanceof SignedOut) {
        return signOut(
          source.isSession ? 'Your session is over.' : 'The token has expired. Paste a fresh one.',
        )
      }
      failures += 1
      setConnection('lost', `Not read: ${error.message}`)
      retry = setTimeout(read, retryDelayMs(failures))
    }

    const isDue = () => document.visibilityState === 'visible' && Date.now() - readAt > READ_AGAIN_MS
    const readWhenDue = () => void (isDue() && failures === 0 && read())
    const clockwork = setInterval(() => {
      readWhenDue()
      show()
    }, AGE_MS)
    const watch = setInterval(() => {
      if (isLive && performance.now() - heardAt > SILENCE_MS) lost('The service does not answer')
    }, WATCH_MS)
    document.addEventListener('visibilitychange', readWhenDue)

    // ---- Telling and showing ----------------------------------------------------------------------------------

    /** @param {Happening | null} happening */
    function record(happening) {
      if (!happening || isClosed) return
      heard += 1
      const { key = `heard ${heard}`, at = Date.now(), text, id } = happening
      timeline.add({ key, at, text, id })
    }

    /** @param {Happening | null} happening */
    function tell(happening) {
      record(happening)
      if (happening && !happening.isQuiet) announcer.say(happening.text)
    }

    let isScheduled = false
    function show() {
      if (isScheduled || isClosed) return
      isScheduled = true
      // Not with the next frame: there is none in a tab that is out of sight, and its list should be right on return.
      setTimeout(() => {
        isScheduled = false
        if (!isClosed) view.render(Date.now())
      })
    }

    const view = board.open({
      me,
      api,
      feed,
      show,
      read: () => void read(),
      record,
      tell,
      isClosed: () => isClosed,
    })
    void read()
    setConnection('connecting', 'Connecting …')

    return {
      view,
      async close() {
        isClosed = true
        clearTimeout(retry)
        clearInterval(clockwork)
        clearInterval(watch)
        document.removeEventListener('visibilitychange', readWhenDue)
        source.close()
        api.close()
        view.close()
        timeline.clear()
        document.title = board.title
        await feed.close()
      },
    }
  }

  // ---- Signing in and out -------------------------------------------------------------------------------------

  const form = /** @type {HTMLFormElement} */ (byId('sign-in-form'))
  const input = /** @type {HTMLInputElement} */ (byId('token'))
  const settings = await fetch('/live/settings.json')
    .then((response) => response.json())
    .catch(() => ({}))
  /** People sign in at the service itself; a token of another issuer is still a way. */
  const hasSignIn = Boolean(settings.sign_in)
  /** @type {ReturnType<typeof openSignInForm> | null} */
  let ways = null

  /** @param {boolean} isSignedIn */
  function showSignedIn(isSignedIn) {
    byId('sign-in').hidden = isSignedIn
    byId('board').hidden = !isSignedIn
    byId('session').hidden = !isSignedIn
    ways?.close()
    ways = null
    if (isSignedIn) return
    if (!hasSignIn) return input.focus()
    ways = openSignInForm(byId('sign-in-ways'), {
      words: wordsIn('en'),
      ways: settings.sign_in,
      next: '/live',
      async onSignedIn() {
        if (await signIn(ofSession())) board.focus()
      },
    })
  }

  /** Where the service has several. @type {{ href: string, roles: string[], at: HTMLAnchorElement, isShown: boolean }[]} */
  const links = [...document.querySelectorAll('#boards a')].map((found) => {
    const at = /** @type {HTMLAnchorElement} */ (found)
    const roles = (at.dataset.roles ?? '').split(' ')
    return { href: at.href, roles, at, isShown: at.hasAttribute('aria-current') }
  })

  /** Offers the boards of who has signed in. @param {Row} me @returns {string | null} where their board is, if it is not this one */
  function elsewhere(me) {
    const memberships = /** @type {{ role: string }[]} */ (me.memberships ?? [])
    const theirs = boardsFor(
      links,
      memberships.map(({ role }) => role),
    )
    for (const link of links) link.at.hidden = !theirs.includes(link)
    if (links.length > 0) byId('boards').hidden = theirs.length < 2
    const [first] = theirs
    return first && !theirs.some(({ isShown }) => isShown) ? first.href : null
  }

  /** @param {string} message */
  function refuse(message) {
    setText(byId('token-error'), message)
    input.setAttribute('aria-invalid', String(message !== ''))
  }

  /** @param {Source} source */
  async function signIn(source) {
    const api = openApi(source.accessToken)
    try {
      const me = await api.get('/v1/me')
      const token = await source.accessToken()
      if (!source.isSession) sessionStorage.setItem(TOKEN_KEY, token)
      const address = elsewhere(me)
      if (address !== null) {
        source.close()
        location.replace(`${address}${SENT}`)
        return false
      }
      input.value = ''
      refuse('')
      setText(byId('who'), board.describe(me))
      showSignedIn(true)
      session = openSession(source, token, me)
      return true
    } catch (error) {
      source.close()
      sessionStorage.removeItem(TOKEN_KEY)
      showSignedIn(false)
      refuse(error instanceof Error ? error.message : 'That did not work.')
      if (hasSignIn && !source.isSession) input.focus()
      return false
    }
  }

  /** @param {string} [message] */
  function signOut(message = '') {
    void session?.close()
    session = null
    sessionStorage.removeItem(TOKEN_KEY)
    announcer.silence()
    setText(byId('who'), '')
    if (links.length > 0) byId('boards').hidden = true
    setConnection('off', 'Not signed in')
    showSignedIn(false)
    refuse(message)
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    // Copied from a terminal, it may have been broken over lines.
    const token = input.value.replace(/\s|^Bearer /g, '')
    if (token === '') {
      refuse('Paste a token first.')
      return
    }
    refuse('')
    if (await signIn(pasted(token))) board.focus()
  })
  byId('sign-out').addEventListener('click', async () => {
    // The session first: whoever reloads the page must not be signed in again.
    if (hasSignIn) await endSession().catch(() => {})
    signOut()
  })
  /** @param {string} button @param {string} section */
  function toggles(button, section) {
    byId(button).addEventListener('click', () => {
      const isHidden = byId(section).toggleAttribute('hidden')
      byId(button).setAttribute('aria-pressed', String(!isHidden))
    })
  }
  toggles('toggle-map', 'map-section')
  toggles('toggle-timeline', 'timeline')
  const isWide = matchMedia('(min-width: 60rem)').matches
  // A phone has no room beside the list: the timeline comes over it when it is asked for.
  if (!isWide) byId('toggle-timeline').click()
  byId('legend').toggleAttribute('open', isWide)

  byId('sign-in-ways').hidden = !hasSignIn
  byId('by-token').toggleAttribute('open', !hasSignIn)
  byId('by-token-summary').hidden = !hasSignIn
  const kept = sessionStorage.getItem(TOKEN_KEY)
  const known = kept !== null ? pasted(kept) : hasSignIn && mayHaveSession() ? ofSession() : null
  if (known === null) showSignedIn(false)
  else if ((await signIn(known)) && location.hash === SENT) board.focus()
}
