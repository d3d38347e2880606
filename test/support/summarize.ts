import { readFile } from 'node:fs/promises'
import type { FileResult, RecordLine } from './run-record.ts'

/** How many of the slowest files a summary lists. */
const SLOWEST = 20

/**
 * What a run came to, line by line: its slowest files; where it was cut, `not finished: N files left`; the names of failed tests; and
 * last `N passed, N failed`.
 *
 * Beside failed tests it counts as failed what was left out (skipped, to do, or beside a focused test), and, each as one: a file that
 * could not be loaded, whose hook threw or that did not finish; an error outside any file; what else had to succeed; a runner that
 * ended with an error which the record does not show; and a run of no tests.
 *
 * @param record what `RunRecord` wrote: empty, when the runner did not start
 */
export function summarize(
  record: readonly RecordLine[],
  testExit: number,
  otherExits: readonly number[],
): string[] {
  const results = new Map(
    record.flatMap((line): [string, FileResult][] => ('file' in line ? [[line.file, line]] : [])),
  )
  const files = [...results]
  const unfinished = record
    .flatMap((line) => ('planned' in line ? line.planned : []))
    .filter((file) => !results.has(file))
  const passed = sum(files, ([, { passed }]) => passed)
  let failed =
    sum(files, ([, { failed, leftOut }]) => failed.length + leftOut) +
    sum(record, (line) => ('ended' in line ? line.errors : 0)) +
    unfinished.length
  if (failed === 0 && (testExit !== 0 || passed === 0)) failed = 1
  failed += otherExits.filter((code) => code !== 0).length

  return [
    ...slowest(files),
    ...(unfinished.length > 0 ? [`not finished: ${unfinished.length} files left`] : []),
    ...files.flatMap(([file, { failed }]) => failed.map((test) => `failed: ${file} > ${test}`)),
    `${passed} passed, ${failed} failed`,
  ]
}

function slowest(files: readonly [string, FileResult][]): string[] {
  const sorted = files.toSorted(([, one], [, other]) => other.durationMs - one.durationMs).slice(0, SLOWEST)
  if (sorted.length === 0) return []
  return [
    `The slowest ${sorted.length} of ${files.length} files, in seconds:`,
    ...sorted.map(([file, { durationMs }]) => `${(durationMs / 1000).toFixed(1).padStart(7)}  ${file}`),
  ]
}

const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0)

/** A run that was killed may leave half a line. */
function parseRecord(text: string): RecordLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): RecordLine => JSON.parse(line))
}

if (import.meta.main) {
  const [path = '', testExit, ...otherExits] = process.argv.slice(2)
  // Without a record the runner did not start, which counts as a failure.
  const text = await readFile(path, 'utf8').catch(() => '')
  for (const line of summarize(parseRecord(text), Number(testExit), otherExits.map(Number))) console.log(line)
}
