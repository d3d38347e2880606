import { openAnnouncer } from './announce.js'
import { openApi, Refused, readExpiry, retryDelayMs, SignedOut } from './api.js'
import { Board } from './board.js'
import { LONGEST_SHIFT_MS, periodOf } from './days.js'
import { openDetail } from './detail.js'
import { byId, element, mark, setText } from './dom.js'
import { openFeed } from './feed.js'
import { openList } from './list.js'
import { openMap } from './map.js'
import { NEEDS, needsOf } from './needs.js'
import { openSharing } from './share.js'
import { openTimeline } from './timeline.js'
import { words } from './words.js'

// The page: signs in, reads, follows, and shows. Each file beside this one does one of these.

/** @typedef {import('./board.js').Shift} Shift */

const TOKEN_KEY = 'muster.token'
/** 2,000 shifts and 2,000 sites: more than anybody watches, and as much as a phone draws smoothly. */
const MAX_PAGES = 20
/** Of incidents, which are few. */
const MAX_INCIDENT_PAGES = 5
/** No event says that a row left one's view, nor that a site was renamed, nor that a shift began. */
const READ_AGAIN_MS = 60_000
/** Shifts of which the last check-in is asked for, and how many at a time. */
const MAX_LOOKUPS = 200
const LOOKUPS_AT_ONCE = 4
/** A live position grows old without an event, and a guard late. */
const AGE_MS = 15_000
/** The page says within 10 s that it is not live any more, also where no timer ran for a while: a laptop that was closed. */
const SILENCE_MS = 9_000
const WATCH_MS = 500

const announcer = openAnnouncer(byId('announcements'))
/** @type {ReturnType<typeof openSession> | null} */
let session = null

const list = openList({
  onSelect: (id) => session?.select(id),
  onFilter: () => session?.show(),
  onDay: () => session?.readAnew(),
})
const map = openMap({ onSites: (ids) => session?.openSites(ids) })
const detail = openDetail({ onClose: () => session?.select(null) })
const timeline = openTimeline({ onSelect: (id) => session?.open(id) })
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
  /** Of the service, by the clock of the page. */
  let heardAt = performance.now()
  let isClosed = false
  /** @type {Promise<void> | null} */
  let reading = null
  let mustReadAgain = false
  let readAt = 0
  let failures = 0
  let hasFitted = false
  let isComplete = true
  /** Happenings so far: the key in the timeline of what has none of its own. */
  let heard = 0
  /** Professionals whose names are not to be had. @type {Set<string>} */
  const nameless = new Set()
  /** What needs a person and was told; null until the first reading is through. @type {Set<string> | null} */
  let told = null
  /** Shifts whose last check-in was asked for since the last gap. @type {Set<string>} */
  const lookedUp = new Set()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retry

  function joined() {
    isLive = true
    heardAt = performance.now()
    lookedUp.clear()
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

  const feed = openFeed(token, {
    onJoined: joined,
    onLost: lost,
    onHeard() {
      const wasSilent = performance.now() - heardAt > SILENCE_MS
      heardAt = performance.now()
      // The socket outlived the silence, and its channels with it: nobody will say that they are joined.
      if (wasSilent && !isLive) joined()
    },
    onChange(change) {
      tell(board.apply(change))
      if (change.table === 'shifts') {
        followPositions()
        // What is wrong, the next reading says.
        readNames().catch(() => {})
      }
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
    const time = periodOf(list.day, now)
    board.beginReading(time)
    // What began before the day may take place in it. Around now, that would be what is long over.
    const reach = list.day === null ? 0 : LONGEST_SHIFT_MS
    const starts_after = new Date(time.from - reach).toISOString()
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
    if (isLive && wasLive && performance.now() - heardAt < SILENCE_MS) {
      if (byId('connection').dataset.state !== 'live') announcer.say('Live. Changes appear as they happen.')
      setConnection('live', 'Live')
    }
    followPositions()
    render()
    if (!hasFitted) map.fitAll()
    hasFitted = true
    await Promise.all([lookUpCheckIns(), readNames()])
    for (const incident of board.incidents.values()) record(board.tellIncident(incident))
    if (isClosed) return
    told ??= new Set(needsNow().keys())
    render()
  }

  /** The names of the guards on these shifts, as far as the list of professionals has them. */
  async function readNames() {
    const isUnknown = (/** @type {string | null} */ id) =>
      id !== null && !board.names.has(id) && !nameless.has(id)
    const unknown = [...board.shifts.values()].map((shift) => shift.professional_id).filter(isUnknown)
    if (unknown.length === 0) return
    // Not asked for again while they are being read, and not with each reading where they are not to be had.
    for (const id of unknown) nameless.add(String(id))
    try {
      const { items } = await api.list('/v1/professionals', {}, MAX_PAGES)
      for (const { id, name } of items) board.names.set(String(id), String(name))
      show()
    } catch (error) {
      for (const id of unknown) nameless.delete(String(id))
      if (!(error instanceof Refused)) throw error
    }
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
    const now = Date.now()
    // Who checks in from elsewhere is not on duty by that: an assigned shift that should have begun has check-ins too.
    const isBegun = (/** @type {import('./board.js').Shift} */ { status, start_datetime: start }) =>
      status === 'active' || (status === 'assigned' && Date.parse(start) <= now)
    const wanted = board
      .list()
      .filter((shift) => isBegun(shift) && !lookedUp.has(shift.id))
      .slice(0, MAX_LOOKUPS)
      .map(({ id }) => id)
    const lookUp = async () => {
      for (let id = wanted.pop(); id !== undefined && !isClosed; id = wanted.pop()) {
        lookedUp.add(id)
        try {
          const { last_checkin } = await api.get(`/v1/shifts/${id}`)
          if (last_checkin) record(board.applyCheckIn(last_checkin))
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
  const watch = setInterval(() => {
    if (isLive && performance.now() - heardAt > SILENCE_MS) lost('The service does not answer')
  }, WATCH_MS)
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

  /** In the timeline. @param {import('./board.js').Happening | null} happening */
  function record(happening) {
    if (!happening || isClosed) return
    heard += 1
    const { key = `heard ${heard}`, at = Date.now(), text, shiftId } = happening
    timeline.add({ key, at, text, shiftId })
  }

  /** In the timeline, and to a screen reader. @param {import('./board.js').Happening | null} happening */
  function tell(happening) {
    record(happening)
    if (happening && !happening.isQuiet) announcer.say(happening.text)
  }

  /** What needs a person, by shift and kind, in words. */
  function needsNow() {
    /** @type {Map<string, import('./board.js').Happening>} */
    const needs = new Map()
    for (const shift of board.shifts.values()) {
      for (const { kind, text } of needsOf(board, shift, Date.now())) {
        const sentence = `${NEEDS[kind]}: ${board.nameOf(shift)}, ${text}.`
        needs.set(`${kind} ${shift.id}`, { shiftId: shift.id, text: sentence, isQuiet: false })
      }
    }
    return needs
  }

  /** Time alone makes a guard late: no event tells of it. Of the other kinds there was an event. */
  function tellNeeds() {
    const needs = needsNow()
    for (const [key, happening] of needs) {
      if (told && !told.has(key) && /^(late|absent|uncovered) /.test(key)) tell(happening)
    }
    if (told) told = new Set(needs.keys())
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
    const shifts = list.choose(board, now)
    list.show(board, shifts, selected, now)
    map.show(board, shifts, selected, now)
    detail.show(board, selected, now)
    tellNeeds()
    const elsewhere = [...board.incidents.values()].filter(
      ({ shift_id: id, status }) => status === 'open' && readAt > 0 && !board.shifts.has(id),
    ).length
    const notes = [
      isComplete ? '' : 'There is more than this page shows: only the first shifts and sites are here.',
      elsewhere === 0 ? '' : `Open incidents at shifts of other days: ${elsewhere}.`,
    ].filter(Boolean)
    const note = byId('list-note')
    note.hidden = notes.length === 0
    setText(note, notes.join(' '))
  }

  const selectedShift = () => (selectedId === null ? null : (board.shifts.get(selectedId) ?? null))

  void map.open()
  void read()
  setConnection('connecting', 'Connecting …')

  return {
    show,

    /** Another day was chosen. */
    readAnew() {
      setText(byId('list-caption'), 'Reading …')
      hasFitted = false
      // What needed a person on that day is no news.
      told = null
      void read()
    },

    /** @param {string} shiftId what the timeline tells of */
    open(shiftId) {
      if (shiftId !== selectedId && board.shifts.has(shiftId)) this.select(shiftId)
    },

    /** @param {string | null} shiftId */
    select(shiftId) {
      const before = selectedId
      selectedId = shiftId === selectedId ? null : shiftId
      const shift = selectedShift()
      render()
      if (shift) {
        const place = board.siteOf(shift)?.place ?? shift.place
        const checkIn = board.checkIns.get(shift.id)
        if (place) map.reveal(place, checkIn?.verdict === 'outside' ? checkIn.place : null)
        void detail.open(shift, api)
      } else if (before) list.opener(before)?.focus()
    },

    /** @param {string[]} siteIds */
    openSites(siteIds) {
      list.showSites(siteIds)
      const shifts = list.choose(board, Date.now()).filter(({ location_id }) => siteIds.includes(location_id))
      const [only] = shifts
      if (only && shifts.length === 1 && only.id !== selectedId) this.select(only.id)
      else byId('shifts').focus()
    },

    async close() {
      isClosed = true
      clearTimeout(retry)
      clearInterval(clockwork)
      clearInterval(watch)
      document.removeEventListener('visibilitychange', readWhenDue)
      sharing.stop()
      api.close()
      list.show(new Board(), [], null, 0)
      map.show(new Board(), [], null, 0)
      detail.show(new Board(), null, 0)
      timeline.clear()
      document.title = 'Muster live'
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
/** What the marks of the map mean. */
const LEGEND = {
  incident: 'Incident, open',
  absent: 'Nobody there (15 min)',
  outside: 'Guard outside',
  late: 'Late, no clock-in',
  uncovered: 'No guard, within 4 h',
  active: 'Guard on duty',
  assigned: 'Assigned',
  published: 'Open',
  position: 'Guard, live',
  none: 'Site',
}
byId('legend-marks').append(
  ...Object.entries(LEGEND).map(([name, text]) => element('li', {}, mark(name), text)),
  element('li', {}, element('b', {}, '3'), 'Shifts at and near it'),
)

const kept = sessionStorage.getItem(TOKEN_KEY)
if (kept === null) {
  showSignedIn(false)
  input.focus()
} else await signIn(kept)
