import { readFile } from 'node:fs/promises'
import type { FileResult, RecordLine } from './run-record.ts'

/** How many of the slowest files a summary lists. */
const SLOWEST = 20

/** A command that had to succeed beside the tests, and how it ended. */
export interface OtherCommand {
  name: string
  exit: number
}

/**
 * What a run came to, line by line: its slowest files; where it was cut, `not finished: N files left`; a line `failed: …` for each
 * failure, and below it the reason of a test's; and last `N passed, N failed`.
 *
 * Beside failed tests it counts as failed what was left out (skipped, to do, or beside a focused test), and, each as one: a file that
 * could not be loaded, whose hook threw or that did not finish; an error outside any file; another command that failed; a runner that
 * ended with an error which the record does not show; and a run of no tests.
 *
 * @param record what `RunRecord` wrote: empty, when the runner did not start
 */
export function summarize(
  record: readonly RecordLine[],
  testExit: number,
  others: readonly OtherCommand[],
): string[] {
  const results = new Map(
    record.flatMap((line): [string, FileResult][] => ('file' in line ? [[line.file, line]] : [])),
  )
  const files = [...results]
  const unfinished = record
    .flatMap((line) => ('planned' in line ? line.planned : []))
    .filter((file) => !results.has(file))
  const passed = files.reduce((total, [, result]) => total + result.passed, 0)
  const failures = [
    ...files.flatMap(([file, { failed, leftOut }]) => [
      ...failed.map(({ name, reason }) => `${file} > ${name}${reason && `\n        ${reason}`}`),
      ...Array<string>(leftOut).fill(`${file} > (a test that was left out)`),
    ]),
    ...unfinished.map((file) => `${file} (did not finish)`),
    ...record
      .flatMap((line) => ('ended' in line ? line.errors : []))
      .map((error) => `an error outside any file: ${error}`),
  ]
  if (failures.length === 0 && (testExit !== 0 || passed === 0))
    failures.push(`npm test (exit ${testExit}${passed === 0 ? ', no test passed' : ''})`)
  failures.push(...others.filter(({ exit }) => exit !== 0).map(({ name, exit }) => `${name} (exit ${exit})`))

  return [
    ...slowest(files),
    ...(unfinished.length > 0 ? [`not finished: ${unfinished.length} files left`] : []),
    ...failures.map((failure) => `failed: ${failure}`),
    `${passed} passed, ${failures.length} failed`,
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

/** @param text such as `npm run check=1` */
function parseCommand(text: string): OtherCommand {
  const [name = '', exit] = text.split('=')
  return { name, exit: Number(exit) }
}

/** A run that was killed may leave half a line. */
function parseRecord(text: string): RecordLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): RecordLine => JSON.parse(line))
}

if (import.meta.main) {
  const [path = '', testExit, ...others] = process.argv.slice(2)
  // Without a record the runner did not start, which counts as a failure.
  const text = await readFile(path, 'utf8').catch(() => '')
  for (const line of summarize(parseRecord(text), Number(testExit), others.map(parseCommand)))
    console.log(line)
}
