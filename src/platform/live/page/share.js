import { byId, setText } from './dom.js'
import { clock } from './text.js'

// One's own position, from this device, to those who follow what one does.

/** A phone may have a fix many times a second. */
const MIN_INTERVAL_MS = 2_000

const START = 'Share my position'
const STOP = 'Stop sharing my position'

/** @typedef {{ latitude: number, longitude: number, accuracy_meters: number, recorded_at: string }} SentPosition */

export function openSharing() {
  const section = byId('share')
  const button = byId('share-button')
  const status = byId('share-status')
  /** @type {{ id: string, name: string } | undefined} */
  let offered
  /** @type {(position: SentPosition) => Promise<void>} */
  let send = async () => {}
  /** @type {number | undefined} */
  let watch
  let sentAt = 0
  /** Sends the newest fix when its time has come. @type {ReturnType<typeof setTimeout> | undefined} */
  let sending
  /** @type {GeolocationPosition | undefined} */
  let newest

  function stop() {
    if (watch !== undefined) navigator.geolocation.clearWatch(watch)
    clearTimeout(sending)
    sending = undefined
    watch = undefined
    sentAt = 0
    // The words tell what pressing does; a pressed state beside them would say the same twice, or the opposite.
    setText(button, START)
  }

  /** @param {GeolocationPosition} position */
  function located(position) {
    newest = position
    sending ??= setTimeout(sendNewest, Math.max(0, sentAt + MIN_INTERVAL_MS - Date.now()))
  }

  function sendNewest() {
    sending = undefined
    if (!newest) return
    const { coords, timestamp } = newest
    if (sentAt === 0) setText(status, `Sharing since ${clock(timestamp)}.`)
    sentAt = Date.now()
    void send({
      latitude: coords.latitude,
      longitude: coords.longitude,
      accuracy_meters: coords.accuracy,
      recorded_at: new Date(timestamp).toISOString(),
    })
  }

  /** @param {GeolocationPositionError} error */
  function failed(error) {
    if (error.code === error.PERMISSION_DENIED) {
      stop()
      setText(status, 'This page may not know where you are: allow it in the browser.')
    } else setText(status, 'No position at the moment.')
  }

  button.addEventListener('click', () => {
    if (watch !== undefined) {
      stop()
      setText(status, 'Not shared any more.')
      return
    }
    if (!('geolocation' in navigator)) return setText(status, 'This browser does not tell positions.')
    setText(status, 'Looking for your position …')
    setText(button, STOP)
    watch = navigator.geolocation.watchPosition(located, failed, { enableHighAccuracy: true })
  })

  return {
    /**
     * @param {{ id: string, name: string } | undefined} subject what one does now; without it there is nothing to share
     * @param {(position: SentPosition) => Promise<void>} to
     */
    offer(subject, to) {
      send = to
      if (offered?.id !== subject?.id) {
        stop()
        setText(status, '')
      }
      offered = subject
      section.hidden = subject === undefined
      setText(byId('share-subject'), subject?.name ?? '')
    },
    stop() {
      stop()
      section.hidden = true
    },
  }
}
