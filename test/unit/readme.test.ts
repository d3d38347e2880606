import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

/**
 * Runs the example of the README as a reader would, against the service started as the README says, and compares what comes out
 * with what the README shows.
 */
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const example = readme.slice(readme.indexOf('## An example'), readme.indexOf('## How it works'))
const blocks = [...example.matchAll(/```(sh|json)\n(.*?)```/gs)].map(([, kind, text]) => ({
  kind,
  text: text!,
}))

let folder: string
let api: string
let stop: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-readme-'))
  const service = spawn('node', ['src/main.ts'], {
    env: {
      ...process.env,
      NODE_ENV: 'development',
      DATA_DIR: join(folder, 'data'),
      PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stop = async () => {
    const ended = new Promise((resolve) => service.once('exit', resolve))
    service.kill('SIGINT')
    expect(await ended).toBe(0)
  }
  api = await new Promise((resolve, reject) => {
    service.once('exit', (code) => reject(new Error(`The service ended with ${code} before it listened.`)))
    createInterface({ input: service.stdout }).on('line', (line) => {
      const address = /^Muster listens on (\S+)/.exec(line)?.[1]
      if (address) resolve(`${address}/v1`)
    })
  })
})

afterAll(async () => {
  await stop?.()
  await rm(folder, { recursive: true, force: true })
})

it('shows what its commands really print', async () => {
  const shown = blocks.filter(({ kind }) => kind === 'json').map(({ text }) => JSON.parse(text))
  // Each command's output goes between marks, so that it can be told from the next one's.
  const script = blocks
    .filter(({ kind }) => kind === 'sh')
    .map(({ text }) => `${text}\nprintf '\\n---\\n'`)
    .join('\n')
    .replace('http://127.0.0.1:3000/v1', api)
    .replaceAll('shift.json', join(folder, 'shift.json'))
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], {
    env: { ...process.env, NODE_ENV: 'development', DATA_DIR: join(folder, 'data') },
  })
  const printed = stdout
    .split('\n---\n')
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => JSON.parse(text))
  expect(printed.map(withoutVolatile)).toEqual(shown.map(withoutVolatile))
  expect(printed.length).toBe(6)
})

/** Ids, times, cursors and request ids differ each time; that they are there, and of that form, is compared. */
function withoutVolatile(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, member) => {
    if (typeof member !== 'string') return member
    if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(member)) return member.startsWith('de3') ? member : 'a uuid'
    if (/^\d{4}-\d\d-\d\dT/.test(member)) return 'an instant'
    if (key === 'instance' || key === 'next_cursor') return `a ${key}`
    return member
  })
}
