import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatabaseUnavailable } from '../../src/platform/db/engine/database.ts'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { patience } from '../support/patience.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'

/* Each parameter of an address has its effect, seen from the server. */

let folder: string
let certificates: Certificates
let primary: PostgresServer
let standby: PostgresServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-tls-'))
  certificates = await makeCertificates(folder)
  const settings = {
    ssl: 'on',
    ssl_cert_file: certificates.server.cert,
    ssl_key_file: certificates.server.key,
    ssl_ca_file: certificates.root,
  }
  primary = await startPostgres({ settings })
  standby = await startPostgres({ replicaOf: primary, settings })
}, patience(60_000))
afterAll(async () => {
  await standby?.stop()
  await primary?.stop()
  await rm(folder, { recursive: true })
})

const portOf = ({ url }: PostgresServer): string => new URL(url).port

/** With the password of the clusters. */
const address = (hosts: string, parameters: Record<string, string> = {}): string => {
  const { password } = new URL(primary.url)
  return `postgres://postgres:${password}@${hosts}/postgres?${new URLSearchParams(parameters)}`
}

interface Session {
  standby: boolean
  port: string | null
  encrypted: boolean
  client: string | null
  work_mem: string
  name: string
}

async function sessionOf(url: string): Promise<Session> {
  const server = openServer({ url, max: 1, connectTimeoutMs: 2_000 })
  try {
    const [row] = await server.query<Session & Record<string, unknown>>(
      `select pg_is_in_recovery() as standby, inet_server_port()::text as port, s.ssl as encrypted, s.client_dn as client,
              current_setting('work_mem') as work_mem, current_setting('application_name') as name
       from pg_stat_ssl s where s.pid = pg_backend_pid()`,
    )
    return row!
  } finally {
    await server.close()
  }
}

describe('several hosts', () => {
  it('are tried in their order, past one where nobody is', async () => {
    const hosts = `127.0.0.1:1,127.0.0.1:${portOf(standby)},127.0.0.1:${portOf(primary)}`
    expect(await sessionOf(address(hosts))).toMatchObject({ standby: true })
    await expect(sessionOf(address('127.0.0.1:1,127.0.0.1:2'))).rejects.toThrow(
      /127\.0\.0\.1:1.*127\.0\.0\.1:2/,
    )
  })

  it.each([
    ['read-write', false],
    ['primary', false],
    ['standby', true],
    ['read-only', true],
    ['prefer-standby', true],
  ])(
    'with target_session_attrs=%s are passed by until one suits',
    async (target_session_attrs, isStandby) => {
      const ports = [portOf(primary), portOf(standby)]
      for (const order of [ports, ports.toReversed()]) {
        const url = address(order.map((port) => `127.0.0.1:${port}`).join(','), { target_session_attrs })
        expect((await sessionOf(url)).standby).toBe(isStandby)
      }
    },
  )

  it('none of which suits are unavailable, but with prefer-standby', async () => {
    const alone = `127.0.0.1:${portOf(primary)}`
    await expect(sessionOf(address(alone, { target_session_attrs: 'standby' }))).rejects.toThrow(
      DatabaseUnavailable,
    )
    const preferred = await sessionOf(address(alone, { target_session_attrs: 'prefer-standby' }))
    expect(preferred.standby).toBe(false)
  })
})

it('a Unix socket, as a parameter and in the address', async () => {
  // The server's own folder: see startPostgres.
  const host = dirname(primary.dataDir)
  const here = { standby: false, port: null, encrypted: false }
  expect(await sessionOf(address('', { host, port: portOf(primary) }))).toMatchObject(here)
  expect(await sessionOf(address(`${encodeURIComponent(host)}:${portOf(primary)}`))).toMatchObject(here)
})

it('settings and the name of the session', async () => {
  const url = address(`127.0.0.1:${portOf(primary)}`, {
    options: '-c work_mem=5MB',
    application_name: 'mine',
  })
  expect(await sessionOf(url)).toMatchObject({ work_mem: '5MB', name: 'mine' })
})

describe('TLS', () => {
  const at = (host: string, parameters: Record<string, string>) =>
    sessionOf(address(`${host}:${portOf(primary)}`, parameters))

  it('is there as sslmode says', async () => {
    expect((await at('127.0.0.1', {})).encrypted).toBe(false)
    for (const sslmode of ['prefer', 'require'])
      expect((await at('127.0.0.1', { sslmode })).encrypted).toBe(true)
  })

  it('checks the authority, and with verify-full the name', async () => {
    const sslrootcert = certificates.root
    expect((await at('localhost', { sslmode: 'verify-full', sslrootcert })).encrypted).toBe(true)
    expect((await at('127.0.0.1', { sslmode: 'verify-ca', sslrootcert })).encrypted).toBe(true)
    await expect(at('127.0.0.1', { sslmode: 'verify-full', sslrootcert })).rejects.toThrow(/ALTNAME/)
    for (const sslmode of ['require', 'verify-ca', 'verify-full'])
      await expect(at('localhost', { sslmode, sslrootcert: certificates.otherRoot })).rejects.toThrow(
        DatabaseUnavailable,
      )
    await expect(at('localhost', { sslmode: 'verify-full' })).rejects.toThrow(DatabaseUnavailable)
  })

  it('shows the client’s certificate', async () => {
    const { cert: sslcert, key: sslkey } = certificates.client
    const session = await at('localhost', { sslmode: 'require', sslcert, sslkey })
    expect(session.client).toBe('/CN=A client')
  })
})
