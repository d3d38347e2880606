import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import type { Outcome, Run } from './command.ts'

/*
 * Runs the project's commands one after another in this process: what they import is loaded once, and only the command's own module is
 * evaluated for each run. Each run has the arguments and the environment of a process of its own.
 */

let runs = 0
let stdout = ''
let stderr = ''

console.log = (...values: unknown[]) => {
  stdout += `${format(...values)}\n`
}
console.error = (...values: unknown[]) => {
  stderr += `${format(...values)}\n`
}

async function run({ file, words, env }: Run): Promise<Outcome> {
  runs += 1
  stdout = ''
  stderr = ''
  process.argv = [process.execPath, file, ...words]
  process.env = { ...env }
  process.exitCode = undefined
  await import(`${pathToFileURL(file)}?run=${runs}`)
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  return { code, stdout, stderr }
}

process.on('message', async (message: Run) => {
  try {
    process.send!(await run(message))
  } catch (error) {
    // What a process of its own would end with: an error that nobody handled.
    process.send!({ code: 1, stdout, stderr: `${stderr}${format(error)}\n` } satisfies Outcome)
  }
})
