import {
  type CryptoKey,
  decodeJwt,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { MAX_TOKEN_LENGTH } from './bearer.ts'
import { type Caller, type CallerRole, callerFromClaims, isBearerRole } from './caller.ts'
import type { TokenKeys, TokenSettings } from './development-secret.ts'
import { KeysUnavailable, Unauthenticated, type UnauthenticatedReason } from './errors.ts'
import { type FoundKey, KeySet, type KeySetOptions } from './key-set.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** What Supabase Auth signs with a shared secret. */
export const SECRET_ALGORITHMS: readonly string[] = ['HS256']

/**
 * Asymmetric only: of a key set nothing else is asked. With an HS* algorithm here, anyone could sign tokens with the issuer's
 * *public* key as the shared secret (algorithm confusion, RFC 8725 section 2.1). `EdDSA` and `Ed25519` are the old and the new name
 * (RFC 9864) of one signature.
 */
export const KEY_SET_ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']

/** Three base64url parts. A token without a signature passes here, to be refused for its algorithm. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/

export interface TokenVerifier {
  /**
   * Turns a bearer token into its caller.
   *
   * @throws Unauthenticated with the reason: the token will never do, or no longer.
   * @throws KeysUnavailable when the token could not be judged now.
   */
  verify(token: string): Promise<Caller>
}

export interface VerifierOptions {
  /** Milliseconds of Unix time; tests turn this clock. */
  now?: () => number
  fetchTimeoutMs?: KeySetOptions['fetchTimeoutMs']
  /** The keys of sign-in, in this process; undefined where others make all tokens. */
  signIn?: OwnIssuer | undefined
  /** Told when the key set cannot be fetched, and when it can again. */
  log?: KeySetOptions['log']
}

/** Whoever makes tokens in this process: its keys are asked for without a request. */
export interface OwnIssuer {
  /** `iss` of its tokens, which no other issuer's have. */
  readonly issuer: string
  readonly keys: KeySource
}

export interface KeySource {
  readonly algorithms: readonly string[]
  readonly version: number
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<FoundKey>
}

/** Makes the one verifier of a process: it holds the key set and the memory of verified tokens. */
export function createVerifier(settings: TokenSettings, options: VerifierOptions = {}): TokenVerifier {
  const now = options.now ?? Date.now
  const others: Issuer = {
    source: createKeySource(settings.keys, { ...options, now }),
    issuer: settings.issuer,
  }
  const { signIn } = options
  /** The claim alone chooses, and what it chose has to have signed the token with an algorithm of its own. */
  const issuerOf = (token: string): Issuer =>
    signIn !== undefined && readIssuer(token) === signIn.issuer
      ? { source: signIn.keys, issuer: signIn.issuer }
      : others
  /** Grows with each of the two. */
  const keysVersion = (): number => others.source.version + (signIn?.keys.version ?? 0)
  const verified = new VerifiedTokens()

  return {
    async verify(token) {
      requireCompactToken(token)
      const remembered = verified.find(token, now(), keysVersion())
      if (remembered) return requireUnexpired(remembered, now(), settings.clockToleranceSeconds)
      const verifiedAt = now()
      const { source, issuer } = issuerOf(token)
      const before = keysVersion() - source.version
      const found = await verifySignature(token, { ...settings, issuer }, source, verifiedAt)
      const caller = callerFromClaims(found.claims)
      verified.remember(token, caller, verifiedAt, before + found.keysVersion)
      return caller
    },
  }
}

interface Issuer {
  source: KeySource
  issuer: string | undefined
}

/** Before anything is verified, only to choose who is asked: see `readRole`. */
function readIssuer(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch (error) {
    throw asRefusal(error)
  }
}

const NO_KEYS: KeySource = {
  algorithms: [],
  version: 0,
  find: async () => {
    throw new Unauthenticated('token_key_unknown')
  },
}

function createKeySource(keys: TokenKeys, options: KeySetOptions): KeySource {
  if (keys.kind === 'none') return NO_KEYS
  if (keys.kind === 'secret') return createSecretSource(keys.secret)
  const keySet = new KeySet(keys.url, options)
  const secret = keys.secret === undefined ? undefined : createSecretSource(keys.secret)
  return {
    algorithms: [...KEY_SET_ALGORITHMS, ...(secret?.algorithms ?? [])],
    get version() {
      return keySet.version
    },
    // The algorithm decides alone, and each belongs to one kind of key: a public key never verifies an HS256 token, which anyone
    // could sign with it, and the secret verifies nothing else.
    find: async (header, token) =>
      secret?.algorithms.includes(header.alg ?? '')
        ? { ...(await secret.find(header, token)), version: keySet.version }
        : keySet.find(header, token),
  }
}

/** The key is the text of the secret as it stands, even when it looks like base64: so does Supabase Auth. */
function createSecretSource(secret: string): KeySource {
  const bytes = new TextEncoder().encode(secret)
  const imported = crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  return {
    algorithms: SECRET_ALGORITHMS,
    version: 0,
    find: async () => ({ key: await imported, version: 0 }),
  }
}

function requireCompactToken(token: unknown): asserts token is string {
  if (typeof token !== 'string') throw new Unauthenticated('token_malformed')
  if (token.length > MAX_TOKEN_LENGTH) throw new Unauthenticated('token_too_large')
  if (!COMPACT_JWS.test(token)) throw new Unauthenticated('token_malformed')
}

/** The same rule as jose applies at the first verification, tolerance included. */
function requireUnexpired(caller: Caller, nowMs: number, toleranceSeconds: number): Caller {
  const nowSeconds = Math.floor(nowMs / 1000)
  if (caller.expiresAt === null || caller.expiresAt <= nowSeconds - toleranceSeconds) {
    throw new Unauthenticated('token_expired')
  }
  return caller
}

async function verifySignature(
  token: string,
  settings: TokenSettings,
  source: KeySource,
  nowMs: number,
): Promise<{ claims: JWTPayload; keysVersion: number }> {
  let keysVersion = source.version
  const findKey = async (header: JWSHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> => {
    const found = await source.find(header, jws)
    keysVersion = found.version
    return found.key
  }
  try {
    const { payload } = await jwtVerify(token, findKey, {
      ...claimsExpectedOf(readRole(token), settings),
      algorithms: [...source.algorithms],
      clockTolerance: settings.clockToleranceSeconds,
      currentDate: new Date(nowMs),
    })
    return { claims: payload, keysVersion }
  } catch (error) {
    throw asRefusal(error)
  }
}

/**
 * Reads the role before anything is verified, only to choose which claims to demand: jose then verifies the same bytes,
 * and the caller is made from what it returns. A role that would be refused anyway is refused here, so that someone who
 * tries a service key reads "role" and not "audience missing".
 */
function readRole(token: string): CallerRole {
  const { role } = decodeJwt(token)
  if (!isBearerRole(role)) throw new Unauthenticated('token_role')
  return role
}

/**
 * jose checks of issuer, audience and presence only what it is told to. An anonymous token (Supabase's `anon` key: only
 * `iss: "supabase"`, `role`, `iat`, `exp`) has neither subject nor audience, and gives no more than no token at all.
 */
function claimsExpectedOf(role: CallerRole, { issuer, audience }: TokenSettings): JWTVerifyOptions {
  if (role === 'anon') return { requiredClaims: ['exp'] }
  const always = ['exp', 'sub', 'aud']
  if (issuer === undefined) return { audience, requiredClaims: always }
  return { audience, issuer, requiredClaims: [...always, 'iss'] }
}

const REASON_OF_CLAIM: Readonly<Record<string, UnauthenticatedReason>> = {
  aud: 'token_audience',
  iss: 'token_issuer',
  nbf: 'token_not_yet_valid',
}

/** What is no judgement on the token stays what it is: an error of ours must not sign anybody out. */
function asRefusal(error: unknown): unknown {
  if (error instanceof Unauthenticated || error instanceof KeysUnavailable) return error
  const reason = reasonOf(error)
  return reason === null ? error : new Unauthenticated(reason)
}

function reasonOf(error: unknown): UnauthenticatedReason | null {
  if (error instanceof errors.JWTExpired) return 'token_expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return (error.reason === 'check_failed' ? REASON_OF_CLAIM[error.claim] : undefined) ?? 'token_claims'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token_signature'
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'token_malformed'
  if (error instanceof errors.JOSENotSupported) return 'token_malformed'
  return null
}
