/** One statement of an SQL file. */
export interface SqlStatement {
  /** With its semicolon, and with the comment that stands directly above it. */
  readonly text: string
  /** Without comments before it: what it begins with says what it does. */
  readonly bare: string
  /** Of its first word, from 1. */
  readonly line: number
}

/** What may hide a semicolon, and the words that open and close the body of `begin atomic … end`. */
const TOKEN =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?:[A-Za-z_]\w*)?\$|[A-Za-z_][\w$]*|;|\s+|./gsy

/** Splits a script into its statements, as psql would. PGlite and the migrations take one at a time. */
export function splitStatements(script: string): SqlStatement[] {
  const statements: SqlStatement[] = []
  /** Where the comment above the statement begins, and its first word. */
  let commentAt: number | undefined
  let startsAt: number | undefined
  let atomicDepth = 0
  let word = ''

  const finish = (end: number): void => {
    if (startsAt !== undefined) {
      statements.push({
        text: script.slice(commentAt ?? startsAt, end).trim(),
        bare: script.slice(startsAt, end).trim(),
        line: script.slice(0, startsAt).split('\n').length,
      })
    }
    commentAt = undefined
    startsAt = undefined
    atomicDepth = 0
    word = ''
  }

  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(script); match; match = TOKEN.exec(script)) {
    const token = match[0]
    const at = match.index
    if (token.startsWith('--') || token === '/*') {
      if (token === '/*') TOKEN.lastIndex = endOfComment(script, at)
      if (startsAt === undefined) commentAt ??= at
    } else if (/^\s/.test(token)) {
      // A blank line parts a remark about the file from the statement below it.
      if (startsAt === undefined && token.split('\n').length > 2) commentAt = undefined
    } else if (token === ';' && atomicDepth === 0) {
      finish(TOKEN.lastIndex)
    } else {
      startsAt ??= at
      if (token.startsWith('$')) {
        const close = script.indexOf(token, TOKEN.lastIndex)
        TOKEN.lastIndex = close < 0 ? script.length : close + token.length
      }
      const next = token.toLowerCase()
      if (word === 'begin' && next === 'atomic') atomicDepth = 1
      else if (atomicDepth > 0 && next === 'case') atomicDepth += 1
      else if (atomicDepth > 0 && next === 'end') atomicDepth -= 1
      word = next
    }
  }
  finish(script.length)
  return statements
}

/** Comments of PostgreSQL nest. */
function endOfComment(script: string, from: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = from
  let depth = 0
  for (let match = mark.exec(script); match; match = mark.exec(script)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return script.length
}
