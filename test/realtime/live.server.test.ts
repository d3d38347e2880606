import type { AddressInfo } from 'node:net'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import Fastify from 'fastify'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import WebSocket from 'ws'
import { guarding } from '../../src/guarding/module.ts'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { live } from '../../src/platform/live/routes.ts'
import { SECRET } from '../support/api.ts'
import { INSTALL_TIMEOUT_MS, launchChromium, openPage, type WatchedPage } from '../support/chromium.ts'
import { arrangeLoad, assignAs, inHours, stopsFor } from '../support/freight-loads.ts'
import { BROKERS, buildFreightWorld, TRUCKS } from '../support/freight-world.ts'
import { auditPage } from '../support/page-audit.js'
import { patience } from '../support/patience.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import {
  arrangeShift,
  type Persona,
  PROFESSIONALS,
  type ShiftFixture,
  SITE,
  USERS,
} from '../support/world.ts'

/** What the page has to show within this time, in milliseconds: it may wait for a browser on a busy machine. */
const PATIENCE_MS = patience(15_000)

/** Runs in a page before its own scripts. */
const WITHOUT_WEBGL = `
  const getContext = HTMLCanvasElement.prototype.getContext
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
    return /^webgl/.test(kind) ? null : getContext.call(this, kind, ...more)
  }`

/** The same: a map whose library, marks and controls work, but nothing is painted, which the processor would do for seconds. */
const WITHOUT_PAINT = `
  for (const method of ['clear', 'drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced'])
    WebGL2RenderingContext.prototype[method] = () => {}`
const WITHOUT = { marks: WITHOUT_PAINT, none: WITHOUT_WEBGL }

describe('the page at /live, in Chromium', () => {
  let api: RealtimeApi
  let browser: Browser
  const opened: { watched: WatchedPage; mayComplain: boolean; url: string }[] = []
  const clients: SupabaseClient[] = []

  beforeAll(async () => {
    ;[api, browser] = await Promise.all([
      // To the second, so that no test waits for a token to expire twice.
      openRealtimeApi({ JWT_CLOCK_TOLERANCE_SECONDS: '0' }, buildFreightWorld),
      launchChromium(),
    ])
  }, INSTALL_TIMEOUT_MS)
  afterEach(async () => {
    const pages = opened.splice(0)
    await Promise.all(pages.map(({ watched }) => watched.close()))
    await Promise.all(clients.splice(0).map((client) => client.realtime.disconnect()))
    // Whatever a test is about: the page has nothing to complain of, and asks nobody else for anything.
    for (const { watched, mayComplain, url } of pages) {
      if (!mayComplain) expect(watched.complaints).toEqual([])
      expect([...watched.hosts]).toEqual([new URL(url).host])
    }
    // Until the planned end of a completed shift its guard can have no other.
    await api.owner.query(
      "update shifts set deleted_at = now() where status = 'completed' and deleted_at is null",
    )
  })
  afterAll(async () => {
    await browser?.close()
    await api?.close()
  })

  interface OpenOptions extends BrowserContextOptions {
    mayComplain?: boolean
    /** Where the page comes from, if not from the service itself. */
    url?: string
    /** Less than a map with its marks leaves a busy machine to what a test is about; a painted one is what people see. */
    map?: 'painted' | keyof typeof WITHOUT
  }
  async function open(options: OpenOptions = {}): Promise<Page> {
    const { mayComplain = false, url = api.url, map = 'marks', ...contextOptions } = options
    // Each frame of a moving map is drawn by the processor. A phone's is small, and may move.
    const watched = await openPage(browser, { reducedMotion: 'reduce', ...contextOptions })
    opened.push({ watched, mayComplain, url })
    watched.page.setDefaultTimeout(PATIENCE_MS)
    if (map !== 'painted') await watched.page.addInitScript(WITHOUT[map])
    await watched.page.goto(new URL('/live', url).href)
    return watched.page
  }
  async function signIn(persona: Persona, options: OpenOptions = {}): Promise<Page> {
    const page = await open(options)
    await page.getByLabel('Token').fill(await api.tokenOf(persona))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await isLive(page)
    return page
  }
  const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor()

  /** A shift with a title by which a test finds it. */
  async function arrange(title: string, fixture: ShiftFixture = {}): Promise<string> {
    const id = await arrangeShift(api.owner, fixture)
    await api.owner.query('update shifts set title = $2 where id = $1', [id, title])
    return id
  }
  const setStatus = (id: string, status: string) =>
    api.owner.query('update shifts set status = $2, cancel_reason = $3 where id = $1', [
      id,
      status,
      status === 'cancelled' ? 'Rain' : null,
    ])
  const remove = (id: string) => api.owner.query('update shifts set deleted_at = now() where id = $1', [id])

  /** Of the shift, with what its cells say. */
  const rowOf = (page: Page, title: string) =>
    page
      .getByRole('table')
      .getByRole('row')
      .filter({ has: page.getByRole('button', { name: title, exact: true }) })
  const waitFor = <T>(read: () => Promise<T>, wanted: (value: T) => void): Promise<T> =>
    vi.waitFor(
      async () => {
        const value = await read()
        wanted(value)
        return value
      },
      { timeout: PATIENCE_MS, interval: 50 },
    )
  const focused = (page: Page): Promise<string> =>
    page.evaluate('document.activeElement?.id || document.activeElement?.textContent')
  /** The titles of the shifts that need a person, in order. */
  const needing = (page: Page) =>
    page.getByRole('rowgroup', { name: 'Needs a person' }).getByRole('button').allTextContents()
  /** The days and states to choose from, which leave their room to the shifts otherwise. */
  const openChoices = (page: Page) => page.getByText('Days and states.').click()
  const shiftOnTop = (page: Page) => page.getByRole('table').getByRole('button').first().textContent()

  it('lets nobody in without a good token, and says why', async () => {
    const page = await open({ mayComplain: true, map: 'none' })
    const token = page.getByLabel('Token')
    await token.waitFor()
    expect(await focused(page)).toBe('token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    expect(await page.getByRole('alert').textContent()).toBe('Paste a token first.')
    await token.fill(await issueToken('x'.repeat(40), { sub: USERS.company, audience: 'authenticated' }))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('The token is not good, or has expired.').waitFor()
    expect(await token.getAttribute('aria-invalid')).toBe('true')
    expect(await page.getByRole('table').isVisible()).toBe(false)
    await waitFor(
      () => focused(page),
      (id) => expect(id).toBe('token'),
    )
  })

  it('shows shifts in the list and on the map, keeps the token in the tab, and forgets it', async () => {
    const id = await arrange('Shown', { startsInHours: 12 })
    const page = await signIn('company', { map: 'painted' })
    const row = rowOf(page, 'Shown')
    expect(await row.getByRole('cell').first().textContent()).toBe('Open')
    expect(await row.getByRole('rowheader').textContent()).toMatch(
      /^Shownsite\w{3} \d+ \w+, \d\d:\d\d–\d\d:\d\d$/,
    )
    expect(await page.locator('#map .site.published').first().getAttribute('title')).toMatch(/\d+ open/)
    expect(await page.locator('#map .city').filter({ visible: true }).count()).toBeGreaterThan(0)
    expect(await page.getByRole('application', { name: 'Map of the sites' }).isVisible()).toBe(true)

    await page.reload()
    await isLive(page)
    await rowOf(page, 'Shown').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    expect(await page.getByRole('table').isVisible()).toBe(false)
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
    expect(await rowOf(page, 'Shown').count()).toBe(0)
    await page.reload()
    await page.getByLabel('Token').waitFor()
    await remove(id)
  })

  it('shows to each what is theirs', async () => {
    const [own, draft] = [await arrange('Of the company'), await arrange('A draft', { status: 'draft' })]
    const client = await signIn('client', { map: 'none' })
    await openChoices(client)
    await client.getByRole('checkbox', { name: /Draft/ }).check()
    await rowOf(client, 'Of the company').waitFor()
    expect(await rowOf(client, 'A draft').count()).toBe(0)
    const rival = await signIn('rival', { map: 'none' })
    expect(await rowOf(rival, 'Of the company').count()).toBe(0)
    await setStatus(draft, 'published')
    await rowOf(client, 'A draft').waitFor()
    expect(await rowOf(rival, 'A draft').count()).toBe(0)
    await remove(own)
    await remove(draft)
  })

  it('shows a change as it happens, in the list, on the map, in the log and to a screen reader', async () => {
    const id = await arrange('Followed')
    const page = await signIn('company')
    await page.getByLabel('Title, site or guard').fill('Followed')
    const state = rowOf(page, 'Followed').getByRole('cell').first()
    await state.getByText('Open', { exact: true }).waitFor()

    await api.owner.query("update shifts set status = 'assigned', professional_id = $2 where id = $1", [
      id,
      PROFESSIONALS.guard,
    ])
    await state.getByText('Assigned').waitFor()
    await page.locator('#map .site.assigned').waitFor({ state: 'attached' })
    const sentence = 'Followed at site: open, now assigned.'
    await page.getByRole('listitem').getByText(sentence).waitFor()
    await page.locator('#announcements').getByText(sentence).waitFor({ state: 'attached' })

    const added = await arrange('Followed, and new', { startsInHours: 20 })
    await rowOf(page, 'Followed, and new').waitFor()
    await setStatus(added, 'cancelled')
    await rowOf(page, 'Followed, and new').waitFor({ state: 'detached' })
    await setStatus(id, 'active')
    await setStatus(id, 'completed')
    await page.getByRole('listitem').getByText('Followed at site: active, now completed.').waitFor()
    expect(await page.getByRole('table', { name: 'No shifts' }).count()).toBe(1)
  })

  it('shows check-ins and incidents', async () => {
    const id = await arrange('Watched', { status: 'assigned', startsInHours: 0 })
    const page = await signIn('company')
    const checkIn = await api.as('guard').post(`/v1/shifts/${id}/checkins`, {
      id: crypto.randomUUID(),
      kind: 'clock_in',
      ...SITE,
      accuracy_meters: 8,
      recorded_at: new Date().toISOString(),
    })
    expect(checkIn.statusCode).toBe(201)
    const row = rowOf(page, 'Watched')
    await row.getByText(/^Clocked in \d\d:\d\d, inside \(0 m\)$/).waitFor()
    expect(await row.getByRole('cell').first().textContent()).toBe('Active')
    expect(await needing(page)).not.toContain('Watched')

    const incident = await api.as('guard').post('/v1/incidents', {
      shift_id: id,
      category: 'trespass',
      severity: 'medium',
      description: 'Somebody on the roof.',
      occurred_at: new Date().toISOString(),
    })
    expect(incident.statusCode).toBe(201)
    await row.getByText(/^trespass, medium, open \(\d\d:\d\d\): Somebody on the roof\.$/).waitFor()
    await page.locator('#map .site.incident').waitFor({ state: 'attached' })
    expect(await shiftOnTop(page)).toBe('Watched')
    const told = page.getByRole('region', { name: 'What happened' }).getByRole('listitem')
    await told
      .getByText('Incident at Watched at site: trespass, severity medium. Somebody on the roof.')
      .waitFor()

    // Read anew, the page knows the same.
    await page.reload()
    await isLive(page)
    await row.getByText(/^Clocked in/).waitFor()
    await row.getByText('Somebody on the roof.').waitFor()
    await told.getByText('Incident at Watched').waitFor()
    await told.getByText('Clock-in for Watched').click()
    await page.getByRole('region', { name: 'Watched' }).getByText('Somebody on the roof.').waitFor()
    await setStatus(id, 'completed')
    // Nobody looked after the incident, so the shift does not leave the list.
    await row.getByText('Completed').waitFor()
    await api.owner.query("update incidents set status = 'acknowledged' where shift_id = $1", [id])
    await row.waitFor({ state: 'detached' })
  })

  it('moves a guard on the map while the shift is active, for those of the shift alone', async () => {
    const id = await arrange('Patrol', { status: 'assigned', startsInHours: 10 })
    const [company, rival] = [await signIn('company'), await signIn('rival')]
    // The page is open already: it has to join the channel when the shift begins.
    await setStatus(id, 'active')
    await rowOf(company, 'Patrol').getByText('Active').waitFor()

    const token = await api.tokenOf('guard')
    const client = createClient(api.url, token, {
      realtime: { transport: WebSocket as never },
      accessToken: async () => token,
    })
    clients.push(client)
    await client.realtime.setAuth()
    const channel = client.channel(`shift:${id}`, { config: { private: true, broadcast: { ack: true } } })
    await new Promise<void>((resolve) => {
      channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())
    })
    const marker = company.locator(`#map .position[data-item="${id}"]`)
    /** Until it arrives: the page joins when it joins. */
    const send = (latitude: number, longitude: number) =>
      waitFor(
        async () => {
          const payload = { latitude, longitude, accuracy_meters: 5 }
          expect(await channel.send({ type: 'broadcast', event: 'position', payload })).toBe('ok')
          return (await marker.count()) === 1 && (await marker.getAttribute('data-latitude'))
        },
        (shown) => expect(shown).toBe(String(latitude)),
      )
    const place = () => marker.getAttribute('style')

    await send(52.374, 4.8926)
    const before = await place()
    await send(52.3747, 4.8926)
    await waitFor(place, (now) => expect(now).not.toBe(before))
    await rowOf(company, 'Patrol')
      .getByText(/^Live \d\d:\d\d:\d\d, 178 m from the site$/)
      .waitFor()
    expect(await rival.locator('#map .position').count()).toBe(0)

    await setStatus(id, 'completed')
    await marker.waitFor({ state: 'detached' })
  })

  it('shares the position of a guard who wants that', async () => {
    const id = await arrange('Shared', {
      status: 'assigned',
      startsInHours: 30,
      professional: PROFESSIONALS.otherGuard,
    })
    await setStatus(id, 'active')
    const company = await signIn('company')
    const guard = await signIn('otherGuard', {
      permissions: ['geolocation'],
      geolocation: { latitude: 52.3735, longitude: 4.893, accuracy: 12 },
    })
    await guard.getByRole('heading', { name: 'You are on duty' }).waitFor()
    const button = guard.getByRole('button', { name: 'Share my position' })
    await button.click()
    await guard.getByText(/^Sharing since/).waitFor()
    expect(await button.count()).toBe(0)
    const stop = guard.getByRole('button', { name: 'Stop sharing my position' })
    // Each fix is sent once, and nobody hears of it who was not there yet: move until the company has seen one.
    const marker = company.locator(`#map .position[data-item="${id}"]`)
    let moved = 0
    await waitFor(
      async () => {
        moved += 1
        await guard
          .context()
          .setGeolocation({ latitude: 52.3735 + moved / 10_000, longitude: 4.893, accuracy: 12 })
        return marker.count()
      },
      (count) => expect(count).toBe(1),
    )
    await stop.click()
    await button.waitFor()
    await setStatus(id, 'completed')
    await guard.getByRole('heading', { name: 'You are on duty' }).waitFor({ state: 'hidden' })
  })

  it('reloads after a gap in the change stream', async () => {
    const [kept, gone] = [
      await arrange('Kept over a gap'),
      await arrange('Gone in a gap', { startsInHours: 15 }),
    ]
    const page = await signIn('company', { map: 'none' })
    await rowOf(page, 'Gone in a gap').waitFor()
    onTestFinished(() => api.endGap())
    api.loseChanges()
    await setStatus(kept, 'cancelled')
    await remove(gone)
    const added = await arrange('Added in a gap', { startsInHours: 16 })
    // A broken feed, and not a slow one: what comes by another way is there already, and those changes are not.
    expect(await rowOf(page, 'Kept over a gap').getByRole('cell').first().textContent()).toContain('Open')
    api.endGap()
    await rowOf(page, 'Added in a gap').waitFor()
    await rowOf(page, 'Kept over a gap').waitFor({ state: 'detached' })
    await rowOf(page, 'Gone in a gap').waitFor({ state: 'detached' })
    await isLive(page)
    await remove(added)
  })

  it('shows when the connection is lost, and reconnects by itself', async () => {
    const id = await arrange('Before and after', { startsInHours: 17 })
    const page = await signIn('company', { mayComplain: true, map: 'none' })
    await rowOf(page, 'Before and after').waitFor()
    api.cutSockets()
    await page.getByText(/^Not live/).waitFor()
    await page.locator('#announcements').getByText('The connection was lost.').waitFor({ state: 'attached' })
    await setStatus(id, 'cancelled')
    await isLive(page)
    await rowOf(page, 'Before and after').waitFor({ state: 'detached' })
  })

  it('puts first what needs a person, with the names of the guards, who are found by search', async () => {
    const [row] = await api.owner.query<{ name: string }>(
      'select u.name from users u join security_professionals p on p.user_id = u.id where p.id = $1',
      [PROFESSIONALS.otherGuard],
    )
    const name = row!.name
    const planned = await arrange('Well planned', {
      status: 'assigned',
      startsInHours: 40,
      professional: PROFESSIONALS.otherGuard,
    })
    const uncovered = await arrange('Nobody took it', { startsInHours: 1 })
    const late = await arrange('Begun', { status: 'assigned', startsInHours: 0 })
    const page = await signIn('company')
    await waitFor(
      () => needing(page),
      (titles) => expect(titles).toEqual(['Begun', 'Nobody took it']),
    )
    const state = rowOf(page, 'Begun').getByRole('cell').first()
    expect(await state.textContent()).toMatch(/^Lateno clock-in, started \d+ min agoAssigned$/)
    expect(await page.title()).toBe('(2) Muster live')
    expect(await page.getByRole('table').locator('caption').textContent()).toMatch(/ 2 need a person$/)
    await rowOf(page, 'Well planned').getByText(name).waitFor()
    // The map's mark of the place has the look of the most urgent, and the legend says what that is.
    await page.locator('#map .site.late').waitFor()
    expect(await page.locator('#legend').getByText('Late, no clock-in').isVisible()).toBe(true)

    await page.getByLabel('Title, site or guard').fill(name.toUpperCase())
    await page.getByRole('table', { name: '1 shift' }).waitFor()
    await rowOf(page, 'Well planned').waitFor()
    await page.getByLabel('Title, site or guard').fill('')
    // Who becomes late while one watches is told of, though no guard did anything.
    await api.owner.query(
      "update shifts set start_datetime = now() - interval '1 minute', end_datetime = now() + interval '4 hours' where id = $1",
      [planned],
    )
    const told = /^Late: Well planned at site, no clock-in, started \d+ min ago\.$/
    await page.getByRole('listitem').getByText(told).waitFor()
    await page.locator('#announcements').getByText('Late: Well planned').waitFor({ state: 'attached' })
    expect(await needing(page)).toContain('Well planned')
    await setStatus(planned, 'cancelled')
    const later = await arrange('Planned for later', {
      status: 'assigned',
      startsInHours: 40,
      professional: PROFESSIONALS.otherGuard,
    })
    await page.getByRole('table', { name: '2 need a person' }).waitFor()
    // A filter of states hides nothing that needs a person.
    await openChoices(page)
    await page.getByRole('checkbox', { name: /Assigned/ }).uncheck()
    await rowOf(page, 'Planned for later').waitFor({ state: 'detached' })
    expect(await needing(page)).toEqual(['Begun', 'Nobody took it'])
    for (const id of [later, uncovered, late]) await setStatus(id, 'cancelled')
  })

  it('shows the days that are asked for, and says which', async () => {
    const [soon, far] = [
      await arrange('In two days', { startsInHours: 40 }),
      await arrange('In five days', { startsInHours: 120, hours: 2 }),
    ]
    const page = await signIn('company', { map: 'none' })
    await rowOf(page, 'In two days').waitFor()
    expect(await page.locator('#span').textContent()).toMatch(
      /^Shifts from .+, \d\d:\d\d to .+, \d\d:\d\d\.$/,
    )
    expect(await rowOf(page, 'In five days').count()).toBe(0)
    const day = await page.evaluate<string>(
      "new Intl.DateTimeFormat('sv-SE').format(new Date(Math.floor(Date.now() / 60_000) * 60_000 + 120 * 3_600_000))",
    )
    await openChoices(page)
    await page.getByLabel('Day', { exact: true }).fill(day)
    await rowOf(page, 'In five days').waitFor()
    await rowOf(page, 'In two days').waitFor({ state: 'detached' })
    expect(await page.locator('#span').textContent()).toMatch(/^Shifts of \w{3} \d+ \w+\.$/)
    await page.getByRole('button', { name: 'The day before' }).click()
    await rowOf(page, 'In five days').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Around now' }).click()
    await rowOf(page, 'In two days').waitFor()
    await remove(soon)
    await remove(far)
  })

  it('has list, map and timeline beside each other, and opens details over the map', async () => {
    const id = await arrange('Beside', { startsInHours: 12 })
    const page = await signIn('company', { viewport: { width: 1400, height: 900 } })
    const boxOf = async (at: string) => (await page.locator(at).boundingBox())!
    const [side, map, timeline] = [await boxOf('.side'), await boxOf('#map'), await boxOf('#timeline')]
    expect([side.y, map.y]).toEqual([timeline.y, timeline.y])
    expect(side.x + side.width).toBeLessThanOrEqual(map.x)
    expect(map.x + map.width).toBeLessThanOrEqual(timeline.x)
    // In the list's own scrolling: it may have been scrolled to the button.
    const placeInList = () => page.evaluate<number>("document.querySelector('#items').offsetTop")
    const before = await placeInList()
    await page.getByRole('button', { name: 'Beside' }).click()
    const detail = await page.getByRole('region', { name: 'Beside' }).boundingBox()
    expect(await placeInList()).toBe(before)
    expect(detail!.x).toBeGreaterThanOrEqual(map.x)
    expect(detail!.x + detail!.width).toBeLessThanOrEqual(timeline.x)
    await remove(id)
  })

  it('says within 10 s that the service does not answer, and comes back by itself', async () => {
    const proxy = await startTcpProxy(api.url)
    onTestFinished(() => proxy.close())
    const page = await signIn('company', { url: proxy.url, mayComplain: true, map: 'none' })
    proxy.freeze()
    await page.getByText(/^Not (live|read): /).waitFor({ timeout: patience(10_000) })
    expect(await page.getByText('Live', { exact: true }).count()).toBe(0)
    // The network is there again; new connections pass.
    proxy.reset()
    await isLive(page)
  })

  it('says so where a browser draws no map, and has the list all the same', async () => {
    const id = await arrange('Without a map')
    const page = await signIn('company', { map: 'none' })
    await rowOf(page, 'Without a map').waitFor()
    await page.getByText(/^This browser draws no map/).waitFor()
    expect(await page.getByRole('button', { name: 'Zoom in' }).isVisible()).toBe(false)
    await remove(id)
  })

  it('asks for another token when one has expired', async () => {
    const page = await open({ mayComplain: true, map: 'none' })
    const token = await issueToken(SECRET, {
      sub: USERS.company,
      audience: 'authenticated',
      expiresInSeconds: patience(3),
    })
    await page.getByLabel('Token').fill(`Bearer ${token}`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('The token has expired. Paste a fresh one.').waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  it('can be used by keyboard alone', async () => {
    const [first, second] = [
      await arrange('Keyboard one', { startsInHours: 3 }),
      await arrange('Keyboard two', { startsInHours: 4 }),
    ]
    // Without motion the map is at once where a key moves it.
    const page = await open()
    await page.getByLabel('Token').waitFor()
    await page.keyboard.press('Shift+Tab')
    expect(await focused(page)).toBe('Skip to the list')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('token')
    await page.keyboard.type(await api.tokenOf('company'))
    await page.keyboard.press('Enter')
    await isLive(page)
    await waitFor(
      () => focused(page),
      (id) => expect(id).toBe('items'),
    )
    await page.getByLabel('Title, site or guard').focus()
    await page.keyboard.type('keyboard')
    await page.getByRole('table', { name: '2 shifts' }).waitFor()

    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Keyboard one')
    expect(
      await page.evaluate("getComputedStyle(document.activeElement).outline.replace(/rgb\\(.*?\\) /, '')"),
    ).toBe('solid 3px')
    await page.keyboard.press('Enter')
    await waitFor(
      () => focused(page),
      (id) => expect(id).toBe('detail-heading'),
    )
    await page.getByRole('region', { name: 'Keyboard one' }).getByText('Dam 1, Amsterdam').waitFor()
    await page.keyboard.press('Escape')
    expect(await focused(page)).toBe('Keyboard one')
    expect(await page.locator('#detail').isVisible()).toBe(false)

    // A row that moves keeps the focus.
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Keyboard two')
    await api.owner.query(
      "update shifts set start_datetime = start_datetime - interval '2 hours', end_datetime = end_datetime - interval '2 hours' where id = $1",
      [second],
    )
    await waitFor(
      () => shiftOnTop(page),
      (title) => expect(title).toBe('Keyboard two'),
    )
    expect(await focused(page)).toBe('Keyboard two')

    await page.getByRole('application', { name: 'Map of the sites' }).focus()
    const scale = page.locator('.maplibregl-ctrl-scale')
    const mark = page.locator('#map .site.uncovered')
    const view = async () => [await scale.textContent(), await mark.getAttribute('style')]
    await page.keyboard.press('0')
    // One site alone does not fill the map.
    await waitFor(
      () => scale.textContent(),
      (text) => expect(text).toMatch(/^300\sm$/),
    )
    const whole = await view()
    await page.keyboard.press('+')
    await waitFor(view, ([size]) => expect(size).not.toBe(whole[0]))
    await page.keyboard.press('ArrowRight')
    await waitFor(view, ([, place]) => expect(place).not.toBe(whole[1]))
    await page.keyboard.press('0')
    await waitFor(view, (now) => expect(now).toEqual(whole))
    await remove(first)
    await remove(second)
  })

  it.each(['light', 'dark'] as const)('passes an audit for accessibility, %s', async (colorScheme) => {
    const title = `Audited, ${colorScheme}`
    const id = await arrange(title, { status: 'assigned', startsInHours: 12 })
    await setStatus(id, 'active')
    const page = await open({ colorScheme })
    expect(await page.evaluate(auditPage)).toEqual([])
    await page.getByLabel('Token').fill(await api.tokenOf('admin'))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await isLive(page)
    await openChoices(page)
    for (const box of await page.getByRole('checkbox').all()) await box.check()
    await page.getByRole('button', { name: title }).click()
    await page.getByRole('heading', { name: title }).waitFor()
    expect(await page.evaluate(auditPage)).toEqual([])
    expect(await page.getByRole('main').count()).toBe(1)
    expect(await page.getByRole('banner').count()).toBe(1)
    expect(await page.getByRole('search', { name: 'Which shifts to show' }).count()).toBe(1)
    expect(await page.getByRole('application', { name: 'Map of the sites' }).count()).toBe(1)

    // No motion for whoever wants none.
    await setStatus(id, 'completed')
    const row = rowOf(page, title)
    await row.getByText('Completed').waitFor()
    expect(await row.getAttribute('class')).toContain('changed')
    expect(await page.evaluate("getComputedStyle(document.querySelector('.changed')).animationName")).toBe(
      'none',
    )

    // An admin has the boards of both trades, and goes from one to the other without signing in again. Their colours are the same.
    if (colorScheme === 'light') return
    const load = await arrangeLoad(api.owner, { from: 2 })
    const boards = page.getByRole('navigation', { name: 'Boards' }).getByRole('link')
    expect(await boards.allTextContents()).toEqual(['Shifts', 'Loads'])
    await boards.getByText('Loads').click()
    await isLive(page)
    expect(await boards.getByText('Loads').getAttribute('aria-current')).toBe('page')
    await page.getByRole('table', { name: '1 load, 1 needs a person' }).getByRole('button').click()
    await page.getByRole('region', { name: /^Load/ }).getByText('1. Pickup: Warehouse').waitFor()
    expect(await page.evaluate(auditPage)).toEqual([])
    await api.owner.query('update loads set deleted_at = now() where id = $1', [load])
  })

  it('shows a dispatcher the loads of the carrier as they go, also on a phone and by keyboard', async () => {
    const [id, reference] = [await arrangeLoad(api.owner, { from: 1 }), 'LL-20991']
    await assignAs(api.owner, id, { truck: TRUCKS.carrier })
    const [stop] = await api.owner.query<{ id: string }>(
      `with named as (update loads set reference = $2 where id = $1)
       select id from load_stops where load_id = $1 and position = 1`,
      [id, reference],
    )
    // Signed in at the page of the other trade.
    const page = await open({
      map: 'painted',
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    })
    await page.getByLabel('Token').fill(await api.tokenOf('dispatcher'))
    await page.keyboard.press('Enter')
    await isLive(page)
    expect(new URL(page.url()).pathname).toBe('/live/freight')
    expect(await page.getByRole('navigation', { name: 'Boards' }).isVisible()).toBe(false)
    await waitFor(
      () => focused(page),
      (at) => expect(at).toBe('items'),
    )
    const row = rowOf(page, reference)
    await row.getByText('driver, T-1').waitFor()
    await row.getByText(/^Due within 1 h/).waitFor()
    expect(await row.getByRole('cell').first().textContent()).toBe('Assigned')
    expect(await page.locator('#map .person.truck').count()).toBe(0)

    const arrival = await api.as('driver').patch(`/v1/freight/stops/${stop!.id}`, { arrived_at: inHours(0) })
    expect(arrival.statusCode, arrival.body).toBe(200)
    await row.getByText('In transit').waitFor()
    await row.getByText(/^At Warehouse since \d\d:\d\d\. Due within \d h/).waitFor()
    await page.locator(`#map .person.truck[data-item="${id}"]`).waitFor({ state: 'attached' })
    await page
      .locator('#announcements')
      .getByText(`${reference} arrived at Warehouse.`)
      .waitFor({ state: 'attached' })

    // What the phone reports moves the truck; what comes late moves nothing.
    const now = Date.now()
    const reported = await api.as('driver').post('/v1/freight/stop-events/batch', {
      items: [
        [now, -84.5],
        [now - 60_000, -85.5],
      ].map(([time, longitude]) => ({
        id: crypto.randomUUID(),
        kind: 'position',
        load_id: id,
        latitude: 42.25,
        longitude,
        accuracy_meters: 20,
        recorded_at: new Date(time!).toISOString(),
      })),
    })
    expect(reported.json().results).toMatchObject([{ status: 'created' }, { status: 'created' }])
    await row.getByText(/Position (just now|\d min ago), 75 mi from Depot\./).waitFor()
    await page
      .locator(`#map .person.truck[data-item="${id}"][data-longitude="-84.5"]`)
      .waitFor({ state: 'attached' })

    const created = await api.as('office').post('/v1/freight/loads', {
      broker_id: BROKERS.carrier,
      rate: 900,
      reference: 'LL-20992',
      stops: stopsFor(3, 12),
    })
    expect(created.statusCode, created.body).toBe(201)
    await rowOf(page, 'LL-20992')
      .getByText(/^pickup in 2 h \d+ min$/)
      .waitFor()
    expect(await needing(page)).toEqual(['LL-20992'])
    expect(await page.evaluate(auditPage)).toEqual([])

    await page.getByLabel('Reference, stop, driver, truck or broker').focus()
    await page.keyboard.type('t-1')
    await page.getByRole('table', { name: '1 load, none need a person' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe(reference)
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: reference }).getByText('2. Delivery: Depot, Detroit, MI').waitFor()
    expect(await focused(page)).toBe('detail-heading')
    await page.keyboard.press('Escape')
    expect(await focused(page)).toBe(reference)
  })

  it('can be used on a phone', async () => {
    const id = await arrange('By thumb', { startsInHours: 5 })
    const page = await signIn('company', {
      map: 'painted',
      viewport: { width: 360, height: 640 },
      isMobile: true,
      hasTouch: true,
      reducedMotion: 'no-preference',
    })
    expect(await page.evaluate(auditPage)).toEqual([])
    await page.getByLabel('Title, site or guard').fill('By thumb')
    const mark = page.locator('#map .site.published')
    await waitFor(
      () => mark.count(),
      (count) => expect(count).toBe(1),
    )
    await page.evaluate('scrollTo(0, 0)')
    await mark.tap()
    await page.getByRole('region', { name: 'By thumb' }).waitFor()
    await page.getByRole('button', { name: 'Map', exact: true }).tap()
    expect(await page.locator('#map').isVisible()).toBe(false)
    expect(await page.getByRole('table').isVisible()).toBe(true)
    await remove(id)
  })

  it('shows map tiles where they are set, and asks their host for nothing else', async () => {
    const app = Fastify()
    onTestFinished(() => app.close())
    await app.register(live, {
      boards: [guarding],
      tileUrl: 'https://tiles.example.com/{z}/{x}/{y}.png',
      tileAttribution: 'Tiles Ltd',
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { page, complaints, close } = await openPage(browser)
    onTestFinished(close)
    await page.route('**/v1/**', (route) =>
      route.fulfill({ json: { name: 'Somebody', role: 'admin', items: [], next_cursor: null } }),
    )
    const asked: string[] = []
    const referers: (string | undefined)[] = []
    const tile = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    )
    await page.route('https://tiles.example.com/**', (route) => {
      asked.push(new URL(route.request().url()).pathname)
      referers.push(route.request().headers().referer)
      const headers = { 'access-control-allow-origin': '*' }
      return route.fulfill({ body: tile, contentType: 'image/png', headers })
    })
    await page.goto(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/live`)
    await page.getByLabel('Token').fill('any')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Tiles Ltd').waitFor()
    // The Netherlands from afar: Amsterdam's tile is among them.
    const [level] = await waitFor(
      async () => asked.map((path) => Number(path.split('/')[1])),
      (levels) => expect(levels.length).toBeGreaterThan(3),
    )
    const count = 2 ** level!
    const column = Math.floor(((SITE.longitude + 180) / 360) * count)
    await waitFor(
      async () => asked.filter((path) => path.startsWith(`/${level}/${column}/`)),
      (paths) => expect(paths.length).toBeGreaterThan(0),
    )
    // Which site uses them, and not which page.
    expect(new Set(referers)).toEqual(new Set([`${new URL(page.url()).origin}/`]))
    expect(await page.locator('#map .city').count()).toBe(0)
    // There is no change stream behind this page, and it says so.
    await page.getByText(/^Not live/).waitFor()
    expect(complaints.filter((text) => /content security/i.test(text))).toEqual([])
  })
})
