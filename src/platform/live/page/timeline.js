import { byId, element } from './dom.js'
import { moment } from './text.js'

// What happened, the newest first: what the lists tell of the past when the page opens, and each event from then on.

/** @typedef {{ key: string, at: number, text: string, id: string }} Entry `at`: ms since 1970; `id`: of what it is about */

/** A busy night; beyond it nobody scrolls. */
const MAX_ENTRIES = 200

/** @param {{ onSelect: (id: string) => void }} listeners */
export function openTimeline({ onSelect }) {
  const list = byId('log')
  /** Newest first. @type {{ entry: Entry, item: HTMLLIElement }[]} */
  let shown = []

  return {
    /** An entry whose key is known already is left out: an event and a list may tell of the same. @param {Entry} entry */
    add(entry) {
      if (shown.some(({ entry: { key } }) => key === entry.key)) return
      const title = element('button', { type: 'button', class: 'link' }, entry.text)
      title.addEventListener('click', () => onSelect(entry.id))
      const time = element(
        'time',
        { datetime: new Date(entry.at).toISOString() },
        moment(entry.at, Date.now()),
      )
      const item = element('li', {}, time, title)
      const index = shown.findIndex(({ entry: { at } }) => at <= entry.at)
      const next = index === -1 ? null : (shown[index]?.item ?? null)
      list.insertBefore(item, next)
      shown.splice(index === -1 ? shown.length : index, 0, { entry, item })
      for (const { item: last } of shown.splice(MAX_ENTRIES)) last.remove()
      byId('log-empty').hidden = true
    },
    clear() {
      shown = []
      list.replaceChildren()
      byId('log-empty').hidden = false
    },
  }
}
