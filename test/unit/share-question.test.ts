import { expect, it } from 'vitest'
import { shareQuestion } from '../../src/platform/db/replica.ts'

/** Answers when it is told to, with the number of the question. */
function slowly() {
  const put: PromiseWithResolvers<number>[] = []
  const ask = shareQuestion(() => {
    put.push(Promise.withResolvers<number>())
    return put.at(-1)!.promise
  })
  return { put, ask, answer: (nth: number) => put[nth]!.resolve(nth) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('concurrent callers share one query', async () => {
  const { put, ask, answer } = slowly()
  const answers = Promise.all([ask(), ask(), ask()])
  await turn()
  answer(0)
  expect(await answers).toEqual([0, 0, 0])
  expect(put).toHaveLength(1)
})

it('a caller that arrives after the query was sent shares the next one', async () => {
  const { put, ask, answer } = slowly()
  const first = ask()
  await turn()
  const later = [ask(), ask()]
  await turn()
  expect(put).toHaveLength(1)
  answer(0)
  expect(await first).toBe(0)
  await turn()
  answer(1)
  expect(await Promise.all(later)).toEqual([1, 1])
  expect(put).toHaveLength(2)
})

it('a failed query is not cached', async () => {
  const { put, ask, answer } = slowly()
  const first = ask()
  await turn()
  put[0]!.reject(new Error('down'))
  await expect(first).rejects.toThrow('down')
  const second = ask()
  await turn()
  answer(1)
  expect(await second).toBe(1)
})
