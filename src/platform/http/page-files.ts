import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { ASK_AGAIN, makeStaticFile, type StaticFile, sendStaticFile } from './static-file.ts'

export const HTML = 'text/html; charset=utf-8'
export const JAVASCRIPT = 'text/javascript; charset=utf-8'
export const CSS = 'text/css; charset=utf-8'

/** A file of a page, read when it is first asked for. */
export interface PageFile {
  type: string
  /** Headers of its responses, such as the content security policy of a page. */
  headers?: Readonly<Record<string, string>>
  /** What it depends on beside its address. */
  variant?: string
  read(): Promise<string | Buffer>
}

export const fileAt = (type: string, from: URL, headers?: PageFile['headers']): PageFile => ({
  type,
  ...(headers && { headers }),
  read: () => readFile(from),
})

/** A file of a package, as it is published. */
export const packageFile = (name: string): URL => new URL(import.meta.resolve(name))

/** `src/`: scripts have the addresses below their page that they have there, so that they find each other by the same paths. */
const SOURCE = new URL('../../', import.meta.url)

export const pathInSource = (file: URL): string => `/${file.href.slice(SOURCE.href.length)}`

/** Scripts at their paths in the source. */
export const scriptsAt = (files: readonly URL[]): Record<string, PageFile> =>
  Object.fromEntries(files.map((file) => [pathInSource(file), fileAt(JAVASCRIPT, file)]))

/**
 * Serves files by their paths below `base`: files as they are, read once. Nothing is built, and so no address has a digest in it.
 * Each is asked for again: after an update of the service nobody has half of the old page. What is not in the list is not served.
 */
export function servePageFiles(
  app: FastifyInstance,
  base: string,
  files: Readonly<Record<string, PageFile>>,
): void {
  for (const [path, file] of Object.entries(files)) {
    for (const url of path === '' ? [base, `${base}/`] : [base + path]) {
      app.get(url, { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
        if (file.headers) reply.headers(file.headers)
        return sendStaticFile(request, reply, await readOnce(base + path, file), ASK_AGAIN)
      })
    }
  }
}

const reading = new Map<string, Promise<StaticFile>>()

/** Once per process, when it is first asked for: a start has other things to do than to compress a map. */
function readOnce(path: string, { type, variant = '', read }: PageFile): Promise<StaticFile> {
  const address = `${path} ${variant}`
  const known = reading.get(address)
  if (known) return known
  const made = read()
    .then((content) => makeStaticFile(type, content))
    .catch((error: unknown) => {
      reading.delete(address)
      throw error
    })
  reading.set(address, made)
  return made
}
