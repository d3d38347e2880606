import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { patience } from '../support/patience.ts'

/** A project whose checks do nothing but say their names, and end as wanted. */
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-check-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function check(exits: Readonly<Record<string, number>>) {
  const scripts = Object.fromEntries(
    Object.entries(exits).map(([name, exit]) => [name, `echo ran ${name} && exit ${exit}`]),
  )
  await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts }))
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(process.cwd(), 'scripts/check.ts')], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, ran: stdout.match(/(?<=ran ).+/g), failed: /Failed: ([^.]*)\./.exec(stderr)?.[1] }
}

const RAN = ['types', 'format:check', 'sql:lint', 'openapi:lint']

test(
  'npm run check runs each part, also after one that failed, and names those that failed',
  async () => {
    expect(await check({ types: 0, 'format:check': 1, 'sql:lint': 0, 'openapi:lint': 2 })).toEqual({
      status: 1,
      ran: RAN,
      failed: 'format:check, openapi:lint',
    })
  },
  patience(30_000),
)
