import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { MAX_HELD_BYTES, MAX_UNSENT_BYTES } from '../../src/platform/realtime/gateway/limits.ts'
import { SECRET } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { trialSeed } from '../support/trial.ts'
import { arrangeShift, USERS } from '../support/world.ts'
import { runPhase, type Target } from '../trials/storm.ts'

const ANON_KEY = 'sb_publishable_of_the_tests'
const TEST_TIMEOUT_MS = patience(240_000)
/** At least; it goes on until each kind of attack was made. `npm run trial -- storm` takes minutes. */
const SECONDS = 10
/** A frame that is being sent to everybody is counted before the slowest are cut. */
const LARGEST_FRAME_BYTES = 6_000_000

describe('a storm of all hostile clients at once', () => {
  let api: RealtimeApi

  beforeAll(async () => {
    api = await openRealtimeApi({
      ANON_KEY,
      JWT_CLOCK_TOLERANCE_SECONDS: '0',
      // Those who are honest are three people.
      REALTIME_MAX_SOCKETS_PER_USER: '50',
    })
  })
  afterAll(() => api?.close())

  // How long anything takes is for `npm run trial -- storm`: a busy machine says nothing here.
  it(
    'loses no event, leaks nothing to the attackers, and leaves no state behind',
    async ({ signal }) => {
      const seed = trialSeed()
      const who = (persona: 'company' | 'colleague' | 'admin' | 'rival' | 'otherGuard' | 'foreignAdmin') => ({
        id: USERS[persona],
        email: `${persona.toLowerCase()}@example.com`,
      })
      const target: Target = {
        url: api.url,
        anonKey: ANON_KEY,
        secret: SECRET,
        clockToleranceSeconds: 0,
        insiders: [who('company'), who('colleague'), who('admin')],
        strangers: [who('rival'), who('otherGuard'), who('foreignAdmin')],
        shiftId: await arrangeShift(api.owner, { status: 'draft' }),
      }
      const most = { heldBytes: 0, unsentBytes: 0, sockets: 0 }
      const watch = setInterval(() => {
        const counts = api.app.realtime.counts()
        for (const name of ['heldBytes', 'unsentBytes', 'sockets'] as const) {
          most[name] = Math.max(most[name], counts[name])
        }
      }, 20)
      const storm = await runPhase(target, {
        seconds: SECONDS,
        seed,
        subscribers: 100,
        changesPerSecond: 10,
        signal,
        // Other tests run beside it, and no time is measured: the storm is to come about.
        niceness: 0,
      }).finally(() => clearInterval(watch))

      const { generator, lost, interrupted } = storm
      expect({ lost, interrupted, leaks: generator.leaks }).toEqual({ lost: 0, interrupted: 0, leaks: [] })
      // There was a storm.
      expect(generator.opened).toBeGreaterThan(50)
      const ends = Object.keys(generator.ended)
      expect(ends).toContain('http 400')
      // How many messages are taken before the limits refuse the rest depends on how fast the machine is.
      expect(ends.some((end) => ['http 202', '429', 'http 429', 'http 503'].includes(end))).toBe(true)
      expect(most.heldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
      expect(most.unsentBytes).toBeLessThanOrEqual(MAX_UNSENT_BYTES + LARGEST_FRAME_BYTES)
      await vi.waitFor(
        () =>
          expect({ ...api.app.realtime.counts(), subscriptions: api.subscriptions() }).toEqual({
            sockets: 0,
            channels: 0,
            topics: 0,
            waiting: 0,
            heldBytes: 0,
            unsentBytes: 0,
            subscriptions: 0,
          }),
        { timeout: patience(30_000), interval: 50 },
      )
      expect((await fetch(`${api.url}/health`)).status).toBe(200)
    },
    TEST_TIMEOUT_MS,
  )
})
