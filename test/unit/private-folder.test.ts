import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { claimDataFolder } from '../../src/platform/db/engine/data-folder.ts'
import { asFolderUnusable, FolderUnusable, preparePrivateFolder } from '../../src/platform/private-folder.ts'

let parent: string
let folder: string
const said: string[] = []
const prepare = (): Promise<void> => preparePrivateFolder(folder, (line) => said.push(line))

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'muster-private-'))
  folder = join(parent, 'data')
  said.length = 0
  return () => rm(parent, { recursive: true, force: true })
})

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777

/** As a service of before left it, or a copy of it: born with the usual mask. */
async function makeOpen(): Promise<string[]> {
  const files = ['jwt-secret', 'lock', 'pgdata/PG_VERSION', 'pgdata/base/5/1255']
  await mkdir(join(folder, 'pgdata/base/5'), { recursive: true })
  for (const name of ['', 'pgdata', 'pgdata/base', 'pgdata/base/5']) await chmod(join(folder, name), 0o755)
  for (const name of files) {
    await writeFile(join(folder, name), '')
    await chmod(join(folder, name), 0o644)
  }
  return files
}

describe('the data folder', () => {
  test('is made for its user alone, also where a secret is configured', async () => {
    await (await claimDataFolder(folder))()
    expect(await modeOf(folder)).toBe(0o700)
    expect(said).toEqual([])
  })

  test('is closed to others, with all that is ours in it, and that is said once', async () => {
    const files = await makeOpen()
    await prepare()
    expect(await modeOf(folder)).toBe(0o700)
    expect(await modeOf(join(folder, 'pgdata/base/5'))).toBe(0o700)
    for (const name of files) expect([name, await modeOf(join(folder, name))]).toEqual([name, 0o600])
    expect(said[0]).toContain(folder)
    said.length = 0
    await prepare()
    expect(said).toEqual([])
  })

  test('is looked through also where only a file in it is open', async () => {
    await prepare()
    await writeFile(join(folder, 'jwt-secret'), '')
    await chmod(join(folder, 'jwt-secret'), 0o640)
    await prepare()
    expect(await modeOf(join(folder, 'jwt-secret'))).toBe(0o600)
    expect(said).toHaveLength(1)
  })

  test('is refused, and left as it is, where it is not ours alone', async () => {
    await mkdir(folder)
    await chmod(folder, 0o755)
    await writeFile(join(folder, 'notes.txt'), '')
    await expect(prepare()).rejects.toBeInstanceOf(FolderUnusable)
    expect(await modeOf(folder)).toBe(0o755)
    expect(await readdir(folder)).toEqual(['notes.txt'])
  })

  test('is refused where many share it, also when a service of before wrote to it', async () => {
    await makeOpen()
    await chmod(folder, 0o1777)
    await expect(prepare()).rejects.toBeInstanceOf(FolderUnusable)
    expect(await modeOf(folder)).toBe(0o1777)
  })

  test('leads nowhere else: what a link names keeps its mode', async () => {
    await makeOpen()
    const elsewhere = join(parent, 'elsewhere')
    await writeFile(elsewhere, '')
    await chmod(elsewhere, 0o644)
    await symlink(elsewhere, join(folder, 'pgdata', 'link'))
    await prepare()
    expect(await modeOf(elsewhere)).toBe(0o644)
  })
})

test.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'ENOTDIR'])(
  '%s names the folder and the setting',
  (code) => {
    const error = asFolderUnusable('/data', Object.assign(new Error('write'), { code }))
    expect(error).toBeInstanceOf(FolderUnusable)
    expect(String(error)).toMatch(`(${code})`)
    expect(String(error)).toMatch(/\/data .*DATA_DIR/)
  },
)

test('an error about something else is left as it is', () => {
  const error = new Error('something else')
  expect(asFolderUnusable('/data', error)).toBe(error)
})
