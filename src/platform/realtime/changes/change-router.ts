import type { CallerRole } from '../../auth/caller.ts'
import type { FeedHealth } from '../feed/change-feed.ts'
import type { ChangeRequest } from '../protocol/join.ts'

/**
 * From a commit to "deliver this to these subscriptions": the seam between the sockets and the database.
 *
 * A channel registers each of its bindings as a subscription. Per change and view (a role and a selection of columns)
 * the router calls the channel once, with all of its matching ids: one call is one `postgres_changes` frame.
 */

/** Whose rights decide. Subscribers with the same role and claims are checked once for all of them. */
export interface Subscriber {
  readonly role: CallerRole
  /** The claims as JSON text (`serializeClaims`), set as `request.jwt.claims` for the check. */
  readonly claims: string
}

/**
 * Where events go. Its identity is what matches are merged by: all bindings of one channel pass the same object.
 *
 * `deliver` is called synchronously, in commit order, never for a subscription that was unsubscribed. Bindings with
 * different selections of columns get calls of their own, because their data differ. `data` is the JSON text of the
 * frame's `data` member (see `changePayload`), the same string for every channel that gets the view. It must not
 * block; what it throws is logged and costs nobody else the event.
 */
export interface ChangeChannel {
  deliver(ids: readonly number[], data: string): void
  /** Changes for this channel were lost: its client must resync. */
  gap?(): void
}

export interface ChangeSubscription {
  channel: ChangeChannel
  /** Whose channels share the budgets of filters (`budgets.ts`); default: the channel by itself. */
  socket?: object
  /** The binding's id in its channel, from 1 (`Binding.id`). */
  id: number
  subscriber: Subscriber
  request: ChangeRequest
}

export interface ActiveSubscription {
  /** Nothing is delivered after it returns, also of changes that are being checked. Calling it again is harmless. */
  unsubscribe(): void
  /**
   * Goes on with other claims. Once resolved, nothing is delivered that only the former claims could see, and nothing is
   * lost in between.
   *
   * @throws SubscriptionRefused when the new role may not subscribe so: the subscription has ended then.
   */
  updateSubscriber(subscriber: Subscriber): Promise<void>
}

/** The message is the text of the `system` error for the client. */
export class SubscriptionRefused extends Error {
  override name = 'SubscriptionRefused'
  /** Whether the same request may be granted a moment later. */
  readonly isTemporary: boolean
  constructor(message: string, isTemporary = false) {
    super(message)
    this.isTemporary = isTemporary
  }
}

export interface RouterHealth {
  /** The feed's health; null while nothing is running. */
  feed: FeedHealth | null
  subscriptions: number
  /** Distinct (role, claims) among them. */
  subscribers: number
  /** Visibility checks made since `start`: one per row and distinct subscriber. */
  checks: number
  /** Checks that failed with an error, in a policy of the subscriber: the row counted as not visible. */
  failedChecks: number
  /** Events handed to channels since `start`. */
  delivered: number
  /** From the commit of the last change that was routed until then, by the clocks of server and service; null before the first. */
  lagMs: number | null
}

export interface ChangeRouter {
  /**
   * Resolves once commits from now on are delivered (or a gap is announced). While the feed is away it waits for it.
   *
   * @throws SubscriptionRefused for an unknown table, column or filter, a table that is not published, or a feed that
   *         does not come back in time.
   */
  subscribe(subscription: ChangeSubscription): Promise<ActiveSubscription>
  /**
   * Continuity was lost: changes may be missing, and everybody who keeps rows must read them anew. Told when it is
   * lost, before anything later is delivered; a `subscribe` made then resolves when changes flow again. Subscriptions
   * stay registered.
   *
   * @returns the removal of the listener.
   */
  onGap(listener: (reason: string) => void): () => void
  readonly health: RouterHealth
  /** Resolves after the first attempt to reach the changes; it goes on trying in the background. */
  start(): Promise<void>
  /** Resolves when nothing is delivered any more and the database is released. */
  stop(): Promise<void>
}
