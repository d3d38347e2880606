import type { Database } from '../../db/engine/database.ts'
import type { RowChange } from '../feed/change-feed.ts'
import type { PublishedTable } from '../feed/published-table.ts'
import type { RowImage } from '../row-image.ts'
import type { Subscriber } from './change-router.ts'
import { userOf } from './subscriptions.ts'
import { askUntilAnswered, PATIENCE } from './visibility.ts'

/**
 * Who sees a change, of tables with a declared audience (`muster.audience_of_<table>`, supabase/schemas/platform/audience.sql): one question per
 * batch says which groups of callers see each row as its change left it, and subscribers are found by their groups.
 *
 * So a change costs the same for ten subscribers and ten thousand; nothing is computed for one who may not see it; and what
 * is sent was visible to whom it is sent, also when the row has another state by the time it is looked for.
 *
 * The groups of subscribers are remembered. With each question the database says, in the same snapshot, whose may have changed:
 * those are read again before anybody is told. Rights that were taken away before a change are gone when it is told.
 */

/** Subscribers whose groups are read with one statement. */
const MAX_CALLERS_PER_CALL = 1_000
/** The database keeps changes of groups for a day; after a longer pause all groups are reloaded. */
const MAX_PAUSE_MS = 3_600_000
/** Keys, states and times, by which the groups are found, are shorter as JSON; the large values of a row need not travel. */
const MAX_VALUE_LENGTH = 100

export interface Look {
  /** The groups that see the row; undefined for one that is gone. */
  groups: readonly string[] | undefined
  /** Values that the change did not bring, where the row is otherwise still as the change left it. */
  filled: RowImage | undefined
}

interface Answer {
  changes: ({ audience: string[]; filled: Record<string, string> | null } | null)[]
  changed: string[] | null
  next: string
}

export class Audiences {
  readonly #database: Database
  readonly #groups = new Map<Subscriber, readonly string[]>()
  readonly #members = new Map<string, Set<Subscriber>>()
  /** The user of each subscriber. */
  readonly #users = new Map<Subscriber, string>()
  /** The other way round: a user may have several tokens. */
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  /** Whose groups have to be read before anybody is told. */
  readonly #unread = new Set<Subscriber>()
  /** Transactions before it were seen by the last question. */
  #since: string | null = null
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(database: Database) {
    this.#database = database
  }

  /** From the first subscription with these claims to the last. */
  add(subscriber: Subscriber): void {
    const user = userOf(subscriber)
    if (user === undefined) return
    this.#users.set(subscriber, user)
    const known = this.#subscribers.get(user) ?? new Set()
    this.#subscribers.set(user, known.add(subscriber))
    this.#unread.add(subscriber)
  }

  remove(subscriber: Subscriber): void {
    const user = this.#users.get(subscriber)
    if (user === undefined) return
    this.#users.delete(subscriber)
    this.#unread.delete(subscriber)
    this.#setGroups(subscriber, [])
    const known = this.#subscribers.get(user)
    known?.delete(subscriber)
    if (known?.size === 0) this.#subscribers.delete(user)
  }

  /** The subscribers that belong to one of the groups, as of the last `look`. */
  membersOf(groups: readonly string[]): Set<Subscriber> {
    const members = new Set<Subscriber>()
    for (const group of groups) for (const member of this.#members.get(group) ?? []) members.add(member)
    return members
  }

  /**
   * Who sees each change, in a snapshot that sees the transactions `xids`; the groups of subscribers are as of then, or later.
   * Undefined once `dropped` aborts.
   *
   * @throws what the database says, except that it cannot be reached: then it is asked again until `dropped`.
   */
  async look(
    changes: readonly { change: RowChange; table: PublishedTable }[],
    xids: readonly number[],
    dropped: AbortSignal,
  ): Promise<Look[] | undefined> {
    if (performance.now() - this.#askedAt > MAX_PAUSE_MS) this.forgetGroups()
    const questions = changes.map(({ change, table }) => questionText(change, table)).join(',')
    const answer = await askUntilAnswered(dropped, async () => {
      const [row] = await this.#database.query<{ answer: string | null }>(
        'select muster.change_audiences($1::text::jsonb, $2::bigint[], $3::interval, $4::text::xid8)::text as answer',
        [`[${questions}]`, `{${xids.join(',')}}`, PATIENCE, this.#since],
      )
      return row?.answer ? (JSON.parse(row.answer) as Answer) : undefined
    })
    if (!answer) return undefined
    for (const user of answer.changed ?? []) {
      for (const subscriber of this.#subscribers.get(user) ?? []) this.#unread.add(subscriber)
    }
    if (!(await this.#readGroups(dropped))) return undefined
    this.#since = answer.next
    this.#askedAt = performance.now()
    return answer.changes.map((change) => ({
      groups: change?.audience,
      filled: change?.filled ? Object.assign(Object.create(null), change.filled) : undefined,
    }))
  }

  /** False once `dropped` aborts: whose groups were not read stay unread. */
  async #readGroups(dropped: AbortSignal): Promise<boolean> {
    while (this.#unread.size > 0) {
      const part = [...this.#unread].slice(0, MAX_CALLERS_PER_CALL)
      const users = [...new Set(part.map((subscriber) => this.#users.get(subscriber)!))]
      const rows = await askUntilAnswered(dropped, () =>
        this.#database.query<{ caller: string; audience: string }>(
          'select caller::text, to_json(audience)::text as audience from muster.audiences_of($1::uuid[])',
          [`{${users.join(',')}}`],
        ),
      )
      if (!rows || dropped.aborted) return false
      const byUser = new Map(rows.map(({ caller, audience }) => [caller, JSON.parse(audience) as string[]]))
      for (const subscriber of part) {
        // One that was removed meanwhile is nobody's.
        if (!this.#unread.delete(subscriber)) continue
        this.#setGroups(subscriber, byUser.get(this.#users.get(subscriber)!) ?? [])
      }
    }
    return !dropped.aborted
  }

  #setGroups(subscriber: Subscriber, groups: readonly string[]): void {
    for (const group of this.#groups.get(subscriber) ?? []) {
      const members = this.#members.get(group)
      members?.delete(subscriber)
      if (members?.size === 0) this.#members.delete(group)
    }
    if (groups.length === 0) this.#groups.delete(subscriber)
    else this.#groups.set(subscriber, groups)
    for (const group of groups) {
      const members = this.#members.get(group) ?? new Set()
      this.#members.set(group, members.add(subscriber))
    }
  }

  /**
   * The groups of all subscribers are read again before anybody is told. After a failover the ids of transactions that the old
   * primary took with it are used anew, so `since` would hide changes.
   */
  forgetGroups(): void {
    this.#since = null
    for (const subscriber of this.#users.keys()) this.#unread.add(subscriber)
  }
}

function questionText({ record = {} }: RowChange, { name, columns }: PublishedTable): string {
  const lacks = columns.filter((column) => record[column.name] === undefined).map((column) => column.name)
  const members = columns.flatMap((column) => {
    const json = record[column.name]
    // All of them, where the row is to be compared.
    if (json === undefined || (lacks.length === 0 && json.length > MAX_VALUE_LENGTH)) return []
    return [`${JSON.stringify(column.name)}:${json}`]
  })
  const missing = lacks.length > 0 ? `,"lacks":${JSON.stringify(lacks)}` : ''
  return `{"relation":${JSON.stringify(name)},"image":{${members.join(',')}}${missing}}`
}
