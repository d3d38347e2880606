import { access, constants, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { hasApt, installPackages, mayInstall, updatePackageLists } from './apt.ts'
import { run } from './run.ts'

/** The oldest server that the project runs on. */
const OLDEST_VERSION = 15

/** Debian and its descendants: one folder per major version, so that several can stand side by side. */
const DEBIAN_BINARIES = '/usr/lib/postgresql'
const DEBIAN_SHARE = '/usr/share/postgresql'

/** Read by Debian's packages before they make their `main` cluster on port 5432, which the tests have no use for. */
const CREATE_CLUSTER_FOLDER = '/etc/postgresql-common/createcluster.d'

const BY_APT = 'sudo apt-get update && sudo apt-get install -y --no-install-recommends postgresql-postgis'
const BY_HOMEBREW = 'brew install postgresql@17 postgis'

export interface PostgresInstallation {
  /** Where `postgres`, `initdb` and `pg_basebackup` are. */
  binDir: string
  version: number
}

/**
 * The newest PostgreSQL with PostGIS on this machine; on a Debian-like one, as root, it is installed where missing.
 *
 * @param say gets plain lines before anything is installed.
 * @throws Error with the command that installs it; its cause is what went wrong here, when that was tried.
 */
export async function findPostgres(say: (line: string) => void): Promise<PostgresInstallation> {
  const found = await findInstalled()
  if (found) return found
  const cause = (await mayInstall()) ? await installWithApt(say).catch((error: Error) => error) : undefined
  const installed = await findInstalled()
  if (installed) return installed
  throw new Error(
    `The server tests need PostgreSQL ${OLDEST_VERSION} or later with PostGIS 3, and none is installed here.\n` +
      `Install it:\n  ${(await hasApt()) ? BY_APT : BY_HOMEBREW}\n` +
      'or set TEST_DATABASE_URL to a superuser of such a server, with wal_level=logical.',
    { cause },
  )
}

async function findInstalled(): Promise<PostgresInstallation | undefined> {
  for (const binDir of await candidates()) {
    const version = await usableVersion(binDir)
    if (version !== undefined) return { binDir, version }
  }
  return undefined
}

/** Folders that may hold a server, best first. */
async function candidates(): Promise<string[]> {
  const debian = (await readdir(DEBIAN_BINARIES).catch(() => []))
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))
    .map((name) => join(DEBIAN_BINARIES, name, 'bin'))
  const configured = await run('pg_config', ['--bindir']).then(
    (output) => [output.trim()],
    () => [],
  )
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return [...debian, ...configured, ...onPath]
}

/** The major version of the server in `binDir`, when that is complete, new enough and has PostGIS. */
async function usableVersion(binDir: string): Promise<number | undefined> {
  try {
    await access(join(binDir, 'initdb'), constants.X_OK)
    const version = Number(/\d+/.exec(await run(join(binDir, 'postgres'), ['--version']))?.[0])
    if (!(version >= OLDEST_VERSION)) return undefined
    // Debian ships pg_config apart from the server, so it can be missing.
    const share = await run(join(binDir, 'pg_config'), ['--sharedir']).then(
      (output) => output.trim(),
      () => join(DEBIAN_SHARE, String(version)),
    )
    await access(join(share, 'extension', 'postgis.control'))
    return version
  } catch {
    return undefined
  }
}

async function installWithApt(say: (line: string) => void): Promise<void> {
  say('No PostgreSQL with PostGIS on this machine: installing it with apt-get. This takes a minute or two.')
  await updatePackageLists(say)

  const packages = await choosePackages()
  const noMainCluster = join(CREATE_CLUSTER_FOLDER, 'muster-tests.conf')
  await mkdir(CREATE_CLUSTER_FOLDER, { recursive: true })
  await writeFile(noMainCluster, 'create_main_cluster = false\n')
  try {
    await installPackages(packages, say)
  } finally {
    await rm(noMainCluster, { force: true })
  }
}

/** The distribution's newest server with PostGIS, and pgTAP and plpgsql_check for it where there are any. */
async function choosePackages(): Promise<string[]> {
  const listed = await run('apt-cache', ['pkgnames', 'postgresql-'])
  const names = new Set(listed.split('\n'))
  const newest = [...names]
    .map((name) => Number(/^postgresql-(\d+)-postgis-3$/.exec(name)?.[1]))
    .filter((version) => version >= OLDEST_VERSION)
    .sort((a, b) => b - a)[0]
  if (newest === undefined)
    throw new Error('The package sources of this machine have no PostgreSQL with PostGIS 3.')
  const server = `postgresql-${newest}`
  return [server, `${server}-postgis-3`, `${server}-pgtap`, `${server}-plpgsql-check`].filter((name) =>
    names.has(name),
  )
}
