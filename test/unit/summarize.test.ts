import { expect, test } from 'vitest'
import type { FileResult, RecordLine } from '../support/run-record.ts'
import { summarize } from '../support/summarize.ts'

const file = (name: string, result: Partial<FileResult>): RecordLine => ({
  file: name,
  passed: 0,
  failed: [],
  leftOut: 0,
  durationMs: 0,
  ...result,
})
const ended: RecordLine = { ended: true, errors: 0 }
const planned = (...names: string[]): RecordLine => ({ planned: names })

test.each([
  {
    why: 'all passed',
    record: [planned('a', 'b'), file('a', { passed: 2 }), file('b', { passed: 1 }), ended],
    exits: [0, 0],
    says: '3 passed, 0 failed',
  },
  {
    why: 'one failed',
    record: [planned('a'), file('a', { passed: 2, failed: ['x'] }), ended],
    exits: [1, 0],
    says: '2 passed, 1 failed',
  },
  {
    why: 'a file did not load',
    record: [
      planned('a', 'b'),
      file('a', { passed: 1 }),
      file('b', { failed: ['(the file itself)'] }),
      ended,
    ],
    exits: [1, 0],
    says: '1 passed, 1 failed',
  },
  {
    why: 'an error outside the tests',
    record: [planned('a'), file('a', { passed: 1 }), { ended: true, errors: 1 } as const],
    exits: [1, 0],
    says: '1 passed, 1 failed',
  },
  {
    why: 'the runner failed without saying why',
    record: [planned('a'), file('a', { passed: 1 }), ended],
    exits: [1, 0],
    says: '1 passed, 1 failed',
  },
  {
    why: 'the checks and the benchmark failed',
    record: [planned('a'), file('a', { passed: 1 }), ended],
    exits: [0, 2, 1],
    says: '1 passed, 2 failed',
  },
  { why: 'no tests', record: [planned(), ended], exits: [0, 0], says: '0 passed, 1 failed' },
  {
    why: 'one was skipped or to do',
    record: [planned('a'), file('a', { passed: 1, leftOut: 1 }), ended],
    exits: [0, 0],
    says: '1 passed, 1 failed',
  },
  { why: 'the runner did not start', record: [], exits: [137, 0], says: '0 passed, 1 failed' },
  {
    why: 'the run was cut',
    record: [planned('a', 'b', 'c'), file('a', { passed: 4 })],
    exits: [124, 0],
    says: '4 passed, 2 failed',
  },
])('$why: $says', ({ record, exits: [testExit = 0, ...others], says }) => {
  expect(summarize(record, testExit, others).at(-1)).toBe(says)
})

test('a run that was cut says how many files are left, then what failed', () => {
  const record = [planned('a', 'b', 'c'), file('a', { passed: 4, failed: ['one', 'two'], durationMs: 1234 })]
  expect(summarize(record, 124, [])).toEqual([
    'The slowest 1 of 1 files, in seconds:',
    '    1.2  a',
    'not finished: 2 files left',
    'failed: a > one',
    'failed: a > two',
    '4 passed, 4 failed',
  ])
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
