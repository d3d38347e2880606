import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { readConfig, settings } from '../../src/config.ts'

const lines = (await readFile(new URL('../../.env.example', import.meta.url), 'utf8')).split('\n')
const example = Object.fromEntries(
  lines
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
)

it('.env.example has every setting, and no other', () => {
  expect(Object.keys(example).sort()).toEqual(Object.keys(settings.shape).sort())
})

it('.env.example shows the defaults', () => {
  expect(readConfig(example)).toEqual(readConfig({}))
})

it('.env.example gives a reason for each setting', () => {
  for (const [index, line] of lines.entries()) {
    if (!/^[A-Z]/.test(line)) continue
    let above = index - 1
    while (/^[A-Z]/.test(lines[above] ?? '')) above -= 1
    // NODE_ENV to PORT and the like share the comment above their group.
    expect(lines[above], `the comment above ${line}`).toMatch(/^# \S/)
  }
})
