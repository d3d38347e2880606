import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Reads the process group to end, the newest line counts, until the pipe closes: that is when this process has gone,
 * however it went. Then it ends that group and removes the folder. SIGQUIT is PostgreSQL's immediate shutdown; its
 * postmaster kills what has not obeyed after 5 s, so 10 s is enough before it is killed itself.
 */
const GUARD = `
group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then
  kill -s QUIT -- "-$group" 2>/dev/null
  tries=100
  while [ "$tries" -gt 0 ] && kill -s 0 -- "-$group" 2>/dev/null; do tries=$((tries - 1)); sleep 0.1; done
  kill -s KILL -- "-$group" 2>/dev/null
fi
[ "$2" = keep ] || rm -rf -- "$1"
`

export interface GuardedFolder {
  readonly path: string
  /** From now on `child`, started with `detached`, ends with this process; `undefined` when there is none. */
  guard(child: ChildProcess | undefined): void
  /** Ends the guarded process, if there is one, and removes the folder, unless it is one that stays. */
  remove(): Promise<void>
}

/**
 * A new temporary folder that is removed when this process ends, also by SIGKILL, with the process that works in it.
 * A shell in a session of its own sees to that: no handler inside this process would run.
 */
export async function makeGuardedFolder(prefix: string): Promise<GuardedFolder> {
  return guardFolder(await mkdtemp(join(tmpdir(), prefix)), 'remove')
}

/** A folder that stays, where only the process that works in it is ended with this one. */
export function keepGuardedFolder(path: string): Promise<GuardedFolder> {
  return guardFolder(path, 'keep')
}

async function guardFolder(path: string, atTheEnd: 'remove' | 'keep'): Promise<GuardedFolder> {
  const shell = spawn('/bin/sh', ['-c', GUARD, 'guard', path, atTheEnd], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(shell, 'spawn')
  const ended = once(shell, 'exit')
  // Neither the shell nor the pipe to it may keep this process alive: its end is what the shell waits for.
  shell.unref()
  const pipe = shell.stdin as typeof shell.stdin & { unref(): void }
  pipe.unref()
  // A write after the shell has been killed: the folder is then left to whoever did that.
  pipe.on('error', () => {})

  return {
    path,
    guard(child) {
      pipe.write(`${child?.pid ?? ''}\n`)
    },
    async remove() {
      shell.ref()
      pipe.end()
      await ended
    },
  }
}
