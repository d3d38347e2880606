/** A database that does not answer must not keep the other metrics: Prometheus waits 10 s. */
const PATIENCE_MS = 2_000

/** @returns nothing, where the database does not answer in time or refuses: other metrics tell that. */
export async function inTime<R>(rows: Promise<R[]>): Promise<R[]> {
  const silence = Promise.withResolvers<R[]>()
  const timer = setTimeout(() => silence.resolve([]), PATIENCE_MS)
  try {
    return await Promise.race([rows.catch((): R[] => []), silence.promise])
  } finally {
    clearTimeout(timer)
  }
}
