import { setTimeout as sleep } from 'node:timers/promises'
import { Tally } from '../metric.ts'
import type { Streak } from '../streak.ts'
import type { MailKind } from './mail.ts'
import type { Letter } from './texts.ts'

/** A mail on its way. `to` and the letter are people's data: they go to the SMTP server and nowhere else. */
export interface OutgoingMail {
  readonly kind: MailKind
  readonly to: string
  readonly letter: Letter
}

/**
 * Hands a mail to whoever delivers it.
 *
 * @throws DeliveryFailure
 */
export type Deliver = (mail: OutgoingMail) => Promise<void>

/** Without the message of the SMTP server or of its client: they quote the address. */
export class DeliveryFailure extends Error {
  override name = 'DeliveryFailure'
  /** `EENVELOPE 550` */
  readonly reason: string
  /** The server will never take this mail: its address does not exist, or the server refuses its content. */
  readonly isFinal: boolean

  constructor(reason: string, isFinal: boolean) {
    super(`The mail was not delivered: ${reason}`)
    this.reason = reason
    this.isFinal = isFinal
  }
}

/** As many mails wait at most: 20 MB at 20 kB each, and what 100 guesses a second queue in 10 s. Further ones are dropped and counted. */
export const MAX_WAITING = 1_000
/** SMTP servers take several at once; more connections than this many of them refuse. */
const AT_ONCE = 3
/**
 * The pauses before a mail is tried again. A restart of the SMTP server takes seconds, greylisting (RFC 6647) asks for minutes; a
 * link of 15 minutes is of no use after the last one.
 */
const RETRY_AFTER_MS = [1_000, 5_000, 30_000, 120_000, 300_000]

export const mails = new Tally('muster_mails_total', 'Mails by what became of them.', 'result', [
  'delivered',
  'retried',
  'failed',
  'dropped',
])

export interface DeliveryOptions {
  deliver: Deliver
  streak: Streak
  log: { warn(data: object, message: string): void; error(data: object, message: string): void }
  retryAfterMs?: readonly number[]
}

export interface Delivery {
  /** Takes a mail at once: how long a request takes does not tell whether there was one. Never throws. */
  add(mail: OutgoingMail): void
  /** How many mails are not delivered yet. */
  readonly waiting: number
  /** Delivers what waits until the deadline; what is left is counted in a log line, and lost. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Mails of this process, in memory: a link or code that a killed process did not send is asked for again by the person who waits for
 * it, and an invitation that nobody accepted can be sent again by whoever made it. Codes and links are nowhere on disk.
 */
export function openDelivery({
  deliver,
  streak,
  log,
  retryAfterMs = RETRY_AFTER_MS,
}: DeliveryOptions): Delivery {
  const ready: { mail: OutgoingMail; attempts: number }[] = []
  const stopping = new AbortController()
  let waiting = 0
  let busy = 0
  let wake = Promise.withResolvers<void>()

  function push(mail: OutgoingMail, attempts: number): void {
    ready.push({ mail, attempts })
    // Not in this turn: the request that queued it goes on first.
    setImmediate(work)
  }

  function done(): void {
    waiting -= 1
    if (waiting > 0) return
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }

  async function tryOnce(mail: OutgoingMail, attempts: number): Promise<void> {
    try {
      await deliver(mail)
      mails.add('delivered')
      streak.succeed()
      done()
    } catch (error) {
      const failure = error instanceof DeliveryFailure ? error : new DeliveryFailure('internal', false)
      const pauseMs = retryAfterMs[attempts - 1]
      if (!failure.isFinal) streak.fail(failure.reason)
      if (failure.isFinal || pauseMs === undefined || stopping.signal.aborted) {
        mails.add('failed')
        log.error(
          { kind: mail.kind, reason: failure.reason, attempts },
          'mail: not delivered, and not tried again',
        )
        done()
        return
      }
      mails.add('retried')
      void sleep(pauseMs, undefined, { ref: false, signal: stopping.signal })
        .catch(() => {})
        .then(() => push(mail, attempts + 1))
    }
  }

  function work(): void {
    while (busy < AT_ONCE) {
      const next = ready.shift()
      if (!next) return
      busy += 1
      void tryOnce(next.mail, next.attempts).finally(() => {
        busy -= 1
        work()
      })
    }
  }

  return {
    get waiting() {
      return waiting
    },
    add(mail) {
      if (waiting >= MAX_WAITING || stopping.signal.aborted) {
        mails.add('dropped')
        log.error(
          { kind: mail.kind, waiting },
          'mail: dropped, because too many mails wait for the SMTP server',
        )
        return
      }
      waiting += 1
      push(mail, 1)
    },
    async stop(deadlineMs) {
      // What waits for another attempt gets it now, the last one.
      stopping.abort()
      if (waiting > 0) await Promise.race([wake.promise, sleep(deadlineMs, undefined, { ref: false })])
      if (waiting > 0)
        log.warn({ waiting }, 'mail: the process ends before all mails were delivered; they are lost')
    },
  }
}
