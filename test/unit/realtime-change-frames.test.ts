import { expect, it } from 'vitest'
import { ChangeFrames } from '../../src/platform/realtime/gateway/change-frames.ts'
import type { Frame } from '../../src/platform/realtime/gateway/outbox.ts'

const read = ({ data }: Frame) => JSON.parse(Buffer.from(data).toString('utf8'))

it('are the same bytes for every socket that gets the same', () => {
  const frames = new ChangeFrames()
  const first = frames.frame('2.0.0', 'realtime:a', [1], '{"n":1}')
  expect(frames.frame('2.0.0', 'realtime:a', [1], '{"n":1}')).toBe(first)
  expect(read(first)).toEqual([null, null, 'realtime:a', 'postgres_changes', { ids: [1], data: { n: 1 } }])
})

it('tell apart versions, topics, bindings, views and changes', () => {
  const frames = new ChangeFrames()
  expect(read(frames.frame('2.0.0', 'realtime:a', [1], '{"n":1}'))[4].data.n).toBe(1)
  expect(read(frames.frame('2.0.0', 'realtime:a', [1, 2], '{"n":1}'))[4].ids).toEqual([1, 2])
  expect(read(frames.frame('2.0.0', 'realtime:b é', [1], '{"n":1}'))[2]).toBe('realtime:b é')
  expect(read(frames.frame('1.0.0', 'realtime:a', [1], '{"n":1}'))).toEqual({
    topic: 'realtime:a',
    event: 'postgres_changes',
    payload: { ids: [1], data: { n: 1 } },
    ref: null,
  })
  expect(read(frames.frame('2.0.0', 'realtime:a', [1], '{"n":2}'))[4].data.n).toBe(2)
  expect(read(frames.frame('2.0.0', 'realtime:a', [1], '{"n":1}'))[4].data.n).toBe(1)
})

it('are right for more topics than are kept', () => {
  const frames = new ChangeFrames()
  const topics = Array.from({ length: 50 }, (_, n) => `realtime:${n}`)
  for (const topic of [...topics, ...topics]) {
    expect(read(frames.frame('2.0.0', topic, [1], '{}'))[2]).toBe(topic)
  }
})
