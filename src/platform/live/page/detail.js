import { byId, element, setText } from './dom.js'

// One item of the list, in full.

/** @typedef {{ heading: string, facts: Record<string, string> }} Details by term, in order; empty ones are left out */

/** @param {{ onClose: () => void }} listeners */
export function openDetail({ onClose }) {
  const section = byId('detail')
  const facts = byId('detail-facts')

  byId('detail-close').addEventListener('click', onClose)
  section.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') onClose()
  })

  /** @param {Details['facts']} wanted */
  function setFacts(wanted) {
    const entries = Object.entries(wanted).filter(([, text]) => text !== '')
    const isSame = entries.every(([term], index) => facts.children[index * 2]?.textContent === term)
    if (!isSame || facts.children.length !== entries.length * 2) {
      facts.replaceChildren(...entries.flatMap(([term]) => [element('dt', {}, term), element('dd')]))
    }
    for (const [index, [, text]] of entries.entries()) setText(facts.children[index * 2 + 1] ?? facts, text)
  }

  return {
    /** @param {Details | null} details */
    show(details) {
      section.hidden = details === null
      if (!details) return
      setText(byId('detail-heading'), details.heading)
      setFacts(details.facts)
    },
    focus: () => byId('detail-heading').focus(),
  }
}
