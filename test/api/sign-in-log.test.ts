import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { expectProblem, openApi, type TestApi } from '../support/api.ts'
import { authOf, giveAccount, PASSWORD } from '../support/sign-in.ts'

const lines: string[] = []
let api: TestApi
const post = authOf(() => api)

beforeAll(async () => {
  api = await openApi({ SIGN_IN: 'true', LOG_LEVEL: 'trace' }, undefined, {
    write: (line) => lines.push(line),
  })
})
afterAll(() => api?.close())

/** Six digits are in many a time of day: of a code only the whole number counts. */
const saysIn = (log: string, secret: string): boolean =>
  /^\d+$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`).test(log) : log.includes(secret)

it('no address, password, code, link or token is in the log, whatever goes well or wrong', async () => {
  const email = await giveAccount(api, 'guard')
  const secrets = [email, 'nobody@example.com', PASSWORD, 'a guess of a stranger', 'the code of nobody']
  const keep = (text: unknown): void => void secrets.push(String(text))

  const grant = (await post('/sign-in/email', { email, password: PASSWORD })).json()
  keep(grant.access_token)
  keep(grant.refresh_token)
  keep(grant.refresh_token.split('.')[0])
  await post('/sign-in/email', { email, password: 'a guess of a stranger' })
  await post('/sign-in/email', { email: 'nobody@example.com', password: 'a guess of a stranger' })
  await post('/sign-in/email', { email: 'no address', password: 7 })
  for (const path of ['/sign-in/magic-link', '/email-otp/send-verification-otp', '/request-password-reset'])
    for (const one of [email, 'nobody@example.com']) await post(path, { email: one })
  await api.signIn!.mails.idle()
  for (const { data } of api.mails) keep(data.code ?? new URL(data.url!).hash.slice(1))
  await post('/magic-link/verify', {
    token: api.mails.find(({ kind }) => kind === 'magic_link')!.data.url!.split('#')[1],
  })
  await post('/sign-in/email-otp', { email, otp: api.mails.find(({ kind }) => kind === 'code')!.data.code })
  await post('/accept-invitation', { code: 'the code of nobody', name: 'Sam', password: PASSWORD })
  // A token that was replaced, and is shown later, is worth a line.
  await post('/token', { refresh_token: grant.refresh_token })
  await api.owner.query("update sign_in.spent_tokens set spent_at = spent_at - interval '1 hour'")
  await post('/token', { refresh_token: grant.refresh_token })

  const log = lines.join('\n')
  expect(log).toContain('a session token that had been replaced was shown again')
  expect(secrets.length).toBeGreaterThan(9)
  expect(secrets.filter((secret) => saysIn(log, secret))).toEqual([])
})

it('no address or password is in the log or on the console when the database fails', async () => {
  const email = await giveAccount(api, 'client')
  const console = vi.spyOn(globalThis.console, 'error')
  onTestFinished(() => console.mockRestore())
  await api.owner.transaction(async (tx) => {
    await tx.query('lock table sign_in.users, sign_in.verifications in access exclusive mode')
    const [reset, ...others] = await Promise.all([
      post('/request-password-reset', { email }),
      post('/sign-in/email', { email, password: 'a guess' }),
      post('/sign-in/magic-link', { email }),
    ])
    expect(reset.statusCode).toBe(202)
    for (const response of others) expectProblem(response, 'busy')
    await api.signIn!.mails.idle()
  })

  expect(console).not.toHaveBeenCalled()
  const log = lines.join('\n')
  // lock_not_available
  expect(log).toContain('"sqlstate":"55P03"')
  expect([email, 'a guess'].filter((secret) => saysIn(log, secret))).toEqual([])
})
