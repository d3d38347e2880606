import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig, settings } from '../../src/config.ts'
import { describeDatabase } from '../../src/platform/db/describe.ts'
import { loginAt, loginUrl } from '../../src/platform/db/logins.ts'
import { addressesOf, formatServerUrl, parseServerUrl } from '../../src/platform/server-url.ts'

/* The forms are those of https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS. */

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-url-'))
  file = join(folder, 'a file.pem')
  writeFileSync(file, 'PEM')
})
afterAll(() => rm(folder, { recursive: true }))

const hostsOf = (url: string) => parseServerUrl(url).hosts.map(({ host, port }) => `${host} ${port}`)
const firstOf = (url: string) => addressesOf(url).addresses[0]!

describe('the address of a server', () => {
  it.each<[string, string[]]>([
    ['postgresql://localhost', ['localhost 5432']],
    ['postgresql://localhost:5433', ['localhost 5433']],
    ['postgres:///mydb', ['localhost 5432']],
    ['postgresql://host1:123,host2:456/somedb', ['host1 123', 'host2 456']],
    ['postgresql://host1,host2/somedb', ['host1 5432', 'host2 5432']],
    ['postgresql://[2001:db8::1234]/database', ['2001:db8::1234 5432']],
    ['postgresql://[::1]:7,h:8/database', ['::1 7', 'h 8']],
    ['postgresql:///dbname?host=localhost&port=5433', ['localhost 5433']],
    ['postgresql:///dbname?host=a,b&port=1,2', ['a 1', 'b 2']],
    ['postgresql:///dbname?host=a,b&port=9', ['a 9', 'b 9']],
    ['postgresql:///db?host=/run/postgresql', ['/run/postgresql 5432']],
    ['postgresql://%2Fvar%2Flib%2Fpostgresql/dbname', ['/var/lib/postgresql 5432']],
    ['postgresql://%2Ftmp:5433/dbname', ['/tmp 5433']],
  ])('%s has the hosts %j', (url, hosts) => {
    expect(hostsOf(url)).toEqual(hosts)
    expect(hostsOf(formatServerUrl(parseServerUrl(url)))).toEqual(hosts)
  })

  it('is a socket where the host is a folder', () => {
    expect(firstOf('postgres:///db?host=/run/postgresql&port=5433&sslmode=require')).toMatchObject({
      path: '/run/postgresql/.s.PGSQL.5433',
      ssl: false,
    })
  })

  it('has user, password and database, in the address or as parameters, with every character', () => {
    const strange = "p@:/#?%&=' ü"
    const inAddress = `postgres://o%40wner:${encodeURIComponent(strange)}@h/d%2Fb`
    expect(parseServerUrl(inAddress)).toMatchObject({ user: 'o@wner', password: strange, database: 'd/b' })
    const asParameters = `postgres://?user=o%40wner&password=${encodeURIComponent(strange)}&dbname=d%2Fb&host=h`
    expect(parseServerUrl(asParameters)).toEqual(parseServerUrl(inAddress))
    expect(parseServerUrl(formatServerUrl(parseServerUrl(inAddress)))).toEqual(parseServerUrl(inAddress))
  })

  it('keeps all of it for the logins of the service', () => {
    const owner = 'postgres://owner:secret@h1,h2:6/muster?target_session_attrs=read-write'
    const login = loginUrl(owner, 'muster_api_7')
    expect(parseServerUrl(login)).toEqual({
      ...parseServerUrl(owner),
      user: 'muster_api_7',
      password: expect.stringMatching(/^[\w-]{43}$/),
    })
    const { user, password } = parseServerUrl(login)
    expect(parseServerUrl(loginAt('postgres://?host=/run/pgbouncer&port=6432', login))).toEqual({
      user,
      password,
      hosts: [{ host: '/run/pgbouncer', port: 6432 }],
      database: 'muster',
      parameters: {},
    })
  })

  it('has parameters for the session', () => {
    expect(
      addressesOf('postgres://h/d?application_name=a&options=-c%20work_mem%3D8MB&connect_timeout=3'),
    ).toMatchObject({
      target: 'any',
      addresses: [
        {
          startup: { application_name: 'a', options: '-c work_mem=8MB' },
          connectTimeoutMs: 3_000,
          ssl: false,
        },
      ],
    })
    const spread = addressesOf('postgres://a,b,c,d,e,f,g/d?load_balance_hosts=random').addresses
    expect(spread.map(({ host }) => host).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  it('has TLS as sslmode says', () => {
    const ssl = (parameters: string) => firstOf(`postgres://h/d?${parameters}`).ssl
    const root = `sslrootcert=${encodeURIComponent(file)}`
    expect(ssl('sslmode=disable')).toBe(false)
    expect(ssl('sslmode=prefer')).toBe('prefer')
    expect(ssl('sslmode=require')).toMatchObject({ rejectUnauthorized: false })
    expect(ssl(`sslmode=require&${root}`)).toMatchObject({
      rejectUnauthorized: true,
      ca: Buffer.from('PEM'),
      checkServerIdentity: expect.any(Function),
    })
    expect(ssl(`sslmode=verify-full&${root}`)).toEqual({
      host: 'h',
      rejectUnauthorized: true,
      ca: Buffer.from('PEM'),
    })
    expect(ssl('sslrootcert=system')).toEqual({
      host: 'h',
      rejectUnauthorized: true,
      ca: expect.arrayContaining([expect.stringContaining('CERTIFICATE')]),
    })
    const client = `sslcert=${encodeURIComponent(file)}&sslkey=${encodeURIComponent(file)}&sslpassword=p`
    expect(ssl(`sslmode=verify-ca&${client}`)).toMatchObject({
      cert: Buffer.from('PEM'),
      key: Buffer.from('PEM'),
      passphrase: 'p',
    })
  })
})

describe('an address that cannot be used is refused by what is wrong with it', () => {
  const SECRET = 'a-password'
  it.each([
    ['mysql://h/d', 'must be like'],
    [`postgres://u:${SECRET}@x@h/d`, 'must be like'],
    [`postgres://u:%ZZ${SECRET}@h/d`, 'must be like'],
    ['postgres://h/d?sslmode=allow', 'sslmode'],
    ['postgres://h/d?sslmode=nonsense', 'sslmode'],
    ['postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere.pem', 'sslrootcert'],
    ['postgres://h/d?sslrootcert=/dev/null', 'sslrootcert'],
    ['postgres://h/d?sslmode=require&sslcert=/dev/null', 'sslkey'],
    ['postgres:///d?host=/run/postgresql&sslmode=verify-full', 'sslmode'],
    ['postgres://h/d?channel_binding=require', 'channel_binding'],
    ['postgres://h/d?gssencmode=require', 'gssencmode'],
    ['postgres://h/d?target_session_attrs=nonsense', 'target_session_attrs'],
    ['postgres://h/d?hostaddr=127.0.0.1', 'hostaddr'],
    ['postgres://h/d?service=mine', 'service'],
    ['postgres://h/d?passfile=mine', 'passfile'],
    ['postgres://h/d?keepalives=0', 'keepalives'],
    ['postgres://h/d?statement_timeout=5', 'statement_timeout'],
    ['postgres://h/d?ssl=true', 'ssl'],
    ['postgres://h/d?pgbouncer=true', 'pgbouncer'],
    ['postgres://h/d?host=other', 'host'],
    ['postgres:///d?host=a,b&port=1,2,3', 'port'],
    ['postgres://h:99999/d', 'port'],
    ['postgres:///d?host=@abstract', 'host'],
  ])('%s: %s', (url, named) => {
    const names = Object.keys(settings.shape).filter((name) => /^DATABASE_(.*_)?URL$/.test(name))
    expect(names.length).toBeGreaterThan(5)
    for (const name of names) {
      const read = () => readConfig({ [name]: url })
      expect(read).toThrow(ConfigError)
      expect(read).toThrow(new RegExp(`${name}: (the parameter )?${named}`))
      expect(read).not.toThrow(SECRET)
    }
  })
})

it('the start says which servers it uses, and no password', () => {
  const config = readConfig({ DATABASE_URL: 'postgres://o:a-password@h1,[::1]:7/d' })
  expect(describeDatabase(config)).toBe('the database o@h1:5432,[::1]:7/d')
})
