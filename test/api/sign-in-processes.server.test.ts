import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { KEY_PERIOD_MS } from '../../src/platform/sign-in/keys.ts'
import { useApi } from '../support/api.ts'
import { patience } from '../support/patience.ts'
import { type ServiceProcess, startService } from '../support/service-process.ts'
import { giveAccount, PASSWORD } from '../support/sign-in.ts'

/*
 * Processes of the service on one database, each with its own memory: what one signs or ends holds for the others, and what one of them
 * does not finish, because it is killed (`kill -9`), is done as a whole or not at all.
 */

/** The key ring in the process of the tests reads the database after the others have: `api()` stands for a process that starts later. */
const SIGN_IN = {
  SIGN_IN: 'true',
  SIGN_IN_SECRET: 'the secret that all processes of sign-in have',
  SIGN_IN_HASH_COST: '2',
  PUBLIC_URL: 'http://localhost:3000',
}
const api = useApi(SIGN_IN)
const START_TIMEOUT_MS = patience(60_000)
const UNTIL = { timeout: patience(10_000), interval: 20 }

/** A process prints the address that people use, which is that of all of them; each has a port of its own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const services: ServiceProcess[] = []
beforeAll(async () => {
  const settings = {
    ...SIGN_IN,
    DATABASE_URL: api().ownerUrl!,
    RATE_LIMIT_PER_MINUTE: '1000000',
    DATABASE_ACQUIRE_TIMEOUT_MS: String(Math.ceil(patience(10_000))),
  }
  while (services.length < 3) {
    const port = await freePort()
    const service = await startService({ ...settings, PORT: String(port) })
    services.push({ ...service, url: `http://127.0.0.1:${port}` })
  }
  await giveAccount(api(), 'guard')
}, START_TIMEOUT_MS)
afterAll(() => Promise.all(services.map((service) => service.stop())))

const post = (service: ServiceProcess, path: string, body: object): Promise<Response> =>
  fetch(`${service.url}/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
interface Tokens {
  access_token: string
  refresh_token: string
}
const tokensOf = async (answer: Promise<Response>): Promise<Tokens> => {
  const response = await answer
  expect(response.status).toBe(200)
  return (await response.json()) as Tokens
}
const signIn = (service: ServiceProcess): Promise<Tokens> =>
  tokensOf(post(service, '/sign-in/email', { email: 'guard@example.com', password: PASSWORD }))
const refresh = (service: ServiceProcess, { refresh_token }: Tokens): Promise<Response> =>
  post(service, '/token', { refresh_token })
/** What a process answers to whoever shows a bearer token. */
const statusAt = async (service: ServiceProcess, token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${service.url}/v1/me`, { headers })).status
}
const publishedAt = async ({ url }: ServiceProcess): Promise<string[]> => {
  const set = (await (await fetch(`${url}/auth/jwks`)).json()) as { keys: { kid: string }[] }
  return set.keys.map(({ kid }) => kid)
}
const keyOf = ({ access_token }: Tokens): string => decodeProtectedHeader(access_token).kid!
/** As if the time that a key signs were over. */
const rotate = (): Promise<unknown> =>
  api().owner.query(
    'update sign_in.keys set signs_from = signs_from - make_interval(secs => $1::float8 / 1000)',
    [KEY_PERIOD_MS],
  )

describe('processes with one key ring', () => {
  it('take each other’s tokens, before and after the keys rotate', async () => {
    const [one, other, third] = services as [ServiceProcess, ServiceProcess, ServiceProcess]
    const before = await signIn(one)
    expect(await statusAt(other, before.access_token)).toBe(200)
    const sets = await Promise.all([one, other].map(publishedAt))
    expect(sets[0]).toEqual(sets[1])

    // The third looks at the keys when the next one signs already, and makes the one after it.
    await rotate()
    const after = await signIn(third)
    expect(keyOf(after)).not.toBe(keyOf(before))
    expect(sets[0]).toContain(keyOf(after))
    expect(await statusAt(one, after.access_token)).toBe(200)
    expect(await statusAt(third, before.access_token)).toBe(200)

    // Signed with a key that did not exist when the others looked. They look again at once, but not more often than each second.
    await rotate()
    const payload = { email: 'guard@example.com', password: PASSWORD }
    const latest: Tokens = (
      await api().app.inject({ method: 'POST', url: '/auth/sign-in/email', payload })
    ).json()
    expect([keyOf(before), keyOf(after)]).not.toContain(keyOf(latest))
    for (const service of services)
      await expect.poll(() => statusAt(service, latest.access_token), UNTIL).toBe(200)
  })

  it('refresh and end a session that began at another', async () => {
    const [one, other, third] = services as [ServiceProcess, ServiceProcess, ServiceProcess]
    const begun = await signIn(one)
    // At both at once: there is one next token.
    const next = await Promise.all([tokensOf(refresh(one, begun)), tokensOf(refresh(other, begun))])
    expect(next[0].refresh_token).toBe(next[1].refresh_token)
    expect(next[0].refresh_token).not.toBe(begun.refresh_token)
    const authorization = `Bearer ${next[0].refresh_token}`
    const ended = await fetch(`${third.url}/auth/sign-out`, { method: 'POST', headers: { authorization } })
    expect(ended.status).toBe(204)
    for (const service of services) expect((await refresh(service, next[0])).status).toBe(401)
  })
})

describe('a process that is killed while an invitation is accepted', () => {
  /** By what the process waits for when it is killed. */
  const MOMENTS = [
    ['before anything is written', 'lock table sign_in.users in share mode'],
    ['with the account written, and the user not', 'select from invitations for update'],
    ['with all written, and the session not', 'lock table sign_in.sessions in share mode'],
  ] as const

  it.each(MOMENTS.map(([moment, lock], nth) => [moment, lock, nth] as const))(
    '%s leaves it accepted or open, and who tries again gets in',
    async (_, lock, nth) => {
      const email = `invited-${nth}@example.com`
      const invitation = await api().as('admin').post('/v1/invitations', { role: 'zzp', email })
      const { code, id } = invitation.json()
      const acceptance = { code, name: 'Nova', password: PASSWORD }
      const service = services[nth]!
      await api().owner.transaction(async (tx) => {
        await tx.query(lock)
        const lost = post(service, '/accept-invitation', acceptance).catch(() => 'lost')
        await vi.waitFor(async () => expect(await countWaiting()).toBe(1), UNTIL)
        await service.crash()
        expect(await lost).toBe('lost')
      })
      // The server ends the session of a process that is gone, and its transaction with it.
      await vi.waitFor(async () => expect(await countWaiting(`state <> 'idle'`)).toBe(0), UNTIL)

      const [left] = await api().owner.query(
        `select i.accepted_at is not null as accepted,
           (select count(*)::int from sign_in.users u where u.email = i.email) as accounts,
           (select count(*)::int from sign_in.accounts a join sign_in.users u on u.id = a.user_id where u.email = i.email) as passwords,
           (select count(*)::int from users u where u.email = i.email) as users,
           (select count(*)::int from memberships m join users u on u.id = m.user_id where u.email = i.email) as memberships,
           (select count(*)::int from security_professionals p join users u on u.id = p.user_id where u.email = i.email) as professionals
         from invitations i where i.id = $1`,
        [id],
      )
      const { accepted, ...rows } = left!
      expect([0, 1]).toContain(rows.users)
      const made = accepted ? 1 : 0
      expect(rows).toEqual({
        accounts: made,
        passwords: made,
        users: made,
        memberships: made,
        professionals: made,
      })

      const again = await api().app.inject({
        method: 'POST',
        url: '/auth/accept-invitation',
        payload: acceptance,
      })
      expect(again.statusCode).toBe(200)
      const me = await api().app.inject({
        url: '/v1/me',
        headers: { authorization: `Bearer ${again.json().access_token}` },
      })
      expect(me.json()).toMatchObject({ name: 'Nova', role: 'zzp', professional: { status: 'active' } })
    },
    START_TIMEOUT_MS,
  )

  /** Sessions of sign-in's login that wait for a lock, or are as said. */
  async function countWaiting(condition = `wait_event_type = 'Lock'`): Promise<number> {
    const [found] = await api().owner.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and usename like 'muster_signin%' and ${condition}`,
    )
    return found!.count
  }
})
