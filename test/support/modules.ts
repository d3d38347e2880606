import { MODULES } from '../../src/app.ts'
import type { Example } from '../../src/platform/http/openapi/part.ts'

/** What all modules declare, together. */

export const PUBLISHED_TABLES = MODULES.flatMap(({ publishedTables }) => [...publishedTables])
export type PublishedTableName = (typeof PUBLISHED_TABLES)[number]

export const EXAMPLES: Readonly<Record<string, Example>> = Object.assign(
  {},
  ...MODULES.map(({ examples }) => examples),
)
