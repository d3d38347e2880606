/** Where a request belongs in somebody's trace (W3C Trace Context). */
export interface TraceParent {
  readonly traceId: string
  /** The span of who sent the request. */
  readonly parentId: string
  readonly isSampled: boolean
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Reads the header `traceparent`: hexadecimal digits of fixed length, so nothing else of what a client sends gets into logs and
 * traces by it. Of later versions, which may be longer, what the first one has.
 *
 * @returns undefined for none, and for what is none (then a trace begins here)
 */
export function readTraceparent(header: string | string[] | undefined): TraceParent | undefined {
  if (typeof header !== 'string') return undefined
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(header) ?? []
  if (!version || !traceId || !parentId || !flags || (version === '00' && more)) return undefined
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
