import type { Database, Transaction } from '../../src/platform/db/engine/database.ts'
import { pick } from './random.ts'
import { LOCATIONS, ORGANIZATIONS, PROFESSIONALS } from './world.ts'

interface Written {
  id: string
  status: 'draft' | 'published' | 'assigned' | 'active' | 'cancelled'
}

/** With more, each would hardly change. */
const MOST_AT_ONCE = 8
const MOST_STEPS = 4

/** Locks the guard's row. */
const BOOK = "update shifts set status = 'assigned', professional_id = $2 where id = $1"

/** What may happen to a shift in each state. `gone`: nothing more. */
const STEPS: Record<
  Written['status'],
  readonly (readonly [sql: string, next: Written['status'] | 'gone'])[]
> = {
  draft: [
    ["update shifts set status = 'published' where id = $1", 'published'],
    ["update shifts set title = 'Draft ' || clock_timestamp() where id = $1", 'draft'],
    ['update shifts set deleted_at = now() where id = $1', 'gone'],
    ['delete from shifts where id = $1', 'gone'],
  ],
  published: [
    ["update shifts set title = 'Open ' || clock_timestamp() where id = $1", 'published'],
    ['update shifts set hourly_rate = hourly_rate + 1 where id = $1', 'published'],
    [BOOK, 'assigned'],
    ["update shifts set status = 'cancelled', cancel_reason = 'Rain' where id = $1", 'cancelled'],
    ['update shifts set deleted_at = now() where id = $1', 'gone'],
  ],
  assigned: [
    ["update shifts set title = 'Assigned ' || clock_timestamp() where id = $1", 'assigned'],
    ["update shifts set status = 'published', professional_id = null where id = $1", 'published'],
    ["update shifts set status = 'active' where id = $1", 'active'],
  ],
  active: [
    ["update shifts set title = 'Active ' || clock_timestamp() where id = $1", 'active'],
    ["update shifts set status = 'completed' where id = $1", 'gone'],
  ],
  cancelled: [['update shifts set deleted_at = now() where id = $1', 'gone']],
}

/**
 * Writes shifts at random, as the owner: they come, change, enter and leave the view of one or the other, and go. Several
 * writers touch no shift and no hour in common, and each books one guard only: it may wait for another that books the
 * same one, and never in a circle, which PostgreSQL would end as a deadlock.
 */
export class ShiftWriter {
  readonly #owner: Database
  readonly #random: () => number
  readonly #number: number
  readonly #guard: string
  #shifts: readonly Written[] = []
  #inserted = 0

  /** @param number tells it from the other writers, from 1 to 9 */
  constructor(owner: Database, random: () => number, number: number) {
    this.#owner = owner
    this.#random = random
    this.#number = number
    this.#guard = number % 2 === 0 ? PROFESSIONALS.guard : PROFESSIONALS.otherGuard
  }

  /** One transaction of some steps. Those of a server sometimes stay open for a while, and one in ten is rolled back. */
  async write(): Promise<void> {
    const isTaken = this.#random() < 0.1
    const holdSeconds = this.#owner.kind === 'server' && this.#random() < 0.3 ? this.#random() / 4 : 0
    try {
      this.#shifts = await this.#owner.transaction(async (tx) => {
        let shifts = this.#shifts
        const steps = 1 + Math.floor(this.#random() * MOST_STEPS)
        for (let step = 0; step < steps; step += 1) shifts = await this.#step(tx, shifts)
        if (holdSeconds > 0) await tx.query('select pg_sleep($1)', [holdSeconds])
        if (isTaken) throw new TakenBack()
        return shifts
      })
    } catch (error) {
      if (!(error instanceof TakenBack)) throw error
    }
  }

  async #step(tx: Transaction, shifts: readonly Written[]): Promise<readonly Written[]> {
    if (shifts.length === 0 || (shifts.length < MOST_AT_ONCE && this.#random() < 0.3)) {
      return [...shifts, await this.#insert(tx)]
    }
    const shift = pick(this.#random, shifts)
    const [sql, next] = pick(this.#random, STEPS[shift.status])
    await tx.query(sql, sql === BOOK ? [shift.id, this.#guard] : [shift.id])
    const others = shifts.filter((other) => other !== shift)
    return next === 'gone' ? others : [...others, { ...shift, status: next }]
  }

  async #insert(tx: Transaction): Promise<Written> {
    this.#inserted += 1
    const status = pick(this.#random, ['draft', 'published'] as const)
    // Each in hours of its own, so that no guard is booked twice.
    const startsInHours = 10 * (10 * this.#inserted + this.#number)
    const [company, location] = pick(this.#random, [
      [ORGANIZATIONS.company, LOCATIONS.site],
      [ORGANIZATIONS.company, LOCATIONS.office],
      [ORGANIZATIONS.rival, LOCATIONS.otherClientSite],
    ] as const)
    const [row] = await tx.query<{ id: string }>(
      `insert into shifts (company_id, location_id, status, start_datetime, end_datetime, hourly_rate, title)
       values ($1, $2, $3, now() + $4::float8 * interval '1 hour', now() + $5::float8 * interval '1 hour', 25, 'New')
       returning id`,
      [company, location, status, startsInHours, startsInHours + 8],
    )
    return { id: row!.id, status }
  }
}

class TakenBack extends Error {}
