import { hash } from 'node:crypto'
import type { Config } from '../../../config.ts'
import type { Caller } from '../../auth/caller.ts'
import { placeOf } from '../../http/place.ts'
import { Allowance } from './allowance.ts'
import type { HeldFor } from './holdings.ts'
import {
  ADDRESS_DELIVERIES,
  ADDRESS_LARGE_FRAMES,
  ALL_LARGE_FRAMES,
  LARGE_FRAME_BYTES,
  OPENINGS_BURST_SECONDS,
  QUESTIONS_BURST_SECONDS,
} from './limits.ts'

export interface SocketLimits {
  /** In all. */
  sockets: number
  perKey: number
  perAddress: number
  perUser: number
  /** New ones, in all and of one address. */
  perSecond: number
  perSecondPerAddress: number
  /** Joins of one address about which the database is asked. */
  joinsPerSecondPerAddress: number
}

export const limitsOf = (config: Config): SocketLimits => ({
  sockets: config.REALTIME_MAX_SOCKETS,
  perKey: config.REALTIME_MAX_SOCKETS_PER_KEY,
  perAddress: config.REALTIME_MAX_SOCKETS_PER_ADDRESS,
  perUser: config.REALTIME_MAX_SOCKETS_PER_USER,
  perSecond: config.REALTIME_SOCKETS_PER_SECOND,
  perSecondPerAddress: config.REALTIME_SOCKETS_PER_SECOND_PER_ADDRESS,
  joinsPerSecondPerAddress: config.REALTIME_JOINS_PER_SECOND_PER_ADDRESS,
})

/** Where clients come from: sockets of one address share what their place may cost. */
export class Address implements HeldFor {
  sockets = 0
  heldBytes = 0
  readonly openings: Allowance
  /** Joins and messages about which the database is asked. */
  readonly questions: Allowance
  readonly deliveries = new Allowance(ADDRESS_DELIVERIES)
  readonly #largeFrames = new Allowance(ADDRESS_LARGE_FRAMES)
  readonly #allLargeFrames: Allowance

  constructor(
    { perSecondPerAddress, joinsPerSecondPerAddress: perSecond }: SocketLimits,
    allLargeFrames: Allowance,
  ) {
    this.#allLargeFrames = allLargeFrames
    this.openings = openingsOf(perSecondPerAddress)
    this.questions = new Allowance({ perSecond, burst: perSecond * QUESTIONS_BURST_SECONDS })
  }

  /** Small frames are limited by their number: those of a neighbour are not to be refused for somebody's large ones. */
  takeFrame(bytes: number): boolean {
    return bytes < LARGE_FRAME_BYTES || (this.#largeFrames.take(bytes) && this.#allLargeFrames.take(bytes))
  }

  get isIdle(): boolean {
    return (
      this.sockets === 0 &&
      this.openings.isFull &&
      this.questions.isFull &&
      this.deliveries.isFull &&
      this.#largeFrames.isFull
    )
  }
}

const openingsOf = (perSecond: number): Allowance =>
  new Allowance({ perSecond, burst: perSecond * OPENINGS_BURST_SECONDS })

/** Says who gets a socket, and counts those that are open. */
export class Admission {
  readonly limits: SocketLimits
  readonly keys = new Counts()
  readonly users = new Counts()
  sockets = 0
  readonly #openings: Allowance
  readonly #largeFrames = new Allowance(ALL_LARGE_FRAMES)
  readonly #addresses = new Map<string, Address>()

  constructor(limits: SocketLimits) {
    this.limits = limits
    this.#openings = openingsOf(limits.perSecond)
  }

  /** @param ip as Fastify has it, which knows about proxies */
  address(ip: string): Address {
    const key = placeOf(ip)
    const known = this.#addresses.get(key)
    if (known) return known
    const address = new Address(this.limits, this.#largeFrames)
    this.#addresses.set(key, address)
    return address
  }

  /** Before anything is verified. @returns why not now */
  refuseOpening(address: Address): string | undefined {
    // In this order: one address does not use up what there is for all.
    return address.openings.take() && this.#openings.take() ? undefined : 'Too many new connections'
  }

  /** @returns why there is no room */
  refuse(address: Address, caller: Caller, key: string): string | undefined {
    const { sockets, perAddress, perKey, perUser } = this.limits
    if (this.sockets >= sockets) return 'Too many connected users'
    if (address.sockets >= perAddress) return 'Too many connections from this address'
    const [held, most] =
      caller.userId === null ? [this.keys.of(idOf(key)), perKey] : [this.users.of(caller.userId), perUser]
    return held < most ? undefined : 'Too many connections with this key'
  }

  /** Takes a place for a socket, which leaves it when it closes. */
  enter(address: Address, caller: Caller, key: string): Seat {
    const seat = new Seat(this, address, caller.userId === null ? idOf(key) : undefined)
    if (caller.userId !== null) seat.actAs(caller.userId)
    return seat
  }

  /** Forgets addresses of which nothing is open or was lately. */
  sweep(): void {
    for (const [key, address] of this.#addresses) if (address.isIdle) this.#addresses.delete(key)
  }
}

/** The place of one open socket. */
export class Seat {
  readonly address: Address
  readonly #admission: Admission
  /** A user's own key changes with each token: their sockets are counted by who they are. */
  readonly #keyId: string | undefined
  /** The users as which the socket has acted. */
  readonly #users = new Set<string>()
  #hasLeft = false

  constructor(admission: Admission, address: Address, keyId: string | undefined) {
    this.#admission = admission
    this.address = address
    this.#keyId = keyId
    this.#count(1)
  }

  /** Counts the socket among those of a user. @returns false when there are too many */
  actAs(userId: string): boolean {
    if (this.#users.has(userId)) return true
    const { users, limits } = this.#admission
    if (this.#hasLeft || users.of(userId) >= limits.perUser) return false
    this.#users.add(userId)
    users.add(userId, 1)
    return true
  }

  /** Whether the socket has acted as this user. */
  isOf(userId: string): boolean {
    return this.#users.has(userId)
  }

  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#count(-1)
    for (const userId of this.#users) this.#admission.users.add(userId, -1)
  }

  #count(by: 1 | -1): void {
    this.#admission.sockets += by
    this.address.sockets += by
    if (this.#keyId !== undefined) this.#admission.keys.add(this.#keyId, by)
  }
}

class Counts {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string, by: number): void {
    const count = this.of(key) + by
    if (count > 0) this.#counts.set(key, count)
    else this.#counts.delete(key)
  }
}

/** Keys are as long as tokens, and secret to some. */
const idOf = (key: string): string => hash('sha256', key, 'base64url')
