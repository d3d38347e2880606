import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { Unauthenticated } from '../auth/errors.ts'
import type { KeySource } from '../auth/verifier.ts'
import type { SignInDatabase } from './database.ts'

/** What Supabase Auth and most providers sign with today: short signatures, and no shared secret. */
const SIGNING_ALGORITHM = 'ES256'

/** How long a key signs. NIST SP 800-57 allows a private signature key one to three years; one that leaks is of use for this long. */
export const KEY_PERIOD_MS = 90 * 24 * 60 * 60 * 1000

/**
 * How long a key is published after the next one began to sign, on top of the life of a token: clocks of processes differ, and a
 * process looks at the keys only every `KEYS_REREAD_MS`.
 */
export const KEY_MARGIN_MS = 5 * 60 * 1000

/** Keys are made so long before they sign that a copy of this age has them. */
const KEYS_REREAD_MS = 60_000

/** Least time between two looks for a key that is not known: strangers invent their names. */
const KEYS_COOLDOWN_MS = 1_000

const IV_BYTES = 12
const TAG_BYTES = 16

interface Key {
  id: string
  publicJwk: JWK
  publicKey: CryptoKey
  /** Undefined where it was encrypted under another SIGN_IN_SECRET. */
  privateKey: CryptoKey | undefined
  signsFrom: number
}

export interface KeyRingOptions {
  database: SignInDatabase
  secret: string
  /** Of the tokens, in seconds. */
  tokenSeconds: number
  /** Milliseconds of Unix time; tests turn this clock. */
  now?: () => number
  periodMs?: number
}

/**
 * The keys that tokens are signed with. They are in the database, so that each process has the same ones, and so has a restore.
 * There is always one that waits: it is published long before it signs, and whoever has fetched the set meanwhile knows it. Which key
 * signs is decided by the clock alone, so that processes need not agree on a moment.
 */
export class KeyRing implements KeySource {
  readonly algorithms = [SIGNING_ALGORITHM]
  readonly #options: Required<KeyRingOptions>
  readonly #encryptionKey: Buffer
  #keys: readonly Key[] = []
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #version = 0

  constructor(options: KeyRingOptions) {
    this.#options = { now: Date.now, periodMs: KEY_PERIOD_MS, ...options }
    this.#encryptionKey = Buffer.from(hkdfSync('sha256', options.secret, '', 'muster sign-in keys', 32))
  }

  /** Grows when a key is no longer there. */
  get version(): number {
    return this.#version
  }

  /** @throws Unauthenticated for a key that is not published */
  async find({ kid, alg }: { kid?: unknown; alg?: string }): Promise<{ key: CryptoKey; version: number }> {
    if (alg !== SIGNING_ALGORITHM || typeof kid !== 'string') throw new Unauthenticated('token_key_unknown')
    await this.#current()
    let found = this.#published().find(({ id }) => id === kid)
    if (!found && this.#options.now() - this.#readAt > KEYS_COOLDOWN_MS) {
      await this.#read()
      found = this.#published().find(({ id }) => id === kid)
    }
    if (!found) throw new Unauthenticated('token_key_unknown')
    return { key: found.publicKey, version: this.#version }
  }

  async sign(claims: Record<string, unknown>, issuer: string, audience: string): Promise<string> {
    await this.#current()
    const now = this.#options.now()
    const signing = this.#keys.findLast(({ signsFrom, privateKey }) => signsFrom <= now && privateKey)
    if (!signing) throw new Error('sign-in has no key to sign with')
    const seconds = Math.floor(now / 1000)
    return new SignJWT(claims)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: 'JWT', kid: signing.id })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + this.#options.tokenSeconds)
      .sign(signing.privateKey!)
  }

  /** The key set (RFC 7517): the key that signs, the one that waits, and those of which tokens may still be about. */
  async publicKeys(): Promise<{ keys: JWK[] }> {
    await this.#current()
    return { keys: this.#published().map(({ publicJwk }) => publicJwk) }
  }

  #published(): readonly Key[] {
    const oldest = this.#options.now() - this.#options.tokenSeconds * 1000 - KEY_MARGIN_MS
    return this.#keys.filter(
      (_, nth) => (this.#keys[nth + 1]?.signsFrom ?? Number.POSITIVE_INFINITY) > oldest,
    )
  }

  async #current(): Promise<void> {
    const age = this.#options.now() - this.#readAt
    // An age below zero means that the clock was set back.
    if (age >= 0 && age < KEYS_REREAD_MS) return
    try {
      await this.#read()
    } catch (error) {
      // While the database is away, what was read before goes on: the next key was known long ago.
      if (this.#keys.length === 0) throw error
      this.#readAt = this.#options.now() - KEYS_REREAD_MS + KEYS_COOLDOWN_MS
    }
  }

  /** Single-flight. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readNow(): Promise<void> {
    const now = this.#options.now()
    let keys = await this.#load()
    const usable = keys.filter(({ privateKey }) => privateKey)
    const signing = usable.findLast(({ signsFrom }) => signsFrom <= now)
    if (!signing) await this.#make(now)
    if (!usable.some(({ signsFrom }) => signsFrom > now)) {
      await this.#make(Math.max(signing?.signsFrom ?? now, now) + this.#options.periodMs)
    }
    keys = signing && usable.at(-1)!.signsFrom > now ? keys : await this.#load()
    const gone = this.#keys.some(({ id }) => !keys.some((key) => key.id === id))
    this.#keys = keys
    if (gone) this.#version += 1
    this.#readAt = now
  }

  /** In the order in which they sign. */
  async #load(): Promise<Key[]> {
    const rows = await this.#options.database.query<{
      id: string
      public_key: string
      private_key: string
      signs_from: number
    }>(
      `select id, public_key, private_key, (extract(epoch from signs_from) * 1000)::float8 as signs_from
       from sign_in.keys order by sign_in.keys.signs_from`,
    )
    return Promise.all(
      rows.map(async (row) => {
        const known = this.#keys.find(({ id }) => id === row.id)
        if (known) return known
        const publicJwk = JSON.parse(row.public_key) as JWK
        const privateJwk = this.#decrypt(row.id, row.private_key)
        return {
          id: row.id,
          publicJwk,
          publicKey: (await importJWK(publicJwk, SIGNING_ALGORITHM)) as CryptoKey,
          privateKey: privateJwk && ((await importJWK(privateJwk, SIGNING_ALGORITHM)) as CryptoKey),
          signsFrom: Number(row.signs_from),
        }
      }),
    )
  }

  /**
   * Makes the key that signs from then on. Two processes that do it at once make two, of which the later one signs: both are published,
   * so nobody notices.
   */
  async #make(signsFrom: number): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
    const id = randomUUID()
    const named = { kid: id, alg: SIGNING_ALGORITHM, use: 'sig' }
    await this.#options.database.query(
      `insert into sign_in.keys (id, public_key, private_key, signs_from)
       values ($1, $2, $3, to_timestamp($4::float8 / 1000))
       on conflict do nothing`,
      [
        id,
        JSON.stringify({ ...(await exportJWK(publicKey)), ...named }),
        this.#encrypt(id, { ...(await exportJWK(privateKey)), ...named }),
        signsFrom,
      ],
    )
  }

  /** AES-256-GCM; the id is authenticated with it, so that no key can be put in the place of another. */
  #encrypt(id: string, key: JWK): string {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#encryptionKey, iv).setAAD(Buffer.from(id))
    const text = Buffer.concat([cipher.update(JSON.stringify(key), 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')
  }

  #decrypt(id: string, text: string): JWK | undefined {
    const bytes = Buffer.from(text, 'base64url')
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#encryptionKey, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(id))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      const decrypted = Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
        decipher.final(),
      ])
      return JSON.parse(decrypted.toString('utf8')) as JWK
    } catch {
      return undefined
    }
  }
}
