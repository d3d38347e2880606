import type { Request } from 'autocannon'
import type { Running } from './processes.ts'

export interface Answering {
  name: string
  server: Running
  requests: readonly Request[]
  /** The distances in an answer's body. */
  distances(body: unknown): number[]
}

/** How many searches are compared before anything is measured. */
const COMPARED = 50
/** Statements that sort by the sphere's distances put neighbours the other way round now and then. */
const TOLERANCE = 0.012

/** Whoever finds less, or something else, must not win by it. */
export async function requireSameAnswers(ours: Answering, others: readonly Answering[]): Promise<void> {
  for (let nth = 0; nth < COMPARED; nth += 1) {
    const expected = await ask(ours, nth)
    for (const other of others) {
      const found = await ask(other, nth)
      const same =
        found.length === expected.length &&
        found.every((meters, at) => Math.abs(meters - expected[at]!) <= expected[at]! * TOLERANCE + 1)
      if (!same) throw new Error(`${other.name} answers differently: ${JSON.stringify(other.requests[nth])}`)
    }
  }
}

async function ask({ name, server, requests, distances }: Answering, nth: number): Promise<number[]> {
  const { method, path, headers, body = null } = requests[nth]!
  const response = await fetch(server.origin + path, { method, headers, body })
  if (!response.ok) throw new Error(`${name} answered ${response.status}: ${await response.text()}`)
  return distances(await response.json())
}
