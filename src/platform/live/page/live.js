import { openAnnouncer } from './announce.js'
import { openApi, Refused, readExpiry, retryDelayMs, SignedOut } from './api.js'
import { Board, words } from './board.js'
import { openDetail } from './detail.js'
import { byId, element, setText } from './dom.js'
import { openFeed } from './feed.js'
import { openList } from './list.js'
import { openMap } from './map.js'
import { openSharing } from './share.js'
import { clock } from './words.js'

// The page: signs in, reads, follows, and shows. Each file beside this one does one of these.

/** @typedef {import('./board.js').Shift} Shift */

const TOKEN_KEY = 'muster.token'
const HOUR_MS = 3_600_000
/** No shift takes longer, so what began before is over. */
const HOURS_BACK = 48
const HOURS_AHEAD = 48
/** 2,000 shifts and 2,000 sites: more than anybody watches, and as much as a phone draws smoothly. */
const MAX_PAGES = 20
/** Of incidents, which are few. */
const MAX_INCIDENT_PAGES = 5
/** No event says that a row left one's view, nor that a site was renamed, nor that a shift began. */
const READ_AGAIN_MS = 60_000
/** Shifts of which the last check-in is asked for, and how many at a time. */
const MAX_LOOKUPS = 200
const LOOKUPS_AT_ONCE = 4
/** A live position grows old without an event. */
const AGE_MS = 15_000
const MAX_LOG = 50

const announcer = openAnnouncer(byId('announcements'))
/** @type {ReturnType<typeof openSession> | null} */
let session = null

const list = openList({ onSelect: (id) => session?.select(id), onFilter: () => session?.show() })
const map = openMap({ onSites: (ids) => session?.openSites(ids) })
const detail = openDetail({ onClose: () => session?.select(null) })
const sharing = openSharing()

/** @param {'off' | 'connecting' | 'live' | 'lost'} state @param {string} text */
function setConnection(state, text) {
  const at = byId('connection')
  at.dataset.state = state
  setText(at, text)
}

/** @param {string} token @param {{ name: string, role: string, professional: { id: string } | null }} me */
function openSession(token, me) {
  const board = new Board()
  const api = openApi(token)
  /** @type {string | null} */
  let selectedId = null
  const expiresAt = readExpiry(token)
  /** Changes come in; until then, and after they stopped, what is shown may be old. */
  let isLive = false
  let isClosed = false
  /** @type {Promise<void> | null} */
  let reading = null
  let mustReadAgain = false
  let readAt = 0
  let failures = 0
  let hasFitted = false
  let isComplete = true
  /** Shifts whose last check-in was asked for since the last gap. @type {Set<string>} */
  const lookedUp = new Set()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry

  const feed = openFeed(token, {
    onJoined() {
      isLive = true
      lookedUp.clear()
      void read()
    },
    onLost(reason) {
      if (isClosed) return
      if (isLive) announcer.say('The connection was lost. Trying again.')
      // Reading tells why, if it is the token or the service, and what has changed, if it is neither. Once: this is said again
      // with each attempt to connect, which the token outlives or not.
      if (isLive || Date.now() > expiresAt) void read()
      isLive = false
      setConnection(
        'lost',
        `Not live: ${reason === 'CHANNEL_ERROR' ? 'connecting again' : words(reason).toLowerCase()}`,
      )
    },
    onChange(change) {
      tell(board.apply(change))
      if (change.table === 'shifts') followPositions()
      show()
    },
    onPosition(shiftId, payload) {
      board.applyPosition(shiftId, payload, Date.now())
      show()
    },
  })

  // ---- Reading ------------------------------------------------------------------------------------------------

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
    const time = { from: now - HOURS_BACK * HOUR_MS, to: now + HOURS_AHEAD * HOUR_MS }
    board.beginReading(time)
    const starts_after = new Date(time.from).toISOString()
    const starts_before = new Date(time.to).toISOString()
    const [shifts, locations, open, acknowledged] = await Promise.all([
      api.list('/v1/shifts', { starts_after, starts_before }, MAX_PAGES),
      api.list('/v1/locations', {}, MAX_PAGES),
      api.list('/v1/incidents', { status: 'open' }, MAX_INCIDENT_PAGES),
      api.list('/v1/incidents', { status: 'acknowledged' }, MAX_INCIDENT_PAGES),
    ])
    if (isClosed) return
    board.finishReading({
      shifts: shifts.items,
      locations: locations.items,
      incidents: [...open.items, ...acknowledged.items],
    })
    isComplete = shifts.isComplete && locations.isComplete
    failures = 0
    readAt = now
    if (isLive && wasLive) {
      if (byId('connection').dataset.state !== 'live') announcer.say('Live. Changes appear as they happen.')
      setConnection('live', 'Live')
    }
    followPositions()
    render()
    if (!hasFitted) map.fitAll()
    hasFitted = true
    await lookUpCheckIns()
  }

  /** @param {Error} error */
  function failed(error) {
    board.abandonReading()
    if (isClosed) return
    if (error instanceof SignedOut) return signOut('The token has expired. Paste a fresh one.')
    failures += 1
    setConnection('lost', `Not read: ${error.message}`)
    retry = setTimeout(read, retryDelayMs(failures))
  }

  /** The list of shifts does not have their check-ins, and events have the new ones alone. */
  async function lookUpCheckIns() {
    const wanted = board
      .list()
      .filter(({ id, status }) => status === 'active' && !lookedUp.has(id))
      .slice(0, MAX_LOOKUPS)
      .map(({ id }) => id)
    const lookUp = async () => {
      for (let id = wanted.pop(); id !== undefined && !isClosed; id = wanted.pop()) {
        lookedUp.add(id)
        try {
          const { last_checkin } = await api.get(`/v1/shifts/${id}`)
          if (last_checkin) board.applyCheckIn(last_checkin)
          show()
        } catch (error) {
          // It may have left one's view meanwhile: the next reading will say so.
          if (!(error instanceof Refused)) throw error
        }
      }
    }
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, lookUp))
  }

  const isDue = () => document.visibilityState === 'visible' && Date.now() - readAt > READ_AGAIN_MS
  const readWhenDue = () => void (isDue() && failures === 0 && read())
  const clockwork = setInterval(() => {
    readWhenDue()
    show()
  }, AGE_MS)
  document.addEventListener('visibilitychange', readWhenDue)

  // ---- Following ----------------------------------------------------------------------------------------------

  function followPositions() {
    const active = board.list().filter(({ status }) => status === 'active')
    feed.followPositions(active.map(({ id }) => id))
    const own = active.find(({ professional_id: id }) => id !== null && id === me.professional?.id)
    sharing.offer(own && { id: own.id, name: board.nameOf(own) }, async (position) => {
      if (!own) return
      // The channel brings one's own broadcasts to others alone.
      board.applyPosition(own.id, position, Date.now())
      show()
      await feed.sendPosition(own.id, position)
    })
  }

  /** @param {import('./board.js').Happening | null} happening */
  function tell(happening) {
    if (!happening) return
    const log = byId('log')
    const now = Date.now()
    const time = element('time', { datetime: new Date(now).toISOString() }, clock(now))
    log.prepend(element('li', {}, time, ` ${happening.text}`))
    while (log.children.length > MAX_LOG) log.lastElementChild?.remove()
    byId('log-empty').hidden = true
    if (!happening.isQuiet) announcer.say(happening.text)
  }

  // ---- Showing ------------------------------------------------------------------------------------------------

  let isScheduled = false
  /** Soon, once for all that changes until then. */
  function show() {
    if (isScheduled || isClosed) return
    isScheduled = true
    // Not with the next frame: there is none in a tab that is out of sight, and its list should be right on return.
    setTimeout(() => {
      isScheduled = false
      if (!isClosed) render()
    })
  }

  function render() {
    const now = Date.now()
    const selected = selectedShift()
    const shifts = list.choose(board)
    list.show(board, shifts, selected, now)
    map.show(board, shifts, selected)
    detail.show(board, selected, now)
    const note = byId('list-note')
    note.hidden = isComplete
    setText(
      note,
      isComplete ? '' : 'There is more than this page shows: only the first shifts and sites are here.',
    )
  }

  const selectedShift = () => (selectedId === null ? null : (board.shifts.get(selectedId) ?? null))

  void read()
  setConnection('connecting', 'Connecting …')

  return {
    show,

    /** @param {string | null} shiftId */
    select(shiftId) {
      const before = selectedId
      selectedId = shiftId === selectedId ? null : shiftId
      const shift = selectedShift()
      render()
      if (shift) {
        const place = board.siteOf(shift)?.place ?? shift.place
        if (place) map.reveal(place)
        void detail.open(shift, api)
      } else if (before) list.opener(before)?.focus()
    },

    /** @param {string[]} siteIds */
    openSites(siteIds) {
      list.showSites(siteIds)
      const shifts = list.choose(board).filter(({ location_id }) => siteIds.includes(location_id))
      const [only] = shifts
      if (only && shifts.length === 1 && only.id !== selectedId) this.select(only.id)
      else byId('shifts').focus()
    },

    async close() {
      isClosed = true
      clearTimeout(retry)
      clearInterval(clockwork)
      document.removeEventListener('visibilitychange', readWhenDue)
      sharing.stop()
      api.close()
      list.show(new Board(), [], null, 0)
      map.show(new Board(), [], null)
      detail.show(new Board(), null, 0)
      byId('log').replaceChildren()
      byId('log-empty').hidden = false
      await feed.close()
    },
  }
}

// ---- Signing in and out ---------------------------------------------------------------------------------------

const form = /** @type {HTMLFormElement} */ (byId('sign-in-form'))
const input = /** @type {HTMLInputElement} */ (byId('token'))

/** @param {boolean} isSignedIn */
function showSignedIn(isSignedIn) {
  byId('sign-in').hidden = isSignedIn
  byId('board').hidden = !isSignedIn
  byId('session').hidden = !isSignedIn
}

/** @param {string} message */
function refuse(message) {
  setText(byId('token-error'), message)
  input.setAttribute('aria-invalid', String(message !== ''))
}

/** @param {string} token */
async function signIn(token) {
  const api = openApi(token)
  try {
    const me = await api.get('/v1/me')
    sessionStorage.setItem(TOKEN_KEY, token)
    input.value = ''
    refuse('')
    setText(byId('who'), `${me.name} (${me.organization?.name ?? (me.role === 'zzp' ? 'guard' : me.role)})`)
    showSignedIn(true)
    session = openSession(token, me)
    return true
  } catch (error) {
    sessionStorage.removeItem(TOKEN_KEY)
    showSignedIn(false)
    refuse(error instanceof Error ? error.message : 'That did not work.')
    input.focus()
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
  setConnection('off', 'Not signed in')
  showSignedIn(false)
  refuse(message)
  input.focus()
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  // Copied from a terminal, it may have been broken over lines.
  const token = input.value.replace(/\s|^Bearer /g, '')
  if (token === '') return refuse('Paste a token first.')
  refuse('')
  if (await signIn(token)) byId('shifts').focus()
})
byId('sign-out').addEventListener('click', () => signOut())
const mapToggle = byId('toggle-map')
mapToggle.addEventListener('click', () => {
  const isHidden = byId('map-section').toggleAttribute('hidden')
  mapToggle.setAttribute('aria-pressed', String(!isHidden))
})

// The list waits for no map.
map.loadBase().catch(() => setText(byId('attribution'), 'The map could not be read.'))
const kept = sessionStorage.getItem(TOKEN_KEY)
if (kept === null) showSignedIn(false)
else await signIn(kept)
