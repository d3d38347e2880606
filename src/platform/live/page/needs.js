// What needs a person, and which first. Pure.

/** @typedef {{ kind: string, since: number, text: string }} Need why something needs a person; `since`: ms since 1970 */

/**
 * What needs a person, the most urgent first and the longest waiting of those, and the others in the order given.
 *
 * @template {{ needs: { kind: string, since: number }[] }} T
 * @param {T[]} items the most urgent of their needs first
 * @param {readonly string[]} order of kinds
 * @returns {{ urgent: T[], others: T[] }}
 */
export function arrange(items, order) {
  /** @param {T} item */
  const rank = ({ needs: [first] }) => (first ? order.indexOf(first.kind) : order.length)
  const urgent = items.filter(({ needs }) => needs.length > 0)
  urgent.sort((a, b) => rank(a) - rank(b) || (a.needs[0]?.since ?? 0) - (b.needs[0]?.since ?? 0))
  return { urgent, others: items.filter(({ needs }) => needs.length === 0) }
}
