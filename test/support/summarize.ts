import { readFile } from 'node:fs/promises'
import type { JsonTestResults } from 'vitest/node'

/**
 * `N passed, N failed`, from the report of Vitest's JSON reporter and the exit codes of the tests, and of whatever else has to succeed.
 * No report counts as a failure, and so does a run of no tests.
 *
 * Beside failed tests it counts what was left out (skipped, to do, or beside a focused one), and what failed outside any
 * test, each as one: a file that could not be loaded or whose hook threw, what else had to succeed, and a runner that ended with an error
 * which the report does not show.
 */
export function summarize(
  report: JsonTestResults | undefined,
  testExit: number,
  otherExits: readonly number[],
): string {
  const passed = report?.numPassedTests ?? 0
  const failedFiles = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const leftOut = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  let failed = (report?.numFailedTests ?? 0) + failedFiles.length + leftOut
  if (failed === 0 && (testExit !== 0 || passed === 0)) failed = 1
  failed += otherExits.filter((code) => code !== 0).length
  return `${passed} passed, ${failed} failed`
}

if (import.meta.main) {
  const [path = '', testExit, ...otherExits] = process.argv.slice(2)
  const report = await readFile(path, 'utf8').then(JSON.parse, () => undefined)
  console.log(summarize(report, Number(testExit), otherExits.map(Number)))
}
