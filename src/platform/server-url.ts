import { readFileSync } from 'node:fs'
import { type ConnectionOptions, getCACertificates } from 'node:tls'

/*
 * Addresses of servers as libpq writes them: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS.
 * `new URL` knows no address with two hosts, and the driver takes what it does not know for a setting of the session, or for nothing:
 * a parameter has its effect here, or it is refused by its name.
 */

/** An address that cannot be used. The message has no value of it: they may be secrets. */
export class ServerUrlError extends Error {
  override name = 'ServerUrlError'
}

export interface ServerUrl {
  user: string
  /** Empty for none. */
  password: string
  /** In the order in which they are tried. A host that begins with `/` is the folder of a socket. */
  hosts: readonly { host: string; port: number }[]
  /** Empty for the one of the user's name. */
  database: string
  parameters: Readonly<Record<string, string>>
}

const FORM =
  'must be like postgres://user:password@host:5432/database; in a password, write @ : / # ? % as %40 %3A %2F %23 %3F %25'

const DEFAULT_HOST = 'localhost'
const DEFAULT_PORT = 5432
const MAX_PORT = 65_535

export type TargetSession = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby'
const TARGETS: readonly string[] = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
] satisfies TargetSession[]

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full']
/** What makes a mode check the server, or show it a certificate. */
const SSL_FILES = ['sslrootcert', 'sslcert', 'sslkey']

type Check = (value: string) => string | undefined
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value) ? undefined : `must be one of ${words.join(', ')}`
const readable: Check = (file) => {
  try {
    readFileSync(file)
    return undefined
  } catch (error) {
    return `the file cannot be read (${error instanceof Error && 'code' in error ? error.code : 'unknown'})`
  }
}
const anything: Check = () => undefined

/** The parameters that have an effect, and values of others that ask for nothing. Whatever else libpq knows is refused. */
const PARAMETERS: Readonly<Record<string, Check>> = {
  application_name: anything,
  options: anything,
  connect_timeout: (value) => (/^\d{1,6}$/.test(value) ? undefined : 'must be a number of seconds'),
  target_session_attrs: oneOf(...TARGETS),
  load_balance_hosts: oneOf('disable', 'random'),
  sslmode: (value) =>
    value === 'allow' ? 'allow is not supported: use prefer or require' : oneOf(...SSL_MODES)(value),
  sslrootcert: (value) => (value === 'system' ? undefined : readable(value)),
  sslcert: readable,
  sslkey: readable,
  sslpassword: anything,
  channel_binding: oneOf('disable', 'prefer'),
  gssencmode: oneOf('disable', 'prefer'),
}

/** Parameters that are parts of the address, for what an address cannot spell, such as the folder of a socket. */
const PARTS = ['host', 'port', 'user', 'password', 'dbname'] as const

/** @throws ServerUrlError that names what is wrong, without its value */
export function parseServerUrl(text: string): ServerUrl {
  const match =
    /^postgres(?:ql)?:\/\/(?:([^@/?#:]*)(?::([^@/?#]*))?@)?([^@/?#]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/.exec(
      text,
    )
  if (!match) throw new ServerUrlError(FORM)
  const [, user = '', password = '', hostList = '', database = '', query = ''] = match
  const given = new Map([...new URLSearchParams(query)])
  const part = (name: (typeof PARTS)[number], inAddress: string): string => {
    const value = given.get(name)
    given.delete(name)
    if (value !== undefined && inAddress !== '') throw new ServerUrlError(`${name}: is given twice`)
    return value ?? decode(inAddress)
  }
  const url: ServerUrl = {
    user: part('user', user),
    password: part('password', password),
    database: part('dbname', database),
    hosts: hostList === '' ? hostsOf(given) : hostList.split(',').map(parseHost),
    parameters: Object.fromEntries(given),
  }
  if (given.has('host') || given.has('port'))
    throw new ServerUrlError(`${given.has('host') ? 'host' : 'port'}: is given twice`)
  checkParameters(url)
  return url
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ServerUrlError(FORM)
  }
}

function parseHost(text: string): { host: string; port: number } {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^[\]]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(text) ?? []
  if (bracketed === undefined && plain === '' && text !== '' && !/^:\d*$/.test(text))
    throw new ServerUrlError(FORM)
  return { host: checkHost(bracketed ?? decode(plain)), port: parsePort(port) }
}

/** Of the parameters `host` and `port`: lists, with a port for each host, or one for all. */
function hostsOf(given: Map<string, string>): ServerUrl['hosts'] {
  const hosts = (given.get('host') ?? '').split(',')
  const ports = (given.get('port') ?? '').split(',')
  given.delete('host')
  given.delete('port')
  if (ports.length !== 1 && ports.length !== hosts.length)
    throw new ServerUrlError('port: must be one, or as many as there are hosts')
  return hosts.map((host, nth) => ({ host: checkHost(host), port: parsePort(ports[nth] ?? ports[0]!) }))
}

function checkHost(host: string): string {
  if (host.startsWith('@')) throw new ServerUrlError('host: abstract sockets are not supported')
  if (!host.startsWith('/') && /[\s/@]/.test(host)) throw new ServerUrlError(FORM)
  return host || DEFAULT_HOST
}

function parsePort(text: string): number {
  if (text === '') return DEFAULT_PORT
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
    throw new ServerUrlError('port: must be a number from 1 to 65535')
  return port
}

function checkParameters({ parameters, hosts }: ServerUrl): void {
  for (const [name, value] of Object.entries(parameters)) {
    const check = PARAMETERS[name]
    if (!check)
      throw new ServerUrlError(
        `the parameter ${name.slice(0, 40)} is not supported (supported are ${[...Object.keys(PARAMETERS), ...PARTS].join(', ')}; a setting of the session goes into options, as options=-c%20name%3Dvalue)`,
      )
    const problem = check(value)
    if (problem) throw new ServerUrlError(`${name}: ${problem}`)
  }
  const { sslmode = 'disable', sslrootcert, sslcert, sslkey } = parameters
  const file = SSL_FILES.find((name) => name in parameters)
  const effective = sslrootcert === 'system' ? 'verify-full' : sslmode
  if (file && ['disable', 'prefer'].includes(effective))
    throw new ServerUrlError(`${file}: has an effect only with sslmode=require, verify-ca or verify-full`)
  if (sslrootcert === 'system' && !['disable', 'verify-full'].includes(sslmode))
    throw new ServerUrlError('sslrootcert: system needs sslmode=verify-full')
  if ((sslcert === undefined) !== (sslkey === undefined))
    throw new ServerUrlError(`${sslcert ? 'sslkey' : 'sslcert'}: is missing`)
  if (sslmode === 'verify-full' && hosts.every(({ host }) => host.startsWith('/')))
    throw new ServerUrlError('sslmode: verify-full is not possible over a socket, which has no TLS')
}

/** The address as text: what `parseServerUrl` reads. */
export function formatServerUrl({ user, password, hosts, database, parameters }: ServerUrl): string {
  const login = user && `${encodeURIComponent(user)}${password && `:${encodeURIComponent(password)}`}@`
  const query = Object.entries(parameters).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  )
  const addresses = hosts.map(
    ({ host, port }) => `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}:${port}`,
  )
  return `postgres://${login}${addresses.join(',')}/${encodeURIComponent(database)}${query.length ? `?${query.join('&')}` : ''}`
}

/** The same server and login, another database. */
export const urlOf = (url: string, database: string): string =>
  formatServerUrl({ ...parseServerUrl(url), database })

/** How one host of an address is reached. */
export interface ServerAddress {
  host: string
  port: number
  /** Of a Unix socket, in place of host and port. */
  path: string | undefined
  user: string
  password: string
  database: string
  /** The driver's own words, or what TLS is opened with. */
  ssl: false | 'prefer' | ConnectionOptions
  /** Sent as the session begins. */
  startup: Record<string, string>
  connectTimeoutMs: number | undefined
}

/** Each host of the address, in the order in which they are to be tried, and what kind of server is wanted. */
export function addressesOf(text: string): { addresses: ServerAddress[]; target: TargetSession } {
  const url = parseServerUrl(text)
  const { parameters } = url
  const { application_name, options, connect_timeout, target_session_attrs = 'any' } = parameters
  const hosts = parameters.load_balance_hosts === 'random' ? shuffle(url.hosts) : url.hosts
  const addresses = hosts.map(({ host, port }): ServerAddress => {
    const path = host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : undefined
    return {
      host,
      port,
      path,
      user: url.user,
      password: url.password,
      database: url.database,
      // As with libpq, a socket is never encrypted.
      ssl: path === undefined && sslOf(host, parameters),
      startup: { ...(application_name && { application_name }), ...(options && { options }) },
      // libpq takes 0 for no limit; ours stays then.
      connectTimeoutMs: Number(connect_timeout) * 1000 || undefined,
    }
  })
  return { addresses, target: target_session_attrs as TargetSession }
}

/** The files are read for each connection: a certificate may be renewed while the service runs. */
function sslOf(host: string, parameters: ServerUrl['parameters']): ServerAddress['ssl'] {
  const { sslrootcert, sslcert, sslkey, sslpassword } = parameters
  const mode = sslrootcert === 'system' ? 'verify-full' : (parameters.sslmode ?? 'disable')
  if (mode === 'disable') return false
  if (mode === 'prefer') return 'prefer'
  // libpq: with a root certificate, `require` checks as `verify-ca` does.
  const isChecked = mode !== 'require' || sslrootcert !== undefined
  return {
    // The name that the certificate must have, also where it is an address.
    host,
    rejectUnauthorized: isChecked,
    ...(sslrootcert && {
      ca: sslrootcert === 'system' ? getCACertificates('system') : readFileSync(sslrootcert),
    }),
    ...(sslcert && sslkey && { cert: readFileSync(sslcert), key: readFileSync(sslkey) }),
    ...(sslpassword && { passphrase: sslpassword }),
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  }
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
}
