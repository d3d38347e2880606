// Marks that would cover each other, as one. Pure.

/** @typedef {import('./geo.js').Point} Point */

/**
 * Each item joins the first group whose first item is nearer than `distance`, or begins one. So groups depend on the order
 * of the items and not on the part of the map that one looks at: they hold still while it is moved.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Point} pointOf
 * @param {number} distance in the units of the points, above zero
 * @returns {{ point: Point, items: T[] }[]}
 */
export function groupNear(items, pointOf, distance) {
  /** @typedef {{ point: Point, items: T[] }} Group */
  /** @type {Group[]} */
  const groups = []
  /** By cells as wide as the distance: what is near lies in the same or a neighbouring one. @type {Map<string, Group[]>} */
  const cells = new Map()
  for (const item of items) {
    const point = pointOf(item)
    const column = Math.floor(point.x / distance)
    const row = Math.floor(point.y / distance)
    const near = [-1, 0, 1]
      .flatMap((dx) => [-1, 0, 1].flatMap((dy) => cells.get(`${column + dx} ${row + dy}`) ?? []))
      .find((group) => Math.hypot(group.point.x - point.x, group.point.y - point.y) < distance)
    if (near) near.items.push(item)
    else {
      const group = { point, items: [item] }
      groups.push(group)
      const cell = `${column} ${row}`
      cells.set(cell, [...(cells.get(cell) ?? []), group])
    }
  }
  return groups
}
