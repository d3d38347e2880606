import { expect, test } from 'vitest'
import type { FileResult, RecordLine } from '../support/run-record.ts'
import { type OtherCommand, summarize } from '../support/summarize.ts'

const file = (name: string, result: Partial<FileResult>): RecordLine => ({
  file: name,
  passed: 0,
  failed: [],
  leftOut: 0,
  durationMs: 0,
  ...result,
})
const ended: RecordLine = { ended: true, errors: [] }
const planned = (...names: string[]): RecordLine => ({ planned: names })

test.each<{
  why: string
  record: RecordLine[]
  testExit?: number
  others?: OtherCommand[]
  says: string[]
}>([
  {
    why: 'all passed',
    record: [planned('a', 'b'), file('a', { passed: 2 }), file('b', { passed: 1 }), ended],
    others: [{ name: 'npm run check', exit: 0 }],
    says: ['3 passed, 0 failed'],
  },
  {
    why: 'one failed',
    record: [
      planned('a'),
      file('a', { passed: 2, failed: [{ name: 'x', reason: 'expected 1 to be 2' }] }),
      ended,
    ],
    testExit: 1,
    says: ['failed: a > x\n        expected 1 to be 2', '2 passed, 1 failed'],
  },
  {
    why: 'a file did not load',
    record: [
      planned('a', 'b'),
      file('a', { passed: 1 }),
      file('b', { failed: [{ name: '(the file itself)', reason: '' }] }),
      ended,
    ],
    testExit: 1,
    says: ['failed: b > (the file itself)', '1 passed, 1 failed'],
  },
  {
    why: 'an error outside any file',
    record: [planned('a'), file('a', { passed: 1 }), { ended: true, errors: ['Error: lost'] }],
    testExit: 1,
    says: ['failed: an error outside any file: Error: lost', '1 passed, 1 failed'],
  },
  {
    why: 'the runner failed without saying why',
    record: [planned('a'), file('a', { passed: 1 }), ended],
    testExit: 1,
    says: ['failed: npm test (exit 1)', '1 passed, 1 failed'],
  },
  {
    why: 'the checks and the benchmark failed',
    record: [planned('a'), file('a', { passed: 1 }), ended],
    others: [
      { name: 'npm run check', exit: 2 },
      { name: 'npm run bench', exit: 1 },
    ],
    says: ['failed: npm run check (exit 2)', 'failed: npm run bench (exit 1)', '1 passed, 2 failed'],
  },
  {
    why: 'no tests',
    record: [planned(), ended],
    says: ['failed: npm test (exit 0, no test passed)', '0 passed, 1 failed'],
  },
  {
    why: 'one was skipped or to do',
    record: [planned('a'), file('a', { passed: 1, leftOut: 1 }), ended],
    says: ['failed: a > (a test that was left out)', '1 passed, 1 failed'],
  },
  {
    why: 'the runner did not start',
    record: [],
    testExit: 137,
    says: ['failed: npm test (exit 137, no test passed)', '0 passed, 1 failed'],
  },
  {
    why: 'the run was cut',
    record: [
      planned('a', 'b', 'c'),
      file('a', { passed: 4, failed: ['one', 'two'].map((name) => ({ name, reason: '' })) }),
    ],
    testExit: 124,
    says: [
      'not finished: 2 files left',
      'failed: a > one',
      'failed: a > two',
      'failed: b (did not finish)',
      'failed: c (did not finish)',
      '4 passed, 4 failed',
    ],
  },
])('prints a line for each failure when $why', ({ record, testExit = 0, others = [], says }) => {
  const lines = summarize(record, testExit, others)
  const withoutTimes = lines.filter((line) => !/^The slowest|^ +\d/.test(line))
  expect(withoutTimes).toEqual(says)
})

test('the slowest files come first, and no more than twenty', () => {
  const files = Array.from({ length: 25 }, (_, n) => file(`file ${n}`, { passed: 1, durationMs: 1000 * n }))
  const [title, first, ...rest] = summarize([...files, ended], 0, [])
  expect([title, first, rest.length]).toEqual([
    'The slowest 20 of 25 files, in seconds:',
    '   24.0  file 24',
    20,
  ])
})
