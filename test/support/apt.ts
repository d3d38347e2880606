import { run } from './run.ts'

/** A fresh machine may be installing updates by itself: wait for its lock (seconds), rather than fail on it. */
const LOCK_SECONDS = '300'

export const hasApt = (): Promise<boolean> =>
  run('apt-get', ['--version']).then(
    () => true,
    () => false,
  )

/** Whether what is missing may be installed here: on a Debian-like machine, as root. */
export const mayInstall = async (): Promise<boolean> => process.getuid?.() === 0 && (await hasApt())

const apt = (...parameters: string[]): Promise<string> =>
  run('apt-get', ['-q', '-y', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`, ...parameters], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })

/** @param say gets a plain line when the lists could not all be renewed. */
export async function updatePackageLists(say: (line: string) => void): Promise<void> {
  // One unreachable source fails the update, though the others may have what is needed.
  await apt('update').catch((error: Error) =>
    say(`${error.message}\nGoing on with the package lists there are.`),
  )
}

export async function installPackages(
  packages: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  say(`apt-get install ${packages.join(' ')}`)
  await apt('install', '--no-install-recommends', ...packages)
}
