import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'

const database = useTestDatabase()

/** Statements on the way at once: each of them takes far less than a millisecond, all of them some hundred. */
const WAITING = 500

it.each([
  ['statements', () => database().owner.query('select 1')],
  ['transactions', () => database().owner.transaction((tx) => tx.query('select 1'))],
])('sockets and timers have turns while many %s wait', async (_, ask) => {
  let left = WAITING
  const asked = Array.from({ length: WAITING }, async () => {
    await ask()
    left -= 1
  })
  const leftAtTurns: number[] = []
  while (left > 0) {
    await nextTurn()
    leftAtTurns.push(left)
  }
  await Promise.all(asked)
  // Not in one piece: some were answered, and others were not.
  expect(leftAtTurns.filter((count) => count > 0 && count < WAITING).length).toBeGreaterThan(2)
})
