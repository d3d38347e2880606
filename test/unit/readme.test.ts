import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { DEMO_USERS } from '../../src/guarding/demo/users.ts'
import { COMPILED_ONCE } from '../support/node-flags.ts'
import { patience } from '../support/patience.ts'

/**
 * Runs the examples of the README as a reader would, against the service started as the README says, and compares what comes
 * out with what the README shows.
 */
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const blocksOf = (heading: string, next: string) =>
  [...readme.slice(readme.indexOf(heading), readme.indexOf(next)).matchAll(/```(\w+)\n(.*?)```/gs)].map(
    ([, kind, text]) => ({ kind, text: text! }),
  )
const blocks = blocksOf('## An example', '## Follow it live')
const live = blocksOf('## Follow it live', '## How it works')

/** Where the README has the service. */
const ADDRESS = 'http://localhost:3000'
const PASSWORD = 'the-one-that-the-start-printed'
/** The first start makes a database, migrates it and fills it: 15 s alone, a minute beside a whole suite. */
const FIRST_START_MS = patience(180_000)
/** Two processes of npm and one of Node start, on a busy machine. */
const PATIENCE_MS = patience(25_000)

let folder: string
let url: string
let password: string
let stop: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-readme-'))
  const service = spawn('node', [COMPILED_ONCE, 'src/main.ts'], {
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
  ;[url, password] = await new Promise<[string, string]>((resolve, reject) => {
    let listensAt = ''
    let printed = ''
    service.once('exit', (code) => reject(new Error(`The service ended with ${code} before it listened.`)))
    createInterface({ input: service.stdout }).on('line', (line) => {
      const address = /^Muster listens on (\S+)/.exec(line)?.[1]
      if (address) listensAt = address
      printed = /password (demo-\S+)/.exec(line)?.[1] ?? printed
      // The line that comes when the persons of the demo have it.
      if (line.includes('a token:')) resolve([listensAt, printed])
    })
  })
}, FIRST_START_MS)

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
    .replace(ADDRESS, url)
    .replace(PASSWORD, password)
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { env: environment() })
  const printed = stdout
    .split('\n---\n')
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => JSON.parse(text))
  expect(printed.map(withoutVolatile)).toEqual(shown.map(withoutVolatile))
  expect(printed.length).toBe(6)
})

/** Runs the commands of a page, and compares all that they print with what the page shows, block by block. */
async function walkThrough(page: string, shownBlocks: number): Promise<void> {
  const walk = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const parts = [...walk.matchAll(/```(sh|text)\n(.*?)```/gs)].map(([, kind, text]) => ({
    kind,
    text: text!,
  }))
  const commands = parts.filter(({ kind }) => kind === 'sh').map(({ text }) => text)
  const shown = parts.filter(({ kind }) => kind === 'text').map(({ text }) => text)
  const script = commands
    .join('\n')
    .replace(ADDRESS, url)
    .replace(PASSWORD, password)
    .replaceAll('statement.json', join(folder, 'statement.json'))
    .replaceAll('correction.json', join(folder, 'correction.json'))
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { env: environment() })
  expect(stdout).toBe(shown.join(''))
  expect(shown.length).toBe(shownBlocks)
}

it(
  'pays as docs/from-shift-to-payout.md says',
  () => walkThrough('from-shift-to-payout.md', 18),
  3 * PATIENCE_MS + 60_000,
)

it('moves a load as docs/freight.md says', () => walkThrough('freight.md', 8), 3 * PATIENCE_MS)

it('names every person of the demo', () => {
  for (const { email } of DEMO_USERS) expect(readme).toContain(email)
})

it(
  'follows shifts nearby as it says',
  async () => {
    const [tokens] = blocks
    const program = live.find(({ kind }) => kind === 'js')!.text.replace(ADDRESS, url)
    const commands = live.find(({ kind }) => kind === 'sh')!.text
    // Not saved in this folder, but from here all the same: the packages are found.
    const script =
      `${tokens!.text}\n${commands.replace('node nearby.js', 'exec node --input-type=module --eval "$PROGRAM"')}`
        .replace(ADDRESS, url)
        .replace(PASSWORD, password)
    expect(script).toContain('$PROGRAM')
    const guard = spawn('bash', ['-euc', script], {
      env: { ...environment(), PROGRAM: program },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const shown: string[] = []
    createInterface({ input: guard.stdout }).on('line', (line) => shown.push(line))
    try {
      await vi.waitUntil(() => shown.length > 0, { timeout: PATIENCE_MS, interval: 20 })
      expect(shown.join()).not.toContain('Seen live')
      await publish('Seen live')
      await vi.waitUntil(() => shown.some((line) => /^Seen live published \d/.test(line)), {
        timeout: PATIENCE_MS,
        interval: 20,
      })
    } finally {
      guard.kill()
    }
  },
  3 * PATIENCE_MS,
)

/** As the company does in the example, at the same site. */
async function publish(title: string): Promise<void> {
  const { text } = blocks.find(({ text }) => text.includes('"status": "published"'))!
  const script = `${blocks[0]!.text}\n${text}`
    .replace(ADDRESS, url)
    .replace(PASSWORD, password)
    .replace('Night watch', title)
    .replace('night-1', 'seen-live')
  await promisify(execFile)('bash', ['-euc', script], { env: environment() })
}

const environment = () => ({ ...process.env, NODE_ENV: 'development', DATA_DIR: join(folder, 'data') })

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
