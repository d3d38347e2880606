import { RE2JS, RE2JSSyntaxException } from 're2js'

/**
 * Patterns of filters: `match` and `imatch` in RE2's syntax, `like` and `ilike` in SQL's.
 *
 * They run on an engine without backtracking, whose time is bounded by the pattern's size times the text's length: a client's
 * pattern is somebody else's program. PostgreSQL's engine takes more than its statement timeout to compile
 * `(((a|b)?){1,30}){1,30}`, and JavaScript's more than a lifetime to look for `(x+x+)+y`.
 */

export const PATTERN_OPERATORS = ['like', 'ilike', 'match', 'imatch'] as const
export type PatternOperator = (typeof PATTERN_OPERATORS)[number]

/** What people write is some tens of characters long. Compiling takes up to 15 µs for each. */
export const MAX_PATTERN_LENGTH = 500

/** Instructions of one compiled pattern: `%word%` has 11, `^(a|b|c)-[0-9]{3}$` about 20. Repetitions multiply: `(a{1,9}){1,9}` has 165. */
export const MAX_PATTERN_SIZE = 300

/**
 * Instructions times characters, for one value: at most some 20 ms in the worst case that was found, where the engine gives up
 * its tables of states. `%word%` may look through 18,000 characters. In a longer value a pattern is not looked for.
 */
export const MAX_PATTERN_STEPS = 200_000

/** Patterns that are kept: an app gives the same ones to all of its clients. */
const MAX_KEPT = 1_000

export interface Pattern {
  /** Instructions of the compiled pattern. */
  readonly size: number
  /** Undefined for a text that is too long to be looked through. */
  test(text: string): boolean | undefined
}

/** The pattern is none, or more than what is run here. The message says which part of it. */
export class PatternRefused extends Error {
  override name = 'PatternRefused'
}

const kept = new Map<string, Pattern>()

/** @throws PatternRefused */
export function compilePattern(operator: PatternOperator, pattern: string): Pattern {
  const key = `${operator} ${pattern}`
  const known = kept.get(key)
  if (known) {
    // The one that was not used for longest is the first.
    kept.delete(key)
    kept.set(key, known)
    return known
  }
  const compiled = compileAnew(operator, pattern)
  kept.set(key, compiled)
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!)
  return compiled
}

function compileAnew(operator: PatternOperator, pattern: string): Pattern {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new PatternRefused(`a pattern must not be longer than ${MAX_PATTERN_LENGTH} characters`)
  }
  const ignoresCase = operator === 'ilike' || operator === 'imatch'
  const isRegex = operator === 'match' || operator === 'imatch'
  // Folding the cases of thousands of characters takes 10 ms for each such class.
  if (isRegex && (ignoresCase || /\(\?[a-zA-Z]*i/.test(pattern)) && hasLargeClass(pattern)) {
    throw new PatternRefused(
      'a regular expression that ignores case must not have \\p or a range beyond ASCII',
    )
  }
  // Compiled, it would take up to 40 ms to find that out.
  if (isRegex && estimateSize(pattern) > MAX_PATTERN_SIZE * ESTIMATE_ERROR)
    throw new PatternRefused(TOO_LARGE)
  const regex = compileRegex(
    isRegex ? pattern : likeToRegex(pattern),
    // As in PostgreSQL, a dot is any character.
    RE2JS.DOTALL | (ignoresCase ? RE2JS.CASE_INSENSITIVE : 0),
  )
  const size = regex.programSize()
  if (size > MAX_PATTERN_SIZE) {
    throw new PatternRefused(TOO_LARGE)
  }
  return {
    size,
    test: (text) => (text.length * size > MAX_PATTERN_STEPS ? undefined : regex.test(text)),
  }
}

const TOO_LARGE = `a pattern must not have more than ${MAX_PATTERN_SIZE} instructions: repetitions multiply`

/** The estimate knows nothing of what the compiler saves. */
const ESTIMATE_ERROR = 2

/** About how many instructions a regular expression has: its atoms, each times the repetitions around it. */
function estimateSize(pattern: string): number {
  // A class is one atom; a quantifier with numbers counts as its largest.
  const tokens = pattern.match(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|./gsu) ?? []
  const groups: number[] = []
  let [size, last] = [0, 0]
  for (const token of tokens) {
    const counts = /^\{(\d+)(?:,(\d*))?\}$/.exec(token)
    if (token === '(') {
      groups.push(size + last)
      size = 0
      last = 0
    } else if (token === ')') {
      // What was before the group, and the group as the last atom.
      last += size + 1
      size = groups.pop() ?? 0
    } else if (counts) {
      last *= Math.max(1, Number(counts[1]), Number(counts[2] || 0))
    } else {
      size += last
      last = 1
    }
  }
  return groups.reduce((sum, before) => sum + before, size + last)
}

const hasLargeClass = (pattern: string): boolean => /\\[pP]|-(?:[^\0-\x7f]|\\[x0-7])/.test(pattern)

function compileRegex(source: string, flags: number): RE2JS {
  try {
    return RE2JS.compile(source, flags)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      // The patterns of PostgreSQL that RE2 has not: `\1`, lookaround, `\y`, `***:`.
      throw new PatternRefused(`invalid regular expression: ${error.message}`)
    }
    throw error
  }
}

/** `%` is any text, `_` any character, and `\` takes from the next character what it means. */
function likeToRegex(pattern: string): string {
  const body = pattern.replace(/\\(.)|[%_]|[^\\%_]+/gsu, (part, escaped: string | undefined) => {
    if (escaped !== undefined) return RE2JS.quote(escaped)
    if (part === '%') return '.*'
    return part === '_' ? '.' : RE2JS.quote(part)
  })
  return `^${body}$`
}
