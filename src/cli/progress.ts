import type { Progress, Report } from '../platform/operations/backup/manifest.ts'

/** How often a line is written where there is no terminal. */
const LINE_INTERVAL_MS = 10_000
/** How often the bar of a terminal is drawn. */
const BAR_INTERVAL_MS = 100
const BAR_WIDTH = 30

/** Shows on stderr how far the work is: a bar that is drawn again on a terminal, else a line now and then. */
export function showProgress(stream = process.stderr): { report: Report; end: () => void } {
  const intervalMs = stream.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS
  let shownAt = stream.isTTY ? Number.NEGATIVE_INFINITY : performance.now()
  let isDrawn = false
  return {
    report(progress) {
      const now = performance.now()
      if (now - shownAt < intervalMs) return
      shownAt = now
      stream.write(stream.isTTY ? `\r\x1b[K${bar(progress)}` : `${line(progress)}\n`)
      isDrawn = stream.isTTY
    },
    end() {
      if (isDrawn) stream.write('\r\x1b[K')
    },
  }
}

const percent = ({ done, total }: Progress): number =>
  total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0

const line = (progress: Progress): string => `${String(percent(progress)).padStart(3)} %  ${progress.what}`

function bar(progress: Progress): string {
  const filled = Math.round((BAR_WIDTH * percent(progress)) / 100)
  return `[${'#'.repeat(filled).padEnd(BAR_WIDTH)}] ${line(progress)}`
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
