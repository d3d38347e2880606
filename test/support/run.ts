import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/**
 * Runs a program without input and gives what it printed.
 *
 * @param onStart is called with the process once it runs.
 * @throws Error with the command and everything it printed, when it cannot be started or does not exit with 0.
 */
export function run(
  command: string,
  parameters: string[],
  options: Omit<SpawnOptions, 'stdio'> = {},
  onStart: (child: ChildProcess) => void = () => {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('spawn', () => onStart(child))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else
        reject(
          new Error(
            `${[command, ...parameters].join(' ')} ended with ${signal ?? code}:\n${stdout}${stderr}`,
          ),
        )
    })
  })
}
