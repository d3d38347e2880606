import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A history of one's own, in a temporary folder that goes when the test ends. */
export interface MigrationFolder {
  readonly path: string
  /** Adds a migration, newer than those before, with what its files hold; `undefined` writes no down file. @returns its tag. */
  add(name: string, up: readonly string[], down?: readonly string[]): Promise<string>
  /** Overwrites the up file. */
  edit(tag: string, up: readonly string[]): Promise<void>
  /** Takes away the files, and the journal's entry. */
  remove(tag: string): Promise<void>
  /** Takes away the up file and leaves the journal's entry. */
  removeFile(tag: string): Promise<void>
}

interface Entry {
  idx: number
  version: string
  when: number
  tag: string
  breakpoints: boolean
}

/** The first migration's time in Unix seconds; each further one is a second later, a removed one leaves its gap. */
const FIRST_SECOND = 1_763_769_600

export async function makeMigrationFolder(): Promise<MigrationFolder> {
  const path = await mkdtemp(join(tmpdir(), 'muster-migrations-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  await mkdir(join(path, 'meta'))
  await mkdir(join(path, 'down'))
  let entries: Entry[] = []
  let second = FIRST_SECOND

  const writeJournal = (): Promise<void> =>
    writeFile(
      join(path, 'meta', '_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
    )
  const write = (file: string, statements: readonly string[]): Promise<void> =>
    writeFile(join(path, file), statements.join('\n--> statement-breakpoint\n'))
  await writeJournal()

  return {
    path,
    async add(name, up, down) {
      const tag = `${second}_${name}`
      entries.push({ idx: entries.length, version: '7', when: second * 1000, tag, breakpoints: true })
      second += 1
      await write(`${tag}.sql`, up)
      if (down) await write(`down/${tag}.sql`, down)
      await writeJournal()
      return tag
    },
    edit: (tag, up) => write(`${tag}.sql`, up),
    async remove(tag) {
      entries = entries.filter((entry) => entry.tag !== tag)
      await writeJournal()
      await rm(join(path, `${tag}.sql`))
      await rm(join(path, 'down', `${tag}.sql`), { force: true })
    },
    removeFile: (tag) => rm(join(path, `${tag}.sql`)),
  }
}
