import { expect, test } from 'vitest'
import type { JsonTestResults } from 'vitest/node'
import { summarize } from '../support/summarize.ts'

type File = JsonTestResults['testResults'][number]
type Status = File['assertionResults'][number]['status']

/** As Vitest writes it: one file per list of test results. */
function report(...files: Status[][]): JsonTestResults {
  const tests = files.flat()
  return {
    numPassedTests: tests.filter((status) => status === 'passed').length,
    numFailedTests: tests.filter((status) => status === 'failed').length,
    // Vitest counts the tests of a file whose hook threw among these.
    numPendingTests: tests.filter((status) => status === 'skipped').length,
    numTodoTests: tests.filter((status) => status === 'todo').length,
    testResults: files.map((statuses) => ({
      status: statuses.includes('failed') || statuses.length === 0 ? 'failed' : 'passed',
      assertionResults: statuses.map((status) => ({ status })),
    })),
  } as JsonTestResults
}

test.each([
  {
    why: 'all passed',
    report: report(['passed', 'passed'], ['passed']),
    exits: [0, 0],
    says: '3 passed, 0 failed',
  },
  {
    why: 'one failed',
    report: report(['passed', 'failed'], ['passed']),
    exits: [1, 0],
    says: '2 passed, 1 failed',
  },
  { why: 'a file did not load', report: report(['passed'], []), exits: [1, 0], says: '1 passed, 1 failed' },
  {
    why: 'an error outside the tests',
    report: report(['passed']),
    exits: [1, 0],
    says: '1 passed, 1 failed',
  },
  { why: 'the checks failed', report: report(['passed']), exits: [0, 2], says: '1 passed, 1 failed' },
  { why: 'both failed', report: report(['failed']), exits: [1, 1], says: '0 passed, 2 failed' },
  {
    why: 'the benchmark failed too',
    report: report(['passed']),
    exits: [0, 2, 1],
    says: '1 passed, 2 failed',
  },
  { why: 'no tests', report: report(), exits: [0, 0], says: '0 passed, 1 failed' },
  { why: 'skipped tests only', report: report(['skipped']), exits: [0, 0], says: '0 passed, 1 failed' },
  {
    why: 'one was skipped',
    report: report(['passed', 'skipped']),
    exits: [0, 0],
    says: '1 passed, 1 failed',
  },
  { why: 'one is to do', report: report(['passed', 'todo']), exits: [0, 0], says: '1 passed, 1 failed' },
  { why: 'no report', report: undefined, exits: [0, 0], says: '0 passed, 1 failed' },
  { why: 'the runner crashed', report: undefined, exits: [137, 0], says: '0 passed, 1 failed' },
])('$why: $says', ({ report, exits: [testExit = 0, ...others], says }) => {
  expect(summarize(report, testExit, others)).toBe(says)
})
