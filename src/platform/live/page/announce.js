// What a screen reader is told: now and then, and never a flood.

/** A polite voice that is interrupted by itself says nothing: leave it time for a sentence. */
const QUIET_MS = 5_000

/** @param {HTMLElement} region with `aria-live` */
export function openAnnouncer(region) {
  /** @type {string[]} */
  let waiting = []
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let spokeAt = Number.NEGATIVE_INFINITY

  function speak() {
    timer = undefined
    region.textContent = summarize(waiting)
    waiting = []
    spokeAt = performance.now()
  }

  return {
    /** @param {string} text */
    say(text) {
      waiting.push(text)
      timer ??= setTimeout(speak, Math.max(0, spokeAt + QUIET_MS - performance.now()))
    },
    silence() {
      clearTimeout(timer)
      timer = undefined
      waiting = []
      region.textContent = ''
    },
  }
}

/** One or two are told, of many how many there were and the last one. @param {string[]} texts */
export function summarize(texts) {
  const distinct = [...new Set(texts)]
  return distinct.length <= 2
    ? distinct.join(' ')
    : `${distinct.length} changes. The last: ${distinct.at(-1)}`
}
