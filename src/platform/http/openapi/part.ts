import type { Header } from './document.ts'

/**
 * An example for the API's description, to be sent as it is to a service that has just filled itself with the demo. Where the id in
 * a path is one that only an answer tells, there is none here.
 */
export interface Example {
  /** With whose token: the part before `@example.com` of a user of the demo. */
  as: string
  /** Values of parameters in path and query, by name. */
  parameters?: Record<string, string | number | boolean>
  body?: unknown
}

/** What a module adds to the API's description, beside what its routes say. */
export interface ApiPart {
  /** A sentence about what the module is for, also on the front page. */
  readonly summary?: string
  readonly tags: readonly { name: string; description: string }[]
  /** By `operationId`: each operation that needs something to be given. */
  readonly examples: Readonly<Record<string, Example>>
  /** Headers of a success, by `operationId`. */
  readonly headers: Readonly<Record<string, readonly Header[]>>
}
