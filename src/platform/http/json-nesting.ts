/**
 * How deep a client's JSON may nest. `JSON.parse` takes any depth, but `JSON.stringify`, which relays it, recurses and
 * overflows the stack at some thousands of levels: one frame of `[[[[…` would throw in the middle of a fan-out, and one body in
 * whatever prints it again.
 */
export const MAX_NESTING = 512

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Whether JSON nests deeper than `limit`. On text that is not JSON the answer may be wrong, and the parser refuses it. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  let depth = 0
  let quoted = false
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (quoted) {
      if (unit === BACKSLASH) index += 1
      else if (unit === QUOTE) quoted = false
    } else if (unit === QUOTE) {
      quoted = true
    } else if (unit === OPEN_BRACKET || unit === OPEN_BRACE) {
      depth += 1
      if (depth > limit) return true
    } else if (unit === CLOSE_BRACKET || unit === CLOSE_BRACE) {
      depth -= 1
    }
  }
  return false
}
