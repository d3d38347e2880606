/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('There is no median of nothing.')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * The smallest value that at least `share` of all do not exceed (nearest rank): it is one that was measured, never one
 * made up between two.
 *
 * @param sorted in ascending order
 * @param share over 0, at most 1
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) throw new RangeError('There is no percentile of nothing.')
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}

export interface Latencies {
  p50: number
  p95: number
  p99: number
}

/** @param times in any order; the result has their unit. */
export function latenciesOf(times: readonly number[]): Latencies {
  const sorted = Float64Array.from(times).sort()
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) }
}
