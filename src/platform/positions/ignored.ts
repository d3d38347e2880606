import { z } from 'zod'

/* What a newer app sends beside what the API knows never costs an item: it is ignored, and the answer names it. */

/** Enough to see what an app sends that the API does not know; a hostile item may have thousands. */
const MAX_IGNORED = 20
const MAX_IGNORED_LENGTH = 100

export const ignored = z
  .array(z.string())
  .optional()
  .meta({
    description: `The unknown members of the request, which were ignored: each once, the first ${MAX_IGNORED}.`,
  })

/** @returns the members of items that the API does not know; undefined when there is none. */
export function ignoredIn(items: readonly unknown[], known: object): string[] | undefined {
  const unknown = new Set<string>()
  for (const item of items) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) continue
    for (const name in item) {
      if (!Object.hasOwn(known, name) && unknown.size < MAX_IGNORED)
        unknown.add(name.slice(0, MAX_IGNORED_LENGTH))
    }
  }
  return unknown.size === 0 ? undefined : [...unknown].sort()
}
