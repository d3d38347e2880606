import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigError, hasSignIn } from '../../config.ts'
import { FolderUnusable, preparePrivateFolder } from '../private-folder.ts'

/** 256 bits, the least that RFC 7518 section 3.2 allows for HS256. */
const SECRET_BYTES = 32

/** What `SECRET_BYTES` look like in base64url. */
const SECRET_TEXT = /^[\w-]{43}$/

/** What `npm run token` signs with, and what sign-in's own keys are encrypted with. */
const TOKEN_SECRET = { file: 'jwt-secret', setting: 'JWT_SECRET' }
const SIGN_IN_SECRET = { file: 'sign-in-secret', setting: 'SIGN_IN_SECRET' }
type KeptSecret = typeof TOKEN_SECRET

/** Only its owner may read the secret: with it anyone can be anybody. */
const PRIVATE_FILE = 0o600
const OTHERS = 0o077

export type TokenKeys =
  /** Only sign-in makes tokens. */
  | { kind: 'none' }
  | { kind: 'secret'; secret: string }
  | {
      kind: 'jwks'
      url: URL
      /** For HS256 tokens beside those of the key set: an issuer that moves from one to the other has both. */
      secret?: string
    }

/** How tokens are verified: by what keys, and which claims they must have. */
export interface TokenSettings {
  keys: TokenKeys
  /** Undefined: any issuer whose signature holds. */
  issuer: string | undefined
  audience: string
  clockToleranceSeconds: number
}

export type TokenConfig = Pick<
  Config,
  | 'NODE_ENV'
  | 'DATA_DIR'
  | 'SIGN_IN'
  | 'SIGN_IN_SECRET'
  | 'JWT_SECRET'
  | 'JWKS_URL'
  | 'JWT_ISSUER'
  | 'JWT_AUDIENCE'
  | 'JWT_CLOCK_TOLERANCE_SECONDS'
>

/**
 * Decides how tokens are verified. Outside production, with neither `JWT_SECRET` nor `JWKS_URL`, a secret is made once
 * and kept in `DATA_DIR`, so that a fresh checkout starts and its tokens survive a restart.
 *
 * @throws ConfigError in production without either (a secret made there would differ from process to process, and
 *         from the issuer's), or when the kept secret cannot be used.
 */
export async function resolveTokenSettings(config: TokenConfig): Promise<TokenSettings> {
  return {
    keys: await resolveKeys(config),
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    clockToleranceSeconds: config.JWT_CLOCK_TOLERANCE_SECONDS,
  }
}

async function resolveKeys(config: TokenConfig): Promise<TokenKeys> {
  if (config.JWKS_URL !== undefined) {
    const url = readKeySetUrl(config.JWKS_URL)
    return config.JWT_SECRET === undefined
      ? { kind: 'jwks', url }
      : { kind: 'jwks', url, secret: config.JWT_SECRET }
  }
  if (config.JWT_SECRET !== undefined) {
    return { kind: 'secret', secret: config.JWT_SECRET }
  }
  if (!isDeveloped(config)) {
    if (hasSignIn(config) && config.SIGN_IN_SECRET !== undefined) return { kind: 'none' }
    throw new ConfigError(
      'Set JWT_SECRET (the secret that tokens are signed with) or JWKS_URL (where their issuer publishes its keys), or SIGN_IN_SECRET, for the service to let people in itself: ' +
        'the service generates a secret only in development and test.',
    )
  }
  return { kind: 'secret', secret: await readOrMakeSecret(config.DATA_DIR, TOKEN_SECRET) }
}

const isDeveloped = ({ NODE_ENV }: TokenConfig): boolean => NODE_ENV === 'development' || NODE_ENV === 'test'

/**
 * The secret of sign-in: cookies are signed with it, and keys and authenticator secrets encrypted. Outside production it is made once
 * and kept in `DATA_DIR`.
 *
 * @throws ConfigError in production without one, or when the kept one cannot be used.
 */
export async function resolveSignInSecret(config: TokenConfig): Promise<string> {
  if (config.SIGN_IN_SECRET !== undefined) return config.SIGN_IN_SECRET
  if (!isDeveloped(config)) {
    throw new ConfigError(
      'Set SIGN_IN_SECRET to a random text of at least 32 characters, the same in each process, or SIGN_IN=false where others make the tokens.',
    )
  }
  return readOrMakeSecret(config.DATA_DIR, SIGN_IN_SECRET)
}

/** `fetch` refuses a URL with credentials: detect it at the start, not at the first request. */
function readKeySetUrl(text: string): URL {
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError('JWKS_URL must not contain a user name or password.')
  }
  return url
}

async function readOrMakeSecret(dataDir: string, { file, setting }: KeptSecret): Promise<string> {
  const path = join(dataDir, file)
  try {
    await preparePrivateFolder(dataDir)
    const kept = await readSecret(path)
    if (kept !== null) return kept
    await makeSecret(path)
    return await requireSecret(path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    if (error instanceof FolderUnusable) throw new ConfigError(`${error.message} Or set ${setting}.`)
    throw new ConfigError(
      `The development secret cannot be stored in ${path} (${codeOf(error)}): set ${setting}.`,
    )
  }
}

/**
 * Creates the file whole, or leaves the one that is there. The text is written beside it first and then linked:
 * `link` fails when the name is taken, so of two processes that start at once one wins and both read the winner's,
 * and no reader meets a file that is still empty (as after `open` with `wx`) or replaced later (as with `rename`).
 */
async function makeSecret(path: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  try {
    await writeFile(draft, `${secret}\n`, { mode: PRIVATE_FILE, flag: 'wx', flush: true })
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function requireSecret(path: string): Promise<string> {
  const secret = await readSecret(path)
  if (secret === null)
    throw new ConfigError(`The development secret ${path} was deleted during the start: start again.`)
  return secret
}

/** @returns null when there is no such file. */
async function readSecret(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const secret = text.trim()
  if (!SECRET_TEXT.test(secret)) {
    throw new ConfigError(
      `${path} does not hold a valid development secret: delete the file, and the next start generates a new one.`,
    )
  }
  await makePrivate(path)
  return secret
}

/** A copied or unpacked folder often comes with wider permissions. */
async function makePrivate(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & OTHERS) !== 0) await chmod(path, PRIVATE_FILE)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
