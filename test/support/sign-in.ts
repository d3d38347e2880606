import { createHmac } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import type { TestApi } from './api.ts'
import { USERS } from './world.ts'

export const PASSWORD = 'a password of the tests'

/** Gives a persona a way in, as an invitation would have. @returns the address */
export async function giveAccount(api: TestApi, persona: keyof typeof USERS): Promise<string> {
  const email = `${persona.toLowerCase()}@example.com`
  const hash = await api.signIn!.passwords.hash(PASSWORD)
  await api.owner.query(
    'insert into sign_in.users (id, name, email, email_verified) values ($1, $2, $3, true)',
    [USERS[persona], persona, email],
  )
  await api.owner.query(
    `insert into sign_in.accounts (user_id, account_id, provider_id, password) values ($1::uuid, $1::text, 'credential', $2)`,
    [USERS[persona], hash],
  )
  return email
}

/** Sends requests under /auth. */
export const authOf =
  (api: () => TestApi) =>
  (
    path: string,
    payload?: object,
    { remoteAddress = '192.0.2.1', ...headers }: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> =>
    api().app.inject({
      method: 'POST',
      url: `/auth${path}`,
      remoteAddress,
      headers,
      ...(payload ? { payload } : {}),
    })

/** The `Cookie` header of a browser after this response. */
export const cookiesOf = (response: LightMyRequestResponse): string =>
  response.cookies.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join('; ')

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The code that an authenticator app shows (RFC 6238). */
export function totpCode(uri: string, atMs = Date.now()): string {
  const bits = [...new URL(uri).searchParams.get('secret')!]
    .map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const secret = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)))
  const digest = createHmac('sha1', secret).update(counter).digest()
  const offset = digest.at(-1)! & 0xf
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
