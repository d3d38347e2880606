import { expect, test } from 'vitest'
import { inOneLine } from '../../scripts/rules/pair.ts'

test('db:rule shows a statement of several lines in one line, without the comment before it, and cuts a long one', () => {
  expect(inOneLine("-- Why.\ncomment on policy a on public.b is\n  'Who may\n  read.'")).toBe(
    "comment on policy a on public.b is 'Who may read.'",
  )
  const long = inOneLine(`comment on function muster.f() is '${'word '.repeat(60)}'`)
  expect(long).toMatch(/^comment on function muster\.f\(\) is 'word .*…$/)
  expect(long.length).toBeLessThanOrEqual(120)
})
