import { availableParallelism } from 'node:os'

/** The machine on which the time limits of tests were chosen. */
const REFERENCE_CORES = 4
/** What `measure` takes on it, in milliseconds. */
const REFERENCE_MS = 60
/** A hundred times slower would be no slow machine but one that hangs. */
const MOST = 10
const SHARED_IN = 'TEST_SLOWNESS'

/**
 * How much longer than on the reference machine something may take here, at least 1: by cores, and by what a fixed piece of work takes
 * now. Measured once a run, by the process that starts first, so that a slow or busy machine is slow and not red.
 */
function slowness(): number {
  const known = Number(process.env[SHARED_IN])
  if (known >= 1) return known
  const fewer = REFERENCE_CORES / Math.min(REFERENCE_CORES, availableParallelism())
  const measured = Math.min(MOST, Math.max(1, fewer * (measure() / REFERENCE_MS)))
  process.env[SHARED_IN] = String(measured)
  return measured
}

/** @returns milliseconds */
function measure(): number {
  const start = performance.now()
  let sum = 0
  for (let n = 0; n < 20_000_000; n += 1) sum = (sum + n * 7) % 1_000_003
  return sum >= 0 ? performance.now() - start : Number.POSITIVE_INFINITY
}

const factor = slowness()

/** A time limit for this machine. @param ms what is several times enough on four quiet cores */
export const patience = (ms: number): number => Math.ceil(ms * factor)
