import { decodeProtectedHeader } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { KEY_MARGIN_MS, KEY_PERIOD_MS, KeyRing } from '../../src/platform/sign-in/keys.ts'
import { openLimits } from '../../src/platform/sign-in/limits.ts'
import { expectProblem, openApi, type TestApi, useApi } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { authOf, cookiesOf, giveAccount, PASSWORD, totpCode } from '../support/sign-in.ts'
import { IS_WHOLE } from '../support/trial.ts'
import { USERS } from '../support/world.ts'

const api = useApi({ SIGN_IN: 'true', SIGN_IN_TOTP_REQUIRED: 'admin', SIGN_IN_HASH_COST: '2' })
const post = authOf(api)
const signIn = (email: string, password = PASSWORD, headers: Record<string, string> = {}) =>
  post('/sign-in/email', { email, password }, headers)

beforeAll(async () => {
  for (const persona of ['company', 'guard', 'admin', 'client', 'colleague'] as const)
    await giveAccount(api(), persona)
  await signIn('guard@example.com')
})

/** Pairs of the trial for each route; what waits to be mailed is limited to 1,000 in all. */
const TIMED_PAIRS = 120
const [GUESSES, GUESSED] = IS_WHOLE ? [10_000, 100] : [100, 5]
/** More than the medians of a busy machine differ by chance; a hash that is missing makes it 10. */
const MOST_RATIO = 1.25
const medianOf = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Accounts of `known1@example.com`, `known2@example.com` and so on, all with the same password. */
const giveAccounts = async ({ owner, signIn }: TestApi, count: number): Promise<void> => {
  await owner.query(
    `with made as (
       insert into sign_in.users (name, email, email_verified)
       select 'Known', 'known' || nth || '@example.com', true from generate_series(1, $1::int) nth
       returning id
     )
     insert into sign_in.accounts (user_id, account_id, provider_id, password)
     select id, id::text, 'credential', $2 from made`,
    [count, await signIn!.passwords.hash(PASSWORD)],
  )
}

/** What a request costs: hashes, statements of sign-in, and mails. */
async function costOf(work: () => Promise<unknown>) {
  const { passwords, mails, database } = api().signIn!
  const before = [passwords.made, database.asked, mails.queued]
  await work()
  // What is done beside the request counts, too.
  await mails.idle()
  return [passwords.made, database.asked, mails.queued].map((now, nth) => now - before[nth]!)
}

describe('whether an address has an account', () => {
  const PATHS = [
    ['/sign-in/email', { password: 'not the password' }, { hashes: 1, mails: 0 }],
    ['/sign-in/magic-link', {}, { hashes: 0, mails: 1 }],
    ['/email-otp/send-verification-otp', {}, { hashes: 0, mails: 1 }],
    ['/request-password-reset', {}, { hashes: 0, mails: 1 }],
  ] as const

  it.each(PATHS)('cannot be told by the work of POST /auth%s', async (path, body, { hashes, mails }) => {
    const known = await costOf(() => post(path, { ...body, email: 'client@example.com' }))
    const unknown = await costOf(() => post(path, { ...body, email: 'stranger@example.com' }))
    expect(known).toEqual([hashes, expect.any(Number), mails])
    expect(known[1]).toBeGreaterThan(0)
    expect(unknown).toEqual(known)
  })

  it('is looked up for POST /auth/request-password-reset after its answer', async () => {
    await api().owner.transaction(async (tx) => {
      await tx.query('lock table sign_in.users in access exclusive mode')
      for (const email of ['client@example.com', 'stranger@example.com'])
        expect((await post('/request-password-reset', { email })).statusCode).toBe(202)
    })
    await api().signIn!.mails.idle()
  })

  /** Times depend on what else the machine does: this is a trial, `npm run trial -- sign-in-timing`. */
  if (IS_WHOLE)
    it(
      'cannot be told by the time',
      async () => {
        // With the slow hashes of production.
        const timed = await openApi({ SIGN_IN: 'true', SIGN_IN_HASH_COST: '16384' })
        const send = authOf(() => timed)
        try {
          // One account for each request: more than a few failures of one would be limited.
          await giveAccounts(timed, TIMED_PAIRS)
          for (const [path, body] of PATHS) {
            const times = { known: [] as number[], nobody: [] as number[] }
            for (let nth = 0; nth <= TIMED_PAIRS; nth += 1) {
              // In turn, and each first as often as the other.
              for (const who of nth % 2 ? (['known', 'nobody'] as const) : (['nobody', 'known'] as const)) {
                const email = `${who}${nth}@example.com`
                const begun = performance.now()
                const { statusCode } = await send(
                  path,
                  { ...body, email },
                  { remoteAddress: `198.18.1.${nth}` },
                )
                // The first pair loads what the others find loaded.
                if (nth > 0) times[who].push(performance.now() - begun)
                expect(statusCode).toBeLessThan(429)
              }
            }
            const [known, nobody] = [medianOf(times.known), medianOf(times.nobody)]
            console.log(
              `POST /auth${path}: ${known.toFixed(2)} ms known, ${nobody.toFixed(2)} ms unknown, ratio ${(known / nobody).toFixed(3)} (medians of ${TIMED_PAIRS})`,
            )
            expect(known / nobody).toBeGreaterThan(1 / MOST_RATIO)
            expect(known / nobody).toBeLessThan(MOST_RATIO)
          }
        } finally {
          await timed.close()
        }
      },
      patience(600_000),
    )
})

describe('guesses', () => {
  it('at one address from many networks stop, and its owner signs in all the same', async () => {
    const own = await signIn('company@example.com', PASSWORD, { remoteAddress: '198.51.100.7' })
    const cookie = cookiesOf(own)
    const outcomes = new Map<number, number>()
    for (let nth = 0; nth < 100; nth += 1) {
      const { statusCode } = await signIn('company@example.com', `guess ${nth}`, {
        remoteAddress: `203.0.113.${nth}`,
      })
      outcomes.set(statusCode, (outcomes.get(statusCode) ?? 0) + 1)
    }
    expect(Object.fromEntries(outcomes)).toEqual({ 401: 10, 429: 90 })
    // The right password is no way in for them either, and hashes nothing.
    const hashes = api().signIn!.passwords.made
    const guessed = await signIn('company@example.com', PASSWORD, { remoteAddress: '203.0.113.200' })
    expectProblem(guessed, 'rate_limited')
    expect(Number(guessed.headers['retry-after'])).toBeGreaterThan(60)
    expect(api().signIn!.passwords.made).toBe(hashes)
    expect((await signIn('company@example.com', PASSWORD, { cookie })).statusCode).toBe(200)
  })

  it(
    `of ${GUESSES} at ${GUESSED} addresses, from one network and from many, few are judged; known owners go on`,
    async () => {
      const attacked = await openApi({ SIGN_IN: 'true', SIGN_IN_HASH_COST: '2' })
      try {
        await giveAccounts(attacked, GUESSED)
        // One of those who are guessed at is a user of the service, who signed in before.
        const owner = await giveAccount(attacked, 'company')
        const send = authOf(() => attacked)
        const attempt = (email: string, password: string, remoteAddress: string, cookie?: string) =>
          send('/sign-in/email', { email, password }, { remoteAddress, ...(cookie && { cookie }) })
        const cookie = cookiesOf(await attempt(owner, PASSWORD, '198.51.100.7'))
        const before = attacked.signIn!.passwords.made
        const outcomes = new Map<number, number>()
        let asOwner = 0
        for (let nth = 0; nth < GUESSES; nth += 1) {
          const email = nth % GUESSED === 0 ? owner : `known${nth % GUESSED}@example.com`
          const isFromOne = Math.floor(nth / GUESSED) % 2 === 1
          const network = isFromOne ? '203.0.113.9' : `198.18.${(nth >> 8) & 255}.${nth & 255}`
          const { statusCode } = await attempt(email, `guess ${nth}`, network)
          outcomes.set(statusCode, (outcomes.get(statusCode) ?? 0) + 1)
          if (nth % (GUESSES / 10) !== 0) continue
          expect((await attempt(owner, PASSWORD, '198.51.100.7', cookie)).statusCode).toBe(200)
          asOwner += 1
        }
        expect([...outcomes.keys()].sort()).toEqual([401, 429])
        expect(outcomes.get(401)).toBeLessThanOrEqual(10 * GUESSED)
        // Each that is not judged costs no hash.
        expect(attacked.signIn!.passwords.made - before).toBe(outcomes.get(401)! + asOwner)
        if (IS_WHOLE)
          console.log(`${GUESSES} guesses: ${outcomes.get(401)} judged, ${outcomes.get(429)} refused`)
      } finally {
        await attacked.close()
      }
    },
    patience(IS_WHOLE ? 600_000 : 60_000),
  )

  it('from one /64 of IPv6 at many addresses stop', async () => {
    const outcomes = new Set<number>()
    for (let nth = 0; nth < 130; nth += 1) {
      const remoteAddress = `2001:db8:1:2::${nth.toString(16)}`
      outcomes.add((await signIn(`somebody${nth}@example.com`, 'guess', { remoteAddress })).statusCode)
    }
    expect([...outcomes]).toEqual([401, 429])
    expect(
      (await signIn('guard@example.com', PASSWORD, { remoteAddress: '2001:db8:1:3::1' })).statusCode,
    ).toBe(200)
  })

  it('are counted before they are judged, so that many at once are not let pass', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, nth) =>
        signIn('colleague@example.com', `guess ${nth}`, { remoteAddress: `198.18.0.${nth}` }),
      ),
    )
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(10)
  })

  it('may go on when their time is over', () => {
    let now = 0
    const limits = openLimits('secret', () => now)
    const from = { ip: '192.0.2.9', device: undefined }
    for (let nth = 0; nth < 10; nth += 1) limits.password('a@example.com', from)
    expect(() => limits.password('a@example.com', from)).toThrow('rate_limited')
    now += 15 * 60 * 1000
    expect(() => limits.password('a@example.com', from)).not.toThrow()
  })
})

describe('refreshes', () => {
  it('that come 200 at once all get the one next token', async () => {
    const { refresh_token } = (await signIn('guard@example.com')).json()
    const answers = await Promise.all(Array.from({ length: 200 }, () => post('/token', { refresh_token })))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => answer.json().refresh_token)).size).toBe(1)
  })
})

describe('an authenticator app', () => {
  /** As when the codes that were used are over. */
  const forgetCodes = () =>
    api().owner.query(
      "update sign_in.verifications set expires_at = now() - interval '1 second' where identifier = 'totp-spent'",
    )

  it('is wanted from roles that the settings name, before they get a token', async () => {
    const wanted = (await signIn('admin@example.com')).json()
    expect(wanted).toEqual({ second_factor: 'setup', refresh_token: expect.any(String) })
    expectProblem(await post('/token', { refresh_token: wanted.refresh_token }), 'second_factor_required')
  })

  it('set up with the password, is asked for by each way in', async () => {
    const { refresh_token } = (await signIn('client@example.com')).json()
    const authorization = `Bearer ${refresh_token}`
    expectProblem(
      await post('/two-factor/enable', { password: 'wrong' }, { authorization }),
      'credentials_wrong',
    )
    const setup = (await post('/two-factor/enable', { password: PASSWORD }, { authorization })).json()
    expect(setup.backupCodes.length).toBeGreaterThan(5)
    const done = await post('/two-factor/verify-totp', { code: totpCode(setup.totpURI) }, { authorization })
    expect(done.json()).toMatchObject({ access_token: expect.any(String), user: { id: USERS.client } })

    const first = await signIn('client@example.com')
    expect(first.json()).toEqual({ second_factor: 'totp' })
    const cookie = cookiesOf(first)
    const code = totpCode(setup.totpURI)
    await forgetCodes()
    const wrong = code === '000000' ? '000001' : '000000'
    expectProblem(await post('/two-factor/verify-totp', { code: wrong }, { cookie }), 'credentials_wrong')
    expect((await post('/two-factor/verify-totp', { code }, { cookie })).json().user.id).toBe(USERS.client)

    // Whoever saw the code cannot use it once more.
    const sessions = () =>
      api().owner.query('select 1 from sign_in.sessions where user_id = $1', [USERS.client])
    const before = await sessions()
    const seen = cookiesOf(await signIn('client@example.com'))
    expectProblem(await post('/two-factor/verify-totp', { code }, { cookie: seen }), 'credentials_wrong')
    expect(await sessions()).toEqual(before)
    await forgetCodes()

    // A link in a mail is no way round it.
    await post('/sign-in/magic-link', { email: 'client@example.com' })
    await api().signIn!.mails.idle()
    const mail = api().mails.findLast(({ kind }) => kind === 'magic_link')
    const token = new URL(mail!.data.url!).hash.slice(1)
    const linked = (await post('/magic-link/verify', { token })).json()
    expect(linked).toEqual({ second_factor: 'totp', refresh_token: expect.any(String) })
    const bearer = { authorization: `Bearer ${linked.refresh_token}` }
    expectProblem(await post('/token', undefined, bearer), 'second_factor_required')
    expect((await post('/two-factor/verify-totp', { code }, bearer)).json().user.id).toBe(USERS.client)
  })
})

describe('the guesses of a code', () => {
  it('are counted by the user whom the cookie of the sign-in names, and by the day', async () => {
    await api().owner.query('update sign_in.users set two_factor_enabled = true where id = $1', [USERS.guard])
    const wanted = await signIn('guard@example.com', PASSWORD, { remoteAddress: '198.51.100.8' })
    await api().owner.query('update sign_in.users set two_factor_enabled = false where id = $1', [
      USERS.guard,
    ])
    const { limits } = api().signIn!
    for (let nth = 0; nth < 20; nth += 1)
      limits.code(`user ${USERS.guard}`, { ip: `198.18.7.${nth}`, device: undefined })
    const guess = await post('/two-factor/verify-totp', { code: '000000' }, { cookie: cookiesOf(wanted) })
    expectProblem(guess, 'rate_limited')

    let now = 0
    const daily = openLimits('secret', () => now)
    const tries = Array.from({ length: 200 }, (_, nth) => {
      now += 60_000
      try {
        daily.code('a@example.com', { ip: `203.0.113.${nth}`, device: undefined })
        return 1
      } catch {
        return 0
      }
    })
    expect(tries.filter(Boolean)).toHaveLength(100)
  })
})

describe('keys', () => {
  it('rotate by the clock: the next one is known before it signs, the last one until its tokens are gone', async () => {
    let now = Date.now() + KEY_PERIOD_MS * 10
    const { database } = api().signIn!
    const open = () =>
      new KeyRing({ database, secret: 'a secret of its own', tokenSeconds: 900, now: () => now })
    const ring = open()
    const sign = async (from: KeyRing) =>
      decodeProtectedHeader(await from.sign({ sub: USERS.guard }, 'issuer', 'audience')).kid!
    const published = async (from: KeyRing) => (await from.publicKeys()).keys.map(({ kid }) => kid)

    const first = await sign(ring)
    // One that starts later, and one whose clock is off by a minute, sign with the same key.
    expect(await sign(open())).toBe(first)
    now += 60_000
    expect(await sign(open())).toBe(first)
    const next = (await published(ring)).find((kid) => kid !== first && kid !== undefined)
    now += KEY_PERIOD_MS
    const second = await sign(ring)
    expect(second).not.toBe(first)
    expect(next).toBeDefined()
    expect(await published(ring)).toEqual(expect.arrayContaining([first, second]))
    await expect(ring.find({ kid: first, alg: 'ES256' })).resolves.toBeDefined()
    now += 900_000 + KEY_MARGIN_MS + 60_000
    expect(await published(ring)).not.toContain(first)
    await expect(ring.find({ kid: first, alg: 'ES256' })).rejects.toThrow('does not publish')
    // Encrypted under another secret: of no use, so there is another one.
    const other = new KeyRing({ database, secret: 'another secret', tokenSeconds: 900, now: () => now })
    expect(await sign(other)).not.toBe(second)
    const [stored] = await api().owner.query<{ private_key: string }>(
      'select private_key from sign_in.keys limit 1',
    )
    expect(stored!.private_key).not.toContain('"d"')
  })
})
