import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestModule, TestSpecification } from 'vitest/node'

/** One line of the record: JSON, so that a run that was cut leaves whole lines. */
export type RecordLine =
  | { planned: string[] }
  | ({ file: string } & FileResult)
  /** Errors that belong to no file, when the run ended by itself: the first line of each. */
  | { ended: true; errors: string[] }

export interface FailedTest {
  name: string
  /** The first error's message and its difference, on one line: what a log of which only the end is kept still tells. */
  reason: string
}

/** Characters of a reason: a difference between two answers of a list, and not the list. */
const MAX_REASON_LENGTH = 1_200

export interface FileResult {
  passed: number
  /** Failed tests; the file itself, where it could not be loaded or a hook threw. */
  failed: FailedTest[]
  /** Skipped, to do, or beside a focused test. */
  leftOut: number
  /** Loading, hooks and tests, in milliseconds. */
  durationMs: number
}

/**
 * Appends what each test file came to, when it ends, to the file of `TEST_RECORD`. Vitest's JSON reporter writes once, at the end:
 * a run that is stopped before says nothing.
 */
export default class RunRecord implements Reporter {
  readonly #path = process.env.TEST_RECORD

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#write({ planned: specifications.map(({ project, moduleId }) => nameOf(project.name, moduleId)) })
  }

  onTestModuleEnd(module: TestModule): void {
    this.#write({ file: nameOf(module.project.name, module.moduleId), ...resultOf(module) })
  }

  onTestRunEnd(_modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    this.#write({ ended: true, errors: errors.map(describeError) })
  }

  #write(line: RecordLine): void {
    if (this.#path) appendFileSync(this.#path, `${JSON.stringify(line)}\n`)
  }
}

/** Where Vitest knows which file ran when a rejection was not handled, or an error was thrown in a timer, it says so. */
function describeError({ name, message, VITEST_TEST_PATH: during }: SerializedError): string {
  const [firstLine] = message.split('\n')
  return `${name ?? 'Error'}: ${firstLine}${typeof during === 'string' ? ` (during ${relative(process.cwd(), during)})` : ''}`
}

/** A file runs once in each project. */
const nameOf = (project: string, path: string): string => `${project} ${relative(process.cwd(), path)}`

function reasonOf(errors: readonly { message: string; diff?: string }[] = []): string {
  const [error] = errors
  const text = stripVTControlCharacters([error?.message, error?.diff].filter(Boolean).join(' '))
  return text.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)
}

function resultOf(module: TestModule): FileResult {
  const tests = [...module.children.allTests()]
  const count = (state: string): number => tests.filter((test) => test.result().state === state).length
  const failed = tests
    .filter((test) => test.result().state === 'failed')
    .map((test) => ({ name: test.fullName, reason: reasonOf(test.result().errors) }))
  const { collectDuration, setupDuration, duration } = module.diagnostic()
  return {
    passed: count('passed'),
    failed:
      failed.length === 0 && module.state() === 'failed'
        ? [{ name: '(the file itself)', reason: reasonOf(module.errors()) }]
        : failed,
    leftOut: count('skipped') + count('pending'),
    durationMs: Math.round(collectDuration + setupDuration + duration),
  }
}
