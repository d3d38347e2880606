import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pageBlocks } from '../support/deploy-page.ts'
import { type GuardedFolder, makeGuardedFolder } from '../support/guarded-folder.ts'
import { patience } from '../support/patience.ts'
import { findPostgres } from '../support/postgres-installation.ts'
import { findFreePort, serverUser } from '../support/postgres-server.ts'
import { findProgram } from '../support/program.ts'
import { run } from '../support/run.ts'

/*
 * What docs/operations.md says of continuous archiving is done here as it is written, on a cluster in a temporary folder: paths lead
 * there, and `systemctl` starts and stops that cluster.
 */

const PGBACKREST = '### Continuous archiving with pgBackRest'
const OWN_PROGRAMS = "### Continuous archiving with PostgreSQL's own programs"

let folder: GuardedFolder
let binDir: string
let port: number
let moment: string

const inFolder = (...parts: string[]): string => join(folder.path, ...parts)
const dataDir = (): string => inFolder('main')
const surroundings = async (path: readonly string[] = []) => ({
  ...(await serverUser()),
  cwd: folder.path,
  env: { PATH: [...path, binDir, process.env.PATH].join(delimiter), LC_ALL: 'C' },
})

const deploy = (name: string): Promise<string> =>
  readFile(new URL(`../../deploy/${name}`, import.meta.url), 'utf8')

/** Paths of Debian's layout are those of the temporary folder. */
const here = (text: string): string =>
  text
    .replaceAll('/etc/postgresql/15/main/conf.d', inFolder('conf.d'))
    .replaceAll('/var/lib/postgresql/15/main', dataDir())
    .replaceAll('/etc/pgbackrest.conf', inFolder('pgbackrest.conf'))
    .replaceAll('/var/lib/pgbackrest', inFolder('repository'))
    .replaceAll('/archive/', `${inFolder('archive')}/`)
    .replaceAll('pg1-port=5432', `pg1-port=${port}\npg1-socket-path=${folder.path}`)
    .replaceAll('pgbackrest --stanza', `pgbackrest --config=${inFolder('pgbackrest.conf')} --stanza`)

/** Runs a block of the page. */
async function follow(script: string): Promise<string> {
  return run('sh', ['-e', '-c', here(script)], await surroundings([inFolder('bin')]))
}

async function psql(statement: string): Promise<string> {
  const parameters = ['-X', '-A', '-t', '-h', folder.path, '-p', String(port), '-U', 'postgres']
  return (
    await run(join(binDir, 'psql'), [...parameters, '-c', statement, 'postgres'], await surroundings())
  ).trim()
}

/** Until the server has ended its recovery. @returns the rows that are there */
async function rowsAfterRecovery(): Promise<number> {
  await expect.poll(() => psql('select pg_is_in_recovery()'), { timeout: patience(20_000) }).toBe('f')
  return Number(await psql('select count(*) from kept'))
}

const untilArchived = async (): Promise<void> => {
  const segment = await psql('select pg_walfile_name(pg_switch_wal())')
  await expect
    .poll(() => psql(`select coalesce(last_archived_wal >= '${segment}', false) from pg_stat_archiver`), {
      timeout: patience(20_000),
    })
    .toBe('t')
}

beforeEach(async () => {
  binDir = (await findPostgres((line) => process.stderr.write(`${line}\n`))).binDir
  folder = await makeGuardedFolder('muster-archiving-')
  port = await findFreePort()
  const user = await serverUser()
  for (const name of ['', 'bin', 'conf.d', 'archive', 'repository', 'log', 'lock', 'spool']) {
    await mkdir(inFolder(name), { recursive: true })
    if (user) await chown(inFolder(name), user.uid, user.gid)
  }
  const control = `pg_ctl --pgdata=${dataDir()} --log=${inFolder('server.log')} --wait`
  const programs = {
    systemctl: `${control} "$1" > /dev/null`,
    // `sudo -u postgres …`
    sudo: 'shift 2; exec "$@"',
    'apt-get': 'exit 0',
    // `install -m … -o … from to`
    install: 'while [ $# -gt 2 ]; do shift; done; exec cp "$1" "$2"',
  }
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(inFolder('bin', name), `#!/bin/sh\n${script}\n`)
    await chmod(inFolder('bin', name), 0o755)
  }
  await run(
    join(binDir, 'initdb'),
    [`--pgdata=${dataDir()}`, '--username=postgres', '--auth=trust', '--data-checksums', '--no-sync'],
    await surroundings(),
  )
  await writeFile(
    inFolder('conf.d', 'test.conf'),
    `port = ${port}\nlisten_addresses = ''\nunix_socket_directories = '${folder.path}'\nfsync = off\n`,
  )
  await writeFile(join(dataDir(), 'postgresql.conf'), `include_dir '${inFolder('conf.d')}'\n`)
  // The configuration files as they are in the repository, with the paths of here.
  await mkdir(inFolder('deploy'))
  const logs = `log-path=${inFolder('log')}\nlock-path=${inFolder('lock')}\nspool-path=${inFolder('spool')}\n`
  await writeFile(
    inFolder('deploy', 'pgbackrest.conf'),
    here((await deploy('pgbackrest.conf')).replace('[global]\n', `[global]\n${logs}`)),
  )
  await writeFile(inFolder('deploy', 'archiving.conf'), here(await deploy('archiving.conf')))
})

afterEach(async () => {
  await run('pg_ctl', ['--pgdata', dataDir(), '--mode=immediate', 'stop'], await surroundings()).catch(
    () => {},
  )
  await folder.remove()
})

/** Rows before the backup, after it, and a mistake: what the moment before it has, and what is there at the end. */
async function write(): Promise<{ before: number; latest: number }> {
  await psql('insert into kept select generate_series(1001, 3000)')
  moment = await psql('select clock_timestamp()')
  await psql('delete from kept where id > 500')
  await untilArchived()
  return { before: 3000, latest: 500 }
}

const loseTheDisk = async (): Promise<void> => {
  await run('pg_ctl', ['--pgdata', dataDir(), '--mode=immediate', 'stop'], await surroundings())
}

it(
  'pgBackRest restores a lost disk to the latest, and to the moment before a mistake',
  async () => {
    await findProgram('pgbackrest', 'The tests of continuous archiving')
    const [setUp, toLatest, toMoment] = await pageBlocks('operations.md', PGBACKREST, 'sh')
    await follow('systemctl start')
    await psql('create table kept as select generate_series(1, 1000) as id')
    await follow(setUp!)
    const { before, latest } = await write()
    await loseTheDisk()
    await rm(join(dataDir(), 'base'), { recursive: true })
    await follow(toLatest!.replace('systemctl stop postgresql@15-main\n', ''))
    expect(await rowsAfterRecovery()).toBe(latest)
    await follow(
      `systemctl stop\n${toMoment!.replace(/--target=[^"]*/, `--target=${moment}`)}\nsystemctl start`,
    )
    expect(await rowsAfterRecovery()).toBe(before)
  },
  patience(120_000),
)

it(
  "PostgreSQL's own programs restore a lost disk, and the moment before a mistake",
  async () => {
    const archiving = here(await deploy('archiving.conf'))
    const commands = /^archive_command = .*$\n([\s\S]*?)^# (archive_command = .*)$/m
    await writeFile(inFolder('conf.d', 'archiving.conf'), archiving.replace(commands, '$1$2'))
    await follow('systemctl start')
    await psql('create table kept as select generate_series(1, 1000) as id')
    const [backUp, restore] = await pageBlocks('operations.md', OWN_PROGRAMS, 'sh')
    const where = `export PGHOST=${folder.path} PGPORT=${port} PGUSER=postgres`
    await follow(`${where}\n${backUp}`)
    const { before } = await write()
    await loseTheDisk()
    const today = (await follow('ls archive')).match(/base-(\S+)/)![1]!
    const script = restore!
      .replace('systemctl stop postgresql@15-main\n', '')
      .replaceAll('2026-11-29 22:14:59+00', moment)
      .replaceAll('2026-11-29', today)
      .replace('# recovery_target_time', 'recovery_target_time')
    await follow(script)
    expect(await rowsAfterRecovery()).toBe(before)
  },
  patience(120_000),
)
