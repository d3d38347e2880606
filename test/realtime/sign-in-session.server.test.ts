import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resume, type Session, SignInError, signIn } from '../../examples/sign-in/session.js'
import { issueToken } from '../../src/platform/auth/issue.ts'
import { SECRET } from '../support/api.ts'
import { INSTALL_TIMEOUT_MS, launchChromium, openPage } from '../support/chromium.ts'
import { patience } from '../support/patience.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { arrangeShift, USERS } from '../support/world.ts'

/** Longer on a slow machine, where the next one comes later. */
const TOKEN_SECONDS = Math.min(10, Math.ceil(patience(4)))
const LIFETIMES = 3
const PASSWORD = 'a password of the tests'
const EMAIL = 'company@example.com'
const PATIENCE_MS = patience(15_000)

/**
 * What the README of the example shows: follows shifts for some lifetimes of a token, and tells of what came after each. It runs in Node
 * and, as text, in a page: it uses nothing from around it.
 */
async function follow(parts: {
  url: string
  key: string
  credentials: { email: string; password: string }
  lifetimes: number
  tokenSeconds: number
  patienceMs: number
  signIn: typeof signIn
  createClient: typeof createClient
  rename: (title: string) => Promise<unknown>
}): Promise<{ statuses: string[]; seen: string[]; tokens: number }> {
  const session: Session = await parts.signIn(parts.url, parts.credentials)
  const tokens = new Set<string>()
  const muster = parts.createClient(parts.url, parts.key, {
    accessToken: async () => {
      const token = await session.accessToken()
      tokens.add(token)
      return token
    },
    realtime: { timeout: 60_000 },
  })
  session.whenRenewed(() => muster.realtime.setAuth())
  await muster.realtime.setAuth()
  const statuses: string[] = []
  const seen: string[] = []
  muster
    .channel('shifts')
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'shifts' }, ({ new: row }) =>
      seen.push(String(row.title)),
    )
    .subscribe((status) => statuses.push(status))
  const until = async (condition: () => boolean) => {
    const deadline = performance.now() + parts.patienceMs
    while (!condition()) {
      if (performance.now() > deadline)
        throw new Error(`It did not come: ${JSON.stringify({ statuses, seen })}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await until(() => statuses.includes('SUBSCRIBED'))
  const began = performance.now()
  for (let lifetime = 1; lifetime <= parts.lifetimes; lifetime += 1) {
    await until(() => performance.now() > began + (lifetime * parts.tokenSeconds + 0.5) * 1000)
    await parts.rename(`after ${lifetime}`)
    await until(() => seen.includes(`after ${lifetime}`))
  }
  await session.signOut()
  await muster.removeAllChannels()
  await muster.realtime.disconnect()
  return { statuses, seen, tokens: tokens.size }
}

const JAVASCRIPT = 'text/javascript'
const FILES: Record<string, () => Promise<[type: string, content: string]>> = {
  '/': async () => ['text/html', '<!doctype html><title>An app</title><script src="/supabase.js"></script>'],
  '/supabase.js': async () => [
    JAVASCRIPT,
    await readFile('node_modules/@supabase/supabase-js/dist/umd/supabase.js', 'utf8'),
  ],
  '/session.js': async () => [JAVASCRIPT, await readFile('examples/sign-in/session.js', 'utf8')],
}

describe('the session of examples/sign-in', () => {
  let api: RealtimeApi
  let key: string
  let shift: string
  let origin: string
  /** A web app with an origin of its own. */
  const app = createServer(async (request, response) => {
    const [type, content] = (await FILES[request.url ?? '']?.()) ?? ['text/plain', '']
    response.setHeader('content-type', type).end(content)
  })

  beforeAll(async () => {
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
    api = await openRealtimeApi({
      SIGN_IN: 'true',
      SIGN_IN_TOKEN_SECONDS: String(TOKEN_SECONDS),
      JWT_CLOCK_TOLERANCE_SECONDS: '0',
      CORS_ORIGINS: origin,
    })
    key = await issueToken(SECRET, { role: 'anon', audience: 'authenticated' })
    shift = await arrangeShift(api.owner)
    await api.owner.query(
      'insert into sign_in.users (id, name, email, email_verified) values ($1, $2, $3, true)',
      [USERS.company, 'Company', EMAIL],
    )
    await api.owner.query(
      "insert into sign_in.accounts (user_id, account_id, provider_id, password) values ($1::uuid, $1, 'credential', $2)",
      [USERS.company, await api.signIn!.passwords.hash(PASSWORD)],
    )
  }, INSTALL_TIMEOUT_MS)
  afterAll(async () => {
    app.close()
    await api?.close()
  })

  const partsOf = () => ({
    url: api.url,
    key,
    credentials: { email: EMAIL, password: PASSWORD },
    lifetimes: LIFETIMES,
    tokenSeconds: TOKEN_SECONDS,
    patienceMs: PATIENCE_MS,
  })
  const rename = (title: string) =>
    api.owner.query('update shifts set title = $2 where id = $1', [shift, title])
  const expectFollowed = ({ statuses, seen, tokens }: Awaited<ReturnType<typeof follow>>) => {
    // Once joined (a slow machine may need more than one token for that), never without a channel: the socket was told each token
    // before the one before it ended.
    const joined = statuses.slice(statuses.indexOf('SUBSCRIBED'))
    expect(joined.filter((status) => status !== 'CLOSED')).toEqual(['SUBSCRIBED'])
    expect(seen).toEqual(['after 1', 'after 2', 'after 3'])
    expect(tokens).toBeGreaterThan(LIFETIMES)
  }

  it(
    'follows over three lifetimes of a token, in Node',
    async () => {
      expectFollowed(await follow({ ...partsOf(), signIn, createClient, rename }))
    },
    4 * PATIENCE_MS,
  )

  it(
    'follows over three lifetimes of a token, in Chromium, from an app on another origin',
    async () => {
      const browser = await launchChromium()
      try {
        const { page, complaints } = await openPage(browser)
        await page.exposeFunction('rename', rename)
        await page.goto(origin)
        const result = await page.evaluate(
          `import('/session.js').then(({ signIn }) => (${follow})({ ...${JSON.stringify(partsOf())}, signIn, createClient: supabase.createClient, rename }))`,
        )
        expectFollowed(result as Awaited<ReturnType<typeof follow>>)
        expect(complaints).toEqual([])
      } finally {
        await browser.close()
      }
    },
    5 * PATIENCE_MS,
  )

  it('goes on after a restart of the app, and ends when an old refresh token is shown again', async () => {
    const session = await signIn(api.url, { email: EMAIL, password: PASSWORD })
    const kept = session.refreshToken()
    session.close()
    const again = await resume(api.url, kept)
    expect(again.refreshToken()).not.toBe(kept)
    // Many callers at once are one request.
    const tokens = await Promise.all(Array.from({ length: 20 }, () => again.accessToken()))
    expect(new Set(tokens).size).toBe(1)
    await api.owner.query("update sign_in.spent_tokens set spent_at = spent_at - interval '5 minutes'")
    await expect(resume(api.url, kept)).rejects.toMatchObject({ code: 'session_ended' })
    await expect(resume(api.url, again.refreshToken())).rejects.toBeInstanceOf(SignInError)
    again.close()
  })

  it('says why it does not begin', async () => {
    const refused = signIn(api.url, { email: EMAIL, password: 'not the password' })
    await expect(refused).rejects.toMatchObject({ name: 'SignInError', code: 'credentials_wrong' })
  })
})
