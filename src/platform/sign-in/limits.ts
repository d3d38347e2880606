import { createHmac, hash } from 'node:crypto'
import { placeOf } from '../http/place.ts'
import { Problem } from '../http/problem.ts'
import { signInsSeen } from './outcomes.ts'

/*
 * How often somebody may try. What is counted are failures: whoever gets in is not counted.
 *
 * - Of one address (of mail), so that nobody guesses the password of one person from many networks. Its owner must not be locked out by
 *   that, so a browser or app in which they signed in before (a cookie says so) has a count of its own; and whoever comes on a new device
 *   while somebody guesses has a link, a code or a passkey.
 * - Of one network (an IPv4 address, a /64 of IPv6), so that nobody tries one password with many addresses.
 * - In all, so that a botnet cannot keep the hashes busy: those who are known go on.
 *
 * They are counted in each process. With n of them behind a balancer an attacker has n times as many tries, which is still none.
 */

const WINDOW_MS = 15 * 60 * 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** NIST SP 800-63B-4, section 3.2.2, allows 100 in a row; a person gives up after a few. */
const PASSWORDS_PER_ADDRESS = 10
const PASSWORDS_PER_KNOWN_DEVICE = 20
/** An office of 300 people behind one address, of whom every third mistypes. */
const PASSWORDS_PER_NETWORK = 100
/** Two a second. */
const PASSWORDS_IN_ALL = 2_000

/** A person asks again when a mail is slow; a mailbox must not be filled by strangers. */
const MAILS_PER_ADDRESS = 5
const MAILS_PER_NETWORK = 30
/** Mail servers stop taking mail of a sender that is much quicker. */
const MAILS_IN_ALL = 1_000

/** Wrong codes of mails and authenticator apps: one in 50,000 is right by chance. */
const CODES_PER_ADDRESS = 20
/** The 100 of NIST SP 800-63B-4, section 3.2.2: of 27 addresses that somebody guesses at for a year, one code is right. */
const CODES_PER_ADDRESS_A_DAY = 100
/** Mails of invitations: one that was lost, and another one with the right role; and a firm that invites its people. */
const INVITATION_MAILS_PER_ADDRESS = 3
const INVITATION_MAILS_PER_CALLER = 200
/** Invitations are looked at a few times; their codes have 122 bits. */
const INVITATIONS_PER_NETWORK = 60

/** Keys remembered at once, some 150 bytes each. The oldest go first: whoever has a million networks has as many tries anyway. */
const MAX_KEYS = 100_000

/** Counts by key in windows that begin with the first event. */
class Counts {
  readonly #most: number
  readonly #windowMs: number
  readonly #now: () => number
  /** In the order in which they began: a window that ended is at the front. */
  readonly #windows = new Map<string, { count: number; endsAt: number }>()

  constructor(most: number, now: () => number, windowMs = WINDOW_MS) {
    this.#most = most
    this.#windowMs = windowMs
    this.#now = now
  }

  /** @returns how long to wait, in milliseconds; 0 when it may go on */
  wait(key: string): number {
    const found = this.#windows.get(key)
    if (!found || found.count < this.#most) return 0
    return Math.max(0, found.endsAt - this.#now())
  }

  add(key: string, by = 1): void {
    const now = this.#now()
    const found = this.#windows.get(key)
    if (found && found.endsAt > now) {
      found.count = Math.max(0, found.count + by)
      return
    }
    if (by < 0) return
    this.#windows.delete(key)
    this.#windows.set(key, { count: by, endsAt: now + this.#windowMs })
    for (const [oldest, { endsAt }] of this.#windows) {
      if (endsAt > now && this.#windows.size <= MAX_KEYS) break
      this.#windows.delete(oldest)
    }
  }
}

const IN_ALL = ''

export interface Attempt {
  /** It succeeded, so it does not count. */
  succeeded(): void
}

export interface Limits {
  /** Before a password is hashed. @throws Problem `rate_limited` */
  password(email: string, from: From): Attempt
  /** Before a mail is queued. @throws Problem `rate_limited` */
  mail(email: string, from: From): void
  /** Before an invitation is mailed. @throws Problem `rate_limited` */
  invitationMail(email: string, caller: string): void
  /** Before a code is compared. @param whose the address or the user; undefined where what is compared is no guess of a few digits */
  code(whose: string | undefined, from: From): Attempt
  /** Before an invitation is looked for. */
  invitation(from: From): Attempt
  /** What a browser or app in which this person signed in shows later. */
  deviceMark(email: string): string
}

export interface From {
  ip: string
  /** Of the cookie; undefined without one. */
  device: string | undefined
}

export function openLimits(secret: string, now: () => number): Limits {
  const counts = (most: number): Counts => new Counts(most, now)
  const passwords = {
    address: counts(PASSWORDS_PER_ADDRESS),
    device: counts(PASSWORDS_PER_KNOWN_DEVICE),
    network: counts(PASSWORDS_PER_NETWORK),
    all: counts(PASSWORDS_IN_ALL),
  }
  const mails = {
    address: counts(MAILS_PER_ADDRESS),
    device: counts(MAILS_PER_ADDRESS),
    network: counts(MAILS_PER_NETWORK),
    all: counts(MAILS_IN_ALL),
  }
  const codes = {
    address: counts(CODES_PER_ADDRESS),
    day: new Counts(CODES_PER_ADDRESS_A_DAY, now, DAY_MS),
    network: counts(PASSWORDS_PER_NETWORK),
  }
  const invitationMails = {
    address: counts(INVITATION_MAILS_PER_ADDRESS),
    caller: counts(INVITATION_MAILS_PER_CALLER),
  }
  const invitations = counts(INVITATIONS_PER_NETWORK)

  /** Addresses are not kept in memory as they are. */
  const keyOf = (email: string): string => hash('sha256', email.toLowerCase(), 'base64url')
  const deviceMark = (email: string): string =>
    createHmac('sha256', secret).update(`device ${email.toLowerCase()}`).digest('base64url')

  /** Counts first, and takes it back when it succeeded: many at once would all be let pass otherwise. */
  function take(wanted: readonly [counts: Counts, key: string][]): Attempt {
    const waitMs = Math.max(...wanted.map(([one, key]) => one.wait(key)))
    if (waitMs > 0) {
      signInsSeen.add('limited')
      throw new Problem('rate_limited', { retryAfterSeconds: Math.ceil(waitMs / 1000) })
    }
    for (const [one, key] of wanted) one.add(key)
    return {
      succeeded() {
        for (const [one, key] of wanted) one.add(key, -1)
      },
    }
  }

  /** Whoever is known counts apart from strangers, also from those who fill up their network or all there is. */
  const ofPerson = (
    { address, device, network, all }: typeof passwords,
    email: string,
    from: From,
  ): [Counts, string][] =>
    from.device !== undefined && from.device === deviceMark(email)
      ? [[device, keyOf(email)]]
      : [
          [address, keyOf(email)],
          [network, placeOf(from.ip)],
          [all, IN_ALL],
        ]

  return {
    password: (email, from) => take(ofPerson(passwords, email, from)),
    mail: (email, from) => {
      take(ofPerson(mails, email, from))
    },
    code: (whose, { ip }) => {
      const key = whose === undefined ? undefined : keyOf(whose)
      return take([
        ...(key === undefined
          ? []
          : ([
              [codes.address, key],
              [codes.day, key],
            ] as [Counts, string][])),
        [codes.network, placeOf(ip)],
      ])
    },
    invitationMail: (email, caller) => {
      take([
        [invitationMails.address, keyOf(email)],
        [invitationMails.caller, caller],
      ])
    },
    invitation: ({ ip }) => take([[invitations, placeOf(ip)]]),
    deviceMark,
  }
}
