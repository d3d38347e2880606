import type { Browser, Page } from 'playwright-core'
import qrcode from 'qrcode-generator'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { INSTALL_TIMEOUT_MS, launchChromium, openPage, type WatchedPage } from '../support/chromium.ts'
import { auditPage } from '../support/page-audit.js'
import { patience } from '../support/patience.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { totpCode } from '../support/sign-in.ts'
import { startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts'
import { arrangeShift } from '../support/world.ts'

/** How long the tokens of the walk live, in seconds. */
const TOKEN_SECONDS = 5
const LIFETIMES = 3
const PHONE = { width: 390, height: 844 }
const GUARD = 'new.guard@example.com'
const PASSWORD = 'four words nobody joins'
const PATIENCE_MS = patience(20_000)

/** Where a QR code is dark, with the four light modules around it that readers need. */
function pathOfQrCode(text: string): string {
  const code = qrcode(0, 'M')
  code.addData(text)
  code.make()
  const modules = Array.from({ length: code.getModuleCount() }, (_, nth) => nth)
  return modules
    .flatMap((row) => modules.filter((column) => code.isDark(row, column)).map((column) => [column, row]))
    .map(([column, row]) => `M${column! + 4} ${row! + 4}h1v1h-1z`)
    .join('')
}

describe('the way of a guard, in Chromium: from the invitation to the suspension', () => {
  let api: RealtimeApi
  let smtp: TestSmtpServer
  let browser: Browser
  let watched: WatchedPage
  let page: Page
  let url: string

  beforeAll(async () => {
    smtp = await startSmtpServer()
    ;[api, browser] = await Promise.all([
      openRealtimeApi({
        SIGN_IN: 'true',
        SIGN_IN_TOKEN_SECONDS: String(TOKEN_SECONDS),
        // To the second, so that a token that was not renewed is over when it says so.
        JWT_CLOCK_TOLERANCE_SECONDS: '0',
        SMTP_URL: smtp.url,
        MAIL_FROM: 'Muster <no-reply@example.com>',
      }),
      launchChromium(),
    ])
    // Passkeys belong to a name, and refuse an IP address.
    url = api.url.replace('127.0.0.1', 'localhost')
    watched = await openPage(browser, {
      viewport: PHONE,
      hasTouch: true,
      isMobile: true,
      locale: 'nl-NL',
      reducedMotion: 'reduce',
    })
    page = watched.page
    page.setDefaultTimeout(PATIENCE_MS)
  }, INSTALL_TIMEOUT_MS)
  afterAll(async () => {
    await browser?.close()
    await api?.close()
    await smtp?.close()
  })

  const until = <T>(read: () => T | Promise<T>, wanted: (value: T) => void): Promise<void> =>
    vi.waitFor(async () => wanted(await read()), { timeout: PATIENCE_MS, interval: 50 })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  /** Nothing for the console, and nothing that a person who does not see the page well stumbles over. */
  async function expectGoodPage(): Promise<void> {
    expect(watched.complaints).toEqual([])
    expect(await page.evaluate(auditPage)).toEqual([])
  }

  /** A phone with a fingerprint: it keeps passkeys, and its owner agrees to whatever it asks until told otherwise. */
  async function addAuthenticator(): Promise<{ agree(agrees: boolean): Promise<void> }> {
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    return {
      agree: async (enabled) => {
        await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
      },
    }
  }

  it(
    'goes all the way',
    async () => {
      let invitationId: string
      let link: string
      let shift: string
      let backupCode: string
      let authenticator: Awaited<ReturnType<typeof addAuthenticator>>
      const userId = async (): Promise<string | undefined> =>
        (await api.owner.query<{ id: string }>('select id from users where email = $1', [GUARD]))[0]?.id

      // An admin invites a guard, and the mail arrives with a link.
      {
        const response = await api.as('admin').post('/v1/invitations', { role: 'zzp', email: GUARD })
        expect(response.statusCode).toBe(201)
        invitationId = response.json().id
        await until(
          () => smtp.received,
          (mails) => expect(mails.length).toBe(1),
        )
        const [mail] = smtp.received
        expect(mail!.to).toEqual([GUARD])
        link = /http:\/\/localhost:\d+\/auth\/accept#\S+/.exec(mail!.text)![0]
        expect(mail!.html).toContain(link)
        expect(new URL(link).origin).toBe(url)
        // What makes the link good is after the #, where no server and no log sees it.
        expect(new URL(link).search).toBe('')
      }

      // Opening the link changes nothing, as often as it is opened.
      {
        for (const method of ['GET', 'HEAD'] as const) {
          expect((await fetch(link, { method })).status).toBe(200)
        }
        await page.goto(link)
        await page.getByLabel('Uw naam').waitFor()
        const [invitation] = await api.owner.query('select accepted_at from invitations where id = $1', [
          invitationId,
        ])
        expect(invitation).toEqual({ accepted_at: null })
      }

      // The guard accepts on a phone, and adds a passkey.
      {
        authenticator = await addAuthenticator()
        expect(await page.getByLabel('E-mailadres').inputValue()).toBe(GUARD)
        await page.getByLabel('Uw naam').fill('Sam Guard')
        await page.getByLabel('Kies een wachtwoord').fill('short')
        await button('Aannemen en account maken').click()
        await page.getByRole('alert').getByText('Het wachtwoord moet minstens').waitFor()
        await page.getByLabel('Kies een wachtwoord').fill(PASSWORD)
        await expectGoodPage()
        await button('Aannemen en account maken').click()
        await page.getByText('Uw account is gemaakt en u bent aangemeld.').waitFor()
        const [guard] = await api.owner.query(
          `select u.name, u.role, p.status from users u join security_professionals p on p.user_id = u.id where u.email = $1`,
          [GUARD],
        )
        expect(guard).toEqual({ name: 'Sam Guard', role: 'zzp', status: 'active' })
        // The code is of no use to whoever has the phone next.
        expect(new URL(page.url()).hash).toBe('')
        await button('Passkey toevoegen').click()
        await page.getByText('De passkey is bewaard.').waitFor()
        await expectGoodPage()
      }

      // Sets up an authenticator app by its QR code.
      {
        await page.getByRole('link', { name: 'Uw account' }).click()
        await page.getByText(`Aangemeld als ${GUARD}`).waitFor()
        await page.getByRole('region', { name: 'Passkeys' }).getByRole('listitem').waitFor()
        await page.getByText('deze browser').waitFor()
        await expectGoodPage()
        const app = page.getByRole('region', { name: 'Authenticator-app' })
        await app.getByText('App instellen').first().click()
        await app.getByLabel('Wachtwoord', { exact: true }).fill(PASSWORD)
        await app.getByRole('button', { name: 'App instellen' }).click()
        const uri = await app.getByRole('link', { name: 'Openen in de app' }).getAttribute('href')
        const drawn = app.getByRole('img', { name: 'QR-code voor de authenticator-app' }).locator('path')
        expect(await drawn.getAttribute('d')).toBe(pathOfQrCode(uri!))
        const key = await app.getByText(/^Sleutel:/).textContent()
        expect(key!.replace(/^Sleutel:|\s/g, '')).toBe(new URL(uri!).searchParams.get('secret'))
        await expectGoodPage()
        backupCode = (await app.getByRole('listitem').first().textContent())!
        await app.getByLabel('Code', { exact: true }).fill(totpCode(uri!))
        await app.getByRole('button', { name: 'Bevestigen' }).click()
        await app.getByText('Aanmelden met een wachtwoord vraagt een code van uw app.').waitFor()
      }

      // Signs out, and in by a mailed link, which asks for the second factor too: a backup code.
      {
        await authenticator.agree(false)
        await button('Afmelden').click()
        await page.waitForURL(`${url}/sign-in`)
        await page.getByLabel('E-mailadres').fill(GUARD)
        await button('Mail mij een link').click()
        await page.getByText('een link om u aan te melden onderweg').waitFor()
        await until(
          () => smtp.received,
          (mails) => expect(mails.length).toBe(2),
        )
        const mailed = /http:\/\/localhost:\d+\/auth\/magic-link#\S+/.exec(smtp.received[1]!.text)![0]
        await page.goto(mailed)
        await button('Verder').click()
        await button('Gebruik een reservecode').click()
        await page.getByLabel('Code', { exact: true }).fill(backupCode)
        await button('Verder').click()
        await page.getByText(`Aangemeld als ${GUARD}`).waitFor()
        await authenticator.agree(true)
      }

      // Signs out, and in again with the passkey.
      {
        await button('Afmelden').click()
        await page.waitForURL(`${url}/sign-in`)
        const cookies = await page.context().cookies(`${url}/auth`)
        expect(cookies.filter(({ name }) => name.includes('session'))).toEqual([])
        // The authenticator of the test answers the offer below the field at once, where the browser makes one; else it is asked.
        await Promise.race([
          page.waitForURL(`${url}/sign-in/account`),
          button('Aanmelden met een passkey')
            .click()
            .then(() => page.waitForURL(`${url}/sign-in/account`)),
        ]).catch(() => page.waitForURL(`${url}/sign-in/account`))
        await page.getByText(`Aangemeld als ${GUARD}`).waitFor()
      }

      // Claims a shift, and follows it over three lifetimes of a token.
      {
        shift = await arrangeShift(api.owner, { certificates: [], startsInHours: 3 })
        await api.owner.query("update shifts set title = 'Followed' where id = $1", [shift])
        await page.goto(`${url}/live`)
        await page.getByText('Live', { exact: true }).waitFor()
        // As text: the module is found in the browser.
        const status = await page.evaluate(`(async () => {
        const { openTokens } = await import('/live/platform/sign-in/page/client.js')
        const tokens = openTokens()
        const authorization = 'Bearer ' + (await tokens.accessToken())
        tokens.close()
        return (await fetch('/v1/shifts/${shift}/claim', { method: 'POST', headers: { authorization } })).status
      })()`)
        expect(status).toBe(200)
        const row = page.getByRole('table').getByRole('row').filter({ hasText: 'Followed' })
        await row.getByText('Assigned').waitFor()
        const began = performance.now()
        for (let lifetime = 1; lifetime <= LIFETIMES; lifetime += 1) {
          const at = began + (lifetime * TOKEN_SECONDS + 1) * 1000
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())))
          // Still live, by a token that is not the first one: what happens now is seen.
          const title = `Followed, ${lifetime}`
          await api.owner.query('update shifts set title = $2 where id = $1', [shift, title])
          await page.getByRole('button', { name: title, exact: true }).waitFor()
          await page.getByText('Live', { exact: true }).waitFor()
        }
        expect(watched.complaints).toEqual([])
      }

      // Is suspended, and is out within seconds.
      {
        const response = await api.as('admin').post(`/v1/users/${await userId()}/suspend`)
        expect(response.statusCode).toBe(200)
        await page.getByLabel('E-mail').waitFor()
        expect(await page.getByRole('table').isVisible()).toBe(false)
        // Neither by the password nor by the passkey.
        await page.getByLabel('E-mail').fill(GUARD)
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
        await page.locator('#sign-in-ways').getByRole('button', { name: 'Sign in', exact: true }).click()
        await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor()
        expect(await page.getByRole('table').isVisible()).toBe(false)
        const [released] = await api.owner.query('select status, professional_id from shifts where id = $1', [
          shift,
        ])
        expect(released).toEqual({ status: 'published', professional_id: null })
      }
    },
    6 * PATIENCE_MS,
  )
})
