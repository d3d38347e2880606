import { settings } from './config.ts'

const KNOWN = Object.keys(settings.shape)

/** One typing error is allowed per this many letters: a short name is close to others that mean something else (HOME, HOST). */
const LETTERS_PER_MISTAKE = 6

/**
 * Finds environment variables that are probably mistyped settings, such as DATABSE_URL. They would be ignored silently, and the
 * service would use another database.
 *
 * @returns a line for each
 */
export function mistypedSettings(environment: Record<string, string | undefined>): string[] {
  return Object.keys(environment)
    .filter((name) => environment[name] !== '' && !KNOWN.includes(name))
    .flatMap((name) => {
      const meant = KNOWN.find((known) => isNear(name, known))
      return meant
        ? [
            `${name} is not a setting and is ignored. Did you mean ${meant}? (.env.example lists all settings.)`,
          ]
        : []
    })
}

function isNear(name: string, known: string): boolean {
  const allowed = Math.floor(known.length / LETTERS_PER_MISTAKE)
  if (Math.abs(name.length - known.length) > allowed) return false
  return distance(name.toUpperCase(), known) <= allowed
}

/** Edit distance: insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function distance(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, j) => j)
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = last[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, replaced, isSwap ? beforeLast[j - 2]! + 1 : Infinity)
    }
    beforeLast = last
    last = row
  }
  return last[other.length]!
}
