// Which boards somebody has. Pure.

/** @typedef {{ href: string, roles: string[] }} BoardLink `roles`: of those for whom it is */

/**
 * The boards for the roles of somebody; all of them for a role that is of none, such as an admin's.
 *
 * @template {BoardLink} T
 * @param {T[]} boards
 * @param {string[]} roles
 * @returns {T[]}
 */
export function boardsFor(boards, roles) {
  const isOfBoard = (/** @type {string} */ role) => boards.some((board) => board.roles.includes(role))
  if (roles.length === 0 || !roles.every(isOfBoard)) return boards
  return boards.filter((board) => board.roles.some((role) => roles.includes(role)))
}
