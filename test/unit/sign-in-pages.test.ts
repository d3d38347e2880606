import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeApi } from '../../src/cli/openapi.ts'
import { readConfig } from '../../src/config.ts'
import * as fields from '../../src/platform/sign-in/page/fields.js'
import { chooseLanguage, wordsIn } from '../../src/platform/sign-in/page/words.js'
import { providersOf, signInPages } from '../../src/platform/sign-in/pages.ts'
import * as passwords from '../../src/platform/sign-in/passwords.ts'

const PAGES = ['/sign-in', '/sign-in/account', '/auth/accept', '/auth/magic-link', '/auth/reset-password']

describe('the pages of sign-in', () => {
  let app: FastifyInstance
  beforeAll(async () => {
    app = Fastify()
    await app.register(signInPages, { providers: [{ id: 'google', name: 'Google' }] })
  })
  afterAll(() => app.close())
  const get = (url: string) => app.inject({ url })

  it('are all there that mails and scripts name, with their types', async () => {
    const wanted = [...PAGES, '/sign-in/settings.json', '/sign-in/qrcode.js']
    const seen = new Set<string>()
    for (let url = wanted.pop(); url !== undefined; url = wanted.pop()) {
      // The icon is that of /live.
      if (seen.has(url) || url.startsWith('/live/')) continue
      seen.add(url)
      const { statusCode, headers, body } = await get(url)
      expect([url, statusCode]).toEqual([url, 200])
      const ending = /\.(js|css|json)$/.exec(url)?.[1] ?? 'html'
      expect(headers['content-type']).toContain(
        { js: 'text/javascript', css: 'text/css', json: 'application/json', html: 'text/html' }[ending],
      )
      const names = [...body.matchAll(/(?:src|href)="(\/[^"]+)"|from '(\.[^']+)'/g)]
      wanted.push(
        ...names.map(
          ([, absolute, relative]) => new URL(absolute ?? relative!, `http://localhost${url}`).pathname,
        ),
      )
    }
    expect(seen).toContain('/sign-in/platform/sign-in/page/form.js')
    expect(seen).toContain('/sign-in/platform/live/page/dom.js')
  })

  it('are no others', async () => {
    for (const url of [
      '/sign-in/mailbox',
      '/sign-in/accept',
      '/sign-in/platform/sign-in/pages.ts',
      '/sign-in/platform/sign-in/page/accept.html',
      '/sign-in/platform/live/page/shell.js',
      '/auth/../sign-in/pages.ts',
    ]) {
      expect([url, (await get(url)).statusCode]).toEqual([url, 404])
    }
  })

  it('run nothing but their own scripts, and are shown in no frame', async () => {
    for (const url of PAGES) {
      const policy = String((await get(url)).headers['content-security-policy']).split('; ')
      expect(policy).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ])
      // Whatever leads away from here does not tell where it came from.
      expect((await get(url)).body).toContain('<meta name="referrer" content="no-referrer">')
    }
  })

  it('ask for passwords as long as the service does', () => {
    expect(fields.MIN_PASSWORD_LENGTH).toBe(passwords.MIN_PASSWORD_LENGTH)
    expect(fields.MAX_PASSWORD_LENGTH).toBe(passwords.MAX_PASSWORD_LENGTH)
    for (const language of ['nl', 'en'] as const) {
      const { passwordHelp, shortPassword } = wordsIn(language)
      for (const text of [passwordHelp, shortPassword])
        expect(text).toContain(` ${fields.MIN_PASSWORD_LENGTH} `)
    }
  })

  it('say every refusal in both languages, by codes that there are', async () => {
    const text = JSON.stringify(await describeApi())
    const [english, dutch] = [wordsIn('en').problems, wordsIn('nl').problems]
    expect(Object.keys(dutch)).toEqual(Object.keys(english))
    for (const code of Object.keys(english)) {
      if (code !== 'unreachable') expect([code, text.includes(`"${code}"`)]).toEqual([code, true])
    }
  })

  it.each([
    [['nl-NL', 'en'], 'nl'],
    [['fr', 'nl-BE'], 'nl'],
    [['de-DE', 'en-US'], 'en'],
    [['de'], 'en'],
    [[], 'en'],
  ])('are in the first language of %j that there is', (languages, chosen) => {
    expect(chooseLanguage(languages)).toBe(chosen)
  })

  it('have a button for each provider that is set', () => {
    const OIDC_DISCOVERY_URL = 'https://sso.example.com/realms/firm/.well-known/openid-configuration'
    expect(
      providersOf(
        readConfig({
          GOOGLE_CLIENT_ID: 'a',
          GOOGLE_CLIENT_SECRET: 'b',
          OIDC_CLIENT_ID: 'c',
          OIDC_CLIENT_SECRET: 'd',
          OIDC_DISCOVERY_URL,
        }),
      ),
    ).toEqual([
      { id: 'google', name: 'Google' },
      { id: 'oidc', name: 'sso.example.com' },
    ])
    expect(providersOf(readConfig({}))).toEqual([])
  })
})
