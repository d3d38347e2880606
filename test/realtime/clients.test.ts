import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { SECRET } from '../support/api.ts'
import { INSTALL_TIMEOUT_MS, launchChromium, openPage } from '../support/chromium.ts'
import { makeClientScenarios } from '../support/client-scenarios.js'
import { patience } from '../support/patience.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import {
  arrangeShift,
  LOCATIONS,
  ORGANIZATIONS,
  PROFESSIONALS,
  type ShiftFixture,
  USERS,
} from '../support/world.ts'

/** The versions by their packages, and what they can do: the rest of the scenarios is the same for all of them. */
const CLIENTS = {
  'supabase-js-2.39': {
    accessToken: false,
    binary: false,
    binaryHttp: false,
    httpSend: false,
    privateChannels: false,
    tracksAnew: true,
    wait: false,
  },
  '@supabase/supabase-js': {
    accessToken: true,
    binary: true,
    binaryHttp: true,
    httpSend: true,
    privateChannels: true,
    tracksAnew: false,
    wait: false,
  },
  'supabase-js-2.119': {
    accessToken: true,
    binary: true,
    binaryHttp: true,
    httpSend: true,
    privateChannels: true,
    tracksAnew: true,
    wait: true,
  },
  'supabase-js-3': {
    accessToken: true,
    binary: true,
    binaryHttp: false,
    httpSend: true,
    privateChannels: true,
    tracksAnew: false,
    wait: false,
  },
} as const

type Package = keyof typeof CLIENTS

/** Whose feed it is no version can tell, nor a browser: the embedded one is followed by the version of our own, in Node. */
const isServer = inject('database').engine === 'server'
const versions = isServer ? (Object.keys(CLIENTS) as Package[]) : (['@supabase/supabase-js'] as const)
type Scenario = Parameters<ReturnType<typeof makeClientScenarios>>[0]

const PUBLISHABLE_KEY = 'sb_publishable_of_the_tests'

/** A page with a version's file for script tags: `/<package>` is the page, `/<package>.js` the file. */
async function servePage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, name, suffix] = /^\/(.+?)(\.js)?$/.exec(decodeURIComponent(request.url ?? '')) ?? []
  if (!name || !(name in CLIENTS)) return void response.writeHead(404).end()
  response.setHeader('content-type', suffix ? 'text/javascript' : 'text/html')
  response.end(
    suffix
      ? await readFile(join('node_modules', name, 'dist/umd/supabase.js'))
      : `<!doctype html><script src="/${encodeURIComponent(name)}.js"></script>`,
  )
}

describe('the versions of supabase-js', () => {
  let api: RealtimeApi
  let browser: Browser | undefined
  let anon: string
  /** An app's page has another origin than the service. It is really served: browsers keep made-up pages off this machine. */
  const app = createServer(servePage)
  let appUrl: string
  let activeShifts = 0

  beforeAll(async () => {
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
    ;[api, browser] = await Promise.all([
      // To the second, so that no test waits for a token to expire twice.
      openRealtimeApi({
        ANON_KEY: PUBLISHABLE_KEY,
        CORS_ORIGINS: appUrl,
        JWT_CLOCK_TOLERANCE_SECONDS: '0',
      }),
      isServer ? launchChromium() : undefined,
    ])
    anon = await issueToken(SECRET, { role: 'anon', audience: 'authenticated' })
  }, INSTALL_TIMEOUT_MS)
  afterAll(async () => {
    await browser?.close()
    app.close()
    await api?.close()
  })

  /** What a scenario may have done at the other end, by name: arguments come from a page, too. */
  const acts: Record<string, (...parameters: never[]) => Promise<unknown>> = {
    token: (persona: keyof typeof USERS, expiresInSeconds?: number) =>
      issueToken(SECRET, {
        sub: USERS[persona],
        audience: 'authenticated',
        ...(expiresInSeconds && { expiresInSeconds }),
      }),
    async insertShift({ company, ...fixture }: Omit<ShiftFixture, 'company'> & { company?: 'rival' }) {
      await arrangeShift(api.owner, {
        ...fixture,
        ...(company && { company: ORGANIZATIONS[company], location: LOCATIONS.otherClientSite }),
      })
    },
    retitle: (id: string, title: string) =>
      api.owner.query('update shifts set title = $2 where id = $1', [id, title]),
    deleteShift: (id: string) => api.owner.query('delete from shifts where id = $1', [id]),
    async activeShift() {
      // One guard has one shift at a time.
      activeShifts += 1
      const id = await arrangeShift(api.owner, {
        status: 'assigned',
        professional: PROFESSIONALS.guard,
        startsInHours: activeShifts * 10,
      })
      await api.owner.query("update shifts set status = 'active' where id = $1", [id])
      return id
    },
    completeShift: (id: string) =>
      api.owner.query("update shifts set status = 'completed' where id = $1", [id]),
    cutSockets: async () => api.cutSockets(),
    gap: async () => api.endGap(),
  }
  const act = (name: string, ...parameters: unknown[]) => acts[name]!(...(parameters as never[]))

  const partsFor = (name: Package) => ({
    url: api.url,
    keys: { publishable: PUBLISHABLE_KEY, anon },
    knows: CLIENTS[name],
    patienceMs: patience(15_000),
    tokenSeconds: patience(2),
  })

  async function runInNode(name: Package, scenario: Scenario): Promise<unknown> {
    const { createClient } = await import(name)
    return makeClientScenarios({ ...partsFor(name), createClient, act })(scenario)
  }

  /** A page for each version, as an app has one: what a scenario opens, it closes. */
  const pages = new Map<Package, Promise<Page>>()

  /** With the file that the package has for script tags. */
  async function openPageOf(name: Package): Promise<Page> {
    const { page } = await openPage(browser!)
    await page.exposeFunction('act', act)
    await page.goto(`${appUrl}/${encodeURIComponent(name)}`)
    return page
  }

  async function runInBrowser(name: Package, scenario: Scenario): Promise<unknown> {
    const opened = pages.get(name) ?? openPageOf(name)
    pages.set(name, opened)
    const page = await opened
    return page.evaluate(
      `(${makeClientScenarios})({ ...${JSON.stringify(partsFor(name))}, createClient: supabase.createClient, act })('${scenario}')`,
    )
  }

  it('are those that docs/realtime.md names', async () => {
    const docs = await readFile('docs/realtime.md', 'utf8')
    const named = [...docs.matchAll(/^\| (\d+\.\d+\.\d+\S*) \|/gm)].map(([, version]) => version)
    const installed = Object.keys(CLIENTS).map(async (name) => {
      const { version } = JSON.parse(await readFile(join('node_modules', name, 'package.json'), 'utf8'))
      return version
    })
    expect(named).toEqual(await Promise.all(installed))
  })

  const places = [
    ['in Node', runInNode] as const,
    ...(isServer ? [['in Chromium', runInBrowser] as const] : []),
  ]

  // Most of their time they wait: for a token to expire, for a client that backs off.
  describe.concurrent.each(versions)('%s', (name) => {
    describe.each(places)('%s', (_place, run) => {
      const { binary, binaryHttp, httpSend, privateChannels, tracksAnew, wait } = CLIENTS[name]

      it('follows changes, with row level security, filters and a selection of columns', async () => {
        const certificates = ['vca']
        expect(await run(name, 'changes')).toEqual({
          statuses: ['SUBSCRIBED', 'CLOSED'],
          seen: [
            {
              type: 'INSERT',
              table: 'shifts',
              new: { id: 'own', title: 'Night watch', rate: 52, certificates },
              errors: null,
            },
            {
              type: 'UPDATE',
              table: 'shifts',
              new: { id: 'own', title: 'Dusk, then dawn', rate: 52, certificates },
              old: { id: 'own' },
              errors: null,
            },
            { type: 'DELETE', table: 'shifts', old: { id: 'own' }, errors: null },
          ],
          selected: [['id', 'title']],
          removed: 'ok',
        })
      })

      it('gets an error for a table that is not published', async () => {
        expect(await run(name, 'refusals')).toEqual({
          statuses: [wait ? 'CHANNEL_ERROR' : 'SUBSCRIBED'],
          isSaid: [true],
        })
      })

      it('broadcasts, over the socket and over HTTP', async () => {
        const received = [
          { text: 'één ☂' },
          ...(binary ? [[0, 1, 254, 255]] : []),
          { over: 'HTTP' },
          ...(httpSend ? [{ over: 'a route of its own' }] : []),
          ...(binaryHttp ? [[7, 8]] : []),
        ]
        expect(await run(name, 'broadcast')).toEqual({
          answers: Array(binary ? 4 : 3).fill('ok'),
          sent: Array(Number(httpSend) + Number(binaryHttp)).fill({ success: true }),
          got: received,
          own: received,
        })
      })

      it('tracks presence, and sees who else is present', async () => {
        expect(await run(name, 'presence')).toEqual({
          answers: Array(tracksAnew ? 4 : 3).fill('ok'),
          events: [
            ['join', 'one', 'awake'],
            ['join', 'two', 'busy'],
            ...(tracksAnew ? [['join', 'two', 'tired']] : []),
            ['leave', 'two', 'busy'],
            ...(tracksAnew ? [['leave', 'two', 'tired']] : []),
          ],
        })
      })

      it('cannot join the channel of a shift as a public channel', async () => {
        expect(await run(name, 'publicChannel')).toEqual({ statuses: ['CHANNEL_ERROR'], isSaid: true })
      })

      if (privateChannels) {
        it('joins private channels where policies let it', async () => {
          const position = { latitude: 52.3731, longitude: 4.8926 }
          expect(await run(name, 'privateChannel')).toEqual({
            refused: 'CHANNEL_ERROR',
            why: 'Unauthorized: You do not have permissions to read from this Channel topic: shift:<id>',
            answers: ['ok', 'error'],
            got: [position, { over: 'HTTP' }],
          })
        })
      }

      it('goes on with another token, and as somebody else', async () => {
        expect(await run(name, 'renewal')).toEqual({
          statuses: ['SUBSCRIBED'],
          seen: ['own, before', 'own, after', 'theirs'],
          told: ['Subscribed to PostgreSQL'],
        })
      })

      it('goes on with a token that it was told', async () => {
        expect(await run(name, 'toldToken')).toEqual(['SUBSCRIBED'])
      })

      it('comes back with a fresh token when one has expired', async () => {
        expect(await run(name, 'expiry')).toEqual({ lost: 'CHANNEL_ERROR', isTold: true })
      })

      it('is let in by the publishable key, an anonymous token and a user’s token alone', async () => {
        expect(await run(name, 'keys')).toEqual({
          publishable: 'SUBSCRIBED',
          anon: 'SUBSCRIBED',
          user: 'SUBSCRIBED',
          wrong: 'CHANNEL_ERROR',
          expired: 'CHANNEL_ERROR',
        })
      })
    })
  })

  // One after the other: the connections of all are cut.
  describe.each(versions)('%s', (name) => {
    it.each(places)(
      'comes back when the network failed, and when changes were lost (%s)',
      async (_place, run) => {
        expect(await run(name, 'reconnect')).toEqual({
          states: [
            ['CHANNEL_ERROR', 'SUBSCRIBED'],
            ['CHANNEL_ERROR', 'SUBSCRIBED'],
          ],
          seen: [0, 1],
        })
      },
    )
  })
})
