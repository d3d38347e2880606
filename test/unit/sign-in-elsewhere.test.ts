import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'
import { createVerifier, type TokenVerifier } from '../../src/platform/auth/verifier.ts'
import { MAPPERS, openRealm, type TestRealm } from '../support/keycloak.ts'

const USER = '0b5a1c9e-5d0f-4c39-8f3b-0d6a2a0f5a11'

describe('tokens of Keycloak, as its documentation describes them', () => {
  let realm: TestRealm
  let verifier: TokenVerifier
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(realm.certs))
  })
  beforeAll(async () => {
    realm = await openRealm()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const certs = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realms/muster/protocol/openid-connect/certs`
    // As docs/sign-in.md sets it.
    const config = readConfig({ NODE_ENV: 'production', JWKS_URL: certs, JWT_ISSUER: realm.issuer })
    verifier = createVerifier(await resolveTokenSettings(config))
  })
  afterAll(() => server.close())

  it('let their user in, with the two mappers', async () => {
    const caller = await verifier.verify(await realm.accessToken(USER))
    expect(caller).toMatchObject({ role: 'authenticated' })
    expect(caller.claims).toMatchObject({ sub: USER, email: 'guard@example.com' })
  })

  it('are refused without the mappers, and say which one is missing', async () => {
    await expect(verifier.verify(await realm.accessToken(USER, { mappers: false }))).rejects.toMatchObject({
      reason: 'token_role',
    })
    const withoutAudience = await realm.accessToken(USER, {
      mappers: false,
      claims: { role: 'authenticated' },
    })
    await expect(verifier.verify(withoutAudience)).rejects.toMatchObject({ reason: 'token_audience' })
  })

  it('are refused from another realm of the same server', async () => {
    const { issuer } = realm
    const foreign = await realm.accessToken(USER, { claims: { iss: issuer } })
    expect((await verifier.verify(foreign)).role).toBe('authenticated')
    const other = await openRealm('https://sso.example.com/realms/other')
    await expect(verifier.verify(await other.accessToken(USER))).rejects.toMatchObject({
      name: 'Unauthenticated',
    })
  })

  it('need the mappers that docs/sign-in.md has', async () => {
    const docs = await readFile('docs/sign-in.md', 'utf8')
    const shown = /```json\n(\[[\s\S]*?\])\n```/.exec(docs)?.[1]
    expect(JSON.parse(shown!)).toEqual(MAPPERS)
  })
})
