/** What the benchmark uses of autocannon, which brings no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  export interface Request {
    method: string
    path: string
    headers: Record<string, string>
    body?: string
  }

  export interface Client extends EventEmitter {
    setRequests(requests: Request[]): void
  }

  export interface Options {
    url: string
    connections: number
    /** Seconds. */
    duration?: number
    /** Requests in all; ends when they have been answered. */
    amount?: number
    /** Seconds. */
    timeout: number
    /** Milliseconds between looks at whether it is over. */
    sampleInt: number
    setupClient(client: Client): void
  }

  export interface Result {
    errors: number
    timeouts: number
  }

  export default function autocannon(
    options: Options,
    done: (error: Error | null, result: Result) => void,
  ): EventEmitter
}
