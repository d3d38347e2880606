import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Row } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { patience } from './patience.ts'
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres-server.ts'

/** The guard gives a server 10 s, and waits that long where nobody collects ended orphans. */
const GONE_WITHIN_MS = patience(20_000)

async function start(options: PostgresOptions = {}): Promise<PostgresServer> {
  const server = await startPostgres(options)
  onTestFinished(server.stop)
  return server
}

async function query<R extends Row>(url: string, ...statements: string[]): Promise<R[]> {
  const database = openServer({ url, max: 1 })
  try {
    let rows: R[] = []
    for (const statement of statements) rows = await database.query<R>(statement)
    return rows
  } finally {
    await database.close()
  }
}

/** Empty when the process has ended, also when nobody has collected it yet. */
const commandOf = (pid: string | number | undefined): Promise<string> =>
  readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')

/** Everything that a server could leave: its folder, its port, a process that works in its folder. */
async function remains({ url, dataDir }: Pick<PostgresServer, 'url' | 'dataDir'>): Promise<string[]> {
  const found: string[] = []
  await access(dirname(dataDir)).then(
    () => found.push('folder'),
    () => {},
  )
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect').then(
    () => found.push('port'),
    () => {},
  )
  socket.destroy()
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map(commandOf))
  if (commands.some((command) => command.includes(dataDir))) found.push('process')
  return found
}

test('is set up for a change feed, and lets nobody in without the password', async () => {
  const server = await start({ settings: { wal_sender_timeout: '5s', log_line_prefix: "it's \\ here " } })
  expect(
    await query(
      server.url,
      'create extension postgis',
      `select current_setting('wal_level') as wal_level, current_setting('fsync') as fsync,
              current_setting('wal_sender_timeout') as timeout, current_setting('log_line_prefix') as prefix`,
    ),
  ).toEqual([{ wal_level: 'logical', fsync: 'off', timeout: '5s', prefix: "it's \\ here " }])

  const wrong = new URL(server.url)
  wrong.password = 'guessed'
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
})

test('says why it does not start, and leaves nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await chmod(folder, 0o755)
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())

  await expect(startPostgres({ settings: { max_connections: 'many' } })).rejects.toThrow(
    /invalid value for parameter "max_connections"/,
  )
  expect(await readdir(folder)).toEqual([])
})

test('leaves nothing after stop, running or crashed', async () => {
  const running = await start()
  expect(await remains(running)).toEqual(['folder', 'port', 'process'])
  await running.stop()
  expect(await remains(running)).toEqual([])

  const crashed = await start()
  await crashed.crash()
  expect(await remains(crashed)).toEqual(['folder'])
  await crashed.stop()
  expect(await remains(crashed)).toEqual([])
})

test('leaves nothing when its parent is killed', async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres-server.ts', import.meta.url).href)}
    const { url, dataDir } = await startPostgres()
    console.log(JSON.stringify({ url, dataDir }))
    setInterval(() => {}, 1000)
  `
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const [line] = await once(createInterface(parent.stdout), 'line')
  const server: Pick<PostgresServer, 'url' | 'dataDir'> = JSON.parse(line)
  expect(await remains(server)).toEqual(['folder', 'port', 'process'])

  parent.kill('SIGKILL')
  await vi.waitFor(async () => expect(await remains(server)).toEqual([]), GONE_WITHIN_MS)
})

test('finds its data again in a folder that is kept, with the settings of the time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-kept-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await chmod(folder, 0o755)
  const first = await start({ keepIn: folder, settings: { work_mem: '5MB' } })
  await query(first.url, 'create table kept as select 1 as value')
  await first.stop()
  const second = await start({ keepIn: folder, settings: { work_mem: '6MB' } })
  expect(await query(second.url, "select value, current_setting('work_mem') as memory from kept")).toEqual([
    { value: 1, memory: '6MB' },
  ])
})
