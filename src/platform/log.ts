import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import type { Config } from '../config.ts'

/** The service's logger: made first, and handed to everything that writes a line. */
export type Logger = FastifyBaseLogger

/** @param to where log lines go instead of to the standard output */
export function openLog(
  { LOG_LEVEL: level }: Pick<Config, 'LOG_LEVEL'>,
  to?: { write(line: string): void },
): Logger {
  const options = {
    level,
    serializers: {
      // Paths without their query strings: positions of people are in them.
      req: (request: { method: string; url: string }) => ({
        method: request.method,
        path: request.url.split('?', 1)[0],
      }),
    },
  }
  return to ? pino(options, to) : pino(options)
}
